/**
 * Slows guessing. Wrong log-ons are counted for each caller, for each account by a caller (an own log-on between two guesses at somebody else's
 * account does not help), and for each account by callers that it never logged in from: nobody can lock an owner out of the place where the
 * owner always is. Kept in memory, bounded.
 */
import { callerOf } from './caller.ts';
import { Problem } from '../problem.ts';

const free = 5;
const firstWaitMs = 30_000;
const longestWaitMs = 3_600_000;
/** An account may be guessed at from many addresses at once. */
const accountFree = 30;
const forgetMs = 24 * 3_600_000;
const entriesMax = 20_000;

const keysOf = (name: string, address: string): string[] => { const caller = callerOf(address); return [`a ${caller}`, `p ${caller} ${name}`]; };

interface Count { wrong: number; until: number; last: number }

export class Lockout {
  private readonly counts = new Map<string, Count>();
  private readonly now: () => number;

  constructor(now: () => number) { this.now = now; }

  /** Throws Problem 'too-many' while it must wait. */
  mustWait(name: string, address: string, isKnown: boolean): void {
    const now = this.now();
    const keys = [...keysOf(name, address), ...(isKnown ? [] : [`n ${name}`])];
    const until = Math.max(...keys.map((key) => this.counts.get(key)?.until ?? 0));
    if (until <= now) return;
    const seconds = Math.ceil((until - now) / 1000);
    throw new Problem('too-many', { zh: `失败次数太多，请 ${seconds} 秒后再试`, en: `too many wrong log-ons: try again in ${seconds} s` }, { retryAfter: seconds });
  }

  /** True while it is worth an entry in the audit log: guessing must not fill that. */
  wrong(name: string, address: string, isKnown: boolean): boolean {
    const [wrong = 0] = keysOf(name, address).map((key) => this.add(key, free));
    if (!isKnown) this.add(`n ${name}`, accountFree);
    return wrong <= free + 1;
  }

  right(name: string, address: string): void { for (const key of keysOf(name, address)) this.counts.delete(key); }

  private add(key: string, allowed: number): number {
    const now = this.now();
    const before = this.counts.get(key);
    const wrong = before === undefined || now - before.last > forgetMs ? 1 : before.wrong + 1;
    this.counts.delete(key);
    this.counts.set(key, { wrong, last: now, until: wrong < allowed ? 0 : now + Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(20, wrong - allowed)) });
    const [oldest] = this.counts.keys();
    if (this.counts.size > entriesMax && oldest !== undefined) this.counts.delete(oldest);
    return wrong;
  }
}
