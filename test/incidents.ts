/** Incidents for tests: a store of its own, alerts made of events as the engine folds them, and which alerts are together. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Alert } from '../src/core/alert.ts';
import type { Event } from '../src/core/gen/event.ts';
import type { AlertPlace } from '../src/core/incident-store.ts';
import type { Level } from '../src/core/level.ts';
import { noKnowledge } from '../src/core/lineage.ts';
import { AlertFolder } from '../src/engine/fold.ts';
import { Forming, type FormingOptions } from '../src/engine/incident/forming.ts';
import { Journal } from '../src/engine/response/journal.ts';
import { openSqliteStore, type SqliteStore } from '../src/stores/sqlite/store.ts';

export const start = Date.UTC(2026, 10, 22, 2);
export const minute = 60_000, hour = 60 * minute, day = 24 * hour;
/** What many people come from, here. */
export const sharedAddress = '198.51.100.200';

/** Hundreds of stores are made: where there is memory for files, no disk has to sync. */
const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const open: { store: SqliteStore; dir: string }[] = [];

export function closeIncidents(): void {
  for (const { store, dir } of open.splice(0)) { store.close(); rmSync(dir, { recursive: true }); }
}

/** Takes in all that is stored, as the agent does after a start. */
export function sweep({ forming }: Pick<Bench, 'forming'>): number {
  let taken = 0;
  for (let after: AlertPlace | undefined; ;) {
    const { alerts, next } = forming.unformed(after);
    forming.take(alerts);
    taken += alerts.length;
    if (next === undefined) return taken;
    after = next;
  }
}

export interface Bench { store: SqliteStore; dir: string; journal: Journal; forming: Forming; take: (alerts: readonly Alert[]) => ReturnType<Forming['take']> }

export function openIncidents(change: Partial<FormingOptions> = {}, reopen?: string): Bench {
  const dir = reopen ?? mkdtempSync(join(folder, 'moat-incidents-'));
  const store = openSqliteStore({ dir });
  open.push({ store, dir });
  const journal = new Journal(store.response);
  const forming = new Forming({
    store: store.incidents, alert: (id) => store.ledger.alert(id), finding: () => undefined, lineage: noKnowledge.lineage, now: () => start + 20 * day, count: () => undefined,
    settings: { floor: 'medium', idleMs: 7 * day, isShared: (ip) => ip === sharedAddress, reportMs: 4 * hour }, worth: () => ({ importance: 'part', why: { zh: '有网站', en: 'a web site' } }),
    write: (incidents, audit) => journal.now({ incidents, audit }), ...change,
  });
  return { store, dir, journal, forming, take: (alerts) => { store.commit({ events: [], alerts, positions: [] }); return forming.take(alerts); } };
}

/** Closes a store that was opened here, to be opened again in its folder. */
export function shut(bench: Bench): string {
  open.splice(open.findIndex(({ store }) => store === bench.store), 1);
  bench.store.close();
  return bench.dir;
}

/** The alerts that are together, as `a b | c`, whatever their incidents are called; only what is shown. */
export function together(store: SqliteStore): string {
  return store.incidents.incidents({ limit: 1000 }).map(({ id }) => store.incidents.members(id, 'alert', 100_000).map((one) => one.id).sort().join(' ')).sort().join(' | ');
}

/** An alert of this event (or window of events), as the pipeline makes it. */
export function alertOf(id: string, events: Event | readonly Event[], { level = 'high', attack, rule = id, key = id }: { level?: Level; attack: readonly string[]; rule?: string; key?: string }): Alert {
  const all = Array.isArray(events) ? (events as readonly Event[]) : [events as Event];
  const fold = new AlertFolder({ host: 'web1', lang: 'en', gap: day });
  fold.add({ ruleId: rule, title: { zh: rule, en: rule }, level, attack, key, time: all.at(-1)?.time ?? 0, events: all, count: all.length });
  const [folded] = fold.drain();
  if (!folded) throw new Error('expected an alert');
  return { ...folded.alert, id };
}
