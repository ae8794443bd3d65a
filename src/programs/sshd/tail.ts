import { canonicalAddress, isHost, readTail, type Tail } from '../address.ts';

/** Who and from where, as one message tells. `from` -1: it could not be told safely. */
export interface Peer extends Tail {
  user: string | undefined;
  /** The account does not exist or may not log on. */
  invalid: boolean;
}

/** How many readings of one ambiguous line are looked at. */
const mostReadings = 16;

/**
 * `… [invalid user ]NAME from ADDRESS[ port N][ ssh2]` where the end of the line decides. NAME is the client's
 * choice and may itself hold " from 198.51.100.1 port 22 ssh2". Returns false when the method has added
 * something after `ssh2: ` or when NAME looks like it: then `chooseFrom` must weigh the readings.
 */
export function readFrom(text: string, start: number, into: Peer): boolean {
  return readSuffixed(text, start, into) && !hasReading(text, start);
}

/**
 * The same line when it has more than one reading. What follows `ssh2: ` can be the client's choice too (the
 * id in a certificate, the user of a host-based log-on). When more than one reading stays, the address that
 * the session is known to have (`known`) decides, else none: an address that might be a bystander's is worse
 * than none. Returns false when there is no reading to believe.
 */
export function chooseFrom(text: string, start: number, into: Peer, known: string | undefined): boolean {
  const tail = readSuffixed(text, start, into);
  // Without " ssh2" at its end, what looks like a tail stands in the method's addition.
  const suffixed = into.port >= 0 && text.charCodeAt(text.length - 5) === 32;
  const chosen = chooseReading(text, start, into, known, tail && suffixed ? into.from : -1);
  if (chosen === noReading) return readSuffixed(text, start, into);
  if (chosen === doubtful) {
    into.from = -1;
    into.user = undefined;
    return false;
  }
  setUser(text, start, chosen - 6, into);
  return true;
}

function readSuffixed(text: string, start: number, into: Peer): boolean {
  const suffixed = text.endsWith(' ssh2') || text.endsWith(' ssh1');
  if (!readFromEnd(text, start, suffixed ? text.length - 5 : text.length, into)) return false;
  return !suffixed || into.port >= 0;
}

const noReading = -1;
const doubtful = -2;

/** `… [invalid user ]NAME from ADDRESS[ port N]` where nothing follows: the end decides. */
export function readFromEnd(text: string, start: number, end: number, into: Peer): boolean {
  into.user = undefined;
  into.invalid = false;
  if (!readTail(text, end, into) || into.from - 1 < start || !text.startsWith(' from ', into.from - 6)) {
    into.from = -1;
    return false;
  }
  setUser(text, start, into.from - 6, into);
  return true;
}

/** Is there ` ssh2: ` (or ssh1) anywhere? */
const hasReading = (text: string, start: number): boolean =>
  text.includes(':', start) && (text.includes(' ssh2: ', start) || text.includes(' ssh1: ', start));

const plainKey = /^[A-Z0-9-]{2,32} (?:SHA256:[A-Za-z0-9+/=]{20,64}|(?:MD5:)?[0-9a-f:]{20,60})$/;

/** Index of the address to believe, with its port in `into`. */
function chooseReading(text: string, start: number, into: Peer, known: string | undefined, tailAt: number): number {
  const readings: number[] = [];
  let lastPlain = -1;
  let at = text.indexOf(' from ', Math.max(start - 1, 0));
  for (; at >= 0 && readings.length < mostReadings; at = text.indexOf(' from ', at + 1)) {
    const stop = readingEnd(text, at + 6);
    if (stop < 0) continue;
    readings.push(at + 6);
    if (plainKey.test(text.slice(stop))) lastPlain = at + 6;
  }
  // Too many to look at: somebody plays with us.
  if (at >= 0) return doubtful;
  if (readings.length === 0) return noReading;
  if (tailAt >= 0) readings.push(tailAt);
  let chosen = known === undefined ? undefined : readings.findLast((reading) => addressAt(text, reading) === known);
  // Only a password log-on ends in "ssh2", and it adds nothing after it.
  chosen ??= tailAt >= 0 ? tailAt : readings.length === 1 ? readings[0]! : lastPlain;
  if (chosen < 0) return doubtful;
  const blank = wordEnd(text, chosen);
  into.from = chosen;
  into.address = text.slice(chosen, blank);
  into.port = text.startsWith(' port ', blank) ? portAt(text, blank + 6) : -1;
  return chosen;
}

const wordEnd = (text: string, at: number): number => {
  const end = text.indexOf(' ', at);
  return end < 0 ? text.length : end;
};

const addressAt = (text: string, at: number): string => canonicalAddress(text.slice(at, wordEnd(text, at)));

/** Index of what follows `ADDRESS port N ssh2: `, or -1. */
function readingEnd(text: string, at: number): number {
  const found = /^[0-9A-Za-z.:%_-]{1,255} port \d{1,5} ssh[12]: /.exec(text.slice(at, at + 290));
  return found === null ? -1 : at + found[0].length;
}

function setUser(text: string, start: number, end: number, into: Peer): void {
  let from = start;
  into.invalid = false;
  if (text.startsWith('invalid user ', from) || text.startsWith('illegal user ', from)) { from += 13; into.invalid = true; }
  const name = end > from ? text.slice(from, end) : '';
  if (name === '<invalid username>') { into.invalid = true; into.user = undefined; } else into.user = name;
}

/** `ADDRESS port N`, `authenticating user NAME ADDRESS port N`, `invalid user NAME …`, `user NAME …` up to `end`. */
export function readConnection(text: string, start: number, end: number, into: Peer): boolean {
  into.user = undefined;
  into.invalid = false;
  if (!readTail(text, end, into) || into.from < start) { into.from = -1; return false; }
  if (into.from === start) return true;
  let from: number;
  if (text.startsWith('authenticating user ', start)) from = start + 20;
  else if (text.startsWith('invalid user ', start)) { from = start + 13; into.invalid = true; }
  else if (text.startsWith('user ', start)) from = start + 5;
  else { into.from = -1; return false; }
  into.user = into.from - 1 > from ? text.slice(from, into.from - 1) : '';
  return true;
}

/** `ADDRESS port N`, `[ADDRESS]:N` or `ADDRESS` at `start`, where the daemon writes it before anything a client chose. */
export function readLeading(text: string, start: number, into: Peer): boolean {
  into.user = undefined;
  into.invalid = false;
  into.from = -1;
  into.port = -1;
  const end = wordEnd(text, start);
  let stop = end;
  if (text.charCodeAt(start) === 91) {
    const close = text.indexOf(']', start);
    if (close < 0 || close >= end) return false;
    if (text.charCodeAt(close + 1) === 58) into.port = portAt(text, close + 2);
    stop = close + 1;
  } else {
    const last = text.charCodeAt(end - 1);
    if (last === 58 || last === 44) stop -= 1;
    if (text.startsWith(' port ', end)) into.port = portAt(text, end + 6);
  }
  const address = text.slice(start, stop);
  if (!isHost(address)) return false;
  into.from = start;
  into.address = address;
  return true;
}

/** One to five digits, or -1. */
function portAt(text: string, at: number): number {
  let port = 0;
  let i = at;
  for (; i < at + 5; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) break;
    port = port * 10 + digit;
  }
  return i === at ? -1 : port;
}

/** Index of ` for ` right after the word at `at`, or -1. */
export function forAt(text: string, at: number): number {
  const blank = text.indexOf(' ', at);
  return text.startsWith(' for ', blank) ? blank : -1;
}
