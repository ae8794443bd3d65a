/** All actions, wired to the machine they act on. */
import type { Action } from '../core/action.ts';
import { blockAddress, type BlockWorld } from './block-address/action.ts';
import { changeMode } from './change-mode/action.ts';
import { changeSetting, type SettingWorld } from './change-setting/action.ts';
import { closePort } from './close-port/action.ts';
import { cloudStep, type CloudWorld } from './cloud-step/action.ts';
import { denyFile, type DenyWorld } from './deny-file/action.ts';
import type { FileWorld } from './file-world.ts';
import { freezeTree } from './freeze-tree/action.ts';
import { isolateHost, type IsolateWorld } from './isolate-host/action.ts';
import { killTree } from './kill-tree/action.ts';
import type { ProcessWorld } from './process-freeze.ts';
import { quarantineFile } from './quarantine-file/action.ts';
import { type LimitWorld, rateLimit } from './rate-limit/action.ts';
import { removeLine, type LineWorld } from './remove-line/action.ts';
import { restoreFile, type RestoreWorld } from './restore-file/action.ts';

/** What actions reach the world through. */
export type World = BlockWorld & CloudWorld & DenyWorld & FileWorld & IsolateWorld & LimitWorld & LineWorld & ProcessWorld & RestoreWorld & SettingWorld;

export function allActions(world: World): Action[] {
  return [
    blockAddress(world), changeMode(world), changeSetting(world), closePort(world), cloudStep(world), denyFile(world), freezeTree(world), isolateHost(world), killTree(world),
    quarantineFile(world), rateLimit(world), removeLine(world), restoreFile(world),
  ];
}
