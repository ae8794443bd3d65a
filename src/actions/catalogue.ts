/** All actions, wired to the machine they act on. */
import type { Action } from '../core/action.ts';
import { blockAddress, type BlockWorld } from './block-address/action.ts';
import { closePort } from './close-port/action.ts';
import { isolateHost, type IsolateWorld } from './isolate-host/action.ts';
import { type LimitWorld, rateLimit } from './rate-limit/action.ts';

/** What actions reach the world through. */
export type World = BlockWorld & IsolateWorld & LimitWorld;

export function allActions(world: World): Action[] {
  return [blockAddress(world), closePort(world), isolateHost(world), rateLimit(world)];
}
