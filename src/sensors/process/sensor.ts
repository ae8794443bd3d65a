/**
 * Processes, listeners and connections by looking at /proc again and again: the fallback where there is
 * no eBPF, and what tells which processes were there when Moat came. While the kernel sensor sees, this one
 * tells only the latter.
 *
 * Events:
 *   process_creation     action process-start; process-seen for what ran before the first look;
 *                        process-exec when a known process became another program
 *   process_termination  action process-end, time of the look that missed it
 *   listener             action listener-start, listener-seen at the first look; destination_ip and
 *                        destination_port are the listening address, direction listening
 *   network_connection   action connect, or connect-attempt (outcome unknown) while it is not yet
 *                        answered; inbound: source is the far end; outbound: destination is the far end
 *                        and source stays empty, so that nothing takes our own address for an attacker
 */
import { Event } from '../../core/gen/event.ts';
import type { Batch, Sensor, SensorContext } from '../../core/ports.ts';
import { bootId, bootTime, uptime } from '../../linux/proc-host.ts';
import { Procfs, ticksPerSecond } from '../../linux/procfs.ts';
import { Slices, whole } from '../../linux/slices.ts';
import { Users } from '../../linux/users.ts';
import type { KernelView } from '../kernel-view.ts';
import { cpuMs, nextWait, pause } from '../pace.ts';
import { tellProcess } from '../process-event.ts';
import type { NewSocket } from './sockets.ts';
import { SocketTable } from './sockets.ts';
import type { Change, ProcessInfo } from './table.ts';
import { ProcessTable } from './table.ts';

export interface ProcessOptions {
  root?: string;
  everyMs?: number;
  socketsEveryMs?: number;
  /** What the kernel sensor sees is not told here again. */
  kernel?: KernelView;
}

/** Events between two looks at the clock: the first ones take some milliseconds each to judge. */
const pieceSize = 4;
/** So long the first look waits for word of the kernel sensor. */
const kernelSettlesMs = 10_000;
/** How often the table is kept fresh while the kernel sensor tells what happens. */
const quietEveryMs = 10_000;
const outbound = Object.freeze({ Initiated: 'true' });
const inbound = Object.freeze({ Initiated: 'false' });

export function processSensor(options: ProcessOptions = {}): Sensor {
  const { root = '/', everyMs = 1000, socketsEveryMs = 2000, kernel } = options;
  return {
    id: 'process',
    title: { zh: '进程与网络连接（轮询 /proc）', en: 'Processes and connections (polling /proc)' },
    blind: {
      zh: `两次查看之间（${everyMs / 1000} 秒）启动又退出的进程看不到，${socketsEveryMs / 1000} 秒之间建立又关闭的连接看不到；长期运行的进程改为执行别的程序，要轮到复查时才发现；容器等其他网络命名空间里的套接字看不到；被 rootkit 从 /proc 隐藏的进程看不到；内核线程不报告。非 root 运行时看不到其他账号进程的可执行文件和套接字归属。`,
      en: `Processes that start and end between two looks (${everyMs / 1000} s) and connections opened and closed within ${socketsEveryMs / 1000} s are not seen. A long-lived process that becomes another program is noticed only when its turn to be looked at again comes. Sockets of other network namespaces (containers) and processes that a rootkit hides from /proc are not seen; kernel threads are not told. Without root, executables and sockets of other accounts cannot be read.`,
    },
    needs: [{
      what: { zh: '可读的 /proc', en: 'a readable /proc' },
      fix: { zh: '挂载 proc：mount -t proc proc /proc', en: 'mount it: mount -t proc proc /proc' },
      met: () => Promise.resolve(new Procfs(root).read('loadavg') !== undefined),
    }],
    async *open(context) {
      try {
        yield* watch(context, root, everyMs, socketsEveryMs, kernel);
      } catch (error) { if (!context.signal.aborted) throw error; /* ended while it rested between two slices */ }
    },
  };
}

async function* watch(context: SensorContext, root: string, everyMs: number, socketsEveryMs: number, kernel: KernelView | undefined): AsyncIterable<Batch> {
  const procfs = new Procfs(root);
  const users = new Users(root);
  const boot = bootId(procfs);
  const table = new ProcessTable(procfs, users, bootTime(procfs));
  let sockets = new SocketTable(procfs);
  const make = new EventMaker(context, boot, users);
  const seenUntil = lastLook(context.position('process'), boot);
  await kernel?.settled(kernelSettlesMs, context.signal);
  let firstLook = true;
  let socketsDue = 0;
  let quietUntil = 0;
  let socketsQuiet = false;

  for (;;) {
    const began = performance.now();
    let from = cpuMs(), processesTook = 0;
    const quiet = kernel?.processes ?? false;
    tellHealth(context, quiet);
    const events: Event[] = [];
    const slices = new Slices(context.signal);
    let ticks: number | undefined;
    if (!quiet || firstLook || began >= quietUntil) {
      quietUntil = began + quietEveryMs;
      const now = context.now();
      // Two decimals: what binary fractions leave below a whole tick must not count as the one before.
      ticks = Math.round(uptime(procfs) * ticksPerSecond);
      for (const change of table.look(now, (n) => { context.count('processes beyond the limit, not watched', n); })) {
        // What the kernel tells meanwhile is not to wait until hundreds of processes are read and judged.
        if (events.length >= pieceSize || slices.due()) {
          processesTook += cpuMs() - from;
          if (events.length > 0) yield { events: events.splice(0), positions: [] };
          if (slices.due()) await slices.rest();
          from = cpuMs();
        }
        const { process } = change;
        // Kernel threads come and go by the hundred, and no program can pose as one to the kernel.
        if (process.kernelThread) continue;
        if (change.type === 'started' ? kernel?.told(began - ((ticks - process.startTicks) * 1000) / ticksPerSecond) : quiet) continue;
        events.push(make.processEvent(change, now, firstLook && process.startTicks <= seenUntil(ticks)));
      }
    }
    processesTook += cpuMs() - from;
    if (began >= socketsDue && (firstLook || !(kernel?.sockets ?? false))) {
      let took = 0;
      from = cpuMs();
      const now = context.now();
      // What came to be while the kernel sensor saw has been told.
      if (socketsQuiet) { sockets = new SocketTable(procfs); whole(sockets.look(now, () => [], () => undefined)); }
      const search = sockets.look(now, () => table.pidsNewestFirst(), (what, n) => { context.count(what, n); });
      let step = search.next();
      for (; !step.done; step = search.next()) {
        if (!slices.due()) continue;
        took += cpuMs() - from;
        await slices.rest();
        from = cpuMs();
      }
      for (const one of step.value) events.push(make.socketEvent(one, now, firstLook, one.pid === undefined ? undefined : table.get(one.pid)));
      took += cpuMs() - from;
      // On machines with much memory the tables are slow to read: a quarter of a percent is what they may cost.
      // A little early rather than a whole look late.
      socketsDue = performance.now() + nextWait(socketsEveryMs, took, 400) - everyMs / 4;
    }
    socketsQuiet = kernel?.sockets ?? false;
    procfs.reportDenied((what, n) => { context.count(what, n); });
    const positions = ticks === undefined ? [] : [{ source: 'process', value: `${boot} ${ticks}` }];
    for (let i = 0; i < Math.max(events.length, positions.length); i += pieceSize) {
      if (slices.due()) await slices.rest();
      const last = i + pieceSize >= events.length;
      yield { events: events.slice(i, i + pieceSize), positions: last ? positions : [] };
    }
    // The first look reads every process in full; that says nothing about the cost of those that follow.
    if (!await pause(firstLook ? everyMs : nextWait(everyMs, processesTook), context.signal)) return;
    firstLook = false;
  }
}

function tellHealth(context: SensorContext, quiet: boolean): void {
  if (quiet) context.health('process', 'live', { zh: '内核传感器在工作：这里只报告 Moat 启动之前已有的进程和端口', en: 'the kernel sensor is live: only what was there before is told here' });
  else if (process.getuid?.() !== 0) context.health('process', 'live', { zh: '非 root 运行：其他账号的可执行文件和套接字归属看不到', en: 'not root: executables and sockets of other accounts cannot be read' });
  else context.health('process', 'live');
}

/**
 * Processes older than this many ticks were there before. After a restart within one boot that is the
 * last look before it: what started in between is told as a start.
 */
function lastLook(saved: string | undefined, boot: string): (ticks: number) => number {
  const [savedBoot, savedTicks] = saved?.split(' ') ?? [];
  const at = Number(savedTicks);
  return savedBoot === boot && Number.isFinite(at) ? () => at : (ticks) => ticks;
}

class EventMaker {
  readonly #context: SensorContext;
  readonly #boot: string;
  readonly #users: Users;
  #serial = 0;

  constructor(context: SensorContext, boot: string, users: Users) {
    this.#context = context;
    this.#boot = boot.slice(0, 8);
    this.#users = users;
  }

  processEvent(change: Change, now: number, seen: boolean): Event {
    const { process } = change;
    const id = `process:${this.#boot}:${process.pid}:${process.startTicks}`;
    if (change.type === 'executed') return fill(this.#event(`${id}:exec:${now}`, now, 'process_creation', 'process-exec'), process);
    if (change.type === 'ended') return fill(this.#event(`${id}:end`, now, 'process_termination', 'process-end'), process);
    if (seen) return fill(this.#event(`${id}:seen`, now, 'process_creation', 'process-seen'), process);
    return fill(this.#event(`${id}:start`, Math.min(now, process.started), 'process_creation', 'process-start'), process);
  }

  socketEvent({ type, socket, pid }: NewSocket, now: number, seen: boolean, holder: ProcessInfo | undefined): Event {
    const listening = type === 'listener';
    const action = listening ? (seen ? 'listener-seen' : 'listener-start') : socket.state === 'connecting' ? 'connect-attempt' : 'connect';
    const id = `socket:${this.#boot}:${socket.protocol}:${socket.key.replace(' ', '-')}:${socket.inode}:${now}:${this.#serial++}`;
    const event = this.#event(id, now, listening ? 'listener' : 'network_connection', action);
    event.category = 'network';
    if (socket.state === 'connecting') event.outcome = 'unknown';
    event.protocol = socket.protocol;
    event.direction = listening ? 'listening' : type;
    if (type === 'outbound') {
      event.destination_ip = socket.remoteIp;
      event.destination_port = socket.remotePort;
      event.extra = outbound;
    } else {
      event.destination_ip = socket.localIp;
      event.destination_port = socket.localPort;
      if (type === 'inbound') {
        event.source_ip = socket.remoteIp;
        event.source_port = socket.remotePort;
        event.extra = inbound;
      }
    }
    if (holder !== undefined) return fill(event, holder, 'network');
    event.pid = pid;
    event.uid = socket.uid;
    event.user = this.#users.name(socket.uid, now);
    return event;
  }

  #event(id: string, time: number, kind: Event['kind'], action: string): Event {
    const event = new Event(id, time, kind);
    event.host = this.#context.host;
    event.source = 'process';
    event.action = action;
    event.outcome = 'success';
    return event;
  }
}

function fill(event: Event, process: ProcessInfo, category = 'process'): Event {
  event.category = category;
  tellProcess(event, process);
  return event;
}
