/** Words of a source: names, texts with their escapes read, numbers, signs, ends of lines. Never throws but for the budget. */
import { escapes } from '../decode.ts';
import type { Budget } from '../sign.ts';

/** Text with code in it is `parts`. `space`: something stood before it; `indent`: columns, of the first word of a line. */
export interface Token { t: 'name' | 'text' | 'number' | 'op' | 'line' | 'end'; v: string; at: number; space: boolean; indent: number; parts?: (string | Token[])[]; /** Of Perl and shell: a command in backquotes. */ command?: boolean }

export type Family = 'c' | 'js' | 'cs' | 'vb' | 'python' | 'perl';

const opsThree = new Set(['===', '!==', '<<=', '>>=', '**=', '//=', '||=', '&&=', '??=', '<=>', '...']);
const opsTwo = new Set(['==', '!=', '<=', '>=', '&&', '||', '??', '+=', '-=', '*=', '/=', '.=', '%=', '|=', '&=', '^=', '=>', '->', '::', '++', '--', '=~', '!~', ':=', '?.', '**', '<<', '>>', '<>']);
/** Second signs of those above. */
const secondSigns = new Set(Array.from(opsTwo, (op) => op.charCodeAt(1)));
for (const op of opsThree) secondSigns.add(op.charCodeAt(1));
const mayGoOn = (code: number): boolean => secondSigns.has(code);
const closers: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '<': '>' };
const depthMax = 6;

const isName = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95 || code >= 128;

/** Quotes, and the letters that may stand before them in Python: rbuf, either case. */
const mayOpenText = (code: number): boolean => code === 34 || code === 39 || code === 114 || code === 98 || code === 117 || code === 102 || code === 82 || code === 66 || code === 85 || code === 70;

export function lex(source: string, family: Family, budget: Budget, from = 0, to = source.length, depth = 0): Token[] {
  const out: Token[] = [];
  let at = from;
  let space = false;
  let indent = 0;
  let fresh = true;
  const push = (t: Token['t'], v: string, start: number, more?: Pick<Token, 'parts' | 'command'>): void => {
    const token: Token = { t, v, at: start, space, indent: fresh ? indent : -1 };
    out.push(more ? { ...token, ...more } : token);
    space = false;
    fresh = false;
  };
  const inner = (start: number, end: number): Token[] => (depth >= depthMax ? [] : lex(source, family, budget, start, end, depth + 1));
  const endOf = (mark: string, start: number): number => { const found = source.indexOf(mark, start); return found < 0 || found > to ? to : found; };
  /** End of a quoted text: the offset of its closing mark. */
  const quoted = (start: number, close: string, backslash: boolean, lines: boolean): number => {
    const first = close.charCodeAt(0);
    for (let i = start; i < to; i++) {
      if ((i & 63) === 0) budget.spend();
      const code = source.charCodeAt(i);
      if (code === 92 && backslash) { i++; continue; }
      if (code === first && (close.length === 1 || source.startsWith(close, i))) { if (!backslash && close.length === 1 && source.charCodeAt(i + 1) === first) { i++; continue; } return i; }
      if (code === 10 && !lines) return i;
    }
    return to;
  };
  /** End of text between brackets that nest. */
  const nested = (start: number, open: string, close: string): number => {
    let level = 1;
    for (let i = start; i < to; i++) {
      if ((i & 63) === 0) budget.spend();
      const char = source[i]!;
      if (char === '\\') { i++; continue; }
      if (char === close) { if (--level === 0) return i; } else if (char === open) level++;
    }
    return to;
  };
  /** Splits text with code in it. */
  const interpolated = (start: number, end: number, style: 'dollar-brace' | 'brace' | 'perl'): (string | Token[])[] => {
    const parts: (string | Token[])[] = [];
    let plain = start;
    const cut = (until: number): void => { if (until > plain) parts.push(escapes(source.slice(plain, until))); };
    for (let i = start; i < end; i++) {
      const char = source[i]!;
      if (char === '\\') { i++; continue; }
      if (style === 'perl') {
        if (char === '@' && source.startsWith('@{[', i)) { const stop = Math.min(end, nested(i + 2, '{', '}')); cut(i); parts.push(inner(i + 3, stop - 1)); i = stop; plain = i + 1; continue; }
        if (char !== '$' || !/[A-Za-z_{]/.test(source[i + 1] ?? '')) continue;
        let stop = i + 1;
        if (source[stop] === '{') stop = Math.min(end, nested(stop + 1, '{', '}') + 1);
        while (stop < end && isName(source.charCodeAt(stop))) stop++;
        for (;;) {
          const open = source.startsWith('->', stop) ? source[stop + 2] : source[stop];
          if (open !== '{' && open !== '[') break;
          const opened = source.startsWith('->', stop) ? stop + 2 : stop;
          const closed = nested(opened + 1, open, closers[open]!);
          if (closed >= end) break;
          stop = closed + 1;
        }
        cut(i);
        parts.push(inner(i, stop));
        i = stop - 1;
        plain = stop;
      } else if (style === 'dollar-brace' ? char === '$' && source[i + 1] === '{' : char === '{') {
        if (style === 'brace' && source[i + 1] === '{') { i++; continue; }
        const opened = style === 'brace' ? i + 1 : i + 2;
        const stop = Math.min(end, nested(opened, '{', '}'));
        cut(i);
        parts.push(inner(opened, stop));
        i = stop;
        plain = stop + 1;
      }
    }
    cut(end);
    return parts;
  };
  /** May a slash begin a pattern here? */
  const operandNext = (): boolean => { const last = out.at(-1); return !last || last.t === 'line' || (last.t === 'op' && ![')', ']', '}'].includes(last.v)) || (last.t === 'name' && /^(?:return|if|unless|and|or|not|split|grep|typeof|case|in|of|my|our|local|keys|values|each)$/.test(last.v)); };

  while (at < to) {
    budget.spend();
    const char = source[at]!;
    const code = source.charCodeAt(at);
    if (char === '\n') {
      if (family === 'python' || family === 'vb') { if (out.at(-1)?.t !== 'line') push('line', '\n', at); } else space = true;
      at++;
      indent = 0;
      fresh = true;
      continue;
    }
    if (code <= 32 || code === 160) {
      // Blanks of one line together: they are a third of some languages.
      let next: number = code;
      do {
        if (fresh) indent += next === 9 ? 8 : 1;
        next = source.charCodeAt(++at);
      } while (next === 32 && at < to);
      space = true;
      continue;
    }
    // Comments.
    if (family === 'vb') {
      if (char === "'" || (/^rem\b/i.test(source.slice(at, at + 4)) && (fresh || out.at(-1)?.v === ':'))) { at = endOf('\n', at); continue; }
      if (char === '_' && /^_[ \t]*\r?\n/.test(source.slice(at, at + 20))) { at = endOf('\n', at) + 1; continue; }
    } else if (family === 'python' || family === 'perl') {
      if (char === '#') { at = endOf('\n', at); continue; }
      if (family === 'python' && char === '\\' && /^\\[ \t\r]*\n/.test(source.slice(at, at + 20))) { at = endOf('\n', at) + 1; continue; }
      if (family === 'perl' && fresh && indent === 0 && char === '=' && /^=[a-z]/.test(source.slice(at, at + 2))) { const end = source.indexOf('\n=cut', at); at = end < 0 ? to : Math.min(to, endOf('\n', end + 1)); continue; }
      if (family === 'perl' && /^__(?:END|DATA)__/.test(source.slice(at, at + 8))) { at = to; continue; }
    } else {
      if (char === '/' && source[at + 1] === '/') { at = endOf('\n', at); continue; }
      if (char === '/' && source[at + 1] === '*') { at = endOf('*/', at + 2) + 2; space = true; continue; }
      if (family === 'cs' && char === '#' && fresh) { at = endOf('\n', at); continue; }
    }
    // Texts.
    if (family === 'perl') {
      const here = /^<<~?(?:"([A-Za-z_]\w{0,40})"|'([A-Za-z_]\w{0,40})'|([A-Za-z_]\w{0,40}))/.exec(source.slice(at, at + 48));
      if (here && operandNext()) {
        const mark = here[1] ?? here[2] ?? here[3]!;
        const lineEnd = endOf('\n', at);
        const close = source.indexOf(`\n${mark}`, lineEnd);
        const end = close < 0 ? to : close;
        push('text', source.slice(lineEnd + 1, end), at, here[2] === undefined ? { parts: interpolated(lineEnd + 1, end, 'perl') } : {});
        const rest = inner(at + here[0].length, lineEnd);
        out.push(...rest);
        at = Math.min(to, end + mark.length + 1);
        continue;
      }
      const quote = /^(qq|qw|qx|qr|q|m|s|tr|y)([ \t]{0,3})([^\w\s,;)=])/.exec(source.slice(at, at + 8));
      const before = out.at(-1);
      if (quote && !(quote[3] === '#' && quote[2] !== '') && !(before?.t === 'op' && (before.v === '->' || (before.v === '{' && source[at + quote[1]!.length] === '}')))) {
        const [all, kind, , open] = quote as unknown as [string, string, string, string];
        const close = closers[open] ?? open;
        const start = at + all.length;
        const end = closers[open] ? nested(start, open, close) : quoted(start, close, true, true);
        let after = end + 1;
        if (kind === 's' || kind === 'tr' || kind === 'y') {
          let second = after;
          let stop: number;
          if (closers[open]) { while (second < to && source.charCodeAt(second) <= 32) second++; const again = source[second]!; stop = closers[again] ? nested(second + 1, again, closers[again]) : quoted(second + 1, again, true, true); second++; } else stop = quoted(second, close, true, true);
          after = stop + 1;
          const flags = /^[a-z]{0,8}/.exec(source.slice(after, after + 8))![0];
          after += flags.length;
          // s///e runs its second half as code, s///ee what that gives.
          if (kind === 's' && flags.includes('ee')) { push('name', 'eval', at); push('op', '(', at); out.push(...inner(second, stop)); push('op', ')', at); } else if (kind === 's' && flags.includes('e')) push('text', '', at, { parts: [inner(second, stop)] });
          else push('text', source.slice(start, end), at);
        } else if (kind === 'qw') {
          push('op', '(', at);
          for (const word of source.slice(start, end).split(/\s+/).filter(Boolean).slice(0, 500)) { push('text', word, at); push('op', ',', at); }
          push('op', ')', at);
        } else push('text', source.slice(start, end), at, kind === 'qx' || kind === 'qq' ? { parts: interpolated(start, end, 'perl'), ...(kind === 'qx' && { command: true }) } : {});
        at = after;
        continue;
      }
      if (char === '/' && operandNext()) { const end = quoted(at + 1, '/', true, false); push('text', source.slice(at + 1, end), at); at = end + 1; while (at < to && /[a-z]/.test(source[at]!)) at++; continue; }
      if ((char === '$' || char === '@' || char === '%') && /^[$@%][$#]{0,3}[A-Za-z_{:]/.test(source.slice(at, at + 6)) && (char !== '%' || operandNext())) {
        let stop = at + 1;
        while (source[stop] === '$' || source[stop] === '#') stop++;
        if (source[stop] === '{') { at = stop; space = true; continue; } // what is within stands for itself
        const start = stop;
        while (stop < to && (isName(source.charCodeAt(stop)) || (source.startsWith('::', stop) && stop++ > 0))) stop++;
        push('name', `$${source.slice(start, stop)}`, at);
        at = stop;
        continue;
      }
      if (char === '$' && /[&`'+!@/\\,;.0-9_<>()[\]$]/.test(source[at + 1] ?? '')) { push('name', `$${source[at + 1]!}`, at); at += 2; continue; }
      if (char === '@' && source[at + 1] === '_') { push('name', '$_', at); at += 2; continue; }
      if (char === '<' && /^<(?:STDIN|\$[a-z_]\w{0,30})>/i.test(source.slice(at, at + 36))) { const end = source.indexOf('>', at); push('name', `<${source.slice(at + 1, end)}>`, at); at = end + 1; continue; }
    }
    if (family === 'python' && mayOpenText(code)) {
      const opening = /^([rRbBuUfF]{0,2})("""|'''|"|')/.exec(source.slice(at, at + 6));
      if (opening) {
        const [all, flags, mark] = opening as unknown as [string, string, string];
        const start = at + all.length;
        const end = quoted(start, mark, true, mark.length === 3);
        const raw = source.slice(start, end);
        push('text', /r/i.test(flags) ? raw : escapes(raw), at, /f/i.test(flags) ? { parts: interpolated(start, end, 'brace') } : {});
        at = end + mark.length;
        continue;
      }
    }
    if (family === 'cs') {
      const opening = /^(?:\$@|@\$|@|\$)"/.exec(source.slice(at, at + 3));
      if (opening) {
        const start = at + opening[0].length;
        const verbatim = opening[0].includes('@');
        const end = quoted(start, '"', !verbatim, verbatim);
        const raw = source.slice(start, end);
        push('text', verbatim ? raw.replaceAll('""', '"') : escapes(raw), at, opening[0].includes('$') ? { parts: interpolated(start, end, 'brace') } : {});
        at = end + 1;
        continue;
      }
    }
    if (char === '"' && source.startsWith('"""', at) && family === 'c') { const end = endOf('"""', at + 3); push('text', escapes(source.slice(at + 3, end)), at); at = end + 3; continue; }
    if (char === '"' || (char === "'" && family !== 'vb') || (char === '`' && (family === 'js' || family === 'perl'))) {
      const end = quoted(at + 1, char, family !== 'vb', family === 'perl' || char === '`');
      const raw = source.slice(at + 1, end);
      if (family === 'vb') push('text', raw.replaceAll('""', '"'), at);
      else if (family === 'perl') push('text', char === "'" ? raw.replace(/\\([\\'])/g, '$1') : escapes(raw), at, char === "'" ? {} : { parts: interpolated(at + 1, end, 'perl'), ...(char === '`' && { command: true }) });
      else push('text', escapes(raw), at, char === '`' ? { parts: interpolated(at + 1, end, 'dollar-brace') } : {});
      at = end + 1;
      continue;
    }
    if (family === 'js' && char === '/' && operandNext()) { const end = quoted(at + 1, '/', true, false); push('text', source.slice(at + 1, end), at); at = end + 1; while (at < to && /[a-z]/.test(source[at]!)) at++; continue; }
    if (family === 'vb' && char === '&' && /^&h[0-9a-f]{1,8}&?/i.test(source.slice(at, at + 11))) { const [all] = /^&h[0-9a-f]{1,8}&?/i.exec(source.slice(at, at + 11))!; push('number', String(Number.parseInt(all.slice(2), 16)), at); at += all.length; continue; }
    if (code >= 48 && code <= 57) {
      let stop = at + 1;
      while (stop < to && (isName(source.charCodeAt(stop)) || (source[stop] === '.' && /\d/.test(source[stop + 1] ?? '')))) stop++;
      push('number', source.slice(at, stop).replaceAll('_', ''), at);
      at = stop;
      continue;
    }
    if (isName(code) || (char === '$' && family !== 'perl') || (char === '@' && family === 'cs' && isName(source.charCodeAt(at + 1)))) {
      let stop = at + 1;
      while (stop < to && (isName(source.charCodeAt(stop)) || source[stop] === '$')) stop++;
      let name = source.slice(at, stop);
      if (family === 'perl') while (source.startsWith('::', stop) && isName(source.charCodeAt(stop + 2))) { let more = stop + 2; while (more < to && isName(source.charCodeAt(more))) more++; name += source.slice(stop, more); stop = more; }
      push('name', family === 'vb' ? name.toLowerCase() : code === 64 ? name.slice(1) : name, at);
      at = stop;
      continue;
    }
    if (family === 'vb' && char === '[') { const end = endOf(']', at); push('name', source.slice(at + 1, end).toLowerCase(), at); at = end + 1; continue; }
    let op = char;
    // Most signs stand alone.
    if (mayGoOn(source.charCodeAt(at + 1))) {
      const three = source.slice(at, at + 3);
      op = opsThree.has(three) ? three : opsTwo.has(three.slice(0, 2)) ? three.slice(0, 2) : char;
    }
    push('op', op, at);
    at += op.length;
  }
  return out;
}
