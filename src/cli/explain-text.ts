import { colour } from './colour.ts';
import type { Event } from '../core/gen/event.ts';
import type { Lang } from '../core/text.ts';
import type { DetectionExplained, Explanation, SearchExplained } from '../sigma/index.ts';
import { clock, safe } from './terminal.ts';

const mark = (held: boolean): string => (held ? colour.green('✓') : colour.red('✕'));

/** Which part of a rule held for an event and which did not, as an indented tree. */
export function explainLines(event: Event, explained: Explanation, lang: Lang): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const { logsource } = explained;
  const source = (given: object): string => Object.entries(given).map(([key, value]) => `${key}=${String(value)}`).join(' ');
  return [
    `${mark(explained.held)} ${colour.bold(explained.held ? t('命中', 'matches') : t('不命中', 'does not match'))}  ${clock(event.time)}  ${safe((event.message ?? event.url ?? event.process_cmdline ?? '').slice(0, 200))}`,
    `  ${mark(logsource.held)} ${t('日志来源', 'log source')} ${safe(source(logsource.wanted))}${logsource.held ? '' : colour.dim(safe(` (${t('事件是', 'the event is')} ${logsource.given.map(source).join('; ')})`))}`,
    ...detection(explained.detection, t, '  '),
    ...explained.filters.flatMap((filter) => [`  ${colour.yellow(t('过滤器', 'filter'))} ${safe(filter.title)}`, ...detection(filter.detection, t, '    ')]),
  ];
}

function detection(explained: DetectionExplained, t: (zh: string, en: string) => string, indent: string): string[] {
  return [
    `${indent}${mark(explained.held)} ${t('条件', 'condition')} ${safe(explained.conditionText)}`,
    ...explained.selections.flatMap(({ name, held, search: inner }) => [`${indent}  ${mark(held)} ${safe(name)}`, ...search(inner, t, `${indent}    `)]),
  ];
}

function search(explained: SearchExplained, t: (zh: string, en: string) => string, indent: string): string[] {
  if (explained.kind !== 'item') return explained.children.flatMap((child) => search(child, t, explained.kind === 'or' ? `${indent}| ` : indent));
  const field = [explained.field ?? t('全文', 'any text'), ...explained.modifiers].join('|');
  const actual = explained.actual === undefined ? t('没有这个字段', 'no such field') : JSON.stringify(explained.actual).slice(0, 200);
  const wanted = explained.values.map((value) => (value.held ? colour.green(safe(value.expected)) : colour.dim(safe(value.expected))));
  const shown = wanted.length > 8 ? [...wanted.slice(0, 8), `… ${wanted.length}`] : wanted;
  return [`${indent}${mark(explained.held)} ${safe(field)}: ${shown.join(', ')}  ${colour.dim('←')} ${safe(actual)}`];
}
