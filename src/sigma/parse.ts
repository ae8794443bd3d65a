/** Rule files → rules, correlations and filters; what is wrong with one of them never touches another. */
import { parseCorrelation } from './parse-correlation.ts';
import { parseDetection } from './detection.ts';
import { Refusal, show, type SigmaError } from './error.ts';
import type { Given, Placeholders } from './modifiers.ts';
import { type Prebuilt, prebuiltYaml } from './prebuilt.ts';
import type { Correlation, Filter, Level, Logsource, Meta, Parsed, Rule, Status } from './types.ts';
import { type MapTree, mergeTrees, plain, readYaml, type Tree } from './yaml.ts';

export interface ParseOptions {
  /** Values for |expand: { admins: ['root', 'adm*'] } makes %admins% known. */
  placeholders?: Placeholders;
  /** The top-level key kept in `custom`. Default "moat". */
  customKey?: string;
  /** What was made of some of these texts before; the others are read. */
  prebuilt?: Prebuilt | undefined;
}

/** A text of rules. `file` is only used in messages and in the rules' `file`; `digest`, the SHA-256 of the text in hex, finds what is prebuilt. */
export interface RuleText { file: string; text: string; digest?: string | undefined }

/** Never throws on any text. */
export function parse(files: readonly RuleText[], options: ParseOptions = {}): Parsed {
  const parsed: Parsed = { rules: [], correlations: [], filters: [], errors: [] };
  const taken = new Map<string, string>();
  for (const file of files) parseFile(file, options, parsed, taken);
  return parsed;
}

function parseFile({ file, text, digest }: RuleText, options: ParseOptions, parsed: Parsed, taken: Map<string, string>): void {
  const yaml = prebuiltYaml(options.prebuilt, text, digest) ?? readYaml(text);
  let global: MapTree | undefined;
  let previous: MapTree | undefined;
  for (const document of yaml.documents) {
    let tree: MapTree | undefined;
    try {
      if ('refusal' in document) throw document.refusal;
      if (document.tree.kind !== 'map') throw new Refusal('yaml', 'expected a rule (a map with title and detection), got a list or a scalar', document.at);
      tree = document.tree;
      const action = tree.entries.get('action');
      if (action) {
        const entries = new Map(tree.entries);
        entries.delete('action');
        tree = { ...tree, entries };
      }
      switch (action === undefined ? undefined : scalarText(action)) {
        case undefined:
          if (global) tree = mergeTrees(global, tree) as MapTree;
          break;
        case 'global': global = mergeTrees(global, tree) as MapTree; continue;
        case 'reset':
          global = undefined;
          if (tree.entries.size === 0) continue;
          break;
        case 'repeat':
          if (!previous) throw new Refusal('yaml', 'expected a rule before action: repeat, got none', document.at);
          tree = mergeTrees(previous, tree) as MapTree;
          break;
        default: throw new Refusal('yaml', `expected action global, reset or repeat, got ${show(plain(action!))}`, action!.at);
      }
      previous = tree;
      parseDocument(tree, document.at, { file, line: yaml.line(document.at) }, options, parsed, taken, global);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      parsed.errors.push(refusalError(error, { file, line: yaml.line(error.at ?? document.at) }, tree));
    }
  }
}

/** Stack overflows and the like would be our fault; refusals are the rule's. */
function refusalError(error: Refusal, place: { file: string; line: number }, tree: MapTree | undefined): SigmaError {
  const id = tree?.entries.get('id');
  const name = tree?.entries.get('name');
  return {
    ...place, code: error.code, message: error.message,
    ...(id?.kind === 'scalar' && id.value !== null ? { id: id.source } : {}),
    ...(name?.kind === 'scalar' && name.value !== null ? { name: name.source } : {}),
  };
}

function parseDocument(tree: MapTree, at: number, place: { file: string; line: number }, options: ParseOptions, parsed: Parsed, taken: Map<string, string>, global: MapTree | undefined): void {
  const meta = parseMeta(tree, at, place, options.customKey ?? 'moat');
  // Documents that get their id from `action: global` share it on purpose; others must not.
  const claims = (['id', 'name'] as const).filter((key) => meta[key] !== undefined && !global?.entries.has(key));
  for (const key of claims) {
    const owner = taken.get(meta[key]!);
    if (owner !== undefined) throw new Refusal('duplicate', `expected a unique ${key}, got ${show(meta[key])} as in ${owner}`, tree.entries.get(key)?.at ?? at);
  }
  const given: Given = { placeholders: options.placeholders ?? {}, regexes: options.prebuilt?.regexes };
  const sections = ['detection', 'correlation', 'filter'].filter((key) => tree.entries.has(key));
  if (sections.length !== 1) throw new Refusal('detection', `expected one of detection, correlation and filter, got ${sections.length === 0 ? 'none' : sections.join(' and ')}`, at);
  switch (sections[0]) {
    case 'detection': {
      const rule: Rule = { type: 'rule', ...meta, logsource: parseLogsource(tree, at, true), detection: parseDetection(section(tree, 'detection'), [], given) };
      parsed.rules.push(rule);
      break;
    }
    case 'correlation': {
      const correlation: Correlation = { type: 'correlation', ...meta, ...parseCorrelation(section(tree, 'correlation'), tree.entries.get('generate')) };
      parsed.correlations.push(correlation);
      break;
    }
    default: {
      const body = section(tree, 'filter');
      const filter: Filter = {
        type: 'filter', ...place, title: meta.title, id: meta.id, name: meta.name, logsource: parseLogsource(tree, at, false),
        rules: parseFilterRules(body), detection: parseDetection(body, ['rules'], given),
      };
      parsed.filters.push(filter);
    }
  }
  for (const key of claims) taken.set(meta[key]!, `${place.file}:${place.line}`);
}

function section(tree: MapTree, key: string): MapTree {
  const value = tree.entries.get(key)!;
  if (value.kind !== 'map') throw new Refusal(key === 'detection' ? 'detection' : key === 'filter' ? 'filter' : 'correlation', `expected a map under ${key}, got a ${value.kind}`, value.at);
  return value;
}

const levels: Record<string, Level> = { informational: 'info', info: 'info', low: 'low', medium: 'medium', high: 'high', critical: 'critical' };
const statuses: readonly Status[] = ['stable', 'test', 'experimental', 'deprecated', 'unsupported'];

function parseMeta(tree: MapTree, at: number, place: { file: string; line: number }, customKey: string): Meta {
  const title = text(tree, 'title');
  if (title === undefined || title.trim() === '') throw new Refusal('metadata', 'expected a title, got none', at);
  const level = text(tree, 'level') ?? 'medium';
  if (!Object.hasOwn(levels, level.toLowerCase())) throw new Refusal('metadata', `expected level informational, low, medium, high or critical, got ${show(level)}`, tree.entries.get('level')?.at);
  const status = text(tree, 'status');
  if (status !== undefined && !statuses.includes(status as Status)) throw new Refusal('metadata', `expected status ${statuses.join(', ')}, got ${show(status)}`, tree.entries.get('status')?.at);
  const taxonomy = text(tree, 'taxonomy');
  // Another taxonomy gives the same field names other meanings; the specification wants such rules refused.
  if (taxonomy !== undefined && taxonomy !== 'sigma') throw new Refusal('metadata', `expected taxonomy sigma, got ${show(taxonomy)}`, tree.entries.get('taxonomy')?.at);
  const custom = tree.entries.get(customKey);
  return {
    ...place, title, id: text(tree, 'id'), name: text(tree, 'name'), status: status as Status | undefined, level: levels[level.toLowerCase()]!,
    description: text(tree, 'description'), author: text(tree, 'author'), tags: texts(tree, 'tags'), falsepositives: texts(tree, 'falsepositives'),
    references: texts(tree, 'references'), fields: texts(tree, 'fields'), custom: custom && plain(custom),
  };
}

const scalarText = (tree: Tree): string | undefined => tree.kind === 'scalar' && tree.value !== null ? (typeof tree.value === 'string' ? tree.value : tree.source) : undefined;

function text(tree: MapTree, key: string): string | undefined {
  const value = tree.entries.get(key);
  if (!value || (value.kind === 'scalar' && value.value === null)) return undefined;
  const found = scalarText(value);
  if (found === undefined) throw new Refusal('metadata', `expected text for ${key}, got a ${value.kind}`, value.at);
  return found;
}

/** A list of texts, or one text. */
function texts(tree: MapTree, key: string): string[] {
  const value = tree.entries.get(key);
  if (!value || (value.kind === 'scalar' && value.value === null)) return [];
  const items = value.kind === 'list' ? value.items : [value];
  return items.flatMap((item) => {
    if (item.kind === 'scalar' && item.value === null) return [];
    const found = scalarText(item);
    if (found === undefined) throw new Refusal('metadata', `expected texts for ${key}, got a ${item.kind}`, item.at);
    return [found];
  });
}

function parseLogsource(tree: MapTree, at: number, needed: boolean): Logsource {
  const value = tree.entries.get('logsource');
  if (!value && !needed) return {};
  if (value?.kind !== 'map') throw new Refusal('logsource', `expected a map under logsource, got ${value ? `a ${value.kind}` : 'none'}`, value?.at ?? at);
  const logsource: Logsource = {};
  for (const key of ['category', 'product', 'service'] as const) {
    const found = text(value, key);
    if (found !== undefined) logsource[key] = found.toLowerCase();
  }
  if (needed && Object.keys(logsource).length === 0) throw new Refusal('logsource', 'expected category, product or service under logsource, got none', value.at);
  return logsource;
}

function parseFilterRules(tree: MapTree): Filter['rules'] {
  const rules = tree.entries.get('rules');
  if (!rules) throw new Refusal('filter', 'expected rules (any, or a list of ids and names), got none', tree.at);
  const one = scalarText(rules);
  if (one !== undefined) return one.toLowerCase() === 'any' ? 'any' : [one];
  if (rules.kind !== 'list' || rules.items.length === 0) throw new Refusal('filter', 'expected any or a list of ids and names under rules, got something else', rules.at);
  return rules.items.map((item) => {
    const found = scalarText(item);
    if (found === undefined) throw new Refusal('filter', 'expected ids and names under rules, got something else', item.at);
    return found;
  });
}
