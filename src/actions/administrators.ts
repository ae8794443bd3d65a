/**
 * Whether somebody is left who can log on and look after the machine. As its files say: an account with uid 0 or in sudo, wheel or
 * admin, and a way in, which is a password or a key in ~/.ssh/authorized_keys. What sshd allows of these is not asked, nor are
 * directory services: the question is kept simple, and when the answer is no, a person has to say --force.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasShell, readAccounts, type Account } from '../linux/accounts.ts';
import { DiskTree } from '../linux/disk-tree.ts';

const adminGroups = ['sudo', 'wheel', 'admin'];
const keysMax = 4 << 20;
const dayMs = 86_400_000;
const keyFiles = ['.ssh/authorized_keys', '.ssh/authorized_keys2'];

/** Lines that let somebody in. */
export const keyLines = (text: string): number => text.split('\n').filter((line) => /^[^#\s]/.test(line.trim())).length;

/** Somebody who may look after the machine and may start a session; `password`: has one that is not locked. */
export interface Administrator { account: Account; password: boolean; groups: readonly string[] }

/** Accounts that are not expired and have a shell. */
export function administratorsOf(root: string): Administrator[] {
  const shadow = new Map(textOf(join(root, '/etc/shadow')).split('\n').map((line) => line.split(':')).map(([name = '', hash = '', , , , , , expires = '']) => [name, { hash, expires }]));
  const today = Date.now() / dayMs;
  return inCharge(root).filter(({ account }) => hasShell(account)).flatMap(({ account, groups }) => {
    const { hash = '', expires = '' } = shadow.get(account.name) ?? {};
    if (expires !== '' && Number(expires) <= today) return [];
    // A hash begins with $ or, of old, is 13 letters; ! and * lock it.
    return [{ account, groups, password: /^(?:\$|[\w./]{13}$)/.test(hash) }];
  });
}

/** Names of accounts with uid 0 or in an administrators' group, whether or not they get in; none where the accounts cannot be read. */
export function administratorNames(root: string): Set<string> {
  try {
    return new Set(inCharge(root).map(({ account }) => account.name));
  } catch { return new Set(); /* no accounts to read: nobody is known to be one */ }
}

function inCharge(root: string): { account: Account; groups: string[] }[] {
  const accounts = readAccounts(new DiskTree(root, undefined)) ?? [];
  const groups = groupsOf(textOf(join(root, '/etc/group')));
  return accounts.flatMap((account) => {
    const its = groups.filter(({ gid, members }) => gid === account.gid || members.includes(account.name)).map(({ name }) => name);
    return account.uid === 0 || its.some((name) => adminGroups.includes(name)) ? [{ account, groups: its }] : [];
  });
}

/** Does one of these files of an account hold a key? Names are relative to its home, or absolute; `instead` for the content of one of them. */
export function hasKey(root: string, { home }: Account, files: readonly string[] = keyFiles, instead?: { path: string; content: string }): boolean {
  return files.some((file) => {
    const at = file.startsWith('/') ? file : join(home, file);
    return keyLines(at === instead?.path ? instead.content : textOf(join(root, at))) > 0;
  });
}

/** What will be otherwise: a file, inside the root, has this content; an account lets nobody in. */
export interface Otherwise { path?: string; content?: string; without?: string }

/** Is there still an administrator with a way in? */
export function hasAdministrator(root: string, { path, content = '', without }: Otherwise): boolean {
  return administratorsOf(root).some(({ account, password }) => account.name !== without && (password || hasKey(root, account, keyFiles, path === undefined ? undefined : { path, content })));
}

function groupsOf(text: string): { name: string; gid: number; members: readonly string[] }[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , gid = '', members = ''] = line.split(':');
    return name === '' || !/^\d+$/.test(gid) ? [] : [{ name, gid: Number(gid), members: members.split(',') }];
  });
}

/** '' for what is not there, is no file, or is too large to be one of these. */
function textOf(path: string): string {
  try {
    const found = lstatSync(path);
    return found.isFile() && found.size <= keysMax ? readFileSync(path, 'utf8') : '';
  } catch { return ''; /* it is not there: nobody gets in by it */ }
}
