/** Cuts an address or network off: to this machine, from it, and what it passes on for containers. */
import type { Action, ActionErrorCode, BlockEntry } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { type Network, parseNetwork } from '../../core/networks.ts';
import type { Firewall } from '../../linux/firewall/firewall.ts';
import type { Protection } from '../protection.ts';

export interface BlockInput { address: string; /** Unix ms; for ever when undefined. */ until?: number | undefined; why: string; by: string }

/** What is written of it; `former` is what stood there before. */
export interface BlockState { next: BlockEntry; former: BlockEntry | undefined }

export interface BlockWorld {
  /** Ready to be used; made at the first use. Throws MoatError 'no-firewall'. */
  firewall: () => Promise<Firewall>;
  /** Looks only. Throws MoatError 'no-firewall' where there is none for it, or it is off. */
  mustHaveFirewall: (wanted: 'blocks') => void;
  protection: Protection;
  blocks: { get(network: string): BlockEntry | undefined; /** Durable when it resolves. */ put(entry: BlockEntry): Promise<void> };
}

export function blockAddress({ firewall, mustHaveFirewall, protection, blocks }: BlockWorld): Action<BlockInput, BlockState> {
  const network = (entry: BlockEntry): Network => read(entry.network);
  /** The firewall does what the ledger says. */
  const reconcile = async (address: string, now: number): Promise<void> => {
    const entry = blocks.get(address);
    const wall = await firewall();
    if (isActive(entry, now)) await wall.block([{ network: network(entry), until: entry.until }]);
    else await wall.unblock([read(address)]);
  };
  const isActive = (entry: BlockEntry | undefined, now: number): entry is BlockEntry => entry !== undefined && entry.active && (entry.until === undefined || entry.until > now);
  return {
    id: 'block-address',
    title: { zh: '封禁地址', en: 'Block an address' },
    blind: { zh: '经由本机允许名单、回环接口的流量不受影响；云厂商安全组之外的路径不在本机控制之内。', en: 'What is on the allow list and what passes the loopback interface goes on; paths that do not touch this machine are not in its hands.' },
    automatic: 'guard',
    halfDone: 'finish',

    parse(input) {
      const { address, until, why, by } = (typeof input === 'object' && input !== null ? input : {}) as Partial<Record<keyof BlockInput, unknown>>;
      if (typeof address !== 'string') throw new MoatError<ActionErrorCode>('bad-input', 'expected an address or network such as 203.0.113.9 or 203.0.113.0/24, got none');
      if (until !== undefined && (typeof until !== 'number' || !Number.isFinite(until))) throw new MoatError<ActionErrorCode>('bad-input', `expected the end as Unix milliseconds, got ${JSON.stringify(until)}`);
      return { address: read(address).text, until, why: typeof why === 'string' ? why.slice(0, 1000) : '', by: typeof by === 'string' ? by.slice(0, 200) : '' };
    },

    target: ({ address }) => address,

    async plan({ address, until, why, by }, { force, now }) {
      const wanted = read(address);
      protection.mayCutOff(wanted, force);
      mustHaveFirewall('blocks');
      if (until !== undefined && until <= now) throw new MoatError<ActionErrorCode>('bad-input', 'expected an end in the future, got one in the past');
      const before = blocks.get(address);
      const former = isActive(before, now) ? before : undefined;
      // Who is blocked for longer already stays so.
      const ends = former !== undefined && (former.until === undefined || (until !== undefined && former.until > until)) ? former.until : until;
      const next: BlockEntry = { network: address, since: now, ...(ends !== undefined && { until: ends }), why, by, active: true, times: (before?.times ?? 0) + 1 };
      return {
        target: address,
        title: { zh: `封禁 ${address}`, en: `Block ${address}` },
        steps: [{ text: { zh: `丢弃来自与发往 ${address} 的所有数据包${ends === undefined ? '' : `，至 ${new Date(ends).toISOString()}`}`, en: `drop every packet from and to ${address}${ends === undefined ? '' : ` until ${new Date(ends).toISOString()}`}` } }],
        risk: 'low', reversible: true, state: { next, former },
      };
    },

    async apply({ next }, { now }) {
      await blocks.put(next);
      await reconcile(next.network, now());
    },

    async verify({ next }, { now }) {
      const current = blocks.get(next.network);
      const is = sameBlock(current, next) && isActive(current, now());
      const [blocked] = await (await firewall()).blocked([network(next)]);
      if (is && blocked) return { is: 'finished', evidence: { zh: `${next.network} 在防火墙的封禁集合中`, en: `${next.network} stands in the firewall's set` } };
      if (!is && (blocked !== undefined) === isActive(current, now())) return { is: 'former', evidence: { zh: `${next.network} 不再因此被封禁`, en: `${next.network} is not blocked by this any more` } };
      return { is: 'between', evidence: { zh: `账本与防火墙对 ${next.network} 的说法不一致`, en: `ledger and firewall disagree about ${next.network}` } };
    },

    async undo({ next, former }, { now }) {
      const current = blocks.get(next.network);
      // Where another block of the same address came after this one, that one holds.
      if (current === undefined || !current.active || sameBlock(current, next)) {
        await blocks.put(isActive(former, now()) ? former : { ...next, active: false, until: Math.min(next.until ?? Number.POSITIVE_INFINITY, now()) });
      }
      await reconcile(next.network, now());
    },
  };
}

/** When it began and the how-manieth it is tell one block of an address from the next. */
const sameBlock = (a: BlockEntry | undefined, b: BlockEntry): boolean => a !== undefined && a.times === b.times && a.since === b.since;

function read(text: string): Network {
  const found = parseNetwork(text.trim());
  if (!found) throw new MoatError<ActionErrorCode>('bad-input', `expected an address or network such as 203.0.113.9 or 203.0.113.0/24, got ${JSON.stringify(text.slice(0, 100))}`);
  return found;
}
