/** A scan's report as one HTML file: nothing is loaded from elsewhere, no script, light and dark, and it prints on A4. */
import type { Finding } from '../core/finding.ts';
import { levelTexts, levels } from '../core/level.ts';
import { alonePage } from '../core/page.ts';
import { markup as escape } from '../core/safe.ts';
import type { Lang, Text } from '../core/text.ts';
import { countText } from './count-texts.ts';
import type { ScanReport } from './report.ts';
import { entryOf, factsOf, nextSteps, partOf, refsOf, sectionsOf, sectionTexts, tieOf } from './sections.ts';
import { commandLine } from './shell.ts';
import type { Story } from './stories.ts';
import { style } from './html-style.ts';
import { explain } from './verdict.ts';
import { wayTexts } from './way.ts';

export interface HtmlOptions {
  lang: Lang;
  version: string;
  /** Writes a time as people read it. */
  clock: (ms: number) => string;
  /** The number of a technique of ATT&CK and what it is called. */
  technique?: (id: string) => Text;
  /** What `moat fix` is called by, the id left out; undefined where it cannot help. */
  fix?: readonly string[] | undefined;
}

/** A browser shows so many well; the others are in --json. */
const findingsMax = 2000;
/** Of one story: the largest must not hide the others. */
const ofStoryMax = 200;

export function htmlOf(report: ScanReport, stories: readonly Story[], options: HtmlOptions): string {
  const { lang, clock, version } = options;
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const { head, why } = explain(report, stories, clock);
  const { signs, weaknesses, notices } = sectionsOf(stories);
  const title = t('Moat 护城河 入侵检查报告', 'Moat scan report');
  const place = report.tree.kind === 'machine' ? t('本机', 'this machine') : report.tree.name;
  let shown = 0;
  const take = (): boolean => shown < findingsMax && ++shown > 0;
  const storyPart = signs.map((story, i) => {
    let ofStory = ofStoryMax;
    return storyHtml(story, partOf(story, () => ofStory-- > 0 && take()), i + 1, options);
  }).join('');
  const listed = (part: readonly Story[]): string => part.flatMap(({ findings }) => findings.filter(take)).map((one) => findingHtml(one, options)).join('');
  const weakPart = listed(weaknesses);
  const noticePart = listed(notices);
  const hidden = report.findings.length - shown;
  return alonePage({ lang, title: `${title} · ${head[lang]}`, style, body: `<header class="verdict ${report.verdict}">
<p class="product">${title}</p>
<h1>${escape(head[lang])}</h1>
<ul>${why.map((text) => `<li>${escape(text[lang])}</li>`).join('')}</ul>
</header>
<main>
<dl class="facts">
${fact(t('查的是', 'looked at'), escape(place))}
${fact(t('开始', 'began'), clock(report.started))}
${fact(t('用时', 'took'), t(`${seconds(report)} 秒`, `${seconds(report)} s`))}
${fact(t('检查', 'checks'), String(report.checks.length))}
${fact(t('文件', 'files'), String(report.files))}
${levels.toReversed().map((level) => fact(levelTexts[level][lang], String(report.findings.filter((one) => one.level === level).length), `count ${level}`)).join('\n')}
</dl>
${section(sectionTexts.blind[lang], report.blind.length > 0 ? `<ul class="blind">${report.blind.map(({ check, what, why: reason }) => `<li><code>${escape(check)}${what === undefined ? '' : ` ${escape(what)}`}</code> ${escape(reason[lang])}</li>`).join('')}</ul>` : '')}
${section(sectionTexts.next[lang], list(nextSteps(report), lang))}
${section(sectionTexts.signs[lang], storyPart)}
${section(sectionTexts.weaknesses[lang], weakPart)}
${section(sectionTexts.notices[lang], noticePart)}
${hidden > 0 ? `<p class="dim">${t(`另有 ${hidden} 项未列出，见 --json`, `${hidden} more are not shown here; --json has them`)}</p>` : ''}
${section(t('做过的检查，以及它们看不见的', 'Checks that were made, and what they cannot see'), `<table class="checks"><tbody>${report.checks.map((check) => `<tr><td>${escape(check.title[lang])} <code>${escape(check.id)}</code></td><td>${escape(check.blind[lang])}</td></tr>`).join('')}</tbody></table>`)}
${section(t('截断、跳过或看不懂的（如实计数）', 'Cut, skipped or not understood, as counted'), Object.keys(report.counts).length > 0 ? `<ul>${Object.entries(report.counts).map(([what, n]) => `<li>${escape(countText(what, lang))}${t('：', ': ')}${n}</li>`).join('')}</ul>` : '')}
</main>
<footer>Moat ${escape(version)} · ${clock(report.ended)}</footer>` });
}

function storyHtml(story: Story, shown: readonly Finding[], nth: number, options: HtmlOptions): string {
  if (shown.length === 0) return '';
  const { lang, clock } = options;
  const { began, ended, entry, level } = story;
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const when = began === undefined ? '' : `${clock(began)}${ended === undefined || ended - began < 1000 ? '' : ` – ${clock(ended)}`}`;
  const alone = story.findings.length === 1;
  const words = [t(`${story.findings.length} 项发现`, alone ? 'one finding' : `${story.findings.length} findings`), when, alone && entry && entry.way !== 'unknown' ? wayTexts[entry.way][lang] : ''].filter(Boolean);
  const way = alone ? undefined : entryOf(story)?.[lang];
  const more = story.findings.length - shown.length;
  const tie = tieOf(story)?.[lang];
  return `<section class="story"><h3>${badge(level, lang)} ${t('经过', 'Story')} ${nth} <small>${escape(words.join(' · '))}</small></h3>
${way === undefined ? '' : `<p>${escape(way)}</p>`}
${tie === undefined ? '' : `<p class="dim">${t('彼此相关：', 'they share: ')}${escape(tie)}</p>`}
${shown.map((one) => findingHtml(one, options)).join('')}${more > 0 ? `<p class="dim">${t(`这段经过还有 ${more} 项未列出`, `${more} more of this story are not shown here`)}</p>` : ''}</section>
`;
}

function findingHtml(finding: Finding, { lang, clock, technique, fix: byMoat }: HtmlOptions): string {
  const { id, level, title, time, means, fix, pid, user, address, check } = finding;
  const evidence = factsOf(finding);
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const tail = [...(pid === undefined ? [] : [`${t('进程', 'pid')} ${pid}`]), ...(user === undefined ? [] : [`${t('账号', 'user')} ${user}`]), ...(address === undefined ? [] : [address]), check, ...refsOf(finding, lang, technique)];
  const commands = (all: readonly (readonly string[])[]): string => (all.length > 0 ? `<pre>${all.map((words) => escape(commandLine(words))).join('\n')}</pre>` : '');
  const able = byMoat && fix?.actions && fix.actions.length > 0;
  return `<article class="${level}" id="f-${escape(id)}"><h4>${badge(level, lang)} ${escape(title[lang])}${time === undefined ? '' : ` <time datetime="${new Date(time).toISOString()}">${clock(time)}</time>`}</h4>
${evidence.length > 0 ? `<dl class="evidence">${evidence.map(({ what, value }) => `<dt>${escape(what[lang])}</dt><dd><code>${escape(value)}</code></dd>`).join('')}</dl>` : ''}
${means ? `<p>${escape(means[lang])}</p>` : ''}
${fix ? `<p class="fix"><b>${sectionTexts.fix[lang]}</b> ${escape(fix.text[lang])}</p>${able ? `<p>${sectionTexts.byMoat[lang]}</p>${commands([[...byMoat, id]])}${fix.commands.length > 0 ? `<p>${sectionTexts.byHand[lang]}</p>` : ''}` : ''}${commands(fix.commands)}` : ''}
<p class="dim">${escape(tail.join(' · '))}</p></article>
`;
}

const badge = (level: Finding['level'], lang: Lang): string => `<span class="badge ${level}">${levelTexts[level][lang]}</span>`;
const section = (title: string, body: string): string => (body === '' ? '' : `<section><h2>${escape(title)}</h2>\n${body}\n</section>`);
const list = (steps: readonly Text[], lang: Lang): string => (steps.length > 0 ? `<ol>${steps.map((text) => `<li>${escape(text[lang])}</li>`).join('')}</ol>` : '');
/** `value` is HTML. */
const fact = (what: string, value: string, kind = ''): string => `<div${kind === '' ? '' : ` class="${kind}"`}><dt>${escape(what)}</dt><dd>${value}</dd></div>`;
const seconds = ({ started, ended }: ScanReport): string => ((ended - started) / 1000).toFixed(1);
