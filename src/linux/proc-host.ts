/** What /proc says about the whole machine. */
import { MoatError } from '../core/error.ts';
import { mountLines } from './mounts.ts';
import type { Procfs } from './procfs.ts';
import { numberAfter } from './procfs.ts';

export interface CpuTimes { busy: number; total: number; cores: number }
export interface Memory { totalBytes: number; availableBytes: number; swapTotalBytes: number; swapFreeBytes: number }
export interface DiskIo { device: string; readBytes: number; writeBytes: number }
export interface InterfaceIo { name: string; inBytes: number; outBytes: number }

function must(procfs: Procfs, name: string): string {
  const text = procfs.read(name);
  if (text === undefined) throw new Error(`expected to read /proc/${name} under ${procfs.root}, it is not there`);
  return text;
}

let known: { boot: string; ms: number } | undefined;

/**
 * Unix ms at which the machine booted, to the second. The kernel moves it when the clock is set; start times count
 * from it and are the identity of processes, so that of this machine stays for this run as it was asked for first.
 */
export function bootTime(procfs: Procfs): number {
  if (procfs.root !== '/') return readBootTime(procfs);
  const boot = procfs.read('sys/kernel/random/boot_id') ?? '';
  if (known?.boot !== boot) known = { boot, ms: readBootTime(procfs) };
  return known.ms;
}

function readBootTime(procfs: Procfs): number {
  const seconds = numberAfter(must(procfs, 'stat'), '\nbtime ');
  if (Number.isNaN(seconds)) throw new Error('expected a btime line in /proc/stat, got none');
  return seconds * 1000;
}

/** Names this boot; processes of another boot can have equal pids and start ticks. */
export function bootId(procfs: Procfs): string {
  return procfs.read('sys/kernel/random/boot_id')?.trim() ?? String(bootTime(procfs));
}

/** Seconds since boot. */
export function uptime(procfs: Procfs): number { return Number.parseFloat(must(procfs, 'uptime')); }

/**
 * Load averages, threads on the machine and the newest process id. When neither of the last two has
 * changed, nothing has started or ended since.
 */
export function loadAverage(procfs: Procfs): { load1: number; load5: number; load15: number; threads: number; lastPid: number } {
  const [load1, load5, load15, running, lastPid] = must(procfs, 'loadavg').split(' ');
  return { load1: Number(load1), load5: Number(load5), load15: Number(load15), threads: Number(running?.split('/')[1]), lastPid: Number(lastPid) };
}

/** Clock ticks spent by all cores together since boot; idle and waiting for a disk are not busy. */
export function cpuTimes(procfs: Procfs): CpuTimes {
  const text = must(procfs, 'stat');
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = text.slice(4, text.indexOf('\n')).trim().split(' ').map(Number);
  let cores = 0;
  for (let at = text.indexOf('\ncpu'); at >= 0; at = text.indexOf('\ncpu', at + 4)) cores++;
  const busy = user + nice + system + irq + softirq;
  return { busy, total: busy + idle + iowait + steal, cores: Math.max(1, cores) };
}

export function memory(procfs: Procfs): Memory {
  const text = `\n${must(procfs, 'meminfo')}`;
  const kib = (name: string): number => numberAfter(text, `\n${name}:`) * 1024;
  const available = kib('MemAvailable');
  return {
    totalBytes: kib('MemTotal'), availableBytes: Number.isNaN(available) ? kib('MemFree') + kib('Cached') : available,
    swapTotalBytes: kib('SwapTotal'), swapFreeBytes: kib('SwapFree'),
  };
}

/** Page size in bytes, from what the kernel says of one process in pages and in KiB. */
export function pageSize(procfs: Procfs): number {
  const pages = Number(procfs.read('self/statm', 256)?.split(' ')[0]);
  const kib = numberAfter(procfs.read('self/status', 4096) ?? '', '\nVmSize:\t');
  const size = (kib * 1024) / pages;
  return Number.isInteger(Math.log2(size)) && size >= 4096 ? size : 4096;
}

const partition = /^(?:loop|ram|zram|fd|sr)\d|^(?:sd|vd|xvd|hd)[a-z]+\d+$|^(?:nvme\d+n\d+|mmcblk\d+)p\d+$|^(?:dm-|md)\d+$/;

/** Bytes read and written since boot by each whole disk; partitions and layers over disks would count twice. */
export function diskIo(procfs: Procfs): DiskIo[] {
  const disks: DiskIo[] = [];
  for (const line of must(procfs, 'diskstats').split('\n')) {
    const words = line.trim().split(/ +/);
    const device = words[2];
    if (device === undefined || words.length < 10 || partition.test(device)) continue;
    disks.push({ device, readBytes: Number(words[5]) * 512, writeBytes: Number(words[9]) * 512 });
  }
  return disks;
}

/** Bytes through each network interface since boot, loopback left out. */
export function interfaceIo(procfs: Procfs): InterfaceIo[] {
  const out: InterfaceIo[] = [];
  for (const line of (procfs.read('net/dev') ?? '').split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim();
    if (colon < 0 || name === 'lo') continue;
    const words = line.slice(colon + 1).trim().split(/ +/);
    out.push({ name, inBytes: Number(words[0]), outBytes: Number(words[8]) });
  }
  return out;
}

export interface Mount { path: string; device: string; type: string }

const diskTypes = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'jfs', 'reiserfs', 'bcachefs', 'vfat', 'exfat', 'ntfs3']);

/**
 * Mounted local file systems that can fill up, one mount each (the shortest path). Network and FUSE mounts
 * are left out: asking a dead one for its space blocks for ever. Throws MoatError when the list cannot be read whole.
 */
export function diskMounts(procfs: Procfs): Mount[] {
  const lines = mountLines(procfs);
  if (lines === undefined) throw new MoatError('no-mounts', `expected the list of mounts under ${procfs.root}, it cannot be read whole`, { zh: '读不到完整的挂载列表' });
  const byDevice = new Map<string, Mount>();
  for (const { number: device, at: path, options, type } of lines) {
    const local = diskTypes.has(type) || (path === '/' && type === 'overlay');
    if (!local || options.split(',').includes('ro')) continue;
    const known = byDevice.get(device);
    if (known === undefined || path.length < known.path.length) byDevice.set(device, { path, device, type });
  }
  return [...byDevice.values()];
}
