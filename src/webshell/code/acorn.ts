/** JavaScript by a real parser, turned into the tree that is followed; undefined when it is no JavaScript. */
import { parse, type Node } from 'acorn';
import { LimitError, type Budget } from '../sign.ts';
import { utf8 } from '../decode.ts';
import { nothingAt, type Code } from './tree.ts';

/** acorn's nodes as they come: any property may be there. */
type Any = Node & Record<string, unknown>;
const isNode = (one: unknown): one is Any => typeof one === 'object' && one !== null && typeof (one as { type?: unknown }).type === 'string';
const depthMax = 400;
/** Three letters, digits or slashes in a row that could have been written as they are. */
const lettersAsNumbers = /(?:\\x(?:2f|3\d|[46][1-9a-f]|[57][0-9a])|\\u00(?:2f|3\d|[46][1-9a-f]|[57][0-9a])){3}/i;

/** `source` is a binary string. Throws LimitError. */
export function parseScript(source: string, budget: Budget): Code[] | undefined {
  let program: Any | undefined;
  const options = { ecmaVersion: 'latest', allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true, allowSuperOutsideMethod: true, allowHashBang: true, allowImportExportEverywhere: true } as const;
  for (const sourceType of ['module', 'script'] as const) {
    try { program = parse(source, { ...options, sourceType }) as unknown as Any; break; } catch (error) { if (!(error instanceof SyntaxError)) throw error; } // not of this type; undefined is the answer for neither
  }
  if (!program) return undefined;
  let depth = 0;
  const many = (list: unknown): Code[] => (Array.isArray(list) ? list.filter(isNode).map(one) : []);
  const maybe = (node: unknown): Code[] => (isNode(node) ? [one(node)] : []);
  const text = (value: string, at: number): Extract<Code, { k: 'text' }> => ({ k: 'text', text: /[\u0100-\uffff]/.test(value) ? utf8(value) : value, at });

  function one(node: Any): Code {
    budget.spend();
    if (++depth > depthMax) throw new LimitError('depth');
    try { return convert(node); } finally { depth--; }
  }

  function pattern(node: unknown): Code {
    if (!isNode(node)) return nothingAt(0);
    switch (node.type) {
      case 'ObjectPattern': return { k: 'list', at: node.start, parts: (node.properties as unknown[]).filter(isNode).map((property): Code => (property.type === 'RestElement' ? pattern(property.argument) : { k: 'set', to: pattern(property.value), value: { k: 'name', name: keyName(property), at: property.start }, at: property.start })) };
      case 'ArrayPattern': return { k: 'list', at: node.start, parts: (node.elements as unknown[]).map(pattern) };
      case 'AssignmentPattern': return pattern(node.left);
      case 'RestElement': return pattern(node.argument);
      default: return one(node);
    }
  }
  const keyName = (property: Any): string => { const key = property.key as Any; return key.type === 'Identifier' && property.computed !== true ? String(key.name) : key.type === 'Literal' ? String(key.value) : ''; };
  const paramOf = (node: unknown): string => { const code = pattern(node); return code.k === 'name' ? code.name : ''; };

  function convert(node: Any): Code {
    const at = node.start;
    switch (node.type) {
      case 'Literal': return typeof node.value === 'string' ? { ...text(node.value, at), ...(lettersAsNumbers.test(source.slice(at, Math.min(node.end, at + 4000))) && { coded: true }) } : typeof node.value === 'number' ? { k: 'number', number: node.value, at } : nothingAt(at);
      case 'Identifier': return { k: 'name', name: String(node.name), at };
      case 'ThisExpression': return { k: 'name', name: 'this', at };
      case 'Super': return { k: 'name', name: 'super', at };
      case 'TemplateLiteral': {
        const quasis = node.quasis as Any[];
        const values = node.expressions as Any[];
        return { k: 'join', at, parts: quasis.flatMap((quasi, i): Code[] => [text((quasi.value as { cooked?: string }).cooked ?? '', quasi.start), ...(values[i] ? [one(values[i])] : [])]) };
      }
      case 'TaggedTemplateExpression': return { k: 'call', fn: one(node.tag as Any), args: [one(node.quasi as Any)], made: false, at };
      case 'MemberExpression': {
        const of = one(node.object as Any);
        const property = node.property as Any;
        return node.computed === true ? { k: 'index', of, key: one(property), at: property.start } : { k: 'member', of, name: String(property.name), at: property.start };
      }
      case 'CallExpression': case 'NewExpression': return { k: 'call', fn: one(node.callee as Any), args: many(node.arguments), made: node.type === 'NewExpression', at };
      case 'ImportExpression': return { k: 'call', fn: { k: 'name', name: 'require', at }, args: maybe(node.source), made: false, at };
      case 'BinaryExpression': {
        const parts = [one(node.left as Any), one(node.right as Any)];
        const op = String(node.operator);
        return op === '+' ? { k: 'join', parts: parts.flatMap((part) => (part.k === 'join' ? part.parts : [part])), at } : /^(?:[<>]=?|[!=]==?|in|instanceof)$/.test(op) ? { k: 'test', parts, at } : { k: 'mix', parts, at };
      }
      case 'LogicalExpression': return { k: 'mix', parts: [one(node.left as Any), one(node.right as Any)], at };
      case 'ConditionalExpression': return { k: 'mix', parts: [{ k: 'test', parts: [one(node.test as Any)], at }, one(node.consequent as Any), one(node.alternate as Any)], at };
      case 'UnaryExpression': return node.operator === '!' || node.operator === 'typeof' ? { k: 'test', parts: [one(node.argument as Any)], at } : { k: 'mix', parts: [one(node.argument as Any)], at };
      case 'AwaitExpression': case 'SpreadElement': case 'YieldExpression': case 'ChainExpression': case 'ParenthesizedExpression': case 'ExpressionStatement': case 'ThrowStatement': { const [value] = maybe(node.argument ?? node.expression); return value ?? nothingAt(at); }
      case 'AssignmentExpression': {
        const to = pattern(node.left);
        const value = one(node.right as Any);
        return { k: 'set', to, value: node.operator === '=' ? value : { k: node.operator === '+=' ? 'join' : 'mix', parts: [to, value], at }, at };
      }
      case 'VariableDeclarator': return isNode(node.init) ? { k: 'set', to: pattern(node.id), value: one(node.init), at } : nothingAt(at);
      case 'VariableDeclaration': return { k: 'list', parts: many(node.declarations), at };
      case 'FunctionDeclaration': case 'FunctionExpression': case 'ArrowFunctionExpression': {
        const body = node.body as Any;
        const params = node.params as unknown[];
        const unpacked = params.flatMap((param): Code[] => (isNode(param) && param.type === 'ObjectPattern' ? [{ k: 'set', to: pattern(param), value: { k: 'name', name: 'arguments', at }, at }] : []));
        return { k: 'function', name: isNode(node.id) ? String(node.id.name) : '', params: params.map(paramOf), body: [...unpacked, ...(body.type === 'BlockStatement' ? many(body.body) : [{ k: 'return', value: one(body), at } as Code])], at };
      }
      case 'ReturnStatement': return { k: 'return', value: maybe(node.argument)[0] ?? nothingAt(at), at };
      case 'ObjectExpression': return { k: 'list', at, parts: (node.properties as unknown[]).filter(isNode).map((property): Code => (property.type === 'Property' ? { k: 'call', fn: { k: 'name', name: `=${keyName(property)}`, at }, args: [one(property.value as Any)], made: false, at: property.start } : one(property))) };
      case 'ForOfStatement': case 'ForInStatement': {
        const left = node.left as Any;
        const to = left.type === 'VariableDeclaration' ? pattern((left.declarations as Any[])[0]!.id) : pattern(left);
        return { k: 'list', at, parts: [{ k: 'set', to, value: { k: 'mix', parts: [one(node.right as Any)], at }, at }, one(node.body as Any)] };
      }
      case 'MethodDefinition': case 'PropertyDefinition': { const [value] = maybe(node.value); return value?.k === 'function' ? { ...value, name: keyName(node) } : value ? { k: 'set', to: { k: 'member', of: { k: 'name', name: 'this', at }, name: keyName(node), at }, value, at } : nothingAt(at); }
      case 'ImportDeclaration': {
        const from = text(String((node.source as Any).value), at);
        const required: Code = { k: 'call', fn: { k: 'name', name: 'require', at }, args: [from], made: false, at };
        return { k: 'list', at, parts: (node.specifiers as Any[]).map((specifier): Code => ({ k: 'set', to: one(specifier.local as Any), value: specifier.type === 'ImportSpecifier' ? { k: 'member', of: required, name: (specifier.imported as { name?: string }).name ?? '', at } : required, at })) };
      }
      // Whatever else there is: its parts in their order.
      default: return { k: 'list', at, parts: Object.entries(node).flatMap(([key, value]) => (key === 'type' || key === 'id' || key === 'label' ? [] : Array.isArray(value) ? many(value) : maybe(value))) };
    }
  }
  return many(program.body);
}
