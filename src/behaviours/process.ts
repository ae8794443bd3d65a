/** What behaviours say about processes. */
import type { Event } from '../core/gen/event.ts';

/** pid and start: one process, also when the pid comes back. */
export const processKey = (event: Event): string => `${event.pid ?? 0}:${event.process_started ?? 0}`;

/** The executable, else the name. */
export const programOf = (event: Event): string => event.process_path ?? event.process_name ?? '?';

const temporary = ['/tmp/', '/var/tmp/', '/dev/shm/', '/run/shm/', '/dev/mqueue/'];
const system = ['/usr/', '/bin/', '/sbin/', '/lib/', '/lib64/', '/opt/', '/snap/'];
const deleted = ' (deleted)';

/**
 * Whether an executable lies where honest programs do not: temporary folders, memory, hidden names, or a file
 * that was removed. A removed file of a system folder is no sign: updates replace running programs.
 */
export function isSuspiciousPath(path: string | undefined): boolean {
  if (path === undefined) return false;
  if (path.startsWith('/memfd:') || path.includes('/.')) return true;
  if (temporary.some((folder) => path.startsWith(folder))) return true;
  return path.endsWith(deleted) && !system.some((folder) => path.startsWith(folder));
}

/** Command line or path cut to a length fit for one line. */
export const short = (text: string, length = 200): string => text.length <= length ? text : `${text.slice(0, length - 1)}…`;
