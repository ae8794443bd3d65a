/** A scan's report as SARIF 2.1.0, which code hosts and editors read. */
import type { Finding } from '../core/finding.ts';
import { levels, type Level } from '../core/level.ts';
import { safe } from '../core/safe.ts';
import type { Lang } from '../core/text.ts';
import { bytesOf } from '../linux/file-names.ts';
import type { ScanReport } from './report.ts';
import type { Story } from './stories.ts';

/** `none` is not used: a finding without a level would be no finding. */
const sarifLevel: Readonly<Record<Level, 'error' | 'warning' | 'note'>> = { critical: 'error', high: 'error', medium: 'warning', low: 'note', info: 'note' };
/** 0 to 10; GitHub reads it of the rule, so that has the worst of its findings. */
const severity: Readonly<Record<Level, string>> = { critical: '9.5', high: '8.0', medium: '5.5', low: '3.0', info: '0.5' };
const rank: Readonly<Record<Level, number>> = { critical: 100, high: 80, medium: 50, low: 20, info: 5 };

export function sarifOf(report: ScanReport, stories: readonly Story[], lang: Lang, version: string): object {
  const ids = [...new Set([...report.checks.map(({ id }) => id), ...report.findings.map(({ check }) => check)])];
  const words = new Map(report.checks.map((check) => [check.id, check]));
  const index = new Map(ids.map((id, i) => [id, i]));
  const worst = new Map<string, Level>();
  for (const { check, level } of report.findings) worst.set(check, levels[Math.max(levels.indexOf(level), levels.indexOf(worst.get(check) ?? 'info'))]!);
  const storyOf = new Map(stories.flatMap((story) => story.findings.map(({ id }) => [id, story.id])));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: { driver: {
        name: 'Moat', version, language: lang === 'zh' ? 'zh-CN' : 'en-US',
        rules: ids.map((id) => {
          const check = words.get(id);
          return { id, name: id, shortDescription: { text: message(check?.title[lang] ?? id) }, ...(check && { help: { text: message(`${lang === 'zh' ? '看不见的：' : 'Cannot see: '}${check.blind[lang]}`) } }), properties: { tags: ['security', ...(check ? [check.group] : [])], ...(worst.has(id) && { 'security-severity': severity[worst.get(id)!] }) } };
        }),
      } },
      invocations: [{
        executionSuccessful: report.stopped === undefined,
        startTimeUtc: new Date(report.started).toISOString(), endTimeUtc: new Date(report.ended).toISOString(),
        toolExecutionNotifications: report.blind.map(({ check, what, why }) => ({ level: 'warning', message: { text: message(`${check}${what === undefined ? '' : ` ${what}`}: ${why[lang]}`) } })),
      }],
      columnKind: 'utf16CodeUnits',
      properties: { verdict: report.verdict, files: report.files, counts: report.counts },
      results: report.findings.map((finding) => resultOf(finding, index.get(finding.check)!, storyOf.get(finding.id), lang)),
    }],
  };
}

function resultOf(finding: Finding, ruleIndex: number, story: string | undefined, lang: Lang): object {
  const { id, check, kind, level, title, path, pid, user, address, evidence, means, fix, refs, time } = finding;
  const line = evidence.find((one) => one.line !== undefined && one.path === path)?.line;
  const about = [title[lang], ...evidence.map(({ what, value }) => `${what[lang]}: ${value}`), ...(means ? [means[lang]] : []), ...(fix ? [fix.text[lang]] : [])];
  return {
    ruleId: check, ruleIndex, level: sarifLevel[level], rank: rank[level],
    message: { text: about.map(message).join('\n') },
    locations: path === undefined ? [] : [{ physicalLocation: { artifactLocation: { uri: fileUri(path) }, ...(line !== undefined && { region: { startLine: line } }) } }],
    partialFingerprints: { 'moatFinding/v1': id },
    properties: {
      kind, moatLevel: level, 'security-severity': severity[level], tags: refs, ...(story !== undefined && { story }), ...(time !== undefined && { time: new Date(time).toISOString() }),
      ...(pid !== undefined && { pid }), ...(user !== undefined && { user: safe(user) }), ...(address !== undefined && { address }), ...(fix && { commands: fix.commands.map((words) => words.map(safe)) }),
    },
  };
}

/** In a message braces are doubled, else `{0}` asks for an argument that is not there (3.11.5), and what `[a](b)` in a file says is no link (3.11.6). */
const message = (text: string): string => safe(text).replaceAll(/[{}]/g, '$&$&').replaceAll('](', '] (');

/** Bytes that are no valid UTF-8 stay what they are. */
function fileUri(path: string): string {
  let uri = 'file://';
  for (const byte of Buffer.from(bytesOf(path))) {
    const char = String.fromCharCode(byte);
    uri += /[A-Za-z0-9/._~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return uri;
}
