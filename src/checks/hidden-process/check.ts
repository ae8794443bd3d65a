/** Processes that the listing of /proc leaves out, or that are covered by a mount, found by asking the kernel in other ways. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Finding } from '../../core/finding.ts';
import type { Text } from '../../core/text.ts';
import { descriptors } from '../../linux/descriptors.ts';
import type { Procfs } from '../../linux/procfs.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { askerOf, isShipped, machineOf, ownerOf, processFacts, running, startedAt, tellDenied } from '../processes.ts';
import { allThreads, readViews, standing, sweepCalls, type Sighting, type Standing, type View } from './views.ts';
import { upTo } from '../look.ts';

const looks = 3;
const betweenMs = 40;
const findingsMax = 200;

export const hiddenProcess: PlaceCheck = {
  id: 'hidden-process',
  title: { zh: '隐藏的进程', en: 'hidden processes' },
  blind: { zh: '把所有系统调用都改了的内核 rootkit 仍可藏住进程：从盘外（--root）再查一遍', en: 'a rootkit in the kernel that edits every one of these views still hides its processes: look at the disk from outside too (--root)' },
  group: 'hiding',
  scope: 'machine',
  beside: true,
  everyMinutes: 60,
  async *run(context) {
    const { procfs } = machineOf(context);
    yield* mounts(context);
    yield* missing(context);
    yield* sockets(context);
    yield* namespaces(context);
    yield* mounted(procfs);
    tellDenied(context);
  },
};

const viewWords: Record<View, Text> = {
  scheduler: { zh: '内核调度器（sched_getscheduler）', en: 'the scheduler (sched_getscheduler)' },
  signal: { zh: '信号（kill 0）', en: 'signals (kill 0)' },
  parent: { zh: '子进程的父进程号', en: 'the parent that a process names' },
  tracer: { zh: '被调试进程的调试者', en: 'the tracer that a process names' },
  cgroup: { zh: '控制组成员表', en: 'members of a control group' },
  lock: { zh: '文件锁表', en: 'the table of file locks' },
  pidfile: { zh: 'PID 文件', en: 'a PID file' },
};

/** Ids that other views name and the listing does not, looked at again until races have sorted themselves out. */
async function* missing(context: ScanContext): AsyncIterable<Finding> {
  const { procfs, probes } = machineOf(context);
  if (hidesOthers(procfs) && process.getuid?.() !== 0) {
    context.blind('/proc (hidepid)', { zh: '/proc 以 hidepid 挂载，别的用户的进程看不到；请用 root 运行', en: '/proc is mounted with hidepid: processes of other users are not shown; run the scan as root' });
    return;
  }
  const before = new Set(procfs.pids());
  const named = readViews(procfs, (what) => context.blind(what, { zh: '读不了', en: 'cannot be read' }));
  if (probes) {
    const { sightings, untried } = await sweepCalls(procfs, askerOf(context), context.signal);
    if (untried > 0) context.blind('kill, sched_getscheduler', { zh: `时间不够，${untried} 个进程号没问到`, en: `there was no time to ask for ${untried} process ids` });
    for (const [pid, list] of sightings) named.set(pid, [...list, ...named.get(pid) ?? []]);
  } else if (procfs.root === '/') {
    context.blind('kill, sched_getscheduler', { zh: '缺少系统调用接口（koffi），只比对了文件视图', en: 'system calls cannot be made (koffi is missing): only views that are files were compared' });
  }
  const after = new Set(procfs.pids());
  const lives = probes && ((pid: number): boolean => probes.scheduled(pid) || probes.signalled(pid));
  let suspects = [...named].filter(([pid]) => !before.has(pid) && !after.has(pid));
  const last = new Map<number, Standing>();
  for (let look = 0; look < looks && suspects.length > 0; look++) {
    if (look > 0) await wait(betweenMs, undefined, { signal: context.signal });
    let known: Set<number> | undefined;
    const again = look === 0 ? undefined : readViews(procfs, () => undefined);
    suspects = suspects.filter(([pid, sightings]) => {
      const is = standing(procfs, pid, lives, () => (known ??= allThreads(procfs)));
      // Nobody answers, but processes and control groups keep naming it: a member that even the calls are kept from.
      const stays = is.is === 'gone' && again?.get(pid)?.some(({ view }) => view !== 'pidfile' && view !== 'lock') && sightings.some(({ view }) => view !== 'pidfile' && view !== 'lock');
      const odd = is.is === 'shown' || is.is === 'silent' || stays || (is.is === 'gone' && look === 0 && sightings.some(({ view }) => view === 'parent' || view === 'tracer' || view === 'cgroup'));
      if (odd) last.set(pid, is);
      return odd;
    });
  }
  if (suspects.length > findingsMax) context.count('hidden processes beyond those listed', suspects.length - findingsMax);
  for (const [pid, sightings] of suspects.slice(0, findingsMax)) yield hidden(pid, sightings, last.get(pid)!, procfs);
}

function hidden(pid: number, sightings: readonly Sighting[], is: Standing, procfs: Procfs): Finding {
  const name = is.is === 'shown' ? is.name : undefined;
  const exe = procfs.exe(pid);
  const stat = procfs.stat(pid);
  const time = stat && startedAt(procfs, stat);
  return finding('hidden-process', `pid\0${pid}\0${stat?.startTicks ?? ''}`, {
    kind: 'intrusion', level: 'critical', pid,
    title: { zh: `进程 ${pid}${name ? `（${name}）` : ''} 被藏起来了：内核说它在，/proc 的目录里没有它`, en: `process ${pid}${name ? ` (${name})` : ''} is hidden: the kernel knows it, the listing of /proc does not` },
    evidence: [
      ...sightings.map(({ view, detail }) => fact({ zh: `看得到它的地方：${viewWords[view].zh}`, en: `seen by ${viewWords[view].en}` }, detail ?? String(pid))),
      fact({ zh: '看不到它的地方', en: 'not seen in' }, is.is === 'shown' ? 'readdir /proc' : `readdir /proc, /proc/${pid}`),
      ...(exe === undefined ? [] : [fact({ zh: '程序', en: 'program' }, exe), fact({ zh: '命令行', en: 'command line' }, procfs.cmdline(pid) ?? '')]),
    ],
    means: { zh: '正常的系统不会漏列进程。这是 rootkit（内核模块、eBPF 程序或预加载库）在替它遮掩，ps 和 top 的结果不再可信。', en: 'No healthy system leaves a process out. A rootkit (a kernel module, an eBPF program or a preloaded library) covers for it, and what ps and top show can no longer be trusted.' },
    fix: { text: { zh: '先断网、给内存和磁盘留证，再从可信介质启动检查；这台机器应当重装', en: 'cut the network, keep images of memory and disk, then look at it from trusted media; the machine should be installed anew' }, commands: [] },
    refs: ['attack:T1014', 'attack:T1564', 'matrix:隐藏进程', 'dengbao:8.1.4.4'],
    ...(time !== undefined && { time }),
  });
}

/** Mounts over /proc/PID: whoever lists processes then reads the wrong one, or nothing. */
async function* mounts(context: ScanContext): AsyncIterable<Finding> {
  const { procfs } = machineOf(context);
  const seen = new Set<string>();
  for (const from of ['self', '1']) {
    const table = procfs.read(`${from}/mountinfo`, 4 << 20);
    if (table === undefined) continue;
    for (const line of table.split('\n')) {
      const path = line.split(' ')[4];
      const pid = path === undefined ? undefined : /^\/proc\/(\d+)(?:\/|$)/.exec(path)?.[1];
      if (pid === undefined || seen.has(path!)) continue;
      seen.add(path!);
      yield covered(Number(pid), path!, [fact({ zh: `/proc/${from}/mountinfo 的一行`, en: `line of /proc/${from}/mountinfo` }, line)]);
    }
  }
  // The table of mounts may be edited too: a folder that holds another process tells by itself.
  for (const pid of procfs.pids()) {
    const stat = procfs.read(`${pid}/stat`, 4096);
    const own = stat === undefined ? undefined : Number.parseInt(stat, 10);
    if (own === undefined || own === pid || seen.has(`/proc/${pid}`)) continue;
    yield covered(pid, `/proc/${pid}`, [fact({ zh: `/proc/${pid}/stat 里的进程`, en: `the process in /proc/${pid}/stat` }, stat!.slice(0, 200))]);
  }
}

const covered = (pid: number, path: string, evidence: Finding['evidence']): Finding => finding('hidden-process', `mount\0${path}`, {
  kind: 'intrusion', level: 'critical', pid, path,
  title: { zh: `${path} 上盖了一个挂载，进程 ${pid} 因此看不到真身`, en: `a mount covers ${path}, so that process ${pid} is not seen for what it is` },
  evidence,
  means: { zh: '不需要内核模块就能藏进程的手法：把别的目录绑定挂载到 /proc/进程号 上。正常软件从不这样做。', en: 'A way to hide a process without any kernel module: another folder is bind-mounted over its /proc entry. No ordinary software does this.' },
  fix: { text: { zh: '卸掉这个挂载，再看露出来的进程', en: 'take the mount away, then look at the process that appears' }, commands: [['umount', path]] },
  refs: ['attack:T1564', 'matrix:隐藏进程'],
});

/** Ports of clients and servers that are in the kernel itself: no process holds their sockets. */
const kernelPorts = new Set([111, 139, 445, 860, 2049, 3260, 3300, 4420, 4421, 6789, 8009, 20048, 20049]);
const isKernelPort = (port: number): boolean => kernelPorts.has(port) || (port >= 7788 && port <= 7799) || (port >= 6800 && port <= 7300);

/** TCP connections and listeners that no process in sight holds. */
async function* sockets(context: ScanContext): AsyncIterable<Finding> {
  const { procfs, probes } = machineOf(context);
  // In a container with the host's network the holders are elsewhere.
  if (!probes || procfs.stat(2)?.kernelThread !== true) return;
  const modules = new Set((procfs.read('modules', 1 << 20) ?? '').split('\n').map((line) => line.split(' ')[0]!));
  if (['nfsd', 'lockd', 'rds_tcp', 'dlm', 'ocfs2', 'ksmbd'].some((name) => modules.has(name))) context.count('listeners without a process passed over: the kernel serves files itself');
  const serves = ['nfsd', 'lockd', 'rds_tcp', 'dlm', 'ksmbd'].some((name) => modules.has(name));
  const orphans = (): Map<number, string> => {
    const owners = descriptors(procfs, true);
    const found = new Map<number, string>();
    if (owners.denied > 0 || owners.cut) return found;
    for (const family of ['ipv4', 'ipv6'] as const) for (const socket of probes.sockets(family, 'tcp') ?? []) {
      const listening = socket.state === 10;
      if (socket.inode === 0 || owners.sockets.has(socket.inode) || !(listening || socket.state === 1) || isKernelPort(socket.localPort) || isKernelPort(socket.remotePort) || (serves && listening)) continue;
      found.set(socket.inode, listening ? `${socket.localIp} ${socket.localPort} (listening)` : `${socket.localIp} ${socket.localPort} → ${socket.remoteIp} ${socket.remotePort}`);
    }
    return found;
  };
  let left = orphans();
  for (let look = 1; look < looks && left.size > 0; look++) {
    await wait(betweenMs, undefined, { signal: context.signal });
    const again = orphans();
    left = new Map([...left].filter(([inode]) => again.has(inode)));
  }
  for (const [inode, what] of upTo(context, [...left], findingsMax)) {
    yield finding('hidden-process', `socket\0${inode}`, {
      kind: 'intrusion', level: 'medium',
      title: { zh: `TCP 套接字 ${what} 没有任何看得到的进程持有`, en: `no process in sight holds the TCP socket ${what}` },
      evidence: [fact({ zh: '套接字（netlink 说的）', en: 'socket, by netlink' }, `${what}, inode ${inode}`)],
      means: { zh: '连接总有主人。主人不在进程列表里，要么是内核自己的服务（网络文件系统、块设备），要么进程被藏起来了。', en: 'Every connection has an owner. When none is in sight it is a service of the kernel itself (network file systems or disks), or the process is hidden.' },
      refs: ['attack:T1014', 'matrix:隐藏进程'],
    });
  }
}

/** A process that has made itself process 1 of a small world: ordinary for containers and sandboxes of packages. */
async function* namespaces(context: ScanContext): AsyncIterable<Finding> {
  const { procfs } = machineOf(context);
  const own = procfs.namespace(1, 'pid');
  if (own === undefined || procfs.root !== '/') return;
  for (const one of running(context)) {
    const other = procfs.namespace(one.pid, 'pid');
    if (other === undefined || other === own || procfs.container(one.pid) !== undefined || !one.here) continue;
    const parent = procfs.namespace(one.stat.parentPid, 'pid');
    if (parent === other || isShipped(await ownerOf(one, context))) continue;
    yield finding('hidden-process', `namespace\0${one.pid}\0${one.stat.startTicks}`, {
      kind: 'notice', level: 'low', pid: one.pid,
      title: { zh: `${one.exe ?? one.stat.name} 在自己的进程命名空间里运行，却不属于任何容器`, en: `${one.exe ?? one.stat.name} runs in a process namespace of its own and belongs to no container` },
      evidence: [...processFacts(one, context), fact({ zh: '命名空间', en: 'namespace' }, other)],
      refs: ['attack:T1564'],
    });
  }
}

/** `/proc` shows people only their own processes: good for privacy, bad for monitoring agents that are not root. */
function* mounted(procfs: Procfs): Iterable<Finding> {
  const options = procMount(procfs);
  if (options === undefined || !hidesOthers(procfs)) return;
  yield finding('hidden-process', 'hidepid', {
    kind: 'notice', level: 'info', path: '/proc',
    title: { zh: '/proc 以 hidepid 挂载：普通用户看不到别人的进程', en: '/proc is mounted with hidepid: users see only their own processes' },
    evidence: [fact({ zh: '挂载', en: 'mount' }, options)],
    refs: [],
  });
}

const procMount = (procfs: Procfs): string | undefined => (procfs.read('self/mountinfo', 4 << 20) ?? '').split('\n').find((line) => line.split(' ')[4] === '/proc');
const hidesOthers = (procfs: Procfs): boolean => /hidepid=(?:[12]|noaccess|invisible|ptraceable|4)/.test(procMount(procfs) ?? '');
