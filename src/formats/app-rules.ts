import type { Event } from '../core/gen/event.ts';
import { finishRequest, hostOnly, setTarget } from './access-line.ts';
import { addressAndPort, clientBehindProxy, looksLikeHost } from './address.ts';
import { type JsonRecord, pickText } from './json.ts';
import { namedGroups } from './linear.ts';

/**
 * What an application's log lines look like. A table of these stands in src/formats/apps/; adding an application
 * is adding one.
 */
export interface App {
  /** The `service` of its events. */
  id: string;
  /** Syslog tags and journal identifiers it writes under, lower case. */
  tags?: readonly string[];
  /** Where its logs usually are. */
  paths?: readonly string[];
  /** An ordinary line of its log, as far as nobody else writes such: makes a file of dull lines known as its. */
  line?: RegExp;
  rules?: readonly TextRule[];
  records?: readonly RecordRule[];
}

export interface Verdict {
  /** 'login' unless it says otherwise. */
  action?: string;
  /** 'failure' unless it says otherwise. */
  outcome?: 'success' | 'failure' | 'unknown';
}

/** For a line of text. Groups: ip, forwarded (an X-Forwarded-For list beside ip), user, host, port, time; status with method, target, site and agent where it is a request. */
export interface TextRule extends Verdict {
  /** Must stand in the line; looked for first, so it should be rare. */
  has: string;
  /** Tried on the line without its leading time. */
  match: RegExp;
}

/** For JSON and logfmt records. */
export interface RecordRule extends Verdict {
  /** Every key must hold this text or match it. */
  when: Readonly<Record<string, string | RegExp>>;
  ip?: readonly string[];
  user?: readonly string[];
  /** Where the user or address stands inside a longer text: groups as in TextRule. */
  from?: readonly [key: string, match: RegExp];
}

/**
 * A pattern written with <IP>, <USER> and <PORT>. <USER> is what the client chose and takes as little as the rest
 * allows, so what follows it must be tied to the end of the line or to text the client cannot write there.
 */
function rx(pattern: string, flags = 's'): RegExp {
  return new RegExp(pattern
    .replaceAll('<IP>', String.raw`\[?(?<ip>[0-9A-Fa-f]{1,4}[.:][0-9A-Fa-f.:]{1,43}|::[0-9A-Fa-f.:]{0,43})\]?`)
    .replaceAll('<USER>', '(?<user>.*?)')
    .replaceAll('<PORT>', String.raw`(?<port>\d{1,5})`), flags);
}

export const fail = (has: string, pattern: string, action = 'login'): TextRule => ({ has, match: rx(pattern), action });
/** An access line of an application's own server; groups as in TextRule. */
export const request = (has: string, pattern: string): TextRule => ({ has, match: rx(pattern), action: 'request' });
export const pass = (has: string, pattern: string): TextRule => ({ has, match: rx(pattern), outcome: 'success' });

/** Sets what a matched rule says; false when the address group is no address, so the rule does not hold. */
function applyGroups(groups: Readonly<Record<string, string | undefined>>, event: Event): boolean {
  if (groups.ip !== undefined) {
    const peer = addressAndPort(groups.ip);
    if (!peer) return false;
    event.source_ip = clientBehindProxy(peer.ip, groups.forwarded);
    event.source_port = groups.port === undefined ? peer.port : Number(groups.port);
  } else if (groups.host !== undefined) {
    const peer = addressAndPort(groups.host);
    if (!peer && !looksLikeHost(groups.host)) return false;
    event.source_ip = peer?.ip ?? groups.host;
  }
  if (groups.user !== undefined && groups.user !== '' && groups.user !== 'null' && groups.user !== 'undefined') event.user = groups.user;
  return true;
}

function applyVerdict(app: string, rule: Verdict, event: Event): void {
  event.kind = 'application';
  event.service = app;
  event.action = rule.action ?? 'login';
  event.outcome = rule.outcome ?? 'failure';
  event.category = event.action === 'login' || event.action === 'logout' ? 'authentication' : 'web';
}

export function applyText(app: App, rule: TextRule, text: string, event: Event): Readonly<Record<string, string | undefined>> | undefined {
  const groups = namedGroups(rule.match, text);
  if (!groups || !applyGroups(groups, event)) return undefined;
  applyVerdict(app.id, rule, event);
  const { status, method, target, site, agent } = groups;
  if (status === undefined) return groups;
  if (method !== undefined && target !== undefined) setTarget(event, method, target);
  if (site !== undefined && site !== '') event.http_host = hostOnly(site);
  if (agent !== undefined) event.http_user_agent = agent;
  finishRequest(event, app.id, Number(status));
  if (rule.action === 'request') event.kind = 'access';
  else applyVerdict(app.id, rule, event);
  return groups;
}

export function applyRecord(app: App, rule: RecordRule, record: JsonRecord, event: Event): boolean {
  for (const [key, want] of Object.entries(rule.when)) {
    const value = key === '' ? undefined : pickText(record, [key]) ?? asFlag(record[key]);
    if (value === undefined || (typeof want === 'string' ? value !== want : !namedGroups(want, value))) return false;
  }
  let user: string | undefined;
  let ip: string | undefined;
  if (rule.from) {
    const groups = namedGroups(rule.from[1], pickText(record, [rule.from[0]]) ?? '');
    user = groups?.user;
    ip = groups?.ip;
  }
  ip ??= rule.ip && pickText(record, rule.ip);
  user ??= rule.user && pickText(record, rule.user);
  // A list is a forwarded header that the application passes on.
  const peer = ip === undefined ? undefined : addressAndPort(ip.includes(',') ? clientBehindProxy('127.0.0.1', ip) : ip.trim());
  if (!peer && (rule.outcome ?? 'failure') === 'failure') return false; // says nothing that can be acted upon
  event.source_ip = peer?.ip;
  event.source_port = peer?.port;
  if (user !== undefined && user !== '') event.user = user;
  applyVerdict(app.id, rule, event);
  return true;
}

const asFlag = (value: unknown): string | undefined => typeof value === 'boolean' ? String(value) : undefined;
