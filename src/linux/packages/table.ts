/**
 * Some hundred thousand paths in little memory: columns of numbers, names in one block of bytes, folders once.
 * A path takes about 40 bytes and its digest. Names and digests lie one after the other in the order of the rows; where
 * they begin is kept for each sixteenth row only.
 */
import { own } from '../../core/own.ts';
import type { DigestAlgorithm } from '../digests.ts';
import { bytesOf, nameOf } from '../file-names.ts';
import type { Slices } from '../slices.ts';
import type { Folders } from './read.ts';

/** Position in this list is what the table keeps. */
const algorithms: readonly (DigestAlgorithm | '')[] = ['', 'md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'];
const digestBytes: Readonly<Record<DigestAlgorithm, number>> = { md5: 16, sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 };

export interface Digest { algorithm: DigestAlgorithm; hex: string }

/** What a package says of a file. */
export interface FileRow {
  digest?: Digest | undefined;
  /** st_mode as shipped, where the package says. */
  mode?: number | undefined;
  /** Settings that people may change. */
  config?: boolean | undefined;
  /** Owned but not shipped: made by scripts or programs. */
  ghost?: boolean | undefined;
}

const pathsMax = 4_000_000;
export const packagesMax = 65_535;
const pathMax = 4096;
/** What file systems allow. */
const nameBytesMax = 255;
/** Rows between two kept beginnings. */
const block = 16;
const poolMax = 512 * 2 ** 20;
/** Names made to collide must not turn look-ups into searches. */
const probesMax = 500;

const algorithmMask = 7;
const configFlag = 8;
const ghostFlag = 16;

/** Grows by half; `cut` gives what is used. */
class Bytes {
  #bytes = Buffer.allocUnsafeSlow(1 << 16);
  length = 0;

  room(more: number): Buffer {
    if (this.length + more > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(Math.ceil(this.#bytes.length * 1.5), this.length + more));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  cut(): Buffer {
    const cut = Buffer.allocUnsafeSlow(this.length);
    this.#bytes.copy(cut, 0, 0, this.length);
    return cut;
  }
}

class Numbers<T extends Uint8Array | Uint16Array | Uint32Array> {
  #values: T;
  readonly #make: (length: number) => T;
  length = 0;

  constructor(make: (length: number) => T) { this.#make = make; this.#values = make(4096); }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = this.#make(Math.ceil(this.length * 1.5));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  cut(): T {
    const cut = this.#make(this.length);
    cut.set(this.#values.subarray(0, this.length));
    return cut;
  }
}

const bytes8 = (length: number): Uint8Array => new Uint8Array(length);
const bytes16 = (length: number): Uint16Array => new Uint16Array(length);
const bytes32 = (length: number): Uint32Array => new Uint32Array(length);

export class TableBuilder {
  readonly #folders = new Map<string, number>();
  readonly #folder = new Numbers(bytes32);
  readonly #name = new Numbers(bytes8);
  readonly #nameBase = new Numbers(bytes32);
  readonly #digestBase = new Numbers(bytes32);
  readonly #package = new Numbers(bytes16);
  readonly #flags = new Numbers(bytes8);
  readonly #mode = new Numbers(bytes16);
  readonly #names = new Bytes();
  readonly #digests = new Bytes();
  readonly #count: (what: string, n?: number) => void;

  constructor(count: (what: string, n?: number) => void) { this.#count = count; }

  /** One file of a package. What is no clean absolute path, and what goes beyond the limits, is counted and left out. */
  add(folder: string, name: string, owner: number, row: FileRow): void {
    if (name === '' || name === '.' || name === '..' || name.includes('/') || !isClean(folder) || folder.length + name.length > pathMax || Buffer.byteLength(name) > nameBytesMax || name.includes('\0')) { this.#count('paths that are none'); return; }
    if (this.#folder.length >= pathsMax || this.#names.length >= poolMax || this.#digests.length >= poolMax) { this.#count('paths beyond the limit'); return; }
    let id = this.#folders.get(folder);
    if (id === undefined) this.#folders.set(own(folder), id = this.#folders.size);
    this.#folder.push(id);
    if ((this.#folder.length - 1) % block === 0) { this.#nameBase.push(this.#names.length); this.#digestBase.push(this.#digests.length); }
    const length = writeName(this.#names.room(name.length * 3), name, this.#names.length);
    this.#name.push(length);
    this.#names.length += length;
    this.#package.push(owner);
    this.#mode.push(row.mode ?? 0);
    const kind = this.#addDigest(row.digest);
    this.#flags.push(kind | (row.config ? configFlag : 0) | (row.ghost ? ghostFlag : 0));
  }

  #addDigest(digest: Digest | undefined): number {
    if (!digest) return 0;
    const size = digestBytes[digest.algorithm];
    if (digest.hex.length !== size * 2 || this.#digests.room(size).write(digest.hex, this.#digests.length, 'hex') !== size) { this.#count('digests that are none'); return 0; }
    this.#digests.length += size;
    return algorithms.indexOf(digest.algorithm);
  }

  /** Links that lead nowhere lead to no file: the folder stays as it is written. */
  #follow(folders: Folders, folder: string): string {
    const real = folders.real(folder);
    if (real === undefined) this.#count('folders behind links that lead nowhere');
    return real ?? folder;
  }

  /** Follows each folder to where it really is, and makes the table ready to be asked. */
  async seal(folders: Folders, slices: Slices): Promise<PathTable> {
    const where: string[] = [];
    const canonical = new Uint32Array(this.#folders.size);
    for (const [folder, id] of this.#folders) {
      const followed = this.#follow(folders, folder);
      const real = followed === folder ? folder : own(followed);
      let at = this.#folders.get(real);
      if (at === undefined) this.#folders.set(real, at = id);
      canonical[id] = at;
      where[id] = real;
      if ((id & 63) === 0 && slices.due()) await slices.rest();
    }
    const folder = this.#folder.cut();
    for (let row = 0; row < folder.length; row++) {
      folder[row] = canonical[folder[row]!]!;
      if ((row & 4095) === 0 && slices.due()) await slices.rest();
    }
    const table = new PathTable({
      folders: this.#folders, canonical, where, folder,
      name: this.#name.cut(), nameBase: this.#nameBase.cut(), digestBase: this.#digestBase.cut(),
      owner: this.#package.cut(), flags: this.#flags.cut(), mode: this.#mode.cut(),
      names: this.#names.cut(), digests: this.#digests.cut(),
    });
    await table.fill(slices, this.#count);
    return table;
  }
}

/** An absolute folder without empty, `.` or `..` parts; the empty text is the root itself. */
function isClean(folder: string): boolean {
  if (folder === '') return true;
  return folder.startsWith('/') && !folder.endsWith('/') && !folder.includes('//') && !folder.includes('\0') && !/\/\.\.?(?:\/|$)/.test(folder);
}

interface Columns {
  /** Folder as a package or the disk writes it → number. */
  folders: Map<string, number>;
  /** Number → the number of where it really is. */
  canonical: Uint32Array;
  /** Number → where it really is. */
  where: string[];
  folder: Uint32Array;
  /** Length of each name in bytes. */
  name: Uint8Array;
  nameBase: Uint32Array;
  digestBase: Uint32Array;
  owner: Uint16Array;
  flags: Uint8Array;
  mode: Uint16Array;
  names: Buffer;
  digests: Buffer;
}

export class PathTable {
  readonly #c: Columns;
  /** Row + 1 by hash of folder and name, open addressing; 0 is free. */
  readonly #slots: Uint32Array;
  readonly #scratch = Buffer.allocUnsafeSlow(nameBytesMax * 3);

  constructor(columns: Columns) {
    this.#c = columns;
    let size = 16;
    while (size * 0.8 < columns.folder.length) size *= 2;
    this.#slots = new Uint32Array(size);
  }

  get size(): number { return this.#c.folder.length; }

  /** Called once. Of packages that share a file the first one read is its owner. */
  async fill(slices: Slices, count: (what: string) => void): Promise<void> {
    const { name, names, folder } = this.#c;
    const mask = this.#slots.length - 1;
    for (let row = 0, from = 0; row < folder.length; from += name[row++]!) {
      const to = from + name[row]!;
      let slot = hash(folder[row]!, names, from, to) & mask;
      let probes = 0;
      for (; this.#slots[slot] !== 0 && probes < probesMax; probes++, slot = (slot + 1) & mask) {
        if (this.#is(this.#slots[slot]! - 1, folder[row]!, names, from, to)) { count('paths of several packages'); break; }
      }
      if (this.#slots[slot] === 0) this.#slots[slot] = row + 1;
      else if (probes === probesMax) count('paths left out, names collide');
      if ((row & 255) === 0 && slices.due()) await slices.rest();
    }
  }

  /** Row of this path, -1 when no package has it. Folders are followed when they are known by this name. */
  find(folder: string, name: string): number {
    const written = this.#c.folders.get(folder);
    if (written === undefined || name.length > nameBytesMax) return -1;
    const at = this.#c.canonical[written] ?? written;
    const length = writeName(this.#scratch, name, 0);
    const mask = this.#slots.length - 1;
    let slot = hash(at, this.#scratch, 0, length) & mask;
    for (let probes = 0; this.#slots[slot] !== 0 && probes <= probesMax; probes++, slot = (slot + 1) & mask) {
      const row = this.#slots[slot]! - 1;
      if (this.#is(row, at, this.#scratch, 0, length)) return row;
    }
    return -1;
  }

  hasFolder(folder: string): boolean { return this.#c.folders.has(folder); }
  owner(row: number): number { return this.#c.owner[row]!; }
  path(row: number): string {
    const at = this.#nameAt(row);
    return `${this.#c.where[this.#c.folder[row]!]!}/${nameAt(this.#c.names, at, at + this.#c.name[row]!)}`;
  }

  row(row: number): FileRow {
    const flags = this.#c.flags[row]!;
    const mode = this.#c.mode[row]!;
    const algorithm = algorithms[flags & algorithmMask];
    const at = algorithm ? this.#digestAt(row) : 0;
    return {
      digest: algorithm ? { algorithm, hex: this.#c.digests.toString('hex', at, at + digestBytes[algorithm]) } : undefined,
      mode: mode === 0 ? undefined : mode,
      config: (flags & configFlag) !== 0,
      ghost: (flags & ghostFlag) !== 0,
    };
  }

  #nameAt(row: number): number {
    let at = this.#c.nameBase[Math.floor(row / block)]!;
    for (let i = row - (row % block); i < row; i++) at += this.#c.name[i]!;
    return at;
  }

  #digestAt(row: number): number {
    let at = this.#c.digestBase[Math.floor(row / block)]!;
    for (let i = row - (row % block); i < row; i++) {
      const algorithm = algorithms[this.#c.flags[i]! & algorithmMask];
      if (algorithm) at += digestBytes[algorithm];
    }
    return at;
  }

  #is(row: number, folder: number, bytes: Buffer, from: number, to: number): boolean {
    const { names } = this.#c;
    if (this.#c.folder[row] !== folder || this.#c.name[row] !== to - from) return false;
    const start = this.#nameAt(row);
    for (let i = 0; i < to - from; i++) if (names[start + i] !== bytes[from + i]) return false;
    return true;
  }
}

/** Names are bytes: what is no UTF-8 comes and goes as src/linux/file-names.ts says. */
function writeName(into: Buffer, name: string, at: number): number {
  const bytes = bytesOf(name);
  return typeof bytes === 'string' ? into.write(bytes, at) : bytes.copy(into, at);
}

function nameAt(names: Buffer, from: number, to: number): string {
  const text = names.toString('utf8', from, to);
  return text.includes('\ufffd') ? nameOf(names.subarray(from, to)) : text;
}

function hash(folder: number, bytes: Buffer, from: number, to: number): number {
  let h = Math.imul(folder + 1, 0x9e3779b1);
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
