/** Text on a terminal: escaped, coloured by level, aligned with wide characters in mind. */
import { levelTexts, type Level } from '../core/level.ts';
import { unseen } from '../core/safe.ts';
import type { Lang } from '../core/text.ts';
import { colour } from './colour.ts';

export { safe } from '../core/safe.ts';

/**
 * A value as one line of JSON for `--json`. JSON.stringify escapes the C0 controls only; here all that a terminal
 * obeys or draws as nothing becomes \\uXXXX, which reads back as the same text.
 */
export function jsonLine(value: unknown): string {
  const line = JSON.stringify(value);
  return plainAscii.test(line) ? line : line.replace(unseen, (c) => Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''));
}
const plainAscii = /^[\x20-\x7e]*$/;

export function levelWord(level: Level, lang: Lang): string {
  const word = levelTexts[level][lang];
  switch (level) {
    case 'critical': return colour.bgRed(colour.white(` ${word} `));
    case 'high': return colour.red(word);
    case 'medium': return colour.yellow(word);
    case 'low': return colour.cyan(word);
    case 'info': return colour.dim(word);
  }
}

/** Local wall-clock time, `2026-11-22 02:27:01`. */
export function clock(ms: number): string {
  const d = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** The language asked for: --lang, then the configuration, then the locale. */
export function chooseLang(asked: string | undefined, env: NodeJS.ProcessEnv = process.env): Lang {
  if (asked === 'zh' || asked === 'en') return asked;
  const locale = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '';
  return locale.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}
