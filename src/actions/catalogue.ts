/** All actions, wired to the machine they act on. */
import type { Action } from '../core/action.ts';
import { blockAddress, type BlockWorld } from './block-address/action.ts';

/** What actions reach the world through. */
export type World = BlockWorld;

export function allActions(world: World): Action[] {
  return [blockAddress(world)];
}
