import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { canonicalAddress } from '../address.ts';
import { tell } from '../tell.ts';

/**
 * VNC servers (TigerVNC, TightVNC, x11vnc). TigerVNC tells of a failure without the address: the client that
 * connected last is taken, which with several at once may be another's; they are few on a screen.
 */
export const vnc: Program = {
  id: 'vnc',
  title: { zh: 'VNC 远程桌面', en: 'VNC servers' },
  tags: ['xvnc', 'vncserver', 'x0vncserver', 'x11vnc', 'xtightvnc', 'xtigervnc', 'vino-server'],
  open: () => new VncDecoder(),
};

class VncDecoder implements ProgramDecoder {
  #last: string | undefined;

  decode(raw: string, event: Event): boolean {
    const message = raw.trimStart();
    const accepted = /^Connections: {0,2}accepted: (\[?[0-9A-Fa-f.:]{2,60}?\]?)::?(\d{1,5})$/.exec(message);
    if (accepted !== null) {
      this.#last = canonicalAddress(accepted[1]!);
      event.source_ip = this.#last;
      event.source_port = Number(accepted[2]);
      return tell(event, 'auth', 'vnc', 'network', 'connect', 'unknown');
    }
    const refused = /^Connections: {0,2}(?:blacklisted|rejected): (\[?[0-9A-Fa-f.:]{2,60}?\]?)(?:::?\d{1,5})?$/.exec(message);
    if (refused !== null) {
      event.source_ip = canonicalAddress(refused[1]!);
      return tell(event, 'auth', 'vnc', 'authentication', 'connection-refused', 'failure');
    }
    const named = /authentication failed from ([0-9A-Fa-f.:]{2,60})$/.exec(message) ?? /client \[?([0-9A-Fa-f.:]{2,60})\]? .{0,40}password check failed/.exec(message);
    if (named !== null || /^SConnection: {0,2}AuthFailureException/.test(message)) {
      event.source_ip = named === null ? this.#last : canonicalAddress(named[1]!);
      event.method = 'password';
      return tell(event, 'auth', 'vnc', 'authentication', 'login', 'failure');
    }
    return false;
  }
}
