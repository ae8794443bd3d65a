import type { Event } from '../core/gen/event.ts';
import { canonicalIp } from '../core/address.ts';
import { addressAndPort } from './address.ts';
import { parseRecord, pickText } from './json.ts';
import type { LineReader } from './lines.ts';
import type { Times } from './time.ts';

/** Connections whose address is remembered, and lines back at which it is forgotten at the latest. */
const rememberedPids = 2048;

/**
 * PostgreSQL: stderr logs with any usual log_line_prefix (%m or %t, [%p], %h or %r, %u@%d, in any order), csvlog
 * and jsonlog. Where the prefix holds no address, the one that `connection received: host=…` gave for the same
 * process is taken (with log_connections on).
 */
export class PostgresLog implements LineReader {
  readonly #peers = new Map<string, string>();

  read(line: string, event: Event, times: Times | undefined): boolean {
    event.kind = 'database';
    event.service = 'postgresql';
    event.category = 'database';
    event.action = 'log';
    event.outcome = 'unknown';
    if (line.charCodeAt(0) === 123) return this.#json(line, event, times);
    if (csvShape.test(line.slice(0, 300))) return this.#csv(line, event, times);
    const severity = severityShape.exec(line.slice(0, 400));
    if (!severity) return false;
    const prefix = line.slice(0, severity.index);
    const at = prefix.search(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
    if (times) {
      if (at < 0) return false;
      const ms = times.iso(line, at);
      if (times.next < 0) return false;
      event.time = ms;
    }
    const pid = /\[(\d{1,10})(?:-\d+)?\]/.exec(prefix)?.[1];
    if (pid !== undefined) event.pid = Number(pid);
    event.source_ip = prefixAddress(at < 0 ? prefix : prefix.slice(0, at) + prefix.slice(at).replace(timeText, ' '));
    const account = /(?:^|[ :])([^\s@:[\]]{1,63})@([^\s@:[\]]{1,63})(?=$|[ :])/.exec(prefix);
    if (account && account[1] !== '[unknown]') event.user = account[1];
    event.severity = levels.get(severity[1] ?? '');
    this.message(line.slice(severity.index + severity[0].length), severity[1] ?? '', event);
    return true;
  }

  /** A message with its severity word; `event.pid` ties it to a connection. True when it says more than plain text. */
  message(message: string, severity: string, event: Event): boolean {
    const pid = event.pid === undefined ? undefined : String(event.pid);
    const received = /^connection received: host=(\S{1,255})(?: port=(\d{1,5}))?$/.exec(message);
    if (received) {
      const ip = canonicalIp(received[1] ?? '') ?? received[1];
      event.source_ip = ip;
      event.source_port = received[2] === undefined ? undefined : Number(received[2]);
      event.action = 'connection';
      event.outcome = 'success';
      if (pid !== undefined && ip !== undefined && ip !== '[local]') this.#remember(pid, ip);
      return true;
    }
    if (pid !== undefined) event.source_ip ??= this.#peers.get(pid);
    const authorized = /^connection (?:authorized: user=|authenticated: identity=")(\S{1,63}?)"?(?: |$)/.exec(message);
    if (authorized) {
      event.category = 'authentication';
      event.action = 'login';
      event.outcome = 'success';
      event.user = authorized[1];
      return message.startsWith('connection authorized');
    }
    if (message.startsWith('disconnection: ')) {
      const host = / host=(\S{1,255})(?: port=\d+)?$/.exec(message);
      event.source_ip ??= canonicalIp(host?.[1] ?? '');
      event.action = 'logout';
      event.outcome = 'success';
      if (pid !== undefined) this.#peers.delete(pid);
      return true;
    }
    if (severity !== 'FATAL') return false;
    return failure(message, event);
  }

  #remember(pid: string, ip: string): void {
    this.#peers.delete(pid);
    if (this.#peers.size >= rememberedPids) {
      const [oldest] = this.#peers.keys();
      if (oldest !== undefined) this.#peers.delete(oldest);
    }
    this.#peers.set(pid, ip);
  }

  #json(line: string, event: Event, times: Times | undefined): boolean {
    const record = parseRecord(line);
    const severity = record && pickText(record, ['error_severity']);
    const message = record && pickText(record, ['message']);
    if (!record || severity === undefined || message === undefined) return false;
    const time = pickText(record, ['timestamp']) ?? '';
    if (times) {
      const ms = times.any(time, 0);
      event.time = times.next < 0 ? times.lost() : ms;
    }
    event.severity = levels.get(severity);
    event.user = pickText(record, ['user']);
    event.pid = Number(pickText(record, ['pid'])) || undefined;
    const host = pickText(record, ['remote_host']);
    event.source_ip = host === undefined ? undefined : addressAndPort(host)?.ip;
    this.message(message, severity, event);
    return true;
  }

  /** time,user,database,pid,host:port,session,line,tag,start,vxid,txid,SEVERITY,sqlstate,MESSAGE,… */
  #csv(line: string, event: Event, times: Times | undefined): boolean {
    const fields = csv(line, 14);
    const severity = fields[11] ?? '';
    if (fields.length < 14 || !levels.has(severity)) return false;
    if (times) {
      const ms = times.iso(line, 0);
      if (times.next < 0) return false;
      event.time = ms;
    }
    event.severity = levels.get(severity);
    event.user = fields[1] === '' ? undefined : fields[1];
    event.pid = Number(fields[3]) || undefined;
    event.source_ip = addressAndPort(fields[4] ?? '')?.ip;
    this.message(fields[13] ?? '', severity, event);
    return true;
  }
}

const severityShape = /(?:^|[ :\]])(LOG|FATAL|ERROR|WARNING|NOTICE|PANIC|INFO|DETAIL|HINT|STATEMENT|CONTEXT|DEBUG[1-5]?): {1,2}/;
const csvShape = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [A-Z+\-\d:]{1,6},(?:"(?:[^"]|"")*"|[^,"]*),/;
const timeText = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? ?(?:[A-Z]{2,5}|[+-]\d\d(?::?\d\d)?)?/;
const levels: ReadonlyMap<string, string> = new Map([
  ['LOG', 'info'], ['INFO', 'info'], ['NOTICE', 'notice'], ['WARNING', 'warning'], ['ERROR', 'err'], ['FATAL', 'crit'], ['PANIC', 'emerg'],
  ['DETAIL', 'info'], ['HINT', 'info'], ['STATEMENT', 'info'], ['CONTEXT', 'info'], ['DEBUG', 'debug'],
]);

/** For sniffing: a time, and a severity word with its two blanks. */
export function isPostgres(line: string): boolean {
  const head = line.slice(0, 400);
  if (/^\{"timestamp":"[^"]+",.*"error_severity":/s.test(head.slice(0, 300)) || (head.startsWith('{') && line.includes('"error_severity":"'))) return true;
  if (csvShape.test(head)) return /,(?:LOG|FATAL|ERROR|WARNING|NOTICE|PANIC),[0-9A-Z]{5},/.test(line.slice(0, 2000));
  const severity = severityShape.exec(head);
  return severity !== null && /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})? (?:[A-Z]{2,5}|[+-]\d\d)\b/.test(head.slice(0, severity.index)) && (severity[0].endsWith(':  ') || severity[1] === 'FATAL');
}

/**
 * The address in the prefix: `192.0.2.1`, `192.0.2.1(5432)`. A user name may stand there too (%u) and hold what it
 * likes: two different addresses are none.
 */
function prefixAddress(prefix: string): string | undefined {
  let found: string | undefined;
  for (const [, text = ''] of prefix.matchAll(addressShape)) {
    const ip = canonicalIp(text);
    if (ip === undefined) continue;
    if (found !== undefined && found !== ip) return undefined;
    found = ip;
  }
  return found;
}
const addressShape = /(?<![\w.@-])(\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,38}:[0-9A-Fa-f.]{0,15})(?![\w.])/g;

const failures: readonly { match: RegExp; action: string }[] = [
  { match: /^(?:password|SCRAM|MD5|LDAP|PAM|RADIUS|GSSAPI|SSPI|Ident|Peer|certificate|BSD|"?[\w-]+"?) authentication failed for user "(.*?)"$/is, action: 'login' },
  { match: /^role "(.*)" (?:does not exist|is not permitted to log in)$/s, action: 'login' },
  { match: /^user "(.*)" does not exist$/s, action: 'login' },
  { match: /^(?:pg_hba\.conf rejects|no pg_hba\.conf entry for) (?:replication )?connection(?:s)? (?:from|for) host "([^"]{1,255})", user "(.*?)",/s, action: 'denied' },
  { match: /^no pg_hba\.conf entry for (?:replication connection from )?host "([^"]{1,255})", user "(.*?)",/s, action: 'denied' },
  { match: /^pg_hba\.conf rejects (?:replication )?connection for host "([^"]{1,255})", user "(.*?)",/s, action: 'denied' },
];

function failure(message: string, event: Event): boolean {
  for (const { match, action } of failures) {
    const found = match.exec(message);
    if (!found) continue;
    event.category = 'authentication';
    event.action = action === 'denied' ? 'login' : action;
    event.outcome = 'failure';
    event.user = action === 'denied' ? found[2] : found[1];
    if (action === 'denied') event.source_ip = canonicalIp(found[1] ?? '') ?? event.source_ip;
    return true;
  }
  if (/^(?:database ".*" does not exist|unsupported frontend protocol|invalid length of startup packet|too many connections|sorry, too many clients|remaining connection slots)/.test(message)) {
    event.action = 'denied';
    event.outcome = 'failure';
    return true;
  }
  return false;
}

/** The first `most` fields of a CSV line. */
function csv(line: string, most: number): string[] {
  const fields: string[] = [];
  let at = 0;
  while (at <= line.length && fields.length < most) {
    if (line.charCodeAt(at) === 34) {
      let value = '';
      let from = at + 1;
      for (;;) {
        const quote = line.indexOf('"', from);
        if (quote < 0) {
          value += line.slice(from);
          at = line.length;
          break;
        }
        value += line.slice(from, quote);
        if (line.charCodeAt(quote + 1) !== 34) {
          at = quote + 1;
          break;
        }
        value += '"';
        from = quote + 2;
      }
      fields.push(value);
      at++;
    } else {
      const comma = line.indexOf(',', at);
      const end = comma < 0 ? line.length : comma;
      fields.push(line.slice(at, end));
      at = end + 1;
    }
  }
  return fields;
}
