/** The older parts that rotation leaves of a log: `auth.log.1`, `auth.log.2.gz`, `secure-20261101`. */
import { filesOf } from './look.ts';
import type { Looking } from './port.ts';

const ending = /^(?:\.(\d{1,3})|-(\d{8}(?:-\d+)?))(?:\.(?:gz|xz|zst|bz2))?$/;

/** Newest first. */
export function olderParts(context: Looking, path: string): string[] {
  const parts = filesOf(context, path.slice(0, path.lastIndexOf('/'))).flatMap((one) => {
    const found = one.startsWith(path) ? ending.exec(one.slice(path.length)) : null;
    return found ? [{ one, number: Number(found[1] ?? 0), date: found[2] ?? '' }] : [];
  });
  return parts.sort((a, b) => a.number - b.number || (a.date < b.date ? 1 : -1)).map(({ one }) => one);
}
