/** The time zone of a tree: logs whose times name none were written in it. */
import { attempt } from './look.ts';
import type { Looking } from './port.ts';

/** Minutes east of UTC at a wall-clock reading (ms as if UTC), as decoders of logs ask; 0 where the tree names no zone that is known. */
export function zoneOf(context: Looking): (wallMs: number) => number {
  const link = attempt(context, '/etc/localtime', () => context.tree.link('/etc/localtime'));
  const name = /zoneinfo\/(?:posix\/|right\/)?([\w+-]{1,40}(?:\/[\w+-]{1,40}){0,2})$/.exec(link ?? '')?.[1];
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name ?? 'UTC', hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' });
  } catch { return () => 0; }
  const shown = (ms: number): number => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(parts.get('year')!, parts.get('month')! - 1, parts.get('day'), parts.get('hour'), parts.get('minute'));
  };
  const at = (ms: number): number => { const whole = Math.floor(ms / 60_000) * 60_000; return (shown(whole) - whole) / 60_000; };
  // The zone is asked at the reading as if it were UTC, then at the moment that this gives.
  return (wallMs) => at(wallMs - at(wallMs) * 60_000);
}
