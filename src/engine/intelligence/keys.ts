/**
 * A set of texts of which only 64 bits each are kept: 17 to 34 bytes an entry whatever its length. Two texts
 * in a million of them being taken for one another has a chance below 1 in 10^7 for the whole set.
 */
/** Entries of a piece, and between two rests. */
const step = 1 << 13;
const seed1 = Math.floor(Math.random() * 2 ** 32);
const seed2 = Math.floor(Math.random() * 2 ** 32);

/** 64 bits of text[start, end) read from its end, so that all the domains above a name come on one way. Letters count as small ones unless `exact`. */
export class TextHash {
  high = 0;
  low = 0;
  #a = 0;
  #b = 0;

  begin(): void { this.#a = seed1; this.#b = seed2; }

  /** Adds characters from `end - 1` down to `start`. */
  back(text: string, start: number, end: number, exact: boolean): void {
    let a = this.#a;
    let b = this.#b;
    for (let i = end - 1; i >= start; i--) {
      let code = text.charCodeAt(i);
      if (!exact && code >= 65 && code <= 90) code |= 32;
      a = Math.imul(a ^ code, 0x9e3779b1);
      a ^= a >>> 15;
      b = Math.imul((b << 5) + b + code, 0x85ebca6b);
      b ^= b >>> 13;
    }
    this.#a = a;
    this.#b = b;
  }

  /** Sets `high` and `low` for what was added so far. */
  cut(): void {
    let a = this.#a ^ Math.imul(this.#b, 0xc2b2ae35);
    let b = this.#b ^ Math.imul(this.#a, 0x27d4eb2f);
    a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
    b = Math.imul(b ^ (b >>> 16), 0xcc9e2d51);
    this.high = (a ^ (a >>> 13)) >>> 0;
    this.low = (b ^ (b >>> 16)) >>> 0;
  }

  /** Of a digest in hexadecimal: 96 bits of it and its length tell it from any other. */
  ofHex(hex: string): this {
    this.begin();
    this.#a ^= hex.length;
    this.back(hex, 0, Math.min(24, hex.length), false);
    this.cut();
    return this;
  }

  of(text: string, exact: boolean): this {
    this.begin();
    this.back(text, 0, text.length, exact);
    this.cut();
    return this;
  }
}

export class KeysBuilder {
  /** high, low, note of each, in pieces: copying millions of them would hold everybody up. */
  readonly #pieces: Uint32Array[] = [];
  size = 0;

  add(hash: TextHash, note: number): void {
    const at = (this.size % step) * 3;
    if (at === 0) this.#pieces.push(new Uint32Array(step * 3));
    const piece = this.#pieces.at(-1)!;
    piece[at] = hash.high;
    piece[at + 1] = hash.low;
    piece[at + 2] = note;
    this.size++;
  }

  /** Yields now and then. Of equal texts the first stays. */
  *seal(): Generator<undefined, Keys> {
    let slots = 4;
    while (slots * 0.7 < this.size) slots *= 2;
    const table = new Uint32Array(slots * 3);
    let count = 0;
    for (let i = 0; i < this.size; i++) {
      const piece = this.#pieces[Math.floor(i / step)]!;
      const from = (i % step) * 3;
      const high = piece[from]!;
      const low = piece[from + 1]!;
      let at = low & (slots - 1);
      while (table[at * 3 + 2] !== 0 && !(table[at * 3] === high && table[at * 3 + 1] === low)) at = (at + 1) & (slots - 1);
      if (table[at * 3 + 2] === 0) {
        table[at * 3] = high;
        table[at * 3 + 1] = low;
        table[at * 3 + 2] = piece[from + 2]! + 1;
        count++;
      }
      if (i % step === step - 1) yield;
    }
    return new Keys(table, count);
  }
}

export class Keys {
  /** high, low, note + 1 (0: free). */
  readonly #table: Uint32Array;
  readonly #mask: number;
  readonly size: number;

  constructor(table: Uint32Array, size: number) {
    this.#table = table;
    this.#mask = table.length / 3 - 1;
    this.size = size;
  }

  get bytes(): number { return this.#table.byteLength; }

  /** The note of this text, -1 when it is not in the set. */
  find(hash: TextHash): number {
    const table = this.#table;
    for (let at = hash.low & this.#mask; table[at * 3 + 2] !== 0; at = (at + 1) & this.#mask) {
      if (table[at * 3] === hash.high && table[at * 3 + 1] === hash.low) return table[at * 3 + 2]! - 1;
    }
    return -1;
  }
}
