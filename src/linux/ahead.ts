/**
 * Work that runs ahead of whoever asked for it, up to a number. `Promise.race` over a thousand would hook into each of them every
 * time. A failure is thrown by the next `room` or `all`.
 */
export class Ahead {
  readonly #max: number;
  #running = 0;
  #failed: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(max: number) { this.#max = max; }

  add(work: Promise<void>): void {
    this.#running++;
    work.catch((error: unknown) => { this.#failed ??= { error }; }).finally(() => {
      this.#running--;
      // Half of it done: who waits is not woken for each.
      if (this.#failed || this.#running === 0 || this.#running <= this.#max / 2) { this.#wake?.(); this.#wake = undefined; }
    });
  }

  get full(): boolean { return this.#running >= this.#max; }

  /** Waits until there is room for more. */
  async room(): Promise<void> { if (this.full) await this.#wait(); this.#check(); }

  /** Waits for all of it. */
  async all(): Promise<void> {
    while (this.#running > 0) { await this.#wait(); this.#check(); }
    this.#check();
  }

  #wait(): Promise<void> { return new Promise((resolve) => { this.#wake = resolve; }); }

  #check(): void { if (this.#failed) throw this.#failed.error as Error; }
}
