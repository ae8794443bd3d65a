/** All actions, wired to the machine they act on. */
import type { Action } from '../core/action.ts';
import { blockAddress, type BlockWorld } from './block-address/action.ts';
import { closePort } from './close-port/action.ts';
import type { FileWorld } from './file-world.ts';
import { freezeTree } from './freeze-tree/action.ts';
import { isolateHost, type IsolateWorld } from './isolate-host/action.ts';
import { killTree } from './kill-tree/action.ts';
import type { ProcessWorld } from './process-freeze.ts';
import { quarantineFile } from './quarantine-file/action.ts';
import { type LimitWorld, rateLimit } from './rate-limit/action.ts';
import { removeLine, type LineWorld } from './remove-line/action.ts';

/** What actions reach the world through. */
export type World = BlockWorld & FileWorld & IsolateWorld & LimitWorld & LineWorld & ProcessWorld;

/**
 * What the agent does with its own rights under systemd: the packet filter, signals, the kernel sensor. Every other action writes to
 * files, units or accounts, and is done by the hands (src/agent/hands.ts) where they are.
 */
export const withinService: ReadonlySet<string> = new Set(['block-address', 'close-port', 'freeze-tree', 'isolate-host', 'kill-tree', 'rate-limit']);

export function allActions(world: World): Action[] {
  return [blockAddress(world), closePort(world), freezeTree(world), isolateHost(world), killTree(world), quarantineFile(world), rateLimit(world), removeLine(world)];
}
