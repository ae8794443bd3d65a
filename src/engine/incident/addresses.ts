/** Whether an address is one of the internet: not private, link-local, loopback, multicast, or shared by a carrier. Documentation ranges count as public. */
export function isPublic(address: string): boolean {
  if (address.includes(':')) return /^[23]/.test(address);
  const [a = Number.NaN, b = 0] = address.split('.', 2).map(Number);
  if (Number.isNaN(a) || a === 0 || a === 10 || a === 127 || a >= 224) return false;
  return !((a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128));
}

/** Of an inner network: a neighbour. */
export function isPrivate(address: string): boolean {
  if (address.includes(':')) return /^f[cd]/i.test(address);
  const [a = Number.NaN, b = 0] = address.split('.', 2).map(Number);
  return a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 100 && b >= 64 && b < 128);
}
