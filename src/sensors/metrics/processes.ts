/** What each process uses. Reads only those that can matter: see `look`. */
import type { Procfs, ProcStat } from '../../linux/procfs.ts';
import { ticksPerSecond } from '../../linux/procfs.ts';
import type { Users } from '../../linux/users.ts';

export interface Floors {
  /** Percent of one core. */
  cpu: number;
  /** Percent of the machine's memory. */
  memory: number;
  /** Bytes a second. */
  io: number;
}

export const usualFloors: Floors = { cpu: 5, memory: 5, io: 1024 * 1024 };

export interface Usage {
  process: Described;
  /** Measures at or above their floor, and one more sample after each fell below it. */
  values: { metric: ProcessMetric; value: number }[];
}

export type ProcessMetric = 'process-cpu' | 'process-memory' | 'process-rss' | 'process-read' | 'process-write';

export interface Described {
  pid: number;
  started: number;
  parentPid: number;
  name: string;
  path: string | undefined;
  cmdline: string | undefined;
  uid: number | undefined;
  user: string | undefined;
  container: string | undefined;
}

interface Entry {
  startTicks: number;
  ticks: number;
  /** Monotonic ms of the last reading. */
  at: number;
  hot: boolean;
  /** null: not ours to see. */
  io: { read: number; write: number; at: number } | null | undefined;
  told: Set<ProcessMetric>;
  described: Described | undefined;
  age: number;
}

/** Percent of one core from which on a process is read in every sample. */
const hotPercent = 1;
/** A process that does nothing is read in one sample out of this many. */
const coldEvery = 6;
/** Samples after which path and command line are read again. */
const describeEvery = 12;
const maxProcesses = 50_000;

export class ProcessSampler {
  readonly #procfs: Procfs;
  readonly #users: Users;
  readonly #bootTime: number;
  readonly #memoryPages: number;
  readonly #pageSize: number;
  readonly #floors: Floors;
  readonly #entries = new Map<number, Entry>();
  #round = 0;
  #first = true;

  constructor(procfs: Procfs, users: Users, machine: { bootTime: number; memoryBytes: number; pageSize: number }, floors: Floors) {
    this.#procfs = procfs;
    this.#users = users;
    this.#bootTime = machine.bootTime;
    this.#pageSize = machine.pageSize;
    this.#memoryPages = machine.memoryBytes / machine.pageSize;
    this.#floors = floors;
  }

  get size(): number { return this.#entries.size; }

  /**
   * One sample. `busyTicks` is what all cores together did since the last one. New and busy processes are
   * read each time; the idle ones only when the busy ones do not explain what the cores did, and else a
   * few of them in turn, so that a thousand idle processes cost next to nothing.
   * `at` is monotonic ms, `uptime` seconds since boot.
   */
  look(at: number, now: number, uptime: number, busyTicks: number, sampleMs: number, dropped: (n: number) => void): Usage[] {
    const pids = this.#procfs.pids();
    this.#forget(pids);
    this.#round++;
    const usages: Usage[] = [];
    const idle: number[] = [];
    let explained = 0;
    for (const pid of pids) {
      const entry = this.#entries.get(pid);
      if (entry === undefined ? this.#entries.size >= maxProcesses : !entry.hot) {
        if (entry === undefined) dropped(1);
        else idle.push(pid);
        continue;
      }
      explained += this.#sample(pid, entry, at, now, uptime, usages);
    }
    const unexplained = ((busyTicks - explained) * 100_000) / ticksPerSecond / Math.max(1, sampleMs);
    const all = unexplained >= this.#floors.cpu;
    for (const pid of idle) {
      if (all || pid % coldEvery === this.#round % coldEvery) this.#sample(pid, this.#entries.get(pid), at, now, uptime, usages);
    }
    this.#first = false;
    return usages;
  }

  #forget(pids: readonly number[]): void {
    const here = new Set(pids);
    for (const pid of this.#entries.keys()) if (!here.has(pid)) this.#entries.delete(pid);
  }

  /** Reads one process; returns the clock ticks it used since its last reading. */
  #sample(pid: number, known: Entry | undefined, at: number, now: number, uptime: number, usages: Usage[]): number {
    const stat = this.#procfs.stat(pid);
    if (stat === undefined) return 0;
    let entry = known;
    if (entry === undefined || entry.startTicks !== stat.startTicks) {
      // A process that is new since the last sample has used its time since it started.
      const ageMs = this.#first ? 0 : Math.max(0, uptime * 1000 - (stat.startTicks * 1000) / ticksPerSecond);
      entry = { startTicks: stat.startTicks, ticks: this.#first ? stat.ticks : 0, at: at - ageMs, hot: false, io: undefined, told: new Set(), described: undefined, age: 0 };
      this.#entries.set(pid, entry);
    }
    const used = Math.max(0, stat.ticks - entry.ticks);
    const span = at - entry.at;
    // Clock ticks are 10 ms: over a very short span one tick would look like a busy core.
    const cpu = span < 200 ? 0 : (used * 100_000) / ticksPerSecond / span;
    entry.ticks = stat.ticks;
    entry.at = at;
    const memory = (stat.rssPages * 100) / this.#memoryPages;
    const values: Usage['values'] = [];
    this.#tell(entry, values, 'process-cpu', cpu, cpu >= this.#floors.cpu);
    this.#tell(entry, values, 'process-memory', memory, memory >= this.#floors.memory);
    this.#tell(entry, values, 'process-rss', stat.rssPages * this.#pageSize, memory >= this.#floors.memory);
    if (entry.io !== null && (used > 0 || entry.told.has('process-write') || entry.told.has('process-read'))) this.#io(pid, entry, at, values);
    entry.hot = cpu >= hotPercent || entry.told.size > 0;
    if (values.length > 0) usages.push({ process: this.#describe(stat, entry, now), values });
    return used;
  }

  #io(pid: number, entry: Entry, at: number, values: Usage['values']): void {
    const io = this.#procfs.io(pid);
    const last = entry.io;
    if (io === undefined || Number.isNaN(io.writeBytes)) { entry.io = null; return; }
    entry.io = { read: io.readBytes, write: io.writeBytes, at };
    if (last === undefined || last === null || at <= last.at) return;
    const seconds = (at - last.at) / 1000;
    const read = (io.readBytes - last.read) / seconds, write = (io.writeBytes - last.write) / seconds;
    this.#tell(entry, values, 'process-read', read, read >= this.#floors.io);
    this.#tell(entry, values, 'process-write', write, write >= this.#floors.io);
  }

  #tell(entry: Entry, values: Usage['values'], metric: ProcessMetric, value: number, above: boolean): void {
    if (above) entry.told.add(metric);
    else if (!entry.told.delete(metric)) return;
    values.push({ metric, value });
  }

  #describe(stat: ProcStat, entry: Entry, now: number): Described {
    const known = entry.described;
    entry.age++;
    // Another name means that it became another program.
    if (known !== undefined && known.name === stat.name && entry.age % describeEvery !== 0) return known;
    const uid = this.#procfs.uids(stat.pid)?.real;
    entry.described = {
      pid: stat.pid, started: this.#bootTime + (stat.startTicks * 1000) / ticksPerSecond, parentPid: stat.parentPid, name: stat.name,
      path: stat.kernelThread ? undefined : this.#procfs.exe(stat.pid), cmdline: this.#procfs.cmdline(stat.pid, 4096),
      uid, user: uid === undefined ? undefined : this.#users.name(uid, now), container: this.#procfs.container(stat.pid),
    };
    return entry.described;
  }
}
