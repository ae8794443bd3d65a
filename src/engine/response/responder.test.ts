import { beforeEach, describe, expect, it } from 'vitest';
import type { BlockEntry, Receipt, ResponseStore } from '../../core/action.ts';
import type { Alert } from '../../core/alert.ts';
import { MoatError } from '../../core/error.ts';
import { banMs, fits, matches, type Link } from './linkage.ts';
import { Responder, type ResponderSettings } from './responder.ts';
import type { Wanted } from './runner.ts';

const ban: Link = { id: 'ban', title: { zh: '封禁', en: 'Ban' }, when: { attack: ['T1110'], level: 'medium' }, action: 'block-address', input: { address: 'source_ip' }, for: 'escalating', mode: 'guard' };
const isolate: Link = { id: 'isolate', title: { zh: '隔离', en: 'Isolate' }, when: { rules: ['behaviour.mass_*'], level: 'critical' }, action: 'isolate-host', input: {}, mode: 'strict' };
const minute = 60_000;
const settings: ResponderSettings = { mode: 'guard', overrides: [], links: [ban, isolate], ban: { first: 10 * minute, factor: 6, most: 24 * 60 * minute } };

let now: number, paused: number, done: Wanted[], blocks: Map<string, BlockEntry>, receipts: Receipt[], counted: string[], fails: MoatError | undefined;
let responder: Responder;

const alert = (more: Partial<Alert> = {}): Alert => ({ id: 'a1', time: now, last_time: now, level: 'high', rule_id: 'ssh_brute_force', rule_name: 'guessing', title: { zh: '爆破', en: 'guessing' }, host: 'web1', summary: '12 failures', count: 12, attack: ['T1110.001'], matrix: [], key: '', status: 'open', source_ip: '203.0.113.9', evidence: [], ...more });

async function tell(one: Alert): Promise<Wanted[]> {
  const before = done.length;
  responder.onAlerts([one]);
  await responder.settled();
  return done.slice(before);
}

beforeEach(() => {
  now = Date.parse('2026-11-22T00:00:00Z');
  paused = 0;
  done = [];
  blocks = new Map();
  receipts = [];
  counted = [];
  fails = undefined;
  const store = { block: (network: string) => blocks.get(network), receipts: ({ from }: { from?: string }) => receipts.filter((one) => one.from === from), playbookRuns: () => [] } as unknown as ResponseStore;
  const run = (wanted: Wanted): Promise<Receipt> => {
    if (fails) return Promise.reject(fails);
    done.push(wanted);
    const { address } = wanted.input as { address: string };
    if (address) blocks.set(address, { network: address, since: now, ...(wanted.until !== undefined && { until: wanted.until }), why: '', by: '', active: true, times: (blocks.get(address)?.times ?? 0) + 1 });
    return Promise.resolve({ ...wanted, id: String(done.length) } as unknown as Receipt);
  };
  responder = new Responder({ runner: { run }, store, log: { debug: () => undefined, info: () => undefined, warn: () => undefined }, now: () => now, count: (what) => counted.push(what), pausedUntil: () => paused, isShared: (address) => address === '198.51.100.77', holdsOurs: ({ text }) => text.startsWith('2001:db8:aaaa:') }, settings);
});

describe('the responder', () => {
  it('fires what fits, with the reason and the alert it came from', async () => {
    expect(await tell(alert())).toMatchObject([{ action: 'block-address', by: 'link:ban', from: 'a1', until: now + 10 * minute, input: { address: '203.0.113.9' }, why: 'Ban: 12 failures' }]);
    expect(await tell(alert({ count: 30 }))).toEqual([]);
    expect(await tell(alert({ id: 'a2', rule_id: 'another' }))).toEqual([]);
  });

  it('leaves an address alone that many share: a proxy in front of the site, a load balancer', async () => {
    expect(await tell(alert({ source_ip: '198.51.100.77' }))).toEqual([]);
    expect(counted).toEqual(['ban not done, many share the address']);
    expect(await tell(alert({ id: 'w1', source_ip: '10.0.0.5', evidence: [{ category: 'web' }] }))).toEqual([]);
    expect(await tell(alert({ id: 'w2', source_ip: '10.0.0.5', evidence: [{ category: 'authentication' }] }))).toHaveLength(1);
  });

  describe('IPv6', () => {
    const widening = { prefix: 64, after: 3, withinMs: 60 * minute };
    const addressOf = (one: Wanted): string => (one.input as { address: string }).address;
    const blocked = async (id: string, address: string, ...evidence: { source_ip: string; time: number }[]): Promise<string[]> => (await tell(alert({ id, source_ip: address, evidence }))).map(addressOf);
    beforeEach(() => responder.configure({ ...settings, widening }));

    it('answers single addresses while they are few, then their network, ever longer', async () => {
      expect(await blocked('a', '2001:db8:7:1::1')).toEqual(['2001:db8:7:1::1']);
      expect(await blocked('b', '2001:db8:7:1::2')).toEqual(['2001:db8:7:1::2']);
      // Of another network, and IPv4: by themselves.
      expect(await blocked('c', '2001:db8:7:2::1')).toEqual(['2001:db8:7:2::1']);
      expect(await blocked('d', '203.0.113.1')).toEqual(['203.0.113.1']);
      expect(await blocked('e', '2001:db8:7:1:ffff::3')).toEqual(['2001:db8:7:1::/64']);
      // What was on its way before is not a ban more.
      expect(await blocked('f', '2001:db8:7:1::4')).toEqual([]);
      now += 11 * minute;
      expect(await blocked('g', '2001:db8:7:1::5')).toEqual(['2001:db8:7:1::/64']);
      expect(done.at(-1)!.until).toBe(now + 60 * minute);
      now += 61 * minute;
      expect(await blocked('h', '2001:db8:7:1::6'), 'they are forgotten').toEqual(['2001:db8:7:1::6']);
    });

    it('reads the addresses out of one alert about a network; what they did long ago is answered already', async () => {
      expect(await blocked('a', '2001:db8:7:1::1', { source_ip: '2001:db8:7:1::1', time: now - 30 * minute }, { source_ip: '2001:db8:7:1::2', time: now })).toEqual(['2001:db8:7:1::2']);
      expect(await blocked('a', '2001:db8:7:1::1', { source_ip: '2001:db8:7:1::1', time: now - 30 * minute }, { source_ip: '2001:db8:7:1::2', time: now }, { source_ip: '2001:db8:7:1::3', time: now })).toEqual(['2001:db8:7:1::/64']);
    });

    it('never takes a network in which somebody of ours is, and stays by single addresses where it is told to', async () => {
      for (const [i, network] of ['2001:db8:aaaa:1', '2001:db8:aaaa:1', '2001:db8:aaaa:1', '2001:db8:aaaa:1'].entries()) expect(await blocked(`o${i}`, `${network}::${i + 1}`)).toEqual([`${network}::${i + 1}`]);
      expect(counted).toContain('ban: single addresses, somebody of ours may be in their network');
      responder.configure({ ...settings, widening: { ...widening, prefix: 128 } });
      for (let i = 1; i < 5; i++) expect(await blocked(`s${i}`, `2001:db8:7:9::${i}`)).toEqual([`2001:db8:7:9::${i}`]);
      responder.configure({ ...settings, widening: { ...widening, prefix: 56, after: 2 } });
      expect([await blocked('w1', '2001:db8:7:101::1'), await blocked('w2', '2001:db8:7:1ff::1')]).toEqual([['2001:db8:7:101::1'], ['2001:db8:7:100::/56']]);
    });

    it('holds a bounded number of networks and addresses in mind', async () => {
      for (let i = 0; i < 21_000; i++) responder.onAlerts([alert({ id: `m${i}`, source_ip: `2001:db8:${(i >> 12).toString(16)}:${(i & 4095).toString(16)}::1`, last_time: now })]);
      await responder.settled();
      expect((responder as unknown as { neighbours: Map<string, unknown> }).neighbours.size).toBe(20_000);
    });
  });

  it('answers an address for what it did itself and lately, not for what others add to the same alert', async () => {
    const source = (address: string, ago: number) => ({ source_ip: address, time: now - ago });
    expect(await tell(alert({ id: 'd', evidence: [source('203.0.113.9', 0), source('203.0.113.10', 0)] }))).toHaveLength(1);
    const first = now;
    now += 15 * minute;
    const later = { source_ip: '203.0.113.9', time: first };
    expect(await tell(alert({ id: 'd', count: 90, evidence: [later, source('203.0.113.11', 0)] }))).toEqual([]);
    expect(await tell(alert({ id: 'd', count: 90, evidence: [source('203.0.113.11', 0)] }))).toEqual([]);
    expect(await tell(alert({ id: 'd', count: 91, evidence: [later, source('203.0.113.11', 0), source('203.0.113.9', 0)] }))).toHaveLength(1);
  });

  it('bans longer each time the same address comes back', async () => {
    const times: number[] = [];
    for (let i = 0; i < 4; i++) {
      const [wanted] = await tell(alert({ id: `a${i}` }));
      times.push(((wanted?.until ?? 0) - now) / minute);
      now = (wanted?.until ?? now) + minute;
    }
    expect(times).toEqual([10, 60, 360, 1440]);
  });

  it('leaves alone what lacks the field, is closed, is not bad enough, is another technique, or is long over', async () => {
    const { source_ip: _gone, ...without } = alert();
    for (const one of [without, alert({ status: 'closed' }), alert({ level: 'low' }), alert({ attack: ['T1105'] }), alert({ last_time: now - 11 * minute })]) expect(await tell(one)).toEqual([]);
  });

  it('does by itself only what the mode allows, the first override first', async () => {
    const mass = alert({ rule_id: 'behaviour.mass_change', level: 'critical', attack: [] });
    expect(await tell(mass)).toEqual([]);
    responder.configure({ ...settings, mode: 'strict' });
    expect(await tell(mass)).toMatchObject([{ action: 'isolate-host' }]);
    responder.configure({ ...settings, mode: 'strict', overrides: [{ rule: 'ssh_*', mode: 'observe' }, { rule: '*', mode: 'strict' }] });
    expect(await tell(alert())).toEqual([]);
    responder.configure({ ...settings, mode: 'observe' });
    expect(await tell(alert({ id: 'a9', source_ip: '203.0.113.10' }))).toEqual([]);
  });

  it('names a process by its number and its start, and never by the number alone', async () => {
    const freeze: Link = { id: 'freeze', title: { zh: '冻结', en: 'Freeze' }, when: { rules: ['behaviour.miner'], level: 'high' }, action: 'freeze-tree', input: { pid: 'pid', started: 'started' }, mode: 'guard' };
    responder.configure({ ...settings, links: [freeze] });
    const miner = alert({ rule_id: 'behaviour.miner', attack: [], pid: 4711 });
    expect(await tell(miner)).toEqual([]);
    const seen = { ...miner, evidence: [{ pid: 4711, process_started: 5 }, { pid: 4712, process_started: 6 }] };
    expect(await tell(seen)).toMatchObject([{ action: 'freeze-tree', input: { pid: 4711, started: 5 } }]);
    // It stands frozen: nothing is tried again, however long the alert goes on.
    receipts = [{ from: 'a1', target: 'pid 4711', created: 6, status: 'applied', history: [{ time: now, status: 'applied', by: 'link:freeze' }] } as unknown as Receipt];
    now += 60 * minute;
    expect(await tell({ ...seen, last_time: now })).toEqual([]);
    // Somebody starts it anew: the same alert, another process, also under a number that was used before.
    expect(await tell({ ...seen, last_time: now, pid: 4800, evidence: [...seen.evidence, { pid: 4800, process_started: now }] })).toMatchObject([{ input: { pid: 4800 } }]);
    expect(await tell({ ...seen, last_time: now, evidence: [{ pid: 4711, process_started: now }] })).toMatchObject([{ input: { pid: 4711, started: now } }]);
  });

  it('does nothing while it is paused', async () => {
    paused = now + minute;
    expect(await tell(alert())).toEqual([]);
    expect(counted).toEqual(['not done while paused']);
    now = paused;
    expect(await tell(alert())).toHaveLength(1);
  });

  it('does not do again what a person took back for this alert', async () => {
    receipts = [{ from: 'a1', status: 'undone', history: [{ time: now, status: 'undone', by: 'operator:me' }] } as unknown as Receipt];
    expect(await tell(alert())).toEqual([]);
    receipts = [{ from: 'a3', status: 'undone', history: [{ time: now, status: 'undone', by: 'clock' }] } as unknown as Receipt];
    expect(await tell(alert({ id: 'a3', source_ip: '203.0.113.11' }))).toHaveLength(1);
  });

  it('counts what was refused, and waits before it tries again', async () => {
    fails = new MoatError('refused', 'somebody is logged on from there');
    await tell(alert());
    fails = undefined;
    expect(counted).toEqual(['ban refused']);
    expect(await tell(alert())).toEqual([]);
    now += minute;
    expect(await tell(alert())).toHaveLength(1);
  });
});

describe('a link', () => {
  it.each([['T1110', ['T1110'], true], ['T1110', ['T1110.003'], true], ['T1110', ['T1111'], false], ['T1110.001', ['T1110'], false]])('of %s and an alert of %j: %s', (technique, attack, expected) => {
    expect(fits({ ...ban, when: { attack: [technique], level: 'low' } }, { ...alert(), attack })).toBe(expected);
  });
  it.each([['ssh_*', 'ssh_x', true], ['*_x', 'ssh_x', true], ['*sh*', 'ssh_x', true], ['*', 'anything', true], ['ssh', 'ssh_x', false]])('pattern %s and %s: %s', (pattern, text, expected) => { expect(matches(pattern, text)).toBe(expected); });
  it('never lasts longer than the longest', () => { expect(banMs({ first: minute, factor: 1000, most: 5 * minute }, 1e9)).toBe(5 * minute); });
});
