/** JavaScript: of servers, where a request must not become code or a command; and of pages, where hidden loaders, redirects and skimmers are put. */
import { Budget, defaultLimits, Lines, LimitError, type Analysis, type Limits, type Sign } from './sign.ts';
import { parseScript } from './code/acorn.ts';
import { characters, joined, replaced, splitInto, step } from './code/folds.ts';
import { textOf, type Dialect } from './code/follow.ts';
import { lex } from './code/lex.ts';
import { parse } from './code/parse.ts';
import { bounded, follow, placer, result } from './code/read.ts';
import type { Code } from './code/tree.ts';
import { untyped } from './code/types.ts';
import { escapes } from './decode.ts';
import { scriptLures } from './lures.ts';
import { ecosystem } from './started.ts';
import { hostOf, injected, pageSigns, tagsOf, unusual, whole } from './page.ts';
import { titles } from './titles.ts';

const serverWorth = /child_process|\beval\b|\bFunction\b|\bvm\b|\.constructor|process\.binding|writeFile|createWriteStream|_compile|node-serialize|unserialize|\brequire\s*\(\s*(?:[^'"`)\s]|['"]\w*['"]\s*\+)|\bimport\s*\(\s*(?:[^'"`)\s]|['"`]data:|['"]\w*['"]\s*\+)|_load\b|getBuiltinModule|\bWorker\b|prototype\.require|\[\s*['"]\w{1,12}['"]\s*\+/;
const requestWorth = /\breq(?:uest)?\b|prototype\.emit|\bctx\b|createServer|express|koa|fastify|https?['"]?\)?\.get|net\.|socket/;
const packedWorth = /\batob\b|fromCharCode|unescape|decodeURIComponent|\\x[0-9a-fA-F]{2}|base64|Buffer\.from|rot13|\[\s*['"]\w{1,12}['"]\s*\+|\.reverse\s*\(\)|['"]ht{0,2}['"]\s*[,+]|\\u00[46]/;
/** What another machine sends, and code that is run. */
const remoteWorth = /\bfetch\s*\(|\bnew\s+(?:WebSocket|EventSource)\b/;
const runWorth = /\beval\b|\bFunction\s*\(/;
const packedSink = /\beval\b|\bFunction\b|document|innerHTML|\.src\b|createElement|setTimeout|\[\s*["']|exec|\blocation\b|sendBeacon|fetch|WebSocket/;
/** `this` outside of a method is the namespace of all. */
const reaches = /^(?:child_process|fs|vm|module|worker_threads|inspector|repl|cluster|shelljs|execa|node-pty|process|Reflect)(?:\.|$)|^(?:global(?:This)?|window|self|top|parent|frames|this|\?)$|(?:^|\.)(?:assign|create|require|bind|fromEntries|getOwnPropertyDescriptors)\(\)$|\.(?:constructor|__proto__|prototype)$/;
const scriptName = /\.(?:m?js|cjs|php\d?|jsp|sh|ejs|pug|html?)$/i;

/** `pages`: what a page's own script may be found to show. */
const javascript: Dialect = {
  normal: (path) => path.replace(/^(?:globalThis|global|window|self|top|parent|frames)\.(?=\w)/, '').replace(/^(?:process\.mainModule|module|createRequire\(\))\.require/, 'require').replace(/^node:/, '').replace(/^this\.(?=eval$|Function$)/, ''),
  source(path, args) {
    if (/(?:^|\.)(?:req|request|ctx|\$?request|event)\.(?:query|body|params|headers|cookies|rawBody|files|url|originalUrl|path|queryStringParameters|payload|hostname|signedCookies|rawHeaders|querystring)$/.test(path) && !/^(?:event)\.(?:path|url|query|params|payload)/.test(path)) return 'request';
    if (/(?:^|\.)(?:req|request|ctx)\.(?:get|header|param|text|json|read|formData|arrayBuffer)\(\)$/.test(path)) return 'request';
    if (/(?:^|\.)(?:req|request)\.on\(\)>$/.test(path)) return 'request';
    // What a server calls with each request, whatever its author names the parameters; what is put in the place of its `emit` too.
    if (/^(?:https?2?\.)createServer\(\)>$|(?:^|\.)Server\.prototype\.emit=>$/.test(path)) return 'request';
    if (/^(?:https?\.(?:get|request)|axios(?:\.\w+)?|got|net\.(?:connect|createConnection))\(\)>?$|^new net\.Socket$|^new (?:WebSocket|EventSource)\.(?:onmessage=>|addEventListener\(\)>)$/.test(path)) return 'remote';
    if (path === 'fetch()') { const host = hostOf((args?.[0] && textOf(args[0])) ?? ''); if (host !== undefined && unusual(host)) return 'remote'; }
    return undefined;
  },
  handed(path, args) {
    if (/(?:^|\.)(?:app|router|server|routes?|fastify|api|express\(\)|Router\(\))\.(?:use|all|get|post|put|patch|delete|head|options)$/i.test(path)) return 'req';
    return /(?:^|\.)(?:on|once|addListener|prependListener|prependOnceListener)$/.test(path) && args[0]?.text === 'request' ? 'req' : undefined;
  },
  reaches,
  sinks: [
    { path: /^(?:child_process|shelljs|execa)(?:\.default)?\.(?:exec|execSync|command|commandSync)$|^shelljs\.exec$/, kind: 'command', shape: 'text', args: [0] },
    { path: /^child_process\.(?:spawn|spawnSync|execFile|execFileSync|fork)$/, kind: 'command', shape: 'list', args: [0, 1] },
    { path: /^process\.binding\(\)\.spawn|^spawn_sync\.spawn$/, kind: 'command', shape: 'any' },
    { path: /^(?:eval|Function|new Function|AsyncFunction)$|^vm\.(?:run\w+|compileFunction)$|^new vm\.(?:Script|SourceTextModule)$|\._compile$|\.(?:globalEval|execScript)$|\.constructor\.constructor$|^\?(?:\.\w+)?\.constructor$/, kind: 'code', shape: 'code' },
    // The text itself is the worker, or names its file.
    { path: /^new worker_threads\.Worker$/, kind: 'code', shape: 'any', args: [0], before: /^\s*$/ },
    { path: /^set(?:Timeout|Interval)$/, kind: 'code', shape: 'code', args: [0] },
    { path: /^(?:node-serialize|serialize-javascript|funcster)\.(?:unserialize|deepDeserialize)$/, kind: 'code', shape: 'any', level: 'high' },
    { path: /^require$/, kind: 'code', shape: 'any', before: /^\s*data:/i },
    { path: /^require$/, kind: 'include', shape: 'any', level: 'medium' },
    { path: /^fs(?:\.promises|\/promises)?\.(?:writeFile|writeFileSync|appendFile|appendFileSync)$/, kind: 'write', shape: 'any', args: [1], level: 'high', toFile: scriptName },
  ],
  clean: /^(?:parseInt|parseFloat|Number|Boolean|isNaN|encodeURIComponent|escapeHtml|path\.basename|JSON\.stringify|shellQuote\.quote|shell-quote\.quote)$|\.(?:test|includes|indexOf|startsWith|endsWith|hasOwnProperty|createHash|digest|isArray|findOne|find|findById|query)$/,
  fold(path, args, self, budget) {
    const [first, second] = args;
    switch (path) {
      case 'require': case '__non_webpack_require__': case 'module._load': case 'process.mainModule.constructor._load': case 'module.constructor._load': case 'process.getBuiltinModule': { const name = first && textOf(first); return name === undefined ? undefined : { path: name.replace(/^node:/, ''), ...(first!.hidden && { hidden: true }) }; }
      case 'process.binding': { const name = first && textOf(first); return name === undefined ? undefined : { path: name }; }
      case 'util.promisify': case 'promisify': return first;
      case 'atob': return step('base64', first, budget);
      case 'unescape': return step('unescape', first, budget);
      case 'decodeURIComponent': case 'decodeURI': return step('percent', first, budget);
      case 'String.fromCharCode': case 'String.fromCodePoint': return characters(args);
      case 'Buffer.from': case 'new Buffer': { const kind = (second && textOf(second)) ?? ''; return kind === 'base64' ? step('base64', first, budget) : kind === 'hex' ? step('hex', first, budget) : first?.list ? characters([first]) : first?.text === undefined ? undefined : first; }
      case 'zlib.inflateSync': case 'zlib.inflateRawSync': return step('inflate', first, budget);
      case 'zlib.gunzipSync': case 'zlib.unzipSync': return step('gunzip', first, budget);
      case 'String': return first;
      default:
    }
    // The loader itself, called on a module.
    if (/(?:^|\.)(?:prototype\.require|_load|require)\.(?:call|apply)$/i.test(path) && second) { const name = second.list?.[0] ?? second; const text = textOf(name); if (text !== undefined) return { path: text.replace(/^node:/, ''), ...(name.hidden && { hidden: true }) }; }
    if (path.startsWith('=') && first) return { path, list: [first], ...(first.taint && { taint: first.taint }) };
    const [, method] = /\.([A-Za-z]\w*)$/.exec(path) ?? [];
    if (path.startsWith('String.fromCharCode.') && method === 'apply') return second ? characters([second]) : undefined;
    if (self?.run && (method === 'call' || method === 'bind')) return undefined;
    if (method === 'bind' && self?.path) return self;
    if (self?.list && (method === 'join' || method === 'reverse')) return method === 'join' ? joined(self, (first && textOf(first)) ?? ',') : { list: [...self.list].reverse() };
    if (self?.text === undefined) return undefined;
    switch (method) {
      case 'split': return first && textOf(first) === '' ? { list: Array.from(self.text.slice(0, 100_000), (text) => ({ text, ...(self.packed && { packed: true }) })) } : splitInto(self.text, first && textOf(first));
      case 'replace': case 'replaceAll': return replaced(self.text, first && textOf(first), second && textOf(second), budget);
      case 'toString': case 'trim': case 'valueOf': return self;
      case 'toLowerCase': return step('lower', self, budget);
      case 'concat': return first?.text === undefined ? undefined : { text: self.text + first.text, hidden: true };
      case 'charAt': return first?.number === undefined ? undefined : { text: self.text[first.number] ?? '', hidden: true };
      case 'substr': case 'substring': case 'slice': return first?.number === undefined || first.number < 0 ? undefined : { text: method === 'substr' ? self.text.substr(first.number, second?.number) : self.text.slice(first.number, second?.number), hidden: true };
      default: return undefined;
    }
  },
  again: (code) => again(code),
  shown(path, value) {
    if (value.text === undefined) return [];
    if (path === 'coded') return coded(value.text);
    if (/(?:^|\.)(?:write|writeln|insertAdjacentHTML|append|after|html|prepend)$|(?:innerHTML|outerHTML)=$/.test(path)) { const found = pageSigns(value.text, 0, tagsOf(value.text), true); return found.length > 0 ? found : injected(value.text); }
    if (/\.(?:src|href)=$|^(?:location|document\.location)(?:\.\w+)?=?$|\.setAttribute$/.test(path) && /^(?:https?:)?\/\/[\w.-]+/i.test(value.text) && (!path.endsWith('.href=') || /^(?:document\.)?location\.href=$/.test(path))) return [hostile('high', value.text)];
    // Where a page reports to is no secret of an honest one.
    if (/^(?:navigator\.sendBeacon|fetch|new WebSocket)$|^new XMLHttpRequest\.open$/.test(path)) { const host = hostOf(value.text); if (host !== undefined && unusual(host)) return [hostile('medium', value.text)]; }
    return [];
  },
};

const hostile = (level: Sign['level'], text: string, kind: Sign['kind'] = 'injection'): Sign => ({ kind, level, title: titles[kind], sink: { line: 1, text: text.slice(0, 300), layer: 1 }, decoded: text.slice(0, 300) });

/** A text whose letters were written as numbers. */
function coded(text: string): Sign[] {
  if (/^(?:node:)?child_process$/.test(text)) return [hostile('high', text, 'hidden')];
  const host = hostOf(text);
  return host !== undefined && unusual(host) ? [hostile('high', text)] : [];
}

const packersMax = 5;
/** The packer of numbers and words that is known by the names of its parameters: what it holds, as far as it loads a stranger's script. */
function unpacked(text: string, layer: number): Sign[] {
  const signs: Sign[] = [];
  if (layer > 3) return signs;
  let read = 0;
  for (const { index } of text.matchAll(/\bp\s*,\s*a\s*,\s*c\s*,\s*k\s*,/g)) {
    if (++read > packersMax) break;
    const parts = /\}\s{0,3}\(\s{0,3}(?:'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)")\s{0,3},\s{0,3}(\d{1,2})\s{0,3},\s{0,3}\d{1,6}\s{0,3},\s{0,3}['"]([^'"]*)['"]\s{0,3}\.\s{0,3}split\s{0,3}\(\s{0,3}['"]\|['"]/.exec(text.slice(index, index + packedMax));
    if (!parts) continue;
    const base = Number(parts[3]);
    const words = parts[4]!.split('|');
    const known = new Map<string, string>();
    for (const [i, word] of words.entries()) if (word !== '') known.set(wordName(i, base), word);
    const code = escapes(parts[1] ?? parts[2]!).replace(/\b\w+\b/g, (name) => known.get(name) ?? name);
    const loads = /(?:document\.write(?:ln)?\s{0,3}\([^;]{0,40}<(?:script|iframe)[^>;]{0,200}|createElement\s{0,3}\(\s{0,3}['"](?:script|iframe)['"][\s\S]{0,600}\.src\s{0,3}=\s{0,3}['"])((?:https?:)?\/\/[\w.-]+)/i.exec(code);
    const host = loads && hostOf(loads[1]!);
    const inner = [...injected(code), ...(loads && host !== undefined && host !== null && unusual(host) ? [hostile('high', loads[0])] : []), ...analyseScript(code, { ...defaultLimits, time: 1000, steps: 200_000 }, [], code, layer + 1)];
    const [first] = inner;
    if (first) signs.push({ ...first, sink: new Lines(text).at(index), decoded: first.decoded ?? first.sink.text, attack: ['T1027'] });
  }
  return signs;
}
const packedMax = 200_000;
/** The packer's name of its word number `i`: digits, small letters, capitals. */
const wordName = (i: number, base: number): string => (base < 2 || i < base ? '' : wordName(Math.floor(i / base), base)) + (i % base > 35 ? String.fromCharCode((i % base) + 29) : (i % base).toString(36));

/** What was hidden and is run: scripts, or markup that scripts write. */
function again(code: string): Sign[] {
  const signs = [...analyseScript(code, { ...defaultLimits, time: 1000, steps: 200_000 }, [], code, 1), ...injected(code)];
  if (signs.length > 0) return signs;
  // A page's script that hides what makes other hosts' scripts run.
  const loads = /(?:createElement\s*\(\s*['"]script['"]\s*\)[\s\S]{0,600}(?:\.src\s*=|setAttribute)|new\s+Image|document\.cookie|importScripts|location(?:\.href)?\s*=)[\s\S]{0,400}/i.exec(code);
  // Packed counters of visitors load a usual host; one that is not told in plain words is doubted.
  const hosts = Array.from(loads?.[0].matchAll(/(?:https?:)?\/\/[\w.-]{3,100}/gi) ?? [], ([address]) => hostOf(address));
  return loads && (hosts.some((host) => host !== undefined && unusual(host)) || (hosts.length === 0 && /\bnew\s+Image\b|importScripts/.test(loads[0]))) ? [{ kind: 'injection', level: 'high', title: titles.injection, sink: { line: 1, text: loads[0].slice(0, 300), layer: 1 } }] : [];
}

export function analyseScript(text: string, limits: Limits, cut: string[], original = text, layer = 0): Sign[] {
  if (text.length > markupMax) return scriptSigns(text, limits, cut, original, layer);
  return [...scriptSigns(text, limits, cut, original, layer), ...written(text, new Lines(original, layer))];
}

const markupMax = 200_000;
/** Markup that a script writes, in pieces or whole: hidden links and frames of strangers. */
function written(text: string, lines: Lines): Sign[] {
  if (!/document\.write|insertAdjacentHTML|innerHTML|\.srcdoc|\.(?:append|prepend|html|after|before)\s{0,3}\(/.test(text)) return [];
  const signs: Sign[] = [];
  let read = 0;
  for (const match of whole(text).matchAll(/(?:document\.write(?:ln)?\s{0,3}\(|insertAdjacentHTML\s{0,3}\(\s{0,3}['"]\w{1,20}['"]\s{0,3},|(?:innerHTML|outerHTML|\.srcdoc)\s{0,3}\+?=|\)\.(?:append|prepend|html|after|before)\s{0,3}\()\s{0,3}(?:"((?:[^"\\\n]|\\.){10,20000})"|'((?:[^'\\\n]|\\.){10,20000})'|`((?:[^`\\]|\\.){10,20000})`)/g)) {
    if (++read > writtenMax) break;
    const markup = escapes(match[1] ?? match[2] ?? match[3]!);
    if (!/<(?:a|iframe)\b/i.test(markup)) continue;
    const [worst] = pageSigns(markup);
    if (worst) signs.push({ ...worst, sink: lines.at(Math.max(0, text.indexOf(match[0].slice(0, 20)))), decoded: worst.decoded ?? worst.sink.text });
  }
  return signs;
}
const writtenMax = 50;

function scriptSigns(text: string, limits: Limits, cut: string[], original: string, layer: number): Sign[] {
  const server = serverWorth.test(text) && requestWorth.test(text);
  const packed = (packedWorth.test(text) && packedSink.test(text)) || (remoteWorth.test(text) && runWorth.test(text));
  const place = placer(text, original, layer);
  const signs = [...injectedScript(text, new Lines(original, layer)), ...unpacked(text, layer)];
  if (!server && !packed) return signs;
  // Bundles of libraries hold such words by the thousand: they are followed within half the time.
  const budget = new Budget(text.length > 200_000 ? { ...limits, steps: limits.steps / 2 } : limits);
  const missed: string[] = [];
  const found = follow((): Code[] => parseScript(text, budget) ?? plainly(text, budget) ?? parse(lex(text, 'js', budget), 'js', budget), javascript, budget, place, missed);
  // A library that is only long is not worth a word in the report; one that is followed for a server is.
  if (server && text.length < 200_000) cut.push(...missed);
  return [...signs, ...found];
}

/** What is no JavaScript for its types only. */
const plainly = (text: string, budget: Budget): Code[] | undefined => { const plain = untyped(text); return plain === undefined ? undefined : parseScript(plain, budget); };

/** Signs of scripts that need no following. */
function injectedScript(text: string, lines: Lines): Sign[] {
  return [...injected(text).map((sign) => ({ ...sign, sink: lines.at(Math.max(0, text.indexOf(sign.sink.text.slice(0, 40)))) })),
    ...scriptLures(text).map(({ at, level }): Sign => ({ kind: 'injection', level, title: titles.injection, sink: lines.at(at) }))];
}

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  const text = bounded(source, limits, cut);
  try {
    return result([...ecosystem(text), ...analyseScript(text, limits, cut)], cut);
  } catch (error) {
    if (!(error instanceof LimitError || error instanceof RangeError)) throw error;
    return result([], [...cut, error.message]);
  }
}
