/** Reading events: what a field holds, and what one scalar of it answers to a test. Shared by every evaluator. */
import type { Comparison, DatePart } from './types.ts';

/** How the engine reads somebody's events. All functions are pure. */
export interface Binding<E> {
  /** The property path that a Sigma field name means: ['process_path'], or ['extra', 'a0']. */
  field(name: string): readonly string[];
  /** A second path, read when the first holds undefined. */
  fallback?(name: string): readonly string[] | undefined;
  /** When it happened, ms. */
  time(event: E): number;
  /** A short key; events of one key satisfy the same log sources (what rules apply is worked out once a key). */
  logsource(event: E): string;
  /** Undefined when it is not known what wrote the event: every rule may apply. */
  logsources(key: string): readonly { category?: string; product?: string; service?: string }[] | undefined;
  /** All text of the event, for keyword searches. */
  keywords(event: E): Iterable<string>;
}

export type Access<E> = (event: E) => unknown;

/** A reader for a field name. Only own properties are read: "constructor" as a field name finds nothing. */
export function access<E>(binding: Binding<E>, name: string): Access<E> {
  const path = binding.field(name);
  const fallback = binding.fallback?.(name);
  const read = reader<E>(path);
  if (!fallback) return read;
  const second = reader<E>(fallback);
  return (event) => { const found = read(event); return found === undefined ? second(event) : found; };
}

function reader<E>(path: readonly string[]): Access<E> {
  // Names that Object.prototype has need the own-property check of `walk`; for others a plain read is the same.
  if (path.length === 0 || path.length > 2 || path.some((name) => name in Object.prototype)) return (event) => walk(event, path, 0);
  // One function a path: V8 then keeps one type feedback each, and reading a field of an event is one machine load.
  const [first, second] = path.map((name) => JSON.stringify(name));
  const source = second === undefined
    ? `return function (e) { return e[${first}]; };`
    : `return function (e) { const o = e[${first}]; return o === null || typeof o !== "object" ? undefined : Array.isArray(o) ? W(o, P, 1) : o[${second}]; };`;
  // oxlint-disable-next-line typescript/no-implied-eval -- only JSON texts of the names enter the source
  return (new Function('W', 'P', source) as (walker: typeof walk, path: readonly string[]) => Access<E>)(walk, path);
}

/** Arrays on the way are looked through: a.b of [{b: 1}, {b: 2}] is [1, 2]. */
function walk(value: unknown, path: readonly string[], from: number): unknown {
  let current = value;
  for (let i = from; i < path.length; i++) {
    if (current === null || typeof current !== 'object') return undefined;
    if (Array.isArray(current)) {
      const found = current.flatMap((item) => walk(item, path, i)).filter((item) => item !== undefined);
      return found.length === 0 ? undefined : found;
    }
    current = Object.hasOwn(current, path[i]!) ? (current as Record<string, unknown>)[path[i]!] : undefined;
  }
  return current;
}

/** The elements that a test is asked of: a missing field, null and an empty list are one null. */
export function elements(raw: unknown): readonly unknown[] {
  if (Array.isArray(raw)) return raw.length === 0 ? [null] : raw.map((item: unknown) => item ?? null);
  return [raw ?? null];
}

/** Text of a scalar; undefined for null, objects and functions, which no text test matches. */
export function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string': return value;
    case 'number': case 'boolean': case 'bigint': return String(value);
    default: return undefined;
  }
}

/** A number, or text that is one in decimal. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || value.length > 64 || !/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(value)) return undefined;
  return Number(value);
}

function compare(value: number, op: Comparison | 'eq', bound: number): boolean {
  switch (op) {
    case 'lt': return value < bound;
    case 'lte': return value <= bound;
    case 'gt': return value > bound;
    case 'gte': return value >= bound;
    case 'eq': return value === bound;
    default: return op satisfies never;
  }
}

export const compares = (value: unknown, op: Comparison, bound: number): boolean => {
  const number = numberOf(value);
  return number !== undefined && compare(number, op, bound);
};

/**
 * The part of a date as written (no time zone is applied, as the specification says), or of Unix time in UTC
 * (numbers of 1e11 and above are milliseconds, below seconds).
 */
function datePart(value: unknown, part: DatePart): number | undefined {
  let fields: number[];
  if (typeof value === 'number') {
    const date = new Date(Math.abs(value) >= 1e11 ? value : value * 1000);
    if (Number.isNaN(date.getTime())) return undefined;
    fields = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()];
  } else {
    const match = typeof value === 'string' ? /^\s*(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d))?/.exec(value) : null;
    if (!match) return undefined;
    fields = match.slice(1).map((text: string | undefined) => text === undefined ? Number.NaN : Number(text));
  }
  const [year = 0, month = 0, day = 0, hour = Number.NaN, minute = Number.NaN] = fields;
  switch (part) {
    case 'year': return year;
    case 'month': return month;
    case 'day': return day;
    case 'hour': return Number.isNaN(hour) ? undefined : hour;
    case 'minute': return Number.isNaN(minute) ? undefined : minute;
    case 'week': return isoWeek(year, month, day);
    default: return part satisfies never;
  }
}

export const dateHolds = (value: unknown, part: DatePart, op: Comparison | 'eq', bound: number): boolean => {
  const found = datePart(value, part);
  return found !== undefined && compare(found, op, bound);
};

/** ISO 8601: the week that has the year's first Thursday is week 1. */
function isoWeek(year: number, month: number, day: number): number {
  const date = new Date(Date.UTC(year, month - 1, day));
  date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  return Math.ceil(((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000 + 1) / 7);
}
