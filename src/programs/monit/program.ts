import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, mark } from '../attempts.ts';
import { takePeer } from '../peer.ts';

export const monit: Program = {
  id: 'monit',
  title: { zh: 'Monit 监控页面', en: 'Monit web console' },
  tags: ['monit'],
  open,
};

/** `HttpRequest: access denied -- client 192.0.2.1: wrong password for user 'x'`; before 5.18 `Warning: Client '192.0.2.1' supplied unknown user 'x' …`. */
function open(): ProgramDecoder {
  return {
    decode(message, event) {
      const at = message.startsWith('error    : ') ? 11 : 0;
      if (!line(message, at, event)) return false;
      event.kind = 'application';
      event.service = 'monit';
      return true;
    },
  };
}

function line(message: string, at: number, event: Event): boolean {
  if (message.startsWith('Warning: Client \'', at)) {
    const quote = message.indexOf('\'', at + 17);
    if (quote < 0 || !takePeer(message.slice(at + 17, quote), event) || !message.startsWith(' supplied ', quote + 1)) return false;
    event.user = quoted(message, quote + 1);
    return loginFailure(event);
  }
  if (!message.startsWith('HttpRequest: access denied -- client ', at)) return false;
  const start = at + 37;
  const end = message.indexOf(': ', start);
  if (end < 0 || !takePeer(message.slice(start, end), event)) return false;
  const reason = message.slice(end + 2);
  if (reason.startsWith('empty password') || reason.startsWith('wrong password for user \'') || reason.startsWith('unknown user \'') && !reason.startsWith('unknown user \'\'')) {
    event.user = quoted(message, end);
    return loginFailure(event);
  }
  // A browser that asks before it sends a name.
  return mark(event, 'network', 'request', 'unknown');
}

function quoted(message: string, at: number): string | undefined {
  const open = message.indexOf(' user \'', at);
  const close = message.lastIndexOf('\'');
  return open > 0 && close > open + 7 ? message.slice(open + 7, close) : undefined;
}
