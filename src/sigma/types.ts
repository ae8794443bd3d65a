/** What rules are once parsed. Everything here is plain data and shared by the interpreter, the compiler and explain. */
import type { Network } from './cidr.ts';
import type { SigmaError } from './error.ts';
import type { Part } from './pattern.ts';
import type { CompiledRegex } from './regex.ts';

export type Level = 'info' | 'low' | 'medium' | 'high' | 'critical';
export type Status = 'stable' | 'test' | 'experimental' | 'deprecated' | 'unsupported';
export type Comparison = 'lt' | 'lte' | 'gt' | 'gte';
export type DatePart = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

/** One thing asked of one scalar. */
export type Test =
  /** `folded` are the parts to compare with the folded text, `parts` those for the raw text. */
  | { kind: 'pattern'; parts: readonly Part[]; folded: readonly Part[]; cased: boolean }
  /** Equality with any of the texts (folded unless cased): numbers and booleans of the rule. */
  | { kind: 'texts'; texts: readonly string[] }
  | { kind: 'null' }
  | { kind: 'exists'; value: boolean }
  | { kind: 'regex'; source: string; flags: { i: boolean; m: boolean; s: boolean }; compiled: CompiledRegex }
  | { kind: 'cidr'; text: string; network: Network }
  | { kind: 'compare'; op: Comparison; value: number }
  | { kind: 'date'; part: DatePart; op: Comparison | 'eq'; value: number }
  | { kind: 'fieldref'; field: string; how: 'equals' | 'startswith' | 'endswith' | 'contains'; cased: boolean };

/** One value as written, and the tests of which one must hold (several when encodings or placeholders multiply it). */
export interface Value { source: string; tests: readonly Test[] }

/** One line of a selection. `field` undefined searches all text of the event. */
export interface Item {
  field: string | undefined;
  modifiers: readonly string[];
  values: readonly Value[];
  /** All values must hold, not one of them. */
  all: boolean;
  /** |neq: none of the values may hold. */
  negate: boolean;
  at: number;
}

export type Search =
  | { kind: 'item'; item: Item }
  | { kind: 'and' | 'or'; children: readonly Search[] };

/** A condition over search identifiers; quantifiers are already spelt out. */
export type Condition =
  | { kind: 'name'; name: string }
  | { kind: 'and' | 'or'; children: readonly Condition[] }
  | { kind: 'not'; child: Condition };

export interface Logsource { category?: string; product?: string; service?: string }

export interface Meta {
  file: string;
  line: number;
  title: string;
  id?: string;
  name?: string;
  status?: Status;
  /** `informational` is info; a rule that names none is medium. */
  level: Level;
  description?: string;
  author?: string;
  tags: readonly string[];
  falsepositives: readonly string[];
  references: readonly string[];
  fields: readonly string[];
  /** The value of the document's own extension key (default `moat`), untouched. */
  custom?: unknown;
}

export interface Detection {
  searches: ReadonlyMap<string, Search>;
  condition: Condition;
  /** As written; a list is joined by " or ". */
  conditionText: string;
}

export interface Rule extends Meta { type: 'rule'; logsource: Logsource; detection: Detection }

export interface Filter {
  type: 'filter';
  file: string;
  line: number;
  title: string;
  id?: string;
  name?: string;
  logsource: Logsource;
  /** Ids or names, or every rule of the log source. */
  rules: 'any' | readonly string[];
  detection: Detection;
}

export const correlationTypes = ['event_count', 'value_count', 'temporal', 'temporal_ordered', 'value_sum', 'value_avg', 'value_percentile', 'value_median'] as const;
export type CorrelationType = (typeof correlationTypes)[number];

export interface Bounds { gt?: number; gte?: number; lt?: number; lte?: number; eq?: number; neq?: number }

export interface Correlation extends Meta {
  type: 'correlation';
  kind: CorrelationType;
  /** Ids or names, in the order written. */
  rules: readonly string[];
  groupBy: readonly string[];
  /** Milliseconds. */
  timespan: number;
  aliases: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Whether the rules it refers to alert by themselves too. */
  generate: boolean;
  bounds: Bounds;
  /** Fields whose values are counted or computed with; several fields count their combination. */
  valueFields: readonly string[];
  percentile: number;
  /** temporal only: which rules must have been seen. Names stand for entries of `rules`. */
  expression?: Condition;
}

export interface Parsed { rules: Rule[]; correlations: Correlation[]; filters: Filter[]; errors: SigmaError[] }
