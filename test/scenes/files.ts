/** Folders with files that have everything a file can have, and actions on them. */
import { execFileSync } from 'node:child_process';
import { closeSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileProtection } from '../../src/actions/file-protection.ts';
import { quarantineFile } from '../../src/actions/quarantine-file/action.ts';
import { removeLine, type LineWorld } from '../../src/actions/remove-line/action.ts';
import { Vault } from '../../src/actions/vault.ts';
import type { Action } from '../../src/core/action.ts';
import type { PackageFile } from '../../src/core/lineage.ts';
import { openFileChanges } from '../../src/linux/file-change.ts';
import { Place } from '../../src/linux/place.ts';
import { runner } from '../../src/linux/run.ts';

export interface FileWorldOptions { root?: string; owner?: (path: string) => Promise<PackageFile | 'unknown' | undefined>; own?: readonly string[] }

export function fileWorld(folder: string, { root = '/', owner = () => Promise.resolve(undefined), own = [] }: FileWorldOptions = {}): LineWorld {
  mkdirSync(join(folder, 'data'), { recursive: true, mode: 0o700 });
  return {
    vault: new Vault(join(folder, 'data')), fileProtection: new FileProtection({ root, own: [join(folder, 'data'), ...own], owner }),
    fileChanges: openFileChanges, run: runner(),
  };
}

export const fileActions = (world: LineWorld): Action[] => [quarantineFile(world), removeLine(world)];

/** All that there is in a folder: names, kinds, content, rights, owners, times, attributes, flags. Not inode and time of change, which nobody can set. */
export async function everything(folder: string): Promise<unknown> {
  const changes = await openFileChanges();
  const place = new Place(`${folder}/.`);
  try {
    return [['.', changes.flags(place.folder)], ...readdirSync(folder, { encoding: 'latin1' }).sort().map((name) => {
      const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);
      const { mode, uid, gid, atimeNs, mtimeNs } = lstatSync(path, { bigint: true });
      const found = lstatSync(path);
      let content: unknown, flags: number | undefined;
      if (found.isSymbolicLink()) content = readlinkSync(path);
      if (found.isFile()) {
        const fd = place.open(name);
        try {
          content = readFileSync(fd).toString('latin1');
          flags = changes.flags(fd);
        } finally { closeSync(fd); }
      }
      return [name, String(mode), String(uid), String(gid), String(atimeNs), String(mtimeNs), content, flags, changes.attributes(path).map(({ name: attribute, value }) => [attribute, value.toString('hex')])];
    })];
  } finally { place.close(); }
}

export const sh = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8' });
export const tools = ['/usr/bin/setfattr', '/usr/bin/setfacl', '/usr/sbin/setcap', '/usr/bin/chattr'] as const;

/** Can a file in this folder be made immutable? Not on every file system, nor in every container. */
export function canLock(folder: string): boolean {
  const file = join(folder, 'probe');
  writeFileSync(file, '');
  try {
    execFileSync('chattr', ['+i', file], { stdio: 'ignore' });
    execFileSync('chattr', ['-i', file]);
    return true;
  } catch {
    console.warn('skipped: this file system keeps no flags of chattr');
    return false;
  } finally { rmSync(file, { force: true }); }
}

export function removeLocked(folder: string): void {
  try { execFileSync('chattr', ['-R', '-i', folder], { stdio: 'ignore' }); } catch { /* no flags here: nothing is locked */ }
  rmSync(folder, { recursive: true, force: true });
}
