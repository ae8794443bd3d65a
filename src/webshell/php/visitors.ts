/** Pages that look who asks: what search engines, and those who come from them, are shown or where they are sent. */
import type { Node } from './parse.ts';
import type { Run } from './run.ts';
import { choicesOf, from, merge, templateOf, unknown, unknownFrom, type Taint, type Value } from './value.ts';

export const crawlers = /baidu|sogou|360spider|haosou|\bso\\?\.com|\bsm\\?\.cn|shenma|yisou|toutiao|bytespider|google|bing(?:bot|\.com|\b)|yahoo|slurp|yandex/i;
const asks = new Set(['preg_match', 'preg_match_all', 'strpos', 'stripos', 'mb_strpos', 'mb_stripos', 'strrpos', 'strripos', 'strstr', 'stristr', 'str_contains', 'substr_count', 'eregi', 'ereg', 'mb_ereg', 'mb_eregi']);
/** A page of its own that leads away. */
const leadsAway = /<script\b[^>]{0,200}\bsrc\s{0,4}=|<script\b[\s\S]{0,2000}?\blocation\b|\bhttp-equiv\s{0,4}=\s{0,4}["']?refresh|<iframe\b/i;
const title = { zh: '给搜索引擎，或给从搜索引擎点进来的人，看另一套内容或跳转到别处', en: 'shows search engines, or those who come from one, something else or sends them elsewhere' };

/** A function's answer to whether a search engine asks; undefined when that is not what it was asked. */
export function askedForCrawler(run: Run, name: string, args: readonly Value[], node: Node): Value | undefined {
  if (!asks.has(name) || !args.some((arg) => from(arg, 'visitor')) || !args.some((arg) => choicesOf(arg).some((text) => crawlers.test(text.slice(0, 2000))))) return undefined;
  return unknownFrom([{ origin: 'crawler', place: run.place(node) }]);
}

/** What still says whether a search engine asks, of a test made of others. */
export const stillAsks = (...values: readonly Value[]): Value => {
  const taints: Taint[] = [];
  for (const value of values) { const taint = from(value, 'crawler'); if (taint) taints.push(taint); }
  return taints.length === 0 ? unknown : unknownFrom(taints.slice(0, 1));
};

/** A yes that is given to a search engine only says whether one asks. */
export const yesFor = ({ crawler }: Run, value: Value): Value => (crawler && (value.known === true || value.known === 1) ? { ...value, taints: [crawler] } : value);

/** Runs a way that is gone for a search engine only. */
export function forCrawler<T>(run: Run, test: Value, way: () => T): T {
  const taint = from(test, 'crawler');
  if (!taint) return way();
  const before = run.crawler;
  run.crawler = taint;
  try { return way(); } finally { run.crawler = before; }
}

/** `value` goes into the page. */
export function printed(run: Run, value: Value, node: Node): void {
  if (from(value, 'request')) run.printed = merge(run.printed, value);
  const { crawler } = run;
  if (crawler && (from(value, 'remote') || leadsAway.test(templateOf(value)))) run.sign('injection', 'high', node, { taint: crawler, title });
}

/** A line of the answer's head. */
export function headed(run: Run, line: Value, node: Node): void {
  // The host is the page's own choice, not the name the visitor asked for.
  if (run.crawler && /^(?:location|refresh)\s*:[^/]{0,40}https?:\/\/[^\ue000-\uf8ff/]/i.test(templateOf(line))) run.sign('injection', 'high', node, { taint: run.crawler, title });
}
