import type { Event } from '../core/gen/event.ts';
import { addressAndPort } from './address.ts';
import { suhosin } from './error-nginx.ts';
import type { LineReader } from './lines.ts';
import type { Times } from './time.ts';

/**
 * Error logs of lighttpd, LiteSpeed, PHP and php-fpm. Each begins with its own time; the message is understood
 * by readLighttpd and so on, which syslog may hand over without the time.
 */
export class OtherError implements LineReader {
  read(line: string, event: Event, times: Times | undefined): boolean {
    const shape = shapeOf(line);
    if (!shape) return false;
    if (times) {
      const ms = times.any(line, shape.time);
      if (times.next < 0) return false;
      event.time = ms;
    }
    event.kind = 'weberror';
    event.category = 'web';
    event.action = 'error';
    event.outcome = 'unknown';
    event.service = shape.service;
    const message = line.slice(shape.end);
    switch (shape.service) {
      case 'lighttpd': readLighttpd(message, event); break;
      case 'litespeed': readLitespeed(message, event); break;
      case 'php-fpm': case 'php': readPhp(message, event); break;
    }
    return true;
  }
}

interface Shape { service: 'lighttpd' | 'litespeed' | 'php-fpm' | 'php'; time: number; end: number }

export function shapeOf(line: string): Shape | undefined {
  const start = line.slice(0, 200);
  let found = /^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d{10}): \((?=[\w./-]+\.c\.\d+\) )/.exec(start);
  if (found) return { service: 'lighttpd', time: 0, end: found[0].length - 1 };
  found = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \[[A-Z]+\] (?=\[|[A-Z])/.exec(start);
  if (found) return { service: 'litespeed', time: 0, end: found[0].length };
  found = /^\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d+)?(?: [\w/+:-]+)?\] (?=(?:NOTICE|WARNING|ERROR|ALERT|DEBUG): )/.exec(start);
  if (found) return { service: 'php-fpm', time: 1, end: found[0].length };
  found = /^\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d [\w/+:-]+\] (?=PHP |ALERT - |WordPress |Uncaught )/.exec(start);
  return found ? { service: 'php', time: 1, end: found[0].length } : undefined;
}

/** `(mod_auth.c.525) password doesn't match for URI username: USER, IP: ADDRESS`: the address is the fixed end. */
export function readLighttpd(message: string, event: Event): boolean {
  event.kind = 'weberror';
  event.service = 'lighttpd';
  event.category = 'web';
  event.action = 'error';
  event.outcome = 'unknown';
  const attacker = suhosin(message);
  if (attacker !== undefined) {
    event.source_ip = attacker;
    event.action = 'blocked';
    event.outcome = 'failure';
    event.service = 'suhosin';
    return true;
  }
  if (!/^(?:\([\w./-]+\.c\.\d+\) )?(?:password doesn't match|get_password failed|digest: |unexpected credentials|user ".*" (?:not found|password mismatch)|client used invalid token)/.test(message)) return false;
  // 1.4.6x left out the comma.
  const tail = /(?:username: (.*?))?,? IP: ([0-9A-Fa-f.:[\]]+)\s*$/s.exec(message.slice(0, 8192));
  const peer = addressAndPort(tail?.[2] ?? '');
  if (!peer) return false;
  event.category = 'authentication';
  event.action = 'login';
  event.outcome = 'failure';
  event.source_ip = peer.ip;
  event.user = tail?.[1] ?? (/auth failed for +(\S+) *:/.exec(message) ?? /user "(.*)" (?:not found|password mismatch)/s.exec(message))?.[1];
  event.method = message.includes('digest') ? 'digest' : 'basic';
  return true;
}

/** `[PID] [ADDRESS:PORT…] MESSAGE`. */
function readLitespeed(message: string, event: Event): void {
  const fields = /^((?:\[[^\]]{1,200}\] ?){0,4})/.exec(message)?.[1] ?? '';
  const peer = /\[([0-9A-Fa-f.:[]+\]?:\d+)[^\]]*\]/.exec(fields)?.[1];
  event.source_ip = addressAndPort(peer ?? '')?.ip;
  const text = message.slice(fields.length);
  const failed = /Failed Login Attempt - username:(.*) ip:([0-9A-Fa-f.:]+) url:/s.exec(message);
  if (failed && message.includes('[WebAdmin Console]')) {
    event.kind = 'application';
    event.category = 'authentication';
    event.action = 'login';
    event.outcome = 'failure';
    event.user = failed[1];
    event.source_ip ??= addressAndPort(failed[2] ?? '')?.ip;
    return;
  }
  if (/User '(.*)' failed to authenticate/s.test(text)) {
    event.category = 'authentication';
    event.action = 'login';
    event.outcome = 'failure';
    event.user = /User '(.*)' failed to authenticate/s.exec(text)?.[1];
  } else if (text.includes('File not found')) {
    event.action = 'not-found';
    event.outcome = 'failure';
  } else if (text.includes('mod_security rule')) {
    event.action = 'blocked';
    event.outcome = 'failure';
  } else if (text.includes('Reached max') || text.includes('over limit')) {
    event.action = 'limited';
    event.outcome = 'failure';
  } else if (text.includes('access to') && text.includes('denied')) {
    event.action = 'denied';
    event.outcome = 'failure';
  }
}

const phpLevels: ReadonlyMap<string, string> = new Map([['NOTICE', 'notice'], ['WARNING', 'warning'], ['ERROR', 'err'], ['ALERT', 'alert'], ['DEBUG', 'debug']]);

function readPhp(message: string, event: Event): void {
  const level = /^([A-Z]+): (?:\[pool ([\w.-]+)\] )?/.exec(message);
  if (level) event.severity = phpLevels.get(level[1] ?? '');
  else if (/^PHP (?:Fatal|Parse) error/.test(message)) event.severity = 'err';
  else if (message.startsWith('PHP Warning')) event.severity = 'warning';
  const attacker = suhosin(message);
  if (attacker === undefined) return;
  event.source_ip = attacker;
  event.action = 'blocked';
  event.outcome = 'failure';
  event.service = 'suhosin';
}

/** `ALERT - … (attacker 'ADDRESS', file '…')` as Suhosin writes it to syslog. */
export function readSuhosin(message: string, event: Event): boolean {
  const attacker = suhosin(message);
  if (attacker === undefined) return false;
  event.kind = 'weberror';
  event.category = 'web';
  event.service = 'suhosin';
  event.action = 'blocked';
  event.outcome = 'failure';
  event.source_ip = attacker;
  return true;
}
