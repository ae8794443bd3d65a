/**
 * A shell script taken apart: pipelines of simple commands, quotes taken off, variables whose value stands in the same script
 * put in, `$(echo … | base64 -d)` worked out. No shell is run. What cannot be known keeps its `$`.
 *
 * It reads in one pass from left to right and bounds everything: text, commands, depth, the size of values. A script that is
 * broken, or made to be, gives some commands and never an error.
 *
 * Longer than other files: it is one reader with one place in the text, and parts of it would only hand that place to each other.
 */
import { outputOf, unescaped, valueMax, type Output } from './shell-values.ts';

export interface Command {
  /** Program and arguments; fields of variables split as a shell does. */
  words: string[];
  /** `NAME=value` in front of the command. */
  env: (readonly [string, string])[];
  /** `< file`. */
  from: string | undefined;
  /** `> file`, `>> file`. */
  to: string[];
  /** Here-document, here-string or process substitution, when its text is known. */
  input: Output | undefined;
  /** What stands in `$( )`, backticks and `<( )` of this command. Those are in the list of pipelines too. */
  inner: Pipeline[];
  /** First line of the command in the text, from 1. */
  line: number;
  /** As it stands in the text, for evidence. */
  start: number;
  end: number;
}
export type Pipeline = Command[];
export type Variables = Map<string, string>;

export interface Parsed {
  pipelines: Pipeline[];
  variables: Variables;
  /** Some of it was left out because of a limit. */
  cut: boolean;
}

const textMax = 1 << 20;
const commandsMax = 100_000;
const depthMax = 12;
const wordsMax = 4000;
/** All text that values may take together: `A=$A$A` doubles each time. */
const valuesMax = 4 << 20;

const unknown = '$()';
const assignment = /^([A-Za-z_][A-Za-z0-9_]*)(\+?)=/;
const opening = new Set(['if', 'then', 'else', 'elif', 'while', 'until', 'do', '{', '!', 'time', 'coproc']);
const closing = new Set(['fi', 'done', 'esac', '}']);
const declaring = new Set(['export', 'declare', 'local', 'readonly', 'typeset', 'setenv']);

interface Budget { commands: number; values: number; cut: boolean }
interface Word { fields: string[]; /** No quotes, no substitution: may be a keyword. */ plain: boolean }

export function parseShell(text: string, variables: Variables = new Map()): Parsed {
  const budget: Budget = { commands: commandsMax, values: valuesMax, cut: text.length > textMax };
  const reader = new Reader(budget.cut ? text.slice(0, textMax) : text, variables, budget, 0, 1);
  reader.list('');
  return { pipelines: reader.pipelines, variables, cut: budget.cut };
}

const blank = (line: number, start: number): Command => ({ words: [], env: [], from: undefined, to: [], input: undefined, inner: [], line, start, end: start });

/** One text and the place in it. Made again for the text of backticks and here-documents. */
class Reader {
  pipelines: Pipeline[] = [];
  readonly #text: string;
  readonly #variables: Variables;
  readonly #budget: Budget;
  readonly #depth: number;
  #at = 0;
  #line: number;
  /** Up to where lines are counted. */
  #counted = 0;
  #command: Command;
  #pipeline: Pipeline = [];
  #waiting: { command: Command; end: string; literal: boolean; tabs: boolean }[] = [];
  #cases: ('pattern' | 'body')[] = [];

  constructor(text: string, variables: Variables, budget: Budget, depth: number, line: number) {
    this.#text = text;
    this.#variables = variables;
    this.#budget = budget;
    this.#depth = depth;
    this.#line = line;
    this.#command = blank(line, 0);
  }

  /** Commands up to `until` (a closing bracket) or the end. */
  list(until: string): void {
    const text = this.#text;
    let brackets = 0;
    for (;;) {
      if (this.#at >= text.length || this.#budget.commands <= 0) break;
      if (this.#cases.at(-1) === 'pattern') { this.#pattern(); continue; }
      const c = text[this.#at]!;
      switch (c) {
        case ' ': case '\t': case '\r': this.#at++; break;
        case '\n': this.#at++; this.#endPipeline(); this.#heredocs(); break;
        case '#': { const end = text.indexOf('\n', this.#at); this.#at = end < 0 ? text.length : end; break; }
        case ';':
          this.#at++;
          this.#endPipeline();
          if (this.#cases.length > 0 && (text[this.#at] === ';' || text[this.#at] === '&')) { while (text[this.#at] === ';' || text[this.#at] === '&') this.#at++; this.#cases[this.#cases.length - 1] = 'pattern'; }
          break;
        case '&':
          if (text[this.#at + 1] === '>') { this.#at++; this.#redirect(); break; }
          this.#at++;
          this.#endPipeline();
          break;
        case '|': {
          const or = text[this.#at + 1] === '|';
          this.#at += or || text[this.#at + 1] === '&' ? 2 : 1;
          if (or) this.#endPipeline();
          else this.#pipe();
          break;
        }
        case '(':
          if (text[this.#at + 1] === '(' && this.#command.words.length === 0) { this.#skipArithmetic(); break; }
          this.#at++;
          // A function's name is no program.
          if (this.#command.words.length > 0 && /^\s*\)/.test(text.slice(this.#at, this.#at + 20))) { this.#at = text.indexOf(')', this.#at) + 1; this.#command.words = []; break; }
          brackets++;
          break;
        case ')':
          if (brackets === 0 && until === ')') { this.#endPipeline(); this.#at++; return; }
          this.#at++;
          brackets = Math.max(0, brackets - 1);
          this.#close();
          break;
        case '<': case '>':
          if (text[this.#at + 1] === '(') { this.#word(); break; }
          this.#redirect();
          break;
        default: this.#word();
      }
    }
    if (this.#budget.commands <= 0) this.#budget.cut = true;
    this.#endPipeline();
    this.#at = text.length;
  }

  /** The text as it stands in double quotes, up to `until`; for here-documents too. */
  quoted(until: string): string {
    const text = this.#text;
    let value = '';
    for (;;) {
      const c = text[this.#at];
      if (c === undefined) return value;
      if (c === until) { this.#at++; return value; }
      const next = text[this.#at + 1];
      if (c === '\\' && next !== undefined) {
        value += '"\\$`'.includes(next) ? next : next === '\n' ? '' : c + next;
        this.#at += 2;
      } else if (c === '$' || c === '`') value += this.#dollar();
      else { const end = this.#plainEnd(until); value += text.slice(this.#at, end); this.#at = end; }
    }
  }

  #plainEnd(until: string): number {
    let at = this.#at + 1;
    for (; at < this.#text.length; at++) { const c = this.#text[at]!; if (c === until || c === '\\' || c === '$' || c === '`') break; }
    return at;
  }

  #here(): number {
    for (; this.#counted < this.#at; this.#counted++) if (this.#text.charCodeAt(this.#counted) === 10) this.#line++;
    return this.#line;
  }

  /** One word at a place where it may be a program, an argument, an assignment or a keyword. */
  #word(): void {
    const command = this.#command;
    const start = this.#at;
    if (command.words.length === 0 && command.env.length === 0) { command.line = this.#here(); command.start = start; }
    const { fields, plain } = this.#readWord();
    command.end = this.#at;
    // A lone character that is no word, such as a stray `}`: go on in any case.
    if (this.#at === start) { this.#at++; return; }
    const first = fields[0] ?? '';
    if (command.words.length === 0) {
      if (plain && opening.has(first)) { if (first === '{' || first === '!' || this.#pipeline.length > 0) return; this.#endPipeline(); return; }
      if (plain && closing.has(first)) { if (first === 'esac') this.#cases.pop(); this.#close(); return; }
      if (plain && first === 'case') { this.#caseHead(); return; }
      if (plain && first === '[[') { this.#skipTest(); return; }
      if (plain && first === 'function') { this.#blanks(); this.#readWord(); return; }
      const assigned = assignment.exec(first);
      if (assigned && !first.startsWith('"')) { command.env.push([assigned[1]!, this.#assign(assigned[1]!, fields.join(' ').slice(assigned[0].length), assigned[2] === '+')]); return; }
    }
    if (command.words.length + fields.length > wordsMax) { this.#budget.cut = true; return; }
    if (declaring.has(command.words[0] ?? '') && assignment.test(first)) command.words.push(fields.join(' '));
    else command.words.push(...fields);
  }

  #assign(name: string, value: string, more: boolean): string {
    const whole = more ? (this.#variables.get(name) ?? '') + value : value;
    if (whole.length > valueMax || this.#budget.values < whole.length) { this.#budget.cut = true; return ''; }
    this.#budget.values -= whole.length;
    return whole;
  }

  #readWord(): Word {
    const text = this.#text;
    const fields: string[] = [];
    let word: string | undefined;
    let plain = true;
    loop: for (;;) {
      const c = text[this.#at];
      switch (c) {
        case undefined: case ' ': case '\t': case '\r': case '\n': case ';': case '&': case '|': case ')': break loop;
        case '(':
          // Arrays and patterns: NAME=( … ), @( … ).
          if (word !== undefined && /[=@?+*!]$/.test(word) && plain) { plain = false; this.#at++; const from = this.#at; this.#skipTo(')'); word += text.slice(from, Math.min(this.#at, from + 1000)); this.#at++; continue; }
          break loop;
        case '<': case '>':
          if (text[this.#at + 1] !== '(' || word !== undefined) break loop;
          plain = false;
          word = this.#processSubstitution(c);
          continue;
        case '\\':
          plain = false;
          if (text[this.#at + 1] !== '\n') word = (word ?? '') + (text[this.#at + 1] ?? '');
          this.#at += 2;
          continue;
        case "'": {
          plain = false;
          const end = text.indexOf("'", this.#at + 1);
          word = (word ?? '') + text.slice(this.#at + 1, end < 0 ? text.length : end);
          this.#at = end < 0 ? text.length : end + 1;
          continue;
        }
        case '"': {
          plain = false;
          this.#at++;
          word = (word ?? '') + this.quoted('"');
          continue;
        }
        case '$': case '`': {
          plain = false;
          if (text[this.#at + 1] === "'") { word = (word ?? '') + this.#ansi(); continue; }
          if (text[this.#at + 1] === '"') { this.#at++; continue; }
          const value = this.#dollar();
          // Blanks of a value part words; `A=$B` does not.
          if (/[ \t\n]/.test(value) && !value.includes('$') && !(word !== undefined && assignment.test(word))) {
            const parts = value.split(/[ \t\n]+/);
            word = (word ?? '') + parts[0]!;
            for (const part of parts.slice(1, wordsMax)) { fields.push(word); word = part; }
          } else word = (word ?? '') + value;
          continue;
        }
        default: {
          let end = this.#at + 1;
          while (end < text.length && !' \t\r\n;&|()<>\\\'"$`'.includes(text[end]!)) end++;
          word = (word ?? '') + text.slice(this.#at, end);
          this.#at = end;
        }
      }
    }
    if (word !== undefined && plain && /^\{[^{},]{0,500}(?:,[^{},]{0,500}){1,50}\}$/.test(word)) fields.push(...word.slice(1, -1).split(','));
    else if (word !== undefined && (word !== '' || !plain)) fields.push(word);
    return { fields: plain ? fields : fields.filter((field, i) => field !== '' || i === 0), plain };
  }

  /** `$'…'`. */
  #ansi(): string {
    const from = this.#at + 2;
    let at = from;
    while (at < this.#text.length && this.#text[at] !== "'") at += this.#text[at] === '\\' ? 2 : 1;
    this.#at = Math.min(at + 1, this.#text.length);
    return unescaped(this.#text.slice(from, at));
  }

  /** What stands for `$…` or backticks here: the value, or the text itself when nobody knows. */
  #dollar(): string {
    const text = this.#text;
    const at = this.#at;
    if (text[at] === '`') return this.#backticks();
    const next = text[at + 1];
    if (next === '(') {
      if (text[at + 2] === '(') { this.#at += 1; this.#skipArithmetic(); return '0'; }
      this.#at += 2;
      return this.#substitution(this.#child(this.#text, this.#line, this.#at));
    }
    if (next === '{') {
      this.#at += 2;
      const from = this.#at;
      this.#skipTo('}');
      const inside = text.slice(from, this.#at);
      this.#at++;
      return this.#spent(this.#parameter(inside));
    }
    let end = at + 1;
    while (end < text.length && /[A-Za-z0-9_]/.test(text[end]!)) end++;
    if (end === at + 1 && next !== undefined && '@*#?$!-'.includes(next)) end++;
    this.#at = Math.max(end, at + 1);
    const name = text.slice(at + 1, end);
    const value = /^[A-Za-z_]/.test(name) ? this.#variables.get(name) : undefined;
    return value === undefined ? text.slice(at, this.#at) : this.#spent(value);
  }

  #spent(value: string): string {
    if ((this.#budget.values -= value.length) >= 0) return value;
    this.#budget.cut = true;
    return unknown;
  }

  /** `${…}`: defaults, parts and replacements of what is known. */
  #parameter(inside: string): string {
    const found = /^(!?)([A-Za-z_][A-Za-z0-9_]*)([\s\S]*)$/.exec(inside);
    if (!found) return `\${${inside}}`;
    const [, indirect, name = '', rest = ''] = found;
    let value = this.#variables.get(name);
    if (indirect && value !== undefined) value = this.#variables.get(value);
    const byDefault = /^:?[-=]([\s\S]*)$/.exec(rest);
    if (byDefault) return value ?? this.#insideOf(byDefault[1]!);
    if (value === undefined) return `\${${inside}}`;
    const part = /^:\s*(-?\d{1,6})(?::(-?\d{1,6}))?$/.exec(rest);
    if (part) {
      const from = Number(part[1]) < 0 ? Math.max(0, value.length + Number(part[1])) : Number(part[1]);
      const length = part[2] === undefined ? undefined : Number(part[2]);
      return length === undefined ? value.slice(from) : length < 0 ? value.slice(from, length) : value.slice(from, from + length);
    }
    const replaced = /^\/(\/?)([^/*?[]{1,200})(?:\/([\s\S]*))?$/.exec(rest);
    if (replaced) { const [, all, old = '', by = ''] = replaced; return all ? value.replaceAll(old, () => by) : value.replace(old, () => by); }
    const cut = /^(%%?|##?)([^*?[]{1,200})$/.exec(rest);
    if (cut) return cut[1]!.startsWith('%') ? (value.endsWith(cut[2]!) ? value.slice(0, -cut[2]!.length) : value) : value.startsWith(cut[2]!) ? value.slice(cut[2]!.length) : value;
    return rest === '' || rest.startsWith(':+') || rest.startsWith('@') || rest.startsWith('^') || rest.startsWith(',') ? value : `\${${inside}}`;
  }

  #insideOf(text: string): string {
    if (!/[$`"'\\]/.test(text) || this.#depth >= depthMax) return text;
    const reader = new Reader(text, this.#variables, this.#budget, this.#depth + 1, this.#line);
    const value = reader.quoted('\0');
    this.pipelines.push(...reader.pipelines);
    return value.replaceAll(/^["']|["']$/g, '');
  }

  #backticks(): string {
    const text = this.#text;
    let end = this.#at + 1;
    while (end < text.length && text[end] !== '`') end += text[end] === '\\' ? 2 : 1;
    const inside = text.slice(this.#at + 1, end).replaceAll(/\\([`\\$])/g, '$1');
    const line = this.#here();
    this.#at = Math.min(end + 1, text.length);
    return this.#substitution(this.#child(inside, line));
  }

  /** Reads the commands of a substitution: of a text of its own, or of this one from `from` on. */
  #child(text: string, line: number, from?: number): Pipeline[] {
    if (this.#depth >= depthMax) { this.#budget.cut = true; if (from !== undefined) { this.#skipTo(')'); this.#at++; } return []; }
    const reader = new Reader(text, this.#variables, this.#budget, this.#depth + 1, line);
    if (from !== undefined) { reader.#at = from; reader.#counted = from; reader.#line = this.#here(); }
    reader.list(from === undefined ? '' : ')');
    if (from !== undefined) this.#at = reader.#at;
    this.pipelines.push(...reader.pipelines);
    this.#command.inner.push(...reader.pipelines);
    return reader.pipelines;
  }

  #substitution(pipelines: readonly Pipeline[]): string {
    const output = outputOfAll(pipelines);
    return output === undefined ? unknown : this.#spent(textOfOutput(output).replace(/\n+$/, ''));
  }

  #processSubstitution(sign: string): string {
    this.#at += 2;
    const pipelines = this.#child(this.#text, this.#line, this.#at);
    if (sign === '<') this.#command.input = outputOfAll(pipelines) ?? this.#command.input;
    return '/dev/fd/63';
  }

  #redirect(): void {
    const text = this.#text;
    const command = this.#command;
    // The number in front, as in 2>&1, is no argument.
    const number = command.words.at(-1);
    if (number !== undefined && /^\d{1,3}$/.test(number) && text[this.#at - 1] === number.at(-1)) command.words.pop();
    const sign = /^(?:<<<|<<-|<<|<>|<&|>>|>&|>\||[<>])/.exec(text.slice(this.#at, this.#at + 3))?.[0] ?? '>';
    this.#at += sign.length;
    this.#blanks();
    const start = this.#at;
    const { fields, plain } = this.#readWord();
    command.end = this.#at;
    const target = fields.join(' ');
    if (this.#at === start) return;
    switch (sign) {
      case '<<': case '<<-': this.#waiting.push({ command, end: target, literal: !plain, tabs: sign === '<<-' }); break;
      case '<<<': command.input = target.includes('$') ? command.input : { text: `${target}\n`, decoded: false }; break;
      case '<': case '<>': if (target !== '/dev/fd/63') command.from = target; break;
      case '>&': case '<&': if (!/^[\d-]+$/.test(target)) command.to.push(target); break;
      default: command.to.push(target);
    }
  }

  /** Bodies of the here-documents that were announced on the line that just ended. */
  #heredocs(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const { command, end, literal, tabs } of waiting) {
      const lines: string[] = [];
      const line = this.#here();
      while (this.#at < this.#text.length) {
        const next = this.#text.indexOf('\n', this.#at);
        const raw = this.#text.slice(this.#at, next < 0 ? this.#text.length : next);
        this.#at = next < 0 ? this.#text.length : next + 1;
        const body = tabs ? raw.replace(/^\t+/, '') : raw;
        if (body.replace(/\r$/, '') === end) break;
        lines.push(body);
      }
      const body = `${lines.join('\n')}\n`;
      if (body.length > valueMax || (this.#budget.values -= body.length) < 0) { this.#budget.cut = true; continue; }
      command.input = { text: literal || this.#depth >= depthMax ? body : this.#bodyOf(body, line), decoded: false };
    }
  }

  #bodyOf(body: string, line: number): string {
    const reader = new Reader(body, this.#variables, this.#budget, this.#depth + 1, line);
    const value = reader.quoted('\0');
    this.pipelines.push(...reader.pipelines);
    return value;
  }

  #blanks(): void { while (' \t'.includes(this.#text[this.#at] ?? '\n')) this.#at++; }

  /** To the closing sign, quotes and nested brackets passed over; stands on it, or at the end. */
  #skipTo(close: string): void {
    const text = this.#text;
    const open = close === ')' ? '(' : '{';
    let depth = 0;
    for (; this.#at < text.length; this.#at++) {
      const c = text[this.#at]!;
      if (c === '\\') this.#at++;
      else if (c === "'" && close === ')') { const end = text.indexOf("'", this.#at + 1); if (end < 0) continue; this.#at = end; }
      else if (c === open) depth++;
      else if (c === close && depth-- === 0) return;
    }
    this.#at = Math.min(this.#at, text.length);
  }

  #skipArithmetic(): void {
    this.#at += 2;
    this.#skipTo(')');
    this.#at += this.#text[this.#at + 1] === ')' ? 2 : 1;
  }

  #skipTest(): void {
    while (this.#at < this.#text.length) {
      this.#blanks();
      const c = this.#text[this.#at];
      if (c === '\n' || c === ';') return;
      const start = this.#at;
      const { fields, plain } = this.#readWord();
      if (plain && fields[0] === ']]') return;
      if (this.#at === start) this.#at++;
    }
  }

  /** `case WORD in`; patterns begin behind it. */
  #caseHead(): void {
    for (let words = 0; words < 20 && this.#at < this.#text.length; words++) {
      while (' \t\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
      const start = this.#at;
      const { fields, plain } = this.#readWord();
      if (plain && fields[0] === 'in') { this.#cases.push('pattern'); return; }
      if (this.#at === start) return;
    }
  }

  /** A pattern of `case` up to its bracket, or `esac`. */
  #pattern(): void {
    const text = this.#text;
    while (' \t\r\n'.includes(text[this.#at] ?? 'x')) this.#at++;
    if (text[this.#at] === '#') { const end = text.indexOf('\n', this.#at); this.#at = end < 0 ? text.length : end; return; }
    if (text[this.#at] === '(') this.#at++;
    while (this.#at < text.length && text[this.#at] !== ')') {
      const start = this.#at;
      const { fields, plain } = this.#readWord();
      if (plain && fields[0] === 'esac') { this.#cases.pop(); this.#close(); return; }
      if (this.#at === start) this.#at++;
    }
    this.#at++;
    if (this.#cases.length > 0) this.#cases[this.#cases.length - 1] = 'body';
  }

  /** After `)`, `}`, `done`, `fi`: a pipe that follows takes the output of the last command in it. */
  #close(): void {
    this.#endPipeline();
    if (this.#cases.at(-1) === 'pattern') return;
    this.#blanks();
    if (this.#text[this.#at] !== '|' || this.#text[this.#at + 1] === '|') return;
    const last = this.pipelines.at(-1);
    if (last) { this.pipelines.pop(); this.#pipeline = last; }
    this.#at += this.#text[this.#at + 1] === '&' ? 2 : 1;
  }

  #pipe(): void { this.#endCommand(); }

  #endCommand(): void {
    const command = this.#command;
    this.#command = blank(this.#line, this.#at);
    const { words, env } = command;
    if (words.length === 0) {
      for (const [name, value] of env) this.#variables.set(name, value);
      // Assignments and the redirections of `done < file` start nothing; what stands in `$( )` is in the list already.
      return;
    }
    if (declaring.has(words[0] ?? '')) this.#declare(words);
    // The first value stands for all that a loop goes through.
    if (words[0] === 'for' && words[2] === 'in' && words[1] !== undefined) { if (words[3] !== undefined) this.#variables.set(words[1], words[3]); return; }
    if (words[0] === 'read') for (const name of words.slice(1)) this.#variables.delete(name);
    if (this.#budget.commands-- <= 0) { this.#budget.cut = true; return; }
    this.#pipeline.push(command);
  }

  #declare(words: string[]): void {
    for (const [i, word] of words.entries()) {
      const found = assignment.exec(word);
      // `NAME=value; export NAME` says the same as `export NAME=value`.
      const value = found ? undefined : this.#variables.get(word);
      if (i > 0 && value !== undefined && value.length < 4096) words[i] = `${word}=${value}`;
      if (found && i > 0) this.#variables.set(found[1]!, this.#assign(found[1]!, word.slice(found[0].length), found[2] === '+'));
    }
  }

  #endPipeline(): void {
    this.#endCommand();
    if (this.#pipeline.length > 0) this.pipelines.push(this.#pipeline);
    this.#pipeline = [];
  }
}

/** What all put out one after the other; undefined when one of them cannot be told. */
function outputOfAll(pipelines: readonly Pipeline[]): Output | undefined {
  let text = '';
  let decoded = false;
  for (const pipeline of pipelines) {
    if (pipeline.every(({ words }) => words.length === 0)) continue;
    const output = outputOfPipeline(pipeline, pipeline.length);
    if (output === undefined) return undefined;
    text += output.text;
    decoded ||= output.decoded;
    if (text.length > valueMax) return undefined;
  }
  return { text, decoded };
}

/** What the first `count` commands of a pipeline put out. */
export function outputOfPipeline(pipeline: Pipeline, count: number): Output | undefined {
  const output = outputOf(pipeline.slice(0, count).map(({ words, input }) => ({ words: words.some((word) => word.includes(unknown)) ? [unknown] : words, input: input?.text })));
  return output && { text: output.text, decoded: output.decoded || pipeline.slice(0, count).some(({ input }) => input?.decoded === true) };
}

/** Decoded bytes read as UTF-8; text of the script itself as it is. */
export function textOfOutput({ text, decoded }: Output): string {
  return decoded && /[\x80-\xff]/.test(text) && !/[\u0100-\uffff]/.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text;
}
