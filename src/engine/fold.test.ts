import { describe, expect, it } from 'vitest';
import type { Alert, Detection } from '../core/alert.ts';
import { Event } from '../core/gen/event.ts';
import { AlertFolder, keyOf } from './fold.ts';

const minute = 60_000;
const start = Date.UTC(2026, 10, 22, 2);

function failure(n: number, time = start + n * 1000): Event {
  const event = new Event(`e${n}`, time, 'sshd');
  event.source_ip = '203.0.113.9';
  event.user = 'root';
  event.service = 'sshd';
  event.lines = [n];
  return event;
}

function detection(events: Event[], more: Partial<Detection> = {}): Detection {
  return { ruleId: 'r', title: { zh: '爆破', en: 'brute force' }, summary: { zh: '{source_ip} 试了 {count} 次', en: '{source_ip} tried {count} times as {user} from {nowhere}' }, level: 'medium', attack: ['T1110'], key: '', time: events.at(-1)!.time, events, count: events.length, ...more };
}

const folder = (more: { latest?: (rule: string, key: string) => Alert | undefined } = {}) => new AlertFolder({ host: 'web1', lang: 'en', gap: 60 * minute, ...more });

describe('folding repeats into one alert', () => {
  it('adds repeats to one alert and reports it once a drain', () => {
    const fold = folder();
    fold.add(detection([1, 2, 3, 4, 5].map((n) => failure(n))));
    for (let n = 6; n <= 500; n++) fold.add(detection([failure(n)]));
    const [only, ...others] = fold.drain();
    expect(others).toEqual([]);
    expect(only?.isNew).toBe(true);
    expect(only?.alert).toMatchObject({ count: 500, source_ip: '203.0.113.9', time: start + 1000, last_time: start + 500_000, summary: '203.0.113.9 tried 500 times as root from ?' });
    expect(only?.alert.lines).toHaveLength(500);
    expect(fold.drain()).toEqual([]);
  });

  it('keeps the first and the latest events as evidence, and no more', () => {
    const fold = folder();
    const add = (from: number, to: number): unknown[] => {
      for (let n = from; n <= to; n++) fold.add(detection([failure(n)]));
      return fold.drain()[0]!.alert.evidence.map((e) => e.id);
    };
    // Between two looks a flood leaves its latest event.
    expect(add(1, 50)).toEqual(['e1', 'e2', 'e3', 'e50']);
    for (let n = 51; n <= 100; n++) add(n, n);
    expect(add(101, 101)).toEqual(['e1', 'e2', 'e3', 'e97', 'e98', 'e99', 'e100', 'e101']);
  });

  it('is the same alert, no longer new, when it grows after a drain', () => {
    const fold = folder();
    fold.add(detection([failure(1)]));
    const first = fold.drain()[0]!;
    fold.add(detection([failure(2)]));
    const second = fold.drain()[0]!;
    expect(second.alert.id).toBe(first.alert.id);
    expect(second.isNew).toBe(false);
    expect(second.alert.count).toBe(2);
  });

  it('begins anew after the gap, and after a person closed it', () => {
    const fold = folder();
    fold.add(detection([failure(1)]));
    const first = fold.drain()[0]!.alert;
    fold.add(detection([failure(2, start + 62 * minute)]));
    const second = fold.drain()[0]!.alert;
    expect(second.id).not.toBe(first.id);
    fold.forget(new Set([second.id]));
    fold.add(detection([failure(3, start + 63 * minute)]));
    expect(fold.drain()[0]!.alert.id).not.toBe(second.id);
  });

  it('goes on with an alert of an earlier run, and gives the same id to the same beginning', () => {
    const earlier = folder();
    earlier.add(detection([failure(1), failure(2)]));
    const stored = earlier.drain()[0]!.alert;
    const later = folder({ latest: () => stored });
    later.add(detection([failure(3)]));
    expect(later.drain()[0]).toMatchObject({ isNew: false, alert: { id: stored.id, count: 3 } });
    const again = folder();
    again.add(detection([failure(1), failure(2)]));
    expect(again.drain()[0]!.alert.id).toBe(stored.id);
  });

  it('names the process that lives now when a program was started anew', () => {
    const fold = folder();
    const miner = (n: number, pid: number): Detection => detection([Object.assign(failure(n), { pid })], { key: 'miner /tmp/x' });
    fold.add(miner(1, 4711));
    expect(fold.drain()[0]?.alert.pid).toBe(4711);
    fold.add(miner(2, 4800));
    expect(fold.drain()[0]?.alert).toMatchObject({ pid: 4800, count: 2 });
  });

  it('takes the worst level', () => {
    const fold = folder();
    fold.add(detection([failure(1)], { level: 'low' }));
    fold.add(detection([failure(2)], { level: 'high' }));
    fold.add(detection([failure(3)], { level: 'medium' }));
    expect(fold.drain()[0]!.alert.level).toBe('high');
  });

  it('stays bounded under a flood of different things', () => {
    const fold = folder();
    for (let n = 0; n < 60_000; n++) fold.add(detection([failure(1)], { key: `k${n}` }));
    expect(fold.size).toBeLessThanOrEqual(50_000);
    expect(fold.drain()).toHaveLength(60_000);
  });

  it('holds fewer where a ledger has the rest, and goes on with those from there', () => {
    const stored = new Map<string, Alert>();
    const fold = folder({ latest: (_rule, key) => stored.get(key) });
    const told = (): void => { for (const { alert } of fold.drain()) stored.set(alert.key, alert); };
    for (let n = 0; n < 60_000; n++) {
      fold.add(detection([failure(n, start)], { key: `k${n}` }));
      if (n % 5000 === 4999) { told(); expect(fold.size).toBeLessThanOrEqual(10_000); }
    }
    // Those that are to be told together are all there until then, however many.
    for (let n = 0; n < 40_000; n++) fold.add(detection([failure(60_000 + n, start + minute)], { key: `k${n % 20_000}` }));
    told();
    expect(stored.size).toBe(60_000);
    expect([...stored.values()].slice(0, 20_000).every(({ count }) => count === 3)).toBe(true);
    expect(fold.size).toBeLessThanOrEqual(10_000);
  });

  it('tells apart by the attacker first, then by who ran what', () => {
    const event = new Event('x', start, 'process_creation');
    event.user = 'www-data';
    event.process_path = '/usr/bin/curl';
    expect(keyOf(event)).toBe('process www-data /usr/bin/curl');
    event.source_ip = '203.0.113.9';
    expect(keyOf(event)).toBe('ip 203.0.113.9');
  });
});

describe('secrets', () => {
  it('never reach an alert: not its evidence, its summary, its key or its story', () => {
    const event = Object.assign(new Event('p1', start, 'process_creation'), { process_cmdline: 'mysqldump -uroot -pHunter22 shop', parent_cmdline: 'sh -c mysqldump -uroot -pHunter22 shop', origin: 'cron', extra: {} });
    const fold = new AlertFolder({ host: 'web1', lang: 'en', gap: 60 * minute, story: () => 'cron > mysqldump -uroot -pHunter22 shop' });
    fold.add(detection([event], { key: `process_cmdline ${event.process_cmdline}`, summary: { zh: '{process_cmdline}', en: '{process_cmdline}; {command}' }, group: { command: 'PGPASSWORD=Hunter22 psql' } }));
    const { alert } = fold.drain()[0]!;
    expect(JSON.stringify(alert)).not.toContain('Hunter22');
    expect(alert.summary).toBe('mysqldump -uroot -p*** shop; PGPASSWORD=*** psql');
    expect(alert.evidence[0]).toMatchObject({ process_cmdline: 'mysqldump -uroot -p*** shop' });
    // Detection holds the same event still, and its rules must see what was run.
    expect(event.process_cmdline).toBe('mysqldump -uroot -pHunter22 shop');
  });
});
