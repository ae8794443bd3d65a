/** A scan's report on a terminal, and a finding as JSON. */
import type { Finding } from '../core/finding.ts';
import type { Lang, Text } from '../core/text.ts';
import { countText } from '../scan/count-texts.ts';
import { entryOf, factsOf, nextSteps, partOf, refsOf, sectionsOf, sectionTexts, tieOf } from '../scan/sections.ts';
import type { Blind, ScanReport, VerdictWord } from '../scan/report.ts';
import { commandLine } from '../scan/shell.ts';
import type { Story } from '../scan/stories.ts';
import { explain } from '../scan/verdict.ts';
import { wayTexts } from '../scan/way.ts';
import { levelTexts } from '../core/level.ts';
import { colour } from './colour.ts';
import { clock, levelWord, safe } from './terminal.ts';
import { widthOf, wrap } from './wrap.ts';

export interface ReportTextOptions {
  lang: Lang;
  /** Of the terminal. */
  columns: number;
  /** Everything, not only the first of each check. */
  all: boolean;
  /** Time in each check. */
  verbose: boolean;
  /** What `moat fix` is called by, the id left out; undefined where it cannot help. */
  fix?: readonly string[] | undefined;
}

/** A finding as `--json` prints it: stable names, ISO times, texts in one language. */
export function findingJson(finding: Finding, lang: Lang, story?: string): object {
  const { id, check, kind, level, title, path, pid, user, address, time, evidence, means, fix, refs } = finding;
  return {
    id, check, kind, level, title: title[lang], path, pid, user, address, time: time === undefined ? undefined : new Date(time).toISOString(),
    evidence: evidence.map(({ what, value, path: at, line }) => ({ what: what[lang], value, path: at, line })),
    means: means?.[lang], fix: fix && { text: fix.text[lang], commands: fix.commands, actions: fix.actions }, refs, story,
  };
}

/** Of one check in one story, or among what stands alone in one part of the report; the rest is counted. */
const shownOfCheck = 5;
/** Stories of several findings. */
const shownStories = 20;
const shownBlind = 10;
const shownEvidence = 6;
const evidenceColumns = 600;
const widest = 120;
const narrowest = 40;

const headPaint: Record<VerdictWord, (text: string) => string> = {
  clean: (text) => colour.bold(colour.green(text)), suspicious: (text) => colour.bold(colour.yellow(text)), compromised: (text) => colour.bold(colour.bgRed(colour.white(` ${text} `))),
};

export function reportLines(report: ScanReport, stories: readonly Story[], { lang, columns, all, verbose, fix }: ReportTextOptions): string[] {
  const width = Math.min(widest, Math.max(narrowest, columns));
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const { head, why } = explain(report, stories, clock);
  const { signs, weaknesses, notices } = sectionsOf(stories);
  const look: Look = { lang, width, explained: new Set(), fix };
  const lines: string[] = [headPaint[report.verdict](head[lang]), ''];
  for (const { [lang]: text } of why) lines.push(...wrap(safe(text), width));
  const part = (title: Text): void => { lines.push('', colour.bold(colour.underline(title[lang])), ''); };

  if (report.blind.length > 0) {
    part(sectionTexts.blind);
    lines.push(...blindLines(report.blind, lang, width, all));
  }
  if (signs.length > 0) part(sectionTexts.signs);
  const alone = new Quota(all ? Infinity : shownOfCheck);
  const several = signs.filter(({ findings }) => findings.length > 1);
  const hidden = all ? new Set<Story>() : new Set(several.slice(shownStories));
  for (const [i, story] of signs.entries()) {
    if (hidden.has(story)) continue;
    // Each story has its own: a site full of web trojans must not hide who else came.
    const quota = story.findings.length > 1 ? new Quota(all ? Infinity : shownOfCheck) : alone;
    const shown = partOf(story, (finding) => quota.take(finding));
    if (shown.length === 0) continue;
    // Where nothing stands beside it, a finding needs no head.
    if (several.length > 0) lines.push(...storyHead(story, i + 1, lang, width));
    for (const finding of shown) lines.push(...findingLines(finding, 'whole', look), '');
    if (quota !== alone) lines.push(...quota.rest(t));
  }
  lines.push(...alone.rest(t));
  if (hidden.size > 0) lines.push(colour.dim(t(`… 另有 ${hidden.size} 段经过：加 --all 查看，或用 --json`, `… and ${hidden.size} more ${hidden.size === 1 ? 'story' : 'stories'}: --all / --json`)));
  for (const [title, part_] of [[sectionTexts.weaknesses, weaknesses], [sectionTexts.notices, notices]] as const) {
    if (part_.length === 0) continue;
    part(title);
    const isNotice = part_ === notices;
    const left = new Quota(all ? Infinity : shownOfCheck);
    for (const story of part_) for (const finding of story.findings) {
      if (left.take(finding)) lines.push(...findingLines(finding, all ? 'whole' : isNotice ? 'title' : 'short', look));
    }
    lines.push(...left.rest(t));
  }
  const steps = nextSteps(report);
  if (steps.length > 0) {
    part(sectionTexts.next);
    for (const [i, step] of steps.entries()) lines.push(...wrap(safe(`${i + 1}. ${step[lang]}`), width, 3));
  }
  lines.push('');
  for (const [what, n] of Object.entries(report.counts)) lines.push(...wrap(safe(t(`${countText(what, lang)}：${n}`, `${what}: ${n}`)), width, 2).map(colour.dim));
  if (verbose) for (const [check, ms] of Object.entries(report.spent).sort(([, a], [, b]) => b - a)) lines.push(colour.dim(`${String(Math.round(ms)).padStart(8)} ms  ${check}`));
  const seconds = ((report.ended - report.started) / 1000).toFixed(1);
  const memory = report.memoryMb === undefined || report.memoryMb === 0 ? '' : t(`，内存最多 ${report.memoryMb} MiB`, `, ${report.memoryMb} MiB of memory at most`);
  lines.push(t(`${report.checks.length} 项检查，${report.files} 个文件，${report.findings.length} 项发现，用时 ${seconds} 秒${memory}`, `${report.checks.length} checks, ${report.files} files, ${report.findings.length} findings in ${seconds} s${memory}`));
  return lines;
}

function blindLines(blind: readonly Blind[], lang: Lang, width: number, all: boolean): string[] {
  const shown = all ? blind : blind.slice(0, shownBlind);
  const lines = shown.flatMap(({ check, what, why }) => wrap(safe(`! ${check}${what === undefined ? '' : ` ${what}`}: ${why[lang]}`), width, 2)).map(colour.yellow);
  const more = blind.length - shown.length;
  return more > 0 ? [...lines, colour.dim(lang === 'zh' ? `  … 另有 ${more} 处：加 --all 查看` : `  … and ${more} more: --all`)] : lines;
}

function storyHead(story: Story, nth: number, lang: Lang, width: number): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const { entry, began, ended } = story;
  const alone = story.findings.length === 1;
  const words = [
    `${t('经过', 'Story')} ${nth}`, t(`${story.findings.length} 项发现`, alone ? 'one finding' : `${story.findings.length} findings`),
    ...(began === undefined ? [] : [`${clock(began)}${ended === undefined || ended - began < 1000 ? '' : ` – ${clock(ended)}`}`]),
    ...(alone && entry && entry.way !== 'unknown' ? [wayTexts[entry.way][lang]] : []),
  ];
  const tie = tieOf(story)?.[lang];
  const way = alone ? undefined : entryOf(story)?.[lang];
  return [
    ...wrap(words.join(' · '), width).map(colour.bold),
    ...(way === undefined ? [] : wrap(safe(way), width, 2)),
    ...(tie === undefined ? [] : wrap(safe(`${t('彼此相关：', 'they share: ')}${tie}`), width, 2).map(colour.dim)),
    '',
  ];
}

/** How findings are written; what was `explained` once is not again. */
interface Look { lang: Lang; width: number; explained: Set<string>; fix: readonly string[] | undefined }

/** `whole` with evidence, meaning and commands; `short` the first fact and the commands; `title` one line. */
function findingLines(finding: Finding, how: 'whole' | 'short' | 'title', { lang, width, explained, fix: byMoat }: Look): string[] {
  const { id, level, title, means, fix, time, pid, user, address, check } = finding;
  const evidence = factsOf(finding);
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const taken = widthOf(levelTexts[level][lang]) + (level === 'critical' ? 2 : 0) + 1;
  const [first = '', ...others] = wrap(safe(title[lang]), width - taken);
  const lines = [`${levelWord(level, lang)} ${colour.bold(first)}`, ...others.map((line) => ' '.repeat(taken) + colour.bold(line))];
  if (how === 'title') return lines;
  const under = (text: string): string[] => wrap(safe(text), width - 4, 2).map((line) => `    ${line}`);
  const facts = how === 'whole' ? evidence : evidence.slice(0, 1);
  for (const { what, value } of facts.slice(0, shownEvidence)) lines.push(...under(`${what[lang]}: ${value.length > evidenceColumns ? `${value.slice(0, evidenceColumns)}…` : value}`));
  if (facts.length > shownEvidence) lines.push(colour.dim(`    … ${facts.length - shownEvidence}`));
  if (how === 'whole' && means && !explained.has(means.en)) {
    explained.add(means.en);
    lines.push(...under(`${sectionTexts.means[lang]}: ${means[lang]}`).map(colour.dim));
  }
  // A command is one line however long, so that it can be copied.
  const commands = (all: readonly (readonly string[])[]): string[] => all.map((words) => colour.cyan(`      ${safe(commandLine(words))}`));
  if (fix) {
    lines.push(...under(`${sectionTexts.fix[lang]}: ${fix.text[lang]}`));
    const able = byMoat && fix.actions && fix.actions.length > 0;
    if (able) lines.push(...under(`${sectionTexts.byMoat[lang]}:`), ...commands([[...byMoat, id]]));
    if (able && fix.commands.length > 0) lines.push(...under(`${sectionTexts.byHand[lang]}:`));
    lines.push(...commands(fix.commands));
  }
  if (how !== 'whole') return lines;
  const tail = [
    ...(time === undefined ? [] : [clock(time)]), ...(pid === undefined ? [] : [`${t('进程', 'pid')} ${pid}`]), ...(user === undefined ? [] : [`${t('账号', 'user')} ${user}`]),
    ...(address === undefined ? [] : [address]), check, ...refsOf(finding, lang),
  ];
  lines.push(...under(tail.join(' · ')).map(colour.dim));
  return lines;
}

/** So many findings of each check are shown; the others are counted. */
class Quota {
  private readonly left = new Map<string, number>();
  private readonly hidden = new Map<string, number>();
  private readonly max: number;
  constructor(max: number) { this.max = max; }

  take({ check }: Finding): boolean {
    const left = this.left.get(check) ?? this.max;
    this.left.set(check, left - 1);
    if (left > 0) return true;
    this.hidden.set(check, (this.hidden.get(check) ?? 0) + 1);
    return false;
  }

  rest(t: (zh: string, en: string) => string): string[] {
    return [...this.hidden].map(([check, n]) => colour.dim(t(`… ${check} 另有 ${n} 项：加 --all 查看，或用 --json`, `… and ${n} more of ${check}: --all / --json`)));
  }
}
