/** Stories as they were told last, kept for when the origin graph no longer remembers: a day is soon over. Compressed, in a bounded number of places. */
import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import type { Story, StoryNode } from '../core/incident.ts';
import type { Ledger } from '../core/ports.ts';

const pack = promisify(gzip);
const indexName = 'story.index';
const slots = 60;
/** A setting holds a MiB. */
const textMax = 900_000;
const unpackedMax = 32 << 20;
const nodesMost = 5000;

interface Entry { incident: string; slot: number; told: number }

export class StoryBook {
  private readonly ledger: Pick<Ledger, 'setting' | 'setSetting'>;

  constructor(ledger: Pick<Ledger, 'setting' | 'setSetting'>) { this.ledger = ledger; }

  /** Compressed aside; stored when that is done. Throws StoreError. */
  async save(incident: string, story: Story, now: number): Promise<void> {
    let most = nodesMost, text: string;
    do {
      text = (await pack(JSON.stringify(bounded(story, most)))).toString('base64');
      most = Math.floor(most / 2);
    } while (text.length > textMax && most > 10);
    if (text.length > textMax) return;
    const entries = this.entries();
    const known = entries.find((entry) => entry.incident === incident);
    const used = new Set(entries.map(({ slot }) => slot));
    let slot = known?.slot ?? Array.from({ length: slots }, (_, i) => i).find((i) => !used.has(i));
    if (slot === undefined) ({ slot } = entries.sort((a, b) => a.told - b.told)[0]!);
    // The index last: what was cut off in the middle is not found under another's name.
    this.ledger.setSetting(slotName(slot), JSON.stringify({ incident, packed: text }));
    this.ledger.setSetting(indexName, JSON.stringify([...entries.filter((entry) => entry.slot !== slot), { incident, slot, told: now }]));
  }

  /** As it was told last, and when; undefined when it is not kept, or cannot be read. */
  get(incident: string): { story: Story; told: number } | undefined {
    const entry = this.entries().find((one) => one.incident === incident);
    if (entry === undefined) return undefined;
    try {
      const kept = JSON.parse(this.ledger.setting(slotName(entry.slot)) ?? '') as { incident?: unknown; packed?: unknown };
      if (kept.incident !== incident || typeof kept.packed !== 'string') return undefined;
      return { story: JSON.parse(gunzipSync(Buffer.from(kept.packed, 'base64'), { maxOutputLength: unpackedMax }).toString('utf8')) as Story, told: entry.told };
    } catch { return undefined; /* cut off by a full disk: it is told anew */ }
  }

  private entries(): Entry[] {
    try {
      const entries: unknown = JSON.parse(this.ledger.setting(indexName) ?? '[]');
      return Array.isArray(entries) ? (entries as Entry[]).filter((one) => typeof one?.incident === 'string' && Number.isInteger(one.slot) && one.slot >= 0 && one.slot < slots).slice(-slots) : [];
    } catch { return []; /* never written by us */ }
  }
}

const slotName = (slot: number): string => `story.${slot}`;

const weights: Record<StoryNode['kind'], number> = { alert: 5, finding: 5, persistence: 0, account: 0, address: 1, process: 1, unit: 0, module: 0, secret: 0, container: 0, package: 0, name: 2, file: 3 };

/** What weighs most, with the edges between. What logs told is looked up again. */
function bounded(story: Story, most: number): Story {
  if (story.nodes.length <= most) return { ...story, echoes: [], gaps: [] };
  const kept = story.nodes.toSorted((a, b) => weights[a.kind] - weights[b.kind] || a.first - b.first).slice(0, most).sort((a, b) => a.first - b.first);
  const ids = new Set(kept.map(({ id }) => id));
  return { ...story, nodes: kept, edges: story.edges.filter(({ from, to }) => ids.has(from) && ids.has(to)).slice(0, most * 4), echoes: [], gaps: [], left: story.left + story.nodes.length - kept.length };
}
