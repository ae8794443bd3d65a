/** Where data do harm: code, commands, files that are run, files that are written. */
import { base64, percent } from '../decode.ts';
import { callValue, evaluateCode, runLayer } from './calls.ts';
import { accountSql, passwordLeaves, userMethod } from './accounts.ts';
import { elementOf } from './places.ts';
import type { Node } from './parse.ts';
import { reflected } from './reflection.ts';
import type { Frame, Run } from './run.ts';
import { filtered, filterOf, readOwn } from './streams.ts';
import { textMethod } from './texts.ts';
import { visitorsCalls } from './registers.ts';
import { keep, keptAt } from './kept.ts';
import { choicesOf, from, gap, given, hiddenBy, know, templateOf, textOf, unknown, unknownFrom, type PhpObject, type Value } from './value.ts';

const attackShell = ['T1059'];

/** `value` is run as code and its text is not known. */
export function codeSink(run: Run, value: Value, node: Node): void {
  if (value.known !== undefined && !value.array) return;
  const taint = from(value, 'request', 'upload');
  if (taint) { run.sign('code', 'critical', node, { taint, attack: attackShell }); return; }
  const remote = from(value, 'remote');
  if (remote) { run.sign('remote', value.hidden !== 0 ? 'critical' : 'high', node, { taint: remote, attack: ['T1105'] }); return; }
  const file = from(value, 'file');
  if (file) { run.sign('include', 'high', node, { taint: file }); return; }
  const aside = (value.hidden & hiddenBy.decoded) !== 0 ? from(value, 'text') : undefined;
  if (aside) { run.sign('include', 'high', node, { taint: aside, attack: ['T1027'] }); return; }
  const stored = from(value, 'database');
  if (stored) { run.sign('remote', (value.hidden & hiddenBy.decoded) !== 0 ? 'high' : 'low', node, { taint: stored }); return; }
  if ((value.hidden & hiddenBy.packed) !== 0) run.sign('hidden', 'high', node, { attack: ['T1027'] });
  else if ((value.hidden & hiddenBy.decoded) !== 0) run.sign('hidden', 'medium', node, { attack: ['T1027'] });
}

/** What a visitor sends is the command, not just a word of it. */
const isDirect = (template: string): boolean => {
  for (let at = template.indexOf(given); at >= 0; at = template.indexOf(given, at + 1)) {
    const before = template.slice(Math.max(0, at - 60), at).replace(/["'\s]+$/, '');
    if (before === '' || /[;|&(`\n{]$/.test(before) || /(?:^|[\s/;|&])(?:sudo|nohup|exec|eval|cmd|cmd\.exe|env|xargs|time|command|(?:ba|da|z|k)?sh)$/i.test(before) || /(?:^|\s)(?:-[a-z]*c|\/c|-e|-r|-command|-enc)$/i.test(before)) return true;
    if (at >= 0 && /cd\s+[^;|&]*$/.test(before) && before.length < 6) return true;
  }
  return false;
};

const shells = /(?:^|[\s/;|&"'(])(?:(?:ba|da|z|k|c|tc)?sh|cmd(?:\.exe)?|powershell)(?:\s|$|["';])/i;
const reverseShell = /\/dev\/(?:tcp|udp)\/|\bn(?:c|cat|etcat)\b[^|;\n]{0,80}\s-[a-z]*[ec]\b|mkfifo\b[\s\S]{0,120}\bnc\b|socket[\s\S]{0,200}(?:dup2|subprocess|\/bin\/(?:ba)?sh)|Socket;[\s\S]{0,200}exec/i;
const download = /\b(?:curl|wget|fetch|lwp-download)\b[^|;\n]{0,300}(?:\|\s{0,4}(?:sudo\s+)?(?:ba|da|z)?sh\b|(?:;|&&)\s{0,4}(?:chmod\s[^;&\n]{0,100}(?:;|&&)|(?:ba|da)?sh\s|php\s|perl\s|python\d?\s))/i;

/** `name` is how it is run: exec, backticks. */
export function commandSink(run: Run, frame: Frame, name: string, args: readonly Value[], node: Node): Value {
  const command = args[0] ?? unknown;
  void frame;
  for (const text of [...choicesOf(command), ...(command.array ? [...command.array.entries.values()].slice(0, 20).flatMap(choicesOf) : [])]) {
    if (reverseShell.test(text.slice(0, 4000))) run.sign('connect', 'critical', node, { decoded: text.slice(0, 300), attack: ['T1059.004'] });
    else if (download.test(text.slice(0, 4000))) run.sign('remote', 'high', node, { decoded: text.slice(0, 300), attack: ['T1105'] });
  }
  for (const [path, held] of [...run.written].slice(0, 50)) {
    const fetched = path.length > 3 && from(held, 'remote', 'request', 'upload');
    if (fetched && templateOf(command).includes(path)) run.sign(fetched.origin === 'remote' ? 'remote' : 'command', 'critical', node, { taint: fetched, decoded: said(name, command), attack: ['T1105'] });
  }
  if (command.known !== undefined && !command.array) return unknown;
  const template = command.array ? [...command.array.entries.values()].slice(0, 20).map(templateOf).join(' ') : templateOf(command);
  const taint = from(command, 'request', 'upload');
  if (taint) {
    run.operation('command', node);
    if (command.array ? templateOf(command.array.entries.get('0') ?? unknown).includes(given) || (shells.test(template) && template.includes(given)) : isDirect(template)) run.sign('command', 'critical', node, { taint, decoded: said(name, command), attack: attackShell });
    else if (template.includes(given)) run.sign('command', 'medium', node, { taint, decoded: said(name, command), attack: attackShell });
    else run.sign('command', 'low', node, { taint, attack: attackShell });
    return unknown;
  }
  const remote = from(command, 'remote');
  if (remote) run.sign('connect', 'critical', node, { taint: remote, attack: attackShell });
  else if ((command.hidden & hiddenBy.packed) !== 0) run.sign('hidden', 'high', node, { attack: ['T1027'] });
  return unknown;
}

const shown = (value: Value): string => templateOf(value).replaceAll(given, '⟨request⟩').replace(/[\ue000-\uf8ff]/g, '…');
/** A call as it is once its name and text are known. */
export const said = (name: string, ...args: readonly Value[]): string => (name === '`' ? `\`${args.map(shown).join('')}\`` : `${name}(${args.map(shown).join(', ')})`);

/** Nothing of these is a program; into a log visitors write. */
const noProgram = /\.(?:log|jpe?g|png|gif|ico|bmp|webp|svg|woff2?|ttf|eot|mp[34]|pdf|zip|gz)$/i;
const runnable = /\.(?:ph(?:p[3-8]?|tml|t|ar)|inc|module|jsp[xf]?|as[pa]x?|ashx|asmx|cgi|pl|py|sh)$/i;
/** Kept beside programs, and none itself. */
const asideText = /\.(?:txt|dat|log|bak|te?mp|css|js|svg|ini|conf|md|lock)$/i;
const elsewhere = /^(?:https?|ftps?|ssh2\.\w+):\/\/|^\\\\|^\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)+\//i;

/** What holds no program, or makes one of what is none: archives, filters that decode, logs and sessions that visitors write into. */
const oddPlace = /^(?:zip|rar|ogg|bzip2|compress\.\w{1,10}):\/\/|^phar:\/\/.{0,400}\.(?:jpe?g|png|gif|ico|webp|txt|zip|gz|pdf)\b|^php:\/\/filter\b.{0,500}(?:convert\.(?:iconv|base64|quoted)|string\.rot13|zlib\.)|(?:access|error)[._-]?log$|\.log$|^\/var\/(?:log|mail|spool\/mail)\/|^\/proc\/(?:self|\d+)\/(?:environ|fd)|\/sess_[\ue000\ue001\w-]*$/is;

export function includeSink(run: Run, frame: Frame, target: Value, node: Node): Value {
  const template = templateOf(target);
  const streamed = readOwn(run, target, node);
  if (streamed) { for (const text of choicesOf(streamed)) runLayer(run, frame, `?>${text}`, streamed, node); codeSink(run, streamed, node); return unknown; }
  const written = run.written.get(template);
  if (written && template !== gap && from(written, 'request', 'upload')) { run.sign('code', 'critical', node, { taint: from(written, 'request', 'upload')! }); return unknown; }
  if (written && template !== gap && from(written, 'remote')) { run.sign('remote', 'high', node, { taint: from(written, 'remote')! }); return unknown; }
  const taint = from(target, 'request', 'upload');
  const lower = template.toLowerCase();
  if (lower.startsWith('data:') || lower.startsWith('php://input') || /^php:\/\/filter\b.{0,400}resource=(?:data:|php:\/\/input)/s.test(lower) || lower.startsWith('expect://')) {
    if (taint) run.sign('code', 'critical', node, { taint, decoded: said('include', target) });
    else if (lower.includes('php://input')) run.sign('code', 'critical', node, { taint: { origin: 'request', place: run.place(node) }, decoded: said('include', target) });
    // Code packed into an address is put there to be run and not seen; compilers of templates leave it as it is.
    else if (choicesOf(target).length === 0 && /^data:[^,]{0,60};base64,/.test(lower) && template.includes(gap)) run.sign('include', 'high', node, { decoded: said('include', target) });
    else for (const text of choicesOf(target)) { const code = dataOf(text); if (code !== undefined) { run.sign('hidden', 'medium', node, { decoded: code.slice(0, 300) }); runLayer(run, frame, `?>${code}`, { ...know(code), hidden: hiddenBy.decoded }, node); } }
    return unknown;
  }
  const odd = oddPlace.exec(template);
  if (odd && taint?.origin !== 'upload') {
    const session = odd[0].includes('sess_') && run.sessionTainted;
    run.sign('include', session ? 'critical' : 'high', node, { decoded: said('include', target) });
    if (!taint) return unknown;
  }
  if (taint) {
    if (taint.origin === 'upload') run.sign('code', 'critical', node, { taint });
    else if (template === given) run.sign('include', 'high', node, { taint });
    else if (template.startsWith(given)) run.sign('include', 'medium', node, { taint, decoded: said('include', target) });
    return unknown;
  }
  const known = choicesOf(target);
  for (const text of known.length > 0 ? known : [template]) {
    if (elsewhere.test(text)) run.sign('remote', 'high', node, { decoded: said('include', know(text)), attack: ['T1105'] });
    else if (noProgram.test(text) && !/^(?!phar|zip|compress|file)[a-z0-9.]+:\/\//i.test(text)) run.sign('include', 'high', node, { decoded: said('include', know(text)) });
    else if (/^(?:\/tmp|\/var\/tmp|\/dev\/shm)\//.test(text)) run.sign('include', target.hidden !== 0 ? 'high' : 'medium', node, { decoded: said('include', know(text)) });
    else if (known.length > 0 && (target.hidden & (hiddenBy.decoded | hiddenBy.escaped)) !== 0 && /[/\\.]/.test(text)) run.sign('hidden', 'high', node, { decoded: said('include', know(text)) });
  }
  return unknown;
}

/** What a data: address holds. */
function dataOf(url: string): string | undefined {
  const match = /^(?:php:\/\/filter\b[^,]{0,400}resource=)?data:(?:\/\/)?([^,]{0,100}),(.*)$/is.exec(url);
  return match ? (/;base64/i.test(match[1]!) ? base64(percent(match[2]!, false), 1 << 22) : percent(match[2]!, false)) : undefined;
}

/** `data` is put into the file `path`. */
export function writeSink(run: Run, frame: Frame, path: Value, put: Value, node: Node): void {
  const data = filtered(run, filterOf(run, path, node)?.filter, put, node);
  const [to, text] = [templateOf(path), templateOf(data)];
  const pathTaint = from(path, 'request');
  const dataTaint = from(data, 'request', 'upload');
  const remote = from(data, 'remote');
  if ((dataTaint ?? remote) && to !== gap) run.written.set(to, data);
  passwordLeaves(run, 'text', /\.(?:txt|log|dat|html?|json|csv)$/i.test(to) ? data : unknown, node);
  const pieces = choicesOf(data);
  // What stands around unknown parts is code all the same.
  for (const known of pieces.length > 0 ? pieces : [text.replace(/[\ue000-\uf8ff]+/g, ' ')]) if (/<\?(?:php|=)/i.test(known.slice(0, 200_000)) && (runnable.test(to) || !/\.[a-z]{2,5}$/i.test(to))) runLayer(run, { ...frame, scope: new Map(), returned: undefined }, `?>${known}`, data, node);
  if (/\.(?:htaccess|user\.ini)$/.test(to) && [text, ...choicesOf(data)].some((known) => /AddHandler|SetHandler|AddType|auto_prepend_file/i.test(known))) run.sign('handler', 'high', node);
  if (pathTaint) run.operation('write', node, path);
  if (pathTaint && to.startsWith(given) && to.length < 8 && dataTaint && (text === given || dataTaint.origin === 'upload')) { run.sign('write', 'high', node, { taint: dataTaint, decoded: said('write', path, data) }); return; }
  if (pathTaint && to.endsWith(given) && dataTaint && text === given) run.uploads.push({ node, layer: run.layer, taint: dataTaint });
  if (dataTaint && runnable.test(to) && (text === given || /<\?(?:php|=)?\s*(?:\ue001|[^'"]{0,40}eval\()/i.test(text) || dataTaint.origin === 'upload')) { run.sign('write', 'high', node, { taint: dataTaint, decoded: said('write', path, data) }); return; }
  // A table that is made anew from a public list: what comes in stands among the values of an array.
  const filledIn = /^<\?php\s[^\ue000-\uf8ff]{80,4000}(?:array\(|\[)\s{0,40}[\ue000-\uf8ff]/.test(text);
  if (remote && runnable.test(to)) run.sign('remote', (path.hidden | data.hidden) & hiddenBy.decoded || from(path, 'request') ? 'high' : filledIn ? 'low' : 'medium', node, { taint: remote, decoded: said('write', path, data), attack: ['T1105'] });
}

/** A visitor's file is put to `path`. */
export function uploadSink(run: Run, path: Value, node: Node, taint = from(path, 'request')): void {
  run.operation('upload', node);
  const to = templateOf(path);
  if (runnable.test(to)) run.sign('write', 'high', node, { taint, decoded: said('move_uploaded_file', know('…'), path) });
  else if (from(path, 'request') && to.endsWith(given)) run.uploads.push({ node, layer: run.layer, taint });
}

/** `sql` is run by a database; `connection` what it was opened with. */
export function sqlSink(run: Run, sql: Value, connection: Value | undefined, node: Node): void {
  accountSql(run, sql, node);
  const taint = from(sql, 'request');
  if (!taint || templateOf(sql) !== given) return;
  run.operation('sql', node, sql);
  const chosen = connection?.object?.made.filter((one) => from(one, 'request')).length ?? 0;
  // Nobody needs to hide a statement but who must not be seen to send it.
  if (chosen >= 2 || (sql.hidden & hiddenBy.decoded) !== 0) run.sign('sql', 'high', node, { taint, decoded: said('query', sql) });
}

/** Methods of PHP's own classes, and of objects that are not known. Undefined: nothing is known of it. */
export function objectMethod(run: Run, object: PhpObject, method: string, args: readonly Value[], node: Node, frame?: Frame): Value | undefined {
  const name = (object.base ?? object.className).toLowerCase();
  const [first = unknown] = object.made;
  const scope: Frame = frame ?? { scope: new Map(), self: undefined, className: undefined, statics: undefined, functionName: '', args: [], returned: undefined };
  const told = name.startsWith('reflection') ? reflected(run, scope, object.base === undefined ? object : { ...object, className: object.base }, method, args, node) : textMethod(name, object.made, method, args);
  if (told) return told;
  const asked = visitorsCalls(run, scope, name, method, args, node);
  if (asked) return asked;
  if (/^(?:arrayobject|arrayiterator|recursivearrayiterator|splfixedarray|callbackfilteriterator|cachingiterator|splobjectstorage|splstack|splqueue|spldoublylinkedlist)$/.test(name)) {
    if (/^(?:uasort|uksort)$/.test(method) && args[0]) { const one = elementOf(run, scope, first, unknown, node); return callValue(run, scope, args[0], [one, one], node, { callback: true }); }
    if (name === 'callbackfilteriterator' && method === '__construct' && args[1]) callValue(run, scope, args[1], [elementOf(run, scope, args[0]?.object?.made[0] ?? args[0] ?? unknown, unknown, node)], node, { callback: true });
    if (/^(?:getarraycopy|current|offsetget|pop|shift|top|bottom|toarray)$/.test(method)) return method === 'getarraycopy' || method === 'toarray' ? first : elementOf(run, scope, first, args[0] ?? unknown, node);
    if (/^(?:append|push|enqueue|add)$/.test(method) && args[0]) { object.made = [{ ...unknownFrom(args[0].taints), template: args[0].template }]; return unknown; }
    return undefined;
  }
  if (name === '' && method === 'current' && first.array) return elementOf(run, scope, first, unknown, node); // of a generator
  if (/(?:directory|filesystem|glob)iterator$/.test(name) && method === '__construct' && args[0]) { run.operation('list', node, args[0]); return undefined; }
  if (/(?:exception|error)$/.test(name) || name === '' && method === 'getmessage') return /^(?:getmessage|__tostring)$/.test(method) ? first.object?.made[0] ?? first : undefined;
  if (name === 'com' && choicesOf(first).some((text) => /wscript\.shell|shell\.application/i.test(text)) && /^(?:exec|run|shellexecute)$/.test(method)) return commandSink(run, scope, method, args, node);
  if (/^(?:query|exec|multi_query|real_query|prepare)$/.test(method) && args[0] && /^(?:mysqli|pdo|sqlite3|)$/.test(name)) sqlSink(run, args[0], name === '' ? undefined : { ...unknown, object }, node);
  if (/^(?:redis|memcached?|rediscluster)$/.test(name) && /^(?:set|setex|hset|[lr]push|add|replace)$/.test(method)) { keep(run, args[0], args.at(method === 'setex' || method === 'hset' ? 2 : 1)); return unknown; }
  if (/^(?:redis|memcached?|rediscluster)$/.test(name) && run.kept.size > 0) { const kept = keptAt(run, args[0]); if (kept) return kept; }
  if (/^(?:redis|memcached?|rediscluster)$/.test(name) && /^(?:b?[lr]pop|get|hget|spop)$/.test(method)) return { taints: [{ origin: method.endsWith('pop') ? 'remote' : 'database', place: run.place(node) }], hidden: 0 };
  if (name === 'domxpath' || name === 'xsltprocessor') { const called = xmlCalls(run, object, method, args, node); if (called) return called; }
  if (name === 'domdocument' && /^load(?:xml|html)?$/.test(method) && args[0]) { object.made = [args[0]]; return unknown; }
  userMethod(run, object.className, object.made, method, args, node);
  if (/^(?:mysqli|pdo|mysqli_result|pdostatement)$/.test(name) && /^(?:query|fetch\w*|prepare)$/.test(method)) return { taints: [{ origin: 'database', place: run.place(node) }], hidden: 0, object };
  if (/^phar(?:data|fileinfo)?$/.test(name) && method === 'getmetadata') return { taints: [{ origin: 'file', place: run.place(node) }], hidden: 0 };
  if (name === 'ffi' && method === 'cdef') return { ...unknown, object };
  if (name === 'ffi' && /^(?:system|popen|exec\w*)$/.test(method)) return commandSink(run, scope, method, args, node);
  if (name === 'ziparchive' && method === 'open' && args[0]) object.made = [args[0]];
  if (name === 'ziparchive' && method === 'extractto' && args[0]) {
    if (from(args[0], 'request')) run.operation('write', node, args[0]);
    const archive = from(first, 'upload') ?? from(run.written.get(templateOf(first)) ?? unknown, 'request', 'upload');
    if (archive) run.uploads.push({ node, layer: run.layer, taint: archive, unpacked: true });
  }
  if (name === 'splfileobject' || name === 'spltempfileobject') {
    if (method === 'fwrite' && args[0]) writeSink(run, scope, first, args[0], node);
    if (/^(?:fgets|fread|current|fgetc)$/.test(method)) return readSource(run, first, node);
    if (/^(?:getpathname|getrealpath|__tostring)$/.test(method)) return first;
  }
  if (/^(?:simplexmlelement|datetime|datetimeimmutable|numberformatter|messageformatter|domtext|reflectionclass)$/.test(name) && ['format', '__tostring', 'asxml', 'getdoccomment', 'getname'].includes(method)) return { ...unknownFrom([...first.taints, ...(args[0]?.taints ?? [])]), template: from(args[0] ?? first, 'request') ? given : gap };
  return undefined;
}

/** XPath and XSLT that may call PHP's functions, once they were told so. */
function xmlCalls(run: Run, object: PhpObject, method: string, args: readonly Value[], node: Node): Value | undefined {
  if (method === 'registerphpfunctions') { object.properties.set('calls PHP', { value: know(true) }); return unknown; }
  if (method === 'importstylesheet' && args[0]) { object.made = args[0].object?.made ?? [args[0]]; return unknown; }
  const asked = /^(?:evaluate|query)$/.test(method) ? args[0] : method.startsWith('transformto') ? object.made[0] : undefined;
  const taint = asked && object.properties.has('calls PHP') ? from(asked, 'request') : undefined;
  if (taint) run.sign('callback', 'critical', node, { taint, decoded: said(method, asked!), attack: attackShell });
  return asked ? unknown : undefined;
}


/** What a file or address holds, as far as known. */
export function readSource(run: Run, path: Value, node: Node): Value {
  const to = templateOf(path);
  const lower = to.slice(0, 400).toLowerCase();
  const place = run.place(node);
  if (lower.startsWith('php://input') || /^php:\/\/filter.{0,300}resource=php:\/\/input/.test(lower)) return { taints: [{ origin: 'request', place }], hidden: path.hidden, template: given };
  if (path.template === '\ue0ffself') return know(run.source);
  if (elsewhere.test(to)) passwordLeaves(run, 'address', path, node);
  const own = readOwn(run, path, node);
  if (own) return own;
  const through = filterOf(run, path, node);
  if (through) return filtered(run, through.filter, readSource(run, through.resource === given ? { ...path, template: given } : know(through.resource), node), node);
  const written = run.written.get(to);
  if (written && to !== gap) return written;
  if (from(path, 'upload')) return { taints: [{ origin: 'request', place }], hidden: 0, template: given };
  const taint = from(path, 'request');
  // An address of the writer's with a visitor's words in it still answers what the writer wants.
  if (taint && /^(?:https?|ftps?):\/\/[^\ue000-\uf8ff/]/i.test(to)) return { taints: [{ origin: 'remote', place }, ...path.taints], hidden: path.hidden, template: gap };
  if (taint) { run.operation('read', node, path); return { ...unknownFrom(path.taints), template: gap }; }
  if (elsewhere.test(to)) return { taints: [{ origin: 'remote', place }], hidden: path.hidden };
  if (asideText.test(to)) return { taints: [{ origin: 'text', place }], hidden: path.hidden };
  for (const text of choicesOf(path)) {
    if (/^data:/i.test(text)) { const data = dataOf(text); if (data !== undefined) return know(data, hiddenBy.decoded); }
    if (noProgram.test(text) || /^\/(?:tmp|var\/tmp|dev\/shm)\//.test(text)) return { taints: [{ origin: 'file', place }], hidden: path.hidden };
  }
  return unknown;
}

/** preg_replace with /e and its like: the replacement is code. */
export function replaceCode(run: Run, frame: Frame, by: Value, subject: Value, node: Node): void {
  const text = textOf(by);
  if (text === undefined) { codeSink(run, by, node); return; }
  const taint = from(subject, 'request');
  const uses = /\\\d|\$\d|\$\{\d\}/.test(text);
  if (uses && taint && /\b(?:eval|assert|system|exec|passthru|shell_exec)\b|^\s*(?:\\\\?\d|\$\d)|"\$?\{?\$?\\?\d/i.test(text)) run.sign('code', 'critical', node, { taint, decoded: text.slice(0, 300) });
  const filled = text.replace(/\\\d|\$\d|\$\{\d\}/g, () => (textOf(subject) ?? '').replace(/["\\$]/g, '\\$&'));
  evaluateCode(run, frame, { ...know(filled), hidden: by.hidden }, node, true);
}
