/** Single entries of a finished baseline, without holding it: blocks are found by their first path and authenticated each time they are read. */
import { lstatSync } from 'node:fs';
import { Slices } from '../linux/slices.ts';
import { comparePaths, entryOf, isWithin, type Entry } from './entry.ts';
import { BaselineReader, type Block, type Summary } from './store.ts';

/** Entries below one folder that are handed out at most. */
const belowMax = 4096;

export class BaselineLookup {
  readonly summary: Summary;
  readonly #path: string;
  readonly #reader: BaselineReader;
  readonly #blocks: readonly Block[];
  readonly #stamp: string;
  /** Lines of the block that was read last: what changes together mostly lies together. */
  #last: { block: Block; lines: string[] } | undefined;

  private constructor(path: string, reader: BaselineReader, blocks: readonly Block[], stamp: string) { this.#path = path; this.#reader = reader; this.#blocks = blocks; this.#stamp = stamp; this.summary = reader.summary(); }

  /** Reads all of it once. To be closed. Throws BaselineError. */
  static async open(path: string, key: Buffer, signal?: AbortSignal): Promise<BaselineLookup> {
    const stamp = stampOf(path);
    const reader = new BaselineReader(path, key);
    try {
      const slices = new Slices(signal);
      const blocks: Block[] = [];
      for (const block of reader.blocks()) {
        blocks.push(block);
        if (slices.due()) await slices.rest();
      }
      return new BaselineLookup(path, reader, blocks, stamp);
    } catch (error) { reader.close(); throw error; }
  }

  /** Is another baseline in its place now, or was something done to this one? */
  get isReplaced(): boolean { return stampOf(this.#path) !== this.#stamp; }

  /** Is this path one that the baseline looks at? */
  covers(path: string): boolean {
    const { folders, exclude } = this.summary;
    return folders.some((folder) => isWithin(path, folder)) && !exclude.some((one) => isWithin(path, one));
  }

  /** The entry of this very path. Throws BaselineError 'tampered'. */
  at(path: string): Entry | undefined {
    const [entry] = this.#from(path, true);
    return entry;
  }

  /** Entries at and below a path, in the order of the walk; undefined when they are too many. */
  below(path: string): Entry[] | undefined {
    const found: Entry[] = [];
    for (const entry of this.#from(path, false)) {
      if (found.length >= belowMax) return undefined;
      found.push(entry);
    }
    return found;
  }

  /** Nothing holds the lines of the last block after this. */
  rest(): void { this.#last = undefined; }

  close(): void { this.#reader.close(); }

  *#from(path: string, alone: boolean): Iterable<Entry> {
    let index = this.#indexOf(path);
    if (index < 0) index = 0;
    // As `lineOf` begins a line: other lines need not be read.
    const start = `[${JSON.stringify(path)},`;
    const below = JSON.stringify(path === '/' ? '/' : `${path}/`).slice(0, -1);
    for (; index < this.#blocks.length; index++) {
      const block = this.#blocks[index]!;
      if (comparePaths(block.first, path) > 0 && (alone || !isWithin(block.first, path))) return;
      if (this.#last?.block !== block) this.#last = { block, lines: [...this.#reader.linesOf(block)] };
      for (const line of this.#last.lines) {
        if (line.startsWith(start) || (!alone && line.startsWith(below, 1))) yield entryOf(line);
      }
      if (alone) return;
    }
  }

  /** The last block whose first path does not come after this one. */
  #indexOf(path: string): number {
    let [low, high] = [0, this.#blocks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comparePaths(this.#blocks[middle]!.first, path) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Names a file in one state; empty when there is none. */
export function stampOf(path: string): string {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat ? `${stat.ino} ${stat.size} ${stat.ctimeMs}` : '';
  } catch { return ''; /* closed to us: as good as none */ }
}
