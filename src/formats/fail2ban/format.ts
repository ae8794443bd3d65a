import { fail2ban as program } from '../../programs/fail2ban/program.ts';
import { daemonFile, isoDate } from '../daemon-file.ts';

/** fail2ban.log: `2026-11-22 02:27:01,388 fail2ban.actions        [123]: NOTICE  [sshd] Ban 192.0.2.1`. */
export const fail2ban = daemonFile({
  id: 'fail2ban',
  title: { zh: 'fail2ban 日志', en: 'fail2ban log' },
  paths: ['/var/log/fail2ban.log'],
  kind: 'application',
  service: 'fail2ban',
  sniff: (line) => (isoDate(line) && line.startsWith('fail2ban.', 24) ? 0.98 : 0),
  head(line, times, head) {
    head.time = isoDate(line) ? times.iso(line, 0) : 0;
    const found = times.next < 0 || !isoDate(line) ? null : /^ (fail2ban\.[a-z0-9._]{1,40}) {0,20}(?:\[(\d{1,10})\])?: ([A-Z]{3,10}) {1,8}/.exec(line.slice(times.next, times.next + 120));
    if (found === null) return false;
    if (found[2] !== undefined) head.pid = Number(found[2]);
    head.severity = (found[3] ?? '').toLowerCase();
    head.message = line.slice(times.next + found[0].length);
    return true;
  },
  program,
});
