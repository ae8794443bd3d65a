/** Where else than in the listing of /proc a process shows, and how those views are compared without falling for races. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAverage } from '../../linux/proc-host.ts';
import { numberAfter, type Procfs } from '../../linux/procfs.ts';
import type { Sweeps } from '../../linux/sweep.ts';

/** Views that named an id; `pidfile` and `lock` carry the file or inode in `detail`. */
export type View = 'scheduler' | 'signal' | 'parent' | 'tracer' | 'cgroup' | 'lock' | 'pidfile';
export interface Sighting { view: View; detail?: string }

export interface Sweep { sightings: Map<number, Sighting[]>; /** Ids that there was no time to try. */ untried: number }

const groupsMax = 20_000;
const sightingsMax = 100_000;
/** For each of both calls: on a quiet machine all ids take two seconds. */
/** Four million ids take seconds; the more for what else the machine does. */
const defaultSweepMs = 60_000;
const statMax = 4 << 20;
const pidFileMax = 64;

/**
 * Every id that a system call answers for: processes and threads. The scheduler is asked of all ids; signals of those that were ever
 * given out, as far as that is known, since an id that no fork made can only be had by asking for it by number.
 */
export async function sweepCalls(procfs: Procfs, ask: Sweeps['ask'], signal: AbortSignal, budgetMs = defaultSweepMs): Promise<Sweep> {
  const max = Number.parseInt(procfs.read('sys/kernel/pid_max', 64) ?? '', 10);
  const last = Number.isInteger(max) && max > 0 ? Math.min(max, 4_194_304) : 32_768;
  const newest = Math.min(last, loadAverage(procfs).lastPid || last);
  const sightings = new Map<number, Sighting[]>();
  let untried = 0;
  for (const [view, way, count] of [['scheduler', 'scheduled', last], ['signal', 'signalled', givenOut(procfs, newest, last)]] as const) {
    const swept = await ask({ what: 'ids', way, newest, last, count, ms: budgetMs });
    signal.throwIfAborted();
    for (const pid of swept.found) {
      const known = sightings.get(pid);
      if (known) known.push({ view }); else if (sightings.size < sightingsMax) sightings.set(pid, [{ view }]);
    }
    if (view === 'scheduler') ({ untried } = swept);
  }
  return { sightings, untried };
}

/** Ids are given out upwards in a circle: until there were as many forks as ids, none above the newest was. */
function givenOut(procfs: Procfs, newest: number, last: number): number {
  const forks = numberAfter(procfs.read('stat', statMax) ?? '', '\nprocesses ');
  return forks < last ? newest : last;
}

/** Ids that other files of the machine name. `denied` says which could not be read. */
export function readViews(procfs: Procfs, denied: (what: string) => void): Map<number, Sighting[]> {
  const found = new Map<number, Sighting[]>();
  const note = (pid: number, view: View, detail?: string): void => {
    if (!Number.isInteger(pid) || pid <= 0 || found.size >= sightingsMax) return;
    const list = found.get(pid) ?? [];
    found.set(pid, list);
    if (list.length < 8) list.push({ view, ...(detail !== undefined && { detail }) });
  };
  for (const pid of procfs.pids()) {
    const status = procfs.read(`${pid}/status`, 4096);
    if (status === undefined) continue;
    note(numberAfter(status, '\nPPid:\t'), 'parent', `of ${pid}`);
    note(numberAfter(status, '\nTracerPid:\t'), 'tracer', `of ${pid}`);
  }
  // 1: POSIX  ADVISORY  WRITE 712 00:19:1234 0 EOF
  for (const line of (procfs.read('locks', 1 << 20) ?? '').split('\n')) {
    const [, pid, inode] = /^\d+: (?:->\s*)?POSIX\s+\S+\s+\S+\s+(\d+)\s+(\S+)/.exec(line) ?? [];
    if (pid !== undefined) note(Number(pid), 'lock', inode);
  }
  for (const [pid, group] of groupMembers(procfs, denied)) note(pid, 'cgroup', group);
  for (const [pid, path] of pidFiles(procfs)) note(pid, 'pidfile', path);
  return found;
}

/** Members of every control group of one hierarchy that holds all processes. */
function* groupMembers(procfs: Procfs, denied: (what: string) => void): Iterable<[number, string]> {
  const base = ['sys/fs/cgroup', 'sys/fs/cgroup/unified', 'sys/fs/cgroup/systemd', 'sys/fs/cgroup/pids', 'sys/fs/cgroup/cpu', 'sys/fs/cgroup/memory'].map((name) => join(procfs.root, name)).find((name) => readText(join(name, 'cgroup.procs')) !== undefined);
  if (base === undefined) return;
  const waiting = [''];
  let looked = 0;
  for (let path = waiting.pop(); path !== undefined && looked < groupsMax; path = waiting.pop(), looked++) {
    for (const line of (readText(join(base, path, 'cgroup.procs')) ?? '').split('\n')) if (/^\d{1,7}$/.test(line)) yield [Number(line), path || '/'];
    try {
      for (const entry of readdirSync(join(base, path), { withFileTypes: true })) if (entry.isDirectory()) waiting.push(`${path}/${entry.name}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') denied(join('/sys/fs/cgroup', path)); // ENOENT: the group ended meanwhile
    }
  }
}

/** Numbers in the PID files of daemons. Old ones name nobody, which says nothing. */
function* pidFiles(procfs: Procfs): Iterable<[number, string]> {
  const run = join(procfs.root, 'run');
  const folders = ['', ...names(run).filter((name) => !name.includes('.')).slice(0, 500).map((name) => `/${name}`)];
  for (const folder of folders) {
    for (const name of names(run + folder)) {
      if (!name.endsWith('.pid')) continue;
      const pid = /^\s*(\d{1,7})\s*$/.exec(readText(`${run}${folder}/${name}`, pidFileMax) ?? '')?.[1];
      if (pid !== undefined) yield [Number(pid), `/run${folder}/${name}`];
    }
  }
}

/** What is no folder, or not ours to list, names no process. */
function names(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile() || entry.isDirectory()).map(({ name }) => name).slice(0, 2000);
  } catch { return []; }
}

function readText(path: string, max = 4 << 20): string | undefined {
  try {
    return readFileSync(path, 'utf8').slice(0, max);
  } catch { return undefined; } // ended meanwhile, or a group of threads, which tells no processes (EOPNOTSUPP)
}

/**
 * What an id is that is not in the listing:
 *   thread  of a process that is: threads answer but are never listed
 *   listed  it is there after all, or gone: a race
 *   shown   /proc answers for it by name while it leaves it out of the listing
 *   silent  /proc does not know it while the kernel answers
 */
export type Standing = { is: 'thread' | 'listed' | 'gone' } | { is: 'shown'; name: string } | { is: 'silent' };

/** `lives` asks the kernel by a system call; undefined where it cannot be asked, as with a recorded /proc. */
export function standing(procfs: Procfs, pid: number, lives: ((pid: number) => boolean) | undefined, threads: () => ReadonlySet<number>): Standing {
  const status = procfs.read(`${pid}/status`, 4096);
  const group = status === undefined ? Number.NaN : numberAfter(status, '\nTgid:\t');
  if (!Number.isNaN(group) && group !== pid) return { is: 'thread' };
  if (procfs.pids().includes(pid)) return { is: 'listed' };
  if (!Number.isNaN(group)) {
    // Read again: it may have come into being between the listing and its status.
    const name = /^Name:\t(.*)$/m.exec(status!)?.[1] ?? '';
    return procfs.read(`${pid}/status`, 64) === undefined ? { is: 'gone' } : { is: 'shown', name };
  }
  if (lives === undefined || !lives(pid)) return { is: 'gone' };
  return threads().has(pid) ? { is: 'thread' } : lives(pid) ? { is: 'silent' } : { is: 'gone' };
}

/** Threads of all listed processes. */
export function allThreads(procfs: Procfs): Set<number> {
  const found = new Set<number>();
  for (const pid of procfs.pids()) for (const thread of procfs.threads(pid) ?? []) found.add(thread);
  return found;
}
