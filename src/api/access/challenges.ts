/** Challenges of what is begun in one request and ended in another: each is used once, and soon. */
import { randomBytes } from 'node:crypto';
import { Problem } from '../problem.ts';

const lifeMs = 5 * 60_000;
const waitingMost = 2000;

interface Waiting { challenge: string; until: number; purpose: string }

/** In memory, bounded; a restart voids what is under way. */
export class Challenges {
  private readonly waiting = new Map<string, Waiting>();
  private readonly now: () => number;

  constructor(now: () => number) { this.now = now; }

  /** `purpose`: what it is for, and whom when that is known; it is good for nothing else. */
  begin(challenge: string, purpose: string): string {
    const ticket = randomBytes(16).toString('base64url');
    this.waiting.set(ticket, { challenge, until: this.now() + lifeMs, purpose });
    const [oldest] = this.waiting.keys();
    if (this.waiting.size > waitingMost && oldest !== undefined) this.waiting.delete(oldest);
    return ticket;
  }

  /** Once, whatever becomes of it. Throws Problem 'gone'. */
  take(ticket: string, purpose: string): string {
    const found = this.waiting.get(ticket);
    this.waiting.delete(ticket);
    if (!found || found.until <= this.now() || found.purpose !== purpose) throw new Problem('gone', { zh: '已过期，请重新开始', en: 'it is too old: begin again' });
    return found.challenge;
  }
}
