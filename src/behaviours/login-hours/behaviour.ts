/** A log-on at an hour at which this account never logs on: learned per account, silent until it knows enough. Or outside of the working hours, where these are configured. */
import type { Behaviour, BehaviourContext, BehaviourRun, Learning } from '../../core/ports.ts';
import { dayMs, hourMs, localHour, localTime } from '../clock.ts';
import { accountOf, loginKinds } from '../login.ts';
import { Lru } from '../lru.ts';
import { isCounts, isNumber, load, save } from '../saved.ts';
import { list, number, text } from '../settings.ts';

export const loginHours: Behaviour = {
  id: 'login-hours',
  title: { zh: '异常时段登录', en: 'Log-on at an odd hour' },
  means: { zh: '账号在平时不用的时段登录成功', en: 'An account logged on at an hour it never does' },
  advice: { zh: '问账号的主人；不是本人就锁定账号、断开会话并更换口令和密钥。', en: 'Ask the owner; if it was somebody else, lock the account, end its sessions and change its password and keys.' },
  blind: { zh: '没有写明工作时间时：学习期内、全天都有登录的账号、登录次数太少的账号不判断。', en: 'Where no working hours are configured, not judged: accounts still being learned, those that log on round the clock, and those that seldom do.' },
  kinds: loginKinds,
  settings: {
    days: { default: 14, min: 1, max: 365, text: { zh: '至少学习几天', en: 'days to learn at least' } },
    logins: { default: 20, min: 2, max: 100_000, text: { zh: '至少学习几次登录（同一小时内算一次）', en: 'log-ons to learn at least; those within one hour count once' } },
    work: { default: '', text: { zh: '工作时间（本机时区的整点，如 8-20，可跨零点）；写了则工作时间之外的登录一律报告，不再学习', en: 'working hours, as whole hours of local time (8-20; 22-6 goes over midnight): log-ons outside of them are told, and nothing is learned' } },
    off_hours: { default: [], text: { zh: '可以在工作时间之外登录的账号，如定时备份用的账号', en: 'accounts that may log on outside of the working hours, such as one for backups' } },
    share: { default: 2, min: 0, max: 50, text: { zh: '该时段（含前后各一小时）占比低于百分之几算异常', en: 'odd when the hour and its neighbours hold less than this percent of the log-ons' } },
  },
  open,
};

const maxAccounts = 5000;
const manyLogins = 2000;

interface Hours { from: number; to: number }

/** `8-20`: from 8:00 to 19:59. Undefined for an empty text. Throws on anything else. */
function hoursOf(words: string): Hours | undefined {
  if (words.trim() === '') return undefined;
  const found = /^\s*(\d{1,2})\s*-\s*(\d{1,2})\s*$/.exec(words);
  const from = Number(found?.[1]), to = Number(found?.[2]);
  if (!(from <= 23 && to <= 24 && from !== to)) throw new RangeError(`expected working hours such as 8-20, got ${JSON.stringify(words.slice(0, 40))} in setting work`);
  return { from, to };
}

const isWithin = (hour: number, { from, to }: Hours): boolean => (from < to ? hour >= from && hour < to : hour >= from || hour < to);

interface Account { first: number; slot: number; total: number; hours: number[] }

function open(context: BehaviourContext): BehaviourRun {
  const minMs = number(context, 'days') * dayMs, minLogins = number(context, 'logins'), share = number(context, 'share') / 100;
  const work = hoursOf(text(context, 'work'));
  const offHours = new Set(list(context, 'off_hours'));
  const accounts = new Lru<Account>(maxAccounts, () => { context.count('accounts forgotten'); });
  let since: number | undefined;
  let samples = 0;
  let now = 0;

  load(context, (saved) => {
    const loaded: [string, Account][] = [];
    for (const [key, first, slot, hours] of saved.rows) {
      if (!isNumber(first) || !isNumber(slot) || !isCounts(hours, 24) || loaded.length > maxAccounts) return false;
      loaded.push([key, { first, slot, hours: [...hours], total: hours.reduce((sum, n) => sum + n, 0) }]);
    }
    for (const [key, account] of loaded) accounts.set(key, account);
    ({ since, samples } = saved);
    return true;
  });

  const ready = (a: Account, at: number): boolean => at - a.first >= minMs && a.total >= minLogins;

  return {
    observe(event) {
      const name = accountOf(event);
      if (name === undefined) return;
      since ??= event.time;
      samples++;
      now = Math.max(now, event.time);
      const account = accounts.take(name, () => ({ first: event.time, slot: Number.MIN_SAFE_INTEGER, total: 0, hours: Array.from({ length: 24 }, () => 0) }));
      const hour = localHour(event.time);
      // Many within one hour (a script, a broken connection) say no more than one does.
      const slot = Math.floor(localTime(event.time) / hourMs);
      if (slot === account.slot) return;
      account.slot = slot;
      if (work !== undefined) {
        if (isWithin(hour, work) || offHours.has(name)) return;
        context.emit({
          ruleId: 'behaviour.login-hours', title: loginHours.title, level: 'medium',
          summary: { zh: '账号 {user} 在 {hour} 点登录{from}，不在工作时间（{work}）之内', en: '{user} logged on at {hour} o’clock{from}, outside of the working hours ({work})' },
          attack: ['T1078'], key: `${name}:${Math.floor(slot / 24)}`, time: event.time, events: [event], count: 1,
          group: { user: name, hour: String(hour), work: `${work.from}–${work.to}`, from: event.source_ip === undefined ? '' : ` (${event.source_ip})` },
        });
        return;
      }
      const at = (h: number): number => account.hours[(h + 24) % 24] ?? 0;
      const near = at(hour - 1) + at(hour) + at(hour + 1);
      if (ready(account, event.time) && near < account.total * share) {
        context.emit({
          ruleId: 'behaviour.login-hours', title: loginHours.title, level: 'medium',
          summary: {
            zh: '账号 {user} 在 {hour} 点登录{from}；学习 {days} 天、{logins} 次登录中几乎没有这个时段',
            en: '{user} logged on at {hour} o’clock{from}; hardly ever seen at this hour in {logins} log-ons over {days} days',
          },
          attack: ['T1078'], key: `${name}:${Math.floor(slot / 24)}`, time: event.time, events: [event], count: 1,
          group: {
            user: name, hour: String(hour), days: Math.floor((event.time - account.first) / dayMs).toString(), logins: account.total.toFixed(0),
            from: event.source_ip === undefined ? '' : ` (${event.source_ip})`,
          },
        });
      }
      account.hours[hour] = at(hour) + 1;
      account.total++;
      // Old habits fade.
      if (account.total >= manyLogins) { account.hours = account.hours.map((n) => n / 2); account.total /= 2; }
    },
    save() {
      const rows = [...accounts.entries()].reverse().map(([key, a]) => [key, a.first, a.slot, a.hours.map((n) => Number(n.toFixed(2)))] as const);
      return save({ since, samples, head: [], rows }, context);
    },
    size: () => accounts.size,
    learning: (): Learning => (work !== undefined ? { since, samples, ready: true } : { since, samples, ready: [...accounts.values()].some((a) => ready(a, now)) }),
  };
}
