import type { Event } from '../core/gen/event.ts';
import { canonicalIp } from '../core/address.ts';
import { looksLikeHost } from './address.ts';
import type { LineReader } from './lines.ts';
import type { Times } from './time.ts';

/**
 * MySQL and MariaDB error logs, from 5.0 to 9 and 12:
 *
 *     261122  2:27:01 [Warning] Access denied for user 'root'@'192.0.2.1' (using password: YES)
 *     2026-11-22  2:27:01 8 [Warning] …        2026-11-22T02:27:01.123456Z 8 [Note] [MY-010926] [Server] …
 *     261122  2:27:01    12 Connect   Access denied for user …                            (general log)
 *
 * A user name may hold anything, the host is looked up by the server: the address is taken from the last `'@'`
 * before the fixed end of the message.
 */
export class MysqlLog implements LineReader {
  read(line: string, event: Event, times: Times | undefined): boolean {
    const head = headShape.exec(line.slice(0, 200));
    if (!head) return false;
    if (times) {
      const ms = times.any(line, 0);
      if (times.next < 0) return false;
      event.time = ms;
    }
    event.kind = 'database';
    event.service = 'mysql';
    event.category = 'database';
    event.action = 'log';
    event.outcome = 'unknown';
    event.severity = levels.get((head[1] ?? '').toLowerCase());
    readMessage(line.slice(head[0].length), event);
    return true;
  }
}

// The thread's number tells an ISO time of MySQL from anybody's.
const headShape = /^(?:\d{6} [ \d]\d:\d\d:\d\d(?: +\d+)?|\d{4}-\d\d-\d\d[ T] ?\d{1,2}:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)? +\d+) (?:\[(Warning|Note|ERROR|System|Information)\] |\t? *Connect[ \t]+)(?:\[MY-\d+\] (?:\[\w+\] )?)?(?:\w+: )?/;
const levels: ReadonlyMap<string, string> = new Map([['warning', 'warning'], ['note', 'info'], ['error', 'err'], ['system', 'notice'], ['information', 'info']]);

export function isMysql(line: string): boolean {
  return headShape.test(line.slice(0, 200));
}

/** The message after the head, or as syslog hands it over. True when it says more than plain text. */
export function readMessage(message: string, event: Event): boolean {
  if (message.startsWith('Access denied for user ')) return denied(message, event);
  if (message.startsWith('Host ') && message.includes('is blocked because of many connection errors')) {
    event.action = 'blocked';
    event.outcome = 'failure';
    event.source_ip = canonicalIp(/^Host '([^']{1,255})'/.exec(message)?.[1] ?? '');
    return true;
  }
  const aborted = /^Aborted connection \d+ to db: '.*' user: '(.*)' host: '([^']{1,255})'/s.exec(message);
  if (aborted) {
    event.action = 'connection-aborted';
    event.outcome = 'failure';
    event.user = aborted[1] === 'unauthenticated' || aborted[1] === 'unconnected' ? undefined : aborted[1];
    setHost(aborted[2] ?? '', event);
    return true;
  }
  return false;
}

const deniedEnd = / \(using password: (YES|NO)\)$| to database '[^']*'$|$/;

function denied(message: string, event: Event): boolean {
  const end = deniedEnd.exec(message.trimEnd());
  const names = message.trimEnd().slice(23, end?.index ?? message.length);
  const at = names.lastIndexOf("'@'");
  if (at < 1 || names.charCodeAt(0) !== 39 || !names.endsWith("'")) return false;
  const host = names.slice(at + 3, -1);
  if (canonicalIp(host) === undefined && !looksLikeHost(host)) return false;
  event.category = 'authentication';
  event.action = 'login';
  event.outcome = 'failure';
  event.user = names.slice(1, at);
  event.method = end?.[1] === undefined ? undefined : 'password';
  setHost(host, event);
  return true;
}

function setHost(host: string, event: Event): void {
  event.source_ip = canonicalIp(host) ?? (looksLikeHost(host) ? host : undefined);
}
