/** A kernel in a folder, with one switch and a file for it; and a real sshd on loopback with a configuration of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { changeSetting, type SettingWorld } from '../../src/actions/change-setting/action.ts';
import { machineSysctl } from '../../src/actions/change-setting/sysctl.ts';
import { Procfs } from '../../src/linux/procfs.ts';
import { runner } from '../../src/linux/run.ts';
import { machineSshd } from '../../src/linux/sshd.ts';
import type { Scene } from '../actions.ts';
import { everything, fileWorld } from './files.ts';

export function settingWorld(folder: string, root = '/'): SettingWorld {
  return { ...fileWorld(folder, { root }), sshd: machineSshd(runner()), sysctl: machineSysctl(root), loggedOn: () => [], scratch: join(folder, 'data/scratch'), settleMs: 5000, procfs: new Procfs() };
}

export const settingActions = (world: SettingWorld): ReturnType<Scene['actions']> => [changeSetting(world)] as ReturnType<Scene['actions']>;

export const fakeKernel = (root: string, switches: Readonly<Record<string, string>>): void => {
  for (const [path, value] of Object.entries(switches)) {
    mkdirSync(join(root, 'proc/sys', path, '..'), { recursive: true });
    writeFileSync(join(root, 'proc/sys', path), `${value}\n`);
  }
  mkdirSync(join(root, 'etc/sysctl.d'), { recursive: true });
};

export async function scene(folder: string): Promise<Scene> {
  const root = join(folder, 'root'), live = join(root, 'proc/sys/kernel/dmesg_restrict');
  if (!existsSync(root)) fakeKernel(root, { 'kernel/dmesg_restrict': '0' });
  return {
    actions: () => settingActions(settingWorld(folder, root)), action: 'change-setting', input: { kind: 'sysctl', key: 'kernel.dmesg_restrict', value: '1', why: 'a test', by: 'operator:test' },
    look: async () => [readFileSync(live, 'utf8'), await everything(join(root, 'etc/sysctl.d'))],
    done: (_, after) => {
      const [value, [, ...files]] = after as [string, unknown[][]];
      const [file] = files;
      if (value !== '1\n' || files.length !== 1 || file?.[0] !== 'zz-moat-kernel.dmesg_restrict.conf' || file[6] !== 'kernel.dmesg_restrict = 1\n' || file[1] !== String(0o100644)) throw new Error(`expected the switch to be set and kept, got ${JSON.stringify(after)}`);
    },
  };
}

export interface OwnSshd { config: string; port: number; pid: () => number; end: () => void }

/** Started once for a folder; everybody who opens the scene uses the same one. */
export async function ownSshd(folder: string, port: number, more: readonly string[] = []): Promise<OwnSshd> {
  const config = join(folder, 'etc/sshd_config'), pidFile = join(folder, 'sshd.pid');
  for (const one of ['etc', 'sshd_config.d']) mkdirSync(join(folder, one), { recursive: true });
  if (!existsSync(join(folder, 'hostkey'))) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'hostkey')]);
  writeFileSync(config, ['# of a test', `Include ${folder}/sshd_config.d/*.conf`, `Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${join(folder, 'hostkey')}`, `PidFile ${pidFile}`, 'UsePAM no', 'X11Forwarding yes', ...more, ''].join('\n'));
  spawn('/usr/sbin/sshd', ['-f', config], { stdio: 'ignore' });
  for (let i = 0; i < 600 && !existsSync(pidFile); i++) await sleep(20);
  const pid = (): number => Number(readFileSync(pidFile, 'utf8'));
  // No other than the one of this folder is ever ended.
  return { config, port, pid, end: () => { if (existsSync(pidFile) && readFileSync(`/proc/${pid()}/cmdline`, 'utf8').includes(config)) process.kill(pid()); } };
}
