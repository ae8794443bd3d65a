/**
 * Tables of an SQLite database, read by the file format alone: nothing is locked or written, so it works on mounted disks and
 * images, and a damaged file meets our bounds instead of native code.
 */
import { PackagesError } from './packages/error.ts';
import { Pages } from './packages/pages.ts';
import { Slices } from './slices.ts';
import type { Tree } from './tree.ts';

const depthMax = 40;

/** A row: its number, and its columns as bytes; undefined for one without any (NULL, 0 and 1). */
export interface SqliteRow { id: number; record: Buffer }

export type SqliteValue = number | string | Buffer | undefined;

/** A record of at most `recordMax` bytes. `wal` holds pages that were written but not yet put in their place. Throws PackagesError 'broken' for what is no database. */
export async function openSqlite(file: Pages, wal: Pages | undefined, recordMax: number): Promise<SqliteTables> {
  const head = await file.read(0, 100);
  if (head.toString('latin1', 0, 16) !== 'SQLite format 3\0') throw broken('an SQLite database, got something else', file);
  const raw = head.readUInt16BE(16);
  const pageSize = raw === 1 ? 65_536 : raw;
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) throw broken(`a page size, got ${raw}`, file);
  return new SqliteTables(file, wal, wal ? await committed(wal, pageSize) : new Map(), pageSize, pageSize - head.readUInt8(20), recordMax);
}

/** At most `max` rows of a table of a tree's database, values by the table's columns; undefined when the file is not there. Throws PackagesError and TreeError. */
export async function sqliteRows(tree: Tree, path: string, table: string, max: number, signal: AbortSignal): Promise<{ id: number; values: SqliteValue[] }[] | undefined> {
  const real = tree.real(path);
  if (real === undefined) return undefined;
  const file = tree.open(real);
  if (!file) return undefined;
  // What SQLite makes before the first table, and what is left of a file that was emptied.
  if (file.size === 0) { file.close(); return []; }
  const slices = new Slices(signal);
  const opened = [new Pages(file, path, slices)];
  try {
    const log = tree.open(`${real}-wal`);
    if (log) opened.push(new Pages(log, `${path}-wal`, slices));
    const tables = await openSqlite(opened[0]!, opened[1], 64 * 1024);
    const root = await tables.rootOf(table);
    if (root === undefined) throw broken(`a table ${table}, got none`, opened[0]!);
    const out: { id: number; values: SqliteValue[] }[] = [];
    for await (const { id, record } of tables.rows(root)) {
      if (out.length >= max) throw new PackagesError('too-large', `expected at most ${max} rows, got more in ${path}`);
      out.push({ id, values: valuesOf(record) });
    }
    return out;
  } finally { for (const pages of opened) pages.close(); }
}

export class SqliteTables {
  readonly #file: Pages;
  readonly #wal: Pages | undefined;
  readonly #newer: ReadonlyMap<number, number>;
  readonly #pageSize: number;
  readonly #usable: number;
  readonly #recordMax: number;

  constructor(file: Pages, wal: Pages | undefined, newer: ReadonlyMap<number, number>, pageSize: number, usable: number, recordMax: number) {
    this.#file = file;
    this.#wal = wal;
    this.#newer = newer;
    this.#pageSize = pageSize;
    this.#usable = usable;
    this.#recordMax = recordMax;
  }

  /** The first page of a table; undefined when there is none of that name. */
  async rootOf(table: string): Promise<number | undefined> {
    for await (const { record } of this.rows(1)) {
      const [type, name, , page] = columns(record);
      if (type?.toString() === 'table' && name?.toString() === table && page) return page.readUIntBE(0, Math.min(6, page.length));
    }
    return undefined;
  }

  /** The records of a table, page by page. */
  async *rows(page: number, depth = 0, seen = new Set<number>()): AsyncGenerator<SqliteRow> {
    // A tree whose branches meet again is none.
    if (depth > depthMax || seen.has(page)) throw broken('a tree of pages, got a loop', this.#file);
    seen.add(page);
    const bytes = Buffer.from(await this.#page(page));
    const at = page === 1 ? 100 : 0;
    const type = bytes.readUInt8(at);
    const cells = bytes.readUInt16BE(at + 3);
    const inner = type === 5;
    if (!inner && type !== 13) throw broken(`a page of a table, got type ${type}`, this.#file);
    const pointers = at + (inner ? 12 : 8);
    if (pointers + cells * 2 > bytes.length) throw broken(`a page of cells, got ${cells} of them`, this.#file);
    for (let i = 0; i < cells; i++) {
      const cell = bytes.readUInt16BE(pointers + i * 2);
      if (cell + 4 > bytes.length) throw broken('a cell within its page, got one beyond', this.#file);
      if (inner) yield* this.rows(bytes.readUInt32BE(cell), depth + 1, seen);
      else yield await this.#row(bytes, cell);
    }
    if (inner) yield* this.rows(bytes.readUInt32BE(at + 8), depth + 1, seen);
  }

  async #row(bytes: Buffer, cell: number): Promise<SqliteRow> {
    const [length, afterLength] = varint(bytes, cell);
    const [id, start] = varint(bytes, afterLength);
    if (length > this.#recordMax) throw broken(`a record of at most ${this.#recordMax} bytes, got ${length}`, this.#file);
    const most = this.#usable - 35;
    if (length <= most) return { id, record: bytes.subarray(start, start + length) };
    const least = Math.floor(((this.#usable - 12) * 32) / 255) - 23;
    const fitting = least + ((length - least) % (this.#usable - 4));
    const local = fitting <= most ? fitting : least;
    const out = Buffer.allocUnsafe(length);
    let have = bytes.copy(out, 0, start, start + local);
    if (have !== local || start + local + 4 > bytes.length) throw broken('a cell within its page, got one beyond', this.#file);
    let next = bytes.readUInt32BE(start + local);
    while (have < length) {
      if (next === 0) throw broken(`${length} bytes, got ${have}`, this.#file);
      const page = await this.#page(next);
      have += page.copy(out, have, 4, Math.min(this.#usable, 4 + length - have));
      next = page.readUInt32BE(0);
    }
    return { id, record: out };
  }

  #page(number: number): Promise<Buffer> {
    const newer = this.#newer.get(number);
    if (newer !== undefined && this.#wal) return this.#wal.read(newer, this.#pageSize);
    return this.#file.read((number - 1) * this.#pageSize, this.#pageSize);
  }
}

/** Columns of a record as bytes; undefined for the ones without any. Throws PackagesError 'broken'. */
export const columns = (record: Buffer): (Buffer | undefined)[] => fields(record).map(({ bytes }) => (bytes.length === 0 ? undefined : bytes));

/** Columns by their own types. */
function valuesOf(record: Buffer): SqliteValue[] {
  return fields(record).map(({ type, bytes }) => {
    switch (type) {
      case 0: return undefined;
      case 1: case 2: case 3: case 4: case 5: return bytes.readIntBE(0, bytes.length);
      case 6: return Number(bytes.readBigInt64BE(0));
      case 7: return bytes.readDoubleBE(0);
      case 8: return 0;
      case 9: return 1;
      default: return type % 2 === 0 ? bytes : bytes.toString('utf8');
    }
  });
}

function fields(record: Buffer): { type: number; bytes: Buffer }[] {
  const out: { type: number; bytes: Buffer }[] = [];
  const [headLength, first] = varint(record, 0);
  let at = first;
  let data = headLength;
  while (at < headLength && at < record.length && out.length < 16) {
    const [type, next] = varint(record, at);
    at = next;
    const length = type >= 12 ? Math.floor((type - 12) / 2) : ([0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][type] ?? 0);
    if (data + length > record.length) throw new PackagesError('broken', `expected ${length} bytes in a record, got ${record.length - data}`);
    out.push({ type, bytes: record.subarray(data, data + length) });
    data += length;
  }
  return out;
}

/** Value and the place behind it. */
function varint(bytes: Buffer, start: number): [number, number] {
  let value = 0;
  for (let i = 0; i < 9; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new PackagesError('broken', 'expected a number, got the end of the page');
    if (i === 8) return [value * 256 + byte, start + 9];
    value = value * 128 + (byte & 127);
    if (byte < 128) return [value, start + i + 1];
  }
  return [value, start + 9];
}

/** Page → place of its newest committed content in the write-ahead log. What follows the last commit, or fails its checksum, does not count. */
async function committed(wal: Pages, pageSize: number): Promise<Map<number, number>> {
  const out = new Map<number, number>();
  if (wal.size < 32) return out;
  const head = Buffer.from(await wal.read(0, 32));
  const magic = head.readUInt32BE(0);
  if ((magic !== 0x377f0682 && magic !== 0x377f0683) || head.readUInt32BE(8) !== pageSize) return out;
  const little = magic === 0x377f0682;
  const salt = head.subarray(16, 24);
  const sums = sumOver(head.subarray(0, 24), [0, 0], little);
  if (sums[0] !== head.readUInt32BE(24) || sums[1] !== head.readUInt32BE(28)) return out;
  const pending = new Map<number, number>();
  for (let at = 32; at + 24 + pageSize <= wal.size; at += 24 + pageSize) {
    const frame = await wal.read(at, 24 + pageSize);
    if (!frame.subarray(8, 16).equals(salt)) break;
    sumOver(frame.subarray(0, 8), sums, little);
    sumOver(frame.subarray(24), sums, little);
    if (sums[0] !== frame.readUInt32BE(16) || sums[1] !== frame.readUInt32BE(20)) break;
    pending.set(frame.readUInt32BE(0), at + 24);
    if (frame.readUInt32BE(4) === 0) continue;
    for (const [page, place] of pending) out.set(page, place);
    pending.clear();
  }
  return out;
}

function sumOver(bytes: Buffer, sums: [number, number], little: boolean): [number, number] {
  for (let i = 0; i + 8 <= bytes.length; i += 8) {
    sums[0] = (sums[0] + (little ? bytes.readUInt32LE(i) : bytes.readUInt32BE(i)) + sums[1]) >>> 0;
    sums[1] = (sums[1] + (little ? bytes.readUInt32LE(i + 4) : bytes.readUInt32BE(i + 4)) + sums[0]) >>> 0;
  }
  return sums;
}

const broken = (what: string, file: Pages): PackagesError => new PackagesError('broken', `expected ${what} in ${file.path}`);
