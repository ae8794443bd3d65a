/**
 * Where the suspicious part of a process tree begins. What carries others' work (a web server, sshd, cron, a package manager, the
 * shell of a session) is the way in and not part of it: nothing is done to it.
 */
import type { OriginKind, PackageFile, ProcessNode } from '../../core/lineage.ts';
import { baseName, roleOf } from '../origin/roles.ts';

const chainMax = 512;
const shells = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'fish', 'csh', 'tcsh', 'rbash']);
/** They run what they are told to, and are then as good or bad as that. */
const wrappers = new Set(['sudo', 'su', 'doas', 'runuser', 'login', 'screen', 'tmux', 'tmux: server', 'script', 'nohup', 'setsid', 'env', 'timeout', 'nice', 'ionice', 'xargs', 'find', 'time', 'stdbuf', 'unshare', 'nsenter', 'run-parts', 'busybox', 'chroot', 'flock', 'watch', 'parallel']);
/** Of these wrappers a person's session goes on in, or a table's jobs. */
const sessionWrappers = new Set(['sudo', 'su', 'doas', 'runuser', 'login', 'screen', 'tmux', 'tmux: server', 'script', 'run-parts', 'anacron']);
const interpreters = /^(?:python|perl|ruby|php|node|nodejs|lua|tclsh|awk|gawk|mawk)[\d.]*$/;
/** Where nobody installs programs: temporary folders, memory, hidden folders, files that are removed. */
const odd = /^\/(?:tmp|var\/tmp|dev\/shm|run\/shm|dev\/mqueue)\/|^\/?memfd:|\/\.[^/]+\/|\/\.[^/]+$| \(deleted\)$/;

export const isOddPlace = (path: string | undefined): boolean => path !== undefined && odd.test(path);

/** One file with many programs in it is the one that it is called as. */
const multicall = new Set(['busybox', 'busybox.static', 'toybox']);

function programOf({ path, name, cmdline }: ProcessNode): string {
  const program = path === undefined ? name ?? '' : baseName(path);
  if (!multicall.has(program) || cmdline === undefined) return program;
  const [first = '', second = ''] = cmdline.slice(0, 512).split(' ', 2);
  const called = baseName(first.startsWith('-') ? first.slice(1) : first);
  return multicall.has(called) ? baseName(second) || called : called || program;
}
export const isShell = (node: ProcessNode): boolean => shells.has(programOf(node));

/** The words of a command line behind the program's own, a few. Blanks within a word cannot be told from those between. */
export function argumentsOf(node: ProcessNode): string[] {
  const { cmdline } = node;
  if (cmdline === undefined) return [];
  const words = cmdline.slice(0, 4096).split(' ', 12).filter((word) => word !== '');
  return words.slice(1);
}

/** A shell that waits for what is typed: no script, no command. */
function isInteractive(node: ProcessNode): boolean {
  return isShell(node) && argumentsOf(node).every((word) => word.startsWith('-') && (word.startsWith('--') || !word.includes('c')));
}

/** The script that a shell or another interpreter runs, as an absolute path; undefined for code in the command line. */
export function scriptOf(node: ProcessNode): string | undefined {
  const program = programOf(node);
  if (!shells.has(program) && !interpreters.test(program)) return undefined;
  for (const word of argumentsOf(node)) {
    if (word.startsWith('-')) {
      if (/^-[a-z]*[ce]$/.test(word) || word === '-m' || word === '-r') return undefined;
      continue;
    }
    return absolute(word, node.cwd);
  }
  return undefined;
}

function absolute(word: string, cwd: string | undefined): string | undefined {
  if (word.startsWith('/')) return word;
  if (cwd === undefined || word === '' || word.includes('://')) return undefined;
  const parts = `${cwd}/${word}`.split('/');
  const out: string[] = [];
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part === '..') out.pop();
    else out.push(part);
  }
  return `/${out.join('/')}`;
}

/** Whether it does the work of others: a server, a job runner, a package manager, the shell that somebody types in. A name alone does not make one where nobody installs programs. */
export function isCarrier(node: ProcessNode, kind: OriginKind): boolean {
  if (node.pid === 1) return true;
  if (isOddPlace(node.path)) return false;
  if (roleOf(node.path, node.name, node.cmdline).role !== 'other' && !isRuntime(node)) return true;
  if (sessionWrappers.has(programOf(node))) return true;
  return (kind === 'login' || kind === 'console') && isInteractive(node);
}

const isRuntime = (node: ProcessNode): boolean => roleOf(node.path, node.name, node.cmdline).role === 'runtime';

/** From the root of its tree down to it. */
export function lineOf(node: ProcessNode): ProcessNode[] {
  const { root } = node;
  const line = [node];
  for (let at = node, n = 0; at !== root && at.parent !== undefined && n < chainMax; n++) { at = at.parent; line.push(at); }
  return line.reverse();
}

/**
 * The way to the suspicious part (`chain`, from the root down) and its first process. `top` is undefined when the process itself
 * carries others' work: then only what is known to be bad of what it did counts. `apart`: what is never part of a story.
 */
export function scopeOf(seed: ProcessNode, apart: ReadonlySet<ProcessNode>): { chain: ProcessNode[]; top: ProcessNode | undefined } {
  const line = lineOf(seed);
  const { kind } = seed.origin;
  switch (kind) {
    // What came in by an entrance is all below that entrance.
    case 'login': case 'console': case 'web': case 'cron': case 'timer': case 'package': {
      let at = 0;
      while (at < line.length && (apart.has(line[at]!) || carries(line, at, kind))) at++;
      return { chain: line.slice(0, at), top: line[at] };
    }
    // Of a service or an unknown tree most is ordinary: only what leads straight to it belongs.
    default: {
      let at = line.length - 1;
      if (apart.has(seed) || isCarrier(seed, kind)) return { chain: line, top: undefined };
      while (at > 0 && !apart.has(line[at - 1]!) && leadsOn(line, at - 1, kind)) at--;
      return { chain: line.slice(0, at), top: line[at] };
    }
  }
}

function carries(line: readonly ProcessNode[], at: number, kind: OriginKind): boolean {
  const node = line[at]!;
  if (isCarrier(node, kind)) return true;
  if (kind !== 'web' || isOddPlace(node.path)) return false;
  // The application itself, and its workers: one program. What a server ran may be a root as well.
  return at === 0 ? line.length > 1 && !isRunByServer(node) : node.path !== undefined && node.path === line[at - 1]?.path && !isShell(node);
}

/** The parent is a web server by its very name, this is none: what it ran, in a tree of its own because nothing was known of the server then. */
export const isRunByServer = ({ path, name, cmdline, parent }: ProcessNode): boolean => parent !== undefined && roleOf(parent.path, parent.name, parent.cmdline).role === 'web' && roleOf(path, name, cmdline).role === 'other';

/** Whether a parent is part of what its child does: a shell that runs a script, a wrapper, code in a command line, what lies where nobody installs programs. */
function leadsOn(line: readonly ProcessNode[], at: number, kind: OriginKind): boolean {
  const node = line[at]!;
  if (isCarrier(node, kind)) return false;
  if (isOddPlace(node.path)) return true;
  if (isInteractive(node)) return at > 0 && isCode(line[at - 1]!);
  return isShell(node) || wrappers.has(programOf(node)) || isCode(node);
}

/** Runs code out of its command line, or a script from where nobody installs any. */
function isCode(node: ProcessNode): boolean {
  if (isOddPlace(node.path)) return true;
  return interpreters.test(programOf(node)) && (argumentsOf(node).some((word) => /^-[a-z]*[cer]$/.test(word)) || isOddPlace(scriptOf(node)));
}

/** Whether two processes of one tree have more in common than the machine: what one connection, request or job started. */
export const isOneVisit = ({ kind, source_ip }: ProcessNode['origin']): boolean => kind === 'login' || kind === 'cron' || kind === 'timer' || kind === 'package' || (kind === 'web' && source_ip !== undefined);

/** A package manager at work: what it brings is of its packages. */
export const isInstaller = (node: ProcessNode): boolean => !isOddPlace(node.path) && roleOf(node.path, node.name, node.cmdline).role === 'package';

/** A package put it there, and nothing says that it was changed since. */
export const isShipped = (owner: PackageFile | undefined): boolean => owner !== undefined && owner.intact !== false;
