/** lastlog2 and wtmpdb against each other, as wtmp and lastlog are elsewhere. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { fact } from '../finding.ts';
import { readLastlog2, readWtmpdb, wtmpdb, type LastLogon, type LogonRow } from '../logon-databases.ts';
import { filesOf, targetStat } from '../look.ts';
import type { ScanContext } from '../port.ts';

const hour = 3_600_000;
const apart = 120_000;
const gapsTold = 20;

type Tell = (path: string, key: string, kind: FindingKind, level: Level, text: Text, evidence: Finding['evidence'], time: number, user?: string) => Finding;

export async function* databaseFindings(context: ScanContext, tell: Tell): AsyncIterable<Finding> {
  const rows = await readWtmpdb(context);
  const last = await readLastlog2(context);
  if (rows) yield* within(rows, context, tell);
  if (!rows || !last) return;
  const since = rows.find(({ time }) => time > 0)?.time;
  const kept = targetStat(context, wtmpdb);
  for (const one of last) {
    // Others than these two go into one of them alone on some systems; sshd names a terminal only when it made one.
    if (one.time === 0 || !/^(?:pts\/|tty)/.test(one.terminal) || !/^(?:login|sshd|remote)$/.test(one.service)) continue;
    const evidence = [fact({ zh: 'lastlog2 里', en: 'in lastlog2' }, shown(one))];
    if (since === undefined) {
      if (kept && kept.modified > one.time + apart) yield tell(wtmpdb, `emptied\0${one.user}`, 'intrusion', 'medium', { zh: `${one.user} 登录之后，登录记录被清空了`, en: `the records were emptied after ${one.user} logged on` }, evidence, kept.modified, one.user);
      continue;
    }
    if (one.time < since || rows.some((row) => row.type === 'user' && row.user === one.user && Math.abs(row.time - one.time) <= apart)) continue;
    yield tell(wtmpdb, `missing\0${one.user}\0${one.time}`, 'intrusion', 'medium', { zh: `${one.user} 的一次登录在 wtmpdb 里没有：多半被抹掉了`, en: `a log-on of ${one.user} is not in wtmpdb: most likely it was wiped` }, evidence, one.time, one.user);
  }
}

function* within(rows: readonly LogonRow[], context: ScanContext, tell: Tell): Iterable<Finding> {
  const changed = targetStat(context, wtmpdb)?.changed ?? 0;
  // wtmpdb itself takes out the oldest when it rotates; a machine whose clock was once wrong then misses one in the middle.
  const rotated = [...filesOf(context, '/var/lib/wtmpdb'), ...filesOf(context, '/var/log')].some((path) => /\/wtmp_\d{8}\.db$/.test(path));
  const gaps = rows.slice(1).flatMap((row, i) => (row.id > rows[i]!.id + 1 ? [{ before: rows[i]!, after: row }] : []));
  if (gaps.length > 0) {
    const missing = gaps.reduce((sum, { before, after }) => sum + after.id - before.id - 1, 0);
    yield tell(wtmpdb, 'deleted', rotated ? 'notice' : 'intrusion', rotated ? 'low' : 'medium', { zh: `中间少了 ${missing} 条登录记录：编号断了`, en: `${missing} records were taken out of the middle: their numbers are missing` }, gaps.slice(0, gapsTold).flatMap(({ before, after }) => [fact({ zh: `编号 ${before.id}`, en: `number ${before.id}` }, shown(before)), fact({ zh: `编号 ${after.id}`, en: `number ${after.id}` }, shown(after))]), gaps[0]!.before.time || changed);
  }
  const back: LogonRow[] = [];
  let newest = 0;
  for (const row of rows) {
    if (row.type === 'boot') newest = 0;
    if (row.time === 0) continue;
    if (row.type === 'user' && row.time < newest - hour) back.push(row);
    newest = Math.max(newest, row.time);
  }
  if (back.length > 0) yield tell(wtmpdb, 'back', 'intrusion', 'medium', { zh: '登录记录的时间往回走，其间没有重启：记录被插过或改过', en: 'times go back though the machine did not start anew: records were put in or changed' }, back.slice(0, 5).map((row) => fact({ zh: `编号 ${row.id}`, en: `number ${row.id}` }, shown(row))), back[0]!.time);
}

const shown = ({ user, terminal, host, service, time }: LastLogon): string => `${user || '-'} ${terminal} ${host} ${service} ${time > 0 && time < 8e15 ? new Date(time).toISOString() : '-'}`;
