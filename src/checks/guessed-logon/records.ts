/** What sshd ought to have written of a guessed log-on beside its own lines, and is empty: wiped by whoever came in. */
import type { Finding } from '../../core/finding.ts';
import { fact, finding } from '../finding.ts';
import { targetStat } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { olderParts } from '../rotated.ts';
import type { Guess } from './guesses.ts';

/** `instead`: where newer systems keep the same. */
const records = [
  { path: '/var/log/btmp', instead: undefined, zh: '失败的登录', en: 'failed log-ons' },
  { path: '/var/log/wtmp', instead: '/var/lib/wtmpdb/wtmp.db', zh: '登录', en: 'log-ons' },
  { path: '/var/log/lastlog', instead: '/var/lib/lastlog/lastlog2.db', zh: '最后一次登录', en: 'last log-ons' },
] as const;

export function* emptiedRecords({ user, address, time, attempts }: Guess, context: ScanContext): Iterable<Finding> {
  for (const { path, instead, zh, en } of records) {
    const stat = targetStat(context, path);
    // One that is older than the log-on was never written to on this system.
    if (stat?.size !== 0 || stat.modified <= time || (instead !== undefined && targetStat(context, instead))) continue;
    // Turned since: what was written then stands in the older part, or went with it.
    if (olderParts(context, path).some((one) => (targetStat(context, one)?.modified ?? Infinity) >= time)) continue;
    yield finding('guessed-logon', `${path}\0emptied`, {
      kind: 'intrusion', level: 'medium', path, address, time: stat.modified,
      title: { zh: `${path}（${zh}）是空的，而 ${address} 失败 ${attempts} 次后登录了`, en: `${path} (${en}) is empty though ${address} logged on after ${attempts} failed attempts` },
      evidence: [fact({ zh: '登录', en: 'log-on' }, `${user} ${address} ${new Date(time).toISOString()}`), fact({ zh: '最后改动', en: 'last changed' }, new Date(stat.modified).toISOString())],
      means: { zh: '进来的人常先抹掉登录记录，再做别的。', en: 'Who got in often wipes the records of log-ons before anything else.' },
      fix: { text: { zh: '对照堡垒机、防火墙和远程日志，看还有谁登录过', en: 'compare the jump host, the firewall and remote logs: who else logged on' }, commands: [] },
      refs: ['attack:T1070.002', 'dengbao:8.1.4.3'],
    });
  }
}
