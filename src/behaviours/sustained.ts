/** Tells when something stays above a limit for long enough. Event time only. */
import type { BehaviourContext, Setting } from '../core/ports.ts';
import { Lru } from './lru.ts';
import { number } from './settings.ts';

interface Entry { since: number; last: number; samples: number; told: number }

export interface SustainedOptions {
  /** How long it must last. */
  forMs: number;
  /** Longest pause between two samples above the limit that does not begin anew. */
  gapMs: number;
  /** While it lasts it is told again this often. */
  repeatMs: number;
  max: number;
  evicted: () => void;
}

export interface Spell { since: number; lastedMs: number; samples: number }

export class Sustained {
  readonly #options: SustainedOptions;
  readonly #entries: Lru<Entry>;
  #beat = 0;
  #interval = 0;

  constructor(options: SustainedOptions) {
    this.#options = options;
    this.#entries = new Lru(options.max, options.evicted);
  }

  get size(): number { return this.#entries.size; }

  /**
   * A sample was taken at this time, whatever it showed. When the machine is so busy that samples come
   * late, the pause that is allowed grows with them: one sample may always be missing.
   */
  beat(time: number): void {
    const interval = time - this.#beat;
    if (interval > 0 && interval < 60_000) this.#interval = interval;
    this.#beat = time;
  }

  /** Milliseconds between samples as they come; 0 before the second one. */
  get interval(): number { return this.#interval; }

  /** A sample of `key` above the limit. Answers when it has lasted long enough, then every `repeatMs`. */
  above(key: string, time: number): Spell | undefined {
    let entry = this.#entries.get(key);
    const gap = Math.max(this.#options.gapMs, this.#interval * 2.4);
    // A clock set back by more than the gap begins anew too: nothing is known of the time between.
    if (entry === undefined || Math.abs(time - entry.last) > gap) {
      entry = { since: time, last: time, samples: 0, told: Number.NEGATIVE_INFINITY };
      this.#entries.set(key, entry);
    }
    entry.last = Math.max(entry.last, time);
    entry.samples++;
    const lastedMs = entry.last - entry.since;
    if (lastedMs < this.#options.forMs || time - entry.told < this.#options.repeatMs) return undefined;
    const { samples, since } = entry;
    entry.told = time;
    entry.samples = 0;
    return { since, lastedMs, samples };
  }
}

/** Settings of a behaviour that judges by how long a measure stays high. */
export const spellSettings = {
  seconds: { default: 300, min: 1, max: 86_400, text: { zh: '须持续的秒数', en: 'seconds it must last' } },
  gapSeconds: { default: 12, min: 1, max: 3600, text: { zh: '短于此秒数的回落不重新计时（至少容许缺一次采样）', en: 'dips shorter than this do not begin anew; one sample may always be missing' } },
} as const satisfies Record<string, Setting>;

/** As `spellSettings` say, for at most `max` keys; those that leave are counted as `what` forgotten. */
export function sustainedBySettings(context: BehaviourContext, max: number, what: string): Sustained {
  const forMs = number(context, 'seconds') * 1000;
  return new Sustained({ forMs, gapMs: number(context, 'gapSeconds') * 1000, repeatMs: Math.max(forMs, 60_000), max, evicted: () => { context.count(`${what} forgotten`); } });
}

/** How long it has lasted, in minutes as people write them. */
export const minutesOf = (spell: Spell): string => (spell.lastedMs / 60_000).toFixed(1).replace('.0', '');
