import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, mark } from '../attempts.ts';
import { portAfter, takePeer } from '../peer.ts';

/** Courier's SMTP side; its IMAP and POP daemons are with `imapd`. */
export const courier: Program = {
  id: 'courier',
  title: { zh: 'Courier 邮件服务', en: 'Courier mail server' },
  tags: ['courieresmtpd', 'courieresmtpsd', 'courieresmtpd-msa', 'esmtpd', 'esmtpd-msa', 'esmtpd-ssl', 'couriertcpd'],
  open,
};

function open(): ProgramDecoder {
  return {
    decode(message, event) {
      if (!line(message, event)) return false;
      event.kind = 'mail';
      event.service = 'courier';
      return true;
    },
  };
}

/** `error,relay=::ffff:192.0.2.1[,port=n],msg="535 Authentication failed.",cmd: …`: the relay is always second. */
function line(message: string, event: Event): boolean {
  if (message.startsWith('started,ip=[')) return takePeer(message.slice(11, message.indexOf(']') + 1), event) && mark(event, 'mail', 'connect', 'success');
  if (!message.startsWith('error,relay=')) return false;
  const comma = message.indexOf(',', 12);
  if (!takePeer(message.slice(12, comma < 0 ? undefined : comma), event)) return false;
  let next = comma;
  if (message.startsWith(',port=', comma)) {
    portAfter(`:${message.slice(comma + 6, comma + 11)}`, 0, event);
    next = message.indexOf(',', comma + 6);
  }
  if (next > 0 && message.startsWith(',msg="535 ', next)) {
    const login = message.indexOf('cmd: AUTH LOGIN ', next);
    if (login > 0) event.user = message.slice(login + 16).trim();
    return loginFailure(event);
  }
  return mark(event, 'mail', 'reject', 'failure');
}
