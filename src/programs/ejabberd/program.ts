import { canonicalIp } from '../../core/address.ts';
import type { Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, loginSuccess } from '../attempts.ts';

export const ejabberd: Program = {
  id: 'ejabberd',
  title: { zh: 'ejabberd 即时通讯服务', en: 'ejabberd messaging server' },
  tags: ['ejabberd'],
  open,
};

/**
 * `(tls|<0.479.0>) Failed c2s PLAIN authentication for x@example.com from 192.0.2.1: Invalid username or password`,
 * before 17 `Failed authentication for x from IP 192.0.2.1 ({{192,0,2,1},4321})`. The account comes first, so the
 * last ` from ` with an address counts.
 */
function open(): ProgramDecoder {
  return {
    decode(message, event) {
      const failed = message.indexOf(' Failed ');
      const accepted = message.indexOf(' Accepted ');
      const at = failed >= 0 ? failed : accepted;
      const verb = message.indexOf(' authentication ', at);
      if (at < 0 || verb < 0 || verb - at > 60) return false;
      let from = message.lastIndexOf(' from ');
      for (; from >= verb + 15; from = message.lastIndexOf(' from ', from - 1)) {
        const start = message.startsWith('IP ', from + 6) ? from + 9 : from + 6;
        const text = /^[^\s(]{2,60}/.exec(message.slice(start, start + 61))?.[0] ?? '';
        const ip = canonicalIp(text.endsWith(':') ? text.slice(0, -1) : text);
        if (ip === undefined) continue;
        event.source_ip = ip;
        break;
      }
      if (from > verb + 20 && message.startsWith('for ', verb + 16)) event.user = message.slice(verb + 20, from);
      event.kind = 'application';
      event.service = 'ejabberd';
      return failed >= 0 ? loginFailure(event) : loginSuccess(event);
    },
  };
}
