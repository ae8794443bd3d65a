import { array, assert, boolean, integer, property, record } from 'fast-check';
import { expect, it } from 'vitest';
import { BpfRing } from './bpf-ring.ts';
import type { Libc } from './native.ts';

const page = 4096;
const size = 4096;

/** The kernel's side of a ring: writes records as it does, wrapping around at the end. */
class KernelSide {
  readonly consumer = new ArrayBuffer(page);
  readonly producer = new ArrayBuffer(page + size);
  readonly #data = new Uint8Array(this.producer, page);
  readonly #view = new DataView(this.producer, page);
  #at = 0;

  readonly libc = { pageSize: page, map: (_fd: number, _length: number, _offset: number, write: boolean) => ({ bytes: write ? this.consumer : this.producer, unmap: () => undefined }) } as unknown as Libc;

  get room(): number { return size - (this.#at - Number(new BigUint64Array(this.consumer)[0])); }

  /** False when there is no room: the kernel then drops the record. */
  write(payload: Uint8Array, flags = 0): boolean {
    const whole = (payload.length + 8 + 7) & ~7;
    if (whole > this.room) return false;
    this.#view.setUint32(this.#at % size, (payload.length | flags) >>> 0, true);
    for (const [i, byte] of payload.entries()) this.#data[(this.#at + 8 + i) % size] = byte;
    this.#at += whole;
    new BigUint64Array(this.producer, 0, 1)[0] = BigInt(this.#at);
    return true;
  }
}

/** Payloads of a copy, headers taken off. */
function payloads(copy: ArrayBuffer): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at < copy.byteLength;) {
    const length = new DataView(copy).getUint32(at, true) & 0x3fff_ffff;
    out.push(new Uint8Array(copy.slice(at + 8, at + 8 + length)));
    at += (length + 8 + 7) & ~7;
  }
  return out;
}

it('hands on every record once and whole, however it lies around the end', () => {
  assert(property(array(record({ length: integer({ min: 1, max: 900 }), takes: boolean(), max: integer({ min: 1, max: 3000 }) }), { maxLength: 80 }), (steps) => {
    const kernel = new KernelSide();
    const ring = new BpfRing(kernel.libc, 0, size);
    const written: string[] = [];
    const read: string[] = [];
    const take = (max: number): boolean => {
      const copy = ring.take(max);
      if (copy) read.push(...payloads(copy).map((one) => Buffer.from(one).toString('hex')));
      return copy !== undefined;
    };
    for (const [serial, { length, takes, max }] of steps.entries()) {
      const payload = Uint8Array.from({ length }, (_, i) => (serial * 7 + i) & 0xff);
      if (kernel.write(payload)) written.push(Buffer.from(payload).toString('hex'));
      if (takes) take(max);
    }
    while (take(600));
    expect(read).toEqual(written);
    expect(kernel.room).toBe(size);
  }));
});

it('stops before a record that is still being written', () => {
  const kernel = new KernelSide();
  const ring = new BpfRing(kernel.libc, 0, size);
  kernel.write(Uint8Array.of(1, 2, 3));
  kernel.write(Uint8Array.of(4), 0x8000_0000);
  kernel.write(Uint8Array.of(5));
  expect(payloads(ring.take(4096)!)).toEqual([Uint8Array.of(1, 2, 3)]);
  expect(ring.take(4096)).toBeUndefined();
});
