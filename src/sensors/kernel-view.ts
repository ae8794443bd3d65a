/** What the kernel sensor sees at the moment, so that the polling sensor need not tell it a second time. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface KernelSight { processes: boolean; sockets: boolean }

export class KernelView {
  #sight: KernelSight = { processes: false, sockets: false };
  #settle: () => void = () => undefined;
  readonly #settled = new Promise<void>((resolve) => { this.#settle = resolve; });
  /** On the clock of performance.now(): when processes were seen from, and when that ended. */
  #from = Number.POSITIVE_INFINITY;
  #to = Number.POSITIVE_INFINITY;

  get processes(): boolean { return this.#sight.processes; }
  get sockets(): boolean { return this.#sight.sockets; }

  /** Said by the kernel sensor when it begins and ceases to see, and when it cannot. */
  tell(sight: KernelSight): void {
    if (sight.processes && !this.#sight.processes) { this.#from = performance.now(); this.#to = Number.POSITIVE_INFINITY; }
    else if (!sight.processes && this.#sight.processes) this.#to = performance.now();
    this.#sight = sight;
    this.#settle();
  }

  /** Whether a process that began at this moment (clock of performance.now()) was told by the kernel sensor. */
  told(began: number): boolean { return began > this.#from && began <= this.#to; }

  /** Resolves once it is known whether the kernel sensor works, or after the time. */
  async settled(ms: number, signal: AbortSignal): Promise<void> {
    await Promise.race([this.#settled, sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)]);
  }
}
