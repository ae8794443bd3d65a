/** Where remote servers are kept: apart from what reads them, which most commands do not need. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export const remotesPath = (): string => join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'moat/remotes.json');
