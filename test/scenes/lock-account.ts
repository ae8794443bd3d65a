import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AccountWorld, lockAccount } from '../../src/actions/lock-account/action.ts';
import { openFileChanges } from '../../src/linux/file-change.ts';
import { Procfs } from '../../src/linux/procfs.ts';
import type { Scene } from '../actions.ts';

export const passwd = 'root:x:0:0:root:/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/bash\nweb:x:1001:1001::/home/web:/bin/bash\nold:invented:1002:1002::/home/old:/bin/sh\n';
export const shadow = 'root:$6$salt$hash:20000:0:99999:7:::\nops:$6$salt$other:20000:0:99999:7:::\nweb:$y$j9T$a$b:20001:0:99999:7::20999:\n';

export const accountWorld = (root: string): AccountWorld => ({ accountRoot: root, fileChanges: openFileChanges, procfs: new Procfs() });

export function plantAccounts(root: string, files: { passwd?: string; shadow?: string } = {}): void {
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), files.passwd ?? passwd);
  writeFileSync(join(root, 'etc/shadow'), files.shadow ?? shadow, { mode: 0o640 });
  writeFileSync(join(root, 'etc/group'), 'sudo:x:27:ops\n');
}

export const accountFiles = (root: string): string[] => ['passwd', 'shadow'].map((name) => readFileSync(join(root, 'etc', name), 'latin1'));

/** The account `old` in this folder, whose password stands in /etc/passwd: two files change. */
export async function scene(root: string): Promise<Scene> {
  if (!existsSync(join(root, 'etc'))) plantAccounts(root);
  await Promise.resolve();
  return {
    actions: () => [lockAccount(accountWorld(root))], action: 'lock-account', input: { user: 'old' },
    look: () => Promise.resolve([...accountFiles(root), ...['passwd', 'shadow'].map((name) => { const { mode, uid, gid } = lstatSync(join(root, 'etc', name)); return [mode, uid, gid]; })]),
    done: (before, after) => {
      const wanted = [passwd.replace(':invented:', ':x:'), `${shadow}old:!invented::::::1:\n`, ...(before as unknown[]).slice(2)];
      if (JSON.stringify(after) !== JSON.stringify(wanted)) throw new Error(`expected ${JSON.stringify(wanted)}, got ${JSON.stringify(after)}`);
    },
  };
}
