/** Field|modifier|modifier: value → tests. Modifiers apply in the order written; what cannot apply is refused. */
import { parseNetwork } from './cidr.ts';
import { base64, base64Offsets, utf16, utf8 } from './encode.ts';
import { Refusal, show } from './error.ts';
import { expandDashes, fold, foldParts, join, ONE, ANY, parsePattern, type Part, patternText, surround, windash } from './pattern.ts';
import { compileRegex, type RegexPlan } from './regex.ts';
import type { Comparison, DatePart, Test } from './types.ts';
import type { ScalarTree } from './yaml.ts';

export type Placeholders = Readonly<Record<string, readonly string[]>>;

/** What a value is read with, besides what its rule says. */
export interface Given { placeholders: Placeholders; regexes?: ReadonlyMap<string, RegexPlan> | undefined }

/** A value on its way through the chain. */
type State =
  | { kind: 'text'; alternatives: Part[][]; bytes: boolean; raw: string | undefined }
  | { kind: 'number'; value: number; source: string }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'null' }
  | { kind: 'regex'; source: string; flags: { i: boolean; m: boolean; s: boolean } }
  | { kind: 'fieldref'; field: string; how: 'equals' | 'startswith' | 'endswith' | 'contains' }
  | { kind: 'date'; part: DatePart; op: Comparison | 'eq'; value: number }
  | { kind: 'test'; test: Test };

const dateRanges: Record<DatePart, readonly [number, number]> = { minute: [0, 59], hour: [0, 23], day: [1, 31], week: [1, 53], month: [1, 12], year: [0, 9999] };

/** Modifiers that stand for the whole item and not for one value. */
const whole = new Set(['all', 'neq', 'cased']);
const known = new Set([
  ...whole, 'startswith', 'endswith', 'contains', 'exists', 'windash', 're', 'i', 'm', 's', 'ignorecase', 'multiline', 'dotall', 'base64', 'base64offset',
  'utf16le', 'utf16be', 'utf16', 'wide', 'lt', 'lte', 'gt', 'gte', 'minute', 'hour', 'day', 'week', 'month', 'year', 'cidr', 'expand', 'fieldref',
]);

/** Refuses what is wrong with the chain itself, whatever the values. */
export function checkModifiers(modifiers: readonly string[], at: number): void {
  for (const modifier of modifiers) {
    if (!known.has(modifier)) throw new Refusal('modifier', `expected a modifier of the specification, got ${show(modifier)}`, at);
  }
  if (modifiers.includes('exists') && modifiers.length > 1) throw new Refusal('modifier', `expected exists alone, got ${show(modifiers.join('|'))}`, at);
  if (modifiers.includes('neq') && modifiers.some((modifier) => ['lt', 'lte', 'gt', 'gte'].includes(modifier))) throw new Refusal('modifier', `expected one comparison, got ${show(modifiers.join('|'))}`, at);
}

/** The tests of which one must hold for this value. Throws Refusal. */
export function applyModifiers(tree: ScalarTree, modifiers: readonly string[], keyword: boolean, { placeholders, regexes }: Given): Test[] {
  let state = initial(tree);
  for (const modifier of modifiers) if (!whole.has(modifier)) state = apply(state, modifier, tree.at, placeholders);
  return finish(state, modifiers.includes('cased'), keyword, tree.at, regexes);
}

function initial(tree: ScalarTree): State {
  switch (typeof tree.value) {
    case 'string':
      if (/\p{Surrogate}/u.test(tree.value)) throw new Refusal('value', 'expected well-formed text, got half of a surrogate pair', tree.at);
      return { kind: 'text', alternatives: [parsePattern(tree.value)], bytes: false, raw: tree.value };
    case 'number':
      // Beyond 2^53 a number loses digits: such a value is its text.
      if (Number.isInteger(tree.value) && !Number.isSafeInteger(tree.value)) return { kind: 'text', alternatives: [[tree.source]], bytes: false, raw: tree.source };
      return { kind: 'number', value: tree.value, source: tree.source };
    case 'boolean': return { kind: 'boolean', value: tree.value };
    default: return { kind: 'null' };
  }
}

function apply(state: State, modifier: string, at: number, placeholders: Placeholders): State {
  const refuse = (expected: string): never => { throw new Refusal('modifier', `expected ${expected}, got ${describe(state)}|${modifier}`, at); };
  switch (modifier) {
    case 'contains': case 'startswith': case 'endswith': {
      if (state.kind === 'fieldref') return state.how === 'equals' ? { ...state, how: modifier } : refuse('one of startswith, endswith, contains');
      const text = asText(state) ?? refuse('text or a number');
      return { ...text, alternatives: text.alternatives.map((parts) => surround(parts, modifier !== 'startswith', modifier !== 'endswith')), raw: undefined };
    }
    case 'windash': {
      const text = asText(state) ?? refuse('text');
      return { ...text, alternatives: text.alternatives.map(windash), raw: undefined };
    }
    case 'expand': {
      if (state.kind !== 'text' || state.bytes) return refuse('text');
      return { ...state, alternatives: state.alternatives.flatMap((parts) => expandPlaceholders(parts, placeholders, at)), raw: undefined };
    }
    case 'utf16le': case 'wide': return encode(asText(state) ?? refuse('text'), (text) => utf16(text, true), '');
    case 'utf16be': return encode(asText(state) ?? refuse('text'), (text) => utf16(text, false), '');
    case 'utf16': return encode(asText(state) ?? refuse('text'), (text) => utf16(text, true), '\u00ff\u00fe');
    case 'base64': case 'base64offset': {
      const text = asText(state) ?? refuse('text');
      const alternatives = literals(text, modifier, at).flatMap((bytes) => {
        const encoded = modifier === 'base64' ? [base64(bytes)] : base64Offsets(bytes);
        if (encoded.includes('')) throw new Refusal('value', `expected a value long enough for ${modifier} (two bytes), got ${show(text.raw ?? '')}`, at);
        return encoded.map((one): Part[] => [one]);
      });
      return { kind: 'text', alternatives, bytes: false, raw: undefined };
    }
    case 're': {
      if (state.kind === 'number') return { kind: 'regex', source: state.source, flags: { i: false, m: false, s: false } };
      if (state.kind !== 'text' || state.raw === undefined) return refuse('re before modifiers that change the value');
      return { kind: 'regex', source: state.raw, flags: { i: false, m: false, s: false } };
    }
    case 'i': case 'ignorecase': return state.kind === 'regex' ? { ...state, flags: { ...state.flags, i: true } } : refuse('re before it');
    case 'm': case 'multiline': return state.kind === 'regex' ? { ...state, flags: { ...state.flags, m: true } } : refuse('re before it');
    case 's': case 'dotall': return state.kind === 'regex' ? { ...state, flags: { ...state.flags, s: true } } : refuse('re before it');
    case 'lt': case 'lte': case 'gt': case 'gte':
      if (state.kind === 'date' && state.op === 'eq') return { ...state, op: modifier };
      return state.kind === 'number' && Number.isFinite(state.value) ? { kind: 'test', test: { kind: 'compare', op: modifier, value: state.value } } : refuse('a number');
    case 'minute': case 'hour': case 'day': case 'week': case 'month': case 'year': {
      const [low, high] = dateRanges[modifier];
      if (state.kind !== 'number' || !Number.isInteger(state.value) || state.value < low || state.value > high) return refuse(`a whole number from ${low} to ${high}`);
      return { kind: 'date', part: modifier, op: 'eq', value: state.value };
    }
    case 'cidr': {
      if (state.kind !== 'text' || state.raw === undefined) return refuse('a network');
      const network = parseNetwork(state.raw);
      if (!network) throw new Refusal('value', `expected an IPv4 or IPv6 network without host bits (192.0.2.0/24), got ${show(state.raw)}`, at);
      return { kind: 'test', test: { kind: 'cidr', text: state.raw, network } };
    }
    case 'fieldref':
      if (state.kind !== 'text' || state.raw === undefined || state.raw === '') return refuse('a field name');
      return { kind: 'fieldref', field: state.raw, how: 'equals' };
    case 'exists':
      return state.kind === 'boolean' ? { kind: 'test', test: { kind: 'exists', value: state.value } } : refuse('true or false');
    default: return refuse('a known modifier');
  }
}

function describe(state: State): string {
  switch (state.kind) {
    case 'text': return show(state.raw ?? patternText(state.alternatives[0] ?? []));
    case 'number': return state.source;
    case 'boolean': return String(state.value);
    case 'test': return state.test.kind;
    default: return state.kind;
  }
}

function asText(state: State): (State & { kind: 'text' }) | undefined {
  switch (state.kind) {
    case 'text': return state;
    case 'number': return { kind: 'text', alternatives: [[state.source]], bytes: false, raw: state.source };
    case 'boolean': return { kind: 'text', alternatives: [[String(state.value)]], bytes: false, raw: String(state.value) };
    default: return undefined;
  }
}

function encode(state: State & { kind: 'text' }, encoder: (text: string) => string, mark: string): State {
  const alternatives = state.alternatives.flatMap((parts) => dashChoices(parts))
    .map((parts) => join([...(mark ? [mark] : []), ...parts.map((part) => typeof part === 'string' ? encoder(part) : part)]));
  return { kind: 'text', alternatives, bytes: true, raw: undefined };
}

/** Dashes spelt out, wildcards kept: encodings need real characters. */
function dashChoices(parts: readonly Part[]): Part[][] {
  let all: Part[][] = [[]];
  for (const part of parts) {
    const choices: readonly Part[] = part === 2 ? expandDashes([2], 5)! : [part];
    all = all.flatMap((one) => choices.map((choice) => join([...one, choice])));
    if (all.length > 3125) throw new Refusal('limit', 'expected at most five dashes before an encoding, got more');
  }
  return all;
}

function literals(state: State & { kind: 'text' }, modifier: string, at: number): string[] {
  return state.alternatives.flatMap((parts) => {
    if (parts.includes(ANY) || parts.includes(ONE)) throw new Refusal('value', `expected a value without wildcards before ${modifier}, got ${show(state.raw ?? patternText(parts))}`, at);
    const texts = expandDashes(parts, 3125);
    if (!texts) throw new Refusal('limit', 'expected at most five dashes before an encoding, got more', at);
    return state.bytes ? texts : texts.map(utf8);
  });
}

/** `%name%` becomes each of its values; `\%` is a percent sign. */
function expandPlaceholders(parts: readonly Part[], placeholders: Placeholders, at: number): Part[][] {
  let all: Part[][] = [[]];
  const add = (choices: Part[][]): void => {
    all = all.flatMap((one) => choices.map((choice) => [...one, ...choice]));
    if (all.length > 10_000) throw new Refusal('limit', 'expected at most 10,000 values after expand, got more', at);
  };
  for (const part of parts) {
    if (typeof part !== 'string') { add([[part]]); continue; }
    let from = 0;
    let literal = '';
    for (const match of part.matchAll(/\\%|%([A-Za-z0-9_.-]+)%/g)) {
      literal += part.slice(from, match.index);
      from = match.index + match[0].length;
      const name = match[1];
      if (name === undefined) { literal += '%'; continue; }
      const values = Object.hasOwn(placeholders, name) ? placeholders[name]! : undefined;
      if (!values || values.length === 0) throw new Refusal('placeholder', `expected values for the placeholder %${name}%, got none`, at);
      if (literal) { add([[literal]]); literal = ''; }
      add(values.map(parsePattern));
    }
    literal += part.slice(from);
    if (literal) add([[literal]]);
  }
  return all.map(join);
}

function finish(state: State, cased: boolean, keyword: boolean, at: number, regexes: Given['regexes']): Test[] {
  const only = (test: Test): Test[] => {
    if (cased && test.kind !== 'fieldref') throw new Refusal('modifier', `expected text before cased, got ${test.kind}`, at);
    if (keyword && test.kind !== 'regex' && test.kind !== 'cidr') throw new Refusal('value', `expected text to search the whole event for, got ${test.kind}`, at);
    return [test];
  };
  switch (state.kind) {
    case 'text': return state.alternatives.map((parts): Test => {
      if (keyword && parts.length === 0) throw new Refusal('value', 'expected text to search the whole event for, got an empty one', at);
      const searched = keyword ? surround(parts, true, true) : parts;
      return { kind: 'pattern', parts: searched, folded: foldParts(searched), cased };
    });
    case 'number': case 'boolean': {
      const texts = state.kind === 'boolean' ? [String(state.value)] : [...new Set([String(state.value), fold(state.source)])];
      if (!keyword) return [{ kind: 'texts', texts }];
      return texts.map((text): Test => { const parts = surround([text], true, true); return { kind: 'pattern', parts, folded: parts, cased }; });
    }
    case 'null': return only({ kind: 'null' });
    case 'regex':
      if (cased) throw new Refusal('modifier', 'expected text before cased (a regex minds case unless it says i), got a regex', at);
      return [{ kind: 'regex', source: state.source, flags: state.flags, compiled: compileRegex(state.source, state.flags, regexes) }];
    case 'fieldref': return only({ ...state, kind: 'fieldref', cased });
    case 'date': return only({ kind: 'date', part: state.part, op: state.op, value: state.value });
    case 'test': return only(state.test);
    default: return state satisfies never;
  }
}
