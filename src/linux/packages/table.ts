/**
 * Some hundred thousand paths in little memory: columns of numbers, names in one block of bytes, folders once.
 * A path takes about 40 bytes and its digest. Names and digests lie one after the other in the order of the rows; where
 * they begin is kept for each sixteenth row only.
 */
import { own } from '../../core/own.ts';
import type { DigestAlgorithm } from '../digests.ts';
import type { Slices } from '../slices.ts';
import { Bytes, bytes16, bytes32, bytes8, nameAt, Numbers, writeName } from './columns.ts';
import { FolderTable, placeFolders, type FolderColumns } from './folder-table.ts';
import type { Folders } from './read.ts';
import { byteText, hashBytes, hashText, isText, probesMax, slotsFor } from './slots.ts';

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
  /** The package has digests of its files and none of this one, or one that is none: anybody can write a path into a list. */
  undigested?: boolean | undefined;
}

const pathsMax = 4_000_000;
export const packagesMax = 65_535;
const pathMax = 4096;
/** What file systems allow. */
const nameBytesMax = 255;
/** Rows between two kept beginnings. */
const block = 16;
const poolMax = 512 * 2 ** 20;

/** Value of each byte as a hexadecimal digit; 256 for what is none. */
const hexDigits = Uint16Array.from({ length: 256 }, (_, byte) => (/[0-9a-fA-F]/.test(String.fromCharCode(byte)) ? Number.parseInt(String.fromCharCode(byte), 16) : 256));
const md5Number = algorithms.indexOf('md5');

/** A slash, a NUL, `.` or `..`: looked at by `add`, which tells. */
function isOdd(bytes: Uint8Array, from: number, to: number): boolean {
  if (bytes[from] === 46 && (to - from === 1 || (to - from === 2 && bytes[from + 1] === 46))) return true;
  for (let i = from; i < to; i++) if (bytes[i] === 0 || bytes[i] === 47) return true;
  return false;
}

const algorithmMask = 7;
const configFlag = 8;
const ghostFlag = 16;
const undigestedFlag = 32;

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
  #last = { folder: '\0', id: -1 };

  constructor(count: (what: string, n?: number) => void) { this.#count = count; }

  /** One file of a package. What is no clean absolute path, and what goes beyond the limits, is counted and left out. */
  add(folder: string, name: string, owner: number, row: FileRow): void {
    // Files of one folder mostly come one after the other.
    const same = folder === this.#last.folder;
    if (name === '' || name === '.' || name === '..' || name.includes('/') || !(same || isClean(folder)) || folder.length + name.length > pathMax || (name.length * 3 > nameBytesMax && Buffer.byteLength(name) > nameBytesMax) || name.includes('\0')) { this.#count('paths that are none'); return; }
    if (this.#folder.length >= pathsMax || this.#names.length >= poolMax || this.#digests.length >= poolMax) { this.#count('paths beyond the limit'); return; }
    const id = same ? this.#last.id : this.#number(folder);
    this.#folder.push(id);
    if ((this.#folder.length - 1) % block === 0) { this.#nameBase.push(this.#names.length); this.#digestBase.push(this.#digests.length); }
    const length = writeName(this.#names.room(name.length * 3), name, this.#names.length);
    this.#name.push(length);
    this.#names.length += length;
    this.#package.push(owner);
    this.#mode.push(row.mode ?? 0);
    const kind = this.#addDigest(row.digest);
    this.#flags.push(kind | (row.config ? configFlag : 0) | (row.ghost ? ghostFlag : 0) | (row.undigested ? undigestedFlag : 0));
  }

  /** The same of a name that lies in a list, with the MD5 digest that stands as 32 hexadecimal digits at `digestAt` of `digests`, the package's; below 0 where they have none of it. */
  addBytes(folder: string, bytes: Buffer, from: number, to: number, owner: number, digests: Buffer | undefined, digestAt: number): void {
    const length = to - from;
    if (folder !== this.#last.folder || length === 0 || length > nameBytesMax || folder.length + length > pathMax || isOdd(bytes, from, to) || this.#folder.length >= pathsMax || this.#names.length >= poolMax || this.#digests.length >= poolMax) {
      const hex = digestAt < 0 ? undefined : digests?.toString('latin1', digestAt, digestAt + 32);
      this.add(folder, nameAt(bytes, from, to), owner, { digest: hex === undefined ? undefined : { algorithm: 'md5', hex }, undigested: digests !== undefined && hex === undefined });
      return;
    }
    this.#folder.push(this.#last.id);
    if ((this.#folder.length - 1) % block === 0) { this.#nameBase.push(this.#names.length); this.#digestBase.push(this.#digests.length); }
    const room = this.#names.room(length);
    for (let i = 0, at = this.#names.length; i < length; i++) room[at + i] = bytes[from + i]!;
    this.#name.push(length);
    this.#names.length += length;
    this.#package.push(owner);
    this.#mode.push(0);
    this.#flags.push(digests ? digestAt < 0 ? undigestedFlag : this.#addHex(digests, digestAt) : 0);
  }

  #addHex(bytes: Buffer, from: number): number {
    const size = digestBytes.md5;
    const room = this.#digests.room(size);
    for (let i = 0; i < size; i++) {
      const value = (hexDigits[bytes[from + 2 * i]!]! << 4) | hexDigits[bytes[from + 2 * i + 1]!]!;
      if (value > 255) { this.#count('digests that are none'); return undigestedFlag; }
      room[this.#digests.length + i] = value;
    }
    this.#digests.length += size;
    return md5Number;
  }

  #number(folder: string): number {
    const text = own(folder);
    let id = this.#folders.get(text);
    if (id === undefined) this.#folders.set(text, id = this.#folders.size);
    this.#last = { folder: text, id };
    return id;
  }

  #addDigest(digest: Digest | undefined): number {
    if (!digest) return 0;
    const size = digestBytes[digest.algorithm];
    if (digest.hex.length !== size * 2 || this.#digests.room(size).write(digest.hex, this.#digests.length, 'hex') !== size) { this.#count('digests that are none'); return undigestedFlag; }
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
    const named = this.#folders.size;
    const folderReal = new Numbers(bytes32);
    const folderAt = new Numbers(bytes32);
    const texts = new Bytes();
    // Where a folder really is gets a number too when no package names it so: the map grows while it is walked.
    for (const [folder, id] of this.#folders) {
      const real = id < named ? this.#follow(folders, folder) : folder;
      let at = this.#folders.get(real);
      if (at === undefined) this.#folders.set(own(real), at = this.#folders.size);
      folderReal.push(at);
      folderAt.push(texts.length);
      texts.length += writeName(texts.room(folder.length * 3), folder, texts.length);
      if ((id & 63) === 0 && slices.due()) await slices.rest();
    }
    folderAt.push(texts.length);
    const reals = folderReal.cut();
    const folder = this.#folder.cut();
    for (let row = 0; row < folder.length; row++) {
      folder[row] = reals[folder[row]!]!;
      if ((row & 4095) === 0 && slices.due()) await slices.rest();
    }
    const folderBytes = texts.cut();
    const begins = folderAt.cut();
    const names = this.#names.cut();
    const name = this.#name.cut();
    const nameBase = this.#nameBase.cut();
    return new PathTable({
      folderBytes, folderAt: begins, folderReal: reals, folderSlots: placeFolders(folderBytes, begins, this.#count),
      folder, name, nameBase, digestBase: this.#digestBase.cut(),
      owner: this.#package.cut(), flags: this.#flags.cut(), mode: this.#mode.cut(),
      names, digests: this.#digests.cut(), slots: await placeRows({ folder, name, nameBase, names }, slices, this.#count),
    });
  }
}

/** An absolute folder without empty, `.` or `..` parts; the empty text is the root itself. */
function isClean(folder: string): boolean {
  if (folder === '') return true;
  return folder.startsWith('/') && !folder.endsWith('/') && !folder.includes('//') && !folder.includes('\0') && !/\/\.\.?(?:\/|$)/.test(folder);
}

/** All that a table holds, in memory that can be handed to another process. */
export interface Columns extends FolderColumns {
  folder: Uint32Array;
  /** Length of each name in bytes. */
  name: Uint8Array;
  nameBase: Uint32Array;
  digestBase: Uint32Array;
  owner: Uint16Array;
  flags: Uint8Array;
  mode: Uint16Array;
  names: Uint8Array;
  digests: Uint8Array;
  /** Row + 1 by hash of folder and name. */
  slots: Uint32Array;
}

type Named = Pick<Columns, 'folder' | 'name' | 'nameBase' | 'names'>;

/** Of packages that share a file the first one read is its owner. */
async function placeRows(columns: Named, slices: Slices, count: (what: string) => void): Promise<Uint32Array> {
  const { folder, name, names } = columns;
  const slots = slotsFor(folder.length);
  const mask = slots.length - 1;
  for (let row = 0, from = 0; row < folder.length; from += name[row++]!) {
    const to = from + name[row]!;
    let slot = hashBytes(folder[row]!, names, from, to) & mask;
    let probes = 0;
    for (; slots[slot] !== 0 && probes < probesMax; probes++, slot = (slot + 1) & mask) {
      if (isSame(columns, slots[slot]! - 1, row, from)) { count('paths of several packages'); break; }
    }
    if (slots[slot] === 0) slots[slot] = row + 1;
    else if (probes === probesMax) count('paths left out, names collide');
    if ((row & 255) === 0 && slices.due()) await slices.rest();
  }
  return slots;
}

/** `at`: where the name of `other` begins. */
function isSame(columns: Named, row: number, other: number, at: number): boolean {
  const { folder, name, names } = columns;
  const length = name[row]!;
  if (folder[row] !== folder[other] || length !== name[other]) return false;
  const from = nameBegins(columns, row);
  for (let i = 0; i < length; i++) if (names[from + i] !== names[at + i]) return false;
  return true;
}

function nameBegins({ name, nameBase }: Pick<Columns, 'name' | 'nameBase'>, row: number): number {
  let at = nameBase[Math.floor(row / block)]!;
  for (let i = row - (row % block); i < row; i++) at += name[i]!;
  return at;
}

export class PathTable {
  readonly columns: Columns;
  readonly #folders: FolderTable;
  readonly #names: Buffer;
  readonly #digests: Buffer;

  constructor(columns: Columns) {
    const { names, digests } = columns;
    this.columns = columns;
    this.#folders = new FolderTable(columns);
    this.#names = Buffer.from(names.buffer, names.byteOffset, names.length);
    this.#digests = Buffer.from(digests.buffer, digests.byteOffset, digests.length);
  }

  get size(): number { return this.columns.folder.length; }

  /** Row of this path, -1 when no package has it. Folders are followed when they are known by this name. */
  find(path: string): number {
    const key = byteText(path);
    const slash = key.lastIndexOf('/');
    const written = slash < 0 ? -1 : this.#folders.find(key, slash);
    if (written < 0) return -1;
    const { folder, name, names, slots } = this.columns;
    const at = this.#folders.real(written);
    const length = key.length - slash - 1;
    const mask = slots.length - 1;
    let slot = hashText(at, key, slash + 1, key.length) & mask;
    for (let probes = 0; slots[slot] !== 0 && probes <= probesMax; probes++, slot = (slot + 1) & mask) {
      const row = slots[slot]! - 1;
      if (folder[row] === at && name[row] === length && isText(names, nameBegins(this.columns, row), key, slash + 1, key.length)) return row;
    }
    return -1;
  }

  hasFolder(folder: string): boolean {
    const key = byteText(folder);
    return this.#folders.find(key, key.length) >= 0;
  }

  owner(row: number): number { return this.columns.owner[row]!; }
  path(row: number): string {
    const at = nameBegins(this.columns, row);
    return `${this.#folders.text(this.columns.folder[row]!)}/${nameAt(this.#names, at, at + this.columns.name[row]!)}`;
  }

  row(row: number): FileRow {
    const flags = this.columns.flags[row]!;
    const mode = this.columns.mode[row]!;
    const algorithm = algorithms[flags & algorithmMask];
    const at = algorithm ? this.#digestAt(row) : 0;
    return {
      digest: algorithm ? { algorithm, hex: this.#digests.toString('hex', at, at + digestBytes[algorithm]) } : undefined,
      mode: mode === 0 ? undefined : mode,
      config: (flags & configFlag) !== 0,
      ghost: (flags & ghostFlag) !== 0,
      undigested: (flags & undigestedFlag) !== 0,
    };
  }

  #digestAt(row: number): number {
    let at = this.columns.digestBase[Math.floor(row / block)]!;
    for (let i = row - (row % block); i < row; i++) {
      const algorithm = algorithms[this.columns.flags[i]! & algorithmMask];
      if (algorithm) at += digestBytes[algorithm];
    }
    return at;
  }
}
