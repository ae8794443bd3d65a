/** When much of a tree changed at once: counted over all files of a walk, in five minutes at a time. */
import type { BusySpan } from './report.ts';

const spanMs = 5 * 60_000;
/** Five minutes are busy when so many files changed last in them, and so much of all: an upgrade does, a visitor with his tools does not. */
const filesMin = 1000;
const partMin = 0.05;
/** Ten years have a million of these minutes, an ordinary disk a few thousand; files of any beyond count for the whole alone. */
const spansMax = 100_000;

export class BusyTimes {
  private readonly files = new Map<number, number>();
  private all = 0;

  /** `changed`: of a file, Unix ms. */
  add(changed: number): void {
    this.all++;
    const span = Math.floor(changed / spanMs);
    const n = this.files.get(span);
    if (n !== undefined) this.files.set(span, n + 1);
    else if (this.files.size < spansMax) this.files.set(span, 1);
  }

  /** At most twenty, neighbours joined. */
  spans(): BusySpan[] {
    const busy = [...this.files].filter(([, n]) => n >= filesMin && n >= partMin * this.all).map(([span]) => span).sort((a, b) => a - b);
    const spans: BusySpan[] = [];
    for (const span of busy) {
      const last = spans.at(-1);
      if (last?.to === span * spanMs) last.to += spanMs;
      else spans.push({ from: span * spanMs, to: (span + 1) * spanMs });
    }
    return spans;
  }
}
