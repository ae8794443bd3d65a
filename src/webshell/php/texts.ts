/** Texts made in ways that hardly a program needs for a name: other character sets, dates, messages, what is read out of a form. */
import { base64, htmlEntities, quotedPrintable, utf8 } from '../decode.ts';
import { choicesOf, concat, hiddenBy, know, textOf, unknown, type Value } from './value.ts';

/** Letters and digits as mainframes number them; the rest is not needed for a name. */
const ebcdic: ReadonlyMap<number, string> = new Map([
  ...([[0x81, 'abcdefghi'], [0x91, 'jklmnopqr'], [0xa2, 'stuvwxyz'], [0xc1, 'ABCDEFGHI'], [0xd1, 'JKLMNOPQR'], [0xe2, 'STUVWXYZ'], [0xf0, '0123456789']] as const).flatMap(([at, letters]) => Array.from(letters, (letter, i): [number, string] => [at + i, letter])),
  [0x6d, '_'], [0x40, ' '], [0x5b, '$'], [0x4d, '('], [0x5d, ')'], [0x5e, ';'], [0x7d, "'"], [0x7f, '"'],
]);

/** From a character set to UTF-8; undefined for one that is not known, or when nothing changes. */
function fromCharset(text: string, charset: string): string | undefined {
  const name = charset.toUpperCase().replace(/\/\/.*$/, '').replaceAll(/[-_ ]/g, '');
  if (/^UTF16|^UCS2/.test(name)) return utf8(new TextDecoder(/BE$|^UTF16$|^UCS2$/.test(name) ? 'utf-16be' : 'utf-16le').decode(Buffer.from(text, 'latin1')));
  if (/^UTF32|^UCS4/.test(name)) return text.replaceAll('\0', '');
  if (name === 'UTF7') return text.replace(/\+([A-Za-z0-9+/]*)-?/g, (_, part: string) => (part === '' ? '+' : fromCharset(base64(part, 1000) ?? '', 'UTF-16BE') ?? ''));
  if (name === 'BASE64') return base64(text, text.length);
  if (name === 'QUOTEDPRINTABLE' || name === 'QPRINT') return quotedPrintable(text);
  if (name === 'HTMLENTITIES' || name === 'HTML') return htmlEntities(text);
  if (/^(?:IBM|CP|EBCDIC)?(?:037|500|1047|EBCDIC\w*)$/.test(name)) return Array.from(text, (char) => ebcdic.get(char.charCodeAt(0)) ?? '?').join('');
  return undefined;
}

/** Letters in full width, of mathematics, with marks: as the plain ones that they become. */
function plainLetters(text: string, how: string): string {
  const plain = new TextDecoder().decode(Buffer.from(text, 'latin1')).normalize('NFKD').replaceAll(/\p{M}/gu, '');
  return utf8(/lower/i.test(how) ? plain.toLowerCase() : /upper/i.test(how) ? plain.toUpperCase() : plain);
}

const dateLetters = /[dDjlNSwzWFmMntLoXxYyaABgGhHisuveIOPpTZcrU]/;
/** A date whose form holds nothing of a date. */
function literalDate(form: string): string | undefined {
  const text = form.replaceAll(/\\./gs, '');
  return form === '' || dateLetters.test(text) ? undefined : form.replaceAll(/\\(.)/gs, '$1');
}

/** `{0}{1}` filled in. */
function message(pattern: Value, args: Value | undefined): Value {
  const text = textOf(pattern);
  if (text === undefined || text.length > 10_000) return pattern;
  let out = know('', hiddenBy.joined);
  for (const part of text.split(/(\{\s*\w+\s*[^{}]*\})/).slice(0, 200)) {
    const key = /^\{\s*(\w+)/.exec(part)?.[1];
    out = concat(out, key === undefined ? know(part) : args?.array?.entries.get(key) ?? unknown);
  }
  return out;
}

/** What sscanf reads from a known text. */
export function scanned(text: string, form: string): Value[] {
  const out: Value[] = [];
  let at = 0;
  for (const [part] of form.slice(0, 1000).matchAll(/%\*?(\d{1,4})?(?:\[\^?\]?[^\]]{0,100}\]|[a-zA-Z%])|\s+|[^%\s]+/g)) {
    if (part.startsWith('%') && part !== '%%') {
      const [, skip, width, how = ''] = /^%(\*?)(\d*)(.*)$/s.exec(part)!;
      const limit = width === '' || width === undefined ? how === 'c' ? 1 : text.length : Number(width);
      if (how !== 'c' && !how.startsWith('[')) while (/\s/.test(text.charAt(at))) at++;
      const wanted = how === 'c' ? /[\s\S]/ : how.startsWith('[') ? classOf(how) : /[duifx]/i.test(how) ? /[-+0-9a-fA-F.]/ : /\S/;
      if (!wanted) return out;
      let end = at;
      while (end < text.length && end - at < limit && wanted.test(text.charAt(end))) end++;
      if (skip === '') out.push(know(text.slice(at, end), hiddenBy.joined));
      at = end;
    } else if (/^\s/.test(part)) { while (/\s/.test(text.charAt(at))) at++; } else if (text.startsWith(part, at)) at += part.length;
    else break;
  }
  return out;
}

/** A set of characters as sscanf writes it, in brackets; undefined when it is none. */
function classOf(written: string): RegExp | undefined {
  try { return new RegExp(written.replaceAll('\\', '\\\\'), 's'); } catch { return undefined; /* a range from high to low */ }
}

/** Texts of arguments that are all known; undefined else. */
const known = (args: readonly Value[], ...at: readonly number[]): string[] | undefined => {
  const texts = at.map((i) => args[i] && textOf(args[i]));
  return texts.every((text) => text !== undefined) ? texts : undefined;
};
const decodedOf = (text: string | undefined, source: Value | undefined): Value | undefined => (text === undefined ? undefined : { known: text, taints: source?.taints ?? [], hidden: (source?.hidden ?? 0) | hiddenBy.decoded });

/** PHP's functions of these; undefined when their arguments are not known. */
export const textWorks: Readonly<Record<string, (args: readonly Value[]) => Value | undefined>> = {
  iconv: (args) => { const texts = known(args, 0, 2); return texts && decodedOf(fromCharset(texts[1]!, texts[0]!), args[2]); },
  mb_convert_encoding: (args) => { const texts = known(args, 0, 2); return texts && decodedOf(fromCharset(texts[0]!, texts[1]!), args[0]); },
  mb_decode_mimeheader: (args) => { const texts = known(args, 0); return texts && decodedOf(texts[0]!.replaceAll(/=\?[^?]{1,40}\?([BbQq])\?([^?]{0,1000})\?=/g, (_, how: string, part: string) => (how.toLowerCase() === 'b' ? base64(part, part.length) ?? '' : quotedPrintable(part.replaceAll('_', ' ')))), args[0]); },
  iconv_mime_decode: (args) => textWorks.mb_decode_mimeheader!(args),
  transliterator_transliterate: (args) => { const texts = known(args, 1); return texts && decodedOf(plainLetters(texts[0]!, choicesOf(args[0]!).join(' ')), args[1]); },
  normalizer_normalize: (args) => { const texts = known(args, 0); return texts && decodedOf(plainLetters(texts[0]!, ''), args[0]); },
  mb_convert_kana: (args) => { const texts = known(args, 0); return texts && decodedOf(plainLetters(texts[0]!, ''), args[0]); },
  date: (args) => { const texts = known(args, 0); return texts && decodedOf(literalDate(texts[0]!), args[0]); },
  gmdate: (args) => textWorks.date!(args),
  date_format: (args) => textWorks.date!(args.slice(1)),
  strftime: (args) => { const texts = known(args, 0); return texts && !texts[0]!.includes('%') ? decodedOf(texts[0], args[0]) : undefined; },
  gmstrftime: (args) => textWorks.strftime!(args),
  msgfmt_format_message: ([, pattern, args]) => pattern && message(pattern, args),
  parse_url: (args) => { const texts = known(args, 0); return texts && parts(texts[0]!, args[1]?.known); },
};

/** What parse_url makes of an address: one part, or all. */
function parts(address: string, which: unknown): Value | undefined {
  const match = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^:/?#]*)(?::(\d+))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is.exec(address.slice(0, 4000));
  if (!match || which !== undefined) return undefined;
  const names = ['scheme', 'user', 'pass', 'host', 'port', 'path', 'query', 'fragment'];
  return { ...unknown, array: { entries: new Map(names.flatMap((name, i): [string, Value][] => { const part = match[i + 1]; return part ? [[name, know(part, hiddenBy.joined)]] : []; })), next: 0, complete: true } };
}

/** Methods of PHP's classes that make texts so; undefined when it is none. */
export function textMethod(className: string, made: readonly Value[], method: string, args: readonly Value[]): Value | undefined {
  if (method === 'format' && args.length === 1 && /^(?:|datetime(?:immutable)?|dateinterval)$/.test(className)) return textWorks.date!(args);
  if (className === 'messageformatter') return method === 'formatmessage' && args[1] ? message(args[1], args[2]) : method === 'format' && made[1] ? message(made[1], args[0]) : undefined;
  if ((className === 'transliterator' || className === '') && method === 'transliterate' && args.length === 1) return textWorks.transliterator_transliterate!([made[0] ?? unknown, args[0]!]);
  if (className === 'transliterator' && method === 'create') return { ...unknown, object: { className: 'Transliterator', properties: new Map(), made: args } };
  return className === 'normalizer' && method === 'normalize' ? textWorks.normalizer_normalize!(args) : undefined;
}
