/** What the reports for people and programs hold, and what hostile text in findings cannot do to them. */
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Finding } from '../core/finding.ts';
import { markup as escape } from '../core/safe.ts';
import { htmlOf } from './html.ts';
import { exitCodeOf, later, verdictOf, type Blind, type ScanReport } from './report.ts';
import { nextSteps } from './sections.ts';
import { sarifOf } from './sarif.ts';
import { commandLine } from './shell.ts';
import { storiesOf } from './stories.ts';
import { explain } from './verdict.ts';

const at = Date.parse('2026-11-20T03:12:00Z');
const hostile = '<script>alert(1)</script>"\'&\u001b[2J\u202e';
let serial = 0;
const one = (more: Partial<Finding>): Finding => ({ id: `id${++serial}`, check: 'cron', kind: 'intrusion', level: 'high', title: { zh: '标题', en: 'title' }, evidence: [], refs: ['attack:T1053.003'], ...more });
function report(findings: Finding[], more: Partial<ScanReport> = {}): ScanReport {
  const blind = more.blind ?? [];
  return {
    tree: { kind: 'machine', name: '/' }, started: at, ended: at + 1500, known: 1, findings, blind, counts: {}, files: 3, spent: {}, verdict: verdictOf(findings, blind),
    checks: [{ id: 'cron', group: 'persistence', title: { zh: '计划任务', en: 'cron' }, blind: { zh: '看不见的', en: 'cannot' } }], ...more,
  };
}
const clock = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
const told = (given: ScanReport): { head: string; why: string } => {
  const { head, why } = explain(given, storiesOf(given.findings), clock);
  return { head: head.en, why: why.map(({ en }) => en).join('. ') };
};
const cannot: Blind = { check: 'cron', what: '/etc/x', why: { zh: '读不了', en: 'cannot be read' } };

describe('the verdict', () => {
  it('says why, when it began and how', () => {
    const { head, why } = told(report([one({ path: '/var/www/html/x.php', check: 'webshell', time: at, title: { zh: '木马', en: 'a webshell' } }), one({ time: at + 60_000 }), one({})]));
    expect(head).toBe('Compromised');
    expect(why).toContain('3 certain signs of an intrusion: a webshell; title.');
    expect(why).toContain('It most likely began at 2026-11-20 03:12, through the web server, with: a webshell');
  });

  it.each<[string, Finding[], Partial<ScanReport>, string]>([
    ['nothing', [], {}, 'Clean: no sign'],
    ['weaknesses only', [one({ kind: 'weakness', level: 'critical' })], {}, 'Clean: no sign'],
    ['part of the checks', [], { known: 9 }, 'Clean as far as was looked'],
    ['a medium sign', [one({ level: 'medium' })], {}, 'Suspicious'],
    ['a blind spot', [], { blind: [cannot] }, 'Not known to be clean'],
  ])('of %s', (_, findings, more, head) => expect(told(report(findings, more)).head).toContain(head));

  it('stays that of all findings when only later ones are asked for', () => {
    const part = later(report([one({ time: at - 1 }), one({ kind: 'weakness', level: 'low', time: at + 1 }), one({ kind: 'notice', level: 'info' })]), at);
    expect(part.findings).toHaveLength(2);
    expect(told(part)).toMatchObject({ head: 'Compromised', why: expect.stringContaining('One finding from before 2026-11-20 03:12 is left out; it is a sign of an intrusion, and the verdict counts it') as string });
    expect(exitCodeOf(part, 'high')).toBe(0);
  });

  it.each([
    [1, 0, 'One finding from before 2026-11-20 03:12 is left out.'],
    [2, 0, '2 findings from before 2026-11-20 03:12 are left out.'],
    [2, 1, '2 findings from before 2026-11-20 03:12 are left out; one of them is a sign of an intrusion, and the verdict counts it.'],
    [3, 2, '3 findings from before 2026-11-20 03:12 are left out; 2 of them are signs of an intrusion, and the verdict counts them.'],
  ])('counts what was left out: %i findings, %i signs', (findings, signs, said) => {
    const all = Array.from({ length: findings }, (_, i) => one(i < signs ? { time: at - 1 } : { kind: 'weakness', level: 'low', time: at - 1 }));
    expect(`${told(later(report(all), at)).why}.`).toContain(said.slice(0, -1));
  });

  it('does not say that all checks were run when they were not', () => {
    const { why } = told(report([], { stopped: { zh: '被中断', en: 'it was interrupted' } }));
    expect(why).toContain('did not come to its end: it was interrupted');
    expect(why).not.toMatch(/checks were run/);
  });

  it('says that there may have been more than one', () => {
    const weeks = 30 * 86_400_000;
    const visit = (time: number): Finding[] => [one({ path: `/a${time}`, time }), one({ path: `/b${time}`, time: time + 60_000 })];
    expect(told(report([...visit(at), ...visit(at + weeks)])).why).toContain('2 stories that nothing ties together');
    expect(told(report(visit(at))).why).not.toContain('nothing ties together');
  });

  it.each<[Finding[], Blind[], number]>([[[], [], 0], [[one({})], [cannot], 1], [[one({ level: 'low' })], [cannot], 2], [[one({ level: 'low' })], [], 0]])('%#: ends with', (findings, blind, code) => {
    expect(exitCodeOf({ findings, blind }, 'high')).toBe(code);
  });
});

const every = report([
  one({ path: '/etc/cron.d/a b\udcff', level: 'critical', time: at, pid: 7, user: hostile, address: '203.0.113.9', title: { zh: hostile, en: hostile }, means: { zh: hostile, en: hostile }, evidence: [{ what: { zh: hostile, en: hostile }, value: hostile }, { what: { zh: '行', en: 'line' }, value: 'x', path: '/etc/cron.d/a b\udcff', line: 3 }], fix: { text: { zh: hostile, en: hostile }, commands: [['rm', '-f', hostile]] } }),
  one({ kind: 'weakness', level: 'medium', check: 'other' }), one({ kind: 'notice', level: 'info' }),
], { blind: [{ check: 'cron', what: hostile, why: { zh: hostile, en: hostile } }], counts: { [hostile]: 1 }, tree: { kind: 'folder', name: hostile } });

describe('HTML', () => {
  it.each(['zh', 'en'] as const)('in %s loads nothing, runs nothing, and shows hostile text as text', (lang) => {
    const html = htmlOf(every, storiesOf(every.findings), { lang, clock, version: '0' });
    expect(html).not.toMatch(/<script|<link|<img|<iframe|\bsrc=|https?:|url\(|@import|\son\w+=/i);
    expect(html).toContain("default-src 'none'");
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
    const opened = [...html.matchAll(/<(section|article|dl|ul|ol|table|main|header|body|html)\b/g)].map(([, tag]) => String(tag)).sort();
    expect([...html.matchAll(/<\/(section|article|dl|ul|ol|table|main|header|body|html)>/g)].map(([, tag]) => String(tag)).sort()).toEqual(opened);
    expect(html).toContain(lang === 'zh' ? '<html lang="zh-CN">' : '<html lang="en">');
  });

  it('escapes for text and for attributes', () => expect(escape(`<a href="x" id='y'>&\n`)).toBe('&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;\\x0a'));

  it('shows every story, however large the first one is', () => {
    const large = Array.from({ length: 900 }, () => one({ path: '/etc/cron.d/zz', level: 'critical' }));
    const small = one({ path: '/root/.ssh/authorized_keys', level: 'medium', title: { zh: '小', en: 'the small one' } });
    const given = report([...large, small]);
    const html = htmlOf(given, storiesOf(given.findings), { lang: 'en', clock, version: '0' });
    expect(html.match(/<article/g)).toHaveLength(201);
    expect(html).toContain('700 more of this story are not shown here');
    expect(html).toContain('the small one');
  });

  it('says where, how to put it right, and what references are called', () => {
    const action = { action: 'quarantine-file', input: { path: '/tmp/x' } };
    const given = report([one({ id: 'abc', path: '/tmp/x', fix: { text: { zh: '拿走', en: 'put it away' }, commands: [['chmod', '000', '/tmp/x']], actions: [action] }, refs: ['attack:T1496', 'matrix:挖矿', 'dengbao:8.1.4.5', 'cis:5.1.1'] })]);
    const html = (fix?: readonly string[]): string => htmlOf(given, storiesOf(given.findings), { lang: 'en', clock, version: '0', fix, technique: (id) => ({ zh: id, en: `${id} and its name` }) });
    expect(html(['moat', 'fix'])).toMatch(/<dt>where<\/dt><dd><code>\/tmp\/x<[^]*<pre>moat fix abc<\/pre><p>or by hand<\/p><pre>chmod 000 \/tmp\/x<\/pre>/);
    expect(html()).not.toContain('moat fix abc');
    expect(html()).toContain('ATT&amp;CK T1496 and its name · GB/T 22239 8.1.4.5 · CIS 5.1.1');
  });

  it.each(['folder', 'image'] as const)('warns that commands for a %s are not for this machine', (kind) => {
    const fix = { text: { zh: '删', en: 'away' }, commands: [['rm', '/etc/cron.d/zz']] };
    const text = (more: Partial<ScanReport>): string[] => nextSteps(report([one({ fix })], more)).map(({ en }) => en);
    const steps = text({ tree: { kind, name: '/mnt/disk' } });
    expect(steps[0]).toMatch(/^Keep evidence/);
    expect(steps[1]).toMatch(/this machine/);
    expect(text({}).join(' ')).not.toContain('The commands are for');
  });

  it('shows so many and counts the others', () => {
    const many = report(Array.from({ length: 2500 }, (_, i) => one({ path: `/x/${i}`, kind: 'weakness' })));
    const html = htmlOf(many, storiesOf(many.findings), { lang: 'en', clock, version: '0' });
    expect(html.match(/<article/g)).toHaveLength(2000);
    expect(html).toContain('500 more are not shown here');
  });
});

/** What SARIF 2.1.0 demands of the parts that are written here: names, types, closed word lists. */
const text = z.strictObject({ text: z.string().min(1) });
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const bag = z.record(z.string(), z.unknown());
const levelWord = z.enum(['none', 'note', 'warning', 'error']);
const sarif = z.strictObject({
  $schema: z.url(), version: z.literal('2.1.0'),
  runs: z.array(z.strictObject({
    tool: z.strictObject({ driver: z.strictObject({
      name: z.string().min(1), version: z.string(), language: z.string().regex(/^[a-z]{2}-[A-Z]{2}$/),
      rules: z.array(z.strictObject({ id: z.string().min(1), name: z.string(), shortDescription: text, help: text.optional(), properties: bag.optional() })),
    }) }),
    invocations: z.array(z.strictObject({ executionSuccessful: z.boolean(), startTimeUtc: time, endTimeUtc: time, toolExecutionNotifications: z.array(z.strictObject({ level: levelWord, message: text })) })),
    columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']), properties: bag,
    results: z.array(z.strictObject({
      ruleId: z.string(), ruleIndex: z.number().int().min(0), level: levelWord, rank: z.number().min(0).max(100), message: text,
      locations: z.array(z.strictObject({ physicalLocation: z.strictObject({ artifactLocation: z.strictObject({ uri: z.string().regex(/^file:\/\/\/(?:[A-Za-z0-9/._~-]|%[0-9A-F]{2})*$/) }), region: z.strictObject({ startLine: z.number().int().min(1) }).optional() }) })),
      partialFingerprints: z.record(z.string(), z.string()), properties: bag,
    })),
  })).min(1),
});

it.each(['zh', 'en'] as const)('SARIF in %s has the form of 2.1.0', (lang) => {
  const log = sarif.parse(JSON.parse(JSON.stringify(sarifOf(every, storiesOf(every.findings), lang, '0.1.0'))));
  const { results, tool, invocations } = log.runs[0]!;
  expect(results).toHaveLength(3);
  for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]!.id).toBe(ruleId);
  expect(results.map(({ level }) => level)).toEqual(['error', 'warning', 'note']);
  expect(results[0]!.locations[0]!.physicalLocation).toEqual({ artifactLocation: { uri: 'file:///etc/cron.d/a%20b%FF' }, region: { startLine: 3 } });
  expect(tool.driver.rules.map(({ id, properties }) => `${id} ${String(properties?.['security-severity'])}`)).toEqual(['cron 9.5', 'other 5.5']);
  expect(invocations[0]!.toolExecutionNotifications).toHaveLength(1);
});

it('SARIF takes nothing in a file for a placeholder, a link or a tag of its own', () => {
  const given = report([one({ evidence: [{ what: { zh: '行', en: 'line' }, value: 'awk {print $0} {0} [your bank](https://evil.example/)' }] })]);
  const { runs: [run] } = sarif.parse(JSON.parse(JSON.stringify(sarifOf(given, storiesOf(given.findings), 'en', '1'))));
  expect(run!.results[0]!.message.text).toContain('awk {{print $0}} {{0}} [your bank] (https://evil.example/)');
});

it.each([
  [['chmod', 'go-w', '/etc/x'], 'chmod go-w /etc/x'],
  [['rm', "it's here"], String.raw`rm 'it'\''s here'`],
  [['rm', 'a\nb\u001b[2J\\'], String.raw`rm $'a\x0ab\x1b[2J\\'`],
  [['rm', 'x\udcffy'], String.raw`rm $'x\xffy'`],
  [['rm', ''], "rm ''"],
])('commands %j can be pasted', (words, line) => expect(commandLine(words)).toBe(line));
