import { describe, expect, it } from 'vitest';
import type { FindingKind } from '../core/finding.ts';
import type { Level } from '../core/level.ts';
import type { Check, PlaceCheck, WalkCheck } from '../checks/port.ts';
import { finding } from '../checks/finding.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { PackageProvenance } from '../linux/provenance.ts';
import { makeRoot, type Planted } from '../../test/throwaway-root.ts';
import { saneTime } from '../linux/tree.ts';
import { htmlOf } from './html.ts';
import { exitCodeOf, later, type ScanReport } from './report.ts';
import { scan, type Progress } from './runner.ts';
import { sarifOf } from './sarif.ts';
import { storiesOf } from './stories.ts';

const common = { blind: { zh: '无', en: 'nothing' }, group: 'files', scope: 'tree', everyMinutes: 0 } as const;
const found = (check: string, path: string): ReturnType<typeof finding> => finding(check, path, { kind: 'notice', level: 'low', path, title: { zh: path, en: path }, evidence: [], refs: [] });

const place = (id: string, run: PlaceCheck['run'], beside?: true): PlaceCheck => ({ ...common, id, title: { zh: id, en: id }, run, ...(beside && { beside }) });
/** Tells each file, and with `end` whether it was asked of all. */
const everyFile: WalkCheck = {
  ...common, id: 'every', title: { zh: '全', en: 'every' },
  walk: () => ({
    wants: ({ stat }) => stat.kind === 'file',
    async *look({ path }) { yield found('every', path); },
    async *end(whole) { yield found('every', `whole ${whole}`); },
  }),
};

function run(checks: readonly Check[], planted: Planted, limitMs?: number, onProgress?: (progress: Progress) => void): Promise<ScanReport> {
  const { signal } = new AbortController();
  const tree = new DiskTree(makeRoot(planted), undefined);
  return scan(checks, { signal, tree, rules: () => [], now: Date.now, machine: undefined, signatures: () => '', ports: [], provenance: new PackageProvenance(tree, undefined, signal) }, onProgress ? { progress: onProgress } : {}, limitMs === undefined ? {} : { limitMs });
}

const many: Planted = Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`/srv/data/${i}`, 'x']));

describe('the time of a scan', () => {
  it('ends the walk when it is over, and says where it stood and what was left', async () => {
    const report = await run([everyFile], { ...many, '/etc/first': 'x', '/zoo/last': 'x' }, 0);
    const paths = report.findings.map(({ path }) => path);
    expect(paths).toContain('/etc/first');
    expect(paths).not.toContain('/zoo/last');
    expect(paths).toContain('whole false');
    expect(report.blind).toHaveLength(1);
    expect(report.blind[0]).toMatchObject({ check: 'walk' });
    expect(report.blind[0]!.what).toMatch(/^\/srv\/data\/\d+$/);
    expect(report.blind[0]!.why.en).toMatch(/\d+ files were looked at.*\/zoo/);
    expect(report.blind[0]!.why.zh).toMatch(/到了时限.*\/zoo/);
    expect(exitCodeOf(report, 'high')).toBe(2);
  });

  it('names the checks that were not done', async () => {
    const report = await run([place('late', async function* () { yield found('late', '/x'); })], {}, 0);
    expect(report.findings).toEqual([]);
    expect(report.blind.map(({ check }) => check)).toEqual(['late']);
  });

  it('is not asked for when there is none', async () => {
    const report = await run([everyFile], { ...many, '/zoo/last': 'x' });
    expect([report.blind, report.findings.some(({ path }) => path === '/zoo/last'), report.findings.some(({ path }) => path === 'whole true')]).toEqual([[], true, true]);
  });

  it('tells on the way where it is', async () => {
    const seen: (string | undefined)[] = [];
    await run([everyFile], many, undefined, ({ at }) => { seen.push(at); });
    expect(seen.some((at) => at?.startsWith('/srv/data/'))).toBe(true);
    expect(seen.at(-1)).toBeUndefined();
  });
});

describe('who floods the report', () => {
  const times = (n: number, level: Level, kind: FindingKind): PlaceCheck => place(`${kind}-${level}`, async function* () { for (let i = 0; i < n; i++) yield { ...found('flood', `/${kind}/${level}/${i}`), kind, level }; });

  it('crowds out nothing that weighs more', async () => {
    const report = await run([times(20_010, 'low', 'notice'), times(20_010, 'medium', 'intrusion'), times(1, 'critical', 'intrusion')], {});
    expect([report.verdict, report.counts['findings beyond the limit'], report.findings.length]).toEqual(['compromised', 20, 40_001]);
  });

  it('cannot keep it from being written by times of which no date can be made', async () => {
    const odd = [Number.NaN, Infinity, 8.64e15 + 1, -8.64e15 - 1];
    const report = await run([place('times', async function* () { for (const [i, time] of odd.entries()) yield { ...found('times', `/${i}`), time }; })], {});
    expect(report.findings.map(({ time }) => time)).toEqual(odd.map(() => undefined));
    const stories = storiesOf(report.findings);
    expect(htmlOf(report, stories, { lang: 'en', version: '1', clock: (ms) => new Date(ms).toISOString() })).toContain('/3');
    expect(JSON.stringify(sarifOf(report, stories, 'en', '1'))).toContain('file:///3');
  });

  it('cannot hide behind a time that cannot be, nor make a beginning of it', async () => {
    const odd = [0, Date.UTC(1970, 0, 2), Date.UTC(2099, 0)];
    const report = await run([place('times', async function* () { for (const [i, time] of odd.entries()) yield { ...found('times', `/${i}`), time }; yield { ...found('times', '/now'), time: Date.now() }; })], {});
    expect(report.findings.map(({ time }) => typeof time)).toEqual(['undefined', 'undefined', 'undefined', 'number']);
    expect(report.findings[2]!.evidence).toEqual([{ what: { zh: '记录的时间不可信', en: 'its time cannot be right' }, value: '2099-01-01T00:00:00.000Z' }]);
    expect(later(report, Date.now() - 60_000).findings).toHaveLength(4);
  });

  it('is told once what a check tells twice', async () => {
    const fact = { what: { zh: '行', en: 'line' }, value: 'x' };
    const report = await run([place('twice', async function* () { yield { ...found('twice', '/x'), evidence: [fact, { ...fact, value: 'y' }, fact], refs: ['attack:T1496', 'attack:T1496'] }; })], {});
    expect(report.findings).toMatchObject([{ evidence: [fact, { value: 'y' }], refs: ['attack:T1496'] }]);
  });

  it('makes minutes busy in which more than a thousand files came at once', async () => {
    const crowd: Planted = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`/srv/data/${i}`, 'x']));
    const began = Date.now();
    const report = await run([everyFile], crowd);
    expect(report.busy!.some(({ from, to }) => to >= began && from <= Date.now())).toBe(true);
    expect((await run([place('none', async function* () { yield* []; })], crowd)).busy).toBeUndefined();
  });

  it('cannot give a file a time that breaks whoever tells it', async () => {
    const root = makeRoot({ '/x': 'x' });
    const tree = new DiskTree(root, undefined);
    expect([saneTime(9e18), saneTime(-9e18), saneTime(5)]).toEqual([8.64e15, -8.64e15, 5]);
    const { modified, changed, born = 0 } = tree.stat('/x')!;
    for (const time of [modified, changed, born]) expect(new Date(time).toISOString()).toMatch(/^20/);
  });
});

describe('checks that mostly wait', () => {
  it('go on beside the others, keep their name for what they could not look at, and are waited for', async () => {
    const order: string[] = [];
    let go = (): void => undefined;
    const gone = new Promise<void>((resolve) => { go = resolve; });
    const report = await run([
      place('others', async function* () { order.push('others'); go(); yield found('others', '/o'); }),
      place('waits', async function* () {
        order.push('waits begins');
        await gone;
        order.push('waits ends');
        yield found('waits', '/w');
      }, true),
      place('fails', async function* () { await gone; yield* []; throw new Error('a fault'); }, true),
    ], { '/etc/hosts': 'x' });
    expect(order).toEqual(['waits begins', 'others', 'waits ends']);
    expect(report.findings.map(({ check }) => check).sort()).toEqual(['others', 'waits']);
    expect(report.blind.map(({ check, why }) => `${check}: ${why.en}`)).toEqual(['fails: unexpected: a fault']);
  });
});
