/** wtmp, btmp and lastlog against each other, wtmpdb and lastlog2 likewise: records that were wiped out of one of them. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { readAccounts, type Account } from '../../linux/accounts.ts';
import { lastLogs, readUtmp, type UtmpFile, type UtmpRecord } from '../../linux/utmp.ts';
import { fact, finding } from '../finding.ts';
import { attempt, targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { databaseFindings } from './databases.ts';

const wtmp = '/var/log/wtmp';
const lastlog = '/var/log/lastlog';
const lastlog2 = '/var/lib/lastlog/lastlog2.db';
const hour = 3_600_000;
/** So many zeros in front of the first record may be what a power cut left of a log just turned. */
const torn = 3;
/** sshd writes one a moment after the other. */
const apart = 120_000;

export const logonRecords: PlaceCheck = {
  id: 'logon-records',
  title: { zh: '登录记录是否一致', en: 'records of log-ons against each other' },
  blind: { zh: '两处都抹干净的登录看不出来', en: 'a log-on wiped from both is not seen' },
  group: 'hiding',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    yield* databaseFindings(context, about);
    const read = (path: string): UtmpFile | undefined => attempt(context, path, () => readUtmp(context.tree, path));
    const files = new Map([`${wtmp}.1`, wtmp, '/var/log/btmp'].map((path) => [path, read(path)]));
    for (const [path, file] of files) if (file) yield* within(path, file, context);
    const records = [...files.get(`${wtmp}.1`)?.records ?? [], ...files.get(wtmp)?.records ?? []];
    const accounts = attempt(context, '/etc/passwd', () => readAccounts(context.tree)) ?? [];
    const last = attempt(context, lastlog, () => lastLogs(context.tree, accounts.map(({ uid }) => uid)));
    if (!last) return;
    if (last.size === 0) { yield* lastlogWiped(records, accounts, context); return; }
    const names = new Map<number, Set<string>>();
    for (const { uid, name } of accounts) names.set(uid, (names.get(uid) ?? new Set()).add(name));
    const since = records.find(({ time }) => time > 0)?.time;
    const kept = targetStat(context, wtmp);
    for (const [uid, { time, terminal, host }] of last) {
      // Log-ons without a terminal of their own go into lastlog alone on some systems.
      if (!/^(?:pts\/|tty)/.test(terminal)) continue;
      const who = [...names.get(uid) ?? []].join(', ');
      const evidence = [fact({ zh: 'lastlog 里', en: 'in lastlog' }, `${who} ${terminal} ${host} ${timeOf(time)}`)];
      if (since === undefined) {
        if (kept && kept.size === 0 && kept.modified > time + apart && !files.get(`${wtmp}.1`)) yield about(wtmp, `emptied\0${uid}`, 'intrusion', 'medium', { zh: `${who} 登录之后，登录记录被清空了`, en: `the records were emptied after ${who} logged on` }, [...evidence, fact({ zh: '清空于', en: 'emptied' }, timeOf(kept.modified))], kept.modified, who);
        continue;
      }
      if (time < since || files.get(wtmp)?.cut) continue;
      if (records.some((one) => one.type === 'user' && names.get(uid)!.has(one.user) && Math.abs(one.time - time) <= apart)) continue;
      yield about(wtmp, `missing\0${uid}\0${time}`, 'intrusion', 'medium', { zh: `${who} 的一次登录在 wtmp 里没有：多半被抹掉了`, en: `a log-on of ${who} is not in wtmp: most likely it was wiped` }, evidence, time, who);
    }
  },
};

/** It keeps one record an account for ever: where it has none of anybody and was written after log-ons by SSH, somebody wiped it. */
function* lastlogWiped(records: readonly UtmpRecord[], accounts: readonly Account[], context: ScanContext): Iterable<Finding> {
  const kept = targetStat(context, lastlog);
  if (!kept || targetStat(context, lastlog2)) return;
  const names = new Set(accounts.map(({ name }) => name));
  // Terminals of a desktop and of screen or tmux have no other machine, and stand in wtmp alone.
  const seen = records.filter(({ type, user, terminal, host, time }) => type === 'user' && names.has(user) && /^(?:pts\/|tty)/.test(terminal) && /^\w[\w.:-]*$/.test(host) && time > 0 && time < kept.modified - apart);
  const newest = seen.at(-1);
  if (!newest) return;
  yield about(lastlog, 'wiped', 'intrusion', 'medium', kept.size === 0 ? { zh: '被清空了：有人登录过，这里却谁都没有', en: 'it was emptied: people logged on and none of them stands here' } : { zh: '全是零：有人登录过，这里却谁都没有', en: 'it holds nothing but zeros: people logged on and none of them stands here' }, [shownRecord(newest), fact({ zh: 'wtmp 里的 SSH 登录', en: 'log-ons by SSH in wtmp' }, String(seen.length)), fact({ zh: '最后写入', en: 'last written' }, timeOf(kept.modified))], kept.modified);
}

function* within(path: string, { records, rest, size }: UtmpFile, context: ScanContext): Iterable<Finding> {
  const changed = targetStat(context, path)?.changed ?? 0;
  if (rest > 0) yield about(path, 'rest', 'notice', 'low', { zh: '文件不是整数条记录：写到一半断电，或被改过', en: 'the file does not end with a whole record: it was cut off, or edited' }, [fact({ zh: '大小', en: 'size' }, `${size}, ${rest} over`)], changed);
  const lastReal = records.findLastIndex(({ blank }) => !blank);
  if (lastReal < 0 && records.length > 0) yield about(path, 'zeros', 'intrusion', records.length > torn && path !== '/var/log/btmp' ? 'high' : 'medium', { zh: `${records.length} 条登录记录全被抹成零`, en: `all ${records.length} records were overwritten with zeros` }, [fact({ zh: '大小', en: 'size' }, String(size))], targetStat(context, path)?.modified ?? changed);
  // A crash leaves zeros at the end; in the middle somebody wrote them.
  const blanks = records.slice(0, Math.max(0, lastReal)).filter(({ blank }) => blank);
  if (blanks.length > 0) {
    const few = blanks.length <= 100;
    yield about(path, 'blank', 'intrusion', few ? 'high' : 'medium', { zh: `${blanks.length} 条登录记录被抹成零`, en: `${blanks.length} records were overwritten with zeros` }, around(records, blanks), neighbour(records, blanks[0]!)?.time ?? changed);
  }
  const nameless = records.filter((one) => one.type === 'user' && !one.blank && (one.user === '' || one.time === 0));
  if (nameless.length > 0 && path !== '/var/log/btmp') yield about(path, 'nameless', 'intrusion', 'medium', { zh: `${nameless.length} 条登录记录没有账号或时间`, en: `${nameless.length} records of log-ons have no account or no time` }, nameless.slice(0, 5).map(shownRecord), changed);
  const back = backwards(records);
  if (back.length > 0 && path !== '/var/log/btmp') yield about(path, 'back', 'intrusion', 'medium', { zh: '登录记录的时间往回走，其间没有改过时钟：记录被插过或改过', en: 'times go back though nobody set the clock: records were put in or changed' }, back.slice(0, 5).map(shownRecord), back[0]!.time);
}

/** Log-ons more than an hour before what stands in front of them, with no start of the machine nor change of the clock between. */
function backwards(records: readonly UtmpRecord[]): UtmpRecord[] {
  const out: UtmpRecord[] = [];
  let newest = 0;
  for (const one of records) {
    if (one.type === 'boot' || one.type === 'new-time' || one.type === 'old-time' || one.type === 'runlevel') newest = 0;
    if (one.blank || one.time === 0) continue;
    if (one.type === 'user' && one.time < newest - hour) out.push(one);
    newest = Math.max(newest, one.time);
  }
  return out;
}

const neighbour = (records: readonly UtmpRecord[], { index }: UtmpRecord): UtmpRecord | undefined => records.findLast((one) => one.index < index && one.time > 0);

function around(records: readonly UtmpRecord[], blanks: readonly UtmpRecord[]): Finding['evidence'] {
  return blanks.slice(0, 10).map((blank) => fact({ zh: `第 ${blank.index + 1} 条`, en: `record ${blank.index + 1}` }, `after ${timeOf(neighbour(records, blank)?.time ?? 0)}`));
}

const shownRecord = (one: UtmpRecord): Finding['evidence'][number] => fact({ zh: `第 ${one.index + 1} 条`, en: `record ${one.index + 1}` }, `${one.type} ${one.user || '-'} ${one.terminal} ${one.host} ${timeOf(one.time)}`);
const timeOf = (ms: number): string => (ms > 0 && ms < 8e15 ? new Date(ms).toISOString() : '-');

function about(path: string, key: string, kind: FindingKind, level: Level, text: Text, evidence: Finding['evidence'], time: number, user?: string): Finding {
  return finding('logon-records', `${path}\0${key}`, {
    kind, level, path, user, time, title: { zh: `${path}：${text.zh}`, en: `${path}: ${text.en}` }, evidence,
    means: { zh: '抹登录记录的工具会清掉自己那一条，却常常顾不全另外几处。', en: 'Tools that wipe a log-on take their record out of one place and often forget the others.' },
    fix: { text: { zh: '对照 auth.log、journal 和堡垒机，查这段时间谁登录过', en: 'compare auth.log, the journal and the jump host: who logged on then' }, commands: [['last', '-Faiw']] },
    refs: kind === 'intrusion' ? ['attack:T1070.002', 'dengbao:8.1.4.3'] : [],
  });
}
