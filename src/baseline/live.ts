/**
 * Changes as they happen: paths that something was done to are looked at a moment later and compared with the baseline. What is as
 * it was (a touch, the same content again) is no change. Whoever holds a file open for writing may write later: it is looked at
 * again until it is closed.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { reasonOf } from '../core/error.ts';
import { ClosedMountError } from '../linux/file-systems.ts';
import { judged, type JudgedChange } from './baseline.ts';
import { changeOf, sideBySide } from './compare.ts';
import { comparePaths, isWithin } from './entry.ts';
import type { BaselineLookup } from './lookup.ts';
import { recordAt, records, Unseen, type Looking } from './records.ts';

/** Something was done to a path. */
export interface Sighting<Who> {
  path: string;
  /** A folder may have come or gone with all that is in it. */
  deep: boolean;
  who: Who | undefined;
  /** Of a process that has the file open for writing, maybe still. */
  opener?: number | undefined;
}

export interface LiveOptions<Who> {
  lookup: BaselineLookup;
  /** Called once a turn: what it knows of folders holds for one. */
  looking: () => Looking;
  /** What a look found; `change` undefined: as it was. */
  found: (path: string, change: JudgedChange | undefined, who: Who | undefined) => void;
  /** Too much, or too large, to be looked at here: this part is to be compared as a whole. */
  lost: (path: string, why: 'queue' | 'many' | 'large') => void;
  failed: (error: unknown) => void;
}

interface Queued<Who> { deep: boolean; who: Who | undefined; opener: number | undefined; due: number; again: number }
interface Open<Who> { pid: number; who: Who | undefined; stamp: string; next: number; until: number }

const settleMs = 120;
const tickMs = 60;
const queueMax = 4096;
const openMax = 512;
const openForMs = 3_600_000;
const openFirstMs = 500;
const openMostMs = 5000;
/** A file that is written while it is read. */
const againMs = 300;
const againMax = 10;
const entriesMax = 2000;
/** Larger files are read by the comparison in a process of its own. */
const sizeMax = 64 * 2 ** 20;
const descriptorsMax = 2000;

export class LiveBaseline<Who> {
  readonly #options: LiveOptions<Who>;
  readonly #queue = new Map<string, Queued<Who>>();
  readonly #open = new Map<string, Open<Who>>();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> | undefined;
  #ended = false;

  constructor(options: LiveOptions<Who>) { this.#options = options; }

  get waiting(): number { return this.#queue.size; }

  /** Cheap: what the baseline does not look at is passed over. */
  saw({ path, deep, who, opener }: Sighting<Who>): void {
    if (this.#ended || !this.#options.lookup.covers(path)) return;
    const known = this.#queue.get(path);
    if (known) {
      known.deep ||= deep;
      known.who = who ?? known.who;
      known.opener = opener ?? known.opener;
      return;
    }
    if (this.#queue.size >= queueMax) { this.#lost(path, 'queue'); return; }
    this.#queue.set(path, { deep, who, opener, due: performance.now() + settleMs, again: 0 });
    this.#timer ??= setTimeout(() => { this.#tick(); }, settleMs);
  }

  /** Once what it is at is done, nothing is told any more. */
  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#turn;
  }

  #tick(): void {
    this.#timer = undefined;
    this.#turn = this.#work().catch((error: unknown) => { if (!this.#ended) this.#options.failed(error); }).finally(() => {
      this.#turn = undefined;
      if (!this.#ended && this.#queue.size + this.#open.size > 0) this.#timer ??= setTimeout(() => { this.#tick(); }, tickMs);
    });
  }

  async #work(): Promise<void> {
    const now = performance.now();
    for (const [path, { pid, who, next }] of this.#open) if (next <= now) this.#ask(path, pid, who, now);
    const due = [...this.#queue].filter(([, one]) => one.due <= now).sort(([a], [b]) => comparePaths(a, b));
    if (due.length === 0) return;
    const looking = this.#options.looking();
    for (const [path, one] of due) {
      if (this.#ended) break;
      this.#queue.delete(path);
      try {
        await this.#look(path, one, looking);
      } catch (error) {
        // It lies on a mount that nobody may ask, which every comparison tells.
        if (error instanceof ClosedMountError) { looking.blind(path, reasonOf(error)); continue; }
        // Nobody looked at these: they are to be compared by somebody who can.
        this.#lost(path, 'many');
        throw error;
      }
    }
    this.#options.lookup.rest();
  }

  async #look(told: string, one: Queued<Who>, looking: Looking): Promise<void> {
    const { lookup, lost } = this.#options;
    const path = realPath(told, looking);
    if (path !== told && !lookup.covers(path)) return;
    const stat = looking.tree.stat(path);
    if (stat?.kind === 'file' && stat.size > sizeMax) { lost(path, 'large'); return; }
    const before = lookup.at(path);
    if (one.deep && (stat?.kind === 'folder' || before?.kind === 'folder')) { await this.#lookBelow(path, one, looking); return; }
    const after = await recordAt(path, looking);
    if (after?.unread === 'changed' && one.again < againMax) {
      this.#queue.set(told, { ...one, due: performance.now() + againMs, again: one.again + 1 });
      return;
    }
    await this.#tell(path, before, after, one.who, looking);
    if (one.opener !== undefined && after?.kind === 'file') this.#keepOpen(told, path, one.opener, one.who, `${after.changed} ${after.size} ${after.inode}`);
  }

  async #lookBelow(path: string, { who }: Queued<Who>, looking: Looking): Promise<void> {
    const { lookup, lost } = this.#options;
    const old = lookup.below(path);
    if (!old) { lost(path, 'many'); return; }
    let n = 0;
    const unseen = new Unseen();
    for await (const [before, after] of sideBySide(old, records([path], lookup.summary.exclude, looking, { unseen }))) {
      if (this.#ended) return;
      if (!after && unseen.has(before!.path)) continue;
      if (++n > entriesMax) { lost(path, 'many'); return; }
      await this.#tell((after ?? before)!.path, before, after, who, looking);
    }
  }

  async #tell(path: string, before: Parameters<typeof changeOf>[0], after: Parameters<typeof changeOf>[1], who: Who | undefined, looking: Looking): Promise<void> {
    const change = changeOf(before, after);
    this.#options.found(path, change && change.action !== 'touched' ? await judged(change, looking) : undefined, who);
  }

  #keepOpen(told: string, path: string, pid: number, who: Who | undefined, stamp: string): void {
    if (!holds(pid, this.#outside(path))) { this.#open.delete(told); return; }
    const known = this.#open.get(told);
    if (!known && this.#open.size >= openMax) { this.#lost(path, 'queue'); return; }
    const now = performance.now();
    this.#open.set(told, { pid, who, stamp, next: now + openFirstMs, until: known?.until ?? now + openForMs });
  }

  /** Closed, or written to since: looked at again; else asked again later, ever more seldom. */
  #ask(told: string, pid: number, who: Who | undefined, now: number): void {
    const open = this.#open.get(told)!;
    this.#open.delete(told);
    const stat = this.#options.looking().tree.stat(told);
    const stamp = stat ? `${stat.changed} ${stat.size} ${stat.inode}` : '';
    if (stamp !== open.stamp) { this.saw({ path: told, deep: false, who, opener: pid }); return; }
    if (now > open.until || !holds(pid, this.#outside(told))) return;
    this.#open.set(told, { ...open, next: now + Math.min(openMostMs, (now - (open.until - openForMs)) / 2 + openFirstMs) });
  }

  #outside(path: string): string {
    try { return this.#options.looking().tree.outside(path) ?? path; } catch { return path; /* not ours to look at: nobody holds it */ }
  }

  #lost(path: string, why: 'queue' | 'many'): void {
    // A path that anybody may have thought up is no good name for a part.
    this.#options.lost(why === 'queue' ? this.#options.lookup.summary.folders.find((folder) => isWithin(path, folder)) ?? path : path, why);
  }
}

/** Folders by their real names; of the path itself its own, as in the baseline. What is gone keeps the name it was told by. */
function realPath(path: string, { tree }: Looking): string {
  const slash = path.lastIndexOf('/');
  if (slash <= 0) return path;
  const folder = tree.real(path.slice(0, slash));
  return folder === undefined ? path : `${folder === '/' ? '' : folder}/${path.slice(slash + 1)}`;
}

/** Has this process the file open? */
function holds(pid: number, path: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    const all = readdirSync(folder);
    // Who opens thousands may have it open behind them: it is looked at again as if it had.
    if (all.length > descriptorsMax) return true;
    for (const fd of all) {
      try {
        if (readlinkSync(`${folder}/${fd}`) === path) return true;
      } catch { /* closed meanwhile */ }
    }
  } catch { /* it has ended, or is not ours to look at: nobody waits for it */ }
  return false;
}
