/**
 * What stands in files that one program rewrites one after another: cipher or something plain. The kernel tells that a
 * file was opened for writing and not what was written, and to look at every write would cost every write of the
 * machine. So the beginning of such a file is read a moment later, a few a second and only where several files in a row
 * were rewritten in place. The write is then told once more, with `extra.entropy`. One file is looked at at a time, so a
 * server of files that no longer answers keeps one thread waiting and no more; what is not looked at is counted.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Event } from '../../core/gen/event.ts';

/** Different files within `rowMs` before one is looked at. */
const rowFiles = 3;
const rowMs = 10_000;
/** A program that goes on is known by then. */
const looksPerMinute = 32;
const mostRows = 512;
const mostWaiting = 64;
/** After a write was told: by then a small file is done, and of a large one its beginning. */
const waitMs = 150;
/** Between two looks, so that there are at most 20 a second. */
const pauseMs = 50;
const sampleBytes = 4096;
/** Of fewer bytes even noise does not look like it. */
const leastBytes = 512;

interface Row { since: number; inodes: number[]; minute: number; looks: number }
interface Waiting { event: Event; due: number }

export class Samples {
  readonly #tell: (event: Event) => void;
  readonly #count: (what: string) => void;
  /** By process, or by the parent of processes that each do a file. Those that wrote last stand last. */
  readonly #rows = new Map<number, Row>();
  readonly #waiting: Waiting[] = [];
  readonly #sample = Buffer.alloc(sampleBytes);
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #ended = false;

  /** `tell` is given the event of each file that was looked at. */
  constructor({ tell, count }: { tell: (event: Event) => void; count: (what: string) => void }) {
    this.#tell = tell;
    this.#count = count;
  }

  /** Takes note of an event; `now` is any clock in ms. */
  saw(event: Event, now: number): void {
    if (event.action !== 'write' || event.file_inode === undefined || event.file_path === undefined || !hasEnding(event.file_path) || !this.#isInRow(event, now)) return;
    if (this.#waiting.length >= mostWaiting) { this.#count('rewritten files not looked into, too many at once'); return; }
    this.#waiting.push({ event, due: now + waitMs });
    if (this.#timer === undefined && !this.#looking) this.#schedule(waitMs);
  }

  /** Nothing is told afterwards. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #isInRow(event: Event, now: number): boolean {
    const key = event.parent_pid !== undefined && event.parent_pid > 1 ? event.parent_pid : event.pid ?? 0;
    let row = this.#rows.get(key);
    if (row === undefined) {
      if (this.#rows.size >= mostRows) for (const oldest of this.#rows.keys()) { this.#rows.delete(oldest); break; }
      row = { since: now, inodes: [], minute: now, looks: 0 };
    } else {
      this.#rows.delete(key);
      if (Math.abs(now - row.since) > rowMs) { row.since = now; row.inodes.length = 0; }
      if (Math.abs(now - row.minute) > 60_000) { row.minute = now; row.looks = 0; }
    }
    this.#rows.set(key, row);
    const inode = event.file_inode ?? 0;
    if (row.inodes.length < rowFiles) {
      if (!row.inodes.includes(inode)) row.inodes.push(inode);
      if (row.inodes.length < rowFiles) return false;
    }
    if (row.looks >= looksPerMinute) return false;
    row.looks++;
    return true;
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#next();
    }, ms);
    this.#timer.unref();
  }

  async #next(): Promise<void> {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#looking = true;
    const bits = await this.#look(next.event).catch(() => { this.#count('rewritten files that could not be read'); return undefined; });
    this.#looking = false;
    if (this.#ended) return;
    if (bits !== undefined) this.#tell(withEntropy(next.event, bits));
    const after = this.#waiting[0];
    if (after !== undefined) this.#schedule(Math.max(pauseMs, Math.min(waitMs, after.due - next.due)));
  }

  /** Bits a byte; undefined when the file is gone, another one stands there, or it is too short to say. */
  async #look({ pid, file_path: path = '', file_inode: inode, container_id: container }: Event): Promise<number | undefined> {
    // As the process sees it, while it lives; a path of a container means nothing outside.
    const file = await openFirst([`/proc/${pid ?? 0}/root${path}`, ...(container === undefined ? [path] : [])]);
    if (file === undefined) return undefined;
    try {
      const stat = await file.stat();
      if (!stat.isFile() || stat.ino !== inode) return undefined;
      const { bytesRead } = await file.read(this.#sample, 0, sampleBytes, 0);
      return bytesRead < leastBytes ? undefined : entropyOf(this.#sample.subarray(0, bytesRead));
    } finally { await file.close(); }
  }
}

/** Documents have one; most of what databases and services keep has none. */
function hasEnding(path: string): boolean {
  const dot = path.lastIndexOf('.');
  return dot > path.length - 10 && dot < path.length - 1 && dot > path.lastIndexOf('/') + 1;
}

/** Follows no link at the end, waits for no pipe, and leaves the time of access alone where it may. */
async function openFirst(paths: readonly string[]): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  for (const path of paths) {
    for (const more of [constants.O_NOATIME, 0]) {
      try {
        return await open(path, flags | more);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EPERM') break; // gone, or not what was written: the next way to it
      }
    }
  }
  return undefined;
}

/** Shannon's, in bits a byte. */
export function entropyOf(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte]!++;
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / bytes.length) * Math.log2(count / bytes.length);
  return bits;
}

function withEntropy(event: Event, bits: number): Event {
  const { id } = event;
  return Object.assign(new Event(`${id}:e`, event.time, event.kind), event, { id: `${id}:e`, extra: { entropy: bits.toFixed(2) } });
}
