/** Settings of MySQL and MariaDB. */
import type { Finding, FixAction } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { expandAll } from '../expand.ts';
import { fact, lessRights, octal, serviceSetting, withoutLine } from '../finding.ts';
import { isOn, readIni, type Setting } from '../ini.ts';
import { anyoneWrites, homesIn, linesIn, targetStat } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { isLoopback } from '../reach.ts';
import { entriesAt, readJson, textAt } from '../values.ts';
import { about, type More } from './found.ts';

/** Where the data lies when nobody says. */
export const dataHomes: readonly string[] = ['/var/lib/mysql', '/usr/local/mysql/data', '/www/server/data', '/data/mysql'];
const serverSection = /^(?:mysqld|mysqld[-_]\d[\d.]*|mysqld\d*|server|mariadb|mariadbd|mysqld_safe|mariadb-\d[\d.]*|mariadbd?-safe|galera)$/;

/** The server's settings of all files together, as it reads them: one after the other. */
export async function mysqlSettings(files: readonly string[], roots: readonly string[], context: ScanContext): Promise<{ dataFolders: string[]; pluginFolders: string[]; findings: Finding[] }> {
  const findings: Finding[] = [];
  const written = files.flatMap((path) => readIni(context, path)).filter(({ section }) => serverSection.test(section)).map((one) => ({ ...one, key: one.key.replace(/^(?:loose|maximum)_/, '') }));
  // What SET PERSIST keeps in the folder of the data comes after every file, so it wins.
  const kept = expandAll(context, [...dataHomes, ...written.filter(({ key, value }) => key === 'datadir' && isPlainPath(value)).map(({ value }) => value)].map((folder) => `${folder}/mysqld-auto.cnf`));
  const settings = [...written, ...[...new Set(kept)].flatMap((path) => persisted(path, context))];
  const last = (...keys: string[]): Setting | undefined => settings.findLast(({ key }) => keys.includes(key));
  const folders = (key: string): string[] => settings.filter((one) => one.key === key && isPlainPath(one.value)).map(({ value }) => value);
  const tell = (one: Setting, kind: Finding['kind'], level: Level, title: Text, more: More = {}): void => { findings.push(about(one.path, `${one.key}\0${one.value}`, kind, level, title, context, { line: one, ...more })); };
  // What SET PERSIST keeps is JSON, which is the server's own to write.
  const byLine = (one: Setting): readonly FixAction[] => (one.path.endsWith('.cnf') && !one.path.endsWith('mysqld-auto.cnf') ? withoutLine(one.path, one.line, one.text) : []);
  const main = mainOf(files);
  const bySetting = (one: Setting, value: string): readonly FixAction[] => (main === undefined || byLine(one).length === 0 ? [] : [serviceSetting('mysql', one.key, value, main)]);
  const alone = last('skip_networking');
  const quiet = alone !== undefined && isOn(alone.value);
  const bind = last('bind_address');
  const open = !quiet && bind !== undefined && bind.value.split(',').some((address) => !isLoopback(address));

  const skip = last('skip_grant_tables');
  if (skip && isOn(skip.value)) tell(skip, 'weakness', open || (bind === undefined && !quiet) ? 'critical' : 'high', { zh: '数据库不查密码，谁连上都是管理员', en: 'the database asks no password: whoever reaches it is its administrator' }, { fix: { zh: '去掉 skip-grant-tables 并重启：它只该在找回密码的几分钟里用', en: 'take skip-grant-tables out and restart: it is for the minutes of resetting a password' }, refs: ['dengbao:8.1.4.1', 'attack:T1556'], actions: byLine(skip) });
  const secure = last('secure_file_priv');
  if (secure && secure.value === '') tell(secure, 'weakness', 'medium', { zh: '数据库能往任何目录写文件', en: 'the database may write files to any folder' }, { means: { zh: '有 FILE 权限的账号能用它写网页木马和 UDF 库。', en: 'An account with the FILE right writes web shells and UDF libraries that way.' }, fix: { zh: '写成 secure_file_priv = NULL 或一个专用目录', en: 'set secure_file_priv = NULL, or a folder kept for it' }, refs: ['attack:T1505.001'], actions: bySetting(secure, 'NULL') });
  const tls = last('require_secure_transport');
  if (bind && open && !(tls && isOn(tls.value))) tell(bind, 'weakness', last('ssl_cert') ? 'low' : 'medium', { zh: '数据库对网络开放，且不强制加密', en: 'the database listens to the network and does not insist on TLS' }, { fix: { zh: '只听 127.0.0.1 或内网地址，并设 require_secure_transport = ON', en: 'listen on 127.0.0.1 or an inner address, and set require_secure_transport = ON' }, refs: ['dengbao:8.1.4.1', 'dengbao:8.1.4.7'], actions: bySetting(bind, '127.0.0.1') });
  const user = last('user');
  if (user?.value === 'root') tell(user, 'weakness', 'high', { zh: '数据库以 root 身份运行', en: 'the database runs as root' }, { means: { zh: '拿到数据库就是拿到整台机器。', en: 'Whoever has the database has the machine.' }, refs: ['dengbao:8.1.4.2'] });
  for (const key of ['general_log_file', 'slow_query_log_file', 'log_error']) {
    const log = last(key);
    if (log && (/\.(?:php\d?|phtml|jspx?|aspx?|cgi)$/i.test(log.value) || roots.some((root) => log.value.startsWith(`${root}/`)))) tell(log, 'intrusion', 'high', { zh: `数据库日志写到网页 ${log.value}`, en: `the database writes its log to the page ${log.value}` }, { means: { zh: '攻击者把日志指到网站目录，再查询一句 PHP，就得到网页木马。', en: 'An attacker points the log into the site and queries a line of PHP: that is a web shell.' }, refs: ['attack:T1505.003'] });
  }
  for (const one of settings) {
    if (one.key === 'init_file' && one.value.startsWith('/')) for (const found of await initFile(one, context)) findings.push(found);
    if (/^plugin_load(?:_add)?$/.test(one.key)) for (const part of one.value.split(/[;:]/)) {
      const name = part.slice(part.indexOf('=') + 1).trim();
      if (name.includes('/') || name.startsWith('.')) tell(one, 'intrusion', 'high', { zh: `数据库加载插件目录之外的 ${name}`, en: `the database loads ${name}, which lies outside its folder of plug-ins` }, { refs: ['attack:T1505.001'] });
    }
    if (one.key === 'plugin_dir' && anyoneWrites.test(one.value)) tell(one, 'intrusion', 'high', { zh: `数据库的插件目录是谁都能写的 ${one.value}`, en: `the folder of plug-ins is ${one.value}, where anybody may write` }, { refs: ['attack:T1505.001'] });
  }
  for (const path of [...files, ...kept]) {
    const stat = targetStat(context, path);
    if (stat && (stat.mode & 0o002) !== 0) findings.push(about(path, 'mode', 'weakness', 'high', { zh: '谁都能改数据库的配置', en: 'anybody may change the settings of the database' }, context, { evidence: [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))], commands: [['chmod', 'o-w', path]], actions: lessRights(path, stat.mode, 0o002) }));
  }
  return { dataFolders: folders('datadir'), pluginFolders: folders('plugin_dir'), findings };
}

/** The file from which the server starts to read, where one of the usual is there. */
const mainOf = (files: readonly string[]): string | undefined => ['/etc/mysql/my.cnf', '/etc/my.cnf'].find((path) => files.includes(path)) ?? files.find((path) => path.endsWith('/my.cnf'));

const isPlainPath = (value: string): boolean => value.startsWith('/') && !/[*?[]/.test(value);

/**
 * Settings of mysqld-auto.cnf, which MySQL writes as JSON on one line: from 8.0.28 on in the groups mysql_static_variables,
 * mysql_dynamic_variables and the like, before that in mysql_server.
 */
function persisted(path: string, context: ScanContext): Setting[] {
  const out: Setting[] = [];
  const groups = entriesAt(readJson(context, path)).filter(([name]) => name.startsWith('mysql_'));
  const take = (entries: readonly [string, unknown][], depth: number): void => {
    for (const [name, one] of entries) {
      const value = textAt(one, 'Value');
      if (value !== undefined) {
        const who = [textAt(one, 'Metadata', 'User'), textAt(one, 'Metadata', 'Host')].filter((part) => part !== undefined && part !== '').join('@');
        out.push({ section: 'mysqld', key: name.toLowerCase(), value, path, line: 1, text: `${name} = ${value}${who === '' ? '' : ` (SET PERSIST by ${who})`}` });
      } else if (depth === 0) take(entriesAt(one), 1);
    }
  };
  for (const [, group] of groups) take(entriesAt(group), 0);
  return out;
}

/** Statements that run at each start as the administrator. */
async function initFile(one: Setting, context: ScanContext): Promise<Finding[]> {
  const owner = await context.provenance.owner(one.value);
  if (owner && owner.state !== 'modified') return [];
  for (const { number, text } of linesIn(context, one.value)) {
    const bad = /\bcreate\s+(?:aggregate\s+)?function\b.{0,200}\bsoname\b|\binto\s+(?:out|dump)file\b|\bgrant\s+all\b|\bidentified\s+(?:by|with)\b|\bsys_(?:exec|eval)\b|\bcreate\s+(?:definer\b.{0,80})?event\b/i.exec(text.slice(0, 20_000));
    if (bad) return [about(one.value, `init\0${text}`, 'intrusion', 'medium', { zh: '数据库每次启动都执行的语句在加账号、加函数或写文件', en: 'statements that run at each start of the database add accounts or functions, or write files' }, context, { line: { line: number, text }, evidence: [fact({ zh: '由谁引用', en: 'named by' }, `${one.path}: ${one.text}`)], refs: ['attack:T1505.001', 'attack:T1136'] })];
  }
  return [about(one.path, 'init_file', 'notice', 'low', { zh: `数据库每次启动都执行 ${one.value}`, en: `the database runs ${one.value} at each start` }, context, { line: one })];
}

/** Passwords in files for clients that others may read. */
export function* clientPasswords(context: ScanContext): Iterable<Finding> {
  for (const path of expandAll(context, [...homesIn(context).flatMap(({ home }) => (/[*?[]/.test(home) ? [] : [`${home}/.my.cnf`, `${home}/.mylogin.cnf`])), '/etc/my.cnf', '/etc/mysql/*.cnf', '/etc/my.cnf.d/*.cnf'])) {
    const stat = targetStat(context, path);
    if (!stat || (stat.mode & 0o004) === 0) continue;
    const password = readIni(context, path).find(({ section, key, value }) => /^(?:client|mysql|mysqldump|mysqladmin|mariadb)/.test(section) && /^(?:password|pass)$/.test(key) && value !== '');
    if (password) yield about(path, 'password', 'weakness', 'medium', { zh: '本机任何账号都能读到数据库密码', en: 'every account of this machine may read the password of the database' }, context, { line: { line: password.line, text: `${password.key} = ***` }, evidence: [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))], commands: [['chmod', '600', path]], refs: ['attack:T1552.001'] });
  }
}
