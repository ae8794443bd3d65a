import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, mark } from '../attempts.ts';
import { takePeer } from '../peer.ts';

export const freeswitch: Program = {
  id: 'freeswitch',
  title: { zh: 'FreeSWITCH 电话服务', en: 'FreeSWITCH telephony' },
  tags: ['freeswitch'],
  open,
};

/** `[time] [load%] [WARNING] sofia_reg.c:1533 text` or `[WARN] [SOFIA] [sofia_reg.c:4130] text`; the address is the last word. */
function open(): ProgramDecoder {
  return {
    decode(message, event) {
      const head = /\[(?:WARNING|WARN|NOTICE|INFO|DEBUG|ERR|CRIT)\] (?:\[[A-Z]{1,12}\] )?\[?[a-z_]{1,40}\.c:\d{1,6}\]? /.exec(message.slice(0, 160));
      if (head === null || !line(message.slice(head.index + head[0].length).trimEnd(), event)) return false;
      event.kind = 'application';
      event.service = 'freeswitch';
      return true;
    },
  };
}

function line(text: string, event: Event): boolean {
  if (text.startsWith('IP ') && text.includes(' Rejected by ')) {
    if (!takePeer(text.slice(3, text.indexOf(' ', 3)), event)) return false;
    // Calls that an access list does not know fall back to a password; registrations do not.
    return mark(event, 'network', 'reject', text.includes('Falling back') ? 'unknown' : 'failure');
  }
  const challenge = text.startsWith('SIP auth challenge (');
  const failure = text.startsWith('SIP auth failure (');
  const nobody = text.startsWith('Can\'t find user [');
  if (!challenge && !failure && !nobody) return false;
  const blank = text.lastIndexOf(' ');
  if (!takePeer(text.slice(blank + 1), event)) return false;
  const open = nobody ? 17 : text.indexOf(' for [') + 6;
  const close = text.lastIndexOf('] from ');
  if (open > 5 && close > open) {
    const sign = text.indexOf('@', open);
    event.user = text.slice(open, sign > open && sign < close ? sign : close);
  }
  // A challenge is how every call begins.
  return challenge ? mark(event, 'authentication', 'login-start', 'unknown') : loginFailure(event);
}
