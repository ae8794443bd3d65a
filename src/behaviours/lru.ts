import { own } from '../core/own.ts';

/** A map that never holds more than `max` keys: the one used longest ago goes, and is told. */
export class Lru<V> {
  readonly #max: number;
  readonly #evicted: (value: V) => void;
  /** With the key in memory of its own: the caller's may be part of a long log line. */
  readonly #map = new Map<string, { readonly key: string; value: V }>();

  constructor(max: number, evicted: (value: V) => void) {
    this.#max = max;
    this.#evicted = evicted;
  }

  get size(): number { return this.#map.size; }

  /** Counts as a use. */
  get(key: string): V | undefined {
    const slot = this.#map.get(key);
    if (slot === undefined) return undefined;
    this.#map.delete(key);
    this.#map.set(slot.key, slot);
    return slot.value;
  }

  set(key: string, value: V): void {
    const slot = this.#map.get(key) ?? { key: own(key), value };
    slot.value = value;
    this.#map.delete(key);
    this.#map.set(slot.key, slot);
    if (this.#map.size <= this.#max) return;
    for (const [oldest, gone] of this.#map) {
      this.#map.delete(oldest);
      this.#evicted(gone.value);
      return;
    }
  }

  /** The value of the key, made when there is none. */
  take(key: string, make: () => V): V {
    const known = this.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.set(key, made);
    return made;
  }

  delete(key: string): boolean { return this.#map.delete(key); }

  /** Oldest use first. */
  *entries(): IterableIterator<[string, V]> { for (const slot of this.#map.values()) yield [slot.key, slot.value]; }
  *values(): IterableIterator<V> { for (const slot of this.#map.values()) yield slot.value; }
}
