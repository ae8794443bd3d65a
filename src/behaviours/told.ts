import { Lru } from './lru.ts';

/** What was told lately: one thing is told once in a while. */
export class Told {
  readonly #times: Lru<number>;

  /** At most `max` keys; `evicted` counts those that went. */
  constructor(max: number, evicted: () => void) { this.#times = new Lru<number>(max, evicted); }

  get size(): number { return this.#times.size; }

  /** Whether it was told within `ms` of this event time, before or after. If not, it is noted as told now. */
  lately(key: string, time: number, ms: number): boolean {
    const last = this.#times.get(key);
    if (last !== undefined && Math.abs(time - last) < ms) return true;
    this.#times.set(key, time);
    return false;
  }
}
