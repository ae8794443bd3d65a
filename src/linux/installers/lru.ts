/** A map that forgets what was used longest ago. */
export class Lru<T> {
  readonly #map = new Map<string, { value: T }>();
  readonly #max: number;

  constructor(max: number) { this.#max = max; }

  has(key: string): boolean { return this.#map.has(key); }

  get(key: string): T | undefined {
    const found = this.#map.get(key);
    if (!found) return undefined;
    this.#map.delete(key);
    this.#map.set(key, found);
    return found.value;
  }

  set(key: string, value: T): void {
    this.#map.delete(key);
    if (this.#map.size >= this.#max) for (const [oldest] of this.#map) { this.#map.delete(oldest); break; }
    this.#map.set(key, { value });
  }

  clear(): void { this.#map.clear(); }
}
