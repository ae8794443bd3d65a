/** The correlation section. */
import { parseCondition } from './condition.ts';
import { Refusal, show } from './error.ts';
import { type Bounds, type Correlation, correlationTypes, type CorrelationType, type Meta } from './types.ts';
import { type MapTree, plain, type Tree } from './yaml.ts';

type Section = Omit<Correlation, keyof Meta | 'type'>;

const units: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 7 * 86400e3, M: 30 * 86400e3, y: 365 * 86400e3 };
const operators = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
const keys = ['type', 'rules', 'group-by', 'timespan', 'timeframe', 'aliases', 'generate', 'condition'];

/** `outerGenerate` is the document's top-level `generate`, where the schema has it; the section may hold it too. */
export function parseCorrelation(tree: MapTree, outerGenerate: Tree | undefined): Section {
  for (const [key, value] of tree.entries) {
    if (!keys.includes(key)) throw new Refusal('correlation', `expected one of ${keys.join(', ')}, got ${show(key)}`, value.at);
  }
  const kind = one(tree, 'type', (value): value is CorrelationType => correlationTypes.includes(value as CorrelationType), `a type of ${correlationTypes.join(', ')}`);
  const rules = list(tree, 'rules');
  if (rules.length === 0) throw new Refusal('correlation', 'expected at least one rule under rules, got none', tree.at);
  if (rules.length > 255) throw new Refusal('limit', `expected at most 255 rules in a correlation, got ${rules.length}`, tree.at);
  if (new Set(rules).size !== rules.length && kind !== 'temporal_ordered') throw new Refusal('correlation', 'expected each rule once, got one twice', tree.entries.get('rules')?.at);
  const timespan = parseTimespan(tree);
  const aliases = parseAliases(tree.entries.get('aliases'));
  const generate = flag(tree.entries.get('generate')) ?? flag(outerGenerate) ?? false;
  return { kind, rules, groupBy: list(tree, 'group-by'), timespan, aliases, generate, ...parseLimits(tree, kind, rules) };
}

function one<T extends string>(tree: MapTree, key: string, is: (value: string) => value is T, what: string): T {
  const value = tree.entries.get(key);
  const found = value?.kind === 'scalar' && typeof value.value === 'string' ? value.value : undefined;
  if (found === undefined || !is(found)) throw new Refusal('correlation', `expected ${what}, got ${value ? show(plain(value)) : 'none'}`, value?.at ?? tree.at);
  return found;
}

function list(tree: MapTree, key: string): string[] {
  const value = tree.entries.get(key);
  if (!value || (value.kind === 'scalar' && value.value === null)) return [];
  const items = value.kind === 'list' ? value.items : [value];
  return items.map((item) => {
    if (item.kind !== 'scalar' || item.value === null || item.source === '') throw new Refusal('correlation', `expected texts under ${key}, got something else`, item.at);
    return typeof item.value === 'string' ? item.value : item.source;
  });
}

function flag(tree: Tree | undefined): boolean | undefined {
  if (!tree) return undefined;
  if (tree.kind !== 'scalar' || typeof tree.value !== 'boolean') throw new Refusal('correlation', `expected generate true or false, got ${show(plain(tree))}`, tree.at);
  return tree.value;
}

/** Milliseconds. A month is 30 days, a year 365. */
function parseTimespan(tree: MapTree): number {
  const value = tree.entries.get('timespan') ?? tree.entries.get('timeframe');
  const found = value?.kind === 'scalar' ? /^(\d{1,9})([smhdwMy])$/.exec(String(value.value)) : null;
  const span = found ? Number(found[1]) * units[found[2]!]! : 0;
  if (span <= 0) throw new Refusal('correlation', `expected a timespan such as 30s, 5m, 2h, 1d, 1w, 1M or 1y, got ${value ? show(plain(value)) : 'none'}`, value?.at ?? tree.at);
  if (span > 10 * units['y']!) throw new Refusal('limit', `expected a timespan of at most ten years, got ${show(plain(value!))}`, value!.at);
  return span;
}

function parseAliases(tree: Tree | undefined): Map<string, Map<string, string>> {
  const out = new Map<string, Map<string, string>>();
  if (!tree || (tree.kind === 'scalar' && tree.value === null)) return out;
  if (tree.kind !== 'map') throw new Refusal('correlation', 'expected aliases to map names to rules and fields, got something else', tree.at);
  for (const [alias, body] of tree.entries) {
    if (body.kind !== 'map') throw new Refusal('correlation', `expected alias ${show(alias)} to map rules to fields, got something else`, body.at);
    const fields = new Map<string, string>();
    for (const [rule, field] of body.entries) {
      if (field.kind !== 'scalar' || typeof field.value !== 'string') throw new Refusal('correlation', `expected a field name for ${show(rule)} in alias ${show(alias)}, got something else`, field.at);
      fields.set(rule, field.value);
    }
    out.set(alias, fields);
  }
  return out;
}

function parseLimits(tree: MapTree, kind: CorrelationType, rules: readonly string[]): Pick<Section, 'bounds' | 'valueFields' | 'percentile' | 'expression'> {
  const condition = tree.entries.get('condition');
  const temporal = kind === 'temporal' || kind === 'temporal_ordered';
  const none = { bounds: {}, valueFields: [], percentile: 50 };
  if (!condition || (condition.kind === 'scalar' && condition.value === null)) {
    if (temporal) return none; // all rules must be seen
    throw new Refusal('correlation', `expected a condition for ${kind}, got none`, tree.at);
  }
  if (condition.kind === 'scalar' && typeof condition.value === 'string') {
    if (!temporal) throw new Refusal('correlation', `expected a map such as {gte: 10} as condition of ${kind}, got ${show(condition.value)}`, condition.at);
    const expression = parseCondition(condition.value, { names: rules, what: 'rule name', quantifiers: false }, condition.at);
    if (kind === 'temporal_ordered') {
      // An order between rules that need not all occur has no meaning; "all of them" is what the type says anyway.
      if (expression.kind !== 'and' || expression.children.some((child) => child.kind !== 'name') || new Set(expression.children.map((child) => child.kind === 'name' ? child.name : '')).size !== new Set(rules).size) {
        throw new Refusal('correlation', 'expected a condition that joins all rules by "and" for temporal_ordered, got another', condition.at);
      }
      return none;
    }
    return { ...none, expression };
  }
  if (condition.kind !== 'map') throw new Refusal('correlation', 'expected a condition map or expression, got something else', condition.at);
  return parseBounds(condition, kind, rules);
}

function parseBounds(condition: MapTree, kind: CorrelationType, rules: readonly string[]): Pick<Section, 'bounds' | 'valueFields' | 'percentile'> {
  const temporal = kind === 'temporal' || kind === 'temporal_ordered';
  const bounds: Bounds = {};
  for (const [key, value] of condition.entries) {
    if (key === 'field' || key === 'percentile') continue;
    const operator = operators.find((one) => one === key);
    if (!operator) throw new Refusal('correlation', `expected ${operators.join(', ')}, field or percentile in the condition, got ${show(key)}`, value.at);
    if (value.kind !== 'scalar' || typeof value.value !== 'number' || !Number.isFinite(value.value)) throw new Refusal('correlation', `expected a number for ${key}, got ${show(plain(value))}`, value.at);
    bounds[operator] = value.value;
  }
  if (Object.keys(bounds).length === 0 && !temporal) throw new Refusal('correlation', `expected ${operators.join(', ')} in the condition, got none`, condition.at);
  if (empty(bounds)) throw new Refusal('correlation', 'expected bounds that some number meets, got a contradiction', condition.at);
  const counts = kind === 'event_count' || kind === 'value_count' || temporal;
  // A group exists from its first event on: a count of none never is one, and "at least 0" would always hold.
  if (counts && holds(0, bounds) && (bounds.gt !== undefined || bounds.gte !== undefined)) throw new Refusal('correlation', 'expected a lower bound above 0 for a count, got one that always holds', condition.at);
  // Groups keep that many events (window.ts); past it counts would be lower bounds, and "less than" a guess.
  if (counts && Object.values(bounds).some((bound: number | undefined) => (bound ?? 0) > 60_000)) throw new Refusal('limit', 'expected a count of at most 60,000, got more', condition.at);
  if (kind === 'temporal_ordered' && Object.keys(bounds).length > 0 && !holds(rules.length, bounds)) throw new Refusal('correlation', `expected a bound that all ${rules.length} rules meet, got another`, condition.at);
  const field = condition.entries.get('field');
  const valueFields = list(condition, 'field');
  const needs = kind.startsWith('value_');
  if (needs && valueFields.length === 0) throw new Refusal('correlation', `expected a field in the condition of ${kind}, got none`, condition.at);
  if (!needs && field) throw new Refusal('correlation', `expected no field in the condition of ${kind}, got one`, field.at);
  if (needs && kind !== 'value_count' && valueFields.length > 1) throw new Refusal('correlation', `expected one field for ${kind}, got ${valueFields.length}`, field?.at);
  const percentile = condition.entries.get('percentile');
  if (percentile && kind !== 'value_percentile') throw new Refusal('correlation', `expected no percentile in the condition of ${kind}, got one`, percentile.at);
  if (kind === 'value_percentile' && !percentile) throw new Refusal('correlation', 'expected percentile (0 to 100) in the condition of value_percentile, got none', condition.at);
  const rank = percentile?.kind === 'scalar' ? percentile.value : 50;
  if (typeof rank !== 'number' || !(rank >= 0 && rank <= 100)) throw new Refusal('correlation', 'expected a percentile from 0 to 100, got another value', percentile?.at);
  return { bounds, valueFields, percentile: rank };
}

function empty(bounds: Bounds): boolean {
  const low = Math.max(bounds.gt ?? -Infinity, bounds.gte ?? -Infinity);
  const high = Math.min(bounds.lt ?? Infinity, bounds.lte ?? Infinity);
  const open = low === bounds.gt || high === bounds.lt;
  if (low > high || (low === high && open)) return true;
  return bounds.eq !== undefined && !holds(bounds.eq, bounds);
}

export function holds(value: number, bounds: Bounds): boolean {
  return (bounds.gt === undefined || value > bounds.gt) && (bounds.gte === undefined || value >= bounds.gte)
    && (bounds.lt === undefined || value < bounds.lt) && (bounds.lte === undefined || value <= bounds.lte)
    && (bounds.eq === undefined || value === bounds.eq) && (bounds.neq === undefined || value !== bounds.neq);
}
