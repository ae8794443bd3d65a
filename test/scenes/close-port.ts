import { closePort } from '../../src/actions/close-port/action.ts';
import type { Scene } from '../actions.ts';
import { measureWorld, mustAdd, names } from './measure-world.ts';

/** Closes a port in the network namespace of this name. */
export async function scene(namespace: string): Promise<Scene> {
  const { wall, world } = await measureWorld(namespace);
  return {
    actions: (parts) => [closePort(world(parts))],
    action: 'close-port', input: { port: '6379/tcp', except: ['192.0.2.0/28', '2001:db8::/64'] },
    look: () => names(wall), done: mustAdd('close_tcp_6379'),
    close: () => Promise.resolve(wall.close()),
  };
}
