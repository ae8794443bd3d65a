/** What the doors have in common: counting, timing, keeping the input that went wrong. */
import { performance } from 'node:perf_hooks';
import { MoatError } from '../src/core/error.ts';
import { safe } from '../src/cli/terminal.ts';

export interface Tally {
  door: string;
  tried: number;
  /** Refused with an error that says why. */
  refused: number;
  unparsed: number;
  events: number;
  /** Anything thrown that is no clear refusal, and every promise that did not hold. */
  crashes: string[];
  crashCount: number;
  slowestMs: number;
  slowest: string;
  /** A remark for the table, such as the growth of time with length. */
  note: string;
}

const keptCrashes = 5;

export const tally = (door: string): Tally => ({ door, tried: 0, refused: 0, unparsed: 0, events: 0, crashes: [], crashCount: 0, slowestMs: 0, slowest: '', note: '' });

export function crash(t: Tally, why: string, input: string): void {
  t.crashCount++;
  if (t.crashes.length < keptCrashes) t.crashes.push(`${t.door}: ${why}\n    input (${input.length} characters): ${shown(input)}`);
}

/** JSON keeps the bytes legible; `safe` guards the terminal. */
const shown = (input: string): string => safe(JSON.stringify(input.length > 400 ? `${input.slice(0, 400)}…` : input));

/** One input: timed; a MoatError counts as refused, anything else thrown is a crash. */
export function attempt<T>(t: Tally, input: string, run: () => T): T | undefined {
  t.tried++;
  const start = performance.now();
  try {
    return run();
  } catch (error) {
    if (error instanceof MoatError) t.refused++;
    else crash(t, error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : String(error), input);
    return undefined;
  } finally { clocked(t, start, input); }
}

export async function attemptAsync<T>(t: Tally, input: string, run: () => Promise<T>): Promise<T | undefined> {
  t.tried++;
  const start = performance.now();
  try {
    return await run();
  } catch (error) {
    if (error instanceof MoatError) t.refused++;
    else crash(t, error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : String(error), input);
    return undefined;
  } finally { clocked(t, start, input); }
}

function clocked(t: Tally, start: number, input: string): void {
  const took = performance.now() - start;
  if (took > t.slowestMs) { t.slowestMs = took; t.slowest = shown(input.slice(0, 160)); }
}

/** Milliseconds that `run` takes, the least of three. */
export function least(run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

export const until = (ms: number): (() => boolean) => { const end = performance.now() + ms; return () => performance.now() < end; };
