/**
 * What processes and the machine use, every five seconds. All events are of kind metric, category metric,
 * action sample, with `metric` and `value`:
 *
 *   process-cpu     percent of one core (four busy threads: 400)          told from 5 on
 *   process-memory  resident memory in percent of the machine's           told from 5 on
 *   process-rss     resident memory in bytes                              with process-memory
 *   process-read    bytes a second read from disks                        told from 1 MiB/s on
 *   process-write   bytes a second written to disks (when pages dirty)    told from 1 MiB/s on
 *     with pid, parent_pid, process_name, process_path, process_cmdline, process_started, user, uid, container_id
 *   host-cpu        percent of all cores, 0 to 100 (waiting for disks and stolen time are not use)
 *   host-load       load average of one minute
 *   host-memory     percent that is not available
 *   host-swap       percent in use, where there is swap
 *   disk-read, disk-write  bytes a second of one disk (file_path /dev/vda)   told from 1 MiB/s on
 *   net-in, net-out        bytes a second of one interface (extra.interface) told from 128 KiB/s on
 *   disk-space, disk-inodes  percent in use of one mount (file_path /), every minute
 *
 * What is told from a floor on is told once more after it fell below: from then on it is low.
 */
import { Event } from '../../core/gen/event.ts';
import type { Batch, Sensor, SensorContext } from '../../core/ports.ts';
import { bootId, bootTime, memory, pageSize, uptime } from '../../linux/proc-host.ts';
import { Procfs } from '../../linux/procfs.ts';
import { Users } from '../../linux/users.ts';
import { cpuMs, nextWait, pause } from '../pace.ts';
import type { HostValue } from './host.ts';
import { diskSpace, HostSampler } from './host.ts';
import type { Floors, Usage } from './processes.ts';
import { ProcessSampler, usualFloors } from './processes.ts';

export interface MetricsOptions { root?: string; everyMs?: number; diskSpaceEveryMs?: number; floors?: Floors }

export function metricsSensor(options: MetricsOptions = {}): Sensor {
  const { root = '/', everyMs = 5000, diskSpaceEveryMs = 60_000, floors = usualFloors } = options;
  return {
    id: 'metrics',
    title: { zh: 'CPU、内存、磁盘与网络用量', en: 'CPU, memory, disk and network use' },
    blind: {
      zh: '比一次采样更短的高峰会被平均掉；容器与虚拟机内的细分、网络盘和 FUSE 挂载的空间、GPU 占用看不到；各进程的网络流量 /proc 不提供。非 root 运行时看不到其他账号进程的磁盘读写。',
      en: 'Peaks shorter than one sample are averaged away. The space of network and FUSE mounts, GPU use, and the network traffic of single processes (which /proc does not give) are not seen. Without root, disk use of processes of other accounts cannot be read.',
    },
    needs: [{
      what: { zh: '可读的 /proc', en: 'a readable /proc' },
      fix: { zh: '挂载 proc：mount -t proc proc /proc', en: 'mount it: mount -t proc proc /proc' },
      met: () => Promise.resolve(new Procfs(root).read('stat') !== undefined),
    }],
    open: (context) => watch(context, root, everyMs, diskSpaceEveryMs, floors),
  };
}

async function* watch(context: SensorContext, root: string, everyMs: number, diskSpaceEveryMs: number, floors: Floors): AsyncIterable<Batch> {
  const procfs = new Procfs(root);
  const boot = bootId(procfs).slice(0, 8);
  let at = performance.now();
  const host = new HostSampler(procfs, at);
  const processes = new ProcessSampler(procfs, new Users(root), { bootTime: bootTime(procfs), memoryBytes: memory(procfs).totalBytes, pageSize: pageSize(procfs) }, floors);
  const dropped = (n: number): void => { context.count('processes beyond the limit, not measured', n); };
  processes.look(at, context.now(), uptime(procfs), 0, everyMs, dropped);
  context.health('metrics', 'live');
  let spaceDue = at;
  let serial = 0;
  let took = 0;
  while (await pause(nextWait(everyMs, took, 100), context.signal)) {
    const began = performance.now(), cpu = cpuMs();
    const now = context.now();
    const event = (metric: string, value: number): Event => {
      const made = new Event(`metric:${boot}:${now}:${serial++}`, now, 'metric');
      made.host = context.host;
      made.source = 'metrics';
      made.category = 'metric';
      made.action = 'sample';
      made.metric = metric;
      made.value = value;
      return made;
    };
    const { busyTicks, values } = host.look(began);
    const usages = processes.look(began, now, uptime(procfs), busyTicks, began - at, dropped);
    at = began;
    procfs.reportDenied((what, n) => { context.count(what, n); });
    const events = usages.flatMap((usage) => usage.values.map(({ metric, value }) => fillProcess(event(metric, value), usage)));
    for (const value of values) events.push(fillHost(event(value.metric, value.value), value));
    // Asking file systems waits for disks: that is no work of ours and does not count as cost.
    took = cpuMs() - cpu;
    if (began >= spaceDue) {
      spaceDue = began + diskSpaceEveryMs;
      for (const value of await diskSpace(procfs)) events.push(fillHost(event(value.metric, value.value), value));
    }
    yield { events, positions: [] };
  }
}

function fillProcess(event: Event, { process }: Usage): Event {
  event.pid = process.pid;
  event.parent_pid = process.parentPid;
  event.process_name = process.name;
  event.process_path = process.path;
  event.process_cmdline = process.cmdline;
  event.process_started = process.started;
  event.uid = process.uid;
  event.user = process.user;
  event.container_id = process.container;
  return event;
}

function fillHost(event: Event, value: HostValue): Event {
  event.file_path = value.path;
  if (value.interface !== undefined) event.extra = { interface: value.interface };
  return event;
}
