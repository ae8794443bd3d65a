/**
 * Running the regexes of rules, which nobody vetted, over texts that an attacker writes.
 *
 * V8's engine backtracks: it is the fastest on friendly patterns and can take exponential time on others. re2js is
 * linear always and slower. So a pattern runs on V8 only when `cost` proves a bound, else on re2js; a pattern that
 * neither can run (look-around that is not proven, more repeats than re2js takes) is refused.
 *
 * The proof is our own and not the `recheck` package's: recheck takes 10–230 ms for a pattern and 100 ms and 60 MB
 * to load, which 3,700 rules at start cannot pay, and "safe" there only means that its search found no attack. Ours
 * is conservative: whatever it does not understand goes to re2js, which costs little because a mandatory literal of
 * the pattern is looked for first (witness.ts).
 */
import { RE2JS } from 're2js';
import { Refusal } from './error.ts';
import { fold } from './pattern.ts';
import { type CharSet, disjoint, parseRegex, type Regex, type RegexFlags, union } from './regex-syntax.ts';

export interface Matcher { test(text: string): boolean }

export interface CompiledRegex {
  engine: 'v8' | 're2';
  /** Bounded time a character of text, whatever the text. */
  matcher: Matcher;
  /** Folded texts of which at least one stands in every folded text that matches; undefined when none is known. */
  literals: string[] | undefined;
}

/** What is found out about a pattern before it can run, as data: finding it out is most of what reading a rule costs. */
export interface RegexPlan {
  engine: 'v8' | 're2';
  /** The pattern in the dialect of its engine. */
  pattern: string;
  /** Characters that a match has at least. */
  least: number;
  literals?: string[];
}

const cache = new Map<string, CompiledRegex>();

/** Names a pattern with its flags. */
export const regexKey = (source: string, flags: RegexFlags): string => `${flags.i ? 'i' : ''}${flags.m ? 'm' : ''}${flags.s ? 's' : ''}/${source}`;

/** `known`: plans that `planRegex` made, by `regexKey`. Throws Refusal 'regex'. */
export function compileRegex(source: string, flags: RegexFlags, known?: ReadonlyMap<string, RegexPlan>): CompiledRegex {
  const key = regexKey(source, flags);
  const before = cache.get(key);
  if (before) return before;
  const { engine, pattern, least, literals } = known?.get(key) ?? planRegex(source, flags);
  const compiled: CompiledRegex = { engine, matcher: fromLength(least, engine === 'v8' ? new RegExp(pattern, 'u') : linear(pattern)), literals };
  if (cache.size > 5000) cache.clear();
  cache.set(key, compiled);
  return compiled;
}

/** Throws Refusal 'regex'. */
export function planRegex(source: string, flags: RegexFlags): RegexPlan {
  const tree = parseRegex(source, flags);
  const literals = witnesses(tree);
  const found = { least: shortest(tree), ...(literals && { literals }) };
  return runsOnV8(tree) ? { engine: 'v8', pattern: print(tree, v8), ...found } : { engine: 're2', pattern: linearPattern(tree), ...found };
}

/** Patterns that ask for long texts (`.{1000}`) need not look at short ones. */
const fromLength = (least: number, matcher: Matcher): Matcher => least < 16 ? matcher : { test: (text) => text.length >= least && matcher.test(text) };

/** Characters that a match has at least. */
function shortest(node: Regex): number {
  switch (node.t) {
    case 'cat': return node.items.reduce((sum, item) => sum + shortest(item), 0);
    case 'alt': return node.items.length === 0 ? 0 : Math.min(...node.items.map(shortest));
    case 'repeat': return node.min * shortest(node.item);
    case 'set': case 'property': return 1;
    default: return 0;
  }
}

/** The same pattern on the linear engine, whatever the proof says: the reference for tests. Throws Refusal. */
export const compileLinear = (source: string, flags: RegexFlags): Matcher => linear(linearPattern(parseRegex(source, flags)));

function linearPattern(tree: Regex): string {
  if (has(tree, (node) => node.t === 'look')) throw new Refusal('regex', 'expected a regex that can run in linear time, got look-around beside unbounded or ambiguous repeats');
  if (size(tree) > 20_000) throw new Refusal('regex', 'expected a regex of bounded size, got nested repeats that unfold to more than 20,000 steps');
  const pattern = print(tree, re2);
  // Compiling hundreds of patterns only to see that it works is an eighth of the start of an agent.
  if (!surelyTaken(tree)) {
    try {
      RE2JS.compile(pattern);
    } catch (error) {
      throw new Refusal('regex', `expected a regex that can run in linear time, got ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return pattern;
}

/** Compiled when it is asked: the programs take some fifty kilobytes each, and few rules ever are. */
function linear(pattern: string): Matcher {
  let made: RE2JS | undefined;
  return { test: (text) => (made ??= RE2JS.compile(pattern)).test(text) };
}

/**
 * What re2js takes without being asked. It refuses repeats of more than 1,000 (nested ones multiplied), names of properties it does not
 * know, and patterns that are too deep or too large; far below those bounds nothing is left that our own printing could make wrong.
 */
const surelyTaken = (tree: Regex): boolean => !has(tree, (node) => node.t === 'property') && repeats(tree) <= 500 && size(tree) <= 1000;

/** The most that nested counted repeats multiply to. */
function repeats(node: Regex): number {
  switch (node.t) {
    case 'cat': case 'alt': return Math.max(1, ...node.items.map(repeats));
    case 'repeat': return (node.max === Infinity ? Math.max(node.min, 1) : Math.max(node.max, 1)) * repeats(node.item);
    case 'look': return repeats(node.item);
    default: return 1;
  }
}

function has(node: Regex, is: (node: Regex) => boolean): boolean {
  if (is(node)) return true;
  switch (node.t) {
    case 'cat': case 'alt': return node.items.some((item) => has(item, is));
    case 'repeat': case 'look': return has(node.item, is);
    default: return false;
  }
}

function size(node: Regex): number {
  switch (node.t) {
    case 'cat': case 'alt': return node.items.reduce((sum, item) => sum + size(item), 1);
    case 'repeat': return (node.max === Infinity ? Math.max(node.min, 1) + 1 : Math.max(node.max, 1)) * size(node.item);
    case 'look': return 1 + size(node.item);
    default: return 1;
  }
}

// ---- the proof -------------------------------------------------------------------------------------------------

/** What can stand next to a place: characters, or `any` when nothing is known. */
type Around = CharSet | 'any';
/** Tries at one starting point, times characters looked at, that V8 may be given. */
const budget = 100;

/**
 * Proves that the pattern costs V8 at most about `budget` steps a starting point, plus one walk of the text.
 * Bounded repeats multiply the tries. An unbounded repeat is taken only where it cannot be left or entered at
 * several places: it repeats one character set, the next character is not of that set (so no backtracking into
 * it helps), and the character before it is not of that set or it starts the text (so no two starting points
 * walk the same run).
 */
function runsOnV8(tree: Regex): boolean {
  const tries = countTries(tree, 'any', []);
  return tries * longest(tree) <= budget;
}

function countTries(node: Regex, before: Around, after: Around): number {
  switch (node.t) {
    case 'set': case 'property': case 'assert': return 1;
    case 'look': return countTries(node.item, 'any', 'any') * 2;
    case 'alt': return node.items.reduce((sum, item) => sum + countTries(item, before, after), 0);
    case 'cat': {
      let tries = 1;
      for (let i = 0; i < node.items.length; i++) {
        tries *= countTries(node.items[i]!, edge(node.items.slice(0, i).reverse(), 'last', before), edge(node.items.slice(i + 1), 'first', after));
      }
      return tries;
    }
    case 'repeat': {
      const { item, min, max } = node;
      if (max === 0) return 1;
      const single = item.t === 'set' ? item.set : undefined;
      if (single && after !== 'any' && disjoint(single, after) && (max !== Infinity || (before !== 'any' && disjoint(single, before)))) return 1;
      if (max === Infinity) return Infinity;
      const inner = countTries(item, joined(before, edge([item], 'last', [])), joined(after, edge([item], 'first', [])));
      return (max - min + 1) * inner ** max;
    }
    default: return node satisfies never;
  }
}

const joined = (a: Around, b: Around): Around => a === 'any' || b === 'any' ? 'any' : union(a, b);

/** The characters that can stand at the near edge of a sequence (given nearest first), up to `beyond` when all of it may be empty. */
function edge(items: readonly Regex[], side: 'first' | 'last', beyond: Around): Around {
  let seen: Around = [];
  for (const item of items) {
    const { set, empty } = nearEdge(item, side);
    seen = joined(seen, set);
    if (!empty) return seen;
  }
  return joined(seen, beyond);
}

function nearEdge(node: Regex, side: 'first' | 'last'): { set: Around; empty: boolean } {
  switch (node.t) {
    case 'set': return { set: node.set, empty: false };
    case 'property': return { set: 'any', empty: false };
    // ^ before: nothing can stand there. Other assertions say nothing about characters and may fail: look past them.
    case 'assert': return node.kind === (side === 'last' ? 'start' : 'end') ? { set: [], empty: false } : { set: [], empty: true };
    case 'look': return { set: 'any', empty: true };
    case 'repeat': {
      const inner = nearEdge(node.item, side);
      return { set: node.max === 0 ? [] : inner.set, empty: inner.empty || node.min === 0 };
    }
    case 'alt': {
      const inner = node.items.map((item) => nearEdge(item, side));
      return { set: inner.reduce<Around>((all, one) => joined(all, one.set), []), empty: inner.some((one) => one.empty) };
    }
    case 'cat': {
      const ordered = side === 'first' ? node.items : node.items.toReversed();
      const empty = ordered.every((item) => nearEdge(item, side).empty);
      return { set: edge(ordered, side, []), empty };
    }
    default: return node satisfies never;
  }
}

/** Characters that one try can look at, unbounded repeats (which are walked once, see above) counted as one. */
function longest(node: Regex): number {
  switch (node.t) {
    case 'set': case 'property': return 1;
    case 'assert': return 0;
    case 'look': return longest(node.item);
    case 'cat': return node.items.reduce((sum, item) => sum + longest(item), 0);
    case 'alt': return Math.max(...node.items.map(longest));
    case 'repeat': return longest(node.item) * (node.max === Infinity ? node.min + 1 : node.max);
    default: return node satisfies never;
  }
}

// ---- printing --------------------------------------------------------------------------------------------------

interface Dialect { point(code: number): string; start: string; end: string; lineStart: string; lineEnd: string; nothing: string }
const v8: Dialect = { point: (code) => `\\u{${code.toString(16)}}`, start: '^', end: '$', lineStart: '(?<=^|\\n)', lineEnd: '(?=\\n|$)', nothing: '[]' };
const re2: Dialect = { point: (code) => `\\x{${code.toString(16)}}`, start: '\\A', end: '\\z', lineStart: '(?m:^)', lineEnd: '(?m:$)', nothing: '[^\\x{0}-\\x{10ffff}]' };

function print(node: Regex, dialect: Dialect): string {
  switch (node.t) {
    case 'set': return printSet(node.set, dialect);
    case 'property': return `\\${node.negate ? 'P' : 'p'}{${node.name}}`;
    case 'cat': return node.items.map((item) => item.t === 'alt' ? `(?:${print(item, dialect)})` : print(item, dialect)).join('');
    case 'alt': return `(?:${node.items.map((item) => print(item, dialect)).join('|')})`;
    case 'repeat': {
      const body = node.item.t === 'set' || node.item.t === 'property' ? print(node.item, dialect) : `(?:${print(node.item, dialect)})`;
      return `${body}${node.max === Infinity ? (node.min === 0 ? '*' : node.min === 1 ? '+' : `{${node.min},}`) : node.min === 0 && node.max === 1 ? '?' : `{${node.min},${node.max}}`}`;
    }
    case 'look': return `(?${node.behind ? '<' : ''}${node.negate ? '!' : '='}${print(node.item, dialect)})`;
    case 'assert': switch (node.kind) {
      case 'start': return dialect.start;
      case 'end': return dialect.end;
      case 'line-start': return dialect.lineStart;
      case 'line-end': return dialect.lineEnd;
      case 'word': return '\\b';
      case 'not-word': return '\\B';
      default: return node.kind satisfies never;
    }
    default: return node satisfies never;
  }
}

function printSet(set: CharSet, dialect: Dialect): string {
  if (set.length === 0) return dialect.nothing;
  const char = (code: number): string => (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) ? String.fromCharCode(code) : dialect.point(code);
  if (set.length === 1 && set[0]![0] === set[0]![1]) return char(set[0]![0]);
  return `[${set.map(([lo, hi]) => lo === hi ? char(lo) : `${char(lo)}-${char(hi)}`).join('')}]`;
}

// ---- mandatory literals ----------------------------------------------------------------------------------------

/** Sets of texts of which one must occur, longest shortest-member wins; at most 32 of them. */
function witnesses(tree: Regex): string[] | undefined {
  const best = needles(tree);
  return best && best.every((text) => text.length >= 2) ? best : undefined;
}

const worth = (texts: readonly string[] | undefined): number => texts ? Math.min(...texts.map((text) => text.length)) - texts.length / 100 : 0;

function needles(node: Regex): string[] | undefined {
  switch (node.t) {
    case 'set': { const text = exact(node); return text === undefined ? undefined : [text]; }
    case 'repeat': return node.min >= 1 ? needles(node.item) : undefined;
    case 'alt': {
      const all = node.items.map(needles);
      if (all.some((texts) => texts === undefined)) return undefined;
      const flat = [...new Set(all.flatMap((texts) => texts!))];
      return flat.length <= 32 ? flat : undefined;
    }
    case 'cat': {
      let best: string[] | undefined;
      let run = '';
      const consider = (texts: string[] | undefined): void => { if (worth(texts) > worth(best)) best = texts; };
      for (const item of node.items) {
        const text = exact(item);
        if (text !== undefined) { run += text; continue; }
        if (run) consider([run]);
        run = '';
        consider(needles(item));
      }
      if (run) consider([run]);
      return best;
    }
    default: return undefined;
  }
}

/** The one folded text that every match of the node folds to. */
function exact(node: Regex): string | undefined {
  switch (node.t) {
    case 'set': {
      let text: string | undefined;
      for (const [lo, hi] of node.set) {
        if (hi - lo > 1) return undefined;
        for (let code = lo; code <= hi; code++) {
          const folded = fold(String.fromCodePoint(code));
          if (text !== undefined && text !== folded) return undefined;
          text = folded;
        }
      }
      return text;
    }
    case 'cat': {
      let text = '';
      for (const item of node.items) {
        const one = exact(item);
        if (one === undefined) return undefined;
        text += one;
      }
      return text;
    }
    case 'repeat': {
      const one = node.min === node.max && node.max <= 64 ? exact(node.item) : undefined;
      return one === undefined || one.length * node.max > 256 ? undefined : one.repeat(node.max);
    }
    case 'assert': return '';
    default: return undefined;
  }
}
