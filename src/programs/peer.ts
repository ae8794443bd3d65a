import { canonicalIp } from '../core/address.ts';
import type { Event } from '../core/format.ts';

/**
 * Addresses inside messages. Log text is hostile: user names, HELO names and mail addresses may look like the
 * very words a daemon puts around an address. So an address is read at a place that only the daemon writes
 * (a fixed start, a fixed end), and where there is no such place, only when all candidates agree.
 */

/** A genuine line has one place for an address; where more than so many look like it, none is read. */
export const mostCandidates = 16;

/** The address in the brackets that open at `open` (`[192.0.2.1]`, `[IPv6:2001:db8::1]`); undefined when it is none. */
export function bracketIp(text: string, open: number): string | undefined {
  if (open < 0) return undefined;
  let close = open + 1;
  while (close - open <= 60 && text.charCodeAt(close) !== 93) close++;
  if (close - open > 60) return undefined;
  const start = text.startsWith('IPv6:', open + 1) ? open + 6 : open + 1;
  return canonicalIp(text.slice(start, close));
}

/** `name[address]` or `[address]` with an optional `:port`, the name ending at the first bracket after `at`. Returns the index after it, or -1. */
export function bracketPeer(text: string, at: number, event: Event): number {
  const open = text.indexOf('[', at);
  if (open < 0 || open - at > 260) return -1;
  const ip = bracketIp(text, open);
  if (ip === undefined) return -1;
  event.source_ip = ip;
  return portAfter(text, text.indexOf(']', open) + 1, event);
}

/** Reads `:1234` at `at` as the source port; returns the index after it (or `at` when there is none). */
export function portAfter(text: string, at: number, event: Event): number {
  if (text.charCodeAt(at) !== 58) return at;
  let end = at + 1;
  let port = 0;
  while (end - at <= 5 && isDigit(text.charCodeAt(end))) port = port * 10 + text.charCodeAt(end++) - 48;
  if (end === at + 1 || port > 65_535) return at;
  event.source_port = port;
  return end;
}

/** Takes `address`, `address:port` or `[address]:port` as the peer; false when it is none of these. */
export function takePeer(text: string, event: Event): boolean {
  const whole = canonicalIp(text);
  if (whole !== undefined) {
    event.source_ip = whole;
    return true;
  }
  if (text.charCodeAt(0) === 91) {
    const ip = bracketIp(text, 0);
    if (ip === undefined || portAfter(text, text.indexOf(']') + 1, event) !== text.length) return false;
    event.source_ip = ip;
    return true;
  }
  const colon = text.lastIndexOf(':');
  const ip = colon > 0 ? canonicalIp(text.slice(0, colon)) : undefined;
  if (ip === undefined || portAfter(text, colon, event) !== text.length) return false;
  event.source_ip = ip;
  return true;
}

/** As `takePeer`, and a name stands for itself when the log holds only that. */
export function takePeerOrName(text: string, event: Event): boolean {
  if (takePeer(text, event)) return true;
  if (!hostName.test(text)) return false;
  event.source_ip = text.toLowerCase();
  return true;
}
const hostName = /^(?=.{1,253}$)[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/**
 * The one address that follows `mark` in text[from, to): each occurrence of `mark` that an address and one of the
 * characters of `ends` (or the end of the text) follow is a candidate. Undefined when there is none or two differ,
 * for then someone has forged one of them.
 */
export function soleIp(text: string, mark: string, ends: string, from = 0, to = text.length): string | undefined {
  let found: string | undefined;
  for (let at = text.indexOf(mark, from); at >= 0 && at < to; at = text.indexOf(mark, at + 1)) {
    const start = at + mark.length;
    let end = start;
    while (end < to && end - start <= 46 && !ends.includes(text.charAt(end))) end++;
    const ip = end - start > 46 ? undefined : canonicalIp(text.slice(start, end));
    if (ip === undefined) continue;
    if (found !== undefined && found !== ip) return undefined;
    found = ip;
  }
  return found;
}

/** True when `text` has only letters and digits in [start, end) and something in it. */
export function isWord(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i) | 32;
    if (!isDigit(text.charCodeAt(i)) && (code < 97 || code > 122)) return false;
  }
  return end > start;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** As `soleIp` for `address`, `address:port` or `[address]:port` up to the character `end`: takes it as the peer when all candidates name one address. */
export function takeSolePeer(text: string, mark: string, end: string, event: Event, from = 0): boolean {
  let found: string | undefined;
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1)) {
    const start = at + mark.length;
    const stop = text.slice(start, start + 61).indexOf(end);
    if (stop < 0 || !takePeer(text.slice(start, start + stop), event)) continue;
    if (found !== undefined && found !== event.source_ip) {
      event.source_ip = undefined;
      event.source_port = undefined;
      return false;
    }
    found = event.source_ip;
  }
  return found !== undefined;
}
