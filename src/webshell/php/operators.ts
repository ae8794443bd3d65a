/** Operators and casts over values known in part. */
import { invokeMethod } from './calls.ts';
import type { Run } from './run.ts';
import { stillAsks } from './visitors.ts';
import { concat, from, gap, given, hiddenBy, joinTaints, know, listOf, merge, numberOf, taintsOf, textOf, truthOf, unknown, unknownFrom, type Value } from './value.ts';

export function combine(run: Run, type: string, left: Value, right: Value): Value {
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
      if (a === undefined || b === undefined) return type.startsWith('!') || type === '<>' || truthOf(right) === true ? stillAsks(left, right) : unknown;
      const same = type.length === 3 ? a === b : typeof a === typeof b ? a === b : textOf(left) === textOf(right);
      return know(type.startsWith('=') ? same : !same);
    }
    case '<': case '>': case '<=': case '>=': {
      const [a, b] = [numberOf(left), numberOf(right)];
      if (a === undefined || b === undefined) return type.startsWith('>') ? stillAsks(left) : unknown;
      return know(type === '<' ? a < b : type === '>' ? a > b : type === '<=' ? a <= b : a >= b);
    }
    default:
      if (type === '+' && left.array && right.array) return { ...unknownFrom(joinTaints(left.taints, right.taints)), array: { entries: new Map([...right.array.entries, ...left.array.entries]), next: Math.max(left.array.next, right.array.next), complete: left.array.complete && right.array.complete } };
      if (type === '+' && (left.array ?? right.array) && [left, right].some((one) => !one.array && one.template === given)) return withDefaults(left, right);
      return arithmetic(type, left, right);
  }
}

/** What a visitor sends, with entries for what is missing; or the other way round. */
function withDefaults(left: Value, right: Value, depth = 0): Value {
  const taints = joinTaints(left.taints, right.taints);
  const sent: Value = { ...unknownFrom(taints), template: given };
  const array = (left.array ?? right.array)!;
  return { ...sent, array: { ...array, entries: left.array ? array.entries : new Map([...array.entries].map(([key, value]) => [key, value.array && depth < 4 ? withDefaults(left, value, depth + 1) : merge(sent, value)!])), complete: false } };
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

export function unary(type: string, value: Value): Value {
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

export function cast(type: string, value: Value): Value {
  switch (type) {
    case 'string': case 'binary': { const text = textOf(value); return text !== undefined ? { ...value, known: text, array: undefined } : value; }
    case 'int': case 'integer': { const number = numberOf(value); return number === undefined ? unknown : know(Math.trunc(number)); }
    case 'float': case 'double': case 'real': { const number = numberOf(value); return number === undefined ? unknown : know(number); }
    case 'bool': case 'boolean': { const truth = truthOf(value); return truth === undefined ? stillAsks(value) : know(truth); }
    case 'array': return value.array || value.superglobal !== undefined ? value : value.known === null ? listOf([]) : value.known !== undefined ? listOf([value]) : { ...value, choices: undefined };
    default: return value;
  }
}

/** An object in a text is what its __toString answers. */
export function toText(run: Run, value: Value): Value {
  if (!value.object) return value;
  const said = invokeMethod(run, value.object, '__toString', [], undefined);
  return said ?? unknownFrom(taintsOf(value.object.made));
}
