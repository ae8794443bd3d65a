import { canonicalIp } from '../../core/address.ts';
import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { mark } from '../attempts.ts';

export const named: Program = {
  id: 'named',
  title: { zh: '域名服务（BIND、NSD、Unbound）', en: 'name servers (BIND, NSD, Unbound)' },
  tags: ['named', 'named-sdb', 'named-chroot', 'bind', 'bind9', 'nsd', 'unbound'],
  open,
};

/** `[time ][category: ][level: ]client [@0x… ]192.0.2.1#4321 (name): query 'x/ANY/IN' denied`; NSD: `[…]info: axfr for x from 192.0.2.1 refused, no acl matches`. */
function open(): ProgramDecoder {
  return {
    decode(message, event) {
      if (!bind(message, event) && !nsd(message, event)) return false;
      event.category = 'network';
      event.service = (event.process_name ?? '').startsWith('nsd') ? 'nsd' : 'named';
      return true;
    },
  };
}

/** Heads before `client` are the daemon's; the name asked for stands behind the address. */
function bind(message: string, event: Event): boolean {
  const at = message.indexOf('client ');
  if (at < 0 || at > 80) return false;
  let start = at + 7;
  if (message.charCodeAt(start) === 64) start = message.indexOf(' ', start) + 1;
  const hash = message.indexOf('#', start);
  if (hash < 0 || hash - start > 46) return false;
  event.source_ip = canonicalIp(message.slice(start, hash));
  if (event.source_ip === undefined) return false;
  const port = Number.parseInt(message.slice(hash + 1, hash + 6), 10);
  if (port > 0) event.source_port = port;
  // The verdict is the end of the line, or a word of the daemon's own behind the quoted question.
  if (message.endsWith(' denied') || message.includes('\' denied (') || message.includes('bad zone transfer request: ')) return mark(event, 'network', 'reject', 'failure');
  if (message.includes(': rate limit ') || message.includes(' rate limit ')) return mark(event, 'network', 'reject', 'unknown');
  return mark(event, 'network', 'query', 'unknown');
}

function nsd(message: string, event: Event): boolean {
  const refused = message.indexOf(' refused, ');
  if (refused > 0) {
    const blank = message.lastIndexOf(' ', refused - 1);
    event.source_ip = canonicalIp(message.slice(blank + 1, refused).replace(/@\d{1,5}$/, ''));
    return event.source_ip !== undefined && mark(event, 'network', 'reject', 'failure');
  }
  const query = message.lastIndexOf(' query ');
  if (query < 0 || !message.includes('ratelimit block ') || !message.endsWith(' TYPE255')) return false;
  event.source_ip = canonicalIp(message.slice(query + 7, -8).replace(/@\d{1,5}$/, ''));
  return event.source_ip !== undefined && mark(event, 'network', 'reject', 'failure');
}
