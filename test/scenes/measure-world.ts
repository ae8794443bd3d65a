/** What the network actions reach the world through, in the network namespace of this name. */
import { parseNetwork, type Network } from '../../src/core/networks.ts';
import type { Action } from '../../src/core/action.ts';
import { blockAddress, type BlockWorld } from '../../src/actions/block-address/action.ts';
import { closePort } from '../../src/actions/close-port/action.ts';
import { isolateHost, type IsolateWorld } from '../../src/actions/isolate-host/action.ts';
import { type LimitWorld, rateLimit } from '../../src/actions/rate-limit/action.ts';
import type { ManagementSettings } from '../../src/actions/channel.ts';
import { Protection } from '../../src/actions/protection.ts';
import { NftFirewall } from '../../src/linux/firewall/nft.ts';
import { machineReach } from '../../src/linux/reach.ts';
import { runner } from '../../src/linux/run.ts';
import type { SqliteStore } from '../../src/stores/sqlite/store.ts';
import type { Journal } from '../../src/engine/response/journal.ts';

export const net = (text: string): Network => {
  const found = parseNetwork(text);
  if (!found) throw new Error(text);
  return found;
};

type World = BlockWorld & IsolateWorld & LimitWorld;

export interface Settings { management?: Partial<ManagementSettings>; resolvers?: readonly Network[]; loggedOn?: readonly Network[]; testMs?: number; now?: () => number }

export async function measureWorld(namespace: string, settings: Settings = {}): Promise<{ wall: NftFirewall; world: (parts: { store: SqliteStore; journal: Journal }) => World }> {
  const run = runner(['ip', 'netns', 'exec', namespace]);
  const wall = new NftFirewall(run, { namespace: `/run/netns/${namespace}`, ...(settings.now && { now: settings.now }) });
  await wall.ensure();
  const protection = new Protection({ root: '/nonexistent', allow: [], own: () => [net('192.0.2.1'), net('2001:db8::1')], now: Date.now });
  return {
    wall,
    world: ({ store, journal }) => ({
      firewall: () => Promise.resolve(wall), mustHaveFirewall: () => undefined, protection,
      blocks: { get: (network) => store.response.block(network), put: (entry) => journal.write({ blocks: [entry] }) },
      standing: (action, target) => store.response.receipts({ action, target, status: ['applied', 'stuck'], limit: 1 })[0],
      reach: machineReach(run, async (address, port, timeoutMs) => (await run('/bin/nc.openbsd', ['-z', '-w', String(Math.ceil(timeoutMs / 1000)), address, String(port)])).code === 0),
      management: () => ({ from: [], ports: [], probes: [], allow: [], ...settings.management }),
      loggedOn: () => settings.loggedOn ?? [], isolation: () => ({ resolvers: settings.resolvers ?? [], testMs: settings.testMs ?? 2000 }),
    }),
  };
}

/** The actions on the network. */
export const measureActions = (world: World): Action[] => [blockAddress(world), closePort(world), isolateHost(world), rateLimit(world)];

/** What stands, as a scene looks at it. */
export const names = async (wall: NftFirewall): Promise<string[]> => (await wall.standing()).map(({ id }) => id).sort();

export function mustAdd(added: string): (before: unknown, after: unknown) => void {
  return (before, after) => { if (JSON.stringify(after) !== JSON.stringify([...(before as string[]), added].sort())) throw new Error(`expected ${added} to stand, got ${JSON.stringify(after)}`); };
}
