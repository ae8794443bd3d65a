/** LZ4 in the legacy form, which kernels take for an initramfs: blocks of up to 8 MiB, each by itself; and single blocks. Frames are not read here. */
import { ImageError } from './error.ts';

const magic = 0x184c_2102;
const blockMax = 8 << 20;
/** A block of noise grows by a 255th. */
const packedMax = blockMax + Math.ceil(blockMax / 255) + 16;

/** Throws ImageError 'broken'. */
export async function* lz4Pieces(packed: AsyncIterable<Buffer>): AsyncIterable<Uint8Array> {
  let have: Buffer = Buffer.alloc(0);
  let parts: Buffer[] = [];
  let waiting = 0;
  let wanted = 4;
  let size: number | undefined;
  for await (const piece of packed) {
    parts.push(piece);
    waiting += piece.length;
    if (have.length + waiting < wanted) continue;
    have = Buffer.concat([have, ...parts]);
    parts = [];
    waiting = 0;
    for (;;) {
      wanted = size ?? 4;
      if (have.length < wanted) break;
      const next = have.subarray(0, wanted);
      have = have.subarray(wanted);
      if (size !== undefined) { size = undefined; yield lz4Block(next, blockMax); continue; }
      const number = next.readUInt32LE(0);
      // Archives one behind the other begin with the magic number again; zeros fill up to the next four bytes.
      if (number === magic || number === 0) continue;
      if (number > packedMax) throw broken(`a block of at most ${packedMax} bytes, got ${number}`);
      size = number;
    }
  }
  if (size !== undefined) throw broken(`a block of ${size} bytes, got the end after ${have.length + waiting}`);
}

/** One block of at most `max` bytes. Throws ImageError 'broken', also for more. */
export function lz4Block(input: Buffer, max: number): Buffer {
  const out = Buffer.alloc(max);
  let i = 0;
  let o = 0;
  const long = (start: number): number => {
    let length = start;
    if (start === 15) for (let byte = 255; byte === 255;) {
      if (i >= input.length) throw broken('a length, got the end of the block');
      byte = input[i++]!;
      length += byte;
    }
    return length;
  };
  while (i < input.length) {
    const token = input[i++]!;
    const literal = long(token >> 4);
    if (i + literal > input.length || o + literal > max) throw broken('bytes within the block, got more');
    input.copy(out, o, i, i + literal);
    i += literal;
    o += literal;
    if (i >= input.length) break;
    if (i + 2 > input.length) throw broken('a place to copy from, got the end of the block');
    const back = input.readUInt16LE(i);
    i += 2;
    const length = long(token & 15) + 4;
    if (back === 0 || back > o || o + length > max) throw broken('a place to copy from, got one outside the block');
    // What overlaps itself repeats: byte by byte.
    if (back >= length) out.copyWithin(o, o - back, o - back + length);
    else for (let n = 0; n < length; n++) out[o + n] = out[o + n - back]!;
    o += length;
  }
  return out.subarray(0, o);
}

const broken = (what: string): ImageError => new ImageError('broken', `expected ${what} of lz4 data`);
