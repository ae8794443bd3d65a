/** A rule as one tree of items, with the filters that apply to it. */
import type { Condition, Detection, Filter, Item, Logsource, Rule, Search } from './types.ts';

export type Expression =
  | { kind: 'item'; item: Item }
  | { kind: 'and' | 'or'; children: readonly Expression[] }
  | { kind: 'not'; child: Expression };

export function expressionOf(detection: Detection): Expression {
  const search = (one: Search): Expression => one.kind === 'item' ? one : { kind: one.kind, children: one.children.map(search) };
  const lowered = new Map([...detection.searches].map(([name, one]) => [name, search(one)]));
  const condition = (one: Condition): Expression => {
    switch (one.kind) {
      case 'name': return lowered.get(one.name)!;
      case 'not': return { kind: 'not', child: condition(one.child) };
      default: return { kind: one.kind, children: one.children.map(condition) };
    }
  };
  return condition(detection.condition);
}

/** Events that a filter's condition selects are not the rule's. */
export function filtered(rule: Rule, filters: readonly Filter[]): Expression {
  const base = expressionOf(rule.detection);
  if (filters.length === 0) return base;
  return { kind: 'and', children: [base, ...filters.map((filter): Expression => ({ kind: 'not', child: expressionOf(filter.detection) }))] };
}

/** Whether what `wanted` names is the same in `given`; what it leaves open may be anything. */
export function satisfies(given: Logsource, wanted: Logsource): boolean {
  return (wanted.category === undefined || wanted.category === given.category?.toLowerCase())
    && (wanted.product === undefined || wanted.product === given.product?.toLowerCase())
    && (wanted.service === undefined || wanted.service === given.service?.toLowerCase());
}

/** Whether one of the log sources is what a rule wants; an unknown one may be. */
export const satisfiesAny = (given: readonly Logsource[] | undefined, wanted: Logsource): boolean => given === undefined || given.some((one) => satisfies(one, wanted));
