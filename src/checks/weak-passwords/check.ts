/** Passwords that a guesser finds: the commonest hundred and what is made of the account's name, tried against the hashes with a time cap. */
import { hasShell, readAccounts } from '../../linux/accounts.ts';
import { fact, finding } from '../finding.ts';
import { attempt } from '../look.ts';
import type { PlaceCheck } from '../port.ts';
import { hasPassword, readShadow } from '../shadow.ts';
import { tryWords, type CryptTime } from './try.ts';
import { commonest, ofName } from './words.ts';

/** For all accounts together; on a busy machine five seconds of the processor take a while. */
const usualTime: CryptTime = { cpuMs: 5000, ms: 120_000 };
const accountsMax = 500;

export const weakPasswords = weakPasswordsWithin(usualTime);

/**
 * A weak password is its owner's, and who has broken in hides nothing by it: accounts that were not tried for their number, their
 * costly hash or want of time are counted.
 */
export function weakPasswordsWithin(time: CryptTime): PlaceCheck {
  return {
    id: 'weak-passwords',
    title: { zh: '弱密码', en: 'weak passwords' },
    blind: { zh: '只试最常见的一百来个和由账号名变出来的；时间用完就不再试', en: 'only some hundred words and what is made of the name are tried, and only while time lasts' },
    group: 'access',
    scope: 'tree',
    beside: true,
    everyMinutes: 24 * 60,
    async *run(context) {
      const known = attempt(context, '/etc/passwd', () => readAccounts(context.tree)) ?? [];
      // The first of a name is the one that counts.
      const accounts = new Map(known.toReversed().map((account) => [account.name, account]));
      const entries = [
        ...(readShadow(context) ?? []).map(({ name, password, line, changed }) => ({ name, password, line, changed, path: '/etc/shadow' })),
        // A hash that stands in /etc/passwd itself lets in as well.
        ...known.map(({ name, password, line }) => ({ name, password, line, changed: undefined, path: '/etc/passwd' })),
      ].filter(hasPassword).map((entry) => ({ ...entry, password: plainHash(entry.password) }));
      const worth = ({ name }: { name: string }): number => { const account = accounts.get(name); return account === undefined ? 0 : (account.uid === 0 ? 2 : 0) + (hasShell(account) ? 1 : 0); };
      const tried = entries.filter(({ password }) => bearable(password)).sort((a, b) => worth(b) - worth(a)).slice(0, accountsMax);
      if (tried.length < entries.length) context.count('passwords not tried: hash of an unknown kind or too costly', entries.length - tried.length);
      if (tried.length === 0) return;
      const jobs = tried.map(({ name, password }) => ({ hash: password, words: ['', ...new Set([...commonest.slice(0, 20), ...ofName(name), ...commonest])] }));
      const { hits, left, unknown } = await tryWords(jobs, time, context.signal);
      if (left === undefined) context.blind('/etc/shadow', { zh: '试密码超时被终止，没试完', en: 'trying passwords took too long and was ended' });
      else if (left > 0) context.count('weak passwords not tried for want of time', left);
      if (unknown > 0) context.count('passwords not tried: hash of an unknown kind or too costly', unknown);
      for (const { job, word } of hits) {
        const { name, line, changed, path } = tried[job]!;
        const account = accounts.get(name);
        const guess = jobs[job]!.words[word]!;
        const common = commonest.includes(guess);
        const able = account !== undefined && hasShell(account);
        yield finding('weak-passwords', name, {
          kind: 'weakness', level: able ? (account.uid === 0 ? 'critical' : 'high') : 'medium', path, user: name,
          title: guess === '' ? { zh: `${name} 的密码是空的`, en: `the password of ${name} is empty` } : common ? { zh: `${name} 的密码在最常见的 100 个密码里`, en: `the password of ${name} is one of the 100 commonest` } : { zh: `${name} 的密码由账号名变来`, en: `the password of ${name} is made of its name` },
          evidence: [fact({ zh: '位置', en: 'place' }, `${path}:${line}`), ...(changed === undefined ? [] : [fact({ zh: '密码设于', en: 'password set' }, new Date(Math.min(changed, 1e6) * 86_400_000).toISOString().slice(0, 10))])],
          means: { zh: '公网上的机器一开 SSH 就有人不停试这些密码，几分钟内就会被猜中。', en: 'Machines on the Internet are tried with these all day: it is guessed within minutes.' },
          fix: { text: { zh: '立刻换掉密码，最好只用密钥登录；再查登录记录里有没有外人', en: 'change it now, better use keys alone, and look who logged on' }, commands: [['passwd', name]] },
          refs: ['attack:T1110.001', 'attack:T1078.003', 'dengbao:8.1.4.1'],
        });
      }
    },
  };
}

/** Of the kinds without a `$` PAM takes what stands before the first character that none of them has: an age, or a veil. */
const plainHash = (hash: string): string => (/^[$_]/.test(hash) ? hash : /^[./0-9A-Za-z]*/.exec(hash)![0]);

const cost64 = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Kinds of hash that are known, at costs that are bearable: an entry may ask for hours or gigabytes. */
function bearable(hash: string): boolean {
  if (hash.length > 400) return false;
  // SHA-2, SM3 as Chinese distributions have it, and Sun's MD5.
  if (/^\$(?:[56]|sm3)\$|^\$md5[$,]/.test(hash)) return Number(/^\$(?:[56]|sm3|md5)[$,]rounds=(\d{1,9})\$/.exec(hash)?.[1] ?? (hash.includes('rounds=') ? Infinity : 5000)) <= 200_000;
  if (hash.startsWith('$sha1$')) return Number(/^\$sha1\$(\d{1,9})\$/.exec(hash)?.[1] ?? Infinity) <= 400_000;
  // SM3 over yescrypt has its form.
  if (hash.startsWith('$sm3y$j')) return cost64.indexOf(hash['$sm3y$j'.length] ?? '') <= 14;
  if (/^\$3\$\$[0-9a-f]{32}$/.test(hash)) return true;
  // BSDi: the count in base 64, its lowest digit first.
  if (/^_[./0-9A-Za-z]{19}$/.test(hash)) return cost64.indexOf(hash[3]!) <= 15 && hash[4] === '.';
  if (/^\$2[abxy]\$\d\d\$/.test(hash)) return Number(hash.slice(4, 6)) <= 12;
  // yescrypt: the flavour, then the cost as a power of two; 2^15 blocks of 4 KiB are 128 MiB.
  if (/^\$g?y\$j/.test(hash)) return cost64.indexOf(hash[hash.indexOf('$j') + 2] ?? '') <= 14;
  if (hash.startsWith('$7$')) return cost64.indexOf(hash[3] ?? '') <= 15;
  if (hash.startsWith('$1$')) return true;
  // DES, and bigcrypt, which is DES for each eight characters.
  return /^[./0-9A-Za-z]{13}(?:[./0-9A-Za-z]{11}){0,15}$/.test(hash);
}
