/**
 * Rules → JavaScript functions. Generated source holds only fixed text, numbers that this file counts, and texts of
 * the rule written by JSON.stringify: nothing of a rule can become code. Regexes, sets and items are passed beside
 * it as constants.
 */
import { inNetwork } from './cidr.ts';
import type { Expression } from './expression.ts';
import type { Frame, Slot } from './frame.ts';
import { compileGlob, escapeRegex, shapeOf } from './glob.ts';
import { refHolds } from './interpret.ts';
import type { Item, Test, Value } from './types.ts';
import { compares, dateHolds } from './values.ts';

export type Compiled<E> = (frame: Frame<E>) => boolean;

/** From this many needles on, one alternation is faster than single searches. */
const manyNeedles = 8;

/** From this many on, endings are told apart by their last character first, beginnings by their last common place. */
const manyEnds = 5;

function endsWithAny(endings: readonly string[]): (text: string) => boolean {
  const byLast = grouped(endings, (ending) => ending.charCodeAt(ending.length - 1));
  return (text) => {
    for (const ending of byLast.get(text.charCodeAt(text.length - 1)) ?? none) if (text.endsWith(ending)) return true;
    return false;
  };
}

function startsWithAny(beginnings: readonly string[]): (text: string) => boolean {
  // Paths all begin with a slash: the last place that all of them have tells more.
  const place = Math.min(...beginnings.map((text) => text.length)) - 1;
  const byPlace = grouped(beginnings, (text) => text.charCodeAt(place));
  return (text) => {
    for (const beginning of byPlace.get(text.charCodeAt(place)) ?? none) if (text.startsWith(beginning)) return true;
    return false;
  };
}

const none: readonly string[] = [];

function grouped(texts: readonly string[], key: (text: string) => number): Map<number, string[]> {
  const out = new Map<number, string[]>();
  for (const text of texts) {
    const others = out.get(key(text));
    if (others) others.push(text); else out.set(key(text), [text]);
  }
  return out;
}

const helpers = { compares, dateHolds, inNetwork, refHolds };

/**
 * Items that several rules hold (what is no page but a picture, what comes from a monitor) are asked once an event. Only
 * items with long lists: for others remembering costs as much as asking.
 */
export class SharedItems<E> {
  private readonly made = new Map<string, Compiled<E>>();

  of(item: Item, slot: (field: string) => Slot<E>): Compiled<E> {
    const text = itemText(item);
    let made = this.made.get(text);
    if (!made) { made = once(build(new Writer<E>(slot, undefined), { kind: 'item', item })); this.made.set(text, made); }
    return made;
  }
}

/** From this many values on an item is worth being shared. */
const sharedValues = 6;

function once<E>(run: Compiled<E>): Compiled<E> {
  let stamp = -1;
  let answer = false;
  return (frame) => {
    if (stamp !== frame.stamp) { stamp = frame.stamp; answer = run(frame); }
    return answer;
  };
}

/** Equal for expressions that ask the same. */
export function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case 'item': return itemText(expression.item);
    case 'not': return `!${expressionText(expression.child)}`;
    default: return `(${expression.kind} ${expression.children.map(expressionText).join(' ')})`;
  }
}

/** What the rule's text says of it decides all tests but their kinds, which the type of a value does. */
function itemText({ field, modifiers, values, all, negate }: Item): string {
  return JSON.stringify([field ?? null, modifiers, all, negate, values.map(({ source, tests }) => [source, ...tests.map(({ kind }) => kind)])]);
}

export function generate<E>(expression: Expression, slot: (field: string) => Slot<E>, shared?: SharedItems<E>): Compiled<E> {
  return build(new Writer<E>(slot, shared), expression);
}

function build<E>(writer: Writer<E>, expression: Expression): Compiled<E> {
  const body = writer.expression(expression);
  const source = `"use strict";\n${writer.prelude()}return function (f) { let k, l, t; return ${body}; };`;
  // oxlint-disable-next-line typescript/no-implied-eval -- the point of this file; see its head for what may enter
  const factory = new Function('S', 'C', 'H', source) as (slots: readonly Slot<E>[], constants: readonly unknown[], h: typeof helpers) => Compiled<E>;
  return factory(writer.slots, writer.constants, helpers);
}

class Writer<E> {
  readonly slots: Slot<E>[] = [];
  readonly constants: unknown[] = [];
  private readonly functions: string[] = [];
  private readonly slot: (field: string) => Slot<E>;
  private readonly shared: SharedItems<E> | undefined;

  constructor(slot: (field: string) => Slot<E>, shared: SharedItems<E> | undefined) { this.slot = slot; this.shared = shared; }

  prelude(): string {
    return [
      ...this.slots.map((_, i) => `const s${i} = S[${i}];\n`),
      ...this.constants.map((_, i) => `const c${i} = C[${i}];\n`),
      ...this.functions.map((source, i) => `const q${i} = ${source};\n`),
    ].join('');
  }

  expression(expression: Expression): string {
    switch (expression.kind) {
      case 'item': return this.item(expression.item);
      case 'and': return `(${expression.children.map((child) => this.expression(child)).join(' && ')})`;
      case 'or': return `(${expression.children.map((child) => this.expression(child)).join(' || ')})`;
      case 'not': return `!${this.expression(expression.child)}`;
      default: return expression satisfies never;
    }
  }

  private slotName(field: string): string {
    const slot = this.slot(field);
    let index = this.slots.indexOf(slot);
    if (index < 0) index = this.slots.push(slot) - 1;
    return `s${index}`;
  }

  private constant(value: unknown): string {
    let index = this.constants.indexOf(value);
    if (index < 0) index = this.constants.push(value) - 1;
    return `c${index}`;
  }

  private item(item: Item): string {
    if (this.shared && item.field !== undefined && item.values.length >= sharedValues) return `${this.constant(this.shared.of(item, this.slot))}(f)`;
    const body = item.field === undefined ? this.keywords(item) : this.field(item, item.field);
    return item.negate ? `!(${body})` : `(${body})`;
  }

  private keywords(item: Item): string {
    const search = (values: readonly Value[]): string => {
      const index = this.functions.push(`function (l, t) { return ${this.any(values, '')}; }`) - 1;
      return `f.some(q${index})`;
    };
    return item.all && !item.negate ? item.values.map((value) => search([value])).join(' && ') : search(item.values);
  }

  /** Scalar, nothing, or (lists, objects) the interpreter. `neq` needs "any value holds", which is then turned round. */
  private field(item: Item, field: string): string {
    const name = this.slotName(field);
    const tests = item.values.flatMap((value) => value.tests);
    // exists stands alone in its chain, so all values of the item ask for presence.
    if (tests[0]?.kind === 'exists') {
      const present = (test: Test): string => `${name}.raw ${test.kind === 'exists' && test.value ? '!==' : '==='} undefined`;
      return `(${name}.at(f), ${tests.map(present).join(' || ')})`;
    }
    const nothing = this.join(item, (value) => String(value.tests.some((test) => test.kind === 'null')));
    // l: folded text, t: raw text; only what the tests need is made.
    const low = tests.some((test) => usesFolded(test));
    const scalar = item.all && !item.negate ? item.values.map((value) => this.any([value], name)).join(' && ') : this.any(item.values, name);
    const others = [...new Set(tests.flatMap((test) => test.kind === 'fieldref' ? [this.slotName(test.field)] : []))];
    const complex = others.length === 0 ? '' : others.map((other) => `${other}.at(f) === 2`).join(' || ');
    const answer = `(${low ? `l = ${name}.low(), ` : ''}t = ${name}.text, ${scalar})`;
    // The slow path goes through the interpreter item by item; `neq` is applied outside, so it gets the item without.
    const slow = `f.slow(${this.constant(item.negate ? { ...item, negate: false } : item)})`;
    const one = complex ? `(${complex}) ? ${slow} : ${answer}` : answer;
    return `(k = ${name}.at(f)) === 1 ? ${one} : k === 0 ? ${simplify(nothing)} : ${slow}`;
  }

  private join(item: Item, part: (value: Value) => string): string {
    return item.values.map(part).join(item.all && !item.negate ? ' && ' : ' || ');
  }

  /** Source that is true when any test of any of the values holds for the scalar in l and t. */
  private any(values: readonly Value[], name: string): string {
    const equals = new Set<string>();
    const contains = new Set<string>();
    const endings = new Set<string>();
    const beginnings = new Set<string>();
    const out: string[] = [];
    for (const test of values.flatMap((value) => value.tests)) {
      if (test.kind === 'texts') { for (const text of test.texts) equals.add(text); continue; }
      if (test.kind === 'pattern' && !test.cased) {
        const shape = shapeOf(test.folded);
        if (shape.kind === 'equals') { equals.add(shape.text); continue; }
        if (shape.kind === 'contains') { contains.add(shape.text); continue; }
        if (shape.kind === 'endswith') { endings.add(shape.text); continue; }
        if (shape.kind === 'startswith') { beginnings.add(shape.text); continue; }
      }
      out.push(this.test(test, name));
    }
    if (equals.size > 4) out.unshift(`${this.constant(equals)}.has(l)`);
    else out.unshift(...[...equals].map((text) => `l === ${JSON.stringify(text)}`));
    if (contains.size >= manyNeedles) out.push(...alternations([...contains]).map((regex) => `${this.constant(regex)}.test(l)`));
    else out.push(...[...contains].map((text) => `l.includes(${JSON.stringify(text)})`));
    if (endings.size >= manyEnds) out.push(`${this.constant(endsWithAny([...endings]))}(l)`);
    else out.push(...[...endings].map((text) => `l.endsWith(${JSON.stringify(text)})`));
    if (beginnings.size >= manyEnds) out.push(`${this.constant(startsWithAny([...beginnings]))}(l)`);
    else out.push(...[...beginnings].map((text) => `l.startsWith(${JSON.stringify(text)})`));
    return out.length === 1 ? out[0]! : `(${out.join(' || ')})`;
  }

  private test(test: Exclude<Test, { kind: 'texts' }>, name: string): string {
    switch (test.kind) {
      case 'pattern': {
        const shape = shapeOf(test.cased ? test.parts : test.folded);
        const text = test.cased ? 't' : 'l';
        switch (shape.kind) {
          case 'anything': return 'true';
          case 'equals': return `${text} === ${JSON.stringify(shape.text)}`;
          case 'contains': return `${text}.includes(${JSON.stringify(shape.text)})`;
          case 'startswith': return `${text}.startsWith(${JSON.stringify(shape.text)})`;
          case 'endswith': return `${text}.endsWith(${JSON.stringify(shape.text)})`;
          case 'glob': return `${this.constant(compileGlob(shape.parts))}(${text})`;
          default: return shape satisfies never;
        }
      }
      case 'null': return 'false';
      case 'exists': return String(test.value); // of a scalar, which is present
      case 'regex': return `${this.constant(test.compiled.matcher)}.test(t)`;
      case 'cidr': return `H.inNetwork(t, ${this.constant(test.network)})`;
      case 'compare': return `H.compares(${name}.raw, ${JSON.stringify(test.op)}, ${number(test.value)})`;
      case 'date': return `H.dateHolds(${name}.raw, ${JSON.stringify(test.part)}, ${JSON.stringify(test.op)}, ${number(test.value)})`;
      case 'fieldref': {
        const other = this.slotName(test.field);
        const [mine, theirs] = test.cased ? ['t', `${other}.text`] : ['l', `${other}.low()`];
        return `(${other}.at(f) === 1 && H.refHolds(${JSON.stringify(test.how)}, ${mine}, ${theirs}))`;
      }
      default: return test satisfies never;
    }
  }
}

const number = (value: number): string => `(${JSON.stringify(value)})`;

function usesFolded(test: Test): boolean {
  switch (test.kind) {
    case 'texts': return true;
    case 'pattern': case 'fieldref': return !test.cased;
    default: return false;
  }
}

const simplify = (source: string): string => source.includes('&&') ? String(!source.includes('false')) : String(source.includes('true'));

/** Fixed texts as alternations; V8 optimises patterns below 20 kB better, so they come in pieces. */
function alternations(texts: readonly string[], flags = ''): RegExp[] {
  const out: RegExp[] = [];
  let piece: string[] = [];
  let length = 0;
  for (const text of texts) {
    const escaped = escapeRegex(text);
    if (length + escaped.length > 16_000 && piece.length > 0) { out.push(new RegExp(piece.join('|'), flags)); piece = []; length = 0; }
    piece.push(escaped);
    length += escaped.length + 1;
  }
  if (piece.length > 0) out.push(new RegExp(piece.join('|'), flags));
  return out;
}
