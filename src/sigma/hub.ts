/**
 * One look-up for all correlations that group by the same fields: a failed log-on feeds half a dozen of them by its
 * address, and each has its group at its own place of the address's key.
 */
import type { Access } from './values.ts';

/** What stands for one combination of group-by values. `G` is the correlator's group. */
export interface Key<G> {
  readonly text: string;
  readonly values: readonly string[];
  /** By place of the correlator; undefined where it has no group of these values. */
  readonly groups: (G | undefined)[];
  /** How many of them are there. */
  live: number;
}

export class Hub<E, G> {
  private readonly keys = new Map<string, Key<G>>();
  private readonly readers: readonly Access<E>[];
  /** The places of a key that nobody has a group at: copied for each new key. */
  private readonly free: undefined[] = [];
  private stamp = -1;
  private latest: Key<G> | undefined;

  /** `readers`: one a group-by field. */
  constructor(readers: readonly Access<E>[]) { this.readers = readers; }

  /** A place for one more correlator. */
  join(): number { return this.free.push(undefined) - 1; }

  /** The key of an event; undefined when a value is missing or no text. `stamp` changes with each event. */
  at(event: E, stamp: number): Key<G> | undefined {
    if (this.stamp === stamp) return this.latest;
    this.stamp = stamp;
    this.latest = this.find(event);
    return this.latest;
  }

  /** The key of given values. */
  of(values: readonly string[]): Key<G> { return this.take(textOf(values), values); }

  /** Called when a group is gone: a key without groups goes too. */
  left(key: Key<G>): void {
    if (--key.live > 0) return;
    if (this.keys.get(key.text) === key) this.keys.delete(key.text);
    if (this.latest === key) this.stamp = -1;
  }

  private find(event: E): Key<G> | undefined {
    const { readers } = this;
    if (readers.length === 1) {
      const raw = readers[0]!(event);
      if (typeof raw !== 'string') return undefined;
      const text = bounded(raw);
      return this.keys.get(text) ?? this.take(text, [text]);
    }
    const values: string[] = [];
    for (let i = 0; i < readers.length; i++) {
      const raw = readers[i]!(event);
      if (typeof raw !== 'string') return undefined;
      values.push(bounded(raw));
    }
    return this.of(values);
  }

  private take(text: string, values: readonly string[]): Key<G> {
    let key = this.keys.get(text);
    if (!key) {
      const kept = own(text);
      key = { text: kept, values: values.length === 1 ? [kept] : values.map(own), groups: this.free.slice(), live: 0 };
      this.keys.set(kept, key);
    }
    return key;
  }
}

/** Texts with their lengths, so that no two groups share a key. */
function textOf(values: readonly string[]): string {
  if (values.length === 1) return values[0]!;
  let text = '';
  for (let i = 0; i < values.length; i++) text += `${values[i]!.length}:${values[i]!}`;
  return text;
}

/**
 * Counted texts of one field, each kept once: a window then holds the same string for the same value, and comparing
 * two costs nothing. Bounded by two generations.
 */
export class Words<E> {
  private young = new Map<string, string>();
  private old = new Map<string, string>();
  private readonly read: Access<E>;
  private stamp = -1;
  private latest: string | undefined;

  constructor(read: Access<E>) { this.read = read; }

  /** Undefined when the field is no text. */
  at(event: E, stamp: number): string | undefined {
    if (this.stamp === stamp) return this.latest;
    this.stamp = stamp;
    const raw = this.read(event);
    this.latest = typeof raw === 'string' ? this.kept(bounded(raw)) : undefined;
    return this.latest;
  }

  private kept(text: string): string {
    const known = this.young.get(text) ?? this.old.get(text);
    if (known !== undefined) return known;
    if (this.young.size >= generation) { this.old = this.young; this.young = new Map(); }
    const kept = own(text);
    this.young.set(kept, kept);
    return kept;
  }
}

const generation = 8192;

/** Values become keys that live long: very long ones keep their head, and a hash of all tells them apart. */
export function bounded(text: string): string {
  if (text.length <= 512) return text;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return `${text.slice(0, 448)}…(${text.length} characters, ${(hash >>> 0).toString(16)})`;
}

/**
 * A copy of its own: V8 cuts texts out of log lines as views that keep the whole line in memory, which a group of a
 * month must not.
 */
export const own = (text: string): string => text.length < 13 ? text : ` ${text}`.slice(1);
