import { canonicalIp } from '../../core/address.ts';
import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { Attempts, failedLogin, loginSuccess, mark } from '../attempts.ts';
import { portAfter } from '../peer.ts';

export const openvpn: Program = {
  id: 'openvpn',
  title: { zh: 'OpenVPN 服务', en: 'OpenVPN server' },
  tags: ['openvpn', 'ovpn', 'ovpn-*', 'openvpn-*', 'openvpn@*', 'openvpn(*'],
  open,
};

function open(): ProgramDecoder {
  const attempts = new Attempts();
  return {
    decode(message, event) {
      if (!line(message, event, attempts)) return false;
      event.service = 'openvpn';
      return true;
    },
  };
}

/**
 * `192.0.2.1:1194 text`, `name/192.0.2.1:1194 text` (the name comes from the certificate) or `text … from
 * [AF_INET]192.0.2.1:1194`. Names inside the text are the client's, so the peer is the first word or the last.
 */
function line(message: string, event: Event, attempts: Attempts): boolean {
  const blank = message.indexOf(' ');
  const first = blank < 0 ? message : message.slice(0, blank);
  let text = message;
  let named = false;
  if (peer(first, event)) {
    text = message.slice(blank + 1);
    named = first.includes('/');
  } else {
    const family = message.lastIndexOf('[AF_INET');
    const close = message.indexOf(']', family);
    if (family < 0 || close < 0) return false;
    const end = message.indexOf(' ', close);
    const address = message.slice(close + 1, end < 0 ? undefined : end).replace(/[,;:]$/, '');
    if (!withPort(address, event)) return false;
  }
  return told(text, named, event, attempts);
}

function told(text: string, named: boolean, event: Event, attempts: Attempts): boolean {
  if (text.startsWith('TLS Auth Error: ')) return failedLogin(event, attempts, 0);
  if (text.includes('AUTH_FAILED') && (text.startsWith('SENT CONTROL') || text.startsWith('AUTH: Received control message: ') || text.startsWith('PUSH:'))) return failedLogin(event, attempts, 1);
  if (text.startsWith('VERIFY ERROR: ') || text.startsWith('VERIFY KU ERROR') || text.startsWith('VERIFY EKU ERROR') || text.startsWith('VERIFY X509NAME ERROR') || text.startsWith('VERIFY SCRIPT ERROR')) return failedLogin(event, attempts, 2);
  if (text.startsWith('TLS Error: ') || text.startsWith('TLS_ERROR: ')) return mark(event, 'network', 'probe', 'failure');
  if (text.includes('Bad encapsulated packet length from peer') || text.startsWith('Authenticate/Decrypt packet error')) return mark(event, 'network', 'probe', 'failure');
  if (text.startsWith('SIGUSR1[soft,') || text.startsWith('SIGTERM[soft,')) {
    // Whoever leaves before a name is known never logged in.
    return named ? mark(event, 'session', 'session-end', 'success') : mark(event, 'network', 'probe', text.includes('connection-reset') || text.includes('tls-error') ? 'failure' : 'unknown');
  }
  if (text.includes('Peer Connection Initiated with ')) {
    const name = /^\[(.{1,64})\] Peer Connection Initiated with /.exec(text);
    if (name === null || name[1] === 'UNDEF') return mark(event, 'network', 'connect', 'success');
    event.user = name[1];
    return loginSuccess(event);
  }
  if (text.startsWith('TCP connection established with ')) return mark(event, 'network', 'connect', 'success');
  return mark(event, 'network', 'message', 'unknown');
}

function peer(word: string, event: Event): boolean {
  const bare = word.startsWith('[AF_INET') ? word.slice(word.indexOf(']') + 1) : word;
  if (withPort(bare, event)) return true;
  const slash = bare.lastIndexOf('/');
  if (slash < 0) return false;
  if (withPort(bare.slice(slash + 1), event)) {
    event.user = bare.slice(0, slash);
    return true;
  }
  if (!withPort(bare.slice(0, slash), event)) return false;
  event.user = bare.slice(slash + 1);
  return true;
}

/** OpenVPN writes the port behind the last colon always, IPv6 addresses without brackets included. */
function withPort(text: string, event: Event): boolean {
  const colon = text.lastIndexOf(':');
  const ip = colon > 0 ? canonicalIp(text.slice(0, colon)) : undefined;
  if (ip === undefined || portAfter(text, colon, event) !== text.length) return false;
  event.source_ip = ip;
  return true;
}
