import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { restoreFile } from '../../src/actions/restore-file/action.ts';
import type { Scene } from '../actions.ts';
import { everything, sh } from './files.ts';
import { packagedRoot, packagedWorld, program } from './packaged-root.ts';

/** `root/usr/bin/frob` was exchanged for something with rights, capabilities, an ACL and flags of its own. */
export async function scene(folder: string): Promise<Scene> {
  const root = join(folder, 'root'), file = join(root, 'usr/bin/frob');
  if (!existsSync(root)) {
    mkdirSync(root, { recursive: true });
    packagedRoot(root, { programMode: 0o2755 });
    writeFileSync(file, Buffer.from('#!/bin/sh\necho a back door\n'.repeat(1000)));
    chownSync(file, 4711, 4712);
    sh('setcap', 'cap_net_raw+ep', file);
    sh('setfacl', '-m', 'u:4713:rx', file);
    chmodSync(file, 0o4751);
    utimesSync(file, 1_600_000_000.123, 1_600_000_001.456);
    sh('chattr', '+i', file);
  }
  const world = await packagedWorld(folder, root);
  return {
    actions: () => [restoreFile(world)] as ReturnType<Scene['actions']>, action: 'restore-file', input: { path: file, why: 'a test', by: 'operator:test' },
    look: () => everything(join(root, 'usr/bin')),
    done: (_, after) => {
      const [, found, ...rest] = after as unknown[][];
      if (rest.length > 0 || found?.[0] !== 'frob' || Number(found[1]) !== 0o102755 || found[2] !== '0' || found[3] !== '0' || found[6] !== program.toString('latin1') || found[7] !== 0 || JSON.stringify(found[8]) !== '[]') throw new Error(`expected the file as shipped, got ${JSON.stringify([...(found ?? []).slice(0, 6), found?.[7], found?.[8], rest.length])}`);
      if (!readFileSync(file).equals(program)) throw new Error('expected the shipped content');
    },
  };
}
