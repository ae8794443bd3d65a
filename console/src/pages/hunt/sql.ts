/** Completion, export and the choice of what a chart shows: pure, so that it is tested alone. */
import type { HuntResult, HuntSchema } from '../../../../src/api/contract/rules.ts';

export interface SchemaView { name: string; columns: readonly { name: string }[] }
const keywords = ['SELECT', 'FROM', 'WHERE', 'GROUP BY', 'ORDER BY', 'LIMIT', 'HAVING', 'AND', 'OR', 'NOT', 'IN', 'LIKE', 'BETWEEN', 'IS NULL', 'IS NOT NULL', 'AS', 'DESC', 'DISTINCT', 'JOIN', 'ON', 'WITH', 'CASE', 'WHEN', 'THEN', 'ELSE', 'END', 'count(*)', 'sum(', 'min(', 'max(', 'avg(', 'unixepoch()'];
const most = 12;

/** What may stand for the word before the caret. Columns of the views that the question names come first. `from`: where the word begins. */
export function complete(sql: string, caret: number, views: readonly SchemaView[], always = false): { from: number; items: string[] } {
  const word = /\w*$/.exec(sql.slice(Math.max(0, caret - 100), caret))?.[0] ?? '';
  const from = caret - word.length;
  const wanted = word.toLowerCase();
  const fitting = (candidates: readonly string[]): string[] => [...new Set(candidates)].filter((one) => one.toLowerCase().startsWith(wanted) && one.toLowerCase() !== wanted).slice(0, most);
  const qualifier = /(\w+)\.$/.exec(sql.slice(Math.max(0, from - 100), from))?.[1];
  const qualified = qualifier === undefined ? undefined : viewOf(qualifier, sql, views);
  if (qualified) return { from, items: fitting(qualified.columns.map(({ name }) => name)) };
  if (word === '' && !always) return { from, items: [] };
  const named = new Set(sql.toLowerCase().match(/\w+/g) ?? []);
  const isView = /\b(?:from|join)\s+$/i.test(sql.slice(Math.max(0, from - 50), from));
  const columns = (all: readonly SchemaView[]): string[] => all.flatMap((view) => view.columns.map(({ name }) => name));
  const names = views.map(({ name }) => name);
  const candidates = isView ? names : [...columns(views.filter(({ name }) => named.has(name))), ...names, ...keywords, ...columns(views)];
  return { from, items: fitting(candidates) };
}

/** The view of this name, or that the question gives this name: `FROM processes AS p`, `JOIN alerts a`. */
function viewOf(name: string, sql: string, views: readonly SchemaView[]): SchemaView | undefined {
  const direct = views.find((view) => view.name === name.toLowerCase());
  if (direct) return direct;
  for (const [, view = '', alias = ''] of sql.matchAll(/(?:\bfrom|\bjoin|,)\s+(\w{1,64})\s+(?:as\s+)?(\w{1,64})/gi)) if (alias.toLowerCase() === name.toLowerCase()) { const found = views.find((one) => one.name === view.toLowerCase()); if (found) return found; }
  return undefined;
}

/** What a completion means, for views and columns; of columns with one name, that of a view that the question names. */
export function meaningOf(item: string, sql: string, views: HuntSchema['views']): HuntSchema['views'][number]['title'] | undefined {
  const view = views.find(({ name }) => name === item);
  if (view) return view.title;
  const named = new Set(sql.toLowerCase().match(/\w+/g) ?? []);
  const holders = views.flatMap(({ name, columns }) => columns.filter((column) => column.name === item).map(({ text }) => ({ name, text })));
  return (holders.find(({ name }) => named.has(name)) ?? holders[0])?.text;
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
const times: ReadonlySet<string> = new Set(['time', 'last_time', 'created', 'changed', 'since', 'until', 'last', 'first', 'gone', 'started', 'origin_since', 'next', 'password_changed']);
/** Columns that hold Unix ms. */
export const isTime = (column: string): boolean => times.has(column);
