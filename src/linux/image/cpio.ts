/** Entries of a cpio archive in the "newc" form, as the kernel and rpm use it, with where their bytes lie. */
import type { Bytes } from './bytes.ts';
import { ImageError } from './error.ts';

export interface CpioEntry {
  /** As written. */
  name: Buffer;
  /** With its kind. */
  mode: number;
  inode: number;
  links: number;
  /** Unix ms. */
  modified: number;
  size: number;
  /** Where its bytes begin. */
  position: number;
}

export const cpioHeadBytes = 110;
export const cpioHead = /^07070[12][0-9a-fA-F]{104}$/;
const nameMax = 4096;

/** Until its trailer; gives where the archive ends. Throws ImageError 'broken' for what is damaged. */
export function* cpioEntries(source: Bytes, start = 0): Generator<CpioEntry, number> {
  const head = Buffer.alloc(cpioHeadBytes);
  const broken = (what: string, at: number): ImageError => new ImageError('broken', `expected ${what} in a cpio archive, got something else at byte ${at}`);
  for (let at = start; ;) {
    const text = source.read(head, at) === cpioHeadBytes ? head.toString('latin1') : '';
    if (!cpioHead.test(text)) throw broken('the head of an entry', at);
    const field = (n: number): number => Number.parseInt(text.slice(6 + n * 8, 14 + n * 8), 16);
    const [size, nameSize] = [field(6), field(11)];
    if (nameSize < 1 || nameSize > nameMax) throw broken('a name', at);
    const name = Buffer.alloc(nameSize);
    const position = four(at - start + cpioHeadBytes + nameSize) + start;
    if (source.read(name, at + cpioHeadBytes) < nameSize || position + size > source.size) throw broken('a whole entry', at);
    const next = four(position - start + size) + start;
    if (name.toString('latin1', 0, nameSize - 1) === 'TRAILER!!!') return next;
    yield { name: name.subarray(0, nameSize - 1), inode: field(0), mode: field(1), links: field(4), modified: field(5) * 1000, size, position };
    at = next;
  }
}

const four = (n: number): number => Math.ceil(n / 4) * 4;
