import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { changeMode } from '../../src/actions/change-mode/action.ts';
import type { Scene } from '../actions.ts';
import { everything, fileWorld, sh } from './files.ts';

/** `here/tool` is locked, has capabilities, set-uid, and belongs to somebody else; it is handed to root and shut. */
export async function scene(folder: string): Promise<Scene> {
  const here = join(folder, 'here'), file = join(here, 'tool');
  if (!existsSync(here)) {
    mkdirSync(here, { recursive: true });
    writeFileSync(file, 'a tool\n');
    chownSync(file, 4711, 4712);
    chmodSync(file, 0o6777);
    sh('setcap', 'cap_net_raw+ep', file);
    sh('chattr', '+i', file);
  }
  const world = fileWorld(folder);
  return {
    actions: () => [changeMode(world)] as ReturnType<Scene['actions']>, action: 'change-mode', input: { path: file, mode: '2750', owner: 'root:4712' },
    look: () => everything(here),
    done: (before, after) => {
      const [was, is] = [(before as unknown[][])[1]!, (after as unknown[][])[1]!];
      const wanted = was.with(1, String(0o102750)).with(2, '0');
      if (JSON.stringify(is) !== JSON.stringify(wanted)) throw new Error(`expected ${JSON.stringify(wanted)}, got ${JSON.stringify(is)}`);
    },
  };
}
