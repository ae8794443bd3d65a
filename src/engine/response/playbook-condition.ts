/**
 * Conditions of playbooks: comparisons of variables with texts, numbers and truth values, joined by and, or, not and parentheses.
 *   __source_ip__:value != "" and (__count__:value >= 100 or __level__:value in ["high", "critical"])
 * Nothing is run; a mistake shows when the playbook is read.
 */
import type { Value } from '../../core/playbook.ts';

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

type Operand = { variable: string } | { value: Value };

export type Condition =
  | { kind: 'compare'; left: Operand; operator: Comparison; right: Operand }
  | { kind: 'in'; left: Operand; values: readonly Value[] }
  | { kind: 'truth'; of: Operand }
  | { kind: 'not'; of: Condition }
  | { kind: 'and' | 'or'; of: readonly Condition[] };

const charsMax = 1000;
const depthMax = 20;
const token = /\s*(?:(__[a-z][a-z0-9_]{0,61}?__)(?::value)?(?![\w:])|("(?:[^"\\]|\\["\\])*")|(-?\d{1,15}(?:\.\d{1,9})?)(?![\w.])|(==|!=|<=|>=|<|>|\(|\)|\[|\]|,)|(and|or|not|in|true|false)(?!\w))/y;

interface Token { kind: 'variable' | 'text' | 'number' | 'sign' | 'word'; text: string; at: number }

/** Throws an Error that says what was expected and where. */
export function parseCondition(text: string): Condition {
  if (text.length > charsMax) throw new Error(`expected a condition of at most ${charsMax} characters, got ${text.length}`);
  const tokens = scan(text);
  let next = 0;
  const peek = (word: string): boolean => { const one = tokens[next]; return one !== undefined && (one.kind === 'sign' || one.kind === 'word') && one.text === word; };
  const wrong = (wanted: string): Error => new Error(`expected ${wanted} at character ${(tokens[next]?.at ?? text.length) + 1} of the condition, got ${tokens[next] === undefined ? 'its end' : JSON.stringify(tokens[next]?.text)}`);
  const take = (word: string): void => { if (!peek(word)) throw wrong(word); next++; };

  function any(depth: number): Condition {
    if (depth > depthMax) throw new Error(`expected at most ${depthMax} levels of nesting in the condition, got more`);
    const of = [all(depth)];
    while (peek('or')) { next++; of.push(all(depth)); }
    return of.length === 1 ? of[0]! : { kind: 'or', of };
  }
  function all(depth: number): Condition {
    const of = [one(depth)];
    while (peek('and')) { next++; of.push(one(depth)); }
    return of.length === 1 ? of[0]! : { kind: 'and', of };
  }
  function one(depth: number): Condition {
    if (peek('not')) { next++; if (depth > depthMax) throw wrong('less nesting'); return { kind: 'not', of: one(depth + 1) }; }
    if (peek('(')) { next++; const inner = any(depth + 1); take(')'); return inner; }
    const left = operand();
    const sign = tokens[next];
    if (peek('in')) { next++; return { kind: 'in', left, values: list() }; }
    if (sign?.kind !== 'sign' || !isComparison(sign.text)) return { kind: 'truth', of: left };
    next++;
    const right = operand();
    if (sign.text !== '==' && sign.text !== '!=') {
      for (const side of [left, right]) if ('value' in side && typeof side.value !== 'number') throw new Error(`expected numbers on both sides of ${sign.text}, got ${JSON.stringify(side.value)}`);
    }
    return { kind: 'compare', left, operator: sign.text, right };
  }
  function operand(): Operand {
    const found = tokens[next];
    if (found?.kind === 'variable') { next++; return { variable: found.text }; }
    return { value: literal() };
  }
  function literal(): Value {
    const found = tokens[next];
    const value = found === undefined ? undefined : literalOf(found);
    if (value === undefined) throw wrong('a variable such as __source_ip__:value, a text in double quotes or a number');
    next++;
    return value;
  }
  function list(): Value[] {
    take('[');
    const values = [literal()];
    while (peek(',')) { next++; values.push(literal()); }
    take(']');
    return values;
  }

  const condition = any(0);
  if (next < tokens.length) throw wrong('and, or, or the end');
  return condition;
}

/** Names of the variables that it reads. */
export function variablesOf(condition: Condition): string[] {
  const names = (side: Operand): string[] => ('variable' in side ? [side.variable] : []);
  switch (condition.kind) {
    case 'compare': return [...names(condition.left), ...names(condition.right)];
    case 'in': return names(condition.left);
    case 'truth': return names(condition.of);
    case 'not': return variablesOf(condition.of);
    case 'and': case 'or': return condition.of.flatMap(variablesOf);
  }
}

/** A variable that is not there is the empty text. Texts compare with < and > never. */
export function holds(condition: Condition, variables: Readonly<Record<string, Value>>): boolean {
  const worth = (side: Operand): Value => ('variable' in side ? (Object.hasOwn(variables, side.variable) ? variables[side.variable]! : '') : side.value);
  switch (condition.kind) {
    case 'compare': return compare(worth(condition.left), condition.operator, worth(condition.right));
    case 'in': return condition.values.includes(worth(condition.left));
    case 'truth': return Boolean(worth(condition.of));
    case 'not': return !holds(condition.of, variables);
    case 'and': return condition.of.every((one) => holds(one, variables));
    case 'or': return condition.of.some((one) => holds(one, variables));
  }
}

function compare(left: Value, operator: Comparison, right: Value): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== 'number' || typeof right !== 'number') return false;
  switch (operator) {
    case '<': return left < right;
    case '<=': return left <= right;
    case '>': return left > right;
    case '>=': return left >= right;
  }
}

const isComparison = (text: string): text is Comparison => ['==', '!=', '<', '<=', '>', '>='].includes(text);

function literalOf({ kind, text }: Token): Value | undefined {
  if (kind === 'text') return text.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
  if (kind === 'number') return Number(text);
  return kind === 'word' && (text === 'true' || text === 'false') ? text === 'true' : undefined;
}

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end;) {
    token.lastIndex = at;
    const found = token.exec(text);
    if (found === null) throw new Error(`expected a comparison such as __count__:value >= 10 at character ${at + 1} of the condition, got ${JSON.stringify(text.slice(at, at + 20))}`);
    const [whole, variable, quoted, number, sign, word] = found;
    const kind = variable !== undefined ? 'variable' : quoted !== undefined ? 'text' : number !== undefined ? 'number' : sign !== undefined ? 'sign' : 'word';
    tokens.push({ kind, text: variable ?? quoted ?? number ?? sign ?? word ?? '', at: at + whole.length - whole.trimStart().length });
    at = token.lastIndex;
  }
  return tokens;
}
