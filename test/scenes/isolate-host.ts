import { isolateHost } from '../../src/actions/isolate-host/action.ts';
import type { Scene } from '../actions.ts';
import { measureWorld, mustAdd, names, net } from './measure-world.ts';

/** Isolates in the network namespace of this name. */
export async function scene(namespace: string): Promise<Scene> {
  const { wall, world } = await measureWorld(namespace, { management: { from: [net('192.0.2.9')], ports: [22] } });
  return {
    actions: (parts) => [isolateHost(world(parts))],
    action: 'isolate-host', input: { why: 'a test', confirm_within: 600 },
    look: () => names(wall), done: mustAdd('isolation'),
    close: () => Promise.resolve(wall.close()),
  };
}
