/**
 * One correlation at work: groups, their windows, and when the condition fires.
 *
 * Windows are exact: a window is as long as the timespan (both ends included) and lies wherever it must to contain
 * the event just seen. Conditions with lower bounds only (gt, gte) are judged with each event. Those that more
 * events can make false (lt, lte, eq, neq, ranges, expressions with not) are judged once, when a window closes that
 * opened with the group's first event. See docs/decisions/2026-11-22-sigma-semantics.md.
 */
import type { Hub, Key } from './hub.ts';
import { holds } from './parse-correlation.ts';
import type { Match } from './match.ts';
import type { Condition, Correlation } from './types.ts';
import { Entries, Measure } from './window.ts';

/** The newest events by number, of all groups together: groups hold numbers, so evidence stays bounded however many groups there are. */
export class Evidence<E> {
  private readonly ring: (E | undefined)[];
  private next = 0;

  constructor(size: number) { this.ring = Array.from({ length: size }); }

  put(event: E): number {
    // One event may belong to many groups; they share its place.
    if (this.next > 0 && this.ring[(this.next - 1) % this.ring.length] === event) return this.next - 1;
    this.ring[this.next % this.ring.length] = event;
    return this.next++;
  }

  get(number: number): E | undefined {
    return number >= this.next - this.ring.length && number < this.next ? this.ring[number % this.ring.length] : undefined;
  }

  clear(): void { this.ring.fill(undefined); }
}

export interface CorrelatorLimits { perGroup: number; lateness: number; evidence: number }

/** What fired: handed on as a Match, with what correlations of correlations ask. */
export interface Firing<E> extends Match<E> {
  key: Key<Group<E>>;
  /** The first firing of a run: what correlations that count firings count. */
  begins: boolean;
}

export interface Group<E> {
  key: Key<Group<E>>;
  /** Group-by fields with their values: the `group` of what fires, one object once it is asked for. */
  fields: Record<string, string> | undefined;
  /** The same as one text. */
  label: string;
  entries: Entries;
  /** Undefined for event_count, which needs positions only. */
  measure: Measure | undefined;
  /** The first entry that `measure` holds. */
  from: number;
  firing: boolean;
  unreported: number;
  /** Neighbours in the order of last touch, as exact as the engine's clock is told the time. */
  older: Group<E> | undefined;
  younger: Group<E> | undefined;
  /** The engine's clock when it was last touched; NaN before the clock runs. */
  touched: number;
  /** When its window opened (conditions judged at close), event time and clock. */
  opened: number;
  openedClock: number;
  /** The latest event, for windows judged at close; others must not hold a whole event each. */
  last: E | undefined;
}

export class Correlator<E> {
  readonly rule: Correlation;
  /** Judged when a window closes. */
  readonly atClose: boolean;
  evictedGroups = 0;
  droppedEntries = 0;
  entryCount = 0;
  private readonly limits: CorrelatorLimits;
  private readonly evidence: Evidence<E>;
  private readonly hub: Hub<E, Group<E>>;
  /** Where this correlation's group stands in a key. */
  private readonly place: number;
  groupCount = 0;
  private oldest: Group<E> | undefined;
  private youngest: Group<E> | undefined;
  private readonly open = new Set<Group<E>>();
  private readonly numbers: boolean;
  /** Whether groups keep a running measure: event_count needs positions only, closed windows are measured once. */
  private readonly measured: boolean;
  /** Fewer entries than this in a window cannot meet the condition, so most groups need no measure. */
  private readonly least: number;
  private clock = Number.NaN;

  /** Correlations that group by the same fields share a hub. */
  constructor(rule: Correlation, limits: CorrelatorLimits, evidence: Evidence<E>, hub: Hub<E, Group<E>>) {
    this.hub = hub;
    this.place = hub.join();
    this.rule = rule;
    this.limits = limits;
    this.evidence = evidence;
    this.numbers = rule.kind.startsWith('value_') && rule.kind !== 'value_count';
    this.atClose = judgedAtClose(rule);
    this.measured = rule.kind !== 'event_count' && !this.atClose;
    this.least = leastEntries(rule);
  }

  clear(): void { while (this.oldest) this.forget(this.oldest); }

  /** Takes an event that matched rules (bits of `mask` are positions in the correlation's `rules`); `number` or `label` is what it computes with or counts. */
  observe(event: E, time: number, mask: number, key: Key<Group<E>>, number: number, label: string, emit: (firing: Firing<E>) => void): void {
    const group = this.touch(key);
    if (this.atClose && group.entries.size > 0) {
      if (time > group.opened + this.rule.timespan + this.limits.lateness) this.closeWindows(group, time, emit);
      // What fired may have made other correlations take this group's room: begin again.
      if (key.groups[this.place] !== group) { this.observe(event, time, mask, this.hub.of(key.values), number, label, emit); return; }
      if (group.entries.size > 0 && time < group.opened) {
        if (group.entries.time(group.entries.size - 1) - time > this.rule.timespan) { this.droppedEntries++; return; }
        group.opened = time;
      }
    }
    if (this.atClose && group.entries.size === 0) this.openWindow(group, time);
    if (this.atClose) group.last = event;
    if (!this.atClose) this.dropBefore(group, time - this.rule.timespan - this.limits.lateness);
    if (group.entries.size >= this.limits.perGroup) { this.dropFirst(group, 1); this.droppedEntries++; }
    const late = group.entries.size > 0 && time < group.entries.time(group.entries.size - 1);
    const index = group.entries.insert(time, this.evidence.put(event), mask, number, label);
    this.entryCount++;
    group.unreported++;
    if (this.atClose) return;
    if (late) this.judgeLate(group, index, event, emit);
    else this.judgeNewest(group, time, event, emit);
  }

  /** Time goes on without events: closes windows that are due and forgets groups nobody touched for long. */
  advance(now: number, emit: (firing: Firing<E>) => void): void {
    if (Number.isFinite(now)) this.clock = now;
    const { timespan } = this.rule;
    for (const group of this.open) {
      if (Number.isNaN(group.openedClock)) group.openedClock = Math.min(now, Math.max(group.opened, 0));
      if (group.openedClock + timespan + this.limits.lateness >= now) break;
      this.closeWindows(group, now, emit, true);
      if (group.entries.size === 0 && group.key.groups[this.place] === group) this.forget(group);
    }
    if (this.atClose) return;
    for (let group = this.oldest; group; group = this.oldest) {
      if (Number.isNaN(group.touched)) group.touched = now;
      if (group.touched + timespan + this.limits.lateness >= now) break;
      this.forget(group);
    }
  }

  // ---- groups ----

  /** Group-by fields with the values of a key of this correlation's hub. */
  fieldsOf(key: Key<Group<E>>): Record<string, string> { return Object.fromEntries(this.rule.groupBy.map((name, i) => [name, key.values[i]!])); }

  private touch(key: Key<Group<E>>): Group<E> {
    const known = key.groups[this.place];
    if (known) {
      // Once a tick of the clock: to move it with each event touches its neighbours too, and those that are in nobody's cache.
      if (known.touched !== this.clock) {
        known.touched = this.clock;
        if (known !== this.youngest) { this.unlink(known); this.link(known); }
      }
      return known;
    }
    const group: Group<E> = {
      key, fields: undefined, label: '', entries: new Entries(this.numbers, this.rule.kind === 'value_count'), measure: undefined, from: 0,
      firing: false, unreported: 0, older: undefined, younger: undefined, touched: this.clock, opened: 0, openedClock: Number.NaN, last: undefined,
    };
    key.groups[this.place] = group;
    key.live++;
    this.groupCount++;
    this.link(group);
    return group;
  }

  // The order of last touch is a list through the groups. A Map's own order would do, but V8 keeps deleted entries
  // in their bucket until it rehashes: one busy key deleted and set again and again costs more each time.

  private link(group: Group<E>): void {
    group.older = this.youngest;
    group.younger = undefined;
    if (this.youngest) this.youngest.younger = group; else this.oldest = group;
    this.youngest = group;
  }

  private unlink(group: Group<E>): void {
    if (group.older) group.older.younger = group.younger; else this.oldest = group.younger;
    if (group.younger) group.younger.older = group.older; else this.youngest = group.older;
  }

  private forget(group: Group<E>): void {
    this.unlink(group);
    group.key.groups[this.place] = undefined;
    this.hub.left(group.key);
    this.groupCount--;
    this.open.delete(group);
    this.entryCount -= group.entries.size;
  }

  /** Gives up the groups longest untouched until so many groups and entries are gone; the youngest stays. */
  shed(groups: number, entries: number): void {
    const groupsLeft = this.groupCount - groups;
    const entriesLeft = this.entryCount - entries;
    for (let group = this.oldest; group; group = this.oldest) {
      if (this.groupCount <= 1 || (this.groupCount <= groupsLeft && this.entryCount <= entriesLeft)) return;
      this.forget(group);
      this.evictedGroups++;
    }
  }

  // ---- windows ----

  private dropBefore(group: Group<E>, time: number): void {
    let count = 0;
    while (count < group.entries.size && group.entries.time(count) < time) count++;
    if (count > 0) this.dropFirst(group, count);
  }

  private dropFirst(group: Group<E>, count: number): void {
    for (let i = 0; i < count; i++) if (!group.entries.reported(i)) group.unreported--;
    for (let i = group.from; i < count; i++) group.measure?.remove(i);
    group.entries.dropFirst(count);
    group.from = Math.max(0, group.from - count);
    this.entryCount -= count;
  }

  /** The usual case: the event is the group's newest, so the only window to look at ends with it. */
  private judgeNewest(group: Group<E>, time: number, event: E, emit: (firing: Firing<E>) => void): void {
    const { entries } = group;
    const last = entries.size - 1;
    const start = time - this.rule.timespan;
    if (entries.size < this.least || (this.least > 1 && entries.time(entries.size - this.least) < start)) {
      group.measure = undefined;
      if (group.firing) this.endRun(group);
      return;
    }
    if (!this.measured) {
      group.from = entries.lowerBound(start);
    } else if (group.measure) {
      group.measure.add(last);
      while (entries.time(group.from) < start) group.measure.remove(group.from++);
    } else {
      this.remeasure(group);
    }
    const value = group.measure ? group.measure.value(group.from, last) : last - group.from + 1;
    if (this.conditionHolds(value, group.measure)) {
      if (!group.firing || this.completes(group.entries, last)) emit(this.fire(group, event, group.from, last, value));
      return;
    }
    if (group.firing) this.endRun(group);
  }

  /** A sequence that has been told of is told of again when it is completed again, not when one of its earlier steps recurs. */
  private completes(entries: Entries, index: number): boolean {
    const { kind, rules } = this.rule;
    return kind !== 'temporal_ordered' || (entries.mask(index) & 1 << (rules.length - 1)) !== 0;
  }

  /**
   * An event older than the group's newest: any window that contains it counts, so slide one from the window that
   * ends with it to the last that still contains it, and fire for the best.
   */
  private judgeLate(group: Group<E>, index: number, event: E, emit: (firing: Firing<E>) => void): void {
    const { entries } = group;
    if (entries.size < this.least) { group.measure = undefined; return; }
    const span = this.rule.timespan;
    const time = entries.time(index);
    const rewound = this.rewind(group, index, time - span);
    const { measure } = rewound;
    let { from } = rewound;
    let best: { from: number; to: number; value: number } | undefined;
    let to = index;
    for (; to < entries.size; to++) {
      const end = entries.time(to);
      if (end > time + span) break;
      measure?.add(to);
      while (entries.time(from) < end - span) { measure?.remove(from); from++; }
      const value = measure ? measure.value(from, to) : to - from + 1;
      if (this.conditionHolds(value, measure) && (!best || value > best.value)) best = { from, to, value };
    }
    if (this.measured) {
      if (to === entries.size) { group.measure = measure; group.from = from; }
      else this.remeasure(group);
    }
    if (best) emit(this.fire(group, event, best.from, best.to, best.value));
  }

  /**
   * A measure of the entries from `start` to just before `index`. Taken from the running one by removing what is
   * newer, so that a slightly late event costs little; anew when the event is not in the newest window or the
   * measure depends on order.
   */
  private rewind(group: Group<E>, index: number, start: number): { measure: Measure | undefined; from: number } {
    const { entries } = group;
    if (!this.measured) return { measure: undefined, from: entries.lowerBound(start) };
    // The running measure holds from…newest; the new entry, which it has not seen, stands in between.
    if (group.measure && index > group.from && this.rule.kind !== 'temporal_ordered') {
      const { measure } = group;
      let { from } = group;
      for (let i = entries.size - 1; i > index; i--) measure.remove(i);
      while (from > 0 && entries.time(from - 1) >= start) measure.add(--from);
      return { measure, from };
    }
    const measure = new Measure(this.rule, entries);
    const from = entries.lowerBound(start);
    for (let i = from; i < index; i++) measure.add(i);
    return { measure, from };
  }

  /** Begins the running measure anew over the newest window. */
  private remeasure(group: Group<E>): void {
    const { entries } = group;
    group.measure = new Measure(this.rule, entries);
    group.from = entries.lowerBound(entries.time(entries.size - 1) - this.rule.timespan);
    for (let i = group.from; i < entries.size; i++) group.measure.add(i);
  }

  private conditionHolds(value: number, measure: Measure | undefined): boolean {
    const { kind, expression, bounds, rules } = this.rule;
    if (expression) return seen(expression, rules, measure!);
    if ((kind === 'temporal' || kind === 'temporal_ordered') && Object.keys(bounds).length === 0) return value === rules.length;
    return holds(value, bounds);
  }

  private openWindow(group: Group<E>, time: number): void {
    group.opened = time;
    group.openedClock = this.clock; // not the event's time: one from the future would hold up all windows behind it
    this.open.delete(group);
    this.open.add(group);
  }

  /** Judges and drops the windows that end (with lateness) before `now`; with `all`, the one that is open as well. */
  private closeWindows(group: Group<E>, now: number, emit: (firing: Firing<E>) => void, all = false): void {
    const { entries } = group;
    for (let due = all; entries.size > 0 && (due || now > group.opened + this.rule.timespan + this.limits.lateness); due = false) {
      const end = group.opened + this.rule.timespan;
      let last = -1;
      const measure = this.rule.kind === 'event_count' ? undefined : new Measure(this.rule, entries);
      while (last + 1 < entries.size && entries.time(last + 1) <= end) { last++; measure?.add(last); }
      const value = measure ? measure.value(0, last) : last + 1;
      const event = this.evidence.get(entries.event(last)) ?? group.last;
      if (event !== undefined && this.conditionHolds(value, measure)) emit(this.fire(group, event, 0, last, value));
      // What fired may have filled other correlations, and they may have made room at this group's cost.
      if (group.key.groups[this.place] !== group) return;
      group.firing = false;
      this.dropFirst(group, last + 1);
      if (entries.size > 0) this.openWindow(group, entries.time(0));
    }
    if (entries.size === 0) this.open.delete(group);
  }

  // ---- firing ----

  private fire(group: Group<E>, event: E, from: number, to: number, value: number): Firing<E> {
    const { entries } = group;
    const begins = !group.firing;
    const count = to - from + 1;
    let fresh = 0;
    if (!begins && group.unreported === 1 && !entries.reported(to)) {
      // The usual case: the new event is the only one that no match of this run has reported.
      fresh = 1;
      entries.report(to, true);
      group.unreported = 0;
    } else {
      // What is older than the window counts as dealt with too, so that the next event finds the usual case.
      for (let i = 0; i <= to; i++) {
        if (entries.reported(i)) continue;
        if (i >= from) fresh++;
        entries.report(i, true);
        group.unreported--;
      }
    }
    group.firing = true;
    if (group.fields === undefined) {
      group.fields = this.fieldsOf(group.key);
      group.label = this.rule.groupBy.map((name, i) => `${name} ${group.key.values[i]!}`).join(' ');
    }
    return {
      rule: this.rule,
      // Who has been told of the window needs no more than what is new; in a flood that is nearly always so.
      event, events: fresh === 1 && !begins ? [event] : this.evidenceOf(entries, from, to, event), count, fresh, value,
      key: group.key, group: group.fields, groupText: group.label,
      first: entries.time(from), last: entries.time(to), begins,
    };
  }

  private endRun(group: Group<E>): void {
    group.firing = false;
    for (let i = 0; i < group.entries.size; i++) group.entries.report(i, false);
    group.unreported = group.entries.size;
  }

  /** The first and the last few, in order. The newest event is always there; old ones may have left the ring. */
  private evidenceOf(entries: Entries, from: number, to: number, event: E): E[] {
    const half = this.limits.evidence >> 1;
    const out: E[] = [];
    for (let i = from; i <= to; i++) {
      if (i === from + half && to - from + 1 > this.limits.evidence) i = to - half + 1;
      const one = this.evidence.get(entries.event(i));
      if (one !== undefined && one !== out.at(-1)) out.push(one);
    }
    if (!out.includes(event)) out.push(event);
    return out;
  }
}

/** How many entries a window needs at least before the condition can hold (for conditions judged with each event). */
function leastEntries({ kind, bounds, expression, rules }: Correlation): number {
  if (expression) return 1;
  switch (kind) {
    case 'event_count': case 'value_count': return Math.max(1, Math.ceil(bounds.gte ?? 1), Math.floor(bounds.gt ?? 0) + 1);
    // One event may match several rules of a temporal correlation; a sequence needs one for each step.
    case 'temporal_ordered': return rules.length;
    default: return 1;
  }
}

/** Whether more events can make a condition false that held: then only a closed window decides. */
function judgedAtClose(rule: Correlation): boolean {
  const { lt, lte, eq, neq } = rule.bounds;
  if (lt !== undefined || lte !== undefined || eq !== undefined || neq !== undefined) return true;
  return rule.expression !== undefined && negates(rule.expression);
}

function negates(condition: Condition): boolean {
  switch (condition.kind) {
    case 'name': return false;
    case 'not': return true;
    default: return condition.children.some(negates);
  }
}

function seen(condition: Condition, rules: readonly string[], measure: Measure): boolean {
  switch (condition.kind) {
    case 'name': return measure.has(rules.indexOf(condition.name));
    case 'not': return !seen(condition.child, rules, measure);
    case 'and': return condition.children.every((child) => seen(child, rules, measure));
    case 'or': return condition.children.some((child) => seen(child, rules, measure));
    default: return condition satisfies never;
  }
}
