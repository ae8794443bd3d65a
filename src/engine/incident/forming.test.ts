import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { alertOf, closeIncidents, day, hour, minute, openIncidents, sharedAddress, shut, start, sweep, together } from '../../../test/incidents.ts';
import type { Alert } from '../../core/alert.ts';
import type { Finding } from '../../core/finding.ts';
import { Event, type Kind } from '../../core/gen/event.ts';
import { verifyAudit } from '../response/audit.ts';
import { changed } from './lifecycle.ts';
import { Work } from './work.ts';

afterEach(closeIncidents);

const said = (kind: Kind, time: number, fields: Partial<Event>): Event => Object.assign(new Event(`${kind} ${time} ${JSON.stringify(fields)}`, time, kind), { host: 'web1', ...fields });
/** Guesses at ssh from an address. */
const guess = (id: string, ip: string, time: number): Alert => alertOf(id, said('sshd', time, { source_ip: ip, user: 'root', service: 'sshd' }), { level: 'medium', attack: ['T1110.001'], rule: 'ssh_brute_force' });
const logon = (id: string, ip: string, time: number): Alert => alertOf(id, said('sshd', time, { source_ip: ip, user: 'root', service: 'sshd' }), { level: 'critical', attack: ['T1110.001', 'T1078'], rule: 'login_after_brute_force' });
/** What a process did, in a tree of that number that somebody began from that address. */
const deed = (id: string, tree: number, time: number, ip?: string): Alert => alertOf(id, said('process_creation', time, { pid: tree, process_started: start, process_path: '/usr/bin/curl', origin_ip: ip }), { attack: ['T1059.004'] });
const mild = (id: string, ip: string, time: number): Alert => alertOf(id, said('sshd', time, { source_ip: ip, service: 'sshd' }), { level: 'low', attack: ['T1078'] });

describe('attempts', () => {
  it('of a day are one incident for each kind of service, however many they are', () => {
    const { store, take } = openIncidents();
    take([guess('a', '203.0.113.1', start), guess('b', '203.0.113.2', start + hour)]);
    take([guess('c', '203.0.113.3', start + 20 * hour)]);
    take([alertOf('w', said('nginx', start, { source_ip: '203.0.113.1', url: '/?id=1' }), { level: 'medium', attack: ['T1190'] })]);
    expect(together(store)).toBe('a b c | w');
    expect(store.incidents.incidents({}).find(({ about }) => about === 'guessing ssh')).toMatchObject({ kind: 'campaign', alert_count: 3, level: 'medium', grade: 3, status: 'new' });
  });

  it('of another week are another incident', () => {
    const { store, take } = openIncidents();
    take([guess('a', '203.0.113.1', start), guess('b', '203.0.113.2', start + 10 * day)]);
    expect(together(store)).toBe('a | b');
  });

  it('of 5,000 addresses are one incident, and hold no memory', () => {
    const { store, forming, take } = openIncidents();
    const alerts = Array.from({ length: 5000 }, (_, i) => guess(`g${i}`, `203.0.${i >> 8}.${i & 255}`, start + i * 15_000));
    for (let i = 0; i < alerts.length; i += 500) take(alerts.slice(i, i + 500));
    const all = store.incidents.incidents({});
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({ alert_count: 5000, level: 'medium' });
    expect(store.incidents.members(all[0]!.id, 'alert', 10_000)).toHaveLength(5000);
    // All that is known stands in the store; what stays here are settings.
    expect(JSON.stringify(all[0]).length).toBeLessThan(10_000);
    expect(Object.values(forming).filter((one) => one instanceof Map).every((map: Map<unknown, unknown>) => map.size === 0)).toBe(true);
    take([logon('in', '203.0.7.9', start + 21 * hour)]);
    expect(store.incidents.incidents({}).map(({ kind, alert_count }) => `${kind} ${alert_count}`).sort()).toEqual(['campaign 4999', 'story 2']);
  });

  it('go into the story of who gets in, those before and those after', () => {
    const { store, take } = openIncidents();
    take([guess('a', '203.0.113.1', start), guess('b', '203.0.113.2', start + hour)]);
    take([logon('c', '203.0.113.2', start + 2 * hour)]);
    take([guess('d', '203.0.113.2', start + 3 * hour)]);
    expect(together(store)).toBe('a | b c d');
    expect(store.incidents.incidents({}).find(({ kind }) => kind === 'story')).toMatchObject({ alert_count: 3, level: 'critical' });
  });

  it('too mild by themselves make none, and join what is worse', () => {
    const { store, take } = openIncidents();
    take([mild('a', '203.0.113.1', start)]);
    expect(together(store)).toBe('');
    take([logon('b', '203.0.113.1', start + hour)]);
    expect(together(store)).toBe('a b');
  });
});

describe('stories', () => {
  it('of two attackers stay two', () => {
    const { store, take } = openIncidents();
    take([logon('a', '203.0.113.1', start), deed('b', 11, start + minute, '203.0.113.1'), logon('c', '203.0.113.2', start + minute), deed('d', 22, start + 2 * minute, '203.0.113.2')]);
    expect(together(store)).toBe('a b | c d');
  });

  it('behind one shared address stay apart', () => {
    const { store, take } = openIncidents();
    for (const ip of [sharedAddress, '10.0.0.9', '100.64.3.1']) {
      take([logon(`a${ip}`, ip, start), deed(`b${ip}`, 11, start + minute, ip)]);
    }
    // The tree is one; the log-ons say nothing of whose they are.
    expect(together(store)).toBe(`a10.0.0.9 | a100.64.3.1 | a${sharedAddress} | b10.0.0.9 b100.64.3.1 b${sharedAddress}`);
  });

  it('take in what comes late, after days, and after a week without news do not', () => {
    const { store, take } = openIncidents();
    take([deed('a', 11, start)]);
    take([deed('b', 11, start + 5 * day)]);
    take([deed('c', 11, start + 13 * day)]);
    expect(together(store)).toBe('a b | c');
  });

  it('that prove to be one merge into the older, and nothing is counted twice', () => {
    const { store, take } = openIncidents();
    take([deed('a', 11, start)]);
    const [older] = store.incidents.incidents({});
    take([logon('b', '203.0.113.1', start + hour)]);
    take([deed('c', 11, start + 2 * hour, '203.0.113.1')]);
    const all = store.incidents.incidents({});
    expect(all.map(({ id, alert_count, revision }) => ({ id, alert_count, raised: revision > 1 }))).toEqual([{ id: older!.id, alert_count: 3, raised: true }]);
    expect(together(store)).toBe('a b c');
    expect(verifyAudit(store.response.audit(1)).faults).toEqual([]);
    expect([...store.response.audit(1)].map(({ operation }) => operation)).toContain('incident-merged');
  });

  it('in hands of a person who merges them', () => {
    const { store, forming, take } = openIncidents();
    take([deed('a', 11, start), deed('b', 22, start)]);
    const [one, two] = store.incidents.incidents({});
    const work = new Work(store.incidents);
    forming.merge(work, one!.id, two!.id);
    forming.finish(work, []);
    take([deed('c', 22, start + hour)]);
    expect(together(store)).toBe('a b c');
  });

  it('are not made by weaknesses, nor by a disk that fills', () => {
    const finding: Finding = { id: 'f1', check: 'redis', kind: 'weakness', level: 'high', title: { zh: '弱', en: 'weak' }, evidence: [], refs: ['attack:T1190'], path: '/etc/redis/redis.conf' };
    const { store, take } = openIncidents({ finding: (id) => (id === 'f1' ? finding : undefined) });
    take([alertOf('a', said('finding', start, { file_path: '/etc/redis/redis.conf' }), { attack: ['T1190'], rule: 'check.redis', key: 'f1' }), alertOf('d', said('metric', start, {}), { level: 'medium', attack: [] })]);
    expect(together(store)).toBe('');
    // What was planted in the same file brings it in.
    take([alertOf('b', said('file_event', start + minute, { action: 'write', file_path: '/etc/redis/redis.conf', pid: 4, process_started: start }), { attack: ['T1543'] })]);
    expect(together(store)).toBe('a b');
    const [incident] = store.incidents.incidents({});
    expect(incident).toMatchObject({ alert_count: 2, finding_count: 1 });
    expect(store.incidents.finding('f1')).toEqual(finding);
  });
});

it('the same again, also after a crash in between, changes nothing', () => {
  const now = (): number => start + 2 * hour;
  const bench = openIncidents({ now });
  const alerts = [guess('a', '203.0.113.1', start), logon('b', '203.0.113.1', start + minute), deed('c', 11, start + hour, '203.0.113.1'), deed('d', 12, start + hour)];
  // The alerts are stored; then it was killed.
  bench.store.commit({ events: [], alerts, positions: [] });
  bench.forming.take(alerts.slice(0, 2));
  const again = openIncidents({ now }, shut(bench));
  sweep(again);
  expect(together(again.store)).toBe('a b c | d');
  const was = again.store.incidents.incidents({}).map(({ id, alert_count, revision }) => ({ id, alert_count, revision }));
  again.take(alerts);
  expect(sweep(again)).toBe(0);
  expect(again.store.incidents.incidents({}).map(({ id, alert_count, revision }) => ({ id, alert_count, revision }))).toEqual(was);
  // What formed at once has the same ids.
  const other = openIncidents();
  other.take(alerts);
  expect(other.store.incidents.incidents({}).map(({ id }) => id).sort()).toEqual(was.map(({ id }) => id).sort());
});

it('an alert that grows is counted once', () => {
  const { store, take } = openIncidents();
  take([deed('a', 11, start)]);
  take([{ ...deed('a', 11, start), count: 40, last_time: start + 6 * day, level: 'critical' }]);
  expect(store.incidents.incidents({})).toMatchObject([{ alert_count: 1, level: 'critical', last_time: start + 6 * day }]);
  take([deed('b', 11, start + 12 * day)]);
  expect(together(store)).toBe('a b');
});

it('the order in which alerts come changes nothing', () => {
  const address = fc.constantFrom('203.0.113.1', '203.0.113.2', '203.0.113.3', sharedAddress, '10.0.0.9');
  const spec = fc.record({ ip: address, kind: fc.constantFrom('guess', 'logon', 'deed', 'deed from', 'mild'), at: fc.integer({ min: 0, max: 40 }), tree: fc.integer({ min: 1, max: 4 }) });
  fc.assert(fc.property(fc.array(spec, { minLength: 1, maxLength: 14 }), fc.infiniteStream(fc.nat(1000)), (specs, dice) => {
    const alerts = specs.map(({ ip, kind, at, tree }, i): Alert => {
      const time = start + at * 9 * hour;
      switch (kind) {
        case 'guess': return guess(`g${i}`, ip, time);
        case 'logon': return logon(`l${i}`, ip, time);
        case 'mild': return mild(`m${i}`, ip, time);
        case 'deed': return deed(`d${i}`, tree, time);
        default: return deed(`f${i}`, tree, time, ip);
      }
    });
    const shuffled = alerts.map((alert) => ({ alert, by: dice.next().value as number })).sort((a, b) => a.by - b.by).map(({ alert }) => alert);
    const one = openIncidents(), other = openIncidents();
    one.take(alerts);
    for (let i = 0; i < shuffled.length; i += 3) other.take(shuffled.slice(i, i + 3));
    const was = together(one.store);
    expect(together(other.store)).toBe(was);
    const facts = (store: typeof one.store): unknown => store.incidents.incidents({}).map(({ level, grade, alert_count, facts: { tactics, addresses } }) => JSON.stringify({ level, grade, alert_count, tactics: Object.keys(tactics).sort(), addresses })).sort();
    expect(facts(other.store)).toEqual(facts(one.store));
    // Nothing is counted twice, and looking again changes nothing.
    const members = was.split(/ \| | /).filter((id) => id !== '');
    expect(new Set(members).size).toBe(members.length);
    other.take(alerts);
    expect(together(other.store)).toBe(was);
    closeIncidents();
  }), { numRuns: 25 });
});

it('what a person puts together from guesses and a deed takes in both from then on', () => {
  const { store, forming, take } = openIncidents();
  take([guess('a', '203.0.113.1', start), deed('b', 11, start)]);
  const [one, two] = store.incidents.incidents({});
  const work = new Work(store.incidents);
  forming.merge(work, one!.id, two!.id);
  forming.finish(work, []);
  take([guess('c', '203.0.113.2', start + hour), deed('d', 11, start + hour)]);
  expect(together(store)).toBe('a b c d');
});

it('what a person graded stays; that the evidence says otherwise by now is written down', () => {
  const { take, store, journal } = openIncidents();
  take([deed('a', 7, start)]);
  const [stands] = store.incidents.incidents({});
  const hand = changed(stands!, { op: 'grade', level: 'low', grade: 3 }, { by: 'li', why: 'a drill', now: start }).record;
  journal.now({ incidents: { incidents: [{ record: hand, expected: stands!.revision }] } });
  take([alertOf('b', said('process_creation', start + minute, { pid: 7, process_started: start, process_path: '/usr/bin/curl', uid: 0 }), { level: 'critical', attack: ['T1486'], rule: 'lock' })]);
  const after = store.incidents.incident(stands!.id)!;
  expect(after).toMatchObject({ level: 'low', grade: 3, by_hand: { by: 'li', why: 'a drill', judged: { level: 'critical' } } });
  expect(after.graded.at(-1)).toMatchObject({ level: 'low', grade: 3, why: { en: expect.stringMatching(/^stays as li set it; the evidence says critical/) as string } });
  expect(after.revision).toBeGreaterThan(hand.revision);
  expect(() => changed(after, { op: 'grade', level: 'low', grade: undefined }, { by: 'li', why: ' ', now: start })).toThrow('--why');
  expect(changed(after, { op: 'grade', level: undefined, grade: undefined }, { by: 'li', why: 'no drill', now: start }).record).toMatchObject({ level: 'critical' });
});
