/** Who may log on, who did, and by which keys: `users`, `logons`, `keys`. */
import { MoatError, saidBy } from '../../core/error.ts';
import { maskSecrets } from '../../core/secrets.ts';
import { hasShell, readAccounts } from '../../linux/accounts.ts';
import { logindSessions, logons as logonsOf } from '../../linux/logons.ts';
import { textOf } from '../../linux/tree.ts';
import { flag, type LiveTable, type Look, number, type Row, text } from '../table.ts';

const day = 86_400_000;
const logonDays = 30;
const fileMost = 16 << 20;

export const users: LiveTable = {
  name: 'users',
  title: { zh: '账号', en: 'accounts' },
  blind: { zh: '目录服务（LDAP、SSSD）里的账号', en: 'accounts of directory services (LDAP, SSSD)' },
  columns: {
    name: text('账号', 'account'), uid: number('UID', 'its number; 0 is root'), gid: number('主组', 'number of its first group'), comment: text('备注', 'comment'), home: text('主目录', 'home folder'), shell: text('登录 shell', 'shell it logs on to'),
    can_log_on: number('shell 允许登录则为 1', '1 when its shell lets it log on'), groups: text('附加组，逗号分隔', 'further groups, with commas'),
    password: text('密码状态：set、locked、empty；读不了为空', 'its password: set, locked, empty; NULL when that cannot be read'), password_changed: number('密码最后修改，Unix 毫秒', 'when its password was changed, Unix ms'),
  },
  async read(look) {
    const accounts = readAccounts(look.tree);
    if (!accounts) throw new MoatError('blind', 'expected /etc/passwd, it is not there', { zh: '没有 /etc/passwd' });
    const { readShadow } = await import('../../checks/shadow.ts');
    const shadow = new Map((readShadow(look) ?? []).map((one) => [one.name, one]));
    const groups = groupsOf(look);
    return accounts.map(({ name, uid, gid, comment, home, shell, password, ...rest }) => {
      const entry = shadow.get(name);
      return { name, uid, gid, comment, home, shell, can_log_on: flag(hasShell({ ...rest, shell })), groups: groups.get(name)?.join(',') ?? '', password: passwordState(password === 'x' ? entry?.password : password), password_changed: entry?.changed === undefined ? undefined : entry.changed * day };
    });
  },
};

/** The hash itself is shown to nobody. */
const passwordState = (field: string | undefined): string | undefined => (field === undefined ? undefined : field === '' ? 'empty' : /^[!*]/.test(field) ? 'locked' : 'set');

function groupsOf(look: Look): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let lines = '';
  try {
    lines = textOf(look.tree, '/etc/group', fileMost) ?? '';
  } catch (error) { look.blind('/etc/group', saidBy(error)); }
  for (const line of lines.split('\n')) {
    const [group = '', , , members = ''] = line.split(':');
    for (const member of members.split(',')) if (member !== '') found.set(member, [...(found.get(member) ?? []), group]);
  }
  return found;
}

export const logons: LiveTable = {
  name: 'logons',
  title: { zh: `最近 ${logonDays} 天的登录`, en: `log-ons of the last ${logonDays} days` },
  blind: { zh: '没有写进 wtmp、utmp 和 logind 的会话；被人改过的记录', en: 'sessions that neither wtmp, utmp nor logind has; records that somebody changed' },
  columns: {
    user: text('账号', 'account'), source_ip: text('来源地址；本机登录为空', 'remote address; NULL for a log-on at the machine'), terminal: text('终端', 'terminal'), pid: number('会话的首进程', 'first process of the session'),
    since: number('登录时间，Unix 毫秒', 'when it began, Unix ms'), until: number('结束时间，Unix 毫秒；仍在线为空', 'when it ended, Unix ms; NULL while it lasts'), active: number('仍在线为 1', '1 while it lasts'),
  },
  read(look) {
    if (!['/var/log/wtmp', '/run/utmp', '/run/systemd/sessions'].some((path) => look.tree.stat(path))) throw new MoatError('blind', 'this machine keeps no log-ons: neither wtmp, utmp nor logind is there', { zh: '本机不保存登录记录：wtmp、utmp、logind 都没有' });
    const recorded = logonsOf(look.root, look.now() - logonDays * day);
    const leaders = new Set(recorded.filter(({ until }) => until === undefined).map(({ pid }) => pid));
    return [...recorded, ...logindSessions(look.root).filter(({ pid }) => !leaders.has(pid))].map(({ user, source_ip, terminal, pid, since, until }): Row => ({ user, source_ip, terminal, pid, since, until, active: flag(until === undefined) }));
  },
};

export const keys: LiveTable = {
  name: 'keys',
  title: { zh: 'SSH 登录公钥（authorized_keys）', en: 'SSH keys that log on (authorized_keys)' },
  blind: { zh: '由程序或目录服务给出的公钥（AuthorizedKeysCommand）', en: 'keys that a program or directory gives (AuthorizedKeysCommand)' },
  columns: {
    user: text('能登录的账号；不知道为空', 'account it opens; NULL when that cannot be told'), path: text('所在文件', 'file it stands in'), line: number('行', 'line'), type: text('类型', 'kind of key'), bits: number('位数（RSA、DSA）', 'size of an RSA or DSA key, bits'),
    fingerprint: text('SHA256 指纹', 'SHA256 fingerprint'), comment: text('备注', 'comment'), options: text('限制与选项', 'options before it'), changed: number('文件最后改动，Unix 毫秒', 'when the file was changed, Unix ms'),
  },
  async read(look) {
    const [{ keyPlaces }, { keyOf }, { attempt, statOf, targetStat }] = await Promise.all([import('../../checks/ssh-keys/places.ts'), import('../../checks/ssh-keys/keys.ts'), import('../../checks/look.ts')]);
    const rows: Row[] = [];
    const seen = new Set<string>();
    for (const { path, user } of keyPlaces(look)) {
      if (seen.has(path) || !statOf(look, path)) continue;
      seen.add(path);
      const read = attempt(look, path, () => look.tree.read(path, fileMost));
      if (!read) continue;
      if (read.cut) look.blind(path, { zh: '太长，只看了开头', en: 'it is so long that only its beginning was looked at' });
      const changed = targetStat(look, path)?.modified;
      for (const [i, line] of read.bytes.toString('utf8').split('\n').entries()) {
        const key = keyOf(line, i + 1);
        if (key) rows.push({ user, path, line: key.line, type: key.type, bits: key.bits, fingerprint: key.fingerprint, comment: key.comment, options: maskSecrets(key.options.map(({ name, value }) => (value === undefined ? name : `${name}="${value}"`)).join(',')), changed });
      }
    }
    return rows;
  },
};
