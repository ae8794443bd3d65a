/** Processes and what came of them: who belongs to a tree, and whether each member is halted. */
import { type Procfs, parseStat } from './procfs.ts';
import type { ProcessIdentity } from './signals.ts';

export interface TreeProcess extends ProcessIdentity {
  parentPid: number;
  group: number;
  session: number;
  tty: number;
  /** Letter of /proc/PID/stat, of the first thread. */
  state: string;
  threads: number;
  kernelThread: boolean;
  name: string;
}

/** Who is looked for. */
export interface TreeQuestion {
  /** Their descendants are members. */
  known: readonly ProcessIdentity[];
  /**
   * Ticks after boot between which the tree was being stopped: an orphan of those moments counts by its process group, or by a session
   * whose leader has ended. Bounded, since the numbers of groups and sessions are handed out again.
   */
  forked: { from: number; to: number } | undefined;
  /** Process groups of members. */
  groups: ReadonlySet<number>;
}

const stopSignal = 19;
const threadsMax = 10_000;

/** Undefined when it is gone, a zombie with nothing left in it, or not to be read. */
export function readProcess(procfs: Procfs, pid: number): TreeProcess | undefined {
  const text = procfs.read(`${pid}/stat`, 1024);
  const stat = text === undefined ? undefined : parseStat(text);
  if (text === undefined || stat === undefined) return undefined;
  // A first thread that ended leaves a zombie while others go on.
  if (isEnded(stat.state) && stat.threads <= 1) return undefined;
  const [, , group, session] = text.slice(text.lastIndexOf(')') + 2).split(' ', 4);
  const { startTicks: ticks, parentPid, tty, state, threads, kernelThread, name } = stat;
  return { pid, ticks, parentPid, group: Number(group), session: Number(session), tty, state, threads, kernelThread, name };
}

/** Every process that lives, by pid. */
export const readProcesses = (procfs: Procfs): Map<number, TreeProcess> => lookAround(procfs).all;

/** `missed` ended between being listed and being read: whatever they forked may be missing too. */
export function lookAround(procfs: Procfs): { all: Map<number, TreeProcess>; missed: number } {
  const all = new Map<number, TreeProcess>();
  let missed = 0;
  for (const pid of procfs.pids()) {
    const one = readProcess(procfs, pid);
    if (one) all.set(pid, one);
    else if (procfs.stat(pid) === undefined) missed++;
  }
  return { all, missed };
}

/** That very process lives. */
export function livesStill(procfs: Procfs, { pid, ticks }: ProcessIdentity): TreeProcess | undefined {
  const one = readProcess(procfs, pid);
  return one?.ticks === ticks ? one : undefined;
}

/**
 * Members that live, parents before children. By descent; by session, where its leader is a member (only descendants have it); and
 * orphans `forked` meanwhile in a process group of members. Who cut all three ties (a daemon from before) is not found.
 */
export function membersOf(all: ReadonlyMap<number, TreeProcess>, { known, forked, groups }: TreeQuestion): TreeProcess[] {
  const children = new Map<number, TreeProcess[]>();
  for (const one of all.values()) {
    const list = children.get(one.parentPid);
    if (list) list.push(one); else children.set(one.parentPid, [one]);
  }
  const members = new Map<number, TreeProcess>();
  const leaders = new Set<number>();
  const ended = new Set<number>();
  const add = (first: TreeProcess): void => {
    const waiting = [first];
    for (let at = 0; at < waiting.length; at++) {
      const one = waiting[at]!;
      if (members.has(one.pid)) continue;
      members.set(one.pid, one);
      if (one.session === one.pid) leaders.add(one.pid);
      waiting.push(...children.get(one.pid) ?? []);
    }
  };
  for (const { pid, ticks } of known) {
    const one = all.get(pid);
    if (one === undefined) ended.add(pid);
    else if (one.ticks === ticks) add(one);
  }
  // Each orphan that is found may have children and a session of its own.
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const one of all.values()) {
      if (members.has(one.pid)) continue;
      const isFresh = forked !== undefined && one.ticks >= forked.from && one.ticks <= forked.to;
      if (leaders.has(one.session) || (isFresh && (ended.has(one.session) || (groups.has(one.group) && isOrphan(all, one))))) add(one);
    }
  }
  return [...members.values()];
}

/** Its parent has ended: whoever is its parent now is a reaper outside its process group. */
const isOrphan = (all: ReadonlyMap<number, TreeProcess>, { parentPid, group }: TreeProcess): boolean => parentPid === 1 || all.get(parentPid)?.group !== group;

/**
 * running  some of it runs
 * halting  the stop is on its way: a thread inside the kernel does not come back to the program before it stops
 * halted   every thread stands
 */
export type Halt = 'running' | 'halting' | 'halted';

/** By signal, not by a control group. A process that is gone is 'halted'. */
export function haltOf(procfs: Procfs, process: ProcessIdentity): Halt {
  const one = livesStill(procfs, process);
  if (one === undefined) return 'halted';
  const states = one.threads <= 1 ? [one.state] : threadStates(procfs, one);
  if (states.every((state) => isStopped(state) || isEnded(state))) return 'halted';
  const stops = states.some(isStopped) || stopIsPending(procfs, one.pid);
  return stops ? 'halting' : 'running';
}

/** 'halting', and all that does not stand yet is deep in the kernel: a disk that hangs, or a parent that waits for its vfork. */
export function isHeldInKernel(procfs: Procfs, process: ProcessIdentity): boolean {
  const one = livesStill(procfs, process);
  if (one === undefined) return true;
  const states = one.threads <= 1 ? [one.state] : threadStates(procfs, one);
  return states.every((state) => isStopped(state) || isEnded(state) || state === 'D') && (states.some(isStopped) || stopIsPending(procfs, one.pid));
}

function threadStates(procfs: Procfs, { pid, state }: TreeProcess): string[] {
  const states: string[] = [];
  for (const tid of (procfs.threads(pid) ?? []).slice(0, threadsMax)) {
    const text = procfs.read(`${pid}/task/${tid}/stat`, 1024);
    const at = text?.lastIndexOf(')') ?? -1;
    if (text !== undefined && at >= 0) states.push(text.charAt(at + 2));
  }
  return states.length === 0 ? [state] : states;
}

function stopIsPending(procfs: Procfs, pid: number): boolean {
  const text = procfs.read(`${pid}/status`, 8192) ?? '';
  return ['\nShdPnd:\t', '\nSigPnd:\t'].some((label) => {
    const at = text.indexOf(label);
    if (at < 0) return false;
    const bits = text.slice(at + label.length, text.indexOf('\n', at + label.length));
    return /^[0-9a-f]{1,32}$/.test(bits) && (BigInt(`0x${bits}`) >> BigInt(stopSignal - 1) & 1n) === 1n;
  });
}

const isStopped = (state: string): boolean => state === 'T' || state === 't';
const isEnded = (state: string): boolean => state === 'Z' || state === 'X' || state === 'x';
