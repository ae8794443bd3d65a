import { canonicalIp } from '../../core/address.ts';
import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { Attempts, failedLogin, loginSuccess, mark } from '../attempts.ts';
import { Recent } from '../recent.ts';

export const strongswan: Program = {
  id: 'strongswan',
  title: { zh: 'strongSwan IPsec', en: 'strongSwan IPsec' },
  tags: ['charon', 'charon-systemd', 'ipsec', 'strongswan', 'charon-nm'],
  open,
};

/**
 * `06[IKE] <name|83> text`. Only the packet lines of a connection (83) name the peer; the thread number is the
 * fall-back before a connection has its number.
 */
function open(): ProgramDecoder {
  const attempts = new Attempts();
  const peers = new Recent<string, string>(2048);
  return {
    decode(message, event) {
      const head = /^(\d{1,3})\[([A-Z]{3})\] (?:<(?:([^|>]{0,128})\|)?(\d{1,10})> )?/.exec(message);
      if (head === null) return false;
      const text = message.slice(head[0].length);
      const key = head[4] ?? `t${head[1]}`;
      const ip = peerOf(text);
      if (ip !== undefined) peers.set(key, ip);
      event.source_ip = ip ?? peers.get(key);
      event.session = head[4];
      event.service = 'strongswan';
      return told(text, event, attempts, `${event.source_ip ?? ''} ${key}`);
    },
  };
}

/** `received packet: from 192.0.2.1[500] to …`, `sending packet: from … to 192.0.2.1[500]`, `192.0.2.1 is initiating …` */
function peerOf(text: string): string | undefined {
  if (text.startsWith('received packet: from ')) return canonicalIp(text.slice(22, text.indexOf('[', 22)));
  if (text.startsWith('sending packet: from ')) {
    const to = text.indexOf('] to ');
    return to < 0 ? undefined : canonicalIp(text.slice(to + 5, text.indexOf('[', to + 5)));
  }
  const is = text.indexOf(' is initiating ');
  return is > 0 ? canonicalIp(text.slice(0, is)) : undefined;
}

function told(text: string, event: Event, attempts: Attempts, key: string): boolean {
  if (text.startsWith('EAP-MS-CHAPv2 verification failed')) return failedLogin(event, attempts, 0, 1, key);
  if (/^EAP method .{1,40} failed for peer /.test(text)) {
    event.user = text.slice(text.indexOf(' failed for peer ') + 17);
    return failedLogin(event, attempts, 1, 1, key);
  }
  if (text.startsWith('authentication of \'') && text.endsWith(' failed') || text.startsWith('XAuth authentication of \'') && text.endsWith(' failed') || text.startsWith('RADIUS authentication of \'') && text.endsWith(' failed')
    || text.startsWith('tried ') && text.includes(' shared key') || text.startsWith('no shared key found for ') || text.startsWith('no trusted ') || text.startsWith('calculated HASH does not match')) {
    return failedLogin(event, attempts, 1, 1, key);
  }
  if (text.startsWith('no EAP key found for hosts ')) {
    const user = text.lastIndexOf(' - \'');
    if (user > 0) event.user = text.slice(user + 4, -1);
    return mark(event, 'authentication', 'login-detail', 'failure');
  }
  if (text.startsWith('EAP-MS-CHAPv2 username: \'')) {
    event.user = text.slice(25, -1);
    return mark(event, 'authentication', 'login-start', 'unknown');
  }
  if (text.startsWith('authentication of \'') && text.endsWith(' successful')) {
    if (text.includes('(myself)')) return mark(event, 'authentication', 'login-detail', 'unknown');
    event.user = text.slice(19, text.lastIndexOf('\' with '));
    return loginSuccess(event);
  }
  if (text.startsWith('no IKE config found') || text.startsWith('no proposal found') || text.startsWith('no matching peer config found') || text.startsWith('received unsupported IKE version')) return mark(event, 'network', 'probe', 'failure');
  return mark(event, 'network', 'message', 'unknown');
}
