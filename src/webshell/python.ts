/** Python that answers requests: CGI, WSGI, Flask, Django, Tornado, http.server. */
import { defaultLimits, type Analysis, type Limits } from './sign.ts';
import { characters, joined, replaced, step } from './code/folds.ts';
import { textOf, type Dialect, type Value } from './code/follow.ts';
import { lex } from './code/lex.ts';
import { parse } from './code/parse.ts';
import { bounded, readPart, result } from './code/read.ts';

/** Where what comes from outside may do harm; pickle and its kin stand for their `loads`. */
const sinkWords = /\b(?:exec|eval|execfile|system|popen\w*|subprocess|(?<!\bre\.)compile|__import__|getattr|spawn\w*|dup2|import_module|commands|execl\w*|execv\w*|run_path|runcode|runsource|create_subprocess_\w+|open|write|vars|globals|ctypes|render_template_string|from_string|Template)\b|__(?:dict|builtins)__|[pP]ickle|\bdill\b|marshal|shelve|yaml/;
/** The same for what was hidden: a file that is written says nothing then. */
const hiddenSinkWords = /\b(?:exec|eval|execfile|system|popen\w*|subprocess|(?<!\bre\.)compile|__import__|getattr|spawn\w*|dup2|import_module|commands|execl\w*|execv\w*|globals|locals|vars)\b|[pP]ickle|marshal|__builtins__/;
const requestWords = /\brequests?\b|cgi|rfile|QUERY_STRING|["'](?:wsgi\.input|HTTP_[A-Z]\w*)["']|open\s*\(\s*["']\/(?:tmp|var\/tmp|dev\/shm)\/|socket|fastapi|get_(?:query_|body_)?argument|urlopen|FieldStorage|aiohttp|starlette|sanic|tornado|bottle|quart|falcon|pyramid|django|BaseHTTP|HTTPRequestHandler|StreamRequestHandler/;
/** The environment is a visitor's only by such a name, which may be put together of pieces. */
const requestEnvironment = /environ|getenv/;
const requestNames = /QUERY|STRING|HTTP|wsgi|INFO|(?:environ|getenv)[^\n]{0,60}['"]\s{0,8}[+%.]/;
const hidingWords = /b64decode|a2b_base64|decode(?:string|bytes)|decompress|fromhex|unhexlify|a2b_hex|rot.?13|base64|marshal|\bchr\b|::-1/;

/** `do_` (or `do_%s`, joined) and what a visitor names: one of the methods that were made for it. */
const bound = ({ before }: Value): boolean => /^[A-Za-z_]\w*_(?:%s)?$/.test(before ?? '');

/** Most files hold no word of what would be followed. */
const isWorth = (text: string, cgi: boolean): boolean =>
  ((requestWords.test(text) || (cgi && text.includes('stdin')) || (requestEnvironment.test(text) && requestNames.test(text))) && sinkWords.test(text))
  || (hidingWords.test(text) && hiddenSinkWords.test(text));
/** `getattr(os, name)` stands as `os.[?]`. */
const reaches = /^(?:builtins|os|posix|subprocess|sys|importlib|commands|pty|popen2|shutil|code|runpy|ctypes|asyncio|multiprocessing|pickle|marshal)(?:\.|$)|^\?\.?$|__(?:builtins|dict|globals|import)__|(?:^|\.)(?:globals|locals|vars|import_module|getattr|dict|copy)\(\)/;
const scriptName = /\.(?:py|php\d?|jsp|cgi|sh|pl)$/i;

/** `routes`: functions that a framework calls with what a visitor sends, as `>name()`. */
/** `requests`: names of parameters that stand for the request itself. */
const dialect = (cgi: boolean, server: boolean, routes: ReadonlySet<string>, requests: ReadonlySet<string>): Dialect => {
  const python: Dialect = {
    normal: (path) => path.replace(/^(?:flask|bottle|builtins|__builtins__)\./, '').replace(/^(?:new )?__builtin__\./, '').replace(/^self\.request\b/, 'request').replace(/^(\w{1,60})(?=\.|$)/, (name) => (requests.has(name) ? 'request' : name)),
    source(path, args) {
      if (/^request\.(?:args|form|values|data|json|cookies|headers|files|GET|POST|COOKIES|FILES|body|get_json|get_data|query|query_string|query_params|params|forms|stream|arguments|query_arguments|body_arguments|content|text|read|post|rel_url|match_info|url|path|full_path)\b/.test(path)) return 'request';
      if (routes.has(path)) return 'request';
      // A WSGI program names its environment as it likes.
      if (/^\w+\.(?:QUERY_STRING|HTTP_[A-Z]\w*|wsgi\.input)$/.test(path)) return path.endsWith('HTTP_PROXY') ? undefined : 'request';
      // Code that lies where anybody may write is a stranger's.
      if (path === 'open()') return /^\/(?:tmp|var\/tmp|dev\/shm)\//.test((args?.[0] && textOf(args[0])) ?? '') ? 'remote' : undefined;
      if (/^request\.(?:META|environ|headers)\./.test(path) && !path.endsWith('.get()')) return /HTTP_|QUERY_STRING/.test(path) ? 'request' : undefined;
      if (/^cgi\.(?:FieldStorage|parse|parse_qs)\(\)$|\.get_(?:query_|body_)?arguments?\(\)$/.test(path)) return 'request';
      if (/environ\.(?:QUERY_STRING|HTTP_\w+|wsgi\.input|PATH_INFO)$/.test(path)) return 'request';
      if (/(?:\.get|^os\.getenv|^getenv)\(\)$/.test(path)) { const name = args?.[0] && textOf(args[0]); return name !== undefined && /^(?:QUERY_STRING|HTTP_(?!PROXY)\w+|wsgi\.input|PATH_INFO)$/.test(name) ? 'request' : undefined; }
      if (server && /^self\.(?:rfile|headers|path)\b/.test(path)) return 'request';
      if (cgi && /^sys\.stdin(?:\.buffer)?\.read(?:line)?\(\)$/.test(path)) return 'request';
      if (/^(?:urllib2?\.(?:request\.)?urlopen|requests\.(?:get|post)|socket\.(?:socket|create_connection)|s\.recv)\(\)$/.test(path)) return 'remote';
      return undefined;
    },
    reaches,
    sinks: [
      { path: /^(?:exec|eval|compile|execfile)$|^code\.Interactive\w+\.(?:runcode|runsource)$|^runpy\.run_path$/, kind: 'code', shape: 'code', args: [0] },
      { path: /^(?:os\.(?:system|popen[234]?)|commands\.get\w*output|subprocess\.get\w*output|asyncio\.create_subprocess_shell|pty\.spawn|popen2\.\w+)$/, kind: 'command', shape: 'text', args: [0] },
      { path: /^subprocess\.(?:run|call|Popen|check_output|check_call)$|^asyncio\.create_subprocess_exec$/, kind: 'command', shape: 'text', args: [0] },
      { path: /^os\.(?:exec|spawn)[lv]p?e?$/, kind: 'command', shape: 'list' },
      { path: /^ctypes\.(?:CDLL|cdll\.LoadLibrary|PyDLL)\(\)\.(?:system|popen|execve?)$/, kind: 'command', shape: 'text', args: [0] },
      // A template of the visitor's runs what stands in it.
      { path: /(?:^|\.)(?:render_template_string|from_string)$|^(?:jinja2|mako\.template|tornado\.template|django\.template)\.Template$|^new Template$/, kind: 'code', shape: 'code', args: [0], level: 'high' },
      { path: /^marshal\.loads?$/, kind: 'code', shape: 'any', args: [0], level: 'high' },
      { path: /^(?:c?[pP]ickle|dill|jsonpickle|cloudpickle|shelve)\.(?:loads?|decode)$|^yaml\.(?:load|unsafe_load)$/, kind: 'unpack', shape: 'any', args: [0], level: 'high' },
      // What a visitor's connection is handed to: servers of CGI programs do it with every request.
      { path: /^os\.dup2$/, kind: 'connect', shape: 'any', args: [0], origins: ['remote'] },
      { path: /^getattr\[\?\]$|^__import__$|^importlib\.import_module$/, kind: 'callback', shape: 'any', args: [0], level: 'medium' },
      { path: /\.write$/, kind: 'write', shape: 'any', level: 'high', toFile: scriptName },
    ],
    clean: /^(?:int|float|bool|len|isinstance|hasattr|shlex\.quote|quote|pipes\.quote|escape|html\.escape|secure_filename|ast\.literal_eval|hash|id|type|re\.(?:match|fullmatch))$|\.(?:isdigit|startswith|endswith|count|index|find)$|json\.dumps$|(?:^|\.)(?:session|cache)\.(?:get|pop)$/, // The visitor names what the server itself kept.
    fold(path, args, self, budget) {
      const [first, second] = args;
      switch (path) {
        case '__import__': case 'importlib.import_module': { const name = first && textOf(first); return name === undefined ? undefined : { path: name, hidden: first!.hidden === true }; }
        case 'getattr': { const name = second && textOf(second); return name === undefined ? (second?.taint && !bound(second) ? { path: `${first?.path ?? '?'}.[?]`, taint: second.taint } : undefined) : { path: python.normal(`${first?.path ?? '?'}.${name}`), ...(second!.hidden && { hidden: true }) }; }
        case 'globals': case 'locals': case 'vars': return { path: '__builtins__' };
        case 'base64.b64decode': case 'base64.standard_b64decode': case 'base64.urlsafe_b64decode': case 'base64.decodestring': case 'base64.decodebytes': case 'binascii.a2b_base64': return step('base64', first, budget);
        case 'zlib.decompress': return step('inflate', first, budget);
        case 'gzip.decompress': return step('gunzip', first, budget);
        case 'bytes.fromhex': case 'bytearray.fromhex': case 'binascii.unhexlify': case 'binascii.a2b_hex': return step('hex', first, budget);
        case 'codecs.decode': { const kind = (second && textOf(second)) ?? ''; return /^rot.?13/.test(kind) ? step('rot13', first, budget) : kind.startsWith('base64') ? step('base64', first, budget) : kind.startsWith('hex') ? step('hex', first, budget) : undefined; }
        case 'chr': return characters(args);
        case 'bytes': case 'bytearray': return first?.list ? characters([first]) : step('same', first, budget);
        case 'map': return first?.path === 'chr' && second?.list ? { list: second.list.map((one) => characters([one]) ?? {}) } : second?.taint ? { taint: second.taint } : undefined;
        case 'str': case 'compile': case 'list': case 'reversed': return path === 'reversed' ? step('reverse', first, budget) : first;
        default:
      }
      const [, method] = /\.([a-z_]\w*)$/.exec(path) ?? [];
      if (self?.text === undefined) return undefined;
      switch (method) {
        case 'join': return joined(first?.text === undefined ? first : { list: Array.from(first.text, (text) => ({ text })) }, self.text);
        case 'decode': { const kind = first && textOf(first); return kind !== undefined && /^(?:base64|hex|rot.?13|zlib)/.test(kind) ? step(kind.startsWith('base') ? 'base64' : kind === 'hex' ? 'hex' : kind === 'zlib' ? 'inflate' : 'rot13', self, budget) : self; }
        case 'encode': case 'strip': case 'rstrip': case 'lstrip': return self;
        case 'reversed': return step('reverse', self, budget);
        case 'replace': return replaced(self.text, first && textOf(first), second && textOf(second), budget);
        case 'lower': return step('lower', self, budget);
        case 'format': { const parts = args.map((one) => textOf(one)); let i = 0; return parts.some((one) => one === undefined) ? undefined : { text: self.text.replace(/\{(\d*)\}/g, (all, n: string) => parts[n === '' ? i++ : Number(n)] ?? all), hidden: true }; }
        default: return undefined;
      }
    },
    parse: (code, budget) => parse(lex(code, 'python', budget), 'python', budget),
    again: (code) => readPart({ source: code, family: 'python', dialect: python }, defaultLimits, [], code, 1),
  };
  return python;
};

const routesMax = 1000;
/** FastAPI and its like hand a visitor's words over as parameters. */
function routesOf(text: string): Set<string> {
  const out = new Set<string>();
  if (/\b(?:fastapi|litestar|starlite|blacksheep|robyn)\b/i.test(text)) for (const match of text.matchAll(/^[ \t]*@\w[\w.]{0,60}\.(?:get|post|put|delete|patch|route|api_route|websocket)\s{0,3}\(/gm)) {
    const name = /\n[ \t]*(?:async[ \t]+)?def[ \t]+(\w{1,60})/.exec(text.slice(match.index, match.index + 2000))?.[1];
    if (name !== undefined && out.size < routesMax) out.add(`>${name}()`);
  }
  return out;
}

/** Functions that a framework is told by name take the request as their first parameter, or after `self`. */
function requestsOf(text: string): Set<string> {
  const out = new Set<string>();
  if (!/\b(?:aiohttp|starlette|fastapi|sanic|django|falcon|pyramid|litestar)\b/i.test(text)) return out;
  const handlers = new Set<string>();
  for (const [, name] of text.matchAll(/\b(?:add_(?:get|post|put|route|view|api_route|websocket_route)|web\.(?:get|post|put|route|view)|re_path|path|url|Route)\s{0,3}\([^()\n]{1,200}?,\s{0,3}(?:handler\s{0,3}=\s{0,3}|endpoint\s{0,3}=\s{0,3})?([A-Za-z_]\w{0,60})\s{0,3}[,)]/g)) if (handlers.size < routesMax) handlers.add(name!);
  for (const match of text.matchAll(/(^[ \t]*@[^\n]{1,200}\n)?[ \t]*(?:async[ \t]+)?def[ \t]+(\w{1,60})\s{0,3}\(\s{0,3}(?:self\s{0,3},\s{0,3})?([A-Za-z_]\w{0,60})\s{0,3}(:\s{0,3}(?:\w{1,40}\.)?Request\b)?/gm)) {
    const [, decorator = '', name, parameter, typed] = match;
    if (parameter !== 'self' && (typed !== undefined || handlers.has(name!) || /@(?:csrf_exempt|require_\w+|web\.middleware|view_config|login_required|routes\.\w+|app\.(?:get|post|route|on_request|middleware))\b/.test(decorator)) && !/@app\.(?:get|post)/.test(typed === undefined && /fastapi/i.test(text) ? decorator : '') && out.size < routesMax) out.add(parameter!);
  }
  return out;
}

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  const text = bounded(source, limits, cut);
  const cgi = /content-type\s{0,3}:/i.test(text) || /\bcgi\b|CONTENT_LENGTH|QUERY_STRING/.test(text);
  if (!isWorth(text, cgi)) return result([], cut);
  const server = /HTTPRequestHandler|StreamRequestHandler/.test(text);
  return result(readPart({ source: text, family: 'python', dialect: dialect(cgi, server, routesOf(text), requestsOf(text)) }, limits, cut), cut);
}
