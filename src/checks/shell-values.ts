/** What simple pipelines of text tools put out, worked out without running anything: how hidden commands are written. */
import { gunzipSync, inflateSync } from 'node:zlib';

/** The largest value that is kept. */
export const valueMax = 256 * 1024;

/** One program of a pipeline with what is known of its input. */
export interface Stage { words: readonly string[]; input?: string | undefined }

/** `decoded`: the text was hidden (base64, hex, gzip…), not only echoed. Text is bytes as Latin-1. */
export interface Output { text: string; decoded: boolean }

/** What the stages put out together; undefined when it cannot be told. */
export function outputOf(stages: readonly Stage[]): Output | undefined {
  let output: Output | undefined;
  for (const [i, { words, input }] of stages.entries()) {
    const given: Output | undefined = input === undefined ? (i === 0 ? undefined : output) : { text: input, decoded: false };
    output = stageOutput(words, given);
    if (output === undefined || output.text.length > valueMax) return undefined;
  }
  return output;
}

function stageOutput(all: readonly string[], given: Output | undefined): Output | undefined {
  const words = ['busybox', 'command', 'toybox', 'builtin'].includes(nameOf(all[0])) ? all.slice(1) : all;
  const name = nameOf(words[0]);
  const rest = words.slice(1);
  if (name === 'echo') return known(echoed(rest), false);
  if (name === 'printf') return known(printed(rest), false);
  // A name that nobody else has: what is put there and what is run from there are the same file.
  if (name === 'mktemp' && given === undefined) return known(`/mktemp/${rest.filter((word) => !word.startsWith('-')).join('').replaceAll('/', '-') || 'file'}`, false);
  if (given === undefined) return undefined;
  const { text, decoded } = given;
  const has = (...options: string[]): boolean => rest.some((word) => options.includes(word));
  const onlyOptions = rest.every((word) => word.startsWith('-'));
  switch (name) {
    case 'cat': case 'tee': return onlyOptions ? given : name === 'tee' ? given : undefined;
    case 'base64': return onlyOptions && rest.some((word) => /^-(?:\w*[dD]\w*|-decode)$/.test(word)) ? known(fromBase64(text), true) : undefined;
    case 'base32': return rest.some((word) => /^-(?:\w*d\w*|-decode)$/.test(word)) ? known(fromBase32(text), true) : undefined;
    case 'basenc': return has('-d', '--decode') ? known(has('--base16') ? fromHex(text) : has('--base32') ? fromBase32(text) : fromBase64(text), true) : undefined;
    case 'openssl': return has('-d') && (has('-base64', '-a') || rest[0] === 'base64') && !has('-k', '-pass', '-K') ? known(fromBase64(text), true) : undefined;
    case 'xxd': return rest.some((word) => /^-\w*r/.test(word)) && rest.some((word) => /^-\w*p/.test(word)) ? known(fromHex(text), true) : undefined;
    case 'gunzip': case 'zcat': return onlyOptions ? known(unpacked(text), true) : undefined;
    case 'gzip': case 'pigz': return rest.some((word) => /^-\w*d/.test(word) || word === '--decompress') ? known(unpacked(text), true) : undefined;
    case 'zlib-flate': return has('-uncompress') ? known(unpacked(text), true) : undefined;
    case 'rev': return { text: text.split('\n').map((line) => Array.from(line).reverse().join('')).join('\n'), decoded: true };
    case 'tr': { const translated = transliterated(text, rest); return translated === undefined ? undefined : { text: translated, decoded: decoded || !rest.some((word) => word.startsWith('-')) }; }
    case 'head': case 'sort': case 'uniq': return undefined;
    default: return undefined;
  }
}

const nameOf = (word = ''): string => word.slice(word.lastIndexOf('/') + 1);
const known = (text: string | undefined, decoded: boolean): Output | undefined => (text === undefined ? undefined : { text, decoded });

function echoed(words: readonly string[]): string {
  let at = 0;
  let escapes = false;
  let end = '\n';
  for (; /^-[neE]+$/.test(words[at] ?? ''); at++) {
    if (words[at]!.includes('e')) escapes = true;
    if (words[at]!.includes('n')) end = '';
  }
  const text = words.slice(at).join(' ');
  return (escapes ? unescaped(text) : text) + end;
}

/** %s and %b are filled in, the format used again for further words as printf does; other conversions are left. */
function printed([format = '', ...values]: readonly string[]): string {
  const pattern = unescaped(format);
  if (!pattern.includes('%')) return pattern;
  let out = '';
  let next = 0;
  do {
    const before = next;
    out += pattern.replace(/%(?:%|[-0-9.]*[sbdxc])/g, (one) => (one === '%%' ? '%' : one.endsWith('b') ? unescaped(values[next++] ?? '') : values[next++] ?? ''));
    if (next === before) break;
  } while (next < values.length && out.length <= valueMax);
  return out;
}

const letters: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v', e: '\x1b', E: '\x1b', '\\': '\\', "'": "'", '"': '"', '?': '?' };

/** Escapes of `$'…'`, printf and echo -e. */
export function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|0?([0-7]{1,3})|c(.)|([\s\S]))/g, (whole, hex?: string, short?: string, long?: string, octal?: string, control?: string, one?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    const point = short ?? long;
    if (point !== undefined) { const code = Number.parseInt(point, 16); return code <= 0x10ffff ? String.fromCodePoint(code) : whole; }
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    if (control !== undefined) return '';
    return letters[one!] ?? whole;
  });
}

function fromBase64(text: string): string | undefined {
  const clean = text.replace(/[\s]+/g, '');
  if (clean === '' || !/^[A-Za-z0-9+/_-]+={0,3}$/.test(clean)) return undefined;
  return Buffer.from(clean, 'base64').toString('latin1');
}

function fromHex(text: string): string | undefined {
  const clean = text.replace(/[\s]+/g, '');
  return clean !== '' && /^[0-9a-fA-F]+$/.test(clean) ? Buffer.from(clean, 'hex').toString('latin1') : undefined;
}

function fromBase32(text: string): string | undefined {
  const clean = text.replace(/[\s=]+/g, '').toUpperCase();
  if (clean === '' || !/^[A-Z2-7]+$/.test(clean)) return undefined;
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of clean) {
    value = ((value << 5) | 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits >= 8) { bits -= 8; bytes.push((value >> bits) & 0xff); }
  }
  return Buffer.from(bytes).toString('latin1');
}

function unpacked(text: string): string | undefined {
  const bytes = Buffer.from(text, 'latin1');
  try {
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return (packed ? gunzipSync(bytes, { maxOutputLength: valueMax }) : inflateSync(bytes, { maxOutputLength: valueMax })).toString('latin1');
  } catch { return undefined; /* not packed so, or larger than we keep: what it says stays unknown */ }
}

function transliterated(text: string, words: readonly string[]): string | undefined {
  const options = words.filter((word) => /^-[a-zA-Z]+$/.test(word));
  const [from, to] = words.filter((word) => !options.includes(word)).map(set);
  if (from === undefined) return undefined;
  if (options.some((option) => option.includes('c'))) return undefined;
  if (options.some((option) => option.includes('d'))) { const gone = new Set(from); return Array.from(text).filter((letter) => !gone.has(letter)).join(''); }
  if (to === undefined || to.length === 0) return undefined;
  const map = new Map(from.map((letter, i) => [letter, to[Math.min(i, to.length - 1)]!]));
  return Array.from(text).map((letter) => map.get(letter) ?? letter).join('');
}

/** Letters of a set of tr, ranges written out. */
function set(text: string): string[] {
  const plain = Array.from(unescaped(text.replaceAll('[:upper:]', 'A-Z').replaceAll('[:lower:]', 'a-z').replaceAll('[:space:]', ' \t\n\r').slice(0, 1024)));
  const letters: string[] = [];
  for (let i = 0; i < plain.length; i++) {
    const last = plain[i + 2];
    if (plain[i + 1] !== '-' || last === undefined) { letters.push(plain[i]!); continue; }
    for (let code = plain[i]!.charCodeAt(0); code <= last.charCodeAt(0) && letters.length < 1024; code++) letters.push(String.fromCharCode(code));
    i += 2;
  }
  return letters;
}
