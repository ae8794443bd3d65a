/**
 * Says of a file, in one pass over its bytes, whether any rule may match it: the engine takes some fifteen milliseconds for each file
 * however small, and hardly any file holds what even one rule asks for.
 */
import { needsOf, type Literal, type Need } from './need.ts';
import { literalMost } from './string-need.ts';

/** Bytes compared for each byte of a file, before the engine is asked instead. */
const workMost = 40;

type Numbered = Exclude<Need, { kind: 'literal' | 'all' | 'least' }> | { kind: 'literal'; id: number } | { kind: 'all'; of: Numbered[] } | { kind: 'least'; number: number; of: Numbered[] };

const fold = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
/** A pair of bytes as one number, in the order of this processor. */
const pairs = (bytes: Buffer): Uint16Array => new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
const offsetBits = Math.ceil(Math.log2(literalMost));

export class Witnesses {
  /** Some rule may match any file: there is nothing to be gained. */
  readonly always: boolean;
  readonly #rules: Numbered[] = [];
  readonly #literals: Literal[] = [];
  /** By two bytes: 0 for no literal, else the number of its list. */
  readonly #slots = new Uint16Array(65_536);
  /** Literals that hold such a pair, and where in them: a pair of bytes of the file is looked at only every other byte, so each literal is here twice. */
  readonly #lists: number[][] = [[]];

  constructor(sources: readonly string[]) {
    const needs = sources.flatMap(needsOf);
    this.always = needs.some(({ kind }) => kind === 'any');
    if (this.always) return;
    const ids = new Map<string, number>();
    this.#rules = needs.map((need) => this.#numbered(need, ids));
  }

  /** By its size and first bytes alone (four of them or more): most large files are settled by these. */
  isWorth(head: Buffer, size: number): boolean { return this.always || this.#rules.some((rule) => holds(rule, head, size, undefined)); }

  mayMatch(bytes: Buffer): boolean {
    if (this.always) return true;
    if (!this.isWorth(bytes, bytes.length)) return false;
    const found = this.#search(bytes);
    return found === undefined || this.#rules.some((rule) => holds(rule, bytes, bytes.length, found));
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
    for (const parity of [0, 1]) {
      const offset = telling(literal.bytes, parity);
      for (const pair of inCases(literal, offset)) {
        const slot = pairs(pair)[0]!;
        const list = this.#lists[this.#slots[slot]!]!;
        const entry = (id << offsetBits) | offset;
        // A file of rules is far from having as many strings.
        if (this.#slots[slot] === 0) this.#slots[slot] = this.#lists.push([entry]) - 1;
        else list.push(entry);
      }
    }
    return id;
  }

  /** Which literals are there; undefined when it would take too long. */
  #search(given: Buffer): Uint8Array | undefined {
    const bytes = given.byteOffset % 2 === 0 ? given : copyOf(given);
    const found = new Uint8Array(this.#literals.length);
    const slots = this.#slots;
    const two = pairs(bytes);
    let work = bytes.length * workMost + 4096;
    for (let i = 0; i < two.length; i++) {
      const list = slots[two[i]!]!;
      if (list === 0) continue;
      for (const entry of this.#lists[list]!) {
        work -= 4;
        const id = entry >> offsetBits;
        if (found[id] === 1) continue;
        const { bytes: wanted, fold: anyCase } = this.#literals[id]!;
        const from = i * 2 - (entry & (literalMost - 1));
        if (from < 0 || from + wanted.length > bytes.length) continue;
        let n = 0;
        while (n < wanted.length && (anyCase ? fold[bytes[from + n]!]! : bytes[from + n]!) === wanted[n]) n++;
        work -= n;
        if (n === wanted.length) found[id] = 1;
      }
      if (work < 0) return undefined;
    }
    return found;
  }
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

/** The pair at an offset of a literal, in every way it may be written. */
function inCases({ bytes, fold: anyCase }: Literal, offset: number): Buffer[] {
  const ways = [...bytes.subarray(offset, offset + 2)].map((byte) => (anyCase && byte >= 97 && byte <= 122 ? [byte, byte - 32] : [byte]));
  return ways[0]!.flatMap((first) => ways[1]!.map((second) => copyOf(Buffer.from([first, second]))));
}

/** `found` undefined: as if every literal were there. */
function holds(need: Numbered, head: Buffer, size: number, found: Uint8Array | undefined): boolean {
  switch (need.kind) {
    case 'any': return true;
    case 'literal': return found === undefined || found[need.id] === 1;
    case 'all': return need.of.every((one) => holds(one, head, size, found));
    case 'least': { let left = need.number; return need.of.some((one) => holds(one, head, size, found) && --left === 0); }
    case 'below': return size < need.size;
    case 'begins': return head.subarray(0, need.bytes.length).equals(need.bytes);
  }
}

/** Where the pair begins, at an even offset or an odd one, that is least common in files. */
function telling(bytes: Buffer, parity: number): number {
  let best = parity;
  let least = Number.POSITIVE_INFINITY;
  for (let at = parity; at + 2 <= bytes.length; at += 2) {
    const sum = commonness(bytes[at]!) + commonness(bytes[at + 1]!);
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
