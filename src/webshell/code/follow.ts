/**
 * Follows values through the tree: texts are folded where they are certain, what a visitor sends is followed through names, calls and
 * functions to where it does harm. It forgets nothing a name ever held within its function, so the order of branches does not matter.
 */
import type { Level } from '../../core/level.ts';
import { LimitError, type Budget, type Place, type Sign, type SignKind } from '../sign.ts';
import { titles } from '../titles.ts';
import type { Code } from './tree.ts';

type FunctionCode = Extract<Code, { k: 'function' }>;

/** request: a visitor's; remote: another machine's answer. */
export type Origin = 'request' | 'remote';
export interface Taint { origin: Origin; at: number }

export interface Value {
  text?: string;
  number?: number;
  list?: readonly Value[];
  /** What it is by name: `Runtime.getRuntime()`, `child_process.exec`. */
  path?: string;
  taint?: Taint;
  /** Of a tainted text: what is known to stand before. */
  before?: string;
  /** Its text was decoded or put together of pieces. */
  hidden?: boolean;
  /** It was decoded, not only put together. */
  packed?: boolean;
  run?: FunctionCode;
  /** A file of this name is open for writing. */
  file?: Value;
}

/**
 * text  a command for a shell or code: what stands before the visitor's part weighs
 * list  program and arguments, no shell
 * code  code
 * any   arriving is enough
 */
export type SinkShape = 'text' | 'list' | 'code' | 'any';
export interface Sink { path: RegExp; kind: SignKind; shape: SinkShape; /** Arguments that count; default all. */ args?: readonly number[]; /** The object it is called on counts. */ self?: boolean; /** Default critical. */ level?: Level; origins?: readonly Origin[]; /** Only when the file that is written is a visitor's choice or matches. */ toFile?: RegExp; /** Only when what stands before the visitor's part matches. */ before?: RegExp }

export interface Dialect {
  /** Makes paths comparable: lower case, prefixes taken away. */
  normal(path: string): string;
  /** Paths whose value, or whose call's value, comes from outside. */
  source(path: string, args: readonly Value[] | undefined): Origin | undefined;
  sinks: readonly Sink[];
  /** Calls whose value can be told; undefined when not. */
  fold(path: string, args: readonly Value[], self: Value | undefined, budget: Budget): Value | undefined;
  /** Calls whose value holds nothing of what went in. */
  clean: RegExp;
  /** Code in a text that is run, to be followed among the names around it. */
  parse?(code: string, budget: Budget): Code[];
  /** Code hidden in a text that is run: read again, one layer deeper. */
  again?(code: string): Sign[];
  /** Calls that put what they read into their arguments. */
  reads?: RegExp;
  /** Tables out of which harm can be reached by name: namespaces, modules, copies of them, and what nothing is known of. Without it every table is one. */
  reaches?: RegExp;
  /** Calls that keep a value under the name that their first argument tells, and those that give it back. */
  keeps?: { put: RegExp; get: RegExp };
  /** What the first parameter of a function stands for that is handed to this call, whatever its author names it. */
  handed?(path: string, args: readonly Value[]): string | undefined;
  /** What a page writes or loads, when its text was hidden. */
  shown?(path: string, value: Value): Sign[];
}

const functionDepthMax = 5;
/** Texts run within texts, and their length. */
const layersMax = 3;
const withinMax = 20_000;
/** How often one function is followed anew. */
const timesMax = 60;
const signsMax = 40;
const listMax = 4096;
/** Of one file that are remembered. */
const pathsMax = 20_000;
const keeps = /\.(?:append|add|push|put|set|write|insert|update|concat|unshift|load|addAll|setProperty|command|writeBytes|addElement|extend|unshift|loadXml|setString)$/i;

const shellBefore = /(?:^|[\s;&|/\\("'])(?:(?:ba|da|z|k|c|a)?sh|cmd(?:\.exe)?|powershell(?:\.exe)?|pwsh)["']?(?:\s+[-/]\w+)+\s*["']?[\0\s]*$/i;
const hostile = /\/dev\/(?:tcp|udp)\/|\bmkfifo\b[^\n]{0,200}\b(?:nc|ncat|openssl|telnet)\b|\b(?:nc|ncat)\b[^\n|;]{0,80}\s-(?:e|c)\s|\b(?:curl|wget)\b[^\n;]{0,200}\|\s*(?:sudo\s+)?(?:ba|da)?sh\b|\bsocket\b[^\n]{0,300}\bdup2\b|\bxmrig\b|stratum\+tcp:/i;
export const hostileCommand = (text: string): boolean => hostile.test(text);

class Scope {
  readonly names = new Map<string, Value>();
  readonly outer: Scope | undefined;
  constructor(outer: Scope | undefined) { this.outer = outer; }
  find(name: string): Scope | undefined { return this.names.has(name) ? this : this.outer?.find(name); }
}

export class Follower {
  readonly signs = new Map<string, Sign>();
  readonly #dialect: Dialect;
  readonly #budget: Budget;
  readonly #placeOf: (at: number) => Place;
  readonly #functions = new Map<string, { code: FunctionCode; scope: Scope }>();
  readonly #times = new Map<FunctionCode, number>();
  readonly #called = new Set<FunctionCode>();
  readonly #paths = new Map<string, { path: string; origin: Origin | undefined }>();
  readonly #sinks = new Map<string, readonly Sink[]>();
  #scope = new Scope(undefined);
  #depth = 0;
  #layers = 0;
  /** Of the line that runs the text we are in. */
  #outer: Place | undefined;
  #nesting = 0;
  #returned: Value[] = [];
  /** Of `keeps`: a session outlives the function that fills it. */
  readonly #kept = new Map<string, Value>();

  constructor(dialect: Dialect, budget: Budget, place: (at: number) => Place) { this.#dialect = dialect; this.#budget = budget; this.#placeOf = place; }

  #place(at: number): Place { return this.#outer ?? this.#placeOf(at); }

  /** Twice: what a later function leaves in a name, an earlier one finds. */
  run(codes: readonly Code[]): void {
    for (let pass = 0; pass < 2; pass++) {
      this.#all(codes);
      for (const { code, scope } of Array.from(this.#functions.values())) if (!this.#called.has(code)) this.#invoke(code, [], scope);
    }
  }

  #all(codes: readonly Code[]): Value[] { return codes.map((code) => this.#value(code)); }

  #value(code: Code): Value {
    this.#budget.spend();
    if (++this.#nesting > this.#budget.limits.depth * 4) { this.#nesting = 0; throw new LimitError('depth'); }
    const value = this.#valueOf(code);
    this.#nesting--;
    return value;
  }

  #valueOf(code: Code): Value {
    switch (code.k) {
      case 'text': return code.coded ? this.#coded(code.text, code.at) : { text: code.text };
      case 'number': return Number.isNaN(code.number) ? {} : { number: code.number };
      case 'name': return this.#named(code.name, code.at);
      case 'member': {
        const of = this.#value(code.of);
        return this.#member(of, code.name, code.at);
      }
      case 'index': return this.#index(this.#value(code.of), this.#value(code.key), code.at);
      case 'join': return this.#join(code.parts.map((part) => this.#value(part)));
      case 'list': { const list = this.#all(code.parts); return { list: list.slice(0, listMax), ...taintOf(list) }; }
      case 'mix': {
        const parts = this.#all(code.parts);
        // `a || b`: what is known of one of them is worth following.
        const [known] = parts.filter((one) => one.run ?? one.path);
        return { ...(known?.path !== undefined && { path: known.path }), ...(known?.run && { run: known.run }), ...taintOf(parts) };
      }
      case 'test': this.#all(code.parts); return {};
      case 'set': return this.#set(code.to, this.#value(code.value));
      case 'function': if (code.name !== '') this.#functions.set(code.name, { code, scope: this.#scope }); else this.#functions.set(`\0${code.at}`, { code, scope: this.#scope }); return { run: code };
      case 'return': { const value = this.#value(code.value); this.#returned.push(value); return value; }
      case 'call': return this.#call(code);
      default: return code satisfies never;
    }
  }

  /** A text whose letters are written as numbers: what it says is told where it is dangerous by itself. */
  #coded(text: string, at: number): Value {
    const value: Value = { text, hidden: true, packed: true };
    for (const sign of this.#dialect.shown?.('coded', value) ?? []) this.#show(sign, value, at);
    return value;
  }

  #show(sign: Sign, value: Value, at: number): void { this.signs.set(`shown ${this.#place(at).line}`, { ...sign, sink: this.#place(at), decoded: sign.decoded ?? value.text!.slice(0, 300), attack: ['T1027'] }); }

  #named(name: string, at: number): Value {
    const held = this.#scope.find(name)?.names.get(name);
    if (held) return held;
    const { path, origin } = this.#pathOf(name);
    const own = this.#functions.get(name);
    const value: Value = { path };
    if (own) value.run = own.code;
    if (origin) value.taint = { origin, at };
    return value;
  }

  #index(of: Value, key: Value, at: number): Value {
    if (key.text !== undefined) { const value = this.#member(of, key.text, at); if (key.hidden && value.path) value.hidden = true; return value; }
    if (key.number !== undefined && of.list) return of.list[key.number] ?? {};
    if (key.number !== undefined && of.text !== undefined) { const char = of.text[key.number]; if (char !== undefined) return { text: char, hidden: true }; }
    const taint = of.taint ?? key.taint;
    const value: Value = {};
    const table = of.path ?? (key.taint && this.#harmIn(of));
    if (table !== undefined) value.path = key.taint && (of.taint === undefined || table.endsWith('[?]')) ? `${table}[?]` : `${table}[]`;
    if (taint) value.taint = taint;
    return value;
  }

  /** What a table that was written out holds of what does harm: `{ ...child_process }`, `{ run: child_process.exec }`. */
  #harmIn({ list = [] }: Value): string | undefined {
    const paths = list.flatMap((one) => [one.path, one.list?.[0]?.path]);
    return paths.find((path) => path !== undefined && (this.#dialect.reaches?.test(path) || this.#sinksOf(path).length > 0));
  }

  /** A path made comparable, and whether it comes from outside: the same few are asked for again and again. */
  #pathOf(written: string): { path: string; origin: Origin | undefined } {
    let known = this.#paths.get(written);
    if (!known) {
      const path = this.#dialect.normal(written);
      known = { path, origin: this.#dialect.source(path, undefined) };
      if (this.#paths.size < pathsMax) this.#paths.set(written, known);
    }
    return known;
  }

  #sinksOf(path: string): readonly Sink[] {
    let known = this.#sinks.get(path);
    if (!known) {
      known = this.#dialect.sinks.filter((sink) => sink.path.test(path));
      if (this.#sinks.size < pathsMax) this.#sinks.set(path, known);
    }
    return known;
  }

  #member(of: Value, name: string, at: number): Value {
    if (name === 'length' || name === 'Length') return of.text !== undefined ? { number: of.text.length } : {};
    const inList = of.list?.find((one) => one.path === `=${name}`);
    if (inList?.list?.[0]) return inList.list[0];
    const { path, origin } = this.#pathOf(of.path === undefined ? `?.${name}` : `${of.path}.${name}`);
    const value: Value = { path };
    if (origin) value.taint = { origin, at }; else if (of.taint) value.taint = of.taint;
    if (of.before !== undefined) value.before = of.before;
    if (of.hidden) value.hidden = true;
    if (of.file) value.file = of.file;
    return value;
  }

  #join(parts: readonly Value[]): Value {
    const taint = taintOf(parts);
    if (parts.length > 0 && !taint.taint && parts.every((part) => part.text !== undefined || part.number !== undefined)) {
      if (parts.every((part) => part.number !== undefined)) return { number: parts.reduce((sum, part) => sum + part.number!, 0) };
      const length = parts.reduce((sum, part) => sum + textOf(part)!.length, 0);
      if (!this.#budget.fits(length)) return {};
      this.#budget.text(length);
      return { text: parts.map((part) => textOf(part)!).join(''), hidden: true, ...((parts.some(({ packed }) => packed) || cutAddress(parts)) && { packed: true }) };
    }
    if (parts.length === 0) return { text: '' };
    let before = '';
    for (const part of parts) {
      if (part.taint) { before += part.before ?? ''; break; }
      before += textOf(part) ?? part.before ?? '\0';
    }
    return { ...taint, before: before.slice(-400) };
  }

  #set(to: Code, value: Value): Value {
    switch (to.k) {
      case 'name': this.#assign(to.name, value); break;
      case 'list': {
        for (const [i, part] of to.parts.entries()) {
          // const { exec } = require('child_process')
          if (part.k === 'name' && value.list === undefined && value.path !== undefined && !value.taint) this.#assign(part.name, this.#member(value, part.name, to.at));
          else if (part.k === 'set' && part.to.k === 'name') this.#assign(part.to.name, value.path === undefined ? value : this.#member(value, part.value.k === 'name' ? part.value.name : '', to.at));
          else this.#set(part, value.list?.[i] ?? { ...(value.taint && { taint: value.taint }) });
        }
        break;
      }
      case 'call': { const slot = slotOf(to); if (slot !== undefined && value.taint) this.#assign(slot, value); } if (to.args.length > 0) this.#set(to.args.at(-1)!, value); else this.#value(to); break; // String c
      case 'test': case 'mix': case 'join': if (to.parts.length > 0) this.#set(to.parts.at(-1)!, value); break;
      case 'set': this.#set(to.to, value); break;
      case 'member': case 'index': {
        const of = this.#value(to.of);
        const key = to.k === 'member' ? to.name : this.#value(to.key).text;
        const name = nameOf(to);
        if (key !== undefined && name !== '') this.#assign(name, value);
        if (value.run && key !== undefined) { const origin = this.#dialect.source(`${this.#dialect.normal(`${of.path ?? '?'}.${key}`)}=>`, undefined); if (origin) this.#invoke(value.run, value.run.params.map((): Value => ({ taint: { origin, at: to.at } })), this.#scope); }
        if (value.taint && to.of.k === 'name' && !value.run && of.path === undefined) this.#assign(to.of.name, { ...of, taint: of.taint ?? value.taint });
        if (key !== undefined) this.#sink(`${this.#dialect.normal(`${of.path ?? '?'}.${key}`)}=`, [value], of, to.at);
        break;
      }
      default: this.#value(to);
    }
    return value;
  }

  #assign(name: string, value: Value): void {
    const scope = this.#scope.find(name) ?? this.#scope;
    const before = scope.names.get(name);
    scope.names.set(name, before?.taint && !value.taint ? { ...value, taint: before.taint, ...(before.before !== undefined && { before: before.before }) } : value);
  }

  #call(code: Extract<Code, { k: 'call' }>): Value {
    // What it is called on is worked out once: twice for each call of a chain would double with its length.
    const self = code.fn.k === 'member' || code.fn.k === 'index' ? this.#value(code.fn.of) : undefined;
    const fn = code.fn.k === 'member' ? this.#held(code.fn) ?? this.#member(self!, code.fn.name, code.fn.at)
      : code.fn.k === 'index' ? this.#index(self!, this.#value(code.fn.key), code.fn.at) : this.#value(code.fn);
    const args = this.#all(code.args);
    let path = fn.path ?? '?';
    if (code.made) path = this.#dialect.normal(`new ${path}`);
    else if (/^new [\w.]+$/.test(path) && code.fn.k === 'name') path = `${path}()`; // what was made is called
    this.#sink(path, args, self ?? fn, code.at, fn.hidden === true);
    for (const arg of args) if (arg.run && !this.#called.has(arg.run)) { const origins = this.#dialect.source(`${path}()>`, args); this.#invoke(arg.run, origins ? [{ taint: { origin: origins, at: code.at } }] : this.#handed(path, args) ?? (self?.taint ? [{ taint: self.taint }] : []), this.#scope); }
    const slot = slotOf(code);
    const kept = slot === undefined ? undefined : this.#scope.find(slot)?.names.get(slot);
    if (kept) return kept;
    const named = args[0]?.text;
    if (named !== undefined && this.#dialect.keeps?.put.test(path) && args[1] && this.#kept.size < pathsMax) { const was = this.#kept.get(named); this.#kept.set(named, was?.taint && !args[1].taint ? was : args[1]); }
    const again = named !== undefined && this.#dialect.keeps?.get.test(path) ? this.#kept.get(named) : undefined;
    if (again) return again;
    const origin = this.#dialect.source(`${path}()`, args);
    if (origin && (origin === 'request' || !taintOf(args).taint)) return { path: `${path}()`, taint: { origin, at: code.at } };
    if (fn.taint && !self) this.#callback(fn, args, code.at);
    const taint = taintOf(self ? [...args, self] : args);
    if (self && code.fn.k === 'index' && fn.taint && fn.path?.endsWith('[?]')) this.#callback(fn, args, code.at);
    // Functions of its own.
    const last = code.fn.k === 'member' ? code.fn.name : code.fn.k === 'name' ? code.fn.name : undefined;
    const own = fn.run ? { code: fn.run, scope: this.#functions.get(fn.run.name)?.scope ?? this.#scope } : last === undefined ? undefined : this.#functions.get(last);
    if (own && !(code.made && !own)) return { ...this.#invoke(own.code, args, own.scope), ...(code.made && { path }) };
    const folded = this.#dialect.fold(path, args, self, this.#budget);
    if (folded) return folded;
    if (this.#dialect.clean.test(path)) return {};
    const [held] = code.fn.k === 'member' && code.fn.of.k === 'name' ? [code.fn.of.name] : [];
    if (held !== undefined && taintOf(args).taint && keeps.test(path)) { const was = this.#value({ k: 'name', name: held, at: code.at }); this.#assign(held, { ...was, taint: taintOf(args).taint!, before: was.before ?? was.text ?? '' }); }
    if (this.#dialect.reads?.test(path)) {
      const from = self?.taint ?? taintOf(args).taint;
      if (from) for (const arg of code.args) if (arg.k === 'name') this.#assign(arg.name, { ...this.#value(arg), taint: from });
    }
    const opens = (code.made ? /File|RandomAccess|StreamWriter/i : /(?:createtextfile|opentextfile|fopen|^open|createwritestream)$/i).test(path) ? args[0] : undefined;
    return { path: code.made ? path : `${path}()`, ...taint, ...(opens && { file: opens }), ...(self?.file && { file: self.file }), ...(args[0]?.file && { file: args[0].file }) };
  }

  #handed(path: string, args: readonly Value[]): Value[] | undefined {
    const stands = this.#dialect.handed?.(path, args);
    return stands === undefined ? undefined : [{ path: stands }];
  }

  /** What was put into a member under its whole name. */
  #held(code: Extract<Code, { k: 'member' }>): Value | undefined {
    const name = nameOf(code);
    return name === '' ? undefined : this.#scope.find(name)?.names.get(name);
  }

  #invoke(code: FunctionCode, args: readonly Value[], outer: Scope): Value {
    this.#called.add(code);
    // What nothing certain and nothing from outside goes into tells the same each time.
    const times = this.#times.get(code) ?? 0;
    if (this.#depth >= functionDepthMax || times >= timesMax || (times > 1 && !args.some((arg) => arg.taint ?? arg.text ?? arg.run))) return taintOf(args);
    this.#times.set(code, times + 1);
    const was = this.#scope;
    const returnedBefore = this.#returned;
    this.#scope = new Scope(outer);
    this.#returned = [];
    this.#depth++;
    try {
      for (const [i, name] of code.params.entries()) if (name !== '') {
        const given = args[i];
        const origin = given ? undefined : this.#dialect.source(`>${name}`, undefined) ?? this.#dialect.source(`>${code.name}()`, undefined);
        this.#scope.names.set(name, given ?? { path: this.#dialect.normal(name), ...(origin && { taint: { origin, at: code.at } }) });
      }
      this.#scope.names.set('$_', { list: args, ...taintOf(args) });
      const values = this.#all(code.body);
      const results = this.#returned.length > 0 ? this.#returned : this.#scope.names.has(code.name) ? [this.#scope.names.get(code.name)!] : values.slice(-1);
      if (results.length === 1) return results[0]!;
      return taintOf(results);
    } finally {
      this.#depth--;
      this.#scope = was;
      this.#returned = returnedBefore;
    }
  }

  #callback(fn: Value, args: readonly Value[], at: number): void {
    if (fn.taint?.origin !== 'request' || !taintOf(args).taint || !fn.path?.endsWith('[?]')) return;
    // Out of a table of its own a visitor chooses among what the program put there: worth knowing, and how most programs tell requests apart.
    const table = fn.path.replace(/(?:\[\?\])+$/, '');
    const { reaches } = this.#dialect;
    this.sign('callback', !reaches || reaches.test(table) || this.#sinksOf(table).length > 0 ? 'high' : 'low', at, fn.taint);
  }

  #sink(path: string, args: readonly Value[], self: Value | undefined, at: number, hidden = false): void {
    if (this.#dialect.shown) for (const arg of args) if (arg.packed) for (const sign of this.#dialect.shown(path, arg)) this.#show(sign, arg, at);
    for (const sink of this.#sinksOf(path)) {
      const counted = sink.args ? sink.args.flatMap((i) => (args[i] ? [args[i]] : [])) : args;
      const all = sink.self && self ? [self, ...counted] : counted;
      if (sink.toFile) {
        const file = self?.file ?? args.find((one) => one.file)?.file ?? (sink.args ? args[0] : undefined);
        if (!file || /(?:^|\.)(?:join|resolve)\(\)$/.test(file.path ?? '') || !(file.taint?.origin === 'request' || sink.toFile.test(textOf(file) ?? file.before ?? ''))) continue;
      }
      const given = all.find((one) => one.taint && (sink.origins ?? ['request']).includes(one.taint.origin) && (!sink.before || sink.before.test(one.before ?? '')));
      if (given) { this.#arrived(sink, given, counted, at); continue; }
      const remote = all.find((one) => one.taint?.origin === 'remote');
      if (remote) {
        if (sink.shape === 'code') this.sign('remote', 'high', at, remote.taint);
        else if (sink.kind === 'command' && commandWorth(sink.shape, remote, counted) === 'critical') this.sign('connect', 'high', at, remote.taint);
        continue;
      }
      for (const one of all) {
        const texts = sink.shape === 'list' && one.list ? [one.list.map((part) => textOf(part) ?? '\0').join(' ')] : one.text === undefined ? [] : [one.text];
        for (const text of texts) {
          if (sink.shape === 'code' && text.length > 8) { if (one.hidden) this.#hiddenCode(text, at); if (sink.kind === 'code') this.#within(text, at); }
          else if (sink.kind === 'command' && hostileCommand(text)) this.sign('connect', 'critical', at, undefined, text);
        }
      }
      if (hidden && sink.shape === 'code' && sink.kind === 'code' && all.length > 0 && all.every((one) => one.text === undefined || one.hidden)) this.sign('hidden', 'medium', at, undefined, path);
    }
  }

  #arrived(sink: Sink, given: Value, args: readonly Value[], at: number): void {
    if (sink.kind === 'command' && sink.shape !== 'any') {
      const level = commandWorth(sink.shape, given, args);
      if (level) this.sign('command', level, at, given.taint, given.before?.includes('\0') || !given.before ? undefined : `${given.before}…`);
      return;
    }
    this.sign(sink.kind, sink.level ?? 'critical', at, given.taint);
  }

  /** Code in a text sees the names around it: what it does with them is told at the line that runs it. */
  #within(text: string, at: number): void {
    if (!this.#dialect.parse || this.#layers >= layersMax || text.length > withinMax) return;
    const was = this.#outer;
    this.#outer ??= this.#place(at);
    this.#layers++;
    try { this.#all(this.#dialect.parse(text, this.#budget)); } finally { this.#layers--; this.#outer = was; }
  }

  #hiddenCode(text: string, at: number): void {
    const inner = this.#dialect.again?.(text) ?? [];
    const [worst] = [...inner].sort((a, b) => rank(b.level) - rank(a.level));
    if (worst) this.signs.set(`hidden ${this.#place(at).line}`, { ...worst, title: worst.title, sink: this.#place(at), decoded: worst.sink.text || text.slice(0, 300), attack: ['T1027'] });
  }

  sign(kind: SignKind, level: Level, at: number, taint?: Taint, decoded?: string): void {
    const sink = this.#place(at);
    const key = `${kind} ${sink.line}`;
    const known = this.signs.get(key);
    if (known && rank(known.level) >= rank(level)) return;
    if (this.signs.size >= signsMax) return;
    this.signs.set(key, { kind, level, title: titles[kind], sink, ...(taint && { source: this.#place(taint.at) }), ...(decoded !== undefined && { decoded: decoded.slice(0, 300) }) });
  }
}

const rank = (level: Level): number => ['info', 'low', 'medium', 'high', 'critical'].indexOf(level);

/** Whole: any command; within one of somebody else's making: a flaw. Arguments of a fixed program are no command. */
function commandWorth(shape: SinkShape, given: Value, args: readonly Value[]): Level | undefined {
  const flat = args.flatMap((arg) => arg.list ?? [arg]);
  if (shape === 'list' || args.some((arg) => arg.list)) {
    const first = flat.findIndex((one) => one.taint);
    if (first < 0) return undefined;
    const before = flat.slice(0, first).map((one) => textOf(one) ?? '\0').join(' ');
    if (first === 0) return beforeWorth(flat[0]!.before ?? '');
    const own = flat[first]!.before ?? '';
    return shellBefore.test(`${before} ${own}`.replaceAll('\0', '').trimEnd() + ' ') ? 'critical' : shellBefore.test(`${before} `) ? beforeWorth(own) : undefined;
  }
  return beforeWorth(given.before ?? '');
}

function beforeWorth(before: string): Level {
  const clean = before.replaceAll('\0', '').trim();
  return clean === '' || /[;&|(`]$/.test(clean) || /^[-/][ck]\s?["']?$/i.test(clean) || shellBefore.test(`${clean} `) || /^cd\s[^;&|]*[;&|]+$/.test(clean) ? (before.includes('\0') && clean === '' ? 'high' : 'critical') : 'medium';
}

/** An address whose scheme was cut in pieces: nobody does so who has nothing to hide. */
export const cutAddress = (parts: readonly Value[]): boolean => /^h(?:t{1,2})?$/i.test(parts[0]?.text ?? '') && /^https?:\/\//i.test(parts.slice(0, 20).map((part) => textOf(part) ?? '').join(''));

export const textOf = (value: Value): string | undefined => value.text ?? (value.number === undefined ? undefined : String(value.number));
function taintOf(values: readonly Value[]): { taint?: Taint; before?: string } {
  const found = values.find((one) => one.taint?.origin === 'request') ?? values.find((one) => one.taint);
  return found?.taint ? { taint: found.taint, ...(found.before !== undefined && { before: found.before }) } : {};
}

/** What VBScript keeps under a name: `Session("x")`, `d.Item("x")`. */
const slotOf = (code: Extract<Code, { k: 'call' }>): string | undefined => { const [key] = code.args; return !code.made && code.args.length === 1 && key?.k === 'text' && nameOf(code.fn) !== '' ? `${nameOf(code.fn)}(${key.text.slice(0, 100)})` : undefined; };

/** `a.b.c` of plain names; empty for anything else. */
function nameOf(code: Code): string {
  if (code.k === 'name') return code.name;
  if (code.k === 'member') { const of = nameOf(code.of); return of === '' ? '' : `${of}.${code.name}`; }
  if (code.k === 'index' && code.key.k === 'text') { const of = nameOf(code.of); return of === '' ? '' : `${of}.${code.key.text}`; }
  return '';
}
