/** Stories as they were told last, kept for when the origin graph no longer remembers: a day is soon over. Compressed, in a bounded number of places. */
import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import type { Story, StoryNode } from '../core/incident.ts';
import type { Ledger } from '../core/ports.ts';
import { SlotStore, slotTextMax } from './slot-store.ts';

const pack = promisify(gzip);
const slots = 60;
const unpackedMax = 32 << 20;
const nodesMost = 5000;

export class StoryBook {
  private readonly kept: SlotStore;

  constructor(ledger: Pick<Ledger, 'setting' | 'setSetting'>) { this.kept = new SlotStore(ledger, 'story', slots); }

  /** Compressed aside; stored when that is done. Throws StoreError. */
  async save(incident: string, story: Story, now: number): Promise<void> {
    let most = nodesMost, text: string;
    do {
      text = (await pack(JSON.stringify(bounded(story, most)))).toString('base64');
      most = Math.floor(most / 2);
    } while (text.length > slotTextMax && most > 10);
    if (text.length <= slotTextMax) this.kept.put(incident, text, now);
  }

  /** As it was told last, and when; undefined when it is not kept, or cannot be read. */
  get(incident: string): { story: Story; told: number } | undefined {
    const kept = this.kept.get(incident);
    if (typeof kept?.value !== 'string') return undefined;
    try {
      return { story: JSON.parse(gunzipSync(Buffer.from(kept.value, 'base64'), { maxOutputLength: unpackedMax }).toString('utf8')) as Story, told: kept.at };
    } catch { return undefined; /* damaged: it is told anew */ }
  }
}

const weights: Record<StoryNode['kind'], number> = { alert: 5, finding: 5, persistence: 0, account: 0, address: 1, process: 1, unit: 0, module: 0, secret: 0, container: 0, package: 0, name: 2, file: 3 };

/** What weighs most, with the edges between. What logs told is looked up again. */
function bounded(story: Story, most: number): Story {
  if (story.nodes.length <= most) return { ...story, echoes: [], gaps: [] };
  const kept = story.nodes.toSorted((a, b) => weights[a.kind] - weights[b.kind] || a.first - b.first).slice(0, most).sort((a, b) => a.first - b.first);
  const ids = new Set(kept.map(({ id }) => id));
  return { ...story, nodes: kept, edges: story.edges.filter(({ from, to }) => ids.has(from) && ids.has(to)).slice(0, most * 4), echoes: [], gaps: [], left: story.left + story.nodes.length - kept.length };
}
