/** Compressed layers and archives, laid open in a temporary file that nobody else can open and that is gone when we are. */
import { closeSync, mkdtempSync, openSync, rmdirSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import * as zlib from 'node:zlib';
import xz from 'xz-decompress';
import { saidBy } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import type { Bytes } from './bytes.ts';
import { ImageError } from './error.ts';
import { lz4Pieces } from './lz4.ts';
import { zstdPieces } from './zstd.ts';

export type Packing = 'plain' | 'gzip' | 'zstd' | 'bzip2' | 'xz' | 'lz4';

export interface Limits {
  /** Of all that is laid open of one image. */
  bytes: number;
  /** Laid open to packed, once `ratioFrom` bytes are laid open. */
  ratio: number;
  ratioFrom: number;
}

/** An image may be as large as disks of servers are; gzip packs at most about a thousand to one, programs about three to one. */
export const inflateLimits: Limits = { bytes: 64 * 2 ** 30, ratio: 200, ratioFrom: 256 * 2 ** 20 };

const roomElsewhere: Text = { zh: '把 TMPDIR 设到空间够的目录', en: 'set TMPDIR to a folder with room for the image laid open' };
const chunkBytes = 256 * 1024;
/** What is left free on the disk of temporary files. */
const reserveBytes = 64 * 2 ** 20;
const checkEvery = 16 * 2 ** 20;

export function packingOf(source: Bytes): Packing {
  const head = Buffer.alloc(6);
  const length = source.read(head, 0);
  const begins = (...bytes: number[]): boolean => length >= bytes.length && bytes.every((byte, i) => head[i] === byte);
  if (begins(0x1f, 0x8b)) return 'gzip';
  if (begins(0x28, 0xb5, 0x2f, 0xfd) || ((head[0]! & 0xf0) === 0x50 && begins(head[0]!, 0x2a, 0x4d, 0x18))) return 'zstd';
  if (begins(0x42, 0x5a, 0x68)) return 'bzip2';
  if (begins(0x02, 0x21, 0x4c, 0x18)) return 'lz4';
  return begins(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00) ? 'xz' : 'plain';
}

/** One temporary file for all layers of an image. */
export class Store {
  readonly #file: number;
  readonly #limits: Limits;
  readonly folder: string;
  #used = 0;

  /** `folder`: default what TMPDIR says. Throws ImageError 'no-space'. */
  constructor(limits: Limits = inflateLimits, folder = tmpdir()) {
    this.#limits = limits;
    this.folder = folder;
    try {
      const own = mkdtempSync(join(folder, 'moat-image-'));
      const path = join(own, 'layers');
      try {
        this.#file = openSync(path, 'wx+', 0o600);
        unlinkSync(path);
      } finally { rmdirSync(own); }
    } catch (error) {
      throw new ImageError('no-space', `expected to write a temporary file, got ${(error as Error).message} in ${folder}`, { zh: `写不了临时文件（${folder}）：${saidBy(error).zh}`, hint: roomElsewhere, cause: error });
    }
  }

  get used(): number { return this.#used; }
  close(): void { closeSync(this.#file); }

  /**
   * Lays `source` open. `fault` says why not all of it could be: what was laid open until then is there. Throws when the signal
   * says so.
   */
  async inflate(source: Bytes, packing: Packing, signal: AbortSignal): Promise<{ bytes: Bytes; fault?: ImageError }> {
    const start = this.#used;
    let fault: ImageError | undefined;
    try {
      let packed = 0;
      let checked = -checkEvery;
      const pieces = chunks(source, signal, (n) => { packed += n; });
      for await (const piece of unpacked(pieces, packing)) {
        const size = this.#used - start + piece.length;
        if (this.#used + piece.length > this.#limits.bytes) throw new ImageError('too-large', `expected at most ${this.#limits.bytes} bytes laid open, got more`, { zh: `解开后超过上限 ${this.#limits.bytes} 字节` });
        if (size > this.#limits.ratioFrom && size > packed * this.#limits.ratio) throw new ImageError('too-large', `expected at most ${this.#limits.ratio} bytes for each that is packed, got ${Math.round(size / packed)}: an archive bomb`, { zh: '压缩炸弹：解开后大得离谱' });
        if (size - checked >= checkEvery) { this.#room(); checked = size; }
        this.#write(piece);
      }
    } catch (error) {
      signal.throwIfAborted();
      fault = error instanceof ImageError ? error : new ImageError('broken', `expected ${packing} data to its end, got ${(error as Error).message} after ${this.#used - start} bytes laid open`, { cause: error });
    }
    const file = this.#file;
    const size = this.#used - start;
    const bytes: Bytes = {
      size,
      read(into, position) {
        const want = Math.min(into.length, size - position);
        return want <= 0 ? 0 : readSync(file, into, 0, want, start + position);
      },
    };
    return fault ? { bytes, fault } : { bytes };
  }

  #write(piece: Uint8Array): void {
    try {
      for (let done = 0; done < piece.length;) done += writeSync(this.#file, piece, done, piece.length - done, this.#used + done);
      this.#used += piece.length;
    } catch (error) { throw this.#full((error as Error).message, error); }
  }

  #room(): void {
    const { bavail, bsize } = statfsSync(this.folder);
    if (bavail * bsize < reserveBytes + checkEvery) throw this.#full(`${Math.round(bavail * bsize / 2 ** 20)} MB left`);
  }

  #full(got: string, cause?: unknown): ImageError {
    return new ImageError('no-space', `expected room for the image laid open, got ${got} in ${this.folder} after ${Math.round(this.#used / 2 ** 20)} MB`, { zh: `${this.folder} 空间不够，解开镜像写到 ${Math.round(this.#used / 2 ** 20)} MB 时停下`, hint: roomElsewhere, cause });
  }
}

async function* chunks(source: Bytes, signal: AbortSignal, onRead: (n: number) => void): AsyncIterable<Buffer> {
  for (let position = 0; position < source.size;) {
    const buffer = Buffer.allocUnsafeSlow(chunkBytes);
    const got = source.read(buffer, position);
    if (got === 0) return;
    position += got;
    onRead(got);
    yield buffer.subarray(0, got);
    signal.throwIfAborted();
  }
}

function unpacked(packed: AsyncIterable<Buffer>, packing: Packing): AsyncIterable<Uint8Array> {
  switch (packing) {
    case 'plain': return packed;
    case 'gzip': return through(packed, zlib.createGunzip({ chunkSize: chunkBytes }));
    case 'zstd': return 'createZstdDecompress' in zlib ? through(packed, (zlib.createZstdDecompress as () => zlib.Gunzip)()) : zstdPieces(packed);
    // It takes dictionaries of at most 64 MiB, so that is what it may want of memory.
    case 'xz': return new xz.XzReadableStream(ReadableStream.from(packed));
    case 'lz4': return lz4Pieces(packed);
    case 'bzip2': throw new ImageError('unsupported', `expected a layer packed with gzip, zstd or xz, got ${packing}`, { zh: '读不了 bzip2 压缩的层', hint: { zh: '先解开：bunzip2', en: 'unpack it first: bunzip2' } });
  }
}

function through(packed: AsyncIterable<Buffer>, engine: zlib.Gunzip): AsyncIterable<Uint8Array> {
  const from = Readable.from(packed, { objectMode: false });
  from.on('error', (error) => { engine.destroy(error); });
  engine.on('close', () => { from.destroy(); });
  return from.pipe(engine) as AsyncIterable<Uint8Array>;
}
