import type { DecodeContext } from '../core/format.ts';

/**
 * Reads the times that logs are written with, without Date.parse: one object per source, because the year
 * of an RFC 3164 time and the fall-back for an unreadable one depend on the lines before it.
 *
 * Every method takes the text and where the time starts. When the time is of the method's shape it
 * returns Unix ms and `next` is the index after the time; when it is not, `next` is -1 and the result is
 * meaningless (0). Nothing here ever returns NaN. `read` tries the shapes by their look and falls back.
 *
 * A time without a zone is local: `context.zoneOffset` says how far east of UTC it was.
 */
export class Times {
  /** Index after the time that was read last; -1 when there was none. */
  next = -1;
  /** Times that could not be read, for which the time of the line before (or now) stood in. */
  unknown = 0;
  /** Unix ms of the last time that could be read; undefined before the first. */
  last: number | undefined = undefined;

  readonly #context: Pick<DecodeContext, 'now' | 'zoneOffset'>;
  // Lines of one second follow each other: the text of the last RFC 3164 second and its meaning.
  #stamp = '';
  #stampMs = 0;
  #stampNow = Number.NEGATIVE_INFINITY;
  // zoneOffset may be costly (time zone rules); offsets change on quarter hours only.
  #zoneQuarter = Number.NaN;
  #zoneMs = 0;

  constructor(context: Pick<DecodeContext, 'now' | 'zoneOffset'>) {
    this.#context = context;
  }

  /** Any shape this room knows, or the time of the line before; then `unknown` counts and `next` is -1. */
  read(text: string, at = 0): number {
    const time = this.any(text, at);
    return this.next < 0 ? this.lost() : time;
  }

  /** The time for a line whose own time cannot be read: that of the line before, else now. */
  lost(): number {
    this.unknown += 1;
    return this.last ?? this.#context.now();
  }

  /** Any shape, chosen by its first characters; one `[` may stand before it. */
  any(text: string, start: number): number {
    const at = text.charCodeAt(start) === 91 ? start + 1 : start;
    const first = text.charCodeAt(at);
    if (first >= 48 && first <= 57) {
      const sep4 = text.charCodeAt(at + 4);
      if (sep4 === 45 || sep4 === 47 || sep4 === 46) return this.iso(text, at);
      const sep2 = text.charCodeAt(at + 2);
      if (sep2 === 47 || sep2 === 45) return this.clf(text, at);
      if (sep2 === 0x6708 || text.charCodeAt(at + 1) === 0x6708) return this.syslog(text, at);
      const compact = this.compact(text, at);
      return this.next < 0 ? this.epoch(text, at) : compact;
    }
    // "Sun Nov 22 …", "Sun 2026-11-22 …" or "Nov 22 …".
    if (text.charCodeAt(at + 3) !== 32) return this.syslog(text, at);
    if (isLetter(text.charCodeAt(at + 4))) return this.ctime(text, at);
    if (text.charCodeAt(at + 8) !== 45) return this.syslog(text, at);
    const time = this.iso(text, at + 4);
    this.#skipZoneWord(text);
    return time;
  }

  /**
   * RFC 3164 and its kin: `Nov 22 02:27:01`, `Nov  2 …`, `Nov 2 …`, with a year (`Nov 22 2026 02:27:01`),
   * with a fraction (`Nov 22 02:27:01.123456`, the journal's short-precise), with a month as the locale
   * writes it (`11月 22 …`).
   */
  syslog(text: string, at: number): number {
    if (this.#stamp !== '' && text.startsWith(this.#stamp, at) && !isDigit(text.charCodeAt(at + this.#stamp.length))) {
      const now = this.#context.now();
      // The year was chosen for another now; a step of an hour cannot change it for the better.
      if (Math.abs(now - this.#stampNow) < 3_600_000) return this.#fraction(text, at + this.#stamp.length, this.#stampMs);
    }
    this.next = -1;
    let i = at;
    let month = 0;
    const quick = month3(text, at);
    if (quick > 0 && text.charCodeAt(at + 3) === 32) { month = quick; i = at + 3; }
    else {
      const blank = text.indexOf(' ', at);
      if (blank < 0 || blank - at > 10) return 0;
      month = localMonth(text.slice(at, blank));
      if (month === 0) return 0;
      i = blank;
    }
    i = skipBlanks(text, i);
    const dayEnd = digitsEnd(text, i, 2);
    if (dayEnd === i || text.charCodeAt(dayEnd) !== 32) return 0;
    const day = number(text, i, dayEnd);
    i = skipBlanks(text, dayEnd);
    let year = 0;
    if (digitsEnd(text, i, 5) === i + 4 && text.charCodeAt(i + 4) === 32) {
      year = number(text, i, i + 4);
      i = skipBlanks(text, i + 4);
    }
    const seconds = clock(text, i);
    if (seconds < 0 || day < 1 || day > monthDays[month]!) return 0;
    const end = i + clockLength(text, i);
    const wall = year > 0 ? civil(year, month, day, seconds) : Number.NaN;
    if (year > 0 && Number.isNaN(wall)) return 0;
    const now = this.#context.now();
    const time = year > 0 ? wall - this.#offset(wall) : this.#yearless(month, day, seconds, now);
    this.#stamp = text.slice(at, end);
    this.#stampMs = time;
    this.#stampNow = now;
    return this.#fraction(text, end, time);
  }

  /**
   * ISO 8601 and its kin: `2026-11-22T02:27:01.123456+08:00`, `2026-11-22 02:27:01,123`, `…Z`, `…+0800`,
   * `2026/11/22 02:27:01`, `2026-11-22T02:27:01` (local), and a zone word UTC or GMT after a blank.
   */
  iso(text: string, at: number): number {
    this.next = -1;
    const sep = text.charCodeAt(at + 4);
    if ((sep !== 45 && sep !== 47 && sep !== 46) || text.charCodeAt(at + 7) !== sep || digitsEnd(text, at, 4) !== at + 4) return 0;
    const month = two(text, at + 5);
    const day = two(text, at + 8);
    const between = text.charCodeAt(at + 10);
    if (month < 0 || day < 0 || (between !== 84 && between !== 116 && between !== 32 && between !== 58 && between !== 45)) return 0;
    let i = at + 11;
    if (between === 32) i = skipBlanks(text, i);
    const seconds = clock(text, i);
    if (seconds < 0) return 0;
    const wall = civil(number(text, at, at + 4), month, day, seconds);
    if (Number.isNaN(wall)) return 0;
    return this.#finish(text, i + clockLength(text, i), wall);
  }

  /** `22/Nov/2026:02:27:01 +0800` (web servers) and `22-Nov-2026 02:27:01.123` (BIND, PHP). */
  clf(text: string, at: number): number {
    this.next = -1;
    const sep = text.charCodeAt(at + 2);
    const day = two(text, at);
    const month = month3(text, at + 3);
    if (day < 0 || month === 0 || text.charCodeAt(at + 6) !== sep || digitsEnd(text, at + 7, 5) !== at + 11) return 0;
    const between = text.charCodeAt(at + 11);
    if (between !== 58 && between !== 32) return 0;
    const seconds = clock(text, at + 12);
    if (seconds < 0) return 0;
    const wall = civil(number(text, at + 7, at + 11), month, day, seconds);
    if (Number.isNaN(wall)) return 0;
    return this.#finish(text, at + 20, wall);
  }

  /** `Sun Nov 22 02:27:01 2026`, `Sun Nov 22 02:27:01.123456 2026`, `Sun Nov 22 02:27:01 UTC 2026`; always local. */
  ctime(text: string, at: number): number {
    this.next = -1;
    const month = month3(text, at + 4);
    if (month === 0 || text.charCodeAt(at + 3) !== 32) return 0;
    let i = skipBlanks(text, at + 7);
    const dayEnd = digitsEnd(text, i, 2);
    if (dayEnd === i) return 0;
    const day = number(text, i, dayEnd);
    i = skipBlanks(text, dayEnd);
    const seconds = clock(text, i);
    if (seconds < 0) return 0;
    i += clockLength(text, i);
    const milli = milliseconds(text, i);
    if (milli >= 0) i = digitsEnd(text, i + 1, 9);
    i = skipBlanks(text, i);
    let utc = false;
    if (isUpper(text.charCodeAt(i))) {
      const word = text.indexOf(' ', i);
      if (word < 0 || word - i > 5) return 0;
      utc = isUtc(text, i);
      i = word + 1;
    }
    if (digitsEnd(text, i, 5) !== i + 4) return 0;
    const wall = civil(number(text, i, i + 4), month, day, seconds);
    if (Number.isNaN(wall)) return 0;
    this.next = i + 4;
    return this.#keep((utc ? wall : wall - this.#offset(wall)) + Math.max(0, milli));
  }

  /** `261122  2:27:01` (old MySQL), `20261122 02:27:01`, `20261122-02:27:01` (xrdp). */
  compact(text: string, at: number): number {
    this.next = -1;
    const end = digitsEnd(text, at, 9);
    const width = end - at;
    const between = text.charCodeAt(end);
    if ((width !== 6 && width !== 8) || (between !== 32 && between !== 45 && between !== 84)) return 0;
    const i = skipBlanks(text, end + 1);
    const seconds = clock(text, i);
    if (seconds < 0) return 0;
    const short = two(text, at);
    const year = width === 8 ? number(text, at, at + 4) : short + (short < 70 ? 2000 : 1900);
    const wall = civil(year, two(text, end - 4), two(text, end - 2), seconds);
    if (Number.isNaN(wall)) return 0;
    return this.#finish(text, i + clockLength(text, i), wall);
  }

  /** Seconds (9 or 10 digits, with or without a fraction), ms (13), µs (16) or ns (19) since 1970. */
  epoch(text: string, at: number): number {
    this.next = -1;
    const end = digitsEnd(text, at, 20);
    const value = number(text, at, Math.min(end, at + 16));
    switch (end - at) {
      case 9: case 10: return this.#fraction(text, end, value * 1000);
      case 13: this.next = end; return this.#keep(value);
      case 16: this.next = end; return this.#keep(Math.floor(value / 1000));
      case 19: this.next = end; return this.#keep(Math.floor(value / 1000));
      default: return 0;
    }
  }

  /** A fraction and a zone may follow the seconds. */
  #finish(text: string, at: number, wall: number): number {
    let i = at;
    let time = wall;
    const milli = milliseconds(text, i);
    if (milli >= 0) { time += milli; i = digitsEnd(text, i + 1, 9); }
    const code = text.charCodeAt(i);
    if (code === 90) { this.next = i + 1; return this.#keep(time); }
    const signAt = code === 32 ? i + 1 : i;
    const sign = text.charCodeAt(signAt);
    if (sign === 43 || sign === 45) {
      const hours = two(text, signAt + 1);
      const colon = text.charCodeAt(signAt + 3) === 58 ? 1 : 0;
      const minutes = two(text, signAt + 3 + colon);
      if (hours >= 0 && hours < 24) {
        const whole = minutes >= 0 && minutes < 60;
        // "-05" alone is a zone only right after the seconds: after a blank it is other text.
        if (whole || (code !== 32 && colon === 0)) {
          this.next = whole ? signAt + 5 + colon : signAt + 3;
          const shift = (hours * 60 + (whole ? minutes : 0)) * 60_000;
          return this.#keep(sign === 43 ? time - shift : time + shift);
        }
      }
    }
    if (code === 32 && isUtc(text, i + 1)) { this.next = i + 4; return this.#keep(time); }
    this.next = i;
    return this.#keep(time - this.#offset(wall));
  }

  /** The journal's short-full writes the local zone's name (CST) after the time; it is the zone we assume anyway. */
  #skipZoneWord(text: string): void {
    if (this.next < 0 || text.charCodeAt(this.next) !== 32) return;
    let i = this.next + 1;
    while (isUpper(text.charCodeAt(i)) && i - this.next < 7) i += 1;
    if (i - this.next >= 4 && text.charCodeAt(i) === 32) this.next = i;
  }

  #fraction(text: string, at: number, time: number): number {
    const milli = milliseconds(text, at);
    if (milli < 0) { this.next = at; return this.#keep(time); }
    this.next = digitsEnd(text, at + 1, 9);
    return this.#keep(time + milli);
  }

  #keep(time: number): number {
    this.last = time;
    return time;
  }

  #offset(wall: number): number {
    const quarter = Math.floor(wall / 900_000);
    if (quarter !== this.#zoneQuarter) {
      this.#zoneQuarter = quarter;
      this.#zoneMs = this.#context.zoneOffset(quarter * 900_000) * 60_000;
    }
    return this.#zoneMs;
  }

  /**
   * The newest year in which the time is not more than a day after now. A line that a clock set back has
   * left up to a week ahead of now stays beside the line before it instead of going a year back.
   */
  #yearless(month: number, day: number, seconds: number, now: number): number {
    const thisYear = new Date(now).getUTCFullYear();
    let ahead: number | undefined;
    // 29 February exists every fourth year, at the turn of a century every eighth.
    for (let year = thisYear + 1; year > thisYear - 9; year -= 1) {
      const wall = civil(year, month, day, seconds);
      if (Number.isNaN(wall)) continue;
      const time = wall - this.#offset(wall);
      if (time > now + dayMs) { ahead = time; continue; }
      if (ahead !== undefined && this.last !== undefined && ahead - now < 7 * dayMs && Math.abs(ahead - this.last) < 7 * dayMs) return ahead;
      return time;
    }
    return this.last ?? now;
  }
}

const dayMs = 86_400_000;
const monthDays = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const satisfies readonly number[];

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isUpper = (code: number): boolean => code >= 65 && code <= 90;
const isLetter = (code: number): boolean => (code >= 65 && code <= 90) || (code >= 97 && code <= 122);

/** UTC or GMT as a word. */
function isUtc(text: string, at: number): boolean {
  if (!text.startsWith('UTC', at) && !text.startsWith('GMT', at)) return false;
  return !isLetter(text.charCodeAt(at + 3)) && !isDigit(text.charCodeAt(at + 3));
}

/** Days since 1970 and seconds to ms as if UTC; NaN when there is no such day. */
function civil(year: number, month: number, day: number, seconds: number): number {
  if (month < 1 || month > 12 || day < 1 || day > monthDays[month]! || year < 1970 || year > 2199) return Number.NaN;
  if (month === 2 && day === 29 && !(year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))) return Number.NaN;
  // Counting years from March puts the leap day last.
  const y = month > 2 ? year : year - 1;
  const m = month > 2 ? month - 3 : month + 9;
  const days = 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + Math.floor((153 * m + 2) / 5) + day - 719_469;
  return (days * 86_400 + seconds) * 1000;
}

/** Index after at most `most` digits from `at`. */
function digitsEnd(text: string, at: number, most: number): number {
  let i = at;
  while (i < at + most && isDigit(text.charCodeAt(i))) i += 1;
  return i;
}

function number(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i += 1) value = value * 10 + text.charCodeAt(i) - 48;
  return value;
}

/** Two digits, or -1. */
function two(text: string, at: number): number {
  const a = text.charCodeAt(at) - 48;
  const b = text.charCodeAt(at + 1) - 48;
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 ? a * 10 + b : -1;
}

function skipBlanks(text: string, at: number): number {
  let i = at;
  while (text.charCodeAt(i) === 32) i += 1;
  return i;
}

/** `02:27:01` or `2:27:01` to seconds of the day, or -1. A leap second counts as the second before. */
function clock(text: string, at: number): number {
  const i = text.charCodeAt(at + 1) === 58 ? at - 1 : at;
  const hours = i === at ? two(text, at) : text.charCodeAt(at) - 48;
  const minutes = two(text, i + 3);
  const seconds = two(text, i + 6);
  if (text.charCodeAt(i + 2) !== 58 || text.charCodeAt(i + 5) !== 58) return -1;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60) return -1;
  return hours * 3600 + minutes * 60 + Math.min(seconds, 59);
}

const clockLength = (text: string, at: number): number => (text.charCodeAt(at + 1) === 58 ? 7 : 8);

/** `.123456` or `,123` to whole ms, or -1 when there is no fraction. */
function milliseconds(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if ((code !== 46 && code !== 44) || !isDigit(text.charCodeAt(at + 1))) return -1;
  let value = 0;
  for (let i = 1; i <= 3; i += 1) {
    const digit = text.charCodeAt(at + i) - 48;
    if (digit < 0 || digit > 9 || Number.isNaN(digit)) { value *= 10 ** (4 - i); break; }
    value = value * 10 + digit;
  }
  return value;
}

/** English month abbreviation at `at` in any case, 1 to 12; 0 when it is none. */
function month3(text: string, at: number): number {
  const key = ((text.charCodeAt(at) | 32) << 16) | ((text.charCodeAt(at + 1) | 32) << 8) | (text.charCodeAt(at + 2) | 32);
  switch (key) {
    case 0x6a616e: return 1;
    case 0x666562: return 2;
    case 0x6d6172: return 3;
    case 0x617072: return 4;
    case 0x6d6179: return 5;
    case 0x6a756e: return 6;
    case 0x6a756c: return 7;
    case 0x617567: return 8;
    case 0x736570: return 9;
    case 0x6f6374: return 10;
    case 0x6e6f76: return 11;
    case 0x646563: return 12;
    default: return 0;
  }
}

// Programs that format with the machine's locale (journalctl -o short) write these.
const localMonths: ReadonlyMap<string, number> = new Map([
  ['sept', 9], ['june', 6], ['july', 7],
  ['mär', 3], ['mrz', 3], ['mai', 5], ['okt', 10], ['dez', 12],
  ['janv', 1], ['févr', 2], ['mars', 3], ['avril', 4], ['juin', 6], ['juil', 7], ['août', 8], ['déc', 12],
  ['ene', 1], ['abr', 4], ['ago', 8], ['dic', 12],
]);

/** A month as a locale writes it: `11月`, `Okt`, `févr.`; 0 when unknown. */
function localMonth(word: string): number {
  const end = digitsEnd(word, 0, 2);
  if (end > 0) {
    const month = number(word, 0, end);
    return word.charCodeAt(end) === 0x6708 && word.length === end + 1 && month >= 1 && month <= 12 ? month : 0;
  }
  const plain = word.toLowerCase().replace('.', '');
  return localMonths.get(plain) ?? (plain.length === 3 ? month3(plain, 0) : 0);
}
