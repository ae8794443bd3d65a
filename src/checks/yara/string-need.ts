/** The bytes that must be there for a YARA string to match: a text whole, of patterns the parts that stand fast. */
import { all, any, least, type Need } from './need.ts';

/** Shorter parts stand in every file. */
const literalLeast = 3;
/** Of longer ones the beginning counts. A power of two. */
export const literalMost = 64;

function literal(bytes: readonly number[] | Buffer, fold: boolean): Need {
  if (bytes.length < literalLeast) return any;
  const cut = Buffer.from(bytes.slice(0, literalMost));
  if (fold) for (let i = 0; i < cut.length; i++) if (cut[i]! >= 65 && cut[i]! <= 90) cut[i]! += 32;
  return { kind: 'literal', literal: { bytes: cut, fold } };
}

export function textNeed(bytes: Buffer, { fold, wide, ascii }: { fold: boolean; wide: boolean; ascii: boolean }): Need {
  return least(1, [...(ascii ? [literal(bytes, fold)] : []), ...(wide ? [literal([...bytes].flatMap((byte) => [byte, 0]), fold)] : [])]);
}

/** `text` stands between the braces: bytes in a row count, alternatives and gaps part them. */
export function hexNeed(text: string): Need {
  const needs: Need[] = [];
  let run: number[] = [];
  const flush = (): void => { needs.push(literal(run, false)); run = []; };
  let depth = 0;
  for (const [part] of text.matchAll(/[0-9A-Fa-f?~]+|\[[^\]]*\]|[^\s]/g)) {
    if (part === '(') depth++;
    else if (part === ')') depth--;
    if (depth > 0 || !/^(?:[0-9A-Fa-f]{2})+$/.test(part)) { flush(); continue; }
    run.push(...Buffer.from(part, 'hex'));
  }
  flush();
  return all(needs);
}

/** `text` stands between the slashes. What is not understood makes no demand. */
export function regexNeed(text: string, fold: boolean): Need {
  const reader = new Reader(text, fold);
  const need = reader.alternatives(0);
  return reader.ended ? need : any;
}

const depthMax = 50;
const controls: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11, a: 7 };

/** An atom: one byte, something else, nothing at all (an anchor), or a group with its need. */
type Atom = { kind: 'byte'; byte: number } | { kind: 'other' } | { kind: 'nothing' } | { kind: 'group'; need: Need };

class Reader {
  readonly #text: string;
  readonly #fold: boolean;
  #at = 0;

  constructor(text: string, fold: boolean) {
    this.#text = text;
    this.#fold = fold;
  }

  get ended(): boolean { return this.#at === this.#text.length; }

  alternatives(depth: number): Need {
    const branches = [this.#sequence(depth)];
    while (this.#text[this.#at] === '|') { this.#at++; branches.push(this.#sequence(depth)); }
    return least(1, branches);
  }

  #sequence(depth: number): Need {
    const needs: Need[] = [];
    let run: number[] = [];
    const flush = (): void => { needs.push(literal(run, this.#fold)); run = []; };
    while (this.#at < this.#text.length && this.#text[this.#at] !== '|' && this.#text[this.#at] !== ')') {
      const atom = this.#atom(depth);
      const times = this.#times();
      if (atom.kind === 'nothing') continue;
      if (atom.kind === 'byte' && times === undefined) { run.push(atom.byte); continue; }
      if (atom.kind === 'byte' && times! > 0) run.push(atom.byte);
      flush();
      if (atom.kind === 'group' && (times ?? 1) > 0) needs.push(atom.need);
    }
    flush();
    return all(needs);
  }

  #atom(depth: number): Atom {
    const char = this.#text[this.#at++]!;
    switch (char) {
      case '^': case '$': return { kind: 'nothing' };
      case '.': return { kind: 'other' };
      case '[': this.#class(); return { kind: 'other' };
      case '\\': return this.#escape();
      case '(': {
        // Flags within would change what follows: no demand at all.
        if (this.#text[this.#at] === '?' && !this.#text.startsWith('?:', this.#at)) { this.#at = Number.POSITIVE_INFINITY; return { kind: 'other' }; }
        if (this.#text.startsWith('?:', this.#at)) this.#at += 2;
        if (depth >= depthMax) { this.#at = Number.POSITIVE_INFINITY; return { kind: 'other' }; }
        const need = this.alternatives(depth + 1);
        this.#at++; // the bracket; past the end when there is none, and then nothing is demanded
        return { kind: 'group', need };
      }
      default: {
        const code = char.charCodeAt(0);
        return code < 128 ? { kind: 'byte', byte: code } : { kind: 'other' };
      }
    }
  }

  #escape(): Atom {
    const char = this.#text[this.#at++] ?? '';
    if (char === 'x') {
      const byte = Number.parseInt(this.#text.slice(this.#at, this.#at + 2), 16);
      this.#at += 2;
      return Number.isNaN(byte) ? { kind: 'other' } : { kind: 'byte', byte };
    }
    if (char === 'b' || char === 'B') return { kind: 'nothing' };
    const control = controls[char];
    if (control !== undefined) return { kind: 'byte', byte: control };
    return /[^A-Za-z0-9\u0080-\uffff]/.test(char) ? { kind: 'byte', byte: char.charCodeAt(0) } : { kind: 'other' };
  }

  #class(): void {
    if (this.#text[this.#at] === '^') this.#at++;
    if (this.#text[this.#at] === ']') this.#at++;
    for (; this.#at < this.#text.length && this.#text[this.#at] !== ']'; this.#at++) if (this.#text[this.#at] === '\\') this.#at++;
    this.#at++;
  }

  /** How often the atom before stands there at least; undefined for exactly once. */
  #times(): number | undefined {
    const found = /^(?:[?*]|\+|\{(\d*)(?:,\d*)?\})\??/.exec(this.#text.slice(this.#at, this.#at + 24));
    if (!found) return undefined;
    this.#at += found[0].length;
    return found[0][0] === '+' ? 1 : found[0][0] === '{' ? Number(found[1]) : 0;
  }
}
