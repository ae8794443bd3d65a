import type { Times } from '../time.ts';

/** What stands before the message of a syslog line. Empty string or -1: the line does not say. */
export interface Head {
  time: number;
  host: string;
  /** The program's name as written, without folders and pid. */
  tag: string;
  /** The tag as a path, when it was written as one. */
  path: string;
  pid: number;
  /** 0 (emerg) to 7 (debug). */
  severity: number;
  message: string;
  /** The line began with a time. */
  timed: boolean;
  /** … an ISO one. */
  iso: boolean;
  /** It began with `<PRI>`. */
  pri: boolean;
  /** The tag ended with a colon. */
  colon: boolean;
  /** A kernel ring buffer line, `[12345.678901] text`. */
  dmesg: boolean;
}

export const severities = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const;

/** Longer words than these are no tag and no host name. */
const longestTag = 128;
const longestHost = 255;

/**
 * Reads the heads of RFC 3164 and RFC 5424 lines, of what rsyslog, BSD syslogd and `journalctl -o short…`
 * write. One per source: it fills the same Head each time, and keeps the last host and tag, because equal
 * strings that are one object make everything after it cheaper. Never throws; a line without a readable
 * time gets the time of the line before.
 */
export class HeadReader {
  readonly head: Head = { time: 0, host: '', tag: '', path: '', pid: -1, severity: -1, message: '', timed: false, iso: false, pri: false, colon: false, dmesg: false };
  readonly #times: Times;
  #host = '';
  #tag = '';

  constructor(times: Times) {
    this.#times = times;
  }

  /** The result is good until the next call. */
  read(line: string): Head {
    const head = this.head;
    head.host = '';
    head.tag = '';
    head.path = '';
    head.pid = -1;
    head.severity = -1;
    head.message = line;
    head.timed = false;
    head.iso = false;
    head.pri = false;
    head.colon = false;
    head.dmesg = false;
    let at = 0;
    if (line.charCodeAt(0) === 60) {
      const close = line.indexOf('>', 1);
      const pri = close > 1 && close <= 4 ? Number(line.slice(1, close)) : Number.NaN;
      if (pri >= 0 && pri <= 191) {
        head.pri = true;
        head.severity = pri & 7;
        at = close + 1;
        if (line.charCodeAt(at) === 49 && line.charCodeAt(at + 1) === 32) return rfc5424(line, at + 2, head, this.#times);
      }
    }
    const bracketed = line.charCodeAt(at) === 91;
    if (bracketed && isDmesg(line, at)) {
      head.time = this.#times.last ?? this.#times.lost();
      head.dmesg = true;
      head.tag = 'kernel';
      head.message = line.slice(at);
      return head;
    }
    head.iso = isDigit(line.charCodeAt(at + (bracketed ? 1 : 0)));
    head.time = this.#times.read(line, at);
    if (this.#times.next < 0) {
      // "0000-12-30 00:00:00 host tag: text" has a time by its looks: step over it, keep the rest.
      const shaped = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})? /.exec(line.slice(at, at + 40));
      if (shaped === null) { head.message = line.slice(at); return head; }
      this.#times.next = at + shaped[0].length - 1;
    }
    head.timed = true;
    at = this.#times.next;
    if (bracketed && line.charCodeAt(at) === 93) at += 1;
    at = skipBlanks(line, at);
    if (line.charCodeAt(at) === 60) at = bsdPriority(line, at, head);
    return this.#hostAndTag(line, at, head);
  }

  #hostAndTag(line: string, at: number, head: Head): Head {
    const known = this.#host;
    if (known !== '' && line.startsWith(known, at) && line.charCodeAt(at + known.length) === 32) {
      head.host = known;
      return this.#tagAndMessage(line, skipBlanks(line, at + known.length + 1), head);
    }
    const end = wordEnd(line, at);
    // "host tag: …" unless the first word is a tag itself: "tag[1]: …", "tag: …", "[tag]: …".
    const last = line.charCodeAt(end - 1);
    if (last === 58 || last === 93 || line.charCodeAt(at) === 91) return this.#tagAndMessage(line, at, head);
    if (end >= line.length || end - at > longestHost) { head.message = line.slice(at); return head; }
    head.host = line.slice(at, end);
    this.#host = head.host;
    return this.#tagAndMessage(line, skipBlanks(line, end), head);
  }

  /** `name: text`, `name[123]: text`, `[name]: text`, `[name][123] text`, `/usr/sbin/name[123]: text`; else all is text. */
  #tagAndMessage(line: string, from: number, head: Head): Head {
    const known = this.#tag;
    let nameFrom = from;
    let at: number;
    if (known !== '' && line.startsWith(known, from) && line.charCodeAt(from + known.length) === 91) {
      at = from + known.length;
      head.tag = known;
    } else if (line.charCodeAt(from) === 91) {
      const close = line.indexOf(']', from);
      if (close < 0 || close - from > longestTag || isDigit(line.charCodeAt(from + 1)) || line.slice(from, close).includes(' ')) { head.message = line.slice(from); return head; }
      nameFrom = from + 1;
      head.tag = line.slice(nameFrom, close);
      at = close + 1;
    } else {
      at = tagEnd(line, from);
      // Without pid or colon it is the first word of a message.
      if (at < 0) { head.message = line.slice(from); return head; }
      head.tag = line.slice(from, at);
    }
    if (line.charCodeAt(at) === 91) {
      const close = line.indexOf(']', at);
      if (close < 0 || close - at > 24) { head.tag = ''; head.message = line.slice(from); return head; }
      head.pid = digits(line, at + 1, close);
      at = close + 1;
    }
    const after = line.charCodeAt(at);
    if (after === 58) {
      at += 1;
      head.colon = true;
      const next = line.charCodeAt(at);
      // "12:30 text" and "http://…" are no tags; "tag:text" is.
      if (next === 47 || (next !== 32 && isDigit(line.charCodeAt(nameFrom)))) { head.colon = false; head.tag = ''; head.pid = -1; head.message = line.slice(from); return head; }
    } else if (after !== 32 && at < line.length) { head.tag = ''; head.pid = -1; head.message = line.slice(from); return head; }
    this.#tag = head.tag;
    if (head.tag.charCodeAt(0) === 47) {
      head.path = head.tag;
      head.tag = head.path.slice(head.path.lastIndexOf('/') + 1);
    }
    head.message = line.slice(skipBlanks(line, at));
    return head;
  }
}

/** Index of the `[` or `:` that ends the tag at `from`, or -1 when the word has none. */
function tagEnd(line: string, from: number): number {
  const most = Math.min(line.length, from + longestTag);
  for (let i = from; i < most; i += 1) {
    const code = line.charCodeAt(i);
    if (code === 91 || code === 58) return i > from ? i : -1;
    if (code === 32 || code === 61) return -1; // `host=` is no tag
  }
  return -1;
}

/** `<auth.info>` or `<4.6>`, which BSD syslogd -v writes after the time. */
function bsdPriority(line: string, at: number, head: Head): number {
  const close = line.indexOf('> ', at);
  if (close < 0 || close - at > 20) return at;
  const dot = line.indexOf('.', at);
  if (dot < 0 || dot > close) return at;
  const level = line.slice(dot + 1, close);
  head.severity = /^[0-7]$/.test(level) ? Number(level) : (severities as readonly string[]).indexOf(level === 'error' ? 'err' : level);
  return skipBlanks(line, close + 1);
}

/** After `<PRI>1 `: TIME HOST APP PROCID MSGID STRUCTURED-DATA MSG; `-` says nothing. */
function rfc5424(line: string, from: number, head: Head, times: Times): Head {
  let at = from;
  head.iso = true;
  if (line.charCodeAt(at) === 45 && line.charCodeAt(at + 1) === 32) {
    head.time = times.lost();
    at += 2;
  } else {
    head.time = times.read(line, at);
    if (times.next < 0) { head.message = line.slice(at); return head; }
    at = times.next + 1;
  }
  head.timed = true;
  const words = ['', '', '', ''];
  for (let n = 0; n < 4; n += 1) {
    const end = wordEnd(line, at);
    if (end > at + 255) { head.message = line.slice(at); return head; }
    const word = line.slice(at, end);
    words[n] = word === '-' ? '' : word;
    at = Math.min(end + 1, line.length);
  }
  head.host = words[0]!;
  head.tag = words[1]!;
  head.colon = head.tag !== '';
  if (head.tag.charCodeAt(0) === 47) {
    head.path = head.tag;
    head.tag = head.path.slice(head.path.lastIndexOf('/') + 1);
  }
  head.pid = digits(words[2]!, 0, words[2]!.length);
  at = structuredEnd(line, at);
  if (line.charCodeAt(at) === 32) at += 1;
  if (line.charCodeAt(at) === 0xfeff) at += 1;
  head.message = line.slice(at);
  return head;
}

/** Index after `-` or `[id k="v"][…]`; inside values `\"`, `\]` and `\\` are escaped. */
function structuredEnd(line: string, from: number): number {
  if (line.charCodeAt(from) === 45) return from + 1;
  let at = from;
  while (line.charCodeAt(at) === 91) {
    let quoted = false;
    let i = at + 1;
    for (; i < line.length; i += 1) {
      const code = line.charCodeAt(i);
      if (code === 92 && quoted) i += 1;
      else if (code === 34) quoted = !quoted;
      else if (code === 93 && !quoted) break;
    }
    if (i >= line.length) return from;
    at = i + 1;
  }
  return at;
}

/** `[12345.678901] ` or `[    0.000000] `. */
function isDmesg(line: string, at: number): boolean {
  const i = skipBlanks(line, at + 1);
  const dot = line.indexOf('.', i);
  if (dot <= i || dot - i > 10 || digits(line, i, dot) < 0) return false;
  const close = line.indexOf(']', dot);
  return close > dot + 1 && close - dot <= 7 && digits(line, dot + 1, close) >= 0;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Index of the blank that ends the word at `at`, or the line's length. */
function wordEnd(line: string, at: number): number {
  const end = line.indexOf(' ', at);
  return end < 0 ? line.length : end;
}

function skipBlanks(line: string, at: number): number {
  let i = at;
  while (line.charCodeAt(i) === 32) i += 1;
  return i;
}

/** A number of at most ten digits, or -1. */
function digits(text: string, from: number, to: number): number {
  if (to <= from || to - from > 10) return -1;
  let value = 0;
  for (let i = from; i < to; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9 || Number.isNaN(digit)) return -1;
    value = value * 10 + digit;
  }
  return value;
}
