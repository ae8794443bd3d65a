/** What every store must do, whatever it stands on: each implementation's test runs this suite. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Alert } from '../core/alert.ts';
import { Event, type Kind } from '../core/gen/event.ts';
import type { AlertPlace, IncidentChange, IncidentMember, IncidentRecord } from '../core/incident-store.ts';
import type { Commit, Store } from '../core/ports.ts';

/** Bounds that a store of this suite is opened with; left out means the store's own default. */
export interface StoreBounds { maxAgeMs?: number; alertMs?: number; maxAlerts?: number; now?: () => number }

export interface StoreFixture {
  store: Store;
  /** Closes the store and opens it again on what it kept. */
  reopen: () => Promise<Store>;
  /** Closes it and removes everything. */
  end: () => Promise<void>;
  /** What the store counted, by name. */
  counts: ReadonlyMap<string, number>;
}

const start = Date.UTC(2026, 2, 1, 8);
const day = 86_400_000;

export function sampleEvent(id: string, time: number = start, kind: Kind = 'sshd'): Event {
  const event = new Event(id, time, kind);
  event.host = 'shop-1';
  event.action = 'login';
  event.outcome = 'failure';
  event.user = 'wang';
  event.source_ip = '203.0.113.9';
  event.source_port = 50_122;
  event.message = 'Failed password for wang from 203.0.113.9 port 50122 ssh2';
  return event;
}

export function sampleAlert(id: string, change: Partial<Alert> = {}): Alert {
  return {
    id, time: start, last_time: start, level: 'medium', rule_id: 'ssh_brute_force', rule_name: 'SSH brute force',
    title: { zh: 'SSH 暴力破解', en: 'SSH brute force' }, host: 'shop-1', summary: '203.0.113.9 failed 12 times', count: 12,
    attack: ['T1110.001'], matrix: ['暴力破解'], key: '203.0.113.9', status: 'open', evidence: [{ id: 'e1', time: start, user: 'wang' }], ...change,
  };
}

export function sampleIncident(id: string, change: Partial<IncidentRecord> = {}): IncidentRecord {
  return {
    id, kind: 'story', revision: 1, host: 'shop-1', title: { zh: '挖矿', en: 'a miner' }, status: 'new', level: 'high', grade: 3, graded: [], time: start, last_time: start, alert_count: 1, finding_count: 0, shown: true,
    facts: { founds: true, tactics: {}, techniques: [], grave: [], root: false, accounts: [], addresses: [], trees: [], neighbours: [], services: [] },
    created: start, changed: start, since: start, notes: [], tasks: [], tags: [], links: [], ...change,
  };
}

const commit = (change: Partial<Commit>): Commit => ({ events: [], alerts: [], positions: [], ...change });
const all = (store: Store): Event[] => [...store.events.range(-1e15, 1e15)];
const ids = (store: Store): string[] => all(store).map((event) => event.id);

export function storeContract(name: string, make: (bounds: StoreBounds) => Promise<StoreFixture>): void {
  describe(`store contract: ${name}`, () => {
    const open: StoreFixture[] = [];
    const begin = async (bounds: StoreBounds = {}): Promise<StoreFixture> => {
      const fixture = await make(bounds);
      open.push(fixture);
      return fixture;
    };
    afterEach(async () => {
      for (const fixture of open.splice(0)) await fixture.end();
    });

    describe('events', () => {
      it('come back as they were, as Event objects, also after opening again', async () => {
        const { store, reopen } = await begin();
        const event = sampleEvent('f1:100');
        event.lines = [3, 4];
        event.value = 0.25;
        event.message = '登录失败 \u0000 \u001b[31m " \' \u{1F511}';
        event.extra = { nested: { list: [1, 'two', null] }, 'odd name': true };
        store.commit(commit({ events: [event] }));
        const [back] = all(store);
        expect(back).toBeInstanceOf(Event);
        const kept = Object.fromEntries(Object.entries(event).map(([field, value]) => [field, field === 'message' ? String(value).replace('\0', '␀') : value]));
        expect(Object.fromEntries(Object.entries(back!))).toEqual(kept);
        expect(Object.keys(back!)).toEqual(Object.keys(event));
        expect(Object.fromEntries(Object.entries(all(await reopen())[0]!))).toEqual(kept);
      });

      it('are kept once, however often and however mixed they come', async () => {
        const { store } = await begin();
        store.commit(commit({ events: [sampleEvent('a'), sampleEvent('b'), sampleEvent('a')] }));
        const changed = sampleEvent('a');
        changed.user = 'li';
        store.commit(commit({ events: [changed, sampleEvent('c')] }));
        store.events.append([sampleEvent('b'), sampleEvent('d')]);
        expect(ids(store)).toEqual(['a', 'b', 'c', 'd']);
        expect(all(store)[0]!.user).toBe('wang');
      });

      it('are read by time, equal times in the order they came, over many pages', async () => {
        const { store } = await begin();
        const events = Array.from({ length: 2_500 }, (_, n) => sampleEvent(`n${n}`, start + Math.floor(n / 1_200) * 1000));
        const late = sampleEvent('late', start - 5_000);
        store.commit(commit({ events: [...events, late] }));
        expect(ids(store)).toEqual(['late', ...events.map((event) => event.id)]);
      });

      it('range takes its start and leaves out its end', async () => {
        const { store } = await begin();
        store.commit(commit({ events: [sampleEvent('x', 1000), sampleEvent('y', 2000), sampleEvent('z', 3000)] }));
        expect([...store.events.range(1000, 3000)].map((event) => event.id)).toEqual(['x', 'y']);
        expect([...store.events.range(3000, 1000)]).toEqual([]);
      });

      it('say how many they are and how old, also when there are none', async () => {
        const { store } = await begin();
        expect(store.events.extent()).toEqual({ events: 0 });
        store.commit(commit({ events: [sampleEvent('x', 3000), sampleEvent('y', 1000), sampleEvent('z', 2000)] }));
        expect(store.events.extent()).toEqual({ events: 3, from: 1000 });
      });

      it('can be written while they are being read', async () => {
        const { store } = await begin();
        store.commit(commit({ events: Array.from({ length: 1_100 }, (_, n) => sampleEvent(`r${n}`, start + n)) }));
        let seen = 0;
        for (const event of store.events.range(start, start + 1_100)) {
          if (seen++ % 400 === 0) store.commit(commit({ events: [sampleEvent(`w${event.id}`, start - 1)] }));
        }
        expect(seen).toBe(1_100);
        expect(ids(store)).toHaveLength(1_103);
      });

      it('of kinds that are judged only are not kept', async () => {
        const { store } = await begin();
        store.commit(commit({ events: [sampleEvent('m', start, 'metric'), sampleEvent('s'), sampleEvent('f', start, 'foreign')] }));
        expect(ids(store)).toEqual(['s']);
      });

      it('of any shape are stored or counted, never in the way of the others', async () => {
        const { store, counts } = await begin();
        const cyclic: Record<string, unknown> = { fine: 'kept' };
        cyclic['self'] = cyclic;
        cyclic['big'] = 10n;
        const odd = sampleEvent('odd');
        odd.extra = cyclic;
        odd.user = 42 as unknown as string;
        odd.pid = Number.NaN;
        odd.url = 'lone \ud800 surrogate';
        const deep = sampleEvent('deep');
        let nest: Record<string, unknown> = {};
        for (let n = 0; n < 50_000; n++) nest = { nest };
        deep.extra = nest;
        const timeless = sampleEvent('timeless', Number.NaN);
        store.commit(commit({ events: [odd, deep, timeless, sampleEvent(''), sampleEvent('fine')] }));
        expect(ids(store)).toEqual(['odd', 'deep', 'fine']);
        const [back] = all(store);
        expect(back).toMatchObject({ user: undefined, pid: undefined, extra: { fine: 'kept' }, source_ip: '203.0.113.9' });
        expect(counts.get('event-invalid')).toBe(2);
        expect(counts.get('event-field-type')).toBe(2);
        expect(counts.get('extra-cut')).toBe(2);
      });

      it('are cut to a bounded size, on a character, and counted', async () => {
        const { store, counts } = await begin();
        const event = sampleEvent('long');
        event.message = '护'.repeat(10_000_000);
        event.process_cmdline = 'x'.repeat(16 * 1024);
        event.lines = Array.from({ length: 100_000 }, (_, n) => n);
        event.extra = { first: 'a', huge: 'b'.repeat(1_000_000), list: Array(100_000).fill(0), last: 'c' };
        store.commit(commit({ events: [event] }));
        const [back] = all(store);
        expect(back!.message).toBe('护'.repeat(Math.floor(16 * 1024 / 3)));
        expect(back!.process_cmdline).toBe(event.process_cmdline);
        expect(back!.lines).toEqual(event.lines.slice(0, 1000));
        expect(back!.extra).toEqual({ first: 'a', huge: 'b'.repeat(1024), last: 'c' });
        expect(counts.get('text-cut')).toBe(1);
        expect(counts.get('list-cut')).toBe(1);
        expect(counts.get('extra-cut')).toBe(1);
      });

      it('go when they are too old, in bounded steps', async () => {
        const { store } = await begin({ maxAgeMs: 10 * day });
        const events = Array.from({ length: 12_000 }, (_, n) => sampleEvent(`o${n}`, start - 10 * day - 12_000 + n));
        store.commit(commit({ events: [...events, sampleEvent('edge', start - 10 * day), sampleEvent('new')] }));
        let gone = 0;
        let steps = 0;
        for (let n = store.events.prune(start); n > 0; n = store.events.prune(start)) {
          expect(n).toBeLessThanOrEqual(10_000);
          gone += n;
          steps++;
        }
        expect(gone).toBe(12_000);
        expect(steps).toBeGreaterThan(1);
        expect(ids(store)).toEqual(['edge', 'new']);
      });
    });

    describe('commit', () => {
      it('keeps all four parts together', async () => {
        const { store, reopen } = await begin();
        store.commit({ events: [sampleEvent('a')], alerts: [sampleAlert('A1')], positions: [{ source: '/var/log/auth.log', value: '{"at":100}' }], learned: new Map([['behaviour.hours', '{"n":1}']]) });
        const again = await reopen();
        expect(ids(again)).toEqual(['a']);
        expect(again.ledger.alert('A1')).toEqual(sampleAlert('A1'));
        expect(again.ledger.position('/var/log/auth.log')).toBe('{"at":100}');
        expect(again.ledger.learned('behaviour.hours')).toBe('{"n":1}');
      });

      it('keeps rows of the origin graph, drops those it names, and all others when it replaces', async () => {
        const { store, reopen } = await begin();
        const rows = (from: Store): string[] => [...from.lineage()].map(({ id, value }) => `${id}=${value}`).sort();
        const put = (entries: Record<string, string>, drop: string[] = [], replace = false): void => store.commit(commit({ lineage: { put: new Map(Object.entries(entries)), drop, replace } }));
        expect(rows(store)).toEqual([]);
        put({ a: '1', b: '2', c: '3' });
        put({ b: '20' }, ['c', 'never']);
        expect(rows(store)).toEqual(['a=1', 'b=20']);
        put(Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`n${i}`, String(i)])));
        expect(rows(store)).toHaveLength(1202);
        put({ z: '9' }, [], true);
        expect(rows(await reopen())).toEqual(['z=9']);
      });

      it('keeps where an alert came from', async () => {
        const { store, reopen } = await begin();
        const alert = sampleAlert('A1', { origin: 'ssh log-on of root from 203.0.113.9 at 02:27 → bash', origin_ip: '203.0.113.9' });
        store.commit(commit({ alerts: [alert] }));
        expect((await reopen()).ledger.alert('A1')).toEqual(alert);
      });

      it('keeps nothing of a batch that cannot be kept whole, and goes on', async () => {
        const { store } = await begin();
        store.commit(commit({ positions: [{ source: 'log', value: '1' }], alerts: [sampleAlert('A1')] }));
        const bad = commit({
          events: [sampleEvent('lost')], alerts: [sampleAlert('A1', { count: 99 }), sampleAlert('A2')], learned: new Map([['x', 'y']]),
          positions: [{ source: 'log', value: '2' }, { source: 'log', value: 'x'.repeat(2 * 2 ** 20) }],
        });
        expect(() => store.commit(bad)).toThrow(expect.objectContaining({ code: 'input' }));
        expect(() => store.commit(commit({ events: [sampleEvent('lost')], alerts: [sampleAlert('A2', { time: Number.NaN })] }))).toThrow(expect.objectContaining({ code: 'input' }));
        expect(ids(store)).toEqual([]);
        expect(store.ledger.position('log')).toBe('1');
        expect(store.ledger.alert('A1')?.count).toBe(12);
        expect(store.ledger.alert('A2')).toBeUndefined();
        expect(store.ledger.learned('x')).toBeUndefined();
        store.commit(commit({ events: [sampleEvent('next')] }));
        expect(ids(store)).toEqual(['next']);
      });

      it('can be repeated without a trace', async () => {
        const { store } = await begin();
        const batch: Commit = { events: [sampleEvent('a')], alerts: [sampleAlert('A1')], positions: [{ source: 's', value: '1' }], learned: new Map([['l', '1']]) };
        store.commit(batch);
        store.commit(batch);
        expect(ids(store)).toEqual(['a']);
        expect(store.ledger.alerts({})).toEqual([sampleAlert('A1')]);
      });

      it('may be empty', async () => {
        const { store } = await begin();
        store.commit(commit({}));
        expect(ids(store)).toEqual([]);
      });
    });

    describe('ledger', () => {
      it('does not know what was never saved', async () => {
        const { ledger } = (await begin()).store;
        expect([ledger.position('x'), ledger.alert('x'), ledger.latest('x', 'y'), ledger.learned('x'), ledger.setting('x')]).toEqual(Array(5).fill(undefined));
        expect(ledger.close('x')).toBe(false);
        expect(ledger.alerts({})).toEqual([]);
      });

      it('an alert comes back with every field, and grows when it is saved again', async () => {
        const { store } = await begin();
        const full = sampleAlert('A1', { source_ip: '2001:db8::7', source_country: 'ZZ', user: '李雷', service: 'sshd', pid: 812, path: '/usr/sbin/sshd', lines: [1, 2, 9] });
        store.commit(commit({ alerts: [full] }));
        expect(store.ledger.alert('A1')).toEqual(full);
        const grown = { ...full, count: 40, last_time: start + 60_000, level: 'high' as const, evidence: [...full.evidence, { id: 'e40', time: start + 60_000 }] };
        store.commit(commit({ alerts: [grown] }));
        expect(store.ledger.alert('A1')).toEqual(grown);
        expect(store.ledger.alerts({})).toHaveLength(1);
      });

      it('finds the newest alert of a rule and key, for folding', async () => {
        const { store } = await begin();
        store.commit(commit({ alerts: [
          sampleAlert('new', { time: start + 2000 }), sampleAlert('old', { time: start, last_time: start + 9000 }), sampleAlert('other key', { time: start + 5000, key: '198.51.100.1' }),
          sampleAlert('other rule', { time: start + 5000, rule_id: 'web_scan' }), sampleAlert('no key', { key: '', time: start + 7000 }),
        ] }));
        expect(store.ledger.latest('ssh_brute_force', '203.0.113.9')?.id).toBe('new');
        expect(store.ledger.latest('web_scan', '203.0.113.9')?.id).toBe('other rule');
        expect(store.ledger.latest('ssh_brute_force', '')?.id).toBe('no key');
        expect(store.ledger.latest('web_scan', '')).toBeUndefined();
      });

      it('finds an alert by names longer than it keeps', async () => {
        const { store } = await begin();
        const key = '键'.repeat(20_000);
        store.commit(commit({ alerts: [sampleAlert('A1', { key })] }));
        expect(store.ledger.latest('ssh_brute_force', key)?.id).toBe('A1');
      });

      it('lists by time of the latest event, newest first, by every filter and their combination', async () => {
        const { store } = await begin();
        store.commit(commit({ alerts: [
          sampleAlert('1', { last_time: start + 1 }), sampleAlert('2', { last_time: start + 2, level: 'high', source_ip: '198.51.100.1' }),
          sampleAlert('3', { last_time: start + 3, rule_id: 'web_scan', source_ip: '198.51.100.1' }), sampleAlert('4', { last_time: start + 4, level: 'high' }),
        ] }));
        store.ledger.close('4');
        const list = (filter: Parameters<typeof store.ledger.alerts>[0]): string => store.ledger.alerts(filter).map((alert) => alert.id).join('');
        expect(list({})).toBe('4321');
        expect(list({ sinceMs: start + 3 })).toBe('43');
        expect(list({ level: 'high' })).toBe('42');
        expect(list({ status: 'open' })).toBe('321');
        expect(list({ status: 'closed' })).toBe('4');
        expect(list({ rule: 'web_scan' })).toBe('3');
        expect(list({ sourceIp: '198.51.100.1' })).toBe('32');
        expect(list({ sourceIp: "' OR 1=1 --" })).toBe('');
        expect(list({ limit: 2 })).toBe('43');
        expect(list({ limit: 0 })).toBe('');
        expect(list({ sourceIp: '198.51.100.1', level: 'high', status: 'open', sinceMs: start, rule: 'ssh_brute_force', limit: 5 })).toBe('2');
      });

      it('an alert that a person closed stays closed when it is saved again, until it is opened', async () => {
        const { store, reopen } = await begin();
        store.commit(commit({ alerts: [sampleAlert('A1')] }));
        expect(store.ledger.close('A1')).toBe(true);
        store.commit(commit({ alerts: [sampleAlert('A1', { count: 13 })] }));
        expect(store.ledger.alert('A1')).toMatchObject({ status: 'closed', count: 13 });
        const again = await reopen();
        expect(again.ledger.alert('A1')?.status).toBe('closed');
        expect(again.ledger.close('A1', true)).toBe(true);
        expect(again.ledger.alert('A1')?.status).toBe('open');
      });

      it('bounds what an alert takes: the first and the latest evidence stay', async () => {
        const { store, counts } = await begin();
        const evidence = Array.from({ length: 200 }, (_, n) => ({ id: `e${n}`, message: 'm'.repeat(1000) }));
        store.commit(commit({ alerts: [sampleAlert('A1', { evidence, summary: 's'.repeat(1_000_000) })] }));
        const back = store.ledger.alert('A1')!;
        expect(JSON.stringify(back.evidence).length).toBeLessThan(16 * 1024);
        expect([back.evidence[0]!.id, back.evidence.at(-1)!.id]).toEqual(['e0', 'e199']);
        expect(back.summary).toHaveLength(4 * 1024);
        expect(counts.get('evidence-cut')).toBe(200 - back.evidence.length);
      });

      it('forgets closed alerts after their time, counted from the closing, and never open ones', async () => {
        let now = start;
        const { store } = await begin({ alertMs: 180 * day, now: () => now });
        store.commit(commit({ alerts: [sampleAlert('open', { last_time: start - 400 * day }), sampleAlert('closed', { last_time: start - 400 * day }), sampleAlert('reopened')] }));
        store.ledger.close('closed');
        store.ledger.close('reopened');
        store.ledger.close('reopened', true);
        now = start + 180 * day;
        store.events.prune(now);
        expect(store.ledger.alert('closed')).toBeDefined();
        now += 1;
        store.events.prune(now);
        expect(store.ledger.alerts({}).map((alert) => alert.id).sort()).toEqual(['open', 'reopened']);
      });

      it('keeps a bounded number of alerts: closed ones go first, then the oldest', async () => {
        const { store, counts } = await begin({ maxAlerts: 5 });
        store.commit(commit({ alerts: Array.from({ length: 9 }, (_, n) => sampleAlert(`${n}`, { last_time: start + n })) }));
        store.ledger.close('7');
        store.events.prune(start);
        expect(store.ledger.alerts({}).map((alert) => alert.id).join('')).toBe('86543');
        expect(counts.get('alert-pruned-cap')).toBe(4);
      });

      it('keeps settings, secret ones too, and the last word holds', async () => {
        const { store, reopen } = await begin();
        store.ledger.setSetting('lang', 'zh');
        store.ledger.setSetting('lang', 'en');
        store.ledger.setSetting('secret.webhook', 'https://hook.example/abc');
        const again = await reopen();
        expect(again.ledger.setting('lang')).toBe('en');
        expect(again.ledger.setting('secret.webhook')).toBe('https://hook.example/abc');
        expect(() => again.ledger.setSetting('', 'x')).toThrow(expect.objectContaining({ code: 'input' }));
      });
    });

    describe('incidents', () => {
      const put = (store: Store, records: readonly IncidentRecord[], change: Omit<IncidentChange, 'incidents'> = {}, expected = 0): void => store.response.save({ incidents: { ...change, incidents: records.map((record) => ({ record, expected })) } });
      const member = (id: string, incident: string, time = start): IncidentMember => ({ what: 'alert', id, incident, time, last: time, count: 1 });
      const listed = (store: Store, filter: Parameters<Store['incidents']['incidents']>[0] = {}): string => store.incidents.incidents(filter).map(({ id }) => id).join(' ');

      it('come back as they were, also after opening again, with their audit entry in one write', async () => {
        const { store, reopen } = await begin();
        const record = sampleIncident('a1', { notes: [{ time: start, by: 'li', text: '查过 \u0000' }], clock: { started: start, due: start + 4, why: { zh: '疑', en: 'suspected' }, told: ['began'] } });
        const entry = { seq: 1, time: start, by: 'engine', via: 'engine', operation: 'incident-formed', target: 'a1', why: '', result: '', hash: 'h' };
        store.response.save({ incidents: { incidents: [{ record, expected: 0 }], members: [member('A1', 'a1')] }, audit: [entry] });
        const again = await reopen();
        expect(again.incidents.incident('a1')).toEqual(record);
        expect(again.incidents.member('alert', 'A1')).toEqual(member('A1', 'a1'));
        expect(again.response.lastAudit()).toEqual(entry);
        expect([again.incidents.incident('x'), again.incidents.member('alert', 'x'), again.incidents.member('finding', 'A1'), again.incidents.finding('x')]).toEqual(Array(4).fill(undefined));
      });

      it('are not written over by who saw an older revision, and nothing of that write is kept', async () => {
        const { store } = await begin();
        put(store, [sampleIncident('a1')]);
        put(store, [sampleIncident('a1', { revision: 2, status: 'triaged' })], {}, 1);
        expect(() => put(store, [sampleIncident('a1', { revision: 2, status: 'closed' })], { members: [member('A9', 'a1')] }, 1)).toThrow(expect.objectContaining({ code: 'stale' }));
        expect(() => put(store, [sampleIncident('b2')], {}, 3)).toThrow(expect.objectContaining({ code: 'stale' }));
        expect(store.incidents.incident('a1')).toMatchObject({ revision: 2, status: 'triaged' });
        expect(store.incidents.member('alert', 'A9')).toBeUndefined();
      });

      it('are listed by latest news, without what is hidden, merged or part of another', async () => {
        const { store } = await begin();
        put(store, [
          sampleIncident('a1', { last_time: start + 1 }), sampleIncident('b2', { last_time: start + 3, status: 'closed', level: 'critical' }), sampleIncident('c3', { last_time: start + 2, kind: 'campaign', level: 'medium' }),
          sampleIncident('d4', { shown: false }), sampleIncident('e5', { merged_into: 'a1' }), sampleIncident('f6', { kind: 'cell', within: 'c3', shown: false }),
        ]);
        expect(listed(store)).toBe('b2 c3 a1');
        expect(listed(store, { status: ['new'] })).toBe('c3 a1');
        expect(listed(store, { kind: 'campaign' })).toBe('c3');
        expect(listed(store, { within: 'c3', hidden: true })).toBe('f6');
        expect(listed(store, { before: start + 2 })).toBe('a1');
        expect(listed(store, { limit: 1 })).toBe('b2');
        expect(store.incidents.openByLevel()).toEqual(expect.arrayContaining([{ level: 'high', count: 1 }, { level: 'medium', count: 1 }]));
        expect(store.incidents.idsLike('', 9)).toEqual(['a1', 'b2', 'c3', 'e5']);
        expect(store.incidents.idsLike('e', 9)).toEqual(['e5']);
        put(store, [sampleIncident('g7', { clock: { started: 1, due: 2, why: { zh: '', en: '' }, told: [] } }), sampleIncident('h8', { clock: { started: 1, due: 2, why: { zh: '', en: '' }, told: [], stopped: { time: 2, by: 'li', how: 'reported', why: '' } } })]);
        expect(listed(store, { clock: true })).toBe('g7');
      });

      it('hold what is merged into them and what belongs to that', async () => {
        const { store } = await begin();
        put(store, [sampleIncident('a1'), sampleIncident('b2', { merged_into: 'a1' }), sampleIncident('c3', { kind: 'cell', within: 'b2' })], {
          members: [member('A1', 'a1', start + 5), member('A2', 'c3', start + 1), member('A3', 'b2', start + 9), { ...member('F1', 'c3'), what: 'finding' }],
          strands: new Map([['address:203.0.113.1', [{ key: 'address:203.0.113.1', first: 1, last: 2, incident: 'c3' }]]]),
        });
        expect(store.incidents.members('a1', 'alert', 10).map(({ id }) => id)).toEqual(['A2', 'A1', 'A3']);
        expect(store.incidents.members('a1', 'alert', 2)).toHaveLength(2);
        expect(store.incidents.members('b2', 'finding', 9).map(({ id }) => id)).toEqual(['F1']);
        expect(store.incidents.keysOf('a1', 9)).toEqual(['address:203.0.113.1']);
        put(store, [], { strands: new Map([['address:203.0.113.1', [{ key: 'address:203.0.113.1', first: 1, last: 7, incident: 'a1' }]]]) });
        expect(store.incidents.strands('address:203.0.113.1')).toEqual([{ key: 'address:203.0.113.1', first: 1, last: 7, incident: 'a1' }]);
        expect(() => put(store, [], { strands: new Map([['', []]]) })).toThrow(expect.objectContaining({ code: 'input' }));
      });

      it('know which alerts were not looked at as they stand, and close theirs', async () => {
        const { store } = await begin();
        store.commit(commit({ alerts: [sampleAlert('A1'), sampleAlert('A2', { time: start - 1 }), sampleAlert('A3'), sampleAlert('old', { last_time: start - 9 })] }));
        store.ledger.close('A3');
        expect(store.incidents.unformed(start, undefined, 9).ids.sort()).toEqual(['A1', 'A2']);
        put(store, [sampleIncident('a1')], { members: [{ ...member('A1', 'a1'), count: 12 }, { ...member('A2', 'a1'), count: 11 }] });
        expect(store.incidents.unformed(start, undefined, 9)).toEqual({ ids: ['A2'] });
        put(store, [], { closeAlertsOf: ['a1'] });
        expect(['A1', 'A2', 'old'].map((id) => store.ledger.alert(id)?.status)).toEqual(['closed', 'closed', 'open']);
      });

      it('look through their alerts a part at a time, each once', async () => {
        const { store } = await begin();
        const all = Array.from({ length: 2500 }, (_, i) => `A${i}`);
        store.commit(commit({ alerts: all.map((id, i) => sampleAlert(id, { last_time: start + (i >> 1) })) }));
        put(store, [sampleIncident('a1')], { members: all.slice(0, 2400).map((id, i) => ({ ...member(id, 'a1'), count: 12, last: start + (i >> 1) })) });
        const found: string[] = [];
        let asked = 0;
        for (let after: AlertPlace | undefined, more = true; more; asked++) {
          const { ids, next } = store.incidents.unformed(start, after, 30);
          found.push(...ids);
          after = next;
          more = next !== undefined;
        }
        expect(found).toEqual(all.slice(2400));
        // Two calls that find nothing, then those of thirty each, and a last one: none begins anew.
        expect(asked).toBeLessThanOrEqual(7);
      });

      it('go when they are long over or never became one, with all they held; open ones never', async () => {
        const { store } = await begin();
        const old = { last_time: start - 500 * day, changed: start - 500 * day };
        put(store, [
          sampleIncident('a1', old), sampleIncident('b2', { ...old, status: 'closed' }), sampleIncident('c3', { ...old, merged_into: 'b2' }), sampleIncident('d4', { ...old, shown: false }),
          sampleIncident('e5', { kind: 'campaign' }), sampleIncident('f6', { ...old, kind: 'cell', within: 'e5', shown: false }), sampleIncident('g7', { ...old, kind: 'cell', within: 'a1', shown: false }), sampleIncident('h8', { status: 'closed' }),
        ], { members: [member('A1', 'c3'), member('A2', 'g7'), member('A3', 'f6')], strands: new Map([['file:/x', [{ key: 'file:/x', first: 1, last: start - 8 * day, incident: 'a1' }]]]), findings: [{ id: 'f', check: 'x', kind: 'notice', level: 'low', title: { zh: '', en: '' }, evidence: [], refs: [] }] });
        const over = store.incidents.expired(start - 400 * day, 10).map(({ id }) => id);
        expect(over).toEqual(['b2']);
        store.incidents.prune(start, 7 * day);
        expect(store.incidents.incident('b2'), 'not without being named').toBeDefined();
        store.incidents.prune(start, 7 * day, [...over, 'a1']);
        store.incidents.prune(start, 7 * day);
        expect(['a1', 'b2', 'c3', 'd4', 'e5', 'f6', 'g7', 'h8'].filter((id) => store.incidents.incident(id))).toEqual(['a1', 'e5', 'g7', 'h8']);
        expect(['A1', 'A2', 'A3'].filter((id) => store.incidents.member('alert', id))).toEqual(['A2']);
        expect([store.incidents.strands('file:/x'), store.incidents.finding('f')]).toEqual([[], undefined]);
      });
    });

    it('says that it is closed', async () => {
      const { store } = await begin();
      store.close();
      expect(() => store.commit(commit({}))).toThrow(expect.objectContaining({ code: 'closed' }));
      expect(() => store.ledger.setting('x')).toThrow(expect.objectContaining({ code: 'closed' }));
      expect(() => all(store)).toThrow(expect.objectContaining({ code: 'closed' }));
    });
  });
}
