/**
 * Changes of files by fanotify: where the kernel sensor does not tell them. A file opened for writing is told when it is closed.
 * What is made, removed and renamed, and attributes, are told by Linux 5.9 and later on file systems that have file handles.
 *
 * Events: file_event write, create, rename (file_from where the kernel tells both ends, Linux 5.17), delete, attributes (mode, owner,
 *   times or extended attributes: the kernel does not say which). The process is known in full while it runs, afterwards by its
 *   number alone; extra.folder is set for folders.
 */
import { Event } from '../../core/gen/event.ts';
import type { Batch, Sensor, SensorContext } from '../../core/ports.ts';
import { openFanotify, type Fanotify, type FileChange } from '../../linux/fanotify.ts';
import { loadKoffi } from '../../linux/native.ts';
import { bootId, bootTime } from '../../linux/proc-host.ts';
import { Procfs, ticksPerSecond } from '../../linux/procfs.ts';
import { Users } from '../../linux/users.ts';
import type { KernelView } from '../kernel-view.ts';
import { pause } from '../pace.ts';

export interface FanotifyOptions {
  /** Silent while the kernel sensor tells changes of files. */
  view?: KernelView;
  /** Beginnings of paths that are not told; the longest that fits decides. */
  watch?: readonly string[];
  ignore?: readonly string[];
  /** Told when changes were lost: whoever counts on them must look again. */
  onLoss?: () => void;
  /** Mount points; all disks when left out. */
  mounts?: readonly string[];
}

const settlesMs = 10_000;
const lookAgainMs = 1000;
const cmdlineMax = 1024;
const starts = { watch: ['/', '/dev/shm/'], ignore: ['/proc/', '/sys/', '/dev/', '/run/', '/var/cache/'] };

export function fanotifySensor(options: FanotifyOptions = {}): Sensor {
  return {
    id: 'fanotify',
    title: { zh: '文件改动（fanotify）', en: 'Changes of files (fanotify)' },
    blind: {
      zh: '仅在内核传感器不报告文件时启用。已退出的进程往往只有进程号；看不到内存文件系统与网络盘上的改动；5.9 以前的内核只看得到写入。',
      en: 'Used only where the kernel sensor does not tell of files. Of a process that has ended often the number alone is known; changes on file systems in memory and on the network are not seen; kernels before 5.9 tell of writes only.',
    },
    needs: [
      { what: { zh: 'npm 包 koffi', en: 'the package koffi' }, fix: { zh: '重新安装依赖：npm ci', en: 'install the dependencies again: npm ci' }, met: () => loadKoffi().then(() => true, () => false) },
      { what: { zh: 'root 权限', en: 'root' }, fix: { zh: '用 root 运行', en: 'run as root' }, met: () => Promise.resolve(process.getuid?.() === 0) },
    ],
    open: (context) => watch(context, options),
  };
}

async function* watch(context: SensorContext, options: FanotifyOptions): AsyncIterable<Batch> {
  const { view } = options;
  const blind = (): void => { view?.tell('fanotify', { processes: false, sockets: false, files: false }); };
  await view?.settledOf('ebpf', settlesMs, context.signal);
  try {
    while (!context.signal.aborted) {
      if (view?.by('ebpf')?.files) {
        blind();
        context.health('fanotify', 'waiting', { zh: '不需要：eBPF 传感器在工作', en: 'not needed: the eBPF sensor is live' });
        if (!await pause(lookAgainMs, context.signal)) return;
        continue;
      }
      const fanotify = await openFanotify(options.mounts);
      view?.tell('fanotify', { processes: false, sockets: false, files: true });
      context.health('fanotify', 'live', stateText(fanotify));
      try {
        yield* follow(context, fanotify, options);
      } finally { fanotify.close(); }
    }
  } finally { blind(); }
}

function stateText({ closes, without }: Fanotify): { zh: string; en: string } | undefined {
  if (closes.length + without.length === 0) return undefined;
  return {
    zh: [...(closes.length > 0 ? [`仅写入：${closes.join('、')}`] : []), ...(without.length > 0 ? [`看不到：${without.join('、')}`] : [])].join('；'),
    en: [...(closes.length > 0 ? [`writes only: ${closes.join(', ')}`] : []), ...(without.length > 0 ? [`not seen: ${without.join(', ')}`] : [])].join('; '),
  };
}

/** Until the signal, or until the eBPF sensor sees. */
async function* follow(context: SensorContext, fanotify: Fanotify, options: FanotifyOptions): AsyncIterable<Batch> {
  const wanted = filterOf([...options.watch ?? [], ...starts.watch], [...options.ignore ?? [], ...starts.ignore]);
  const tell = teller(context);
  while (!context.signal.aborted) {
    const { changes, lost, unnamed } = await fanotify.read();
    if (options.view?.by('ebpf')?.files) return;
    if (lost) { context.count('changes of files lost, the queue was full'); options.onLoss?.(); }
    if (unnamed > 0) context.count('changes in folders that were gone before they could be named', unnamed);
    const events = changes.filter(({ pid, path, from }) => pid !== process.pid && (wanted(path) || (from !== undefined && wanted(from)))).map(tell);
    if (events.length > 0) yield { events, positions: [] };
  }
}

/** Whether a path is told: by the longest beginning that fits; what is ignored goes before. */
export function filterOf(watched: readonly string[], ignored: readonly string[]): (path: string) => boolean {
  const rows = [...ignored.map((start) => ({ start, told: false })), ...watched.map((start) => ({ start, told: true }))].sort((a, b) => b.start.length - a.start.length);
  return (path) => rows.find(({ start }) => path.startsWith(start))?.told ?? false;
}

function teller(context: SensorContext): (change: FileChange) => Event {
  const procfs = new Procfs();
  const users = new Users();
  const boot = bootTime(procfs);
  const prefix = `fanotify:${bootId(procfs).slice(0, 8)}:${context.now().toString(36)}:`;
  let serial = 0;
  return ({ action, path, from, pid, isFolder }) => {
    const now = context.now();
    const event = new Event(prefix + (serial++).toString(36), now, 'file_event');
    event.host = context.host;
    event.source = 'fanotify';
    event.category = 'file';
    event.action = action;
    event.outcome = 'success';
    event.file_path = path;
    event.file_from = from;
    event.extra = isFolder ? { folder: 'true' } : undefined;
    // Processes of a namespace that is not below ours have none.
    if (pid > 0) event.pid = pid;
    const stat = pid > 0 ? procfs.stat(pid) : undefined;
    if (!stat) return event;
    event.process_started = boot + (stat.startTicks * 1000) / ticksPerSecond;
    event.parent_pid = stat.parentPid;
    event.process_name = stat.name;
    event.process_path = procfs.exe(pid);
    event.process_cmdline = procfs.cmdline(pid, cmdlineMax);
    event.uid = procfs.uids(pid)?.real;
    event.user = event.uid === undefined ? undefined : users.name(event.uid, now);
    event.container_id = procfs.container(pid);
    return event;
  };
}
