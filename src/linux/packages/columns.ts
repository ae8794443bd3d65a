/** Columns that grow, and names as bytes in them. */
import { bytesOf, nameOf } from '../file-names.ts';

/** Grows by half; `cut` gives what is used. */
export class Bytes {
  #bytes = Buffer.allocUnsafeSlow(1 << 16);
  length = 0;

  room(more: number): Buffer {
    if (this.length + more > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(Math.ceil(this.#bytes.length * 1.5), this.length + more));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  cut(): Buffer {
    const cut = Buffer.allocUnsafeSlow(this.length);
    this.#bytes.copy(cut, 0, 0, this.length);
    return cut;
  }
}

export class Numbers<T extends Uint8Array | Uint16Array | Uint32Array> {
  #values: T;
  readonly #make: (length: number) => T;
  length = 0;

  constructor(make: (length: number) => T) { this.#make = make; this.#values = make(4096); }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = this.#make(Math.ceil(this.length * 1.5));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  cut(): T {
    const cut = this.#make(this.length);
    cut.set(this.#values.subarray(0, this.length));
    return cut;
  }
}

export const bytes8 = (length: number): Uint8Array => new Uint8Array(length);
export const bytes16 = (length: number): Uint16Array => new Uint16Array(length);
export const bytes32 = (length: number): Uint32Array => new Uint32Array(length);

/** Names are bytes: what is no UTF-8 comes and goes as src/linux/file-names.ts says. Returns how many were written. */
export function writeName(into: Buffer, name: string, at: number): number {
  const bytes = bytesOf(name);
  return typeof bytes === 'string' ? into.write(bytes, at) : bytes.copy(into, at);
}

export function nameAt(names: Buffer, from: number, to: number): string {
  const text = names.toString('utf8', from, to);
  return text.includes('\ufffd') ? nameOf(names.subarray(from, to)) : text;
}
