/** Random reads of a large file through a few cached blocks; others get their turn in between. */
import type { Slices } from '../slices.ts';
import type { OpenFile } from '../tree.ts';
import { PackagesError } from './error.ts';

const blockBytes = 256 * 1024;
const blocksMax = 16;

export class Pages {
  readonly #file: OpenFile;
  readonly #slices: Slices;
  readonly size: number;
  readonly path: string;
  /** By number, the one used longest ago first. */
  readonly #blocks = new Map<number, Buffer>();

  constructor(file: OpenFile, path: string, slices: Slices) {
    this.#file = file;
    this.#slices = slices;
    this.size = file.size;
    this.path = path;
  }

  /** The bytes [offset, offset + length), perhaps shared with the cache: not to be written to. Throws PackagesError 'broken' beyond the end. */
  async read(offset: number, length: number): Promise<Buffer> {
    if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > this.size) throw new PackagesError('broken', `expected ${length} bytes at ${offset}, got the end at ${this.size} in ${this.path}`);
    if (this.#slices.due()) await this.#slices.rest();
    const first = Math.floor(offset / blockBytes);
    const from = offset - first * blockBytes;
    const block = this.#block(first);
    if (from + length <= block.length) return block.subarray(from, from + length);
    const out = Buffer.allocUnsafe(length);
    let have = block.copy(out, 0, from);
    for (let n = first + 1; have < length; n++) {
      const next = this.#block(n);
      if (next.length === 0) throw new PackagesError('broken', `expected ${length} bytes at ${offset}, got fewer in ${this.path}`);
      have += next.copy(out, have, 0, Math.min(next.length, length - have));
    }
    return out;
  }

  close(): void { this.#file.close(); }

  #block(n: number): Buffer {
    const known = this.#blocks.get(n);
    if (known) return known;
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(blockBytes, this.size - n * blockBytes)));
    let have = 0;
    while (have < bytes.length) {
      const got = this.#file.read(bytes.subarray(have), n * blockBytes + have);
      if (got === 0) break;
      have += got;
    }
    const block = bytes.subarray(0, have);
    this.#blocks.set(n, block);
    if (this.#blocks.size > blocksMax) for (const [oldest] of this.#blocks) { this.#blocks.delete(oldest); break; }
    return block;
  }
}
