/** What PHP expressions are worth, as far as that can be known without running them. */
import { concat, choicesOf, from, gap, given, hiddenBy, joinTaints, keyOf, know, listOf, merge, nothing, numberOf, restKey, taintsOf, textOf, truthOf, unknown, unknownFrom, withEntry, type Cell, type Origin, type PhpObject, type Value } from './value.ts';
import { isNode, nodesIn, type Node } from './parse.ts';
import { cellIn, type Frame, type Run } from './run.ts';
import { callNode, evaluateCode, invokeMethod, makeClass, makeObject } from './calls.ts';
import { commandSink, includeSink } from './sinks.ts';
import { percent, utf8 } from '../decode.ts';

const requestVariables = new Set(['_GET', '_POST', '_REQUEST', '_COOKIE', '_FILES', 'HTTP_GET_VARS', 'HTTP_POST_VARS', 'HTTP_COOKIE_VARS', 'HTTP_POST_FILES', 'HTTP_RAW_POST_DATA']);
const superglobals = new Set([...requestVariables, '_SERVER', '_ENV', '_SESSION', 'GLOBALS']);
const serverKeys = /^(?:HTTP_(?!HOST$)|QUERY_STRING$|REQUEST_URI$|(?:ORIG_)?PATH_INFO$|PHP_AUTH_|REDIRECT_|REQUEST_METHOD$|UNENCODED_URL$)/;
const spineMax = 100_000;

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
    case 'magic': return magic(node, frame);
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
    case 'print': return toText(run, sub('expression'));
    case 'exit': sub('expression'); run.maybeLeft++; return unknown;
    case 'isset': for (const one of nodesIn(node.variables)) evaluate(run, frame, one); return unknown;
    case 'empty': { const truth = truthOf(sub('expression')); return truth === undefined ? unknown : know(!truth); }
    case 'clone': return sub('what');
    case 'throw': run.thrown = merge(run.thrown, sub('what')); return unknown;
    case 'yield': case 'yieldfrom': { const value = sub('value'); frame.returned = merge(frame.returned, unknownFrom(value.taints)); return unknown; }
    case 'match': return matchNode(run, frame, node);
    case 'namedargument': return sub('value');
    case 'variadic': return sub('what');
    case 'class': return know(makeClass(run, node).name);
    default: return unknown;
  }
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

const constants: Readonly<Record<string, Value>> = { PHP_EOL: know('\n'), DIRECTORY_SEPARATOR: know('/'), PATH_SEPARATOR: know(':'), PHP_OS: know('Linux'), PHP_OS_FAMILY: know('Linux'), NULL: nothing, TRUE: know(true), FALSE: know(false), ENT_QUOTES: know(3), LOCK_EX: know(2), FILE_APPEND: know(8), E_ALL: know(32767) };

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
function magic(node: Node, frame: Frame): Value {
  switch (String(node.value).toUpperCase()) {
    case '__FILE__': return { ...unknown, template: ownPath };
    case '__LINE__': return know(node.loc?.start.line ?? 0);
    case '__FUNCTION__': return know(frame.functionName);
    case '__CLASS__': return know(frame.className ?? '');
    case '__METHOD__': return know(`${frame.className ?? ''}::${frame.functionName}`);
    case '__NAMESPACE__': return know('');
    case '__DIR__': return { ...unknown, template: gap };
    default: return unknown;
  }
}

/** The name of a variable node; undefined when it is computed and not known. */
export function variableName(run: Run, frame: Frame, node: Node): { names: readonly string[]; hidden: number; value: Value | undefined } {
  if (typeof node.name === 'string') return { names: [node.name], hidden: 0, value: undefined };
  const value = evaluate(run, frame, node.name as Node);
  return { names: choicesOf(value), hidden: value.hidden, value };
}

function variable(run: Run, frame: Frame, node: Node): Value {
  const { names, hidden, value: nameValue } = variableName(run, frame, node);
  if (names.length === 0) {
    // Which variable is not known: one that a visitor names may be any.
    return nameValue && from(nameValue, 'request') ? unknownFrom(run.anyVariable) : unknown;
  }
  const values = names.map((name) => namedVariable(run, frame, name, node, hidden));
  return values.reduce((a, b) => merge(a, b)!);
}

export function namedVariable(run: Run, frame: Frame, name: string, node: Node, hidden = 0): Value {
  if (name === 'this') return frame.self ? { ...unknown, object: frame.self } : unknown;
  if (superglobals.has(name)) {
    const kept = run.globals.get(name)?.value;
    if (kept) return kept;
    if (requestVariables.has(name)) return { taints: [{ origin: 'request', place: run.place(node) }], hidden, template: given, superglobal: name };
    return { taints: [], hidden, superglobal: name };
  }
  const cell = cellIn(run, frame.scope, name);
  return cell.value ?? unknown;
}

export function elementOf(run: Run, frame: Frame, base: Value, key: Value, node: Node): Value {
  const index = keyOf(key);
  if (base.superglobal === 'GLOBALS') return index === undefined ? unknown : namedVariable(run, { ...frame, scope: run.globals, self: undefined }, index, node, key.hidden);
  if (base.superglobal === '_SERVER') return index !== undefined && serverKeys.test(index) ? { taints: [{ origin: 'request', place: run.place(node) }], hidden: 0, template: given } : unknown;
  if (base.superglobal === '_ENV') return index?.startsWith('HTTP_') ? { taints: [{ origin: 'request', place: run.place(node) }], hidden: 0, template: given } : unknown;
  if (base.array) {
    const { entries, complete } = base.array;
    if (index !== undefined) {
      const found = entries.get(index);
      if (found) return found;
      const rest = entries.get(restKey);
      if (rest && base.superglobal === undefined) return merge(rest, { ...unknownFrom(base.taints), template: gap })!;
      if (base.superglobal === undefined) return complete ? nothing : { ...unknownFrom(base.taints), ...(from(base, 'request') && { template: base.template ?? given }) };
    } else if (entries.size > 0) {
      run.budget.spend(Math.min(entries.size, 64));
      return { ...[...entries.values()].slice(0, 64).reduce<Value | undefined>((a, b) => merge(a, b), undefined)!, hidden: hiddenBy.joined };
    }
  }
  if (base.superglobal === '_FILES' || base.superglobal === 'HTTP_POST_FILES') return { ...unknownFrom(base.taints), template: given, superglobal: 'FILE' };
  if (base.superglobal === 'FILE') {
    const origin: Origin = index === 'tmp_name' ? 'upload' : 'request';
    const taints = base.taints.map(({ place }) => ({ origin, place }));
    return index === 'size' || index === 'error' ? unknown : { taints, hidden: 0, template: origin === 'upload' ? gap : given, ...(index === 'tmp_name' || index === 'name' ? {} : { superglobal: 'FILE' }) };
  }
  const text = typeof base.known === 'string' ? base.known : undefined;
  if (text !== undefined) {
    const at = numberOf(key);
    if (at === undefined || typeof key.known === 'string' && !/^-?\d+$/.test(key.known)) return { taints: base.taints, hidden: base.hidden | hiddenBy.joined };
    const char = text.at(Math.trunc(at)) ?? '';
    return { known: char, taints: base.taints, hidden: base.hidden | hiddenBy.joined };
  }
  if (base.object) { const made = base.object.made[0]; if (made) return elementOf(run, frame, made, key, node); }
  if (base.taints.length === 0) return unknown;
  return { ...unknownFrom(base.taints), ...(from(base, 'request') && { template: base.template?.includes(given) === false ? gap : given }) };
}

function element(run: Run, frame: Frame, node: Node): Value {
  const base = evaluate(run, frame, node.what as Node);
  if (!isNode(node.offset)) return unknownFrom(base.taints);
  // "$x[abc]" within a text has a bare word as its key.
  const key = evaluate(run, frame, node.offset);
  return elementOf(run, frame, base, key, node);
}

const memberName = (run: Run, frame: Frame, offset: unknown): readonly string[] => (isNode(offset) ? (offset.kind === 'identifier' ? [textIn(offset)] : choicesOf(evaluate(run, frame, offset))) : typeof offset === 'string' ? [offset] : []);

export function propertyCell(run: Run, object: PhpObject | undefined, name: string): Cell {
  const properties = object?.properties ?? run.loose;
  let cell = properties.get(name);
  if (!cell) {
    cell = { value: object && run.anyProperty.length > 0 ? unknownFrom(run.anyProperty) : undefined };
    properties.set(name, cell);
  }
  return cell;
}

function property(run: Run, frame: Frame, node: Node): Value {
  const base = evaluate(run, frame, node.what as Node);
  const [name] = memberName(run, frame, node.offset);
  if (name === undefined && base.object && isNode(node.offset)) { const got = invokeMethod(run, base.object, '__get', [evaluate(run, frame, node.offset)], node); if (got) return got; }
  if (name === undefined) return base.object ? unknownFrom([...base.object.properties.values()].reduce((all, { value }) => joinTaints(all, value?.taints ?? []), base.taints)) : unknownFrom(base.taints);
  if (!base.object) return base.taints.length > 0 ? { ...unknownFrom(base.taints), ...(from(base, 'request') && { template: given }) } : run.loose.get(name)?.value ?? base.array?.entries.get(name) ?? unknown;
  const cell = base.object.properties.get(name);
  if (cell?.value) return cell.value;
  const magicGet = invokeMethod(run, base.object, '__get', [know(name)], node);
  return magicGet ?? propertyCell(run, base.object, name).value ?? unknown;
}

/** The class a name, an object or a text stands for. */
export function classNamed(run: Run, frame: Frame, node: Node | undefined): readonly string[] {
  if (!node) return [];
  const word = node.kind === 'name' || node.kind === 'identifier' ? textIn(node).replace(/^\\/, '') : undefined;
  if (node.kind === 'selfreference' || node.kind === 'staticreference' || word === 'self' || word === 'static') return frame.className ? [frame.className] : [];
  if (node.kind === 'parentreference' || word === 'parent') { const parent = run.classes.get((frame.className ?? '').toLowerCase())?.parent; return parent === undefined ? [] : [parent]; }
  if (word !== undefined) return [word];
  const value = evaluate(run, frame, node);
  return value.object ? [value.object.className] : choicesOf(value);
}

function staticOf(run: Run, frame: Frame, node: Node): Value {
  const [className] = classNamed(run, frame, node.what as Node);
  const offset = node.offset as Node;
  if (className === undefined) return unknown;
  if (offset?.kind === 'variable') { const [name] = variableName(run, frame, offset).names; return name === undefined ? unknown : staticCell(run, className, name).value ?? unknown; }
  const name = textIn(offset);
  if (name === 'class') return know(className);
  for (let info = run.classes.get(className.toLowerCase()), n = 0; info && n < 20; info = info.parent === undefined ? undefined : run.classes.get(info.parent.toLowerCase()), n++) {
    const value = info.constants.get(name);
    if (value) return evaluate(run, { ...frame, className: info.name }, value);
  }
  return unknown;
}

export function staticCell(run: Run, className: string, name: string): Cell {
  const key = `${className.toLowerCase()}::${name}`;
  const cell = run.statics.get(key);
  if (cell) return cell;
  const made: Cell = { value: undefined };
  run.statics.set(key, made);
  return made;
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
    case '&&': case 'and': { const known = truthOf(left); if (known === false) return know(false); const right = truthOf(evaluate(run, frame, rightNode)); return known === undefined || right === undefined ? unknown : know(right); }
    case '||': case 'or': { const known = truthOf(left); if (known === true) return know(true); const right = truthOf(evaluate(run, frame, rightNode)); return known === undefined || right === undefined ? unknown : know(right); }
    case '??': { if (left.known !== undefined && left.known !== null) return left; const right = evaluate(run, frame, rightNode); return left.known === null ? right : merge(left, right)!; }
    case 'instanceof': return unknown;
    default: return combine(run, type, left, evaluate(run, frame, rightNode));
  }
}

function combine(run: Run, type: string, left: Value, right: Value): Value {
  switch (type) {
    case '.': {
      const [a, b] = [toText(run, left), toText(run, right)];
      run.budget.text(((typeof a.known === 'string' ? a.known.length : 0) + (typeof b.known === 'string' ? b.known.length : 0)) >> 3);
      const [la, lb] = [textOf(a)?.length ?? 0, textOf(b)?.length ?? 0];
      if (la + lb > run.budget.limits.text) return unknownFrom(joinTaints(a.taints, b.taints), a.hidden | b.hidden);
      return concat(a, b);
    }
    case '^': case '|': case '&': return bits(run, type, left, right);
    case '==': case '===': case '!=': case '!==': case '<>': {
      if (left.array ?? right.array ?? left.object ?? right.object) return unknown;
      const [a, b] = [left.known, right.known];
      if (a === undefined || b === undefined) return unknown;
      const same = type.length === 3 ? a === b : typeof a === typeof b ? a === b : textOf(left) === textOf(right);
      return know(type.startsWith('=') ? same : !same);
    }
    case '<': case '>': case '<=': case '>=': {
      const [a, b] = [numberOf(left), numberOf(right)];
      if (a === undefined || b === undefined) return unknown;
      return know(type === '<' ? a < b : type === '>' ? a > b : type === '<=' ? a <= b : a >= b);
    }
    default:
      if (type === '+' && left.array && right.array) return { ...unknownFrom(joinTaints(left.taints, right.taints)), array: { entries: new Map([...right.array.entries, ...left.array.entries]), next: Math.max(left.array.next, right.array.next), complete: left.array.complete && right.array.complete } };
      return arithmetic(type, left, right);
  }
}

/** A number of which only is known that it was made of these characters. */
const fromDigits = (left: Value, right: Value): Value => { const digits = joinTaints(left.digits ?? [], right.digits ?? []); return digits.length > 0 ? { ...unknown, digits } : unknown; };

function arithmetic(type: string, left: Value, right: Value): Value {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a === undefined || b === undefined) return fromDigits(left, right);
  switch (type) {
    case '+': return know(a + b);
    case '-': return know(a - b);
    case '*': return know(a * b);
    case '/': return b === 0 ? unknown : know(a / b);
    case '%': return Math.trunc(b) === 0 ? unknown : know(Math.trunc(a) % Math.trunc(b));
    case '**': return know(a ** b);
    case '<<': return know(Number(BigInt.asIntN(64, BigInt(Math.trunc(safe(a))) << BigInt(Math.max(0, Math.min(64, Math.trunc(safe(b))))))));
    case '>>': return know(Number(BigInt(Math.trunc(safe(a))) >> BigInt(Math.max(0, Math.min(64, Math.trunc(safe(b)))))));
    default: return unknown;
  }
}
const safe = (n: number): number => (Number.isFinite(n) ? n : 0);

/** Of two texts, byte by byte: the way function names are hidden in signs and letters. */
function bits(run: Run, type: string, left: Value, right: Value): Value {
  if (typeof left.known === 'string' && typeof right.known === 'string') {
    const [a, b] = [left.known, right.known];
    const length = type === '|' ? Math.max(a.length, b.length) : Math.min(a.length, b.length);
    run.budget.text(length);
    let out = '';
    for (let i = 0; i < length; i++) {
      const [x, y] = [a.charCodeAt(i) || 0, b.charCodeAt(i) || 0];
      out += String.fromCharCode(type === '^' ? x ^ y : type === '|' ? x | y : x & y);
    }
    return { known: out, taints: joinTaints(left.taints, right.taints), hidden: left.hidden | right.hidden | hiddenBy.decoded };
  }
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined && typeof left.known !== 'string' && typeof right.known !== 'string') return know(Number(type === '^' ? BigInt(Math.trunc(safe(a))) ^ BigInt(Math.trunc(safe(b))) : type === '|' ? BigInt(Math.trunc(safe(a))) | BigInt(Math.trunc(safe(b))) : BigInt(Math.trunc(safe(a))) & BigInt(Math.trunc(safe(b)))));
  if (left.digits ?? right.digits) return fromDigits(left, right);
  if (type !== '^') return unknown;
  // A visitor's text under a key: still what the visitor sends.
  const taints = joinTaints(left.taints, right.taints);
  return taints.length === 0 ? unknown : { taints, hidden: hiddenBy.decoded, template: from({ ...unknown, taints }, 'request') ? given : gap };
}

function unary(type: string, value: Value): Value {
  switch (type) {
    case '!': { const truth = truthOf(value); return truth === undefined ? unknown : know(!truth); }
    case '~': {
      if (typeof value.known === 'string') return { known: Array.from(value.known, (char) => String.fromCharCode(~char.charCodeAt(0) & 255)).join(''), taints: value.taints, hidden: value.hidden | hiddenBy.decoded };
      const number = numberOf(value);
      return number !== undefined && !value.array ? know(~number) : { ...unknownFrom(value.taints, value.hidden), ...(value.template !== undefined && { template: value.template }) };
    }
    case '-': case '+': { const number = numberOf(value); return number === undefined ? unknown : know(type === '-' ? -number : number); }
    default: return unknown;
  }
}

function cast(type: string, value: Value): Value {
  switch (type) {
    case 'string': case 'binary': { const text = textOf(value); return text !== undefined ? { ...value, known: text, array: undefined } : value; }
    case 'int': case 'integer': { const number = numberOf(value); return number === undefined ? unknown : know(Math.trunc(number)); }
    case 'float': case 'double': case 'real': { const number = numberOf(value); return number === undefined ? unknown : know(number); }
    case 'bool': case 'boolean': { const truth = truthOf(value); return truth === undefined ? unknown : know(truth); }
    case 'array': return value.array || value.superglobal !== undefined ? value : value.known === null ? listOf([]) : value.known !== undefined ? listOf([value]) : { ...value, choices: undefined };
    default: return value;
  }
}

function ternary(run: Run, frame: Frame, node: Node): Value {
  const test = evaluate(run, frame, node.test as Node);
  const truth = truthOf(test);
  let yes: Value | undefined;
  let no: Value | undefined;
  const ways: (() => boolean)[] = [];
  if (truth !== false) ways.push(() => { yes = isNode(node.trueExpr) ? evaluate(run, frame, node.trueExpr) : test; return true; });
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

function assign(run: Run, frame: Frame, node: Node): Value {
  const operator = String(node.operator);
  const left = node.left as Node | undefined;
  let value = evaluate(run, frame, node.right as Node);
  if (operator !== '=') {
    const before = left?.kind === 'variable' || left?.kind === 'offsetlookup' || left?.kind === 'propertylookup' || left?.kind === 'staticlookup' ? evaluate(run, frame, left) : unknown;
    const fresh = isUnset(run, frame, left);
    value = operator === '??=' ? before.known === null || fresh ? value : merge(before, value)! : combine(run, operator.slice(0, -1), fresh ? (operator === '.=' ? know('') : know(0)) : before, value);
  }
  assignTo(run, frame, left, value);
  return value;
}

/** A plain variable that nothing was put into so far. */
const isUnset = (run: Run, frame: Frame, node: Node | undefined): boolean => node?.kind === 'variable' && typeof node.name === 'string' && !superglobals.has(node.name) && run.anyVariable.length === 0 && frame.scope.get(node.name)?.value === undefined;

export function assignTo(run: Run, frame: Frame, node: Node | undefined, value: Value): void {
  if (!node) return;
  switch (node.kind) {
    case 'variable': {
      const { names, value: nameValue } = variableName(run, frame, node);
      if (names.length === 0) {
        // foreach ($_GET as $k => $v) $$k = $v: a visitor's data may stand in any variable.
        if (nameValue && from(nameValue, 'request')) run.anyVariable = joinTaints(run.anyVariable, value.taints);
        return;
      }
      for (const name of names) setVariable(run, frame, name, names.length > 1 ? merge(frame.scope.get(name)?.value, value) : value);
      return;
    }
    case 'offsetlookup': { assignElement(run, frame, node, value); return; }
    case 'propertylookup': case 'nullsafepropertylookup': {
      const { object } = evaluate(run, frame, node.what as Node);
      for (const name of memberName(run, frame, node.offset)) {
        const cell = propertyCell(run, object, name);
        run.set(cell, object ? value : merge(cell.value, value));
      }
      return;
    }
    case 'staticlookup': {
      const [className] = classNamed(run, frame, node.what as Node);
      const offset = node.offset as Node;
      const [name] = offset?.kind === 'variable' ? variableName(run, frame, offset).names : [];
      if (className !== undefined && name !== undefined) run.set(staticCell(run, className, name), value);
      return;
    }
    case 'list': case 'array': {
      for (const [i, item] of (Array.isArray(node.items) ? node.items : []).entries()) {
        if (!isNode(item) || item.kind === 'noop') continue;
        const target = (item.kind === 'entry' ? item.value : item) as Node;
        const key = item.kind === 'entry' && isNode(item.key) ? evaluate(run, frame, item.key) : know(i);
        assignTo(run, frame, target, elementOf(run, frame, value, key, node));
      }
    }
  }
}

export function setVariable(run: Run, frame: Frame, name: string, value: Value | undefined): void {
  const isSuper = superglobals.has(name);
  if (name === '_SESSION' && value && from(value, 'request')) run.sessionTainted = true;
  run.set(cellIn(run, isSuper ? run.globals : frame.scope, name), value);
}

function assignElement(run: Run, frame: Frame, node: Node, value: Value): void {
  const what = node.what as Node | undefined;
  if (!what) return;
  const base = what.kind === 'variable' || what.kind === 'offsetlookup' || what.kind === 'propertylookup' || what.kind === 'staticlookup' ? evaluate(run, frame, what) : unknown;
  const key = isNode(node.offset) ? evaluate(run, frame, node.offset) : undefined;
  const index = key && keyOf(key);
  if (base.superglobal === 'GLOBALS') { if (index !== undefined) run.set(cellIn(run, run.globals, index), value); return; }
  if (base.object) {
    if (!invokeMethod(run, base.object, 'offsetSet', [key ?? nothing, value], node)) propertyCell(run, base.object, '[]');
    return;
  }
  if (typeof base.known === 'string' && base.known !== '' && index !== undefined) {
    const [at, char] = [Number(index), textOf(value)];
    if (Number.isSafeInteger(at) && at >= 0 && at < base.known.length && char !== undefined) assignTo(run, frame, what, { ...base, known: base.known.slice(0, at) + char.charAt(0) + base.known.slice(at + 1), hidden: base.hidden | hiddenBy.joined });
    else assignTo(run, frame, what, unknownFrom(joinTaints(base.taints, value.taints)));
    return;
  }
  if (!base.array && base.superglobal === undefined && base.taints.length > 0 && key && (index === undefined || /^\d+$/.test(index))) {
    // A text that is changed letter by letter.
    const taints = joinTaints(base.taints, value.taints);
    assignTo(run, frame, what, { ...unknownFrom(taints, base.hidden), ...(from(base, 'request') && { template: given }) });
    return;
  }
  run.budget.spend((base.array?.entries.size ?? 0) >> 5);
  const array = withEntry(base.array ?? (base.superglobal !== undefined || base.template !== undefined ? { entries: new Map(), next: 0, complete: false } : undefined), index, value, key === undefined);
  assignTo(run, frame, what, { taints: joinTaints(base.taints, value.taints), hidden: base.hidden, array, ...(base.superglobal !== undefined && { superglobal: base.superglobal }) });
}

/** The cell that a reference would share; undefined for elements, which are copied. */
export function referenceCell(run: Run, frame: Frame, node: Node): Cell | undefined {
  switch (node.kind) {
    case 'variable': { const [name] = variableName(run, frame, node).names; return name === undefined ? undefined : cellIn(run, superglobals.has(name) ? run.globals : frame.scope, name); }
    case 'propertylookup': { const { object } = evaluate(run, frame, node.what as Node); const [name] = memberName(run, frame, node.offset); return name === undefined ? undefined : propertyCell(run, object, name); }
    case 'staticlookup': { const [className] = classNamed(run, frame, node.what as Node); const offset = node.offset as Node; const [name] = offset?.kind === 'variable' ? variableName(run, frame, offset).names : []; return className !== undefined && name !== undefined ? staticCell(run, className, name) : undefined; }
    case 'offsetlookup': { const base = evaluate(run, frame, node.what as Node); const key = isNode(node.offset) ? keyOf(evaluate(run, frame, node.offset)) : undefined; return base.superglobal === 'GLOBALS' && key !== undefined ? cellIn(run, run.globals, key) : undefined; }
    default: return undefined;
  }
}

function assignReference(run: Run, frame: Frame, node: Node): Value {
  const [left, right] = [node.left as Node | undefined, node.right as Node | undefined];
  if (!left || !right) return unknown;
  const cell = referenceCell(run, frame, right);
  const value = evaluate(run, frame, right);
  if (cell && left.kind === 'variable' && !(value.superglobal !== undefined && !cell.value)) {
    for (const name of variableName(run, frame, left).names) frame.scope.set(name, cell);
  } else assignTo(run, frame, left, value);
  return value;
}

/** ++ and --, on letters too: Z becomes AA. */
function step(run: Run, frame: Frame, node: Node): Value {
  const what = node.what as Node | undefined;
  const fresh = isUnset(run, frame, what);
  const before = evaluate(run, frame, what);
  const by = node.type === '+' ? 1 : -1;
  let after: Value = unknown;
  if (typeof before.known === 'string' && by === 1 && /^[a-zA-Z0-9]+$/.test(before.known) && !/^\d+$/.test(before.known)) after = { known: nextWord(before.known), taints: before.taints, hidden: before.hidden | hiddenBy.decoded };
  else { const number = fresh ? 0 : numberOf(before); if (number !== undefined && !before.array) after = know(number + by); }
  assignTo(run, frame, what, after);
  return node.kind === 'pre' ? after : fresh ? nothing : before;
}

function nextWord(word: string): string {
  const chars = word.split('');
  for (let i = chars.length - 1; i >= 0; i--) {
    const char = chars[i]!;
    if (char === 'z') chars[i] = 'a';
    else if (char === 'Z') chars[i] = 'A';
    else if (char === '9') chars[i] = '0';
    else { chars[i] = String.fromCharCode(char.charCodeAt(0) + 1); return chars.join(''); }
  }
  const first = word[0]!;
  return (first === 'z' ? 'a' : first === 'Z' ? 'A' : '1') + chars.join('');
}

function newNode(run: Run, frame: Frame, node: Node): Value {
  const what = node.what as Node | undefined;
  if (!what) return unknown;
  const args = nodesIn(node.arguments).map((arg) => evaluate(run, frame, arg));
  if (what.kind === 'class') return makeObject(run, makeClass(run, what).name, args, node);
  if (what.kind !== 'name' && what.kind !== 'selfreference' && what.kind !== 'staticreference' && what.kind !== 'parentreference') {
    const value = evaluate(run, frame, what);
    const taint = from(value, 'request');
    if (taint && value.template === given && args.some((arg) => from(arg, 'request') && arg.template === given)) run.sign('callback', 'high', node, { taint });
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
  return { ...unknown, closure: { node, scope, self: frame.self, layer: run.layer, className: frame.className } };
}

/** An object in a text is what its __toString answers. */
function toText(run: Run, value: Value): Value {
  if (!value.object) return value;
  const said = invokeMethod(run, value.object, '__toString', [], undefined);
  return said ?? unknownFrom(taintsOf(value.object.made));
}

/** Variables of a query text, as parse_str makes them. */
export function queryVariables(text: string): [string, Value][] {
  return text.split('&').slice(0, 1000).map((pair): [string, Value] => { const at = pair.indexOf('='); return [percent(at < 0 ? pair : pair.slice(0, at), true), know(at < 0 ? '' : percent(pair.slice(at + 1), true), hiddenBy.decoded)]; });
}
