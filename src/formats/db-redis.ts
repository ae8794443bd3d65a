import type { Event } from '../core/gen/event.ts';
import { addressAndPort } from './address.ts';
import type { LineReader } from './lines.ts';
import type { Times } from './time.ts';

/**
 * Redis and Valkey: `12:M 22 Nov 2026 02:27:01.123 # MESSAGE` (2.8 and before: `[12] 22 Nov 02:27:01.123 # …`).
 * Redis logs neither failed AUTH nor CONFIG SET by default; what it does log of attacks is here.
 */
export class RedisLog implements LineReader {
  read(line: string, event: Event, times: Times | undefined): boolean {
    const head = headShape.exec(line.slice(0, 120));
    if (!head) return false;
    const [whole, pid = '', day = '', month = '', year, clock = '', level = ''] = head;
    if (times) {
      const ms = year === undefined ? times.syslog(`${month} ${day} ${clock}`, 0) : times.clf(`${day}/${month}/${year}:${clock}`, 0);
      if (times.next < 0) return false;
      event.time = ms;
    }
    event.kind = 'database';
    event.category = 'database';
    event.service = 'redis';
    event.action = 'log';
    event.outcome = 'unknown';
    event.pid = Number(pid);
    event.severity = levels.get(level);
    readRedis(line.slice(whole.length), event);
    return true;
  }
}

const headShape = /^(?:\[(?=\d+\])|(?=\d+:[A-Z]))(\d{1,10})(?::[A-Z]|\]) (\d\d) ([A-Z][a-z]{2})(?: (\d{4}))? (\d\d:\d\d:\d\d\.\d{3}) ([.\-*#]) /;
const levels: ReadonlyMap<string, string> = new Map([['.', 'debug'], ['-', 'info'], ['*', 'notice'], ['#', 'warning']]);

export function isRedis(line: string): boolean {
  return headShape.test(line.slice(0, 120));
}

/** The message after the head. True when it says more than plain text. */
export function readRedis(message: string, event: Event): boolean {
  event.kind = 'database';
  event.service = 'redis';
  if (message.startsWith('Possible SECURITY ATTACK detected')) {
    event.category = 'database';
    event.action = 'attack';
    event.outcome = 'failure';
    return withPeer(message, event);
  }
  for (const { has, action, outcome } of known) {
    if (!message.includes(has)) continue;
    event.category = 'database';
    event.action = action;
    event.outcome = outcome;
    return withPeer(message, event);
  }
  return false;
}

const known: readonly { has: string; action: string; outcome: 'success' | 'failure' | 'unknown' }[] = [
  { has: 'WRONGPASS', action: 'login', outcome: 'failure' },
  { has: 'AUTH failed', action: 'login', outcome: 'failure' },
  { has: 'invalid username-password pair', action: 'login', outcome: 'failure' },
  { has: 'protected mode is enabled', action: 'denied', outcome: 'failure' },
  { has: 'CONFIG REWRITE', action: 'config-change', outcome: 'success' },
  { has: 'CONFIG SET', action: 'config-change', outcome: 'success' },
  { has: "' loaded from ", action: 'module-load', outcome: 'success' },
  { has: 'failed to load: ', action: 'module-load', outcome: 'failure' },
  { has: 'eplica-of', action: 'replica-of', outcome: 'success' },
  { has: 'REPLICAOF ', action: 'replica-of', outcome: 'success' },
  { has: 'SLAVEOF ', action: 'replica-of', outcome: 'success' },
  { has: 'Connecting to MASTER', action: 'replica-of', outcome: 'unknown' },
  { has: 'Failed opening the RDB file', action: 'save', outcome: 'failure' },
  { has: 'Failed opening .rdb for saving', action: 'save', outcome: 'failure' },
  { has: 'DB saved on disk', action: 'save', outcome: 'success' },
  { has: 'Background saving started', action: 'save', outcome: 'unknown' },
  { has: 'Accepted ', action: 'connection', outcome: 'success' },
];

/** `… from 192.0.2.1:5555 …`, `Accepted 192.0.2.1:5555`, `user request from 'id=3 addr=192.0.2.1:5555 …'`. */
function withPeer(message: string, event: Event): boolean {
  const found = /(?: from |^Accepted |\baddr=)'?\[?([0-9A-Fa-f.:]{3,45}\]?:\d{1,5})\b/.exec(message.slice(0, 500));
  const peer = addressAndPort(found?.[1]?.replace(/^([^[].*)\]/, '[$1]') ?? '');
  if (peer) {
    event.source_ip = peer.ip;
    event.source_port = peer.port;
  }
  const target = /MASTER(?: <-> REPLICA)?[^0-9a-fA-F]*([0-9A-Za-z.-]{4,255}):(\d{1,5})/.exec(message) ?? /(?:REPLICAOF|SLAVEOF) ([0-9A-Za-z.-]{4,255}):(\d{1,5})/.exec(message);
  if (target) {
    event.destination_ip = addressAndPort(target[1] ?? '')?.ip;
    event.destination_host = event.destination_ip === undefined ? target[1] : undefined;
    event.destination_port = Number(target[2]);
  }
  return true;
}
