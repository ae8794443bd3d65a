import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { tell } from '../tell.ts';

/** The daemons that keep the logs, on themselves: when they stop, nobody writes what comes next. */
export const logging: Program = {
  id: 'logging',
  title: { zh: '日志服务自身（rsyslog、auditd、journald）', en: 'log daemons (rsyslog, auditd, journald)' },
  tags: ['rsyslogd', 'syslogd', 'syslog-ng', 'syslog', 'auditd', 'systemd-journald', 'journal', 'klogd'],
  open: (): ProgramDecoder => ({ decode }),
};

const stops = /exiting on signal \d{1,2}|^The audit daemon is exiting|^Journal stopped|^syslog-ng shutting down|^Received SIGTERM from PID 1|^Kernel log daemon terminating|^auditd: .{0,40}exiting|^Init complete.{0,40}stopped/;
const starts = /\] start(?:$| )|^Journal started|^syslog-ng starting up|^Started dispatcher|^Init complete, auditd/;
const losses = /^Missed \d{1,12} kernel messages|begin to drop messages|messages lost due to rate-limiting|^Suppressed \d{1,12} messages|^Audit daemon (?:rotating|is low on disk space|has no space left)|journal (?:file )?corrupted|corrupted or uncleanly shut down/;

function decode(whole: string, event: Event): boolean {
  // What these daemons say of themselves is short; the rest of a long line is somebody else's text.
  const message = whole.slice(0, 512);
  const service = (event.process_name ?? 'syslogd').toLowerCase();
  if (stops.test(message)) return tell(event, 'syslog', service, 'log', 'logging-stopped', 'success');
  if (losses.test(message)) return tell(event, 'syslog', service, 'log', 'logging-loss', 'failure');
  if (starts.test(message)) return tell(event, 'syslog', service, 'log', 'logging-started', 'success');
  return false;
}
