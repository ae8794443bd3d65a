/** The condition language: or < and < not < x of < parentheses. */
import { Refusal, show } from './error.ts';
import type { Condition } from './types.ts';

const limits = { chars: 10_000, depth: 50 } as const;

export interface ConditionNames {
  /** Names that may be used. */
  names: readonly string[];
  /** What they are, for messages: "search identifier", "rule name". */
  what: string;
  /** Whether `1 of them` and the like are allowed. */
  quantifiers: boolean;
}

/** Throws Refusal 'condition', or 'aggregation' for the obsolete pipe syntax. */
export function parseCondition(text: string, scope: ConditionNames, at: number): Condition {
  if (text.length > limits.chars) throw new Refusal('limit', `expected a condition of at most ${limits.chars} characters, got ${text.length}`, at);
  const bar = text.indexOf('|');
  if (bar >= 0) throw new Refusal('aggregation', `expected a condition without aggregation, got ${show(text.slice(bar))}; the pipe syntax is obsolete: write a correlation rule (type event_count, value_count, temporal …) that refers to this rule`, at);
  return new ConditionParser(text, scope, at).parse();
}

class ConditionParser {
  private readonly tokens: string[];
  private readonly scope: ConditionNames;
  private readonly offset: number;
  private index = 0;

  constructor(text: string, scope: ConditionNames, at: number) {
    this.tokens = text.match(/[()]|[^\s()]+/g) ?? [];
    this.scope = scope;
    this.offset = at;
  }

  parse(): Condition {
    const condition = this.or(0);
    if (this.index < this.tokens.length) this.fail('expected "and", "or" or the end of the condition', this.tokens[this.index]);
    return condition;
  }

  private fail(expected: string, got: string | undefined): never {
    throw new Refusal('condition', `${expected}, got ${got === undefined ? 'its end' : show(got)}`, this.offset);
  }

  private word(ahead = 0): string { return (this.tokens[this.index + ahead] ?? '').toLowerCase(); }

  private or(depth: number): Condition {
    const children = [this.and(depth)];
    while (this.word() === 'or') { this.index++; children.push(this.and(depth)); }
    return children.length === 1 ? children[0]! : { kind: 'or', children };
  }

  private and(depth: number): Condition {
    const children = [this.not(depth)];
    while (this.word() === 'and') { this.index++; children.push(this.not(depth)); }
    return children.length === 1 ? children[0]! : { kind: 'and', children };
  }

  private not(depth: number): Condition {
    if (depth > limits.depth) this.fail(`expected at most ${limits.depth} levels of nesting in the condition`, this.tokens[this.index]);
    if (this.word() !== 'not') return this.primary(depth);
    this.index++;
    return { kind: 'not', child: this.not(depth + 1) };
  }

  private primary(depth: number): Condition {
    const token = this.tokens[this.index++];
    if (token === undefined || token === ')') this.fail(`expected a ${this.scope.what} or "("`, token);
    if (token === '(') {
      const inner = this.or(depth + 1);
      if (this.tokens[this.index] !== ')') this.fail('expected ")"', this.tokens[this.index]);
      this.index++;
      return inner;
    }
    if (this.word() === 'of') return this.quantified(token);
    if (['and', 'or', 'of', 'them'].includes(token.toLowerCase())) this.fail(`expected a ${this.scope.what}`, token);
    if (token.includes('*')) this.fail(`expected "1 of" or "all of" before a pattern`, token);
    if (!this.scope.names.includes(token)) this.fail(`expected one of the ${this.scope.what}s ${this.scope.names.slice(0, 20).join(', ')}`, token);
    return { kind: 'name', name: token };
  }

  private quantified(quantifier: string): Condition {
    const kind = quantifier.toLowerCase();
    if (!this.scope.quantifiers) this.fail(`expected ${this.scope.what}s joined by and, or, not`, `${quantifier} of`);
    if (kind !== '1' && kind !== 'any' && kind !== 'all') this.fail('expected "1 of", "any of" or "all of"', `${quantifier} of`);
    this.index++;
    const pattern = this.tokens[this.index++];
    if (pattern === undefined || pattern === '(' || pattern === ')') this.fail('expected "them" or a pattern of search identifiers', pattern);
    const open = this.scope.names.filter((name) => !name.startsWith('_'));
    const names = pattern.toLowerCase() === 'them' ? open : open.filter(matchesPattern(pattern));
    if (names.length === 0) this.fail('expected a pattern that some search identifier matches (those that begin with _ are left out)', pattern);
    const children = names.map((name): Condition => ({ kind: 'name', name }));
    if (children.length === 1) return children[0]!;
    return { kind: kind === 'all' ? 'and' : 'or', children };
  }
}

/** `*` stands for any characters, anywhere in the pattern. */
function matchesPattern(pattern: string): (name: string) => boolean {
  const pieces = pattern.split('*');
  return (name) => {
    if (pieces.length === 1) return name === pattern;
    const head = pieces[0]!;
    const tail = pieces.at(-1)!;
    if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
    let from = head.length;
    const end = name.length - tail.length;
    for (const piece of pieces.slice(1, -1)) {
      const found = name.indexOf(piece, from);
      if (found < 0 || found + piece.length > end) return false;
      from = found + piece.length;
    }
    return true;
  };
}
