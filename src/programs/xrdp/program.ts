import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { canonicalAddress, isHost } from '../address.ts';
import { tell } from '../tell.ts';

/** Remote desktop (RDP). The name is the client's choice, the address stands last but the time. */
export const xrdp: Program = {
  id: 'xrdp',
  title: { zh: '远程桌面（xrdp）', en: 'remote desktop (xrdp)' },
  tags: ['xrdp', 'xrdp-sesman'],
  open: (): ProgramDecoder => ({ decode }),
};

function decode(raw: string, event: Event): boolean {
  const level = /^\[[A-Z]{3,9} {0,3}\] /.exec(raw);
  const message = level === null ? raw : raw.slice(level[0].length);
  if (message.startsWith('AUTHFAIL: user=')) {
    const tail = / time=\d{1,12}$/.exec(message);
    const end = tail === null ? message.length : tail.index;
    const at = message.lastIndexOf(' ip=', end);
    const address = at > 0 ? message.slice(at + 4, end) : '';
    // Without the address at its end the line is cut or forged: who it was is not known.
    if (!isHost(address)) return false;
    event.user = message.slice(15, at);
    event.source_ip = canonicalAddress(address);
    return tell(event, 'auth', 'xrdp', 'authentication', 'login', 'failure');
  }
  const accepted = /^(?:Access permitted for user: |login was successful - user |login successful for user )(\S{1,256})/.exec(message);
  if (accepted !== null) { event.user = accepted[1]; return tell(event, 'auth', 'xrdp', 'authentication', 'login', 'success'); }
  const connected = /^Socket \d{1,6}: (?:AF_INET6? )?connection (?:received|accepted) from (?:AF_INET6? )?(\[?[0-9A-Fa-f.:]{2,60}\]?)(?::| port )(\d{1,5})$/i.exec(message);
  if (connected !== null) {
    event.source_ip = canonicalAddress(connected[1]!);
    event.source_port = Number(connected[2]);
    return tell(event, 'auth', 'xrdp', 'network', 'connect', 'unknown');
  }
  return false;
}
