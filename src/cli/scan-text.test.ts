/** What a person reads of a scan: that nothing worse is hidden by what is much, and that each finding can be found and put right. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../core/finding.ts';
import { verdictOf, type ScanReport } from '../scan/report.ts';
import { storiesOf } from '../scan/stories.ts';
import { reportLines, type ReportTextOptions } from './scan-text.ts';

const at = Date.parse('2026-11-20T03:12:00Z');
let serial = 0;
const one = (more: Partial<Finding>): Finding => ({ id: `id${++serial}`, check: 'cron', kind: 'intrusion', level: 'high', title: { zh: '标题', en: 'title' }, evidence: [], refs: [], ...more });
function text(findings: Finding[], options: Partial<ReportTextOptions> = {}, more: Partial<ScanReport> = {}): string {
  const report: ScanReport = { tree: { kind: 'machine', name: '/' }, started: at, ended: at + 1, checks: [], known: 0, findings, blind: [], counts: {}, files: 0, spent: {}, verdict: verdictOf(findings, []), ...more };
  return stripVTControlCharacters(reportLines(report, storiesOf(findings, []), { lang: 'en', columns: 100, all: false, verbose: false, ...options }).join('\n'));
}
const titled = (en: string): Finding['title'] => ({ zh: en, en });

describe('the report on a terminal', () => {
  it('shows a second intruder beside one who left hundreds of traces, and how each came', () => {
    const many = Array.from({ length: 300 }, (_, i) => one({ path: '/etc/crontab', level: 'critical', time: at, title: titled(`job ${i}`) }));
    const weeks = 30 * 86_400_000;
    const second = [one({ path: '/var/www/html/x.php', check: 'webshell', time: at + weeks, title: titled('the trojan') }), one({ path: '/etc/cron.d/b', time: at + weeks + 60_000, title: titled('the second job') })];
    const lone = one({ path: '/etc/cron.d/c', level: 'medium', title: titled('the lone job') });
    const said = text([...many, ...second, lone]);
    expect(said).toContain('Story 1 · 300 findings');
    expect(said).toContain('… and 295 more of cron: --all / --json');
    expect(said).toMatch(/Story 2 · 2 findings[^]*likely way in: through the web server; first sign: the trojan[^]*the second job/);
    expect(said).toMatch(/Story 3 · one finding\n\nmedium the lone job/);
    expect(said.match(/^critical|^ critical/gm)).toHaveLength(5);
    expect(text([...many, ...second, lone], { all: true }).match(/critical +job \d+$/gm)).toHaveLength(300);
  });

  it('counts the stories that it does not show', () => {
    const stories = Array.from({ length: 25 }, (_, i) => [one({ path: `/a${i}` }), one({ path: `/a${i}` })]).flat();
    expect(text(stories).match(/^Story \d+/gm)).toHaveLength(20);
    expect(text(stories)).toContain('… and 5 more stories: --all / --json');
    expect(text(stories, { all: true }).match(/^Story \d+/gm)).toHaveLength(25);
  });

  it('gives a finding that stands alone no head of a story', () => expect(text([one({ path: '/a', time: at })])).not.toContain('Story'));

  it('says where it is when nothing else does, and what Moat does about it', () => {
    const fix = { text: titled('put it away'), commands: [['chmod', '000', '/tmp/x']], actions: [{ action: 'quarantine-file', input: { path: '/tmp/x' } }] };
    const said = text([one({ id: 'abc', path: '/tmp/x', fix, refs: ['attack:T1496', 'matrix:挖矿'] })], { fix: ['moat', 'fix'] });
    expect(said).toMatch(/where: \/tmp\/x\n[^]*moat fix abc\n +or by hand:\n +chmod 000 \/tmp\/x\n/);
    expect(said).toContain('cron · ATT&CK T1496\n');
    expect(text([one({ path: '/tmp/x', fix })])).not.toContain('moat fix');
    expect(text([one({ path: '/tmp/x', title: titled('/tmp/x is odd') })])).not.toContain('where:');
  });

  it('draws nothing that a name asks for', () => {
    const name = '/tmp/\u001b[2J\u202e\u0007';
    const said = reportLines({ tree: { kind: 'folder', name }, started: at, ended: at, checks: [], known: 0, findings: [one({ path: name, fix: { text: titled(name), commands: [['rm', name]] } }), one({ path: name })], blind: [], counts: {}, files: 0, spent: {}, verdict: 'compromised' }, storiesOf([one({ path: name, title: titled(name) }), one({ path: name })]), { lang: 'en', columns: 100, all: false, verbose: false }).join('');
    expect(stripVTControlCharacters(said)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(said).toContain('\\x1b[2J\\x202e');
  });
});
