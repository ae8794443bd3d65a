/**
 * Follows log files. What it gives is exact: with positions stored in one transaction with their events, every
 * line is read once through rotation by rename, copy-and-truncate, removal, compression and kill -9.
 *
 * What no reader can give back, and where it is said: lines that were in a file which was truncated without a
 * copy, or removed, while Moat was not running; lines a program wrote between logrotate's copy and its truncate;
 * lines a program wrote into a rotated file more than a day after its last, or of which too many are kept open;
 * a log that was gone altogether while Moat was started again is read once it is there again.
 *
 * Many systems write the same messages to the journal and, by rsyslog, to files. Read one of both: when
 * `journalState` (src/linux/journal.ts) says that the journal is live, leave out the files rsyslog fills
 * from it with `exclude: journalTwins`; else leave out the journal sensor.
 */
import type { Sensor } from '../../core/ports.ts';
import { Follower } from './follower.ts';
import { withDefaults } from './options.ts';
import type { LogfileOptions } from './options.ts';

export type { LogfileOptions } from './options.ts';

/** The files that rsyslog and syslog-ng fill with what the journal has too. */
export const journalTwins: readonly string[] = [
  '/var/log/auth.log', '/var/log/secure', '/var/log/syslog', '/var/log/messages', '/var/log/kern.log', '/var/log/mail.log',
  '/var/log/mail.info', '/var/log/mail.warn', '/var/log/mail.err', '/var/log/maillog', '/var/log/cron', '/var/log/cron.log',
  '/var/log/daemon.log', '/var/log/user.log', '/var/log/debug',
];

export function logfileSensor(options: LogfileOptions): Sensor {
  return {
    id: 'logfile',
    title: { zh: '日志文件', en: 'Log files' },
    blind: {
      zh: '只看得到程序写进文件的内容；在 Moat 未运行时被删除或清空（且没有副本）的日志读不到。',
      en: 'Sees only what programs write to files; not what was in a log that was removed, or emptied without a copy, while Moat was not running.',
    },
    open: (context) => new Follower(withDefaults(options), context).batches(),
  };
}
