import type { Event } from '../../core/format.ts';
import { loginFailure, mark } from '../../programs/attempts.ts';
import { takePeer } from '../../programs/peer.ts';
import { daemonFile } from '../daemon-file.ts';

/**
 * HCL (IBM, Lotus) Domino console log: `[28325:00010-3735542592] 22-11-2026 09:56:12   smtp: name [192.0.2.1]
 * authentication failure …`. The order of day and month and the clock are those of the server's locale.
 */
export const domino = daemonFile({
  id: 'domino',
  title: { zh: 'Domino 邮件服务日志', en: 'Domino server log' },
  paths: ['/local/notesdata/IBM_TECHNICAL_SUPPORT/console.log', '/local/notesdata/log.txt'],
  kind: 'mail',
  service: 'domino',
  sniff: (line) => (shape.test(line.slice(0, 90)) ? 0.95 : 0),
  head(line, times, head) {
    const found = shape.exec(line.slice(0, 90));
    if (found === null) return false;
    const first = Number(found[1]);
    const second = Number(found[2]);
    const [day, month] = second > 12 ? [second, first] : [first, second];
    const hour = (Number(found[5]) % (found[7] === undefined ? 24 : 12)) + (found[7]?.toUpperCase() === 'PM' ? 12 : 0);
    const two = (n: number): string => String(n).padStart(2, '0');
    const date = found[4]?.replaceAll(/[./]/g, '-') ?? `${found[3]}-${two(month)}-${two(day)}`;
    head.time = times.iso(`${date} ${two(hour)}:${found[6]}`, 0);
    if (times.next < 0) head.time = times.lost();
    head.message = line.slice(found[0].length);
    return true;
  },
  program: { open: () => ({ decode }) },
});

const shape = /^(?:\[[0-9A-Fa-f]{1,12}:[0-9A-Fa-f]{1,8}-[0-9A-Fa-f]{1,20}\] )?(?:(\d\d)[-./](\d\d)[-./](\d{4})|(\d{4}[-./]\d\d[-./]\d\d)) (\d{1,2}):(\d\d:\d\d)(?: ([AP]M))? {1,4}(?=(?:smtp|pop3|imap|http|ldap|router|SMTP|POP3|IMAP|HTTP|LDAP|Router)\b)/i;

/** The account, which the client types, stands before the address: the last bracket or "connecting host" counts. */
function decode(message: string, event: Event): boolean {
  event.service = 'domino';
  const failure = message.search(/\] authentication failure using internet password/i);
  if (failure > 0) {
    const open = message.lastIndexOf('[', failure);
    if (!takePeer(message.slice(open + 1, failure), event)) return false;
    event.user = message.slice(message.indexOf(': ') + 2, open).trim();
    return loginFailure(event);
  }
  const host = message.lastIndexOf('connecting host ');
  if (host > 0 && /authentication failed for user /i.test(message)) {
    if (!takePeer((message.slice(host + 16).split(' ')[0] ?? '').replace(/[[\]]/g, ''), event)) return false;
    const user = message.toLowerCase().indexOf('for user ');
    event.user = message.slice(user + 9, message.indexOf(' ; connecting host ', user));
    return loginFailure(event);
  }
  const refused = /^(?:SMTP Server|Router): \[?([0-9A-Fa-f:.]{3,45})\]? (?:Connection (?:denied|refused)|disconnected\. 0 message|rejected)/i.exec(message);
  if (refused !== null && takePeer(refused[1] ?? '', event)) return mark(event, 'mail', 'reject', message.includes('disconnected') ? 'unknown' : 'failure');
  return false;
}
