/** Jobs that at and batch keep until their time. */
import type { Finding } from '../../core/finding.ts';
import { readAccounts } from '../../linux/accounts.ts';
import { judgeText } from '../command.ts';
import { fact, finding, octal } from '../finding.ts';
import { judgedFinding, listHook, attempt, readHook, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { baseName } from '../shell-words.ts';

const spools = ['/var/spool/cron/atjobs', '/var/spool/at', '/var/spool/atjobs', '/var/spool/cron/atspool'];

const place: Place = {
  check: 'at', name: { zh: 'at 任务', en: 'at job' },
  means: { zh: 'at 任务到点运行一次，然后从表里消失：适合等人走了再动手，或自己再排下一次。', en: 'An at job runs once at its time and is gone: made to act when nobody looks, or to set itself anew.' },
  refs: ['attack:T1053.002'],
};

export const at: PlaceCheck = {
  id: 'at',
  title: { zh: 'at 任务', en: 'at jobs' },
  blind: { zh: '已经运行过的任务不再留下内容', en: 'cannot see jobs that have run' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    for (const spool of spools) for (const path of listHook(context, spool)) if (!/\/\.(?:SEQ|lockfile)$/.test(path)) yield* job(path, context);
  },
};

/** The queue's letter, five digits of the number and eight of the minute since 1970, all hexadecimal. Undefined for other names. */
export function timeOf(name: string): number | undefined {
  const found = /^[a-zA-Z=]([0-9a-f]{5})([0-9a-f]{8})$/.exec(name);
  return found ? Number.parseInt(found[2]!, 16) * 60_000 : undefined;
}

async function* job(path: string, context: ScanContext): AsyncIterable<Finding> {
  const file = readHook(context, path);
  if (!file) return;
  const due = timeOf(baseName(path));
  if (due === undefined) context.count('files of the at spool that are no job');
  const header = /^# atrun uid=(\d+) gid=\d+/m.exec(file.text.slice(0, 4096));
  const accounts = attempt(context, '/etc/passwd', () => readAccounts(context.tree)) ?? [];
  const uid = header ? Number(header[1]) : file.stat.uid;
  const user = accounts.find((account) => account.uid === uid)?.name ?? String(uid);
  const when = [...(due === undefined ? [] : [fact({ zh: '到点时间', en: 'due' }, new Date(due).toISOString())]), fact({ zh: '账号', en: 'account' }, user)];
  if (header && uid !== file.stat.uid && context.tree.stat('/')?.uid === 0) {
    yield finding('at', `${path}\0owner`, {
      kind: 'intrusion', level: 'medium', path, user, time: file.stat.changed,
      title: { zh: `at 任务自称是 ${user} 的，文件却属于另一个账号`, en: `an at job says it is of ${user}, and its file belongs to another` },
      evidence: [fact({ zh: '属主与权限', en: 'owner and mode' }, `${file.stat.uid}:${file.stat.gid} ${octal(file.stat.mode)}`), fact({ zh: '首行', en: 'header' }, header[0])],
      refs: place.refs,
    });
  }
  const judged = await judgeText(file.text, context, { user, file: path });
  const found = judgedFinding(place, { path, key: 'job', judged, evidence: when, time: file.stat.changed, user, fix: { zh: '用 atrm 去掉这个任务', en: 'take the job out with atrm' }, commands: due === undefined ? [] : [['atrm', String(Number.parseInt(baseName(path).slice(1, 6), 16))]] });
  if (found) yield found;
}
