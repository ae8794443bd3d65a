import type { Event } from '../core/gen/event.ts';
import { setUrl } from './access-line.ts';
import { addressAndPort, addressBeforePort, looksLikeHost } from './address.ts';
import { suhosin } from './error-nginx.ts';
import type { LineReader } from './lines.ts';
import type { Times } from './time.ts';
import { readFirewallText } from './waf.ts';

/**
 * Apache's error log, 2.2 and 2.4:
 *
 *     [Sun Nov 22 02:27:01 2026] [error] [client ADDRESS] MESSAGE, referer: …
 *     [Sun Nov 22 02:27:01.123456 2026] [auth_basic:error] [pid 1:tid 2] [client ADDRESS:PORT] AH01617: MESSAGE, referer: …
 *
 * The head is Apache's own; the address is taken from it alone.
 */
export class ApacheError implements LineReader {
  read(line: string, event: Event, times: Times | undefined): boolean {
    const head = readHead(line);
    if (!head) return false;
    if (times) {
      const ms = times.any(line, 1);
      if (times.next < 0) return false;
      event.time = ms;
    }
    event.kind = 'weberror';
    event.service = 'apache';
    event.category = 'web';
    event.severity = head.level;
    event.pid = head.pid;
    if (head.client !== undefined) {
      // 2.4 writes the port, and the pid, always.
      const peer = head.pid === undefined ? addressAndPort(head.client) : addressBeforePort(head.client);
      event.source_ip = peer?.ip ?? (looksLikeHost(head.client) ? head.client : undefined);
      event.source_port = peer?.port;
    }
    let message = line.slice(head.end);
    const referer = message.lastIndexOf(', referer: ');
    if (referer >= 0) {
      event.http_referer = message.slice(referer + 11);
      message = message.slice(0, referer);
    }
    judge(message.replace(code, ''), event);
    return true;
  }
}

const code = /^(?:\(\d+\)[^:]{1,80}: )?(?:AH\d{5}: )?(?:\(\d+\)[^:]{1,80}: )?/;

interface Head { level: string | undefined; pid: number | undefined; client: string | undefined; end: number }

/** The bracketed fields in front, and `(13)Permission denied: ` that 2.4 puts between them. */
function readHead(line: string): Head | undefined {
  if (!timeShape.test(line.slice(0, 64))) return undefined;
  const head: Head = { level: undefined, pid: undefined, client: undefined, end: 0 };
  let at = line.indexOf(']') + 1;
  while (at > 0 && at < line.length) {
    while (line.charCodeAt(at) === 32) at++;
    const status = systemError.exec(line.slice(at, at + 120));
    if (status) {
      at += status[0].length;
      continue;
    }
    if (line.charCodeAt(at) !== 91) break;
    const close = line.indexOf(']', at);
    if (close < 0 || close - at > 200) break;
    const field = line.slice(at + 1, close);
    const bracketed = ipv6Client.exec(line.slice(at, at + 100));
    const level = levelShape.exec(field);
    if (bracketed) {
      head.client ??= bracketed[1];
      at += bracketed[0].length;
      continue;
    }
    if (field.startsWith('client ') || field.startsWith('remote ')) head.client ??= field.slice(7);
    else if (field.startsWith('pid ')) {
      const pid = Number.parseInt(field.slice(4), 10);
      if (pid >= 0) head.pid = pid;
    }
    else if (level && head.level === undefined) head.level = level[1] === 'error' ? 'err' : level[1] === 'warn' ? 'warning' : level[1];
    else if (!knownField.test(field)) break;
    at = close + 1;
  }
  if (head.level === undefined && head.client === undefined && head.pid === undefined) return undefined;
  head.end = at;
  return head;
}
const timeShape = /^\[(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4}\] \[|^\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d)?\] \[(?:[\w-]*:)?(?:emerg|alert|crit|error|warn|notice|info|debug|trace\d)\]/;
const systemError = /^\(\d+\)[^:[\]]{1,80}: /;
const ipv6Client = /^\[(?:client|remote) (\[[0-9A-Fa-f:.]+\](?::\d+)?)\]/;
const levelShape = /^(?:[\w.-]*:)?(emerg|alert|crit|error|warn|notice|info|debug|trace\d)$/;
const knownField = /^(?:tid|host|vhost|uid|file|line|thread|R:|C:) ?\S*$/;

export function isApacheError(line: string): boolean {
  return readHead(line.slice(0, 1000)) !== undefined;
}

/** Shapes of a message, from the start; what the client chose stands in the groups or behind them. */
const rules: readonly { has: string; match: RegExp; action: string; outcome: 'failure' | 'unknown' }[] = [
  // --- log-on by HTTP authentication
  { has: 'authentication failure for "', match: /^user (.*?): authentication failure for "(.*)": /s, action: 'login', outcome: 'failure' },
  { has: ' not found: ', match: /^(?:Digest: )?user [`']?(.*?)'?(?: in realm [`'].*')? not found: (.*)$/s, action: 'login', outcome: 'failure' },
  { has: 'authorization failure', match: /^user (.*?): authorization failure(?: for "(.*)")?/s, action: 'login', outcome: 'failure' },
  { has: 'password mismatch', match: /^(?:Digest: )?user [`']?(.*?)'?: password mismatch(?:: (.*))?$/is, action: 'login', outcome: 'failure' },
  { has: 'authenticate: user ', match: /^(?:\[\d+\] )?(?:auth_ldap|vas|auth_\w+) authenticate: user (.*?) authentication failed/s, action: 'login', outcome: 'failure' },
  { has: 'authentication failed', match: /^user (.*?): authentication failed/s, action: 'login', outcome: 'failure' },
  { has: 'wrong authentication scheme', match: /^(?:Digest: )?client used wrong authentication scheme[:` ]+()(.*)$/s, action: 'login', outcome: 'failure' },
  { has: 'nonce', match: /^(?:Digest: )?invalid nonce .* received - /s, action: 'login', outcome: 'failure' },
  { has: 'nonce', match: /^(?:Digest: )?(?:invalid )?nonce .*(?:user|from) ()/s, action: 'login', outcome: 'failure' },
  { has: 'realm mismatch', match: /^(?:Digest: )?realm mismatch - got /, action: 'login', outcome: 'failure' },
  { has: 'received', match: /^(?:Digest: )?(?:unknown algorithm|invalid qop|invalid opaque|qop) [`'].*' received: ()(.*)$/s, action: 'login', outcome: 'failure' },
  { has: 'uri mismatch', match: /^(?:Digest: )?uri mismatch - /, action: 'login', outcome: 'failure' },
  { has: 'missing user', match: /^(?:Digest: )?missing user, realm, nonce, uri, digest, /, action: 'login', outcome: 'failure' },
  { has: 'pam', match: /^PAM: user '(.*)' - not authenticated: /is, action: 'login', outcome: 'failure' },
  { has: 'access to ', match: /^access to (.*) failed, reason: (?:user|verification of user id)/s, action: 'login', outcome: 'failure' },
  { has: 'Authorization of user', match: /^Authorization of user (.*?) to access (.*) failed, reason: /s, action: 'login', outcome: 'failure' },
  { has: 'denied by provider', match: /^(?:Digest: )?user [`'](.*)' in realm [`'].*' denied by provider: (.*)$/s, action: 'login', outcome: 'failure' },
  { has: 'nonce', match: /^user (.*?): (?:nonce expired|one-time-nonce mismatch)/s, action: 'login', outcome: 'failure' },
  { has: 'for Baikal', match: /PHP message: user (.*?) authentication failure for Baikal/s, action: 'login', outcome: 'failure' },
  { has: 'Login denied for user', match: /^(?:WAR|ERR) \[Login denied for user "(.*)"\]/s, action: 'login', outcome: 'failure' },
  { has: 'Could not retrieve user', match: /^(?:WAR|ERR) \[Could not retrieve user (.*) details\]/s, action: 'login', outcome: 'failure' },
  // --- refused
  { has: 'client denied by server configuration', match: /^client denied by server configuration: ()(.*)$/s, action: 'denied', outcome: 'failure' },
  { has: 'ccess denied because', match: /ccess denied because /, action: 'denied', outcome: 'failure' },
  { has: 'irectory index forbidden', match: /^(?:Cannot serve directory|Directory index forbidden)/, action: 'denied', outcome: 'failure' },
  { has: 'Cannot serve directory', match: /^Cannot serve directory /, action: 'denied', outcome: 'failure' },
  { has: 'pcfg_openfile', match: /pcfg_openfile: unable to check htaccess/, action: 'denied', outcome: 'failure' },
  { has: 'access to ', match: /^access to (?:.*) (?:denied|failed)/s, action: 'denied', outcome: 'failure' },
  // --- not there
  { has: 'not exist', match: /^(?:File|Script) does not exist: ()(.*)$/s, action: 'not-found', outcome: 'failure' },
  { has: 'not found or unable to stat', match: /script (?:'|not found or unable to stat: )/, action: 'not-found', outcome: 'failure' },
  { has: 'Primary script unknown', match: /Primary script unknown/, action: 'not-found', outcome: 'failure' },
  { has: 'not found', match: /^(?:Could not open|.{0,40}script .* not found)/s, action: 'not-found', outcome: 'failure' },
  { has: 'ttempt to invoke directory as script', match: /^attempt to invoke directory as script/i, action: 'not-found', outcome: 'failure' },
  // --- no proper request
  { has: 'nvalid URI ', match: /^invalid URI (?:in request|path) /i, action: 'malformed-request', outcome: 'failure' },
  { has: 'nvalid method in request', match: /^Invalid method in request /, action: 'malformed-request', outcome: 'failure' },
  { has: 'request failed', match: /^request failed: /, action: 'malformed-request', outcome: 'failure' },
  { has: 'erroneous characters', match: /erroneous characters after protocol string/, action: 'malformed-request', outcome: 'failure' },
  { has: 'HTTP Request Line', match: /^HTTP Request Line; /, action: 'malformed-request', outcome: 'failure' },
  { has: 'ot a valid', match: /ot a valid (?:HTTP|request)/, action: 'malformed-request', outcome: 'failure' },
  { has: 'URI too long', match: /URI too long/, action: 'malformed-request', outcome: 'failure' },
  { has: 'request line', match: /request line (?:too long|exceed)/i, action: 'malformed-request', outcome: 'failure' },
  { has: 'Cannot map ', match: /^Cannot map \w+ /, action: 'malformed-request', outcome: 'failure' },
  { has: 'path with a', match: /(?:decoded|unescaped) path/, action: 'malformed-request', outcome: 'failure' },
  { has: 'outside', match: /outside (?:of )?(?:the )?(?:document root|root)/, action: 'malformed-request', outcome: 'failure' },
  // --- bash reads a function out of a header: somebody tries Shellshock
  { has: 'function definition', match: /(?:warning: \w+: ignoring function definition attempt|error importing function definition for [`'])/, action: 'detected', outcome: 'failure' },
  // --- modules that limit
  { has: 'mod_evasive', match: /Blacklisting address/, action: 'limited', outcome: 'failure' },
  { has: 'mod_qos', match: /mod_qos\(\d+\): access denied/, action: 'limited', outcome: 'failure' },
  { has: 'Rejected, too many connections', match: /^Rejected, too many connections/, action: 'limited', outcome: 'failure' },
  { has: 'exceeded', match: /limit(?:s)? exceeded|exceeded the (?:limit|configured limit)/i, action: 'limited', outcome: 'failure' },
];

function judge(message: string, event: Event): void {
  if ((message.includes('ModSecurity: ') || message.includes('Coraza: ')) && readFirewallText(message, event)) return;
  const attacker = message.includes("(attacker '") ? suhosin(message) : undefined;
  if (attacker !== undefined) {
    event.action = 'blocked';
    event.outcome = 'failure';
    event.service = 'suhosin';
    event.source_ip ??= attacker;
    return;
  }
  for (const rule of rules) {
    if (!message.includes(rule.has)) continue;
    const found = rule.match.exec(message);
    if (!found) continue;
    event.action = rule.action;
    event.outcome = rule.outcome;
    if (rule.action === 'login') {
      event.category = 'authentication';
      event.method = 'basic';
      if (found[1] !== undefined && found[1] !== '') event.user = found[1];
      if (found[2]?.startsWith('/')) setUrl(event, found[2]);
    } else if (found[2] !== undefined) event.file_path = found[2];
    return;
  }
  const php = /^(?:PHP message: |Got error 'PHP message: )?(?:WordPress )?(?:authentication failure|Failed login|Login failed) for (?:user )?(\S{1,128})/i.exec(message);
  if (php) {
    event.category = 'authentication';
    event.action = 'login';
    event.outcome = 'failure';
    event.user = php[1];
    return;
  }
  event.action = 'error';
  event.outcome = 'unknown';
}
