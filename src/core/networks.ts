/** Addresses and networks as numbers: IPv4 one word of 32 bits, IPv6 four. Nothing here allocates on look-up. */

/** 4 or 6 when text[start, end) is an address, whose words then stand in `out` (one or four); 0 when it is none. An IPv4-mapped one is IPv4. */
export function parseAddress(text: string, start: number, end: number, out: Uint32Array): 0 | 4 | 6 {
  const v4 = parseV4(text, start, end);
  if (v4 >= 0) { out[0] = v4; return 4; }
  return parseV6(text, start, end, out);
}

/** -1 when text[start, end) is no dotted IPv4 address. */
function parseV4(text: string, start: number, end: number): number {
  if (end - start < 7 || end - start > 15) return -1;
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      part = part * 10 + code - 48;
      if (++digits > 3 || part > 255) return -1;
    } else if (code === 46 && digits > 0 && dots < 3) {
      value = value * 256 + part;
      part = digits = 0;
      dots++;
    } else return -1;
  }
  return dots === 3 && digits > 0 ? value * 256 + part : -1;
}

const groups = new Uint16Array(8);

function parseV6(text: string, start: number, end: number, out: Uint32Array): 0 | 4 | 6 {
  let stop = end;
  if (end - start < 2 || end - start > 64) return 0;
  const zone = text.indexOf('%', start);
  if (zone > start && zone < stop) stop = zone;
  let count = 0;
  let gap = -1;
  let at = start;
  if (text.charCodeAt(at) === 58) {
    if (text.charCodeAt(at + 1) !== 58) return 0;
    gap = 0;
    at += 2;
  }
  while (at < stop) {
    let value = 0;
    let digits = 0;
    const begin = at;
    for (; at < stop; at++) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0) break;
      value = value * 16 + digit;
      if (++digits > 4) return 0;
    }
    if (text.charCodeAt(at) === 46 && at < stop) { // the last 32 bits in dotted form
      const v4 = parseV4(text, begin, stop);
      if (v4 < 0 || count > 6) return 0;
      groups[count++] = v4 >>> 16;
      groups[count++] = v4 & 0xffff;
      break;
    }
    if (digits === 0 || count >= 8) return 0;
    groups[count++] = value;
    if (at >= stop) break;
    if (text.charCodeAt(at) !== 58) return 0;
    at++;
    if (at < stop && text.charCodeAt(at) === 58) {
      if (gap >= 0) return 0;
      gap = count;
      at++;
    } else if (at >= stop) return 0;
  }
  if (gap < 0 ? count !== 8 : count > 7) return 0;
  if (gap >= 0) {
    const shift = 8 - count;
    for (let i = count - 1; i >= gap; i--) groups[i + shift] = groups[i]!;
    for (let i = gap; i < gap + shift; i++) groups[i] = 0;
  }
  for (let i = 0; i < 4; i++) out[i] = ((groups[i * 2]! << 16) | groups[i * 2 + 1]!) >>> 0;
  if (out[0] === 0 && out[1] === 0 && out[2] === 0xffff) { out[0] = out[3]!; return 4; }
  return 6;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** `203.0.113.0/24`, or the plain address when the network holds one. */
export function networkText(words: ArrayLike<number>, version: 4 | 6, bits: number): string {
  const full = version === 4 ? 32 : 128;
  const tail = bits === full ? '' : `/${bits}`;
  if (version === 4) { const v = words[0]!; return `${v >>> 24}.${(v >>> 16) & 255}.${(v >>> 8) & 255}.${v & 255}${tail}`; }
  const all = Array.from({ length: 8 }, (_, i) => ((words[i >> 1]! >>> (i % 2 === 0 ? 16 : 0)) & 0xffff).toString(16));
  let best = -1;
  let longest = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (all[i + n] === '0') n++;
    if (n > longest) { best = i; longest = n; }
    i += n;
  }
  return (best < 0 ? all.join(':') : `${all.slice(0, best).join(':')}::${all.slice(best + longest).join(':')}`) + tail;
}

/** Clears the bits behind the first `bits`. */
export function maskTo(words: Uint32Array, version: 4 | 6, bits: number): void {
  const count = version === 4 ? 1 : 4;
  for (let i = 0; i < count; i++) {
    const keep = Math.min(32, Math.max(0, bits - i * 32));
    words[i] = keep === 0 ? 0 : (words[i]! & (0xffffffff << (32 - keep))) >>> 0;
  }
}

/** The fewest networks that make up the IPv4 addresses from first to last, at most 62. */
export function* networksOfRange(first: number, last: number): Iterable<{ from: number; bits: number }> {
  let from = first;
  while (from <= last) {
    let bits = 32;
    while (bits > 0) {
      const size = 2 ** (33 - bits);
      if (from % size !== 0 || from + size - 1 > last) break;
      bits--;
    }
    yield { from, bits };
    from += 2 ** (32 - bits);
  }
}

/** An address or network as people and lists write it. */
export interface Network {
  /** As one writes it: `203.0.113.0/24`, host bits cleared; a plain address when it holds one. */
  text: string;
  version: 4 | 6;
  bits: number;
  /** The first address: one word or four. */
  words: readonly number[];
}

const networkMax = 80;
const full6 = 128;

/** Undefined when the text is neither an address nor an address with a prefix length. An IPv4-mapped one is IPv4. */
export function parseNetwork(text: string): Network | undefined {
  if (text.length > networkMax) return undefined;
  const slash = text.indexOf('/');
  const end = slash < 0 ? text.length : slash;
  const words = new Uint32Array(4);
  const version = parseAddress(text, 0, end, words);
  if (version === 0) return undefined;
  const full = version === 4 ? 32 : 128;
  const prefix = slash < 0 ? '' : text.slice(slash + 1);
  if (slash >= 0 && !/^\d{1,3}$/.test(prefix)) return undefined;
  // The prefix of an IPv4-mapped address counts from the front of the IPv6 one.
  const bits = slash < 0 ? full : Number(prefix) - (version === 4 && text.includes(':') ? 96 : 0);
  if (bits < 0 || bits > full) return undefined;
  maskTo(words, version, bits);
  return { text: networkText(words, version, bits), version, bits, words: Array.from(words.subarray(0, version === 4 ? 1 : 4)) };
}

/** The network of this many bits that an IPv6 address lies in; undefined for IPv4, for what is no address, and for 128 bits. */
export function network6Of(address: string, bits: number): string | undefined {
  if (bits >= full6 || !address.includes(':')) return undefined;
  const words = new Uint32Array(4);
  if (parseAddress(address, 0, address.length, words) !== 6) return undefined;
  maskTo(words, 6, bits);
  return networkText(words, 6, bits);
}

/** Whether `outer` holds all of `inner`. */
export function holds(outer: Network, inner: Network): boolean {
  if (outer.version !== inner.version || outer.bits > inner.bits) return false;
  const masked = Uint32Array.from(inner.words);
  maskTo(masked, outer.version, outer.bits);
  return outer.words.every((word, i) => word === masked[i]);
}

/** Sorted, without those that another one holds, neighbours joined into the network that is exactly both. */
export function mergeNetworks(networks: Iterable<Network>): Network[] {
  const byOrder = (a: Network, b: Network): number => {
    if (a.version !== b.version) return a.version - b.version;
    for (let i = 0; i < a.words.length; i++) if (a.words[i] !== b.words[i]) return a.words[i]! - b.words[i]!;
    return a.bits - b.bits;
  };
  const out: Network[] = [];
  for (let next of [...networks].sort(byOrder)) {
    const before = out.at(-1);
    if (before && holds(before, next)) continue;
    for (let last = out.at(-1); last !== undefined; last = out.at(-1)) {
      const both = parentOf(last, next);
      if (both === undefined) break;
      out.pop();
      next = both;
    }
    out.push(next);
  }
  return out;
}

/** The network that is exactly these two. */
function parentOf(a: Network, b: Network): Network | undefined {
  if (a.version !== b.version || a.bits !== b.bits || a.bits === 0) return undefined;
  const words = Uint32Array.from(a.words);
  maskTo(words, a.version, a.bits - 1);
  const parent: Network = { text: networkText(words, a.version, a.bits - 1), version: a.version, bits: a.bits - 1, words: Array.from(words.subarray(0, a.words.length)) };
  return holds(parent, b) ? parent : undefined;
}
