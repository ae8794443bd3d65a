/**
 * Paths in a list of files, found again by their bytes without making texts of them. What is here is made once and cleared for each
 * list; loops keep to plain assignments, because most of them run a few milliseconds in all, before anything is optimised.
 */
import { probesMax, slotsFor } from './slots.ts';

const hashSeed = 0x811c9dc5 | 0;

function finish(mixed: number): number {
  const h = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}

export function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let h = hashSeed;
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return finish(h);
}

export function sameBytes(a: Uint8Array, from: number, to: number, otherFrom: number, otherTo: number): boolean {
  return to - from === otherTo - otherFrom && same(a, from, to, a, otherFrom);
}

function same(a: Uint8Array, from: number, to: number, b: Uint8Array, at: number): boolean {
  // Paths differ at their ends.
  for (let i = to - 1, j = at + to - from - 1; i >= from; i--, j--) if (a[i] !== b[j]) return false;
  return true;
}

const growth = 1.5;
const none = new Uint8Array(0);
const newline = 10;
const slashByte = 47;
/** Lines that `more` goes through. */
const portion = 2048;

/** Lines of a list that are not empty, each gone through once. */
export class PathLines {
  bytes: Uint8Array = none;
  length = 0;
  from = new Uint32Array(1024);
  to = new Uint32Array(1024);
  /** Its last slash; before `from` where it has none. */
  slash = new Int32Array(1024);
  /** Of the path behind its first slash, as `hashOf` gives it; and of its folder. */
  hash = new Uint32Array(1024);
  folderHash = new Uint32Array(1024);
  #at = 0;

  clear(bytes: Uint8Array): void { this.bytes = bytes; this.length = this.#at = 0; }

  /** Some lines more; false when there were none. */
  more(): boolean {
    const { bytes } = this;
    const { length: end } = bytes;
    if (this.#at >= end) return false;
    if (this.length + portion > this.from.length) this.#grow();
    let at = this.#at;
    for (let n = 0; n < portion && at < end; n++) {
      const begin = at;
      let slash = begin - 1;
      let h = hashSeed;
      let before = hashSeed;
      if (bytes[at] === slashByte) { slash = at; at++; }
      for (; at < end; at++) {
        const byte = bytes[at]!;
        if (byte === newline) break;
        if (byte === slashByte) { slash = at; before = h; }
        h = Math.imul(h ^ byte, 0x01000193);
      }
      if (at > begin) {
        const i = this.length++;
        this.from[i] = begin;
        this.to[i] = at;
        this.slash[i] = slash;
        this.hash[i] = finish(h);
        this.folderHash[i] = finish(before);
      }
      at++;
    }
    this.#at = at;
    return true;
  }

  #grow(): void {
    const room = Math.ceil((this.from.length + portion) * growth);
    this.from = larger(this.from, new Uint32Array(room));
    this.to = larger(this.to, new Uint32Array(room));
    this.slash = larger(this.slash, new Int32Array(room));
    this.hash = larger(this.hash, new Uint32Array(room));
    this.folderHash = larger(this.folderHash, new Uint32Array(room));
  }
}

function larger<T extends Uint32Array | Int32Array>(old: T, into: T): T { into.set(old); return into; }

/** A set of parts of a block of bytes with a number each. */
export class LineSet {
  #bytes: Uint8Array = none;
  #slots = slotsFor(1024);
  #from = new Uint32Array(1024);
  #to = new Uint32Array(1024);
  #hash = new Uint32Array(1024);
  #value = new Int32Array(1024);
  #length = 0;
  /** Parts that were not taken. */
  left = 0;

  /** Empty again, for parts of these bytes. */
  clear(bytes: Uint8Array): void {
    this.#bytes = bytes;
    // A few of a thousand lists are long: what was grown for them is not wiped for each of the others.
    if (this.#length * 8 > this.#slots.length) this.#slots.fill(0);
    else for (let n = 0; n < this.#length; n++) this.#clearFrom(this.#hash[n]!);
    this.#length = this.left = 0;
  }

  #clearFrom(hash: number): void {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) this.#slots[slot] = 0;
  }

  /** `hash` as `hashOf` gives it. What is there already takes the new value. False when it cannot be kept, because too many names were made to collide. */
  add(hash: number, from: number, to: number, value = 0): boolean {
    if (this.#length === this.#from.length) this.#grow();
    const slot = this.#slot(hash, this.#bytes, from, to);
    if (slot < 0) return false;
    const known = this.#slots[slot]!;
    if (known !== 0) { this.#value[known - 1] = value; return true; }
    const n = this.#length++;
    this.#from[n] = from;
    this.#to[n] = to;
    this.#hash[n] = hash;
    this.#value[n] = value;
    this.#slots[slot] = n + 1;
    this.left++;
    return true;
  }

  /** Value of these bytes of another block; -1 when they are not here. */
  find(hash: number, bytes: Uint8Array, from: number, to: number): number {
    const n = this.#place(hash, bytes, from, to);
    return n < 0 ? -1 : this.#value[n]!;
  }

  /** The same, once: afterwards they have no value. */
  take(hash: number, bytes: Uint8Array, from: number, to: number): number {
    const n = this.#place(hash, bytes, from, to);
    if (n < 0) return -1;
    const value = this.#value[n]!;
    if (value >= 0) { this.#value[n] = -1; this.left--; }
    return value;
  }

  #place(hash: number, bytes: Uint8Array, from: number, to: number): number {
    const slot = this.#slot(hash, bytes, from, to);
    return slot < 0 ? -1 : this.#slots[slot]! - 1;
  }

  /** Where these bytes stand or would stand; -1 when the search would be too long. */
  #slot(hash: number, bytes: Uint8Array, from: number, to: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask, probes = 0; probes <= probesMax; probes++, slot = (slot + 1) & mask) {
      const n = this.#slots[slot]!;
      if (n === 0) return slot;
      if (this.#hash[n - 1] === hash && to - from === this.#to[n - 1]! - this.#from[n - 1]! && same(bytes, from, to, this.#bytes, this.#from[n - 1]!)) return slot;
    }
    return -1;
  }

  #grow(): void {
    const room = this.#from.length * 2;
    this.#from = larger(this.#from, new Uint32Array(room));
    this.#to = larger(this.#to, new Uint32Array(room));
    this.#hash = larger(this.#hash, new Uint32Array(room));
    this.#value = larger(this.#value, new Int32Array(room));
    this.#slots = slotsFor(room);
    const mask = this.#slots.length - 1;
    for (let n = 0; n < this.#length; n++) {
      let slot = this.#hash[n]! & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = n + 1;
    }
  }
}
