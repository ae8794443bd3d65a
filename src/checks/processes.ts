/** Running programs as checks of processes see them: which file each runs, whose it is, and whether that file is one of this tree. */
import type { Evidence } from '../core/finding.ts';
import { maskSecrets } from '../core/secrets.ts';
import { answerers } from '../linux/file-systems.ts';
import { readMounts, type Mount } from '../linux/mounts.ts';
import { bootTime } from '../linux/proc-host.ts';
import { ticksPerSecond, type Procfs, type ProcStat } from '../linux/procfs.ts';
import type { Owner } from '../linux/provenance.ts';
import { mountOver } from '../linux/standstill.ts';
import { sweep, type Sweeps } from '../linux/sweep.ts';
import type { Machine, ScanContext } from './port.ts';
import { anyoneWrites } from './look.ts';
import { fact } from './finding.ts';

export interface Running {
  pid: number;
  stat: ProcStat;
  /** Path of its executable without ` (deleted)`; undefined for kernel threads and what may not be seen. */
  exe: string | undefined;
  deleted: boolean;
  /** It runs from memory alone and never was a file. */
  memfd: boolean;
  /** The path of `exe` means the same file here: it does not in most containers. */
  here: boolean;
}

const deletedMark = ' (deleted)';
const commandMax = 400;

/** The machine of a check that needs one; the runner hands no other check of scope 'machine' out. */
export function machineOf(context: ScanContext): Machine {
  if (!context.machine) throw new Error('expected a running machine, got a tree');
  return context.machine;
}

/** Asks the kernel about all ids or ports at once: beside this thread where it can be. */
export function askerOf(context: ScanContext): Sweeps['ask'] {
  const { probes, sweeps } = machineOf(context);
  if (sweeps) return (question) => sweeps.ask(question);
  if (!probes) throw new Error('expected ways to ask the kernel, got none');
  return (question) => sweep(probes, question, context.signal);
}

/** Every process that can be read; what ended while it was looked at is left out. */
export function* running(context: ScanContext): Iterable<Running> {
  const { procfs } = machineOf(context);
  for (const pid of procfs.pids()) {
    context.signal.throwIfAborted();
    const one = runningOne(pid, context);
    if (one) yield one;
  }
}

export function runningOne(pid: number, context: ScanContext): Running | undefined {
  const { procfs } = machineOf(context);
  const stat = procfs.stat(pid);
  if (!stat) return undefined;
  const link = procfs.exe(pid);
  const { exe, deleted } = executable(link);
  const memfd = exe !== undefined && exe.startsWith('/memfd:');
  return { pid, stat, exe, deleted, memfd, here: exe !== undefined && !memfd && isHere(pid, exe, deleted, context) };
}

/** A link of /proc/PID/exe or a path of /proc/PID/maps taken apart. */
function executable(link: string | undefined): { exe: string | undefined; deleted: boolean } {
  if (link === undefined) return { exe: undefined, deleted: false };
  const deleted = link.endsWith(deletedMark);
  return { exe: deleted ? link.slice(0, -deletedMark.length) : link, deleted };
}

/** Same file, by device and inode; of a deleted one, the same root folder. */
function isHere(pid: number, exe: string, deleted: boolean, context: ScanContext): boolean {
  const { procfs } = machineOf(context);
  // A recorded /proc has links that lead nowhere here.
  if (procfs.root !== '/') return procfs.container(pid) === undefined;
  if (deleted) return procfs.container(pid) === undefined;
  const at = context.tree.stat(exe);
  // Asked last, and only where this machine answers: a program on a dead mount has no file that could be looked at.
  const file = at && answersHere(procfs, pid, exe) ? procfs.exeFile(pid) : undefined;
  return file !== undefined && at !== undefined && file.inode === at.inode && file.device === at.device;
}

/** Those of the mount namespaces that were met, of one machine. */
const mountsMet = new WeakMap<Procfs, Map<string, Mount[] | undefined>>();
const namespacesMax = 1000;

/** False when somebody else answers for where the program lies as its process sees it. In our own mount namespace the tree has asked that already. */
function answersHere(procfs: Procfs, pid: number, exe: string): boolean {
  const namespace = procfs.namespace(pid, 'mnt') ?? '';
  if (namespace === procfs.namespace(process.pid, 'mnt')) return true;
  const met = mountsMet.get(procfs) ?? new Map<string, Mount[] | undefined>();
  mountsMet.set(procfs, met);
  const mounts = met.get(namespace) ?? readMounts(procfs, pid);
  if (met.size < namespacesMax) met.set(namespace, mounts);
  // Too many to be read: nobody knows who answers.
  if (mounts === undefined) return false;
  const mount = mountOver(exe, mounts);
  return mount === undefined || answerers(procfs)(mount.type, mount.at) !== 'elsewhere';
}

/** The owner of the program; undefined when nobody owns it or its file is not one of this tree. Throws TreeError. */
export async function ownerOf(one: Running, { provenance }: ScanContext): Promise<Owner | undefined> {
  return one.exe === undefined || one.memfd || !one.here ? undefined : provenance.owner(one.exe);
}

/** A program that its package shipped and nobody changed. */
export const isShipped = (owner: Owner | undefined): boolean => owner !== undefined && owner.state !== 'modified' && owner.state !== 'missing';

/** What a process is, for people: number, account, program, command line. */
export function processFacts(one: Running, context: ScanContext): Evidence[] {
  const { procfs } = machineOf(context);
  const uid = procfs.uids(one.pid)?.effective;
  return [
    fact({ zh: '进程', en: 'process' }, `${one.pid} ${one.stat.name}${uid === undefined ? '' : ` (uid ${uid})`}, parent ${one.stat.parentPid}`),
    ...(one.exe === undefined ? [] : [fact({ zh: '程序', en: 'program' }, one.exe + (one.deleted ? deletedMark : ''))]),
    fact({ zh: '命令行', en: 'command line' }, maskSecrets(procfs.cmdline(one.pid) ?? '').slice(0, commandMax)),
  ];
}

/** Unix ms; undefined in a record without /proc/stat. */
export function startedAt(procfs: Procfs, stat: ProcStat): number | undefined {
  return procfs.read('stat', 1) === undefined ? undefined : bootTime(procfs) + Math.round(stat.startTicks * 1000 / ticksPerSecond);
}

/** Tells what of /proc could not be read: a process whose files are closed to us was not looked at. */
export function tellDenied(context: ScanContext): void {
  const { procfs } = machineOf(context);
  const what = [...procfs.denied].map(([name, n]) => `${name} ×${n}`).join(', ');
  procfs.denied.clear();
  if (what !== '') context.blind(`/proc/[pid]: ${what}`, process.getuid?.() === 0
    ? { zh: '连 root 也读不了：容器、安全模块或内核限制挡在中间', en: 'even root was refused: a container, a security module or the kernel stands in between' }
    : { zh: '没有读取其他进程的权限，请用 root 运行', en: 'no right to read other processes; run the scan as root' });
}

/** In a folder that any account may write to, or among devices, where no program lies. */
export const inOpenFolder = (path: string): boolean => anyoneWrites.test(path) || path.startsWith('/dev/');

/** A folder or file behind a name that `ls` does not show, those of tools that everybody has left out. */
export const isHiddenPath = (path: string): boolean => path.split('/').some((part) => part.startsWith('.') && part.length > 1 && !ordinaryHidden.test(part));
const ordinaryHidden = /^\.(?:local|config|cache|npm|nvm|pyenv|rbenv|cargo|rustup|vscode.*|cursor.*|acme\.sh|venv|virtualenv|bun|deno|volta|asdf|sdkman|pnpm.*|dotnet|gem|m2|go|bin|steam|linuxbrew|julia.*|foundry|yarn.*|nodenv|goenv|conda|miniconda.*|fly|kube|docker|terraform.*|build-id|git|tox|nox|mount_.*)$/;
