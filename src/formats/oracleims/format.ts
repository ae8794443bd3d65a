import type { Event } from '../../core/format.ts';
import { loginFailure, loginSuccess, mark } from '../../programs/attempts.ts';
import { takePeer } from '../../programs/peer.ts';
import { daemonFile } from '../daemon-file.ts';

/** Oracle (Sun, iPlanet) Messaging Server with LOG_FORMAT=4: one XML element a line, `<co ts="2026-11-22T02:27:01.99" … tr="TCP|local|25|192.0.2.1|4299" … mi="Bad password" us="x" …/>`. */
export const oracleims = daemonFile({
  id: 'oracleims',
  title: { zh: 'Oracle Messaging Server 日志', en: 'Oracle Messaging Server log' },
  paths: ['/opt/sun/comms/messaging*/log/mail.log_current', '/var/opt/sun/comms/messaging*/log/mail.log_current'],
  kind: 'mail',
  service: 'oracleims',
  sniff: (line) => (line.charCodeAt(0) === 60 && shape.test(line.slice(0, 60)) ? 0.98 : 0),
  head(line, times, head) {
    if (!shape.test(line.slice(0, 60))) return false;
    head.time = times.iso(line, line.indexOf('"') + 1);
    return times.next >= 0;
  },
  program: { open: () => ({ decode }) },
});

const shape = /^<[a-z]{2} ts="\d{4}-\d\d-\d\dT/;

/** Values are XML-escaped, so a quote always ends one: nothing in `us` can look like another attribute. */
function decode(message: string, event: Event): boolean {
  event.service = 'oracleims';
  const transport = attribute(message, 'tr')?.split('|');
  if (transport?.[3] === undefined || !takePeer(transport[3], event)) return false;
  const port = Number(transport[4]);
  if (Number.isInteger(port) && port > 0 && port < 65_536) event.source_port = port;
  event.user = attribute(message, 'us');
  const answer = attribute(message, 'di') ?? '';
  const note = attribute(message, 'mi') ?? '';
  if (answer.startsWith('535 ') || note === 'Bad password') return loginFailure(event);
  if (answer.startsWith('235 ') || note.startsWith('Authentication successful')) return loginSuccess(event);
  return /^5\d\d /.test(answer) ? mark(event, 'mail', 'reject', 'failure') : mark(event, 'mail', 'message', 'unknown');
}

function attribute(message: string, name: string): string | undefined {
  const at = message.indexOf(` ${name}="`);
  if (at < 0) return undefined;
  const end = message.indexOf('"', at + name.length + 3);
  return end < 0 ? undefined : message.slice(at + name.length + 3, end);
}
