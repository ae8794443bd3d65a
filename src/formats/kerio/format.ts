import type { Event } from '../../core/format.ts';
import { loginFailure, mark } from '../../programs/attempts.ts';
import { takePeer } from '../../programs/peer.ts';
import { daemonFile } from '../daemon-file.ts';

/** Kerio Connect's security, warning and mail logs: `[22/Nov/2026 02:27:01] text`. */
export const kerio = daemonFile({
  id: 'kerio',
  title: { zh: 'Kerio Connect 日志', en: 'Kerio Connect log' },
  paths: ['/opt/kerio/mailserver/store/logs/*.log'],
  kind: 'mail',
  service: 'kerio',
  sniff: (line) => (stamp.test(line.slice(0, 24)) ? 0.7 : 0),
  head(line, times, head) {
    if (!stamp.test(line.slice(0, 24))) return false;
    head.time = times.clf(line, 1);
    head.message = line.slice(23);
    return times.next >= 0;
  },
  program: { open: () => ({ decode }) },
});

const stamp = /^\[\d\d\/[A-Z][a-z]{2}\/\d{4} \d\d:\d\d:\d\d\] /;

/** Some texts begin with the address, others end with it: mail addresses between them are the sender's. */
function decode(message: string, event: Event): boolean {
  event.service = 'kerio';
  const login = /^Failed (\S{1,24}) login (?:attempt )?(?:for user (.{1,128}?) )?from (\S{2,46}?)(?: with SASL method (\S{1,24}?)\.?)?$/.exec(message) ?? null;
  if (login !== null && takePeer((login[3] ?? '').replace(/\.$/, ''), event)) {
    event.user = login[2];
    event.method = login[4] ?? login[1];
    return loginFailure(event);
  }
  const administration = /^(?:Administration login into .{1,60}|.{1,60} login) from (\S{2,46}) failed: /.exec(message);
  if (administration !== null && takePeer(administration[1] ?? '', event)) return loginFailure(event);
  const nobody = message.startsWith('SMTP: User ') && message.includes(' doesn\'t exist. Attempt from IP address ');
  if (nobody) return last(message, 'IP address ', event) && mark(event, 'mail', 'reject', 'failure');
  if (message.startsWith('SMTP: Invalid password for user ') || message.startsWith('POP3: Invalid password for user ') || message.startsWith('IMAP: Invalid password for user ')) {
    event.user = /for user ([^ ]{1,128}?)\.? /.exec(message)?.[1];
    return last(message, 'IP address ', event) && loginFailure(event);
  }
  if (message.startsWith('Attempt to deliver to unknown recipient ')) return last(message, ', IP address ', event) && mark(event, 'mail', 'reject', 'failure');
  for (const start of leading) {
    if (!message.startsWith(start)) continue;
    const end = /[ ,]/.exec(message.slice(start.length));
    if (!takePeer(message.slice(start.length, end ? start.length + end.index : undefined), event)) return false;
    return mark(event, 'mail', start.startsWith('SMTP Spam') ? 'probe' : 'reject', 'failure');
  }
  return false;
}

const leading = ['SMTP Spam attack detected from ', 'Relay attempt from IP address ', 'IP address ', 'Client with IP address ', 'Message from IP address ', 'Connection attempt to service SMTP from IP address '] as const;

function last(message: string, word: string, event: Event): boolean {
  const at = message.lastIndexOf(word);
  const text = message.slice(at + word.length).trimEnd();
  return at >= 0 && takePeer(text.endsWith('.') ? text.slice(0, -1) : text, event);
}
