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

/** Names of accounts with uid 0 or in an administrators' group; none where the accounts cannot be read. */
export function administratorsOf(root: string): Set<string> {
  const { names, gids } = adminMembers(textOf(join(root, '/etc/group')));
  let accounts: Account[] = [];
  try {
    accounts = readAccounts(new DiskTree(root, undefined)) ?? [];
  } catch { /* no accounts to read: nobody is known to be one */ }
  return new Set(accounts.filter(({ name, uid, gid }) => uid === 0 || names.has(name) || gids.has(gid)).map(({ name }) => name));
}

/** What will be otherwise: a file, inside the root, has this content; an account lets nobody in. */
export interface Otherwise { path?: string; content?: string; without?: string }

/** Is there still an administrator with a way in? */
export function hasAdministrator(root: string, { path, content = '', without }: Otherwise): boolean {
  const accounts = readAccounts(new DiskTree(root, undefined)) ?? [];
  const members = adminMembers(textOf(join(root, '/etc/group')));
  const shadow = new Map(textOf(join(root, '/etc/shadow')).split('\n').map((line) => line.split(':')).map(([name = '', hash = '', , , , , , expires = '']) => [name, { hash, expires }]));
  const today = Date.now() / dayMs;
  const isAdmin = ({ name, uid, gid }: Account): boolean => uid === 0 || members.names.has(name) || members.gids.has(gid);
  // A hash begins with $ or, of old, is 13 letters; ! and * lock it.
  const hasPassword = ({ name }: Account): boolean => /^(?:\$|[\w./]{13}$)/.test(shadow.get(name)?.hash ?? '');
  const isExpired = ({ name }: Account): boolean => { const { expires = '' } = shadow.get(name) ?? {}; return expires !== '' && Number(expires) <= today; };
  const hasKey = ({ home }: Account): boolean => keyFiles.some((file) => {
    const at = join(home, file);
    return keyLines(at === path ? content : textOf(join(root, at))) > 0;
  });
  return accounts.some((account) => account.name !== without && isAdmin(account) && !isExpired(account) && hasShell(account) && (hasPassword(account) || hasKey(account)));
}

function adminMembers(text: string): { names: Set<string>; gids: Set<number> } {
  const names = new Set<string>(), gids = new Set<number>();
  for (const line of text.split('\n')) {
    const [group = '', , gid = '', members = ''] = line.split(':');
    if (!adminGroups.includes(group)) continue;
    gids.add(Number(gid));
    for (const name of members.split(',')) if (name !== '') names.add(name);
  }
  return { names, gids };
}

/** '' for what is not there, is no file, or is too large to be one of these. */
function textOf(path: string): string {
  try {
    const found = lstatSync(path);
    return found.isFile() && found.size <= keysMax ? readFileSync(path, 'utf8') : '';
  } catch { return ''; /* it is not there: nobody gets in by it */ }
}
