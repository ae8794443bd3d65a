import { canonicalIp } from '../../core/address.ts';
import type { Event } from '../../core/format.ts';
import { loginFailure, loginSuccess, mark } from '../../programs/attempts.ts';
import { daemonFile, isoDate } from '../daemon-file.ts';

/** Zimbra's mailbox.log and audit.log: `2026-11-22 02:27:01,616 INFO  [thread] [name=x;oip=192.0.2.1;ua=…;] security - cmd=Auth; account=x; error=…`. */
export const zimbra = daemonFile({
  id: 'zimbra',
  title: { zh: 'Zimbra 邮箱日志', en: 'Zimbra mailbox and audit log' },
  // The audit log has every log-in; the mailbox log repeats those of the web and SOAP.
  paths: ['/opt/zimbra/log/audit.log'],
  kind: 'mail',
  service: 'zimbra',
  sniff: (line) => (isoDate(line) && shape.test(line.slice(19, 420)) ? 0.95 : 0),
  head(line, times, head) {
    if (!isoDate(line) || !shape.test(line.slice(19, 420))) return false;
    head.time = times.iso(line, 0);
    head.message = line.slice(line.indexOf('[', 23));
    return times.next >= 0;
  },
  program: { open: () => ({ decode }) },
});

const shape = /^,\d{3} (?:INFO|WARN|ERROR|DEBUG|FATAL) {1,2}\[[^\]]{1,300}\] \[[^\]]{0,80}/;

function decode(message: string, event: Event): boolean {
  event.service = 'zimbra';
  const open = message.indexOf('] [');
  const close = message.indexOf('] ', open + 3);
  if (open < 0 || close < 0) return false;
  event.source_ip = clientOf(message.slice(open + 3, close));
  const text = message.slice(close + 2);
  const failed = text.indexOf('authentication failed for [');
  if (failed >= 0 && failed < 80) {
    event.user = text.slice(failed + 27, text.lastIndexOf(']'));
    return loginFailure(event);
  }
  const audit = /^security - cmd=(Auth|AdminAuth|DelegateAuth|ImapAuth|Pop3Auth); account=([^;]{0,256});/.exec(text);
  if (audit !== null) {
    event.user = audit[2];
    return text.includes('; error=') ? loginFailure(event) : loginSuccess(event);
  }
  return mark(event, 'mail', 'message', 'unknown');
}

/**
 * oip is the client as the proxy saw it, ip the connection's own. The user agent (ua) is the client's text and may
 * hold `;oip=…`: fields of one name must agree.
 */
function clientOf(fields: string): string | undefined {
  let own: string | undefined;
  let original: string | undefined;
  for (const field of fields.split(';')) {
    if (field.startsWith('ip=')) own ??= canonicalIp(field.slice(3));
    if (!field.startsWith('oip=')) continue;
    // With several proxies the list begins with the client.
    const ip = canonicalIp(field.slice(4).split(',')[0]?.trim() ?? '');
    if (original !== undefined && original !== ip) return undefined;
    original = ip;
  }
  return original ?? own;
}
