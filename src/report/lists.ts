/** Indicators as CSV and as plain lists. */
import type { Indicator } from '../core/review.ts';
import { safe } from '../core/safe.ts';

/**
 * One cell, always in quotes. A spreadsheet reads what begins with = + - @ (also behind blanks, or in the full-width forms that some take
 * for them) as a formula: an apostrophe before it makes it text.
 */
export function cell(text: string): string {
  const shown = safe(text);
  return `"${(/^\s*[=+\-@|%＝＋－＠\t\r\n]/.test(shown) ? `'${shown}` : shown).replaceAll('"', '""')}"`;
}

export function csvOf(indicators: readonly Indicator[], lang: 'zh' | 'en'): string {
  const rows = indicators.map(({ kind, value, role, first, last, path, attack, doubt }) => [kind, value, role, new Date(first).toISOString(), new Date(last).toISOString(), path ?? '', attack.join(' '), doubt?.[lang] ?? ''].map(cell).join(','));
  return `${['type,value,role,first_seen,last_seen,path,attack,doubt', ...rows].join('\r\n')}\r\n`;
}

/** One value a line, addresses, then names, then digests; what is doubtful is left out, and said so in a comment. */
export function listOf(indicators: readonly Indicator[], heads: { title: string; doubtful: (n: number) => string }): string {
  const sure = indicators.filter(({ doubt }) => doubt === undefined);
  const of = (kind: Indicator['kind']): string[] => sure.filter((one) => one.kind === kind).map(({ value }) => safe(value));
  const left = indicators.length - sure.length;
  return `${[`# ${safe(heads.title)}`, ...(left > 0 ? [`# ${heads.doubtful(left)}`] : []), ...of('address'), ...of('domain'), ...of('sha256')].join('\n')}\n`;
}
