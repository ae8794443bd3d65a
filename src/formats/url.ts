const maxRounds = 3;

/**
 * The request target as an application behind the server may come to see it: percent codes decoded until
 * nothing changes (at most three rounds, so double encoding is undone and a crafted chain cannot loop), `+` as a
 * space in the query, `%uXXXX` as its character, NUL removed. Backslashes stay; HTML entities stay.
 * An overlong form of an ASCII character becomes that character, for `%c0%ae` is only ever written to hide a dot;
 * other invalid UTF-8 becomes U+FFFD. Returns the very same string when there is nothing to decode.
 */
export function decodeUrl(target: string): string {
  let text = target;
  const query = text.indexOf('?');
  if (query >= 0 && text.includes('+', query + 1)) text = text.slice(0, query + 1) + text.slice(query + 1).replaceAll('+', ' ');
  if (text.includes('%')) {
    for (let round = 0; round < maxRounds; round++) {
      const next = decodePercent(text);
      if (next === text) break;
      text = next;
      if (!text.includes('%')) break;
    }
  }
  return text.includes('\0') ? text.replaceAll('\0', '') : text;
}

/** One round of percent decoding; text without a valid code comes back as it is. */
function decodePercent(text: string): string {
  let out = '';
  let copied = 0;
  let at = text.indexOf('%');
  while (at >= 0) {
    const wide = text.charCodeAt(at + 1) | 32;
    if (wide === 117) { // %uXXXX
      const code = hex4(text, at + 2);
      if (code >= 0) {
        out += text.slice(copied, at) + String.fromCharCode(code);
        copied = at + 6;
      }
      at = text.indexOf('%', Math.max(at + 1, copied));
      continue;
    }
    const byte = hex2(text, at + 1);
    if (byte < 0) {
      at = text.indexOf('%', at + 1);
      continue;
    }
    out += text.slice(copied, at);
    if (byte < 128) {
      out += String.fromCharCode(byte);
      copied = at + 3;
    } else {
      const bytes = [byte];
      let end = at + 3;
      while (text.charCodeAt(end) === 37) {
        const next = hex2(text, end + 1);
        if (next < 128) break;
        bytes.push(next);
        end += 3;
      }
      out += utf8(bytes);
      copied = end;
    }
    at = text.indexOf('%', copied);
  }
  return copied === 0 ? text : out + text.slice(copied);
}

/**
 * Bytes as text. Overlong forms of ASCII become the character they stand for, other invalid sequences U+FFFD:
 * one for each byte that fits nowhere.
 */
export function utf8(bytes: readonly number[]): string {
  let out = '';
  for (let i = 0; i < bytes.length;) {
    const first = bytes[i] ?? 0;
    const length = first < 0x80 ? 1 : first >= 0xc0 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf8 ? 4 : 0;
    if (length === 0 || i + length > bytes.length) {
      out += '�';
      i++;
      continue;
    }
    let code = length === 1 ? first : first & (0x7f >> length);
    let valid = true;
    for (let j = 1; j < length; j++) {
      const next = bytes[i + j] ?? 0;
      if ((next & 0xc0) !== 0x80) valid = false;
      code = (code << 6) | (next & 0x3f);
    }
    const least = length === 2 ? 0x80 : length === 3 ? 0x800 : length === 4 ? 0x10000 : 0;
    const overlong = code < least;
    if (!valid || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || (overlong && code >= 0x80)) {
      out += '�';
      i++;
      continue;
    }
    out += String.fromCodePoint(code);
    i += length;
  }
  return out;
}

/** The byte that two hexadecimal digits at `at` write, or -1. */
export function hex2(text: string, at: number): number {
  const high = digit(text.charCodeAt(at));
  const low = digit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hex4(text: string, at: number): number {
  const high = hex2(text, at);
  const low = hex2(text, at + 2);
  return high < 0 || low < 0 ? -1 : high * 256 + low;
}

function digit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
