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
  for (const [verb, action] of verbs) {
    const at = message.indexOf(verb);
    const open = at < 0 || at > 200 ? -1 : message.lastIndexOf('[', at);
    if (open < 0 || (open > 0 && message.charCodeAt(open - 1) !== 32)) continue;
    const start = at + verb.length;
    const blank = message.indexOf(' ', start);
    const name = message.slice(open + 1, at);
    if (name === '' || name.includes(' ') || !takePeerOrName(message.slice(start, blank < 0 ? undefined : blank), event)) continue;
    event.session = name;
    return mark(event, 'network', action, action === 'ban' && verb === '] Ban ' && name !== 'recidive' ? 'failure' : 'unknown');
  }
  return false;
}

const verbs = [['] Ban ', 'ban'], ['] Unban ', 'unban'], ['] Found ', 'found'], ['] Restore Ban ', 'ban']] as const;

/** `(sshd) Failed SSH login from 192.0.2.1 (XX/Land/name): 5 in the last 300 secs - *Blocked in csf* [LF_SSHD]` */
function lfd(message: string, event: Event): boolean {
  const found = /^\(([a-z0-9_]{1,24})\) .{1,40}? (?:login|logins|authentication|auth|attack|scan|trigger)\b.{0,40}? from (\S{2,46}) \(/i.exec(message.slice(0, 300)) ?? /^\*(Port Scan)\* detected from (\S{2,46}) \(/.exec(message);
  if (found === null || !takePeerOrName(found[2] ?? '', event)) return false;
  event.session = found[1];
  return mark(event, 'network', 'ban', 'failure');
}
