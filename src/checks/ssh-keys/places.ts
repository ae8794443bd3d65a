/** Where the keys that open accounts lie. */
import { readAccounts, type Account } from '../../linux/accounts.ts';
import { attempt, filesOf, homesIn } from '../look.ts';
import type { Looking } from '../port.ts';
import { readSshConfig } from '../ssh-config.ts';

/** By the configuration of sshd, and where it looks by default; some are named twice, many are not there. */
export function keyPlaces(context: Looking): { path: string; account: Account | undefined; user: string | undefined }[] {
  const accounts = attempt(context, '/etc/passwd', () => readAccounts(context.tree)) ?? [];
  const configured = readSshConfig(context, '/etc/ssh/sshd_config').filter(({ keyword }) => keyword === 'authorizedkeysfile').flatMap(({ args }) => args).filter((arg) => arg !== 'none');
  const patterns = new Set(['.ssh/authorized_keys', '.ssh/authorized_keys2', '/etc/ssh/authorized_keys/%u', '/etc/ssh/authorized_keys.d/%u', '/etc/dropbear/authorized_keys', ...configured.slice(0, 50)]);
  const out = homesIn(context).flatMap(({ home, account, users }) => ['authorized_keys', 'authorized_keys2'].map((name) => ({ path: `${home}/.ssh/${name}`, account, user: users[0] })));
  for (const account of accounts) {
    const home = account.home.replace(/\/+$/, '');
    for (const pattern of patterns) {
      const named = pattern.replaceAll(/%([%huU])/g, (_, letter: string) => (letter === 'h' ? home : letter === 'u' ? account.name : letter === 'U' ? String(account.uid) : '%'));
      // A home of / is ordinary for daemons; a key there is not.
      out.push({ path: named.startsWith('/') ? named : `${home}/${named}`, account, user: named === pattern && pattern.startsWith('/') ? undefined : account.name });
    }
  }
  for (const folder of ['/etc/ssh/authorized_keys', '/etc/ssh/authorized_keys.d']) for (const path of filesOf(context, folder)) out.push({ path, account: undefined, user: undefined });
  return out;
}
