/** What assignments leave where. */
import { invokeMethod } from './calls.ts';
import { evaluate } from './expressions.ts';
import { isRequest } from './frameworks.ts';
import { combine } from './operators.ts';
import { isNode, type Node } from './parse.ts';
import { classNamed, elementOf, memberName, propertyCell, staticCell, superglobals, variableName } from './places.ts';
import { cellIn, type Frame, type Run } from './run.ts';
import { from, given, hiddenBy, joinTaints, keyOf, know, merge, nothing, numberOf, textOf, unknown, unknownFrom, withEntry, type Cell, type Value } from './value.ts';
import { yesFor } from './visitors.ts';

const sessionMax = 100;

export function assign(run: Run, frame: Frame, node: Node): Value {
  const operator = String(node.operator);
  const left = node.left as Node | undefined;
  let value = evaluate(run, frame, node.right as Node);
  if (operator !== '=') {
    const before = left?.kind === 'variable' || left?.kind === 'offsetlookup' || left?.kind === 'propertylookup' || left?.kind === 'staticlookup' ? evaluate(run, frame, left) : unknown;
    const fresh = isUnset(run, frame, left);
    value = operator === '??=' ? before.known === null || fresh ? value : merge(before, value)! : combine(run, operator.slice(0, -1), fresh ? (operator === '.=' ? know('') : know(0)) : before, value);
  }
  // The request under another name is the request still.
  if (operator === '=' && left?.kind === 'variable' && value.known === undefined && !value.object && value.taints.length === 0 && isRequest(node.right)) value = { ...unknown, object: { className: 'Request', properties: new Map(), made: [] } };
  assignTo(run, frame, left, yesFor(run, value));
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
        if (nameValue && (from(nameValue, 'request') ?? nameValue.digits)) run.anyVariable = joinTaints(run.anyVariable, value.taints);
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
        if (object) invokeMethod(run, object, `$${name}::set`, [value], node);
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
  if (base.superglobal === '_SESSION' && index !== undefined && from(value, 'request') && run.session.size < sessionMax) run.session.set(index, merge(run.session.get(index), value)!);
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

export function assignReference(run: Run, frame: Frame, node: Node): Value {
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
export function step(run: Run, frame: Frame, node: Node): Value {
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
