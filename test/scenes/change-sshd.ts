import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineSshd } from '../../src/linux/sshd.ts';
import { runner } from '../../src/linux/run.ts';
import type { Scene } from '../actions.ts';
import { settingActions, settingWorld } from './change-setting.ts';
import { everything } from './files.ts';

/** The daemon of `ownSshd` in this folder, which is told to forward no displays and must answer all the time. */
export async function scene(argument: string): Promise<Scene> {
  const [folder = '', port = ''] = argument.split(' ');
  const config = join(folder, 'etc/sshd_config');
  const world = settingWorld(folder);
  const answers = async (): Promise<boolean> => {
    for (let i = 0; i < 50; i++) if (await machineSshd(runner()).answers('127.0.0.1', Number(port), 2000)) return true;
    return false;
  };
  return Promise.resolve({
    actions: () => settingActions(world), action: 'change-setting', input: { kind: 'sshd', config, key: 'X11Forwarding', value: 'no' },
    // Not when it was read: sshd reads it.
    look: async () => [((await everything(join(folder, 'etc'))) as unknown[][]).map((one) => one.toSpliced(4, 1)), await answers()],
    done: (_, after) => {
      if ((after as unknown[])[1] !== true || !readFileSync(config, 'utf8').includes('\nX11Forwarding no\n')) throw new Error(`expected the setting and an answer, got ${JSON.stringify(after)}`);
    },
  });
}
