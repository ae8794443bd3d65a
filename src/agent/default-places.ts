/** Where the configuration and the state lie when nobody says: apart from the reading of the configuration, which most commands do not need. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The file that is read when none is named: $MOAT_CONFIG, else /etc/moat/moat.yml for root, else below the user's own configuration. */
export function defaultConfigPath(): string {
  if (process.env['MOAT_CONFIG']) return process.env['MOAT_CONFIG'];
  if (process.getuid?.() === 0) return '/etc/moat/moat.yml';
  return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'moat/moat.yml');
}

/** Where state is kept when nothing else is said: $MOAT_DATA, else /var/lib/moat for root, else below the user's own state. */
export function defaultDataFolder(): string {
  if (process.env['MOAT_DATA']) return process.env['MOAT_DATA'];
  if (process.getuid?.() === 0) return '/var/lib/moat';
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'moat');
}
