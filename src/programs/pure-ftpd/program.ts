import { canonicalIp } from '../../core/address.ts';
import type { Event } from '../../core/format.ts';
import { Attempts, failedLogin, loginSuccess, mark } from '../attempts.ts';
import { ftpServer } from '../ftp.ts';
import { takePeerOrName } from '../peer.ts';

export const pureFtpd = ftpServer('pure-ftpd', { zh: 'Pure-FTPd 文件传输服务', en: 'Pure-FTPd FTP server' }, line);

/**
 * `(user@192.0.2.1) [LEVEL] text`; before the log-in the user is `?`. The text may be in any of the two dozen
 * languages it can be built for, so a failed log-in is known by its shape: a warning to nobody yet with `[name]`.
 */
function line(message: string, event: Event, attempts: Attempts): boolean {
  if (message.charCodeAt(0) !== 40) return false;
  const close = message.indexOf(') [');
  const at = message.lastIndexOf('@', close);
  const levelEnd = message.indexOf('] ', close);
  if (close < 0 || at < 0 || levelEnd < 0 || levelEnd - close > 12) return false;
  if (!takePeerOrName(message.slice(at + 1, close), event)) return false;
  const who = message.slice(1, at);
  const level = message.slice(close + 3, levelEnd);
  const text = message.slice(levelEnd + 2).trimEnd();
  if (who !== '?') {
    event.user = who;
    return after(text, level, event);
  }
  const open = text.indexOf('[');
  const end = text.lastIndexOf(']');
  if (level === 'WARNING' && open >= 0 && end > open) {
    const bracketed = text.slice(open + 1, end);
    // "Too many connections (5) from this IP: [192.0.2.1]" has the same shape.
    if (canonicalIp(bracketed) !== undefined) return mark(event, 'network', 'reject', 'failure');
    event.user = bracketed;
    return failedLogin(event, attempts, 1);
  }
  const logged = text.indexOf(' is now logged in');
  if (level === 'INFO' && logged > 0) {
    event.user = text.slice(0, logged);
    return loginSuccess(event);
  }
  if (level === 'INFO' && text.startsWith('New connection from ')) return mark(event, 'network', 'connect', 'success');
  if (text.startsWith('Too many authentication failures')) return mark(event, 'authentication', 'login-detail', 'failure');
  if (text.startsWith('Too many ')) return mark(event, 'network', 'reject', 'failure');
  return mark(event, 'session', 'message', 'unknown');
}

/** What a user who is in does: `[NOTICE] /path uploaded  (12 bytes, 3.1KB/sec)`, `[INFO] Logout.` */
function after(text: string, level: string, event: Event): boolean {
  if (level === 'NOTICE') {
    const moved = /^(.{1,4096}?) (uploaded|downloaded) {1,4}\(\d/.exec(text);
    if (moved) {
      event.file_path = moved[1];
      return mark(event, 'file', moved[2] === 'uploaded' ? 'upload' : 'download', 'success');
    }
    if (text.startsWith('Deleted ')) {
      event.file_path = text.slice(8);
      return mark(event, 'file', 'delete', 'success');
    }
  }
  if (text.startsWith('Logout')) return mark(event, 'session', 'session-end', 'success');
  const logged = text.endsWith(' is now logged in');
  return logged ? loginSuccess(event) : mark(event, 'session', 'message', 'unknown');
}
