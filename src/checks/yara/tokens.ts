/** The words of YARA rules, as far as it takes to see what strings a rule has and how its condition joins them. */

interface Base { text: string }
export type Token =
  /** An identifier or keyword. */
  | Base & { kind: 'word' }
  /** `$name`, in a set with `*` behind it. */
  | Base & { kind: 'string-name' }
  /** `text` stands for it and is never a keyword. */
  | Base & { kind: 'text'; bytes: Buffer }
  /** What stands between the slashes. */
  | Base & { kind: 'regex'; flags: string }
  /** What stands between the braces, comments left out. */
  | Base & { kind: 'hex' }
  | Base & { kind: 'number'; value: number }
  | Base & { kind: 'mark' };

const tokensMax = 2_000_000;
const space = /[ \t\r\n\f\v]+/y;
const word = /[A-Za-z_][A-Za-z0-9_]*/y;
const stringName = /\$[A-Za-z0-9_]*\*?/y;
const number = /(0x[0-9A-Fa-f]+|0o[0-7]+|\d+(?:\.\d+)?)(KB|MB)?/y;
const marks = /==|!=|<=|>=|<<|>>|\.\.|[\s\S]/y;

/** Undefined for what is no text of rules. */
export function tokensOf(source: string): Token[] | undefined {
  const out: Token[] = [];
  for (let at = 0; at < source.length && out.length < tokensMax;) {
    const take = (pattern: RegExp): RegExpExecArray | null => { pattern.lastIndex = at; return pattern.exec(source); };
    const blank = take(space);
    if (blank) { at += blank[0].length; continue; }
    const comment = commentEnd(source, at);
    if (comment > at) { at = comment; continue; }
    const char = source[at]!;
    if (char === '"') {
      const text = quoted(source, at);
      if (!text) return undefined;
      out.push({ kind: 'text', text: '""', bytes: text.bytes });
      at = text.end;
    } else if (char === '/') {
      const regex = regexAt(source, at);
      if (!regex) return undefined;
      out.push({ kind: 'regex', text: regex.text, flags: regex.flags });
      at = regex.end;
    } else if (char === '{' && out.at(-1)?.text === '=') {
      const hex = hexAt(source, at);
      if (!hex) return undefined;
      out.push({ kind: 'hex', text: hex.text });
      at = hex.end;
    } else {
      const token = plain(take);
      out.push(token.token);
      at += token.length;
    }
  }
  return out.length < tokensMax ? out : undefined;
}

function plain(take: (pattern: RegExp) => RegExpExecArray | null): { token: Token; length: number } {
  const [name] = take(stringName) ?? [];
  if (name !== undefined) return { token: { kind: 'string-name', text: name }, length: name.length };
  const [identifier] = take(word) ?? [];
  if (identifier !== undefined) return { token: { kind: 'word', text: identifier }, length: identifier.length };
  const digits = take(number);
  if (digits) return { token: { kind: 'number', text: digits[0], value: Number(digits[1]) * (digits[2] === 'KB' ? 1024 : digits[2] === 'MB' ? 1024 ** 2 : 1) }, length: digits[0].length };
  const [mark] = take(marks)!;
  return { token: { kind: 'mark', text: mark }, length: mark.length };
}

/** After the comment that begins there; the same place when none does. */
function commentEnd(source: string, at: number): number {
  if (source.startsWith('//', at)) { const end = source.indexOf('\n', at); return end < 0 ? source.length : end; }
  if (source.startsWith('/*', at)) { const end = source.indexOf('*/', at + 2); return end < 0 ? source.length : end + 2; }
  return at;
}

const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, '"': 34, '\\': 92 };

function quoted(source: string, from: number): { bytes: Buffer; end: number } | undefined {
  const parts: Buffer[] = [];
  let begun = from + 1;
  for (let at = begun; at < source.length; at++) {
    const char = source[at]!;
    if (char === '\n') return undefined;
    if (char !== '"' && char !== '\\') continue;
    parts.push(Buffer.from(source.slice(begun, at)));
    if (char === '"') return { bytes: Buffer.concat(parts), end: at + 1 };
    const next = source[++at] ?? '';
    const code = next === 'x' ? Number.parseInt(source.slice(at + 1, at + 3), 16) : escapes[next];
    if (code === undefined || Number.isNaN(code)) return undefined;
    if (next === 'x') at += 2;
    parts.push(Buffer.from([code]));
    begun = at + 1;
  }
  return undefined;
}

function regexAt(source: string, from: number): { text: string; flags: string; end: number } | undefined {
  for (let at = from + 1; at < source.length && source[at] !== '\n'; at++) {
    if (source[at] === '\\') { at++; continue; }
    if (source[at] !== '/') continue;
    const flags = /^[is]*/.exec(source.slice(at + 1, at + 3))![0];
    return { text: source.slice(from + 1, at), flags, end: at + 1 + flags.length };
  }
  return undefined;
}

function hexAt(source: string, from: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = from + 1; at < source.length;) {
    const comment = commentEnd(source, at);
    if (comment > at) { at = comment; text += ' '; continue; }
    if (source[at] === '}') return { text, end: at + 1 };
    text += source[at++]!;
  }
  return undefined;
}
