/** PHP: read as PHP would run it, with what a visitor sends followed from where it comes in to where it does harm. */
import { atLeast } from '../core/level.ts';
import { Budget, defaultLimits, LimitError, Lines, type Analysis, type Limits, type Sign } from './sign.ts';
import { phpBegins } from './choose.ts';
import { callValue, invoke, invokeClosure, invokeMethod, uncalled } from './php/calls.ts';
import { parse, type Parsed } from './php/parse.ts';
import { Run, type Frame, type Operation } from './php/run.ts';
import { declareAll, execute } from './php/statements.ts';
import { asPhp } from './php/templates.ts';
import { readTokens } from './php/tokens.ts';
import { given, unknown, unknownFrom, type PhpObject } from './php/value.ts';
import { worthParsing } from './php/worth.ts';
import { statistics } from './statistics.ts';
import { titles } from './titles.ts';

const managerNeeds = 5;
/** A page that takes files and does nothing else is small. */
const uploaderMax = 8000;
/** What a page that takes files checks, or what it is a part of. */
const uploadChecks = /pathinfo|preg_match|in_array|getimagesize|finfo|mime|explode\s*\(\s*['"]\.|strrchr|strrpos|end\s*\(|exif_imagetype|\$_SESSION|session_start|\b(?:include|require)|\bclass\s|\bnamespace\s|md5\s*\(|uniqid|->/i;
/** The same for one that unpacks an archive. */
const unpackChecks = /pathinfo|preg_match|in_array|mime|\$_SESSION|session_start|\b(?:include|require)|\bclass\s|\bnamespace\s|hash_equals|hash_hmac|password_verify/i;

/** As a text of its own, and not asked about. */
const dangerousName = /(?<!(?:function_exists|is_callable|method_exists|in_array|disable_functions)\s{0,4}\(\s{0,4})(['"])(?:passthru|shell_exec|proc_open|popen|pcntl_exec|system|create_function|assert)\1/i;

export function analyse(source: string, limits: Limits = defaultLimits): Analysis {
  // A page without PHP's own tags may hold those of a template engine.
  const page = phpBegins(source) < 0 && source.length <= limits.bytes ? asPhp(source) : undefined;
  return page === undefined ? analysePhp(source, limits) : analysePhp(page, limits);
}

function analysePhp(source: string, limits: Limits): Analysis {
  const cut: string[] = [];
  const text = source.length > limits.bytes ? source.slice(0, limits.bytes) : source;
  if (text !== source) cut.push('the end of a file that is too large');
  if (phpBegins(text) < 0 && !/<\?\s/.test(text)) return { signs: [], cut, read: 'parser' };
  if (!worthParsing(text)) return { signs: shape(text, []), cut, read: 'parser' };
  const lines = new Lines(text);
  const budget = new Budget(limits);
  const run = new Run(text, lines, budget);
  let parsed: Parsed | undefined;
  try {
    parsed = parse(text, false, budget);
    if (parsed) whole(run, parsed);
  } catch (error) {
    // A tree of a file that is no PHP may miss any part: what was found stands, and the file was not looked at whole.
    cut.push(error instanceof LimitError ? error.message : error instanceof RangeError ? 'nested deeper than can be followed' : `code of unexpected shape: ${error instanceof Error ? error.message : String(error)}`);
  }
  cut.push(...run.cut);
  finish(run);
  let signs = [...run.signs.values()];
  const broken = !parsed || parsed.errors > 0 || cut.length > 0;
  if (broken) signs = joined(signs, readTokens(text, lines));
  for (const { text: code, outer } of run.unparsed.slice(0, 20)) {
    const inner = new Lines(code, 1);
    signs = joined(signs, readTokens(code, inner).map((sign) => ({ ...sign, decoded: sign.sink.text, sink: outer, source: sign.source && outer })));
  }
  return { signs: [...signs, ...shape(text, signs)], cut, read: parsed ? 'parser' : 'tokens' };
}

/** Everything once from top to bottom, then what nobody called. */
function whole(run: Run, { children }: Parsed): void {
  const frame = frameOf(run);
  declareAll(run, children);
  execute(run, frame, children);
  // What one request leaves in the session or another store, the next one finds there.
  if (run.sessionTainted || run.kept.size > 0 || (run.sent && /\byield\b/.test(run.source))) execute(run, frame, children);
  for (const object of run.objects.slice()) for (const method of ['__destruct', '__wakeup', '__tostring', '__invoke']) if (method === '__destruct' || run.anyProperty.length > 0) invokeMethod(run, object, method, [], undefined);
  for (const one of run.functions.values()) if (one.called === 0) invoke(run, one, uncalled(one.node.arguments), {});
  for (const info of Array.from(run.classes.values())) {
    const self: PhpObject = { className: info.name, properties: new Map(), made: [] };
    for (const { name } of info.properties) {
      // What any object of the class was given may be in this one too.
      const held = run.objects.flatMap((object) => (object.className.toLowerCase() === info.name.toLowerCase() ? object.properties.get(name)?.value ?? [] : []));
      self.properties.set(name, { value: run.anyProperty.length > 0 ? unknownFrom(run.anyProperty) : held.at(-1) ?? unknown });
    }
    // An object that a visitor makes of text has what he wants in it, and these are called without anybody calling them.
    if (run.anyProperty.length > 0) for (const name of ['__destruct', '__wakeup', '__unserialize', '__tostring']) invokeMethod(run, { ...self, properties: new Map([...self.properties].map(([key]) => [key, { value: { ...unknownFrom(run.anyProperty), template: given } }])) }, name, [], undefined);
    for (const method of info.methods.values()) if (method.called === 0) invoke(run, method, uncalled(method.node.arguments), { self, className: info.name });
  }
  // What was handed to somebody else's function is called by it: routes, hooks, timers.
  for (const closure of Array.from(run.idle.values())) run.within(closure.layer, () => invokeClosure(run, closure, uncalled(closure.node.arguments), {}));
  for (const { name, callee, node } of run.handlers) if (name === 'ob_start' ? run.printed : name === 'set_exception_handler' && run.thrown) callValue(run, frame, callee, [(name === 'ob_start' ? run.printed : run.thrown)!], node, { callback: true });
}

const frameOf = (run: Run): Frame => ({ scope: run.globals, self: undefined, className: undefined, statics: undefined, functionName: '', args: [], returned: undefined });

/** What only shows once all was read. */
function finish(run: Run): void {
  const done = [...run.operations.keys()];
  const changes: readonly Operation[] = ['write', 'upload', 'delete', 'mode', 'rename'];
  if (done.filter((one) => one !== 'sql').length >= managerNeeds && done.filter((one) => changes.includes(one)).length >= 2) {
    const [first] = run.operations.values();
    run.signs.set('file-manager', { kind: 'file-manager', level: 'high', title: titles['file-manager'], sink: first!, decoded: done.join(', ') });
  }
  const [upload] = run.uploads;
  if (upload && run.source.length < uploaderMax && !(upload.unpacked ? unpackChecks : uploadChecks).test(run.source)) run.within(upload.layer, () => run.sign('write', 'high', upload.node, { ...(upload.taint && { taint: upload.taint }) }));
  // The name of a function that runs commands lies in the file, and something that is not known is called with what a visitor sends.
  const [blind] = run.blindCalls;
  if (blind && dangerousName.test(run.source)) run.within(blind.layer, () => run.sign('callback', 'high', blind.node, { taint: blind.taint }));
  // Code that was hidden and turned out to do nothing we know: packers do that too.
  for (const { outer, text, packed } of run.hiddenCode.slice(0, 3)) {
    if ([...run.signs.values()].some(({ level, sink }) => atLeast(level, 'medium') && sink.line === outer.line)) continue;
    run.signs.set(`hidden ${outer.line}`, { kind: 'hidden', level: packed ? 'medium' : 'low', title: titles.hidden, sink: outer, decoded: text.slice(0, 300), attack: ['T1027'] });
  }
}

/** The words alone, for a file whose analysis was ended. */
export const words = (source: string): Sign[] => readTokens(source.slice(0, defaultLimits.bytes), new Lines(source));

const joined = (a: readonly Sign[], b: readonly Sign[]): Sign[] => [...a, ...b.filter((one) => !a.some(({ kind, sink }) => kind === one.kind && sink.line === one.sink.line))];

/** Statistics weigh in beside another sign only, and by themselves no more than low. */
function shape(source: string, signs: readonly Sign[]): Sign[] {
  const figures = statistics(source);
  if (figures.farRight !== undefined) {
    const place = new Lines(source).at(figures.farRight);
    if (/eval|assert|base64|\$_|include|require|\$\w+\s*\(|\\x|GLOBALS/i.test(place.text)) return [{ kind: 'odd', level: signs.some(({ level }) => atLeast(level, 'low')) ? 'high' : 'medium', title: { zh: '代码藏在一行的最右边，编辑器里看不见', en: 'code stands so far to the right that an editor does not show it' }, sink: place }];
  }
  if (figures.oneLine && figures.entropy > 5.7 && figures.longestToken > 3000 && signs.length > 0) return [{ kind: 'odd', level: 'medium', title: titles.odd, sink: new Lines(source).place(1) }];
  return [];
}
