/** One file (one inode, or the gzip it became) that is being read, and its decoder. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { LogDecoder } from '../../core/format.ts';
import { begins, headBytes, mark, noMark, readAt, tailBytes } from '../../linux/file-identity.ts';
import type { Sought } from '../../linux/file-identity.ts';
import { chunkBytes, cutLines, lastLine, maxLineBytes } from '../../linux/lines.ts';
import type { LineChunk, Lines } from '../../linux/lines.ts';
import type { SavedFile } from './position.ts';

export interface LogFile extends SavedFile {
  /** The name it was last found under. */
  path: string;
  /** Open while there is something to read; closed when idle and too many are open. */
  handle: FileHandle | undefined;
  /** It was compressed after rotation: unpacked lines from `offset` on. */
  gz: AsyncGenerator<LineChunk> | 'unopened' | undefined;
  /** When its log's path stopped naming it, Unix ms; it is read to its end and dropped when it stays quiet. */
  rotatedAt: number | undefined;
  /** When it last had something new, Unix ms. */
  grownAt: number;
  /** What was read last ended in a half line … */
  half: boolean;
  /** … and since when, Unix ms. */
  halfSince: number | undefined;
  /** All bytes so far were NUL: the hole that a writer without O_APPEND leaves when its log is truncated. */
  hole: boolean;
  /** Bytes below this were there at first sight: of them only recent events are wanted. */
  backlogEnd: number;
  /** The decoder is chosen when the first line is there. */
  decoder: LogDecoder | undefined;
  /** When lines were last given to the decoder, on the monotonic clock. */
  decodedAt: number;
  /** No format knew it; asked again when it has grown to this size. */
  unknownUntil: number;
  /** The first bytes were compared since the last wake. */
  headChecked: boolean;
  /** It came while its log was followed, and nothing of it was read: what was already copied away of it is unknown. */
  fresh: boolean;
}

export function newFile(path: string, key: string, at: Partial<LogFile> & { grownAt: number }): LogFile {
  return {
    id: '', key, generation: 0, head: noMark, tail: noMark, offset: 0, seen: 0, skip: false, path, handle: undefined, gz: undefined,
    rotatedAt: undefined, half: false, hole: false, halfSince: undefined, backlogEnd: 0, decoder: undefined, decodedAt: 0, unknownUntil: 0, headChecked: false, fresh: false, ...at,
  };
}

/** What to look for to find this file again. */
export const soughtOf = (f: LogFile): Sought => ({ key: f.key, head: f.head, tail: f.tail, offset: f.offset });

/** What holds once everything delivered so far is stored. A decoder that holds lines back wants them again. */
export function savedOf(f: LogFile): SavedFile {
  const held = f.decoder?.pending?.()?.position;
  const { id, key, generation, head, tail, offset, seen, skip } = f;
  if (typeof held === 'number' && held < offset) {
    // The tail fingerprint belongs to the offset; before an earlier one it is not known.
    return { id, key, generation, head, tail: noMark, offset: held, seen: Math.max(seen, offset), skip: false };
  }
  return { id, key, generation, head, tail, offset, seen: seen > offset ? seen : 0, skip };
}

/** Lines of one chunk. */
export const maxLines = 8192;

export type Progress = 'end' | 'more' | 'changed';

/** One buffer serves all files: they are read one after the other. */
export const readBuffer = (): Buffer => Buffer.allocUnsafe(chunkBytes + tailBytes);

/**
 * Reads the next chunk of an open file into `out`. 'changed': what was read before is not there any more (the
 * file was truncated or is another one), nothing was delivered. 'end': all is read, but for a half line.
 */
export async function readChunk(f: LogFile, handle: FileHandle, buffer: Buffer, out: Lines, linesMost = maxLines): Promise<Progress> {
  const before = f.tail.length;
  // The bytes before the offset come with the same read, so nothing can slip in between.
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, f.offset - before);
  if (bytesRead < before || mark(buffer.subarray(0, before)).hash !== f.tail.hash) return 'changed';
  if (f.offset === 0 && !begins(f.head, buffer.subarray(0, bytesRead))) return 'changed';
  f.half = false;
  if (bytesRead === before) return 'end';
  const full = bytesRead === buffer.length;
  let start = before;
  if (f.skip) {
    const stop = buffer.subarray(0, bytesRead).indexOf(10, start);
    if (stop < 0) { advance(f, buffer, before, bytesRead); return full ? 'more' : 'end'; }
    start = stop + 1;
    f.skip = false;
  }
  if (f.offset === 0 || f.hole) {
    while (start < bytesRead && buffer[start] === 0) start++;
    f.hole = start === bytesRead;
    if (f.hole) { advance(f, buffer, before, bytesRead); return full ? 'more' : 'end'; }
  }
  let next = cutLines(buffer, start, bytesRead, f.offset + start - before, out);
  if (out.lines.length > linesMost) {
    // Very short lines, or dear ones: not more events at once than memory is meant for and others can wait for.
    next = before + out.offsets[linesMost]! - f.offset;
    out.lines.length = linesMost;
    out.offsets.length = linesMost;
    advance(f, buffer, before, next);
    return 'more';
  }
  if (next === start && full && start === before) {
    // Longer than the whole buffer: its beginning is the line, the rest is skipped up to the next newline.
    out.lines.push(lastLine(buffer, start, bytesRead));
    out.offsets.push(f.offset);
    out.cut++;
    f.skip = true;
    next = bytesRead;
  }
  advance(f, buffer, before, next);
  f.half = next < bytesRead;
  return full ? 'more' : 'end';
}

/** Delivers the half line at the end as a line; nothing when what was read before is not there any more (`readChunk` tells). */
export async function readHalfLine(f: LogFile, handle: FileHandle, buffer: Buffer, out: Lines): Promise<void> {
  const before = f.tail.length;
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, f.offset - before);
  if (bytesRead <= before || mark(buffer.subarray(0, before)).hash !== f.tail.hash) return;
  // A newline that came meanwhile ends the line; what follows is read as ever.
  const newline = buffer.subarray(0, bytesRead).indexOf(10, before);
  const end = newline < 0 ? bytesRead : newline;
  if (!f.skip) {
    out.lines.push(lastLine(buffer, before, end));
    out.offsets.push(f.offset);
    if (end - before > maxLineBytes) out.cut++;
  }
  advance(f, buffer, before, newline < 0 ? end : end + 1);
  f.skip = false;
  f.half = false;
}

/** buffer[0, to) ends at the new offset, which is `to - before` further. */
function advance(f: LogFile, buffer: Buffer, before: number, to: number): void {
  if (to === before) return;
  f.offset += to - before;
  f.tail = mark(buffer.subarray(Math.max(0, to - tailBytes), to));
}

/**
 * Compares the first bytes: false when they are not those of before. The fingerprint grows with the file; the
 * id is made of it once.
 */
export async function checkHead(f: LogFile, handle: FileHandle): Promise<boolean> {
  const bytes = await readAt(handle, 0, headBytes);
  if (!begins(f.head, bytes)) return false;
  if (bytes.length > f.head.length) f.head = mark(bytes);
  if (f.id === '' && bytes.length > 0) {
    const { birthtimeNs } = await handle.stat({ bigint: true });
    const seed = `${f.key}:${f.generation}:${birthtimeNs}:${f.head.hash}`;
    f.id = createHash('sha256').update(seed).digest('base64url').slice(0, 16);
  }
  return true;
}

/** The first lines, to choose a format by; none when no line is complete yet. */
export async function sampleLines(handle: FileHandle, whole: boolean): Promise<string[]> {
  const bytes = await readAt(handle, 0, 16 * 1024);
  const out: Lines = { lines: [], offsets: [], cut: 0 };
  const next = cutLines(bytes, 0, bytes.length, 0, out);
  if (out.lines.length === 0 && bytes.length > 0 && (whole || bytes.length === 16 * 1024)) out.lines.push(lastLine(bytes, next, bytes.length));
  return out.lines.slice(0, 20);
}
