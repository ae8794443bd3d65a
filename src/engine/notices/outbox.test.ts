/** The queue of a real store, channels that send to services as strict as the real ones, and time that passes by itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { dingtalkServer, feishuServer, slackServer, type Service } from '../../../test/notice-servers.ts';
import { deliverBy } from '../../../test/notices.ts';
import type { Level } from '../../core/level.ts';
import type { Notice, Outcome, QueuedNotice } from '../../core/notice.ts';
import type { Store } from '../../core/ports.ts';
import { dingtalk } from '../../notifiers/dingtalk/notifier.ts';
import { feishu } from '../../notifiers/feishu/notifier.ts';
import type { Notifier } from '../../notifiers/port.ts';
import { slack } from '../../notifiers/slack/notifier.ts';
import { sampleAlert } from '../../stores/contract.ts';
import { StoreError } from '../../stores/error.ts';
import { openSqliteStore } from '../../stores/sqlite/store.ts';
import { Health } from '../health.ts';
import { headOf, itemOf } from './item.ts';
import { Outbox, type Channel, type OutboxOptions } from './outbox.ts';

const begin = Date.parse('2026-11-22T12:00:00+08:00');
let now = begin;
const clock = { now: () => now };
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  now = begin;
});

function openStore(): { store: Store; dir: string } {
  const dir = mkdtempSync(join(tmpdir(), 'moat-outbox-'));
  const store = openSqliteStore({ dir, now: clock.now });
  ends.push(() => rmSync(dir, { recursive: true }), () => store.close());
  return { store, dir };
}

const row = (channel: string, subject: string, level: Level = 'high'): QueuedNotice => {
  const { evidence: _, ...alert } = sampleAlert(subject, { level, rule_id: `rule ${subject}`, key: subject });
  return { channel, subject, level, time: now, alert };
};

interface Run { outbox: Outbox; health: Health; add: (...rows: QueuedNotice[]) => void; until: (ms: number, each?: (passed: number) => void) => Promise<void> }

/** Time goes on whenever the outbox sleeps. */
function run(store: Store, channels: readonly Channel[], change: Partial<OutboxOptions> = {}, max = 1000): Run {
  let id = Math.floor(Math.random() * 1e9);
  const health = new Health(clock.now);
  let stop = new AbortController();
  let end = 0;
  let each: (passed: number) => void = () => undefined;
  const outbox = new Outbox({
    channels, queue: store.notices, health, alert: (subject) => store.ledger.alert(subject), item: (one, stands, lang) => itemOf(stands ?? one.alert, lang, 'zh'), host: 'shop-1', digestMs: 60_000, heldMax: 100, now: clock.now, chance: () => 0.5,
    newId: () => (id++).toString(16).padStart(24, '0'),
    sleep: async (ms) => {
      const step = Math.min(ms, 1000);
      now += step;
      each(now);
      if (now >= end) stop.abort();
      await new Promise((resolve) => { setImmediate(resolve); });
      // What it wanted to sleep beyond a second it sleeps when it looks again.
    },
    ...change,
  });
  return {
    outbox, health,
    add(...rows) {
      store.commit({ events: [], alerts: [], positions: [], notices: { rows, max } });
      outbox.stored({ rows, max }, true);
    },
    async until(ms, often = () => undefined) {
      stop = new AbortController();
      end = now + ms;
      each = often;
      await outbox.run(stop.signal);
    },
  };
}

/** A channel that notes what it was handed. */
function recorder(answers: Outcome[] = [], change: Partial<Channel> = {}): Channel & { got: { at: number; notice: Notice }[] } {
  const got: { at: number; notice: Notice }[] = [];
  return { name: 'ops', lang: 'zh', pace: { perMinute: 20 }, attaches: false, got, deliver: (notice) => { got.push({ at: now, notice }); return Promise.resolve(answers.shift() ?? { kind: 'sent' }); }, ...change };
}

const subjects = (got: { notice: Notice }[]): string[][] => got.map(({ notice }) => notice.items.map(({ id }) => id));

describe('digests', () => {
  it('tell what comes together as one, worst first, and then wait', async () => {
    const channel = recorder();
    const { add, until } = run(openStore().store, [channel]);
    add(row('ops', 'a', 'medium'), row('ops', 'b'), row('ops', 'c', 'low'));
    let isLate = false;
    await until(120_000, (at) => { if (!isLate && at > begin + 10_000) { isLate = true; add(row('ops', 'd')); } });
    expect(subjects(channel.got)).toEqual([['b', 'a', 'c'], ['d']]);
    expect(channel.got[0]!.notice).toMatchObject({ level: 'high', host: 'shop-1', dropped: 0 });
    expect(channel.got[1]!.at - channel.got[0]!.at).toBeGreaterThanOrEqual(60_000);
  });

  it('do not keep what is critical waiting', async () => {
    const channel = recorder();
    const { add, until } = run(openStore().store, [channel]);
    add(row('ops', 'a'));
    let isLate = false;
    await until(30_000, (at) => { if (!isLate && at > begin + 8000) { isLate = true; add(row('ops', 'b', 'critical')); } });
    expect(subjects(channel.got)).toEqual([['a'], ['b']]);
    expect(channel.got[1]!.at).toBeLessThan(begin + 12_000);
  });

  it('tell an alert once, as it stands by then', async () => {
    const { store } = openStore();
    const channel = recorder();
    const { add, until } = run(store, [channel]);
    add(row('ops', 'a', 'medium'));
    store.commit({ events: [], alerts: [sampleAlert('a', { level: 'high', count: 99 })], positions: [] });
    add(row('ops', 'a', 'high'));
    await until(10_000);
    expect(channel.got.map(({ notice }) => notice.items.map(({ level, count }) => ({ level, count })))).toEqual([[{ level: 'high', count: 99 }]]);
  });

  it('name what a full queue dropped: the mildest first, of them the oldest', async () => {
    const { store } = openStore();
    const channel = recorder();
    const { add, until } = run(store, [channel], {}, 10);
    for (let i = 0; i < 30; i++) add(row('ops', `low ${i}`, 'low'), row('ops', `high ${i}`, i < 4 ? 'high' : 'medium'));
    await until(10_000);
    expect(subjects(channel.got)[0]!.toSorted()).toEqual(['high 0', 'high 1', 'high 2', 'high 3', 'high 24', 'high 25', 'high 26', 'high 27', 'high 28', 'high 29'].toSorted());
    expect(channel.got[0]!.notice.dropped).toBe(50);
    expect(store.notices.dropped('ops')).toEqual({ all: 50, untold: 0 });
    add(row('ops', 'later'));
    await until(100_000);
    expect(channel.got[1]!.notice.dropped).toBe(0);
  });
});

describe('quiet hours', () => {
  const quiet = { from: 12 * 60, to: 13 * 60, level: 'critical' as const, zone: 'Asia/Shanghai' };

  it('keep everything but the critical until they end', async () => {
    const channel = recorder();
    const { add, until } = run(openStore().store, [channel], { quiet });
    add(row('ops', 'a'), row('ops', 'b', 'critical'), row('ops', 'c', 'medium'));
    await until(65 * 60_000);
    expect(subjects(channel.got)).toEqual([['b'], ['a', 'c']]);
    expect(channel.got[1]!.at).toBeGreaterThanOrEqual(Date.parse('2026-11-22T13:00:00+08:00'));
  });
});

describe('failures', () => {
  const retry: Outcome = { kind: 'retry-after', code: 'HTTP 500', what: { zh: '出错', en: 'failed' } };

  it('are tried again ever more slowly with the same id, and shown', async () => {
    const channel = recorder([retry, retry, retry]);
    const { add, until, health } = run(openStore().store, [channel]);
    add(row('ops', 'a'));
    await until(8000);
    expect(health.report().parts['notices ops']).toMatchObject({ state: 'waiting', detail: { en: 'failed (HTTP 500)' } });
    await until(120_000);
    expect(new Set(channel.got.map(({ notice }) => notice.id)).size).toBe(1);
    const gaps = channel.got.slice(1).map(({ at }, i) => Math.round((at - channel.got[i]!.at) / 1000));
    expect(gaps).toEqual([4, 8, 15]);
    expect(health.report().parts['notices ops']).toMatchObject({ state: 'live' });
  });

  it('wait as long as the service says, a restart in between', async () => {
    const { store } = openStore();
    const first = run(store, [recorder([{ kind: 'retry-after', code: '130101', ms: 600_000, what: { zh: '停用', en: 'blocked' } }])]);
    first.add(row('ops', 'a'));
    await first.until(60_000);
    const channel = recorder();
    await run(store, [channel]).until(1_200_000);
    expect(channel.got).toHaveLength(1);
    expect(channel.got[0]!.at - begin).toBeGreaterThanOrEqual(600_000);
  });

  it('of the channel keep the notice; with a new configuration it goes at once', async () => {
    const { store } = openStore();
    const refused: Outcome = { kind: 'refused', about: 'channel', code: '310000', what: { zh: '密钥不符', en: 'wrong secret' } };
    const bad = recorder(Array.from({ length: 50 }, () => refused));
    const first = run(store, [bad]);
    first.add(row('ops', 'a'));
    await first.until(6 * 3_600_000);
    expect(bad.got.length).toBeGreaterThan(5);
    expect(bad.got.length).toBeLessThan(20);
    expect(first.health.report().parts['notices ops']).toMatchObject({ state: 'blind' });
    const channel = recorder();
    const begun = now;
    await run(store, [channel]).until(120_000);
    expect(subjects(channel.got)).toEqual([['a']]);
    expect(channel.got[0]!.at - begun).toBeLessThan(5000);
    expect(channel.got[0]!.notice.id).toBe(bad.got[0]!.notice.id);
  });

  it('of the notice itself give it up, and say so in the next', async () => {
    const { store } = openStore();
    const channel = recorder([{ kind: 'refused', about: 'notice', code: '460101', what: { zh: '过大', en: 'too large' } }]);
    const { add, until } = run(store, [channel]);
    add(row('ops', 'a'), row('ops', 'b'));
    await until(10_000);
    add(row('ops', 'c'));
    await until(100_000);
    expect(subjects(channel.got)).toEqual([['a', 'b'], ['c']]);
    expect(channel.got[1]!.notice.dropped).toBe(2);
    expect(store.notices.state('ops')).toMatchObject({ sent: 1, refused: 1 });
  });

  it('that nobody understands, and thrown errors, are tried some times', async () => {
    const { store } = openStore();
    const got: string[] = [];
    const channel: Channel = { ...recorder(), deliver: (notice) => { got.push(notice.items[0]!.id); throw new Error('broken'); } };
    const { add, until } = run(store, [channel]);
    add(row('ops', 'a'));
    await until(2 * 3_600_000);
    expect(got).toHaveLength(10);
    expect(store.notices.state('ops')).toMatchObject({ sent: 0, refused: 1, tries: 0, lastError: { code: 'error', what: { en: 'broken' } } });
  });
});

describe('a restart', () => {
  it('sends what was under way once more as the same notice, and what waited after it', async () => {
    const { store } = openStore();
    const stuck = recorder();
    const first = run(store, [{ ...stuck, deliver: (notice, signal) => { stuck.got.push({ at: now, notice }); return new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)); }); } }]);
    first.add(row('ops', 'a'));
    const ending = first.until(5000);
    // As after kill -9: the first outbox is never heard of again.
    for (let i = 0; i < 100 && stuck.got.length === 0; i++) await new Promise((resolve) => { setTimeout(resolve, 5); });
    store.commit({ events: [], alerts: [], positions: [], notices: { rows: [row('ops', 'b')], max: 1000 } });
    const channel = recorder();
    await run(store, [channel]).until(200_000);
    expect(subjects(channel.got)).toEqual([['a'], ['b']]);
    expect(channel.got[0]!.notice.id).toBe(stuck.got[0]!.notice.id);
    void ending;
  });

  it('forgets channels that are gone', () => {
    const { store } = openStore();
    const { add } = run(store, [recorder()]);
    add(row('ops', 'a'));
    const { health } = run(store, [recorder([], { name: 'other' })]);
    expect(store.notices.waiting('ops')).toEqual([]);
    expect(health.report().counters).toMatchObject({ 'notices: waited for a channel that is not configured any more': 1 });
  });
});

describe('a full disk', () => {
  it('silences nobody', async () => {
    const { store } = openStore();
    const channel = recorder();
    let isFull = false;
    const fullQueue = new Proxy(store.notices, { get: (queue, name: keyof Store['notices']) => (...given: unknown[]) => {
      if (isFull && (name === 'begin' || name === 'end' || name === 'setState')) throw new StoreError('full', 'no space left');
      return (queue[name] as (...all: unknown[]) => unknown)(...given);
    } });
    const { outbox, add, until, health } = run(store, [channel], { queue: fullQueue });
    add(row('ops', 'stored'));
    isFull = true;
    outbox.stored({ rows: [row('ops', 'held'), ...Array.from({ length: 200 }, (_, i) => row('ops', `mild ${i}`, 'low'))], max: 1000 }, false);
    await until(10_000);
    expect(subjects(channel.got)[0]!.slice(0, 2).toSorted()).toEqual(['held', 'stored']);
    expect(channel.got[0]!.notice.items).toHaveLength(101);
    expect(health.report().counters['notices: ops: dropped while the disk was full']).toBe(101);
    // What arrived stands on the disk still; it is not told again, and nobody runs in circles over it.
    await until(200_000);
    expect(channel.got).toHaveLength(1);
    isFull = false;
    add(row('ops', 'after'));
    await until(100_000);
    expect(subjects(channel.got).slice(1)).toEqual([['after']]);
    expect(store.notices.waiting('ops')).toEqual([]);
    expect(store.notices.underWay('ops')).toBeUndefined();
  });
});

describe('the limits of the services', () => {
  const cases: [Notifier, () => Promise<Service>, number][] = [
    [dingtalk, () => dingtalkServer(clock), 20], [feishu, () => feishuServer(clock), 100], [slack, () => slackServer(clock), 60],
  ];

  it.each(cases)('$id: a storm of critical alerts for minutes, with digests as quick as can be and restarts, is never refused and nothing is lost', async (notifier, start, perMinute) => {
    const service = await start();
    ends.push(() => service.close());
    const { store } = openStore();
    const told = new Set<string>();
    const channel: Channel = { name: 'ops', lang: 'zh', pace: notifier.limits, attaches: false, deliver: async (notice) => {
      const outcome = await deliverBy(notifier, { url: service.url }, notice, clock.now);
      if (outcome.kind === 'sent') for (const { id } of notice.items) told.add(id);
      return outcome;
    } };
    let n = 0;
    for (let restart = 0; restart < 6; restart++) {
      const { add, until } = run(store, [channel], { digestMs: 100 });
      await until(15_000, () => add(row('ops', `storm ${n++}`, 'critical'), row('ops', `storm ${n++}`, n % 3 === 0 ? 'critical' : 'high')));
    }
    await run(store, [channel], { digestMs: 100 }).until(120_000);
    expect(new Set(service.codes)).toEqual(new Set([notifier.id === 'slack' ? 'ok' : 0]));
    const most = Math.max(...service.times.map((from) => service.times.filter((time) => time >= from && time < from + 60_000).length));
    expect(most).toBeLessThanOrEqual(perMinute);
    expect(told.size).toBe(n);
    expect(n).toBeGreaterThan(150);
    expect(store.notices.state('ops')).toMatchObject({ refused: 0, tries: 0, sent: service.taken.length });
  });
});

it('an alert keeps what a notice needs when the ledger has forgotten it', async () => {
  const channel = recorder();
  const { add, until } = run(openStore().store, [channel]);
  add({ channel: 'ops', subject: 'x', level: 'high', time: now, alert: headOf(sampleAlert('x', { source_ip: '203.0.113.9' })) });
  await until(10_000);
  expect(channel.got[0]!.notice.items[0]!.facts).toContainEqual({ label: '来源地址', value: '203.0.113.9' });
});
