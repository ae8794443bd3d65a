/**
 * The processes that records speak of. The kernel says who a process is only at exec; what other records of it
 * lack (path, command line, folder, account) is kept here from then on, or read from /proc for what was there before.
 */
import { own } from '../../core/own.ts';
import type { Cgroups } from '../../linux/cgroups.ts';
import { type Procfs, terminalName, ticksPerSecond } from '../../linux/procfs.ts';
import type { Users } from '../../linux/users.ts';
import type { ExecRecord, Head } from './gen/records.ts';

export interface Process {
  pid: number;
  /** Clock ticks after boot; with pid the identity. */
  ticks: number;
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
  cgroupId: number;
  cgroup: string | undefined;
  container: string | undefined;
  parentPath: string | undefined;
  parentCmdline: string | undefined;
  /** As they were told last; undefined for what was never told. */
  credentials: Credentials | undefined;
  /** Children in a row that were found in its own control group. */
  alike: number;
}

export interface Credentials { uid: number; euid: number | undefined; gid: number | undefined; egid: number | undefined; capabilities: number | undefined }

/** As long as the polling sensor keeps it. */
const keptCmdline = 1024;
const maxProcesses = 60_000;
const keptEnds = 4096;
const sweepEveryMs = 30_000;
/** Where the kernel's number says nothing of the group (version 1), each child is looked up; of a parent whose last so many children stayed with it only each such one. */
const alikeEnough = 16;
/** Processes read from /proc in one second at most: a record that comes after its process ended asks in vain. */
const readsPerSecond = 500;

export class Processes {
  readonly #procfs: Procfs;
  readonly #users: Users;
  readonly #cgroups: Cgroups;
  readonly #bootTime: number;
  readonly #known = new Map<number, Process>();
  /** Who ended lately, by the start: two threads that end at once both say that they were the last. */
  readonly #ended = new Map<number, number>();
  #swept = 0;
  #reads = 0;
  #readsFrom = 0;
  /** Evicted for lack of room, and not read because of the limit, since they were last asked for. */
  evicted = 0;
  unread = 0;

  constructor(procfs: Procfs, users: Users, cgroups: Cgroups, bootTime: number) {
    this.#procfs = procfs;
    this.#users = users;
    this.#cgroups = cgroups;
    this.#bootTime = bootTime;
  }

  get size(): number { return this.#known.size; }

  /** The acting process of a record. */
  of(head: Head, now: number): Process {
    const known = this.#known.get(head.pid);
    if (known !== undefined && known.ticks === head.started) {
      if (known.uid !== head.uid) { known.uid = head.uid; known.user = this.#users.name(head.uid, now); }
      if (known.cgroupId !== head.cgroup && this.#cgroups.unified) this.#regroup(known, head.cgroup);
      return known;
    }
    const read = this.#read(head.pid, head.started, head, now);
    // What has ended already is not kept: nothing would take it away again.
    return read.name === '' ? read : this.#keep(read);
  }

  exec(head: Head, record: ExecRecord, now: number): Process {
    const before = this.#known.get(head.pid);
    const parent = head.parentPid === 0 ? undefined : this.#parent(head.parentPid, record.parentStarted, now);
    const process: Process = {
      pid: head.pid, ticks: head.started, started: this.#bootTime + (head.started * 1000) / ticksPerSecond, parentPid: head.parentPid,
      name: record.name, path: record.path === '' ? undefined : record.links === 0 ? `${record.path} (deleted)` : record.path,
      cmdline: joinArguments(record.args), cwd: record.cwd === '' ? undefined : record.cwd,
      uid: head.uid, user: this.#users.name(head.uid, now), terminal: record.tty === 0 ? undefined : terminalName(userDevice(record.tty)),
      cgroupId: -1, cgroup: undefined, container: undefined, parentPath: parent?.path, parentCmdline: parent?.cmdline,
      // An exec may have changed any but the account.
      credentials: { uid: head.uid, euid: record.euid, gid: undefined, egid: undefined, capabilities: undefined }, alike: 0,
    };
    if (before !== undefined && before.ticks === head.started && before.cgroupId === head.cgroup && this.#cgroups.unified) {
      process.cgroupId = before.cgroupId;
      process.cgroup = before.cgroup;
      process.container = before.container;
    } else this.#groupOfChild(process, head.cgroup, parent);
    const kept = this.#keep(process);
    // The event tells the whole command line; what is kept for later records is shorter.
    return kept.cmdline.length > keptCmdline ? this.#shorten(kept) : kept;
  }

  /** A child is its parent until it becomes another program. */
  fork(head: Head, childPid: number, childStarted: number, now: number): Process {
    const parent = this.of(head, now);
    return this.#keep({
      ...parent, pid: childPid, ticks: childStarted, started: this.#bootTime + (childStarted * 1000) / ticksPerSecond,
      parentPid: parent.pid, parentPath: parent.path, parentCmdline: parent.cmdline, alike: 0,
    });
  }

  /** What is known of a process's credentials before the record at hand. */
  credentials(pid: number, ticks: number): Partial<Credentials> {
    const known = this.#known.get(pid);
    if (known?.ticks !== ticks) return {};
    return known.credentials ?? { uid: known.uid };
  }

  setCredentials(process: Process, credentials: Credentials): void { process.credentials = credentials; }

  /** Short name of a living process, from here or from /proc. */
  nameOf(pid: number): string | undefined {
    return this.#known.get(pid)?.name ?? this.#procfs.stat(pid)?.name;
  }

  /** True for the first end of a process that is told; its entry goes. */
  exit(head: Head): boolean {
    if (this.#ended.get(head.pid) === head.started) return false;
    this.#ended.delete(head.pid);
    if (this.#ended.size >= keptEnds) for (const oldest of this.#ended.keys()) { this.#ended.delete(oldest); break; }
    this.#ended.set(head.pid, head.started);
    if (this.#known.get(head.pid)?.ticks === head.started) this.#known.delete(head.pid);
    return true;
  }

  /** After records were lost, ends among them: forgets who is no more, now and then. */
  sweep(now: number): void {
    if (now - this.#swept < sweepEveryMs && now >= this.#swept) return;
    this.#swept = now;
    const here = new Set(this.#procfs.pids());
    for (const pid of this.#known.keys()) if (!here.has(pid)) this.#known.delete(pid);
  }

  #shorten(process: Process): Process {
    this.#known.set(process.pid, { ...process, cmdline: own(process.cmdline.slice(0, keptCmdline)) });
    return process;
  }

  #parent(pid: number, ticks: number, now: number): Process | undefined {
    const known = this.#known.get(pid);
    if (known?.ticks === ticks) return known;
    const read = this.#read(pid, ticks, undefined, now);
    return read.path === undefined ? undefined : this.#keep(read);
  }

  #keep(process: Process): Process {
    const { pid } = process;
    // The newest stand last, so that what goes is what began longest ago.
    if (!this.#known.delete(pid) && this.#known.size >= maxProcesses) {
      for (const oldest of this.#known.keys()) { this.#known.delete(oldest); this.evicted++; break; }
    }
    this.#known.set(pid, process);
    return process;
  }

  #groupOfChild(process: Process, id: number, parent: Process | undefined): void {
    const isAsked = this.#cgroups.unified || parent?.cgroup === undefined || parent.alike < alikeEnough || parent.alike % alikeEnough === 0;
    if (isAsked) this.#regroup(process, id);
    if (parent?.cgroup === undefined) return;
    // One that has ended already cannot be asked: it most likely was where its parent is.
    if (process.cgroup === undefined) { process.cgroupId = id; process.cgroup = parent.cgroup; process.container = parent.container; }
    parent.alike = process.cgroup === parent.cgroup ? parent.alike + 1 : 0;
  }

  #regroup(process: Process, id: number): void {
    const cgroup = this.#cgroups.of(id, process.pid);
    process.cgroupId = id;
    process.cgroup = cgroup?.path;
    process.container = cgroup?.container;
  }

  /** From /proc, as far as it still is the same process; otherwise with what the record says alone. */
  #read(pid: number, ticks: number, head: Head | undefined, now: number): Process {
    const process: Process = {
      pid, ticks, started: this.#bootTime + (ticks * 1000) / ticksPerSecond, parentPid: head?.parentPid ?? 0, name: '', path: undefined, cmdline: '', cwd: undefined,
      uid: head?.uid, user: head === undefined ? undefined : this.#users.name(head.uid, now), terminal: undefined,
      cgroupId: head?.cgroup ?? -1, cgroup: undefined, container: undefined, parentPath: undefined, parentCmdline: undefined, credentials: undefined, alike: 0,
    };
    if (now - this.#readsFrom >= 1000 || now < this.#readsFrom) { this.#readsFrom = now; this.#reads = 0; }
    if (++this.#reads > readsPerSecond) { this.unread++; return process; }
    const stat = this.#procfs.stat(pid);
    if (stat === undefined || stat.startTicks !== ticks) return process;
    process.name = stat.name;
    process.parentPid = stat.parentPid;
    process.path = this.#procfs.exe(pid);
    process.cmdline = own((this.#procfs.cmdline(pid) ?? '').slice(0, keptCmdline));
    process.cwd = this.#procfs.cwd(pid);
    process.terminal = terminalName(stat.tty);
    process.uid ??= this.#procfs.uids(pid)?.real;
    if (process.uid !== undefined) process.user = this.#users.name(process.uid, now);
    if (head !== undefined) this.#regroup(process, head.cgroup);
    const parent = this.#known.get(stat.parentPid);
    process.parentPath = parent === undefined && stat.parentPid !== 0 ? this.#procfs.exe(stat.parentPid) : parent?.path;
    process.parentCmdline = parent === undefined && stat.parentPid !== 0 ? this.#procfs.cmdline(stat.parentPid, keptCmdline) : parent?.cmdline;
    return process;
  }
}

/** As the polling sensor tells it: arguments joined by spaces, empty ones at the end left out. */
function joinArguments(args: string): string {
  let end = args.length;
  while (end > 0 && args.charCodeAt(end - 1) === 0) end--;
  return args.slice(0, end).replaceAll('\0', ' ');
}

/** The kernel keeps major << 20 | minor; stat() spreads both over the number. */
export function userDevice(device: number): number {
  const major = device >>> 20;
  const minor = device & 0xfffff;
  return (minor & 0xff) + major * 0x100 + (minor >>> 8) * 0x10_0000;
}
