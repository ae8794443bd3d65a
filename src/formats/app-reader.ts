import type { Event } from '../core/gen/event.ts';
import { addressAndPort } from './address.ts';
import { type App, applyRecord, applyText, type RecordRule, type TextRule } from './app-rules.ts';
import { type JsonRecord, parseRecord, pickText, recordTime } from './json.ts';
import type { LineReader } from './lines.ts';
import { parseLogfmt } from './logfmt.ts';
import { Times } from './time.ts';

/** This much of a line is read; records of JSON need their end. */
const longest = 16_384;
/** Text rules are tried on so much, many of them on each line: it bounds what a hostile line costs. What an application says of a log-on is shorter. */
const longestText = 4096;

interface Candidate { app: App; rule: TextRule }

/** The table of applications, made ready for quick looking up: built once. */
export class AppTable {
  readonly apps: readonly App[];
  readonly records: readonly { app: App; rule: RecordRule }[];
  readonly #gate: RegExp;
  readonly #byLiteral: readonly (readonly [literal: string, candidates: readonly Candidate[]])[];

  constructor(apps: readonly App[]) {
    this.apps = apps;
    const literals = new Map<string, Candidate[]>();
    for (const app of apps) {
      for (const rule of app.rules ?? []) {
        const list = literals.get(rule.has);
        if (list) list.push({ app, rule });
        else literals.set(rule.has, [{ app, rule }]);
      }
    }
    this.#byLiteral = [...literals];
    this.#gate = new RegExp([...literals.keys()].map((literal) => literal.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)).join('|'));
    this.records = apps.flatMap((app) => (app.records ?? []).map((rule) => ({ app, rule })));
  }

  /** True when some rule may hold: one pass over the line, no more. */
  mayMatch(line: string): boolean {
    return this.#gate.test(line);
  }

  /** Rules whose literal stands in the line. */
  * candidates(line: string): Iterable<Candidate> {
    for (const [literal, list] of this.#byLiteral) if (line.includes(literal)) yield* list;
  }

  record(record: JsonRecord, event: Event): boolean {
    for (const { app, rule } of this.records) if (applyRecord(app, rule, record, event)) return true;
    return false;
  }
}

/** Lines of applications, by the table and, where it knows nothing, by what any log-on failure looks like. */
export class AppReader implements LineReader {
  readonly #table: AppTable;
  readonly #guess: boolean;
  readonly #service: string;
  #seen = '';

  /** `guess`: also take a record of no known application that plainly is a failed log-on, for this service. */
  constructor(table: AppTable, guess: boolean, service: string) {
    this.#table = table;
    this.#guess = guess;
    this.#service = service;
  }

  read(line: string, event: Event, times: Times | undefined): boolean {
    const text = clean(line);
    const clock = times ?? strip;
    if (this.message(text, event, clock, times !== undefined)) {
      this.#seen = event.service ?? '';
      return true;
    }
    if (!times) return false;
    // A line that says nothing of log-ons: kept as plain text, for the application that this log is known to be of.
    event.kind = 'application';
    event.category = 'log';
    event.action = 'log';
    event.outcome = 'unknown';
    event.service = this.#seen === '' ? this.#table.apps.find((app) => app.line?.test(text))?.id ?? this.#service : this.#seen;
    event.time = headTime(text, times).time ?? times.lost();
    return true;
  }

  /** Reads a message; `timed` says whether the event's time is to be set. False when no rule holds. */
  message(whole: string, event: Event, times: Times, timed: boolean): boolean {
    let text = whole.length > longest ? whole.slice(0, longest) : whole;
    const record = parseRecord(text) ?? (text.includes('msg=') ? parseLogfmt(text) ?? parseLogfmt(text.slice(headTime(text, strip).end)) : undefined);
    if (record) {
      const known = this.#table.record(record, event) || (this.#guess && guessRecord(record, event, this.#service));
      if (known) {
        if (timed) event.time = recordTime(record, times) ?? headTime(text, times).time ?? times.lost();
        return true;
      }
    }
    if (text.length > longestText) text = text.slice(0, longestText);
    if (this.#table.mayMatch(text)) {
      const head = headTime(text, times);
      const body = text.slice(head.end);
      for (const { app, rule } of this.#table.candidates(text)) {
        const found = applyText(app, rule, body, event);
        if (!found) continue;
        if (timed) event.time = innerTime(found.time, times) ?? head.time ?? times.lost();
        return true;
      }
    }
    if (!this.#guess || !guessText(text, event, this.#service)) return false;
    if (timed) event.time = headTime(text, times).time ?? times.lost();
    return true;
  }
}

/** For messages whose time is known: only to step over a time that they begin with. */
const strip = new Times({ now: () => 0, zoneOffset: () => 0 });

const esc = '\u001B[';

/** Without terminal colours and the name that docker compose puts in front. */
function clean(line: string): string {
  let text = line.length > longest ? line.slice(0, longest) : line;
  if (text.includes(esc)) text = text.replaceAll(/\u001B\[[\d;]*m/g, '');
  if (text.includes('\\x1b[')) text = text.replaceAll(/\\x1b\[[\d;]*m?/g, '');
  const bar = text.indexOf(' | ');
  return bar > 0 && bar < 40 && /^[\w.-]+ *$/.test(text.slice(0, bar)) ? text.slice(bar + 3) : text;
}

/** The time that a line begins with, and where what it says begins. */
function headTime(text: string, times: Times): { time: number | undefined; end: number } {
  const time = times.any(text, text.charCodeAt(0) === 91 ? 1 : 0);
  let end = times.next;
  if (end < 0) return { time: undefined, end: 0 };
  while (end < text.length && ' ]:|,-\t'.includes(text.charAt(end))) end++;
  return { time, end };
}

/** A time inside the line, in one of the shapes that Times does not know as they stand. */
function innerTime(text: string | undefined, times: Times): number | undefined {
  if (text === undefined) return undefined;
  let ready = text;
  for (const [shape, put] of shapes) {
    if (!shape.test(text)) continue;
    ready = text.replace(shape, put);
    break;
  }
  const half = /^(\d{4}-\d\d-\d\d) (\d{1,2})(:\d\d:\d\d) ([AP])M$/.exec(ready);
  if (half) ready = `${half[1]}T${String((Number(half[2]) % 12) + (half[4] === 'P' ? 12 : 0)).padStart(2, '0')}${half[3]}`;
  const time = times.any(ready, 0);
  return times.next < 0 ? undefined : time;
}

const shapes: readonly (readonly [RegExp, string])[] = [
  [/^(\d{4}):(\d\d):(\d\d)-/, '$1-$2-$3 '], // DirectAdmin
  [/^(\d{4})\/(\d\d)\/(\d\d) - /, '$1-$2-$3 '], // gin
  [/^(\d\d)\/(\d\d)\/(\d{4}),? /, '$3-$1-$2 '], // month first: SquirrelMail, NestJS
  [/^(\d\d)\/(\d\d)\/(\d{4}) - /, '$3-$1-$2 '], // month first: game servers
  [/^(\d\d)\/(\d\d)\/(\d\d),? /, '20$3-$1-$2 '], // ZoneMinder
  [/^(\d\d)-(\d\d)-(\d{4}) /, '$3-$2-$1 '], // 3proxy
  [/^(\d)\/([A-Z])/, '0$1/$2'], // webmin's 1/Aug/2023
  [/^\w{3}, (\d\d) (\w{3}) (\d{4}) /, '$1/$2/$3:'], // Samba
];

/** Levels, threads and names of loggers. */
const heading = /^(?:(?:\[[^\]]{0,80}\]|\([^)]{0,80}\)|<[^>]{0,40}>|[\w./$#@-]{1,80}:|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRIT|CRITICAL|FATAL|ALERT|Warn|Info|Error|Warning|info|warn|warning|error)\b|\d{1,10}|[\w-]+(?:\.[\w-]+)+|[|:-]{1,4})\s*){1,12}/;

const failing = /\b(?:fail(?:ed|ure|s)?|error|invalid|incorrect|wrong|bad|denied|refused|unauthori[sz]ed|unsuccessful|mismatch|rejected)\b/i;
const loggingOn = /(?:\blog(?:ging)?[ _-]?(?:in|on)\b|\bsign[ _-]?(?:in|on)\b|authenticat|\bauth\b|credential|password|passwd|\b2fa\b|\bmfa\b|\btotp\b|登录|密码)/i;
const succeeding = /\b(?:success(?:ful(?:ly)?)?|succeeded|accepted|granted)\b|成功/i;
const labelled = /(?:\bfrom(?: the)?(?: ip)?(?: address)?|\b(?:remote|client|source|src|peer)?[_ -]?(?:ip|addr(?:ess)?|host)(?:[_ -]?addr(?:ess)?)?|\brhost|\bclient|地址)["']? ?[:=]? ?["'([]{0,2}((?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,38}[0-9A-Fa-f.]*)(?![\w.])/gi;

/**
 * A line of no known application that says that a log-on failed and names one address with a label. A user name
 * could bring an address of its own: with two different ones, there is none.
 */
function guessText(text: string, event: Event, service: string): boolean {
  // The statement must be the line's own, not a quotation in it: before the first quote, and before the first colon
  // that ends more than one word.
  const own = text.slice(headTime(text, strip).end).replace(heading, '').slice(0, 400);
  const statement = own.slice(0, own.search(/["']|: |$/));
  if (!failing.test(statement) || !loggingOn.test(statement) || succeeding.test(text)) return false;
  let only: string | undefined;
  for (const [, address = ''] of text.slice(0, 4096).matchAll(labelled)) {
    const ip = addressAndPort(address)?.ip;
    if (ip === undefined || ip === only) continue;
    if (only !== undefined) return false;
    only = ip;
  }
  if (only === undefined) return false;
  event.kind = 'application';
  event.category = 'authentication';
  event.action = 'login';
  event.outcome = 'failure';
  event.service = service;
  event.source_ip = only;
  return true;
}

const messageKeys = ['msg', 'message', 'event', 'error', 'err', 'action', 'eventName', 'event_type', 'type', 'short_message'] as const;
const ipKeys = ['remote_ip', 'client_ip', 'remote_addr', 'remoteAddr', 'remote_address', 'remoteAddress', 'clientIp', 'clientIP', 'client_addr', 'ip', 'ip_address', 'ipAddress', 'ip_addr', 'source_ip', 'sourceIp', 'sourceIPAddress', 'src_ip', 'request_ip', 'remoteIp', 'remoteIP', 'remote', 'peer', 'addr', 'client', 'visitor_ip', 'req.ip', 'req.remoteAddress', 'request.remote_ip', 'request.ip', 'client.ip', 'source.ip'] as const;
const userKeys = ['username', 'user', 'user_name', 'userName', 'login', 'email', 'account', 'uname', 'principal', 'identity'] as const;

/** A record of no known application whose own words say that a log-on failed, with the peer in a key of its own. */
function guessRecord(record: JsonRecord, event: Event, service: string): boolean {
  const words = messageKeys.map((key) => pickText(record, [key]) ?? '').join(' ').slice(0, 4096);
  if (!failing.test(words) || !loggingOn.test(words)) return false;
  const peer = addressAndPort((pickText(record, ipKeys) ?? '').split(',')[0] ?? '');
  if (!peer) return false;
  event.kind = 'application';
  event.category = 'authentication';
  event.action = 'login';
  event.outcome = 'failure';
  event.service = pickText(record, ['service', 'app', 'application']) ?? service;
  event.source_ip = peer.ip;
  event.source_port = peer.port;
  event.user = pickText(record, userKeys);
  return true;
}

/** How surely a line is an application's: 1 when a rule holds, less for the look of its log or a guess. */
export function sniffApp(table: AppTable, line: string, probe: Event): number {
  const text = clean(line);
  const known = new AppReader(table, false, '').message(text, probe, strip, false);
  if (known) return 0.97;
  if (table.apps.some((app) => app.line?.test(text))) return 0.8;
  return new AppReader(table, true, '').message(text, probe, strip, false) ? 0.4 : 0;
}
