import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedAt, backOff, toldNow, withSent, type Quiet } from './timing.ts';

const start = Date.UTC(2026, 10, 22, 4);

describe('limits', () => {
  it('hold in every minute and second that the service may count by, however long requests take', () => {
    fc.assert(fc.property(fc.array(fc.record({ idle: fc.nat(5000), wire: fc.nat(3000) }), { minLength: 50, maxLength: 150 }), fc.constantFrom({ perMinute: 20 }, { perMinute: 50, perSecond: 1 }, { perMinute: 100, perSecond: 5 }), (steps, pace) => {
      let now = start;
      let window: number[] = [];
      const arrivals: number[] = [];
      for (const { idle, wire } of steps) {
        now = Math.max(now + idle, allowedAt(window, pace, now));
        arrivals.push(now + Math.floor(wire * ((arrivals.length * 7) % 11) / 10)); // anywhere between sending and answer
        now += wire;
        window = withSent(window, now);
      }
      const most = (ms: number): number => Math.max(...arrivals.map((from) => arrivals.filter((time) => time >= from && time < from + ms).length));
      expect(most(60_000)).toBeLessThanOrEqual(pace.perMinute);
      if ('perSecond' in pace) expect(most(1000)).toBeLessThanOrEqual(pace.perSecond!);
    }), { numRuns: 60 });
  });

  it('are not held up by a clock that was set back', () => {
    const ahead = Array.from({ length: 20 }, (_, i) => start + 3_600_000 + i);
    expect(allowedAt(ahead, { perMinute: 20 }, start)).toBe(start);
    expect(withSent(ahead, start)).toEqual([start]);
  });
});

describe('quiet hours', () => {
  const quiet: Quiet = { from: 22 * 60 + 30, to: 7 * 60 + 30, level: 'critical', zone: 'Asia/Shanghai' };
  const at = (text: string): number => Date.parse(`2026-11-22T${text}:00+08:00`);

  it('go over midnight in their own zone', () => {
    for (const time of ['22:30', '23:59', '00:00', '07:29']) expect(toldNow(quiet, at(time)), time).toEqual(['critical']);
    for (const time of ['07:30', '12:00', '22:29']) expect(toldNow(quiet, at(time)), time).toHaveLength(5);
  });

  it('go by the clock on the wall when it is set for summer and winter', () => {
    const berlin: Quiet = { from: 2 * 60 + 15, to: 2 * 60 + 45, level: 'critical', zone: 'Europe/Berlin' };
    // There is no such half hour in the night of 29 March 2026, and there are two in that of 25 October.
    const quiet = (from: string, minutes: number): number => Array.from({ length: minutes }, (_, i) => toldNow(berlin, Date.parse(from) + i * 60_000).length).filter((told) => told === 1).length;
    expect([quiet('2026-03-28T20:00:00Z', 720), quiet('2026-03-29T20:00:00Z', 720), quiet('2026-10-24T20:00:00Z', 720)]).toEqual([0, 30, 60]);
    const night: Quiet = { from: 22 * 60, to: 6 * 60, level: 'critical', zone: 'Europe/Berlin' };
    const ends = (from: string): string => new Date(Array.from({ length: 1440 }, (_, i) => Date.parse(from) + i * 60_000).find((at) => toldNow(night, at).length > 1)!).toISOString();
    expect([ends('2026-03-28T22:00:00Z'), ends('2026-10-24T22:00:00Z')]).toEqual(['2026-03-29T04:00:00.000Z', '2026-10-25T05:00:00.000Z']);
  });

  it('let critical through whatever is set, and other levels as told', () => {
    expect(toldNow({ ...quiet, level: 'medium' }, at('03:00'))).toEqual(['medium', 'high', 'critical']);
    expect(toldNow({ from: 9 * 60, to: 17 * 60, level: 'high', zone: 'Asia/Shanghai' }, at('12:00'))).toEqual(['high', 'critical']);
    expect(toldNow({ from: 60, to: 60, level: 'critical' }, at('12:00'))).toHaveLength(5);
  });
});

it('backs off ever longer, spread, never past its longest', () => {
  expect([1, 2, 3, 4].map((tries) => backOff(tries, 5000, 900_000, 1))).toEqual([5000, 10_000, 20_000, 40_000]);
  expect(backOff(1, 5000, 900_000, 0)).toBe(2500);
  expect(backOff(1000, 5000, 900_000, 1)).toBe(900_000);
});
