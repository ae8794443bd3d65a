/** The verdict in plain words, and why. */
import type { Finding } from '../core/finding.ts';
import { atLeast } from '../core/level.ts';
import type { Text } from '../core/text.ts';
import { isSign, type ScanReport } from './report.ts';
import type { Story } from './stories.ts';
import { wayTexts } from './way.ts';

export interface Verdict { head: Text; why: Text[] }

const titlesMax = 3;

/** `clock` writes a time as people read it. */
export function explain(report: ScanReport, stories: readonly Story[], clock: (ms: number) => string): Verdict {
  const signs = report.findings.filter(isSign);
  const certain = signs.filter(({ level }) => atLeast(level, 'high'));
  const why: Text[] = [];
  if (certain.length > 0) why.push(both(count(certain.length, '处确凿的入侵迹象', 'certain sign of an intrusion', 'certain signs of an intrusion'), listed(certain)));
  else if (signs.length > 0) why.push(both(count(signs.length, '处可疑迹象，还不足以断定', 'sign that may be of an intrusion', 'signs that may be of an intrusion'), listed(signs)));
  const began = beginning(stories, clock);
  if (began) why.push(began);
  const apart = stories.filter(({ intrusion, findings }) => intrusion && findings.length > 1).length;
  if (apart > 1) why.push({ zh: `迹象分成 ${apart} 段互不相连的经过：可能不止一次入侵`, en: `The signs make ${apart} stories that nothing ties together: it may be more than one intrusion` });
  const { older, stopped } = report;
  if (older && older.findings > 0) {
    const since = clock(older.since);
    why.push({
      zh: `未列出早于 ${since} 的 ${older.findings} 项${older.signs > 0 ? `，其中 ${older.signs} 项是入侵迹象，结论已把它们算进去` : ''}`,
      en: leftOut(older.findings, older.signs, since),
    });
  }
  if (stopped) why.push({ zh: `扫描没有做完：${stopped.zh}`, en: `The scan did not come to its end: ${stopped.en}` });
  if (report.blind.length > 0) why.push({ zh: `${report.blind.length} 处没能查到，列在下面`, en: report.blind.length === 1 ? 'One place could not be looked at; it stands below' : `${report.blind.length} places could not be looked at; they stand below` });
  const part = report.checks.length < report.known;
  // What was cut short did not do all that it meant to; that stands above.
  if (!stopped) why.push(part
    ? { zh: `只做了 ${report.known} 项检查中的 ${report.checks.length} 项`, en: `Only ${report.checks.length} of ${report.known} checks were run` }
    : { zh: `${report.checks.length} 项检查全部做过`, en: `All ${report.checks.length} checks were run` });
  return { head: headOf(report, signs.length > 0), why };
}

function leftOut(findings: number, signs: number, since: string): string {
  const what = findings === 1 ? `One finding from before ${since} is left out` : `${findings} findings from before ${since} are left out`;
  if (signs === 0) return what;
  if (findings === 1) return `${what}; it is a sign of an intrusion, and the verdict counts it`;
  return `${what}; ${signs === 1 ? 'one of them is a sign of an intrusion, and the verdict counts it' : `${signs} of them are signs of an intrusion, and the verdict counts them`}`;
}

function headOf(report: ScanReport, signs: boolean): Text {
  switch (report.verdict) {
    case 'clean': return report.checks.length < report.known
      ? { zh: '干净：在所查的范围内没有发现入侵迹象', en: 'Clean as far as was looked: no sign of an intrusion' }
      : { zh: '干净：没有发现入侵迹象', en: 'Clean: no sign of an intrusion' };
    case 'compromised': return { zh: '已被入侵', en: 'Compromised' };
    case 'suspicious': return signs || (report.older?.signs ?? 0) > 0
      ? { zh: '可疑：有迹象需要查看', en: 'Suspicious: there are signs to look into' }
      : { zh: '不能断定干净：没有发现入侵迹象，但有地方没能查到', en: 'Not known to be clean: no sign of an intrusion, but not everything could be looked at' };
  }
}

/** Of the story that began first: when, how and with what. */
function beginning(stories: readonly Story[], clock: (ms: number) => string): Text | undefined {
  const entry = stories.filter(({ intrusion }) => intrusion).flatMap((story) => (story.entry ? [story.entry] : [])).sort((a, b) => a.time - b.time)[0];
  if (!entry) return undefined;
  const { time, way, finding } = entry;
  return {
    zh: `最早的迹象出现在 ${clock(time)}：${finding.title.zh}（${wayTexts[way].zh}）`,
    en: `It most likely began at ${clock(time)}${way === 'unknown' ? '' : `, ${wayTexts[way].en}`}, with: ${finding.title.en}`,
  };
}

const count = (n: number, zh: string, one: string, many: string): Text => ({ zh: `${n} ${zh}`, en: `${n} ${n === 1 ? one : many}` });
const both = (a: Text, b: Text): Text => ({ zh: `${a.zh}：${b.zh}`, en: `${a.en}: ${b.en}` });

function listed(findings: readonly Finding[]): Text {
  // The same thing in several places is named once.
  const titles = [...new Map(findings.map(({ title }) => [title.en, title])).values()];
  const named = titles.slice(0, titlesMax);
  const more = titles.length - named.length;
  return {
    zh: named.map(({ zh }) => zh).join('；') + (more > 0 ? `；另有 ${more} 种` : ''),
    en: named.map(({ en }) => en).join('; ') + (more > 0 ? `; and ${more} ${more === 1 ? 'kind' : 'kinds'} more` : ''),
  };
}
