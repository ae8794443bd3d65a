import { canonicalIp } from '../core/address.ts';

/** Reading addresses as logs write them. Pure text; nothing is resolved. */

/** An address with or without port: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`, `::ffff:192.0.2.1:80`. */
export function addressAndPort(text: string): { ip: string; port?: number } | undefined {
  const whole = canonicalIp(text);
  const colon = text.lastIndexOf(':');
  // Eight groups are a whole IPv6 address; `2001:db8::1:5555` cannot be told from one and is taken as one,
  // except that a last group of more than four digits can only be a port.
  if (whole !== undefined) return { ip: whole };
  if (colon <= 0) return undefined;
  const port = Number(text.slice(colon + 1));
  const ip = canonicalIp(text.slice(0, colon));
  if (ip === undefined || !Number.isInteger(port) || port < 0 || port > 65535) return undefined;
  return { ip, port };
}

/** For logs that always write the port: the last colon divides even an IPv6 address without brackets. */
export function addressBeforePort(text: string): { ip: string; port?: number } | undefined {
  const colon = text.lastIndexOf(':');
  const ip = colon < 0 ? undefined : canonicalIp(text.slice(0, colon));
  const port = Number(text.slice(colon + 1));
  return ip === undefined || !Number.isInteger(port) ? addressAndPort(text) : { ip, port };
}

/** Loopback, link-local, private (RFC 1918, RFC 4193) and carrier-grade addresses: where one's own proxies are. */
export function isPrivate(ip: string): boolean {
  if (ip.includes(':')) return ip === '::1' || ip.startsWith('fe8') || ip.startsWith('fe9') || ip.startsWith('fea') || ip.startsWith('feb') || ip.startsWith('fc') || ip.startsWith('fd');
  if (ip.startsWith('10.') || ip.startsWith('127.') || ip.startsWith('192.168.') || ip.startsWith('169.254.')) return true;
  if (!ip.startsWith('172.') && !ip.startsWith('100.')) return false;
  const second = Number(ip.slice(4, ip.indexOf('.', 4)));
  return ip.startsWith('172.') ? second >= 16 && second < 32 : second >= 64 && second < 128;
}

/**
 * Whom to hold to account when a log gives the peer and an X-Forwarded-For header: the peer, unless it is private
 * (one's own proxy or load balancer), then the rightmost address of the header that is not private, or the rightmost
 * at all when all are. What stands left of it may be the client's own invention.
 */
export function clientBehindProxy(peer: string, forwarded: string | undefined): string {
  if (forwarded === undefined || forwarded.length === 0 || forwarded.length > 1000 || !isPrivate(peer)) return peer;
  const hops = forwarded.split(',');
  let nearest: string | undefined;
  for (let i = hops.length - 1; i >= 0; i--) {
    const hop = addressAndPort((hops[i] ?? '').trim());
    if (!hop) break;
    if (!isPrivate(hop.ip)) return hop.ip;
    nearest ??= hop.ip;
  }
  return nearest ?? peer;
}

/** A host name or address that may stand where a log puts the peer. */
export function looksLikeHost(text: string): boolean {
  return text.length > 1 && text.length <= 253 && hostPattern.test(text);
}
const hostPattern = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/;
