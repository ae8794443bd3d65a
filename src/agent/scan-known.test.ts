import { describe, expect, it } from 'vitest';
import type { Finding, FindingKind } from '../core/finding.ts';
import type { Level } from '../core/level.ts';
import { verdictOf, type ScanReport } from '../scan/report.ts';
import { compare, nothingKnown, readKnown, type KnownState } from './scan-known.ts';

const one = (id: string, level: Level = 'high', kind: FindingKind = 'intrusion', check = 'cron'): Finding => ({ id, check, kind, level, title: { zh: id, en: id }, evidence: [], refs: [] });
const words = (id: string): ScanReport['checks'][number] => ({ id, group: 'persistence', title: { zh: id, en: id }, blind: { zh: '', en: '' } });
const report = (findings: Finding[], more: Partial<ScanReport> = {}): ScanReport => {
  const blind = more.blind ?? [];
  return { tree: { kind: 'machine', name: '/' }, started: 0, ended: 1, checks: [words('cron')], known: 1, findings, blind, counts: {}, files: 0, spent: {}, verdict: verdictOf(findings, blind), ...more };
};
let state: KnownState = nothingKnown();
/** One scan after the other; gives the ids that are new. */
const scan = (findings: Finding[], more: Partial<ScanReport> = {}): string[] => {
  const compared = compare(state, report(findings, more), ['cron'], 1000);
  // What is saved reads back as it was.
  state = readKnown(JSON.stringify(compared.state))!;
  return compared.fresh.map(({ finding, again }) => `${finding.id}${again === 0 ? '' : ` again ${again}`}`);
};
const start = (findings: Finding[]): string[] => { state = nothingKnown(); return scan(findings); };

describe('scheduled scans tell', () => {
  it('at first only certain signs, later all that is new but notices', () => {
    expect(start([one('a'), one('b', 'medium'), one('c', 'critical', 'weakness'), one('d', 'low', 'notice')])).toEqual(['a']);
    expect(scan([one('a'), one('b', 'medium'), one('c', 'critical', 'weakness')])).toEqual([]);
    expect(scan([one('b', 'medium'), one('e', 'low', 'weakness'), one('f', 'high', 'notice')])).toEqual(['e']);
  });

  it('what was gone and returns, each time anew', () => {
    start([one('a')]);
    expect(scan([])).toEqual([]);
    expect(scan([one('a')])).toEqual(['a again 1']);
    expect(scan([one('a')])).toEqual([]);
    scan([]);
    expect(scan([one('a')])).toEqual(['a again 2']);
  });

  it('nothing anew because something was mounted over it for a while', () => {
    const [inside, outside] = [{ ...one('a'), path: '/var/www/x/shell.php' }, { ...one('b'), path: '/var/www/xy' }];
    start([inside, outside]);
    scan([], { blind: [{ check: 'mounts', what: '/var/www/x', why: { zh: '', en: '' } }] });
    expect(scan([inside, outside])).toEqual(['b again 1']);
    scan([], { counts: { 'places that could not be looked at, beyond those listed': 1 } });
    expect(scan([inside, outside])).toEqual([]);
  });

  it('what became worse', () => {
    start([one('a', 'medium')]);
    expect(scan([one('a', 'high')])).toEqual(['a']);
    expect(scan([one('a', 'medium')])).toEqual([]);
  });

  it('a program that was started again once, unless it became worse', () => {
    const process = (pid: number, level: Level = 'medium', path = '/usr/bin/app'): Finding => ({ ...one(`p${pid}`, level), pid, path, title: { zh: `${path}（进程 ${pid}）`, en: `${path} (process ${pid})` } });
    start([]);
    expect(scan([process(100)])).toEqual(['p100']);
    expect(scan([process(222)])).toEqual([]);
    expect(scan([process(333), process(444)])).toEqual([]);
    expect(scan([process(333), process(555, 'medium', '/tmp/app')])).toEqual(['p555']);
    expect(scan([process(666, 'high')])).toEqual(['p666']);
    scan([]);
    expect(scan([process(777)])).toEqual(['p777']);
  });

  it('every process whose program nobody knows', () => {
    const hidden = (pid: number): Finding => ({ ...one(`h${pid}`, 'critical'), pid, title: { zh: `进程 ${pid} 被藏了起来`, en: `process ${pid} is hidden` } });
    start([hidden(100)]);
    expect(scan([hidden(100), hidden(200)])).toEqual(['h200']);
  });

  it('every line of one file that is wrong in the same way', () => {
    const line = (id: string): Finding => ({ ...one(id), path: '/etc/crontab', title: { zh: '甲', en: 'same' } });
    start([line('l1')]);
    expect(scan([line('l1'), line('l2')])).toEqual(['l2']);
  });

  it.each<[string, Partial<ScanReport>]>([
    ['stopped', { stopped: { zh: '', en: '' } }],
    ['with too many findings', { counts: { 'findings beyond the limit': 1 } }],
    ['of another check', { checks: [words('preload')] }],
    ...['cron', 'walk', 'packages', 'scan'].map((check): [string, Partial<ScanReport>] => [`blind in ${check}`, { blind: [{ check, what: '/x', why: { zh: '', en: '' }}] }]),
  ])('nothing as gone by a scan %s', (_, more) => {
    start([one('a')]);
    scan([], more);
    expect(scan([one('a')])).toEqual([]);
  });

  it('the baseline of a check when it first could look', () => {
    state = nothingKnown();
    scan([], { blind: [{ check: 'cron', why: { zh: '', en: '' } }] });
    expect(scan([one('b', 'medium')])).toEqual([]);
    expect(scan([one('b', 'medium'), one('c', 'medium')])).toEqual(['c']);
  });

  it('no more than it can keep', () => {
    const many = Array.from({ length: 20_010 }, (_, i) => one(`m${i}`, 'low', 'weakness'));
    const { state: kept, notKept } = compare(nothingKnown(), report(many), ['cron'], 1);
    expect([Object.keys(kept.findings).length, notKept]).toEqual([20_000, 10]);
  });
});

it.each(['{', 'null', '{"version":2}', '[]'])('a saved state that is %s is not read', (text) => expect(readKnown(text)).toBeUndefined());
