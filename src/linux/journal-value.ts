/**
 * A value of a journal that journald packed: zstd on today's systems (one frame that tells its size), LZ4 on those before (the size in
 * eight bytes, then one block). XZ, of the years before 2014, is not read: it would take a decoder that works in steps.
 */
import { decompress } from 'fzstd';
import { lz4Block } from './image/lz4.ts';

export const packedXz = 1;
export const packedLz4 = 2;
export const packedZstd = 4;

/** 64 KiB are one block of zstd; an encoder may close with an empty one. A stream of tiny blocks costs memory and time for each. */
const blocksMax = 4;

/** Undefined for what is broken (zstd that holds less than it says is filled up with zeros), longer than `max` when laid open, or packed in a way that is not read. */
export function unpackValue(packing: number, packed: Buffer, max: number): Buffer | undefined {
  try {
    switch (packing) {
      case packedLz4: return unpackLz4(packed, max);
      case packedZstd: return unpackZstd(packed, max);
      default: return undefined;
    }
  } catch { return undefined; /* broken, whatever the decoder says of it */ }
}

function unpackLz4(packed: Buffer, max: number): Buffer | undefined {
  const size = packed.length < 8 ? Infinity : Number(packed.readBigUInt64LE(0));
  if (size > max) return undefined;
  const out = lz4Block(packed.subarray(8), size);
  return out.length === size ? out : undefined;
}

function unpackZstd(packed: Buffer, max: number): Buffer | undefined {
  const frame = frameOf(packed);
  if (!frame || frame.size > max) return undefined;
  let at = frame.length;
  let told = 0;
  let packs = false;
  for (let blocks = 0, last = false; !last;) {
    if (++blocks > blocksMax || at + 3 > packed.length) return undefined;
    const head = packed.readUIntLE(at, 3);
    last = (head & 1) === 1;
    const kind = (head >>> 1) & 3;
    // As they are, or one byte again and again: these tell how long they get.
    if (kind === 2) packs = true; else told += head >>> 3;
    at += 3 + (kind === 1 ? 1 : head >>> 3);
  }
  if (told > frame.size || (!packs && told < frame.size)) return undefined;
  // What stands behind the frame would be another one.
  if (at > packed.length) return undefined;
  const out = decompress(packed.subarray(0, at + (frame.checksum ? 4 : 0)), new Uint8Array(frame.size));
  return out.length === frame.size ? Buffer.from(out.buffer, out.byteOffset, out.length) : undefined;
}

/** Undefined for what is no frame, names a dictionary, or does not tell its size. */
function frameOf(packed: Buffer): { length: number; size: number; checksum: boolean } | undefined {
  if (packed.length < 9 || packed.readUInt32LE(0) !== 0xfd2f_b528) return undefined;
  const flags = packed[4]!;
  const single = (flags & 0x20) !== 0;
  if ((flags & 3) !== 0) return undefined;
  const at = single ? 5 : 6;
  const sizeFlag = flags >> 6;
  const bytes = sizeFlag === 0 ? Number(single) : 1 << sizeFlag;
  if (bytes === 0 || packed.length < at + bytes) return undefined;
  const size = bytes === 8 ? Number(packed.readBigUInt64LE(at)) : packed.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
  return { length: at + bytes, size, checksum: (flags & 4) !== 0 };
}
