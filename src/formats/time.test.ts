import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Times } from './time.ts';

const now = Date.UTC(2026, 10, 22, 4, 0, 0);
const utc = (at = now): Times => new Times({ now: () => at, zoneOffset: () => 0 });
const shanghai = (): Times => new Times({ now: () => now, zoneOffset: () => 480 });
const iso = (ms: number): string => new Date(ms).toISOString();

describe('times as logs write them', () => {
  it.each([
    ['Nov 22 02:27:01 host', '2026-11-22T02:27:01.000Z', 15],
    ['Nov  2 02:27:01 host', '2026-11-02T02:27:01.000Z', 15],
    ['Nov 2 02:27:01 host', '2026-11-02T02:27:01.000Z', 14],
    ['Nov 22 02:27:01.123456 host', '2026-11-22T02:27:01.123Z', 22],
    ['Nov 22 2025 02:27:01 host', '2025-11-22T02:27:01.000Z', 20],
    ['11月 22 02:27:01 host', '2026-11-22T02:27:01.000Z', 15],
    ['1月 02 02:27:01 host', '2026-01-02T02:27:01.000Z', 14],
    ['Okt 05 02:27:01 host', '2026-10-05T02:27:01.000Z', 15],
    ['2026-11-22T02:27:01Z', '2026-11-22T02:27:01.000Z', 20],
    ['2026-11-22T10:27:01.123456+08:00 host', '2026-11-22T02:27:01.123Z', 32],
    ['2026-11-22T10:27:01+0800', '2026-11-22T02:27:01.000Z', 24],
    ['2026-11-21T21:27:01.5-05:00', '2026-11-22T02:27:01.500Z', 27],
    ['2026-11-22 02:27:01,123 INFO', '2026-11-22T02:27:01.123Z', 23],
    ['2026-11-22 02:27:01 UTC host', '2026-11-22T02:27:01.000Z', 23],
    ['2026-11-22 10:27:01 +0800 x', '2026-11-22T02:27:01.000Z', 25],
    ['2026/11/22 02:27:01 [error]', '2026-11-22T02:27:01.000Z', 19],
    ['22/Nov/2026:10:27:01 +0800]', '2026-11-22T02:27:01.000Z', 26],
    ['22-Nov-2026 02:27:01.425 client', '2026-11-22T02:27:01.425Z', 24],
    ['Sun Nov 22 02:27:01 2026', '2026-11-22T02:27:01.000Z', 24],
    ['Sun Nov 22 02:27:01.123456 2026] x', '2026-11-22T02:27:01.123Z', 31],
    ['Sun Nov  1 02:27:01 2026', '2026-11-01T02:27:01.000Z', 24],
    ['Sun 2026-11-22 02:27:01 CST host', '2026-11-22T02:27:01.000Z', 27],
    ['261122  2:27:01 x', '2026-11-22T02:27:01.000Z', 15],
    ['261122 12:27:01 x', '2026-11-22T12:27:01.000Z', 15],
    ['20261122 02:27:01', '2026-11-22T02:27:01.000Z', 17],
    ['[Sun Nov 22 02:27:01 2026] x', '2026-11-22T02:27:01.000Z', 25],
    ['20261122-02:27:01] x', '2026-11-22T02:27:01.000Z', 17],
    ['1795314421 x', '2026-11-22T02:27:01.000Z', 10],
    ['1795314421.250 x', '2026-11-22T02:27:01.250Z', 14],
    ['1795314421123 x', '2026-11-22T02:27:01.123Z', 13],
  ])('%s', (text, expected, next) => {
    const times = utc();
    expect(iso(times.read(text))).toBe(expected);
    expect(times.next).toBe(next);
    expect(times.unknown).toBe(0);
  });

  it('takes times without a zone as local', () => {
    expect(iso(shanghai().read('Nov 22 10:27:01'))).toBe('2026-11-22T02:27:01.000Z');
    expect(iso(shanghai().read('2026/11/22 10:27:01'))).toBe('2026-11-22T02:27:01.000Z');
    expect(iso(shanghai().read('Sun Nov 22 10:27:01 2026'))).toBe('2026-11-22T02:27:01.000Z');
    expect(iso(shanghai().read('2026-11-22T02:27:01Z'))).toBe('2026-11-22T02:27:01.000Z');
  });

  it('asks the zone again when the hour may have changed it', () => {
    // Berlin left summer time on 25 October 2026 at 03:00.
    const times = new Times({ now: () => now, zoneOffset: (wall) => (wall < Date.UTC(2026, 9, 25, 3) ? 120 : 60) });
    expect(iso(times.read('Oct 25 01:59:59'))).toBe('2026-10-24T23:59:59.000Z');
    expect(iso(times.read('Oct 25 03:00:00'))).toBe('2026-10-25T02:00:00.000Z');
  });
});

describe('the year that RFC 3164 leaves out', () => {
  it('crosses New Year within one file', () => {
    const times = utc(Date.UTC(2027, 0, 1, 0, 5));
    expect(iso(times.read('Dec 31 23:59:59'))).toBe('2026-12-31T23:59:59.000Z');
    expect(iso(times.read('Jan  1 00:00:01'))).toBe('2027-01-01T00:00:01.000Z');
  });

  it('allows a clock that is up to a day ahead, even over New Year', () => {
    expect(iso(utc(Date.UTC(2026, 11, 31, 23, 50)).read('Jan  1 00:10:00'))).toBe('2027-01-01T00:10:00.000Z');
    expect(iso(utc().read('Nov 23 03:00:00'))).toBe('2026-11-23T03:00:00.000Z');
    expect(iso(utc().read('Nov 24 04:00:01'))).toBe('2025-11-24T04:00:01.000Z');
  });

  it('keeps lines of a clock that was set back beside their neighbours', () => {
    const times = utc();
    expect(iso(times.read('Nov 22 03:00:00'))).toBe('2026-11-22T03:00:00.000Z');
    expect(iso(times.read('Nov 25 03:00:00'))).toBe('2026-11-25T03:00:00.000Z');
    expect(iso(times.read('Nov 22 03:00:05'))).toBe('2026-11-22T03:00:05.000Z');
  });

  it('finds the last leap day', () => {
    expect(iso(utc().read('Feb 29 12:00:00'))).toBe('2024-02-29T12:00:00.000Z');
  });

  it('chooses anew when a long run has moved now', () => {
    let clock = Date.UTC(2026, 0, 10);
    const times = new Times({ now: () => clock, zoneOffset: () => 0 });
    expect(iso(times.read('Mar  1 00:00:00'))).toBe('2025-03-01T00:00:00.000Z');
    clock = Date.UTC(2026, 2, 1, 1);
    expect(iso(times.read('Mar  1 00:00:00'))).toBe('2026-03-01T00:00:00.000Z');
  });
});

describe('times that cannot be read', () => {
  it.each(['', 'no time here', 'Nov 31 02:27:01', 'Foo 22 02:27:01', 'Nov 22 25:00:00', '2026-13-01T00:00:00Z', '2026-02-29 10:00:00', '0000-12-30 00:00:00', '99/Foo/2026:00:00:00', '12:30:00', '['.repeat(100_000)])('%j falls back to the line before and is counted', (text) => {
    const times = utc();
    expect(times.read(text)).toBe(now);
    times.read('Nov 22 02:27:01');
    expect(iso(times.read(text))).toBe('2026-11-22T02:27:01.000Z');
    expect(times.unknown).toBe(2);
    expect(times.next).toBe(-1);
  });

  it('never gives NaN or looks past the text, whatever it is', () => {
    const times = utc();
    const like = fc.stringMatching(/^[\d NovSun:\-/.,TZ+[]{0,40}$/);
    fc.assert(fc.property(fc.oneof(fc.string(), like), fc.nat(5), (text, at) => {
      expect(Number.isFinite(times.read(text, at))).toBe(true);
      expect(times.next).toBeLessThanOrEqual(text.length);
    }));
  });

  it('reads back what Date writes, over a hundred years', () => {
    const times = utc();
    fc.assert(fc.property(fc.integer({ min: 0, max: Date.UTC(2099, 11, 31) }), (ms) => {
      expect(times.read(iso(ms))).toBe(ms);
    }));
  });
});
