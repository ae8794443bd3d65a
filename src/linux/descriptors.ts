/** One look through the open files of every process, for all who ask: sockets, eBPF objects, memory of the machine. */
import { bpfDescriptor } from './bpf-objects.ts';
import type { Procfs } from './procfs.ts';

export interface Descriptors {
  /** Socket inode → processes that hold it, a few. */
  sockets: Map<number, number[]>;
  bpf: { pid: number; kind: 'program' | 'map' | 'link'; id: number; program: number | undefined }[];
  perfEvents: { pid: number; fd: number }[];
  /** /dev/mem and its like. */
  memory: { pid: number; path: string }[];
  /** Processes whose descriptors may not be seen. */
  denied: number;
  /** True when there were more than are looked at. */
  cut: boolean;
}

const lookedMax = 2_000_000;
const ownersMax = 8;
const listMax = 50_000;
const freshMs = 20_000;
const memoryFiles = new Set(['/dev/mem', '/dev/kmem', '/dev/port', '/proc/kcore']);
const last = new WeakMap<Procfs, { at: number; found: Descriptors }>();

/** The last look when it is younger than 20 s, unless `fresh` is asked for. */
export function descriptors(procfs: Procfs, fresh = false): Descriptors {
  const known = last.get(procfs);
  const now = performance.now();
  if (known && !fresh && now - known.at < freshMs) return known.found;
  const found = look(procfs);
  last.set(procfs, { at: now, found });
  return found;
}

function look(procfs: Procfs): Descriptors {
  const found: Descriptors = { sockets: new Map(), bpf: [], perfEvents: [], memory: [], denied: 0, cut: false };
  const refused = (): number => (procfs.denied.get('fd') ?? 0);
  let looked = 0;
  for (const pid of procfs.pids()) {
    const before = refused();
    const fds = procfs.fds(pid);
    for (const fd of fds ?? []) {
      if (looked++ >= lookedMax) { found.cut = true; return found; }
      const link = procfs.fd(pid, fd);
      if (link === undefined) continue;
      if (link.startsWith('socket:[')) {
        const inode = Number(link.slice(8, -1));
        const owners = found.sockets.get(inode);
        if (owners === undefined) found.sockets.set(inode, [pid]);
        else if (owners.length < ownersMax && owners.at(-1) !== pid) owners.push(pid);
      } else if (link.startsWith('anon_inode:')) {
        const bpf = bpfDescriptor(link, () => procfs.read(`${pid}/fdinfo/${fd}`, 4096));
        if (bpf && found.bpf.length < listMax) found.bpf.push({ pid, ...bpf });
        else if (link === 'anon_inode:[perf_event]' && found.perfEvents.length < listMax) found.perfEvents.push({ pid, fd: Number(fd) });
      } else if (memoryFiles.has(link)) found.memory.push({ pid, path: link });
    }
    if (refused() > before) found.denied++;
  }
  return found;
}
