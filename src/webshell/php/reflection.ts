/** What a program asks PHP about itself: its classes, their comments and members, who called. A name or code may hide there. */
import { callValue, makeObject, methodOf } from './calls.ts';
import { evaluate, textIn } from './expressions.ts';
import { nodesIn, type Node } from './parse.ts';
import type { ClassInfo, Frame, Layer, Run } from './run.ts';
import { from, given, know, listOf, nothing, textOf, unknown, unknownFrom, type PhpObject, type Value } from './value.ts';

const commentMax = 4000;
const membersMax = 200;

/** The comment that stands before a declaration, as PHP keeps it. */
function commentBefore({ lines }: Layer, node: Node): Value {
  const offset = node.loc?.start.offset ?? 0;
  const before = lines.slice(Math.max(0, offset - commentMax), offset).replace(/(?:\s|\b(?:abstract|final|readonly|static|public|protected|private|var|const|function|[A-Z]\w*|\$\w+|[a-z_]+\s*=)\b|#\[[^\]]{0,200}\])*$/, '');
  const start = before.endsWith('*/') ? before.lastIndexOf('/**') : -1;
  return know(start < 0 ? false : before.slice(start));
}

const objectOf = (className: string, made: readonly Value[], properties: Record<string, Value> = {}): Value => ({ ...unknown, object: { className, made, properties: new Map(Object.entries(properties).map(([key, value]) => [key, { value }])) } });

const infoOf = (run: Run, value: Value | undefined): ClassInfo | undefined => run.classes.get((value?.object?.className ?? (value && textOf(value)) ?? '').replace(/^\\/, '').toLowerCase());
const frameIn = (info: ClassInfo): Frame => ({ scope: new Map(), self: undefined, className: info.name, statics: undefined, functionName: '', args: [], returned: undefined });

/** The statement of a class that declares a member. */
const memberOf = (info: ClassInfo, kind: string, field: string, name: string): Node | undefined => nodesIn(info.node.body).find((member) => member.kind === kind && nodesIn(member[field]).some((one) => textIn(one.name) === name));

const spread = (value: Value | undefined): readonly Value[] => (!value ? [] : value.array ? [...value.array.entries.values()] : [{ ...unknownFrom(value.taints), ...(from(value, 'request') && { template: given }) }]);

/** Methods of PHP's classes for reflection. Undefined: nothing is known of it. */
export function reflected(run: Run, scope: Frame, object: PhpObject, method: string, args: readonly Value[], node: Node): Value | undefined {
  const [first = unknown, second] = object.made;
  switch (object.className.toLowerCase()) {
    case 'reflectionfunction': {
      if (method === 'invoke') return callValue(run, scope, first, args, node, { callback: true });
      if (method === 'invokeargs') return callValue(run, scope, first, spread(args[0]), node, { callback: true });
      if (method === 'getclosure') return first;
      if (method === 'getname' || method === 'getshortname') return first;
      const own = first.closure ?? run.functions.get((textOf(first) ?? '').toLowerCase());
      return method === 'getdoccomment' && own ? commentBefore(own.layer, own.node) : undefined;
    }
    case 'reflectionmethod': {
      const [className, name] = second ? [undefined, second] : (textOf(first) ?? '').split('::').map((part) => know(part));
      const target = second ? first : className ?? first;
      const callee = listOf([target, name ?? unknown]);
      if (method === 'invoke') return callValue(run, scope, args[0]?.object ? listOf([args[0], name ?? unknown]) : callee, args.slice(1), node);
      if (method === 'invokeargs') return callValue(run, scope, args[0]?.object ? listOf([args[0], name ?? unknown]) : callee, spread(args[1]), node);
      if (method === 'getclosure') return callee;
      if (method === 'getname') return name;
      const own = methodOf(run, infoOf(run, target)?.name ?? '', (name && textOf(name)) ?? '');
      return method === 'getdoccomment' && own ? commentBefore(own.layer, own.node) : undefined;
    }
    case 'reflectionproperty': case 'reflectionclassconstant': {
      const info = infoOf(run, first);
      const name = (second && textOf(second)) ?? '';
      if (method === 'getname') return second;
      if (method === 'getvalue') return (args[0]?.object ?? first.object)?.properties.get(name)?.value ?? valueIn(run, info, name);
      const isConstant = object.className.length > 20;
      const member = info && memberOf(info, isConstant ? 'classconstant' : 'propertystatement', isConstant ? 'constants' : 'properties', name);
      return method === 'getdoccomment' && member ? commentBefore(info.layer, member) : undefined;
    }
    case 'reflectionclass': case 'reflectionobject': case 'reflectionenum': return ofClass(run, first, method, args, node);
    default: return undefined;
  }
}

const valueIn = (run: Run, info: ClassInfo | undefined, name: string): Value | undefined => {
  const value = info?.properties.find((one) => one.name === name)?.value ?? info?.constants.get(name);
  return info && value && evaluate(run, frameIn(info), value);
};

function ofClass(run: Run, first: Value, method: string, args: readonly Value[], node: Node): Value | undefined {
  const name = first.object?.className ?? textOf(first);
  const asked = args[0] && textOf(args[0]);
  if (name !== undefined && method.startsWith('newinstance')) return makeObject(run, name, method === 'newinstanceargs' ? spread(args[0]) : args, node);
  const info = infoOf(run, first);
  if (!info) return method === 'getname' || method === 'getshortname' ? first : undefined;
  switch (method) {
    case 'getname': case 'getshortname': return know(info.name);
    case 'getdoccomment': return commentBefore(info.layer, info.node);
    case 'getconstants': return { ...unknown, array: { entries: new Map([...info.constants.keys()].slice(0, membersMax).map((key) => [key, valueIn(run, info, key) ?? unknown])), next: 0, complete: true } };
    case 'getconstant': case 'getstaticpropertyvalue': return asked === undefined ? undefined : valueIn(run, info, asked);
    case 'getdefaultproperties': case 'getstaticproperties': return { ...unknown, array: { entries: new Map(info.properties.slice(0, membersMax).map(({ name: key }) => [key, valueIn(run, info, key) ?? unknown])), next: 0, complete: true } };
    case 'getmethod': return args[0] && objectOf('ReflectionMethod', [first, args[0]], { name: args[0] });
    case 'getmethods': return listOf(methodsOf(info).map((key) => objectOf('ReflectionMethod', [first, know(key)], { name: know(key) })));
    case 'getproperty': return args[0] && objectOf('ReflectionProperty', [first, args[0]], { name: args[0] });
    case 'getproperties': return listOf(info.properties.slice(0, membersMax).map(({ name: key }) => objectOf('ReflectionProperty', [first, know(key)], { name: know(key) })));
    case 'getreflectionconstant': return args[0] && objectOf('ReflectionClassConstant', [first, args[0]], { name: args[0] });
    case 'getparentclass': return info.parent === undefined ? know(false) : objectOf('ReflectionClass', [know(info.parent)], { name: know(info.parent) });
    default: return undefined;
  }
}

/** As they are written. */
const methodsOf = (info: ClassInfo): string[] => [...info.methods.values()].map((one) => textIn(one.node.name)).filter((name) => name !== '').slice(0, membersMax);

/** PHP's own functions for the same; undefined when it is none, or nothing is known. */
export function aboutItself(run: Run, frame: Frame, name: string, args: readonly Value[]): Value | undefined {
  const [first] = args;
  switch (name) {
    case 'debug_backtrace': return listOf([...run.callers].reverse().map((caller) => ({ ...unknown, array: { entries: new Map([['function', know(caller)]]), next: 0, complete: false } })));
    case 'get_class': case 'get_called_class': { const className = first?.object?.className ?? (args.length === 0 ? frame.className : undefined); return className === undefined ? undefined : know(className); }
    case 'get_class_methods': { const info = infoOf(run, first); return info && listOf(methodsOf(info).map((key) => know(key))); }
    case 'get_parent_class': { const info = infoOf(run, first ?? know(frame.className ?? '')); return info && know(info.parent ?? false); }
    case 'get_class_vars': { const info = infoOf(run, first); return info && ofClass(run, know(info.name), 'getdefaultproperties', [], info.node); }
    case 'get_object_vars': return first?.object ? { ...unknown, array: { entries: new Map([...first.object.properties].map(([key, { value }]) => [key, value ?? nothing])), next: 0, complete: true } } : undefined;
    case 'get_defined_constants': return { ...unknown, array: { entries: new Map([...run.constants, ['user', { ...unknown, array: { entries: new Map(run.constants), next: 0, complete: true } }]]), next: 0, complete: false } };
    default: return undefined;
  }
}
