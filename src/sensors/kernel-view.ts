/** What the kernel tells at the moment, by eBPF, its connector or fanotify, so that another sensor need not tell it a second time. */

export interface KernelSight { processes: boolean; sockets: boolean; /** Changes of files. */ files?: boolean }

const tickMs = 10;

export class KernelView {
  readonly #sights = new Map<string, KernelSight>();
  readonly #sources: readonly string[];
  #waiting: (() => void)[] = [];
  /** On the clock of performance.now(): when processes were seen from, and when that ended. */
  #from = Number.POSITIVE_INFINITY;
  #to = Number.POSITIVE_INFINITY;

  /** The sensors that will say what they see. */
  constructor(sources: readonly string[] = ['ebpf']) { this.#sources = sources; }

  get processes(): boolean { return [...this.#sights.values()].some((sight) => sight.processes); }
  /** Who tells changes of files; undefined when nobody does. */
  get files(): string | undefined { for (const [source, { files }] of this.#sights) if (files) return source; return undefined; }
  get sockets(): boolean { return [...this.#sights.values()].some((sight) => sight.sockets); }

  by(source: string): KernelSight | undefined { return this.#sights.get(source); }

  /** Said by a sensor when it begins and ceases to see, and when it cannot. */
  tell(source: string, sight: KernelSight): void {
    const before = this.processes;
    this.#sights.set(source, sight);
    if (this.processes && !before) { this.#from = performance.now(); this.#to = Number.POSITIVE_INFINITY; }
    else if (!this.processes && before) this.#to = performance.now();
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /**
   * Whether a process that began at this moment (clock of performance.now()) was told by the kernel. Starts are known in whole
   * clock ticks, cut off: of one within the last tick nobody knows, and told twice is better than not at all.
   */
  told(began: number): boolean { return began > this.#from && began + tickMs <= this.#to; }

  /** Resolves once it is known whether processes are seen, or after the time. */
  settled(ms: number, signal: AbortSignal): Promise<void> {
    return this.#until(() => this.processes || this.#sources.every((source) => this.#sights.has(source)), ms, signal);
  }

  /** Resolves once this source has said what it sees, or after the time; at once for one that will say nothing. */
  settledOf(source: string, ms: number, signal: AbortSignal): Promise<void> { return this.#until(() => this.#sights.has(source) || !this.#sources.includes(source), ms, signal); }

  async #until(known: () => boolean, ms: number, signal: AbortSignal): Promise<void> {
    const end = new AbortController();
    const timer = setTimeout(() => { end.abort(); }, ms);
    const onAbort = (): void => { end.abort(); };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!known() && !end.signal.aborted && !signal.aborted) {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
          end.signal.addEventListener('abort', () => { resolve(); }, { once: true });
        });
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
