/** Accounts that are more than they should be: second roots, daemons that may log on, odd shells, shared numbers and homes. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { hasShell, readAccounts, type Account } from '../../linux/accounts.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { anyoneWrites, attempt, concealment, isSystemUid, linesIn, readText, targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { hasPassword, readShadow, type Shadow } from '../shadow.ts';
import { groupFindings } from './groups.ts';
import { ageFindings } from './ages.ts';

const passwd = '/etc/passwd', shadowFile = '/etc/shadow';
/** Accounts of packages that are made with a shell. */
const shelled = /^(?:postgres|git|gitea|gitlab\S*|forgejo|gogs|jenkins|oracle|grid|db2\w*|sync|backup|borg|nagios|icinga|zabbix|ceph|hadoop|hdfs|yarn|spark|kafka|elasticsearch|opensearch|mysql|mssql|rundeck|ansible|vagrant|lxd|libuuid|couchdb|amandabackup|barman|buildkite-agent|teamcity|bamboo|jira|confluence|sonarqube|nexus|www|admin|ec2-user|core|ubuntu|debian|gitolite3?|rabbitmq|slurm|munge|rstudio-server|minecraft|steam|deploy\w*|ftpuser|virtual\w*)$/;

export const accounts: PlaceCheck = {
  id: 'accounts',
  title: { zh: '账号', en: 'accounts' },
  blind: { zh: '目录服务（LDAP、NIS、AD）里的账号不在文件里', en: 'accounts of directory services (LDAP, NIS, AD) are in no file' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const bad: { line: number; text: string }[] = [];
    const all = readAccounts(context.tree, (line, text) => { bad.push({ line, text }); });
    if (!all) { context.blind(passwd, { zh: '没有这个文件', en: 'no such file' }); return; }
    const shadow = readShadow(context);
    const byName = new Map(shadow?.map((one) => [one.name, one]));
    const times = { passwd: targetStat(context, passwd)?.changed, shadow: targetStat(context, shadowFile)?.changed }, time = times.passwd;
    for (const one of bad.slice(0, 50)) yield about(one.text, 'malformed', 'weakness', 'medium', { zh: `${passwd} 第 ${one.line} 行不成格式`, en: `line ${one.line} of ${passwd} is no account` }, [lineFact(passwd, one.line, one.text)], time);
    for (const { number, text } of linesIn(context, passwd)) {
      const hidden = concealment(text);
      if (hidden) yield about(text, 'hidden', 'intrusion', 'high', hidden, [lineFact(passwd, number, text)], time, undefined, 'attack:T1564');
    }
    if (all.length > 0) yield* roots(all, time);
    for (const account of all) yield* oneAccount(account, byName.get(account.name), times, context);
    yield* twins(all, time);
    for (const entry of shadow ?? []) {
      if (entry.fields !== 9 || entry.name === '') yield about(`${entry.name}\0${entry.line}`, 'shadow-line', 'weakness', 'low', { zh: `/etc/shadow 第 ${entry.line} 行不成格式`, en: `line ${entry.line} of /etc/shadow is malformed` }, [fact({ zh: '账号', en: 'account' }, entry.name), fact({ zh: '字段数', en: 'fields' }, String(entry.fields))], time);
      else if (hasPassword(entry) && all.every(({ name }) => name !== entry.name)) yield about(entry.name, 'orphan', 'notice', 'low', { zh: `${entry.name} 有密码却没有账号`, en: `${entry.name} has a password and no account` }, [fact({ zh: '位置', en: 'place' }, `/etc/shadow:${entry.line}`)], time);
    }
    yield* groupFindings(all, context);
    yield* ageFindings(all, byName, context);
    yield* backups(all, context);
  },
};

function* roots(all: readonly Account[], time: number | undefined): Iterable<Finding> {
  for (const account of all.filter(({ uid, name }) => uid === 0 && name !== 'root')) {
    // FreeBSD's toor is no custom of Linux; some appliances have a locked second name.
    yield about(account.name, 'uid0', 'intrusion', hasShell(account) ? 'critical' : 'high', { zh: `${account.name} 的 UID 是 0：它就是 root`, en: `${account.name} has UID 0: it is root` }, [lineFact(passwd, account.line, account.text)], time, account.name, 'attack:T1136.001', 'cis:5.4.2.1', 'dengbao:8.1.4.2');
  }
  const root = all.find(({ name }) => name === 'root');
  if (!root || root.uid !== 0) yield about('root', 'no-root', 'intrusion', 'high', { zh: '没有 UID 为 0 的 root 账号', en: 'there is no account root with UID 0' }, root ? [lineFact(passwd, root.line, root.text)] : [], time);
}

function* oneAccount(account: Account, shadow: Shadow | undefined, times: { passwd: number | undefined; shadow: number | undefined }, context: ScanContext): Iterable<Finding> {
  const { name, uid, gid, shell, home } = account, time = times.passwd;
  const line = [lineFact(passwd, account.line, account.text)];
  const say = (key: string, kind: FindingKind, level: Level, zh: string, en: string, ...refs: string[]): Finding => about(name, key, kind, level, { zh, en }, line, time, name, ...refs);
  /** What stands in the other file is told of it. */
  const ofShadow = (found: Finding): Finding => (shadow === undefined || account.password !== 'x' ? found : { ...found, path: shadowFile, evidence: [...found.evidence, fact({ zh: '位置', en: 'place' }, `${shadowFile}:${shadow.line}`)], ...(times.shadow !== undefined && { time: times.shadow }) });
  const empty = account.password === '' || (account.password === 'x' && shadow?.password === '');
  if (empty && hasShell(account)) yield ofShadow(say('empty', uid === 0 || uid >= 1000 ? 'weakness' : 'intrusion', uid === 0 ? 'critical' : 'high', `${name} 没有密码：按回车就能登录`, `${name} has no password: Enter is enough`, 'attack:T1078.003', 'cis:7.2.2', 'dengbao:8.1.4.1'));
  else if (empty) yield ofShadow(say('empty', 'weakness', 'low', `${name} 没有密码，幸好也没有 shell`, `${name} has no password, and luckily no shell`, 'cis:7.2.2'));
  if (account.password !== '' && account.password !== 'x' && !/^[!*]/.test(account.password)) yield about(name, 'unshadowed', 'weakness', 'high', { zh: `${name} 的密码散列就写在人人可读的 ${passwd} 里`, en: `the password hash of ${name} stands in ${passwd}, which anybody may read` }, [fact({ zh: '位置', en: 'place' }, `${passwd}:${account.line}`)], time, name, 'cis:7.2.1', 'attack:T1003.008');
  if (gid === 0 && uid !== 0 && !/^(?:sync|shutdown|halt|operator)$/.test(name)) yield say('gid0', 'weakness', 'medium', `${name} 的主组是 root`, `the first group of ${name} is root's`, 'cis:5.4.2.2');
  if (isSystemUid(uid)) {
    const able = hasShell(account) && shell !== '';
    if (shadow && hasPassword(shadow)) yield ofShadow(say('daemon-password', able ? 'intrusion' : 'weakness', able && !shelled.test(name) ? 'high' : 'medium', `服务账号 ${name} 有了密码${able ? '和 shell' : ''}`, `the account of a daemon, ${name}, has a password${able ? ' and a shell' : ''}`, 'attack:T1136.001', 'attack:T1098', able ? 'cis:5.4.2.7' : 'cis:5.4.2.8'));
    else if (able && !shelled.test(name) && uid !== 65534) yield say('daemon-shell', 'weakness', nobodys(name) ? 'medium' : 'low', `服务账号 ${name} 能开 shell：${shell}`, `the account of a daemon, ${name}, may open a shell: ${shell}`, 'attack:T1136.001', 'cis:5.4.2.7');
    else if (able && uid === 65534) yield say('daemon-shell', 'intrusion', 'medium', `${name} 能开 shell：${shell}`, `${name} may open a shell: ${shell}`, 'attack:T1136.001');
  }
  yield* shellOf(account, line, time, context);
  if (/[^a-z0-9_.$-]/i.test(name)) yield say('name', /[\s\u0080-\uffff]/.test(name) ? 'intrusion' : 'notice', /[\s\u0080-\uffff]/.test(name) ? 'high' : 'low', `账号名里有少见的字符：“${name}”`, `odd characters in an account's name: "${name}"`, 'attack:T1036');
  if (anyoneWrites.test(home) && hasShell(account)) yield say('home', 'weakness', 'medium', `${name} 的主目录在人人可写的 ${home}`, `the home of ${name} is ${home}, where anybody writes`);
}

/** Accounts that every distribution makes without a shell: one there was given by somebody. */
const nobodys = (name: string): boolean => /^(?:daemon|bin|sys|games|man|lp|mail|news|uucp|proxy|www-data|list|irc|gnats|nobody|apache|nginx|sshd|ntp|chrony|messagebus|dbus|redis|polkitd|_apt|tss|systemd-\w+|adm|operator|ftp)$/.test(name);

function* shellOf(account: Account, line: Finding['evidence'], time: number | undefined, context: ScanContext): Iterable<Finding> {
  const { name, shell } = account;
  if (shell === '') return;
  const say = (kind: FindingKind, level: Level, zh: string, en: string, more: Finding['evidence'] = []): Finding => about(name, 'shell', kind, level, { zh, en }, [...line, ...more], time, name, 'attack:T1036', 'attack:T1564');
  if (shell !== shell.trim()) { yield say('intrusion', 'high', `${name} 的 shell 末尾有空格：“${shell}”是另一个程序`, `the shell of ${name} ends in a blank: "${shell}" is another program`); return; }
  const to = attempt(context, shell, () => context.tree.real(shell));
  if (/(?:nologin|false)/.test(shell) && !/\/(?:nologin|false)$/.test(shell)) { yield say('intrusion', 'high', `${name} 的 shell ${shell} 看着像禁止登录，其实不是`, `the shell ${shell} of ${name} looks as if it let nobody in`); return; }
  if (/[^\x21-\x7e]/.test(shell)) { yield say('intrusion', 'high', `${name} 的 shell 名里有少见的字符`, `odd characters in the shell of ${name}`); return; }
  if (anyoneWrites.test(shell) || /\/\.[^/]/.test(shell)) { yield say('intrusion', 'high', `${name} 的 shell 放在 ${shell}`, `the shell of ${name} lies at ${shell}`); return; }
  // A refusing shell that is a link or copy of a real one.
  if (to !== undefined && /\/(?:nologin|false|true)$/.test(shell) && /\/(?:ba|da|z|k|c|tc|fi)?sh$/.test(to)) yield say('intrusion', 'critical', `${shell} 其实是 ${to}：禁止登录的账号都能登录`, `${shell} is ${to}: accounts that nobody may log on to are open`);
}

function* twins(all: readonly Account[], time: number | undefined): Iterable<Finding> {
  const seen = { uid: new Map<number, Account>(), name: new Map<string, Account>(), home: new Map<string, Account>() };
  for (const account of all) {
    const both = (other: Account): Finding['evidence'] => [lineFact(passwd, other.line, other.text), lineFact(passwd, account.line, account.text)];
    const sameUid = seen.uid.get(account.uid);
    if (sameUid && account.uid !== 0) yield about(account.name, 'same-uid', 'weakness', 'medium', { zh: `${account.name} 与 ${sameUid.name} 的 UID 相同`, en: `${account.name} and ${sameUid.name} have the same UID` }, both(sameUid), time, account.name, 'cis:7.2.5', 'dengbao:8.1.4.2');
    const sameName = seen.name.get(account.name);
    if (sameName) yield about(account.name, 'same-name', 'weakness', 'high', { zh: `账号 ${account.name} 写了两次`, en: `the account ${account.name} stands there twice` }, both(sameName), time, account.name, 'cis:7.2.7');
    const sameHome = seen.home.get(account.home);
    if (sameHome && hasShell(account) && hasShell(sameHome) && account.uid !== sameHome.uid && account.home.startsWith('/') && account.uid >= 1000) yield about(account.name, 'same-home', 'weakness', 'low', { zh: `${account.name} 的主目录是 ${sameHome.name} 的`, en: `the home of ${account.name} is that of ${sameHome.name}` }, both(sameHome), time, account.name, 'dengbao:8.1.4.2');
    seen.uid.set(account.uid, sameUid ?? account);
    seen.name.set(account.name, sameName ?? account);
    if (hasShell(account)) seen.home.set(account.home, sameHome ?? account);
  }
}

/** What changed against /etc/passwd-: programs that change accounts keep the file before there, an editor does not. */
function* backups(all: readonly Account[], context: ScanContext): Iterable<Finding> {
  const text = readText(context, `${passwd}-`, 16 << 20);
  if (text === undefined) return;
  const before = new Map(text.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.split(':')]));
  for (const account of all) {
    const old = before.get(account.name);
    if (old && old[2] !== String(account.uid) && account.uid === 0) yield about(account.name, 'became-root', 'intrusion', 'high', { zh: `${account.name} 原来的 UID 是 ${old[2]}，现在是 0`, en: `${account.name} had UID ${old[2]} and now has 0` }, [lineFact(passwd, account.line, account.text)], undefined, account.name, 'attack:T1098');
    const gained = old && isSystemUid(account.uid) && !hasShell({ shell: old[6] ?? '' }) && hasShell(account);
    if (gained) yield about(account.name, 'gained-shell', 'intrusion', 'medium', { zh: `服务账号 ${account.name} 的 shell 从 ${old[6]} 换成了 ${account.shell}`, en: `the shell of the daemon ${account.name} went from ${old[6]} to ${account.shell}` }, [lineFact(passwd, account.line, account.text)], targetStat(context, passwd)?.changed, account.name, 'attack:T1098');
  }
}

function about(name: string, key: string, kind: FindingKind, level: Level, text: Text, evidence: Finding['evidence'], time: number | undefined, user?: string, ...refs: string[]): Finding {
  return finding('accounts', `${name}\0${key}`, {
    kind, level, title: text, path: passwd, user, evidence, time,
    ...(kind === 'intrusion' && { means: { zh: '多出来的 root、能登录的服务账号，都是留着以后再进来的路。', en: 'A second root or a daemon that may log on is a way to come back.' } }),
    ...(user !== undefined && kind === 'intrusion' && user !== 'root' && { fix: { text: { zh: '先锁住账号，再查它从何而来', en: 'lock the account, then see where it came from' }, commands: [['usermod', '--lock', '--shell', '/usr/sbin/nologin', user]] } }),
    refs,
  });
}
