/** The processes that are remembered: found by pid and identity, bounded, the ended and least telling forgotten first. */
import { attach, clearTouches, detach, stepsMax, type Node } from './node.ts';

export interface Bounds {
  processes: number;
  /** Entries of all lists together. */
  touches: number;
  /** How long an ended process is kept, ms. */
  keepMs: number;
}

export const defaultBounds: Bounds = { processes: 8000, touches: 30_000, keepMs: 24 * 3_600_000 };

/** Start times are whole clock ticks of 10 ms. */
const tickMs = 10;
/** Depth of ended ancestors beyond which they are joined: a daemon that forks itself anew each second never ends. */
const endedChainMax = 64;

export class Memory {
  /** The newest process of each pid; older ones hang behind it. */
  private readonly byPid = new Map<number, Node>();
  /** Ended ones in the order they ended: those that left nothing to tell, and the others. */
  private plain = new Set<Node>();
  private told = new Set<Node>();
  private readonly bounds: Bounds;
  /** Told of each process that leaves. */
  private readonly onGone: (node: Node) => void;
  private readonly count: (what: string, n?: number) => void;
  size = 0;
  touches = 0;

  constructor(bounds: Bounds, onGone: (node: Node) => void, count: (what: string, n?: number) => void) {
    this.bounds = bounds;
    this.onGone = onGone;
    this.count = count;
  }

  /** The living process of a pid. */
  living(pid: number): Node | undefined {
    const node = this.byPid.get(pid);
    return node?.ended === undefined ? node : undefined;
  }

  newest(pid: number): Node | undefined { return this.byPid.get(pid); }

  find(pid: number, started: number): Node | undefined {
    for (let node = this.byPid.get(pid); node !== undefined; node = node.older) {
      if (Math.abs(node.started - started) <= tickMs) return node;
    }
    return undefined;
  }

  /** Which process had this pid when a log line was written: clocks differ, and some logs write whole seconds late. */
  at(pid: number, time: number): Node | undefined {
    for (let node = this.byPid.get(pid); node !== undefined; node = node.older) {
      if (node.started <= time + 2000 && (node.ended === undefined || node.ended >= time - 10_000)) return node;
    }
    return undefined;
  }

  *all(): Iterable<Node> {
    for (const newest of this.byPid.values()) for (let node: Node | undefined = newest; node !== undefined; node = node.older) yield node;
  }

  add(node: Node): void {
    const before = this.byPid.get(node.pid);
    if (before) this.byPid.delete(node.pid);
    node.older = before;
    this.byPid.set(node.pid, node);
    this.size++;
    if (this.size > this.bounds.processes) this.shrink(node);
  }

  /** Out of a saved run: parents hang already; the order of calls is the order of ends. */
  restore(node: Node): void {
    let before: Node | undefined;
    let at = this.byPid.get(node.pid);
    while (at !== undefined && at.started > node.started) { before = at; at = at.older; }
    node.older = at;
    if (before) before.older = node;
    else this.byPid.set(node.pid, node);
    this.size++;
    this.touches += node.touches;
    if (node.ended !== undefined) (isTelling(node) ? this.told : this.plain).add(node);
    if (this.size > this.bounds.processes) this.shrink(node);
  }

  end(node: Node, time: number): void {
    if (node.ended !== undefined) return;
    node.ended = Math.max(time, node.started);
    // A worker that forked, lived and did nothing else says nothing.
    if (!node.hasProgram && !isTelling(node) && node.writtenBy === undefined) { this.remove(node); return; }
    (isTelling(node) ? this.told : this.plain).add(node);
    this.shorten(node);
  }

  /** It has come to light that it lives. */
  revive(node: Node): void {
    node.ended = undefined;
    this.plain.delete(node);
    this.told.delete(node);
  }

  /** What an ended process did may be heard after its end. */
  tells(node: Node): void {
    if (node.ended !== undefined && this.plain.delete(node)) this.told.add(node);
  }

  /** Makes room for one entry more in the lists: the oldest ended give theirs up first, then those longest without a word. */
  makeRoom(node: Node): void {
    if (this.touches < this.bounds.touches) return;
    const goal = this.bounds.touches * 0.95;
    let given = 0;
    for (const oldest of this.told) {
      if (this.touches <= goal) break;
      if (oldest === node || oldest.touches === 0) continue;
      given += this.clear(oldest);
      if (!isTelling(oldest)) { this.told.delete(oldest); this.plain.add(oldest); }
    }
    if (this.touches > goal) {
      const living = [...this.all()].filter((other) => other !== node && other.touches > 0).sort((a, b) => a.heard - b.heard);
      for (const other of living) {
        if (this.touches <= goal) break;
        given += this.clear(other);
      }
    }
    this.count('deeds of processes forgotten for room', given);
  }

  private clear(node: Node): number {
    const n = clearTouches(node);
    this.touches -= n;
    node.isDirty = true;
    return n;
  }

  /** Forgets those that ended too long ago, a bounded number a call. Ancestors of what still runs stay. */
  age(now: number): void {
    for (const queue of [this.plain, this.told]) {
      let steps = Math.min(queue.size, 2000);
      for (const node of queue) {
        if (steps-- <= 0 || node.ended! >= now - this.bounds.keepMs) break;
        queue.delete(node);
        if (node.firstChild) this.told.add(node);
        else this.remove(node);
      }
    }
  }

  /** Takes it out; its children hang where it hung. Whoever still holds it (as the writer of a file) can read what it was. */
  remove(node: Node): void {
    if (node.isGone) return;
    node.isGone = true;
    const { parent } = node;
    detach(node);
    for (let child = node.firstChild; child !== undefined;) {
      const { next } = child;
      detach(child);
      if (parent) attach(child, parent);
      child = next;
    }
    this.plain.delete(node);
    this.told.delete(node);
    const newest = this.byPid.get(node.pid);
    if (newest === node) {
      if (node.older) this.byPid.set(node.pid, node.older);
      else this.byPid.delete(node.pid);
    } else {
      for (let at = newest; at !== undefined; at = at.older) if (at.older === node) { at.older = node.older; break; }
    }
    node.older = undefined;
    this.size--;
    this.touches -= clearTouches(node);
    this.onGone(node);
    node.writtenBy = undefined;
  }

  /** A tenth at once: looking for the oldest one by one costs ever more in a set that has lost many. */
  private shrink(spare: Node): void {
    const goal = Math.floor(this.bounds.processes * 0.9);
    let ended = 0;
    for (const node of this.plain) {
      if (this.size <= goal) break;
      // Some of the latest stay, whatever they did.
      if (this.plain.size <= this.bounds.processes / 10 && this.told.size > 0) break;
      this.remove(node);
      ended++;
    }
    // First those without children, for the others hold the story of what runs together.
    for (const withChildren of [false, true]) {
      for (const node of this.told) {
        if (this.size <= goal) break;
        if (node.firstChild && !withChildren) continue;
        this.remove(node);
        ended++;
      }
    }
    for (const node of this.plain) {
      if (this.size <= goal) break;
      this.remove(node);
      ended++;
    }
    if (ended > 0) this.count('ended processes forgotten for room', ended);
    if (this.size > goal) this.shrinkLiving(goal, spare);
  }

  /** Those longest without a word go first, and of those the ones without children. */
  private shrinkLiving(goal: number, spare: Node): void {
    const living = [...this.all()].filter((node) => node !== spare && node.pid !== 1).sort((a, b) => a.heard - b.heard);
    let n = 0;
    for (const withChildren of [false, true]) {
      for (const node of living) {
        if (this.size <= goal) break;
        if (node.isGone || (node.firstChild && !withChildren)) continue;
        this.remove(node);
        n++;
      }
    }
    this.count('living processes forgotten for room', n);
  }

  private shorten(node: Node): void {
    let ended = 0;
    let last: Node | undefined;
    let at: Node | undefined = node;
    for (let i = 0; i < stepsMax && at !== undefined; i++, at = at.parent) {
      if (at.ended === undefined) continue;
      ended++;
      if (ended > endedChainMax / 2 && at.tree.owner !== at) last ??= at;
    }
    if (ended > endedChainMax && last !== undefined) { this.remove(last); this.count('ended processes forgotten for room', 1); }
  }
}

/** Whether it did or began something, beside being there. A connection to ssh that nobody logged on through is one of a flood. */
function isTelling(node: Node): boolean {
  const { tree } = node;
  if (tree.via === 'ssh' && tree.origin.kind !== 'login') return false;
  return node.touches > 0 || node.firstChild !== undefined || (tree.owner === node && tree.origin.kind === 'login');
}
