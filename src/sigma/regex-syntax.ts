/**
 * Regular expressions of rules, parsed into a small tree. The tree fixes one meaning for every engine that may
 * run the pattern: classes are ASCII, `.` is anything but \n (with `s` anything), `$` is the end of the text
 * (with `m` also before \n), case folding is written into the character sets. What is not listed here is refused.
 */
import { Refusal, show } from './error.ts';

/** Sorted, disjoint ranges of code points, both ends included. */
export type CharSet = readonly (readonly [number, number])[];

export type Regex =
  | { t: 'set'; set: CharSet }
  /** A Unicode property class such as \p{L}; handled as "could be anything" by the analyses. */
  | { t: 'property'; name: string; negate: boolean }
  | { t: 'cat'; items: Regex[] }
  | { t: 'alt'; items: Regex[] }
  | { t: 'repeat'; item: Regex; min: number; max: number }
  | { t: 'assert'; kind: 'start' | 'end' | 'line-start' | 'line-end' | 'word' | 'not-word' }
  | { t: 'look'; behind: boolean; negate: boolean; item: Regex };

export interface RegexFlags { i: boolean; m: boolean; s: boolean }

const maxPoint = 0x10ffff;
const regexLimits = { chars: 8192, depth: 64, repeat: 10_000 } as const;

const range = (lo: number, hi: number): CharSet => [[lo, hi]];
const digit = range(48, 57);
const space: CharSet = [[9, 13], [32, 32]];
const word: CharSet = [[48, 57], [65, 90], [95, 95], [97, 122]];
const horizontal: CharSet = [[9, 9], [32, 32]];
const posix: Record<string, CharSet> = {
  alnum: [[48, 57], [65, 90], [97, 122]], alpha: [[65, 90], [97, 122]], blank: horizontal, cntrl: [[0, 31], [127, 127]], digit,
  graph: range(33, 126), lower: range(97, 122), print: range(32, 126), punct: [[33, 47], [58, 64], [91, 96], [123, 126]], space,
  upper: range(65, 90), word, xdigit: [[48, 57], [65, 70], [97, 102]],
};

export function union(...sets: CharSet[]): CharSet {
  const all = sets.flat().map(([lo, hi]): [number, number] => [lo, hi]).sort((a, b) => a[0] - b[0]);
  const out: [number, number][] = [];
  for (const [lo, hi] of all) {
    const last = out.at(-1);
    if (last && lo <= last[1] + 1) last[1] = Math.max(last[1], hi);
    else out.push([lo, hi]);
  }
  return out;
}

function complement(set: CharSet): CharSet {
  const out: [number, number][] = [];
  let from = 0;
  for (const [lo, hi] of set) { if (lo > from) out.push([from, lo - 1]); from = hi + 1; }
  if (from <= maxPoint) out.push([from, maxPoint]);
  return out;
}

export function disjoint(a: CharSet, b: CharSet): boolean {
  return !a.some(([lo, hi]) => b.some(([lo2, hi2]) => lo <= hi2 && lo2 <= hi));
}

/** The set with the upper- and lower-case forms of its members. Ranges of more than 4,096 keep themselves only. */
function closeCase(set: CharSet): CharSet {
  const extra: [number, number][] = [];
  for (const [lo, hi] of set) {
    if (hi - lo > 4096) { extra.push([65, 90], [97, 122]); continue; }
    for (let point = lo; point <= hi; point++) {
      const char = String.fromCodePoint(point);
      for (const other of [char.toLowerCase(), char.toUpperCase(), char.toUpperCase().toLowerCase()]) {
        const code = other.codePointAt(0)!;
        if (code !== point && other.length === (code > 0xffff ? 2 : 1)) extra.push([code, code]);
      }
    }
  }
  return union(set, extra);
}

export function parseRegex(source: string, flags: RegexFlags): Regex {
  if (source.length > regexLimits.chars) throw new Refusal('regex', `expected a regex of at most ${regexLimits.chars} characters, got ${source.length}`);
  return new RegexParser(source, flags).parse();
}

class RegexParser {
  private at = 0;
  private flags: RegexFlags;
  private readonly chars: string[];

  constructor(source: string, flags: RegexFlags) { this.chars = Array.from(source); this.flags = { ...flags }; }

  parse(): Regex {
    const tree = this.alternatives(0);
    if (this.at < this.chars.length) this.fail('expected the regex to end', this.chars[this.at]);
    return tree;
  }

  private fail(expected: string, got?: string): never {
    throw new Refusal('regex', `${expected}, got ${got === undefined ? 'the end' : show(got)} at character ${this.at + 1} of the regex`);
  }

  private eat(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.chars[this.at + i] !== text[i]) return false;
    this.at += text.length;
    return true;
  }

  private alternatives(depth: number): Regex {
    if (depth > regexLimits.depth) this.fail(`expected at most ${regexLimits.depth} nested groups`, '(');
    const outer = { ...this.flags }; // an inline flag holds to the end of its group, across |
    const items = [this.sequence(depth)];
    while (this.eat('|')) items.push(this.sequence(depth));
    this.flags = outer;
    return items.length === 1 ? items[0]! : { t: 'alt', items };
  }

  private sequence(depth: number): Regex {
    const items: Regex[] = [];
    while (this.at < this.chars.length && this.chars[this.at] !== '|' && this.chars[this.at] !== ')') {
      const atom = this.atom(depth);
      if (atom) items.push(this.quantified(atom));
    }
    return items.length === 1 ? items[0]! : { t: 'cat', items };
  }

  private quantified(atom: Regex): Regex {
    let item = atom;
    for (let count = 0; ; count++) {
      const bounds = this.quantifier();
      if (!bounds) return item;
      if (count > 0) this.fail('expected one quantifier', this.chars[this.at - 1]);
      if (this.chars[this.at] === '+') this.fail('expected a plain quantifier (possessive ones cannot run in linear time)', '+');
      this.eat('?'); // lazy: the same texts match
      // What takes no characters is asked once, or (zero times allowed) not at all.
      if (item.t === 'assert' || item.t === 'look') item = bounds[0] === 0 ? { t: 'cat', items: [] } : item;
      else item = { t: 'repeat', item, min: bounds[0], max: bounds[1] };
    }
  }

  private quantifier(): [number, number] | undefined {
    if (this.eat('*')) return [0, Infinity];
    if (this.eat('+')) return [1, Infinity];
    if (this.eat('?')) return [0, 1];
    if (this.chars[this.at] !== '{') return undefined;
    const match = /^\{(\d{0,6})(,?)(\d{0,6})\}/.exec(this.chars.slice(this.at, this.at + 16).join(''));
    // As in PCRE a brace that is no quantifier is a literal brace.
    if (!match || (match[1] === '' && match[3] === '')) return undefined;
    this.at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === '' ? min : match[3] === '' ? Infinity : Number(match[3]);
    if (min > max || min > regexLimits.repeat || (max !== Infinity && max > regexLimits.repeat)) this.fail(`expected repeat counts in order and at most ${regexLimits.repeat}`, match[0]);
    return [min, max];
  }

  private atom(depth: number): Regex | undefined {
    const char = this.chars[this.at]!;
    switch (char) {
      case '(': return this.group(depth);
      case '[': return this.charClass();
      case '.': this.at++; return { t: 'set', set: this.flags.s ? range(0, maxPoint) : complement(range(10, 10)) };
      case '^': this.at++; return { t: 'assert', kind: this.flags.m ? 'line-start' : 'start' };
      case '$': this.at++; return { t: 'assert', kind: this.flags.m ? 'line-end' : 'end' };
      case '*': case '+': case '?': return this.fail('expected something to repeat before the quantifier', char);
      case '\\': return this.escape();
      default: this.at++; return this.literal(char.codePointAt(0)!);
    }
  }

  private literal(point: number): Regex { return this.set(range(point, point)); }
  private set(set: CharSet): Regex { return { t: 'set', set: this.flags.i ? closeCase(set) : set }; }

  private group(depth: number): Regex | undefined {
    this.at++;
    let look: { behind: boolean; negate: boolean } | undefined;
    const outer = { ...this.flags };
    if (this.eat('?')) {
      if (this.eat('=')) look = { behind: false, negate: false };
      else if (this.eat('!')) look = { behind: false, negate: true };
      else if (this.eat('<=')) look = { behind: true, negate: false };
      else if (this.eat('<!')) look = { behind: true, negate: true };
      else if (this.chars[this.at] === '#') {
        while (this.at < this.chars.length && this.chars[this.at] !== ')') this.at++;
        if (!this.eat(')')) this.fail('expected ) after a comment');
        return undefined;
      } else if (this.chars[this.at] === '>') this.fail('expected a plain group (atomic ones cannot run in linear time)', '(?>');
      else if (this.eat('P<') || this.eat('<')) {
        while (/^\w$/.test(this.chars[this.at] ?? '')) this.at++;
        if (!this.eat('>')) this.fail('expected a group name and >', this.chars[this.at]);
      } else if (!this.eat(':') && this.inlineFlags()) return undefined; // (?i) holds for the rest of the group
    }
    const item = this.alternatives(depth + 1);
    if (!this.eat(')')) this.fail('expected )', this.chars[this.at]);
    this.flags = outer;
    return look ? { t: 'look', ...look, item } : item;
  }

  /** After `(?`: reads flags up to `)` (true) or `:` (false). */
  private inlineFlags(): boolean {
    let on = true;
    for (; ;) {
      const char = this.chars[this.at++];
      switch (char) {
        case 'i': case 'm': case 's': this.flags[char] = on; break;
        case 'U': break; // swaps greedy and lazy: the same texts match
        case '-': on = false; break;
        case ')': return true;
        case ':': return false;
        default: this.at--; return this.fail('expected a group with flags i, m, s or a look-around', char);
      }
    }
  }

  private escape(): Regex {
    this.at++;
    const char = this.chars[this.at++];
    switch (char) {
      case undefined: return this.fail('expected a character after \\');
      case 'b': return { t: 'assert', kind: 'word' };
      case 'B': return { t: 'assert', kind: 'not-word' };
      case 'A': return { t: 'assert', kind: 'start' };
      case 'z': case 'Z': return { t: 'assert', kind: 'end' };
      case 'p': case 'P': return this.property(char === 'P');
      case 'R': return { t: 'alt', items: [{ t: 'cat', items: [this.literal(13), this.literal(10)] }, { t: 'set', set: [[10, 13], [0x85, 0x85], [0x2028, 0x2029]] }] };
      case 'Q': {
        const items: Regex[] = [];
        while (this.at < this.chars.length && !this.eat('\\E')) items.push(this.literal(this.chars[this.at++]!.codePointAt(0)!));
        return { t: 'cat', items };
      }
      default: {
        const set = this.escapedSet(char);
        return this.set(set);
      }
    }
  }

  /** The characters that an escape means, inside or outside a class. */
  private escapedSet(char: string): CharSet {
    switch (char) {
      case 'd': return digit;
      case 'D': return complement(digit);
      case 's': return space;
      case 'S': return complement(space);
      case 'w': return word;
      case 'W': return complement(word);
      case 'h': return horizontal;
      case 'H': return complement(horizontal);
      case 'v': return range(11, 11);
      case 't': return range(9, 9);
      case 'n': return range(10, 10);
      case 'r': return range(13, 13);
      case 'f': return range(12, 12);
      case 'a': return range(7, 7);
      case 'e': return range(27, 27);
      case '0': return range(0, 0);
      case 'x': {
        const rest = this.chars.slice(this.at, this.at + 10).join('');
        const match = /^(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{1,2}))/.exec(rest);
        if (!match) return this.fail('expected hexadecimal digits after \\x', this.chars[this.at]);
        return this.point(match);
      }
      case 'u': {
        const match = /^(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4}))/.exec(this.chars.slice(this.at, this.at + 10).join(''));
        if (!match) return this.fail('expected four hexadecimal digits after \\u', this.chars[this.at]);
        return this.point(match);
      }
      default:
        if (/^[1-9]$/.test(char)) return this.fail('expected no back-reference (they cannot run in linear time)', `\\${char}`);
        if (/^[A-Za-z]$/.test(char)) return this.fail('expected a known escape', `\\${char}`);
        return range(char.codePointAt(0)!, char.codePointAt(0)!);
    }
  }

  private point(match: RegExpExecArray): CharSet {
    const point = Number.parseInt(match[1] ?? match[2]!, 16);
    if (point > maxPoint || (point >= 0xd800 && point <= 0xdfff)) return this.fail('expected a Unicode character', match[0]);
    this.at += match[0].length;
    return range(point, point);
  }

  private property(negate: boolean): Regex {
    const match = /^(?:\{(\^?)([A-Z][a-z]?)\}|([A-Z]))/.exec(this.chars.slice(this.at, this.at + 8).join(''));
    const name = match?.[2] ?? match?.[3];
    if (!match || !name || !/^(?:L[ulmot]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfo]?)$/.test(name)) return this.fail('expected a general category such as \\p{L}', this.chars[this.at]);
    this.at += match[0].length;
    return { t: 'property', name, negate: negate !== (match[1] === '^') };
  }

  private charClass(): Regex {
    this.at++;
    const negate = this.eat('^');
    const parts: CharSet[] = [];
    for (let first = true; ; first = false) {
      const char = this.chars[this.at];
      if (char === undefined) this.fail('expected ] after a character class');
      if (char === ']' && !first) { this.at++; break; }
      const lo = this.classItem();
      const single = lo.length === 1 && lo[0]![0] === lo[0]![1];
      if (this.chars[this.at] === '-' && this.chars[this.at + 1] !== ']' && this.chars[this.at + 1] !== undefined) {
        this.at++;
        const hi = this.classItem();
        if (!single || hi.length !== 1 || hi[0]![0] !== hi[0]![1]) { parts.push(lo, range(45, 45), hi); continue; }
        if (hi[0]![0] < lo[0]![0]) this.fail('expected a range in order', this.chars[this.at - 1]);
        parts.push(range(lo[0]![0], hi[0]![0]));
      } else parts.push(lo);
    }
    const set = union(...parts);
    const closed = this.flags.i ? closeCase(set) : set;
    return { t: 'set', set: negate ? complement(closed) : closed };
  }

  private classItem(): CharSet {
    const named = /^\[:(\^?)([a-z]+):\]/.exec(this.chars.slice(this.at, this.at + 16).join(''));
    if (named) {
      const set = posix[named[2]!];
      if (!set) this.fail('expected a POSIX class such as [:alpha:]', named[0]);
      this.at += named[0].length;
      return named[1] ? complement(set) : set;
    }
    const char = this.chars[this.at++]!;
    if (char !== '\\') return range(char.codePointAt(0)!, char.codePointAt(0)!);
    const escaped = this.chars[this.at++];
    if (escaped === undefined) return this.fail('expected a character after \\');
    if (escaped === 'b') return range(8, 8);
    if (escaped === 'p' || escaped === 'P') return this.fail('expected \\p outside a character class', `\\${escaped}`);
    return this.escapedSet(escaped);
  }
}
