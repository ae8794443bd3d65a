/** Bytes that are read by position: a file, a part of one, the pieces of a sparse one. */
import { ImageError } from './error.ts';

export interface Bytes {
  readonly size: number;
  /** Bytes read into `into` from `position` on; fewer than asked for only at the end. */
  read(into: Uint8Array, position: number): number;
}

export function part(of: Bytes, offset: number, size: number): Bytes {
  return {
    size,
    read(into, position) {
      const want = Math.min(into.length, size - position);
      return want <= 0 ? 0 : of.read(into.subarray(0, want), offset + position);
    },
  };
}

/** `pieces`: offset in the file and length, by turns, rising and not overlapping; what lies between is zero. The stored bytes follow each other in `of`. */
export function sparse(of: Bytes, size: number, pieces: Float64Array): Bytes {
  const stored = new Float64Array(pieces.length / 2);
  for (let i = 1; i < stored.length; i++) stored[i] = stored[i - 1]! + pieces[2 * i - 1]!;
  return {
    size,
    read(into, position) {
      const total = Math.max(0, Math.min(into.length, size - position));
      into.fill(0, 0, total);
      for (let i = firstAfter(pieces, position); i < stored.length; i++) {
        const from = Math.max(pieces[2 * i]!, position);
        const to = Math.min(pieces[2 * i]! + pieces[2 * i + 1]!, position + total);
        if (from >= position + total) break;
        if (to > from) of.read(into.subarray(from - position, to - position), stored[i]! + from - pieces[2 * i]!);
      }
      return total;
    },
  };
}

/** Number of the first piece that ends behind `position`. */
function firstAfter(pieces: Float64Array, position: number): number {
  let low = 0;
  let high = pieces.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (pieces[2 * middle]! + pieces[2 * middle + 1]! > position) high = middle; else low = middle + 1;
  }
  return low;
}

/** All of it. Throws ImageError 'too-large' beyond `max` bytes. */
export function whole(of: Bytes, max: number, what: string): Buffer {
  if (of.size > max) throw new ImageError('too-large', `expected at most ${max} bytes of ${what}, got ${of.size}`);
  const bytes = Buffer.alloc(of.size);
  return bytes.subarray(0, of.read(bytes, 0));
}
