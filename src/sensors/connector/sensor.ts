/**
 * Processes by the kernel's proc connector and fanotify: the fallback where eBPF is not permitted. Every fork, exec
 * and exit is told, but only by number: what a process is stands in /proc, and is gone when it ended at once.
 * Stays silent while the eBPF sensor sees.
 *
 * Events: process_creation process-start (path unknown or from fanotify, command line empty, when it had ended),
 *   process_fork fork, process_termination process-end (exit_code as a shell tells it).
 */
import { Event, type Kind } from '../../core/gen/event.ts';
import { own } from '../../core/own.ts';
import type { Batch, Sensor, SensorContext } from '../../core/ports.ts';
import { loadKoffi } from '../../linux/native.ts';
import { openProcConnector, type ProcConnector, type ProcEvent } from '../../linux/proc-connector.ts';
import { bootId, bootTime, uptime } from '../../linux/proc-host.ts';
import { Procfs, terminalName, ticksPerSecond } from '../../linux/procfs.ts';
import { Users } from '../../linux/users.ts';
import type { KernelView } from '../kernel-view.ts';
import { pause } from '../pace.ts';

export interface ConnectorOptions {
  /** Silent while another source of it sees processes. */
  view?: KernelView;
}

const settlesMs = 10_000;
const lookAgainMs = 1000;
const keptProcesses = 50_000;
const keptCmdline = 1024;

export function connectorSensor(options: ConnectorOptions = {}): Sensor {
  return {
    id: 'connector',
    title: { zh: '内核进程事件（netlink 与 fanotify）', en: 'Process events of the kernel (netlink and fanotify)' },
    blind: {
      zh: '仅在 eBPF 不可用时启用。立刻退出的进程只有路径（fanotify 看得到时），没有命令行；看不到文件改动、DNS、连接的最初字节，连接改由轮询发现。',
      en: 'Used only where eBPF does not work. Of a process that ends at once only the path is known (where fanotify sees it) and no command line. Changes of files, DNS and the first bytes of connections are not seen; connections are found by polling.',
    },
    needs: [
      { what: { zh: 'npm 包 koffi', en: 'the package koffi' }, fix: { zh: '重新安装依赖：npm ci', en: 'install the dependencies again: npm ci' }, met: () => loadKoffi().then(() => true, () => false) },
      { what: { zh: 'root 权限', en: 'root' }, fix: { zh: '用 root 运行', en: 'run as root' }, met: () => Promise.resolve(process.getuid?.() === 0) },
    ],
    open: (context) => watch(context, options.view),
  };
}

async function* watch(context: SensorContext, view: KernelView | undefined): AsyncIterable<Batch> {
  await view?.settledOf('ebpf', settlesMs, context.signal);
  try {
    while (!context.signal.aborted) {
      if (view?.by('ebpf')?.processes) {
        view.tell('connector', { processes: false, sockets: false });
        context.health('connector', 'waiting', { zh: '不需要：eBPF 传感器在工作', en: 'not needed: the eBPF sensor is live' });
        if (!await pause(lookAgainMs, context.signal)) return;
        continue;
      }
      const connector = await openProcConnector();
      view?.tell('connector', { processes: true, sockets: false });
      context.health('connector', 'live', connector.watched === 0 ? { zh: 'fanotify 不可用：立刻退出的进程没有路径', en: 'no fanotify: the path of a process that ends at once is not known' } : undefined);
      try {
        yield* follow(context, connector, view);
      } finally { connector.close(); }
    }
  } finally { view?.tell('connector', { processes: false, sockets: false }); }
}

/** Until the signal, or until the eBPF sensor sees. */
async function* follow(context: SensorContext, connector: ProcConnector, view: KernelView | undefined): AsyncIterable<Batch> {
  const maker = new Maker(context);
  while (!context.signal.aborted && !view?.by('ebpf')?.processes) {
    const { events, lost } = await connector.read();
    // Told by eBPF from that moment on.
    if (view?.by('ebpf')?.processes) return;
    if (lost) context.count('process events lost, the kernel had no room');
    const made = events.flatMap((event) => maker.make(event) ?? []);
    if (made.length > 0) yield { events: made, positions: [] };
  }
}

interface Known { started: number; parentPid: number; name: string | undefined; path: string | undefined; cmdline: string; cwd: string | undefined; uid: number | undefined; terminal: string | undefined; container: string | undefined }

class Maker {
  readonly #context: SensorContext;
  readonly #procfs = new Procfs();
  readonly #users = new Users();
  readonly #bootTime = bootTime(this.#procfs);
  readonly #known = new Map<number, Known>();
  readonly #idPrefix: string;
  #serial = 0;

  constructor(context: SensorContext) {
    this.#context = context;
    this.#idPrefix = `connector:${bootId(this.#procfs).slice(0, 8)}:${context.now().toString(36)}:`;
  }

  make(event: ProcEvent): Event | undefined {
    if (event.pid === process.pid) return undefined;
    switch (event.type) {
      case 'fork': {
        if (event.parentPid === process.pid) return undefined; // told when it becomes a program
        const parent = this.#known.get(event.parentPid) ?? this.#read(event.parentPid);
        const child: Known = { ...parent, parentPid: event.parentPid, started: this.#started(event.pid) };
        this.#keep(event.pid, child);
        return this.#event('process_fork', 'fork', event.pid, child);
      }
      case 'exec': {
        const known = this.#read(event.pid);
        known.path ??= event.path;
        this.#keep(event.pid, known);
        return this.#event('process_creation', 'process-start', event.pid, known);
      }
      case 'exit': {
        const known = this.#known.get(event.pid);
        if (known === undefined) return undefined;
        this.#known.delete(event.pid);
        const made = this.#event('process_termination', 'process-end', event.pid, known);
        const signal = event.code & 0x7f;
        made.exit_code = signal === 0 ? (event.code >> 8) & 0xff : 128 + signal;
        return made;
      }
    }
  }

  /** When it has ended already, what its fork told is left: when it started and by whom. */
  #read(pid: number): Known {
    const before = this.#known.get(pid);
    const stat = this.#procfs.stat(pid);
    if (stat === undefined) {
      this.#context.count('programs that had ended before they could be looked at');
      return { started: before?.started ?? this.#now(), parentPid: before?.parentPid ?? 0, name: undefined, path: undefined, cmdline: '', cwd: before?.cwd, uid: before?.uid, terminal: before?.terminal, container: before?.container };
    }
    return {
      started: this.#bootTime + (stat.startTicks * 1000) / ticksPerSecond, parentPid: stat.parentPid, name: stat.name, path: this.#procfs.exe(pid), cmdline: own((this.#procfs.cmdline(pid, 4096) ?? '')),
      cwd: this.#procfs.cwd(pid), uid: this.#procfs.uids(pid)?.real, terminal: terminalName(stat.tty), container: this.#procfs.container(pid),
    };
  }

  #started(pid: number): number {
    const stat = this.#procfs.stat(pid);
    return stat === undefined ? this.#now() : this.#bootTime + (stat.startTicks * 1000) / ticksPerSecond;
  }

  #now(): number { return this.#bootTime + (Math.round(uptime(this.#procfs) * ticksPerSecond) * 1000) / ticksPerSecond; }

  #keep(pid: number, known: Known): void {
    if (!this.#known.delete(pid) && this.#known.size >= keptProcesses) for (const oldest of this.#known.keys()) { this.#known.delete(oldest); break; }
    this.#known.set(pid, known.cmdline.length > keptCmdline ? { ...known, cmdline: own(known.cmdline.slice(0, keptCmdline)) } : known);
  }

  #event(kind: Kind, action: string, pid: number, known: Known): Event {
    const now = this.#context.now();
    const event = new Event(this.#idPrefix + (this.#serial++).toString(36), now, kind);
    const parent = this.#known.get(known.parentPid);
    event.host = this.#context.host;
    event.source = 'connector';
    event.category = 'process';
    event.action = action;
    event.outcome = 'success';
    event.pid = pid;
    event.parent_pid = known.parentPid;
    event.process_name = known.name;
    event.process_path = known.path;
    event.process_cmdline = known.cmdline;
    event.process_cwd = known.cwd;
    event.process_started = known.started;
    event.parent_path = parent === undefined && known.parentPid !== 0 ? this.#procfs.exe(known.parentPid) : parent?.path;
    event.parent_cmdline = parent === undefined && known.parentPid !== 0 ? this.#procfs.cmdline(known.parentPid, keptCmdline) : parent?.cmdline;
    event.uid = known.uid;
    event.user = known.uid === undefined ? undefined : this.#users.name(known.uid, now);
    event.terminal = known.terminal;
    event.container_id = known.container;
    return event;
  }
}
