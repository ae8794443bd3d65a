import type { Event } from '../../core/format.ts';
import { Attempts, failedLogin, loginSuccess, mark } from '../attempts.ts';
import { ftpServer } from '../ftp.ts';
import { bracketIp } from '../peer.ts';

export const proftpd = ftpServer('proftpd', { zh: 'ProFTPD 文件传输服务', en: 'ProFTPD FTP server' }, line);

/**
 * `server.name (remote.name[192.0.2.1]): text` or `… - text`, in syslog and in proftpd.log. The server's name and
 * the remote one come from configuration and DNS, so the first `])` ends the peer; all the client's own text
 * (user names with whole log lines in them) stands behind it.
 */
function line(message: string, event: Event, attempts: Attempts): boolean {
  const close = message.indexOf('])');
  const paren = message.indexOf('(');
  if (close < 0 || paren < 0 || paren > close || close > 600) return false;
  const ip = bracketIp(message, message.lastIndexOf('[', close));
  if (ip === undefined) return false;
  event.source_ip = ip;
  let at = close + 2;
  if (message.startsWith(': ', at)) at += 2;
  else if (message.startsWith(' - ', at)) at += 3;
  // Modules put their name first: "mod_sftp/0.9.9: …", "notice: …".
  if (message.startsWith('mod_', at)) {
    const colon = message.indexOf(': ', at);
    if (colon > 0 && colon - at < 40) at = colon + 2;
  }
  if (message.startsWith('USER ', at) || message.startsWith('ANON ', at)) return user(message, at, event, attempts);
  const text = message.slice(at);
  if (/^SECURITY VIOLATION: root login attempted/i.test(text)) {
    event.user = 'root';
    return failedLogin(event, attempts, 1);
  }
  if (text.startsWith('Maximum login attempts (')) return mark(event, 'authentication', 'login-detail', 'failure');
  if (text.startsWith('PAM(')) {
    event.user = text.slice(4, text.lastIndexOf('): '));
    return mark(event, 'authentication', 'login-detail', 'failure');
  }
  if (text.startsWith('Login timeout exceeded')) return mark(event, 'authentication', 'login-timeout', 'unknown');
  if (/^Refused (?:PORT|EPRT) /i.test(text) || text.includes('bounce attack')) return mark(event, 'network', 'probe', 'failure');
  if (text.startsWith('Connection refused') || text.startsWith('connection refused')) return mark(event, 'network', 'reject', 'failure');
  if (text.startsWith('FTP session opened') || text.startsWith('SSH2 session opened') || text.startsWith('SFTP session opened')) return mark(event, 'session', 'session-start', 'success');
  if (text.startsWith('FTP session closed') || text.startsWith('SSH2 session closed') || text.startsWith('SFTP session closed')) return mark(event, 'session', 'session-end', 'success');
  return mark(event, 'session', 'message', 'unknown');
}

/** `USER name: no such user found from …`, `USER name (Login failed): why`, `USER name: Login successful.` */
function user(message: string, at: number, event: Event, attempts: Attempts): boolean {
  // What the daemon adds is the last of these; a name may hold any of them before it.
  const success = message.lastIndexOf(': Login successful');
  const unknown = message.lastIndexOf(': no such user found from ');
  const failed = message.lastIndexOf(' (Login failed)');
  const end = Math.max(success, unknown, failed);
  if (end < 0) return mark(event, 'session', 'message', 'unknown');
  event.user = message.slice(at + 5, end);
  const rest = message.slice(end).trimEnd();
  if (end === success && (rest === ': Login successful.' || rest === ': Login successful')) return loginSuccess(event);
  return failedLogin(event, attempts, 1);
}
