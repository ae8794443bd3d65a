/** A map that never holds more than `max` keys: the one used longest ago goes, and is told. */
export class Lru<V> {
  readonly #max: number;
  readonly #evicted: (value: V, key: string) => void;
  readonly #map = new Map<string, V>();

  constructor(max: number, evicted: (value: V, key: string) => void) {
    this.#max = max;
    this.#evicted = evicted;
  }

  get size(): number { return this.#map.size; }

  /** Counts as a use. */
  get(key: string): V | undefined {
    const value = this.#map.get(key);
    if (value === undefined) return undefined;
    this.#map.delete(key);
    this.#map.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= this.#max) return;
    for (const [oldest, gone] of this.#map) {
      this.#map.delete(oldest);
      this.#evicted(gone, oldest);
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
  entries(): IterableIterator<[string, V]> { return this.#map.entries(); }
  values(): IterableIterator<V> { return this.#map.values(); }
}
