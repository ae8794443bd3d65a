/** Networks that people log on from: whether a session comes from one seen for the first time within the last day. */
import type { Event, Kind } from '../core/gen/event.ts';
import type { Origin } from '../core/lineage.ts';
import { dayMs } from './clock.ts';
import { accountOf } from './login.ts';
import { Lru } from './lru.ts';
import { networkOf } from './network.ts';

export const logonKinds: readonly Kind[] = ['sshd', 'auth'];

const maxNetworks = 5000;

export class KnownNetworks {
  /** Network → when it was seen first. */
  private readonly first: Lru<number>;
  private readonly learnMs: number;
  since: number | undefined;
  samples = 0;

  constructor(learnDays: number, evicted: () => void) {
    this.first = new Lru<number>(maxNetworks, evicted);
    this.learnMs = learnDays * dayMs;
  }

  get size(): number { return this.first.size; }

  /** Takes in a log-on. */
  observe(event: Event): void {
    if (accountOf(event) === undefined || event.source_ip === undefined) return;
    this.since ??= event.time;
    this.samples++;
    const network = networkOf(event.source_ip);
    const before = this.first.get(network);
    if (before === undefined || event.time < before) this.first.set(network, event.time);
  }

  ready(time: number): boolean { return this.since !== undefined && time - this.since >= this.learnMs; }

  /** True for a remote log-on from a network that was never seen before this day; false while too little was learned. */
  isNew(origin: Origin | undefined, time: number): boolean {
    if (origin?.kind !== 'login' || origin.source_ip === undefined || !this.ready(time)) return false;
    const first = this.first.get(networkOf(origin.source_ip));
    return first === undefined || time - first < dayMs;
  }

  /** Newest use first. */
  rows(): [string, number][] { return [...this.first.entries()].reverse(); }

  /** Takes back what `rows` gave, oldest first. */
  load(rows: readonly (readonly [string, number])[], since: number | undefined, samples: number): void {
    for (const [network, first] of rows) this.first.set(network, first);
    this.since = since;
    this.samples = samples;
  }
}
