import { createHash } from 'node:crypto';
import { rateLimit } from '../../src/actions/rate-limit/action.ts';
import type { Scene } from '../actions.ts';
import { measureWorld, mustAdd, names } from './measure-world.ts';

/** Limits an address in the network namespace of this name. */
export async function scene(namespace: string): Promise<Scene> {
  const { wall, world } = await measureWorld(namespace);
  return {
    actions: (parts) => [rateLimit(world(parts))],
    action: 'rate-limit', input: { address: '203.0.113.9', rate: '10/s' },
    look: () => names(wall), done: mustAdd(`limit_${createHash('sha256').update('203.0.113.9').digest('hex').slice(0, 12)}`),
    close: () => Promise.resolve(wall.close()),
  };
}
