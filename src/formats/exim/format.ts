import { exim as program } from '../../programs/exim/program.ts';
import { daemonFile, isoDate } from '../daemon-file.ts';

/** mainlog and rejectlog: `2026-11-22 02:27:01 [pid ]1abcde-000123-AB text`, the time with milliseconds and zone when so set. */
export const exim = daemonFile({
  id: 'exim',
  title: { zh: 'Exim 日志', en: 'Exim log' },
  // The reject log repeats lines of the main log: followed too, each rejection would count twice.
  paths: ['/var/log/exim4/mainlog', '/var/log/exim/main.log', '/var/log/exim_mainlog'],
  kind: 'mail',
  service: 'exim',
  sniff(line) {
    if (!isoDate(line) || line.charCodeAt(10) !== 32) return 0;
    return shape.test(line.slice(19, 200)) ? 0.95 : 0;
  },
  head(line, times, head) {
    if (!isoDate(line)) return false;
    head.time = times.iso(line, 0);
    if (times.next < 0) return false;
    let at = times.next;
    while (line.charCodeAt(at) === 32) at += 1;
    const pid = /^\[(\d{1,10})\] /.exec(line.slice(at, at + 14));
    if (pid) {
      head.pid = Number(pid[1]);
      at += pid[0].length;
    }
    head.message = line.slice(at);
    return true;
  },
  program,
});

// A message id, or the first words of the lines that have none.
const shape = /^(?:\.\d{1,6})?(?: [+-]\d{4})? (?:\[\d{1,10}\] )?(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} |H=|SMTP (?:call|connection|protocol|command|syntax|data) |no (?:MAIL in SMTP|host name found|IP address found)|unexpected disconnection while |refused connection from |Connection from |(?:Start|End) queue run|exim \d|cwd=|TLS error on connection |rejected (?:EHLO|HELO)|VRFY failed|auth_|Warning: |[a-z0-9_]{1,40} authenticator failed for |\S{1,40} authenticator failed for |SA: )/i;
