/**
 * The kernel's ring buffer, read from its own memory. Every record begins with 8 bytes: its length (bit 31: still
 * being written, bit 30: thrown away), then where its page is, which is of no use here. The kernel offers the data twice
 * in a row, so that what wraps around reads as one piece; mapped memory counts as ours, so it is mapped once and put together here.
 */
import type { Libc, Mapped } from './native.ts';

const busy = 0x8000_0000;
const lengthMask = 0x3fff_ffff;

export class BpfRing {
  readonly #maps: Mapped[];
  readonly #consumer: BigUint64Array;
  readonly #producer: BigUint64Array;
  readonly #headers: Int32Array;
  readonly #data: Uint8Array;
  readonly #size: number;
  #at: bigint;

  /** `size` as the map was made: bytes, a power of two. */
  constructor(libc: Libc, fd: number, size: number) {
    const page = libc.pageSize;
    const consumer = libc.map(fd, page, 0, true);
    const producer = libc.map(fd, page + size, page, false);
    this.#maps = [consumer, producer];
    this.#consumer = new BigUint64Array(consumer.bytes, 0, 1);
    this.#producer = new BigUint64Array(producer.bytes, 0, 1);
    this.#headers = new Int32Array(producer.bytes, page, size / 4);
    this.#data = new Uint8Array(producer.bytes, page, size);
    this.#size = size;
    this.#at = Atomics.load(this.#consumer, 0);
  }

  /**
   * A copy of the records that are complete, headers included, in whole records of at most `max` bytes in all;
   * undefined when there is none. Their room is given back to the kernel.
   */
  take(max: number): ArrayBuffer | undefined {
    const mask = this.#size - 1;
    const begin = Number(this.#at & BigInt(mask));
    const ready = Number(Atomics.load(this.#producer, 0) - this.#at);
    let length = 0;
    while (length < ready) {
      const header = Atomics.load(this.#headers, ((begin + length) & mask) >> 2) >>> 0;
      if (header & busy) break;
      const next = length + (((header & lengthMask) + 8 + 7) & ~7);
      if (next > max && length > 0) break;
      length = next;
    }
    if (length === 0) return undefined;
    const copy = new Uint8Array(length);
    const toEnd = Math.min(length, this.#size - begin);
    copy.set(this.#data.subarray(begin, begin + toEnd));
    copy.set(this.#data.subarray(0, length - toEnd), toEnd);
    this.#at += BigInt(length);
    Atomics.store(this.#consumer, 0, this.#at);
    return copy.buffer;
  }

  close(): void { for (const map of this.#maps) map.unmap(); }
}
