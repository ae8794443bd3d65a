/** The processes known so far, and what changed since the last look. */
import type { Procfs } from '../../linux/procfs.ts';
import { terminalName, ticksPerSecond } from '../../linux/procfs.ts';
import { own } from '../../core/own.ts';
import { loadAverage } from '../../linux/proc-host.ts';
import type { Users } from '../../linux/users.ts';

export interface ProcessInfo {
  pid: number;
  /** Clock ticks after boot; with pid the identity. */
  startTicks: number;
  /** Unix ms. */
  started: number;
  parentPid: number;
  name: string;
  path: string | undefined;
  cmdline: string;
  cwd: string | undefined;
  uid: number | undefined;
  user: string | undefined;
  terminal: string | undefined;
  container: string | undefined;
  kernelThread: boolean;
  parentPath: string | undefined;
  parentCmdline: string | undefined;
}

export type Change =
  | { type: 'started'; process: ProcessInfo }
  | { type: 'executed'; process: ProcessInfo }
  | { type: 'ended'; process: ProcessInfo };

export interface Limits {
  /** Processes kept; more are counted and not watched. */
  processes: number;
  /** New processes read in full in one look; the rest follow in the next. */
  newPerLook: number;
  /** Known processes looked at again in each look for a reused pid or a new program. */
  againPerLook: number;
}

const limits: Limits = { processes: 50_000, newPerLook: 2000, againPerLook: 16 };

/** Longest command line kept of a known process; events carry it longer. */
const keptCmdline = 1024;

export class ProcessTable {
  readonly #procfs: Procfs;
  readonly #users: Users;
  readonly #bootTime: number;
  readonly #limits: Limits;
  readonly #known = new Map<number, ProcessInfo>();
  #stamp = '';
  #left = 0;
  /** Seen young in the last look: a process forks first and becomes its program a moment later. */
  #young: ProcessInfo[] = [];
  #again: Iterator<ProcessInfo> | undefined;

  constructor(procfs: Procfs, users: Users, bootTime: number, bounds: Limits = limits) {
    this.#procfs = procfs;
    this.#users = users;
    this.#bootTime = bootTime;
    this.#limits = bounds;
  }

  get(pid: number): ProcessInfo | undefined { return this.#known.get(pid); }
  get size(): number { return this.#known.size; }

  /** Newest first, for the search for a socket's holder. */
  pidsNewestFirst(): number[] { return [...this.#known.keys()].reverse(); }

  /** What started, became another program, or ended since the last look: each is read when it is asked for, so the work can be spread. `dropped` counts what the limits cut. */
  *look(now: number, dropped: (n: number) => void): Iterable<Change> {
    const changes: Change[] = [];
    this.#lookAgain(now, changes);
    yield* changes.splice(0);
    const { threads, lastPid } = loadAverage(this.#procfs);
    const stamp = `${threads} ${lastPid}`;
    if (stamp === this.#stamp && this.#left === 0) return;
    this.#stamp = stamp;
    const pids = this.#procfs.pids();
    this.#ended(pids, changes);
    yield* changes.splice(0);
    let room = this.#limits.newPerLook;
    this.#left = 0;
    for (const pid of pids) {
      if (this.#known.has(pid)) continue;
      if (room === 0) { this.#left++; continue; }
      if (this.#known.size >= this.#limits.processes) { dropped(1); continue; }
      room--;
      this.#start(pid, now, changes);
      yield* changes.splice(0);
    }
  }

  #ended(pids: readonly number[], changes: Change[]): void {
    if (this.#known.size === 0) return;
    const here = new Set(pids);
    for (const [pid, process] of this.#known) {
      if (here.has(pid)) continue;
      this.#known.delete(pid);
      changes.push({ type: 'ended', process });
    }
  }

  #start(pid: number, now: number, changes: Change[]): void {
    const process = this.#read(pid, now);
    if (process === undefined) return;
    const known = kept(process);
    this.#known.set(pid, known);
    changes.push({ type: 'started', process });
    if (now - process.started < 3000) this.#young.push(known);
  }

  /** A pid can come back as another process, and a process can become another program, between two looks. */
  #lookAgain(now: number, changes: Change[]): void {
    const young = this.#young;
    this.#young = [];
    for (const process of young) this.#check(process, now, changes);
    for (let i = 0; i < Math.min(this.#limits.againPerLook, this.#known.size); i++) {
      this.#again ??= this.#known.values();
      const next = this.#again.next();
      if (next.done) { this.#again = undefined; break; }
      this.#check(next.value, now, changes);
    }
  }

  #check(old: ProcessInfo, now: number, changes: Change[]): void {
    if (old.kernelThread || this.#known.get(old.pid) !== old) return;
    const stat = this.#procfs.stat(old.pid);
    if (stat === undefined) return; // gone: the look over all pids says so
    if (stat.startTicks !== old.startTicks) {
      this.#known.delete(old.pid);
      changes.push({ type: 'ended', process: old });
      this.#start(old.pid, now, changes);
      return;
    }
    if (old.path === undefined) {
      // Its executable is not ours to see (asking again each time would only be counted again): the name must tell.
      if (stat.name === old.name) return;
    } else {
      const path = this.#procfs.exe(old.pid);
      // Removing a program's file changes the text of its link too; that is no new program.
      if (path === undefined || path === old.path || path === `${old.path} (deleted)`) return;
    }
    const process = this.#read(old.pid, now);
    if (process === undefined || process.startTicks !== old.startTicks) return;
    this.#known.set(old.pid, kept(process));
    changes.push({ type: 'executed', process });
  }

  #read(pid: number, now: number): ProcessInfo | undefined {
    const stat = this.#procfs.stat(pid);
    if (stat === undefined) return undefined;
    const started = this.#bootTime + (stat.startTicks * 1000) / ticksPerSecond;
    if (stat.kernelThread) {
      return {
        pid, startTicks: stat.startTicks, started, parentPid: stat.parentPid, name: stat.name, kernelThread: true, cmdline: '',
        path: undefined, cwd: undefined, uid: 0, user: undefined, terminal: undefined, container: undefined, parentPath: undefined, parentCmdline: undefined,
      };
    }
    const uid = this.#procfs.uids(pid)?.real;
    const parent = stat.parentPid === 0 ? undefined : this.#known.get(stat.parentPid);
    const parentKnown = parent !== undefined || stat.parentPid === 0;
    return {
      pid, startTicks: stat.startTicks, started, parentPid: stat.parentPid, name: stat.name, kernelThread: false,
      path: this.#procfs.exe(pid), cmdline: this.#procfs.cmdline(pid) ?? '', cwd: this.#procfs.cwd(pid),
      uid, user: uid === undefined ? undefined : this.#users.name(uid, now), terminal: terminalName(stat.tty), container: this.#procfs.container(pid),
      parentPath: parentKnown ? parent?.path : this.#procfs.exe(stat.parentPid),
      parentCmdline: parentKnown ? parent?.cmdline : this.#procfs.cmdline(stat.parentPid, keptCmdline),
    };
  }
}

/** As it is kept: a long command line cut short. */
const kept = (process: ProcessInfo): ProcessInfo => ({ ...process, cmdline: process.cmdline.length > keptCmdline ? own(process.cmdline.slice(0, keptCmdline)) : process.cmdline });
