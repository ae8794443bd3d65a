import type { Event } from '../core/format.ts';
import { Recent } from './recent.ts';

interface Entry { time: number; counted: number; stages: [number, number, number] }

/** After this long without a line the counters of an address start anew. */
const idleMs = 10 * 60_000;

/**
 * Counts one attempt once. A daemon may report the same failed log-in through PAM, in its own words and again in
 * the summary of the connection. Each of these stages reports an attempt at most once, so an attempt is new exactly
 * when its stage has now reported more than any stage had before. Keyed by address (or pid), bounded, oldest out.
 */
export class Attempts {
  readonly #entries = new Recent<string, Entry>(4096);

  /** `stage` reports `n` failed attempts of `key` at `time` (ms). Returns how many of them were not known yet. */
  add(key: string, stage: 0 | 1 | 2, n: number, time: number): number {
    let entry = this.#entries.get(key);
    if (entry === undefined || Math.abs(time - entry.time) > idleMs) {
      entry = { time, counted: 0, stages: [0, 0, 0] };
      this.#entries.set(key, entry);
    }
    entry.time = time;
    entry.stages[stage] += n;
    const fresh = Math.max(0, entry.stages[stage] - entry.counted);
    entry.counted += fresh;
    return fresh;
  }
}

/** Marks a failed log-in; `login-detail` when another line already told of it. */
export function failedLogin(event: Event, attempts: Attempts, stage: 0 | 1 | 2, n = 1, key = event.source_ip): true {
  event.category = 'authentication';
  event.outcome = 'failure';
  const fresh = key === undefined ? n : attempts.add(key, stage, n, event.time);
  event.action = fresh > 0 ? 'login' : 'login-detail';
  if (fresh > 1) event.extra = { attempts: fresh };
  return true;
}

/** Marks a failed log-in that no other line of the daemon repeats. */
export function loginFailure(event: Event): true {
  event.category = 'authentication';
  event.action = 'login';
  event.outcome = 'failure';
  return true;
}

export function loginSuccess(event: Event): true {
  event.category = 'authentication';
  event.action = 'login';
  event.outcome = 'success';
  return true;
}

/** Marks something else that was refused or noticed: `reject` (policy), `probe` (protocol abuse), `disconnect` … */
export function mark(event: Event, category: string, action: string, outcome: 'failure' | 'success' | 'unknown'): true {
  event.category = category;
  event.action = action;
  event.outcome = outcome;
  return true;
}
