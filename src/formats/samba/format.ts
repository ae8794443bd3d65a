import { samba as program } from '../../programs/samba/program.ts';
import { daemonFile } from '../daemon-file.ts';

/**
 * log.smbd and its siblings: `[2026/11/22 02:27:01.024, 2] ../auth/auth_log.c:653(…)` and the record on the lines
 * below it, `  Auth: [SMB2,(null)] user […]…`, which has the time of its head.
 */
export const samba = daemonFile({
  id: 'samba',
  title: { zh: 'Samba 日志', en: 'Samba log' },
  paths: ['/var/log/samba/log.smbd', '/var/log/samba/log.*'],
  kind: 'application',
  service: 'samba',
  sniff: (line) => (stamp.test(line.slice(0, 50)) ? 0.9 : record.test(line.slice(0, 120)) ? 0.95 : 0),
  head(line, times, head) {
    if (stamp.test(line.slice(0, 50))) {
      head.time = times.any(line, 1);
      const close = line.indexOf('] ');
      head.message = line.slice(close + 2);
      return times.next >= 0;
    }
    if (line.charCodeAt(0) !== 32 && !record.test(line.slice(0, 120))) return false;
    head.time = times.last ?? times.lost();
    head.message = line.trim();
    return true;
  },
  program,
});

const stamp = /^\[\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?, {1,2}\d{1,2}/;
const record = /^ {0,4}Auth: \[[^\]]{1,60}\] user \[/;
