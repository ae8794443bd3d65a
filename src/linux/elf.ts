/** The few facts of an ELF file that checks ask for. Every offset comes from the file and is held against its size. */
import type { OpenFile } from './tree.ts';

export interface Elf {
  bits: 32 | 64;
  /** Program, or shared object: programs that may lie anywhere in memory are 'shared' too and have an interpreter. */
  type: 'program' | 'shared' | 'other';
  /** The loader that starts it; undefined for a library and for a program linked statically. */
  interpreter: string | undefined;
  /** Libraries it names. */
  needed: string[];
  /** Folders that it has the loader search: those of RPATH and RUNPATH, as written, empty ones too. */
  searched: string[];
  soname: string | undefined;
}

const headersMax = 512;
const dynamicMax = 64 * 1024;
const stringsMax = 4 << 20;
const nameMax = 4096;
const listMax = 1024;
const load = 1, dynamic = 2, interp = 3;
const tagNeeded = 1, tagStrings = 5, tagStringsSize = 10, tagSoname = 14, tagRpath = 15, tagRunpath = 29;

export const isElf = (head: Uint8Array): boolean => head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;

/** Undefined for what is no ELF file, or one whose headers lead nowhere. */
export function readElf(file: Pick<OpenFile, 'size' | 'read'>): Elf | undefined {
  const at = (position: number, length: number): Buffer | undefined => {
    if (!Number.isSafeInteger(position) || position < 0 || length < 0 || position + length > file.size) return undefined;
    const bytes = Buffer.alloc(length);
    for (let have = 0; have < length;) {
      const got = file.read(bytes.subarray(have), position + have);
      if (got === 0) return undefined;
      have += got;
    }
    return bytes;
  };
  const head = at(0, 64) ?? at(0, 52);
  if (!head || !isElf(head)) return undefined;
  const bits = head[4] === 2 ? 64 : 32;
  if (bits === 64 && head.length < 64) return undefined;
  const big = head[5] === 2;
  const u16 = (bytes: Buffer, i: number): number => (big ? bytes.readUInt16BE(i) : bytes.readUInt16LE(i));
  const u32 = (bytes: Buffer, i: number): number => (big ? bytes.readUInt32BE(i) : bytes.readUInt32LE(i));
  const u64 = (bytes: Buffer, i: number): number => Number(big ? bytes.readBigUInt64BE(i) : bytes.readBigUInt64LE(i));
  const word = (bytes: Buffer, i: number): number => (bits === 64 ? u64(bytes, i) : u32(bytes, i));
  const kind = u16(head, 16);
  const elf: Elf = { bits, type: kind === 2 ? 'program' : kind === 3 ? 'shared' : 'other', interpreter: undefined, needed: [], searched: [], soname: undefined };
  const size = bits === 64 ? 56 : 32;
  const step = u16(head, bits === 64 ? 54 : 42);
  const count = Math.min(headersMax, u16(head, bits === 64 ? 56 : 44));
  if (step < size || count === 0) return elf;
  const table = at(word(head, bits === 64 ? 32 : 28), (count - 1) * step + size);
  if (!table) return undefined;

  const segments: { type: number; offset: number; address: number; length: number }[] = [];
  for (let i = 0; i < count; i++) {
    const from = i * step;
    segments.push(bits === 64
      ? { type: u32(table, from), offset: u64(table, from + 8), address: u64(table, from + 16), length: u64(table, from + 32) }
      : { type: u32(table, from), offset: u32(table, from + 4), address: u32(table, from + 8), length: u32(table, from + 16) });
  }
  const inter = segments.find(({ type }) => type === interp);
  if (inter) elf.interpreter = text(at(inter.offset, Math.min(inter.length, nameMax)) ?? Buffer.alloc(0), 0);

  const dyn = segments.find(({ type }) => type === dynamic);
  const entries = dyn && at(dyn.offset, Math.min(dyn.length, dynamicMax));
  if (!entries) return elf;
  const wide = bits === 64 ? 8 : 4;
  const named: [tag: number, name: number][] = [];
  let stringsAt = 0, stringsSize = 0;
  for (let i = 0; i + 2 * wide <= entries.length; i += 2 * wide) {
    const tag = word(entries, i), value = word(entries, i + wide);
    if (tag === 0) break;
    if (tag === tagStrings) stringsAt = value;
    else if (tag === tagStringsSize) stringsSize = value;
    else if (tag === tagNeeded || tag === tagSoname || tag === tagRpath || tag === tagRunpath) named.push([tag, value]);
  }
  const home = segments.find(({ type, address, length }) => type === load && stringsAt >= address && stringsAt < address + length);
  const strings = home && at(stringsAt - home.address + home.offset, Math.min(stringsSize, stringsMax));
  if (!strings) return elf;
  for (const [tag, name] of named.slice(0, listMax)) {
    const value = text(strings, name);
    if (value === undefined) continue;
    if (tag === tagNeeded) elf.needed.push(value);
    else if (tag === tagSoname) elf.soname = value;
    else elf.searched.push(...value.split(':').slice(0, listMax));
  }
  return elf;
}

function text(bytes: Buffer, from: number): string | undefined {
  if (from < 0 || from >= bytes.length) return undefined;
  const end = bytes.indexOf(0, from);
  return bytes.toString('utf8', from, Math.min(end < 0 ? bytes.length : end, from + nameMax));
}
