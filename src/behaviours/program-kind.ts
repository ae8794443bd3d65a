/** What kind of program a process runs, told by the name of its executable and its first arguments. */
import { own } from '../core/own.ts';

/**
 *   shell        a command interpreter            interpreter  runs scripts of a language
 *   awk          can speak to the network itself  download     fetches files
 *   relay        ties a connection to its streams compiler     makes programs
 *   scan         looks for other machines         look         asks who and where one is
 *   web, database  servers                        manager      installs packages
 */
export type ProgramKind = 'shell' | 'interpreter' | 'awk' | 'download' | 'relay' | 'compiler' | 'scan' | 'look' | 'web' | 'database' | 'manager';

const words: Record<ProgramKind, string> = {
  shell: 'sh bash dash ash zsh ksh ksh93 mksh rbash fish tcsh csh busybox-sh pwsh',
  interpreter: 'python pypy perl php php-cli ruby lua luajit node nodejs deno bun tclsh expect java jjs groovy guile erl elixir julia Rscript',
  awk: 'gawk awk mawk',
  download: 'curl wget aria2c axel fetch lwp-download lwp-request GET ftp lftp ftpget tftp atftp rclone',
  relay: 'nc ncat netcat nc.openbsd nc.traditional socat socat1 telnet cryptcat sbd gs-netcat websocat pwncat rcat hping3',
  compiler: 'gcc cc g++ c++ clang clang++ tcc cc1 cc1plus as ld gcc-ar rustc go',
  scan: 'nmap masscan zmap fscan hydra medusa rustscan pnscan zgrab sqlmap responder chisel frpc frps ngrok',
  look: 'id whoami w who last ifconfig arp netstat ss lsb_release getent sudo su passwd chattr crontab',
  web: 'nginx openresty tengine apache apache2 httpd php-fpm php-cgi lsphp caddy lighttpd litespeed lshttpd openlitespeed tomcat catalina jsvc uwsgi gunicorn hypercorn uvicorn frankenphp unitd h2o thttpd boa',
  database: 'mysqld mariadbd postgres postmaster redis-server redis-check-rdb redis-check-aof valkey-server keydb-server mongod mongos memcached clickhouse-server etcd',
  manager: 'dpkg dpkg-deb apt apt-get aptitude unattended-upgrade unattended-upgrades rpm yum dnf microdnf tdnf zypper apk pacman snapd snap flatpak npm npx pnpm yarn corepack pip pip3 pipx uv poetry gem bundle bundler composer cpan cpanm cargo rustup conda mamba nix nix-daemon brew dockerd docker containerd podman buildah',
};

// Debian's redis-server is one file with redis-check-rdb, whose name the kernel tells.
const table = new Map<string, ProgramKind>(Object.entries(words).flatMap(([kind, names]) => names.split(' ').map((name): [string, ProgramKind] => [name, kind as ProgramKind])));

const deleted = ' (deleted)';

/** The last part of a path, without what the kernel adds for a removed file. */
export function baseName(path: string): string {
  const end = path.endsWith(deleted) ? path.length - deleted.length : path.length;
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

const known = new Map<string, { name: string; kind: ProgramKind | undefined }>();
const knownMax = 4000;

function lookUp(file: string): { name: string; kind: ProgramKind | undefined } {
  let found = known.get(file);
  if (found === undefined) {
    found = judgeName(file);
    if (known.size >= knownMax) known.clear();
    if (file.length <= 64) known.set(file, found);
  }
  return found;
}

/** python3.11 is python, php-fpm8.2 is php-fpm, x86_64-linux-gnu-gcc-12 is gcc. */
function judgeName(file: string): { name: string; kind: ProgramKind | undefined } {
  // Debian's names for one program of several.
  let name = file.startsWith('inetutils-') ? file.slice(10) : file.endsWith('.netkit') ? file.slice(0, -7) : file;
  if (!table.has(name)) {
    let end = name.length;
    while (end > 0 && isVersion(name.charCodeAt(end - 1))) end--;
    if (end > 0) name = name.slice(0, end);
  }
  if (!table.has(name)) {
    const cross = /-linux-(?:gnu|musl)[a-z0-9]*-([a-z+]+)$/.exec(name);
    if (cross?.[1] !== undefined) name = cross[1];
  }
  const kind = table.get(name);
  return { name: kind === undefined ? file : name, kind };
}

const isVersion = (code: number): boolean => (code >= 48 && code <= 57) || code === 46 || code === 45;

/** What a path says of its program. */
interface Program { readonly base: string; readonly name: string; readonly kind: ProgramKind | undefined; readonly isInterpreter: boolean }

const programs = new Map<string, Program>();
const pathMax = 256;

/** Kept, for each event makes many behaviours ask, and mostly of the same few programs. */
function programAt(path: string): Program {
  let found = programs.get(path);
  if (found === undefined) {
    const base = baseName(path);
    const { name, kind } = lookUp(base);
    found = { base, name, kind, isInterpreter: kind === 'shell' || kind === 'interpreter' || kind === 'awk' || obeys.has(name) || loader.test(base) };
    if (programs.size >= knownMax) programs.clear();
    if (path.length <= pathMax) programs.set(own(path), found);
  }
  return found;
}

/** As `baseName`, for the executable of a process. */
export const programName = (path: string): string => programAt(path).base;

/** The plain name of an executable: python for /usr/bin/python3.11. */
export const plainName = (path: string | undefined): string => (path === undefined ? '' : programAt(path).name);

/** What a command line says of its program: its kind, and the file that an interpreter was given to run, as it is written there. */
interface Command { readonly path: string; readonly kind: ProgramKind | undefined; readonly operand: string | undefined }

/** By command line; kept for the same reason as `programs`. */
const commands = new Map<string, Command>();
const commandsMax = 1000, commandMax = 1024;

function commandOf(path: string, cmdline: string): Command {
  const known = commands.get(cmdline);
  if (known?.path === path) return known;
  const kind = judgeKind(programAt(path), cmdline);
  const found: Command = { path: own(path), kind, operand: operandOf(path, kind, cmdline) };
  if (commands.size >= commandsMax) commands.clear();
  if (cmdline.length <= commandMax && path.length <= pathMax) commands.set(own(cmdline), found);
  return found;
}

/**
 * Kind of what a process runs, undefined for all else. One file with many programs in it (busybox) is what its
 * command line asks for; openssl is a relay when it is asked to be a client.
 */
export function kindOf(path: string | undefined, cmdline: string | undefined): ProgramKind | undefined {
  if (path === undefined) return undefined;
  const program = programAt(path);
  switch (program.kind) {
    case 'interpreter': case 'manager': case undefined: break;
    default: return program.kind;
  }
  if (program.kind === undefined && !asks.has(program.name)) return undefined;
  return cmdline === undefined ? judgeKind(program, cmdline) : commandOf(path, cmdline).kind;
}

/** Programs of no kind by themselves that are what their command line makes of them. */
const asks = new Set(['busybox', 'busybox.static', 'toybox', 'openssl']);

function judgeKind({ name, kind }: Program, cmdline: string | undefined): ProgramKind | undefined {
  if (kind === 'interpreter') return interpreterKind(name, cmdline);
  if (kind === 'manager') return installs(name, cmdline) ? kind : undefined;
  if (kind !== undefined) return kind;
  if (cmdline === undefined) return undefined;
  if (name === 'busybox' || name === 'toybox' || name === 'busybox.static') {
    const [first = '', second = ''] = firstWords(cmdline, 2);
    const applet = lookUp(baseName(first.startsWith('-') ? first.slice(1) : first));
    return applet.kind ?? lookUp(second).kind;
  }
  if (name === 'openssl') return cmdline.includes(' s_client') ? 'relay' : undefined;
  return undefined;
}

/** One file that becomes what it is called by, or a server that runs pages. */
const obeys = new Set(['busybox', 'busybox.static', 'toybox', 'php-cgi']);

/** Does what the file it is given says: its own package tells nothing of that. */
export function isInterpreter(path: string | undefined): boolean {
  return path !== undefined && programAt(path).isInterpreter;
}

/** Managers that also run what is there: `npm start` is a service, `npm ci` an installation. */
const runners = new Set(['npm', 'npx', 'pnpm', 'yarn', 'corepack', 'bundle', 'bundler', 'composer', 'uv', 'poetry', 'docker', 'podman']);

function installs(name: string, cmdline: string | undefined): boolean {
  if (!runners.has(name) || cmdline === undefined) return true;
  return / (?:i|ci|it|install|add|up|update|upgrade|rebuild|require|dlx|create|sync|lock|build|pull)(?: |$)/.test(cmdline.slice(0, 512)) || (name === 'yarn' && / ?yarn(?:\.js)?$/.test(cmdline.slice(0, 512)));
}

/** Servers and package managers that are scripts. */
function interpreterKind(name: string, cmdline: string | undefined): ProgramKind {
  if (cmdline === undefined) return 'interpreter';
  if (name === 'java') return cmdline.includes('catalina') || cmdline.includes('jetty') ? 'web' : 'interpreter';
  const parts = firstWords(cmdline, 6);
  const module = parts.indexOf('-m');
  const script = module > 0 ? parts[module + 1] : parts.slice(1).find((word) => !word.startsWith('-'));
  for (const word of [parts[0], script]) {
    if (word === undefined) continue;
    const found = lookUp(baseName(word).replace(/(?:-cli)?\.(?:c?js|py|rb|phar)$/, ''));
    if (found.kind === 'web' || (found.kind === 'manager' && installs(found.name, cmdline))) return found.kind;
  }
  return 'interpreter';
}

/** The first words of a command line; long ones are cut. */
export function firstWords(cmdline: string, max: number): string[] {
  return cmdline.slice(0, 1024).split(' ', max * 2).filter((word) => word !== '').slice(0, max);
}

/** How a shell is used: reads what it is told from its streams, runs one command, or a script file. */
export type ShellUse = 'interactive' | 'command' | 'script';

/**
 * `words` behind the shell's own name: options only is interactive, -c is a command, anything else a script.
 * `isAsked` tells that -i was given.
 */
export function shellUse(cmdline: string | undefined): { use: ShellUse; operand: string; isAsked: boolean } {
  const parts = firstWords(cmdline ?? '', 16);
  let isAsked = false;
  let at = 1;
  // busybox sh -i
  if (parts[0] !== undefined && /(?:busy|toy)box(?:\.static)?$/.test(parts[0]) && lookUp(parts[1] ?? '').kind === 'shell') at = 2;
  for (; at < parts.length; at++) {
    const word = parts[at] ?? '';
    if (word === '-' || word === '--') continue;
    if (word.startsWith('--')) {
      // --rcfile FILE
      if (word === '--rcfile' || word === '--init-file') at++;
      continue;
    }
    if (word.startsWith('-') || word.startsWith('+')) {
      if (word.includes('i')) isAsked = true;
      if (word.includes('c')) return { use: 'command', operand: parts.slice(at + 1).join(' '), isAsked };
      if (word.endsWith('o') || word.endsWith('O')) at++;
      continue;
    }
    // A redirection left in the text is no operand.
    if (/^\d*[<>]/.test(word)) continue;
    return { use: 'script', operand: word, isAsked };
  }
  return { use: 'interactive', operand: '', isAsked };
}

/** Options that an interpreter takes code with, right on the command line. */
export function isOneLiner(path: string | undefined, cmdline: string | undefined): boolean {
  if (cmdline === undefined) return false;
  switch (plainName(path)) {
    case 'python': case 'pypy': return hasOption(cmdline, 'c');
    case 'perl': case 'ruby': case 'lua': case 'luajit': case 'deno': case 'bun': case 'julia': case 'Rscript': return hasOption(cmdline, 'e') || hasOption(cmdline, 'E');
    case 'node': case 'nodejs': return hasOption(cmdline, 'e') || hasOption(cmdline, 'p') || cmdline.includes(' --eval');
    case 'php': case 'php-cli': return hasOption(cmdline, 'r');
    case 'gawk': case 'awk': case 'mawk': return !hasOption(cmdline, 'f');
    case 'tclsh': case 'expect': return hasOption(cmdline, 'c');
    default: return false;
  }
}

/** A word such as -c or -Ic before the first operand. */
function hasOption(cmdline: string, letter: string): boolean {
  for (const word of firstWords(cmdline, 8).slice(1)) {
    if (!word.startsWith('-')) return false;
    if (!word.startsWith('--') && word.includes(letter)) return true;
  }
  return false;
}

const loader = /^ld-linux[\w.-]*\.so\.\d$|^ld-musl-[\w.-]+\.so\.1$|^ld-\d[\d.]*\.so$|^ld\.so$/;

/** Options of interpreters and the loader whose value stands behind them, as a word of its own. */
const takesValue = new Set(['--library-path', '--preload', '-jar', '-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions', '--title', '-W', '-X', '-I', '-cp', '-classpath', '-S']);

/**
 * The file that a shell, an interpreter or the loader was given to run, with its full path; undefined when it was
 * given none. `cwd` is where it was started.
 */
export function scriptOf(path: string | undefined, cmdline: string | undefined, cwd: string | undefined): string | undefined {
  if (path === undefined || cmdline === undefined || !programAt(path).isInterpreter) return undefined;
  const { operand } = commandOf(path, cmdline);
  return operand === undefined || operand === '' ? undefined : fullPath(operand, cwd);
}

function operandOf(path: string, kind: ProgramKind | undefined, cmdline: string): string | undefined {
  if (kind === 'shell') {
    const said = shellUse(cmdline);
    return said.use === 'script' ? said.operand : undefined;
  }
  const program = programAt(path);
  if (program.kind !== 'interpreter' && !loader.test(program.base)) return undefined;
  // Servers and managers that are scripts (gunicorn, npm) count; a manager that is a program runs nothing it is given.
  if (isOneLiner(path, cmdline)) return undefined;
  const parts = firstWords(cmdline, 12);
  if (parts[1] === '-m') return undefined;
  const at = parts.findIndex((word, i) => i > 0 && !word.startsWith('-') && !takesValue.has(parts[i - 1]!));
  return parts.indexOf('-jar') > 0 ? parts[parts.indexOf('-jar') + 1] : parts[at];
}

/**
 * The file that decides what a process does: the script of an interpreter where its command line names one by its full
 * path, else the executable. A path with spaces is cut at the first one and then belongs to nobody.
 */
export const deedFile = (program: string, cmdline: string | undefined): string => scriptOf(program, cmdline, undefined) ?? program;

/** An absolute path without `.` and `..`; undefined for a relative one of an unknown folder. */
export function fullPath(path: string, cwd: string | undefined): string | undefined {
  const whole = path.startsWith('/') ? path : cwd === undefined ? undefined : `${cwd}/${path}`;
  if (whole === undefined || whole.length > 4096) return undefined;
  if (!whole.includes('/.') && !whole.includes('//')) return whole;
  const out: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') out.pop();
    else out.push(part);
  }
  return `/${out.join('/')}`;
}
