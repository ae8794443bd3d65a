import type { Event } from '../core/gen/event.ts';
import { hostOnly, setUrl } from './access-line.ts';
import { addressAndPort } from './address.ts';
import type { LineReader } from './lines.ts';
import type { Times } from './time.ts';
import { readFirewallText } from './waf.ts';

/**
 * nginx's error log:
 *
 *     2026/11/22 02:27:01 [error] 123#0: *5 MESSAGE, client: ADDRESS, server: NAME, request: "…", upstream: "…", host: "…", referrer: "…"
 *
 * nothing in it is escaped. The message holds what the client chose (a user name, a decoded path) and stands before
 * the real `client:`; request, host and referrer stand behind it. So the last `client:` that is followed by what
 * nginx writes behind it is taken, unless a referrer stands between it and an earlier one: then either may be the
 * forged one, and no address is given at all rather than somebody else's.
 */
export class NginxError implements LineReader {
  read(line: string, event: Event, times: Times | undefined): boolean {
    const head = headOf(line);
    if (!head) return false;
    if (times) {
      const ms = times.iso(line, head.time);
      if (times.next < 0) return false;
      event.time = ms;
    }
    event.kind = 'weberror';
    event.service = 'nginx';
    event.category = 'web';
    event.severity = head.level;
    event.pid = head.pid;
    event.session = head.connection;
    const body = line.slice(head.end);
    const client = clientOf(body);
    const message = client.at < 0 ? body : body.slice(0, client.at);
    if (client.at >= 0) readContext(body.slice(client.at), event);
    event.source_ip = client.ambiguous ? undefined : client.ip;
    judge(message, event);
    return true;
  }
}

interface Head { time: number; level: string; pid: number; connection: string | undefined; end: number }

/** `[host nginx: ]2026/11/22 02:27:01 [error] 123#0: *5 `; a journal's own prefixes may come first. */
function headOf(line: string): Head | undefined {
  const found = headShape.exec(line.slice(0, 200));
  if (!found) return undefined;
  const before = found[1] ?? '';
  return { time: before.length, level: levels.get(found[2] ?? '') ?? found[2] ?? '', pid: Number(found[3]), connection: found[4], end: found[0].length };
}
const headShape = /^((?:[\w.-]+ )?(?:nginx(?:\[\d+\])?: )?(?:[\w.-]+ nginx: )?)\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[(\w+)\] (\d+)#\d+: (?:\*(\d+) )?/;
const levels: ReadonlyMap<string, string> = new Map([['error', 'err'], ['warn', 'warning']]);

export function isNginxError(line: string): boolean {
  return headShape.test(line.slice(0, 200));
}

/** Messages that hold nothing of the client's: their first `client:` is the real one. */
const ownWords = /^(?:access forbidden by rule|limiting (?:requests|connections)|delaying request|no user\/password was provided|client intended to send|SSL_do_handshake\(\) failed|SSL_read\(\) failed|peer closed connection)/;

interface Client { at: number; ip: string | undefined; ambiguous: boolean }

function clientOf(body: string): Client {
  let chosen: Client = { at: -1, ip: undefined, ambiguous: false };
  let seen = 0;
  const own = ownWords.test(body);
  for (let at = body.indexOf(', client: '); at >= 0 && seen < 64; at = body.indexOf(', client: ', at + 10), seen++) {
    const from = at + 10;
    let end = body.indexOf(',', from);
    if (end < 0) end = body.length;
    if (end - from > 60) continue;
    // The mail proxy adds how: "192.0.2.1 using starttls".
    const text = body.slice(from, end).trim().replace(/ using \w+$/, '');
    const peer = addressAndPort(text);
    if (!peer && text !== 'unix:') continue;
    if (end < body.length && !body.startsWith(', server: ', end)) continue;
    if (chosen.at < 0) {
      chosen = { at, ip: peer?.ip, ambiguous: false };
      if (own) break;
      continue;
    }
    const between = body.slice(chosen.at, at);
    // A request line in which raw blanks were allowed, or a Host header: the later one is the client's words.
    if (!between.includes(', referrer: "')) chosen = { at, ip: peer?.ip, ambiguous: chosen.ambiguous };
    else if (peer?.ip !== chosen.ip) chosen.ambiguous = true;
  }
  return chosen;
}

/** `, client: A, server: S, request: "…", upstream: "…", host: "…", referrer: "…"` (or `login: "…"` of the mail proxy). */
function readContext(context: string, event: Event): void {
  const request = between(context, ', request: "', '"');
  if (request !== undefined) {
    const space = request.indexOf(' ');
    const last = request.lastIndexOf(' ');
    if (space > 0 && last > space) {
      event.http_method = request.slice(0, space);
      setUrl(event, request.slice(space + 1, last));
      if (request.startsWith('HTTP/', last + 1)) event.http_version = request.slice(last + 6);
    }
  }
  const host = between(context, ', host: "', '"');
  const server = between(context, ', server: ', ',');
  event.http_host = host === undefined || host === '' ? server === '_' || server === '' ? undefined : server : hostOnly(host);
  event.http_referer = between(context, ', referrer: "', '"');
  const login = between(context, ', login: "', '"');
  if (login !== undefined) event.user = login;
}

function between(text: string, open: string, close: string): string | undefined {
  const at = text.indexOf(open);
  if (at < 0) return undefined;
  const end = text.indexOf(close, at + open.length);
  return text.slice(at + open.length, end < 0 ? text.length : end);
}

function set(event: Event, action: string, outcome: 'success' | 'failure' | 'unknown'): void {
  event.action = action;
  event.outcome = outcome;
}

function login(event: Event, user: string | undefined, outcome: 'success' | 'failure'): void {
  event.category = 'authentication';
  set(event, 'login', outcome);
  if (user !== undefined && user !== '') event.user = user;
}

/** What happened, by nginx's own words at the start or the end of the message. */
function judge(message: string, event: Event): void {
  if (message.startsWith('user "')) {
    if (message.endsWith(': password mismatch')) {
      event.method = 'basic';
      login(event, message.slice(6, message.length - 20), 'failure');
      return;
    }
    const absent = message.lastIndexOf('" was not found in "');
    // Older releases wrote a colon between.
    const at = absent >= 0 ? absent : message.lastIndexOf('": was not found in "');
    if (at >= 6) {
      event.method = 'basic';
      login(event, message.slice(6, at), 'failure');
      return;
    }
  }
  const pam = pamFailure.exec(message);
  if (pam) {
    event.method = 'pam';
    login(event, pam[1], 'failure');
    return;
  }
  const connected = /^client \[?([0-9A-Fa-f:.]{2,45}?)\]?:(\d{1,5}) connected to \S+$/.exec(message);
  if (connected) {
    event.source_ip = addressAndPort(connected[1] ?? '')?.ip;
    event.source_port = Number(connected[2]);
    return set(event, 'connection', 'success');
  }
  if (message.startsWith('client login failed')) return login(event, event.user, 'failure');
  if (message.startsWith('client logged in')) return login(event, event.user, 'success');
  if (message.startsWith('no user/password was provided')) return set(event, 'denied', 'failure');
  if (message.startsWith('access forbidden by rule') || message.includes('" is forbidden') || message.includes('(13: Permission denied)')) return set(event, 'denied', 'failure');
  if (message.startsWith('limiting requests') || message.startsWith('limiting connections') || message.startsWith('delaying request')) return set(event, 'limited', 'failure');
  if (message.startsWith('client intended to send too large') || message.startsWith('client sent too long') || message.startsWith('client sent too large')) return set(event, 'blocked', 'failure');
  if (message.startsWith('client sent ') || message.startsWith('invalid ') || message.startsWith('client prematurely')) return set(event, 'malformed-request', 'failure');
  if (message.includes('ModSecurity: ') && readFirewallText(message, event)) return;
  if (message.startsWith('FastCGI sent in stderr: "') || message.startsWith('PHP message: ')) return fastcgi(message, event);
  if (message.includes('failed (2: No such file or directory)') || message.includes('is not found (2: ') || message.includes('(20: Not a directory)')) {
    set(event, 'not-found', 'failure');
    const path = /^open\(\) "(.+)" failed \(\d+: |^"(.+)" is not found/.exec(message);
    event.file_path = path?.[1] ?? path?.[2];
    return;
  }
  if (message.includes('SSL_do_handshake() failed') || message.startsWith('SSL_read() failed') || message.startsWith('peer closed connection in SSL handshake')) return set(event, 'error', 'failure');
  set(event, 'error', 'unknown');
}

const pamFailure = /^PAM: user '(.*)' - not authenticated: /;

/** What PHP wrote to nginx: the application's own log-on failures, a script that is not there, or an error. */
function fastcgi(message: string, event: Event): void {
  if (message.includes('Primary script unknown')) return set(event, 'not-found', 'failure');
  const failed = phpLogin.exec(message);
  if (failed) {
    event.service = 'php';
    return login(event, failed[1] ?? failed[2] ?? failed[3], 'failure');
  }
  const attacker = suhosin(message);
  if (attacker !== undefined) return set(event, 'blocked', 'failure');
  set(event, 'error', 'unknown');
}

const phpLogin = /PHP message: (?:(?:PHP )?\w+: +)?(?:user (\S{1,128}) authentication failure for Baikal|(?:Failed login for|Authentication (?:attempt|failure) for(?: unknown user)?) "?([^\s"]{1,128})|(?:[Ll]ogin failed|FAILED LOGIN) for (?:user )?"?([^\s"]{1,128}))/;

/** The attacker that Suhosin names at the fixed end of its alert: `(attacker 'ADDRESS', file '…'[, line N])`. */
export function suhosin(text: string): string | undefined {
  const at = text.lastIndexOf("(attacker '");
  if (at < 0 || !text.includes('ALERT - ')) return undefined;
  const end = text.indexOf("'", at + 11);
  return end < 0 ? undefined : addressAndPort(text.slice(at + 11, end))?.ip;
}
