import { atLeast, type Level } from '../core/level.ts';
import { Lru } from './lru.ts';

/** What was told lately: one thing is told once in a while. */
export class Told {
  readonly #times: Lru<{ time: number; level: Level }>;

  /** At most `max` keys; `evicted` counts those that went. */
  constructor(max: number, evicted: () => void) { this.#times = new Lru(max, evicted); }

  get size(): number { return this.#times.size; }

  /**
   * Whether it was told within `ms` of this event time, before or after, at this level or a worse one: what turns out worse is told
   * again. If not, it is noted as told now.
   */
  lately(key: string, time: number, ms: number, level: Level = 'info'): boolean {
    const last = this.#times.get(key);
    if (last !== undefined && Math.abs(time - last.time) < ms && atLeast(last.level, level)) return true;
    this.#times.set(key, { time, level });
    return false;
  }
}
