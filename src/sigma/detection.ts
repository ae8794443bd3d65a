/** The detection section (and the body of a filter): search identifiers and the condition over them. */
import { parseCondition } from './condition.ts';
import { Refusal, show } from './error.ts';
import { applyModifiers, checkModifiers, type Given } from './modifiers.ts';
import type { Condition, Detection, Item, Search, Value } from './types.ts';
import type { ListTree, MapTree, ScalarTree, Tree } from './yaml.ts';

/** `reserved` keys of the map are no search identifiers. Throws Refusal. */
export function parseDetection(tree: MapTree, reserved: readonly string[], given: Given): Detection {
  const searches = new Map<string, Search>();
  for (const [name, body] of tree.entries) {
    if (name === 'condition' || reserved.includes(name)) continue;
    if (name === 'timeframe') throw new Refusal('aggregation', 'expected no timeframe (it belongs to the obsolete aggregation), got one; write a correlation rule with a timespan', body.at);
    searches.set(name, parseSearch(body, given));
  }
  const condition = tree.entries.get('condition');
  if (!condition) throw new Refusal('condition', 'expected a condition, got none', tree.at);
  const texts = (condition.kind === 'list' ? condition.items : [condition]).map((item) => {
    if (item.kind !== 'scalar' || item.value === null) throw new Refusal('condition', 'expected a condition text or a list of them, got something else', item.at);
    return item.source === '' ? '' : String(item.value);
  });
  if (texts.length === 0) throw new Refusal('condition', 'expected a condition, got an empty list', condition.at);
  if (searches.size === 0) throw new Refusal('detection', 'expected at least one search identifier, got none', tree.at);
  const names = [...searches.keys()];
  const parsed = texts.map((text) => parseCondition(text, { names, what: 'search identifier', quantifiers: true }, condition.at));
  const whole: Condition = parsed.length === 1 ? parsed[0]! : { kind: 'or', children: parsed };
  return { searches, condition: whole, conditionText: texts.length === 1 ? texts[0]! : texts.map((text) => `(${text})`).join(' or ') };
}

function parseSearch(tree: Tree, given: Given): Search {
  switch (tree.kind) {
    case 'map': return parseMap(tree, given);
    case 'list': {
      if (tree.items.length === 0) throw new Refusal('detection', 'expected at least one keyword or map, got an empty list', tree.at);
      const keywords: ScalarTree[] = [];
      const children: Search[] = [];
      for (const item of tree.items) {
        if (item.kind === 'scalar') keywords.push(item);
        else if (item.kind === 'map') children.push(parseMap(item, given));
        else throw new Refusal('detection', 'expected a keyword or a map in the list, got a list', item.at);
      }
      if (keywords.length > 0) children.push(itemSearch('', { kind: 'list', at: tree.at, items: keywords }, given));
      return children.length === 1 ? children[0]! : { kind: 'or', children };
    }
    case 'scalar': return itemSearch('', tree, given);
    default: return tree satisfies never;
  }
}

function parseMap(tree: MapTree, given: Given): Search {
  const children = [...tree.entries].map(([key, value]) => itemSearch(key, value, given));
  if (children.length === 0) throw new Refusal('detection', 'expected at least one field, got an empty map', tree.at);
  return children.length === 1 ? children[0]! : { kind: 'and', children };
}

function itemSearch(key: string, tree: Tree, given: Given): Search {
  const [name = '', ...modifiers] = key.split('|');
  checkModifiers(modifiers, tree.at);
  if (tree.kind === 'map') throw new Refusal('detection', `expected a value or a list of values for ${show(key)}, got a map`, tree.at);
  const trees = scalars(tree, key);
  const field = name === '' ? undefined : name;
  const values = trees.map((value): Value => ({ source: value.value === null ? 'null' : value.source, tests: at(value.at, () => applyModifiers(value, modifiers, field === undefined, given)) }));
  const item: Item = { field, modifiers, values, all: modifiers.includes('all'), negate: modifiers.includes('neq'), at: tree.at };
  return { kind: 'item', item };
}

/** What is refused without a place (a regex, which knows none) is refused here. */
function at<T>(offset: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Refusal && error.at === undefined ? new Refusal(error.code, error.message, offset) : error;
  }
}

function scalars(tree: ScalarTree | ListTree, key: string): ScalarTree[] {
  if (tree.kind === 'scalar') return [tree];
  if (tree.items.length === 0) throw new Refusal('detection', `expected at least one value for ${show(key)}, got an empty list`, tree.at);
  return tree.items.map((item) => {
    if (item.kind !== 'scalar') throw new Refusal('detection', `expected plain values in the list of ${show(key)}, got a ${item.kind}`, item.at);
    if (item.value === null) throw new Refusal('value', `expected no null in the list of ${show(key)}, got one; give it a search identifier of its own`, item.at);
    return item;
  });
}
