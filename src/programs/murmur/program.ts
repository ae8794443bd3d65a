import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, loginSuccess, mark } from '../attempts.ts';
import { takePeer } from '../peer.ts';

export const murmur: Program = {
  id: 'murmur',
  title: { zh: 'Mumble 语音服务', en: 'Mumble voice server' },
  tags: ['murmurd', 'murmur', 'mumble-server', 'mumble-serve'],
  open,
};

/** `<W>2026-11-22 02:27:01.818 1 => <4:name(-1)> Rejected connection from 192.0.2.1:29530: Invalid server password`: the name comes first, so the last one counts. */
function open(): ProgramDecoder {
  return {
    decode(message, event) {
      if (!line(message, event)) return false;
      event.kind = 'application';
      event.service = 'murmur';
      return true;
    },
  };
}

function line(message: string, event: Event): boolean {
  const name = message.indexOf('=> <');
  const rejected = message.lastIndexOf('> Rejected connection from ');
  if (rejected > 0 && name >= 0) {
    const end = message.indexOf(': ', rejected + 27);
    if (end < 0 || !takePeer(message.slice(rejected + 27, end), event)) return false;
    const colon = message.indexOf(':', name);
    const paren = message.lastIndexOf('(', rejected);
    if (colon > 0 && paren > colon) event.user = message.slice(colon + 1, paren);
    const reason = message.slice(end + 2);
    return /password|certificate/i.test(reason) ? loginFailure(event) : mark(event, 'network', 'reject', 'failure');
  }
  if (name >= 0 && message.endsWith('> Authenticated')) {
    const colon = message.indexOf(':', name);
    event.user = message.slice(colon + 1, message.lastIndexOf('('));
    return loginSuccess(event);
  }
  return false;
}
