import { existsSync, mkdirSync, utimesSync, writeFileSync, chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import type { Scene } from '../actions.ts';
import { everything, fileActions, fileWorld, sh } from './files.ts';

/** `here/miner` in this folder has rights, an owner, an ACL, capabilities, attributes, flags and times of its own, in a folder that is locked. */
export async function scene(folder: string): Promise<Scene> {
  const here = join(folder, 'here'), file = join(here, 'miner');
  if (!existsSync(here)) {
    mkdirSync(here, { recursive: true });
    writeFileSync(file, Buffer.from(Array.from({ length: 3 << 20 }, (_, i) => (i * 31) % 251)));
    chownSync(file, 4711, 4712);
    sh('setcap', 'cap_net_raw+ep', file);
    sh('setfattr', '-n', 'user.note', '-v', '0x00ff0a', file);
    sh('setfacl', '-m', 'u:4713:rx', file);
    chmodSync(file, 0o4751);
    utimesSync(file, 1_600_000_000.123, 1_600_000_001.456);
    sh('chattr', '+i', '+d', file);
    sh('chattr', '+i', here);
  }
  const world = fileWorld(folder);
  return {
    actions: () => fileActions(world), action: 'quarantine-file', input: { path: file, why: 'a test', by: 'operator:test' },
    look: () => everything(here),
    done: (before, after) => {
      if (JSON.stringify(after) !== JSON.stringify((before as unknown[]).slice(0, 1))) throw new Error(`expected the file to be gone and its folder as it was, got ${JSON.stringify(after).slice(0, 500)}`);
    },
  };
}
