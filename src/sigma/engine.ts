/** Rules and events together: routing, evaluation, correlations, matches. */
import { Correlator, type CorrelatorLimits, Evidence, type Firing, type Group } from './correlate.ts';
import type { SigmaError } from './error.ts';
import { type Expression, filtered, satisfiesAny } from './expression.ts';
import { Frame, Slot } from './frame.ts';
import { bounded, Hub, type Key, own, Words } from './hub.ts';
import { interpret, type Reader } from './interpret.ts';
import { type Feed, type Links, resolve } from './link.ts';
import type { Match } from './match.ts';
import { Functions, Route } from './route.ts';
import type { Filter, Parsed, Rule } from './types.ts';
import { access, type Access, type Binding, elements, numberOf, textOf } from './values.ts';

export interface EngineOptions {
  /**
   * Correlation groups in all. When there are more, the correlation that has most gives up those longest untouched,
   * so a flood in one never takes from one that keeps within its equal share. Default 100,000.
   */
  maxGroups?: number;
  /** Events remembered by time in all groups together. Default 1,000,000 (24 MB when used up). */
  maxEntries?: number;
  /** Events of one group; past it the oldest go and counts are lower bounds. Default 65,536 (4,096 where values are computed). */
  maxPerGroup?: number;
  /** Events kept whole as evidence, of all groups together. Default 16,384. */
  maxEvidence?: number;
  /** How much an event may come after newer ones and still join their windows, ms. Default 60,000. */
  lateness?: number;
  /** What stands for a value of a group-by field: values of which it says the same are one group. */
  groupAs?: (field: string, value: string) => string;
  /** Evaluate every rule on the interpreter (for tests). */
  interpreted?: boolean;
}

export interface EngineStats {
  rules: number;
  correlations: number;
  filters: number;
  events: number;
  /** Rules evaluated, after routing and witnesses. */
  candidates: number;
  matches: number;
  groups: number;
  entries: number;
  /** What was given up to stay within bounds. */
  dropped: {
    /** Groups forgotten while they might still have grown. */
    groups: number;
    /** Events left out of a window: it was full, or they came too late. */
    entries: number;
    /** Events of correlations without a value for a group-by or counted field: they belong to no group. */
    ungrouped: number;
    /** Events of correlations without a time. */
    untimed: number;
  };
}

/** A rule as the engine runs it. */
export interface Program {
  rule: Rule;
  filters: readonly Filter[];
  expression: Expression;
  /** Whether it makes matches of its own (rules of correlations do not, unless `generate`). */
  emits: boolean;
  /** Correlations it feeds: index of the correlator and the bits of its positions in `rules`. */
  feeds: readonly Feed[];
}

interface Node<E> {
  correlator: Correlator<E>;
  emits: boolean;
  feeds: readonly Feed[];
  /** One reader a position of `rules`, for each group-by field and each value field. */
  groupReaders: readonly (readonly Access<E>[])[];
  valueReaders: readonly (readonly Access<E>[])[];
  /** False where aliases read other fields for each rule. */
  uniform: boolean;
  hub: Hub<E, Group<E>>;
  /** The counted text of value_count over one field. */
  words: Words<E> | undefined;
  /** Counts events: the usual case. */
  counts: boolean;
  /** Group-by values of inner correlations that fired; `carriedKey` instead when it groups by the very same fields. */
  carried: Record<string, string> | undefined;
  carriedKey: Key<Group<E>> | undefined;
  /** Hands on what the correlator fires; made once. */
  onFire: (firing: Firing<E>) => void;
}

export class Engine<E> {
  /** Rules that could not be linked; the parser's own errors are not repeated. */
  readonly errors: readonly SigmaError[];
  readonly programs: readonly Program[];
  private readonly binding: Binding<E>;
  private readonly interpreted: boolean;
  private readonly nodes: Node<E>[];
  /** Bits of the rules that the event under evaluation matched, by correlation. */
  private readonly pending: Int32Array;
  /** Which of them there are, one bit each: of a hundred correlations an event feeds a few. */
  private readonly awake: Int32Array;
  private readonly hubs = new Map<string, Hub<E, Group<E>>>();
  private readonly words = new Map<string, Words<E>>();
  private readonly evidence: Evidence<E>;
  private readonly routes = new Map<string, Route<E>>();
  private readonly readers = new Map<string, Access<E>>();
  private readonly slots = new Map<string, Slot<E>>();
  private readonly frame: Frame<E>;
  private readonly functions: Functions<E>;
  private groups = 0;
  private entries = 0;
  private readonly counted = { events: 0, candidates: 0, matches: 0, ungrouped: 0, untimed: 0 };
  private readonly filterCount: number;
  /** Where matches of the event under evaluation go. */
  private emit: (match: Match<E>) => void = () => undefined;
  private readonly maxGroups: number;
  private readonly maxEntries: number;

  constructor(parsed: Parsed, binding: Binding<E>, options: EngineOptions = {}) {
    this.binding = binding;
    this.interpreted = options.interpreted ?? false;
    this.frame = new Frame(binding, (field) => this.reader(field));
    this.functions = new Functions((field) => this.slot(field), this.interpreted);
    const links: Links = resolve(parsed);
    this.errors = links.errors;
    this.filterCount = links.filters;
    this.evidence = new Evidence(Math.max(16, options.maxEvidence ?? 16_384));
    this.maxGroups = Math.max(1, options.maxGroups ?? 100_000);
    this.maxEntries = Math.max(1, options.maxEntries ?? 1_000_000);
    this.nodes = links.correlations.map(({ correlation, emits, feeds, aliased }) => {
      const computes = correlation.kind.startsWith('value_') && correlation.kind !== 'value_count';
      const limits: CorrelatorLimits = {
        perGroup: Math.max(16, Math.min(options.maxPerGroup ?? 65_536, computes ? 4096 : 65_536)), lateness: options.lateness ?? 60_000, evidence: 16,
      };
      const groupReaders = aliased.map((fields) => correlation.groupBy.map((field) => this.groupReader(field, fields.get(field) ?? field, options.groupAs)));
      const valueReaders = aliased.map((fields) => correlation.valueFields.map((field) => this.reader(fields.get(field) ?? field)));
      const uniform = correlation.aliases.size === 0;
      const hub = uniform ? this.hub(correlation.groupBy, groupReaders[0]!) : new Hub<E, Group<E>>([]);
      const counted = uniform && correlation.kind === 'value_count' && correlation.valueFields.length === 1 ? this.wordsOf(correlation.valueFields[0]!, valueReaders[0]![0]!) : undefined;
      const node: Node<E> = {
        correlator: new Correlator<E>(correlation, limits, this.evidence, hub), emits, feeds, groupReaders, valueReaders, uniform, hub, words: counted, counts: correlation.valueFields.length === 0, carried: undefined, carriedKey: undefined,
        onFire: (firing) => { this.report(node, firing, this.emit); this.feed(node, firing); },
      };
      return node;
    });
    this.pending = new Int32Array(this.nodes.length);
    this.awake = new Int32Array((this.nodes.length + 31) >> 5);
    this.programs = links.rules.map(({ rule, filters, emits, feeds }) => ({ rule, filters, expression: filtered(rule, filters), emits, feeds }));
  }

  /** Picks the rules for events such as this one now, tens of milliseconds with a thousand rules, rather than when somebody waits for the first of them. */
  prepare(event: E): void { this.routeOf(event); }

  /** Judges one event. `emit` is called for each match before this returns; it must not call the engine. */
  evaluate(event: E, emit: (match: Match<E>) => void): void {
    this.counted.events++;
    const route = this.routeOf(event);
    this.frame.begin(event);
    const hits = route.evaluate(this.frame);
    this.counted.candidates += route.candidates;
    if (hits === 0) return;
    const time = this.binding.time(event);
    let feeding = false;
    for (let i = 0; i < hits; i++) {
      const program = route.hit(i);
      if (program.emits) {
        this.counted.matches++;
        emit({ rule: program.rule, event, events: [event], count: 1, fresh: 1, group: noGroup, groupText: '', first: time, last: time });
      }
      const { feeds } = program;
      for (let j = 0; j < feeds.length; j++) { this.awaken(feeds[j]!); feeding = true; }
    }
    if (feeding) this.correlate(event, time, emit);
  }

  /**
   * Tells the time: closes windows that are due, forgets groups nobody touched. Call it about once a second; on a
   * replay with the time of the events, and at its end with Infinity.
   */
  advance(now: number, emit: (match: Match<E>) => void): void {
    for (let i = 0; i < this.nodes.length; i++) {
      const node = this.nodes[i]!;
      node.correlator.advance(now, (firing) => {
        this.report(node, firing, emit);
        // Correlations of this one stand behind it: they take the firing before their own clocks move on.
        this.feed(node, firing);
        this.correlate(firing.event, firing.last, emit);
      });
    }
    this.recount();
  }

  stats(): EngineStats {
    let droppedGroups = 0;
    let droppedEntries = 0;
    for (const { correlator } of this.nodes) {
      droppedGroups += correlator.evictedGroups;
      droppedEntries += correlator.droppedEntries;
    }
    const { events, candidates, matches, ungrouped, untimed } = this.counted;
    return {
      rules: this.programs.length, correlations: this.nodes.length, filters: this.filterCount, events, candidates, matches, groups: this.groups, entries: this.entries,
      dropped: { groups: droppedGroups, entries: droppedEntries, ungrouped, untimed },
    };
  }

  /** Forgets all windows. */
  reset(): void {
    for (const { correlator } of this.nodes) correlator.clear();
    this.evidence.clear();
    this.recount();
  }

  /** Filters that keep the rule from matching what they select. */
  filtersOf(rule: Rule): readonly Filter[] { return this.programs.find((one) => one.rule === rule)?.filters ?? []; }

  /** Whether a detection rule's log source and detection both hold for the event. */
  applies(rule: Rule, event: E): boolean {
    const program = this.programs.find((one) => one.rule === rule);
    const given = this.binding.logsources(this.binding.logsource(event));
    return program !== undefined && satisfiesAny(given, rule.logsource) && interpret(program.expression, this.readerOf(event));
  }

  /** Reads fields of one event by their Sigma names. */
  readerOf(event: E): Reader {
    let keywords: readonly string[] | undefined;
    return { read: (field) => this.reader(field)(event), keywords: () => keywords ??= [...this.binding.keywords(event)] };
  }

  /** The log sources that the event satisfies; undefined when they are not known. */
  logsourcesOf(event: E): readonly { category?: string; product?: string; service?: string }[] | undefined {
    return this.binding.logsources(this.binding.logsource(event));
  }

  private routeOf(event: E): Route<E> {
    const key = this.binding.logsource(event);
    let route = this.routes.get(key);
    if (!route) {
      if (this.routes.size >= 1000) this.routes.clear(); // a binding that makes a key of free text must not fill memory
      route = this.makeRoute(key);
      this.routes.set(key, route);
    }
    return route;
  }

  private makeRoute(key: string): Route<E> {
    const given = this.binding.logsources(key);
    const programs = this.programs.filter(({ rule }) => satisfiesAny(given, rule.logsource));
    return new Route(programs, this.functions, (field) => this.slot(field), !this.interpreted);
  }

  private hub(groupBy: readonly string[], readers: readonly Access<E>[]): Hub<E, Group<E>> {
    const name = JSON.stringify(groupBy);
    let hub = this.hubs.get(name);
    if (!hub) { hub = new Hub(readers); this.hubs.set(name, hub); }
    return hub;
  }

  private wordsOf(field: string, read: Access<E>): Words<E> {
    let words = this.words.get(field);
    if (!words) { words = new Words(read); this.words.set(field, words); }
    return words;
  }

  private reader(field: string): Access<E> {
    let read = this.readers.get(field);
    if (!read) { read = access(this.binding, field); this.readers.set(field, read); }
    return read;
  }

  private groupReader(groupBy: string, field: string, groupAs: EngineOptions['groupAs']): Access<E> {
    const read = this.reader(field);
    if (groupAs === undefined) return read;
    return (event) => {
      const value = read(event);
      return typeof value === 'string' ? groupAs(groupBy, value) : value;
    };
  }

  /** Names that mean the same path share a slot, so that their field is read once. */
  private slot(field: string): Slot<E> {
    const key = JSON.stringify([this.binding.field(field), this.binding.fallback?.(field)]);
    let slot = this.slots.get(key);
    if (!slot) { slot = new Slot(this.reader(field)); this.slots.set(key, slot); }
    return slot;
  }

  // ---- correlations ----

  private awaken({ to, mask }: Feed): void {
    this.pending[to]! |= mask;
    this.awake[to >> 5]! |= 1 << (to & 31);
  }

  /** Runs the correlations that wait for this event, inner ones before those that refer to them: feeds point forward. */
  private correlate(event: E, time: number, emit: (match: Match<E>) => void): void {
    const { awake, nodes, pending } = this;
    for (let word = 0; word < awake.length; word++) {
      // Read anew each time: what fires here may wake others further on, also in this word.
      for (let bits = awake[word]!; bits !== 0; bits = awake[word]!) {
        awake[word] = bits & (bits - 1);
        const i = (word << 5) + 31 - Math.clz32(bits & -bits);
        const mask = pending[i]!;
        pending[i] = 0;
        this.run(nodes[i]!, event, time, mask, emit);
      }
    }
  }

  private run(node: Node<E>, event: E, time: number, mask: number, emit: (match: Match<E>) => void): void {
    const { carried, carriedKey } = node;
    node.carried = undefined;
    node.carriedKey = undefined;
    if (!Number.isFinite(time)) { this.counted.untimed++; return; }
    this.emit = emit;
    if (carriedKey && carried === undefined) {
      // An inner correlation may have made room at its own group's cost: look again.
      this.enter(node.correlator, event, time, mask, carriedKey.live > 0 ? carriedKey : node.hub.of(carriedKey.values), 0, '', node.onFire);
    } else if (node.uniform) {
      this.observe(node, event, time, mask, 0, carried, node.onFire);
    } else {
      // Aliases read other fields for each rule: one observation a rule.
      for (let rule = 0; rule < node.groupReaders.length; rule++) if (mask & 1 << rule) this.observe(node, event, time, 1 << rule, rule, carried, node.onFire);
    }
  }

  private observe(node: Node<E>, event: E, time: number, mask: number, rule: number, carried: Record<string, string> | undefined, emit: (firing: Firing<E>) => void): void {
    const { correlator, hub } = node;
    if (carried === undefined && node.uniform) {
      // The usual case: grouped by texts, and counting events or one text.
      const label = node.counts ? '' : node.words?.at(event, this.frame.stamp);
      const key = label === undefined ? undefined : hub.at(event, this.frame.stamp);
      if (key) { this.enter(correlator, event, time, mask, key, 0, label!, emit); return; }
    }
    const readers = node.groupReaders[rule]!;
    const value = this.measureOf(node, event, rule);
    const names = correlator.rule.groupBy;
    const groups = value && groupsOf(readers.map((read, i) => {
      const own = carried && Object.hasOwn(carried, names[i]!) ? carried[names[i]!] : undefined;
      return own === undefined ? read(event) : own;
    }));
    if (!groups || groups.length === 0) { this.counted.ungrouped++; return; }
    for (const group of groups) {
      for (const label of value.labels) this.enter(correlator, event, time, mask, hub.of(group), value.number, label, emit);
    }
  }

  private enter(correlator: Correlator<E>, event: E, time: number, mask: number, key: Key<Group<E>>, number: number, label: string, emit: (firing: Firing<E>) => void): void {
    const { groupCount, entryCount } = correlator;
    correlator.observe(event, time, mask, key, number, label, emit);
    this.groups += correlator.groupCount - groupCount;
    this.entries += correlator.entryCount - entryCount;
    if (this.groups > this.maxGroups || this.entries > this.maxEntries) this.shed();
  }

  /** Back within bounds, a hundredth at a time. */
  private shed(): void {
    const most = (size: (node: Node<E>) => number): Node<E> => this.nodes.reduce((a, b) => size(b) > size(a) ? b : a);
    if (this.groups > this.maxGroups) most(({ correlator }) => correlator.groupCount).correlator.shed(Math.ceil(this.maxGroups / 100), 0);
    if (this.entries > this.maxEntries) most(({ correlator }) => correlator.entryCount).correlator.shed(0, Math.ceil(this.maxEntries / 100));
    this.recount();
  }

  private recount(): void {
    this.groups = this.nodes.reduce((sum, { correlator }) => sum + correlator.groupCount, 0);
    this.entries = this.nodes.reduce((sum, { correlator }) => sum + correlator.entryCount, 0);
  }

  /** The counted or computed value; undefined when the event has none. */
  private measureOf(node: Node<E>, event: E, rule: number): { number: number; labels: readonly string[] } | undefined {
    const readers = node.valueReaders[rule]!;
    if (readers.length === 0) return { number: 0, labels: noLabel };
    if (node.correlator.rule.kind === 'value_count') {
      const labels = groupsOf(readers.map((read) => read(event))).map((texts) => own(texts.length === 1 ? texts[0]! : JSON.stringify(texts)));
      return labels.length === 0 ? undefined : { number: 0, labels };
    }
    for (const one of elements(readers[0]!(event))) {
      const number = numberOf(one);
      if (number !== undefined && Number.isFinite(number)) return { number, labels: noLabel };
    }
    return undefined;
  }

  private report(node: Node<E>, firing: Firing<E>, emit: (match: Match<E>) => void): void {
    if (!node.emits) return;
    this.counted.matches++;
    emit(firing);
  }

  /**
   * A correlation that fires is an event of the correlations that refer to it. Those that count or compute take one
   * a run (its first firing); temporal ones and value_count take each, so that they know when it last held.
   */
  private feed(node: Node<E>, firing: Firing<E>): void {
    for (const feed of node.feeds) {
      const target = this.nodes[feed.to]!;
      const { kind } = target.correlator.rule;
      if (!firing.begins && kind !== 'temporal' && kind !== 'temporal_ordered' && kind !== 'value_count') continue;
      this.awaken(feed);
      if (target.hub === node.hub && target.counts && target.carried === undefined) target.carriedKey = firing.key;
      else target.carried = { ...(target.carriedKey && target.correlator.fieldsOf(target.carriedKey)), ...target.carried, ...firing.group };
    }
  }
}

const noLabel: readonly string[] = [''];
const noGroup: Readonly<Record<string, string>> = {};

/** Combinations of the values' texts (a list gives one for each element, at most 16 in all); none when a value is missing. */
function groupsOf(values: readonly unknown[]): string[][] {
  let all: string[][] = [[]];
  for (const raw of values) {
    const texts: string[] = [];
    for (const one of elements(raw)) { const found = textOf(one); const text = found === undefined ? undefined : bounded(found); if (text !== undefined && !texts.includes(text)) texts.push(text); }
    all = all.length === 1 && texts.length === 1 ? [[...all[0]!, texts[0]!]] : all.flatMap((group) => texts.map((text) => [...group, text])).slice(0, 16);
  }
  return all;
}

/** Links parsed rules to a kind of event. What cannot be linked is in `errors`; everything else runs. */
export function compile<E>(parsed: Parsed, binding: Binding<E>, options?: EngineOptions): Engine<E> {
  return new Engine(parsed, binding, options);
}

