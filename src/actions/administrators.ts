/**
 * Whether somebody is left who can log on and look after the machine. As its files say: an account with uid 0, in sudo, wheel or admin,
 * or whom sudoers or doas let do anything as root, and a way in, which is a password or a key in ~/.ssh/authorized_keys or where sshd
 * looks for keys. What else sshd allows of these is not asked, nor are directory services: the question is kept simple, and when the
 * answer is no, a person has to say --force.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasShell, readAccounts, type Account } from '../linux/accounts.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { realPlace } from '../linux/place.ts';
import { readSshdConfig } from '../linux/sshd-config.ts';
import { rooted } from '../linux/sudoers.ts';

const adminGroups = ['sudo', 'wheel', 'admin'];
const keysMax = 4 << 20;
const dayMs = 86_400_000;
const keyFiles = ['.ssh/authorized_keys', '.ssh/authorized_keys2'];

/** Lines that let somebody in. */
const keyLines = (text: string): number => text.split('\n').filter((line) => /^[^#\s]/.test(line.trim())).length;

/** Somebody who may look after the machine and may start a session; `password`: has one that is not locked. */
export interface Administrator { account: Account; password: boolean; groups: readonly string[] }

/** Accounts that are not expired and have a shell. `instead`: what a file will hold. */
export function administratorsOf(root: string, instead?: { path: string; content: string }): Administrator[] {
  const shadow = new Map(textOf(join(root, '/etc/shadow')).split('\n').map((line) => line.split(':')).map(([name = '', hash = '', , , , , , expires = '']) => [name, { hash, expires }]));
  const today = Date.now() / dayMs;
  return inCharge(root, instead).filter(({ account }) => hasShell(account)).flatMap(({ account, groups }) => {
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

function inCharge(root: string, instead?: { path: string; content: string }): { account: Account; groups: string[] }[] {
  const accounts = readAccounts(new DiskTree(root, undefined)) ?? [];
  const groups = groupsOf(textOf(join(root, '/etc/group')));
  const trusted = rooted(root, instead);
  return accounts.flatMap((account) => {
    const its = groups.filter(({ gid, members }) => gid === account.gid || members.includes(account.name));
    const names = its.map(({ name }) => name);
    const isTrusted = trusted.users.has(account.name) || trusted.users.has(`#${account.uid}`) || its.some(({ name, gid }) => trusted.groups.has(name) || trusted.groups.has(`#${gid}`));
    return account.uid === 0 || isTrusted || names.some((name) => adminGroups.includes(name)) ? [{ account, groups: names }] : [];
  });
}

/** Does one of these files of an account hold a key? Names are relative to its home, or absolute; `otherwise` for what becomes of one of them. */
export function hasKey(root: string, { home, uid, name }: Account, files: readonly string[] = keyFiles, otherwise: Otherwise = {}): boolean {
  return files.some((file) => {
    const told = file.replaceAll('%h', home).replaceAll('%u', name).replaceAll('%U', String(uid));
    const at = told.startsWith('/') ? told : join(home, told);
    const { path, content = '', rootReads = false } = otherwise;
    const meets = path !== undefined && !(rootReads && uid === 0) && [at, realOf(root, at)].some((one) => one === path || one.startsWith(`${path}/`));
    return keyLines(meets ? content : textOf(join(root, at))) > 0;
  });
}

/**
 * What will be otherwise: a file, inside the root, has this content, or all in a folder is gone; an account lets nobody in. `rootReads`:
 * it is only shut, which keeps nothing from root.
 */
export interface Otherwise { path?: string; content?: string; without?: string; rootReads?: boolean }

/** Is there still an administrator with a way in? */
export function hasAdministrator(root: string, otherwise: Otherwise): boolean {
  const { path, content = '', without, rootReads } = otherwise;
  const files = [...new Set([...keyFiles, ...sshdKeyFiles(root)])];
  return administratorsOf(root, path === undefined || rootReads ? undefined : { path, content }).some(({ account, password }) => account.name !== without && (password || hasKey(root, account, files, otherwise)));
}

/** Somebody has a way in now, and nobody would have one. */
export const locksOut = (root: string, otherwise: Otherwise): boolean => !hasAdministrator(root, otherwise) && hasAdministrator(root, {});

/** As sshd_config has them; none where it has none or cannot be read, and then the usual ones count. */
function sshdKeyFiles(root: string): string[] {
  try {
    return readSshdConfig(root, '/etc/ssh/sshd_config').lines.filter(({ keyword }) => keyword === 'authorizedkeysfile').flatMap(({ value }) => value.replaceAll('"', '').split(/\s+/)).filter((file) => file !== 'none' && file !== '');
  } catch { return []; /* sshd itself would not take it: what it says about keys holds for nobody */ }
}

/** With the links of its folders followed, as seen from inside the root. */
function realOf(root: string, path: string): string {
  try {
    const real = realPlace(join(root, path)), base = root === '/' ? '' : root;
    return real.startsWith(`${base}/`) ? real.slice(base.length) : real;
  } catch { return path; /* its folder is not there: no key is either */ }
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
