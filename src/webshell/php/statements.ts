/** Statements, walked in the order they run; both ways of a choice that is not known, loops as far as they are. */
import { LimitError } from '../sign.ts';
import { assignTo, setVariable } from './assign.ts';
import { evaluate, textIn } from './expressions.ts';
import { variableName } from './places.ts';
import { declareClass, declareFunction } from './calls.ts';
import { toText } from './operators.ts';
import { isNode, nodesIn, type Node } from './parse.ts';
import { cellIn, type Frame, type Run } from './run.ts';
import { from, gap, given, know, merge, truthOf, unknown, unknownFrom, type Value } from './value.ts';
import { forCrawler, printed, yesFor } from './visitors.ts';

/** Where running goes on when not with the next statement. */
export type Flow = { kind: 'break' | 'continue'; levels: number } | { kind: 'return' } | { kind: 'goto'; label: string } | undefined;

/** A loop whose end is known runs at most so often in full; then once more as one whose end is not. */
const turnsMax = 70_000;
/** Steps that one loop may take in full. */
const loopSteps = 200_000;
/** Turns of a loop whose test is no question: it is left by what is not known. */
const endlessTurns = 2000;
const itemsMax = 5000;
const jumpsMax = 5000;

/** Functions and classes can be used before the line they stand on. */
export function declareAll(run: Run, nodes: readonly Node[]): void {
  for (const node of nodes) {
    if (node.kind === 'function') declareFunction(run, node);
    else if (node.kind === 'class' || node.kind === 'trait' || node.kind === 'interface' || node.kind === 'enum') declareClass(run, node);
    else if (node.kind === 'usegroup') useNames(run, node);
    else if (node.kind === 'namespace' || node.kind === 'block' || node.kind === 'declare') declareAll(run, nodesIn(node.children));
    else if (node.kind === 'if') { declareAll(run, nodesIn(node.body)); declareAll(run, nodesIn(node.alternate)); }
  }
}

/** `use function a as b` holds in functions that stand above it too. */
const useNames = (run: Run, node: Node): void => { for (const item of nodesIn(node.items)) if (isNode(item.alias)) run.aliases.set(textIn(item.alias).toLowerCase(), textIn(item).replace(/^\\/, '').toLowerCase()); };

/** A list of statements; jumps to labels among them stay here. */
export function execute(run: Run, frame: Frame, nodes: readonly Node[]): Flow {
  const labels = labelsIn(nodes);
  let jumps = 0;
  for (let i = 0; i < nodes.length; i++) {
    const flow = statement(run, frame, nodes[i]!);
    if (!flow) continue;
    if (flow.kind !== 'goto') return flow;
    const to = labels.get(flow.label);
    if (to === undefined) return flow;
    if (++jumps > jumpsMax) throw new LimitError('steps');
    i = to;
  }
  if (labels.size === 0) return undefined;
  const later = new Set<string>();
  // Jumps of ways that were not gone to their end: their targets once more, with what is known now.
  for (const label of run.jumps) {
    const to = labels.get(label);
    if (to === undefined || later.has(label)) continue;
    later.add(label);
    run.jumps.delete(label);
    for (let i = to; i < nodes.length; i++) if (statement(run, frame, nodes[i]!)) break;
  }
  return undefined;
}

/** Of nearly all lists there are none. */
const noLabels: ReadonlyMap<string, number> = new Map();
function labelsIn(nodes: readonly Node[]): ReadonlyMap<string, number> {
  let labels: Map<string, number> | undefined;
  for (let i = 0; i < nodes.length; i++) if (nodes[i]!.kind === 'label') (labels ??= new Map()).set(textIn(nodes[i]!.name), i);
  return labels ?? noLabels;
}

export const executeNode = (run: Run, frame: Frame, node: unknown): Flow => (isNode(node) ? statement(run, frame, node) : undefined);

function statement(run: Run, frame: Frame, node: Node): Flow {
  run.budget.spend();
  run.deeper();
  try { return go(run, frame, node); } finally { run.depth--; }
}

function go(run: Run, frame: Frame, node: Node): Flow {
  const value = (field: string): Value => evaluate(run, frame, node[field] as Node | undefined);
  switch (node.kind) {
    case 'expressionstatement': {
      const expression = node.expression as Node;
      evaluate(run, frame, expression);
      return expression?.kind === 'throw' ? { kind: 'return' } : undefined;
    }
    case 'echo': for (const one of nodesIn(node.expressions)) printed(run, toText(run, evaluate(run, frame, one)), one); return undefined;
    case 'block': case 'namespace': case 'declare': return execute(run, frame, nodesIn(node.children));
    case 'if': return choice(run, frame, node);
    case 'while': return loop(run, frame, () => truthOf(value('test')), node.body, () => undefined, false, isNode(node.test) && (node.test.kind === 'number' || node.test.kind === 'boolean'));
    case 'do': return loop(run, frame, () => truthOf(value('test')), node.body, () => undefined, true);
    case 'for': {
      for (const one of nodesIn(node.init)) evaluate(run, frame, one);
      const test = (): boolean | undefined => { let truth: boolean | undefined = true; for (const one of nodesIn(node.test)) truth = truthOf(evaluate(run, frame, one)); return truth; };
      return loop(run, frame, test, node.body, () => { for (const one of nodesIn(node.increment)) evaluate(run, frame, one); }, false);
    }
    case 'foreach': return forEach(run, frame, node);
    case 'switch': return switchNode(run, frame, node);
    case 'return': { frame.returned = merge(frame.returned, node.expr ? yesFor(run, value('expr')) : undefined); return { kind: 'return' }; }
    case 'break': case 'continue': return { kind: node.kind, levels: isNode(node.level) ? Number(node.level.value) || 1 : 1 };
    case 'goto': return { kind: 'goto', label: textIn(node.label) };
    case 'throw': run.thrown = merge(run.thrown, value('what')); return { kind: 'return' };
    case 'try': return tryNode(run, frame, node);
    case 'global': for (const item of nodesIn(node.items)) for (const name of variableName(run, frame, item).names) frame.scope.set(name, cellIn(run, run.globals, name)); return undefined;
    case 'static': for (const item of nodesIn(node.variables)) staticVariable(run, frame, item); return undefined;
    case 'unset': for (const item of nodesIn(node.variables)) if (item.kind === 'variable') for (const name of variableName(run, frame, item).names) setVariable(run, frame, name, undefined); return undefined;
    case 'constantstatement': for (const item of nodesIn(node.constants)) run.constants.set(textIn(item.name), evaluate(run, frame, item.value as Node)); return undefined;
    case 'function': declareFunction(run, node); return undefined;
    case 'class': case 'trait': case 'interface': case 'enum': declareClass(run, node); return undefined;
    case 'usegroup': useNames(run, node); return undefined;
    case 'inline': if (run.crawler) printed(run, know(String(node.value)), node); return undefined;
    case 'noop': case 'label': case 'halt': return undefined;
    default: evaluate(run, frame, node); return undefined;
  }
}

function staticVariable(run: Run, frame: Frame, item: Node): void {
  const name = textIn(item.variable);
  if (!frame.statics) { if (isNode(item.defaultValue)) setVariable(run, frame, name, evaluate(run, frame, item.defaultValue)); return; }
  let cell = frame.statics.get(name);
  if (!cell) {
    cell = { value: isNode(item.defaultValue) ? evaluate(run, frame, item.defaultValue) : undefined };
    frame.statics.set(name, cell);
  }
  frame.scope.set(name, cell);
}

/** The way goes on unless it returned or threw; what it left before it broke off the loop stands after it. A jump is kept for later. */
function way(run: Run, flow: Flow, keep: (flow: Flow) => void): boolean {
  if (flow?.kind === 'goto') run.jumps.add(flow.label);
  if (flow) run.maybeLeft++;
  keep(flow);
  return flow?.kind !== 'return';
}

function choice(run: Run, frame: Frame, node: Node): Flow {
  const test = evaluate(run, frame, node.test as Node);
  const truth = truthOf(test);
  if (truth !== undefined) {
    // What is never reached by our reckoning is looked at too, but leaves nothing: we may be wrong.
    const never = truth ? node.alternate : node.body;
    if (run.loops === 0 && isNode(never)) run.ways([() => { executeNode(run, frame, never); return false; }]);
    return executeNode(run, frame, truth ? node.body : node.alternate);
  }
  const flows: Flow[] = [];
  run.ways([
    () => way(run, forCrawler(run, test, () => executeNode(run, frame, node.body)), (flow) => flows.push(flow)),
    () => way(run, executeNode(run, frame, node.alternate), (flow) => flows.push(flow)),
  ]);
  const [a, b] = flows;
  return a && b && a.kind === b.kind ? a : undefined;
}

/** Undefined: go on with the loop; else what leaves it. */
function afterTurn(flow: Flow): { leaves: boolean; flow: Flow } {
  if (!flow || (flow.kind === 'continue' && flow.levels <= 1)) return { leaves: false, flow: undefined };
  if (flow.kind === 'break' || flow.kind === 'continue') return { leaves: true, flow: flow.levels > 1 ? { ...flow, levels: flow.levels - 1 } : undefined };
  return { leaves: true, flow };
}

function loop(run: Run, frame: Frame, test: () => boolean | undefined, body: unknown, next: () => void, first: boolean, endless = false): Flow {
  let truth = first ? true : test();
  run.loops++;
  try {
    const left = run.maybeLeft;
    const started = run.budget.steps;
    for (let turn = 0; truth === true && turn < turnsMax; turn++) {
      const { leaves, flow } = afterTurn(executeNode(run, frame, body));
      if (leaves) return flow;
      next();
      truth = test();
      // It may have been left already, for a reason that is not known: then how often it turns is not known either.
      if (truth === true && (run.maybeLeft !== left || run.budget.steps - started > loopSteps || (endless && turn > endlessTurns) || (endless && run.budget.steps - started > loopSteps / 10 && turn > 300))) { truth = undefined; break; }
    }
  } finally { run.loops--; }
  if (truth === false) return undefined;
  // The end is not known: twice, so that what the first turn leaves can reach what stands before it.
  run.ways([() => true, () => { unsure(run, frame, body, next, test); return true; }]);
  return undefined;
}

function unsure(run: Run, frame: Frame, body: unknown, next: () => void, test: () => boolean | undefined): void {
  for (let turn = 0; turn < 2; turn++) {
    run.ways([() => true, () => { executeNode(run, frame, body); next(); test(); return true; }]);
  }
}

function forEach(run: Run, frame: Frame, node: Node): Flow {
  const source = evaluate(run, frame, node.source as Node);
  const [keyNode, valueNode] = [isNode(node.key) ? node.key : undefined, node.value as Node | undefined];
  const put = (key: Value, value: Value): void => {
    if (keyNode) assignTo(run, frame, keyNode, key);
    assignTo(run, frame, valueNode, value);
  };
  if (source.array?.complete && source.superglobal === undefined && source.array.entries.size <= itemsMax) {
    const byReference = valueNode?.byref === true && valueNode.kind === 'variable';
    run.loops++;
    try {
      const out = new Map(source.array.entries);
      let left: { flow: Flow } | undefined;
      for (const [key, value] of source.array.entries) {
        put(know(/^\d{1,9}$/.test(key) ? Number(key) : key), value);
        const { leaves, flow } = afterTurn(executeNode(run, frame, node.body));
        if (byReference) out.set(key, evaluate(run, frame, valueNode));
        if (leaves) { left = { flow }; break; }
      }
      if (byReference) assignTo(run, frame, node.source as Node, { ...source, array: { ...source.array, entries: out } });
      return left?.flow;
    } finally { run.loops--; }
  }
  const taint = from(source, 'request');
  const any: Value = source.superglobal !== undefined && !taint ? unknown : source.array && source.array.entries.size > 0 ? merge([...source.array.entries.values()].slice(0, 64).reduce<Value | undefined>((a, b) => merge(a, b), undefined), { ...unknownFrom(source.taints), template: gap })! : { ...unknownFrom(source.taints), ...(taint && { template: given }) };
  const key: Value = taint && source.superglobal !== undefined ? { ...unknownFrom(source.taints), template: given } : taint && !source.array ? { ...unknown, digits: source.taints } : unknown;
  run.ways([() => true, () => {
    for (let turn = 0; turn < 2; turn++) {
      put(key, source.superglobal === '_FILES' ? { ...any, superglobal: 'FILE' } : any);
      run.ways([() => true, () => { executeNode(run, frame, node.body); return true; }]);
    }
    return true;
  }]);
  return undefined;
}

function switchNode(run: Run, frame: Frame, node: Node): Flow {
  const subject = evaluate(run, frame, node.test as Node);
  const cases = nodesIn(isNode(node.body) ? node.body.children : undefined);
  if (subject.known !== undefined) {
    let at = cases.findIndex((one) => isNode(one.test) && sameAs(subject, evaluate(run, frame, one.test)));
    const sure = at >= 0 || cases.every((one) => !isNode(one.test) || evaluate(run, frame, one.test).known !== undefined);
    if (at < 0) at = cases.findIndex((one) => !isNode(one.test));
    if (sure) {
      for (const one of at < 0 ? [] : cases.slice(at)) {
        const flow = executeNode(run, frame, one.body);
        if (flow) return afterSwitch(flow);
      }
      return undefined;
    }
  }
  run.ways([() => true, ...cases.map((one, i) => () => {
    if (isNode(one.test)) evaluate(run, frame, one.test);
    for (const next of cases.slice(i)) {
      const flow = executeNode(run, frame, next.body);
      if (flow) { if (flow.kind === 'goto') run.jumps.add(flow.label); return flow.kind !== 'return'; }
      if (nodesIn(isNode(next.body) ? next.body.children : next.body).length > 0) break; // falls through seldom: looked at from its own case
    }
    return true;
  })]);
  return undefined;
}

const sameAs = (a: Value, b: Value): boolean => a.known !== undefined && b.known !== undefined && (a.known === b.known || String(a.known) === String(b.known));

function afterSwitch(flow: Flow): Flow {
  if (flow?.kind === 'break' || flow?.kind === 'continue') return flow.levels > 1 ? { ...flow, levels: flow.levels - 1 } : flow.kind === 'continue' ? { kind: 'continue', levels: 1 } : undefined;
  return flow;
}

function tryNode(run: Run, frame: Frame, node: Node): Flow {
  const flows: Flow[] = [];
  run.ways([() => way(run, executeNode(run, frame, node.body), (flow) => flows.push(flow))]);
  run.ways([() => true, ...nodesIn(node.catches).map((one) => () => {
    if (isNode(one.variable)) assignTo(run, frame, one.variable, run.thrown ?? unknown);
    return way(run, executeNode(run, frame, one.body), () => undefined);
  })]);
  const last = executeNode(run, frame, node.always);
  const [flow] = flows;
  return last ?? (nodesIn(node.catches).length === 0 ? flow : undefined);
}

