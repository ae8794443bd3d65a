/**
 * Objects of a git repository, loose and packed, read without running git: nothing that the repository says is executed. An object
 * counts only when its content has the digest it is named by.
 */
import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { nameOf } from '../file-names.ts';
import { textOf, type OpenFile, type Tree } from '../tree.ts';
import { GitError } from './error.ts';

export interface GitObject { type: 'commit' | 'tree' | 'blob' | 'tag'; bytes: Buffer }

/** Larger objects are not read. */
const objectMax = 16 * 2 ** 20;
/** git writes 50, 250 at most, unless told otherwise. */
const chainMax = 300;
const packsMax = 2000;
const alternatesMax = 8;
const packTypes: Readonly<Record<number, GitObject['type']>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const offsetDelta = 6, nameDelta = 7;

interface Raw { type: GitObject['type']; bytes: Buffer }

export class GitObjects {
  readonly #tree: Tree;
  readonly #folders: readonly string[];
  #packs: readonly string[] | undefined;

  /** `folder` is .git/objects; those it borrows from are looked into as well. */
  constructor(tree: Tree, folder: string) {
    this.#tree = tree;
    this.#folders = [folder, ...alternates(tree, folder)];
  }

  /** Of a hexadecimal id. Throws GitError and TreeError. */
  read(id: string): GitObject {
    if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(id)) throw new GitError('broken', `expected an object id, got ${id.slice(0, 80)}`);
    const found = this.#loose(id) ?? this.#packed(id, 0);
    if (!found) throw new GitError('missing', `expected the object ${id} in ${this.#folders[0]}, got nothing`);
    const hash = createHash(id.length === 64 ? 'sha256' : 'sha1').update(`${found.type} ${found.bytes.length}\0`).update(found.bytes).digest('hex');
    if (hash !== id) throw new GitError('broken', `expected the content of ${id}, got that of ${hash}`);
    return found;
  }

  #loose(id: string): Raw | undefined {
    for (const folder of this.#folders) {
      const file = this.#tree.read(`${folder}/${id.slice(0, 2)}/${id.slice(2)}`, objectMax);
      if (!file) continue;
      if (file.cut) throw new GitError('too-large', `expected at most ${objectMax} bytes, got more in the object ${id}`);
      const bytes = inflate(file.bytes, objectMax + 64, id);
      const end = bytes.indexOf(0);
      const head = /^(commit|tree|blob|tag) (\d+)$/.exec(bytes.toString('latin1', 0, Math.min(end, 40)));
      if (end < 0 || !head || Number(head[2]) !== bytes.length - end - 1) throw new GitError('broken', `expected the head of an object, got something else in ${id}`);
      return { type: head[1] as GitObject['type'], bytes: bytes.subarray(end + 1) };
    }
    return undefined;
  }

  #packed(id: string, depth: number): Raw | undefined {
    this.#packs ??= this.#folders.flatMap((folder) => (this.#tree.list(`${folder}/pack`) ?? []).filter((name) => /^pack-[0-9a-f]+\.idx$/.test(name)).map((name) => `${folder}/pack/${name.slice(0, -4)}`)).slice(0, packsMax);
    for (const pack of this.#packs) {
      const at = this.#opened(`${pack}.idx`, (file) => offsetIn(file, id, pack));
      if (at !== undefined) return this.#opened(`${pack}.pack`, (file) => this.#entry(file, at, pack, id.length, depth));
    }
    return undefined;
  }

  #opened<T>(path: string, work: (file: OpenFile) => T): T {
    const file = this.#tree.open(path);
    if (!file) throw new GitError('missing', `expected the pack ${path}, got nothing`);
    try { return work(file); } finally { file.close(); }
  }

  /** The object that begins at `at`, deltas put onto what they are of. */
  #entry(file: OpenFile, at: number, pack: string, hex: number, depth: number): Raw {
    if (depth > chainMax) throw new GitError('too-large', `expected at most ${chainMax} deltas, got more in ${pack}`);
    const head = bytesAt(file, at, 64, 2);
    let [byte, i] = [head[0]!, 1];
    const kind = (byte >> 4) & 7;
    let size = byte & 15;
    for (let factor = 16; byte & 0x80; factor *= 128) { byte = need(head, i++, pack); size += (byte & 0x7f) * factor; if (size > objectMax) throw new GitError('too-large', `expected at most ${objectMax} bytes, got ${size} in ${pack}`); }
    const type = packTypes[kind];
    let base: Raw | undefined;
    if (kind === offsetDelta) {
      let back = need(head, i, pack) & 0x7f;
      while (need(head, i++, pack) & 0x80) back = (back + 1) * 128 + (need(head, i, pack) & 0x7f);
      if (back <= 0 || back > at) throw new GitError('broken', `expected a delta of what stands before it, got ${back} bytes back in ${pack}`);
      base = this.#entry(file, at - back, pack, hex, depth + 1);
    } else if (kind === nameDelta) {
      const id = head.toString('hex', i, i + hex / 2);
      i += hex / 2;
      base = this.#loose(id) ?? this.#packed(id, depth + 1);
      if (!base) throw new GitError('missing', `expected the object ${id}, got nothing`);
    } else if (!type) throw new GitError('broken', `expected an object, got kind ${kind} in ${pack}`);
    // What cannot be compressed grows by five bytes in 16 KB.
    const bytes = inflate(bytesAt(file, at + i, size + Math.ceil(size / 1000) + 256, 1), size, pack);
    if (bytes.length !== size) throw new GitError('broken', `expected ${size} bytes, got ${bytes.length} in ${pack}`);
    return base ? { type: base.type, bytes: applied(base.bytes, bytes, pack) } : { type: type!, bytes };
  }
}

/** Object folders that this one borrows from, as far as they are named by whole paths or below it. */
function alternates(tree: Tree, folder: string): string[] {
  const lines = (textOf(tree, `${folder}/info/alternates`, 64 * 1024) ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.slice(0, alternatesMax).map((line) => tree.real(line.startsWith('/') ? line : `${folder}/${line}`)).filter((path) => path !== undefined);
}

/** Where an object stands in its pack, by an index of version 2; undefined when it is not in it. */
function offsetIn(file: OpenFile, id: string, pack: string): number | undefined {
  const fan = bytesAt(file, 0, 8 + 1024, 8 + 1024);
  if (fan.readUInt32BE(0) !== 0xff744f63 || fan.readUInt32BE(4) !== 2) throw new GitError('broken', `expected an index of version 2, got another at ${pack}.idx`);
  const [first, length] = [Number.parseInt(id.slice(0, 2), 16), id.length / 2];
  const count = fan.readUInt32BE(8 + 255 * 4);
  const wanted = Buffer.from(id, 'hex');
  let low = first === 0 ? 0 : fan.readUInt32BE(8 + (first - 1) * 4);
  let high = fan.readUInt32BE(8 + first * 4);
  if (low > high || high > count) throw new GitError('broken', `expected rising counts, got others in ${pack}.idx`);
  const names = 8 + 1024;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const order = bytesAt(file, names + middle * length, length, length).compare(wanted);
    if (order === 0) {
      const offsets = names + count * (length + 4);
      const offset = bytesAt(file, offsets + middle * 4, 4, 4).readUInt32BE(0);
      if (offset < 0x8000_0000) return offset;
      return Number(bytesAt(file, offsets + count * 4 + (offset - 0x8000_0000) * 8, 8, 8).readBigUInt64BE(0));
    }
    if (order < 0) low = middle + 1; else high = middle;
  }
  return undefined;
}

/** At least `least` bytes. */
function bytesAt(file: OpenFile, at: number, length: number, least: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, Math.min(length, file.size - at)));
  let have = 0;
  while (have < bytes.length) {
    const got = file.read(bytes.subarray(have), at + have);
    if (got === 0) break;
    have += got;
  }
  if (have < least) throw new GitError('broken', `expected ${least} bytes at ${at}, got ${have}`);
  return bytes.subarray(0, have);
}

function need(bytes: Buffer, at: number, pack: string): number {
  const byte = bytes[at];
  if (byte === undefined) throw new GitError('broken', `expected more, got the end in ${pack}`);
  return byte;
}

function inflate(bytes: Buffer, most: number, what: string): Buffer {
  try {
    return inflateSync(bytes, { maxOutputLength: Math.max(1, most) });
  } catch (error) { throw new GitError('broken', `expected zlib data of at most ${most} bytes, got ${(error as Error).message} in ${what}`, { cause: error }); }
}

function applied(base: Buffer, delta: Buffer, pack: string): Buffer {
  let at = 0;
  const number = (): number => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = need(delta, at++, pack);
      value += (byte & 0x7f) * factor;
      factor *= 128;
      if (!(byte & 0x80)) return value;
      if (value > objectMax) throw new GitError('too-large', `expected at most ${objectMax} bytes, got more in ${pack}`);
    }
  };
  const [from, to] = [number(), number()];
  if (from !== base.length || to > objectMax) throw new GitError('broken', `expected a delta of ${base.length} bytes, got one of ${from} in ${pack}`);
  const out = Buffer.alloc(to);
  let have = 0;
  const put = (bytes: Buffer): void => {
    if (have + bytes.length > to) throw new GitError('broken', `expected ${to} bytes, got more in ${pack}`);
    have += bytes.copy(out, have);
  };
  while (at < delta.length) {
    const code = delta[at++]!;
    if (code === 0) throw new GitError('broken', `expected a step of a delta, got 0 in ${pack}`);
    if (!(code & 0x80)) { if (at + code > delta.length) throw new GitError('broken', `expected ${code} bytes, got the end in ${pack}`); put(delta.subarray(at, at + code)); at += code; continue; }
    let [offset, size] = [0, 0];
    for (let bit = 0; bit < 4; bit++) if (code & (1 << bit)) offset += need(delta, at++, pack) * 2 ** (8 * bit);
    for (let bit = 0; bit < 3; bit++) if (code & (16 << bit)) size += need(delta, at++, pack) * 2 ** (8 * bit);
    if (size === 0) size = 0x10000;
    if (offset + size > base.length) throw new GitError('broken', `expected a part of ${base.length} bytes, got ${offset}+${size} in ${pack}`);
    put(base.subarray(offset, offset + size));
  }
  if (have !== to) throw new GitError('broken', `expected ${to} bytes, got ${have} in ${pack}`);
  return out;
}

/** Entries of a tree object. Throws GitError. */
export function* treeEntries(bytes: Buffer, idBytes: number): Iterable<{ mode: string; name: string; id: string }> {
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at), end = bytes.indexOf(0, at);
    if (space < 0 || end < space || end + 1 + idBytes > bytes.length) throw new GitError('broken', 'expected an entry of a tree object, got something else');
    yield { mode: bytes.toString('latin1', at, space), name: nameOf(bytes.subarray(space + 1, end)), id: bytes.toString('hex', end + 1, end + 1 + idBytes) };
    at = end + 1 + idBytes;
  }
}
