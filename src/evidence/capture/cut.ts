/** What was kept of packets, cut to the addresses and the time of an incident: an item of the archive, in pcapng. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Collected, type Item, type Mark, missed } from '../item.ts';
import { absent } from '../sources.ts';
import { type AddressKey, addressKey, touches } from './addresses.ts';
import { captureFolder, keptNames } from './kept-files.ts';
import { blocksOf, countsOf, sectionStart } from './pcapng.ts';

export interface CutOptions { dataFolder: string; tool: string; addresses: readonly string[]; /** Unix ms; of a packet's time. */ from: number; until: number; /** Why what is in memory could not be asked for as well. */ stale?: { zh: string; en: string } }

const limits = { ms: 300_000, bytes: 8 * 2 ** 30 };

/** The older of the two files first. */
export function captureItems({ dataFolder, tool, addresses, from, until, stale }: CutOptions): Collected[] {
  const folder = join(dataFolder, captureFolder);
  const name = 'network/packets.pcapng';
  const files = keptNames.map((one) => join(folder, one)).filter((path) => existsSync(path) && statSync(path).size > 0).sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
  if (files.length === 0) return [{ name, source: folder, open: () => { throw absent(folder); } }];
  const keys = new Set<AddressKey>(addresses.flatMap((one) => addressKey(one) ?? []));
  if (keys.size === 0) return [missed(name, folder, { zh: '事件中没有地址，无从挑选数据包', en: 'the incident has no address to pick packets by' })];
  const item: Item = {
    name, source: folder, limits,
    open() {
      const marks: Mark[] = stale === undefined ? [] : [{ what: 'failed', detail: stale.en }];
      const facts = { addresses: keys.size, from: new Date(from).toISOString(), until: new Date(until).toISOString() };
      return { facts, marks: () => marks, read: cut(files, { tool, keys, from: BigInt(from) * 1_000_000n, until: BigInt(until) * 1_000_000n, marks }) };
    },
  };
  return [item];
}

async function* cut(files: readonly string[], { tool, keys, from, until, marks }: { tool: string; keys: ReadonlySet<AddressKey>; from: bigint; until: bigint; marks: Mark[] }): AsyncGenerator<Buffer> {
  yield sectionStart(tool, 0);
  const all = { packets: 0, dropped: 0 }, section = { packets: 0, dropped: 0 };
  const endSection = (): void => {
    all.packets += section.packets;
    all.dropped += section.dropped;
    section.packets = section.dropped = 0;
  };
  let last = from;
  for (const path of files) {
    const broken = (at: number): void => { if (marks.length < 20) marks.push({ what: 'failed', detail: `${path}: nothing that Moat writes at byte ${at}; what is behind it begins with the next section` }); };
    for await (const one of blocksOf(createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>, broken)) {
      switch (one.kind) {
        case 'section': endSection(); break;
        // They count from the beginning of their section.
        case 'counts': section.packets = one.packets; section.dropped = one.dropped; break;
        case 'packet':
          if (one.time < from || one.time > until || !touches(keys, one.block, one.ip, one.length)) break;
          if (one.time > last) last = one.time;
          yield one.block;
          break;
        default: break;
      }
    }
    endSection();
  }
  if (all.dropped > 0) marks.push({ what: 'unreadable', detail: `${all.dropped} of ${all.packets} packets of the whole machine found no room while it was captured` });
  yield countsOf({ time: last, ...all });
}
