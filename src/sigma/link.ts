/** References between rules: correlations to their rules, filters to theirs. What does not resolve is refused. */
import { Refusal, show, type SigmaError } from './error.ts';
import { satisfies } from './expression.ts';
import type { Correlation, Filter, Parsed, Rule } from './types.ts';

export interface Feed { to: number; mask: number }
export interface Links {
  rules: { rule: Rule; filters: Filter[]; emits: boolean; feeds: Feed[] }[];
  /** Inner correlations before those that refer to them; feeds point forward. */
  correlations: { correlation: Correlation; emits: boolean; feeds: Feed[]; aliased: ReadonlyMap<string, string>[] }[];
  filters: number;
  errors: SigmaError[];
}

export function resolve(parsed: Parsed): Links {
  const errors: SigmaError[] = [];
  const refused = new Set<Correlation | Filter>();
  const refuse = (one: Correlation | Filter, error: Refusal): void => {
    refused.add(one);
    errors.push({ file: one.file, line: one.line, ...(one.id === undefined ? {} : { id: one.id }), ...(one.name === undefined ? {} : { name: one.name }), code: error.code, message: error.message });
  };
  const byName = new Map<string, (Rule | Correlation)[]>();
  for (const one of [...parsed.rules, ...parsed.correlations]) {
    for (const key of new Set([one.id, one.name])) if (key !== undefined) byName.set(key, [...(byName.get(key) ?? []), one]);
  }
  const ordered = order(parsed.correlations, byName, refuse, refused);
  const feeds = new Map<Rule | Correlation, Map<number, number>>();
  const generated = new Set<Rule | Correlation>();
  for (const [to, correlation] of ordered.entries()) {
    correlation.rules.forEach((name, index) => {
      for (const target of byName.get(name)!) {
        const masks = feeds.get(target) ?? new Map<number, number>();
        // Only temporal correlations look at which rule it was; others have one bit for all, and any number of rules.
        masks.set(to, (masks.get(to) ?? 0) | (needsPositions(correlation) ? 1 << index : 1));
        feeds.set(target, masks);
        if (correlation.generate) generated.add(target);
      }
    });
  }
  const feedsOf = (one: Rule | Correlation): Feed[] => [...(feeds.get(one) ?? [])].map(([to, mask]) => ({ to, mask }));
  const emits = (one: Rule | Correlation): boolean => !feeds.has(one) || generated.has(one);
  const filters = parsed.filters.filter((filter) => {
    if (filter.rules === 'any') return true;
    const broken = filter.rules.find((name) => !byName.get(name)?.some((one) => one.type === 'rule'));
    if (broken !== undefined) refuse(filter, new Refusal('reference', `expected ids or names of detection rules, got ${show(broken)}, which is none that was accepted`));
    return broken === undefined;
  });
  return {
    rules: parsed.rules.map((rule) => ({ rule, filters: filters.filter((filter) => concerns(filter, rule)), emits: emits(rule), feeds: feedsOf(rule) })),
    correlations: ordered.map((correlation) => ({
      correlation, emits: emits(correlation), feeds: feedsOf(correlation),
      aliased: correlation.rules.map((name) => new Map([...correlation.aliases].flatMap(([alias, fields]) => { const field = aliasField(fields, name, byName); return field === undefined ? [] : [[alias, field]]; }))),
    })),
    filters: filters.length, errors,
  };
}

/** Whether positions in `rules` matter: for order and distinctness, and for aliases, which read other fields for each. */
const needsPositions = (correlation: Correlation): boolean => correlation.kind === 'temporal' || correlation.kind === 'temporal_ordered' || correlation.aliases.size > 0;

/** An alias may name the rule by its id or its name, whichever `rules` used. */
function aliasField(fields: ReadonlyMap<string, string>, name: string, byName: ReadonlyMap<string, readonly (Rule | Correlation)[]>): string | undefined {
  for (const key of [name, ...byName.get(name)!.flatMap((one) => [one.name, one.id])]) {
    const field = key === undefined ? undefined : fields.get(key);
    if (field !== undefined) return field;
  }
  return undefined;
}

/** A filter concerns rules of its log source (or a narrower one) that it names. */
function concerns(filter: Filter, rule: Rule): boolean {
  if (!satisfies(rule.logsource, filter.logsource)) return false;
  return filter.rules === 'any' || filter.rules.some((name) => name === rule.id || name === rule.name);
}

/** Depth first, so that what is referred to comes first; cycles and unknown names refuse the correlation. */
function order(
  correlations: readonly Correlation[], byName: ReadonlyMap<string, readonly (Rule | Correlation)[]>,
  refuse: (one: Correlation, error: Refusal) => void, refused: ReadonlySet<unknown>,
): Correlation[] {
  const out: Correlation[] = [];
  const state = new Map<Correlation, 'open' | 'done'>();
  const visit = (correlation: Correlation, depth: number): void => {
    if (state.has(correlation)) return;
    state.set(correlation, 'open');
    const fault = depth > 50 ? new Refusal('limit', 'expected a chain of at most 50 correlations, got a longer one') : check(correlation, depth);
    state.set(correlation, 'done');
    if (fault) refuse(correlation, fault);
    else out.push(correlation);
  };
  const check = (correlation: Correlation, depth: number): Refusal | undefined => {
    for (const name of correlation.rules) {
      const targets = byName.get(name);
      if (!targets) return new Refusal('reference', `expected the id or name of a rule, got ${show(name)}, which is none that was accepted`);
      for (const target of targets) {
        if (target.type === 'rule') continue;
        if (state.get(target) === 'open') return new Refusal('reference', `expected correlations without a circle, got ${show(name)}, which refers back to this one`);
        visit(target, depth + 1);
        if (refused.has(target)) return new Refusal('reference', `expected the id or name of a rule, got ${show(name)}, which was refused itself`);
      }
    }
    if (needsPositions(correlation) && correlation.rules.length > 30) return new Refusal('limit', `expected at most 30 rules in a temporal or aliased correlation, got ${correlation.rules.length}`);
    for (const [alias, fields] of correlation.aliases) {
      if (!correlation.groupBy.includes(alias) && !correlation.valueFields.includes(alias)) continue;
      for (const name of correlation.rules) {
        if (aliasField(fields, name, byName) === undefined) return new Refusal('correlation', `expected a field of rule ${show(name)} in alias ${show(alias)}, got none`);
      }
    }
    return undefined;
  };
  for (const correlation of correlations) visit(correlation, 0);
  return out;
}
