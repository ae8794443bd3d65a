import { canonicalIp } from '../../core/address.ts';
import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, loginSuccess, mark } from '../attempts.ts';

export const qmail: Program = {
  id: 'qmail',
  title: { zh: 'qmail 与 vpopmail 邮件服务', en: 'qmail and vpopmail' },
  tags: ['qmail', 'qmail-smtpd', 'rblsmtpd', 'tcpserver', 'vpopmail', 'vchkpw', 'vchkpw-smtp', 'vchkpw-pop3', 'vchkpw-imap', 'vchkpw-smtps', 'vchkpw-submission', 'smtp', 'qmail-pop3d'],
  open,
};

function open(): ProgramDecoder {
  return {
    decode(message, event) {
      // splogger puts a time of its own before the line, and the line names its program again.
      let at = /^\d{9,10}\.\d{6} /.test(message) ? message.indexOf(' ') + 1 : 0;
      if (message.startsWith('rblsmtpd: ', at)) at += 10;
      else if (message.startsWith('qmail-smtpd: ', at)) at += 13;
      if (!line(message, at, event)) return false;
      event.kind = 'mail';
      event.service = 'qmail';
      return true;
    },
  };
}

function line(message: string, at: number, event: Event): boolean {
  const words = message.slice(at, at + 160).split(' ');
  // rblsmtpd: "192.0.2.1 pid 123 list: 451 …" and "list blocked 192.0.2.1 …"
  const first = canonicalIp(words[0] ?? '');
  if (first !== undefined && words[1] === 'pid') return from(first, event) && mark(event, 'mail', 'reject', 'failure');
  if (words[1] === 'blocked') return from(canonicalIp(words[2] ?? ''), event) && mark(event, 'mail', 'reject', 'failure');
  // qmail-smtpd patches: "421 badiprbl: ip 192.0.2.1 rbl: list"
  if (/^[45]\d\d$/.test(words[0] ?? '') && words[2] === 'ip') return from(canonicalIp(words[3] ?? ''), event) && mark(event, 'mail', 'reject', 'failure');
  // tcpserver: "deny 123 host:192.0.2.9:25 host:192.0.2.1::4321"
  if (words[0] === 'deny' && words[3] !== undefined) {
    const ip = /:((?:\d{1,3}\.){3}\d{1,3}):[^:]{0,64}:\d{0,5}$/.exec(words[3]);
    return ip !== null && from(canonicalIp(ip[1] ?? ''), event) && mark(event, 'network', 'reject', 'failure');
  }
  return vpopmail(message, at, event);
}

/** `vchkpw-pop3: password fail (pass: 'x') user@example.com:192.0.2.1`: the address is last. */
function vpopmail(message: string, at: number, event: Event): boolean {
  if (!message.startsWith('vchkpw', at)) {
    const tag = event.process_name ?? '';
    if (!tag.startsWith('vchkpw') && tag !== 'vpopmail') return false;
  }
  const colon = lastColonBeforeIp(message);
  if (colon < 0) return false;
  event.source_ip = canonicalIp(message.slice(colon + 1).trimEnd());
  event.user = message.slice(message.lastIndexOf(' ', colon) + 1, colon) || undefined;
  const text = message.slice(at, colon);
  if (/ (?:password fail|vpopmail user not found|null password given|authentication failure|user not found|no password|password mismatch|user does not exist)/i.test(` ${text}`)) return loginFailure(event);
  return text.includes('login success') ? loginSuccess(event) : false;
}

function lastColonBeforeIp(message: string): number {
  const text = message.trimEnd();
  const blank = text.lastIndexOf(' ');
  // user@domain:address, and an IPv6 address has colons of its own: the first colon after the @ or the blank.
  const sign = Math.max(text.lastIndexOf('@'), blank);
  const colon = text.indexOf(':', sign + 1);
  return colon >= 0 && canonicalIp(text.slice(colon + 1)) !== undefined ? colon : -1;
}

function from(ip: string | undefined, event: Event): boolean {
  event.source_ip = ip;
  return ip !== undefined;
}
