/**
 * The reference: evaluates rules straight from their trees, written to be obviously right and not to be fast.
 * The compiler (codegen.ts) must give the same answers; property tests hold the two equal. The engine itself uses
 * this for events whose fields hold lists or objects, and explain uses it for everything.
 */
import { inNetwork } from './cidr.ts';
import type { Expression } from './expression.ts';
import { ANY, dashes, fold, ONE, type Part } from './pattern.ts';
import type { Item, Test } from './types.ts';
import { compares, dateHolds, elements, textOf } from './values.ts';

export interface Reader {
  read(field: string): unknown;
  keywords(): readonly string[];
}

export function interpret(expression: Expression, reader: Reader): boolean {
  switch (expression.kind) {
    case 'item': return itemHolds(expression.item, reader);
    case 'and': return expression.children.every((child) => interpret(child, reader));
    case 'or': return expression.children.some((child) => interpret(child, reader));
    case 'not': return !interpret(expression.child, reader);
    default: return expression satisfies never;
  }
}

export function itemHolds(item: Item, reader: Reader): boolean {
  const raw = item.field === undefined ? reader.keywords() : reader.read(item.field);
  const value = (index: number): boolean => item.values[index]!.tests.some((test) => testHolds(test, raw, reader));
  const indexes = item.values.map((_, index) => index);
  if (item.negate) return !indexes.some(value);
  return item.all ? indexes.every(value) : indexes.some(value);
}

export function testHolds(test: Test, raw: unknown, reader: Reader): boolean {
  switch (test.kind) {
    case 'exists': return (raw !== undefined) === test.value;
    case 'null': return elements(raw).includes(null);
    case 'compare': return elements(raw).some((one) => compares(one, test.op, test.value));
    case 'date': return elements(raw).some((one) => dateHolds(one, test.part, test.op, test.value));
    default: return elements(raw).some((one) => { const text = textOf(one); return text !== undefined && textHolds(test, text, reader); });
  }
}

function textHolds(test: Exclude<Test, { kind: 'exists' | 'null' | 'compare' | 'date' }>, text: string, reader: Reader): boolean {
  switch (test.kind) {
    case 'pattern': return test.cased ? globMatches(test.parts, text) : globMatches(test.folded, fold(text));
    case 'texts': return test.texts.includes(fold(text));
    case 'regex': return test.compiled.matcher.test(text);
    case 'cidr': return inNetwork(text, test.network);
    case 'fieldref': return elements(reader.read(test.field)).some((one) => {
      const other = textOf(one);
      return other !== undefined && refHolds(test.how, test.cased ? text : fold(text), test.cased ? other : fold(other));
    });
    default: return test satisfies never;
  }
}

export function refHolds(how: 'equals' | 'startswith' | 'endswith' | 'contains', text: string, other: string): boolean {
  switch (how) {
    case 'equals': return text === other;
    case 'startswith': return text.startsWith(other);
    case 'endswith': return text.endsWith(other);
    case 'contains': return text.includes(other);
    default: return how satisfies never;
  }
}

/** The textbook wildcard matcher over code points: on a mismatch the last * takes one character more. */
export function globMatches(parts: readonly Part[], text: string): boolean {
  const pattern = parts.flatMap((part): (string | number)[] => typeof part === 'string' ? Array.from(part) : [part]);
  const chars = Array.from(text);
  let p = 0;
  let star = -1;
  let resume = 0;
  for (let c = 0; c < chars.length;) {
    const want = pattern[p];
    if (want === ANY) { star = p++; resume = c; continue; }
    if (want !== undefined && (want === ONE || (typeof want === 'string' ? want === chars[c] : (dashes as readonly string[]).includes(chars[c]!)))) { p++; c++; continue; }
    if (star < 0) return false;
    p = star + 1;
    c = ++resume;
  }
  while (pattern[p] === ANY) p++;
  return p === pattern.length;
}
