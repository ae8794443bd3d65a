/** Connections that come back like a clock: of one program to one address, for a long time. */
import { Lru } from '../lru.ts';

/** Fewer come back by chance. */
const leastGaps = 12;
/** Several connections at once are one call. */
const burstMs = 3000;
const shortestMs = 5000;
const againMs = 6 * 3_600_000;
const maxPairs = 4000;

/** Mean and squared deviations of the gaps since `start`, kept as they come (Welford). */
interface Pair { start: number; last: number; gaps: number; mean: number; squares: number; missed: number; told: number }
export interface Beat { seconds: number; jitter: number; minutes: number; calls: number }

export class Beacons {
  private readonly pairs: Lru<Pair>;
  private readonly jitter: number;
  private readonly spanMs: number;

  /** `jitter`: greatest deviation, as a part of the mean interval; `spanMs`: how long it must have lasted. */
  constructor(jitter: number, spanMs: number, evicted: () => void) {
    this.pairs = new Lru<Pair>(maxPairs, evicted);
    this.jitter = jitter;
    this.spanMs = spanMs;
  }

  get size(): number { return this.pairs.size; }

  /** Takes a call in; the beat when there is one that was not told within the last six hours. */
  add(key: string, time: number): Beat | undefined {
    const pair = this.pairs.get(key);
    if (pair === undefined) {
      this.pairs.set(key, { start: time, last: time, gaps: 0, mean: 0, squares: 0, missed: 0, told: Number.NEGATIVE_INFINITY });
      return undefined;
    }
    const gap = time - pair.last;
    if (gap < burstMs) return undefined;
    pair.last = time;
    take(pair, gap);
    const deviation = pair.gaps === 0 ? 0 : Math.sqrt(pair.squares / pair.gaps) / pair.mean;
    if (pair.gaps >= 3 && (pair.missed > 1 + pair.gaps / 8 || deviation > this.jitter * 2)) {
      // No clock so far; perhaps one begins now.
      Object.assign(pair, { start: time, gaps: 0, mean: 0, squares: 0, missed: 0 });
      return undefined;
    }
    if (pair.gaps < leastGaps || time - pair.start < this.spanMs || pair.mean < shortestMs || deviation >= this.jitter || time - pair.told < againMs) return undefined;
    pair.told = time;
    return { seconds: Math.round(pair.mean / 1000), jitter: Math.round(deviation * 100), minutes: Math.round((time - pair.start) / 60_000), calls: pair.gaps + 1 };
  }
}

function take(pair: Pair, gap: number): void {
  // A call that was missed makes a gap of twice the length.
  const times = pair.gaps >= 3 ? Math.max(1, Math.round(gap / pair.mean)) : 1;
  if (times > 1) pair.missed++;
  const one = gap / times;
  pair.gaps++;
  const off = one - pair.mean;
  pair.mean += off / pair.gaps;
  pair.squares += off * (one - pair.mean);
}
