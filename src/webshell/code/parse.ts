/** A forgiving reader from words to the tree: what it does not understand it steps over. */
import { LimitError, type Budget } from '../sign.ts';
import type { Family, Token } from './lex.ts';
import { nothingAt, type Code } from './tree.ts';

const assigns = new Set(['=', '+=', '.=', ':=', '||=', '??=', '//=', '&&=', '|=', '-=', '*=', '/=', '&=']);
const choices = new Set(['?', ':', '||', '&&', '??', '//', 'or', 'and', 'xor', 'orelse', 'andalso', '=>']);
const tests = new Set(['==', '!=', '===', '!==', '<', '>', '<=', '>=', '<>', '<=>', '=~', '!~', 'instanceof', 'is', 'in', 'eq', 'ne', 'lt', 'gt', 'le', 'ge', 'like', 'of']);
const arithmetic = new Set(['-', '*', '/', '%', '^', '|', '&', '<<', '>>', '**', 'mod', 'x', '...', '+', '.', '~']);
const skipped = new Set(['else', 'if', 'while', 'for', 'foreach', 'elif', 'elsif', 'elseif', 'try', 'catch', 'finally', 'except', 'do', 'switch', 'case', 'default', 'with', 'unless', 'until', 'loop', 'wend', 'then', 'next', 'end', 'each', 'public', 'private', 'protected', 'static', 'final', 'var', 'let', 'const', 'my', 'our', 'local', 'dim', 'redim', 'set', 'byref', 'byval', 'call', 'await', 'yield', 'throw', 'raise', 'async', 'override', 'virtual', 'using', 'lock', 'synchronized', 'unsafe', 'typeof', 'lambda', 'global', 'nonlocal', 'assert', 'pass', 'begin', 'shared', 'friend', 'readonly', 'export', 'preserve']);
/** What puts texts together. */
const joinsOf: Readonly<Record<Family, ReadonlySet<string>>> = { c: new Set(['+']), js: new Set(['+']), cs: new Set(['+']), vb: new Set(['&', '+']), python: new Set(['+', '%']), perl: new Set(['.']) };
const wordOps: Readonly<Record<Family, ReadonlySet<string>>> = {
  c: new Set(['instanceof', 'or', 'and', 'eq', 'ne']), js: new Set(['instanceof', 'in', 'of', 'or', 'and', 'eq', 'ne']), cs: new Set(['is', 'in']), vb: new Set(['is', 'in', 'like', 'mod', 'or', 'and', 'xor', 'orelse', 'andalso']),
  python: new Set(['in', 'is', 'or', 'and', 'if', 'else']), perl: new Set(['or', 'and', 'xor', 'eq', 'ne', 'lt', 'gt', 'le', 'ge', 'x']),
};
/** Words that begin a function; elsewhere they are names like others (`def run(function, sub=1)`). */
const declaring: Readonly<Record<Family, ReadonlySet<string>>> = { c: new Set(), cs: new Set(), js: new Set(['function']), vb: new Set(['function', 'sub', 'property']), python: new Set(['def']), perl: new Set(['sub']) };
/** Signs and words before a value, and signs between statements. */
const prefixes = new Set(['!', '~', '-', '+', '&', '*', '\\', '@', '++', '--', '...', '**', '%', '?']);
const leading = new Set(['await', 'typeof', 'yield', 'lambda', 'my', 'our', 'var', 'let', 'const', 'final', 'async', 'byref', 'byval', 'ref', 'out', 'delete', 'void', 'throw', 'return']);
const stepped = new Set([';', ',', ')', ']', '}', ':']);
const depthMax = 120;

export function parse(tokens: readonly Token[], family: Family, budget: Budget): Code[] {
  let at = 0;
  let depth = 0;
  /** Within brackets ends of lines mean nothing. */
  let brackets = 0;
  let afterFor = false;
  const endToken: Token = { t: 'end', v: '', at: tokens.at(-1)?.at ?? 0, space: false, indent: -1 };
  const joins = joinsOf[family];
  const peek = (ahead = 0): Token => {
    if (brackets > 0) while (tokens[at]?.t === 'line') at++;
    return tokens[at + ahead] ?? endToken;
  };
  const next = (): Token => { const token = peek(); at++; return token; };
  const isOp = (token: Token, v: string): boolean => token.t === 'op' && token.v === v;
  const is = (v: string): boolean => isOp(peek(), v);
  const word = (token: Token): string => (token.t === 'name' || token.t === 'op' ? token.v : '');
  /** Words that stand between values; each language has its own. */
  const between = (token: Token, words: ReadonlySet<string>): boolean => words.has(word(token)) && (token.t === 'op' || (wordOps[family].has(token.v)));
  const deeper = <T>(work: () => T): T => {
    if (++depth > depthMax) throw new LimitError('depth');
    try { return work(); } finally { depth--; }
  };

  function block(closed: (token: Token) => boolean): Code[] {
    const out: Code[] = [];
    for (;;) {
      budget.spend();
      const token = peek();
      if (token.t === 'end' || closed(token)) return out;
      if (token.t === 'line' || (token.t === 'op' && stepped.has(token.v))) { at++; continue; }
      const before = at;
      out.push(...statement());
      if (at === before) at++;
    }
  }

  /** Between brackets that stand next. */
  function group(open: string, close: string): Code[] {
    if (!is(open)) return [];
    at++;
    return deeper(() => {
      const was = brackets;
      brackets = open === '{' && family !== 'python' ? 0 : was + 1;
      const out = block((token) => isOp(token, close));
      brackets = was;
      if (is(close)) at++;
      return out;
    });
  }

  function statement(): Code[] {
    const token = peek();
    const name = token.t === 'name' ? token.v : '';
    if (declaring[family].has(name)) return functionHere();
    switch (name) {
      case 'class': case 'interface': case 'struct': case 'namespace': case 'module': case 'package': {
        if (peek(1).t !== 'name') break;
        at += 2;
        while (peek().t !== 'end' && !is('{') && !is(';') && !is(':') && peek().t !== 'line') at++;
        return [];
      }
      case 'import': case 'from':
        if (family !== 'python') break;
        if (name === 'import' || beginsStatement(tokens[at - 1])) return imports();
        at++; // yield from, raise … from
        return [];
      case 'exit': case 'end': if (family === 'vb') { while (peek().t !== 'line' && !is(':') && peek().t !== 'end') at++; return []; } break;
      case 'return': case 'echo': {
        if (name === 'echo') break;
        at++;
        const value = peek();
        return [{ k: 'return', value: value.t === 'line' || isOp(value, ';') || isOp(value, '}') ? nothingAt(token.at) : expression(), at: token.at }];
      }
      default:
    }
    if (skipped.has(name) && !isOp(peek(1), '=') && !isOp(peek(1), '.') && !(name === 'x')) {
      at++;
      if (name === 'for' || name === 'foreach' || name === 'each') {
        afterFor = true;
        if (family === 'perl' && peek().t === 'name') { // foreach my $x (LIST)
          if (peek().v === 'my') at++;
          if (peek().t === 'name' && isOp(peek(1), '(')) { const to = nameOf(next()); afterFor = false; const of: Code = { k: 'list', parts: group('(', ')'), at: token.at }; return [{ k: 'set', to, value: { k: 'mix', parts: [of], at: token.at }, at: token.at }]; }
        }
      }
      if (/^(?:except|catch|with|finally|try)$/.test(name)) return [];
      // A condition stands by itself: what follows its bracket is no part of it.
      if ((family === 'c' || family === 'cs') && (name === 'while' || name === 'if') && is('(')) return [{ k: 'test', parts: group('(', ')'), at: token.at }];
      return [];
    }
    return [expression()];
  }

  const beginsStatement = (before: Token | undefined): boolean => before === undefined || before.t === 'line' || (before.t === 'op' && (before.v === ';' || before.v === ':'));

  const nameOf = (token: Token): Code => ({ k: 'name', name: token.v, at: token.at });

  function imports(): Code[] {
    const out: Code[] = [];
    const dotted = (): string => { let path = ''; while (peek().t === 'name' || is('.')) { if (peek().v === 'import' || peek().v === 'as') break; path += next().v; } return path; };
    const from = next().v === 'from' ? dotted() : '';
    if (from !== '' && peek().v === 'import') at++;
    const was = brackets;
    if (is('(')) { at++; brackets++; }
    for (;;) {
      const start = peek();
      const path = dotted();
      if (path === '') break;
      let as = from === '' ? path.split('.')[0]! : path;
      let whole = from === '' ? as : `${from}.${path}`;
      if (peek().v === 'as') { at++; as = next().v; if (from === '') whole = path; }
      out.push({ k: 'set', to: { k: 'name', name: as, at: start.at }, value: { k: 'name', name: whole, at: start.at }, at: start.at });
      if (!is(',')) break;
      at++;
    }
    if (brackets > was && is(')')) at++;
    brackets = was;
    return out;
  }

  function functionHere(): Code[] {
    const before = tokens[at - 1];
    const start = next();
    // `async def`: the line begins with the word before.
    const line = start.indent < 0 && before?.v === 'async' ? before.indent : start.indent;
    const named = peek().t === 'name' ? next().v : '';
    const params: string[] = is('(') ? group('(', ')').map(paramName) : [];
    const body = bodyOf(line);
    return [{ k: 'function', name: named, params, body, at: start.at }];
  }

  function bodyOf(indent: number): Code[] {
    if (family === 'vb') return deeper(() => { const body = block((token) => token.t === 'name' && token.v === 'end' && /^(?:function|sub|property)$/.test(tokens[at + 1]?.v ?? '')); at += 2; return body; });
    if (family === 'python') {
      while (peek().t !== 'end' && !is(':') && peek().t !== 'line') at++; // -> type
      if (is(':')) at++;
      const own = indent < 0 ? 0 : indent;
      if (peek().t !== 'line') return deeper(() => block((token) => token.t === 'line'));
      return deeper(() => block((token) => token.t !== 'line' && token.indent >= 0 && token.indent <= own));
    }
    for (let token = peek(); token.t === 'name' || isOp(token, ',') || isOp(token, ':'); token = peek()) at++; // throws X, : base
    return group('{', '}');
  }

  /** The last name of a declaration: `final String cmd` → cmd. */
  function paramName(code: Code): string {
    switch (code.k) {
      case 'name': return code.name;
      case 'call': return code.args.length > 0 ? paramName(code.args.at(-1)!) : paramName(code.fn);
      case 'set': return paramName(code.to);
      case 'test': case 'mix': case 'join': case 'list': return code.parts.length > 0 ? paramName(code.k === 'mix' ? code.parts[0]! : code.parts.at(-1)!) : '';
      case 'index': return paramName(code.of);
      default: return '';
    }
  }

  function expression(): Code {
    return deeper(() => {
      budget.spend();
      const left = choice();
      const op = peek();
      if (op.t === 'op' && assigns.has(op.v)) {
        at++;
        const value = expression();
        return { k: 'set', to: left, value: op.v === '=' || op.v === ':=' ? value : { k: op.v === '+=' || op.v === '.=' || op.v === '&=' ? 'join' : 'mix', parts: [left, value], at: op.at }, at: op.at };
      }
      return left;
    });
  }

  function series(kind: 'mix' | 'test' | 'join', ops: ReadonlySet<string>, operand: () => Code): Code {
    const first = operand();
    let parts: Code[] | undefined;
    /** Where the condition begins that a `?` may follow. */
    let begun = 0;
    for (;;) {
      const op = peek();
      const v = word(op);
      if (!between(op, ops)) break;
      // Nothing of a condition is in the value.
      if (v === '?' && ops === choices) { const before = parts ?? [first]; parts = [...before.slice(0, begun), { k: 'test', parts: before.slice(begun), at: op.at }]; }
      if (v === '?' || v === ':') begun = (parts ?? [first]).length;
      if (v === ':' && brackets === 0 && (family === 'python' || family === 'vb')) break;
      if (v === '=>' && family === 'perl') break;
      // VB's own `=`is either; at the front of a statement it sets.
      if ((v === 'in' || v === 'of' || v === ':') && afterFor) {
        afterFor = false;
        at++;
        const value = operand();
        return { k: 'set', to: parts?.at(-1) ?? first, value: { k: 'mix', parts: [value], at: op.at }, at: op.at };
      }
      at++;
      if (v === '//' && family !== 'perl') { (parts ??= [first]).push(operand()); continue; }
      (parts ??= [first]).push(operand());
    }
    return parts ? { k: kind, parts, at: first.at } : first;
  }

  const choice = (): Code => series('mix', choices, compare);
  const compare = (): Code => series('test', tests, sum);
  /** Concatenation and everything that counts. */
  function sum(): Code {
    const first = unary();
    let parts: Code[] | undefined;
    let joined = true;
    for (;;) {
      const op = peek();
      const v = word(op);
      if (!between(op, arithmetic)) break;
      if (!joins.has(v)) joined = false;
      at++;
      (parts ??= [first]).push(unary());
    }
    return parts ? { k: joined ? 'join' : 'mix', parts, at: first.at } : first;
  }

  function unary(): Code {
    let made = false;
    for (;;) {
      const token = peek();
      if (token.t === 'op' && prefixes.has(token.v)) {
        const value = ((): Code => { at++; return unary(); })();
        return token.v === '!' ? { k: 'test', parts: [value], at: token.at } : value;
      }
      if (token.t === 'name' && token.v === 'new') { made = true; at++; continue; }
      if (token.t === 'name' && token.v === 'not') { at++; return { k: 'test', parts: [unary()], at: token.at }; }
      if (token.t === 'name' && leading.has(token.v) && (peek(1).t === 'name' || (token.v === 'my' && isOp(peek(1), '(')))) { at++; continue; }
      break;
    }
    return postfix(primary(), made);
  }

  const textOf = (token: Token): Code => {
    const text: Code = token.parts
      ? { k: 'join', parts: token.parts.map((part): Code => (typeof part === 'string' ? { k: 'text', text: part, at: token.at } : inside(part, token.at))), at: token.at }
      : { k: 'text', text: token.v, at: token.at };
    return token.command ? { k: 'call', fn: { k: 'name', name: 'qx', at: token.at }, args: [text], made: false, at: token.at } : text;
  };
  function inside(part: Token[], start: number): Code {
    const codes = deeper(() => parse(part, family, budget));
    return codes.length === 1 ? codes[0]! : { k: 'mix', parts: codes, at: start };
  }

  function primary(): Code {
    const token = peek();
    switch (token.t) {
      case 'text': {
        at++;
        const first = textOf(token);
        if (family !== 'python') return first;
        const parts = [first]; // texts that stand side by side are one
        while (peek().t === 'text') parts.push(textOf(next()));
        return parts.length > 1 ? { k: 'join', parts, at: token.at } : first;
      }
      case 'number': at++; return { k: 'number', number: Number(token.v.replace(/[lLfFdDuU]+$/, (end) => (/^0x/i.test(token.v) ? end : ''))), at: token.at };
      case 'name': {
        if (family !== 'vb' && family !== 'python' && declaring[family].has(token.v)) return functionHere()[0]!;
        if (token.v === 'for' && family === 'python' && brackets > 0) { at++; afterFor = true; return compare(); }
        at++;
        if (family === 'perl' && /^(?:map|grep|sort)$/.test(token.v) && is('{')) { // map { … } LIST
          const body = group('{', '}');
          const args: Code[] = [expression()];
          while (is(',')) { at++; args.push(expression()); }
          return { k: 'call', fn: nameOf(token), args: [body.length === 1 ? body[0]! : { k: 'list', parts: body, at: token.at }, ...args], made: false, at: token.at };
        }
        return nameOf(token);
      }
      case 'op': {
        if (token.v === '(') {
          const parts = group('(', ')');
          if (isOp(peek(), '=>') || (isOp(peek(), '->') && family === 'c')) { at++; return { k: 'function', name: '', params: parts.map(paramName), body: is('{') ? group('{', '}') : [{ k: 'return', value: expression(), at: token.at }], at: token.at }; }
          const only = parts.length === 1 ? parts[0]! : undefined;
          const follows = peek();
          // A cast says nothing.
          if (only && (family === 'c' || family === 'cs') && (only.k === 'name' || only.k === 'member' || only.k === 'index' || only.k === 'test') && (follows.t === 'name' || follows.t === 'text' || isOp(follows, '(')) && !(follows.t === 'name' && wordOps[family].has(follows.v))) return unary();
          return only ?? { k: 'list', parts, at: token.at };
        }
        if (token.v === '[') return { k: 'list', parts: group('[', ']'), at: token.at };
        if (token.v === '{') return { k: 'list', parts: group('{', '}'), at: token.at };
        return nothingAt(token.at);
      }
      default: return nothingAt(token.at);
    }
  }

  function postfix(start: Code, isMade: boolean): Code {
    let code = start;
    let made = isMade;
    for (;;) {
      budget.spend();
      const token = peek();
      if (token.t === 'op') {
        if ((token.v === '.' && !joins.has('.')) || token.v === '?.' || token.v === '::' || (token.v === '->' && family !== 'c')) {
          const after = peek(1);
          if (after.t === 'name') {
            at += 2;
            code = { k: 'member', of: code, name: after.v, at: after.at };
            if (family === 'perl' && token.v === '->' && after.v.startsWith('$')) code = { k: 'index', of: (code as { of: Code }).of, key: nameOf(after), at: after.at };
            continue;
          }
          if (token.v !== '.' && after.t === 'op') { at++; if (after.v === '{') code = { k: 'index', of: code, key: keyOf(group('{', '}'), after.at), at: after.at }; continue; }
          return code;
        }
        if (token.v === '(') {
          if (code.k === 'text' || code.k === 'number' || code.k === 'list') return code;
          // What stands before brackets on a line of its own belongs to something else.
          const args = group('(', ')');
          if ((family === 'c' || family === 'cs') && !made && code.k === 'name') { // a method that is declared
            const throwing = peek().t === 'name' && peek().v === 'throws';
            if (throwing || (is('{') && !/^(?:if|for|while|switch|catch|synchronized|foreach|using|lock|fixed)$/.test(code.name))) {
              if (throwing) while (peek().t !== 'end' && !is('{') && !is(';')) at++;
              return { k: 'function', name: code.name, params: args.map(paramName), body: group('{', '}'), at: code.at };
            }
          }
          code = { k: 'call', fn: code, args, made, at: token.at };
          made = false;
          continue;
        }
        if (token.v === '[') {
          if (family === 'python' && isOp(peek(1), '::') && isOp(peek(2), '-') && peek(3).v === '1' && isOp(peek(4), ']')) { at += 5; code = { k: 'call', fn: { k: 'member', of: code, name: 'reversed', at: token.at }, args: [], made: false, at: token.at }; continue; }
          const key = group('[', ']');
          if (key.length === 0 && (family === 'c' || family === 'cs') && peek().t === 'name' && !wordOps[family].has(peek().v)) return { k: 'call', fn: code, args: [expression()], made: false, at: token.at }; // byte[] b
          if (made && key.length === 0 && is('{')) { code = { k: 'list', parts: group('{', '}'), at: token.at }; made = false; continue; }
          code = { k: 'index', of: code, key: keyOf(key, token.at), at: token.at };
          continue;
        }
        if (token.v === '{' && family === 'perl' && !token.space && (code.k === 'name' || code.k === 'index' || code.k === 'member')) { code = { k: 'index', of: code, key: keyOf(group('{', '}'), token.at), at: token.at }; continue; }
        if (token.v === '{' && made && (family === 'cs' || family === 'c')) { code = { k: 'call', fn: code, args: group('{', '}'), made, at: token.at }; made = false; continue; }
        if (token.v === '++' || token.v === '--') { at++; continue; }
        if (token.v === '=>' && code.k === 'name' && (family === 'js' || family === 'cs')) { at++; return { k: 'function', name: '', params: [code.name], body: is('{') ? group('{', '}') : [{ k: 'return', value: expression(), at: token.at }], at: token.at }; }
        if (token.v === '{' && code.k === 'call' && !code.made && (family === 'cs' || family === 'c') && code.fn.k === 'member') return code;
      }
      // Calls without brackets: `Execute x`, `system $c`; and declarations, `String c = …`, which are read as one.
      const bare = (code.k === 'name' && !skipped.has(code.name) && !code.name.startsWith('$')) || code.k === 'member';
      if (bare && (token.t === 'text' || token.t === 'number' || token.t === 'name') && !(token.t === 'name' && wordOps[family].has(token.v)) && token.space && !(token.t === 'name' && /^(?:then|as|else|if|unless|for|foreach|while|until|import|extends|implements|to|step|not)$/.test(token.v))) {
        const args: Code[] = [expression()];
        const many = family !== 'python' && family !== 'js';
        if (many) while (is(',')) { at++; if (peek().t === 'line' || peek().t === 'end') break; args.push(expression()); }
        return { k: 'call', fn: code, args, made: false, at: code.at };
      }
      return made ? { k: 'call', fn: code, args: [], made, at: code.at } : code;
    }
  }

  const keyOf = (parts: Code[], start: number): Code => {
    const [only] = parts;
    if (parts.length !== 1 || !only) return { k: 'list', parts, at: start };
    return family === 'perl' && only.k === 'name' && !only.name.startsWith('$') ? { k: 'text', text: only.name, at: only.at } : only;
  };

  return block(() => false);
}
