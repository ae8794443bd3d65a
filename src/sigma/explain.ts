/** Why a rule matches an event or does not: every part with its own answer. */
import type { Engine } from './engine.ts';
import { expressionOf, satisfiesAny } from './expression.ts';
import { interpret, itemHolds, type Reader, testHolds } from './interpret.ts';
import { patternText } from './pattern.ts';
import type { Condition, Detection, Filter, Item, Logsource, Rule, Search, Test } from './types.ts';

/** One value of an item, as written in the rule and as it is compared. */
export interface ValueExplained { held: boolean; expected: string; compared: string[] }

export type SearchExplained =
  | { kind: 'item'; held: boolean; field: string | undefined; modifiers: readonly string[]; actual: unknown; values: ValueExplained[] }
  | { kind: 'and' | 'or'; held: boolean; children: SearchExplained[] };

export type ConditionExplained =
  | { kind: 'name'; held: boolean; name: string }
  | { kind: 'not'; held: boolean; child: ConditionExplained }
  | { kind: 'and' | 'or'; held: boolean; children: ConditionExplained[] };

export interface DetectionExplained {
  held: boolean;
  conditionText: string;
  condition: ConditionExplained;
  selections: { name: string; held: boolean; search: SearchExplained }[];
}

export interface Explanation {
  /** The rule matches: its log source, its detection, and no filter. */
  held: boolean;
  logsource: { held: boolean; wanted: Logsource; given: readonly Logsource[] };
  detection: DetectionExplained;
  /** Filters that apply to the rule; one that held keeps the rule from matching. */
  filters: { title: string; id?: string; detection: DetectionExplained }[];
}

/** Texts in the answer come from the event: escape them before showing them on a terminal or page. */
export function explain<E>(engine: Engine<E>, rule: Rule, event: E): Explanation {
  const reader = engine.readerOf(event);
  const given = engine.logsourcesOf(event);
  const logsource = { held: satisfiesAny(given, rule.logsource), wanted: rule.logsource, given: given ?? [] };
  const detection = explainDetection(rule.detection, reader);
  const filters = engine.filtersOf(rule).map((filter: Filter) => ({ title: filter.title, id: filter.id, detection: explainDetection(filter.detection, reader) }));
  return { held: logsource.held && detection.held && !filters.some((filter) => filter.detection.held), logsource, detection, filters };
}

function explainDetection(detection: Detection, reader: Reader): DetectionExplained {
  const selections = [...detection.searches].map(([name, search]) => { const explained = explainSearch(search, reader); return { name, held: explained.held, search: explained }; });
  const held = new Map(selections.map((selection) => [selection.name, selection.held]));
  const condition = explainCondition(detection.condition, held);
  return { held: interpret(expressionOf(detection), reader), conditionText: detection.conditionText, condition, selections };
}

function explainCondition(condition: Condition, held: ReadonlyMap<string, boolean>): ConditionExplained {
  switch (condition.kind) {
    case 'name': return { kind: 'name', name: condition.name, held: held.get(condition.name)! };
    case 'not': { const child = explainCondition(condition.child, held); return { kind: 'not', held: !child.held, child }; }
    default: {
      const children = condition.children.map((child) => explainCondition(child, held));
      return { kind: condition.kind, held: condition.kind === 'and' ? children.every((child) => child.held) : children.some((child) => child.held), children };
    }
  }
}

function explainSearch(search: Search, reader: Reader): SearchExplained {
  if (search.kind === 'item') return explainItem(search.item, reader);
  const children = search.children.map((child) => explainSearch(child, reader));
  return { kind: search.kind, held: search.kind === 'and' ? children.every((child) => child.held) : children.some((child) => child.held), children };
}

function explainItem(item: Item, reader: Reader): SearchExplained {
  const actual = item.field === undefined ? reader.keywords() : reader.read(item.field);
  return {
    kind: 'item', held: itemHolds(item, reader), field: item.field, modifiers: item.modifiers, actual,
    values: item.values.map((value) => ({ held: value.tests.some((test) => testHolds(test, actual, reader)), expected: value.source, compared: value.tests.map((test) => describe(test, reader)) })),
  };
}

/** The test as the engine sees it, after all modifiers. */
function describe(test: Test, reader: Reader): string {
  switch (test.kind) {
    case 'pattern': return patternText(test.cased ? test.parts : test.folded);
    case 'texts': return test.texts.join(' or ');
    case 'null': return 'null or missing';
    case 'exists': return test.value ? 'present' : 'missing';
    case 'regex': return `/${test.source}/${test.flags.i ? 'i' : ''}${test.flags.m ? 'm' : ''}${test.flags.s ? 's' : ''}`;
    case 'cidr': return `in ${test.text}`;
    case 'compare': return `${test.op} ${test.value}`;
    case 'date': return `${test.part} ${test.op} ${test.value}`;
    case 'fieldref': return `${test.how} ${test.field} (${JSON.stringify(reader.read(test.field)) ?? 'missing'})`;
    default: return test satisfies never;
  }
}
