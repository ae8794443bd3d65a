/** Hashing for the tables of packages: open addressing in one column of numbers, 0 for a free slot. */
import { bytesOf } from '../file-names.ts';

/** Names made to collide must not turn look-ups into searches. */
export const probesMax = 500;

/** Free slots for so many rows, a fifth of them left free at least. */
export function slotsFor(rows: number): Uint32Array {
  let size = 16;
  while (size * 0.8 < rows) size *= 2;
  return new Uint32Array(size);
}

export function hashBytes(seed: number, bytes: Uint8Array, from: number, to: number): number {
  let h = Math.imul(seed + 1, 0x9e3779b1);
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return finish(h);
}

/** Of a part of a text with one character a byte; equals `hashBytes` of these. */
export function hashText(seed: number, text: string, from: number, to: number): number {
  let h = Math.imul(seed + 1, 0x9e3779b1);
  for (let i = from; i < to; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return finish(h);
}

function finish(mixed: number): number {
  const h = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}

/** A path with one character a byte: most are so already. */
export function byteText(path: string): string {
  for (let i = 0; i < path.length; i++) {
    if (path.charCodeAt(i) < 128) continue;
    const bytes = bytesOf(path);
    return (typeof bytes === 'string' ? Buffer.from(bytes) : bytes).toString('latin1');
  }
  return path;
}

/** Do the bytes at `at` say what stands in the text from `from` to `to`? */
export function isText(bytes: Uint8Array, at: number, text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++, at++) if (bytes[at] !== text.charCodeAt(i)) return false;
  return true;
}
