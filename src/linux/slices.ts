/** Long work on the event loop, cut into slices so that nobody else waits long. */
import { setImmediate as turn } from 'node:timers/promises';

/** Use: `if (slices.due()) await slices.rest();` inside the loop. `rest` throws the signal's reason once it is aborted. */
export class Slices {
  readonly #ms: number;
  readonly #signal: AbortSignal | undefined;
  #until: number;

  constructor(signal?: AbortSignal, ms = 4) {
    this.#ms = ms;
    this.#signal = signal;
    this.#until = performance.now() + ms;
  }

  get aborted(): boolean { return this.#signal?.aborted === true; }

  due(): boolean { return performance.now() >= this.#until; }

  async rest(): Promise<void> {
    this.#signal?.throwIfAborted();
    await turn();
    this.#signal?.throwIfAborted();
    this.#until = performance.now() + this.#ms;
  }
}

/** All at once of a work that could be spread. */
export function whole<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
