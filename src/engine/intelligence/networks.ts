/**
 * A set of networks, sorted, each with the number of its note and of the network around it: 13 bytes an IPv4
 * network, 25 an IPv6 one. A look-up is a binary search and a walk outwards.
 */
const step = 1 << 15;
/** From this many entries on the first 16 bits lead to the part that is searched. */
const indexFrom = 4096;
const none = 0xffffffff;

export class NetworksBuilder {
  readonly #words: 1 | 4;
  #from: Uint32Array;
  #bits = new Uint8Array(64);
  #note = new Uint32Array(64);
  size = 0;

  constructor(version: 4 | 6) {
    this.#words = version === 4 ? 1 : 4;
    this.#from = new Uint32Array(64 * this.#words);
  }

  /** `words` with the bits behind the first `bits` clear. */
  add(words: Uint32Array, bits: number, note: number): void {
    if (this.size === this.#bits.length) {
      const room = Math.ceil(this.size * 1.5);
      this.#from = grown(this.#from, new Uint32Array(room * this.#words));
      this.#bits = grown(this.#bits, new Uint8Array(room));
      this.#note = grown(this.#note, new Uint32Array(room));
    }
    for (let i = 0; i < this.#words; i++) this.#from[this.size * this.#words + i] = words[i]!;
    this.#bits[this.size] = bits;
    this.#note[this.size] = note;
    this.size++;
  }

  /** Yields now and then, for the caller to let others work. Of equal networks the first stays. */
  *seal(): Generator<undefined, Networks> {
    const width = this.#words;
    const order = yield* this.#sorted();
    const from = new Uint32Array(order.length * width);
    const bits = new Uint8Array(order.length);
    const note = new Uint32Array(order.length);
    const parent = new Uint32Array(order.length);
    let count = 0;
    for (let k = 0; k < order.length; k++) {
      const i = order[k]!;
      for (let w = 0; w < width; w++) from[count * width + w] = this.#from[i * width + w]!;
      bits[count] = this.#bits[i]!;
      note[count] = this.#note[i]!;
      // The one before, or one of those around it, is around this one too.
      let around = count === 0 ? none : count - 1;
      while (around !== none && !holds(from, bits[around]!, around * width, from, count * width)) around = parent[around]!;
      parent[count] = around;
      const twin = around !== none && around === count - 1 && bits[around] === bits[count];
      if (!twin) count++;
      if (k % step === step - 1) yield;
    }
    if (count === order.length) return new Networks(width, from, bits, note, parent);
    yield;
    return new Networks(width, from.slice(0, count * width), bits.slice(0, count), note.slice(0, count), parent.slice(0, count));
  }

  /** Positions by address, wider networks first: a radix sort, which can be interrupted. */
  *#sorted(): Generator<undefined, Uint32Array> {
    const { size } = this;
    let order = new Uint32Array(size);
    for (let i = 0; i < size; i++) order[i] = i;
    let next = new Uint32Array(size);
    const width = this.#words;
    for (let pass = 0; pass <= width * 4; pass++) {
      const word = width - 1 - ((pass - 1) >> 2);
      const shift = ((pass - 1) & 3) * 8;
      const digit = pass === 0 ? (i: number): number => this.#bits[i]! : (i: number): number => (this.#from[i * width + word]! >>> shift) & 255;
      const starts = new Uint32Array(257);
      for (let i = 0; i < size; i++) {
        const at = digit(i) + 1;
        starts[at] = starts[at]! + 1;
        if (i % step === step - 1) yield;
      }
      if (starts.includes(size)) continue; // all have the same digit
      for (let i = 1; i < 257; i++) starts[i] = starts[i]! + starts[i - 1]!;
      for (let k = 0; k < size; k++) {
        const i = order[k]!;
        const at = digit(i);
        next[starts[at]!] = i;
        starts[at] = starts[at]! + 1;
        if (k % step === step - 1) yield;
      }
      [order, next] = [next, order];
    }
    return order;
  }
}

export class Networks {
  readonly #words: number;
  readonly #from: Uint32Array;
  readonly #bits: Uint8Array;
  readonly #note: Uint32Array;
  readonly #parent: Uint32Array;
  /** Position of the first entry whose upper 16 bits are not below the number. */
  readonly #index: Uint32Array | undefined;

  constructor(words: number, from: Uint32Array, bits: Uint8Array, note: Uint32Array, parent: Uint32Array) {
    this.#words = words;
    this.#from = from;
    this.#bits = bits;
    this.#note = note;
    this.#parent = parent;
    if (bits.length >= indexFrom) this.#index = indexOf(from, words, bits.length);
  }

  get size(): number { return this.#bits.length; }
  get bytes(): number { return this.#from.byteLength + this.#bits.byteLength + this.#note.byteLength + this.#parent.byteLength + (this.#index?.byteLength ?? 0); }

  /** The narrowest network that holds the address, -1 when none does. */
  find(address: Uint32Array): number {
    const head = address[0]! >>> 16;
    let low = this.#index ? this.#index[head]! : 0;
    let high = this.#index ? this.#index[head + 1]! : this.#bits.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isAfter(middle, address)) high = middle;
      else low = middle + 1;
    }
    for (let at = low - 1; at >= 0; at = this.around(at)) if (holds(this.#from, this.#bits[at]!, at * this.#words, address, 0)) return at;
    return -1;
  }

  /** The next wider network around this one, -1 when there is none. */
  around(at: number): number { return this.#parent[at] === none ? -1 : this.#parent[at]!; }
  note(at: number): number { return this.#note[at]!; }
  bits(at: number): number { return this.#bits[at]!; }
  from(at: number): Uint32Array { return this.#from.subarray(at * this.#words, (at + 1) * this.#words); }

  #isAfter(at: number, address: Uint32Array): boolean {
    for (let w = 0; w < this.#words; w++) {
      const here = this.#from[at * this.#words + w]!;
      if (here !== address[w]) return here > address[w]!;
    }
    return false;
  }
}

function indexOf(from: Uint32Array, words: number, count: number): Uint32Array {
  const index = new Uint32Array(65_537);
  let head = 0;
  for (let i = 0; i < count; i++) {
    const own = from[i * words]! >>> 16;
    while (head <= own) index[head++] = i;
  }
  while (head <= 65_536) index[head++] = count;
  return index;
}

/** Is the address at `b` in the network that begins at `a`? */
function holds(network: Uint32Array, bits: number, a: number, address: Uint32Array, b: number): boolean {
  let left = bits;
  for (let w = 0; left > 0; w++, left -= 32) {
    const differ = network[a + w]! ^ address[b + w]!;
    if (left >= 32 ? differ !== 0 : (differ >>> (32 - left)) !== 0) return false;
  }
  return true;
}

function grown<T extends Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
