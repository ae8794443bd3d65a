/** What a program is to the origin of its children, told by the name of its executable. */

/**
 *   ssh       accepts remote log-ons            cron      runs entries of a table
 *   getty     log-on at a terminal              web       web and application servers
 *   runtime   a web server once it listens      database  service of its own name
 *   cloud     does what the console asks        package   runs scripts of packages
 *   init      first process, service managers   other
 */
export type Role = 'ssh' | 'cron' | 'getty' | 'web' | 'runtime' | 'database' | 'cloud' | 'package' | 'init' | 'other';

const words: Record<Exclude<Role, 'other'>, string> = {
  ssh: 'sshd sshd-session sshd-auth dropbear',
  cron: 'cron crond atd fcron anacron busybox-crond',
  getty: 'login agetty getty mingetty fgetty sulogin',
  web: 'nginx openresty tengine apache apache2 httpd httpd.worker httpd.event httpd.prefork php-fpm php-cgi lsphp caddy lighttpd litespeed lshttpd openlitespeed tomcat catalina jsvc uwsgi gunicorn hypercorn uvicorn frankenphp unitd angie h2o thttpd boa',
  runtime: 'node nodejs python pypy ruby java php perl deno bun beam beam.smp dotnet puma unicorn passenger',
  database: 'mysqld mysqld_safe mariadbd postgres postmaster redis-server valkey-server keydb-server mongod mongos memcached clickhouse-server etcd',
  cloud: 'cloud-init aliyun-service aliyun_assist_service assist_daemon AliYunDun AliYunDunMonitor AliYunDunUpdate AliSecGuard tat_agent YDService YDLive YDEdr sgagent barad_agent qemu-ga amazon-ssm-agent ssm-agent-worker ssm-document-worker google_guest_agent google_metadata_script_runner waagent hostguard cloudResetPwdAgent',
  package: 'dpkg dpkg-deb apt apt-get aptitude unattended-upgrade unattended-upgrades rpm yum dnf microdnf zypper apk pacman snapd npm pnpm yarn pip pip3 pipx gem bundle composer cpan cpanm',
  init: 'systemd init runit runsvdir s6-svscan s6-supervise supervisord dumb-init tini docker-init openrc-init',
};

/** Programs that are one file with others: the kernel tells the name of the file. */
const aliases: ReadonlyMap<string, string> = new Map([['redis-check-rdb', 'redis-server'], ['valkey-check-rdb', 'valkey-server'], ['keydb-check-rdb', 'keydb-server']]);

const table = new Map<string, Role>(Object.entries(words).flatMap(([role, names]) => names.split(' ').map((name): [string, Role] => [name, role as Role])));

/** The last part of a path, without what the kernel adds for a removed file. */
export function baseName(path: string): string {
  const end = path.endsWith(' (deleted)') ? path.length - 10 : path.length;
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

/** `label` is the program's plain name: php-fpm for /usr/sbin/php-fpm8.2. */
export interface RoleOf { role: Role; label: string }

const known = new Map<string, RoleOf>();
const knownMax = 2000;

/** By executable, or by the process's name when the executable cannot be seen; the command line tells what an interpreter runs. */
export function roleOf(path: string | undefined, name: string | undefined, cmdline: string | undefined): RoleOf {
  const file = path === undefined ? name ?? '' : baseName(path);
  let found = known.get(file);
  if (found === undefined) {
    found = roleOfName(file);
    if (known.size >= knownMax) known.clear();
    known.set(file, found);
  }
  if (found.role === 'runtime') return scriptRole(found, cmdline) ?? found;
  if (found.role === 'package' && !installs(found.label, cmdline)) return { role: 'other', label: found.label };
  return found;
}

function roleOfName(file: string): RoleOf {
  const name = aliases.get(file) ?? file;
  const exact = table.get(name);
  if (exact !== undefined) return { role: exact, label: name };
  let end = file.length;
  while (end > 0 && (isDigit(file.charCodeAt(end - 1)) || file.charCodeAt(end - 1) === 46 || file.charCodeAt(end - 1) === 45)) end--;
  const label = file.slice(0, end);
  return { role: table.get(label) ?? 'other', label: table.has(label) ? label : file };
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Script engines that package managers and application servers are written for. */
function scriptRole(runtime: RoleOf, cmdline: string | undefined): RoleOf | undefined {
  if (cmdline === undefined) return undefined;
  if (runtime.label === 'java') return cmdline.includes('catalina') || cmdline.includes('jetty') ? { role: 'web', label: cmdline.includes('catalina') ? 'tomcat' : 'jetty' } : undefined;
  const args = cmdline.slice(0, 512).split(' ', 8);
  // Its title may have been rewritten ("npm install left-pad"), or the first argument that is no option names the script.
  const module = args.indexOf('-m');
  const script = module > 0 ? args[module + 1] : args.slice(1).find((word) => !word.startsWith('-'));
  for (const word of [args[0], script]) {
    if (word === undefined) continue;
    const file = baseName(word).replace(/(?:-cli)?\.(?:c?js|py|rb|phar)$/, '');
    const found = roleOfName(file);
    if (found.role === 'package') return installs(found.label, cmdline) ? found : undefined;
    if (found.role === 'cloud' || found.label === 'gunicorn' || found.label === 'uwsgi' || found.label === 'uvicorn' || found.label === 'hypercorn') return found;
  }
  return undefined;
}

const runners = new Set(['npm', 'pnpm', 'yarn', 'bundle', 'composer']);

/** `npm start` runs a service, `npm install` runs scripts of packages. */
function installs(label: string, cmdline: string | undefined): boolean {
  if (!runners.has(label) || cmdline === undefined) return true;
  return / (?:i|ci|it|install|add|up|update|upgrade|rebuild|require)(?: |$)/.test(cmdline.slice(0, 512)) || (label === 'yarn' && / ?yarn(?:\.js)?$/.test(cmdline));
}

const ports = new Set([80, 81, 443, 3000, 5000, 7001, 8000, 8001, 8008, 8080, 8081, 8088, 8090, 8443, 8888, 9000, 9090]);

/** Ports that web applications usually serve. */
export const isWebPort = (port: number): boolean => ports.has(port);

/** Services and units by their plain unit name, where processes are found without their parents. */
export function roleOfUnit(unit: string): RoleOf {
  const at = unit.indexOf('@');
  const plain = at > 0 ? unit.slice(0, at) : unit;
  if (plain === 'ssh' || plain === 'sshd') return { role: 'ssh', label: 'sshd' };
  if (plain.startsWith('cloud-')) return { role: 'cloud', label: plain };
  if (plain === 'aliyun' || plain === 'qemu-guest-agent' || plain === 'google-guest-agent' || plain === 'walinuxagent') return { role: 'cloud', label: plain };
  if (plain.startsWith('tomcat')) return { role: 'web', label: 'tomcat' };
  // php8.2-fpm.service
  if (plain.endsWith('-fpm') && plain.startsWith('php')) return { role: 'web', label: 'php-fpm' };
  return roleOfName(plain);
}
