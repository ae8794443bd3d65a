/** A log-on from a network or a country that this account never came from. Learned per account. */
import type { Behaviour, BehaviourContext, BehaviourRun, Learning } from '../../core/ports.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { own } from '../../core/own.ts';
import { dayMs } from '../clock.ts';
import { accountOf, loginKinds } from '../login.ts';
import { Lru } from '../lru.ts';
import { networkOf } from '../network.ts';
import type { Cell } from '../saved.ts';
import { isCount, isNumber, load, save } from '../saved.ts';
import { number, text } from '../settings.ts';

export const loginAddress: Behaviour = {
  id: 'login-address',
  title: { zh: '新地址登录', en: 'Log-on from a new address' },
  means: { zh: '账号从从未用过的地址登录成功', en: 'An account logged on from an address it never used' },
  advice: { zh: '问账号的主人；不是本人就锁定账号、断开会话并更换口令和密钥。', en: 'Ask the owner; if it was somebody else, lock the account, end its sessions and change its password and keys.' },
  blind: {
    zh: '学习期内不报告；同一 /24（IPv6 /64）网段内换地址不算新；没有国家库时不判断国家；经跳板机或代理登录只看得到跳板机。',
    en: 'Silent while learning. Another address of the same /24 (IPv6 /64) is not new. Without a country table no country is judged. Behind a jump host or proxy only that one is seen.',
  },
  kinds: loginKinds,
  settings: {
    days: { default: 3, min: 0, max: 365, text: { zh: '至少学习几天', en: 'days to learn at least' } },
    logins: { default: 5, min: 1, max: 100_000, text: { zh: '至少学习几次登录', en: 'log-ons to learn at least' } },
    homeCountry: { default: '', text: { zh: '本国（两字母，如 CN）；为空则由学到的唯一国家推断', en: 'home country, two letters such as CN; empty: the only country learned' } },
  },
  open,
};

const newCountry: Text = { zh: '新国家或地区登录', en: 'Log-on from a new country' };
const abroad: Text = { zh: '境外登录', en: 'Log-on from abroad' };

const maxAccounts = 5000;
const maxNetworks = 32;
const maxCountries = 32;
/** Private and unknown addresses belong to no country. */
const nowhere = 'ZZ';

interface Account { first: number; last: number; total: number; networks: string[]; countries: string[] }

function open(context: BehaviourContext): BehaviourRun {
  const minMs = number(context, 'days') * dayMs, minLogins = number(context, 'logins');
  const home = text(context, 'homeCountry').toUpperCase();
  const accounts = new Lru<Account>(maxAccounts, () => { context.count('accounts forgotten'); });
  let since: number | undefined;
  let samples = 0;
  let now = 0;

  load(context, (saved) => {
    const loaded: [string, Account][] = [];
    for (const [key, first, last, total, networks, countries] of saved.rows) {
      if (!isNumber(first) || !isNumber(last) || !isCount(total) || !isTexts(networks, maxNetworks) || !isTexts(countries, maxCountries) || loaded.length > maxAccounts) return false;
      loaded.push([key, { first, last, total, networks: [...networks], countries: [...countries] }]);
    }
    for (const [key, account] of loaded) accounts.set(key, account);
    ({ since, samples } = saved);
    return true;
  });

  const ready = (a: Account, at: number): boolean => a.total >= minLogins && at - a.first >= minMs;

  function judge(account: Account, network: string, country: string | undefined): { level: Level; title: Text; what: Text } | undefined {
    const unseen = country !== undefined && !account.countries.includes(country);
    // A first country beside nothing learned (the table came later) is no news.
    if (unseen && account.countries.length > 0) {
      const only = account.countries.length === 1 ? account.countries[0] : undefined;
      const homeKnown = home === '' ? only !== undefined : account.countries.every((c) => c === home);
      if (homeKnown && country !== home) return { level: 'high', title: abroad, what: { zh: '该账号从未自境外登录', en: 'the account never came from abroad' } };
      return { level: 'medium', title: newCountry, what: { zh: '该账号从未自此国家或地区登录', en: 'the account never came from this country' } };
    }
    if (account.networks.includes(network)) return undefined;
    return { level: 'low', title: loginAddress.title, what: { zh: '该账号从未自此网段登录', en: 'the account never came from this network' } };
  }

  return {
    observe(event) {
      const name = accountOf(event);
      if (name === undefined || event.source_ip === undefined) return;
      since ??= event.time;
      samples++;
      now = Math.max(now, event.time);
      const account = accounts.take(name, () => ({ first: event.time, last: event.time, total: 0, networks: [], countries: [] }));
      const network = networkOf(event.source_ip);
      const country = event.source_country === nowhere ? undefined : event.source_country?.slice(0, 2);
      const judged = ready(account, event.time) ? judge(account, network, country) : undefined;
      if (judged !== undefined) {
        context.emit({
          ruleId: 'behaviour.login-address', title: judged.title, level: judged.level,
          summary: {
            zh: `账号 {user} 从 {source_ip}{country} 登录，${judged.what.zh}（已学习 {days} 天、{logins} 次登录）`,
            en: `{user} logged on from {source_ip}{country}: ${judged.what.en} ({logins} log-ons learned over {days} days)`,
          },
          attack: ['T1078'], key: `${name}:${judged.level === 'low' ? network : country ?? network}`, time: event.time, events: [event], count: 1,
          group: {
            user: name, country: country === undefined ? '' : ` (${country})`, logins: String(account.total),
            days: Math.floor((event.time - account.first) / dayMs).toString(),
          },
        });
      }
      account.total++;
      account.last = event.time;
      remember(account.networks, network, maxNetworks);
      if (country !== undefined) remember(account.countries, country, maxCountries);
    },
    save() {
      const rows = [...accounts.entries()].reverse().map(([key, a]) => [key, a.first, a.last, a.total, a.networks, a.countries] as const);
      return save({ since, samples, head: [], rows }, context);
    },
    size: () => accounts.size,
    learning: (): Learning => ({ since, samples, ready: [...accounts.values()].some((a) => ready(a, now)) }),
  };
}

/** Puts the word last; the one unused longest goes. */
function remember(words: string[], word: string, max: number): void {
  const at = words.indexOf(word);
  const [known] = at >= 0 ? words.splice(at, 1) : [];
  words.push(known ?? own(word));
  if (words.length > max) words.shift();
}

const isTexts = (value: Cell | undefined, max: number): value is string[] => Array.isArray(value) && value.length <= max && value.every((v) => typeof v === 'string' && v.length <= 255);
