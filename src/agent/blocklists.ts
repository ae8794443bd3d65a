/** Shared lists by the control socket: many addresses blocked under the name of a list, and the whole list taken away again. */
import type { BlockEntry, ResponseStore } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import { type Network, parseNetwork } from '../core/networks.ts';
import type { Text } from '../core/text.ts';
import type { Protection } from '../actions/protection.ts';
import type { Journal } from '../engine/response/journal.ts';
import type { Firewall } from '../linux/firewall/firewall.ts';
import type { Handlers } from './control.ts';

export interface BlocklistsOptions { store: ResponseStore; journal: Pick<Journal, 'write'>; firewall: () => Promise<Firewall>; protection: Pick<Protection, 'address'>; now: () => number; asked: (argument: unknown) => { by: string; why: string } }

/** Of one part of a list. `there`: blocked already, as long at least; `over`: their end lies in the past; `refused`: what is never blocked, `why` of the first few. */
export interface ImportCounts { added: number; there: number; over: number; bad: number; refused: number; why: { network: string; why: Text }[] }

/** Entries that a request may hold. */
export const importPart = 2000;
const dropPart = 5000;
/** A tenth less than the ledger and the sets hold. */
const listedMost = 900_000;
const whyMost = 5;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function blocklistHandlers({ store, journal, firewall, protection, now, asked }: BlocklistsOptions): Handlers {
  return {
    /** { list, entries: SharedBlock[], until?, by, why }. The same once more changes nothing. */
    'blocklist-import': async (argument): Promise<ImportCounts> => {
      const { list, entries } = (typeof argument === 'object' && argument !== null ? argument : {}) as { list?: unknown; entries?: unknown };
      const name = nameOf(list);
      if (!Array.isArray(entries) || entries.length > importPart) throw new MoatError('bad-input', `expected at most ${importPart} entries a request`);
      const { by, why } = asked(argument);
      const time = now();
      const counts: ImportCounts = { added: 0, there: 0, over: 0, bad: 0, refused: 0, why: [] };
      const added = new Map<string, { entry: BlockEntry; network: Network }>();
      for (const one of entries as unknown[]) {
        const { network: text, until, why: said } = (typeof one === 'object' && one !== null ? one : {}) as { network?: unknown; until?: unknown; why?: unknown };
        const network = typeof text === 'string' ? parseNetwork(text) : undefined;
        if (network === undefined || (until !== undefined && (typeof until !== 'number' || !Number.isFinite(until)))) { counts.bad++; continue; }
        if (until !== undefined && until <= time) { counts.over++; continue; }
        const before = added.get(network.text)?.entry ?? store.block(network.text);
        const isActive = before?.active === true && (before.until === undefined || before.until > time);
        if (isActive && (before.until ?? Number.POSITIVE_INFINITY) >= (until ?? Number.POSITIVE_INFINITY)) { counts.there++; continue; }
        const refusal = protection.address(network);
        if (refusal !== undefined) {
          counts.refused++;
          if (counts.why.length < whyMost) counts.why.push({ network: network.text, why: refusal.why });
          continue;
        }
        // To stand on a list is no offence here: bans do not grow longer by it.
        const entry: BlockEntry = { network: network.text, since: isActive ? before.since : time, ...(until !== undefined && { until }), why: typeof said === 'string' && said !== '' ? said.slice(0, 500) : why, by, list: name, active: true, times: before?.times ?? 0 };
        added.set(network.text, { entry, network });
      }
      counts.added = added.size;
      if (added.size === 0) return counts;
      // What lists fill is missing for who attacks: bans must find room, in the ledger and in the packet filter.
      if (store.countBlocks() + added.size > listedMost) throw new MoatError('too-large', `expected at most ${listedMost} blocked addresses and networks with those of lists, got more: the rest of this list is not blocked`, { text: { zh: `连同列表最多封禁 ${listedMost} 项，已满：此列表余下的没有封禁`, en: `expected at most ${listedMost} blocked addresses and networks with those of lists, got more: the rest of this list is not blocked` }, hint: 'moat blocklist drop NAME' });
      // Before anything is stored: without a packet filter nothing is said to be blocked.
      const wall = await firewall();
      await journal.write({ blocks: [...added.values()].map(({ entry }) => entry), audit: [{ time, by, via: 'control', operation: 'import blocklist', target: name, why, result: `${counts.added} blocked, ${counts.there} were, ${counts.refused} refused` }] });
      await wall.block([...added.values()].map(({ entry, network }) => ({ network, until: entry.until })));
      return counts;
    },
    /** { list, by, why }: lets all of it through again. */
    'blocklist-drop': async (argument): Promise<{ lifted: number }> => {
      const name = nameOf((argument as { list?: unknown } | null)?.list);
      const { by, why } = asked(argument);
      const time = now();
      let count = 0, part: BlockEntry[] = [];
      const flush = async (): Promise<void> => {
        if (part.length === 0) return;
        const wall = await firewall();
        count += part.length;
        await journal.write({ blocks: part.map((entry) => lifted(entry, time)), audit: [{ time, by, via: 'control', operation: 'drop blocklist', target: name, why, result: `${part.length} let through again` }] });
        await wall.unblock(part.flatMap(({ network }) => parseNetwork(network) ?? []));
        part = [];
      };
      // Read on while it is let go of: what is read next stands behind it.
      for (const entry of store.blocks(name)) if (part.push(entry) >= dropPart) await flush();
      await flush();
      return { lifted: count };
    },
  };
}

/** As it is kept when it is over. */
export const lifted = (entry: BlockEntry, now: number): BlockEntry => ({ ...entry, active: false, until: Math.min(entry.until ?? Number.POSITIVE_INFINITY, now) });

function nameOf(list: unknown): string {
  if (typeof list !== 'string' || !namePattern.test(list)) throw new MoatError('bad-input', `expected the name of a list (letters, digits, _ and -), got ${JSON.stringify(list)?.slice(0, 100) ?? 'none'}`);
  return list;
}
