/** Perl that answers requests: CGI, PSGI, mod_perl. */
import { defaultLimits, type Analysis, type Limits } from './sign.ts';
import { characters, joined, step } from './code/folds.ts';
import { textOf, type Dialect } from './code/follow.ts';
import { lex } from './code/lex.ts';
import { parse } from './code/parse.ts';
import { bounded, readPart, result } from './code/read.ts';

const sinkWords = /\b(?:system|exec|eval|open|qx|do|require|syswrite|readpipe|open[23])\b|`|\/ee\b|\bee;/;
const requestWords = /param|QUERY_STRING|CONTENT_LENGTH|HTTP_|CGI|psgi|Plack|Mojolicious|Dancer|socket|decode_base64|pack\s*\(|unpack|IO::Socket|PATH_INFO|\$r->args|headers?_in|reverse|LWP|chr/i;
/** Packages of builtins and of everything that has none; `.` is what is left of `$::{name}`. */
const reaches = /^[$%&]?(?:main|CORE|POSIX|IPC|UNIVERSAL|__PACKAGE__)(?:\.|$)|^[$%&]?[.?]*$/;
const scriptName = /\.(?:cgi|pl|php\d?|py|sh|htaccess)$/i;

const dialect = (cgi: boolean): Dialect => {
  const perl: Dialect = {
    normal: (path) => path.replace(/^&/, '').replace(/^CORE::(?:GLOBAL::)?/, '').replaceAll('::', '.').replace(/^MIME\.Base64\./, ''),
    source(path) {
      if (/^\$ENV\.(?:QUERY_STRING|HTTP_(?!PROXY)\w+|PATH_INFO|REQUEST_URI)$/.test(path)) return 'request';
      if (/(?:^|\.)(?:param|Vars|url_param|query_param|body_param|raw_body|cookie|param_fetch|upload|header_in|query_parameters|body_parameters|req_body)\(\)$|^(?:new )?CGI\.param\(\)$|\$(?:q|cgi|query|r|req)\.(?:args|content|keywords)\(\)$/.test(path)) return 'request';
      if (/^(?:\$(?:r|req|request)|shift(?:\(\))?)\.headers_in(?:\(\))?\./.test(path)) return 'request';
      if (cgi && /^(?:<STDIN>|STDIN|\$in)$/.test(path)) return 'request';
      if (/^IO\.Socket\.INET\.new\(\)$|^new IO\.Socket\.INET|^(?:LWP\.Simple\.)?get\(\)$/.test(path)) return path === 'get()' ? undefined : 'remote';
      return undefined;
    },
    reaches,
    sinks: [
      { path: /^eval$/, kind: 'code', shape: 'code' },
      { path: /^(?:system|exec|qx|readpipe|open[23]|IPC\.Open[23]\.open[23])$/, kind: 'command', shape: 'text' },
      { path: /^open-pipe$/, kind: 'command', shape: 'text' },
      { path: /^(?:do|require)$/, kind: 'include', shape: 'any', level: 'high' },
      { path: /^Storable\.(?:thaw|retrieve)$|^thaw$/, kind: 'code', shape: 'any', level: 'high' },
      { path: /^print-to$/, kind: 'write', shape: 'any', level: 'high', toFile: scriptName },
    ],
    clean: /^(?:int|length|quotemeta|escapeHTML|CGI\.escapeHTML|uri_escape|encode_entities|defined|exists|scalar|index|hex|ord|lc_?only)$/,
    reads: /^(?:read|sysread|recv)$/,
    fold(path, args, _self, budget) {
      const [first, second] = args;
      switch (path) {
        case 'decode_base64': return step('base64', first, budget);
        case 'reverse': return step('reverse', args.length === 1 ? first : joined({ list: args }, ''), budget);
        case 'chr': return characters(args);
        case 'lc': return step('lower', first, budget);
        case 'uc': return step('upper', first, budget);
        case 'join': { const between = first && textOf(first); return between === undefined ? undefined : joined({ list: args.slice(1).flatMap((one) => one.list ?? [one]) }, between); }
        case 'map': return first?.path === 'chr' ? { list: args.slice(1).flatMap((one) => one.list ?? [one]).map((one) => characters([one]) ?? {}) } : undefined;
        case 'uncompress': case 'Compress.Zlib.uncompress': return step('inflate', first, budget);
        case 'Compress.Zlib.memGunzip': case 'memGunzip': return step('gunzip', first, budget);
        case 'uri_unescape': return step('percent', first, budget);
        case 'pack': { const kind = (first && textOf(first)) ?? ''; return kind.startsWith('H') ? step('hex', second, budget) : /^[CcUW]/.test(kind) ? characters(args.slice(1).flatMap((one) => one.list ?? [one])) : /^[aA]/.test(kind) ? step('same', second, budget) : undefined; }
        case 'unpack': { const kind = (first && textOf(first)) ?? ''; return kind === 'u' || !/^[aA]/.test(kind) ? undefined : step('same', second, budget); }
        default: return undefined;
      }
    },
    parse: (code, budget) => parse(lex(code, 'perl', budget), 'perl', budget),
    again: (code) => readPart({ source: code, family: 'perl', dialect: perl }, defaultLimits, [], code, 1),
  };
  return perl;
};

/** `open` runs a command when its mode is a pipe; print to a file that is open writes. Told here, so that the tree need not know. */
function marked(text: string): string {
  return text
    .replace(/\bopen(\s{0,3}\(?\s{0,3}(?:my\s{1,3})?[\w$*:]{1,60}\s{0,3},\s{0,3}(?:["'](?:-\||\|-)["']\s{0,3},|["']\s{0,3}\||["'][^"'\n]{0,200}\|\s{0,3}["']))/g, 'open_pipe$1')
    .replace(/\bopen(\s{0,3}\(?\s{0,3}(?:my\s{1,3})?[\w$*:]{1,60}\s{0,3},[^;\n]{0,200}\.\s{0,3}["'][^"'\n]{0,100}\|\s{0,3}["']\s{0,3}\))/g, 'open_pipe$1')
    .replace(/\bopen(\s{0,3}\(?\s{0,3}(?:my\s{1,3})?[\w$*:]{1,60}\s{0,3},\s{0,3}(?:\$\w{1,60}|param\([^)\n]{1,60}\))\s{0,3}\.\s{0,3}["']\s{0,3}\|)/g, 'open_pipe$1');
}

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  const text = bounded(source, limits, cut);
  if (!sinkWords.test(text) || !requestWords.test(text)) return result([], cut);
  const cgi = /content-type\s{0,3}:/i.test(text) || /\bCONTENT_LENGTH\b|REQUEST_METHOD|\buse\s+CGI\b/.test(text);
  const own = dialect(cgi);
  const piped: Dialect = { ...own, normal: (path) => own.normal(path).replace(/^open_pipe$/, 'open-pipe') };
  return result(readPart({ source: marked(text), family: 'perl', dialect: piped }, limits, cut, text), cut);
}
