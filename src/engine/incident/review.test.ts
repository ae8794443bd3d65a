import { describe, expect, it } from 'vitest';
import { auditFor, began, findingFor, intrusion, large, recordOf, reviewFor, utc } from '../../../test/review-scenes.ts';
import type { IncidentRecord } from '../../core/incident-store.ts';
import { changed } from './lifecycle.ts';
import { digestOf } from './digest.ts';
import { measuresOf, reopenedIn, turnsOf } from './measures.ts';
import { spansOf, statsOf } from './stats.ts';

const minute = 60_000;
const story = digestOf(intrusion(), began + 30 * minute);
const measured = (status: IncidentRecord['status'], ...entries: [operation: string, result: string, at: number][]) => measuresOf(recordOf({ status }), story, turnsOf(entries.map((one) => auditFor(...one))));

describe('how long it took', () => {
  it('is taken from the first act, from detection, and from what the audit log tells', () => {
    expect(measured('recovered', ['incident-status', 'triaged → contained', 13], ['incident-status', 'contained → recovered', 63])).toEqual({
      detect: { from: began, to: began + 3 * minute, ms: 3 * minute }, contain: { from: began + 3 * minute, to: began + 13 * minute, ms: 10 * minute }, recover: { from: began + 3 * minute, to: began + 63 * minute, ms: 60 * minute },
    });
    // Closing at once is both.
    expect(measured('closed', ['incident-status', 'new → closed', 20])).toMatchObject({ contain: { ms: 17 * minute }, recover: { ms: 17 * minute } });
  });

  it('of one that came back counts the last time only, and is not known while it is open', () => {
    const back: [string, string, number][] = [['incident-status', 'triaged → recovered', 13], ['incident-returned', 'critical, grade 1, triaged: x', 30]];
    expect(measured('triaged', ...back)).toMatchObject({ contain: { why: { en: 'it has not been marked contained' } } });
    expect(measured('triaged', ...back).contain.ms).toBeUndefined();
    expect(measured('contained', ...back, ['incident-status', 'triaged → contained', 40])).toMatchObject({ contain: { ms: 37 * minute } });
    expect(reopenedIn(turnsOf(back.map((one) => auditFor(...one))))).toBe(1);
  });

  it('is not known where a moment is not', () => {
    expect(measuresOf(recordOf(), undefined, []).detect).toMatchObject({ why: { en: 'when the intruder began is not known' } });
    expect(measured('recovered').contain).toMatchObject({ why: { en: 'the audit log does not tell that moment' } });
    const late = digestOf({ ...intrusion(), entry: undefined, began: began + 10 * minute }, began);
    expect(measuresOf(recordOf(), late, []).detect.ms).toBeUndefined();
    // A notice in somebody's words is no change of status.
    expect(turnsOf([auditFor('incident-note', 'note: new → closed', 1)])).toEqual([]);
  });
});

describe('the digest of a story', () => {
  it('folds what is alike and keeps the whole numbers', () => {
    const { path, happened, scope, indicators, nodes } = digestOf(large(20_000), began);
    expect(nodes).toBe(20_000);
    expect(path.items.length).toBeLessThanOrEqual(26);
    expect(path.items[0]).toMatchObject({ carrier: true, depth: 0 });
    expect(happened.items.length).toBeLessThan(20);
    expect(scope.file.total).toBeGreaterThan(9_000);
    expect(scope.file.items).toHaveLength(50);
    expect(indicators.items.length).toBeLessThanOrEqual(500);
    expect(indicators.total).toBeGreaterThan(450);
  });

  it('tells steps with their effects, and which indicators are doubtful', () => {
    expect(story.path.items.map(({ label, depth, alarmed, carrier }) => `${depth} ${label.slice(0, 12)}${alarmed ? ' !' : ''}${carrier ? ' way' : ''}`)).toEqual(['0 php-fpm: poo way', '1 sh -c curl h !', '2 curl http://', '2 /var/tmp/.x !']);
    expect(story.path.items[3]!.effects.items.map(({ deed }) => deed)).toEqual(['planted', 'read', 'spoke', 'ran']);
    expect(story.scope.neighbour.items).toMatchObject([{ label: '10.0.0.5' }]);
    expect(story.indicators.items.map(({ value, doubt }) => `${value}${doubt ? ' ?' : ''}`)).toEqual(['203.0.113.9', '198.51.100.7', 'drop.example', 'a'.repeat(64), 'deb.example ?']);
  });

  it('is the same whatever the order of a chain of thousands, and of a circle', () => {
    const chain = large(3000);
    expect(digestOf({ ...chain, nodes: chain.nodes.toReversed() }, began).path.total).toBe(digestOf(chain, began).path.total);
    const ring = { ...intrusion(), edges: [...intrusion().edges, { from: 'process:903:4', to: 'process:900:1', deed: 'started' as const, first: began, last: began, count: 1 }] };
    expect(digestOf(ring, began).path.items).toHaveLength(4);
  });
});

describe('a review', () => {
  it('cites what each cause is known from', () => {
    const { causes } = reviewFor();
    expect(causes.map(({ bone, cites }) => `${bone} ${cites[0]!.what} ${cites[0]!.id}`)).toEqual(['technology entry process:900:1', 'technology alert al1', 'configuration finding f1', 'process finding f1', 'monitoring gap 1']);
    const guessed = reviewFor({ story: digestOf(large(50), began), alerts: [{ ...reviewFor().alerts.items[0]!, attack: ['T1110.001'] } as never] }).causes;
    expect(guessed[0]).toMatchObject({ bone: 'people', likely: true, cites: [{ what: 'alert', id: 'al1' }] });
    expect(reviewFor({ findings: [findingFor('w', { check: 'weak-passwords' })] }).causes.some(({ bone }) => bone === 'people')).toBe(true);
  });

  it('fills in the statutory form as far as it is known, and leaves the rest open', () => {
    const { form } = reviewFor({ place: { organisation: 'Example Ltd' } });
    expect(form.due).toBe(began + 243 * minute);
    const by = new Map(form.fields.map((one) => [one.name.zh, one]));
    expect(by.get('事发单位')?.value?.en).toBe('Example Ltd');
    expect(by.get('地点')?.value).toBeUndefined();
    expect(by.get('发现时间')?.value?.zh).toBe(utc(began + 3 * minute));
    expect(by.get('事件类型（GB/T 20986-2023）')).toMatchObject({ guess: true });
  });

  it('estimates only what has a price and a quantity', () => {
    const prices = { currency: 'CNY', interruption_hour: 100, leak_gb: 5 };
    expect(reviewFor().cost).toBeUndefined();
    expect(reviewFor({ place: { prices } }).cost).toMatchObject({ total: 0, lines: [{ quantity: 0, amount: 0 }, { price: 5 }] });
    expect(reviewFor({ place: { prices }, told: { interruptionMs: 90 * minute, leakGb: 2 } }).cost).toMatchObject({ total: 160 });
  });
});

describe('improvements', () => {
  const asking = { by: 'operator:li', why: '', now: began };
  it('are kept with the incident, also when it is closed', () => {
    const one = changed(recordOf({ status: 'closed' }), { op: 'improve', title: ' keys only ', to: 'li', due: began + 9e8 }, asking);
    expect(one.record).toMatchObject({ revision: 4, status: 'closed', improvements: [{ id: 1, title: 'keys only', owner: 'li', due: began + 9e8 }] });
    const done = changed(one.record, { op: 'improve-done', improvement: 1, open: false, note: 'rolled out' }, asking);
    expect(done.record.improvements).toMatchObject([{ done: { by: 'operator:li', note: 'rolled out' } }]);
    expect(changed(done.record, { op: 'improve-done', improvement: 1, open: true, note: undefined }, asking).record.improvements![0]!.done).toBeUndefined();
    expect(() => changed(one.record, { op: 'improve-done', improvement: 7, open: false, note: undefined }, asking)).toThrow(/expected one of improvements 1/);
    expect(() => changed(recordOf(), { op: 'improve', title: '', to: undefined, due: undefined }, asking)).toThrow(/1 to 500/);
    expect(() => changed(recordOf(), { op: 'improve', title: 'x', to: undefined, due: Number.NaN }, asking)).toThrow(/expected a day/);
  });
});

describe('figures over all incidents', () => {
  it('have medians, the ninth of ten, and shares', () => {
    expect(spansOf([])).toEqual({ count: 0 });
    expect(spansOf([3, 1, 2])).toEqual({ count: 3, median: 2, p90: 3 });
    expect(spansOf([4, 1, 2, 3])).toMatchObject({ median: 2.5 });
    const records = [
      recordOf({ id: 'a1', status: 'closed', improvements: [{ id: 1, title: 'x', due: 1, created: 0, by: 'li' }, { id: 2, title: 'y', created: 0, by: 'li', done: { time: 1, by: 'li' } }] }),
      recordOf({ id: 'a2', status: 'false-alarm' }), recordOf({ id: 'a3', created: began - 40 * 86_400_000 }), recordOf({ id: 'a4', kind: 'campaign', level: 'medium', grade: 3 }),
    ];
    const input = { records, audit: new Map([['a1', [auditFor('incident-status', 'new → closed', 33)]]]), story: (id: string) => (id === 'a1' ? story : undefined), restored: (id: string) => (id === 'a1' ? { done: 9, total: 10 } : undefined), now: began, month: (ms: number) => utc(ms).slice(0, 7) };
    const all = statsOf({ ...input, since: undefined });
    expect(all).toMatchObject({
      incidents: 4, open: 2, by_level: { critical: 3, medium: 1 }, by_grade: { 1: 3, 3: 1 }, by_month: [{ month: '2026-10', count: 1 }, { month: '2026-11', count: 3 }], detect: { count: 1, median: 3 * minute }, contain: { count: 1, median: 30 * minute }, recover: { count: 1 },
      false_alarms: 1, false_alarm_share: 0.5, restored: { share: 0.9 }, entries: [{ name: 'unknown', count: 1 }, { name: 'web nginx', count: 1 }], improvements: { open: 1, overdue: 1, done: 1 },
    });
    expect(statsOf({ ...input, since: began - 86_400_000 }).incidents).toBe(3);
    expect(statsOf({ ...input, records: [], since: undefined })).toMatchObject({ incidents: 0, detect: { count: 0 }, entries: [] });
    expect(statsOf({ ...input, records: [], since: undefined }).false_alarm_share).toBeUndefined();
  });
});
