import type { Event } from '../core/format.ts';
import { soleIp, takePeerOrName } from './peer.ts';

/**
 * Reads `pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=x rhost=192.0.2.1  user=y`
 * in all its ages (`(pam_unix) authentication failure; …`, without the module, pam_sss, pam_ldap …): user and
 * source_ip. False when the message is no such line.
 */
export function readPamFailure(message: string, event: Event): boolean {
  const at = message.indexOf('authentication failure; ');
  if (at < 0 || at > 80 || (at > 0 && !message.startsWith('pam_') && !message.startsWith('(pam_'))) return false;
  // ruser is what the client typed and stands before rhost; user is typed too, except that pam_unix names it only
  // when the account exists. So pam_unix means the last rhost; other modules are believed when there is one alone.
  const last = message.lastIndexOf(' rhost=');
  if (last < 0) return true;
  const start = last + 7;
  const blank = message.indexOf(' ', start);
  const end = blank < 0 ? message.length : blank;
  const unix = at === 0 || message.startsWith('pam_unix') || message.startsWith('(pam_unix');
  if (unix) takePeerOrName(message.slice(start, end), event);
  else event.source_ip = soleIp(message, ' rhost=', ' ');
  const user = message.indexOf('user=', end);
  const ruser = message.indexOf(' ruser=', at);
  if (user >= 0) event.user = message.slice(user + 5).trimEnd();
  else if (ruser >= 0 && ruser + 7 < last) event.user = message.slice(ruser + 7, last);
  event.method = 'pam';
  return true;
}
