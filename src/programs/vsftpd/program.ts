import type { Event } from '../../core/format.ts';
import { Attempts, failedLogin, loginSuccess, mark } from '../attempts.ts';
import { ftpServer } from '../ftp.ts';
import { takePeerOrName } from '../peer.ts';

export const vsftpd = ftpServer('vsftpd', { zh: 'vsftpd 文件传输服务', en: 'vsftpd FTP server' }, line);

const clientMark = ': Client "';

/**
 * `[user] FAIL LOGIN: Client "192.0.2.1"[, "reason"]`, in syslog and, behind a time and `[pid n]`, in vsftpd.log.
 * The user name may hold anything, even these words. Behind the address only the reason of a failure is the
 * daemon's; after `OK LOGIN` stands the anonymous password, after other words a path or what the client sent.
 */
function line(message: string, event: Event, attempts: Attempts): boolean {
  const first = message.indexOf(clientMark);
  if (first < 0) return false;
  if (message.startsWith('CONNECT: ')) return client(message, first, event) && mark(event, 'network', 'connect', 'success');
  const verbStart = message.indexOf('] ');
  if (message.charCodeAt(0) !== 91 || verbStart < 0) return false;
  // Anonymous users are [ftp] or [anonymous]: nothing can be forged before the verb, but much behind it.
  const plain = verbStart < first && (message.startsWith('[ftp] ') || message.startsWith('[anonymous] '));
  const failed = message.lastIndexOf('] FAIL LOGIN' + clientMark);
  if (failed >= 0 && (!plain || failed === verbStart)) {
    event.user = message.slice(1, failed);
    if (!client(message, failed + 12, event)) return false;
    return failedLogin(event, attempts, 1);
  }
  const verb = message.slice(verbStart + 2, first);
  if (verbStart > first || !client(message, first, event)) return false;
  event.user = message.slice(1, verbStart);
  switch (verb) {
    case 'OK LOGIN': return loginSuccess(event);
    case 'FTP response':
      if (!message.includes(', "530 ', first)) return mark(event, 'session', 'response', 'unknown');
      mark(event, 'authentication', 'login-detail', 'failure');
      return true;
    case 'FTP command': return mark(event, 'session', 'command', 'unknown');
    default: return transfer(message, verb, first, event);
  }
}

/** `OK UPLOAD: Client "192.0.2.1", "/path", 12 bytes, 3.40Kbyte/sec`, also DOWNLOAD, DELETE, MKDIR, RENAME … */
function transfer(message: string, verb: string, at: number, event: Event): boolean {
  const blank = verb.indexOf(' ');
  const result = verb.slice(0, blank);
  if (result !== 'OK' && result !== 'FAIL') return false;
  const path = message.indexOf('", "', at + clientMark.length);
  const end = message.lastIndexOf('"');
  if (path > 0 && end > path + 4) event.file_path = message.slice(path + 4, end);
  return mark(event, 'file', verb.slice(blank + 1).toLowerCase(), result === 'OK' ? 'success' : 'failure');
}

function client(message: string, at: number, event: Event): boolean {
  const start = at + clientMark.length;
  const quote = message.indexOf('"', start);
  return quote > 0 && takePeerOrName(message.slice(start, quote), event);
}
