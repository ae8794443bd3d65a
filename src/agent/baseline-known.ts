/** Changes since the baseline that people were told of: tells the new from the known, forgets what was put right or taken over, survives a restart. */
import { atLeast, levels, type Level } from '../core/level.ts';
import { isWithin } from '../baseline/entry.ts';
import type { ToldChange } from './baseline-change.ts';

export interface KnownChange {
  signature: string;
  level: Level;
  sign: boolean;
  /** Unix ms of the look that found it first. */
  since: number;
}

export interface KnownChanges {
  version: 1;
  changes: Record<string, KnownChange>;
  /** How often a path was put right or taken over: when it changes again, that is a new alert. Oldest first. */
  again: Record<string, number>;
  /** When all of it was last tried and last compared; Unix ms. */
  tried: number | undefined;
  compared: number | undefined;
  /** The inode and time of change of the baseline that this is about. */
  store: string;
}

const knownMax = 20_000;
const againMax = 5000;

export const noChanges = (): KnownChanges => ({ version: 1, changes: {}, again: {}, tried: undefined, compared: undefined, store: '' });

/** What was saved; undefined for text of another version or a faulty one. */
export function readChanges(text: string | undefined): KnownChanges | undefined {
  if (text === undefined || text === '') return noChanges();
  try {
    const state = JSON.parse(text) as Partial<KnownChanges> | null;
    return state?.version === 1 ? { ...noChanges(), ...state } : undefined;
  } catch { return undefined; }
}

/** Known changes by path; every call is about one state of the machine. */
export class ChangeBook {
  state: KnownChanges;
  readonly #changes: Map<string, KnownChange>;
  readonly #again: Map<string, number>;
  isDirty = false;
  /** Changes that could not be remembered. */
  dropped = 0;

  constructor(state: KnownChanges) {
    this.state = state;
    this.#changes = new Map(Object.entries(state.changes));
    this.#again = new Map(Object.entries(state.again));
  }

  get size(): number { return this.#changes.size; }

  /** Is this change new? How often the path changed and was put right before, for one that is. */
  take({ path, signature, finding: { level, kind } }: ToldChange, now: number): number | undefined {
    const known = this.#changes.get(path);
    if (known?.signature === signature) return undefined;
    if (!known && this.#changes.size >= knownMax) { this.dropped++; return undefined; }
    this.#changes.set(path, { signature, level, sign: kind === 'intrusion' && atLeast(level, 'medium'), since: known?.since ?? now });
    this.isDirty = true;
    return this.#again.get(path) ?? 0;
  }

  /** It is as it was, or was taken over. */
  right(path: string): void {
    if (!this.#changes.delete(path)) return;
    this.isDirty = true;
    const times = (this.#again.get(path) ?? 0) + 1;
    this.#again.delete(path);
    this.#again.set(path, times);
    if (this.#again.size > againMax) for (const oldest of this.#again.keys()) { this.#again.delete(oldest); break; }
  }

  /** After a comparison of these parts (of all when undefined) that began at `since`: what it did not tell of is right. */
  rest(told: ReadonlySet<string>, within: readonly string[] | undefined, since: number): void {
    for (const [path, known] of this.#changes) {
      if (told.has(path) || known.since >= since || (within && !within.some((part) => isWithin(path, part)))) continue;
      this.right(path);
    }
  }

  /** Another baseline was made: everything is new to it. */
  forget(): void { this.#changes.clear(); this.isDirty = true; }

  paths(): Iterable<string> { return this.#changes.keys(); }

  counts(): { known: Record<Level, number>; signs: number } {
    const known = Object.fromEntries(levels.map((level) => [level, 0])) as Record<Level, number>;
    let signs = 0;
    for (const { level, sign } of this.#changes.values()) { known[level]++; if (sign) signs++; }
    return { known, signs };
  }

  text(): string {
    this.isDirty = false;
    return JSON.stringify({ ...this.state, changes: Object.fromEntries(this.#changes), again: Object.fromEntries(this.#again) });
  }
}
