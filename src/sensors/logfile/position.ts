/** What is saved of a log between runs: the files that make it up, oldest first, and how far each is read. */
import { noMark } from '../../linux/file-identity.ts';
import type { Mark, Sought } from '../../linux/file-identity.ts';

export interface SavedFile {
  /** Prefix of its event ids. */
  id: string;
  /** device:inode */
  key: string;
  generation: number;
  head: Mark;
  tail: Mark;
  /** Read again from here … */
  offset: number;
  /** … but what lines before this one gave is already stored (they were joined with lines still held back). */
  seen: number;
  /** `offset` stands inside a line whose beginning is delivered or not wanted. */
  skip: boolean;
}

/** What is still known of a file that was read to its end and let go. */
export interface DoneFile extends Sought { /** When it was let go, Unix ms. */ at: number }

export interface SavedLog {
  /** None: the path names nothing now. */
  files: SavedFile[];
  /** Files read to their end lately, oldest first: what continues one of them, and archives that begin so, are not read again. */
  done: readonly DoneFile[];
  /** When the path last surely named the last of `files`, Unix ms: what was rotated away since may be unknown. */
  time: number;
}

/** More rotated files of one log than anybody leaves unread: each row is some 110 bytes, written with every batch. */
const maxSaved = 512;

export function formatPosition(log: SavedLog): string {
  return JSON.stringify({ v: 1, t: log.time, done: log.done.map((d) => [d.head.length, d.head.hash, d.tail.length, d.tail.hash, d.offset, d.at, d.key]), files: log.files.slice(-maxSaved).map((f) =>
    [f.id, f.key, f.generation, f.head.length, f.head.hash, f.tail.length, f.tail.hash, f.offset, f.seen, f.skip ? 1 : 0]) });
}

/** Undefined when it is none of ours (an empty or damaged value); the log then counts as never read. */
export function parsePosition(text: string | undefined): SavedLog | undefined {
  if (!text) return undefined;
  let value: unknown;
  try { value = JSON.parse(text); } catch { return undefined; }
  const { v, t, done, files } = (value ?? {}) as { v?: unknown; t?: unknown; done?: unknown; files?: unknown };
  if (v !== 1 || typeof t !== 'number' || !Array.isArray(files) || !Array.isArray(done)) return undefined;
  const out: SavedFile[] = [];
  for (const row of files as unknown[]) {
    if (!Array.isArray(row)) return undefined;
    const [id, key, generation, hl, hh, tl, th, offset, seen, skip] = row as unknown[];
    if (typeof id !== 'string' || typeof key !== 'string' || typeof hh !== 'string' || typeof th !== 'string') return undefined;
    if (![generation, hl, tl, offset, seen].every((n) => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0)) return undefined;
    out.push({
      id, key, generation: generation as number, head: { length: hl as number, hash: hh }, tail: { length: tl as number, hash: th },
      offset: offset as number, seen: seen as number, skip: skip === 1,
    });
  }
  return { files: out, done: (done as unknown[]).flatMap((row) => parseDone(row, t)), time: t };
}

/** Older versions stored only the beginning. */
function parseDone(row: unknown, time: number): DoneFile[] {
  const [hl, hh, tl = 0, th = noMark.hash, offset = 0, at = time, key = ''] = Array.isArray(row) ? row as unknown[] : [];
  if (typeof hl !== 'number' || typeof hh !== 'string' || typeof tl !== 'number' || typeof th !== 'string' || typeof offset !== 'number' || typeof at !== 'number' || typeof key !== 'string') return [];
  return [{ head: { length: hl, hash: hh }, tail: { length: tl, hash: th }, offset, at, key }];
}
