import type { Event } from '../core/gen/event.ts';
import { canonicalIp, isIpv4 } from '../core/address.ts';
import { addressAndPort, clientBehindProxy, looksLikeHost } from './address.ts';
import type { LineReader } from './lines.ts';
import type { Times } from './time.ts';
import { decodeUrl, hex2, utf8 } from './url.ts';

/**
 * Access log lines in the Common Log Format and its kin, for every server that writes them:
 *
 *     [vhost[:port]] ADDRESS[, ADDRESS…] IDENT USER [TIME] ["vhost"] "REQUEST" STATUS BYTES … "REFERER" "AGENT" ["FORWARDED"] …
 *     [TIME] VHOST ADDRESS … "REQUEST" STATUS BYTES …
 *
 * Hot path: index scanning, no regex. The quoted parts are the client's own words, so the address is taken from
 * the head only, and the time from the bracket before the first quote that is not escaped (user names cannot hold
 * one: nginx writes \x22, Apache \").
 *
 * A quoted field right after the agent that is a list of addresses is X-Forwarded-For (nginx `main`). It counts
 * only when the peer is private, and then its rightmost public address: see clientBehindProxy. Where the list
 * stands in front instead of the peer, the same holds.
 */
export class AccessLine implements LineReader {
  readonly #service: string;
  #stamp = '?'; // text of the newest time, between its brackets
  #stampMs = 0;
  // Set once a line has shown that this log puts the site in front: where the site is an address too (a request
  // for the bare server, or a Host header that frames somebody), the second address is the peer.
  #siteFirst = false;

  constructor(service: string) {
    this.#service = service;
  }

  read(line: string, event: Event, times: Times | undefined): boolean {
    // LiteSpeed may quote the whole line.
    const start = line.charCodeAt(0) === 34 ? 1 : 0;
    const quote = nextQuote(line, start);
    if (quote < 0) return false;
    const close = line.charCodeAt(quote - 2) === 93 ? quote - 2 : line.lastIndexOf(']', quote);
    if (close < start) return false;
    const open = line.lastIndexOf('[', close);
    if (open < start || close - open < 20 || close - open > 40) return false;
    if (times && !this.#time(line, open + 1, close, event, times)) return false;
    const bare = open === start ? readTimeFirst(line, close, quote, event) : this.#head(line, start, open, event);
    if (!bare) return false;
    if (close !== quote - 2 && event.http_host === undefined && open !== start) {
      const vhost = line.slice(close + 1, quote).trim();
      if (looksLikeHost(vhost)) event.http_host = vhost;
    }
    const end = nextQuote(line, quote + 1);
    if (end < 0) return false;
    const status = readStatus(line, end);
    if (status < 0) return false;
    setRequest(event, line.slice(quote + 1, end));
    readTail(line, end, event);
    finishRequest(event, this.#service, status);
    return true;
  }

  #head(line: string, start: number, open: number, event: Event): boolean {
    const known = readHead(line, start, open, event, this.#siteFirst);
    if (known && event.http_host !== undefined && canonicalIp(event.http_host) === undefined) this.#siteFirst = true;
    return known;
  }

  #time(line: string, from: number, close: number, event: Event, times: Times): boolean {
    if (this.#stamp.length === close - from && line.startsWith(this.#stamp, from)) {
      event.time = this.#stampMs;
      return true;
    }
    let ms = times.any(line, from);
    if (times.next < 0) ms = times.iso(americanDate(line, from), 0);
    if (times.next < 0) ms = times.clf(localDate(line, from), 0);
    if (times.next < 0) return false;
    this.#stamp = line.slice(from, close);
    this.#stampMs = ms;
    event.time = ms;
    return true;
  }
}

/** cPanel writes `11/22/2026:02:27:01 -0000`: as ISO text, or what stands there when it is not that. */
function americanDate(line: string, from: number): string {
  const text = line.slice(from, from + 25);
  return text.charCodeAt(2) === 47 && text.charCodeAt(5) === 47 ? `${text.slice(6, 10)}-${text.slice(0, 2)}-${text.slice(3, 5)}T${text.slice(11)}` : '';
}

/** Java writes months in the server's language (`02/sept./2015:…`): its first three letters, which are often the English ones. */
function localDate(line: string, from: number): string {
  return line.slice(from, from + 40).replace(/^(\d\d\/[A-Za-z]{3})[^/]{1,6}\//, '$1/');
}

/** The next double quote from `at` that no backslash escapes, or -1. */
export function nextQuote(line: string, at: number): number {
  let quote = line.indexOf('"', at);
  while (quote > at && line.charCodeAt(quote - 1) === 92) {
    let slashes = 1;
    while (quote - slashes > at && line.charCodeAt(quote - slashes - 1) === 92) slashes++;
    if (slashes % 2 === 0) break;
    quote = line.indexOf('"', quote + 1);
  }
  return quote;
}

/** What stands before the time: address, user, and perhaps the site. */
function readHead(line: string, start: number, open: number, event: Event, siteFirst: boolean): boolean {
  const space = line.indexOf(' ', start);
  if (!siteFirst && space > start && space < open && isIpv4(line, start, space)) {
    event.source_ip = line.slice(start, space);
    setUser(line, space + 1, open - 1, event);
    return true;
  }
  if (open - start > 2000) return false;
  const head = line.slice(start, open).trimEnd();
  const words = head.split(' ');
  const first = words[0] ?? '';
  const peer = addressAndPort(first.replace(/,$/, ''));
  if (peer && first.endsWith(',')) { // a forwarded list stands where the peer should
    let last = 0;
    while (words[last]?.endsWith(',')) last++;
    const list = words.slice(0, last + 1).join('');
    event.source_ip = clientBehindProxy('127.0.0.1', list);
    setUser(head, words.slice(0, last + 1).join(' ').length + 1, head.length, event);
    return true;
  }
  const second = words[1] ?? '';
  const address = second === '-' ? undefined : addressAndPort(second);
  if (peer && !(siteFirst && address)) {
    event.source_ip = peer.ip;
    event.source_port = peer.port;
    setUser(head, first.length + 1, head.length, event);
    return true;
  }
  if (address) {
    event.http_host = hostOnly(first);
    event.source_ip = address.ip;
    setUser(head, first.length + second.length + 2, head.length, event);
    return true;
  }
  // A name instead of an address: Apache with HostnameLookups, or `unix:` for a socket.
  if (words.length >= 3 && (looksLikeHost(first) || first === 'unix:')) {
    event.source_ip = looksLikeHost(first) ? first : undefined;
    setUser(head, first.length + 1, head.length, event);
    return true;
  }
  return false;
}

/** `IDENT USER`, where IDENT is nearly always `-`; ingress puts the peer in brackets between, BunkerWeb a request id. */
function setUser(line: string, from: number, to: number, event: Event): void {
  if (to - from === 3 && line.charCodeAt(to - 1) === 45) return; // "- -"
  const space = line.indexOf(' ', from);
  if (space < 0 || space >= to) return;
  let user = line.slice(space + 1, to).trim();
  if (user.startsWith('[')) user = user.slice(user.indexOf('] ') + 2).replace(/^- /, '');
  const blank = user.indexOf(' ');
  if (blank === 32 && event.http_host !== undefined) user = user.slice(33); // the 32 digits of $request_id
  else if (blank >= 0 && (user.endsWith(' -') || user.startsWith('- '))) user = user.endsWith(' -') ? '-' : user.slice(2);
  if (user !== '-' && user !== '' && user !== '""') event.user = user.includes('\\') ? unescapeLog(user) : user;
}

/** `[TIME] VHOST ADDRESS SECONDS "REQUEST"`: what stands between the time and the request. */
function readTimeFirst(line: string, close: number, quote: number, event: Event): boolean {
  if (quote - close > 1000) return false;
  const words = line.slice(close + 1, quote).trim().split(' ');
  for (let i = 0; i < words.length; i++) {
    // The site may itself be an address (a Host header can say anything): then the peer is the one after it.
    const address = (i === 0 ? addressAndPort(words[1] ?? '') : undefined) ?? addressAndPort(words[i] ?? '');
    if (!address) continue;
    event.source_ip = address.ip;
    const before = words[i - 1] ?? (words.length > 1 && canonicalIp(words[1] ?? '') === address.ip ? words[0] : undefined);
    if (before !== undefined && before !== '-' && before !== '_' && looksLikeHost(hostOnly(before))) event.http_host = hostOnly(before);
    return true;
  }
  return false;
}

/** The status after the quote that closes the request; 0 when it is `-`, -1 when it is none. */
function readStatus(line: string, quote: number): number {
  const at = quote + 2;
  if (line.charCodeAt(quote + 1) !== 32) return -1;
  const a = line.charCodeAt(at) - 48;
  const b = line.charCodeAt(at + 1) - 48;
  const c = line.charCodeAt(at + 2) - 48;
  if (a >= 0 && a <= 9 && b >= 0 && b <= 9 && c >= 0 && c <= 9) return a * 100 + b * 10 + c;
  return a === -3 || (a === 0 && b === -16) ? 0 : -1; // "-" or "0 "
}

/** Bytes, referer, agent and what may follow them. */
function readTail(line: string, quote: number, event: Event): void {
  let at = line.indexOf(' ', quote + 2); // after the status
  if (at < 0) return;
  let bytes = 0;
  let digits = 0;
  for (let code = line.charCodeAt(++at) - 48; code >= 0 && code <= 9 && digits < 15; code = line.charCodeAt(++at) - 48) {
    bytes = bytes * 10 + code;
    digits++;
  }
  if (digits > 0) event.http_bytes = bytes;
  const one = nextQuote(line, at);
  if (one < 0) {
    // Unquoted: `… REQUEST_LENGTH REFERER AGENT` of a proxy manager, whose line begins with the time.
    if (line.charCodeAt(0) === 91) readBareTail(line, at, event);
    return;
  }
  const oneEnd = nextQuote(line, one + 1);
  if (oneEnd < 0) return;
  const first = line.slice(one + 1, oneEnd);
  const two = line.charCodeAt(oneEnd + 2) === 34 ? oneEnd + 2 : nextQuote(line, oneEnd + 1);
  const twoEnd = two < 0 ? -1 : nextQuote(line, two + 1);
  if (twoEnd < 0) { // one quoted field only
    if (first.startsWith('http')) event.http_referer = plain(first);
    else event.http_user_agent = plain(first);
    return;
  }
  event.http_referer = plain(first);
  event.http_user_agent = plain(line.slice(two + 1, twoEnd));
  if (line.charCodeAt(twoEnd + 2) !== 34 || line.charCodeAt(twoEnd + 1) !== 32) return;
  const threeEnd = nextQuote(line, twoEnd + 3);
  if (threeEnd > 0 && event.source_ip !== undefined) event.source_ip = clientBehindProxy(event.source_ip, line.slice(twoEnd + 3, threeEnd));
}

function readBareTail(line: string, at: number, event: Event): void {
  const length = line.indexOf(' ', at + 1);
  const referer = line.indexOf(' ', length + 1);
  if (length < 0 || referer < 0) return;
  event.http_referer = plain(line.slice(length + 1, referer));
  event.http_user_agent = plain(line.slice(referer + 1));
}

/** A logged header value; undefined for `-`. */
export function plain(text: string): string | undefined {
  if (text === '-' || text === '') return undefined;
  return text.includes('\\') ? unescapeLog(text) : text;
}

/**
 * Sets the fields that a request line carries. One that is no HTTP request (binary garbage, a TLS hello, `-`, no
 * protocol) leaves http_method undefined and becomes 'malformed-request', its text standing as the target.
 */
export function setRequest(event: Event, logged: string): void {
  const request = logged.includes('\\') ? unescapeLog(logged) : logged;
  const space = request.indexOf(' ');
  const last = request.lastIndexOf(' ');
  if (space > 0 && last > space && request.startsWith('HTTP/', last + 1) && isMethod(request, space)) {
    event.http_version = request.slice(last + 6);
    setTarget(event, request.slice(0, space), request.slice(space + 1, last));
    return;
  }
  event.action = 'malformed-request';
  if (request !== '-' && request !== '') {
    event.url = request;
    event.url_decoded = decodeUrl(request);
  }
}

/** Makes it a request for this target. */
export function setTarget(event: Event, method: string, target: string): void {
  event.action = 'request';
  event.http_method = method;
  setUrl(event, target);
}

/** Sets the target and what follows from it; the site too when the target names it. */
export function setUrl(event: Event, target: string): void {
  event.url = target;
  let from = 0;
  if (target.charCodeAt(0) !== 47) { // absolute form, as to a proxy
    const scheme = target.indexOf('://');
    if (scheme > 0 && scheme < 8) {
      const slash = target.indexOf('/', scheme + 3);
      event.http_host ??= hostOnly(target.slice(scheme + 3, slash < 0 ? target.length : slash));
      from = slash < 0 ? target.length : slash;
    }
  }
  const query = target.indexOf('?', from);
  if (query < 0) event.url_path = from === 0 ? target : target.slice(from) || '/';
  else {
    event.url_path = target.slice(from, query);
    event.url_query = target.slice(query + 1);
  }
  event.url_decoded = decodeUrl(target);
}

/** What every request event ends with. A status of 401 for a named user is a failed log-on by HTTP authentication. */
export function finishRequest(event: Event, service: string, status: number): void {
  event.category = 'web';
  event.service = service;
  event.action ??= 'request';
  if (status > 0) event.http_status = status;
  event.outcome = status >= 400 ? 'failure' : status > 0 ? 'success' : 'unknown';
  if (status === 401 && event.user !== undefined && event.action === 'request') event.action = 'login';
}

/** The first `end` characters are a method: capital letters, or `-` and `_` as in `M-SEARCH`. */
function isMethod(text: string, end: number): boolean {
  if (end > 24) return false;
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    if ((code < 65 || code > 90) && code !== 45 && code !== 95) return false;
  }
  return true;
}

/** Without a port. */
export function hostOnly(host: string): string {
  const colon = host.lastIndexOf(':');
  if (colon < 0 || host.endsWith(']')) return host;
  return canonicalIp(host) === undefined ? host.slice(0, colon) : host;
}

/** Undoes what nginx (\xHH) and Apache (\" \\ \n \t \xhh) write for characters that must not stand in a log. */
export function unescapeLog(text: string): string {
  let out = '';
  let copied = 0;
  let at = text.indexOf('\\');
  while (at >= 0) {
    const code = text.charCodeAt(at + 1);
    let value = '';
    let length = 2;
    if (code === 120) { // \xHH, bytes of UTF-8 together
      const bytes: number[] = [];
      let end = at;
      while (text.charCodeAt(end) === 92 && text.charCodeAt(end + 1) === 120) {
        const byte = hex2(text, end + 2);
        if (byte < 0) break;
        bytes.push(byte);
        end += 4;
      }
      value = utf8(bytes);
      length = end - at;
    } else if (code === 34 || code === 92) value = String.fromCharCode(code);
    else if (code === 110) value = '\n';
    else if (code === 116) value = '\t';
    else if (code === 114) value = '\r';
    else length = 0;
    if (length > 0) {
      out += text.slice(copied, at) + value;
      copied = at + length;
      at = text.indexOf('\\', copied);
    } else at = text.indexOf('\\', at + 1);
  }
  return copied === 0 ? text : out + text.slice(copied);
}

/** 1 when the line has the shape of an access line, 0 when not; for sniffing. */
export function isAccessLine(line: string): boolean {
  if (line.length > 100_000) return false;
  const start = line.charCodeAt(0) === 34 ? 1 : 0;
  const quote = nextQuote(line, start);
  if (quote < 0) return false;
  const close = line.lastIndexOf(']', quote);
  const open = line.lastIndexOf('[', close);
  const end = nextQuote(line, quote + 1);
  if (open < start || close - open < 20 || close - open > 40 || end < 0 || readStatus(line, end) < 0) return false;
  return timeShape.test(line.slice(open + 1, close));
}
const timeShape = /^(?:\d\d\/[A-Za-z]{3}[^/\]]{0,6}\/\d{4}:|\d\d\/\d\d\/\d{4}:|\d{4}-\d\d-\d\dT)\d\d:\d\d:\d\d/;
