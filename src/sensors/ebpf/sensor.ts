/**
 * Processes and connections by eBPF: every one, as the kernel does it.
 *
 * Events:
 *   process_creation     process-start; file_inode and file_device name the executable. extra, only when it says
 *                        something: memfd, deleted, euid, LD_* and their like, stdin/stdout/stderr (inet, unix, socket
 *                        of another family, pipe),
 *                        pid_ns, mnt_ns, net_ns, user_ns where they are not the host's
 *   process_fork         fork; pid is the child, its program still the parent's
 *   process_termination  process-end; exit_code as a shell tells it (128 + signal)
 *   network_connection   connect (TCP when the far end has answered; UDP at the first packet to a far end),
 *                        connect-attempt (refused: outcome failure; unanswered for a second: outcome unknown),
 *                        accept (not from loopback: the one who calls is told).
 *                        protocol unix: connect, connect-attempt (refused) to the control sockets of container runtimes;
 *                        file_path is the socket, destination_* is empty
 *   listener             listener-start (TCP listen, UDP bound to a port the kernel did not choose)
 *   dns_query            query; the same name asked again within a second is told once
 *   flow                 first-bytes, what a TCP connection sent first
 *   file_event           write (opened for it), create, rename, delete, chmod, chown, setxattr, link, and read of a few
 *                        credentials. extra: mode, owner (also of the process whose memory or environment is read), group,
 *                        target (symbolic link), attribute (setxattr), device (a node for a disk or memory made), empty (it
 *                        holds nothing now), again (opened so often more since it was told last), entropy (the write is
 *                        told once more when the file was looked into: see samples.ts)
 *                        A memfd is told as create of /memfd:name.
 *   process_access       ptrace, vm-write, vm-read, signal (to Moat); extra: target_pid (as the caller numbers it),
 *                        target_name, request, signal
 *   privilege            setuid, setgid, capset; extra: from (where it is known), to (real/effective where they differ)
 *   namespace            mount, umount, unshare, setns, pivot-root; file_path is the target; extra: source, type, flags,
 *                        host (setns into a namespace of the host)
 *   module               module-load, bpf-load; extra: name, type
 */
import { existsSync, readlinkSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { MoatError } from '../../core/error.ts';
import type { Event } from '../../core/gen/event.ts';
import type { Batch, Sensor, SensorContext } from '../../core/ports.ts';
import { Cgroups } from '../../linux/cgroups.ts';
import { loadObject } from '../../linux/libbpf.ts';
import { loadKoffi } from '../../linux/native.ts';
import { bootId, bootTime } from '../../linux/proc-host.ts';
import { firstEphemeralPort } from '../../linux/proc-net.ts';
import { Procfs } from '../../linux/procfs.ts';
import { Users } from '../../linux/users.ts';
import { Decoder } from './decode.ts';
import type { DenyList } from './deny.ts';
import type { KernelView } from '../kernel-view.ts';
import { type FileSettings, fileWatch } from './file-maps.ts';
import type { FromWorker, ToWorker, WorkerData } from './messages.ts';
import { Processes } from './processes.ts';
import { Samples } from './samples.ts';

export interface EbpfOptions {
  /** Folder of the .bpf.o files. */
  objects: string;
  ringBytes?: number;
  /** Which files are told beside the usual ones; false for none. */
  files?: Partial<FileSettings> | false;
  /** Whether ptrace, mount, setuid and their like are told; default true. */
  calls?: boolean;
  /** Programs that may not run; off without it. */
  deny?: DenyList;
  /** Told what this sensor sees, when it begins and when it ceases. */
  view?: KernelView;
  /** Told when events were lost: whoever counts on them must look again. */
  onLoss?: () => void;
  /** The worker's program; default is beside this file. */
  worker?: string;
}

const btfFile = '/sys/kernel/btf/vmlinux';
/** Without one of these, connections are looked for in /proc as well. */
const socketPrograms = ['on_socket_state', 'on_accept', 'on_egress'];
/** Events of one batch at most: between two of them an alert is stored and shown. */
const batchEvents = 512;

export function ebpfSensor(options: EbpfOptions): Sensor {
  return {
    id: 'ebpf',
    title: { zh: '内核传感器（eBPF）', en: 'Kernel sensor (eBPF)' },
    blind: {
      zh: 'Moat 启动之前的进程由轮询传感器报告。看不到：经 io_uring 或 32 位系统调用做的文件操作、已打开文件的写入内容（连续改写多个文件时会抽样读取其开头）、一般文件的读取、加密的 DNS（DoH、DoT）以及经本地套接字交给 systemd-resolved 的查询是谁问的。路径中的符号链接在改名、删除、改权限时不解析。有内核权限的攻击者可以卸下探针。环形缓冲区写满时丢失的事件会计数并显示。',
      en: 'What ran before Moat is told by the polling sensor. Not seen: work on files by io_uring or 32-bit system calls, what is written into an open file (of several rewritten in a row the beginning is looked at), the reading of ordinary files, encrypted DNS (DoH, DoT), and who asked systemd-resolved through its local socket. Symbolic links within a path are not followed when a file is renamed, removed or changed in rights. An attacker with the rights of the kernel can take the probes off. Records that find the ring full are lost, counted and shown.',
    },
    needs: [
      { what: { zh: '内核自带类型信息（BTF）', en: 'a kernel that describes itself (BTF)' }, fix: { zh: '换用带 CONFIG_DEBUG_INFO_BTF 的内核（Debian 11、Ubuntu 20.10、RHEL 8.2 及以后）', en: 'use a kernel with CONFIG_DEBUG_INFO_BTF (Debian 11, Ubuntu 20.10, RHEL 8.2 or later)' }, met: () => Promise.resolve(existsSync(btfFile)) },
      { what: { zh: 'npm 包 koffi', en: 'the package koffi' }, fix: { zh: '重新安装依赖：npm ci', en: 'install the dependencies again: npm ci' }, met: () => loadKoffi().then(() => true, () => false) },
      { what: { zh: 'libbpf 1.x', en: 'libbpf 1.x' }, fix: { zh: 'apt install libbpf1，或 dnf install libbpf', en: 'apt install libbpf1, or dnf install libbpf' }, met: () => loadKoffi().then((koffi) => { koffi.load('libbpf.so.1'); return true; }).catch(() => false) },
      { what: { zh: '加载 eBPF 程序的权限', en: 'leave to load eBPF programs' }, fix: { zh: '用 root 运行；在容器中需要 --privileged', en: 'run as root; a container needs --privileged' }, met: () => mayLoad(options.objects) },
    ],
    open: (context) => watch(context, options),
  };
}

/** Loads what is smallest and takes it off again. */
async function mayLoad(objects: string): Promise<boolean> {
  try {
    const object = await loadObject({ file: join(objects, 'base.bpf.o'), needed: ['on_exit'], wanted: (name) => name === 'on_exit' });
    await object.close();
    return true;
  } catch (error) {
    if (error instanceof MoatError) return false;
    throw error;
  }
}

async function* watch(context: SensorContext, options: EbpfOptions): AsyncIterable<Batch> {
  const procfs = new Procfs();
  const boot = bootId(procfs).slice(0, 8);
  const processes = new Processes(procfs, new Users(), new Cgroups(procfs), bootTime(procfs));
  const decoder = new Decoder({
    host: context.host, idPrefix: `ebpf:${boot}:${context.now().toString(36)}:`, processes, hostNamespaces: hostNamespaces(),
    count: (what, n) => { context.count(what, n); },
    onExec: options.deny && ((event) => { options.deny?.seen(event); }),
  });
  context.health('ebpf', 'waiting', { zh: '正在装载探针', en: 'loading the probes' });
  const thread = new Thread(options, context.signal);
  // What begins from now on is nobody's word any more but the polling sensor's.
  const onStop = (): void => { options.view?.tell('ebpf', { processes: false, sockets: false }); };
  context.signal.addEventListener('abort', onStop, { once: true });
  const samples = new Samples({ tell: (event) => { thread.put({ type: 'sampled', event }); }, count: (what) => { context.count(what); } });
  try {
    for await (const message of thread.messages()) {
      switch (message.type) {
        case 'live':
          context.health('ebpf', 'live', missingText(message.missing));
          if (options.deny) void startDeny(options.deny, thread, context);
          options.view?.tell('ebpf', { processes: true, sockets: socketPrograms.every((name) => message.attached.includes(name)), files: options.files !== false && message.attached.includes('on_open') });
          break;
        case 'counts':
          if (tellLoss(context, thread.losses(message))) { processes.sweep(context.now()); options.onLoss?.(); }
          break;
        case 'deny':
          thread.answer(message);
          break;
        case 'sampled':
          yield { events: [message.event], positions: [] };
          break;
        case 'ended':
          return;
        case 'failed':
          throw new MoatError(message.code, message.hint === undefined ? message.message : `${message.message}; ${message.hint}`);
        case 'records': {
          const events = decoder.decode(message.bytes, message.bootOffset, context.now());
          for (const event of events) if (event.kind === 'file_event') samples.saw(event, context.now());
          for (let i = 0; i < events.length; i += batchEvents) yield { events: i === 0 && events.length <= batchEvents ? events : events.slice(i, i + batchEvents), positions: [] };
          thread.done();
          if (processes.evicted > 0) { context.count('processes beyond the limit, forgotten', processes.evicted); processes.evicted = 0; }
          if (processes.unread > 0) { context.count('processes not read from /proc, too many at once', processes.unread); processes.unread = 0; }
        }
      }
    }
  } finally {
    samples.end();
    if (options.deny) {
      options.deny.disconnect();
      context.health('deny', 'waiting', { zh: '内核传感器已停止，名单不起作用', en: 'nothing is denied: the kernel sensor has ended' });
    }
    context.signal.removeEventListener('abort', onStop);
    onStop();
    await thread.end();
  }
}

const lastWordsMs = 2000;

/** What the worker says, and files that were looked into since. */
type Message = FromWorker | { type: 'sampled'; event: Event };

/** The worker as a stream of its messages. Throws when it dies. */
class Thread {
  readonly #worker: Worker;
  readonly #done = new Int32Array(new SharedArrayBuffer(8));
  readonly #queue: Message[] = [];
  readonly #signal: AbortSignal;
  #wake: () => void = () => undefined;
  #failed: Error | undefined;
  #ended = false;
  #request = 0;
  /** When the last words have had their time, Unix ms. */
  #until = Number.POSITIVE_INFINITY;
  readonly #asked = new Map<number, (ok: boolean) => void>();
  #lost = 0;
  #nested = 0;

  constructor(options: EbpfOptions, signal: AbortSignal) {
    const here = fileURLToPath(import.meta.url);
    const file = options.worker ?? fileURLToPath(new URL(`./${extname(here) === '.ts' ? 'worker.ts' : 'ebpf-worker.js'}`, import.meta.url));
    const workerData: WorkerData = { objects: options.objects, ringBytes: options.ringBytes ?? 8 * 2 ** 20, ownPid: process.pid, firstEphemeral: firstEphemeralPort(new Procfs()), files: options.files !== false && fileWatch(options.files), calls: options.calls ?? true, done: this.#done.buffer };
    this.#signal = signal;
    this.#worker = new Worker(file, { workerData, name: 'moat-ebpf', resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 } });
    this.#worker.on('message', (message: FromWorker) => {
      if (message.type === 'ended') this.#ended = true;
      this.put(message);
    });
    this.#worker.on('error', (error) => { this.#failed = error; this.#wake(); });
    this.#worker.on('exit', () => { this.#ended = true; this.#wake(); });
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  put(message: Message): void {
    this.#queue.push(message);
    this.#wake();
  }

  readonly #onAbort = (): void => {
    this.#until = Date.now() + lastWordsMs;
    setTimeout(() => { this.#wake(); }, lastWordsMs).unref();
    const stop: ToWorker = { type: 'stop' };
    this.#worker.postMessage(stop, []);
    this.#wake();
  };

  /** Until the signal, and what had happened before it. */
  async* messages(): AsyncIterable<Message> {
    while (Date.now() < this.#until) {
      const next = this.#queue.shift();
      if (next !== undefined) { yield next; continue; }
      if (this.#failed) throw this.#failed;
      if (this.#ended && this.#signal.aborted) return;
      if (this.#ended) throw new MoatError('ended', 'expected the worker of the kernel sensor to run, it ended');
      await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }

  /** One piece is done with: the worker may send another. */
  done(): void {
    Atomics.add(this.#done, 0, 1);
    Atomics.notify(this.#done, 0);
  }

  /** Resolves to whether the kernel's list took it. */
  deny(file: { inode: number; device: number }, on: boolean): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false);
    const request = ++this.#request;
    const ask: ToWorker = { type: 'deny', request, inode: file.inode, device: file.device, on };
    this.#worker.postMessage(ask, []);
    return new Promise((resolve) => { this.#asked.set(request, resolve); });
  }

  answer({ request, ok }: { request: number; ok: boolean }): void {
    this.#asked.get(request)?.(ok);
    this.#asked.delete(request);
  }

  losses(message: { lost: number; nested: number }): { lost: number; nested: number } {
    const since = { lost: message.lost - this.#lost, nested: message.nested - this.#nested };
    this.#lost = message.lost;
    this.#nested = message.nested;
    return since;
  }

  /** Resolves when nothing more is told. The thread goes on taking its programs off for a while. */
  async end(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#worker.unref();
    const stop: ToWorker = { type: 'stop' };
    this.#worker.postMessage(stop, []);
    while (!this.#ended) await new Promise<void>((resolve) => { this.#wake = resolve; });
    this.#queue.length = 0;
    for (const resolve of this.#asked.values()) resolve(false);
    this.#asked.clear();
  }
}

async function startDeny(deny: DenyList, thread: Thread, context: SensorContext): Promise<void> {
  try {
    await deny.connect({ set: (file, on) => thread.deny(file, on), count: (what) => { context.count(what); }, warn: (text) => { context.log.warn(text); } });
    context.health('deny', 'live', { zh: `禁止运行 ${deny.size} 项，自检通过`, en: `${deny.size} entries may not run; the self-test passed` });
  } catch (error) {
    context.health('deny', 'blind', { zh: `禁止名单无效：${(error as Error).message}`, en: `the deny list does not work: ${(error as Error).message}` });
  }
}

function tellLoss(context: SensorContext, { lost, nested }: { lost: number; nested: number }): boolean {
  if (lost > 0) context.count('records lost, the ring was full', lost);
  if (nested > 0) context.count('records lost, interrupted too deep', nested);
  return lost + nested > 0;
}

function missingText(missing: readonly { program: string; reason: string }[]): { zh: string; en: string } | undefined {
  if (missing.length === 0) return undefined;
  const list = missing.map(({ program, reason }) => `${program} (${reason})`).join(', ');
  return { zh: `未挂载：${list}`, en: `not attached: ${list}` };
}

/** The first process's namespaces; our own where those may not be read. */
function hostNamespaces(): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const name of ['pid', 'mnt', 'net', 'user']) {
    const found = /\[(\d+)\]/.exec(linkText(`/proc/1/ns/${name}`) ?? linkText(`/proc/self/ns/${name}`) ?? '');
    if (found) numbers[name] = Number(found[1]);
  }
  return numbers;
}

function linkText(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (['EACCES', 'EPERM', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
