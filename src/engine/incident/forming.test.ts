import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import type { Alert } from '../../core/alert.ts';
import { noKnowledge } from '../../core/lineage.ts';
import { openSqliteStore, type SqliteStore } from '../../stores/sqlite/store.ts';
import { sampleAlert } from '../../stores/contract.ts';
import { Journal } from '../response/journal.ts';
import { Forming, type FormingOptions } from './forming.ts';

const start = Date.UTC(2026, 10, 22, 2);
const minute = 60_000, hour = 60 * minute, day = 24 * hour;
/** Hundreds of stores are made: where there is memory for files, no disk has to sync. */
const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const open: { store: SqliteStore; dir: string }[] = [];
const closeAll = (): void => { for (const { store, dir } of open.splice(0)) { store.close(); rmSync(dir, { recursive: true }); } };
afterEach(closeAll);

function machine(change: Partial<FormingOptions> = {}) {
  const dir = mkdtempSync(join(folder, 'moat-forming-'));
  const store = openSqliteStore({ dir });
  open.push({ store, dir });
  const journal = new Journal(store.response);
  const forming = new Forming({
    store: store.incidents, alert: (id) => store.ledger.alert(id), finding: () => undefined, lineage: noKnowledge.lineage, now: () => start + 30 * day, count: () => undefined,
    settings: { floor: 'medium', idleMs: 7 * day, isShared: (ip) => ip === '198.51.100.200', reportMs: 4 * hour }, worth: () => ({ importance: 'part', why: { zh: '有网站', en: 'a web site' } }),
    write: (incidents, audit) => journal.now({ incidents, audit }), ...change,
  });
  return { store, forming, take: (alerts: readonly Alert[]) => { store.commit({ events: [], alerts, positions: [] }); return forming.take(alerts); } };
}

/** Which alerts are together, whatever the incidents are called. */
function groups(store: SqliteStore): string[] {
  return store.incidents.incidents({ limit: 1000 }).map(({ id }) => store.incidents.members(id, 'alert', 10_000).map((one) => one.id).sort().join(' ')).sort();
}

let n = 0;
const guess = (ip: string, time: number, id = `guess-${++n}`): Alert => sampleAlert(id, { time, last_time: time + minute, source_ip: ip, key: ip, user: 'root', evidence: [{ id: `e${id}`, time, kind: 'sshd', source_ip: ip, user: 'root' }] });
const logon = (ip: string, time: number, id = `logon-${++n}`): Alert => sampleAlert(id, { time, last_time: time, level: 'high', rule_id: 'login_after_brute_force', attack: ['T1110.001', 'T1078'], source_ip: ip, key: ip, user: 'root', evidence: [{ id: `e${id}`, time, kind: 'sshd', source_ip: ip, user: 'root' }] });

it('a day of brute force is one incident', () => {
  const { store, take } = machine();
  take([guess('203.0.113.1', start), guess('203.0.113.2', start + hour)]);
  take([guess('203.0.113.3', start + 20 * hour)]);
  const all = store.incidents.incidents({});
  expect(all).toHaveLength(1);
  expect(all[0]).toMatchObject({ kind: 'campaign', alert_count: 3, level: 'medium', grade: 3 });
});

it('who gets in takes the guesses of that address along', () => {
  const { store, take } = machine();
  take([guess('203.0.113.1', start, 'a'), guess('203.0.113.2', start + hour, 'b')]);
  take([logon('203.0.113.2', start + 2 * hour, 'c')]);
  take([guess('203.0.113.2', start + 3 * hour, 'd')]);
  expect(groups(store)).toEqual(['a', 'b c d']);
});

it('the order in which alerts come changes nothing', () => {
  const address = fc.constantFrom('203.0.113.1', '203.0.113.2', '203.0.113.3', '198.51.100.200', '10.0.0.9');
  const spec = fc.record({ ip: address, kind: fc.constantFrom('guess', 'logon', 'process', 'low'), at: fc.integer({ min: 0, max: 40 }), tree: fc.integer({ min: 1, max: 4 }) });
  fc.assert(fc.property(fc.array(spec, { minLength: 1, maxLength: 14 }), fc.infiniteStream(fc.nat(1000)), (specs, dice) => {
    const alerts = specs.map(({ ip, kind, at, tree }, i): Alert => {
      const time = start + at * 9 * hour;
      switch (kind) {
        case 'guess': return guess(ip, time, `g${i}`);
        case 'logon': return logon(ip, time, `l${i}`);
        case 'low': return sampleAlert(`w${i}`, { time, last_time: time, level: 'low', attack: ['T1078'], source_ip: ip, evidence: [{ id: `ew${i}`, time, kind: 'sshd', source_ip: ip }] });
        default: return sampleAlert(`p${i}`, { time, last_time: time, level: 'high', attack: ['T1059.004'], evidence: [{ id: `ep${i}`, time, kind: 'process_creation', pid: tree, process_started: start, origin_ip: ip }] });
      }
    });
    const shuffled = alerts.map((alert) => ({ alert, by: dice.next().value as number })).sort((a, b) => a.by - b.by).map(({ alert }) => alert);
    const one = machine(), other = machine();
    one.take(alerts);
    for (let i = 0; i < shuffled.length; i += 3) other.take(shuffled.slice(i, i + 3));
    const was = groups(one.store);
    expect(groups(other.store)).toEqual(was);
    // Nothing is counted twice, and looking again changes nothing.
    const members = was.flatMap((group) => group.split(' '));
    expect(new Set(members).size).toBe(members.length);
    other.take(alerts);
    expect(groups(other.store)).toEqual(was);
    closeAll();
  }), { numRuns: Number(process.env['RUNS'] ?? 25) });
});
