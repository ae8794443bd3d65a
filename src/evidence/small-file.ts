/**
 * A small file, read in one go: what `fileItem` (sources.ts) gives of it, without its round trips. It runs on the thread of
 * `file-worker.ts`, where nobody is held up by a disk that does not answer.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync, type BigIntStats } from 'node:fs';
import { saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { bytesOf, nameOf } from '../linux/file-names.ts';
import { type Digests, digestsOf } from './digest.ts';
import type { Facts, Mark } from './item.ts';

/** Beyond, the round trips are little beside the reading. */
export const smallBytes = 64 * 1024;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_NOATIME } = constants;

/** What is read: `digests` of the first `size` bytes of where it was put. `began`: Unix ms. */
export interface SmallFile extends Digests { size: number; modified: number; facts: Facts; marks: readonly Mark[]; began: number; ms: number }

/** `other`: it is larger, or the thread gave no answer for it: it is read as any other item. */
export type SmallRead = SmallFile | { why: Text } | { other: true };

export function statFacts(stat: BigIntStats): Facts {
  const iso = (ns: bigint): string => `${new Date(Number(ns / 1_000_000n)).toISOString().slice(0, -1)}${String(ns % 1_000_000n).padStart(6, '0')}Z`;
  return {
    mode: (stat.mode & 0o7777n).toString(8).padStart(4, '0'), uid: Number(stat.uid), gid: Number(stat.gid), device: stat.dev.toString(), inode: stat.ino.toString(), links: Number(stat.nlink),
    modified: iso(stat.mtimeNs), accessed: iso(stat.atimeNs), changed: iso(stat.ctimeNs), ...(stat.birthtimeNs > 0n && { born: iso(stat.birthtimeNs) }),
  };
}

export const notAFile = (path: string): Text => ({ zh: '不是普通文件', en: `expected a file at ${path}, got something else` });

/** Into the beginning of `into`, which holds `smallBytes`. `most`: bytes that are wanted of it; a longer one is `other`. Does not throw. */
export function readSmall(path: string, most: number, into: Buffer): SmallRead {
  const began = Date.now();
  const limit = Math.min(most, smallBytes);
  const done = (size: number, stat: BigIntStats, facts: Facts, marks: readonly Mark[]): SmallFile => ({ size, modified: Number(stat.mtimeMs), facts, marks, began, ms: Date.now() - began, ...digestsOf(into.subarray(0, size)) });
  try {
    const found = lstatSync(bytesOf(path), { bigint: true });
    if (found.isSymbolicLink()) {
      const target = readlinkSync(bytesOf(path), 'buffer');
      if (target.length > limit) return { other: true };
      return done(target.copy(into), found, { ...statFacts(found), link: nameOf(target) }, []);
    }
    // Opening a pipe or a device does something.
    if (!found.isFile()) return { why: notAFile(path) };
    if (found.size > BigInt(limit)) return { other: true };
    const fd = openQuietlyNow(path);
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile()) return { why: notAFile(path) };
      if (stat.size > BigInt(limit)) return { other: true };
      const size = Number(stat.size);
      const marks: Mark[] = [];
      let at = 0;
      try {
        for (let got = 1; at < size && got > 0; at += got) got = readSync(fd, into, at, size - at, at);
        if (at < size) marks.push({ what: 'shrank', bytes: size - at });
      } catch (error) { marks.push({ what: 'failed', detail: saidBy(error).en.slice(0, 500) }); }
      into.fill(0, at, size);
      const after = fstatSync(fd, { bigint: true });
      if (after.size > stat.size) marks.push({ what: 'grew', bytes: Number(after.size) });
      return done(size, stat, statFacts(stat), marks);
    } finally { closeSync(fd); }
  } catch (error) { return { why: saidBy(error) }; }
}

/** Only its owner and root may read without leaving a trace. */
function openQuietlyNow(path: string): number {
  const flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
  try {
    return openSync(bytesOf(path), flags | O_NOATIME);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    return openSync(bytesOf(path), flags);
  }
}
