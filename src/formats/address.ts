/** Reading addresses as logs write them. Pure text; nothing is resolved. */

/**
 * The canonical text of an IP address: dotted IPv4; IPv6 in lower case with the longest run of zeros as `::`
 * (RFC 5952), without zone id or brackets, an IPv4-mapped one as IPv4. Undefined when it is no address.
 */
export function canonicalIp(text: string): string | undefined {
  if (isIpv4(text, 0, text.length)) return text;
  if (text.length > 64 || !text.includes(':')) return undefined;
  let address = text;
  if (address.charCodeAt(0) === 91 && address.endsWith(']')) address = address.slice(1, -1);
  const zone = address.indexOf('%');
  if (zone > 0) address = address.slice(0, zone);
  const words = ipv6Words(address);
  if (!words) return undefined;
  if (words[5] === 0xffff && words.every((word, i) => i >= 5 || word === 0)) return v4(words[6] ?? 0, words[7] ?? 0);
  return ipv6Text(words);
}

/** True when text[start, end) is a dotted IPv4 address of four decimal numbers. No allocation: on the hot path. */
export function isIpv4(text: string, start: number, end: number): boolean {
  if (end - start < 7 || end - start > 15) return false;
  let value = 0;
  let digits = 0;
  let dots = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      value = value * 10 + code - 48;
      if (++digits > 3 || value > 255) return false;
    } else if (code === 46 && digits > 0) {
      dots++;
      value = 0;
      digits = 0;
    } else return false;
  }
  return dots === 3 && digits > 0;
}

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
 * (one's own proxy or load balancer), then the rightmost address of the header that is not private. What stands
 * left of it may be the client's own invention.
 */
export function clientBehindProxy(peer: string, forwarded: string | undefined): string {
  if (forwarded === undefined || forwarded.length === 0 || forwarded.length > 1000 || !isPrivate(peer)) return peer;
  const hops = forwarded.split(',');
  let found = peer;
  for (let i = hops.length - 1; i >= 0; i--) {
    const hop = addressAndPort((hops[i] ?? '').trim());
    if (!hop) break;
    found = hop.ip;
    if (!isPrivate(hop.ip)) break;
  }
  return found;
}

/** A host name or address that may stand where a log puts the peer. */
export function looksLikeHost(text: string): boolean {
  return text.length > 1 && text.length <= 253 && hostPattern.test(text);
}
const hostPattern = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/;

function v4(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function ipv6Words(text: string): number[] | undefined {
  let source = text;
  const dot = source.indexOf('.');
  if (dot > 0) { // the last 32 bits in dotted form
    const colon = source.lastIndexOf(':');
    if (colon < 0 || !isIpv4(source, colon + 1, source.length)) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = source.slice(colon + 1).split('.').map(Number);
    source = `${source.slice(0, colon + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  }
  const gap = source.indexOf('::');
  if (gap >= 0 && source.includes('::', gap + 1)) return undefined;
  const left = words(gap < 0 ? source : source.slice(0, gap));
  const right = gap < 0 ? [] : words(source.slice(gap + 2));
  if (!left || !right) return undefined;
  const missing = 8 - left.length - right.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined;
  return [...left, ...Array.from<number>({ length: missing }).fill(0), ...right];
}

function words(text: string): number[] | undefined {
  if (text === '') return [];
  const out: number[] = [];
  for (const part of text.split(':')) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
    out.push(Number.parseInt(part, 16));
  }
  return out.length > 8 ? undefined : out;
}

function ipv6Text(all: readonly number[]): string {
  let best = -1;
  let bestLength = 1; // a single zero is not shortened
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (all[i + length] === 0) length++;
    if (length > bestLength) {
      best = i;
      bestLength = length;
    }
    if (length > 0) i += length;
  }
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':');
  return best < 0 ? hex(all) : `${hex(all.slice(0, best))}::${hex(all.slice(best + bestLength))}`;
}
