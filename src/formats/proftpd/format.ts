import { proftpd as program } from '../../programs/proftpd/program.ts';
import { daemonFile } from '../daemon-file.ts';

/** proftpd.log: `2026-11-22 02:27:01,121 host proftpd[25891] server.name (client[192.0.2.1]): text`, before 1.3.5 with an RFC 3164 time. */
export const proftpd = daemonFile({
  id: 'proftpd',
  title: { zh: 'ProFTPD 日志', en: 'ProFTPD log' },
  paths: ['/var/log/proftpd/proftpd.log', '/var/log/proftpd.log'],
  kind: 'ftp',
  service: 'proftpd',
  sniff(line) {
    const at = line.indexOf(' proftpd[');
    // With a colon behind the pid it is a syslog line.
    const close = at < 0 || at > 300 ? -1 : line.indexOf(']', at);
    return close > 0 && line.charCodeAt(close + 1) === 32 ? 0.98 : 0;
  },
  head(line, times, head) {
    head.time = times.any(line, 0);
    if (times.next < 0) return false;
    const at = line.indexOf(' proftpd[', times.next - 1);
    const close = at < 0 || at - times.next > 256 ? -1 : line.indexOf('] ', at);
    if (close < 0 || close - at > 20) return false;
    const host = line.slice(times.next, at).trim();
    if (host.includes(' ')) return false;
    if (host !== '') head.host = host;
    head.pid = Number.parseInt(line.slice(at + 9, close), 10);
    head.message = line.slice(close + 2);
    return true;
  },
  program,
});
