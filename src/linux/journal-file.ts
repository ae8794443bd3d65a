/**
 * A file of the systemd journal, read by its format alone: nothing is run, so it works on mounted disks and images, and a damaged or
 * hostile file meets our bounds. Layout: https://systemd.io/JOURNAL_FILE_FORMAT/ (values are little-endian, objects lie on 8 bytes).
 *
 * Values that journald packed (those above 512 bytes) are laid open up to a bound; what cannot be read is left out and counted in `left`.
 */
import { MoatError, placed } from '../core/error.ts';
import { unpackValue } from './journal-value.ts';
import type { OpenFile, Tree } from './tree.ts';

export type JournalErrorCode = 'broken';
export class JournalError extends MoatError<JournalErrorCode> {}

export interface JournalEntry {
  /** Where it lies in the file. */
  offset: number;
  /** Counts through all files of one sequence. */
  number: number;
  /** Unix ms. */
  time: number;
  /** Since the start of the machine, ms. */
  sinceBoot: number;
  /** Hex. */
  boot: string;
}

const compact = 16;
/** What may be set in a file that is understood here: three compressions, keyed hashes, and the compact form. */
const understood = 1 | 2 | 4 | 8 | compact;
const data = 1, field = 2, entry = 3, entryArray = 6;
const compressed = 7;
const blockBytes = 16 * 1024;
const blocksMax = 64;
const valueMax = 64 * 1024;
const bucketsMax = 100_000;
const fieldsMax = 10_000;
const itemsMax = 1024;
/** Values laid open that are kept: the same ones come again and again. */
const unpackedMax = 32;
/** Bytes laid open of one file: entries may name the same packed value without end. */
const unpackedBytesMax = 256 * 2 ** 20;

export class JournalFile {
  readonly path: string;
  readonly #file: OpenFile;
  readonly #compact: boolean;
  readonly #head: Buffer;
  /** More than fit into the file: a chain that long is a circle. */
  readonly #chainMax: number;
  readonly #blocks = new Map<number, Buffer>();
  readonly #unpacked = new Map<number, string | undefined>();
  #unpackedBytes = 0;
  #left = 0;

  /** Throws JournalError for what is no journal. */
  constructor(file: OpenFile, path: string) {
    this.#file = file;
    this.path = path;
    const head = Buffer.alloc(208);
    if (file.read(head, 0) < 208 || head.toString('latin1', 0, 8) !== 'LPKSHHRH') throw this.#broken('a journal, got something else');
    const flags = head.readUInt32LE(12);
    if ((flags & ~understood) !== 0) throw this.#broken(`a form of journal that is known, got flags ${flags}`);
    this.#compact = (flags & compact) !== 0;
    this.#head = head;
    this.#chainMax = Math.ceil(file.size / 24);
  }

  /** The sequence that numbers of entries count, hex: files of a machine share one. */
  get sequence(): string { return this.#head.toString('hex', 72, 88); }
  /** It was being written to, or never closed: its end may be torn. */
  get isOpen(): boolean { return this.#head[16] === 1 || this.path.endsWith('~'); }
  get entryCount(): number { return this.#number(this.#head, 152); }
  /** Of the first and the last entry, Unix ms; 0 for none. */
  get firstTime(): number { return this.#number(this.#head, 184) / 1000; }
  get lastTime(): number { return this.#number(this.#head, 192) / 1000; }

  /** Values that were come upon and could not be read: packed by xz or wrongly, too long, or beyond the bound. */
  get left(): number { return this.#left; }

  close(): void { this.#file.close(); }

  /** All entries, oldest first. Throws JournalError where the file is damaged. */
  *entries(): Iterable<JournalEntry> { yield* this.#array(this.#number(this.#head, 176), this.entryCount); }

  /** Every value of a field. Throws JournalError where the file is damaged. */
  *values(name: string): Iterable<{ value: string; entries: () => Iterable<JournalEntry> }> {
    const table = this.#number(this.#head, 120);
    const buckets = Math.min(bucketsMax, Math.floor(this.#number(this.#head, 128) / 16));
    const fields = new Set<number>();
    for (let i = 0; i < buckets; i++) {
      for (let at = this.#u64(table + i * 16); at !== 0 && !fields.has(at) && fields.size < fieldsMax; at = this.#u64(at + 24)) {
        fields.add(at);
        const size = this.#object(at, field);
        if (size - 40 !== name.length || this.#text(at + 40, size - 40) !== name) continue;
        yield* this.#valuesOf(this.#u64(at + 32), name);
        return;
      }
    }
  }

  /** The fields of an entry that are asked for, by name. */
  fields(at: Pick<JournalEntry, 'offset'>, names: ReadonlySet<string>): Map<string, string> {
    const out = new Map<string, string>();
    const size = this.#object(at.offset, entry);
    const item = this.#compact ? 4 : 16;
    const count = Math.min(itemsMax, Math.floor((size - 64) / item));
    for (let i = 0; i < count && out.size < names.size; i++) {
      const where = at.offset + 64 + i * item;
      const text = this.#payload(this.#compact ? this.#bytes(where, 4).readUInt32LE(0) : this.#u64(where));
      const equals = text === undefined ? -1 : text.indexOf('=');
      if (equals > 0 && names.has(text!.slice(0, equals))) out.set(text!.slice(0, equals), text!.slice(equals + 1));
    }
    return out;
  }

  *#valuesOf(first: number, name: string): Iterable<{ value: string; entries: () => Iterable<JournalEntry> }> {
    let n = 0;
    for (let at = first; at !== 0; at = this.#u64(at + 32)) {
      if (++n > this.#chainMax) throw this.#broken('values that end, got a circle');
      const text = this.#payload(at);
      const where = at;
      if (text?.startsWith(`${name}=`) === true) yield { value: text.slice(name.length + 1), entries: () => this.#entriesOf(where) };
    }
  }

  /** The entries that hold this value: the first by itself, the others in arrays. */
  *#entriesOf(at: number): Iterable<JournalEntry> {
    const first = this.#u64(at + 40);
    if (first === 0) return;
    yield this.#entry(first);
    yield* this.#array(this.#u64(at + 48), this.#u64(at + 56) - 1);
  }

  *#array(first: number, count: number): Iterable<JournalEntry> {
    let left = count;
    const item = this.#compact ? 4 : 8;
    let arrays = 0;
    for (let at = first; at !== 0 && left > 0; at = this.#u64(at + 16)) {
      if (++arrays > this.#chainMax) throw this.#broken('entries that end, got a circle');
      const items = Math.min(left, Math.floor((this.#object(at, entryArray) - 24) / item));
      // An array without room would be asked for ever.
      if (items <= 0) throw this.#broken(`an array of entries at ${at}, got an empty one`);
      for (let i = 0; i < items; i++) {
        const offset = this.#compact ? this.#bytes(at + 24 + i * 4, 4).readUInt32LE(0) : this.#u64(at + 24 + i * 8);
        // Room that is not used yet.
        if (offset === 0) return;
        yield this.#entry(offset);
      }
      left -= items;
    }
  }

  #entry(offset: number): JournalEntry {
    this.#object(offset, entry);
    const bytes = this.#bytes(offset + 16, 40);
    return { offset, number: this.#number(bytes, 0), time: this.#number(bytes, 8) / 1000, sinceBoot: this.#number(bytes, 16) / 1000, boot: bytes.toString('hex', 24, 40) };
  }

  /** `NAME=value`; undefined for one that cannot be read. */
  #payload(at: number): string | undefined {
    const start = this.#compact ? 72 : 64;
    const size = this.#object(at, data);
    if (size < start) return undefined;
    const packing = this.#bytes(at + 1, 1)[0]! & compressed;
    const text = size - start > valueMax ? undefined : packing === 0 ? this.#text(at + start, size - start) : this.#unpack(at, packing, at + start, size - start);
    if (text === undefined) this.#left++;
    return text;
  }

  #unpack(at: number, packing: number, from: number, length: number): string | undefined {
    if (this.#unpacked.has(at)) return this.#unpacked.get(at);
    if (this.#unpackedBytes > unpackedBytesMax) return undefined;
    const value = unpackValue(packing, this.#bytes(from, length), valueMax);
    // One that is broken late costs as much as a whole one.
    this.#unpackedBytes += value?.length ?? valueMax;
    const text = value?.toString('utf8');
    if (this.#unpacked.size >= unpackedMax) for (const oldest of this.#unpacked.keys()) { this.#unpacked.delete(oldest); break; }
    this.#unpacked.set(at, text);
    return text;
  }

  /** The size of the object of this type. */
  #object(at: number, type: number): number {
    const bytes = this.#bytes(at, 16);
    const size = this.#number(bytes, 8);
    if (bytes[0] !== type || size < 16 || (at & 7) !== 0) throw this.#broken(`an object of type ${type} at ${at}, got type ${bytes[0]} of ${size} bytes`);
    return size;
  }

  #u64(at: number): number { return this.#number(this.#bytes(at, 8), 0); }

  #number(bytes: Buffer, at: number): number {
    const high = bytes.readUInt32LE(at + 4);
    if (high >= 0x20_0000) throw this.#broken('a number that fits, got a larger one');
    return high * 4_294_967_296 + bytes.readUInt32LE(at);
  }

  #text(at: number, length: number): string { return this.#bytes(at, length).toString('utf8'); }

  /** Throws beyond the end: a place that the file does not have is no place. */
  #bytes(at: number, length: number): Buffer {
    const first = Math.floor(at / blockBytes);
    const block = this.#block(first);
    const from = at - first * blockBytes;
    if (from + length <= block.length) return block.subarray(from, from + length);
    if (from >= block.length || at + length > this.#file.size) throw this.#broken(`${length} bytes at ${at}, got the end`);
    const out = Buffer.alloc(length);
    let have = block.copy(out, 0, from);
    for (let n = first + 1; have < length; n++) {
      const more = this.#block(n).copy(out, have);
      if (more === 0) throw this.#broken(`${length} bytes at ${at}, got the end`);
      have += more;
    }
    return out;
  }

  #block(n: number): Buffer {
    const known = this.#blocks.get(n);
    if (known) return known;
    const bytes = Buffer.alloc(blockBytes);
    let have = 0;
    while (have < blockBytes) {
      const got = this.#file.read(bytes.subarray(have), n * blockBytes + have);
      if (got === 0) break;
      have += got;
    }
    const block = bytes.subarray(0, have);
    if (this.#blocks.size >= blocksMax) for (const oldest of this.#blocks.keys()) { this.#blocks.delete(oldest); break; }
    this.#blocks.set(n, block);
    return block;
  }

  #broken(what: string): JournalError { return new JournalError('broken', `expected ${what} in ${this.path}`, { zh: placed('systemd 日志文件损坏或读不懂', `expected ${what}`) }); }
}

/** Journal files of a tree, newest first by their change; files of accounts (user-1000) too. Throws TreeError when a folder cannot be listed. */
export function journalPaths(tree: Tree): string[] {
  const found: { path: string; modified: number }[] = [];
  for (const parent of ['/var/log/journal', '/run/log/journal']) {
    for (const name of tree.list(parent) ?? []) {
      const folder = `${parent}/${name}`;
      // Only folders named by a machine's id; what other machines sent lies in `remote`.
      if (!/^[0-9a-f]{32}(?:\.[\w-]{1,64})?$/.test(name)) continue;
      for (const file of tree.list(folder) ?? []) {
        if (!/\.journal~?$/.test(file)) continue;
        const stat = tree.stat(`${folder}/${file}`);
        if (stat?.kind === 'file') found.push({ path: `${folder}/${file}`, modified: stat.modified });
      }
    }
  }
  return found.sort((a, b) => b.modified - a.modified).map(({ path }) => path);
}
