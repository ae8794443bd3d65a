/**
 * Two threads that digest files of a disk. Jobs go over in bundles, because a message costs more than a small file; each
 * thread has a second bundle waiting, so that it never stands still.
 */
import { Worker } from 'node:worker_threads';
import { MoatError } from '../core/error.ts';
import type { DigestAlgorithm, Taken } from './digests.ts';

/** Paths as `nameOf` makes them. */
export interface HashJobs { id: number; jobs: [path: string, algorithm: DigestAlgorithm][] }
/** `follows`: folders on the way may be links, as on the running machine; else a link there was put in since the path was found. */
export interface HashSettings { follows: boolean }
export interface HashAnswer { id: number; taken: Taken[] }

export type HashPoolErrorCode = 'ended' | 'closed';

const threads = 2;
/** Whoever asks may be busy with something else for some tenths of a second. */
const bundlesAhead = 8;
const bundleJobs = 64;
const bundleBytes = 4 * 2 ** 20;
/** Beyond this `take` waits for room. */
const queueMax = 4096;
/** What opening a file costs, in bytes that could be digested meanwhile. */
const openBytes = 16 * 1024;

interface Job { path: string; algorithm: DigestAlgorithm; size: number; resolve: (taken: Taken) => void; reject: (error: unknown) => void }
interface Thread { worker: Worker; out: Map<number, Job[]> }

export class HashPool {
  readonly #program: string;
  readonly #settings: HashSettings;
  readonly #threads: Thread[] = [];
  readonly #queue: Job[] = [];
  #taken = 0;
  #queuedBytes = 0;
  #bundles = 0;
  #asked = false;
  #failed: unknown;
  readonly #waiting: (() => void)[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => { this.#fail(this.#signal?.reason); };

  /** `program` is the bundled src/linux/hash-worker.ts. */
  constructor(program: string, settings: HashSettings, signal?: AbortSignal) {
    this.#program = program;
    this.#settings = settings;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted) this.#failed = signal.reason;
  }

  /** Digest of a file, by its path for the system. Rejects when the pool is closed, aborted, or a thread died. */
  async take(path: string, algorithm: DigestAlgorithm, size = 0): Promise<Taken> {
    while (this.#queue.length - this.#taken >= queueMax && this.#failed === undefined) await new Promise<void>((resolve) => { this.#waiting.push(resolve); });
    if (this.#failed !== undefined) throw this.#failed as Error;
    return new Promise((resolve, reject) => {
      this.#queue.push({ path, algorithm, size, resolve, reject });
      this.#queuedBytes += openBytes + size;
      // A whole bundle goes over at once, the rest of what is asked for in one turn together: who asks may ask for thousands before the turn ends.
      if (this.#queuedBytes >= bundleBytes || this.#queue.length - this.#taken >= bundleJobs) this.#send();
      else if (!this.#asked) { this.#asked = true; setImmediate(() => { this.#asked = false; this.#send(); }); }
    });
  }

  /** Whatever was not answered is rejected. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#fail(new MoatError<HashPoolErrorCode>('closed', 'expected digests to be asked for before the pool is closed'));
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #send(): void {
    if (this.#failed !== undefined) return;
    while (this.#taken < this.#queue.length) {
      const thread = this.#idle();
      if (!thread) return;
      const jobs = this.#bundle();
      const id = ++this.#bundles;
      if (thread.out.size === 0) thread.worker.ref();
      thread.out.set(id, jobs);
      const message: HashJobs = { id, jobs: jobs.map(({ path, algorithm }) => [path, algorithm]) };
      thread.worker.postMessage(message, []);
    }
    for (const go of this.#waiting.splice(0)) go();
  }

  #bundle(): Job[] {
    const jobs: Job[] = [];
    for (let bytes = 0; jobs.length < bundleJobs && bytes < bundleBytes && this.#taken < this.#queue.length;) {
      const job = this.#queue[this.#taken++]!;
      bytes += openBytes + job.size;
      this.#queuedBytes -= openBytes + job.size;
      jobs.push(job);
    }
    if (this.#taken > queueMax) { this.#queue.splice(0, this.#taken); this.#taken = 0; }
    return jobs;
  }

  /** The thread with the least before it; undefined when all have enough. */
  #idle(): Thread | undefined {
    const least = this.#threads.reduce<Thread | undefined>((a, b) => (a && a.out.size <= b.out.size ? a : b), undefined);
    if (least?.out.size === 0) return least;
    if (this.#threads.length < threads) return this.#start();
    return least && least.out.size < bundlesAhead ? least : undefined;
  }

  #start(): Thread {
    const worker = new Worker(this.#program, { name: 'moat-hash', workerData: this.#settings, resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 } });
    const thread: Thread = { worker, out: new Map() };
    worker.unref();
    worker.on('message', ({ id, taken }: HashAnswer) => {
      const jobs = thread.out.get(id) ?? [];
      thread.out.delete(id);
      if (thread.out.size === 0) worker.unref();
      for (const [i, job] of jobs.entries()) job.resolve(taken[i]!);
      this.#send();
    });
    worker.on('error', (error) => { this.#fail(error); });
    worker.on('exit', () => { this.#fail(new MoatError<HashPoolErrorCode>('ended', 'expected the hashing thread to run, it ended', { zh: '算摘要的线程意外结束' })); });
    this.#threads.push(thread);
    return thread;
  }

  #fail(error: unknown): void {
    if (this.#failed !== undefined) return;
    this.#failed = error;
    for (const { out, worker } of this.#threads) {
      for (const jobs of out.values()) for (const job of jobs) job.reject(error);
      out.clear();
      worker.unref();
    }
    for (const job of this.#queue.splice(0).slice(this.#taken)) job.reject(error);
    this.#taken = this.#queuedBytes = 0;
    for (const go of this.#waiting.splice(0)) go();
  }
}
