/** Dumps of Redis where they have no business, and what attackers left in those that are in their place. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { below } from '../expand.ts';
import { fact, finding } from '../finding.ts';
import { attempt } from '../look.ts';
import type { ScanContext } from '../port.ts';

const headMax = 4 << 20;

/** Folders whose files are run or let somebody in. */
export const dumpFolders = (homes: readonly string[]): string[] => ['/var/spool/cron', '/var/spool/anacron', '/etc/cron.d', '/etc/cron.hourly', '/etc/cron.daily', '/etc/cron.weekly', '/etc/cron.monthly', '/etc/profile.d', '/etc/init.d', '/etc/rc.d', '/etc/systemd/system', '/etc/ssh', ...homes.map((home) => `${home}/.ssh`)];

const jobLine = /^[ \t]*(?:@(?:reboot|hourly|daily|weekly|monthly)|[\d*][\d*/,-]{0,60}(?:[ \t]{1,8}[\d*/,-]{1,60}){4})[ \t]{1,8}\S[^\n]{0,2000}/m;
const keyLine = /(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp\d{3}) AAAA[A-Za-z0-9+/]{20,2000}/;
const code = /<\?(?:php|=)|<%|<jsp:/i;

export function* dumps(context: ScanContext, run: readonly string[], roots: readonly string[], own: readonly string[]): Iterable<Finding> {
  for (const folder of run) for (const { path, stat } of below(context, folder, 2)) {
    const text = stat.kind === 'file' ? dumpText(context, path) : undefined;
    if (text !== undefined) yield about(path, 'intrusion', 'critical', { zh: 'Redis 把数据写到了会被执行或放人登录的地方', en: 'Redis wrote its data where it is run or lets somebody in' }, text, stat.changed, path.includes('/.ssh/') ? 'T1098.004' : 'T1053.003');
  }
  for (const root of roots) for (const { path, stat } of below(context, root, 1, 200_000)) {
    const text = stat.kind === 'file' && stat.size < 64 << 20 ? dumpText(context, path) : undefined;
    if (text === undefined) continue;
    if (code.test(text) || /\.(?:php\d?|phtml|jspx?|aspx?)$/i.test(path)) yield about(path, 'intrusion', 'critical', { zh: 'Redis 写进网站目录的网页木马', en: 'a web shell that Redis wrote' }, text, stat.changed, 'T1505.003');
    else yield about(path, 'weakness', 'medium', { zh: '网站目录里有 Redis 的数据，访客能下载', en: 'data of Redis that visitors may fetch' }, text, stat.changed, 'T1213');
  }
  for (const folder of own) for (const { path, stat } of below(context, folder, 0)) {
    if (stat.kind !== 'file' || run.some((one) => path.startsWith(`${one}/`)) || roots.some((one) => path.startsWith(`${one}/`))) continue;
    const text = dumpText(context, path);
    // A job alone may be anybody's data; one that fetches and runs is what worms put there.
    const job = text === undefined ? undefined : matches(text).find((line) => !keyLine.test(line) && /(?:curl|wget|\bnc\b|\/dev\/tcp\/)/.test(line) && /(?:\|\s*(?:ba)?sh|\bsh\b|bash|python|\/dev\/tcp\/)/.test(line));
    if (text !== undefined && job !== undefined) yield about(path, 'intrusion', 'medium', { zh: 'Redis 的数据里有攻击者写下的计划任务', en: 'among the data of Redis are cron jobs that attackers wrote' }, text, stat.modified, 'T1190');
  }
}

/** Text of a dump; undefined for other files. The format begins with REDIS (or VALKEY) and a version. */
function dumpText(context: ScanContext, path: string): string | undefined {
  const start = attempt(context, path, () => context.tree.read(path, 16));
  if (!start || !/^(?:REDIS\d{4}|VALKEY\d{3})/.test(start.bytes.toString('latin1'))) return undefined;
  const all = attempt(context, path, () => context.tree.read(path, headMax));
  if (all?.cut) context.count('dumps read only in part');
  return all?.bytes.toString('latin1');
}

const matches = (text: string): string[] => text.split('\n').map((line) => line.slice(0, 8192)).flatMap((line) => [jobLine.exec(line)?.[0], keyLine.exec(line)?.[0]].filter((one) => one !== undefined)).slice(0, 10);

function about(path: string, kind: Finding['kind'], level: Level, title: Finding['title'], text: string, time: number, attack: string): Finding {
  const web = code.exec(text);
  return finding('redis', `${path}\0dump`, {
    kind, level, path, time, title,
    evidence: [fact({ zh: '文件开头', en: 'it begins with' }, text.slice(0, 9)), ...matches(text).map((line) => fact({ zh: '其中一行', en: 'a line of it' }, line.trim())), ...(web ? [fact({ zh: '其中的代码', en: 'code in it' }, text.slice(web.index, web.index + 300))] : [])],
    means: { zh: '攻击者连上没有密码的 Redis，用 CONFIG SET 把数据文件改到这里，再保存。除了删掉它，还要把 Redis 关起来，不然马上又会有。', en: 'Somebody reached an open Redis, had it keep its data here and save. Shut Redis as well, or it comes back at once.' },
    fix: { text: { zh: `隔离 ${path}，清掉 Redis 里的那些键，再给 Redis 设密码`, en: `put ${path} away, delete those keys in Redis, then give Redis a password` }, commands: [] },
    refs: [`attack:${attack}`, 'attack:T1190'],
  });
}
