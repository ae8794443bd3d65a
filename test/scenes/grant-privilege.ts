/** A root in a folder with accounts and sudoers of its own; one account is let use sudo for an hour. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { grantPrivilege } from '../../src/actions/grant-privilege/action.ts';
import type { Action } from '../../src/core/action.ts';
import type { Scene } from '../actions.ts';
import { runner } from '../../src/linux/run.ts';

export function grantRoot(root: string): void {
  if (existsSync(join(root, 'etc'))) return;
  mkdirSync(join(root, 'etc/sudoers.d'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/bash\ndeploy:x:1001:1001::/home/deploy:/bin/bash\nwang.li:x:1002:1002::/home/wang:/bin/bash\n');
  writeFileSync(join(root, 'etc/sudoers'), 'root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n');
  writeFileSync(join(root, 'etc/sudoers.d/README'), '#\n');
  chmodSync(join(root, 'etc/sudoers.d/README'), 0o440);
}

export const grantActions = (root: string): Action[] => [grantPrivilege({ run: runner(), fileProtection: { root } })];

export function scene(root: string): Promise<Scene> {
  grantRoot(root);
  const folder = join(root, 'etc/sudoers.d');
  return Promise.resolve({
    actions: () => grantActions(root), action: 'grant-privilege', input: { user: 'deploy', until: Date.now() + 3_600_000 },
    look: () => Promise.resolve(readdirSync(folder).sort().map((name) => [name, (statSync(join(folder, name)).mode & 0o7777).toString(8), readFileSync(join(folder, name), 'utf8')])),
    done(before, after) {
      const added = (after as string[][]).filter(([name]) => !(before as string[][]).some(([other]) => other === name));
      if (added.length !== 1 || added[0]![0] !== 'moat-grant-1001' || added[0]![1] !== '440' || !/^deploy ALL=\(ALL:ALL\) NOTAFTER=\d{14}Z ALL$/m.test(added[0]![2]!)) throw new Error(`expected the grant, got ${JSON.stringify(after)}`);
    },
  });
}
