/** All actions, wired to the machine they act on. */
import type { Action } from '../core/action.ts';
import { blockAddress, type BlockWorld } from './block-address/action.ts';
import { changeMode } from './change-mode/action.ts';
import { changeSetting, type SettingWorld } from './change-setting/action.ts';
import { closePort } from './close-port/action.ts';
import { cloudStep, type CloudWorld } from './cloud-step/action.ts';
import { denyFile, type DenyWorld } from './deny-file/action.ts';
import { endSessions, type SessionWorld } from './end-sessions/action.ts';
import type { FileWorld } from './file-world.ts';
import { freezeTree } from './freeze-tree/action.ts';
import { type GrantWorld, grantPrivilege } from './grant-privilege/action.ts';
import { isolateHost, type IsolateWorld } from './isolate-host/action.ts';
import { killTree } from './kill-tree/action.ts';
import { type AccountWorld, lockAccount } from './lock-account/action.ts';
import type { ProcessWorld } from './process-freeze.ts';
import { quarantineFile } from './quarantine-file/action.ts';
import { type LimitWorld, rateLimit } from './rate-limit/action.ts';
import { removeLine, type LineWorld } from './remove-line/action.ts';
import { restoreFile, type RestoreWorld } from './restore-file/action.ts';
import { restoreSet, type RestoreSetWorld } from './restore-set/action.ts';
import { type ContainerWorld, stopContainer } from './stop-container/action.ts';
import { stopUnit, type UnitWorld } from './stop-unit/action.ts';
import { type ModuleWorld, unloadModule } from './unload-module/action.ts';

/** What actions reach the world through. */
export type World = AccountWorld & BlockWorld & CloudWorld & ContainerWorld & DenyWorld & FileWorld & GrantWorld & IsolateWorld & LimitWorld & LineWorld & ModuleWorld & ProcessWorld & RestoreSetWorld & RestoreWorld & SessionWorld & SettingWorld & UnitWorld;

/**
 * What the agent does with its own rights under systemd: the packet filter, signals, the kernel sensor. Every other action writes to
 * files, units or accounts, and is done by the hands (src/agent/hands.ts) where they are.
 */
export const withinService: ReadonlySet<string> = new Set(['block-address', 'close-port', 'cloud-step', 'deny-file', 'end-sessions', 'freeze-tree', 'isolate-host', 'kill-tree', 'rate-limit']);

export function allActions(world: World): Action[] {
  return [
    blockAddress(world), changeMode(world), changeSetting(world), closePort(world), cloudStep(world), denyFile(world), endSessions(world), freezeTree(world), grantPrivilege(world),
    isolateHost(world), killTree(world), lockAccount(world), quarantineFile(world), rateLimit(world), removeLine(world), restoreFile(world), restoreSet(world), stopContainer(world), stopUnit(world),
    unloadModule(world),
  ];
}
