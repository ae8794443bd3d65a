/** IP addresses as logs write them. Pure text; nothing is resolved. */

/**
 * The canonical text of an IP address: dotted IPv4; IPv6 in lower case with the longest run of zeros as `::`
 * (RFC 5952), without zone id or brackets, an IPv4-mapped one as IPv4. Undefined when it is no address.
 */
export function canonicalIp(text: string): string | undefined {
  if (isIpv4(text, 0, text.length)) return text;
  // How dual-stack daemons write every IPv4 peer.
  if (text.startsWith('::ffff:') && isIpv4(text, 7, text.length)) return text.slice(7);
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
  const left = groups(gap < 0 ? source : source.slice(0, gap));
  const right = gap < 0 ? [] : groups(source.slice(gap + 2));
  if (!left || !right) return undefined;
  const missing = 8 - left.length - right.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined;
  return [...left, ...Array.from<number>({ length: missing }).fill(0), ...right];
}

function groups(text: string): number[] | undefined {
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

/** Whether an address is one of the internet: not private, link-local, loopback, multicast, shared by a carrier, or for tests of networks. Documentation ranges count as public. */
export function isPublic(address: string): boolean {
  if (address.includes(':')) return /^[23]/.test(address);
  const dot = address.indexOf('.');
  const a = Number(dot < 0 ? address : address.slice(0, dot));
  if (a === 0 || a === 10 || a === 127 || a >= 224 || Number.isNaN(a)) return false;
  const b = dot < 0 ? 0 : Number(address.slice(dot + 1).split('.', 1)[0]);
  return !((a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128) || (a === 198 && (b === 18 || b === 19)));
}
