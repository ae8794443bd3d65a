/** What reports keep of stories: the origin graph remembers a day, and reports are written later. The latest hundred incidents. */
import type { StoryDigest } from '../core/review.ts';
import type { Ledger } from '../core/ports.ts';
import { SlotStore, slotTextMax } from './slot-store.ts';

const slots = 100;
const book = (ledger: Pick<Ledger, 'setting' | 'setSetting'>): SlotStore => new SlotStore(ledger, 'review', slots);

export const keptDigest = (ledger: Pick<Ledger, 'setting' | 'setSetting'>, id: string): StoryDigest | undefined => book(ledger).get(id)?.value as StoryDigest | undefined;

/** The one that was kept longest ago makes room. */
export function keepDigest(ledger: Pick<Ledger, 'setting' | 'setSetting'>, id: string, digest: StoryDigest, now: number): void { book(ledger).put(id, fitting(digest), now); }

/** Half of the rows, until it fits: the whole numbers stay. */
function fitting(digest: StoryDigest): StoryDigest {
  let one = digest;
  for (let i = 0; i < 8 && Buffer.byteLength(JSON.stringify(one)) > slotTextMax; i++) {
    const half = <T>(all: { items: readonly T[]; total: number }): { items: readonly T[]; total: number } => ({ items: all.items.slice(0, Math.ceil(all.items.length / 2)), total: all.total });
    one = { ...one, happened: half(one.happened), indicators: half(one.indicators), scope: Object.fromEntries(Object.entries(one.scope).map(([kind, items]) => [kind, half(items)])) as StoryDigest['scope'] };
  }
  return one;
}
