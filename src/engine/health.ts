/** What is live, what is blind, what was dropped: the ground of `moat status`, `moat doctor` and the banner. */
import type { Event } from '../core/gen/event.ts';
import type { Text } from '../core/text.ts';

export type PartState = 'live' | 'waiting' | 'blind';
export interface Part { state: PartState; since: number; detail?: Text }

const partsMax = 5000;
const countersMax = 2000;

export class Health {
  private readonly parts = new Map<string, Part>();
  private readonly counters = new Map<string, number>();
  private readonly events = new Map<string, number>();
  private readonly now: () => number;
  /** Told of each change of a part. */
  onChange: ((part: string, state: Part) => void) | undefined;

  constructor(now: () => number) { this.now = now; }

  state(part: string, state: PartState, detail?: Text): void {
    const known = this.parts.get(part);
    if (!known && this.parts.size >= partsMax) { this.count('health', 'parts beyond the limit'); return; }
    if (known?.state === state && known.detail?.en === detail?.en) return;
    const next: Part = { state, since: this.now(), ...(detail && { detail }) };
    this.parts.set(part, next);
    this.onChange?.(part, next);
  }

  count(part: string, what: string, n = 1): void {
    const key = `${part}: ${what}`;
    if (!this.counters.has(key) && this.counters.size >= countersMax) return;
    this.counters.set(key, (this.counters.get(key) ?? 0) + n);
  }

  seen(event: Event): void { this.events.set(event.kind, (this.events.get(event.kind) ?? 0) + 1); }

  report(): { parts: Record<string, Part>; counters: Record<string, number>; events: Record<string, number> } {
    return { parts: Object.fromEntries(this.parts), counters: Object.fromEntries(this.counters), events: Object.fromEntries(this.events) };
  }
}
