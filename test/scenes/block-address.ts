import { parseNetwork, type Network } from '../../src/core/networks.ts';
import { NftFirewall } from '../../src/linux/firewall/nft.ts';
import { runner } from '../../src/linux/run.ts';
import type { Scene } from '../actions.ts';
import { Protection } from '../../src/actions/protection.ts';
import { blockAddress } from '../../src/actions/block-address/action.ts';

const address = '203.0.113.9';
const own: Network[] = ['192.0.2.1', '2001:db8::1'].flatMap((text) => parseNetwork(text) ?? []);

/** Blocks an address in the network namespace of this name. */
export async function scene(namespace: string): Promise<Scene> {
  const wall = new NftFirewall(runner(['ip', 'netns', 'exec', namespace]), { namespace: `/run/netns/${namespace}` });
  await wall.ensure();
  return {
    actions: ({ store, journal }) => [blockAddress({
      firewall: () => Promise.resolve(wall), mustHaveFirewall: () => undefined, protection: new Protection({ root: '/nonexistent', allow: [], own: () => own, now: Date.now }),
      blocks: { get: (network) => store.response.block(network), put: (entry) => journal.write({ blocks: [entry] }) },
    })],
    action: 'block-address', input: { address, why: 'a test', by: 'operator:test' },
    look: async () => (await wall.list()).map((row) => row.network.text),
    done: (before, after) => { if (JSON.stringify(after) !== JSON.stringify([...(before as string[]), address])) throw new Error(`expected ${address} to be blocked, got ${JSON.stringify(after)}`); },
    close: () => Promise.resolve(wall.close()),
  };
}
