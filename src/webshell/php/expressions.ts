/** What PHP expressions are worth, as far as that can be known without running them. */
import { concat, choicesOf, from, gap, given, hiddenBy, keyOf, know, merge, nothing, taintsOf, truthOf, unknown, unknownFrom, withEntry, type Cell, type Closure, type Value } from './value.ts';
import { isNode, nodesIn, type Node } from './parse.ts';
import { cellIn, type Frame, type Run } from './run.ts';
import { assign, assignReference, step } from './assign.ts';
import { callNode, callValue, evaluateCode, invokeMethod, makeClass, makeObject } from './calls.ts';
import { cast, combine, toText, unary } from './operators.ts';
import { classNamed, element, property, staticOf, variable } from './places.ts';
import { commandSink, includeSink } from './sinks.ts';
import { forCrawler, printed, stillAsks } from './visitors.ts';
import { percent, utf8 } from '../decode.ts';

const spineMax = 100_000;
const idleMax = 2000;

export const textIn = (node: unknown): string => (typeof node === 'string' ? node : isNode(node) && typeof node.name === 'string' ? node.name : '');

/** Never throws but LimitError. */
export function evaluate(run: Run, frame: Frame, node: Node | undefined | null): Value {
  if (!node) return unknown;
  run.budget.spend();
  run.deeper();
  try { return valueOf(run, frame, node); } finally { run.depth--; }
}

function valueOf(run: Run, frame: Frame, node: Node): Value {
  const sub = (field: string): Value => evaluate(run, frame, node[field] as Node | undefined);
  switch (node.kind) {
    case 'string': return stringOf(node);
    case 'nowdoc': return know(String(node.value));
    case 'number': return numberNode(node.value);
    case 'boolean': return know(node.value === true);
    case 'nullkeyword': return nothing;
    case 'encapsed': return encapsed(run, frame, node);
    case 'encapsedpart': return sub('expression');
    case 'literal': return isNode(node.value) ? sub('value') : know(String(node.value));
    case 'name': return constant(run, textIn(node));
    case 'identifier': return know(textIn(node));
    case 'magic': return magic(run, node, frame);
    case 'variable': return variable(run, frame, node);
    case 'offsetlookup': return element(run, frame, node);
    case 'propertylookup': case 'nullsafepropertylookup': return property(run, frame, node);
    case 'staticlookup': return staticOf(run, frame, node);
    case 'array': case 'list': return arrayNode(run, frame, node);
    case 'bin': return binary(run, frame, node);
    case 'unary': return unary(String(node.type), sub('what'));
    case 'cast': return cast(String(node.type), sub('expr'));
    case 'silent': return sub('expr');
    case 'parenthesis': return sub('inner');
    case 'retif': return ternary(run, frame, node);
    case 'assign': return assign(run, frame, node);
    case 'assignref': return assignReference(run, frame, node);
    case 'pre': case 'post': return step(run, frame, node);
    case 'call': return callNode(run, frame, node);
    case 'new': return newNode(run, frame, node);
    case 'closure': case 'arrowfunc': return closure(run, frame, node);
    case 'eval': return evaluateCode(run, frame, sub('source'), node);
    case 'include': return includeSink(run, frame, sub('target'), node);
    case 'print': printed(run, toText(run, sub('expression')), node); return know(1);
    case 'exit': printed(run, toText(run, sub('expression')), node); run.maybeLeft++; return unknown;
    case 'isset': for (const one of nodesIn(node.variables)) evaluate(run, frame, one); return unknown;
    case 'empty': { const truth = truthOf(sub('expression')); return truth === undefined ? unknown : know(!truth); }
    case 'clone': { const value = sub('what'); if (value.object) invokeMethod(run, value.object, '__clone', [], node); return value; }
    case 'throw': run.thrown = merge(run.thrown, sub('what')); return unknown;
    case 'yield': return yielded(run, frame, node, sub('value'));
    case 'yieldfrom': return yieldedAll(run, frame, sub('value'));
    case 'match': return matchNode(run, frame, node);
    case 'namedargument': return sub('value');
    case 'variadic': return sub('what');
    case 'class': return know(makeClass(run, node).name);
    default: return unknown;
  }
}

/** Yields that are kept one by one. */
const yieldsMax = 200;

/** A value given by a generator; what is sent into generators comes back. */
function yielded(run: Run, frame: Frame, node: Node, value: Value): Value {
  const before = frame.yielded;
  if (before && before.entries.size >= yieldsMax) { frame.yielded = { ...before, complete: false }; return run.sent ?? unknown; }
  const key = isNode(node.key) ? keyOf(evaluate(run, frame, node.key)) : undefined;
  const after = withEntry(before, key, value, key === undefined);
  frame.yielded = { ...after, complete: after.complete && run.branches === frame.branches };
  return run.sent ?? unknown;
}

function yieldedAll(run: Run, frame: Frame, value: Value): Value {
  const parts = value.array && value.superglobal === undefined ? [...value.array.entries.values()].slice(0, yieldsMax) : [value];
  for (const part of parts) frame.yielded = withEntry(frame.yielded, undefined, part, true);
  if (frame.yielded && (!value.array?.complete || run.branches !== frame.branches)) frame.yielded = { ...frame.yielded, complete: false };
  return unknown;
}

/** A text in the source; written in escapes that it does not need, it was hidden. */
function stringOf(node: Node): Value {
  const text = String(node.value);
  const raw = typeof node.raw === 'string' ? node.raw : '';
  const hidden = node.isDoubleQuote === true && raw.length > text.length * 2 && /\\(?:x[2-7]|[01]?[0-7]{2}|u\{)/.test(raw) && /[a-z_]{2}/i.test(text) ? hiddenBy.escaped : 0;
  // oxlint-disable-next-line no-control-regex
  return know(/[^\0-\xff]/.test(text) ? utf8(text) : text, hidden);
}

function numberNode(value: unknown): Value {
  const text = String(value).replaceAll('_', '');
  return know(/^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text));
}

function encapsed(run: Run, frame: Frame, node: Node): Value {
  let out = know('');
  for (const part of nodesIn(node.value)) out = concat(out, toText(run, evaluate(run, frame, part)));
  if (node.type === 'shell') return commandSink(run, frame, '`', [out], node);
  return out;
}

const constants: Readonly<Record<string, Value>> = { PHP_EOL: know('\n'), DIRECTORY_SEPARATOR: know('/'), PATH_SEPARATOR: know(':'), PHP_OS: know('Linux'), PHP_OS_FAMILY: know('Linux'), NULL: nothing, TRUE: know(true), FALSE: know(false), ENT_QUOTES: know(3), LOCK_EX: know(2), FILE_APPEND: know(8), E_ALL: know(32767), CURLOPT_WRITEFUNCTION: know(20_011), CURLOPT_READFUNCTION: know(20_012), CURLOPT_HEADERFUNCTION: know(20_079), EXTR_OVERWRITE: know(0), EXTR_SKIP: know(1), EXTR_PREFIX_SAME: know(2), EXTR_PREFIX_ALL: know(3) };

function constant(run: Run, name: string): Value {
  const bare = name.replace(/^\\/, '');
  const set = run.constants.get(bare);
  if (set) return set;
  if (Object.hasOwn(constants, bare.toUpperCase())) return constants[bare.toUpperCase()]!;
  // Before PHP 8 a word that is no constant was its own text.
  return /^[A-Z][A-Z0-9_]{2,}$/.test(bare) || bare.includes('\\') ? unknown : know(bare);
}

/** Stands for the file itself. */
export const ownPath = '\ue0ffself';
function magic(run: Run, node: Node, frame: Frame): Value {
  switch (String(node.value).toUpperCase()) {
    case '__FILE__': return { taints: [{ origin: 'listed', place: run.place(node) }], hidden: 0, template: ownPath };
    case '__LINE__': return know(node.loc?.start.line ?? 0);
    case '__FUNCTION__': return know(frame.functionName);
    case '__CLASS__': return know(frame.className ?? '');
    case '__METHOD__': return know(`${frame.className ?? ''}::${frame.functionName}`);
    case '__NAMESPACE__': return know('');
    case '__DIR__': return { ...unknown, template: gap };
    default: return unknown;
  }
}

function arrayNode(run: Run, frame: Frame, node: Node): Value {
  const entries = new Map<string, Value>();
  let next = 0;
  let complete = true;
  const values: Value[] = [];
  for (const item of nodesIn(node.items)) {
    if (item.kind === 'noop') continue;
    const value = evaluate(run, frame, (item.kind === 'entry' ? item.value : item) as Node);
    values.push(value);
    if (item.unpack === true || item.kind === 'variadic') { if (value.array) for (const one of value.array.entries.values()) entries.set(String(next++), one); else complete = false; continue; }
    const key = item.kind === 'entry' && isNode(item.key) ? evaluate(run, frame, item.key) : undefined;
    if (!key) { entries.set(String(next++), value); continue; }
    const name = keyOf(key);
    if (name === undefined) { complete = false; values.push(unknownFrom(key.taints)); continue; }
    entries.set(name, value);
    const index = Number(name);
    if (Number.isSafeInteger(index) && index >= next) next = index + 1;
  }
  return { ...unknownFrom(taintsOf(values)), array: { entries, next, complete } };
}

/** Long chains lean to the left: walked down without recursion. */
function binary(run: Run, frame: Frame, node: Node): Value {
  const spine: Node[] = [];
  let at: Node | undefined = node;
  while (at?.kind === 'bin' && spine.length < spineMax) { spine.push(at); at = at.left as Node | undefined; }
  let left = evaluate(run, frame, at);
  for (let i = spine.length - 1; i >= 0; i--) { run.budget.spend(); left = operate(run, frame, String(spine[i]!.type), left, spine[i]!.right as Node); }
  return left;
}

function operate(run: Run, frame: Frame, type: string, left: Value, rightNode: Node): Value {
  switch (type) {
    case '&&': case 'and': { const known = truthOf(left); if (known === false) return know(false); const rightValue = forCrawler(run, left, () => evaluate(run, frame, rightNode)); const right = truthOf(rightValue); return known === undefined || right === undefined ? stillAsks(left, rightValue) : know(right); }
    case '||': case 'or': { const known = truthOf(left); if (known === true) return know(true); const rightValue = evaluate(run, frame, rightNode); const right = truthOf(rightValue); return known === undefined || right === undefined ? stillAsks(left, rightValue) : know(right); }
    case '??': { if (left.known !== undefined && left.known !== null) return left; const right = evaluate(run, frame, rightNode); return left.known === null ? right : merge(left, right)!; }
    case 'instanceof': return unknown;
    case '|>': return pipe(run, frame, left, rightNode);
    default: return combine(run, type, left, evaluate(run, frame, rightNode));
  }
}

/** `a |> f(...) |> g(...)`: the parser groups it from the right, PHP from the left. */
function pipe(run: Run, frame: Frame, value: Value, into: Node): Value {
  if (into.kind === 'bin' && into.type === '|>') return pipe(run, frame, pipe(run, frame, value, into.left as Node), into.right as Node);
  return callValue(run, frame, evaluate(run, frame, into), [value], into);
}

function ternary(run: Run, frame: Frame, node: Node): Value {
  const test = evaluate(run, frame, node.test as Node);
  const truth = truthOf(test);
  let yes: Value | undefined;
  let no: Value | undefined;
  const ways: (() => boolean)[] = [];
  if (truth !== false) ways.push(() => { yes = isNode(node.trueExpr) ? forCrawler(run, test, () => evaluate(run, frame, node.trueExpr as Node)) : test; return true; });
  if (truth !== true) ways.push(() => { no = evaluate(run, frame, node.falseExpr as Node); return true; });
  if (ways.length === 1) ways[0]!(); else run.ways(ways);
  return merge(yes, no) ?? unknown;
}

function matchNode(run: Run, frame: Frame, node: Node): Value {
  const subject = evaluate(run, frame, node.cond as Node);
  let out: Value | undefined;
  run.ways(nodesIn(node.arms).map((arm) => () => {
    for (const cond of nodesIn(arm.conds)) { const is = evaluate(run, frame, cond); if (is.known !== undefined && subject.known !== undefined && is.known !== subject.known) return true; }
    out = merge(out, evaluate(run, frame, arm.body as Node));
    return true;
  }));
  return out ?? unknown;
}

function newNode(run: Run, frame: Frame, node: Node): Value {
  const what = node.what as Node | undefined;
  if (!what) return unknown;
  const args = nodesIn(node.arguments).map((arg) => evaluate(run, frame, arg));
  if (what.kind === 'class') return makeObject(run, makeClass(run, what).name, args, node);
  if (what.kind !== 'name' && what.kind !== 'selfreference' && what.kind !== 'staticreference' && what.kind !== 'parentreference') {
    const value = evaluate(run, frame, what);
    const taint = from(value, 'request');
    if (taint && value.template === given && args.some((arg) => from(arg, 'request') && arg.template === given)) run.sign('callback', 'medium', node, { taint });
    const [name] = value.object ? [value.object.className] : choicesOf(value);
    return name === undefined ? unknownFrom(taintsOf(args)) : makeObject(run, name, args, node);
  }
  const [name] = classNamed(run, frame, what);
  return name === undefined ? unknown : makeObject(run, name, args, node);
}

function closure(run: Run, frame: Frame, node: Node): Value {
  const scope = new Map<string, Cell>();
  if (node.kind === 'arrowfunc') for (const [name, cell] of frame.scope) scope.set(name, { value: cell.value });
  for (const use of nodesIn(node.uses)) {
    const name = textIn(use);
    const cell = cellIn(run, frame.scope, name);
    scope.set(name, use.byref === true ? cell : { value: cell.value });
  }
  const made: Closure = { node, scope, self: frame.self, layer: run.layer, className: frame.className };
  if (run.idle.size < idleMax) run.idle.set(node, made);
  return { ...unknown, closure: made };
}

/** Variables of a query text, as parse_str makes them. */
export function queryVariables(text: string): [string, Value][] {
  return text.split('&').slice(0, 1000).map((pair): [string, Value] => { const at = pair.indexOf('='); return [percent(at < 0 ? pair : pair.slice(0, at), true), know(at < 0 ? '' : percent(pair.slice(at + 1), true), hiddenBy.decoded)]; });
}
