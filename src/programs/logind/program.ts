import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { tell } from '../tell.ts';

/** systemd-logind: sessions that come and go, shutdown and reboot. */
export const logind: Program = {
  id: 'logind',
  title: { zh: '登录会话管理（systemd-logind）', en: 'log-on sessions (systemd-logind)' },
  tags: ['systemd-logind'],
  open: (): ProgramDecoder => ({ decode }),
};

function decode(message: string, event: Event): boolean {
  const started = /^New session '?([A-Za-z0-9]{1,16})'? of user '?(.{1,256}?)'?(?: with class '[a-z-]{1,32}' and type '[a-z-]{1,32}')?\.$/.exec(message);
  if (started !== null) {
    event.session = started[1];
    event.user = started[2];
    return tell(event, 'auth', 'systemd-logind', 'session', 'session-start', 'success');
  }
  const ended = /^(?:Removed session|Session) '?([A-Za-z0-9]{1,16})'?(?:\.$| logged out\.)/.exec(message);
  if (ended !== null) {
    event.session = ended[1];
    return tell(event, 'auth', 'systemd-logind', 'session', message.startsWith('Removed') ? 'session-end' : 'logout', 'success');
  }
  if (/^(?:System is (?:powering down|rebooting|halting)|The system will (?:power off|reboot|halt)|Power key pressed)/.test(message)) {
    return tell(event, 'auth', 'systemd-logind', 'service', 'shutdown', 'success');
  }
  return false;
}
