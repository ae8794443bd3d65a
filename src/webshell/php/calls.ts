/** Calls: of the file's own functions, followed into; of PHP's, computed or judged; of what a variable names. */
import { Lines } from '../sign.ts';
import { builtin, callbackPlaces } from './builtins.ts';
import { assignTo, referenceCell } from './assign.ts';
import { evaluate, ownPath, textIn } from './expressions.ts';
import { isRequest, isRequestClass, readsRequest, typeOf } from './frameworks.ts';
import { classNamed, enumCase, propertyCell, staticCell } from './places.ts';
import { isNode, nodesIn, parse, type Node } from './parse.ts';
import type { ClassInfo, Declared, Frame, Run } from './run.ts';
import { codeSink, objectMethod } from './sinks.ts';
import { declareAll, execute, executeNode } from './statements.ts';
import { choicesOf, from, given, hiddenBy, know, listOf, merge, taintsOf, textOf, unknown, unknownFrom, type Cell, type Closure, type PhpArray, type PhpObject, type Value } from './value.ts';
import { compute } from './functions.ts';

/** A function that calls itself with what is not known: once more shows all there is. */
const activeMax = 2;
const resultsMax = 500;
/** So often a function must have given the same for the same before that is taken as known: it may count its calls. */
const sameBefore = 3;
const objectsMax = 100;
const blindMax = 20;

export function declareFunction(run: Run, node: Node): void {
  const name = textIn(node.name).toLowerCase();
  if (run.functions.get(name)?.node === node) return;
  run.functions.set(name, declared(run, node));
}
const declared = (run: Run, node: Node, className?: string): Declared => ({ node, layer: run.layer, active: 0, called: 0, results: new Map(), statics: new Map(), ...(className !== undefined && { className }) });

export function declareClass(run: Run, node: Node): void {
  const key = textIn(node.name).toLowerCase();
  if (run.classes.get(key)?.node !== node) makeClass(run, node);
}

/** A class with its methods; one without a name gets one. */
export function makeClass(run: Run, node: Node): ClassInfo {
  const name = textIn(node.name) || `class@${run.classes.size}`;
  const known = run.classes.get(name.toLowerCase());
  if (known?.node === node) return known;
  const info: ClassInfo = { name, node, parent: isNode(node.extends) ? textIn(node.extends).replace(/^\\/, '') : undefined, methods: new Map(), properties: [], constants: new Map(), traits: nodesIn(node.body).flatMap((member) => (member.kind === 'traituse' ? nodesIn(member.traits).map(textIn) : [])), renamed: new Map(), cases: new Map(), layer: run.layer };
  for (const member of nodesIn(node.body)) {
    if (member.kind === 'enumcase') info.cases.set(textIn(member.name), isNode(member.value) ? member.value : undefined);
    else if (member.kind === 'traituse') for (const one of nodesIn(member.adaptations)) { if (one.kind === 'traitalias' && isNode(one.as)) info.renamed.set(textIn(one.as).toLowerCase(), textIn(one.method).toLowerCase()); }
    else if (member.kind === 'method') info.methods.set(textIn(member.name).toLowerCase(), declared(run, member, name));
    else if (member.kind === 'propertystatement') for (const one of nodesIn(member.properties)) {
      info.properties.push({ name: textIn(one.name), value: isNode(one.value) ? one.value : undefined, isStatic: member.isStatic === true });
      for (const hook of nodesIn(one.hooks)) info.methods.set(`$${textIn(one.name)}::${textIn(hook.name)}`.toLowerCase(), declared(run, { kind: isNode(hook.body) && hook.body.kind !== 'block' ? 'arrowfunc' : 'method', name: hook.name, arguments: nodesIn(hook.parameter), body: hook.body, loc: hook.loc ?? null }, name));
    }
    else if (member.kind === 'classconstant') for (const one of nodesIn(member.constants)) if (isNode(one.value)) info.constants.set(textIn(one.name), one.value);
  }
  run.classes.set(name.toLowerCase(), info);
  const frame = bare(run, info.name);
  for (const { name: property, value, isStatic } of info.properties) if (isStatic && value) run.set(staticCell(run, name, property), evaluate(run, frame, value));
  return info;
}

const bare = (_: Run, className?: string): Frame => ({ scope: new Map(), self: undefined, className, statics: undefined, functionName: '', args: [], returned: undefined });

/** A class and those it comes from, within the file. */
function* family(run: Run, className: string): Iterable<ClassInfo> {
  let info = run.classes.get(className.toLowerCase());
  for (let n = 0; info && n < 20; n++) {
    yield info;
    info = info.parent === undefined ? undefined : run.classes.get(info.parent.toLowerCase());
  }
}

export function methodOf(run: Run, className: string, name: string): Declared | undefined {
  for (const info of family(run, className)) {
    const wanted = name.toLowerCase();
    for (const one of [info, ...info.traits.flatMap((trait) => run.classes.get(trait.replace(/^\\/, '').toLowerCase()) ?? [])]) {
      const method = one.methods.get(wanted) ?? (one === info ? undefined : one.methods.get(info.renamed.get(wanted) ?? wanted));
      if (method) return method;
    }
  }
  return undefined;
}

export function makeObject(run: Run, className: string, args: readonly Value[], node: Node): Value {
  const bareName = className.replace(/^\\/, '');
  const object: PhpObject = { className: bareName, properties: new Map(), made: args };
  const [info] = family(run, bareName);
  if (info) {
    for (const one of family(run, bareName)) {
      if (one.parent !== undefined && !run.classes.has(one.parent.toLowerCase())) object.base = one.parent;
      for (const { name, value, isStatic } of one.properties) if (!isStatic && value && !object.properties.has(name)) object.properties.set(name, { value: run.within(one.layer, () => evaluate(run, bare(run, one.name), value)) });
    }
    if (!invokeMethod(run, object, '__construct', args, node) && object.base !== undefined) objectMethod(run, object, '__construct', args, node);
    if (run.objects.length < objectsMax) run.objects.push(object);
    return { ...unknown, object };
  }
  return objectMethod(run, object, '__construct', args, node) ?? { ...unknown, object };
}

/** Calls a method of a class of the file; undefined when it has none of that name. */
export function invokeMethod(run: Run, object: PhpObject, name: string, args: readonly Value[], node: Node | undefined, argNodes?: readonly Node[], frame?: Frame): Value | undefined {
  const method = methodOf(run, object.className, name);
  return method && invoke(run, method, args, { self: object, className: method.className, node, argNodes, frame });
}

interface Call { self?: PhpObject | undefined; className?: string | undefined; node?: Node | undefined; argNodes?: readonly Node[] | undefined; frame?: Frame | undefined; scope?: Map<string, Cell> }

/** What stands for values whose results would be the same; objects are taken by their class. */
function summary({ known, array, object, closure, handle, taints, template, choices, hidden }: Value): string {
  const text = typeof known === 'string' && known.length > 200 ? `${known.length} ${known.slice(0, 100)}${known.slice(-100)}` : String(known);
  const inside = array ? `[${array.entries.size} ${array.complete ? [...array.entries].slice(0, 20).map(([key, value]) => `${key}=${String(value.known).slice(0, 50)}`).join() : ''}]` : object ? object.className : closure ? `fn${closure.node.loc?.start.offset ?? ''}` : handle ? handle.to : '';
  return `${typeof known} ${text} ${inside} ${taints.map(({ origin, place }) => `${origin}${place.line}`).join()} ${template ?? ''} ${choices?.join() ?? ''} ${hidden}`;
}

/** Runs a function of the file with these arguments. */
export function invoke(run: Run, target: Declared, args: readonly Value[], call: Call): Value {
  target.called++;
  const key = `${call.self?.className ?? ''}(${args.map(summary).join('\0')})`;
  const before = target.results.get(key);
  if (before && before.times >= sameBefore) return before.value;
  if (target.active >= activeMax && (args.length === 0 || args.some(({ known, array }) => known === undefined && !array?.complete))) return unknownFrom(taintsOf(args));
  const value = run.call(() => {
    target.active++;
    try { return body(run, target, args, call); } finally { target.active--; }
  }) ?? unknownFrom(taintsOf(args));
  if (before) {
    before.times = summary(before.value) === summary(value) ? before.times + 1 : 0;
    before.value = value;
  } else if (target.results.size < resultsMax) target.results.set(key, { value, times: 1 });
  return value;
}

/** Where among the arguments stands the one of this name. */
function namedAt(argNodes: readonly Node[] | undefined, name: string): number | undefined {
  const at = argNodes?.findIndex((node) => node.kind === 'namedargument' && node.name === name) ?? -1;
  return at < 0 ? undefined : at;
}

function body(run: Run, target: Pick<Declared, 'node' | 'layer' | 'statics'>, args: readonly Value[], call: Call): Value {
  const frame: Frame = { scope: call.scope ?? new Map(), self: call.self, className: call.className, statics: target.statics, functionName: textIn(target.node.name), args, returned: undefined, branches: run.branches };
  run.callers.push(frame.functionName);
  return run.within(target.layer, () => {
    const outs: [Cell, Node][] = [];
    for (const [i, parameter] of nodesIn(target.node.arguments).entries()) {
      const name = textIn(parameter.name);
      if (parameter.variadic === true) { frame.scope.set(name, { value: listOf(args.slice(i)) }); break; }
      const at = namedAt(call.argNodes, name) ?? i;
      const argNode = call.argNodes?.[at];
      const shared = parameter.byref === true && argNode && call.frame ? referenceCell(run, call.frame, argNode) : undefined;
      const cell: Cell = shared ?? { value: (argNode?.kind === 'namedargument' && at === i && argNode.name !== name ? undefined : args[at]) ?? (isNode(parameter.value) ? evaluate(run, frame, parameter.value) : undefined) };
      frame.scope.set(name, cell);
      if (parameter.byref === true && !shared && argNode) outs.push([cell, argNode]);
      if (typeof parameter.flags === 'number' && parameter.flags > 0 && call.self) run.set(propertyCell(run, call.self, name), cell.value); // public function __construct(private $x)
    }
    const code = target.node.body;
    const result = target.node.kind === 'arrowfunc' ? evaluate(run, frame, code as Node) : (executeNode(run, frame, code), frame.yielded ? generatorOf(frame.yielded) : frame.returned ?? unknown);
    for (const [cell, argNode] of outs) if (call.frame && cell.value) assignTo(run, call.frame, argNode, cell.value);
    run.callers.pop();
    return result;
  });
}

/** What a generator gives, in order, as a list. */
function generatorOf(yielded: PhpArray): Value {
  const values = [...yielded.entries.values()];
  return { ...unknownFrom(taintsOf(values)), ...(values.some((one) => one.template === given) && { template: given }), array: yielded };
}

/** Closure::bind, bindTo and call: the same code with another $this and class. */
function bound(run: Run, closure: Closure, self: Value | undefined, scope: Value | undefined): Closure {
  const className = scope?.object?.className ?? (scope && textOf(scope)) ?? self?.object?.className ?? closure.className;
  run.idle.delete(closure.node);
  return { ...closure, self: self?.object ?? closure.self, className };
}

export function invokeClosure(run: Run, closure: Closure, args: readonly Value[], call: Call): Value {
  run.idle.delete(closure.node);
  const scope = new Map(closure.scope);
  return run.call(() => body(run, { node: closure.node, layer: closure.layer, statics: closure.scope }, args, { ...call, scope, self: closure.self, className: closure.className })) ?? unknown;
}

export function callNode(run: Run, frame: Frame, node: Node): Value {
  const what = node.what as Node | undefined;
  const argNodes = nodesIn(node.arguments);
  if (!what) { argumentsOf(run, frame, argNodes); return unknown; }
  if (argNodes.length === 1 && (argNodes[0]!.kind === 'variadicplaceholder' || argNodes[0]!.kind === 'variadic' && !isNode(argNodes[0]!.what)) && !what.kind.endsWith('lookup')) return what.kind === 'name' ? know(textIn(what)) : evaluate(run, frame, what); // f(...)
  if (what.kind === 'name') {
    const args = argumentsOf(run, frame, argNodes);
    return callNamed(run, frame, textIn(what), args, node, { argNodes });
  }
  // ($this->run)(…) calls what the property holds, not the method of its name.
  if (what.parenthesizedExpression === true) return callValue(run, frame, evaluate(run, frame, what), argumentsOf(run, frame, argNodes), node, { argNodes });
  if (what.kind === 'propertylookup' || what.kind === 'nullsafepropertylookup') return callMethod(run, frame, what, argNodes, node);
  if (what.kind === 'staticlookup') return callStatic(run, frame, what, argNodes, node);
  const callee = evaluate(run, frame, what);
  return callValue(run, frame, callee, argumentsOf(run, frame, argNodes), node, { argNodes });
}

function argumentsOf(run: Run, frame: Frame, nodes: readonly Node[]): Value[] {
  const args: Value[] = [];
  for (const node of nodes) {
    const value = evaluate(run, frame, node);
    if (node.kind !== 'variadic') { args.push(value); continue; }
    if (value.array?.complete) { for (const one of value.array.entries.values()) args.push(one); continue; }
    const any: Value = { ...unknownFrom(value.taints), ...(from(value, 'request') && { template: given }) };
    args.push(...(from(value, 'request') ? [any, any, any] : [any]));
  }
  return args;
}

const invocable = (run: Run, { object }: Value, name: string): boolean => object !== undefined && methodOf(run, object.className, name) !== undefined;

function callMethod(run: Run, frame: Frame, what: Node, argNodes: readonly Node[], node: Node): Value {
  const base = evaluate(run, frame, what.what as Node);
  const offset = what.offset;
  const named = isNode(offset) && offset.kind === 'identifier' ? undefined : isNode(offset) ? evaluate(run, frame, offset) : undefined;
  const names = named ? choicesOf(named) : [textIn(offset)];
  const args = argumentsOf(run, frame, argNodes);
  if (!named && readsRequest(names[0]!) && !invocable(run, base, names[0]!) && (base.object ? isRequestClass(base.object.className) : isRequest(what.what))) return { taints: [{ origin: 'request', place: run.place(node) }], hidden: 0, template: given };
  if (names[0]?.toLowerCase() === 'send' && args[0] && from(args[0], 'request')) run.sent = merge(run.sent, args[0]);
  if (named?.closure) return invokeClosure(run, named.closure, args, { argNodes, frame, node });
  let out: Value | undefined;
  for (const name of names) {
    const how = base.closure && /^(?:call|__invoke|bindto)$/i.exec(name)?.[0].toLowerCase();
    if (base.closure && how === 'bindto') { out = merge(out, { ...base, closure: bound(run, base.closure, args[0], args[1]) }); continue; }
    if (base.closure && how) { out = merge(out, invokeClosure(run, how === 'call' ? bound(run, base.closure, args[0], undefined) : base.closure, how === 'call' ? args.slice(1) : args, { argNodes, frame, node })); continue; }
    if (base.object) {
      const { object } = base;
      const result = invokeMethod(run, object, name, args, node, argNodes, frame) ?? invokeMethod(run, object, '__call', [know(name), listOf(args)], node) ?? objectMethod(run, object, name.toLowerCase(), args, node, frame);
      out = merge(out, result);
      const held = object.properties.get(name)?.value;
      if (!result && held?.closure) out = merge(out, invokeClosure(run, held.closure, args, { argNodes, frame, node }));
      continue;
    }
    out = merge(out, objectMethod(run, { className: '', properties: new Map(), made: [base] }, name.toLowerCase(), args, node, frame));
  }
  return out ?? unknown;
}

function callStatic(run: Run, frame: Frame, what: Node, argNodes: readonly Node[], node: Node): Value {
  const classNames = classNamed(run, frame, what.what as Node);
  const offset = what.offset as Node | undefined;
  const named = offset?.kind === 'identifier' ? undefined : evaluate(run, frame, offset);
  const names = named ? choicesOf(named) : [textIn(offset)];
  const args = argumentsOf(run, frame, argNodes);
  let out: Value | undefined;
  for (const className of classNames) {
    const info = run.classes.get(className.toLowerCase());
    if (!info && names[0] !== undefined && isRequestClass(className) && readsRequest(names[0])) return { taints: [{ origin: 'request', place: run.place(node) }], hidden: 0, template: given };
    if (info && info.cases.size > 0 && args[0] && /^(?:try)?from$/i.test(names[0] ?? '')) return enumCase(run, info, '', args[0]);
    const any = named && names.length === 0 && from(named, 'request') ? methodOf(run, className, '__callStatic') : undefined;
    if (any) out = merge(out, invoke(run, any, [named!, listOf(args)], { className, node }));
    for (const name of names) {
      const method = methodOf(run, className, name);
      if (method) { out = merge(out, invoke(run, method, args, { className, self: frame.self, node, argNodes, frame })); continue; }
      const magic = methodOf(run, className, '__callStatic');
      if (magic) { out = merge(out, invoke(run, magic, [know(name), listOf(args)], { className, node })); continue; }
      if (/^closure$/i.test(className.replace(/^\\/, '')) && /^fromcallable$/i.test(name)) { out = args[0]; continue; }
      if (/^\\?closure$/i.test(className) && /^bind$/i.test(name) && args[0]?.closure) { out = { ...args[0], closure: bound(run, args[0].closure, args[1], args[2]) }; continue; }
      if (frame.self && frame.self.base === className && /^__construct$/i.test(name)) frame.self.made = args;
      out = merge(out, objectMethod(run, { className: className.replace(/^\\/, ''), properties: new Map(), made: args }, name.toLowerCase(), args, node, frame));
    }
  }
  return out ?? unknown;
}

/** `callback`: named to another function, not called by its writer. */
export interface Named { argNodes?: readonly Node[]; hidden?: number; dynamic?: boolean; callback?: boolean }

/** Calls what a value stands for: a name, a closure, an object, [object, method]. */
export function callValue(run: Run, frame: Frame, callee: Value, args: readonly Value[], node: Node, how: Named = {}): Value {
  if (callee.closure) return invokeClosure(run, callee.closure, args, { argNodes: how.argNodes, frame, node });
  if (callee.object) return invokeMethod(run, callee.object, '__invoke', args, node) ?? objectMethod(run, callee.object, '__invoke', args, node, frame) ?? unknown;
  if (callee.array) {
    const [what, method] = [callee.array.entries.get('0'), callee.array.entries.get('1')];
    const name = method && textOf(method);
    if (what && name !== undefined) {
      if (what.object) return invokeMethod(run, what.object, name, args, node) ?? objectMethod(run, what.object, name.toLowerCase(), args, node, frame) ?? unknown;
      const className = textOf(what);
      const found = className === undefined ? undefined : methodOf(run, className, name);
      if (found) return invoke(run, found, args, { className, node });
    }
    return unknown;
  }
  let out: Value | undefined;
  for (const name of choicesOf(callee)) {
    const [className, method] = name.split('::');
    const found = method === undefined ? undefined : methodOf(run, className!, method);
    out = merge(out, found ? invoke(run, found, args, { className, node }) : callNamed(run, frame, name, args, node, { ...how, hidden: callee.hidden, dynamic: true }));
  }
  const taint = from(callee, 'request');
  if (taint && callee.template === given) {
    const both = args.some((arg) => from(arg, 'request'));
    // With a default of the writer's own, what it was meant for is not known: both must be the visitor's.
    if (both || !out && args.length > 0 && !how.callback) run.sign('callback', both ? 'critical' : 'medium', node, { taint, attack: ['T1059'] });
  }
  const drawn = from(callee, 'file', 'remote', 'listed');
  if (!out && drawn && pickedWhole(callee) && args.some((arg) => from(arg, ...(drawn.origin === 'remote' ? ['remote' as const] : ['file' as const, 'request' as const])))) run.sign('callback', 'high', node, { taint: drawn, attack: ['T1027'] });
  const sent = args[0] && args[0].template === given ? from(args[0], 'request') : undefined;
  if (!out && !taint && sent && callee.known === undefined && run.blindCalls.length < blindMax) run.blindCalls.push({ node, layer: run.layer, taint: sent });
  return out ?? unknownFrom(taintsOf(args));
}

/** No part of the name is the program's own, as a prefix of all that may be called is. */
const pickedWhole = (callee: Value): boolean => /^[\ue000-\uf8ff]*$/.test(callee.template ?? '') || callee.template === ownPath;

function callNamed(run: Run, frame: Frame, written: string, args: readonly Value[], node: Node, how: Named): Value {
  const last = written.slice(written.lastIndexOf('\\') + 1).toLowerCase().trim();
  const name = run.aliases.get(last) ?? last;
  const own = run.functions.get(name);
  if (own) return invoke(run, own, args, { node, argNodes: how.argNodes, frame });
  return builtin(run, frame, name, inOrder(name, args, how.argNodes), node, how) ?? compute(name, args, run.budget) ?? unknown;
}

/** Arguments of PHP's own callbacks that are given by name, where they stand without one. */
function inOrder(name: string, args: readonly Value[], argNodes: readonly Node[] | undefined): readonly Value[] {
  const places = callbackPlaces(name);
  if (!places || !argNodes?.some((node) => node.kind === 'namedargument')) return args;
  const out = [...args];
  for (const [i, node] of argNodes.entries()) {
    const at = node.kind !== 'namedargument' || !args[i] ? undefined : node.name === 'callback' ? places.at : /^(?:array|args)$/.test(String(node.name)) ? places.items : undefined;
    if (at !== undefined) out[at] = args[i]!;
  }
  return Array.from(out, (value) => value ?? unknown);
}

/** What a function is called with when nobody in the file calls it. */
export const uncalled = (parameters: unknown): Value[] => nodesIn(parameters).map((one) => (isRequestClass(typeOf(one)) ? { ...unknown, object: { className: typeOf(one), properties: new Map(), made: [] } } : unknown));

/** eval: reads the code as the next layer when it is known, judges where it came from when not. */
export function evaluateCode(run: Run, frame: Frame, value: Value, node: Node, expression = false): Value {
  let out: Value | undefined;
  for (const text of choicesOf(value)) out = merge(out, runLayer(run, frame, expression ? `return ${text};` : text, value, node));
  codeSink(run, value, node);
  return out ?? unknown;
}

const layersSeenMax = 400;

/** Runs decoded code where it stands. */
export function runLayer(run: Run, frame: Frame, text: string, value: Value, node: Node): Value {
  const depth = run.layer.depth + 1;
  if (depth > run.budget.limits.layers || run.layersRun >= layersSeenMax) { run.cut.add('layers of decoded code'); return unknown; }
  run.layersRun++;
  run.budget.text(text.length);
  const opens = /^\s*(?:\?>|<\?(?:php|=))/i.test(text);
  const parsed = parse(opens ? text.replace(/^\s*\?>/, '') : text, !opens, run.budget);
  const outer = run.layer.outer ?? run.place(node);
  if (!parsed) { run.unparsed.push({ text, outer }); return unknown; }
  if (parsed.errors > 0) run.unparsed.push({ text, outer });
  if ((value.hidden & hiddenBy.decoded) !== 0 && text.length > 40) run.hiddenCode.push({ node, outer, text, packed: (value.hidden & hiddenBy.packed) !== 0 });
  const before = frame.returned;
  frame.returned = undefined;
  run.within({ lines: new Lines(parsed.source, depth), depth, outer }, () => {
    declareAll(run, parsed.children);
    execute(run, frame, parsed.children);
  });
  const result = frame.returned ?? unknown;
  frame.returned = before;
  return result;
}
