import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { Attempts, failedLogin, loginSuccess, mark } from '../attempts.ts';
import { pamFailure } from '../pam-failure.ts';
import { bracketIp, takePeerOrName } from '../peer.ts';

/** The older FTP daemons, which share the Berkeley one's words: wu-ftpd, netkit and BSD ftpd, Kerberos gssftpd. */
export const ftpd: Program = {
  id: 'ftpd',
  title: { zh: '传统 FTP 服务（wu-ftpd、ftpd 等）', en: 'classic FTP daemons (wu-ftpd, ftpd, gssftpd)' },
  tags: ['wu-ftpd', 'wuftpd', 'ftpd', 'in.ftpd', 'gssftpd'],
  open,
};

function open(): ProgramDecoder {
  const attempts = new Attempts();
  return {
    decode(message, event) {
      if (pamFailure(message, event)) failedLogin(event, attempts, 0);
      else if (!line(message, event, attempts)) return false;
      const tag = event.process_name ?? '';
      event.kind = 'ftp';
      event.service = tag.startsWith('wu') ? 'wu-ftpd' : tag === 'gssftpd' ? 'gssftpd' : 'ftpd';
      return true;
    },
  };
}

/** The words come first and the peer right behind them; the account, which the client types, is last. */
function line(message: string, event: Event, attempts: Attempts): boolean {
  if (message.startsWith('failed login from ')) return peer(message, 18, event) && failedLogin(event, attempts, 1);
  // Said after the attempts, each of which was told.
  if (message.startsWith('repeated login failures from ')) return peer(message, 29, event) && failedLogin(event, attempts, 2);
  if (message.startsWith('FTP LOGIN FAILED FROM ')) return peer(message, 22, event) && account(message, event) && failedLogin(event, attempts, 1);
  if (message.startsWith('FTP LOGIN REFUSED (')) {
    const from = message.indexOf(' FROM ');
    return from > 0 && peer(message, from + 6, event) && account(message, event) && failedLogin(event, attempts, 1);
  }
  if (message.startsWith('ANONYMOUS FTP LOGIN REFUSED FROM ')) return peer(message, 33, event) && failedLogin(event, attempts, 1);
  if (message.startsWith('FTP LOGIN FROM ')) return peer(message, 15, event) && account(message, event) && loginSuccess(event);
  if (message.startsWith('ANONYMOUS FTP LOGIN FROM ')) {
    event.user = 'anonymous';
    return peer(message, 25, event) && loginSuccess(event);
  }
  if (message.startsWith('connection from ')) return peer(message, 16, event) && mark(event, 'network', 'connect', 'success');
  return false;
}

/** `host [192.0.2.1]`, `host (host)`, `host, …`, `host as …` */
function peer(message: string, at: number, event: Event): boolean {
  let end = at;
  while (end < message.length && !' ,'.includes(message.charAt(end))) end++;
  if (message.startsWith(' [', end) || message.charCodeAt(at) === 91) {
    const ip = bracketIp(message, message.indexOf('[', at));
    if (ip !== undefined) {
      event.source_ip = ip;
      return true;
    }
  }
  return takePeerOrName(message.slice(at, end), event);
}

function account(message: string, event: Event): boolean {
  const comma = message.indexOf(', ');
  if (comma > 0) event.user = message.slice(comma + 2);
  return true;
}
