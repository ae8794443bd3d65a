/**
 * What a file must hold for a rule to match at all, read from the rules' own text. It only ever errs towards "may match": what is not
 * understood here is left to the engine, which alone judges.
 */
import { hexNeed, regexNeed, textNeed } from './string-need.ts';
import { tokensOf, type Token } from './tokens.ts';

/** `fold`: in any case; then the bytes are lower case. */
export interface Literal { bytes: Buffer; fold: boolean }

/** any: may match, whatever the file holds. */
export type Need =
  | { kind: 'any' }
  | { kind: 'literal'; literal: Literal }
  | { kind: 'all'; of: Need[] }
  | { kind: 'least'; number: number; of: Need[] }
  | { kind: 'below'; size: number }
  | { kind: 'begins'; bytes: Buffer };

export const any: Need = { kind: 'any' };

export const all = (of: readonly Need[]): Need => {
  const kept = of.filter(({ kind }) => kind !== 'any');
  return kept.length === 0 ? any : kept.length === 1 ? kept[0]! : { kind: 'all', of: kept };
};

/** So many of them at least. */
export const least = (number: number, of: readonly Need[]): Need => {
  const free = of.filter(({ kind }) => kind === 'any').length;
  if (free >= number || number < 1) return any;
  const kept = of.filter(({ kind }) => kind !== 'any');
  return kept.length === 1 && number - free === 1 ? kept[0]! : { kind: 'least', number: number - free, of: kept };
};

/** Of each rule that is judged by itself. One `any` among them says that every file must be judged. */
export function needsOf(text: string): Need[] {
  const tokens = tokensOf(text);
  if (!tokens) return [any];
  const rules = new Map<string, Need>();
  const needs: Need[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const { kind, text: word } = tokens[i]!;
    if (kind === 'word' && word === 'include') return [any];
    if (kind !== 'word' || word !== 'rule') continue;
    const rule = ruleAt(tokens, i + 1, rules);
    if (!rule) return [any];
    const before = tokens.slice(Math.max(0, i - 2), i).map((one) => one.text);
    rules.set(rule.name, rule.need);
    if (!before.includes('private')) needs.push(rule.need);
    i = rule.end;
  }
  return needs;
}

function ruleAt(tokens: readonly Token[], from: number, rules: ReadonlyMap<string, Need>): { name: string; need: Need; end: number } | undefined {
  const name = tokens[from]?.text;
  let i = from;
  while (i < tokens.length && tokens[i]!.text !== '{') i++;
  const strings: [name: string, need: Need][] = [];
  const isSection = (word: string): boolean => tokens[i]?.text === word && tokens[i + 1]?.text === ':';
  while (i < tokens.length && !isSection('strings') && !isSection('condition')) i++;
  if (isSection('strings')) {
    for (i += 2; i < tokens.length && !isSection('condition');) {
      const [id, equals, value] = [tokens[i], tokens[i + 1], tokens[i + 2]];
      if (id?.kind !== 'string-name' || equals?.text !== '=' || !value) return undefined;
      i += 3;
      const modifiers: string[] = [];
      for (; i < tokens.length && tokens[i]!.kind !== 'string-name' && !isSection('condition'); i++) modifiers.push(tokens[i]!.text);
      strings.push([id.text, stringNeed(value, modifiers)]);
    }
  }
  if (name === undefined || !isSection('condition')) return undefined;
  const begin = i + 2;
  let end = begin;
  while (end < tokens.length && tokens[end]!.text !== '}') end++;
  if (end === tokens.length) return undefined;
  return { name, need: conditionNeed(tokens.slice(begin, end), strings, rules, 0), end };
}

function stringNeed(value: Token, modifiers: readonly string[]): Need {
  if (modifiers.some((word) => word === 'xor' || word.startsWith('base64'))) return any;
  const wide = modifiers.includes('wide');
  const fold = modifiers.includes('nocase');
  switch (value.kind) {
    case 'text': return textNeed(value.bytes, { fold, wide, ascii: !wide || modifiers.includes('ascii') });
    case 'hex': return hexNeed(value.text);
    case 'regex': return wide ? any : regexNeed(value.text, fold || value.flags.includes('i'));
    default: return any;
  }
}

const depthMax = 50;

function conditionNeed(tokens: readonly Token[], strings: readonly [string, Need][], rules: ReadonlyMap<string, Need>, depth: number): Need {
  if (depth > depthMax) return any;
  const inner = (part: readonly Token[]): Need => conditionNeed(part, strings, rules, depth + 1);
  const either = split(tokens, 'or');
  if (either.length > 1) return least(1, either.map(inner));
  const both = split(tokens, 'and');
  if (both.length > 1) return all(both.map(inner));
  const [first, second, third] = tokens;
  if (!first) return any;
  if (first.text === '(' && closing(tokens, 0) === tokens.length - 1) return inner(tokens.slice(1, -1));
  const of = tokens.findIndex(({ kind, text }) => kind === 'word' && text === 'of');
  if (of > 0 && first.text !== 'for') return ofNeed(tokens.slice(0, of), tokens.slice(of + 1), strings);
  if (first.kind === 'string-name') return tokens.length === 1 || second!.text === 'at' || second!.text === 'in' ? strings.find(([name]) => name === first.text)?.[1] ?? any : any;
  if (first.kind === 'word' && tokens.length === 1) return rules.get(first.text) ?? any;
  if (first.text === 'filesize' && tokens.length === 3 && (second!.text === '<' || second!.text === '<=') && third!.kind === 'number') return { kind: 'below', size: third!.value + (second!.text === '<' ? 0 : 1) };
  return beginsNeed(tokens) ?? any;
}

/** `uint32(0) == NUMBER` and its kin. */
function beginsNeed(tokens: readonly Token[]): Need | undefined {
  const [name, open, at, close, equals, number] = tokens;
  const width = /^uint(8|16|32)(be)?$/.exec(name?.text ?? '');
  if (!width || tokens.length !== 6 || open!.text !== '(' || at!.kind !== 'number' || at!.value !== 0 || close!.text !== ')' || equals!.text !== '==' || number!.kind !== 'number') return undefined;
  const bytes = Buffer.alloc(Number(width[1]) / 8);
  if (number!.value > 2 ** (8 * bytes.length) - 1) return undefined;
  if (width[2] === undefined) bytes.writeUIntLE(number!.value, 0, bytes.length); else bytes.writeUIntBE(number!.value, 0, bytes.length);
  return { kind: 'begins', bytes };
}

/** `QUANTITY of SET`, with or without a place. */
function ofNeed(quantity: readonly Token[], rest: readonly Token[], strings: readonly [string, Need][]): Need {
  const [first] = rest;
  const names = first?.text === 'them' ? ['$*'] : first?.text === '(' ? rest.slice(1, closing(rest, 0)).map(({ text }) => text).filter((text) => text !== ',') : [];
  // Of rules, not of strings.
  if (names.length === 0 || !names.every((name) => name.startsWith('$'))) return any;
  const chosen = strings.filter(([name]) => names.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : one === name))).map(([, need]) => need);
  const [one, ...more] = quantity;
  if (chosen.length === 0 || !one || more.length > 0) return any;
  switch (one.kind) {
    case 'number': return least(one.value, chosen);
    case 'word': return one.text === 'all' ? all(chosen) : one.text === 'any' ? least(1, chosen) : any;
    default: return any;
  }
}

/** Where the bracket at `from` closes; -1 for nowhere. */
function closing(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    if (tokens[i]!.text === '(' && tokens[i]!.kind === 'mark') depth++;
    else if (tokens[i]!.text === ')' && tokens[i]!.kind === 'mark' && --depth === 0) return i;
  }
  return -1;
}

function split(tokens: readonly Token[], word: 'and' | 'or'): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === 'mark') depth += token.text === '(' || token.text === '[' ? 1 : token.text === ')' || token.text === ']' ? -1 : 0;
    if (depth === 0 && token.kind === 'word' && token.text === word) parts.push([]);
    else parts.at(-1)!.push(token);
  }
  return parts;
}
