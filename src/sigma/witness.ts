/**
 * Which rules can match at all. Each rule gives a set of facts of which at least one is true whenever it matches:
 * a field equals a text, ends with a file name, or contains a text. Facts of all rules of a route stand in one
 * index; only rules whose fact is found are evaluated.
 */
import type { Expression } from './expression.ts';
import { own } from './hub.ts';
import { NeedleSearch } from './needles.ts';
import type { Part } from './pattern.ts';
import type { Item, Test } from './types.ts';

/** `field` undefined: any text of the event. All texts are folded. */
export interface Fact { field: string | undefined; kind: 'equals' | 'basename' | 'contains'; text: string }
/** How often a fact is thought to hold, 0 to 1. */
export type Likelihood = (fact: Fact) => number;
/** `cost`: how often the facts together are thought to make the rule a candidate. */
interface Witness { facts: readonly Fact[]; cost: number }

/** The facts that make the rule a candidate least often. Undefined: nothing is known, the rule must always be evaluated. */
export function witnessOf(expression: Expression, likelihood: Likelihood = guess): readonly Fact[] | undefined {
  return find(expression, likelihood)?.facts;
}

/** Before anything has been seen: flags hold for half of all events; numbers (ports, event ids) and words are rarer, long words most. */
export const guess: Likelihood = ({ kind, text }) => 2 ** -worthOf(kind, text);

function worthOf(kind: Fact['kind'], text: string): number {
  if (kind === 'contains') return 5 * Math.min(text.length, 14);
  if (kind === 'basename') return 5 * Math.min(Math.max(text.length, 8), 10);
  if (text === '') return 20;
  if (text === 'true' || text === 'false') return 8;
  return /^\d+$/.test(text) ? 45 : 20 + 4 * Math.min(text.length, 10);
}

function find(expression: Expression, likelihood: Likelihood): Witness | undefined {
  const inner = (child: Expression): Witness | undefined => find(child, likelihood);
  switch (expression.kind) {
    case 'item': return ofItem(expression.item, likelihood);
    case 'not': return undefined;
    case 'and': return best(expression.children.map(inner));
    case 'or': return every(expression.children.map(inner));
    default: return expression satisfies never;
  }
}

const best = (all: readonly (Witness | undefined)[]): Witness | undefined => all.reduce((a, b) => !a || (b && b.cost < a.cost) ? b : a, undefined);

function every(all: readonly (Witness | undefined)[]): Witness | undefined {
  const facts: Fact[] = [];
  let cost = 0;
  for (const one of all) {
    if (!one) return undefined;
    facts.push(...one.facts);
    cost += one.cost;
  }
  return facts.length === 0 || facts.length > 5000 ? undefined : { facts, cost };
}

function ofItem(item: Item, likelihood: Likelihood): Witness | undefined {
  if (item.negate) return undefined;
  const values = item.values.map((value) => every(value.tests.map((test) => ofTest(test, item.field, likelihood))));
  return item.all ? best(values) : every(values);
}

function ofTest(test: Test, field: string | undefined, likelihood: Likelihood): Witness | undefined {
  const witness = (kind: Fact['kind'], text: string): Witness => { const fact: Fact = { field, kind, text }; return { facts: [fact], cost: likelihood(fact) }; };
  const contains = (text: string): Witness | undefined => text.length < 2 ? undefined : witness('contains', text);
  switch (test.kind) {
    case 'texts': return every(test.texts.map((text) => witness('equals', text)));
    case 'pattern': return ofPattern(test.folded, witness, contains);
    case 'regex': return test.compiled.literals && every(test.compiled.literals.map(contains));
    default: return undefined;
  }
}

function ofPattern(parts: readonly Part[], witness: (kind: Fact['kind'], text: string) => Witness, contains: (text: string) => Witness | undefined): Witness | undefined {
  const only = parts[0];
  if (parts.length === 0) return witness('equals', '');
  if (parts.length === 1 && typeof only === 'string') return witness('equals', only);
  const longest = parts.filter((part) => typeof part === 'string').toSorted((a, b) => b.length - a.length)[0];
  const last = parts.at(-1);
  const base = typeof last === 'string' ? basename(last) : undefined;
  // A file name is looked up in a map, which costs less than any search for the same text.
  if (base !== undefined && base.length > 2) return witness('basename', base);
  return longest === undefined ? undefined : contains(longest);
}

/** Whether the fact holds for a folded text. */
export function factHolds({ kind, text }: Fact, low: string): boolean {
  switch (kind) {
    case 'equals': return low === text;
    case 'basename': return basename(low) === text;
    case 'contains': return low.includes(text);
  }
}

/** From the last / or \ on, that sign included; undefined without one. */
function basename(text: string): string | undefined {
  const at = Math.max(text.lastIndexOf('/'), text.lastIndexOf('\\'));
  return at < 0 ? undefined : text.slice(at);
}

/** Facts of one field: text → numbers of the rules that it makes candidates. */
export class FieldIndex {
  private readonly equals = new Map<string, number[]>();
  private readonly basenames = new Map<string, number[]>();
  private readonly needles = new Map<string, number[]>();
  private finder: NeedleSearch | undefined;
  private young = new Map<string, Found>();
  private old = new Map<string, Found>();
  private repeats = patience;
  private longestEqual = 0;
  /** The latest text of a field that is only compared for equality, and its rules. */
  private latest: string | undefined;
  private latestRules: readonly number[] | undefined;

  add(fact: Fact, rule: number): void {
    const map = fact.kind === 'equals' ? this.equals : fact.kind === 'basename' ? this.basenames : this.needles;
    if (fact.kind === 'equals') this.longestEqual = Math.max(this.longestEqual, fact.text.length);
    const rules = map.get(fact.text);
    if (!rules) map.set(fact.text, [rule]);
    else if (rules.at(-1) !== rule) rules.push(rule);
  }

  /** Makes ready what the first look-up would have to wait for. */
  settle(): void { if (this.needles.size > 0) this.finder ??= new NeedleSearch(this.needles); }

  /**
   * Hands out the rules whose fact holds for the slot's text; a rule may come more than once. Fields such as user
   * agents repeat: what a text found is kept for a while, with how it folds, so that it is not even folded again.
   */
  lookupIn(slot: Folding, take: (rules: readonly number[]) => void): void {
    const { text } = slot;
    if (this.repeats <= 0 || text.length > cachedText || (this.basenames.size === 0 && this.needles.size === 0)) { this.lookup(slot.low(), take); return; }
    let found = this.young.get(text) ?? this.old.get(text);
    if (found) {
      if (this.repeats < patience) this.repeats++;
      slot.foldsTo(found.low);
    } else {
      this.repeats--;
      found = this.remember(text, slot.low());
    }
    const { rules } = found;
    for (let i = 0; i < rules.length; i++) take(rules[i]!);
  }

  private remember(text: string, low: string): Found {
    const rules: (readonly number[])[] = [];
    this.search(low, (some) => { rules.push(some); });
    const kept = own(text);
    const found: Found = { low: low === text ? kept : own(low), rules: rules.length === 0 ? nothing : rules };
    if (this.young.size >= cachedTexts) { this.old = this.young; this.young = new Map(); }
    this.young.set(kept, found);
    return found;
  }

  /** The same for a folded text, and nothing is remembered of it. */
  lookup(low: string, take: (rules: readonly number[]) => void): void {
    if (this.basenames.size > 0 || this.needles.size > 0) { this.search(low, take); return; }
    if (low !== this.latest) {
      this.latest = low;
      this.latestRules = low.length <= this.longestEqual ? this.equals.get(low) : undefined;
    }
    if (this.latestRules) take(this.latestRules);
  }

  private search(low: string, take: (rules: readonly number[]) => void): void {
    // A map lookup hashes the text: not for command lines when only short texts are known.
    if (this.equals.size > 0 && low.length <= this.longestEqual) { const rules = this.equals.get(low); if (rules) take(rules); }
    if (this.basenames.size > 0) {
      const base = basename(low);
      const rules = base === undefined ? undefined : this.basenames.get(base);
      if (rules) take(rules);
    }
    if (this.needles.size > 0) (this.finder ??= new NeedleSearch(this.needles)).each(low, take);
  }
}

const cachedTexts = 1024;
const cachedText = 512;
/** A field whose texts miss so much oftener than they repeat is no longer remembered. */
const patience = 4096;
/** How a text folds, and the rules that it makes candidates. */
interface Found { readonly low: string; readonly rules: readonly (readonly number[])[] }
/** A text with its folded form, made when it is asked for. */
interface Folding { readonly text: string; low(): string; foldsTo(low: string): void }
const nothing: readonly (readonly number[])[] = [];
