import { vsftpd as program } from '../../programs/vsftpd/program.ts';
import { after, ctimeDate, daemonFile } from '../daemon-file.ts';

/** vsftpd.log: `Sun Nov 22 02:27:01 2026 [pid 1] [user] FAIL LOGIN: Client "::ffff:192.0.2.1"`. */
export const vsftpd = daemonFile({
  id: 'vsftpd',
  title: { zh: 'vsftpd 日志', en: 'vsftpd log' },
  paths: ['/var/log/vsftpd.log', '/var/log/vsftpd/*.log'],
  kind: 'ftp',
  service: 'vsftpd',
  sniff: (line) => (ctimeDate(line) && line.slice(22, 32).includes(' [pid ') ? 0.98 : 0),
  head(line, times, head) {
    head.time = times.ctime(line, 0);
    const pid = times.next < 0 ? -1 : after(line, times.next, '[pid ');
    const close = pid < 0 ? -1 : line.indexOf('] ', pid);
    if (close < 0 || close - pid > 10) return false;
    head.pid = Number.parseInt(line.slice(pid, close), 10);
    if (Number.isNaN(head.pid)) return false;
    head.message = line.slice(close + 2);
    return true;
  },
  program,
});
