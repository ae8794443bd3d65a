/** Accounts that nobody uses, and passwords that never end. */
import type { Finding } from '../../core/finding.ts';
import { hasShell, type Account } from '../../linux/accounts.ts';
import { lastLogs, readUtmp } from '../../linux/utmp.ts';
import { fact, finding } from '../finding.ts';
import { journalSessions, readLastlog2, readWtmpdb } from '../logon-databases.ts';
import { attempt } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { hasPassword, type Shadow } from '../shadow.ts';

const day = 86_400_000;
const staleAfter = 180 * day;
const neverAfter = 30 * day;
/** 等保 and CIS ask for at most this many days. */
const maxDays = 365;

export async function* ageFindings(accounts: readonly Account[], shadow: ReadonlyMap<string, Shadow>, context: ScanContext): AsyncIterable<Finding> {
  const now = context.now();
  const people = accounts.filter((account) => hasShell(account) && (account.uid === 0 || (account.uid >= 1000 && account.uid !== 65534)));
  const last = attempt(context, '/var/log/lastlog', () => lastLogs(context.tree, people.map(({ uid }) => uid)));
  const seen = new Map<string, number>();
  let since: number | undefined;
  for (const path of ['/var/log/wtmp.1', '/var/log/wtmp']) {
    for (const record of attempt(context, path, () => readUtmp(context.tree, path))?.records ?? []) {
      since ??= record.time;
      if (record.type === 'user' && record.user !== '') seen.set(record.user, Math.max(seen.get(record.user) ?? 0, record.time));
    }
  }
  const see = (user: string, time: number): void => { if (user !== '') seen.set(user, Math.max(seen.get(user) ?? 0, time)); };
  const from = (time: number | undefined): void => { if (time !== undefined && time > 0) since = Math.min(since ?? Infinity, time); };
  for (const { user, time } of await readLastlog2(context) ?? []) see(user, time);
  const rows = await readWtmpdb(context) ?? [];
  from(rows[0]?.time);
  for (const { type, user, time } of rows) if (type === 'user') see(user, time);
  const sessions = journalSessions(context);
  from(sessions?.since);
  for (const [user, time] of sessions?.last ?? []) see(user, time);
  for (const account of people) {
    const entry = shadow.get(account.name);
    const locked = entry !== undefined && !hasPassword(entry) && entry.password !== '';
    if (entry && hasPassword(entry) && (entry.maxDays === undefined || entry.maxDays < 0 || entry.maxDays > maxDays)) {
      yield say(account, 'ageing', 'low', { zh: `${account.name} 的密码永不过期`, en: `the password of ${account.name} never ends` }, [fact({ zh: '最长天数', en: 'longest, days' }, String(entry.maxDays ?? 'none'))], [['chage', '--maxdays', '90', account.name]], 'cis:5.4.1.1', 'dengbao:8.1.4.1');
    }
    if (entry?.changed !== undefined && entry.changed * day > now + 2 * day) yield say(account, 'future', 'medium', { zh: `${account.name} 的密码修改日期在未来：到期规则管不到它`, en: `the password of ${account.name} was changed in the future: ageing does not reach it` }, [fact({ zh: '日期', en: 'date' }, dateOf(entry.changed * day))], [], 'cis:5.4.1.6');
    if (account.uid === 0) continue;
    const at = Math.max(seen.get(account.name) ?? 0, last?.get(account.uid)?.time ?? 0);
    const made = entry?.changed === undefined ? undefined : entry.changed * day;
    // Nothing can be said of when somebody came last without a record of log-ons that goes back long enough.
    const remembers = since !== undefined && now - since > neverAfter;
    if (at > 0 && now - at > staleAfter && !locked) yield say(account, 'stale', 'low', { zh: `${account.name} 已 ${Math.floor((now - at) / day)} 天没登录`, en: `${account.name} did not log on for ${Math.floor((now - at) / day)} days` }, [fact({ zh: '最后登录', en: 'last log-on' }, dateOf(at))], [['usermod', '--lock', account.name]], 'attack:T1078.003', 'dengbao:8.1.4.2');
    else if (at === 0 && remembers && !locked && made !== undefined && now - made > neverAfter) yield say(account, 'never', 'low', { zh: `${account.name} 有密码却从没登录过`, en: `${account.name} has a password and never logged on` }, [fact({ zh: '密码设于', en: 'password set' }, dateOf(made)), fact({ zh: '登录记录始于', en: 'log-ons kept since' }, dateOf(since!))], [['usermod', '--lock', account.name]], 'dengbao:8.1.4.2');
  }
}

const dateOf = (ms: number): string => (ms > 0 && ms < 4e12 ? new Date(ms).toISOString().slice(0, 10) : String(ms));

function say({ name }: Account, key: string, level: 'low' | 'medium', title: Finding['title'], evidence: Finding['evidence'], commands: string[][], ...refs: string[]): Finding {
  return finding('accounts', `${name}\0${key}`, { kind: 'weakness', level, path: '/etc/shadow', user: name, title, evidence, fix: { text: { zh: '不再用的账号锁住，密码定期换', en: 'lock what nobody uses, change passwords from time to time' }, commands }, refs });
}
