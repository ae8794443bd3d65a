/** All actions, wired to the machine they act on. */
import type { Action } from '../core/action.ts';
import { blockAddress, type BlockWorld } from './block-address/action.ts';
import { freezeTree } from './freeze-tree/action.ts';
import { killTree } from './kill-tree/action.ts';
import type { ProcessWorld } from './process-freeze.ts';

/** What actions reach the world through. */
export type World = BlockWorld & ProcessWorld;

export function allActions(world: World): Action[] {
  return [blockAddress(world), freezeTree(world), killTree(world)];
}
