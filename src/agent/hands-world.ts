/** The machine as the hands reach it: all actions but those that the agent does with its own rights. */
import type { Server } from 'node:net';
import { join } from 'node:path';
import { machineSysctl } from '../actions/change-setting/sysctl.ts';
import { allActions, withinService } from '../actions/catalogue.ts';
import { FileProtection } from '../actions/file-protection.ts';
import { ProcessProtection } from '../actions/process-protection.ts';
import { Protection } from '../actions/protection.ts';
import { UnitProtection } from '../actions/unit-protection.ts';
import { Vault } from '../actions/vault.ts';
import { openFileChanges, type FileChanges } from '../linux/file-change.ts';
import { openPackagesInProcess } from '../linux/packages/in-process.ts';
import { Originals } from '../linux/packages/original.ts';
import { Procfs } from '../linux/procfs.ts';
import { machineReach } from '../linux/reach.ts';
import { engines } from '../linux/container-engine.ts';
import { Systemctl } from '../linux/systemctl.ts';
import { runner as programs } from '../linux/run.ts';
import { machineSshd } from '../linux/sshd.ts';
import { openSignals, type Signals } from '../linux/signals.ts';
import { keyAt } from './approval-key.ts';
import { backupsOf } from './backups.ts';
import type { Config } from './config-schema.ts';
import { type HandsOptions, type HandsSocket, ownerByHead, serveHands } from './hands.ts';
import { ownPaths } from './paths.ts';
import { allowOf, settingMs } from './response.ts';
import { managementOf } from './response-network.ts';
import { filesOf, lookAtServices, lookMs } from './service-look.ts';

export interface HandsWorldOptions extends Pick<HandsOptions, 'idleMs' | 'onIdle'> { dataFolder: string; configPath: string; /** Where the key lies that states are sealed with: not in the data folder, which is the agent's to write to. */ keyPath: string; recovery: Config['recovery'] }

/** Reading the package databases anew, for a file that is put back as it was shipped. */
const indexMs = 60_000;

/** Resolves when they listen. */
export function openHands(where: HandsSocket, config: Config['response'], { dataFolder, configPath, keyPath, recovery, ...options }: HandsWorldOptions): Promise<Server> {
  const now = Date.now;
  const procfs = new Procfs();
  const protection = new Protection({ allow: allowOf(config), now });
  let signals: Promise<Signals> | undefined;
  let changes: Promise<FileChanges> | undefined;
  const elsewhere = (): never => { throw new Error('that is the agent’s own'); };
  const run = programs();
  const actions = allActions({
    reach: machineReach(run), loggedOn: () => protection.loggedOn(), management: () => managementOf(config),
    vault: new Vault(dataFolder), fileProtection: new FileProtection({ own: ownPaths(configPath, dataFolder), owner: ownerByHead }), fileChanges: () => (changes ??= openFileChanges()),
    procfs, signals: () => (signals ??= openSignals(procfs)), processes: new ProcessProtection({ procfs, self: process.pid, now }), run, protection,
    units: new UnitProtection({ owner: ownerByHead, procfs, self: process.pid }), systemctl: new Systemctl(run), accountRoot: '/', moduleRoot: '/', owner: ownerByHead, engines: () => engines('/', run), self: process.pid,
    originals: new Originals({ index: () => openPackagesInProcess('/', { signal: AbortSignal.timeout(indexMs) }), run, folder: join(dataFolder, 'packages') }),
    sshd: machineSshd(run), sysctl: machineSysctl(), scratch: join(dataFolder, 'scratch'), settleMs: settingMs, ...backupsOf(() => recovery, dataFolder),
    connectors: () => [], denying: { unable: elsewhere, protects: elsewhere, has: elsewhere, deny: elsewhere, allow: elsewhere },
    firewall: elsewhere, mustHaveFirewall: elsewhere, standing: elsewhere, isolation: elsewhere, blocks: { get: elsewhere, put: elsewhere },
  }).filter(({ id }) => !withinService.has(id));
  return serveHands(where, { actions, looks: { services: (input, signal) => lookAtServices(filesOf(input), { dataFolder, signal: AbortSignal.any([signal, AbortSignal.timeout(lookMs)]), run }) }, now, key: () => keyAt(keyPath), ...options });
}
