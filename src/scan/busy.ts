/** When much of a tree changed at once: counted over all files of a walk, by the minute. */
import type { BusySpan } from './report.ts';

const minute = 60_000, together = 5;
/** Five minutes are busy when so many files changed last in them, and so much of all: an upgrade does, a visitor with his tools does not. */
const filesMin = 1000;
const partMin = 0.05;
/** Ten years have five million minutes, an ordinary disk some thousand in which a file changed last; files of any beyond count for the whole alone. */
const minutesMax = 100_000;

export class BusyTimes {
  private readonly files = new Map<number, number>();
  private all = 0;

  /** `changed`: of a file, Unix ms. */
  add(changed: number): void {
    this.all++;
    const at = Math.floor(changed / minute);
    const n = this.files.get(at);
    if (n !== undefined) this.files.set(at, n + 1);
    else if (this.files.size < minutesMax) this.files.set(at, 1);
  }

  /** Every five minutes that are busy, joined where they touch. */
  spans(): BusySpan[] {
    const spans: BusySpan[] = [];
    for (const first of [...this.files.keys()].sort((a, b) => a - b)) {
      let n = 0, end = first;
      for (let at = first; at < first + together; at++) {
        const here = this.files.get(at) ?? 0;
        n += here;
        if (here > 0) end = at + 1;
      }
      if (n < filesMin || n < partMin * this.all) continue;
      const last = spans.at(-1);
      if (last && last.to >= first * minute) last.to = Math.max(last.to, end * minute);
      else spans.push({ from: first * minute, to: end * minute });
    }
    return spans;
  }
}
