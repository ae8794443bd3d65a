/** A notice in the words of its language, put together piece by piece so that it fits: no piece is ever cut in its markup. */
import { levelTexts } from '../core/level.ts';
import type { Notice, NoticeItem } from '../core/notice.ts';
import type { Lang } from '../core/text.ts';
import { cutBytes } from './inert.ts';

/** How a channel writes. `text` makes what it is handed inert; the others are handed raw text too. */
export interface Paper {
  text(raw: string): string;
  strong(raw: string): string;
  /** A command for a shell, of our own words: stands as it is. */
  command(words: string): string;
  newLine: string;
}

export interface Page {
  /** One line: level, host, what. Raw text for a title. */
  title: string;
  /** One for each alert that found room, written on the paper. */
  blocks: string[];
  /** What is not told here, and how to see it. */
  tail: string;
}

/** Bytes of a field, from roomy to tight. */
const fieldSizes = [700, 240, 60] as const;
const titleBytes = 180;

const say = (lang: Lang, zh: string, en: string): string => (lang === 'zh' ? zh : en);

/** The verdict in one line, raw. */
export function titleOf(notice: Notice): string {
  const { lang, items, level, host, keyword, dropped } = notice;
  const [first] = items;
  const word = levelTexts[level][lang];
  const others = items.length - 1;
  const what = first === undefined ? say(lang, `有 ${dropped} 条告警没有发出`, `${dropped} alerts were not sent`)
    : `${cutBytes(first.title, titleBytes)}${others > 0 ? say(lang, ` 等 ${items.length} 条告警`, ` and ${others} more`) : ''}`;
  const prefix = keyword === undefined ? '' : `${keyword} `;
  return lang === 'zh' ? `${prefix}【${word}】${cutBytes(host, 80)}：${what}` : `${prefix}[${word}] ${cutBytes(host, 80)}: ${what}`;
}

/** As many alerts as fit in `max` by the measure of `size`, the worst first; the rest is counted in the tail. */
export function layOut(notice: Notice, paper: Paper, max: number, size: (text: string) => number, most = 1000): Page {
  const title = titleOf(notice);
  const blocks: string[] = [];
  // The tail is reckoned at its longest.
  let left = max - size(tailOf(notice, paper, notice.items.length)) - size(paper.newLine) * 2;
  for (const item of notice.items.slice(0, most)) {
    const block = fitting(notice, item, paper, left, size);
    if (block === undefined) break;
    left -= size(block) + size(paper.newLine) * 2;
    blocks.push(block);
  }
  return { title, blocks, tail: tailOf(notice, paper, notice.items.length - blocks.length) };
}

function fitting(notice: Notice, item: NoticeItem, paper: Paper, left: number, size: (text: string) => number): string | undefined {
  // Many at once are told shortly.
  for (const bytes of notice.items.length > 3 ? fieldSizes.slice(1) : fieldSizes) {
    const block = blockOf(notice, item, paper, bytes);
    if (size(block) <= left) return block;
  }
  return undefined;
}

function blockOf({ lang, host, zone }: Notice, item: NoticeItem, paper: Paper, bytes: number): string {
  const t = (zh: string, en: string): string => say(lang, zh, en);
  const { level, title, count, time, last, facts, means, advice, next, id } = item;
  const line = (label: string, raw: string): string => `${paper.text(label)}${t('：', ': ')}${paper.text(cutBytes(raw, bytes))}`;
  const when = count > 1 ? t(`${clock(time, zone)} 起，最近 ${clock(last, zone)}，共 ${count} 次`, `since ${clock(time, zone)}, last ${clock(last, zone)}, ${count} times`) : clock(time, zone);
  return [
    paper.strong(`${lang === 'zh' ? `【${levelTexts[level].zh}】` : `[${levelTexts[level].en}] `}${cutBytes(title, bytes)}`),
    ...(item.host === host ? [] : [line(t('主机', 'host'), item.host)]),
    line(t('时间', 'time'), when),
    ...facts.map(({ label, value }) => line(label, value)),
    ...(means === undefined || bytes < fieldSizes[1] ? [] : [line(t('含义', 'meaning'), means)]),
    ...(advice === undefined || bytes < fieldSizes[1] ? [] : [line(t('建议', 'advice'), advice)]),
    ...(next.length === 0 ? [] : [`${paper.text(t('下一步', 'next'))}${t('：', ': ')}${next.map((words) => paper.command(words)).join(t('，', ', '))}`]),
    line(t('告警编号', 'alert'), id),
  ].join(paper.newLine);
}

function tailOf({ lang, dropped }: Notice, paper: Paper, more: number): string {
  const lines = [
    ...(more > 0 ? [`${paper.text(say(lang, `还有 ${more} 条，查看全部：`, `${more} more; see them all: `))}${paper.command('moat alerts')}`] : []),
    ...(dropped > 0 ? [paper.text(say(lang, `另有 ${dropped} 条告警没有发出（排队过多时先丢较轻的，或被拒收），可用 moat alerts 查看`, `${dropped} more alerts were not sent (a full queue drops the mildest first, or they were refused); moat alerts has them`))] : []),
  ];
  return lines.join(paper.newLine);
}

/** Wall-clock time, `2026-11-22 02:27:01 GMT+8`: readers sit elsewhere than servers. */
export function clock(ms: number, zone?: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', { ...(zone !== undefined && { timeZone: zone }), year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZoneName: 'shortOffset' }).formatToParts(ms);
  const of = (type: Intl.DateTimeFormatPartTypes): string => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')}:${of('second')} ${of('timeZoneName')}`;
}

/** Everything of a page in one text, pieces set apart by an empty line. */
export const wholePage = ({ blocks, tail }: Page, newLine: string): string => [...blocks, ...(tail === '' ? [] : [tail])].join(newLine + newLine);
