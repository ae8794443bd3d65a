import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { stopUnit, type UnitWorld } from '../../src/actions/stop-unit/action.ts';
import { UnitProtection, type UnitProtectionOptions } from '../../src/actions/unit-protection.ts';
import { openFileChanges } from '../../src/linux/file-change.ts';
import { Procfs } from '../../src/linux/procfs.ts';
import type { Run } from '../../src/linux/run.ts';
import { Systemctl } from '../../src/linux/systemctl.ts';
import type { Scene } from '../actions.ts';
import { bare, beside } from '../systemd.ts';

export function unitWorld(root: string, run: Run, more: Partial<UnitProtectionOptions> = {}): UnitWorld {
  return { fileChanges: openFileChanges, systemctl: new Systemctl(run, root), units: new UnitProtection({ root, owner: () => Promise.resolve(undefined), procfs: new Procfs(), self: process.pid, ...more }) };
}

/** All under a folder: names, kinds, rights, owners, times of change, contents. */
export function everyFile(folder: string): unknown[] {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((one): unknown[] => {
    const path = join(folder, one.name);
    const { mode, uid, gid, mtimeNs } = lstatSync(path, { bigint: true });
    if (one.isDirectory()) return [path, ...everyFile(path)];
    return [[path, String(mode), String(uid), String(gid), String(mtimeNs), one.isSymbolicLink() ? readlinkSync(path) : readFileSync(path, 'latin1')]];
  });
}

const units = '/etc/systemd/system';
const names = ['evil.service', 'evil.timer', 'evil.socket', 'other.service'];

/** A service that does not want to end, with a timer, a socket, a second name, a drop-in and links. */
export const planted: Readonly<Record<string, string>> = {
  [`${units}/evil.service`]: `${bare}[Service]\nExecStart=/bin/sh -c 'trap "" HUP; while :; do sleep 60; done'\nRestart=always\nRestartSec=0\nExecStop=/bin/touch /root/told\n[Install]\nWantedBy=test.target\nAlias=other.service\n`,
  [`${units}/evil.timer`]: `${bare}[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=test.target\n`,
  [`${units}/evil.socket`]: `${bare}[Socket]\nListenStream=/run/evil.sock\n[Install]\nWantedBy=test.target\n`,
  [`${units}/evil.service.d/more.conf`]: '[Service]\nEnvironment=A=b\n',
};

/** `PID:ROOT` of a systemd with `planted`, enabled and started. */
export async function scene(argument: string): Promise<Scene> {
  const at = argument.indexOf(':');
  const root = argument.slice(at + 1), run = beside(Number(argument.slice(0, at)));
  const world = unitWorld(root, run);
  await Promise.resolve();
  return {
    actions: () => [stopUnit(world)], action: 'stop-unit', input: { unit: 'evil' },
    look: async () => [everyFile(join(root, units)), (await world.systemctl.show(names)).map(({ load, active, enabled }) => [load, active, enabled])],
    done: (_before, after) => {
      const [files, shown] = after as [unknown[], string[][]];
      const text = JSON.stringify(files);
      const isDone = shown.every(([load, active]) => load === 'masked' && ['inactive', 'failed'].includes(active!) || load === 'not-found') && !text.includes('wants/evil') && text.includes('more.conf') && !text.includes('other.service"');
      if (!isDone) throw new Error(`expected all to be stopped, got ${JSON.stringify(after).slice(0, 3000)}`);
    },
  };
}
