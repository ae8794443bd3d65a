import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { mark } from '../attempts.ts';
import { takePeerOrName } from '../peer.ts';

export const fail2ban: Program = {
  id: 'fail2ban',
  title: { zh: 'fail2ban 与 lfd 的封禁记录', en: 'bans by fail2ban and lfd' },
  tags: ['fail2ban', 'fail2ban-server', 'fail2ban.actions', 'fail2ban.filter', 'lfd'],
  open,
};

function open(): ProgramDecoder {
  return {
    decode(message, event) {
      if ((event.process_name ?? '').toLowerCase() === 'lfd') {
        event.service = 'lfd';
        return lfd(message, event);
      }
      event.service = 'fail2ban';
      return jail(message, event);
    },
  };
}

/** `[fail2ban.actions [123]: ]NOTICE  [jail] Ban 192.0.2.1`. What fail2ban bans, its own recidive jail apart, was an attack. */
function jail(message: string, event: Event): boolean {
  const found = /(?:^|[ :])\[([^\]\s]{1,64})\] (Ban|Unban|Found|Restore Ban) (\S{2,255})/.exec(message.slice(0, 400));
  if (found === null || !takePeerOrName(found[3] ?? '', event)) return false;
  event.session = found[1];
  if (found[2] === 'Ban') return mark(event, 'network', 'ban', found[1] === 'recidive' ? 'unknown' : 'failure');
  return mark(event, 'network', found[2] === 'Unban' ? 'unban' : found[2] === 'Found' ? 'found' : 'ban', 'unknown');
}

/** `(sshd) Failed SSH login from 192.0.2.1 (XX/Land/name): 5 in the last 300 secs - *Blocked in csf* [LF_SSHD]` */
function lfd(message: string, event: Event): boolean {
  const found = /^\(([a-z0-9_]{1,24})\) .{1,40}? (?:login|logins|authentication|auth|attack|scan|trigger)\b.{0,40}? from (\S{2,46}) \(/i.exec(message.slice(0, 300)) ?? /^\*(Port Scan)\* detected from (\S{2,46}) \(/.exec(message);
  if (found === null || !takePeerOrName(found[2] ?? '', event)) return false;
  event.session = found[1];
  return mark(event, 'network', 'ban', 'failure');
}
