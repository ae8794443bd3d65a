/** Passwords that a guesser finds: the commonest hundred and what is made of the account's name, tried against the hashes with a time cap. */
import { hasShell, readAccounts } from '../../linux/accounts.ts';
import { fact, finding } from '../finding.ts';
import { attempt } from '../look.ts';
import type { PlaceCheck } from '../port.ts';
import { hasPassword, readShadow } from '../shadow.ts';
import { tryWords } from './try.ts';
import { commonest, ofName } from './words.ts';

/** For all accounts together. */
const timeMs = 5000;
const accountsMax = 500;

export const weakPasswords: PlaceCheck = {
  id: 'weak-passwords',
  title: { zh: '弱密码', en: 'weak passwords' },
  blind: { zh: '只试最常见的一百来个和由账号名变出来的；时间用完就不再试', en: 'only some hundred words and what is made of the name are tried, and only while time lasts' },
  group: 'access',
  scope: 'tree',
  beside: true,
  everyMinutes: 24 * 60,
  async *run(context) {
    const shadow = readShadow(context);
    if (!shadow) return;
    const accounts = new Map((attempt(context, '/etc/passwd', () => readAccounts(context.tree)) ?? []).map((account) => [account.name, account]));
    const entries = shadow.filter(hasPassword);
    const tried = entries.filter(({ password }) => bearable(password)).sort((a, b) => Number(b.name === 'root') - Number(a.name === 'root')).slice(0, accountsMax);
    if (tried.length < entries.length) context.count('passwords not tried: hash of an unknown kind or too costly', entries.length - tried.length);
    if (tried.length === 0) return;
    const jobs = tried.map(({ name, password }) => ({ hash: password, words: ['', ...new Set([...commonest.slice(0, 20), ...ofName(name), ...commonest])] }));
    const { hits, left } = await tryWords(jobs, timeMs, context.signal);
    if (left === undefined) context.blind('/etc/shadow', { zh: '试密码超时被终止，没试完', en: 'trying passwords took too long and was ended' });
    else if (left > 0) context.count('weak passwords not tried for want of time', left);
    for (const { job, word } of hits) {
      const { name, line, changed } = tried[job]!;
      const account = accounts.get(name);
      const guess = jobs[job]!.words[word]!;
      const common = commonest.includes(guess);
      const able = account !== undefined && hasShell(account);
      yield finding('weak-passwords', name, {
        kind: 'weakness', level: able ? (account.uid === 0 ? 'critical' : 'high') : 'medium', path: '/etc/shadow', user: name,
        title: guess === '' ? { zh: `${name} 的密码是空的`, en: `the password of ${name} is empty` } : common ? { zh: `${name} 的密码在最常见的 100 个密码里`, en: `the password of ${name} is one of the 100 commonest` } : { zh: `${name} 的密码由账号名变来`, en: `the password of ${name} is made of its name` },
        evidence: [fact({ zh: '位置', en: 'place' }, `/etc/shadow:${line}`), ...(changed === undefined ? [] : [fact({ zh: '密码设于', en: 'password set' }, new Date(Math.min(changed, 1e6) * 86_400_000).toISOString().slice(0, 10))])],
        means: { zh: '公网上的机器一开 SSH 就有人不停试这些密码，几分钟内就会被猜中。', en: 'Machines on the Internet are tried with these all day: it is guessed within minutes.' },
        fix: { text: { zh: '立刻换掉密码，最好只用密钥登录；再查登录记录里有没有外人', en: 'change it now, better use keys alone, and look who logged on' }, commands: [['passwd', name]] },
        refs: ['attack:T1110.001', 'attack:T1078.003', 'dengbao:8.1.4.1'],
      });
    }
  },
};

const cost64 = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Kinds of hash that are known, at costs that are bearable: an entry may ask for hours or gigabytes. */
function bearable(hash: string): boolean {
  if (hash.length > 400) return false;
  if (/^\$[56]\$/.test(hash)) return Number(/^\$[56]\$rounds=(\d{1,9})\$/.exec(hash)?.[1] ?? (hash.includes('rounds=') ? Infinity : 5000)) <= 200_000;
  if (/^\$2[abxy]\$\d\d\$/.test(hash)) return Number(hash.slice(4, 6)) <= 12;
  // yescrypt: the flavour, then the cost as a power of two; 2^15 blocks of 4 KiB are 128 MiB.
  if (/^\$g?y\$j/.test(hash)) return cost64.indexOf(hash[hash.indexOf('$j') + 2] ?? '') <= 14;
  if (hash.startsWith('$7$')) return cost64.indexOf(hash[3] ?? '') <= 15;
  if (hash.startsWith('$1$')) return true;
  return /^[./0-9A-Za-z]{13}$/.test(hash);
}
