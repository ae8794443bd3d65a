/** What services say of their own configuration, each by its own check, over files that it cannot change. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { saidBy } from '../../core/error.ts';
import type { ServiceCheck } from '../../core/recovery.ts';
import type { Text } from '../../core/text.ts';
import type { Run } from '../run.ts';
import { runLayered } from './layered.ts';

export interface ConfigurationOptions { run: Run; scratch: string; /** Only these ids; all that are installed when undefined. */ only?: readonly string[] }

interface Candidate { id: string; name: string; program: string; args: readonly string[]; /** A good answer has exit code 0, and none of these words. */ bad?: RegExp }

const saidMax = 600;
const unitsMax = 200;
const tablesMax = 100;
const parses: Text = { zh: '只证明配置能被程序读懂，不证明服务能正常工作，也不证明配置没有被人改坏', en: 'proves that the program understands its settings; not that the service works, nor that nobody changed them for the worse' };

/** One for each service whose program is installed. Never rejects; what could not be looked at is `unknown`. */
export async function checkConfigurations({ run, scratch, only }: ConfigurationOptions): Promise<ServiceCheck[]> {
  const found: ServiceCheck[] = [];
  for (const { id, name, program, args, bad } of candidates()) {
    if (only !== undefined && !only.includes(id)) continue;
    const base = { id, name, command: [program, ...args], proves: parses };
    try {
      const { code, stdout, stderr } = await runLayered(program, args, { run, scratch });
      const said = `${stderr}\n${stdout}`.trim();
      const isBad = code !== 0 || bad?.test(said) === true;
      const shown = tail(said);
      found.push({ ...base, state: isBad ? 'bad' : 'ok', said: isBad ? { zh: `退出码 ${code}：${shown}`, en: `exit code ${code}: ${shown}` } : { zh: '通过', en: 'passed' } });
    } catch (error) { found.push({ ...base, state: 'unknown', said: saidBy(error) }); }
  }
  return found;
}

const tail = (text: string): string => text.split('\n').slice(-5).join(' | ').slice(-saidMax);

function* candidates(): Iterable<Candidate> {
  for (const sshd of first('/usr/sbin/sshd')) yield { id: 'sshd', name: 'sshd', program: sshd, args: ['-t'] };
  for (const nginx of first('/usr/sbin/nginx', '/usr/local/nginx/sbin/nginx', '/www/server/nginx/sbin/nginx')) yield { id: 'nginx', name: 'nginx', program: nginx, args: ['-t', '-q'] };
  for (const apache of first('/usr/sbin/apache2ctl', '/usr/sbin/apachectl')) yield { id: 'apache', name: 'Apache', program: apache, args: ['-t'] };
  for (const name of listed('/usr/sbin').filter((one) => /^php-fpm[\d.]*$/.test(one))) yield { id: name, name, program: `/usr/sbin/${name}`, args: ['-t'] };
  // It ends before it opens a table; MariaDB has no check of its own, so its help, which reads all settings, stands in.
  const [mariadb] = first('/usr/sbin/mariadbd'), [mysqld] = first('/usr/sbin/mysqld');
  if (mariadb !== undefined) yield { id: 'mariadb', name: 'MariaDB', program: mariadb, args: ['--user=mysql', '--help', '--verbose'], bad: /\[ERROR\]/ };
  else if (mysqld !== undefined) yield { id: 'mysql', name: 'MySQL', program: mysqld, args: ['--user=mysql', '--validate-config'] };
  for (const version of listed('/etc/postgresql')) {
    const program = `/usr/lib/postgresql/${version}/bin/postgres`;
    if (!existsSync(program)) continue;
    for (const cluster of listed(`/etc/postgresql/${version}`)) yield { id: `postgresql-${version}-${cluster}`, name: `PostgreSQL ${version}/${cluster}`, program: '/usr/bin/setpriv', args: ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups', program, '-C', 'config_file', '-c', `config_file=/etc/postgresql/${version}/${cluster}/postgresql.conf`] };
  }
  for (const program of first('/usr/bin/systemd-analyze')) {
    const units = ['/etc/systemd/system'].flatMap((folder) => listed(folder).filter((name) => /^[\w:.@-]+\.(?:service|timer|socket|path|mount)$/.test(name) && !name.includes('@.')).slice(0, unitsMax).map((name) => join(folder, name)));
    if (units.length > 0) yield { id: 'systemd', name: 'systemd', program, args: ['verify', '--man=no', '--generators=no', ...units], bad: /(?:Failed to|is not executable|Unknown (?:lvalue|section)|lacks)/ };
  }
  // Each table by the program that would take it in; a dry run.
  for (const program of first('/usr/bin/crontab')) {
    for (const user of listed('/var/spool/cron/crontabs').filter((name) => /^[\w.-]{1,32}$/.test(name)).slice(0, tablesMax)) yield { id: `cron-${user}`, name: `crontab ${user}`, program, args: ['-u', user, '-n', `/var/spool/cron/crontabs/${user}`] };
  }
}

const first = (...paths: readonly string[]): string[] => paths.filter((path) => existsSync(path)).slice(0, 1);

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch { return []; /* not installed */ }
}
