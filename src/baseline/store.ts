/**
 * The file of a baseline: a head, blocks of lines in the order of the walk, an end. Each part carries an HMAC-SHA256 over itself and
 * the one before it, so that none can be changed, moved, left out or cut off without the key. It is read and written as a stream: ten
 * million files take no more memory than ten. A table in SQLite took three times the room and can be edited row by row.
 *
 * Part: length (4 bytes), type (1), HMAC (32), payload (deflate).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, fsyncSync, ftruncateSync, lstatSync, mkdirSync, openSync, readSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { comparePaths, entryOf, lineOf, type Entry } from './entry.ts';
import { BaselineError } from './error.ts';

const magic = Buffer.from('moat baseline 1\n');
const headBytes = 37;
const type = { head: 1, block: 2, end: 3 } as const;
const blockChars = 256 * 1024;
const payloadMax = 64 * 2 ** 20;
/** What was begun longer ago is begun anew. */
const resumeMs = 24 * 3_600_000;
const acceptedMax = 500;

/** What was taken over into the baseline after it was made. */
export interface Accepted { time: number; what: string; files: number }

export interface Head {
  /** Unix ms. */
  created: number;
  tree: string;
  folders: readonly string[];
  exclude: readonly string[];
}
/** `seal` names this very content: written down elsewhere it shows that an older baseline was put back. */
export interface Summary extends Head, End { seal: string }

export interface End { entries: number; unread: number; /** Unix ms. */ updated: number; accepted: readonly Accepted[] }

/** A block of entries in a finished baseline: where it lies, what stands before it in the chain, and its first path. */
export interface Block { at: number; before: Buffer; first: string }

/** Tells a wrong key from a changed file. */
const keyId = (key: Buffer): string => createHmac('sha256', key).update('moat baseline key').digest('hex').slice(0, 16);

export class BaselineWriter {
  readonly #file: number;
  readonly #path: string;
  readonly #partial: string;
  readonly #key: Buffer;
  #mac: Buffer;
  #lines: string[] = [];
  #chars = 0;
  #entries = 0;
  #unread = 0;

  private constructor(path: string, partial: string, key: Buffer, file: number, mac: Buffer) { this.#path = path; this.#partial = partial; this.#key = key; this.#file = file; this.#mac = mac; }

  /** Writes beside `path`, which stays as it is until `finish`; into a file of its own for `purpose`, so that what was begun for another stays. */
  static begin(path: string, key: Buffer, head: Head, purpose = ''): BaselineWriter {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const partial = partialOf(path, purpose);
    if (existsSync(partial)) unlinkSync(partial);
    const writer = new BaselineWriter(path, partial, key, openSync(partial, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600), zero);
    writeAll(writer.#file, magic);
    writer.#part(type.head, Buffer.from(JSON.stringify({ ...head, key: keyId(key) })));
    return writer;
  }

  /** Goes on with what was begun and broken off; undefined when there is nothing of the kind, or another was begun. `after` is the last path that is kept. */
  static resume(path: string, key: Buffer, head: Head): { writer: BaselineWriter; after: string } | undefined {
    if (!existsSync(partialOf(path))) return undefined;
    const file = openSync(partialOf(path), constants.O_RDWR | constants.O_NOFOLLOW);
    let kept: { writer: BaselineWriter; after: string } | undefined;
    try {
      const parts = new Parts(file, partialOf(path), key);
      const writer = new BaselineWriter(path, partialOf(path), key, file, zero);
      let after: string | undefined;
      let end = 0;
      try {
        const begun = headOf(parts, key);
        if (Math.abs(head.created - begun.created) > resumeMs) return undefined;
        if (JSON.stringify([begun.tree, begun.folders, begun.exclude]) !== JSON.stringify([head.tree, head.folders, head.exclude])) return undefined;
        for (let part = parts.next(); part?.type === type.block; part = parts.next()) {
          for (const line of linesOf(part.payload)) { const entry = entryOf(line); after = entry.path; writer.#count(entry); }
          [writer.#mac, end] = [part.mac, parts.at];
        }
      } catch (error) { if (!(error instanceof BaselineError)) throw error; /* up to here it holds */ }
      if (after === undefined) return undefined;
      ftruncateSync(file, end);
      parts.seek(end);
      writer.#at = end;
      kept = { writer, after };
      return kept;
    } finally { if (!kept) closeSync(file); }
  }

  add(entry: Entry): void {
    const line = lineOf(entry);
    this.#lines.push(line);
    this.#chars += line.length;
    this.#count(entry);
    if (this.#chars >= blockChars) this.#flush();
  }

  /**
   * On disk, and in the place of the old one, which must be the file with the inode `replaces` where that is said. Returns its seal.
   * Throws BaselineError 'busy' when another run came in between.
   */
  finish({ updated, accepted }: Pick<End, 'updated' | 'accepted'>, replaces?: number): string {
    this.#flush();
    const end: End = { entries: this.#entries, unread: this.#unread, updated, accepted: accepted.slice(-acceptedMax) };
    this.#part(type.end, Buffer.from(JSON.stringify(end)));
    fsyncSync(this.#file);
    // Another run may have begun anew in this one's file, or have put its own baseline in place since this one read the old.
    const isOurs = lstatSync(this.#partial, { throwIfNoEntry: false })?.ino === fstatSync(this.#file).ino;
    if (!isOurs || (replaces !== undefined && lstatSync(this.#path, { throwIfNoEntry: false })?.ino !== replaces)) {
      throw new BaselineError('busy', `expected to be the only one that writes ${this.#path}, got another`, { zh: `另一个进程正在写 ${this.#path}`, hint: { zh: '另有 moat baseline 在运行，或 moat up 正在接受升级：稍后再试', en: 'another moat baseline runs, or moat up takes over upgrades: do it again in a moment' } });
    }
    closeSync(this.#file);
    renameSync(this.#partial, this.#path);
    const folder = openSync(dirname(this.#path), constants.O_RDONLY);
    try { fsyncSync(folder); } finally { closeSync(folder); }
    return sealOf(this.#mac);
  }

  /** Broken off; `keep` leaves what is complete for `resume`. */
  abandon(keep: boolean): void {
    const isOurs = lstatSync(this.#partial, { throwIfNoEntry: false })?.ino === fstatSync(this.#file).ino;
    closeSync(this.#file);
    if (!keep && isOurs) unlinkSync(this.#partial);
  }

  #at: number | undefined;

  #count(entry: Entry): void { this.#entries++; if (entry.unread !== undefined) this.#unread++; }

  #flush(): void {
    if (this.#lines.length === 0) return;
    this.#part(type.block, Buffer.from(this.#lines.join('\n')));
    this.#lines = [];
    this.#chars = 0;
  }

  #part(kind: number, text: Buffer): void {
    const payload = deflateRawSync(text);
    this.#mac = macOf(this.#key, this.#mac, kind, payload);
    const head = Buffer.alloc(headBytes);
    head.writeUInt32LE(payload.length, 0);
    head.writeUInt8(kind, 4);
    this.#mac.copy(head, 5);
    const bytes = Buffer.concat([head, payload]);
    writeAll(this.#file, bytes, this.#at);
    if (this.#at !== undefined) this.#at += bytes.length;
  }
}

/** A finished baseline, each part authenticated before it is looked into. */
export class BaselineReader {
  readonly head: Head;
  readonly #file: number;
  readonly #parts: Parts;
  #end: End | undefined;

  /** Throws BaselineError 'no-baseline', 'wrong-key', 'tampered'. */
  constructor(path: string, key: Buffer) {
    try {
      this.#file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new BaselineError('no-baseline', `expected a baseline at ${path}, got nothing there`, { zh: `${path} 没有基线`, hint: { zh: '做一份：moat baseline create', en: 'make one: moat baseline create' } });
    }
    try {
      this.#parts = new Parts(this.#file, path, key);
      this.head = headOf(this.#parts, key);
    } catch (error) { closeSync(this.#file); throw error; }
  }

  /** In the order of the walk. Throws BaselineError 'tampered' or 'unfinished' where it stops holding. */
  *entries(): Generator<Entry> {
    let last = '';
    for (let part = this.#parts.next(); part; part = this.#parts.next()) {
      if (part.type === type.end) { this.#end = JSON.parse(part.payload.toString()) as End; this.#parts.nothingMore(); return; }
      if (part.type !== type.block) throw this.#parts.tampered();
      for (const line of linesOf(part.payload)) {
        const entry = entryOf(line);
        if (last !== '' && comparePaths(entry.path, last) <= 0) throw this.#parts.tampered();
        last = entry.path;
        yield entry;
      }
    }
    throw this.#unfinished();
  }

  /** The blocks instead of their entries, each part authenticated. Throws BaselineError as `entries` does. */
  *blocks(): Generator<Block> {
    for (;;) {
      const { at, mac: before } = this.#parts;
      const part = this.#parts.next();
      if (!part) throw this.#unfinished();
      if (part.type === type.end) { this.#end = JSON.parse(part.payload.toString()) as End; this.#parts.nothingMore(); return; }
      if (part.type !== type.block) throw this.#parts.tampered();
      const end = part.payload.indexOf('\n');
      yield { at, before, first: entryOf(part.payload.toString('utf8', 0, end < 0 ? part.payload.length : end)).path };
    }
  }

  /** Lines of a block that `blocks` told of, authenticated again. */
  linesOf({ at, before }: Block): Iterable<string> {
    this.#parts.seek(at, before);
    const part = this.#parts.next();
    if (part?.type !== type.block) throw this.#parts.tampered();
    return linesOf(part.payload);
  }

  /** Of the open file: another in its place is another baseline. */
  get inode(): number { return fstatSync(this.#file).ino; }

  #unfinished(): BaselineError {
    return new BaselineError('unfinished', `expected the end of the baseline, got the end of ${this.#parts.path}`, { zh: `基线 ${this.#parts.path} 没有结尾`, hint: { zh: '被截断了：从副本恢复，或先查清机器再重做', en: 'it was cut off: restore it from a copy, or look at the machine before you make a new one' } });
  }

  /** After the last entry. */
  summary(): Summary {
    if (!this.#end) throw new Error('expected all entries to be read first');
    return { ...this.head, ...this.#end, seal: sealOf(this.#parts.mac) };
  }

  close(): void { closeSync(this.#file); }
}

const zero = Buffer.alloc(32);
const partialOf = (path: string, purpose = ''): string => `${path}${purpose === '' ? '' : `.${purpose}`}.partial`;
const sealOf = (mac: Buffer): string => mac.toString('hex').slice(0, 32);

function macOf(key: Buffer, before: Buffer, kind: number, payload: Buffer): Buffer {
  return createHmac('sha256', key).update(before).update(Buffer.from([kind])).update(payload).digest();
}

function* linesOf(text: Buffer): Iterable<string> { for (const line of text.toString('utf8').split('\n')) if (line !== '') yield line; }

function headOf(parts: Parts, key: Buffer): Head {
  const id = parts.peekKey();
  if (id !== undefined && id !== keyId(key)) throw new BaselineError('wrong-key', `expected the key that ${parts.path} was made with, got another`, { zh: `${parts.path} 不是用这把密钥做的`, hint: { zh: '用 --key-file 指明对的那把；如果这把就是对的，基线被换过', en: 'name the right one with --key-file; if this is the right one, the baseline was replaced' } });
  const part = parts.next();
  if (part?.type !== type.head) throw parts.tampered();
  const { created, tree, folders, exclude } = JSON.parse(part.payload.toString()) as Head;
  return { created, tree, folders, exclude };
}

/** Parts of an open file, one after the other. */
class Parts {
  readonly path: string;
  readonly #file: number;
  readonly #key: Buffer;
  mac: Buffer = zero;
  at = magic.length;

  constructor(file: number, path: string, key: Buffer) {
    this.#file = file;
    this.path = path;
    this.#key = key;
    if (!fstatSync(file).isFile() || !this.#read(0, magic.length).equals(magic)) throw new BaselineError('tampered', `expected a baseline of Moat, got something else in ${path}`, { zh: `${path} 不是 Moat 的基线` });
  }

  seek(at: number, mac = this.mac): void { this.at = at; this.mac = mac; }

  /** Undefined at the end of the file. */
  next(): { type: number; mac: Buffer; payload: Buffer } | undefined {
    const found = this.#raw();
    if (!found) return undefined;
    const mac = macOf(this.#key, this.mac, found.type, found.packed);
    if (!timingSafeEqual(mac, found.mac)) throw this.tampered();
    this.mac = mac;
    this.at += headBytes + found.packed.length;
    return { type: found.type, mac, payload: inflateRawSync(found.packed, { maxOutputLength: payloadMax }) };
  }

  /** The key's name in the head, not authenticated: it only says what to tell a person. */
  peekKey(): string | undefined {
    const found = this.#raw();
    if (found?.type !== type.head) return undefined;
    try {
      const { key } = JSON.parse(inflateRawSync(found.packed, { maxOutputLength: payloadMax }).toString()) as { key?: unknown };
      return typeof key === 'string' ? key : undefined;
    } catch { return undefined; /* broken: the HMAC tells */ }
  }

  nothingMore(): void { if (this.#read(this.at, 1).length > 0) throw this.tampered(); }

  tampered(): BaselineError {
    return new BaselineError('tampered', `expected the baseline as it was written, got something else at byte ${this.at} of ${this.path}`, { zh: `${this.path} 从第 ${this.at} 字节起不是当初写下的`, hint: { zh: '有人改过它，或磁盘坏了：把这台机器当作可疑来查', en: 'somebody changed it, or the disk failed: treat the machine as suspect' } });
  }

  #raw(): { type: number; mac: Buffer; packed: Buffer } | undefined {
    const head = this.#read(this.at, headBytes);
    if (head.length === 0) return undefined;
    const length = head.length < headBytes ? 0 : head.readUInt32LE(0);
    if (length === 0 || length > payloadMax) throw this.tampered();
    const packed = this.#read(this.at + headBytes, length);
    if (packed.length < length) throw this.tampered();
    return { type: head.readUInt8(4), mac: Buffer.from(head.subarray(5)), packed };
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let have = 0;
    while (have < length) {
      const got = readSync(this.#file, bytes, have, length - have, at + have);
      if (got === 0) break;
      have += got;
    }
    return bytes.subarray(0, have);
  }
}

function writeAll(file: number, bytes: Buffer, at?: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, at === undefined ? null : at + done);
}
