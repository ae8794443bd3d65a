import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { canonicalAddress, isHost } from '../address.ts';
import { tell } from '../tell.ts';

/** The small SSH server of embedded systems. A name in quotes is the client's, the address stands last. */
export const dropbear: Program = {
  id: 'dropbear',
  title: { zh: 'Dropbear SSH 服务器', en: 'Dropbear SSH server' },
  tags: ['dropbear'],
  open: (): ProgramDecoder => ({ decode }),
};

function decode(message: string, event: Event): boolean {
  if (event.pid !== undefined) event.session = String(event.pid);
  const lower = message.charCodeAt(0) | 32;
  if (lower === 101 && /^exit /i.test(message)) return exit(message, event);
  if (/^(?:Child connection|Connection) from /.test(message)) { fromEnd(message, event); return tell(event, 'sshd', 'dropbear', 'network', 'connect', 'unknown'); }
  if (!fromEnd(message, event)) return false;
  if (/^bad (?:PAM )?password attempt for /i.test(message) || /^login attempt (?:for nonexistent|with wrong) user/i.test(message)) {
    event.user = quoted(message);
    if (lower === 98) event.method = 'password';
    return tell(event, 'sshd', 'dropbear', 'authentication', 'login', 'failure');
  }
  const accepted = /^(Password|PAM password|Pubkey) auth succeeded for /i.exec(message);
  if (accepted !== null) {
    event.user = quoted(message);
    event.method = accepted[1]!.toLowerCase() === 'pubkey' ? 'publickey' : 'password';
    return tell(event, 'sshd', 'dropbear', 'authentication', 'login', 'success');
  }
  if (/^(?:root login rejected|user '.{0,256}' (?:has invalid shell|has blank password|is locked|not in the allowed group)|login attempt )/i.test(message)) {
    event.user = quoted(message);
    return tell(event, 'sshd', 'dropbear', 'authentication', 'login', 'failure');
  }
  return false;
}

/** Exit before auth[ from <ADDRESS:PORT>]: (user 'NAME', N fails): WHY */
function exit(message: string, event: Event): boolean {
  const framed = /^Exit (?:before auth )?(?:\(.{1,256}\) )?from <([0-9A-Fa-f.:[\]%a-z]{2,64}):(\d{1,5})>: /i.exec(message);
  if (framed !== null) { event.source_ip = canonicalAddress(framed[1]!); event.source_port = Number(framed[2]); }
  else fromEnd(message, event);
  if (!/^exit before auth/i.test(message)) {
    event.user = /^Exit \((.{1,256})\)/i.exec(message)?.[1];
    return tell(event, 'sshd', 'dropbear', 'session', 'logout', 'success');
  }
  const user = quoted(message);
  event.user = user;
  // The attempts have their own lines; a client that went without one only probed.
  if (user !== undefined) return tell(event, 'sshd', 'dropbear', 'authentication', 'login-detail', 'failure');
  return tell(event, 'sshd', 'dropbear', 'network', 'probe', event.source_ip === undefined ? 'unknown' : 'failure');
}

/** Text between the first quote and the last: the name may hold quotes itself. */
function quoted(message: string): string | undefined {
  const first = message.indexOf("'");
  const from = message.lastIndexOf(' from ');
  const end = message.lastIndexOf("'", from > first ? from : message.length);
  if (first < 0 || end <= first) return undefined;
  // "(user 'x', 3 fails): … - user 'x' from": the first pair is the name.
  const comma = message.indexOf("', ", first);
  return message.slice(first + 1, comma > first && comma < end ? comma : end);
}

/** ` from ADDRESS:PORT` at the end of the line. */
function fromEnd(message: string, event: Event): boolean {
  const at = message.lastIndexOf(' from ');
  if (at < 0) return false;
  const rest = message.slice(at + 6);
  const colon = rest.lastIndexOf(':');
  const port = colon > 0 && /^\d{1,5}$/.test(rest.slice(colon + 1)) ? Number(rest.slice(colon + 1)) : undefined;
  const address = port === undefined ? rest : rest.slice(0, colon);
  if (!isHost(address)) return false;
  event.source_ip = canonicalAddress(address);
  event.source_port = port;
  return true;
}
