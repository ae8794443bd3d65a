/** Calls that build or unpack texts, the same in most languages; each takes the text it works on first. */
import { base64, hex, htmlEntities, inflate, looksBase64, percent, reverse, rot13, utf8 } from '../decode.ts';
import type { Budget } from '../sign.ts';
import { cutAddress, textOf, type Value } from './follow.ts';

const decoded = (text: string | undefined): Value | undefined => (text === undefined ? undefined : { text, hidden: true, packed: true });

export type Step = 'base64' | 'hex' | 'percent' | 'rot13' | 'reverse' | 'inflate' | 'gunzip' | 'entities' | 'same' | 'lower' | 'upper' | 'unescape' | 'trim';

export function step(kind: Step, value: Value | undefined, budget: Budget): Value | undefined {
  const text = value && textOf(value);
  if (text === undefined) return value?.taint ? { taint: value.taint } : undefined;
  if (!budget.fits(text.length)) return undefined;
  budget.text(text.length);
  const max = budget.limits.text;
  switch (kind) {
    case 'base64': return looksBase64(text) || /^[A-Za-z0-9+/=_\s-]*$/.test(text) ? decoded(base64(text, max)) : undefined;
    case 'hex': return decoded(hex(text));
    case 'percent': return decoded(percent(text, false));
    case 'unescape': return decoded(percent(text, false).replace(/%u([0-9a-fA-F]{4})/g, (_, digits: string) => { const code = Number.parseInt(digits, 16); return code < 256 ? String.fromCharCode(code) : utf8(String.fromCharCode(code)); }));
    case 'rot13': return decoded(rot13(text));
    case 'reverse': return decoded(reverse(text));
    case 'inflate': return decoded(inflate(text, 'zlib', max) ?? inflate(text, 'raw', max));
    case 'gunzip': return decoded(inflate(text, 'gzip', max));
    case 'entities': return decoded(htmlEntities(text));
    case 'lower': return { ...value, text: text.toLowerCase() };
    case 'upper': return { ...value, text: text.toUpperCase() };
    case 'trim': return { ...value, text: text.trim() };
    case 'same': return value;
    default: return kind satisfies never;
  }
}

/** Characters of numbers. */
export function characters(args: readonly Value[]): Value | undefined {
  const codes = args.flatMap((arg) => arg.list ?? [arg]).map(({ number, text }) => number ?? (text !== undefined && /^\d{1,7}$/.test(text) ? Number(text) : undefined));
  if (codes.length === 0 || codes.some((code) => code === undefined)) return undefined;
  return { text: codes.map((code) => (code! < 256 ? String.fromCharCode(code!) : code! <= 0x10ffff ? utf8(String.fromCodePoint(code!)) : '')).join(''), hidden: true, packed: true };
}

export function joined(list: Value | undefined, between: string): Value | undefined {
  if (!list?.list || list.list.some((one) => textOf(one) === undefined)) return list?.taint ? { taint: list.taint } : undefined;
  return { text: list.list.map((one) => textOf(one)!).join(between), hidden: true, ...((list.list.some(({ packed }) => packed) || (between === '' && cutAddress(list.list))) && { packed: true }) };
}

export function replaced(text: string | undefined, from: string | undefined, to: string | undefined, budget: Budget): Value | undefined {
  if (text === undefined || from === undefined || to === undefined || from === '' || !budget.fits(text.length * Math.max(1, to.length))) return undefined;
  return { text: text.replaceAll(from, () => to), hidden: true };
}

export const splitInto = (text: string | undefined, between: string | undefined): Value | undefined => (text === undefined || between === undefined ? undefined : { list: text.split(between, 4096).map((one) => ({ text: one, hidden: true })) });
