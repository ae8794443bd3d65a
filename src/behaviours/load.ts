/** How much CPU a program uses over time, from samples of its processes. Event time only. */

/** One spell of work: it began, and has not paused for longer than the allowed gap. */
export interface Spell {
  since: number;
  last: number;
  samples: number;
  /** Mean percent of one core, and how much it varies (standard deviation over mean). */
  mean: number;
  variation: number;
}

/** The sum over a program's processes, sample by sample. */
export class Load {
  /** Time and sum of the sample that is coming in. */
  time = 0;
  sum = 0;
  private since = 0;
  private last = 0;
  private samples = 0;
  private mean = 0;
  private squares = 0;

  /** Adds one process's percent. Answers true when this was the first of a new sample: the former is settled. */
  add(time: number, percent: number, floor: number, gapMs: number): boolean {
    if (time === this.time) { this.sum += percent; return false; }
    const settled = this.time !== 0 && this.sum >= floor;
    if (settled) this.take(this.time, this.sum, gapMs);
    this.time = time;
    this.sum = percent;
    return settled;
  }

  private take(time: number, sum: number, gapMs: number): void {
    if (this.samples === 0 || time - this.last > gapMs || time < this.last) {
      this.since = time;
      this.samples = 0;
      this.mean = this.squares = 0;
    }
    this.last = time;
    this.samples++;
    const off = sum - this.mean;
    this.mean += off / this.samples;
    this.squares += off * (sum - this.mean);
  }

  get spell(): Spell {
    const { since, last, samples, mean } = this;
    return { since, last, samples, mean, variation: samples < 2 || mean === 0 ? 1 : Math.sqrt(this.squares / samples) / mean };
  }
}
