import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Detection } from '../core/alert.ts';
import { Event } from '../core/gen/event.ts';
import type { Level } from '../core/level.ts';
import { Health } from '../engine/health.ts';
import { OriginGraph } from '../engine/origin/graph.ts';
import { Pipeline } from '../engine/pipeline.ts';
import { verifyAudit } from '../engine/response/audit.ts';
import { Journal } from '../engine/response/journal.ts';
import { openSqliteStore, type SqliteStore } from '../stores/sqlite/store.ts';
import { parseConfig } from './config.ts';
import { Incidents, type WholeIncident } from './incidents.ts';

const start = Date.UTC(2026, 10, 22, 2);
const minute = 60_000, hour = 60 * minute, day = 24 * hour;
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };

let dir: string, now: number, store: SqliteStore, incidents: Incidents, pipeline: Pipeline, health: Health, told: string[];

function open(yaml = 'incidents: { importance: core }'): void {
  const config = parseConfig(yaml, 'moat.yml');
  store = openSqliteStore({ dir, now: () => now });
  health = new Health(() => now);
  const journal = new Journal(store.response);
  incidents = new Incidents(config, { store, journal, graph: new OriginGraph(), health, log, now: () => now, closed: (alerts) => pipeline.closed(alerts) });
  incidents.connect({ tellIncident: (_, key, what) => { told.push(`${key}: ${what.en}`); } });
  pipeline = new Pipeline({
    store, health, log, now: () => now, detect: { observe: () => undefined, warm: () => undefined, advance: () => undefined, saved: () => new Map() }, fold: { host: 'web1', lang: 'en', gap: day }, exceptions: () => [],
    quiet: (detection) => incidents.excuse(detection), country: () => undefined, show: (folded) => incidents.onAlerts(folded.map(({ alert }) => alert)),
  });
  incidents.start();
}
const shut = (): void => { incidents.stop(); store.close(); };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'moat-agent-incidents-'));
  now = start;
  told = [];
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
  open();
});
afterEach(() => { shut(); vi.useRealTimers(); rmSync(dir, { recursive: true }); });

let serial = 0;
function raise(rule: string, tree: number, attack: readonly string[], level: Level = 'high'): void {
  const event = Object.assign(new Event(`e${++serial}`, now, 'process_creation'), { pid: tree, process_started: start, process_path: `/opt/app${tree}`, uid: 0 });
  const detection: Detection = { ruleId: rule, title: { zh: rule, en: rule }, level, attack, key: `k${tree}`, time: now, events: [event], count: 1 };
  pipeline.raise(detection);
  pipeline.commit();
}
/** Until all that was stored is taken in. */
/** Alerts are gathered for a moment before they are taken in. */
const settled = async (): Promise<void> => { for (let i = 0; i < 6; i++) { vi.advanceTimersByTime(200); for (let turns = 0; turns < 20; turns++) await turn(); } };
const listed = (all = true): string[] => store.incidents.incidents(all ? {} : { status: ['new', 'triaged'] }).map(({ status, alert_count }) => `${status} ${alert_count}`);
const ask = (op: string, argument: unknown): WholeIncident => incidents.handlers()[op]!(argument) as WholeIncident;
const change = (id: string, deed: object, more: object = {}): WholeIncident => ask('incident-change', { id, by: 'operator:li', why: 'because', deed, ...more });
const only = (): WholeIncident => ask('incident', store.incidents.incidents({})[0]!.id);

describe('incidents of the agent', () => {
  it('form as alerts are stored, are told by grade, and start the statutory clock', async () => {
    raise('a', 7, ['T1543.002']);
    raise('b', 7, ['T1071'], 'critical');
    await settled();
    expect(listed()).toEqual(['new 2']);
    expect(only()).toMatchObject({ level: 'critical', grade: 1, keys: [`process:7:${start}`], alerts: [expect.any(String), expect.any(String)] });
    expect(incidents.status()).toMatchObject({ open: { critical: 1, high: 0 }, clocks: [{ due: start + 4 * hour }] });
    expect(told.some((line) => line.startsWith('grade 1: ') && line.includes('core business is hit'))).toBe(true);
    const clock = (): string[] => told.filter((line) => line.startsWith('clock')).map((line) => line.split(':', 1)[0]!);
    expect(clock()).toEqual(['clock began']);
    for (const at of [hour, 2 * hour, 2.5 * hour, 3.1 * hour, 4 * hour, 5 * hour]) { now = start + at; vi.advanceTimersByTime(5000); }
    expect(clock()).toEqual(['clock began', 'clock half', 'clock soon', 'clock over']);
    change(only().id, { op: 'clock', how: 'reported' });
    expect(incidents.status().clocks).toEqual([]);
    expect(verifyAudit(store.response.audit(1)).faults).toEqual([]);
  });

  it('are changed by people, each change in the audit log, and stale ones refused', async () => {
    raise('a', 7, ['T1496.001']);
    await settled();
    const { id, revision } = only();
    expect(change(id.slice(0, 5), { op: 'note', text: 'seen' }, { revision })).toMatchObject({ revision: revision + 1, notes: [{ text: 'seen' }] });
    expect(() => change(id, { op: 'status', to: 'triaged' }, { revision })).toThrow('nothing was done');
    expect(() => change(id, { op: 'status', to: 'new' })).toThrow('expected a change of an incident');
    expect([...store.response.audit(1)].map(({ by, operation, target, why }) => [by, operation, target, why])).toEqual([
      ['engine', 'incident-formed', id, expect.stringContaining('grade 3')], ['operator:li', 'incident-note', id, 'because'],
    ]);
  });

  it('once closed take their alerts with them; what comes again is another, which names the one before', async () => {
    raise('a', 7, ['T1496.001']);
    await settled();
    const { id } = only();
    change(id, { op: 'status', to: 'closed' });
    expect(store.ledger.alerts({ status: 'open' })).toEqual([]);
    now += hour;
    raise('a', 7, ['T1496.001']);
    await settled();
    expect(listed().sort()).toEqual(['closed 1', 'new 1']);
    expect(store.incidents.incidents({ status: ['new'] })[0]?.links).toMatchObject([{ target: id, title: 'earlier' }]);
  });

  it('that were contained and go on are open again', async () => {
    raise('a', 7, ['T1496.001']);
    await settled();
    change(only().id, { op: 'status', to: 'contained' });
    now += minute;
    raise('b', 7, ['T1071']);
    await settled();
    expect(listed()).toEqual(['triaged 2']);
    expect(told.some((line) => line.startsWith('returned'))).toBe(true);
  });

  it('marked a false alarm stay quiet until their time is over, and come back', async () => {
    raise('a', 7, ['T1496.001']);
    await settled();
    change(only().id, { op: 'false-alarm', forMs: 0 });
    for (const days of [1, 10, 29]) { now = start + days * day; raise('a', 7, ['T1496.001']); }
    await settled();
    expect(store.ledger.alerts({ status: 'open' })).toEqual([]);
    expect(Object.entries(health.report().counters).filter(([what]) => what.startsWith('exceptions'))).toEqual([[`exceptions: false alarm ${only().id}`, 3]]);
    raise('a', 8, ['T1496.001']);
    // It holds over a restart.
    shut();
    open();
    raise('a', 7, ['T1496.001']);
    await settled();
    expect(listed(false)).toEqual(['new 1']);
    now = start + 31 * day;
    raise('a', 7, ['T1496.001']);
    await settled();
    expect(listed(false)).toEqual(['new 1', 'new 1']);
  });

  it('are merged by people, and what is merged is found by either id', async () => {
    raise('a', 7, ['T1496.001']);
    raise('b', 8, ['T1071']);
    await settled();
    const [one, two] = store.incidents.incidents({});
    const merged = ask('incident-merge', { id: one!.id, other: two!.id, by: 'operator:li', why: 'same key' });
    expect(merged.alert_count).toBe(2);
    expect(ask('incident', one!.id).id).toBe(ask('incident', two!.id).id);
    expect(() => ask('incident-merge', { id: one!.id, other: two!.id, by: 'operator:li' })).toThrow('is one already');
    expect(listed()).toEqual(['new 2']);
  });

  it('take in all of a flood, more than may wait, and look through what is stored once', async () => {
    const alerts = 5000;
    const looked = vi.spyOn(store.incidents, 'unformed');
    for (let n = 0; n < alerts; n++) {
      const event = Object.assign(new Event(`f${n}`, now + n, 'access'), { source_ip: `20.${n >> 8}.7.${n & 255}` });
      pipeline.raise({ ruleId: 'probe', title: { zh: '试探', en: 'probing' }, level: 'medium', attack: ['T1595'], key: '', time: event.time, events: [event], count: 1 });
    }
    pipeline.commit();
    // As many as may wait, of all that there are.
    expect((incidents as unknown as { waiting: ReadonlyMap<string, unknown> }).waiting.size).toBe(2000);
    const taken = (): number => store.incidents.incidents({ limit: 10_000 }).reduce((sum, { alert_count }) => sum + alert_count, 0);
    // Between two pieces it gives way for some turns.
    for (let i = 0; i < 200 && taken() < alerts; i++) { vi.advanceTimersByTime(200); for (let turns = 0; turns < 20; turns++) await turn(); }
    expect(taken()).toBe(alerts);
    await settled();
    // Fifty a time of those that could not wait, with the first look at the start: not the whole table for each fifty.
    expect(looked.mock.calls.length).toBeLessThanOrEqual((alerts - 2000) / 50 + 10);
  });

  it('take in after a start what was stored and not looked at', async () => {
    incidents.stop();
    raise('a', 7, ['T1496.001']);
    store.close();
    open();
    await settled();
    expect(listed()).toEqual(['new 1']);
  });

  it('of guessing end by themselves when it has stopped', async () => {
    const guess = Object.assign(new Event('g', now, 'sshd'), { source_ip: '203.0.113.4', service: 'sshd' });
    pipeline.raise({ ruleId: 'ssh_brute_force', title: { zh: '', en: '' }, level: 'medium', attack: ['T1110.001'], key: 'x', time: now, events: [guess], count: 5 });
    pipeline.commit();
    await settled();
    expect(listed()).toEqual(['new 1']);
    now += 49 * hour;
    vi.advanceTimersByTime(5000);
    expect(listed()).toEqual(['closed 1']);
  });
});
