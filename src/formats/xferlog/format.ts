import type { Event } from '../../core/format.ts';
import { canonicalIp } from '../../core/address.ts';
import { ctimeDate, daemonFile } from '../daemon-file.ts';

/**
 * The transfer log of wu-ftpd, which vsftpd, ProFTPD and Pure-FTPd can write too:
 * `Sun Nov 22 02:27:01 2026 1 192.0.2.1 1234 /dir/file b _ i r user ftp 0 * c`. A file name may have blanks (most
 * servers write _ for them), so the fields behind it are counted from the end.
 */
export const xferlog = daemonFile({
  id: 'xferlog',
  title: { zh: 'FTP 传输日志（xferlog）', en: 'FTP transfer log (xferlog)' },
  paths: ['/var/log/xferlog', '/var/log/proftpd/xferlog', '/var/log/vsftpd/xferlog'],
  kind: 'ftp',
  service: 'ftp',
  sniff: (line) => (ctimeDate(line) && shape.test(line.slice(24, 24 + 4200)) ? 0.98 : 0),
  head(line, times, head) {
    head.time = times.ctime(line, 0);
    if (times.next < 0 || !shape.test(line.slice(times.next))) return false;
    head.message = line.slice(times.next).trim();
    return true;
  },
  program: { open: () => ({ decode }) },
});

const shape = /^ {1,2}\d{1,9} \S{2,255} \d{1,20} .{1,4096} [ab] \S{1,4} [oid] [agr] \S.{0,255} \S{1,32} [01] \S{1,255} [ci]\s*$/;

const directions: Readonly<Record<string, string>> = { i: 'upload', o: 'download', d: 'delete' };

function decode(message: string, event: Event): boolean {
  const words = message.split(' ');
  // seconds host size name… type flag direction access user service method id status
  const [, host = '', size = ''] = words;
  const end = words.length - 9;
  const status = words.at(-1);
  if (end < 4) return false;
  event.source_ip = canonicalIp(host) ?? host.toLowerCase();
  event.file_path = words.slice(3, end).join(' ');
  event.user = words[end + 4];
  event.category = 'file';
  event.action = directions[words[end + 2] ?? ''] ?? 'transfer';
  event.outcome = status === 'c' ? 'success' : 'failure';
  event.service = 'ftp';
  event.method = words[end + 3] === 'a' ? 'anonymous' : words[end + 3] === 'g' ? 'guest' : 'password';
  event.extra = { bytes: Number(size) };
  return true;
}
