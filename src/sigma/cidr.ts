/** IP addresses and networks as bits. */

/** A network: `bits` is the address as a big integer of `width` bits, of which the first `prefix` count. */
export interface Network { width: 32 | 128; bits: bigint; prefix: number }

/** The address's value, or undefined when it is none. IPv4-mapped IPv6 addresses are IPv4; a zone (%eth0) is ignored. */
function parseAddress(text: string): { width: 32 | 128; bits: bigint } | undefined {
  if (text.length > 64) return undefined;
  if (!text.includes(':')) {
    const bits = parseV4(text);
    return bits === undefined ? undefined : { width: 32, bits };
  }
  const zone = text.indexOf('%');
  const bits = parseV6(zone < 0 ? text : text.slice(0, zone));
  if (bits === undefined) return undefined;
  return bits >> 32n === 0xffffn ? { width: 32, bits: bits & 0xffff_ffffn } : { width: 128, bits };
}

/** A network in CIDR notation; a bare address is a network of one. Undefined when it is none or has host bits set. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/');
  const head = slash < 0 ? text : text.slice(0, slash);
  const address = head.includes(':') ? v6(head) : v4(head);
  if (!address) return undefined;
  const length = slash < 0 ? String(address.width) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length) || Number(length) > address.width) return undefined;
  const prefix = Number(length);
  const host = (1n << BigInt(address.width - prefix)) - 1n;
  return (address.bits & host) === 0n ? { ...address, prefix } : undefined;
}

// Rules ask of one event's address after another network: the latest text is read once.
let latestText = '';
let latest: ReturnType<typeof parseAddress>;

/** Whether the address text lies in the network. Text that is no address lies in none. */
export function inNetwork(text: string, network: Network): boolean {
  if (text !== latestText) { latest = parseAddress(text); latestText = text; }
  const address = latest;
  if (!address) return false;
  if (address.width !== network.width) {
    // An IPv4 address also lies in an IPv6 network that covers the mapped range.
    return network.width === 128 && (0xffffn << 32n | address.bits) >> BigInt(128 - network.prefix) === network.bits >> BigInt(128 - network.prefix);
  }
  const shift = BigInt(network.width - network.prefix);
  return address.bits >> shift === network.bits >> shift;
}

const v4 = (text: string): { width: 32; bits: bigint } | undefined => { const bits = parseV4(text); return bits === undefined ? undefined : { width: 32, bits }; };
const v6 = (text: string): { width: 128; bits: bigint } | undefined => { const bits = parseV6(text); return bits === undefined ? undefined : { width: 128, bits }; };

function parseV4(text: string): bigint | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  let bits = 0;
  for (let i = 1; i <= 4; i++) {
    const octet = Number(match[i]);
    if (octet > 255) return undefined;
    bits = bits * 256 + octet;
  }
  return BigInt(bits);
}

function parseV6(text: string): bigint | undefined {
  let body = text;
  const groups: number[] = [];
  const lastColon = body.lastIndexOf(':');
  let tail: number[] = [];
  if (body.includes('.')) {
    const embedded = parseV4(body.slice(lastColon + 1));
    if (embedded === undefined) return undefined;
    tail = [Number(embedded >> 16n), Number(embedded & 0xffffn)];
    body = body.slice(0, lastColon);
    if (body.endsWith(':')) body += ':'; // "::192.0.2.1" lost one of its two colons
  }
  const halves = body.split('::');
  if (halves.length > 2) return undefined;
  const read = (half: string): number[] | undefined => {
    if (half === '') return [];
    const out: number[] = [];
    for (const group of half.split(':')) {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      out.push(Number.parseInt(group, 16));
    }
    return out;
  };
  const left = read(halves[0]!);
  const right = halves.length === 2 ? read(halves[1]!) : [];
  if (!left || !right) return undefined;
  const missing = 8 - left.length - right.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  groups.push(...left, ...Array.from({ length: missing }, () => 0), ...right, ...tail);
  let bits = 0n;
  for (const group of groups) bits = bits << 16n | BigInt(group);
  return bits;
}
