import { type ContainerWorld, stopContainer } from '../../src/actions/stop-container/action.ts';
import { socketEngine } from '../../src/linux/container-engine.ts';
import { Procfs } from '../../src/linux/procfs.ts';
import type { Scene } from '../actions.ts';

export const containerWorld = (socket: string): ContainerWorld => ({ engines: () => [socketEngine('docker', socket)], procfs: new Procfs(), self: process.pid });

/** The container `web` of the engine at this socket. */
export async function scene(socket: string): Promise<Scene> {
  const world = containerWorld(socket);
  await Promise.resolve();
  return {
    actions: () => [stopContainer(world)], action: 'stop-container', input: { container: 'web' },
    look: () => world.engines()[0]!.inspect('web'),
    done: (before, after) => {
      const wanted = { ...(before as object), running: false, paused: false, restart: { Name: 'no', MaximumRetryCount: 0 } };
      if (JSON.stringify(after) !== JSON.stringify(wanted)) throw new Error(`expected ${JSON.stringify(wanted)}, got ${JSON.stringify(after)}`);
    },
  };
}
