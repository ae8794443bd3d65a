/** Answers by Idempotency-Key: who sends the same again, because no answer came, gets the answer of the first time and does nothing twice. */
import { createHash } from 'node:crypto';
import { Problem } from './problem.ts';

const keptMs = 24 * 3_600_000;
const keptMax = 2000;
/** As text; longer answers are not kept, and their requests run again. */
const answerMax = 64 * 1024;
const keyMax = 300;

interface Answered { request: string; at: number; answer: Promise<{ status: number; body: unknown }> }

/** In memory: a restart forgets them. */
export class Repeats {
  private readonly kept = new Map<string, Answered>();
  private readonly now: () => number;

  constructor(now: () => number) { this.now = now; }

  /** Throws Problem 'refused' when the key stood for another request. What failed is tried again. */
  async once(key: string, request: string, work: () => Promise<{ status: number; body: unknown }>): Promise<{ status: number; body: unknown }> {
    if (key.length > keyMax) throw new Problem('bad-input', { zh: 'Idempotency-Key 太长', en: 'expected a shorter Idempotency-Key' });
    const digest = createHash('sha256').update(request).digest('hex');
    const before = this.kept.get(key);
    if (before && this.now() - before.at < keptMs) {
      if (before.request !== digest) throw new Problem('refused', { zh: '这个 Idempotency-Key 已用于另一个请求', en: 'the Idempotency-Key was used for another request' });
      return before.answer;
    }
    const answer = work();
    this.kept.delete(key);
    this.kept.set(key, { request: digest, at: this.now(), answer });
    const [oldest] = this.kept.keys();
    if (this.kept.size > keptMax && oldest !== undefined) this.kept.delete(oldest);
    try {
      const given = await answer;
      if (JSON.stringify(given).length > answerMax) this.kept.delete(key);
      return given;
    } catch (error) {
      this.kept.delete(key);
      throw error;
    }
  }
}
