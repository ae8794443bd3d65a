/** Where PHP cannot be parsed: the words of each statement, without order or flow. */
import type { Lines, Sign } from '../sign.ts';
import { titles } from '../titles.ts';

const sink = /\b(eval|assert|create_function|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec)\s*\(|`/gi;
const request = /\$(?:_(?:GET|POST|REQUEST|COOKIE|FILES)|HTTP_(?:RAW_POST_DATA|GET_VARS|POST_VARS|COOKIE_VARS))\b|\$_SERVER\s*\[\s*['"]HTTP_|php:\/\/input|\bgetallheaders\s*\(/i;
const decoder = /\b(?:base64_decode|gzinflate|gzuncompress|gzdecode|str_rot13|convert_uudecode|hex2bin|openssl_decrypt|mcrypt_decrypt)\s*\(/gi;
const cleans = /\b(?:escapeshellarg|intval|\(int\))\b/i;
const statementMax = 4000;
const signsMax = 20;
/** Places looked at in one file. */
const sinksMax = 3000;

/** Comments blanked, so that offsets stay. */
function withoutComments(source: string): string {
  let out = '';
  let last = 0;
  for (let at = source.indexOf('/*'); at >= 0; at = source.indexOf('/*', last)) {
    const end = source.indexOf('*/', at + 2);
    if (end < 0) break;
    out += source.slice(last, at) + blank(source.slice(at, end + 2));
    last = end + 2;
  }
  return (out + source.slice(last)).replace(/(?:^|[\s;{}])(?:\/\/|#)[^\n]*/g, blank);
}
const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** A sink whose own arguments hold what a visitor sends. */
export function readTokens(source: string, lines: Lines): Sign[] {
  const text = withoutComments(source);
  const signs: Sign[] = [];
  sink.lastIndex = 0;
  let looked = 0;
  for (let match = sink.exec(text); match && signs.length < signsMax && looked < sinksMax; match = sink.exec(text)) {
    looked++;
    const name = match[1]?.toLowerCase() ?? '`';
    if (/[>:$\w]$/.test(text.slice(Math.max(0, match.index - 2), match.index)) || /function\s+$/i.test(text.slice(Math.max(0, match.index - 12), match.index))) continue;
    const rest = text.slice(match.index + match[0].length, match.index + statementMax);
    const end = name === '`' ? rest.indexOf('`') : closing(rest);
    const argument = rest.slice(0, end < 0 ? rest.length : end);
    // Backticks stand in texts too, around names of SQL: those of a command follow an operator and hold one line.
    if (name === '`') { if (end < 0 || /["'\n]/.test(argument) || !/(?:[=(.,;{]|echo|print|return)\s*$/.test(text.slice(Math.max(0, match.index - 20), match.index))) continue; sink.lastIndex += argument.length + 1; }
    const code = name === 'eval' || name === 'assert' || name === 'create_function';
    const place = lines.at(match.index);
    if (request.test(argument) && !cleans.test(argument)) signs.push({ kind: code ? 'code' : 'command', level: code || /^\s*(?:["']\s*\.?\s*)?@?\$/.test(argument) ? 'critical' : 'medium', title: titles[code ? 'code' : 'command'], sink: place, source: place });
    else if (code && (argument.match(decoder)?.length ?? 0) >= 2) signs.push({ kind: 'hidden', level: 'high', title: titles.hidden, sink: place });
  }
  return signs;
}

/** Where the bracket that is open at the start closes; -1 when it does not. */
function closing(text: string): number {
  let depth = 1;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quote !== '') { if (char === '\\') i++; else if (char === quote) quote = ''; continue; }
    if (char === '"' || char === "'") quote = char;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return i;
  }
  return -1;
}
