/**
 * What one group of a correlation remembers: its events in time order, as numbers in one array. An entry is
 * time, number of the event in the evidence ring, the rules it matched as a bit mask (negative once a match has
 * reported it) and, for computing correlations, its value.
 */
import type { Correlation } from './types.ts';

/** Of entries that are dropped at the front so many wait until they are cut off together. */
const cutAt = 32;

export class Entries {
  size = 0;
  private start = 0;
  /**
   * A plain array: most groups hold one entry and go, and a typed array of one entry costs three objects and 300 bytes. Times are
   * no small integers, so V8 keeps the numbers unboxed here too.
   */
  private data: number[] = none;
  private readonly stride: number;
  /** Distinct values for value_count, beside the numbers. */
  private readonly labels: string[] | undefined;

  constructor(numbers: boolean, labels: boolean) {
    this.stride = numbers ? 4 : 3;
    this.labels = labels ? [] : undefined;
  }

  time(index: number): number { return this.data[(this.start + index) * this.stride]!; }
  event(index: number): number { return this.data[(this.start + index) * this.stride + 1]!; }
  mask(index: number): number { return Math.abs(this.data[(this.start + index) * this.stride + 2]!); }
  number(index: number): number { return this.data[(this.start + index) * this.stride + 3]!; }
  label(index: number): string { return this.labels![this.start + index]!; }
  reported(index: number): boolean { return this.data[(this.start + index) * this.stride + 2]! < 0; }
  report(index: number, on: boolean): void {
    const at = (this.start + index) * this.stride + 2;
    this.data[at] = on ? -Math.abs(this.data[at]!) : Math.abs(this.data[at]!);
  }

  /** The first entry at or after the time. */
  lowerBound(time: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time(middle) < time) low = middle + 1; else high = middle;
    }
    return low;
  }

  /** Puts the entry behind those of the same time; returns its index. */
  insert(time: number, event: number, mask: number, number: number, label: string): number {
    const { data, stride } = this;
    const index = this.size++;
    if (index > 0 && this.time(index - 1) > time) return this.insertLate(time, event, mask, number, label);
    if (data === none) this.data = stride === 4 ? [time, event, mask, number] : [time, event, mask];
    else if (stride === 4) data.push(time, event, mask, number);
    else data.push(time, event, mask);
    this.labels?.push(label);
    return index;
  }

  private insertLate(time: number, event: number, mask: number, number: number, label: string): number {
    const { data, stride } = this;
    let index = --this.size;
    index = this.lowerBound(time);
    while (this.time(index) === time) index++;
    const from = (this.start + index) * stride;
    for (let i = 0; i < stride; i++) data.push(0);
    data.copyWithin(from + stride, from, data.length - stride);
    data[from] = time;
    data[from + 1] = event;
    data[from + 2] = mask;
    if (stride === 4) data[from + 3] = number;
    this.labels?.splice(this.start + index, 0, label);
    this.size++;
    return index;
  }

  dropFirst(count: number): void {
    this.start += count;
    this.size -= count;
    // Cut off when half of it is behind us: each entry is then moved once at most, and a burst that is over holds no memory.
    if (this.size === 0) { this.data = none; this.start = 0; if (this.labels) this.labels.length = 0; return; }
    if (this.start < cutAt || this.start < this.size) return;
    this.data = this.data.slice(this.start * this.stride);
    this.labels?.splice(0, this.start);
    this.start = 0;
  }
}

/** Stands for the array of a group that has no entry yet; never written to. */
const none: number[] = [];

/**
 * The measure of a run of entries that moves forward: add at the end, remove at the front. event_count needs none
 * of it (positions are enough).
 */
export class Measure {
  private readonly rule: Correlation;
  private readonly entries: Entries;
  /**
   * value_count: how often each value stands in the window. Values that left stay with 0 until they are many:
   * deleting and setting the same keys again and again makes a Map slow.
   */
  private values: Map<string, number> | undefined;
  private distinct = 0;
  /** temporal: how many entries each rule has. */
  private readonly seen: Uint32Array | undefined;
  /** value_median and value_percentile: the numbers in order. */
  private sorted: Float64Array | undefined;
  private count = 0;
  /** temporal_ordered: chain[p] is the latest time at which a chain of the first p+1 rules can have begun. */
  private readonly chain: Float64Array | undefined;
  private readonly chainBefore: Float64Array | undefined;
  private chainEvent = -1;

  constructor(rule: Correlation, entries: Entries) {
    this.rule = rule;
    this.entries = entries;
    switch (rule.kind) {
      case 'value_count': this.values = new Map(); break;
      case 'temporal': this.seen = new Uint32Array(rule.rules.length); break;
      case 'value_median': case 'value_percentile': this.sorted = new Float64Array(4); break;
      case 'temporal_ordered':
        this.chain = new Float64Array(rule.rules.length).fill(-Infinity);
        this.chainBefore = new Float64Array(rule.rules.length).fill(-Infinity);
        break;
      default: // counted by position
    }
  }

  add(index: number): void {
    this.count++;
    if (this.values) {
      const label = this.entries.label(index);
      const count = this.values.get(label) ?? 0;
      if (count === 0) this.distinct++;
      this.values.set(label, count + 1);
    }
    if (this.seen) this.eachRule(index, 1);
    if (this.sorted) this.insertSorted(this.entries.number(index));
    if (this.chain) this.extendChain(index);
  }

  remove(index: number): void {
    this.count--;
    if (this.values) {
      const label = this.entries.label(index);
      const left = this.values.get(label)! - 1;
      this.values.set(label, left);
      if (left === 0) this.distinct--;
      if (this.values.size > 64 && this.values.size > 4 * this.distinct) this.values = new Map([...this.values].filter(([, count]) => count > 0));
    }
    if (this.seen) this.eachRule(index, -1);
    if (this.sorted) {
      const at = this.sortedIndex(this.entries.number(index));
      this.sorted.copyWithin(at, at + 1, this.count + 1);
    }
  }

  /** The correlation's value over entries first…last, which are those added and not removed. */
  value(first: number, last: number): number {
    switch (this.rule.kind) {
      case 'event_count': return last - first + 1;
      case 'value_count': return this.distinct;
      case 'temporal': return this.seen!.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
      case 'temporal_ordered': {
        const end = this.entries.time(last);
        return end - this.chain!.at(-1)! <= this.rule.timespan ? this.rule.rules.length : 0;
      }
      case 'value_sum': return this.sum(first, last);
      case 'value_avg': return this.sum(first, last) / (last - first + 1);
      case 'value_median': return this.rank(50);
      case 'value_percentile': return this.rank(this.rule.percentile);
      default: return this.rule.kind satisfies never;
    }
  }

  /** Whether the rule at this position of `rules` has an entry in the window. */
  has(rule: number): boolean { return this.seen![rule]! > 0; }

  private eachRule(index: number, step: number): void {
    const mask = this.entries.mask(index);
    for (let rule = 0; rule < this.seen!.length; rule++) if (mask & 1 << rule) this.seen![rule]! += step;
  }

  /** Added up anew each time: a running sum would drift. Windows of values are bounded. */
  private sum(first: number, last: number): number {
    let sum = 0;
    for (let i = first; i <= last; i++) sum += this.entries.number(i);
    return sum;
  }

  /** Linear interpolation between the closest ranks, as most tools do. */
  private rank(percentile: number): number {
    const position = (this.count - 1) * percentile / 100;
    const below = this.sorted![Math.floor(position)]!;
    const above = this.sorted![Math.ceil(position)]!;
    return below + (above - below) * (position - Math.floor(position));
  }

  private sortedIndex(value: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) { const middle = (low + high) >> 1; if (this.sorted![middle]! < value) low = middle + 1; else high = middle; }
    return low;
  }

  private insertSorted(value: number): void {
    this.count--; // positions are searched among those already there
    if (this.count === this.sorted!.length) { const wider = new Float64Array(this.count * 2); wider.set(this.sorted!); this.sorted = wider; }
    const at = this.sortedIndex(value);
    this.sorted!.copyWithin(at + 1, at, this.count);
    this.sorted![at] = value;
    this.count++;
  }

  /** One event may match several rules; a chain needs a new event at each step, so links are read as of before it. */
  private extendChain(index: number): void {
    const chain = this.chain!;
    const event = this.entries.event(index);
    if (event !== this.chainEvent) { this.chainBefore!.set(chain); this.chainEvent = event; }
    const mask = this.entries.mask(index);
    for (let step = 0; step < chain.length; step++) {
      if (!(mask & 1 << step)) continue;
      const begun = step === 0 ? this.entries.time(index) : this.chainBefore![step - 1]!;
      if (begun > chain[step]!) chain[step] = begun;
    }
  }
}
