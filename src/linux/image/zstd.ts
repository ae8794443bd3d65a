/**
 * Zstandard for Node before 22.15, frame by frame with fzstd. The frames are taken apart here, so that each tells the memory it wants
 * before it gets any: fzstd itself allows two gigabytes.
 */
import { Decompress } from 'fzstd';
import { ImageError } from './error.ts';

/** As the zstd program: a frame that wants more is refused. */
const windowMax = 128 * 2 ** 20;
const blockMax = 128 * 1024;
const headerMax = 18;
/** Each block of however few bytes moves the whole window: a stream of tiny blocks would take days. */
const msAllowed = 20_000;
const msAllowedPerByte = 0.002;

/** Throws ImageError 'too-large' and 'broken', and what fzstd throws. */
export async function* zstdPieces(packed: AsyncIterable<Buffer>): AsyncIterable<Uint8Array> {
  const input = new Pull(packed);
  let spent = 0;
  for (;;) {
    const head = await input.peek(headerMax);
    if (head.length === 0) return;
    // An initramfs is filled up with zeros.
    if (head.length < 8 ? head.every((byte) => byte === 0) : head.readUInt32LE(0) === 0) { await input.take(Math.min(4, head.length)); continue; }
    if (head.length < 8) throw new ImageError('broken', `expected a zstd frame, got the end at byte ${input.position}`);
    const magic = head.readUInt32LE(0);
    if ((magic & 0xffff_fff0) >>> 0 === 0x184d_2a50) { await input.skip(8 + head.readUInt32LE(4)); continue; }
    if (magic !== 0xfd2f_b528) throw new ImageError('broken', `expected a zstd frame, got something else at byte ${input.position}`);
    const { length, checksum } = frameHeader(head);
    const pieces: Uint8Array[] = [];
    const engine = new Decompress((piece) => { if (piece.length > 0) pieces.push(piece); });
    engine.push(await input.take(length));
    for (let last = false; !last;) {
      const block = (await input.peek(3)).readUIntLE(0, 3);
      last = (block & 1) === 1;
      const size = block >>> 3;
      const kind = (block >>> 1) & 3;
      if (kind === 3 || size > blockMax) throw new ImageError('broken', `expected a zstd block, got something else at byte ${input.position}`);
      const bytes = await input.take(3 + (kind === 1 ? 1 : size));
      const start = performance.now();
      engine.push(bytes);
      spent += performance.now() - start;
      if (spent > msAllowed + input.position * msAllowedPerByte) throw new ImageError('too-large', `expected data that unpacks in ${msAllowed / 1000} s, got blocks that are made to be slow at byte ${input.position}`);
      yield* pieces.splice(0);
    }
    engine.push(checksum ? await input.take(4) : new Uint8Array(0));
    engine.push(new Uint8Array(0), true);
    yield* pieces;
  }
}

function frameHeader(head: Buffer): { length: number; checksum: boolean } {
  const flags = head[4]!;
  const single = (flags & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!;
  const sizeFlag = flags >> 6;
  const sizeBytes = sizeFlag === 0 ? Number(single) : 1 << sizeFlag;
  const sizeAt = (single ? 5 : 6) + dictionaryBytes;
  const length = sizeAt + sizeBytes;
  if (head.length < length) throw new ImageError('broken', 'expected a zstd frame, got the end within its header');
  let window: number;
  if (single) window = sizeBytes === 8 ? Number(head.readBigUInt64LE(sizeAt)) : head.readUIntLE(sizeAt, sizeBytes);
  else {
    const base = 2 ** (10 + (head[5]! >> 3));
    window = base + (base / 8) * (head[5]! & 7);
  }
  if (window > windowMax) throw new ImageError('too-large', `expected a zstd window of at most ${windowMax} bytes, got ${window}`);
  return { length, checksum: (flags & 4) !== 0 };
}

class Pull {
  readonly #from: AsyncIterator<Buffer>;
  #have: Buffer = Buffer.alloc(0);
  position = 0;

  constructor(from: AsyncIterable<Buffer>) { this.#from = from[Symbol.asyncIterator](); }

  /** Shorter only at the end. */
  async peek(length: number): Promise<Buffer> {
    while (this.#have.length < length) {
      const next = await this.#from.next();
      if (next.done === true) break;
      this.#have = this.#have.length === 0 ? next.value : Buffer.concat([this.#have, next.value]);
    }
    return this.#have.subarray(0, length);
  }

  async take(length: number): Promise<Buffer> {
    const bytes = await this.peek(length);
    if (bytes.length < length) throw new ImageError('broken', `expected ${length} bytes of zstd data, got the end after ${bytes.length} at byte ${this.position}`);
    this.#have = this.#have.subarray(length);
    this.position += length;
    return bytes;
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) left -= (await this.take(Math.min(left, blockMax))).length;
  }
}
