/**
 * Questions about every process id and every port, which take seconds: asked by a thread of its own, so that the rest of a scan goes
 * on meanwhile, and in slices of this one where there is none.
 */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { MoatError } from '../core/error.ts';
import type { Probes } from './probes.ts';
import { Slices } from './slices.ts';

export type SweepErrorCode = 'ended';

/** Ids from `newest` down to 1, then from `last` down to `newest`, until `count` were tried or `ms` have passed. */
export interface IdSweep { what: 'ids'; way: 'scheduled' | 'signalled'; newest: number; last: number; count: number; ms: number }
/** All ports but those that are `known`. */
export interface PortSweep { what: 'ports'; protocol: 'tcp' | 'udp'; known: readonly number[] }
/** `found`: ids that answered, at most `foundMax` of them, and ports that are taken. `untried`: ids there was no time for, ports that could not be tried. */
export interface Swept { found: number[]; untried: number }

export interface Sweeps {
  /** Rejects with the signal's reason, and with MoatError when the kernel cannot be asked. One question at a time is answered. */
  ask(question: IdSweep | PortSweep): Promise<Swept>;
  close(): Promise<void>;
}

const foundMax = 100_000;
const portMax = 65_535;
/** Questions between two looks at the clock. */
const stride = 512;

/** In this thread, a few milliseconds at a time. */
export async function sweep(probes: Probes, question: IdSweep | PortSweep, signal?: AbortSignal): Promise<Swept> {
  const slices = new Slices(signal, 8);
  const swept: Swept = { found: [], untried: 0 };
  if (question.what === 'ports') {
    const known = new Set(question.known);
    for (let port = 1; port <= portMax; port++) {
      if (port % stride === 0 && slices.due()) await slices.rest();
      if (known.has(port)) continue;
      const answer = probes.port(question.protocol, port);
      if (answer === 'taken') swept.found.push(port);
      else if (answer === 'unknown') swept.untried++;
    }
    return swept;
  }
  const { newest, last, count, ms, way } = question;
  const until = performance.now() + ms;
  const lives = (pid: number): boolean => probes[way](pid);
  let tried = 0;
  for (let pid = newest; tried < count; tried++) {
    if (tried % stride === 0) {
      if (performance.now() >= until) break;
      if (slices.due()) await slices.rest();
    }
    if (lives(pid) && swept.found.length < foundMax) swept.found.push(pid);
    if (--pid < 1) pid = last;
  }
  return { ...swept, untried: count - tried };
}

/** To be closed. From the sources there is no program for a thread: this one is used. */
export function openSweeps(probes: Probes, signal?: AbortSignal): Sweeps {
  const here = fileURLToPath(import.meta.url);
  if (extname(here) === '.ts') return { ask: (question) => sweep(probes, question, signal), close: () => Promise.resolve() };
  return threadSweeps(new URL('./sweep-worker.js', import.meta.url), signal);
}

/** What the thread is sent in the place of a question when it is to end. */
export const stopSweeps = 'stop';
/** It looks up every few milliseconds. */
const stopMs = 10_000;

/** Not by force: a thread that is ended within a call of the system's library may take the whole process with it. */
async function end(worker: Worker): Promise<void> {
  const gone = new Promise<void>((resolve) => { worker.once('exit', () => { resolve(); }); });
  worker.ref();
  worker.postMessage(stopSweeps, []);
  const timer = setTimeout(() => { void worker.terminate(); }, stopMs);
  await gone;
  clearTimeout(timer);
}

/** What the thread answers. */
export type SweepAnswer = { swept: Swept } | { error: string };

function threadSweeps(program: URL, signal: AbortSignal | undefined): Sweeps {
  let worker: Worker | undefined;
  let before: Promise<unknown> = Promise.resolve();
  let reject: ((error: unknown) => void) | undefined;
  const ask = (question: IdSweep | PortSweep): Promise<Swept> => new Promise((resolve, no) => {
    if (signal?.aborted) { no(signal.reason as Error); return; }
    if (!worker) {
      worker = new Worker(program, { name: 'moat-sweep', resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 } });
      worker.on('error', (error) => reject?.(error));
      worker.on('exit', () => {
        // The next question begins another: one that is gone answers nobody.
        worker = undefined;
        reject?.(new MoatError<SweepErrorCode>('ended', 'expected the thread that asks the kernel to answer, it ended', { zh: '向内核逐个询问的线程意外结束' }));
      });
    }
    reject = no;
    worker.ref();
    worker.once('message', (answer: SweepAnswer) => {
      worker?.unref();
      if ('error' in answer) no(new MoatError<SweepErrorCode>('ended', answer.error)); else resolve(answer.swept);
    });
    worker.postMessage(question, []);
  });
  const onAbort = (): void => { reject?.(signal!.reason); if (worker) void end(worker); };
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    ask(question) {
      const answer = before.then(() => ask(question));
      before = answer.catch(() => undefined); // told to whoever asked
      return answer;
    },
    async close() {
      signal?.removeEventListener('abort', onAbort);
      reject?.(new MoatError<SweepErrorCode>('ended', 'expected the kernel to be asked before this is closed'));
      if (worker) await end(worker);
    },
  };
}
