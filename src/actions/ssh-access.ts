/** Whether an administrator could still log on over SSH under a configuration. */
import type { Sshd } from '../linux/sshd.ts';
import { administratorsOf, hasKey, type Administrator } from './administrators.ts';

/** Settings that decide who may log on. */
export const accessKeywords: ReadonlySet<string> = new Set(['passwordauthentication', 'kbdinteractiveauthentication', 'challengeresponseauthentication', 'usepam', 'pubkeyauthentication', 'permitrootlogin', 'allowusers', 'denyusers', 'allowgroups', 'denygroups', 'authenticationmethods', 'authorizedkeysfile', 'pubkeyacceptedalgorithms', 'pubkeyacceptedkeytypes']);

const askedMax = 50;

/** `address`: from where they come. Asks sshd itself what holds for each, Match included. */
export async function hasWayIn(sshd: Pick<Sshd, 'effective'>, root: string, config: string, address: string): Promise<boolean> {
  for (const one of administratorsOf(root).slice(0, askedMax)) if (mayLogOn(one, await sshd.effective(config, { user: one.account.name, address }), root)) return true;
  return false;
}

function mayLogOn({ account, password, groups }: Administrator, settings: ReadonlyMap<string, readonly string[]>, root: string): boolean {
  const is = (keyword: string): boolean => settings.get(keyword)?.[0] === 'yes';
  const list = (keyword: string): string[] => (settings.get(keyword) ?? []).flatMap((value) => value.split(/\s+/)).filter(Boolean);
  const named = (patterns: readonly string[], names: readonly string[]): boolean => patterns.some((pattern) => names.some((name) => matches(pattern.split('@')[0] ?? '', name)));
  const [users, userGroups] = [list('allowusers'), list('allowgroups')];
  if (named(list('denyusers'), [account.name]) || named(list('denygroups'), groups)) return false;
  if ((users.length > 0 && !named(users, [account.name])) || (userGroups.length > 0 && !named(userGroups, groups))) return false;
  const rootLogin = account.uid === 0 ? settings.get('permitrootlogin')?.[0] ?? 'prohibit-password' : 'yes';
  if (rootLogin === 'no' || rootLogin === 'forced-commands-only') return false;
  const keyFiles = list('authorizedkeysfile').filter((file) => file !== 'none');
  const key = is('pubkeyauthentication') && hasKey(root, account, keyFiles);
  const byPassword = password && rootLogin === 'yes';
  const methods: Readonly<Record<string, boolean>> = { publickey: key, password: byPassword && is('passwordauthentication'), 'keyboard-interactive': byPassword && is('kbdinteractiveauthentication') && is('usepam') };
  const wanted = list('authenticationmethods');
  if (wanted.length === 0 || wanted[0] === 'any') return Object.values(methods).some(Boolean);
  return wanted.some((all) => all.split(',').every((method) => methods[method.split(':')[0] ?? ''] === true));
}

/** `*` and `?` as sshd has them. */
function matches(pattern: string, name: string): boolean {
  if (pattern.length > 200) return false;
  let [p, n, star, from] = [0, 0, -1, 0];
  while (n < name.length) {
    if (pattern[p] === '*') { star = p++; from = n; }
    else if (pattern[p] === '?' || pattern[p] === name[n]) { p++; n++; }
    else if (star >= 0) { p = star + 1; n = ++from; }
    else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
