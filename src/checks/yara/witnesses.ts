/**
 * Says of a file, in one pass over its bytes, whether any rule may match it: the engine takes some fifteen milliseconds for each file
 * however small, and hardly any file holds what even one rule asks for.
 */
import { needsOf, type Literal, type Need } from './need.ts';
import { literalLeast } from './string-need.ts';

/** Bytes compared for each byte of a file, before the engine is asked instead. */
const workMost = 40;

type Numbered = Exclude<Need, { kind: 'literal' | 'all' | 'least' }> | { kind: 'literal'; id: number } | { kind: 'all'; of: Numbered[] } | { kind: 'least'; number: number; of: Numbered[] };

const fold = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
const slotOf = (three: number): number => Math.imul(three, 0x9e3779b1) >>> 16;

export class Witnesses {
  /** Some rule may match any file: there is nothing to be gained. */
  readonly always: boolean;
  readonly #rules: Numbered[] = [];
  readonly #literals: Literal[] = [];
  /** Where in each literal its three telling bytes stand. */
  readonly #offsets: number[] = [];
  /** By three bytes in lower case, hashed: 0 for no literal, else the number of its list. */
  readonly #slots = new Uint16Array(65_536);
  readonly #lists: number[][] = [[]];

  constructor(sources: readonly string[]) {
    const needs = sources.flatMap(needsOf);
    this.always = needs.some(({ kind }) => kind === 'any');
    if (this.always) return;
    const ids = new Map<string, number>();
    this.#rules = needs.map((need) => this.#numbered(need, ids));
  }

  mayMatch(bytes: Buffer): boolean {
    if (this.always) return true;
    const found = this.#search(bytes);
    return found === undefined || this.#rules.some((rule) => holds(rule, bytes, found));
  }

  #numbered(need: Need, ids: Map<string, number>): Numbered {
    switch (need.kind) {
      case 'literal': {
        const key = `${need.literal.fold}${need.literal.bytes.toString('latin1')}`;
        const id = ids.get(key) ?? this.#add(need.literal);
        ids.set(key, id);
        return { kind: 'literal', id };
      }
      case 'all': return { kind: 'all', of: need.of.map((one) => this.#numbered(one, ids)) };
      case 'least': return { kind: 'least', number: need.number, of: need.of.map((one) => this.#numbered(one, ids)) };
      default: return need;
    }
  }

  #add(literal: Literal): number {
    const id = this.#literals.push(literal) - 1;
    const offset = telling(literal.bytes);
    this.#offsets.push(offset);
    const [a, b, c] = literal.bytes.subarray(offset, offset + literalLeast).map((byte) => fold[byte]!);
    const slot = slotOf(a! | (b! << 8) | (c! << 16));
    const list = this.#lists[this.#slots[slot]!]!;
    // Lists are as many as slots at most, so their numbers fit.
    if (this.#slots[slot] === 0) this.#slots[slot] = this.#lists.push([id]) - 1;
    else list.push(id);
    return id;
  }

  /** Which literals are there; undefined when it would take too long. */
  #search(bytes: Buffer): Uint8Array | undefined {
    const found = new Uint8Array(this.#literals.length);
    const slots = this.#slots;
    let work = bytes.length * workMost + 4096;
    let three = bytes.length < literalLeast ? 0 : (fold[bytes[0]!]! << 8) | (fold[bytes[1]!]! << 16);
    for (let i = 2; i < bytes.length; i++) {
      three = (three >>> 8) | (fold[bytes[i]!]! << 16);
      const list = slots[Math.imul(three, 0x9e3779b1) >>> 16]!;
      if (list === 0) continue;
      for (const id of this.#lists[list]!) {
        if ((work -= 4) < 0) return undefined;
        if (found[id] === 1) continue;
        const { bytes: wanted, fold: anyCase } = this.#literals[id]!;
        const from = i - 2 - this.#offsets[id]!;
        if (from < 0 || from + wanted.length > bytes.length) continue;
        let n = 0;
        while (n < wanted.length && (anyCase ? fold[bytes[from + n]!]! : bytes[from + n]!) === wanted[n]) n++;
        work -= n;
        if (n === wanted.length) found[id] = 1;
      }
    }
    return found;
  }
}

function holds(need: Numbered, bytes: Buffer, found: Uint8Array): boolean {
  switch (need.kind) {
    case 'any': return true;
    case 'literal': return found[need.id] === 1;
    case 'all': return need.of.every((one) => holds(one, bytes, found));
    case 'least': { let left = need.number; return need.of.some((one) => holds(one, bytes, found) && --left === 0); }
    case 'below': return bytes.length < need.size;
    case 'begins': return bytes.subarray(0, need.bytes.length).equals(need.bytes);
  }
}

/** The three bytes of a literal that are least common in files. */
function telling(bytes: Buffer): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at + literalLeast <= bytes.length; at++) {
    const sum = commonness(bytes[at]!) + commonness(bytes[at + 1]!) + commonness(bytes[at + 2]!);
    if (sum < least) { least = sum; best = at; }
  }
  return best;
}

function commonness(byte: number): number {
  if (byte === 0) return 30;
  if (byte === 32 || byte === 255) return 12;
  const char = String.fromCharCode(byte).toLowerCase();
  return 'etaoinsr'.includes(char) ? 10 : char >= 'a' && char <= 'z' ? 6 : char >= '0' && char <= '9' ? 5 : 2;
}
