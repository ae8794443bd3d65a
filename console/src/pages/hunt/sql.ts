/** Completion, export and the choice of what a chart shows: pure, so that it is tested alone. */
import type { HuntResult } from '../../../../src/api/contract/rules.ts';

export interface SchemaView { name: string; columns: readonly { name: string; type: string }[] }
const keywords = ['SELECT', 'FROM', 'WHERE', 'GROUP BY', 'ORDER BY', 'LIMIT', 'HAVING', 'AND', 'OR', 'NOT', 'IN', 'LIKE', 'BETWEEN', 'IS NULL', 'IS NOT NULL', 'AS', 'DESC', 'DISTINCT', 'JOIN', 'ON', 'WITH', 'CASE', 'WHEN', 'THEN', 'ELSE', 'END', 'count(*)', 'sum(', 'min(', 'max(', 'avg(', 'unixepoch()'];
const most = 12;

/** What may stand for the word before the caret. Columns of the views that the question names come first. `from`: where the word begins. */
export function complete(sql: string, caret: number, views: readonly SchemaView[], always = false): { from: number; items: string[] } {
  const word = /\w*$/.exec(sql.slice(Math.max(0, caret - 100), caret))?.[0] ?? '';
  const from = caret - word.length;
  if (word === '' && !always) return { from, items: [] };
  const wanted = word.toLowerCase();
  const named = new Set(sql.toLowerCase().match(/\w+/g) ?? []);
  const isView = /\b(?:from|join)\s+$/i.test(sql.slice(Math.max(0, from - 50), from));
  const columns = (all: readonly SchemaView[]): string[] => all.flatMap((view) => view.columns.map(({ name }) => name));
  const names = views.map(({ name }) => name);
  const candidates = isView ? names : [...columns(views.filter(({ name }) => named.has(name))), ...names, ...keywords, ...columns(views)];
  return { from, items: [...new Set(candidates)].filter((one) => one.toLowerCase().startsWith(wanted) && one.toLowerCase() !== wanted).slice(0, most) };
}

export interface Bars { label: string; value: string; bars: { label: string; value: number }[]; left: number }
const barsMost = 30;
/** The last column of numbers by the first column of texts; undefined where there is nothing to draw. */
export function barsOf({ columns, rows }: Pick<HuntResult, 'columns' | 'rows'>): Bars | undefined {
  if (rows.length === 0) return undefined;
  const isNumber = (at: number): boolean => rows.every((row) => row[at] === null || (typeof row[at] === 'number' && row[at] >= 0)) && rows.some((row) => typeof row[at] === 'number');
  const value = columns.findLastIndex((name, at) => isNumber(at) && !isTime(name));
  const label = columns.findIndex((_, at) => at !== value && !isNumber(at));
  if (value < 0 || label < 0) return undefined;
  return { label: columns[label]!, value: columns[value]!, bars: rows.slice(0, barsMost).map((row) => ({ label: String(row[label] ?? '—'), value: Number(row[value] ?? 0) })), left: Math.max(0, rows.length - barsMost) };
}
const times: ReadonlySet<string> = new Set(['time', 'last_time', 'created', 'changed', 'since', 'until', 'last', 'first']);
/** Columns that hold Unix ms. */
export const isTime = (column: string): boolean => times.has(column);
