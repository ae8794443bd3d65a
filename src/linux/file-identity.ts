/**
 * Which file is it? A log is known by device and inode, by a fingerprint of its first bytes and by one of the
 * bytes before the place read to, so that rename, copy-and-truncate, re-creation and a reused inode are told apart.
 */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';

export const headBytes = 256;
export const tailBytes = 256;

/** A fingerprint of `length` bytes. Length 0 says nothing. */
export interface Mark { length: number; hash: string }

export const mark = (bytes: Buffer): Mark => ({ length: bytes.length, hash: createHash('sha256').update(bytes).digest('base64url').slice(0, 16) });

export const noMark: Mark = mark(Buffer.alloc(0));

/** Do `bytes` (which may be longer) begin with what was marked? */
export const begins = (head: Mark, bytes: Buffer): boolean => bytes.length >= head.length && mark(bytes.subarray(0, head.length)).hash === head.hash;

export const fileKey = (s: BigIntStats): string => `${s.dev}:${s.ino}`;

/** Reads up to `length` bytes at `offset`; fewer only at the end of the file. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let have = 0;
  while (have < length) {
    const { bytesRead } = await file.read(buffer, have, length - have, offset + have);
    if (bytesRead === 0) break;
    have += bytesRead;
  }
  return buffer.subarray(0, have);
}

/** O_NONBLOCK: a FIFO put in the place of a log must not hang the program. */
export const openLog = (path: string): Promise<FileHandle> => open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);

/** What is searched for: the file that was read to `offset`. */
export interface Sought { key: string; head: Mark; tail: Mark; offset: number }

/** Where it is now. `same`: the inode itself; otherwise a copy of it. */
export interface Found { path: string; gz: boolean; same: boolean; key: string; size: number; mtimeMs: number }

/** Is the open file the one that was read to `sought.offset`? Compares contents only. */
export async function isContinuation(file: FileHandle, sought: Omit<Sought, 'key'>): Promise<boolean> {
  if (!begins(sought.head, await readAt(file, 0, sought.head.length))) return false;
  const tail = await readAt(file, sought.offset - sought.tail.length, sought.tail.length);
  return tail.length === sought.tail.length && mark(tail).hash === sought.tail.hash;
}

/** How rotated files of `base` are named: base.1, base-20261122, base.3.gz, and stem-20261122.log.gz (dateext with extension). */
export function isRotatedName(base: string, name: string): boolean {
  if (name === base) return false;
  if (name.startsWith(base) && /^[.-]\d[\d._:T-]*(\.(gz|bz2|xz|zst|Z))?$/.test(name.slice(base.length))) return true;
  const dot = base.lastIndexOf('.');
  if (dot <= 0) return false;
  const [stem, ext] = [base.slice(0, dot), base.slice(dot)];
  if (!name.startsWith(stem)) return false;
  const rest = name.slice(stem.length);
  const at = rest.lastIndexOf(ext);
  return at > 0 && /^[.-]\d[\d._:T-]*$/.test(rest.slice(0, at)) && /^(\.(gz|bz2|xz|zst|Z))?$/.test(rest.slice(at + ext.length));
}

const maxCandidates = 2000;

/** `bornMs` is 0 where the file system does not know it. */
export interface Sibling { path: string; key: string; size: number; mtimeMs: number; bornMs: number }

/** The rotated siblings of `path`, oldest first by mtime. Throws when the folder cannot be listed. */
export async function rotatedSiblings(path: string): Promise<Sibling[]> {
  const folder = dirname(path);
  const base = basename(path);
  const found = [];
  for (const name of (await readdir(folder)).slice(0, maxCandidates * 5)) {
    if (!isRotatedName(base, name) || found.length >= maxCandidates) continue;
    const full = join(folder, name);
    const s = await stat(full, { bigint: true }).catch(() => undefined);
    if (s?.isFile()) found.push({ path: full, key: fileKey(s), size: Number(s.size), mtimeMs: Number(s.mtimeMs), bornMs: Number(s.birthtimeMs) });
  }
  return found.sort((a, b) => a.mtimeMs - b.mtimeMs);
}

/**
 * Looks in the folder of `path` for where the sought file went: the same inode under any name first, then a
 * plain copy among the rotated names, then a gzip of it. Undefined when it is not there (any more).
 */
export async function findRotated(path: string, sought: Sought): Promise<Found | undefined> {
  const list = (): Promise<string[]> => readdir(dirname(path)).catch(() => []);
  let names = await list();
  for (let attempt = 1; ; attempt++) {
    const { found, vanished } = await searchFolder(path, names, sought);
    if (found || attempt >= 8) return found;
    // A compressor puts NAME.gz in the place of NAME while the folder is searched, and a list may then show neither.
    const before = names;
    names = await list();
    if (!vanished && names.length === before.length && names.every((name, i) => name === before[i])) return undefined;
  }
}

/** `vanished`: a rotated name went while the folder was searched. */
async function searchFolder(path: string, names: readonly string[], sought: Sought): Promise<{ found?: Found; vanished: boolean }> {
  const folder = dirname(path);
  const base = basename(path);
  const copies: Found[] = [];
  let vanished = false;
  for (const name of names.slice(0, maxCandidates * 5)) {
    const full = join(folder, name);
    const s = await stat(full, { bigint: true }).catch(() => undefined);
    vanished ||= s === undefined && isRotatedName(base, name);
    if (!s?.isFile()) continue;
    const same = fileKey(s) === sought.key;
    // The same inode under the old name was looked at by the caller, who found that it is another file now.
    if (name === base || (!same && !isRotatedName(base, name))) continue;
    const found: Found = { path: full, gz: name.endsWith('.gz'), same, key: fileKey(s), size: Number(s.size), mtimeMs: Number(s.mtimeMs) };
    if (same && !found.gz && await continues(found, sought)) return { found, vanished };
    if ((!same || found.gz) && sought.head.length > 0 && copies.length < maxCandidates) copies.push(found);
  }
  copies.sort((a, b) => Number(a.gz) - Number(b.gz) || b.mtimeMs - a.mtimeMs);
  for (const copy of copies.slice(0, 64)) {
    const is = await continues(copy, sought);
    if (is) return { found: copy, vanished };
    vanished ||= is === undefined;
  }
  return { vanished };
}

/** Of an archive only the first bytes are compared. Undefined when it cannot be read: it is gone, or not yet whole. */
export async function continues(found: Pick<Found, 'path' | 'gz' | 'size'>, sought: Omit<Sought, 'key'>): Promise<boolean | undefined> {
  if (found.gz) {
    const head = await gzHead(found.path, sought.head.length).catch(() => undefined);
    return head && begins(sought.head, head);
  }
  if (found.size < sought.offset) return false;
  const file = await openLog(found.path).catch(() => undefined);
  if (!file) return undefined;
  try { return await isContinuation(file, sought); } finally { await file.close(); }
}

/** The first `length` unpacked bytes of a gzip file. Throws when it is none. */
export async function gzHead(path: string, length: number): Promise<Buffer> {
  const source = createReadStream(path, { end: 64 * 1024 });
  const unzip = createGunzip();
  source.on('error', (e) => unzip.destroy(e));
  source.pipe(unzip);
  const parts: Buffer[] = [];
  let have = 0;
  try {
    for await (const chunk of unzip) {
      parts.push(chunk as Buffer);
      have += (chunk as Buffer).length;
      if (have >= length) break;
    }
  } catch (e) {
    // Reading stops in the middle of the archive on purpose; only nothing at all is a failure.
    if (have === 0) throw e;
  } finally { source.destroy(); unzip.destroy(); }
  return Buffer.concat(parts).subarray(0, length);
}
