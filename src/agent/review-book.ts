/** What reports keep of stories: the origin graph remembers a day, and reports are written later. The latest hundred incidents. */
import type { StoryDigest } from '../core/review.ts';
import type { Ledger } from '../core/ports.ts';

interface Entry { id: string; slot: number }

const indexName = 'review.index';
const slots = 100;
/** A setting holds a MiB. */
const bytesMax = 900_000;

export function keptDigest(ledger: Pick<Ledger, 'setting'>, id: string): StoryDigest | undefined {
  const entry = entriesOf(ledger).find((one) => one.id === id);
  const kept = entry && (parsed(ledger.setting(slotName(entry.slot))) as { id: string; digest: StoryDigest } | undefined);
  return kept?.id === id ? kept.digest : undefined;
}

/** The one that was kept longest ago makes room. */
export function keepDigest(ledger: Pick<Ledger, 'setting' | 'setSetting'>, id: string, digest: StoryDigest): void {
  const entries = entriesOf(ledger);
  const used = new Set(entries.map(({ slot }) => slot));
  const known = entries.find((one) => one.id === id);
  const slot = known?.slot ?? Array.from({ length: slots }, (_, i) => i).find((i) => !used.has(i)) ?? entries[0]?.slot ?? 0;
  ledger.setSetting(slotName(slot), JSON.stringify({ id, digest: fitting(digest) }));
  ledger.setSetting(indexName, JSON.stringify([...entries.filter((one) => one.slot !== slot && one.id !== id), { id, slot }]));
}

/** Half of the rows, until it fits: the whole numbers stay. */
function fitting(digest: StoryDigest): StoryDigest {
  let one = digest;
  for (let i = 0; i < 8 && Buffer.byteLength(JSON.stringify(one)) > bytesMax; i++) {
    const half = <T>(all: { items: readonly T[]; total: number }): { items: readonly T[]; total: number } => ({ items: all.items.slice(0, Math.ceil(all.items.length / 2)), total: all.total });
    one = { ...one, happened: half(one.happened), indicators: half(one.indicators), scope: Object.fromEntries(Object.entries(one.scope).map(([kind, items]) => [kind, half(items)])) as StoryDigest['scope'] };
  }
  return one;
}

const slotName = (slot: number): string => `review.${slot}`;
const entriesOf = (ledger: Pick<Ledger, 'setting'>): Entry[] => (parsed(ledger.setting(indexName)) as Entry[] | undefined) ?? [];

function parsed(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch { return undefined; /* never written by us */ }
}
