/** What is saved of a log between runs: the files that make it up, oldest first, and how far each is read. */
import type { Mark } from '../../linux/file-identity.ts';

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

export interface SavedLog {
  files: SavedFile[];
  /** The beginnings of files read to their end lately: archives that begin so are not read again. */
  done: readonly Mark[];
  /** When this was written, Unix ms. */
  time: number;
}

const maxSaved = 64;

export function formatPosition(log: SavedLog): string {
  return JSON.stringify({ v: 1, t: log.time, done: log.done.map((m) => [m.length, m.hash]), files: log.files.slice(-maxSaved).map((f) =>
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
  const marks = (done as unknown[]).flatMap((m) => (Array.isArray(m) && typeof m[0] === 'number' && typeof m[1] === 'string' ? [{ length: m[0], hash: m[1] }] : []));
  return { files: out, done: marks, time: t };
}
