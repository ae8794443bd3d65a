/**
 * Entries of a tar archive with where their bytes lie. The container engines unpack layers with one reader, archive/tar of Go;
 * what it skips, refuses and lets win is done alike here, so that an archive cannot show one tree to us and another to
 * them. Written here and not taken from tar-stream: that one gives PAX values and names as decoded text, which destroys
 * file capabilities and names that are no UTF-8, and knows no sparse files.
 *
 * Formats: V7, ustar, GNU (long names, sparse), PAX (names, sizes, times, extended attributes, sparse 0.0, 0.1 and 1.0).
 */
import type { Bytes } from './bytes.ts';
import { ImageError } from './error.ts';
import { paxRecords } from './pax.ts';
import { gnuSparse, paxSparse, type Sparse } from './sparse.ts';

export type EntryKind = 'file' | 'folder' | 'link' | 'hard-link' | 'pipe' | 'block-device' | 'character-device';

export interface TarEntry {
  kind: EntryKind;
  /** As written: absolute, leading upwards or empty as it may be. */
  name: Buffer;
  /** Of a link and a hard link. */
  target: Buffer;
  mode: number;
  uid: number;
  gid: number;
  /** Names of owner and group; empty where the archive has none. */
  user: string;
  group: string;
  /** As a program that reads the file sees it. */
  size: number;
  /** Where the stored bytes begin, and how many there are. */
  position: number;
  stored: number;
  /** Of a sparse file: offset and length by turns. */
  pieces: Float64Array | undefined;
  /** Unix ms. */
  modified: number;
  changed: number | undefined;
  attributes: Map<string, Buffer> | undefined;
}

type Count = (what: string, n?: number) => void;

const blockBytes = 512;
/** The same as Go's: larger ones make an archive invalid there. */
const specialMax = 1 << 20;
const bufferBytes = 256 * 1024;
const leastAhead = 4096;
const namesMax = 256;
const empty = Buffer.alloc(0);

/**
 * Yields entry after entry. Throws ImageError 'broken' with the offset where the archive cannot be read on: what was yielded before
 * is what an engine had unpacked until then.
 */
export function* tarEntries(source: Bytes, count: Count): Iterable<TarEntry> {
  const buffer = new Window(source);
  let longName: Buffer | undefined;
  let longTarget: Buffer | undefined;
  let pax: Map<string, Buffer> | undefined;
  for (let at = 0; ;) {
    const header = buffer.get(at, blockBytes);
    if (header.length === 0) return; // no closing blocks: written by careless tools, and taken as an end
    if (header.length < blockBytes) throw broken(at, `a header of ${blockBytes} bytes`, `${header.length} before the end`);
    if (isZero(header)) {
      const second = buffer.get(at + blockBytes, blockBytes);
      if (second.length === blockBytes && !isZero(second)) throw broken(at, 'two empty blocks at the end', 'one, and more behind it');
      tellRest(buffer, at, source.size, count);
      return;
    }
    if (!checksumRight(header)) throw broken(at, 'a header with its checksum', 'something else');
    const type = String.fromCharCode(header[156]!);
    const stored = sizeOf(header, at);
    const data = at + blockBytes;
    switch (type) {
      case 'x': case 'g': case 'L': case 'K': {
        if (stored > specialMax) throw broken(at, `at most ${specialMax} bytes of names and attributes`, String(stored));
        const bytes = Buffer.from(buffer.get(data, stored));
        if (bytes.length < stored) throw broken(data, `${stored} bytes of names and attributes`, `the end after ${bytes.length}`);
        if (type === 'x') pax = paxRecords(bytes, at);
        // Engines apply them to nothing, GNU tar to all that follows.
        else if (type === 'g') { const all = paxRecords(bytes, at); if (all.has('path') || all.has('linkpath') || all.has('size')) count('global headers of an archive that name files'); }
        else if (type === 'L') longName = upToZero(bytes);
        else longTarget = upToZero(bytes);
        at = data + padded(stored);
        continue;
      }
      case 'V': at = data + padded(stored); continue; // the label of a tape
      default:
    }
    const entry = entryOf(header, type, at);
    entry.stored = stored;
    if (pax) applyPax(entry, pax, at);
    if (longName) entry.name = longName;
    if (longTarget) entry.target = longTarget;
    if (entry.kind === 'file' && (type === '0' || type === '\0') && entry.name.at(-1) === 0x2f) entry.kind = 'folder';
    if (entry.name.includes(0) || entry.target.includes(0)) throw broken(at, 'a name', 'one that holds NUL');
    if (entry.kind !== 'file' && type !== 'D') entry.stored = 0;
    entry.size = entry.stored;
    entry.position = data;
    let next = data + padded(entry.stored);
    const map: Sparse | undefined = type === 'S' ? gnuSparse(header, (position) => buffer.get(position, blockBytes), data) : pax && entry.kind === 'file' ? paxSparse(pax, (position, length) => buffer.get(position, length), data, entry.stored) : undefined;
    if (map) {
      if (type === 'S') next = map.position + padded(entry.stored); else entry.stored -= map.position - data;
      entry.position = map.position;
      entry.size = map.size;
      entry.pieces = map.pieces;
      if (map.name) entry.name = map.name;
      if (map.stored > entry.stored) throw broken(at, `a sparse file of at most ${entry.stored} stored bytes`, String(map.stored));
    }
    pax = longName = longTarget = undefined;
    const left = source.size - entry.position;
    if (entry.stored > left) {
      const claimed = entry.stored;
      entry.stored = Math.max(0, left);
      if (!entry.pieces) entry.size = entry.stored;
      yield entry;
      throw broken(entry.position, `${claimed} bytes of a file`, `the end after ${Math.max(0, left)}`);
    }
    yield entry;
    at = next;
  }
}

/** Whether it begins as a tar archive does: a header with its checksum, or the end of an empty one. */
export function looksLikeTar(source: Bytes): boolean {
  const header = Buffer.alloc(blockBytes);
  return source.read(header, 0) === blockBytes && (isZero(header) || checksumRight(header));
}

const padded = (size: number): number => Math.ceil(size / blockBytes) * blockBytes;
const broken = (at: number, expected: string, got: string): ImageError => new ImageError('broken', `expected ${expected}, got ${got} at byte ${at}`);

function isZero(block: Uint8Array): boolean {
  for (let i = 0; i < block.length; i++) if (block[i] !== 0) return false;
  return true;
}

/** What stands behind the end is read by no engine, and by a person who looks with other tools. */
function tellRest(buffer: Window, at: number, size: number, count: Count): void {
  const look = Math.min(size, at + (1 << 20));
  for (let position = at; position < look; position += blockBytes) {
    if (isZero(buffer.get(position, blockBytes))) continue;
    count('archives with something behind their end');
    return;
  }
}

function checksumRight(header: Uint8Array): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < blockBytes; i++) {
    const byte = i >= 148 && i < 156 ? 32 : header[i]!;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const said = numberAt(header, 148, 8);
  return said === unsigned || said === signed;
}

function sizeOf(header: Uint8Array, at: number): number {
  const size = numberAt(header, 124, 12);
  if (size === undefined || size < 0) throw broken(at, 'a size', 'none');
  return size;
}

function entryOf(header: Buffer, type: string, at: number): TarEntry {
  const ustar = header.toString('latin1', 257, 263) === 'ustar\0';
  // GNU tar writes a blank behind it; V7 knows no names.
  const named = ustar || header.toString('latin1', 257, 262) === 'ustar';
  const prefix = ustar ? field(header, 345, 155) : empty;
  const name = field(header, 0, 100);
  return {
    kind: kindOf(type, at), name: prefix.length > 0 ? Buffer.concat([prefix, slash, name]) : name, target: field(header, 157, 100),
    // Damaged numbers of owner and mode must not hide the file.
    mode: (numberAt(header, 100, 8) ?? 0) & 0o7777, uid: id(numberAt(header, 108, 8)), gid: id(numberAt(header, 116, 8)), user: named ? textAt(header, 265) : '', group: named ? textAt(header, 297) : '',
    size: 0, position: 0, stored: 0, pieces: undefined, modified: time(numberAt(header, 136, 12) ?? 0), changed: undefined, attributes: undefined,
  };
}

const slash = Buffer.from('/');
const textAt = (header: Buffer, offset: number): string => (header[offset] === 0 ? '' : upToZero(header.subarray(offset, offset + 32)).toString('latin1'));
const id = (n: number | undefined): number => (n !== undefined && n >= 0 && n <= 0xffff_ffff ? n : 0xffff_fffe);
/** Times that no date can hold are none. */
const time = (seconds: number): number => (Math.abs(seconds) <= 8.64e12 ? seconds * 1000 : 0);

function kindOf(type: string, at: number): EntryKind {
  switch (type) {
    case '0': case '\0': case '7': case 'S': return 'file';
    case '1': return 'hard-link';
    case '2': return 'link';
    case '3': return 'character-device';
    case '4': return 'block-device';
    case '5': case 'D': return 'folder';
    case '6': return 'pipe';
    // Engines refuse the layer; its bytes, if any, are nobody's file.
    default: throw broken(at, 'an entry of a kind that a layer may hold', JSON.stringify(type));
  }
}

function applyPax(entry: TarEntry, pax: ReadonlyMap<string, Buffer>, at: number): void {
  const decimal = (key: string): number | undefined => {
    const text = pax.get(key)?.toString('latin1');
    if (text === undefined || text === '') return undefined;
    const n = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(n)) throw broken(at, `a number as ${key}`, JSON.stringify(text.slice(0, 40)));
    return n;
  };
  const date = (key: string): number | undefined => {
    const text = pax.get(key)?.toString('latin1') ?? '';
    return /^-?\d{1,15}(?:\.\d{1,20})?$/.test(text) ? time(Number(text)) : undefined;
  };
  const name = pax.get('path');
  if (name && name.length > 0) entry.name = name;
  const target = pax.get('linkpath');
  if (target && target.length > 0) entry.target = target;
  entry.stored = decimal('size') ?? entry.stored;
  entry.uid = id(decimal('uid') ?? entry.uid);
  entry.gid = id(decimal('gid') ?? entry.gid);
  entry.user = pax.get('uname')?.toString('latin1').slice(0, namesMax) ?? entry.user;
  entry.group = pax.get('gname')?.toString('latin1').slice(0, namesMax) ?? entry.group;
  entry.modified = date('mtime') ?? entry.modified;
  entry.changed = date('ctime');
  for (const [key, value] of pax) {
    if (!key.startsWith('SCHILY.xattr.')) continue;
    entry.attributes ??= new Map();
    entry.attributes.set(key.slice(13), value);
  }
}

/** A number of a header: octal digits, or big-endian with the first bit set. Undefined for what is none. */
function numberAt(header: Uint8Array, offset: number, length: number): number | undefined {
  const first = header[offset]!;
  if ((first & 0x80) !== 0) {
    const negative = (first & 0x40) !== 0;
    let n = negative ? -1 * (0x3f - (first & 0x3f)) : first & 0x3f;
    for (let i = 1; i < length; i++) n = n * 256 + (negative ? header[offset + i]! - 255 : header[offset + i]!);
    if (negative) n -= 1;
    return Number.isSafeInteger(n) ? n : undefined;
  }
  let from = offset;
  let to = offset + length;
  while (from < to && isPad(header[from]!)) from++;
  while (to > from && isPad(header[to - 1]!)) to--;
  let n = 0;
  for (; from < to && header[from] !== 0; from++) {
    const digit = header[from]! - 48;
    if (digit < 0 || digit > 7) return undefined;
    n = n * 8 + digit;
  }
  return n;
}

const isPad = (byte: number): boolean => byte === 0 || byte === 32;

function upToZero(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function field(header: Buffer, offset: number, length: number): Buffer {
  return header[offset] === 0 ? empty : Buffer.from(upToZero(header.subarray(offset, offset + length)));
}

/** Reads ahead where small files follow each other, and little where large ones are leapt over. */
class Window {
  readonly #source: Bytes;
  #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #from = 0;
  #length = 0;
  #ahead = leastAhead;

  constructor(source: Bytes) { this.#source = source; }

  /** Good until the next call. Shorter only at the end. */
  get(position: number, length: number): Buffer {
    if (position < this.#from || position + length > this.#from + this.#length) {
      const leap = position > this.#from + this.#length + this.#ahead || position < this.#from;
      this.#ahead = leap ? leastAhead : Math.min(bufferBytes, this.#ahead * 2);
      const want = Math.max(length, this.#ahead);
      if (want > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(want);
      this.#from = position;
      this.#length = position >= this.#source.size ? 0 : this.#source.read(this.#buffer.subarray(0, want), position);
    }
    const offset = position - this.#from;
    return this.#buffer.subarray(offset, Math.min(offset + length, this.#length));
  }
}
