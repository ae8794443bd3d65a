/** When a channel may send: its service's limits, the quiet hours, and ever longer waits after failures. Pure. */
import { atLeast, levels, type Level } from '../../core/level.ts';

export interface Pace { perMinute: number; perSecond?: number }

const minuteMs = 60_000;
/** Clocks of two machines tick differently. */
const marginMs = 50;
/** Left for what people send by hand. */
const spare = 2;

/**
 * The earliest time for the next notice. `sent`: when earlier ones had been answered, ascending: a request arrives before its answer, so
 * reckoned from there the service never counts more than its limit in any minute.
 */
export function allowedAt(sent: readonly number[], pace: Pace, now: number): number {
  const perMinute = pace.perMinute >= 10 ? pace.perMinute - spare : pace.perMinute;
  const past = sent.filter((time) => time <= now);
  const after = (n: number, ms: number): number => (past.length >= n ? past[past.length - n]! + ms + marginMs : 0);
  return Math.max(now, after(perMinute, minuteMs), pace.perSecond === undefined ? 0 : after(pace.perSecond, 1000));
}

/** What of `sent` still counts, with `now`. */
export const withSent = (sent: readonly number[], now: number): number[] => [...sent.filter((time) => time <= now && time > now - 2 * minuteMs), now];

/** `from`, `to`: minutes of the day; `level` and worse go at any hour. */
export interface Quiet { from: number; to: number; level: Level; zone?: string }

/** Levels that may be told now. Critical always may. */
export function toldNow(quiet: Quiet | undefined, now: number): Level[] {
  if (!quiet || !isQuiet(quiet, now)) return [...levels];
  return levels.filter((level) => level === 'critical' || atLeast(level, quiet.level));
}

function isQuiet({ from, to, zone }: Quiet, now: number): boolean {
  const minute = minuteOf(now, zone);
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** Minutes since midnight in the zone; without one, the machine's. */
function minuteOf(ms: number, zone: string | undefined): number {
  const parts = new Intl.DateTimeFormat('en-GB', { ...(zone !== undefined && { timeZone: zone }), hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).formatToParts(ms);
  const of = (type: 'hour' | 'minute'): number => Number(parts.find((part) => part.type === type)?.value ?? 0);
  return of('hour') * 60 + of('minute');
}

/** Doubles with each try; `chance` 0–1 spreads it over its upper half, so that machines do not come back all at once. */
export const backOff = (tries: number, firstMs: number, longestMs: number, chance: number): number =>
  Math.min(firstMs * 2 ** Math.min(Math.max(tries, 1) - 1, 30), longestMs) * (0.5 + chance / 2);
