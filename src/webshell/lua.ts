/** Lua that answers requests: OpenResty, Kong, mod_lua, LuCI, CGI. Turned into the shape of JavaScript line by line, then followed as that is. */
import { defaultLimits, type Analysis, type Limits } from './sign.ts';
import { characters, joined, replaced, step } from './code/folds.ts';
import { textOf, type Dialect } from './code/follow.ts';
import { bounded, readPart, result, statementsEnd } from './code/read.ts';

const sinkWords = /\b(?:execute|popen|load|loadstring|dofile|loadfile)\b|_G\b|\b(?:os|io)\s*\[/;
const requestWords = /\bngx\b|\bkong\b|getenv|formvalue|parseargs|parsebody|\bio\.(?:read|stdin|lines)|QUERY_STRING/;
const scriptName = /\.(?:lua|php\d?|jsp|sh|cgi|conf)$/i;

const lua: Dialect = {
  normal: (path) => path.replace(/^_(?:G|ENV)\./, ''),
  source(path, args) {
    if (/^ngx\.var\.(?:arg_|http_|cookie_|args$|query_string$|request_body$|request_uri$|is_args$)|^ngx\.req\.(?:get_headers|get_uri_args|get_post_args|get_body_data|get_body_file|raw_header|socket|get_uri_arg)\(\)/.test(path)) return 'request';
    if (/^kong\.request\.get_\w+\(\)|(?:^|\.)(?:formvalue|formvaluetable)\(\)$|^(?:r|req|request)\.(?:parseargs|parsebody)\(\)|^r\.args$/.test(path)) return 'request';
    if (path === 'os.getenv()') return /^(?:QUERY_STRING|HTTP_|PATH_INFO|REQUEST_URI)/.test((args?.[0] && textOf(args[0])) ?? '') ? 'request' : undefined;
    if (/^io\.(?:read|lines)\(\)$|^io\.stdin\.(?:read|lines)\(\)$/.test(path)) return 'request';
    return /(?:^|\.)(?:http|httpc|https)\.(?:request|request_uri)\(\)$/.test(path) ? 'remote' : undefined;
  },
  sinks: [
    { path: /^(?:os\.execute|io\.popen|luci\.sys\.(?:call|exec)|luci\.util\.exec|ngx\.pipe\.spawn)$/, kind: 'command', shape: 'text', args: [0] },
    { path: /^(?:load|loadstring)$/, kind: 'code', shape: 'code', args: [0] },
    { path: /^(?:dofile|loadfile)$/, kind: 'include', shape: 'any', args: [0], level: 'high' },
    { path: /\.write$/, kind: 'write', shape: 'any', level: 'high', toFile: scriptName },
  ],
  clean: /^(?:tonumber|type|string\.(?:len|byte|find|match)|ngx\.(?:quote_sql_str|encode_base64|md5)|#)$|\.(?:len|byte)$/,
  fold(path, args, self, budget) {
    const [first, second] = args;
    switch (path) {
      case 'ngx.decode_base64': return step('base64', first, budget);
      case 'ngx.unescape_uri': return step('percent', first, budget);
      case 'string.char': return characters(args);
      case 'string.reverse': return step('reverse', first, budget);
      case 'string.lower': return step('lower', first, budget);
      case 'tostring': case 'assert': return first;
      case 'table.concat': return joined(first, (second && textOf(second)) ?? '');
      case 'string.gsub': return replaced(first && textOf(first), second && textOf(second), args[2] && textOf(args[2]), budget);
      case 'string.format': { const given = args.slice(1).find(({ taint }) => taint); return given?.taint ? { taint: given.taint, before: ((first && textOf(first)) ?? '\0').split('%')[0]! } : undefined; }
      default:
    }
    if (self?.text === undefined) return undefined;
    if (path.endsWith('.reverse')) return step('reverse', self, budget);
    if (path.endsWith('.gsub')) return replaced(self.text, first && textOf(first), second && textOf(second), budget);
    return undefined;
  },
  again: (code) => readPart({ source: asScript(code), family: 'js', dialect: lua }, defaultLimits, [], code, 1),
};

const word = /--\[(=*)\[[\s\S]*?(?:\]\1\]|$)|--[^\n]*|\[(=*)\[([\s\S]*?)(?:\]\2\]|$)|"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?|\.\.\.|\.\.|~=|[A-Za-z_]\w*|[\s\S]/g;

/** Blocks become braces where they are functions, and nothing else; lines stay where they are. */
function asScript(text: string): string {
  const out: string[] = [];
  const open: ('function' | 'block')[] = [];
  /** `for` and `while` have their `do` to come. */
  let expected = 0;
  /** Between `function` and the bracket that closes its names. */
  let header = false;
  let bracket = false;
  for (const match of text.matchAll(word)) {
    const [all] = match;
    let piece = all;
    if (all.startsWith('--')) piece = all.replace(/[^\n]/g, '');
    else if (match[3] !== undefined) piece = `\`${match[3].replace(/[\\`$]/g, '\\$&')}\``;
    else if (/^['"]/.test(all)) piece = all.replace(/\\(\d{1,3})/g, (_, digits: string) => `\\x${(Number(digits) & 255).toString(16).padStart(2, '0')}`);
    else switch (all) {
      case '..': piece = ' + '; break;
      case '~=': piece = '!='; break;
      case '#': piece = ' '; break;
      case ':': piece = '.'; break;
      case 'local': case 'then': case 'not': piece = ' '; break;
      case 'elseif': case 'else': piece = ';'; break;
      case 'function': open.push('function'); header = true; break;
      case 'if': open.push('block'); piece = ';'; break;
      case 'for': case 'while': open.push('block'); expected++; break;
      case 'repeat': open.push('block'); piece = ';'; break;
      case 'do': if (expected > 0) expected--; else open.push('block'); piece = ';'; break;
      case 'end': case 'until': piece = open.pop() === 'function' ? '}' : ';'; break;
      case ')': if (header) { piece = ') {'; header = false; } break;
      case '.': if (header) piece = ' '; break;
      default: break;
    }
    // `function M.go(` is known by its last name.
    if (header && /^\w/.test(all) && all !== 'function' && !bracket && /^\s*[.:]/.test(text.slice(match.index + all.length, match.index + all.length + 20))) piece = '';
    if (header && (all === ':' || all === '.') && !bracket) piece = '';
    if (all === 'function') bracket = false; else if (all === '(') bracket = true;
    out.push(piece);
  }
  return statementsEnd(out.join(''));
}

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  const text = bounded(source, limits, cut);
  if (!sinkWords.test(text) || !requestWords.test(text)) return result([], cut);
  return result(readPart({ source: asScript(text), family: 'js', dialect: lua }, limits, cut, text), cut);
}
