/** A scan's report on a terminal, and a finding as JSON. */
import type { Finding } from '../core/finding.ts';
import type { Lang } from '../core/text.ts';
import type { ScanReport, VerdictWord } from '../scan/report.ts';
import { colour } from './colour.ts';
import { levelWord, safe } from './terminal.ts';

const verdictWords: Record<VerdictWord, Record<Lang, string>> = {
  clean: { zh: '干净：没有发现入侵迹象', en: 'Clean: nothing speaks of an intrusion' },
  suspicious: { zh: '可疑：有迹象要看', en: 'Suspicious: there are signs to look at' },
  compromised: { zh: '已被入侵', en: 'Compromised' },
};

export function findingJson(finding: Finding, lang: Lang): object {
  const { title, means, fix, evidence, ...rest } = finding;
  return {
    ...rest, title: title[lang], ...(means && { means: means[lang] }),
    evidence: evidence.map(({ what, value }) => ({ what: what[lang], value })),
    ...(fix && { fix: { text: fix.text[lang], commands: fix.commands } }),
  };
}

export function reportLines(report: ScanReport, lang: Lang): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const paint = report.verdict === 'clean' ? colour.green : report.verdict === 'suspicious' ? colour.yellow : colour.red;
  const lines = [colour.bold(paint(verdictWords[report.verdict][lang])), ''];
  for (const finding of report.findings) {
    lines.push(`${levelWord(finding.level, lang)} ${safe(finding.title[lang])}`);
    for (const { what, value } of finding.evidence) lines.push(`    ${what[lang]}: ${safe(value)}`);
    if (finding.fix) lines.push(`    ${t('处理', 'to do')}: ${safe(finding.fix.text[lang])}`, ...finding.fix.commands.map((words) => `      ${safe(shown(words))}`));
    lines.push('');
  }
  for (const { check, what, why } of report.blind) lines.push(colour.yellow(safe(`${t('没能查', 'could not look')}: ${check}${what ? ` ${what}` : ''}: ${why[lang]}`)));
  for (const [what, n] of Object.entries(report.counts)) lines.push(colour.dim(safe(`${what}: ${n}`)));
  const seconds = ((report.ended - report.started) / 1000).toFixed(1);
  lines.push(t(`${report.checks.length} 项检查，${report.files} 个文件，${report.findings.length} 项发现，用时 ${seconds} 秒`, `${report.checks.length} checks, ${report.files} files, ${report.findings.length} findings in ${seconds} s`));
  return lines;
}

/** A command as a person types it. */
const shown = (words: readonly string[]): string => words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ');
