import type { Event } from '../../core/format.ts';
import { loginFailure, loginSuccess, mark } from '../../programs/attempts.ts';
import { takePeer } from '../../programs/peer.ts';
import { daemonFile } from '../daemon-file.ts';

/**
 * Protocol logs of Microsoft Exchange, collected from the mail server: SMTP receive
 * (`time,connector,session,seq,local,remote,event,data,context`) and IMAP/POP
 * (`time,session,seq,local,remote,user,duration,rqsize,rpsize,command,parameters,context`).
 */
export const exchange = daemonFile({
  id: 'exchange',
  title: { zh: 'Exchange 协议日志', en: 'Exchange protocol logs' },
  paths: [],
  kind: 'mail',
  service: 'exchange',
  sniff: (line) => (smtp.test(line.slice(0, 300)) || mailbox.test(line.slice(0, 300)) ? 0.95 : 0),
  head(line, times, head) {
    if (!smtp.test(line.slice(0, 300)) && !mailbox.test(line.slice(0, 300))) return false;
    head.time = times.iso(line, 0);
    return times.next >= 0;
  },
  program: { open: () => ({ decode }) },
});

const address = String.raw`(?:\[[0-9A-Fa-f:.%]{2,60}\]|[0-9.]{7,15}):\d{1,5}`;
const stamp = String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z,`;
const smtp = new RegExp(String.raw`${stamp}[^,]{1,120},[0-9A-Fa-f]{16},\d{1,9},(?:${address})?,(${address}),([-+<>*]),`);
const mailbox = new RegExp(String.raw`${stamp}[0-9A-Fa-f]{16},\d{1,9},${address},(${address}),([^,]{0,128}),\d{0,12},\d{0,12},\d{0,12},([a-zA-Z]{0,20}),`);

/** The fields before the client's own are the server's and hold no comma. */
function decode(message: string, event: Event): boolean {
  event.service = 'exchange';
  const head = message.slice(0, 400);
  const sent = smtp.exec(head);
  if (sent !== null) {
    if (!takePeer(sent[1] ?? '', event)) return false;
    const data = message.slice(sent[0].length);
    if (sent[2] !== '>') return mark(event, 'mail', 'message', 'unknown');
    if (data.startsWith('535 ')) return loginFailure(event);
    if (data.startsWith('235 ')) return loginSuccess(event);
    return /^5\d\d /.test(data) ? mark(event, 'mail', 'reject', 'failure') : mark(event, 'mail', 'message', 'unknown');
  }
  const box = mailbox.exec(head);
  if (box === null || !takePeer(box[1] ?? '', event)) return false;
  event.user = box[2] || undefined;
  const command = (box[3] ?? '').toLowerCase();
  const result = message.slice(box[0].length);
  const login = command === 'login' || command === 'authenticate' || command === 'auth' || command === 'pass' || command === 'user';
  if (!login) return mark(event, 'mail', 'message', 'unknown');
  if (result.includes('AuthFailed:') || result.includes('LogonFailed') || result.includes('AUTHENTICATE failed') || result.includes('-ERR ') || result.includes(' NO LOGIN failed')) return loginFailure(event);
  return /"R=(?:""[^"]{0,20})?(?:OK|ok)\b|\bR=OK/.test(result) && command !== 'user' ? loginSuccess(event) : mark(event, 'mail', 'message', 'unknown');
}
