/** Processes as they run: what /proc says of each, and the files that live only in them (deleted programs, memfds, deleted open files). */
import { readlink, stat } from 'node:fs/promises';
import { MoatError, saidBy } from '../../core/error.ts';
import { Procfs } from '../../linux/procfs.ts';
import type { EvidenceErrorCode } from '../error.ts';
import { type Collected, type Item, missed, nameFor } from '../item.ts';
import { absent, fileItem, openTable } from '../sources.ts';

/** A process of the story: pid and start in clock ticks since boot, or, when that is not known, the pid alone. */
export interface Suspect { pid: number; startTicks?: number }

export interface ProcessPlan { suspects: readonly Suspect[]; procfs: Procfs }

/** Whether it is still the one that was meant: a pid is given out again. */
export const isStill = (procfs: Procfs, { pid, startTicks }: Suspect): boolean => {
  const now = procfs.stat(pid)?.startTicks;
  return now !== undefined && (startTicks === undefined || now === startTicks);
};

const tables = ['comm', 'cmdline', 'status', 'stat', 'cgroup', 'environ', 'limits', 'loginuid', 'sessionid', 'attr/current', 'oom_score_adj', 'io', 'sched', 'schedstat', 'timerslack_ns', 'wchan', 'syscall', 'stack', 'personality', 'uid_map', 'gid_map', 'setgroups', 'numa_maps', 'smaps_rollup', 'maps', 'mountinfo', 'net/tcp', 'net/tcp6', 'net/udp', 'net/udp6', 'net/raw', 'net/unix'];
/** Not of every process: long, and the same for all. */
const rare = new Set(['numa_maps', 'mountinfo', 'net/tcp', 'net/tcp6', 'net/udp', 'net/udp6', 'net/raw', 'net/unix', 'sched', 'schedstat', 'timerslack_ns', 'uid_map', 'gid_map', 'setgroups', 'smaps_rollup']);
const links = ['exe', 'cwd', 'root'];
const namespaces = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];
const descriptorsMax = 4096;
const tableMax = 8 << 20;
const recoveredMax = 2 ** 31;
const smallMax = 64 << 20;
const suspectMax = 512 << 20;
const listed = 200_000;

/** Suspects first. */
export async function* processItems({ suspects, procfs }: ProcessPlan): AsyncGenerator<Collected> {
  const bad = new Map(suspects.map((one) => [one.pid, one]));
  let pids: number[];
  try {
    pids = procfs.pids();
  } catch (error) { yield missed('processes', '/proc', saidBy(error)); return; }
  for (const one of suspects) if (!isStill(procfs, one)) yield missed(`processes/${one.pid}`, `/proc/${one.pid}`, { zh: '进程已结束', en: 'it has ended' });
  const ordered = [...pids.filter((pid) => bad.has(pid)), ...pids.filter((pid) => !bad.has(pid))];
  for (const pid of ordered.slice(0, listed)) {
    const suspect = bad.get(pid);
    if (suspect && !isStill(procfs, suspect)) continue;
    yield processItem(procfs, pid, suspect !== undefined);
  }
  yield* recovered(procfs, ordered, bad);
}

/** One text with all that /proc says of it. */
function processItem(procfs: Procfs, pid: number, isSuspect: boolean): Item {
  const at = `/proc/${pid}`;
  return {
    name: `processes/${pid}.txt`, source: at, limits: { ms: 10_000, bytes: 64 << 20 },
    open() {
      const stat = procfs.stat(pid);
      // One of many that ended just now is no gap; of the story it is.
      if (stat === undefined) throw isSuspect ? gone() : absent(at);
      return { facts: { name: stat.name, parent: stat.parentPid, start_ticks: stat.startTicks, suspect: isSuspect }, read: textOf(procfs, pid, isSuspect) };
    },
  };
}

const gone = (): MoatError<EvidenceErrorCode> => new MoatError<EvidenceErrorCode>('bad-input', 'it has ended', { zh: '进程已结束' });

/** Sections with their heading; what cannot be read says so in its place. */
async function* textOf(procfs: Procfs, pid: number, isSuspect: boolean): AsyncGenerator<Buffer> {
  const at = `/proc/${pid}`;
  const heading = (name: string): Buffer => Buffer.from(`\n==== ${name} ====\n`);
  const link = async (name: string): Promise<string> => {
    try { return await readlink(`${at}/${name}`); } catch (error) { return `(${saidBy(error).en})`; }
  };
  yield heading('links');
  for (const name of [...links, ...namespaces.map((one) => `ns/${one}`)]) yield Buffer.from(`${name} -> ${await link(name)}\n`);
  for (const name of tables) {
    if (!isSuspect && rare.has(name)) continue;
    yield heading(name);
    try {
      const { read, close } = await openTable(`${at}/${name}`);
      try {
        let size = 0;
        for await (const piece of read) {
          if ((size += piece.length) > tableMax) { yield Buffer.from('\n(cut)\n'); break; }
          yield piece;
        }
      } finally { await close?.(); }
    } catch (error) { yield Buffer.from(`(${saidBy(error).en})\n`); }
  }
  yield heading('fd');
  const fds = procfs.fds(pid);
  if (fds === undefined) { yield Buffer.from('(not ours to see, or it has ended)\n'); return; }
  for (const fd of fds.slice(0, descriptorsMax)) {
    yield Buffer.from(`${fd} -> ${await link(`fd/${fd}`)}  ${(procfs.read(`${pid}/fdinfo/${fd}`, 2048) ?? '').trim().replaceAll('\n', ' ').slice(0, 500)}\n`);
  }
  if (fds.length > descriptorsMax) yield Buffer.from(`(${fds.length - descriptorsMax} more)\n`);
  yield heading('threads');
  const threads = procfs.threads(pid) ?? [];
  for (const thread of threads.slice(0, descriptorsMax)) yield Buffer.from(`${thread} ${procfs.read(`${pid}/task/${thread}/comm`, 64)?.trim() ?? ''}\n`);
  if (threads.length > descriptorsMax) yield Buffer.from(`(${threads.length - descriptorsMax} more)\n`);
}

const deletedMark = ' (deleted)';
/** Memory that is no file though it looks like one. */
const noFile = /^\/(?:dev\/zero|SYSV[0-9a-f]{8}|\[aio\]|anon_hugepage|dev\/shm\/(?:PostgreSQL|\.?lttng))/;

interface Copy { path: string; name: string; what: string; suspect: boolean }

/** Each file once, however many processes have it: it is known by device and inode. */
async function* recovered(procfs: Procfs, pids: readonly number[], bad: ReadonlyMap<number, Suspect>): AsyncGenerator<Collected> {
  const seen = new Set<string>();
  let total = 0;
  for (const pid of pids) {
    const suspect = bad.get(pid);
    const before = procfs.stat(pid)?.startTicks;
    if (before === undefined) continue;
    const { copies, cut } = await copiesOf(procfs, pid, suspect !== undefined);
    if (cut) yield missed(`processes/${pid}`, `/proc/${pid}`, { zh: `打开的文件超过 ${descriptorsMax} 个或内存映射太多，此后的没有查看，其中可能有已删除的文件`, en: `it has more than ${descriptorsMax} files open or too many maps: those behind were not looked at, deleted files may be among them` });
    for (const copy of copies) {
      let size: number;
      try {
        const found = await stat(copy.path);
        const id = `${found.dev}:${found.ino}`;
        // Opening a pipe or a device does something: they are left alone.
        if (!found.isFile() || seen.has(id)) continue;
        seen.add(id);
        ({ size } = found);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') yield missed(copy.name, copy.path, saidBy(error));
        continue;
      }
      const bytes = copy.suspect ? suspectMax : smallMax;
      if (total + Math.min(size, bytes) > recoveredMax) { yield missed(copy.name, copy.path, { zh: '恢复的文件已到总量上限', en: 'the limit of all recovered files is reached' }); continue; }
      total += Math.min(size, bytes);
      yield fileItem(copy.path, {
        name: copy.name, follow: true, limits: { ms: 60_000, bytes }, facts: { pid, was: copy.what, suspect: copy.suspect },
        check: () => { if (!isStill(procfs, { pid, startTicks: before })) throw gone(); },
      });
    }
  }
}

/** What is in a process and nowhere else, or, of a suspect, what it runs. */
async function copiesOf(procfs: Procfs, pid: number, suspect: boolean): Promise<{ copies: Copy[]; cut: boolean }> {
  const at = `/proc/${pid}`;
  const copies: Copy[] = [];
  const take = (path: string, name: string, what: string): void => { copies.push({ path, name: `processes/${pid}/${name}`, what, suspect }); };
  const lost = (target: string): boolean => (target.endsWith(deletedMark) || target.startsWith('/memfd:')) && !noFile.test(target);
  const exe = procfs.exe(pid);
  if (exe !== undefined && (suspect || lost(exe))) take(`${at}/exe`, 'exe', exe);
  const fds = procfs.fds(pid) ?? [];
  for (const fd of fds.slice(0, descriptorsMax)) {
    const target = procfs.fd(pid, fd);
    if (target !== undefined && lost(target)) take(`${at}/fd/${fd}`, `fd/${fd}`, target);
  }
  const maps = procfs.read(`${pid}/maps`, tableMax) ?? '';
  for (const line of maps.split('\n')) {
    const found = /^([0-9a-f]+-[0-9a-f]+) (\S{4}) \S+ \S+ (\d+)\s+(\/.*)$/.exec(line);
    // Of others only what is run: a database maps gigabytes that it has deleted.
    if (found && found[3] !== '0' && lost(found[4]!) && (suspect || found[2]!.includes('x'))) take(`${at}/map_files/${rangeName(found[1]!)}`, `map_files/${nameFor(found[1]!)}`, found[4]!);
  }
  return { copies, cut: fds.length > descriptorsMax || Buffer.byteLength(maps) >= tableMax };
}

/** In map_files the numbers stand without leading zeros. */
const rangeName = (range: string): string => range.split('-').map((hex) => hex.replace(/^0+(?=.)/, '')).join('-');
