/**
 * Learned state as text: `{"v":1,"since":…,"samples":…,"head":[…],"rows":[[key,…numbers and texts],…]}`, rows newest
 * first. What was saved may be damaged: any fault refuses the whole and learning begins anew, counted.
 */
import type { BehaviourContext } from '../core/ports.ts';

export type Cell = string | number | null | readonly Cell[];
export interface Saved { since: number | undefined; samples: number; head: readonly Cell[]; rows: readonly (readonly [string, ...Cell[]])[] }

const version = 1;
/** Longest text saved by one behaviour. */
export const maxSaved = 1024 * 1024;
const maxLoaded = 8 * 1024 * 1024;

/** Text of the state; the oldest rows are left out, and counted, when it would be longer than `max`. */
export function save(state: Saved, context: BehaviourContext, max = maxSaved): string {
  const parts: string[] = [];
  let length = 0;
  let left = 0;
  for (const row of state.rows) {
    const text = JSON.stringify(row);
    if (left > 0 || length + text.length > max) { left++; continue; }
    parts.push(text);
    length += text.length + 1;
  }
  if (left > 0) context.count('learned entries left out of the saved state', left);
  return `{"v":${version},"since":${JSON.stringify(state.since ?? null)},"samples":${state.samples},"head":${JSON.stringify(state.head)},"rows":[${parts.join(',')}]}`;
}

/**
 * What was saved, or undefined when there is nothing or it is refused. `accept` gets the checked shape, rows
 * oldest first, and answers false (or throws) when their content is not what it wrote: it must change nothing then.
 */
export function load(context: BehaviourContext, accept: (state: Saved) => boolean): boolean {
  if (context.state === undefined) return false;
  try {
    const saved = context.state.length > maxLoaded ? undefined : check(JSON.parse(context.state));
    if (saved !== undefined && accept(saved)) return true;
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError) && !(error instanceof RangeError)) throw error;
  }
  context.count('saved state refused, learning begins anew');
  return false;
}

function check(value: unknown): Saved | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { v, since, samples, head, rows } = value as Record<string, unknown>;
  if (v !== version || !(since === null || isNumber(since)) || !isCount(samples) || !Array.isArray(head) || !Array.isArray(rows)) return undefined;
  const good = head.every(isCell) && rows.every((row) => Array.isArray(row) && typeof row[0] === 'string' && row.every(isCell));
  return good ? { since: since ?? undefined, samples, head, rows: rows.reverse() as Saved['rows'] } : undefined;
}

function isCell(value: unknown): value is Cell {
  return typeof value === 'string' || typeof value === 'number' || value === null || (Array.isArray(value) && value.every((v) => typeof v === 'string' || typeof v === 'number' || v === null));
}

/** A finite number, such as a time. */
export const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
export const isNumbers = (value: unknown, length: number): value is number[] => Array.isArray(value) && value.length === length && value.every(isNumber);
/** A finite number that is not negative: a count, a rate. */
export const isCount = (value: unknown): value is number => isNumber(value) && value >= 0;
export const isCounts = (value: unknown, length: number): value is number[] => Array.isArray(value) && value.length === length && value.every(isCount);
