/**
 * Decoders over binary strings (one char a byte). Each answers undefined for what it cannot decode, and for what would be longer
 * than `max`: a bomb is left unknown.
 */
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const binary = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** As PHP does: other characters are passed over; `-_` count as `+/` too. */
export function base64(text: string, max: number): string | undefined {
  if (text.length * 0.75 > max + 3) return undefined;
  return Buffer.from(text.replace(/[^A-Za-z0-9+/_-]/g, ''), 'base64').toString('latin1');
}
export const base64Of = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

/** Does it look like base64 of something longer than a word? */
export const looksBase64 = (text: string): boolean => text.length >= 24 && /^[A-Za-z0-9+/_\s-]+={0,2}\s*$/.test(text);

export const hex = (text: string): string | undefined => (/^(?:[0-9a-fA-F]{2})*$/.test(text) ? Buffer.from(text, 'hex').toString('latin1') : undefined);
export const hexOf = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

export type Packing = 'raw' | 'zlib' | 'gzip';
/** What a cut stream held is given back as far as it went: packed code is often padded or cut short. */
export function inflate(text: string, packing: Packing, max: number): string | undefined {
  const options = { maxOutputLength: max, finishFlush: 2 } as const; // Z_SYNC_FLUSH
  try {
    const bytes = bytesOf(text);
    const out = packing === 'raw' ? inflateRawSync(bytes, options) : packing === 'zlib' ? inflateSync(bytes, options) : gunzipSync(bytes, options);
    return out.length > 0 ? binary(out) : undefined;
  } catch {
    return undefined; // damaged, or longer than max: not known
  }
}

export const rot13 = (text: string): string => text.replace(/[A-Za-z]/g, (char) => String.fromCharCode(char.charCodeAt(0) + (char.toLowerCase() < 'n' ? 13 : -13)));

export const reverse = (text: string): string => {
  let out = '';
  for (let i = text.length - 1; i >= 0; i--) out += text[i]!;
  return out;
};

/** %xx; `plus`: a plus is a blank. */
export const percent = (text: string, plus: boolean): string => (plus ? text.replaceAll('+', ' ') : text).replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

export function uudecode(text: string, max: number): string | undefined {
  let out = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const length = (line.charCodeAt(0) - 32) & 63;
    let part = '';
    for (let i = 1; i + 3 < line.length + 3 && part.length < length; i += 4) {
      const [a = 0, b = 0, c = 0, d = 0] = [0, 1, 2, 3].map((k) => ((line.charCodeAt(i + k) || 32) - 32) & 63);
      part += String.fromCharCode((a << 2) | (b >> 4), ((b << 4) | (c >> 2)) & 255, ((c << 6) | d) & 255);
    }
    out += part.slice(0, length);
    if (out.length > max) return undefined;
  }
  return out;
}

export const quotedPrintable = (text: string): string => text.replace(/=\r?\n/g, '').replace(/=([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: '\xa0' };
export const htmlEntities = (text: string): string => text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|([a-z]{2,5}));/g, (all, hexDigits?: string, digits?: string, name?: string) => {
  if (name !== undefined) return entities[name] ?? all;
  const code = hexDigits !== undefined ? Number.parseInt(hexDigits, 16) : Number(digits);
  return code < 256 ? String.fromCharCode(code) : code <= 0x10ffff ? utf8(String.fromCodePoint(code)) : all;
});

/** Text as the bytes of its UTF-8. */
export const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** \n, \x41, \101, \u0041, \u{41} as JavaScript, Java, Python and C read them. */
export const escapes = (text: string): string => text.replace(/\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|([0-7]{1,3})|([\s\S]))/g, (_, x?: string, brace?: string, u?: string, octal?: string, other?: string) => {
  if (other !== undefined) return ({ n: '\n', r: '\r', t: '\t', v: '\v', f: '\f', b: '\b', '\n': '' })[other] ?? other;
  const code = octal !== undefined ? Number.parseInt(octal, 8) & 255 : Number.parseInt(x ?? brace ?? u ?? '0', 16);
  return code < 256 ? String.fromCharCode(code) : code <= 0x10ffff ? utf8(String.fromCodePoint(code)) : '\ufffd';
});
