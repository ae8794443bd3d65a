/** The older parts that rotation leaves of a log: `auth.log.1`, `auth.log.2.gz`, `secure-20261101`. */
import { filesOf, linesIn } from './look.ts';
import type { Looking } from './port.ts';
import { zoneOf } from './zone.ts';

const ending = /^(?:\.(\d{1,3})|-(\d{8}(?:-\d+)?))(?:\.(?:gz|xz|zst|bz2))?$/;

/** Newest first. */
export function olderParts(context: Looking, path: string): string[] {
  const parts = filesOf(context, path.slice(0, path.lastIndexOf('/'))).flatMap((one) => {
    const found = one.startsWith(path) ? ending.exec(one.slice(path.length)) : null;
    return found ? [{ one, number: Number(found[1] ?? 0), date: found[2] ?? '' }] : [];
  });
  return parts.sort((a, b) => a.number - b.number || (a.date < b.date ? 1 : -1)).map(({ one }) => one);
}

const packed = /\.(?:gz|xz|zst|bz2)$/;

/** The newest of them that is not packed. */
export const newestOlder = (context: Looking, path: string): string | undefined => olderParts(context, path).find((one) => !packed.test(one));

/** Where logrotate writes down when it turned which log: Debian, Red Hat, older ones. */
const states = ['/var/lib/logrotate/status', '/var/lib/logrotate/logrotate.status', '/var/lib/logrotate.status'];

/** When logrotate last turned these logs, or first saw them, by its own notes (Unix ms). */
export function lastTurns(context: Looking, paths: readonly string[]): Map<string, number> {
  const walls = new Map<string, number>();
  for (const state of states) for (const { text } of linesIn(context, state)) {
    const found = /^"(\/[^"]{1,4000})" (\d{4})-(\d{1,2})-(\d{1,2})(?:-(\d{1,2}):(\d{1,2}):(\d{1,2}))?$/.exec(text);
    if (!found || !paths.includes(found[1]!)) continue;
    const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = found.slice(2).map((one) => Number(one ?? 0));
    walls.set(found[1]!, Date.UTC(year, month - 1, day, hour, minute, second));
  }
  const zone = zoneOf(context);
  return new Map([...walls].map(([path, wall]) => [path, wall - zone(wall) * 60_000]));
}
