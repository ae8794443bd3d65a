/** Rules as they are loaded, each explained; the matrices; and rules of the user's own, checked, tried against the stored events, and saved. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { behaviours } from '../../behaviours/catalogue.ts';
import { MoatError } from '../../core/error.ts';
import type { Store } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { cellOf, cellTechniques, matrixCells } from '../../engine/incident/matrix.ts';
import { techniqueText } from '../../engine/incident/technique-names.ts';
import { knownTechniques, tacticsOf } from '../../engine/response/tactics.ts';
import { wordsOf } from '../../engine/rule-words.ts';
import type { Config } from '../config-schema.ts';
import { behaviourSetups, type LoadedRules, loadRules, ownRules } from '../detector.ts';
import { coverage } from '../gen/coverage.ts';
import type { CheckEntry } from '../scan.ts';
import { nameOf, sourceOf } from './alert.ts';
import { faultZh } from '../../sigma/index.ts';
import { type AnyRule, given, type ReadRules, readRules, ruleTextTaken, shownFault } from './rule-text.ts';

export interface RulesViewOptions { store: Store; config: () => Config; rules: () => LoadedRules; checks: () => Promise<readonly CheckEntry[]>; folder: string; now: () => number; /** Reads the rules anew; undefined when all went well. */ reloadRules: () => Promise<Text | undefined> }

interface Covered { what: 'rule' | 'check' | 'behaviour'; id: string; title: Text; seen: number }

/** Told of one technique; how many there are is told whole. */
const coveredMost = 50;
const ownMost = 500;
/** Of a rule's latest alerts, looked through for false alarms. */
const judgedMost = 300;
const cachedMs = 10_000;
const idPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

const attackOf = (tags: readonly string[]): string[] => tags.flatMap((tag) => (/^attack\.t\d{4}(?:\.\d{3})?$/i.test(tag) ? [tag.slice(7).toUpperCase()] : []));

export class RulesView {
  private readonly options: RulesViewOptions;
  private every: { of: LoadedRules; all: readonly AnyRule[] } | undefined;
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
    return [...loaded, ...disabled, ...behaviours.map(({ id, title }) => ({ id: `behaviour.${id}`, kind: 'behaviour', title, tags: [], attack: [...coverage[`behaviour.${id}`] ?? []], enabled: setups.has(id), own: false, alerts: counts.get(`behaviour.${id}`)?.alerts ?? 0, ...lastOf(counts, `behaviour.${id}`) }))];
  }

  /** With those that are switched off. Reading them holds up events, so they are read once for all that is loaded. */
  private everyRule(): readonly AnyRule[] {
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
        id, kind: 'behaviour', title: found.title, tags: [], attack: [...coverage[id] ?? []], enabled: setup !== undefined, own: false, feeds: [], judged: this.judged(id), alerts: counts.get(id)?.alerts ?? 0, ...lastOf(counts, id), blind: found.blind, description: found.means, advice: found.advice, falsepositives: [], references: [],
        settings: Object.fromEntries(Object.entries(found.settings).map(([name, setting]) => [name, { value: setup?.settings[name] ?? setting.default, text: setting.text }])),
      };
    }
    const off = new Set(this.options.config().rules.disable);
    const all = [...this.options.rules().all, ...(off.size > 0 ? this.everyRule() : [])];
    const rule = all.find((one) => one.name === id || one.id === id || nameOf(one) === id);
    if (!rule) throw notThere(id);
    const yaml = sourceOf(rule.file);
    const { description, falsePositives, advice } = wordsOf(rule);
    return {
      ...this.row(rule, !((rule.id !== undefined && off.has(rule.id)) || (rule.name !== undefined && off.has(rule.name))), counts), feeds: this.feeders().get(rule) ?? [], judged: this.judged(nameOf(rule)), falsepositives: [...falsePositives], references: [...rule.references],
      ...(yaml !== undefined && { yaml }), ...(rule.author !== undefined && { author: rule.author }), ...(description && { description }), ...(advice && { advice }),
      ...(rule.type === 'correlation' && { counts: { kind: rule.kind, rules: [...rule.rules], by: [...rule.groupBy], seconds: rule.timespan / 1000 } }),
    };
  }

  /** Parses and compiles, with nothing else. */
  check(argument: unknown): { ok: boolean; faults: object[]; rules: object[] } {
    const { rules, faults } = this.read(textOf(argument));
    return { ok: faults.length === 0 && rules.length > 0, faults: faults.map(shownFault), rules: rules.map(({ id, name, title, level, type }) => ({ ...(id !== undefined && { id }), ...(name !== undefined && { name }), title, level, kind: type })) };
  }

  /** One document, in Moat's own folder for rules of the user's own; what is loaded from elsewhere is never overwritten. */
  async save(argument: unknown): Promise<object> {
    const { id, text } = given(z.strictObject({ id: z.string().regex(idPattern, 'expected letters, digits, _ and -'), text: z.string().max(ruleTextTaken) }), argument);
    const { rules, faults } = this.read(text);
    const [fault] = faults;
    if (fault) throw new MoatError('bad-input', `line ${fault.line}: ${fault.message}`, { zh: `第 ${fault.line} 行：${faultZh(fault.code, fault.message)}` });
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
    const { ledger } = this.options.store;
    const counts = new Map(ledger.ruleCounts(sinceMs).map(({ rule, ...rest }) => [rule, rest]));
    interface Row { covered: Covered[]; seen: number; last: number }
    const found = new Map<string, Row>();
    const at = (technique: string): Row => {
      const known = found.get(technique) ?? { covered: [], seen: 0, last: 0 };
      found.set(technique, known);
      return known;
    };
    const saw = (technique: string, { alerts, last }: { alerts: number; last: number }): void => {
      const row = at(technique);
      row.seen += alerts;
      row.last = Math.max(row.last, last);
    };
    // What nothing here covers is told as well.
    for (const technique of [...knownTechniques, ...matrixCells.flatMap(({ id }) => cellTechniques(id))]) at(technique);
    const loaded = new Set<string>();
    const feeders = this.feeders();
    for (const rule of this.options.rules().all) {
      // What raises no alert covers nothing; what counts it does.
      if (feeders.has(rule)) continue;
      const id = nameOf(rule), seen = counts.get(id);
      loaded.add(id);
      for (const technique of new Set(attackOf(rule.tags))) {
        at(technique).covered.push({ what: 'rule', id, title: wordsOf(rule).title, seen: seen?.alerts ?? 0 });
        if (seen) saw(technique, seen);
      }
    }
    // Behaviours, checks and rules that are gone say in each alert which techniques it was.
    const told = new Map<string, Map<string, number>>();
    for (const id of counts.keys()) {
      if (loaded.has(id)) continue;
      for (const { attack, ...rest } of ledger.attacksOf(id, sinceMs)) {
        for (const technique of attack) {
          saw(technique, rest);
          const by = told.get(id) ?? new Map<string, number>();
          told.set(id, by.set(technique, (by.get(technique) ?? 0) + rest.alerts));
        }
      }
    }
    const on = new Set(behaviourSetups(this.options.config()).map(({ behaviour: { id } }) => `behaviour.${id}`));
    const titles = new Map<string, Text>([...behaviours.map(({ id, title }) => [`behaviour.${id}`, title] as const), ...(await this.options.checks().catch(() => [])).map(({ id, title }) => [`check.${id}`, title] as const)]);
    for (const [id, can] of Object.entries(coverage)) {
      const what = id.startsWith('check.') ? 'check' : 'behaviour';
      if (what === 'behaviour' && !on.has(id)) continue;
      const by = told.get(id);
      for (const technique of new Set([...can, ...(by?.keys() ?? [])])) at(technique).covered.push({ what, id, title: titles.get(id) ?? { zh: id, en: id }, seen: by?.get(technique) ?? 0 });
    }
    const techniques = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, { covered, seen, last }]) => {
      const cell = cellOf(id)?.id;
      return { id, tactics: tacticsOf(id), name: techniqueText(id), ...(cell !== undefined && { cell }), covered: covered.toSorted((a, b) => b.seen - a.seen).slice(0, coveredMost), covered_count: covered.length, seen, ...(last > 0 && { last }) };
    });
    return {
      since: sinceMs, techniques,
      cells: matrixCells.map(({ id, column, name }) => {
        const within = techniques.filter((one) => one.cell === id);
        const things = new Set(within.flatMap((one) => found.get(one.id)?.covered.map(({ what, id: thing }) => `${what} ${thing}`) ?? []));
        return { id, column, name, techniques: [...cellTechniques(id)], covered_count: things.size, seen: within.reduce((n, one) => n + one.seen, 0) };
      }),
    };
  }

  /** Rules that raise no alert by themselves, with the correlations that count what they find. */
  private feeders(): Map<AnyRule, string[]> {
    const { all } = this.options.rules();
    const found = new Map<AnyRule, string[]>(), generated = new Set<AnyRule>();
    const byName = new Map<string, AnyRule>(all.flatMap((one) => [one.name, one.id].flatMap((name) => (name === undefined ? [] : [[name, one] as const]))));
    for (const correlation of all) {
      if (correlation.type !== 'correlation') continue;
      for (const wanted of correlation.rules) {
        const rule = byName.get(wanted);
        if (rule === undefined) continue;
        if (correlation.generate) generated.add(rule);
        found.set(rule, [...found.get(rule) ?? [], nameOf(correlation)]);
      }
    }
    for (const rule of generated) found.delete(rule);
    return found;
  }

  read(text: string): ReadRules { return readRules(text, this.options.rules().all); }

  /** How many of its latest alerts belong to incidents that somebody called a false alarm. */
  private judged(id: string): { looked: number; false_alarms: number } {
    const { ledger, incidents } = this.options.store;
    const alerts = ledger.alerts({ before: { time: Number.MAX_SAFE_INTEGER, id: '' }, limit: judgedMost, rule: id });
    const known = new Map<string, boolean>();
    const isFalse = (incident: string): boolean => {
      let found = known.get(incident);
      if (found === undefined) known.set(incident, found = incidents.incident(incident)?.status === 'false-alarm');
      return found;
    };
    return { looked: alerts.length, false_alarms: alerts.filter((alert) => { const member = incidents.member('alert', alert.id); return member !== undefined && isFalse(member.incident); }).length };
  }

  private row(rule: AnyRule, enabled: boolean, counts: ReadonlyMap<string, { alerts: number; last: number }>): object {
    const id = nameOf(rule);
    return {
      id, kind: rule.type, title: wordsOf(rule).title, level: rule.level, ...(rule.status !== undefined && { status: rule.status }), tags: [...rule.tags], attack: attackOf(rule.tags), ...(rule.type === 'rule' && { logsource: rule.logsource }), file: basename(rule.file),
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
const textOf = (argument: unknown): string => given(z.strictObject({ text: z.string().max(ruleTextTaken) }), argument).text;
