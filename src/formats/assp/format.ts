import { canonicalIp } from '../../core/address.ts';
import type { Event } from '../../core/format.ts';
import { loginFailure, mark } from '../../programs/attempts.ts';
import { daemonFile } from '../daemon-file.ts';

/** The ASSP anti-spam proxy: `Nov-22-26 02:27:01 [id ][Worker_1] [TLS-in] 192.0.2.1 <sender> text`. */
export const assp = daemonFile({
  id: 'assp',
  title: { zh: 'ASSP 反垃圾代理日志', en: 'ASSP anti-spam proxy log' },
  paths: ['/usr/share/assp/logs/maillog.txt', '/opt/assp/logs/maillog.txt'],
  kind: 'mail',
  service: 'assp',
  sniff: (line) => (stamp.test(line.slice(0, 19)) ? 0.95 : 0),
  head(line, times, head) {
    const found = stamp.exec(line.slice(0, 19));
    if (found === null) return false;
    // Nov-22-26 02:27:01 → Nov 22 2026 02:27:01, a shape the reader of times knows.
    head.time = times.syslog(`${found[1]} ${found[2]} 20${found[3]} ${found[4]}`, 0);
    if (times.next < 0) return false;
    head.message = line.slice(19);
    return true;
  },
  program: { open: () => ({ decode }) },
});

const stamp = /^([A-Z][a-z]{2})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d) /;
// Marks in brackets and the message id are ASSP's; the first bare word after them is the peer.
const peer = /^(?:[A-Za-z0-9]{1,8}-\d{1,8}-\d{1,8} )?(?:\[[A-Za-z0-9_ -]{1,24}\] ){0,6}(?:Blocking )?([0-9A-Fa-f:.]{3,45}) /;

function decode(message: string, event: Event): boolean {
  event.service = 'assp';
  const found = peer.exec(message.slice(0, 300));
  event.source_ip = found === null ? undefined : canonicalIp(found[1] ?? '');
  if (found === null || event.source_ip === undefined) return false;
  const text = message.slice(found[0].length);
  if (text.startsWith('[SMTP Error] 535 ')) return loginFailure(event);
  if (found[0].includes('Blocking ') && text.includes('too much AUTH errors') || text.startsWith('max sender authentication errors ')) return mark(event, 'authentication', 'login-detail', 'failure');
  if (text.startsWith('SSL negotiation with client failed')) return mark(event, 'mail', 'probe', 'failure');
  if (found[0].includes('[RelayAttempt]') || text.includes(' relay attempt blocked for')) return mark(event, 'mail', 'reject', 'failure');
  if (found[0].includes('Blocking ')) return mark(event, 'mail', 'reject', 'failure');
  return mark(event, 'mail', 'message', 'unknown');
}
