/**
 * Analyses run in threads of their own, one file at a time, each with a deadline and a share of memory; a thread that reaches one of
 * them is ended and another takes its place. Run from the source (in development), the analysis is done in this thread and only its
 * own limits hold.
 */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Language } from '../../webshell/choose.ts';
import { languages } from '../../webshell/languages.ts';
import type { Analysis } from '../../webshell/sign.ts';

export interface Job { id: number; language: Language; source: Uint8Array }
export interface Result { id: number; analysis: Analysis }

/** `cut` of an analysis that was ended from outside. */
export const ended = { time: 'ended: it took too long', memory: 'ended: it took too much memory or its thread broke' } as const;

export interface PoolOptions {
  /** The program of the thread; default beside this one when it is built. */
  worker?: string;
  /** Milliseconds for one file, longer than the analysis allows itself: parsing has no clock. */
  deadline?: number;
  threads?: number;
  memoryMb?: number;
}

const deadlineLeast = 2000;
/** Sources of which nothing is to be told, remembered by digest: libraries lie on one machine many times over. */
const cleanMax = 20_000;

interface Slot { worker: Worker; busy: { job: Job; settle: (analysis: Analysis) => void; timer: NodeJS.Timeout } | undefined }

export class Pool {
  readonly #options: Required<Omit<PoolOptions, 'worker'>> & { worker: string | undefined };
  readonly #slots: Slot[] = [];
  readonly #waiting: { job: Job; settle: (analysis: Analysis) => void }[] = [];
  readonly #clean = new Set<string>();
  #next = 0;
  #kills = 0;

  constructor({ worker, deadline = 20_000, threads = Math.max(1, Math.min(2, availableParallelism() - 1)), memoryMb = 384 }: PoolOptions = {}) {
    const here = fileURLToPath(import.meta.url);
    const built = extname(here) === '.ts' ? undefined : fileURLToPath(new URL('./webshell-worker.js', import.meta.url));
    this.#options = { worker: worker ?? built, deadline, threads, memoryMb };
  }

  /** Files handed in and not yet done. */
  get pending(): number { return this.#waiting.length + this.#slots.filter(({ busy }) => busy).length; }

  /** Never rejects: what went wrong stands in `cut`. */
  analyse(language: Language, source: Uint8Array): Promise<Analysis> {
    if (this.#options.worker === undefined) return Promise.resolve(languages[language]?.(Buffer.from(source).toString('latin1')) ?? { signs: [], cut: [], read: 'tokens' });
    const key = `${language} ${createHash('sha1').update(source).digest('base64')}`;
    if (this.#clean.has(key)) return Promise.resolve({ signs: [], cut: [], read: 'parser' });
    return new Promise((settle) => {
      this.#waiting.push({ job: { id: this.#next++, language, source }, settle: (analysis) => { this.#remember(key, analysis); settle(analysis); } });
      this.#feed();
    });
  }

  #remember(key: string, { signs, cut }: Analysis): void {
    if (signs.length > 0 || cut.length > 0) return;
    if (this.#clean.size >= cleanMax) for (const oldest of this.#clean) { this.#clean.delete(oldest); break; }
    this.#clean.add(key);
  }

  async close(): Promise<void> { await Promise.all(this.#slots.splice(0).map(({ worker }) => worker.terminate())); }

  #feed(): void {
    while (this.#waiting.length > 0) {
      const slot = this.#slots.find(({ busy }) => !busy) ?? (this.#slots.length < this.#options.threads ? this.#start() : undefined);
      if (!slot) return;
      const { job, settle } = this.#waiting.shift()!;
      slot.worker.ref();
      slot.busy = { job, settle, timer: setTimeout(() => { this.#end(slot, ended.time); }, this.#deadline()) };
      slot.worker.postMessage(job, []);
    }
  }

  /** Shorter each time one was reached: many such files must not hold up the scan. */
  #deadline(): number { return Math.max(Math.min(this.#options.deadline, deadlineLeast), this.#options.deadline / (1 + this.#kills)); }

  #start(): Slot {
    const worker = new Worker(this.#options.worker!, { name: 'moat-webshell', resourceLimits: { maxOldGenerationSizeMb: this.#options.memoryMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 8 } });
    const slot: Slot = { worker, busy: undefined };
    worker.on('message', ({ id, analysis }: Result) => {
      if (slot.busy?.job.id !== id) return;
      const { settle, timer } = slot.busy;
      clearTimeout(timer);
      slot.busy = undefined;
      worker.unref(); // an idle thread keeps no program from ending
      settle(analysis);
      this.#feed();
    });
    const broke = (): void => { this.#end(slot, ended.memory); };
    worker.on('error', broke);
    worker.on('exit', broke);
    this.#slots.push(slot);
    return slot;
  }

  #end(slot: Slot, why: string): void {
    const at = this.#slots.indexOf(slot);
    if (at >= 0) this.#slots.splice(at, 1);
    const { busy } = slot;
    slot.busy = undefined;
    void slot.worker.terminate();
    if (busy) {
      this.#kills++;
      clearTimeout(busy.timer);
      busy.settle({ signs: [], cut: [why], read: 'tokens' });
    }
    this.#feed();
  }
}
