/** JavaScript: of servers, where a request must not become code or a command; and of pages, where hidden loaders, redirects and skimmers are put. */
import { Budget, defaultLimits, Lines, LimitError, type Analysis, type Limits, type Sign } from './sign.ts';
import { parseScript } from './code/acorn.ts';
import { characters, joined, replaced, splitInto, step } from './code/folds.ts';
import { textOf, type Dialect } from './code/follow.ts';
import { lex } from './code/lex.ts';
import { parse } from './code/parse.ts';
import { bounded, follow, placer, result } from './code/read.ts';
import type { Code } from './code/tree.ts';
import { injected, pageSigns } from './page.ts';
import { titles } from './titles.ts';

const serverWorth = /child_process|\beval\b|\bFunction\b|\bvm\b|\.constructor|process\.binding|writeFile|createWriteStream|_compile|node-serialize|unserialize|\brequire\s*\(\s*(?:[^'"`)\s]|['"]\w*['"]\s*\+)|\[\s*['"]\w{1,12}['"]\s*\+/;
const requestWorth = /\breq(?:uest)?\b|\bctx\b|createServer|express|koa|fastify|https?['"]?\)?\.get|net\.|socket/;
const packedWorth = /\batob\b|fromCharCode|unescape|decodeURIComponent|\\x[0-9a-fA-F]{2}|base64|Buffer\.from|rot13|\[\s*['"]\w{1,12}['"]\s*\+|\.reverse\s*\(\)/;
const packedSink = /\beval\b|\bFunction\b|document|innerHTML|\.src\b|createElement|setTimeout|\[\s*["']|exec/;
/** `this` outside of a method is the namespace of all. */
const reaches = /^(?:child_process|fs|vm|module|worker_threads|inspector|repl|cluster|shelljs|execa|node-pty|process|Reflect)(?:\.|$)|^(?:global(?:This)?|window|self|top|parent|frames|this|\?)$|(?:^|\.)(?:assign|create|require|bind|fromEntries|getOwnPropertyDescriptors)\(\)$|\.(?:constructor|__proto__|prototype)$/;
const scriptName = /\.(?:m?js|cjs|php\d?|jsp|sh|ejs|pug|html?)$/i;

/** `pages`: what a page's own script may be found to show. */
const javascript: Dialect = {
  normal: (path) => path.replace(/^(?:globalThis|global|window|self|top|parent|frames)\.(?=\w)/, '').replace(/^(?:process\.mainModule|module|createRequire\(\))\.require/, 'require').replace(/^node:/, '').replace(/^this\.(?=eval$|Function$)/, ''),
  source(path) {
    if (/(?:^|\.)(?:req|request|ctx|\$?request|event)\.(?:query|body|params|headers|cookies|rawBody|files|url|originalUrl|path|queryStringParameters|payload|hostname|signedCookies|rawHeaders|querystring)$/.test(path) && !/^(?:event)\.(?:path|url|query|params|payload)/.test(path)) return 'request';
    if (/(?:^|\.)(?:req|request|ctx)\.(?:get|header|param|text|json|read|formData|arrayBuffer)\(\)$/.test(path)) return 'request';
    if (/(?:^|\.)(?:req|request)\.on\(\)>$/.test(path)) return 'request';
    if (/^(?:https?\.(?:get|request)|axios(?:\.\w+)?|got|net\.(?:connect|createConnection))\(\)>?$|^new net\.Socket$/.test(path)) return 'remote';
    return undefined;
  },
  reaches,
  sinks: [
    { path: /^(?:child_process|shelljs|execa)(?:\.default)?\.(?:exec|execSync|command|commandSync)$|^shelljs\.exec$/, kind: 'command', shape: 'text', args: [0] },
    { path: /^child_process\.(?:spawn|spawnSync|execFile|execFileSync|fork)$/, kind: 'command', shape: 'list', args: [0, 1] },
    { path: /^process\.binding\(\)\.spawn|^spawn_sync\.spawn$/, kind: 'command', shape: 'any' },
    { path: /^(?:eval|Function|new Function|AsyncFunction)$|^vm\.(?:run\w+|compileFunction)$|^new vm\.(?:Script|SourceTextModule)$|\._compile$|\.(?:globalEval|execScript)$|\.constructor\.constructor$/, kind: 'code', shape: 'code' },
    { path: /^set(?:Timeout|Interval)$/, kind: 'code', shape: 'code', args: [0] },
    { path: /^(?:node-serialize|serialize-javascript|funcster)\.(?:unserialize|deepDeserialize)$/, kind: 'code', shape: 'any', level: 'high' },
    { path: /^require$/, kind: 'include', shape: 'any', level: 'medium' },
    { path: /^fs(?:\.promises|\/promises)?\.(?:writeFile|writeFileSync|appendFile|appendFileSync)$/, kind: 'write', shape: 'any', args: [1], level: 'high', toFile: scriptName },
  ],
  clean: /^(?:parseInt|parseFloat|Number|Boolean|isNaN|encodeURIComponent|escapeHtml|path\.basename|JSON\.stringify|shellQuote\.quote|shell-quote\.quote)$|\.(?:test|includes|indexOf|startsWith|endsWith|hasOwnProperty|createHash|digest|isArray|findOne|find|findById|query)$/,
  fold(path, args, self, budget) {
    const [first, second] = args;
    switch (path) {
      case 'require': case '__non_webpack_require__': { const name = first && textOf(first); return name === undefined ? undefined : { path: name.replace(/^node:/, ''), ...(first!.hidden && { hidden: true }) }; }
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
    if (/(?:^|\.)(?:write|writeln|insertAdjacentHTML|append|after|html|prepend)$|(?:innerHTML|outerHTML)=$/.test(path)) { const found = pageSigns(value.text); return found.length > 0 ? found : injected(value.text); }
    if (/\.(?:src|href)=$|^(?:location|document\.location)(?:\.\w+)?=?$|\.setAttribute$/.test(path) && /^(?:https?:)?\/\/[\w.-]+/i.test(value.text) && !path.endsWith('.href=')) return [{ kind: 'injection', level: 'high', title: titles.injection, sink: { line: 1, text: value.text.slice(0, 300), layer: 1 }, decoded: value.text.slice(0, 300) }];
    return [];
  },
};

/** What was hidden and is run: scripts, or markup that scripts write. */
function again(code: string): Sign[] {
  const signs = [...analyseScript(code, { ...defaultLimits, time: 1000, steps: 200_000 }, [], code, 1), ...injected(code)];
  if (signs.length > 0) return signs;
  // A page's script that hides what makes other hosts' scripts run.
  const loads = /createElement\s*\(\s*['"]script['"]\s*\)[\s\S]{0,600}(?:\.src\s*=|setAttribute)[\s\S]{0,200}(?:https?:)?\/\/[\w.-]+|new\s+Image|document\.cookie[\s\S]{0,400}(?:https?:)?\/\/|importScripts|location(?:\.href)?\s*=\s*['"](?:https?:)?\/\//i.exec(code);
  return loads ? [{ kind: 'injection', level: 'high', title: titles.injection, sink: { line: 1, text: loads[0].slice(0, 300), layer: 1 } }] : [];
}

export function analyseScript(text: string, limits: Limits, cut: string[], original = text, layer = 0): Sign[] {
  const server = serverWorth.test(text) && requestWorth.test(text);
  const packed = packedWorth.test(text) && packedSink.test(text);
  const place = placer(text, original, layer);
  const signs = injectedScript(text, new Lines(original, layer));
  if (!server && !packed) return signs;
  // Bundles of libraries hold such words by the thousand: they are followed within half the time.
  const budget = new Budget(text.length > 200_000 ? { ...limits, steps: limits.steps / 2 } : limits);
  const missed: string[] = [];
  const found = follow((): Code[] => parseScript(text, budget) ?? parse(lex(text, 'js', budget), 'js', budget), javascript, budget, place, missed);
  // A library that is only long is not worth a word in the report; one that is followed for a server is.
  if (server && text.length < 200_000) cut.push(...missed);
  return [...signs, ...found];
}

/** Signs of scripts that need no following. */
function injectedScript(text: string, lines: Lines): Sign[] { return injected(text).map((sign) => ({ ...sign, sink: lines.at(Math.max(0, text.indexOf(sign.sink.text.slice(0, 40)))) })); }

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  const cut: string[] = [];
  const text = bounded(source, limits, cut);
  try {
    return result(analyseScript(text, limits, cut), cut);
  } catch (error) {
    if (!(error instanceof LimitError || error instanceof RangeError)) throw error;
    return result([], [...cut, error.message]);
  }
}
