/** PHP's own functions that only compute: worked out where their arguments are known, and passing on where data came from where not. */
import { RE2JS } from 're2js';
import { base64, base64Of, hex, hexOf, htmlEntities, inflate, percent, quotedPrintable, reverse, rot13, uudecode } from '../decode.ts';
import type { Budget } from '../sign.ts';
import { textWorks } from './texts.ts';
import { choicesOf, concat, from, gap, given, hiddenBy, keyOf, know, listOf, merge, numberOf, taintsOf, templateOf, textOf, truthOf, unknown, unknownFrom, type PhpArray, type Scalar, type Value } from './value.ts';

type Texts = readonly string[];
type Compute = (texts: Texts, args: readonly Value[], budget: Budget) => Scalar | undefined;
type Work = (args: readonly Value[], budget: Budget) => Value | undefined;

const { decoded, joined, packed } = hiddenBy;
const itemsMax = 20_000;
const patternTextMax = 64 * 1024;

const num = (args: readonly Value[], i: number, other = 0): number => { const value = args[i]; return value === undefined ? other : numberOf(value) ?? other; };
const given0 = (args: readonly Value[], i: number): boolean => args[i] !== undefined && args[i].known !== null;

function substr(text: string, start: number, length: number | undefined): string {
  const begin = start < 0 ? Math.max(0, text.length + start) : start;
  const end = length === undefined ? text.length : length < 0 ? text.length + length : begin + length;
  return text.slice(begin, Math.max(begin, end));
}

/** %s, %d, %c, %x, %'05d, %1$s; undefined parts stay gaps. */
function format(pattern: string, args: readonly Value[]): Value {
  let out: Value = know('');
  let next = 0;
  let last = 0;
  for (const match of pattern.matchAll(/%(?:(\d{1,3})\$)?([-+ 0]|'.)*(\d{1,5})?(?:\.\d{1,3})?([bcdeEfFgGosuxX%])/g)) {
    out = concat(out, know(pattern.slice(last, match.index)));
    last = match.index + match[0].length;
    if (match[4] === '%') { out = concat(out, know('%')); continue; }
    const arg = args[match[1] === undefined ? next++ : Number(match[1]) - 1] ?? unknown;
    out = concat(out, formatted(match[4]!, arg, Number(match[3] ?? 0), match[0].includes('0')));
  }
  const whole = concat(out, know(pattern.slice(last)));
  return { ...whole, hidden: whole.hidden | joined };
}

function formatted(how: string, arg: Value, width: number, zeros: boolean): Value {
  if (how === 's') return arg;
  const number = numberOf(arg);
  if (number === undefined) return unknown;
  const text = how === 'c' ? String.fromCharCode(number & 255) : how === 'x' ? Math.trunc(number).toString(16) : how === 'X' ? Math.trunc(number).toString(16).toUpperCase() : how === 'o' ? Math.trunc(number).toString(8) : how === 'b' ? Math.trunc(number).toString(2) : how === 'd' || how === 'u' ? String(Math.trunc(number)) : String(number);
  return know(text.padStart(Math.min(width, 200), zeros ? '0' : ' '), how === 'c' ? decoded : 0);
}

function pack(args: readonly Value[]): string | undefined {
  const pattern = textOf(args[0] ?? unknown);
  if (pattern === undefined) return undefined;
  let out = '';
  let next = 1;
  for (const [, code = '', count] of pattern.matchAll(/([a-zA-Z@])(\*|\d{1,5})?/g)) {
    if (code === 'H' || code === 'h' || code === 'a' || code === 'A' || code === 'Z') {
      const text = textOf(args[next++] ?? unknown);
      if (text === undefined) return undefined;
      if (code === 'H' || code === 'h') {
        const digits = count === '*' ? text : text.slice(0, Number(count ?? 1));
        out += hex(code === 'H' ? digits : digits.replace(/(.)(.)/g, '$2$1')) ?? '';
      } else out += count === '*' ? text : text.slice(0, Number(count ?? 1));
      continue;
    }
    const times = count === '*' ? args.length - next : Number(count ?? 1);
    for (let i = 0; i < times && next < args.length; i++) {
      const number = numberOf(args[next++]!);
      if (number === undefined) return undefined;
      const bytes = code === 'c' || code === 'C' ? [number] : code === 'n' ? [number >> 8, number] : code === 'v' || code === 's' || code === 'S' ? [number, number >> 8] : code === 'N' ? [number >>> 24, number >> 16, number >> 8, number] : [number, number >> 8, number >> 16, number >>> 24];
      out += String.fromCharCode(...bytes.map((byte) => byte & 255));
    }
  }
  return out;
}

const strip = (chars: string | undefined): Set<string> => new Set((chars ?? ' \t\n\r\0\v').replace(/(.)\.\.(.)/gs, (_, a: string, b: string) => { let all = ''; for (let c = a.charCodeAt(0); c <= b.charCodeAt(0); c++) all += String.fromCharCode(c); return all; }));
function trim(text: string, chars: string | undefined, left: boolean, right: boolean): string {
  const set = strip(chars);
  let [start, end] = [0, text.length];
  if (left) while (start < end && set.has(text[start]!)) start++;
  if (right) while (end > start && set.has(text[end - 1]!)) end--;
  return text.slice(start, end);
}

/** Of known scalars only. */
const computes: Readonly<Record<string, Compute>> = {
  chr: (_, args) => String.fromCharCode(((num(args, 0) % 256) + 256) % 256),
  ord: ([text = '']) => (text === '' ? 0 : text.charCodeAt(0)),
  base64_decode: ([text = ''], _, budget) => base64(text, budget.limits.text),
  base64_encode: ([text = '']) => base64Of(text),
  gzinflate: ([text = ''], _, budget) => inflate(text, 'raw', budget.limits.text),
  gzuncompress: ([text = ''], _, budget) => inflate(text, 'zlib', budget.limits.text),
  gzdecode: ([text = ''], _, budget) => inflate(text, 'gzip', budget.limits.text),
  zlib_decode: ([text = ''], _, budget) => inflate(text, 'zlib', budget.limits.text) ?? inflate(text, 'gzip', budget.limits.text) ?? inflate(text, 'raw', budget.limits.text),
  str_rot13: ([text = '']) => rot13(text),
  strrev: ([text = '']) => reverse(text),
  urldecode: ([text = '']) => percent(text, true),
  rawurldecode: ([text = '']) => percent(text, false),
  hex2bin: ([text = '']) => hex(text),
  bin2hex: ([text = '']) => hexOf(text),
  convert_uudecode: ([text = ''], _, budget) => uudecode(text, budget.limits.text),
  quoted_printable_decode: ([text = '']) => quotedPrintable(text),
  html_entity_decode: ([text = '']) => htmlEntities(text),
  htmlspecialchars_decode: ([text = '']) => htmlEntities(text),
  stripslashes: ([text = '']) => text.replace(/\\(.?)/gs, '$1'),
  addslashes: ([text = '']) => text.replace(/['"\\\0]/g, '\\$&'),
  stripcslashes: ([text = '']) => text.replace(/\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))/gs, (_, x?: string, octal?: string, other?: string) => (x !== undefined ? String.fromCharCode(Number.parseInt(x, 16)) : octal !== undefined ? String.fromCharCode(Number.parseInt(octal, 8) & 255) : ({ n: '\n', t: '\t', r: '\r' })[other!] ?? other!)),
  substr: ([text = ''], args) => substr(text, num(args, 1), given0(args, 2) ? num(args, 2) : undefined),
  mb_substr: ([text = ''], args) => substr(text, num(args, 1), given0(args, 2) ? num(args, 2) : undefined),
  substr_replace: ([text = '', by = ''], args) => { const start = num(args, 2); const begin = start < 0 ? Math.max(0, text.length + start) : Math.min(start, text.length); const length = given0(args, 3) ? num(args, 3) : text.length; return text.slice(0, begin) + by + text.slice(length < 0 ? Math.max(begin, text.length + length) : begin + length); },
  strtolower: ([text = '']) => text.toLowerCase(), mb_strtolower: ([text = '']) => text.toLowerCase(),
  strtoupper: ([text = '']) => text.replace(/[a-z]+/g, (part) => part.toUpperCase()), mb_strtoupper: ([text = '']) => text.replace(/[a-z]+/g, (part) => part.toUpperCase()),
  ucfirst: ([text = '']) => text.charAt(0).toUpperCase() + text.slice(1),
  lcfirst: ([text = '']) => text.charAt(0).toLowerCase() + text.slice(1),
  ucwords: ([text = '']) => text.replace(/(^|[ \t\r\n\f\v])([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase()),
  trim: ([text = '', chars]) => trim(text, chars, true, true),
  ltrim: ([text = '', chars]) => trim(text, chars, true, false),
  rtrim: ([text = '', chars]) => trim(text, chars, false, true), chop: ([text = '', chars]) => trim(text, chars, false, true),
  str_repeat: ([text = ''], args, budget) => { const times = num(args, 1); return times >= 0 && budget.fits(text.length * times) ? text.repeat(times) : undefined; },
  str_pad: ([text = '', , pad = ' '], args, budget) => { const width = num(args, 1); if (!budget.fits(Math.max(0, width)) || pad === '') return undefined; return num(args, 3, 1) === 0 ? text.padStart(width, pad) : text.padEnd(width, pad); },
  strstr: ([text = '', needle = ''], args) => { const at = text.indexOf(needle); return at < 0 ? false : args[2] && truthOf(args[2]) ? text.slice(0, at) : text.slice(at); },
  stristr: ([text = '', needle = '']) => { const at = text.toLowerCase().indexOf(needle.toLowerCase()); return at < 0 ? false : text.slice(at); },
  strrchr: ([text = '', needle = '']) => { const at = text.lastIndexOf(needle.charAt(0)); return at < 0 ? false : text.slice(at); },
  strpos: ([text = '', needle = ''], args) => { const at = text.indexOf(needle, num(args, 2)); return at < 0 ? false : at; },
  stripos: ([text = '', needle = ''], args) => { const at = text.toLowerCase().indexOf(needle.toLowerCase(), num(args, 2)); return at < 0 ? false : at; },
  strrpos: ([text = '', needle = '']) => { const at = text.lastIndexOf(needle); return at < 0 ? false : at; },
  str_contains: ([text = '', needle = '']) => text.includes(needle),
  str_starts_with: ([text = '', needle = '']) => text.startsWith(needle),
  strlen: ([text = '']) => text.length, mb_strlen: ([text = '']) => text.length,
  strcmp: ([a = '', b = '']) => (a < b ? -1 : a > b ? 1 : 0),
  strcasecmp: ([a = '', b = '']) => (a.toLowerCase() < b.toLowerCase() ? -1 : a.toLowerCase() > b.toLowerCase() ? 1 : 0),
  nl2br: ([text = '']) => text.replaceAll('\n', '<br />\n'),
  strip_tags: ([text = '']) => text.replace(/<[^>]*>/g, ''),
  dirname: ([text = '']) => text.slice(0, Math.max(0, text.lastIndexOf('/'))) || '/',
  basename: ([text = '', suffix = '']) => { const name = text.replace(/\/+$/, ''); const base = name.slice(name.lastIndexOf('/') + 1); return suffix !== '' && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base; },
  dechex: (_, args) => Math.trunc(num(args, 0)).toString(16), hexdec: ([text = '']) => Number.parseInt(text, 16) || 0,
  decbin: (_, args) => Math.trunc(num(args, 0)).toString(2), bindec: ([text = '']) => Number.parseInt(text, 2) || 0,
  decoct: (_, args) => Math.trunc(num(args, 0)).toString(8), octdec: ([text = '']) => Number.parseInt(text, 8) || 0,
  base_convert: ([text = ''], args) => { const [a, b] = [num(args, 1, 10), num(args, 2, 10)]; if (a < 2 || a > 36 || b < 2 || b > 36) return undefined; let n = 0n; for (const char of text.toLowerCase().slice(0, 200)) { const digit = Number.parseInt(char, 36); if (digit < a) n = n * BigInt(a) + BigInt(digit); } return n.toString(b); },
  intval: ([text = ''], args) => { const base = num(args, 1, 10); return base === 10 ? Math.trunc(num(args, 0)) : base >= 2 && base <= 36 ? Number.parseInt(text, base) || 0 : base === 0 ? Number(text) || 0 : undefined; },
  floatval: (_, args) => num(args, 0), strval: ([text = '']) => text,
  abs: (_, args) => Math.abs(num(args, 0)), floor: (_, args) => Math.floor(num(args, 0)), ceil: (_, args) => Math.ceil(num(args, 0)), round: (_, args) => Math.round(num(args, 0)), sqrt: (_, args) => Math.sqrt(num(args, 0)), pow: (_, args) => num(args, 0) ** num(args, 1), fmod: (_, args) => num(args, 0) % num(args, 1), intdiv: (_, args) => Math.trunc(num(args, 0) / (num(args, 1) || 1)),
  pi: () => Math.PI,
  number_format: (_, args) => Math.round(num(args, 0)).toString(),
};

/** Names whose result hides what went in, and how. */
const hides: Readonly<Record<string, number>> = {
  chr: decoded, base64_decode: decoded, str_rot13: decoded, strrev: decoded, urldecode: decoded, rawurldecode: decoded, hex2bin: decoded, convert_uudecode: decoded, quoted_printable_decode: decoded, pack: decoded, base_convert: decoded, strtr: decoded, html_entity_decode: decoded, htmlspecialchars_decode: decoded, stripcslashes: decoded,
  gzinflate: decoded | packed, gzuncompress: decoded | packed, gzdecode: decoded | packed, zlib_decode: decoded | packed, bzdecompress: decoded | packed, openssl_decrypt: decoded | packed, mcrypt_decrypt: decoded | packed, sodium_crypto_secretbox_open: decoded | packed, openssl_private_decrypt: decoded | packed, openssl_public_decrypt: decoded | packed, xxtea_decrypt: decoded | packed,
  substr: joined, mb_substr: joined, substr_replace: joined, str_replace: joined, str_ireplace: joined, implode: joined, join: joined, strstr: joined, preg_replace: joined, sprintf: joined, str_pad: joined, ucfirst: joined, trim: 0,
};

/** With a table of words strtr() fills in a form; character for character it decodes. */
const hidingOf = (name: string, count: number): number => (name === 'strtr' && count < 3 ? joined : Object.hasOwn(hides, name) ? hides[name]! : 0);

const entriesOf = (value: Value | undefined): Value[] | undefined => (value?.array?.complete === true ? [...value.array.entries.values()] : undefined);
const arrayOf = (pairs: Iterable<[string, Value]>, complete = true): Value => {
  const entries = new Map(pairs);
  let next = 0;
  for (const key of entries.keys()) { const index = Number(key); if (Number.isSafeInteger(index) && index >= next) next = index + 1; }
  return { ...unknownFrom(taintsOf([...entries.values()])), array: { entries, next, complete } };
};
const arrayFrom = (value: Value, array: PhpArray): Value => ({ ...unknownFrom(value.taints, value.hidden), array });

function replace(args: readonly Value[], fold: boolean, budget: Budget): Value | undefined {
  const [search, by, subject] = args;
  if (!search || !by || !subject) return undefined;
  if (subject.array?.complete) return arrayFrom(subject, { ...subject.array, entries: new Map([...subject.array.entries].map(([key, value]) => [key, replace([search, by, value], fold, budget) ?? unknownFrom(value.taints, value.hidden)])) });
  let text = textOf(subject);
  const searches = search.array ? entriesOf(search)?.map(textOf) : [textOf(search)];
  const bys = by.array ? entriesOf(by)?.map(textOf) : undefined;
  if (text === undefined || !searches) return undefined;
  for (const [i, what] of searches.entries()) {
    const to = by.array ? (bys ? bys[i] ?? '' : undefined) : textOf(by);
    if (what === undefined || to === undefined) return undefined;
    if (what === '') continue;
    budget.text(text.length);
    const pieces: string[] = fold ? text.split(new RegExp(what.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i')) : text.split(what);
    if (!budget.fits(text.length + pieces.length * to.length)) return undefined;
    text = pieces.join(to);
  }
  return { known: text, taints: taintsOf(args), hidden: search.hidden | by.hidden | subject.hidden | joined };
}

function translate(args: readonly Value[], budget: Budget): string | undefined {
  const text = textOf(args[0] ?? unknown);
  if (text === undefined) return undefined;
  if (args.length >= 3) {
    const [a, b] = [textOf(args[1]!), textOf(args[2]!)];
    if (a === undefined || b === undefined) return undefined;
    const map = new Map<string, string>();
    for (let i = 0; i < Math.min(a.length, b.length); i++) map.set(a[i]!, b[i]!);
    let out = '';
    for (const char of text) out += map.get(char) ?? char;
    return out;
  }
  const array = args[1]?.array;
  if (!array?.complete || array.entries.size > 1000) return undefined;
  const pairs = [...array.entries].map(([key, value]): [string, string | undefined] => [key, textOf(value)]).filter(([key]) => key !== '').sort(([a], [b]) => b.length - a.length);
  let out = '';
  for (let at = 0; at < text.length;) {
    budget.spend();
    const pair = pairs.find(([key]) => text.startsWith(key, at));
    if (pair && pair[1] === undefined) return undefined;
    out += pair ? pair[1]! : text[at]!;
    at += pair ? pair[0].length : 1;
    if (!budget.fits(out.length)) return undefined;
  }
  return out;
}

/** A PHP pattern with its delimiters, for RE2: linear in the text whatever the pattern. */
export function pattern(text: string): { regex: RE2JS; flags: string } | undefined {
  const open = text.trimStart().charAt(0);
  const close = ({ '(': ')', '[': ']', '{': '}', '<': '>' })[open] ?? open;
  const end = text.lastIndexOf(close);
  const begin = text.indexOf(open);
  if (open === '' || /[\w\\\s]/.test(open) || end <= begin) return undefined;
  const flags = text.slice(end + 1).trim();
  try {
    return { regex: RE2JS.compile(text.slice(begin + 1, end), (flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0) | (flags.includes('m') ? RE2JS.MULTILINE : 0) | (flags.includes('s') ? RE2JS.DOTALL : 0)), flags };
  } catch {
    return undefined; // look-around and back-references are not known to RE2: the result stays unknown
  }
}

function pregReplace(args: readonly Value[], budget: Budget): string | undefined {
  const [what, by, text] = [args[0], args[1], args[2]].map((arg) => (arg ? textOf(arg) : undefined));
  if (what === undefined || by === undefined || text === undefined || text.length > patternTextMax || what.length > 500) return undefined;
  const compiled = pattern(what);
  if (!compiled) return undefined;
  budget.spend(text.length >> 4);
  const matcher = compiled.regex.matcher(text);
  let out = '';
  let last = 0;
  for (let n = 0; n < itemsMax && matcher.find(); n++) {
    const groups = by.replace(/\\(\d)|\$(\d)|\$\{(\d)\}/g, (_, a?: string, b?: string, c?: string) => { const i = Number(a ?? b ?? c); return i <= matcher.groupCount() ? matcher.group(i) ?? '' : ''; });
    out += text.slice(last, matcher.start()) + groups;
    last = matcher.end();
    if (!budget.fits(out.length)) return undefined;
  }
  return out + text.slice(last);
}

/** Of arrays and values known in part. */
const works: Readonly<Record<string, Work>> = {
  ...textWorks,
  str_replace: (args, budget) => replace(args, false, budget),
  str_ireplace: (args, budget) => replace(args, true, budget),
  strtr: (args, budget) => { const text = translate(args, budget); return text === undefined ? undefined : { known: text, taints: taintsOf(args), hidden: (args[0]?.hidden ?? 0) | hidingOf('strtr', args.length) }; },
  preg_replace: (args, budget) => { const text = pregReplace(args, budget); return text === undefined ? undefined : { known: text, taints: taintsOf(args), hidden: (args[2]?.hidden ?? 0) | joined }; },
  pack: (args) => { const text = pack(args); return text === undefined ? undefined : know(text, decoded); },
  sprintf: ([first, ...rest]) => { const text = first ? textOf(first) : undefined; return text === undefined ? undefined : format(text, rest); },
  vsprintf: ([first, second]) => { const text = first ? textOf(first) : undefined; const list = entriesOf(second); return text === undefined || !list ? undefined : format(text, list); },
  implode: (args, budget) => implode(args, budget), join: (args, budget) => implode(args, budget),
  explode: ([separator, subject]) => { const [by, text] = [separator && textOf(separator), subject && textOf(subject)]; return by === undefined || text === undefined || by === '' ? undefined : listOf(text.split(by).slice(0, itemsMax).map((part) => ({ known: part, taints: subject!.taints, hidden: subject!.hidden | joined }))); },
  str_split: (args) => { const text = args[0] && textOf(args[0]); const size = Math.max(1, num(args, 1, 1)); if (text === undefined || text.length / size > itemsMax) return undefined; const out: Value[] = []; for (let i = 0; i < text.length; i += size) out.push({ known: text.slice(i, i + size), taints: args[0]!.taints, hidden: args[0]!.hidden | joined }); return listOf(out); },
  count: ([value]) => (value?.array?.complete ? know(value.array.entries.size) : unknown), sizeof: ([value]) => (value?.array?.complete ? know(value.array.entries.size) : unknown),
  array_merge: (args) => { if (!args.every(({ array }) => array?.complete)) return undefined; const pairs: [string, Value][] = []; let n = 0; for (const { array } of args) for (const [key, value] of array!.entries) pairs.push([/^\d+$/.test(key) ? String(n++) : key, value]); return arrayOf(pairs); },
  array_reverse: ([value]) => { const list = entriesOf(value); return list && listOf(list.reverse()); },
  array_values: ([value]) => { const list = entriesOf(value); return list && listOf(list); },
  array_keys: ([value]) => (value?.array?.complete ? listOf([...value.array.entries.keys()].map((key) => know(key))) : undefined),
  array_flip: ([value]) => { const array = value?.array; return array?.complete ? arrayOf([...array.entries].flatMap(([key, one]): [string, Value][] => { const to = keyOf(one); return to === undefined ? [] : [[to, know(key)]]; })) : undefined; },
  array_slice: (args) => { const list = entriesOf(args[0]); if (!list) return undefined; const start = num(args, 1); const rest = start < 0 ? list.slice(start) : list.slice(start); return listOf(given0(args, 2) ? rest.slice(0, num(args, 2)) : rest); },
  array_combine: ([keys, values]) => { const [a, b] = [entriesOf(keys), entriesOf(values)]; return a && b ? arrayOf(a.flatMap((key, i): [string, Value][] => { const name = keyOf(key); return name === undefined || !b[i] ? [] : [[name, b[i]]]; })) : undefined; },
  array_fill: (args) => { const [start, length, value] = [num(args, 0), num(args, 1), args[2]]; return length >= 0 && length <= itemsMax && value ? arrayOf(Array.from({ length }, (_, i): [string, Value] => [String(start + i), value])) : undefined; },
  array_sum: ([value]) => { const list = entriesOf(value)?.map(numberOf); return list?.every((one) => one !== undefined) ? know(list.reduce((a, b) => a + b, 0)) : unknown; },
  range: (args) => { const [a, b] = [args[0] && textOf(args[0]), args[1] && textOf(args[1])]; if (a === undefined || b === undefined) return undefined; const letters = !/^-?[\d.]+$/.test(a) && a !== ''; const [from_, to] = letters ? [a.charCodeAt(0), b.charCodeAt(0)] : [Number(a), Number(b)]; const step = Math.abs(num(args, 2, 1)) || 1; if (!Number.isFinite(from_) || !Number.isFinite(to) || Math.abs(to - from_) / step > itemsMax) return undefined; return listOf(Array.from({ length: Math.floor(Math.abs(to - from_) / step) + 1 }, (_, i) => { const n = from_ + (to >= from_ ? i : -i) * step; return know(letters ? String.fromCharCode(n) : n); })); },
  iterator_to_array: ([value]) => (value?.array ? value : undefined),
  current: ([value]) => pick(value, 0), pos: ([value]) => pick(value, 0), reset: ([value]) => pick(value, 0), end: ([value]) => pick(value, -1), array_shift: ([value]) => pick(value, 0), array_pop: ([value]) => pick(value, -1),
  key: ([value]) => { const first = value?.array?.complete ? value.array.entries.keys().next().value : undefined; return first === undefined ? undefined : know(first); },
  max: (args) => { const list = (args.length === 1 ? entriesOf(args[0]) : args)?.map(numberOf); return list?.every((n) => n !== undefined) ? know(Math.max(...list.slice(0, 1000))) : unknown; },
  min: (args) => { const list = (args.length === 1 ? entriesOf(args[0]) : args)?.map(numberOf); return list?.every((n) => n !== undefined) ? know(Math.min(...list.slice(0, 1000))) : unknown; },
  unpack: (args) => { const [how, text] = [args[0] && textOf(args[0]), args[1] && textOf(args[1])]; if (how === undefined || text === undefined || text.length > itemsMax) return undefined; if (/^[cC]\*/.test(how)) return arrayOf(Array.from(text, (char, i): [string, Value] => [String(i + 1), know(char.charCodeAt(0))])); const match = /^[H]\*(.*)$/.exec(how); return match ? arrayOf([[match[1] || '1', know(hexOf(text), decoded)]]) : undefined; },
  json_decode: ([value]) => { const text = value && textOf(value); if (text === undefined || text.length > patternTextMax) return undefined; try { return fromJson(JSON.parse(text), 0); } catch { return nothingKnown; } },
  array_search: ([needle, hay]) => { const want = needle && textOf(needle); if (want === undefined || !hay?.array?.complete) return undefined; for (const [key, value] of hay.array.entries) if (textOf(value) === want) return know(key); return know(false); },
};
const nothingKnown: Value = unknown;

function fromJson(value: unknown, depth: number): Value {
  if (depth > 30) return unknown;
  if (Array.isArray(value)) return listOf(value.slice(0, itemsMax).map((one) => fromJson(one, depth + 1)));
  if (typeof value === 'object' && value !== null) return arrayOf(Object.entries(value).map(([key, one]): [string, Value] => [key, fromJson(one, depth + 1)]));
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? know(value) : know(null);
}

function pick(value: Value | undefined, at: number): Value | undefined {
  const list = entriesOf(value);
  if (list) return list.at(at) ?? know(false);
  return value?.array ? [...value.array.entries.values()].slice(0, 32).reduce<Value | undefined>((a, b) => merge(a, b), undefined) : undefined;
}

function implode(args: readonly Value[], budget: Budget): Value | undefined {
  const [a, b] = args;
  const list = entriesOf(b?.array ? b : a);
  const by = b?.array ? a : a?.array ? b : undefined;
  const separator = by === undefined ? '' : textOf(by);
  if (!list || separator === undefined) return undefined;
  const texts = list.map(textOf);
  if (texts.every((text) => text !== undefined)) {
    budget.text(texts.reduce<number>((sum, text) => sum + text.length + separator.length, 0));
    return { known: texts.join(separator), taints: taintsOf(list), hidden: list.reduce<number>((bits, { hidden }) => bits | hidden, joined) };
  }
  return list.slice(0, 100).reduce<Value>((out, one, i) => concat(i === 0 ? out : concat(out, know(separator)), one), know(''));
}

/** Computed by PHP, with nothing of what a visitor sends left in it. */
const cleans = new Set('intval floatval count sizeof md5 sha1 crc32 hash hash_hmac strlen mb_strlen ord is_numeric is_string is_array is_file is_dir file_exists in_array strcmp strcasecmp strncmp strpos stripos strrpos str_contains str_starts_with number_format date time mktime strtotime filesize filemtime escapeshellarg password_hash password_verify crypt uniqid abs floor ceil round sqrt hexdec bindec octdec substr_count'.split(' '));

/** What comes out has the parts that went in, in their order. */
const keepsShape = new Set(['trim', 'ltrim', 'rtrim', 'chop', 'stripslashes', 'addslashes', 'htmlspecialchars', 'htmlentities', 'strval', 'iconv', 'mb_convert_encoding', 'nl2br', 'escapeshellcmd', 'strtolower', 'strtoupper', 'urldecode', 'rawurldecode', 'str_replace', 'realpath', 'sprintf']);

/** Numbers that characters are made of again. */
const digitsOf = new Set(['ord', 'hexdec', 'bindec', 'octdec', 'intval', 'base_convert']);

/** What goes in comes out, changed or not. */
const passes = new Set('mcrypt_decrypt mcrypt_decode openssl_decrypt openssl_private_decrypt openssl_public_decrypt sodium_crypto_secretbox_open xxtea_decrypt bzdecompress gzcompress gzdeflate gzencode mb_convert_encoding mb_convert_case iconv utf8_decode utf8_encode htmlspecialchars htmlentities urlencode rawurlencode array_filter array_unique array_splice array_push array_pad array_chunk array_column array_rand array_walk array_map array_product array_change_key_case array_diff array_intersect array_replace array_merge_recursive array_key_first array_key_last shuffle str_shuffle unserialize serialize json_encode var_export print_r settype strval addcslashes wordwrap chunk_split preg_split preg_match_all preg_quote mb_split split strtok strpbrk substr_compare parse_url pathinfo http_build_query filter_var escapeshellcmd nl2br money_format vsprintf sprintf next prev each stream_get_contents realpath dirname basename iterator_to_array simplexml_load_string xml_parse mb_strcut mb_str_split strncpy similar_text str_word_count current get_object_vars ucwords ctype_alpha array_walk_recursive igbinary_unserialize msgpack_unpack yaml_parse convert_cyr_string hebrev lzf_decompress idn_to_ascii wp_unslash stripslashes_deep sanitize_text_field sanitize_textarea_field wp_remote_get wp_remote_post wp_safe_remote_get'.split(' '));

/** The result of one of PHP's own functions; undefined when it is none of those that compute. Throws LimitError. */
export function compute(name: string, args: readonly Value[], budget: Budget): Value | undefined {
  const hidden = hidingOf(name, args.length);
  const work = Object.hasOwn(works, name) ? works[name] : undefined;
  if (work) {
    const result = work(args, budget);
    if (result) return result;
  }
  const plain = Object.hasOwn(computes, name) ? computes[name] : undefined;
  if (plain && args.length > 0 && args.every(({ array, known }) => known !== undefined && !array)) {
    const texts = args.map((arg) => textOf(arg)!);
    budget.text(texts[0]!.length);
    const result = plain(texts, args, budget);
    if (result !== undefined) {
      if (typeof result === 'string') budget.text(result.length);
      return { known: result, taints: cleans.has(name) ? [] : taintsOf(args), hidden: cleans.has(name) ? 0 : args.reduce((bits, arg) => bits | arg.hidden, hidden) };
    }
  }
  if (name === 'chr') { const digits = args[0]?.digits ?? []; return { taints: digits, hidden: decoded, ...(digits.some(({ origin }) => origin === 'request') && { template: given }) }; }
  if (digitsOf.has(name)) { const digits = taintsOf(args); return digits.length > 0 ? { ...unknown, digits } : unknown; }
  if (cleans.has(name)) return unknown;
  if (!plain && !work && !passes.has(name)) return undefined;
  const taints = taintsOf(args);
  const out: Value = { taints, hidden: args.reduce((bits, arg) => bits | arg.hidden, hidden) };
  const main = args.map(templateOf).find((template) => template.includes(given)) ?? gap;
  if (from(out, 'request')) out.template = main.startsWith(given) ? given : !main.includes(given) ? gap : keepsShape.has(name) ? main : `${gap}${given}${gap}`;
  const choices = choicesOf(args[0] ?? unknown);
  if (plain && args.length === 1 && choices.length > 1) out.choices = choices.flatMap((text) => { const result = plain([text], [know(text)], budget); return typeof result === 'string' ? [result] : []; });
  return out;
}
