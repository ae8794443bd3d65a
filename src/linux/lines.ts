/**
 * Lines of files and streams, fast and with bounded memory. Bytes are cut at \n over one buffer of 256 KiB; a
 * line keeps at most 64 KiB. Text is decoded in blocks of some KiB and the lines are slices of a block: one
 * call into the decoder for many lines, while a line that somebody keeps holds only its small block alive.
 */
import { isAscii } from 'node:buffer';
import { close, constants, fstat, open, read } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { MoatError } from '../core/error.ts';

const openFd = promisify(open);
const closeFd = promisify(close);
const readFd = promisify(read);
const statFd = promisify(fstat);

/** A named pipe may be opened by its reader a little before its writer. */
const writerWaitMs = 3000;
const pipePollMs = 10;

export const chunkBytes = 256 * 1024;
export const maxLineBytes = 64 * 1024;
/** Lines are slices of blocks this long: measured 1.5 times faster than 256 KiB blocks, as they stay in the cache. */
const blockBytes = 16 * 1024;
const newline = 10;

export type LinesErrorCode = 'unreadable' | 'expansion' | 'damaged';
class LinesError extends MoatError<LinesErrorCode> {}

/** Lines that follow each other, each with the byte offset at which it starts in the (unpacked) source. */
export interface Lines {
  lines: string[];
  offsets: number[];
  /** Lines longer than the limit: their rest was skipped. */
  cut: number;
}

export const noLines = (): Lines => ({ lines: [], offsets: [], cut: 0 });

/**
 * Appends the complete lines of bytes[start, end) to `out`; bytes[start] stands at offset `base`. Strips one
 * \r before the \n; invalid UTF-8 becomes U+FFFD. Returns the index after the last newline, `start` when
 * there is none.
 */
export function cutLines(bytes: Buffer, start: number, end: number, base: number, out: Lines, maxLine = maxLineBytes): number {
  const last = end > start ? bytes.lastIndexOf(newline, end - 1) : -1;
  if (last < start) return start;
  let from = start;
  while (from <= last) {
    let to = from + blockBytes < last ? bytes.lastIndexOf(newline, from + blockBytes) : last;
    if (to < from) to = bytes.indexOf(newline, from);
    cutBlock(bytes, from, to, base - start, out, maxLine);
    from = to + 1;
  }
  return last + 1;
}

/** bytes[from, to] ends with a newline at `to`; index i stands at offset i + shift. */
function cutBlock(bytes: Buffer, from: number, to: number, shift: number, out: Lines, maxLine: number): void {
  const { lines, offsets } = out;
  const ascii = isAscii(bytes.subarray(from, to));
  const text = bytes.toString(ascii ? 'latin1' : 'utf8', from, to);
  let at = 0;
  let byte = from;
  while (byte <= to) {
    let stop = text.indexOf('\n', at);
    if (stop < 0) stop = text.length;
    // In UTF-8 a character and a byte are not the same; the n-th newline of both is.
    const byteStop = ascii ? from + stop : bytes.indexOf(newline, byte);
    if (byteStop - byte > maxLine) {
      lines.push(bytes.toString(ascii ? 'latin1' : 'utf8', byte, byte + maxLine));
      out.cut++;
    } else {
      lines.push(text.slice(at, stop > at && text.charCodeAt(stop - 1) === 13 ? stop - 1 : stop));
    }
    offsets.push(byte + shift);
    at = stop + 1;
    byte = byteStop + 1;
  }
}

/** One line that has no newline (yet): the end of a file, or the part of an overlong line that is kept. */
export function lastLine(bytes: Buffer, start: number, end: number, maxLine = maxLineBytes): string {
  const text = bytes.toString('utf8', start, Math.min(end, start + maxLine));
  // Where the line goes on behind the cut, a carriage return is not its end.
  return end - start <= maxLine && text.endsWith('\r') ? text.slice(0, -1) : text;
}

/** Cuts a stream of chunks into lines; holds back the half line at the end, never more than its buffer. */
export class LineSplitter {
  /** Offset of the first byte that is not yet in a delivered line. */
  offset: number;
  readonly #buffer: Buffer;
  readonly #maxLine: number;
  #held = 0;
  #skipping = false;

  constructor(options: { offset?: number; maxLine?: number } = {}) {
    this.offset = options.offset ?? 0;
    this.#maxLine = options.maxLine ?? maxLineBytes;
    this.#buffer = Buffer.allocUnsafe(Math.max(chunkBytes, this.#maxLine * 2));
  }

  /** Where to put the next bytes; never empty. Call `take` with how many were put. */
  room(): Buffer { return this.#buffer.subarray(this.#held); }

  /** Appends the lines that `count` bytes in `room()` complete. */
  take(count: number, out: Lines): void {
    const bytes = this.#buffer;
    const end = this.#held + count;
    let start = 0;
    if (this.#skipping) {
      const stop = bytes.subarray(0, end).indexOf(newline);
      if (stop < 0) { this.offset += end; this.#held = 0; return; }
      start = stop + 1;
      this.#skipping = false;
    }
    let next = cutLines(bytes, start, end, this.offset + start, out, this.#maxLine);
    if (next === 0 && end === bytes.length) {
      out.lines.push(lastLine(bytes, 0, end, this.#maxLine));
      out.offsets.push(this.offset);
      out.cut++;
      this.#skipping = true;
      next = end;
    }
    if (next > 0) bytes.copyWithin(0, next, end);
    this.#held = end - next;
    this.offset += next;
  }

  /** Appends all of `chunk`, however long. */
  push(chunk: Buffer, out: Lines): void {
    for (let at = 0; at < chunk.length;) {
      const count = chunk.copy(this.room(), 0, at);
      this.take(count, out);
      at += count;
    }
  }

  /** The source has ended: what is left is a line. */
  end(out: Lines): void {
    if (this.#held > 0 && !this.#skipping) {
      if (this.#held > this.#maxLine) out.cut++;
      out.lines.push(lastLine(this.#buffer, 0, this.#held, this.#maxLine));
      out.offsets.push(this.offset);
    }
    this.offset += this.#held;
    this.#held = 0;
  }
}

export interface ReadOptions {
  /** true: gzip; false: as it stands; by default the first two bytes decide (on stdin too). */
  gz?: boolean;
  /** Offset in the unpacked bytes at which the first line starts. */
  start?: number;
  maxLine?: number;
  signal?: AbortSignal;
  /** An archive may grow to so many times its size once it is past 256 MiB … */
  maxRatio?: number;
  /** … and to so many bytes altogether. */
  maxBytes?: number;
}

/** `first` is the number, from 1, of the first line; `next` the offset at which the line after the last one starts. */
export interface LineChunk extends Lines { first: number; next: number }

/**
 * Reads a file (or `-`, standard input) line by line, unpacking gzip. Lines come in chunks in order.
 * Throws LinesError: `unreadable`, `damaged` (the archive is cut off or broken; what stood before has been
 * delivered) or `expansion` (the archive unpacks to more than the caps).
 */
export async function* readLines(path: string, options: ReadOptions = {}): AsyncGenerator<LineChunk> {
  const start = options.start ?? 0;
  const splitter = new LineSplitter({ offset: start, maxLine: options.maxLine });
  let first = 1;
  let toSkip = start;
  const chunk = (): LineChunk => ({ ...noLines(), first, next: 0 });
  let out = chunk();
  for await (const bytes of unpacked(path, options)) {
    let piece = bytes;
    if (toSkip > 0) {
      const skip = Math.min(toSkip, piece.length);
      toSkip -= skip;
      piece = piece.subarray(skip);
    }
    splitter.push(piece, out);
    if (out.lines.length === 0 && out.cut === 0) continue;
    out.next = splitter.offset;
    yield out;
    first += out.lines.length;
    out = chunk();
  }
  splitter.end(out);
  out.next = splitter.offset;
  if (out.lines.length > 0) yield out;
}

/** The bytes of a file, unpacked when it is gzip. A chunk is valid until the next one is asked for. */
async function* unpacked(path: string, options: ReadOptions): AsyncGenerator<Buffer> {
  const source = path === '-' ? standardInput(options.signal) : fileBytes(path, options.signal);
  const head = await source.next();
  if (head.done) return;
  const gz = options.gz ?? (head.value.length > 2 && head.value[0] === 0x1f && head.value[1] === 0x8b);
  const all = prepend(head.value, source);
  yield* gz ? gunzip(path, all, options) : all;
}

async function* prepend(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try { yield head; yield* rest; } finally { await rest.return(undefined); }
}

async function* fileBytes(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  // Without O_NONBLOCK, opening a pipe that nobody writes to waits for ever, in a thread that cannot be ended.
  const fd = await openFd(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((e: unknown) => { throw unreadable(path, e); });
  try {
    const isPipe = (await statFd(fd)).isFIFO();
    const buffer = Buffer.allocUnsafe(chunkBytes);
    let written = !isPipe;
    for (const start = Date.now(); ;) {
      if (signal?.aborted) return;
      const bytesRead = await readFd(fd, buffer, 0, buffer.length, null).then((r) => r.bytesRead, (e: NodeJS.ErrnoException) => {
        if (e.code === 'EAGAIN') return undefined;
        throw unreadable(path, e);
      });
      if (bytesRead) { written = true; yield buffer.subarray(0, bytesRead); continue; }
      if (bytesRead === 0 && written) return;
      // EAGAIN: somebody has it open and has nothing to say yet. An end at once: nobody has opened it so far.
      if (bytesRead === undefined) written = true;
      else if (Date.now() - start > writerWaitMs) throw unreadable(path, new Error(`a pipe that nobody wrote to within ${writerWaitMs / 1000} s`));
      await sleep(pipePollMs);
    }
  } finally { await closeFd(fd); }
}

async function* standardInput(signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for await (const chunk of process.stdin) {
    if (signal?.aborted) return;
    yield chunk as Buffer;
  }
}

async function* gunzip(path: string, packed: AsyncGenerator<Buffer>, options: ReadOptions): AsyncGenerator<Buffer> {
  const maxRatio = options.maxRatio ?? 500;
  const maxBytes = options.maxBytes ?? 64 * 2 ** 30;
  let bytesIn = 0;
  let bytesOut = 0;
  // The stream holds chunks while `packed` reuses its buffer, so each is copied.
  const copies = async function* () { for await (const b of packed) { bytesIn += b.length; yield Buffer.from(b); } };
  const source = Readable.from(copies(), { objectMode: false, highWaterMark: chunkBytes });
  const unzip = createGunzip({ chunkSize: chunkBytes });
  let failure: unknown;
  source.on('error', (e) => { failure = e; unzip.destroy(e); });
  source.pipe(unzip);
  try {
    for await (const chunk of unzip) {
      const bytes = chunk as Buffer;
      bytesOut += bytes.length;
      if (bytesOut > maxBytes || (bytesOut > 256 * 2 ** 20 && bytesOut > bytesIn * maxRatio)) {
        throw new LinesError('expansion', `expected an archive that unpacks to at most ${maxBytes} bytes and ${maxRatio} times its size, got ${bytesOut} bytes from ${bytesIn} in ${path}`,
          { hint: 'unpack it by hand and read the file itself when you trust it' });
      }
      yield bytes;
    }
  } catch (e) {
    if (failure !== undefined) throw failure;
    if (e instanceof LinesError) throw e;
    throw new LinesError('damaged', `expected a whole gzip file, got ${e instanceof Error ? e.message : String(e)} after ${bytesOut} unpacked bytes in ${path}`, { cause: e });
  } finally {
    source.destroy();
    unzip.destroy();
  }
}

function unreadable(path: string, cause: unknown): LinesError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LinesError('unreadable', `expected a readable file, got ${why} in ${path}`, { hint: 'check the path and whether this account may read it', cause });
}
