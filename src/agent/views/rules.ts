/** Rules as they are loaded, each explained; the matrices; and rules of the user's own, checked, tried against the stored events, and saved. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import * as z from 'zod';
import { behaviours } from '../../behaviours/catalogue.ts';
import { MoatError } from '../../core/error.ts';
import type { Event } from '../../core/gen/event.ts';
import type { Store } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { eventJson } from '../../engine/event-json.ts';
import { cellTechniques, matrixCells, techniqueText } from '../../engine/incident/matrix.ts';
import { tacticsOf } from '../../engine/response/tactics.ts';
import { compile, parse, type Correlation, type Match, type Rule } from '../../sigma/index.ts';
import type { Config } from '../config-schema.ts';
import { behaviourSetups, binding, type LoadedRules, loadRules, ownRules } from '../detector.ts';
import type { CheckEntry } from '../scan.ts';
import { nameOf, sourceOf } from './alert.ts';

export interface RulesViewOptions { store: Store; config: () => Config; rules: () => LoadedRules; checks: () => Promise<readonly CheckEntry[]>; folder: string; now: () => number; /** Reads the rules anew; undefined when all went well. */ reloadRules: () => Promise<Text | undefined> }

const textMax = 64 * 1024;
const ownMost = 500;
const samplesMost = 20;
/** Of stored events that a rule is tried on, and how long, ms. */
const eventsMost = 500_000, tryMs = 20_000, turnEvery = 2000;
/** At a time: it is done between events, in the same thread. */
const tryMost = 2;
const cachedMs = 10_000;
const idPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const asked = z.strictObject({ text: z.string().max(textMax), hours: z.number().min(0.01).max(24 * 90).default(24) });

type Any = Rule | Correlation;
const attackOf = (tags: readonly string[]): string[] => tags.flatMap((tag) => (/^attack\.t\d{4}(?:\.\d{3})?$/i.test(tag) ? [tag.slice(7).toUpperCase()] : []));

export class RulesView {
  private readonly options: RulesViewOptions;
  private every: { of: LoadedRules; all: readonly Any[] } | undefined;
  private trying = 0;
  private counted: { at: number; counts: Map<string, { alerts: number; last: number }> } | undefined;

  constructor(options: RulesViewOptions) { this.options = options; }

  list(): object[] {
    const { config } = this.options;
    const off = new Set(config().rules.disable);
    const counts = this.counts();
    const loaded = this.options.rules().all.map((rule) => this.row(rule, true, counts));
    // Those that are switched off are not loaded: they are read for this list.
    const disabled = off.size === 0 ? [] : this.everyRule().filter(({ id, name }) => (id !== undefined && off.has(id)) || (name !== undefined && off.has(name))).map((rule) => this.row(rule, false, counts));
    const setups = new Set(behaviourSetups(config()).map(({ behaviour: { id } }) => id));
    return [...loaded, ...disabled, ...behaviours.map(({ id, title }) => ({ id: `behaviour.${id}`, kind: 'behaviour', title, tags: [], attack: [], enabled: setups.has(id), own: false, alerts: counts.get(`behaviour.${id}`)?.alerts ?? 0, ...lastOf(counts, `behaviour.${id}`) }))];
  }

  /** With those that are switched off. Reading them holds up events, so they are read once for all that is loaded. */
  private everyRule(): readonly Any[] {
    const loaded = this.options.rules();
    if (this.every?.of !== loaded) this.every = { of: loaded, all: loadRules([ownRules(), ...this.options.config().rules.dirs]).all };
    return this.every.all;
  }

  get(id: unknown): object {
    const counts = this.counts();
    if (typeof id === 'string' && id.startsWith('behaviour.')) {
      const found = behaviours.find((one) => `behaviour.${one.id}` === id);
      if (!found) throw notThere(id);
      const setup = behaviourSetups(this.options.config()).find(({ behaviour }) => behaviour.id === found.id);
      return {
        id, kind: 'behaviour', title: found.title, tags: [], attack: [], enabled: setup !== undefined, own: false, alerts: counts.get(id)?.alerts ?? 0, ...lastOf(counts, id), blind: found.blind, falsepositives: [], references: [],
        settings: Object.fromEntries(Object.entries(found.settings).map(([name, setting]) => [name, { value: setup?.settings[name] ?? setting.default, text: setting.text }])),
      };
    }
    const off = new Set(this.options.config().rules.disable);
    const all = [...this.options.rules().all, ...(off.size > 0 ? this.everyRule() : [])];
    const rule = all.find((one) => one.name === id || one.id === id || nameOf(one) === id);
    if (!rule) throw notThere(id);
    const yaml = sourceOf(rule.file);
    return {
      ...this.row(rule, !((rule.id !== undefined && off.has(rule.id)) || (rule.name !== undefined && off.has(rule.name))), counts), falsepositives: [...rule.falsepositives], references: [...rule.references],
      ...(yaml !== undefined && { yaml }), ...(rule.author !== undefined && { author: rule.author }), ...(rule.description !== undefined && { description: { zh: rule.description, en: rule.description } }),
      ...(rule.type === 'correlation' && { counts: { kind: rule.kind, rules: [...rule.rules], by: [...rule.groupBy], seconds: rule.timespan / 1000 } }),
    };
  }

  /** Parses and compiles, with nothing else. */
  check(argument: unknown): { ok: boolean; faults: object[]; rules: object[] } {
    const { rules, faults } = this.read(textOf(argument));
    return { ok: faults.length === 0 && rules.length > 0, faults: faults.map(({ line, code, message }) => ({ line, code, message })), rules: rules.map(({ id, name, title, level, type }) => ({ ...(id !== undefined && { id }), ...(name !== undefined && { name }), title, level, kind: type })) };
  }

  /** Over the stored events, the latest hours first asked for; stops at its bounds and says so. */
  async test(argument: unknown): Promise<object> {
    const { text, hours } = given(asked, argument);
    if (this.trying >= tryMost) throw new MoatError('busy', 'too many rules are being tried', { zh: '正在试跑的规则太多，请稍后' });
    this.trying++;
    try { return await this.tried(text, hours); } finally { this.trying--; }
  }

  private async tried(text: string, hours: number): Promise<object> {
    const { store, now } = this.options;
    const { rules, faults, engine } = this.read(text);
    const to = now(), from = to - hours * 3_600_000;
    const counts = new Map<string, number>(rules.map((rule) => [nameOf(rule), 0]));
    const samples: { rule: string; event: object }[] = [];
    let looked = 0, matched = 0;
    let cut: Text | undefined;
    if (faults.length === 0 && engine !== undefined) {
      const until = performance.now() + tryMs;
      const onMatch = (match: Match<Event>): void => {
        const name = nameOf(match.rule);
        matched++;
        counts.set(name, (counts.get(name) ?? 0) + 1);
        const event = match.events.at(-1);
        if (samples.length < samplesMost && event) samples.push({ rule: name, event: eventJson(event) });
      };
      for (const event of store.events.range(from, to)) {
        engine.evaluate(event, onMatch);
        if (++looked % turnEvery !== 0) continue;
        await turn();
        if (looked >= eventsMost) { cut = { zh: `只试了 ${eventsMost} 个事件`, en: `only ${eventsMost} events were tried` }; break; }
        if (performance.now() > until) { cut = { zh: `${tryMs / 1000} 秒内只试了 ${looked} 个事件`, en: `only ${looked} events could be tried in ${tryMs / 1000} s` }; break; }
      }
    }
    return { ok: faults.length === 0, faults: faults.map(({ line, code, message }) => ({ line, code, message })), looked, matched, from, to, ...(cut && { cut }), per_rule: [...counts].map(([rule, n]) => ({ rule, matched: n })), samples };
  }

  /** One document, in Moat's own folder for rules of the user's own; what is loaded from elsewhere is never overwritten. */
  async save(argument: unknown): Promise<object> {
    const { id, text } = given(z.strictObject({ id: z.string().regex(idPattern, 'expected letters, digits, _ and -'), text: z.string().max(textMax) }), argument);
    const { rules, faults } = this.read(text);
    const [fault] = faults;
    if (fault) throw new MoatError('bad-input', `line ${fault.line}: ${fault.message}`, { zh: `第 ${fault.line} 行：${fault.message}` });
    if (rules.length === 0) throw new MoatError('bad-input', 'expected a rule, got none', { zh: '没有规则' });
    if (!rules.some((rule) => nameOf(rule) === id || rule.id === id)) throw new MoatError('bad-input', `expected a rule whose name (or id) is ${id}`, { zh: `规则的 name（或 id）应为 ${id}` });
    const file = join(this.options.folder, `${id}.yml`);
    const other = this.options.rules().all.find((one) => one.file !== file && rules.some((rule) => nameOf(one) === nameOf(rule) || (one.id !== undefined && one.id === rule.id)));
    if (other) throw new MoatError('refused', `another rule is called so: ${other.file}`, { zh: `已有同名（或同编号）的规则：${basename(other.file)}`, hint: 'rules.disable' });
    const mine = this.options.rules().all.filter((rule) => rule.file.startsWith(`${this.options.folder}/`));
    if (!existsSync(file) && mine.length >= ownMost) throw new MoatError('full', `expected at most ${ownMost} rules of your own`, { zh: `自己的规则最多 ${ownMost} 条` });
    mkdirSync(this.options.folder, { recursive: true, mode: 0o700 });
    const fd = openSync(`${file}.new`, 'w', 0o600);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally { closeSync(fd); }
    renameSync(`${file}.new`, file);
    return this.live(id, file);
  }

  async remove(id: unknown): Promise<object> {
    const file = typeof id === 'string' && idPattern.test(id) ? join(this.options.folder, `${id}.yml`) : undefined;
    if (file === undefined || !existsSync(file)) throw notThere(id);
    rmSync(file);
    return this.live(String(id), file);
  }

  private async live(id: string, file: string): Promise<object> {
    const fault = await this.options.reloadRules();
    return { id, file: basename(file), live: fault === undefined, ...(fault && { note: { zh: `已保存，但未能生效：${fault.zh}`, en: `saved, but it does not hold yet: ${fault.en}` } }) };
  }

  async matrix(sinceMs: number): Promise<object> {
    const counts = new Map(this.options.store.ledger.ruleCounts(sinceMs).map(({ rule, ...rest }) => [rule, rest]));
    const found = new Map<string, { covered: { what: string; id: string; title: Text }[]; count: number; seen: number; last: number }>();
    const at = (technique: string) => {
      const known = found.get(technique);
      if (known) return known;
      const made = { covered: [], count: 0, seen: 0, last: 0 };
      found.set(technique, made);
      return made;
    };
    const add = (techniques: readonly string[], what: string, id: string, title: Text): void => {
      for (const technique of new Set(techniques)) {
        const row = at(technique), seen = counts.get(id);
        row.count++;
        if (row.covered.length < 50) row.covered.push({ what, id, title });
        if (seen) { row.seen += seen.alerts; row.last = Math.max(row.last, seen.last); }
      }
    };
    for (const rule of this.options.rules().all) add(attackOf(rule.tags), 'rule', nameOf(rule), textOfRule(rule));
    // Behaviours and checks name techniques in what they tell: those that were told are known.
    const told = new Map<string, Set<string>>();
    for (const { rule_id: id, attack } of this.options.store.ledger.alerts({ before: { time: Number.MAX_SAFE_INTEGER, id: '' }, limit: 2000, sinceMs })) {
      if (!id.startsWith('behaviour.') && !id.startsWith('check.')) continue;
      const set = told.get(id) ?? new Set();
      for (const one of attack) set.add(one);
      told.set(id, set);
    }
    const checks = await this.options.checks().catch(() => []);
    for (const [id, techniques] of told) {
      const title = behaviours.find((one) => `behaviour.${one.id}` === id)?.title ?? checks.find((one) => `check.${one.id}` === id)?.title ?? { zh: id, en: id };
      add([...techniques], id.startsWith('check.') ? 'check' : 'behaviour', id, title);
    }
    const techniques = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, { covered, count, seen, last }]) => ({ id, tactics: tacticsOf(id), name: techniqueText(id), covered, covered_count: count, seen, ...(last > 0 && { last }) }));
    return {
      since: sinceMs, techniques,
      cells: matrixCells.map(({ id, column, name }) => {
        const of = [...cellTechniques(id)];
        const within = techniques.filter((one) => of.some((technique) => one.id === technique || one.id.startsWith(`${technique}.`)));
        return { id, column, name, techniques: of, covered_count: within.reduce((n, one) => n + one.covered_count, 0), seen: within.reduce((n, one) => n + one.seen, 0) };
      }),
    };
  }

  private read(text: string): { rules: Any[]; faults: readonly { line: number; code: string; message: string }[]; engine: ReturnType<typeof compile<Event>> | undefined } {
    const parsed = parse([{ file: 'rule.yml', text }]);
    const names = new Set([...parsed.rules, ...parsed.correlations].flatMap(({ id, name }) => [id, name]));
    // A correlation may count rules that are loaded already.
    const others = this.options.rules().all.filter((one): one is Rule => one.type === 'rule' && !names.has(one.name) && !names.has(one.id) && parsed.correlations.some(({ rules }) => rules.some((wanted) => wanted === one.name || wanted === one.id)));
    const engine = parsed.errors.length > 0 ? undefined : compile({ ...parsed, rules: [...parsed.rules, ...others] }, binding);
    return { rules: [...parsed.rules, ...parsed.correlations], faults: [...parsed.errors, ...(engine?.errors ?? [])], engine };
  }

  private row(rule: Any, enabled: boolean, counts: ReadonlyMap<string, { alerts: number; last: number }>): object {
    const id = nameOf(rule);
    return {
      id, kind: rule.type, title: textOfRule(rule), level: rule.level, ...(rule.status !== undefined && { status: rule.status }), tags: [...rule.tags], attack: attackOf(rule.tags), ...(rule.type === 'rule' && { logsource: rule.logsource }), file: basename(rule.file),
      enabled, own: rule.file.startsWith(`${this.options.folder}/`), alerts: counts.get(id)?.alerts ?? 0, ...lastOf(counts, id),
    };
  }

  private counts(): Map<string, { alerts: number; last: number }> {
    const now = this.options.now();
    if (this.counted && now - this.counted.at >= 0 && now - this.counted.at < cachedMs) return this.counted.counts;
    const counts = new Map(this.options.store.ledger.ruleCounts(0).map(({ rule, ...rest }) => [rule, rest]));
    this.counted = { at: now, counts };
    return counts;
  }
}

const lastOf = (counts: ReadonlyMap<string, { last: number }>, id: string): { last?: number } => { const found = counts.get(id); return found ? { last: found.last } : {}; };
const notThere = (id: unknown): MoatError => new MoatError('no-item', `expected the name of a rule, got ${String(id).slice(0, 100)}`, { zh: '没有这条规则' });
const textOf = (argument: unknown): string => given(z.strictObject({ text: z.string().max(textMax) }), argument).text;

function given<T>(shape: z.ZodType<T>, argument: unknown): T {
  const read = shape.safeParse(argument);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new MoatError('bad-input', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}
/** Our own rules carry the Chinese title beside. */
function textOfRule({ title, custom }: Any): Text {
  const zh = (custom as { zh?: unknown } | undefined)?.zh;
  return { zh: typeof zh === 'string' ? zh : title, en: title };
}
