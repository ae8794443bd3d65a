/** The network that an address belongs to, as far as people move within one. */

/** 192.0.2.7 → 192.0.2.0/24, 2001:db8:1:2::7 → 2001:db8:1:2::/64; a host name stays as it is. */
export function networkOf(address: string): string {
  if (address.includes(':')) return `${firstGroups(address, 4)}::/64`;
  const dot = address.lastIndexOf('.');
  return dot > 0 && /^\d{1,3}(?:\.\d{1,3}){3}$/.test(address) ? `${address.slice(0, dot)}.0/24` : address.slice(0, 255);
}

function firstGroups(address: string, n: number): string {
  const plain = address.slice(0, 64).split('%', 1)[0] ?? '';
  const [left = '', right = ''] = plain.split('::', 2);
  const head = left === '' ? [] : left.split(':');
  const tail = right === '' ? [] : right.split(':');
  const groups = plain.includes('::') ? [...head, ...Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0'), ...tail] : head;
  return groups.slice(0, n).join(':');
}
