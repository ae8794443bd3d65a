/**
 * Memory: of suspect processes as ELF core files, which debuggers and memory tools read; of the whole machine from /proc/kcore in the
 * LiME format. Nothing is stopped for it, so that neighbouring pages may be of different moments; pages that cannot be read are zeros.
 */
import { read } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { MoatError, saidBy } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import type { Procfs } from '../../linux/procfs.ts';
import type { EvidenceErrorCode } from '../error.ts';
import type { Collected, Item, Mark, Opened } from '../item.ts';
import { isStill, type Suspect } from './processes.ts';

interface Range { from: bigint; length: bigint; /** PF_R 4, PF_W 2, PF_X 1. */ flags: number }

const pieceBytes = 1 << 20;
const page = 4096;
const mapsMax = 16 << 20;
const rangesMax = 60_000;

export interface MemoryPlan { procfs: Procfs; suspects: readonly Suspect[]; /** Of one process, bytes. */ most: number; ms: number }

export async function* memoryItems({ procfs, suspects, most, ms }: MemoryPlan): AsyncGenerator<Collected> {
  await Promise.resolve();
  for (const suspect of suspects) {
    if (isStill(procfs, suspect)) yield processMemory(procfs, suspect, most, ms);
  }
}

function processMemory(procfs: Procfs, suspect: Suspect, most: number, ms: number): Item {
  const { pid } = suspect;
  return {
    name: `processes/${pid}/memory.core`, source: `/proc/${pid}/mem`, limits: { ms, bytes: Number.MAX_SAFE_INTEGER },
    async open() {
      const maps = procfs.read(`${pid}/maps`, mapsMax);
      const handle = await open(`/proc/${pid}/mem`, 'r');
      try {
        if (maps === undefined || !isStill(procfs, suspect)) throw new MoatError<EvidenceErrorCode>('bad-input', 'it has ended', { zh: '进程已结束' });
        const all = rangesOf(maps);
        const { ranges, left } = within(all, most);
        const head = coreHead(ranges);
        const mended = { bytes: 0 };
        const size = head.length + ranges.reduce((sum, { length }) => sum + Number(length), 0);
        return {
          size, facts: { pid, ranges: ranges.length, ...(left > 0 && { left_out: left }) },
          read: memoryOf(handle, head, ranges, mended),
          marks: () => [...(left > 0 ? [{ what: 'size-limit', bytes: size + left } as const] : []), ...unread(mended)],
          close: () => handle.close(),
        } satisfies Opened;
      } catch (error) { await handle.close(); throw error; }
    },
  };
}

const unread = ({ bytes }: { bytes: number }): Mark[] => (bytes > 0 ? [{ what: 'unreadable', bytes }] : []);

/** What a process wrote or brought along: all that is private and writable, of no file, executable, or of a deleted one. Unchanged pages of files on the disk are left to the disk. */
export function rangesOf(maps: string): Range[] {
  const found: Range[] = [];
  for (const line of maps.split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+)\s*(.*)$/.exec(line);
    if (!match) continue;
    const [, from = '', to = '', rights = '', inode = '0', path = ''] = match;
    if (!rights.startsWith('r') || path === '[vvar]' || path === '[vvar_vclock]' || path === '[vsyscall]' || path.startsWith('/dev/')) continue;
    const isFile = inode !== '0' && !path.endsWith(' (deleted)') && !path.startsWith('/memfd:');
    if (isFile && !rights.includes('w') && !rights.includes('x')) continue;
    const start = BigInt(`0x${from}`);
    found.push({ from: start, length: BigInt(`0x${to}`) - start, flags: 4 | (rights.includes('w') ? 2 : 0) | (rights.includes('x') ? 1 : 0) });
  }
  return found;
}

/** The smallest first when not all have room: a heap says less than twenty stacks. In the order of their addresses. */
function within(all: readonly Range[], most: number): { ranges: Range[]; left: number } {
  let room = BigInt(most), left = 0n;
  const ranges: Range[] = [];
  for (const range of all.toSorted((a, b) => (a.length < b.length ? -1 : a.length > b.length ? 1 : 0))) {
    if (range.length <= room && ranges.length < rangesMax) { ranges.push(range); room -= range.length; } else left += range.length;
  }
  return { ranges: ranges.sort((a, b) => (a.from < b.from ? -1 : 1)), left: Number(left) };
}

/** ELF header and program headers of a core file of this machine's own kind. */
function coreHead(ranges: readonly Range[]): Buffer {
  const machines: Readonly<Record<string, number>> = { x64: 62, arm64: 183, riscv64: 243, loong64: 258, ppc64: 21, s390x: 22 };
  const dataAt = Math.ceil((64 + 56 * ranges.length) / page) * page;
  const head = Buffer.alloc(dataAt);
  head.write('\u007fELF', 0, 'latin1');
  head.set([2, 1, 1], 4);
  head.writeUInt16LE(4, 16);
  head.writeUInt16LE(machines[process.arch] ?? 0, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(ranges.length, 56);
  let at = BigInt(dataAt);
  for (const [i, { from, length, flags }] of ranges.entries()) {
    const entry = 64 + 56 * i;
    head.writeUInt32LE(1, entry);
    head.writeUInt32LE(flags, entry + 4);
    head.writeBigUInt64LE(at, entry + 8);
    head.writeBigUInt64LE(from, entry + 16);
    head.writeBigUInt64LE(length, entry + 32);
    head.writeBigUInt64LE(length, entry + 40);
    head.writeBigUInt64LE(BigInt(page), entry + 48);
    at += length;
  }
  return head;
}

async function* memoryOf(handle: FileHandle, head: Buffer, ranges: readonly Range[], mended: { bytes: number }): AsyncGenerator<Buffer> {
  yield head;
  const piece = Buffer.allocUnsafe(pieceBytes);
  for (const { from, length } of ranges) yield* stretch(handle, piece, from, length, mended);
}

/** A piece at a time; where one fails, page by page. */
async function* stretch(handle: FileHandle, piece: Buffer, from: bigint, length: bigint, mended: { bytes: number }): AsyncGenerator<Buffer> {
  for (let at = 0n; at < length;) {
    const n = Number(length - at < BigInt(pieceBytes) ? length - at : BigInt(pieceBytes));
    const got = await readAt(handle, piece, 0, n, from + at);
    if (got < n) {
      for (let done = Math.floor(got / page) * page; done < n; done += page) {
        const size = Math.min(page, n - done);
        const part = await readAt(handle, piece, done, size, from + at + BigInt(done));
        if (part < size) { piece.fill(0, done + part, done + size); mended.bytes += size - part; }
      }
    }
    yield piece.subarray(0, n);
    at += BigInt(n);
  }
}

/** Not by the handle's own `read`, which takes no positions beyond 2^53. */
const readRaw = (handle: FileHandle, into: Buffer, offset: number, length: number, at: bigint): Promise<number> => new Promise((resolve, reject) => { read(handle.fd, into, offset, length, at, (error, n) => { if (error) reject(error); else resolve(n); }); });

/** 0 for what cannot be read. */
async function readAt(handle: FileHandle, into: Buffer, offset: number, length: number, at: bigint): Promise<number> {
  try {
    return await readRaw(handle, into, offset, length, at);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EIO' || code === 'EFAULT' || code === 'EPERM' || code === 'ENOMEM' || code === 'EINVAL' || code === 'EHWPOISON' || code === 'ENXIO') return 0;
    throw error;
  }
}

// --- the machine

interface Load { offset: bigint; physical: bigint; length: bigint }

/**
 * All of the machine's memory in the LiME format, version 1, from /proc/kcore: no module is loaded for it. Throws why it cannot be had:
 * no kcore, closed by lockdown, addresses hidden.
 */
export function kcoreItem(procfs: Procfs, ms: number): Item {
  const root = procfs.root === '/' ? '' : procfs.root;
  const kcore = `${root}/proc/kcore`;
  return {
    name: 'memory/machine.lime', source: '/proc/kcore', limits: { ms, bytes: Number.MAX_SAFE_INTEGER },
    async open() {
      const handle = await open(kcore, 'r').catch((error: unknown) => { throw noImage(saidBy(error), error); });
      try {
        const loads = await readLoads(handle);
        const wanted = ramOf(procfs.read('iomem', 1 << 20) ?? '');
        if (wanted.length === 0) throw noImage({ zh: '/proc/iomem 没有给出内存地址（需要 root 与 CAP_SYS_ADMIN）', en: '/proc/iomem tells no addresses of memory (root with CAP_SYS_ADMIN is needed)' });
        const ranges = wanted.flatMap(([from, to]) => cover(loads, from, to));
        if (ranges.length === 0) throw noImage({ zh: '/proc/kcore 没有对应物理内存的部分', en: '/proc/kcore has no part that is physical memory' });
        const probe = Buffer.allocUnsafe(page);
        // Lockdown closes it at the read, not at the opening.
        await readRaw(handle, probe, 0, page, ranges[0]!.offset).catch((error: unknown) => { throw noImage(saidBy(error), error); });
        const mended = { bytes: 0 };
        const ram = wanted.reduce((sum, [from, to]) => sum + (to - from), 0n), have = ranges.reduce((sum, { length }) => sum + length, 0n);
        return {
          size: ranges.reduce((sum, { length }) => sum + 32 + Number(length), 0), facts: { format: 'LiME 1', ranges: ranges.length, physical_bytes: Number(ram) },
          read: lime(handle, ranges, mended),
          marks: () => { const bytes = mended.bytes + Number(ram - have); return bytes > 0 ? [{ what: 'unreadable', bytes }] : []; },
          close: () => handle.close(),
        } satisfies Opened;
      } catch (error) { await handle.close(); throw error; }
    },
  };
}

const noImage = (why: Text, cause?: unknown): MoatError<EvidenceErrorCode> => new MoatError<EvidenceErrorCode>('bad-input', `expected to read the machine's memory from /proc/kcore: ${why.en}`, { zh: `无法从 /proc/kcore 读取整机内存：${why.zh}`, cause });

async function readLoads(handle: FileHandle): Promise<Load[]> {
  const head = Buffer.alloc(64);
  const { bytesRead } = await handle.read(head, 0, 64, 0).catch((error: unknown) => { throw noImage(saidBy(error), error); });
  if (bytesRead < 64 || head.readUInt32BE(0) !== 0x7f45_4c46 || head[4] !== 2 || head[5] !== 1) throw noImage({ zh: '不是 64 位 ELF 文件', en: 'it is no ELF file of 64 bits' });
  const count = Math.min(head.readUInt16LE(56), 8192), size = head.readUInt16LE(54);
  if (size < 56) throw noImage({ zh: '程序头无效', en: 'its program headers are none' });
  const table = Buffer.alloc(count * size);
  await readRaw(handle, table, 0, table.length, head.readBigUInt64LE(32));
  const loads: Load[] = [];
  for (let at = 0; at < table.length; at += size) {
    const physical = table.readBigUInt64LE(at + 24);
    // What is mapped by pages (modules, vmalloc) has no physical address of its own: -1, or 0 on kernels before 4.11.
    if (table.readUInt32LE(at) === 1 && physical < 1n << 52n) loads.push({ offset: table.readBigUInt64LE(at + 8), physical, length: table.readBigUInt64LE(at + 32) });
  }
  return loads.sort((a, b) => (a.physical < b.physical ? -1 : 1));
}

/** Lines of /proc/iomem that are memory: from, and the first byte behind. */
export function ramOf(text: string): [bigint, bigint][] {
  return text.split('\n').flatMap((line): [bigint, bigint][] => {
    const found = /^([0-9a-f]+)-([0-9a-f]+) : System RAM/.exec(line);
    if (!found) return [];
    const from = BigInt(`0x${found[1]!}`), to = BigInt(`0x${found[2]!}`) + 1n;
    return to - from > 1n ? [[from, to]] : [];
  });
}

/** The parts of a range of memory that kcore has, each once. */
function cover(loads: readonly Load[], from: bigint, to: bigint): Load[] {
  const parts: Load[] = [];
  let at = from;
  for (const { offset, physical, length } of loads) {
    const start = physical > at ? physical : at, end = physical + length < to ? physical + length : to;
    if (end <= start) continue;
    parts.push({ offset: offset + (start - physical), physical: start, length: end - start });
    at = end;
  }
  return parts;
}

async function* lime(handle: FileHandle, ranges: readonly Load[], mended: { bytes: number }): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafe(pieceBytes);
  for (const { offset, physical, length } of ranges) {
    const head = Buffer.alloc(32);
    head.writeUInt32LE(0x4c69_4d45, 0);
    head.writeUInt32LE(1, 4);
    head.writeBigUInt64LE(physical, 8);
    head.writeBigUInt64LE(physical + length - 1n, 16);
    yield head;
    yield* stretch(handle, piece, offset, length, mended);
  }
}
