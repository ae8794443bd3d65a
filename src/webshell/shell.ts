/** Shell scripts that answer requests: what the server puts into the environment must not be run. */
import type { Level } from '../core/level.ts';
import { defaultLimits, Lines, type Analysis, type Limits, type Place, type Sign, type SignKind } from './sign.ts';
import { base64, looksBase64 } from './decode.ts';
import { bounded, result } from './code/read.ts';
import { hostileCommand } from './code/follow.ts';
import { titles } from './titles.ts';

const linesMax = 20_000;
const isCgi = /\bQUERY_STRING\b|\bCONTENT_LENGTH\b|\bHTTP_[A-Z][A-Z_]{2,30}\b|\bREQUEST_METHOD\b|\bPATH_INFO\b/;
const fromServer = ['QUERY_STRING', 'HTTP_COOKIE', 'HTTP_USER_AGENT', 'HTTP_REFERER', 'PATH_INFO', 'REQUEST_URI'];

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  const text = bounded(source, limits, cut);
  const lines = new Lines(text);
  const signs: Sign[] = [];
  const add = (line: number, kind: SignKind, level: Level, source: Place | undefined, decoded?: string): void => { if (signs.length < 20 && !signs.some((one) => one.kind === kind && one.sink.line === line)) signs.push({ kind, level, title: titles[kind], sink: lines.place(line), ...(source && { source }), ...(decoded !== undefined && { decoded: decoded.slice(0, 300) }) }); };
  const cgi = isCgi.test(text);
  const all = joinedLines(text);
  if (all.length > linesMax) cut.push('the end of a script that is too long');
  /** Names that hold a visitor's data, with the line they came in. */
  const tainted = new Map<string, number>();
  for (const name of fromServer) tainted.set(name, 0);
  const known = new Map<string, string>();
  const uses = (word: string): number | undefined => {
    for (const match of word.matchAll(/\$\{?!?([A-Za-z_]\w{0,60})/g)) { const line = tainted.get(match[1]!) ?? (/^HTTP_[A-Z]/.test(match[1]!) ? 0 : undefined); if (line !== undefined) return line; }
    return undefined;
  };
  for (let pass = 0; pass < 2; pass++) for (const { text: raw, line } of all.slice(0, linesMax)) {
    const code = withoutComment(raw).trim();
    if (code === '') continue;
    for (const part of statements(code)) {
      const from = cgi ? uses(unquotedSingle(part)) : undefined;
      const place = from === undefined ? undefined : lines.place(from === 0 ? line : from);
      const read = /^(?:IFS=\S*\s+)?read\b((?:\s+-\w+(?:\s*\d+)?)*)\s+(?:-\w+\s*"?\$\{?CONTENT_LENGTH\}?"?\s+)?([A-Za-z_]\w{0,60})/.exec(part);
      if (read && cgi) { tainted.set(read[2]!, line); continue; }
      const set = /^(?:export\s+|local\s+|declare\s+(?:-\w+\s+)?|readonly\s+)?([A-Za-z_]\w{0,60})=([\s\S]*)$/.exec(part);
      if (set) {
        const [, name, value] = set as unknown as [string, string, string];
        if (from !== undefined || (cgi && /^\$\(\s*(?:cat|dd|head)\b[^|]{0,60}\)?$|^`\s*(?:cat|dd|head)\b/.test(value) && !/\/(?:proc|etc|sys)\//.test(value) && !/(?:cat|head)\s+[^-\s)`]/.test(value))) tainted.set(name, line);
        else if (/^(?:"[^"$`]*"|'[^']*'|[^\s$`]*)$/.test(value)) { if (known.size < 2000) known.set(name, value.replace(/^["']|["']$/g, '')); }
        runs(value, from, place, line);
        continue;
      }
      runs(part, from, place, line);
    }
  }
  function runs(part: string, from: number | undefined, place: Place | undefined, line: number): void {
    if (from !== undefined) {
      // Words that run what follows.
      if (/(?:^|[\s;&|(`{])(?:eval|exec|source|\.)\s+(?!>)[^;|&]{0,400}\$/.test(part) || /(?:^|[\s;&|(`{/])(?:ba|da|z|k)?sh\s+(?:-\w+\s+)*-\w*c\w*\s[^;]{0,400}\$/.test(part) || /\|\s*(?:\/bin\/|\/usr\/bin\/)?(?:sudo\s+)?(?:ba|da|z|k)?sh\b(?!\s+[^-\s|;)]\S*\.)/.test(part) || /\|\s*xargs\b[^|;]{0,60}\b(?:sh|bash)\b/.test(part) || /<<<\s*"?\$/.test(part) && /(?:^|[\s;&|(])(?:ba|da)?sh\b/.test(part)) add(line, 'command', 'critical', place);
      // A visitor's word stands where a program should.
      else if (/^(?:\$\(|`|\(|\{|sudo\s+|nohup\s+|if\s+|\{\s*)*"?\$\{?[A-Za-z_]/.test(part) && uses(/^[^\s]+/.exec(part.replace(/^(?:\$\(|`|\(|\{|sudo\s+|nohup\s+|if\s+)+/, ''))?.[0] ?? '') !== undefined) add(line, 'command', 'critical', place);
      else { const inner = /(?:\$\(|`)\s*"?(\$\{?[A-Za-z_]\w{0,60})/.exec(part); if (inner && uses(inner[1]!) !== undefined) add(line, 'command', 'critical', place); }
      if (/(?:base64\s+(?:-d|--decode|-D)|xxd\s+-r)[^;]{0,200}>\s*"?\$/.test(part) || (/>\s*"?\$\{?([A-Za-z_]\w{0,60})/.test(part) && uses(/>\s*("?\$\{?[A-Za-z_]\w{0,60})/.exec(part)![1]!) !== undefined)) add(line, 'write', 'high', place);
    }
    // The body of the request, unpacked or not, goes to a shell as it comes.
    if (cgi && /^(?:cat|head\s+-c\s*[^|]{1,60}|dd\b[^|]{0,100}|(?:base64|openssl|xxd|tr|sed)\b[^|]{1,100})\|(?:[^|;&]{1,100}\|)*\s*(?:\/(?:usr\/)?bin\/)?(?:ba|da|z|k)?sh\b(?!\s+[^-\s|;)<>&\d])/.test(part) && !/^(?:cat|head|base64|tr|sed)\s[^|]*(?:\s\/|<)/.test(part)) add(line, 'command', 'critical', undefined);
    if (cgi && hostileCommand(part)) add(line, 'connect', 'critical', undefined);
    const hidden = /echo\s+(?:-\w+\s+)?["']?([A-Za-z0-9+/=]{24,4000})["']?\s*\|\s*base64\s+(?:-d|--decode|-D)\s*\|\s*(?:\S*\/)?(?:ba|da)?sh\b/.exec(part);
    const text = hidden && looksBase64(hidden[1]!) ? base64(hidden[1]!, 1 << 20) : undefined;
    if (text !== undefined) add(line, 'hidden', hostileCommand(text) || isCgi.test(text) ? 'critical' : 'high', undefined, text);
  }
  return result(signs, cut, 'tokens');
}

/** Lines with those that go on joined, each with the number it begins at. */
function joinedLines(text: string): { text: string; line: number }[] {
  const out: { text: string; line: number }[] = [];
  let held = '';
  let start = 1;
  for (const [i, line] of text.split('\n', linesMax + 1).entries()) {
    if (held === '') start = i + 1;
    if (line.endsWith('\\') && held.length < 10_000) { held += `${line.slice(0, -1)} `; continue; }
    out.push({ text: (held + line).slice(0, 20_000), line: start });
    held = '';
  }
  if (held !== '') out.push({ text: held, line: start });
  return out;
}

const withoutComment = (line: string): string => (/^\s*#/.test(line) ? '' : line.replace(/\s#[^'"`]*$/, ''));
/** In single quotes nothing is replaced, but for what eval and sh -c read again. */
const unquotedSingle = (part: string): string => (/\b(?:eval|sh\s+-c|awk|sed|perl|python\d?)\b/.test(part) ? part : part.replace(/'[^']*'/g, "''"));

/** Splits at ; && || outside of quotes and brackets. */
function statements(code: string): string[] {
  const out: string[] = [];
  let quote = '';
  let depth = 0;
  let from = 0;
  for (let i = 0; i < code.length; i++) {
    const char = code[i]!;
    if (char === '\\' && quote !== "'") { i++; continue; }
    if (quote !== '') { if (char === quote) quote = ''; continue; }
    if (char === '"' || char === "'" || char === '`') { quote = char; continue; }
    if (char === '(') depth++;
    else if (char === ')') depth = Math.max(0, depth - 1);
    else if (depth === 0 && (char === ';' || ((char === '&' || char === '|') && code[i + 1] === char))) { out.push(code.slice(from, i)); from = i + (char === ';' ? 1 : 2); i = from - 1; }
  }
  out.push(code.slice(from));
  return out.map((part) => part.trim().replace(/^(?:then|do|else|if|while|until|!)\s+/, '')).filter((part) => part !== '');
}
