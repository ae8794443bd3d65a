/** What the machine as a whole uses. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { CpuTimes, DiskIo, InterfaceIo } from '../../linux/proc-host.ts';
import { cpuTimes, diskIo, diskMounts, interfaceIo, loadAverage, memory } from '../../linux/proc-host.ts';
import type { Procfs } from '../../linux/procfs.ts';

export interface HostValue {
  metric: HostMetric;
  value: number;
  /** Device or mount point. */
  path?: string;
  interface?: string;
}

type HostMetric =
  | 'host-cpu' | 'host-load' | 'host-memory' | 'host-swap' | 'disk-read' | 'disk-write' | 'net-in' | 'net-out' | 'disk-space' | 'disk-inodes';

/** Bytes a second below which a disk or an interface is not worth an event. */
const diskFloor = 1024 * 1024;
const netFloor = 128 * 1024;
const maxDevices = 64;

export class HostSampler {
  readonly #procfs: Procfs;
  #cpu: CpuTimes;
  #disks = new Map<string, DiskIo>();
  #interfaces = new Map<string, InterfaceIo>();
  readonly #told = new Set<string>();
  #at: number;

  /** `at` is monotonic ms; rates count from here. */
  constructor(procfs: Procfs, at: number) {
    this.#procfs = procfs;
    this.#cpu = cpuTimes(procfs);
    this.#at = at;
    this.#disks = new Map(diskIo(procfs).map((d) => [d.device, d]));
    this.#interfaces = new Map(interfaceIo(procfs).map((i) => [i.name, i]));
  }

  /** One sample: what all cores did in clock ticks, and the values to tell. */
  look(at: number): { busyTicks: number; values: HostValue[] } {
    const seconds = Math.max(0.001, (at - this.#at) / 1000);
    this.#at = at;
    const values: HostValue[] = [];
    const cpu = cpuTimes(this.#procfs);
    const busyTicks = cpu.busy - this.#cpu.busy;
    const total = cpu.total - this.#cpu.total;
    this.#cpu = cpu;
    if (total > 0) values.push({ metric: 'host-cpu', value: (busyTicks * 100) / total });
    values.push({ metric: 'host-load', value: loadAverage(this.#procfs).load1 });
    const m = memory(this.#procfs);
    values.push({ metric: 'host-memory', value: 100 - (m.availableBytes * 100) / m.totalBytes });
    if (m.swapTotalBytes > 0) values.push({ metric: 'host-swap', value: 100 - (m.swapFreeBytes * 100) / m.swapTotalBytes });
    this.#diskRates(seconds, values);
    this.#netRates(seconds, values);
    return { busyTicks, values };
  }

  #diskRates(seconds: number, values: HostValue[]): void {
    const now = diskIo(this.#procfs).slice(0, maxDevices);
    for (const disk of now) {
      const last = this.#disks.get(disk.device);
      if (last === undefined) continue;
      const path = `/dev/${disk.device}`;
      this.#rate('disk-read', path, (disk.readBytes - last.readBytes) / seconds, diskFloor, (value) => { values.push({ metric: 'disk-read', value, path }); });
      this.#rate('disk-write', path, (disk.writeBytes - last.writeBytes) / seconds, diskFloor, (value) => { values.push({ metric: 'disk-write', value, path }); });
    }
    this.#disks = new Map(now.map((d) => [d.device, d]));
  }

  #netRates(seconds: number, values: HostValue[]): void {
    // Virtual interfaces of containers come and go; only the first are told.
    const now = interfaceIo(this.#procfs).slice(0, maxDevices);
    for (const one of now) {
      const last = this.#interfaces.get(one.name);
      if (last === undefined) continue;
      this.#rate('net-in', one.name, (one.inBytes - last.inBytes) / seconds, netFloor, (value) => { values.push({ metric: 'net-in', value, interface: one.name }); });
      this.#rate('net-out', one.name, (one.outBytes - last.outBytes) / seconds, netFloor, (value) => { values.push({ metric: 'net-out', value, interface: one.name }); });
    }
    this.#interfaces = new Map(now.map((i) => [i.name, i]));
    if (this.#told.size > maxDevices * 4) this.#told.clear();
  }

  /** Tells a rate from its floor on, and once more after it fell below. A counter that went back tells nothing. */
  #rate(metric: string, name: string, value: number, floor: number, tell: (value: number) => void): void {
    const key = `${metric} ${name}`;
    if (value < 0 || Number.isNaN(value)) return;
    if (value >= floor) this.#told.add(key);
    else if (!this.#told.delete(key)) return;
    tell(value);
  }
}

/** Percent of space and of inodes in use on each local disk mount, as df counts: what only root may use is not free. */
export async function diskSpace(procfs: Procfs): Promise<HostValue[]> {
  const values: HostValue[] = [];
  for (const mount of diskMounts(procfs).slice(0, maxDevices)) {
    let s;
    try {
      s = await statfs(join(procfs.root, mount.path));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'EACCES') continue; // unmounted just now, or below a folder that is not ours
      throw error;
    }
    const used = s.blocks - s.bfree;
    if (used + s.bavail > 0) values.push({ metric: 'disk-space', value: (used * 100) / (used + s.bavail), path: mount.path });
    if (s.files > 0) values.push({ metric: 'disk-inodes', value: ((s.files - s.ffree) * 100) / s.files, path: mount.path });
  }
  return values;
}
