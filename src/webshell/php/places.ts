/** Variables, elements and members: what they hold, and the cells they are. */
import { choicesOf, from, gap, given, hiddenBy, joinTaints, keyOf, know, merge, nothing, numberOf, restKey, unknown, unknownFrom, type Cell, type Origin, type PhpObject, type Taint, type Value } from './value.ts';
import { isNode, type Node } from './parse.ts';
import { cellIn, type ClassInfo, type Frame, type Run } from './run.ts';
import { invokeMethod } from './calls.ts';
import { evaluate, textIn } from './expressions.ts';

const requestVariables = new Set(['_GET', '_POST', '_REQUEST', '_COOKIE', '_FILES', 'HTTP_GET_VARS', 'HTTP_POST_VARS', 'HTTP_COOKIE_VARS', 'HTTP_POST_FILES', 'HTTP_RAW_POST_DATA']);
export const superglobals = new Set([...requestVariables, '_SERVER', '_ENV', '_SESSION', 'GLOBALS']);
/** A field for passwords, by its name. */
const passwordKeys = /^(?:user_?|login_?|log_?)?(?:pass(?:w(?:or)?d|phrase)?|pwd|mima|cvv2?|card_?(?:no|num(?:ber)?)|otp|pin)$/i;
/** By these a page can tell who asks. */
const visitorKeys = /^HTTP_(?:USER_AGENT|REFERER)$/;
const serverKeys = /^(?:HTTP_(?!HOST$)|QUERY_STRING$|REQUEST_URI$|(?:ORIG_)?PATH_INFO$|PHP_AUTH_|REDIRECT_|REQUEST_METHOD$|UNENCODED_URL$)/;

/** What the file itself is called. */
const ownNameKeys = /^(?:SCRIPT_(?:FILE)?NAME|PHP_SELF)$/;

/** The name of a variable node; undefined when it is computed and not known. */
export function variableName(run: Run, frame: Frame, node: Node): { names: readonly string[]; hidden: number; value: Value | undefined } {
  if (typeof node.name === 'string') return { names: [node.name], hidden: 0, value: undefined };
  const value = evaluate(run, frame, node.name as Node);
  return { names: choicesOf(value), hidden: value.hidden, value };
}

export function variable(run: Run, frame: Frame, node: Node): Value {
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
  if (base.superglobal === '_SERVER') {
    if (index === undefined) return unknown;
    const place = run.place(node);
    if (ownNameKeys.test(index)) return { taints: [{ origin: 'listed', place }], hidden: 0, template: gap };
    if (!serverKeys.test(index)) return unknown;
    return { taints: [{ origin: 'request', place }, ...(visitorKeys.test(index) ? [{ origin: 'visitor' as const, place }] : [])], hidden: 0, template: given };
  }
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
  if (base.object && base.taints.length === 0) { const made = base.object.made[0]; if (made) return elementOf(run, frame, made, key, node); }
  if (base.taints.length === 0) return unknown;
  const typed: readonly Taint[] = base.superglobal !== undefined && index !== undefined && passwordKeys.test(index) ? [{ origin: 'password', place: run.place(node) }] : [];
  return { ...unknownFrom(joinTaints(base.taints, typed)), ...(from(base, 'request') && { template: base.template?.includes(given) === false ? gap : given }) };
}

export function element(run: Run, frame: Frame, node: Node): Value {
  const base = evaluate(run, frame, node.what as Node);
  if (!isNode(node.offset)) return unknownFrom(base.taints);
  // "$x[abc]" within a text has a bare word as its key.
  const key = evaluate(run, frame, node.offset);
  return elementOf(run, frame, base, key, node);
}

export const memberName = (run: Run, frame: Frame, offset: unknown): readonly string[] => (isNode(offset) ? (offset.kind === 'identifier' ? [textIn(offset)] : choicesOf(evaluate(run, frame, offset))) : typeof offset === 'string' ? [offset] : []);

export function propertyCell(run: Run, object: PhpObject | undefined, name: string): Cell {
  const properties = object?.properties ?? run.loose;
  let cell = properties.get(name);
  if (!cell) {
    cell = { value: object && run.anyProperty.length > 0 ? unknownFrom(run.anyProperty) : undefined };
    properties.set(name, cell);
  }
  return cell;
}

export function property(run: Run, frame: Frame, node: Node): Value {
  const base = evaluate(run, frame, node.what as Node);
  const [name] = memberName(run, frame, node.offset);
  if (name === undefined && base.object && isNode(node.offset)) { const got = invokeMethod(run, base.object, '__get', [evaluate(run, frame, node.offset)], node); if (got) return got; }
  if (name === undefined) return base.object ? unknownFrom([...base.object.properties.values()].reduce((all, { value }) => joinTaints(all, value?.taints ?? []), base.taints)) : unknownFrom(base.taints);
  if (!base.object) return base.taints.length > 0 ? { ...unknownFrom(base.taints), ...(from(base, 'request') && { template: given }) } : run.loose.get(name)?.value ?? base.array?.entries.get(name) ?? unknown;
  const cell = base.object.properties.get(name);
  const hook = invokeMethod(run, base.object, `$${name}::get`, [], node);
  if (hook) return hook;
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

export function staticOf(run: Run, frame: Frame, node: Node): Value {
  const [className] = classNamed(run, frame, node.what as Node);
  const offset = node.offset as Node;
  if (className === undefined) return unknown;
  if (offset?.kind === 'variable') { const [name] = variableName(run, frame, offset).names; return name === undefined ? unknown : staticCell(run, className, name).value ?? unknown; }
  const name = textIn(offset);
  if (name === 'class') return know(className);
  for (let info = run.classes.get(className.toLowerCase()), n = 0; info && n < 20; info = info.parent === undefined ? undefined : run.classes.get(info.parent.toLowerCase()), n++) {
    if (info.cases.has(name)) return enumCase(run, info, name, info.cases.get(name));
    const value = info.constants.get(name);
    if (value) return evaluate(run, { ...frame, className: info.name }, value);
  }
  return unknown;
}

/** One of an enumeration, with what it stands for. */
export function enumCase(run: Run, info: ClassInfo, name: string, stands: Node | Value | undefined): Value {
  const value = stands === undefined ? know(name) : isNode(stands) ? evaluate(run, { scope: new Map(), self: undefined, className: info.name, statics: undefined, functionName: '', args: [], returned: undefined }, stands) : stands;
  return { ...unknown, object: { className: info.name, properties: new Map([['name', { value: know(name) }], ['value', { value }]]), made: [] } };
}

export function staticCell(run: Run, className: string, name: string): Cell {
  const key = `${className.toLowerCase()}::${name}`;
  const cell = run.statics.get(key);
  if (cell) return cell;
  const made: Cell = { value: undefined };
  run.statics.set(key, made);
  return made;
}
