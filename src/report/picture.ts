/** Pictures as SVG: the way from entry to effects, and the fishbone of causes. Finished markup: all text in it is escaped and cut to the room there is. */
import { markup, safe } from '../core/safe.ts';
import type { Cause, PathStep, StoryDigest } from '../core/review.ts';
import { bones } from '../core/review.ts';
import type { Lang } from '../core/text.ts';
import { boneTexts, deedTexts, kindTexts } from './words.ts';

/** Width of a letter in parts of its height; Chinese and other wide ones fill the square. */
const letter = (c: string): number => { const point = c.codePointAt(0)!; return point >= 0x1100 && (point <= 0x115f || (point >= 0x2e80 && point <= 0xa4cf) || (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) || (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60) || point >= 0x1f300) ? 1.02 : point < 0x80 && 'ilj.,:;|!\'()[]/ '.includes(c) ? 0.34 : point < 0x80 && 'mwMW@%'.includes(c) ? 0.88 : 0.57; };

const widthOf = (text: string): number => { let width = 0; for (const c of text) width += letter(c); return width; };

/** As much of it as fits into `room` (in pixels) at this size. */
export function fit(text: string, room: number, size: number): string {
  const most = room / size;
  let width = 0, out = '';
  for (const c of safe(text)) {
    width += letter(c);
    if (width > most - 1) { return widthOf(safe(text)) <= most ? safe(text) : `${out}…`; }
    out += c;
  }
  return out;
}

/** In lines of at most `room`; what finds no room in `most` lines is cut. */
function lines(text: string, room: number, size: number, most: number): string[] {
  const out: string[] = [];
  let line = '', width = 0;
  const letters = Array.from(safe(text));
  for (const [i, c] of letters.entries()) {
    const wide = letter(c);
    if (width + wide > room / size) {
      if (out.length === most - 1) { out.push(`${line.slice(0, -1)}…`); return out; }
      const space = line.lastIndexOf(' ');
      const cut = c !== ' ' && space > line.length / 2 ? space : line.length;
      out.push(line.slice(0, cut));
      line = line.slice(cut).trimStart();
      width = widthOf(line);
    }
    line += c;
    width += wide;
    if (i === letters.length - 1) out.push(line);
  }
  return out;
}

const text = (x: number, y: number, size: number, words: string, kind = ''): string => `<text x="${x}" y="${y}" font-size="${size}"${kind === '' ? '' : ` class="${kind}"`}>${markup(words)}</text>`;
const box = (x: number, y: number, width: number, height: number, kind: string): string => `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="5" class="${kind}"/>`;

const pathWidth = 940, indent = 20, stepRight = 520, effectLeft = 552, rowHeight = 30, effectHeight = 22, gap = 8;

/** Steps below one another, each indented under what started it; beside each what it did. */
export function pathPicture({ path, entry, nodes, left }: StoryDigest, lang: Lang, clock: (ms: number) => string): string {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const out: string[] = [];
  let y = 8;
  const said = entry === undefined ? t('入口不明', 'the way in is not known') : `${t('入口', 'way in')}：${entry.text[lang]}`.replace('：', lang === 'zh' ? '：' : ': ');
  out.push(box(8, y, pathWidth - 16, 44, 'way'), text(20, y + 18, 13, fit(said, pathWidth - 44, 13), 'head'), text(20, y + 35, 11, entry === undefined ? '' : clock(entry.time), 'small'));
  const bottoms: number[] = [y + 44];
  y += 44 + gap + 4;
  for (const step of path.items) {
    const x = 24 + step.depth * indent;
    const shown = step.effects.items;
    const more = step.effects.total - shown.length;
    const height = Math.max(rowHeight, (shown.length + Number(more > 0)) * (effectHeight + 2));
    const middle = y + rowHeight / 2;
    const above = bottoms[step.depth] ?? bottoms[0]!;
    const from = x - indent / 2;
    out.push(`<path d="M${from} ${above}V${middle}H${x}" class="tie${step.skipped > 0 ? ' fold' : ''}"/>`);
    out.push(box(x, y, stepRight - x, rowHeight, step.alarmed ? 'alarm' : step.carrier ? 'way' : 'box'));
    if (step.alarmed) out.push(`<circle cx="${x + 11}" cy="${middle}" r="4" class="mark"/>`);
    const count = step.count > 1 ? ` ×${step.count}` : '';
    const skipped = step.skipped > 0 ? t(`（略 ${step.skipped} 步）`, `(${step.skipped} not drawn) `) : '';
    const startX = x + (step.alarmed ? 22 : 9);
    out.push(text(startX, middle + 4, 12, `${fit(`${skipped}${step.label}`, stepRight - startX - 8 - count.length * 7, 12)}${count}`));
    for (const [i, effect] of shown.entries()) {
      const top = y + i * (effectHeight + 2) + (shown.length === 1 && more === 0 ? 4 : 0);
      if (i === 0) out.push(`<path d="M${stepRight} ${middle}H${effectLeft}" class="tie"/>`);
      out.push(box(effectLeft, top, pathWidth - effectLeft - 8, effectHeight, 'effect'), text(effectLeft + 8, top + 15, 11, fit(effectWords(effect, lang), pathWidth - effectLeft - 24, 11)));
    }
    if (more > 0) out.push(text(effectLeft + 8, y + shown.length * (effectHeight + 2) + 14, 11, t(`另有 ${more} 类`, `${more} kinds more`), 'small'));
    bottoms[step.depth + 1] = y + rowHeight;
    bottoms.length = step.depth + 2;
    y += height + gap;
  }
  const drawn = path.items.reduce((sum, { count }) => sum + count, 0);
  if (path.total > drawn || left > 0) { out.push(text(24, y + 12, 12, t(`另有 ${path.total - drawn} 个进程未画出（整个经过共 ${nodes + left} 项）`, `${path.total - drawn} processes more are not drawn (the whole story has ${nodes + left} things)`), 'small')); y += 22; }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${pathWidth} ${y + 4}" role="img" aria-label="${t('攻击路径', 'path of the attack')}">${out.join('')}</svg>`;
}

export function effectWords({ deed, kind, label, count }: PathStep['effects']['items'][number], lang: Lang): string {
  const many = count > 1 ? (lang === 'zh' ? ` 等 ${count} 项` : ` and ${count - 1} more`) : '';
  return `${deedTexts[deed][lang]}${lang === 'zh' ? '' : ' '}${kindTexts[kind][lang]}: ${label}${many}`;
}

const fishWidth = 940, boneStep = 258, boneLean = 70, causeRoom = 206, causeSize = 11.5, causesDrawn = 3;

/** Six bones on a spine; each holds the first few of its causes, all of them stand in the list below it. */
export function fishbone(causes: readonly Cause[], head: string, lang: Lang): string {
  const out: string[] = [];
  const middle = 212, height = middle * 2;
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  out.push(`<path d="M20 ${middle}H${fishWidth - 128}" class="bone"/>`, box(fishWidth - 128, middle - 34, 120, 68, 'alarm'));
  for (const [i, line] of lines(head, 104, 12, 4).entries()) out.push(text(fishWidth - 120, middle - 18 + i * 15, 12, line, 'head'));
  for (const [i, bone] of bones.entries()) {
    const isTop = i < 3;
    const x = 16 + (i % 3) * boneStep;
    const tip = isTop ? 32 : height - 32;
    out.push(`<path d="M${x + 30} ${tip}L${x + 30 + boneLean} ${middle}" class="bone"/>`, box(x, isTop ? 8 : height - 32, 118, 24, 'way'), text(x + 9, isTop ? 25 : height - 15, 12.5, boneTexts[bone][lang], 'head'));
    const mine = causes.filter((cause) => cause.bone === bone);
    const words = mine.length === 0 ? [t('目前没有线索', 'nothing known')] : mine.slice(0, causesDrawn).map(({ text: said, likely }) => `${likely ? '? ' : ''}${said[lang]}`);
    if (mine.length > causesDrawn) words.push(t(`另有 ${mine.length - causesDrawn} 条`, `${mine.length - causesDrawn} more`));
    const rows = words.flatMap((word, k) => lines(word, causeRoom, causeSize, 2).map((line, n) => ({ line, isFirst: n === 0, kind: mine.length === 0 || k >= causesDrawn ? 'small' : '' })));
    // To the right of the bone, which leans the same way: below the box above the spine, and right below the spine.
    let y = isTop ? 54 : middle + 28;
    for (const [k, { line, isFirst, kind }] of rows.entries()) {
      if (isFirst && k > 0) y += 4;
      const along = (isTop ? y - tip : tip - y) / (middle - 32);
      out.push(text(Math.round(x + 42 + Math.max(0, along) * boneLean), y, causeSize, line, kind));
      y += 14.5;
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${fishWidth} ${height}" role="img" aria-label="${t('根因鱼骨图', 'fishbone diagram of causes')}">${out.join('')}</svg>`;
}
