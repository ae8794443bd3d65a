import type { Event } from '../../core/format.ts';
import { loginFailure, mark } from '../../programs/attempts.ts';
import { takePeer } from '../../programs/peer.ts';
import { daemonFile } from '../daemon-file.ts';

/** The admin container of Mailu: `[2026-11-22 02:27:01,112] WARNING in limiter: Authentication attempt from 192.0.2.1 has been rate-limited.` */
export const mailu = daemonFile({
  id: 'mailu',
  title: { zh: 'Mailu 管理日志', en: 'Mailu admin log' },
  paths: [],
  aliases: ['mailu-admin'],
  kind: 'mail',
  service: 'mailu',
  sniff: (line) => (shape.test(line.slice(0, 80)) ? 0.9 : 0),
  head(line, times, head) {
    const found = shape.exec(line.slice(0, 80));
    if (found === null) return false;
    head.time = times.iso(line, 1);
    head.message = line.slice(found[0].length);
    return times.next >= 0;
  },
  program: { open: () => ({ decode }) },
});

const shape = /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] [A-Z]{4,8} in (?:limiter|nginx|auth|sso|base|models|utils|access): /;

function decode(message: string, event: Event): boolean {
  event.service = 'mailu';
  const limited = /^Authentication attempt from (\S{2,46}) (?:for .{1,128} )?has been rate-limited/.exec(message);
  if (limited !== null) return takePeer(limited[1] ?? '', event) && mark(event, 'authentication', 'login', 'failure');
  // "Login failed for: user from: 192.0.2.1", the user being the client's text
  const failed = /^Login failed for: ?(.{0,256}) from: ?(\S{2,46})$/.exec(message);
  if (failed === null || !takePeer(failed[2] ?? '', event)) return false;
  event.user = failed[1];
  return loginFailure(event);
}
