/** Functions that are handed to somebody else by a method, and called by it later: databases, template engines, containers. */
import { callValue } from './calls.ts';
import { isContainer } from './frameworks.ts';
import { isNode, type Node } from './parse.ts';
import type { Frame, Run } from './run.ts';
import { said } from './sinks.ts';
import { choicesOf, from, given, templateOf, unknown, unknownFrom, type Value } from './value.ts';

const functionsMax = 20;
const runs = /^(?:system|exec|shell_exec|passthru|assert|popen|proc_open|pcntl_exec|create_function)$/i;
/** Methods that take a function to be called, by where it stands. */
const takes: Readonly<Record<string, number>> = {
  createfunction: 1, sqlitecreatefunction: 1, createaggregate: 1, sqlitecreateaggregate: 1, createcollation: 1, sqlitecreatecollation: 1,
  registerplugin: 2, register_modifier: 1, register_function: 1, register_block: 1, registerfilter: 1, registerundefinedfiltercallback: 0, registerundefinedfunctioncallback: 0,
};
const intoDatabase = /^(?:sqlite)?create(?:function|aggregate|collation)$/;
/** Classes that stand for a function within templates: name, function. */
const namesFunction = /(?:^|\\)twig(?:_simple)?_?(?:filter|function|test)$/;
/** Methods that give a template's text to an engine, by where it stands. */
const compiles: Readonly<Record<string, number>> = { createtemplate: 0, compilestring: 0, renderstring: 0, renderinline: 0, fetchstring: 0 };
/** Methods of containers that call what they are told, with a list of arguments. */
const callsTold = /^(?:invokefunction|invokemethod|callfunction)$/;

const whole = (value: Value | undefined): boolean => value !== undefined && value.template === given && from(value, 'request') !== undefined;

/** Undefined: it is none of these. */
export function visitorsCalls(run: Run, frame: Frame, name: string, method: string, args: readonly Value[], node: Node): Value | undefined {
  const at = Object.hasOwn(takes, method) ? takes[method] : method === '__construct' && namesFunction.test(name) ? 1 : undefined;
  const callee = at === undefined ? undefined : args[at];
  if (callee) {
    registered(run, callee, node);
    if (intoDatabase.test(method) && run.sqlFunctions.length < functionsMax) run.sqlFunctions.push(callee);
    return method === '__construct' ? undefined : unknown;
  }
  // What a visitor gives to a statement goes to the functions it calls.
  if (run.sqlFunctions.length > 0 && /^(?:query|querysingle|exec|execute|prepare|bindvalue|bindparam)$/.test(method)) {
    const sent = args.find((arg) => from(arg, 'request'));
    if (sent) for (const one of run.sqlFunctions.slice()) callValue(run, frame, one, [{ ...unknownFrom(sent.taints), template: given }], node, { callback: true });
  }
  if (args[0] && (callsTold.test(method) || (method === 'invoke' || method === 'call') && isNode(node.what) && isContainer(node.what.what))) return callValue(run, frame, args[0], args[1]?.array ? [...args[1].array.entries.values()] : args.slice(1), node);
  const text = Object.hasOwn(compiles, method) ? args[compiles[method]!] : undefined;
  if (text) return template(run, text, node);
  if (/^(?:display|fetch|render)$/.test(method) && args[0] && /^(?:string|eval):[^\ue001]*\ue001/.test(templateOf(args[0]))) return template(run, args[0], node);
  return undefined;
}

/** The function itself runs commands or code, or is a visitor's. */
function registered(run: Run, callee: Value, node: Node): void {
  const taint = from(callee, 'request');
  if (taint && whole(callee)) run.sign('callback', 'critical', node, { taint, decoded: said('register', callee) });
  for (const text of choicesOf(callee)) if (runs.test(text)) run.sign('callback', 'high', node, { decoded: said(text) });
}

/** A visitor writes the template: engines let that call functions. */
function template(run: Run, text: Value, node: Node): Value {
  const taint = from(text, 'request');
  if (taint && templateOf(text).includes(given)) run.sign('code', 'high', node, { taint, decoded: said('template', text) });
  return unknown;
}
