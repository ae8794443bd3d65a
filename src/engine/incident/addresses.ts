/** Of an inner network: a neighbour. */
export function isPrivate(address: string): boolean {
  if (address.includes(':')) return /^f[cd]/i.test(address);
  const [a = Number.NaN, b = 0] = address.split('.', 2).map(Number);
  return a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 100 && b >= 64 && b < 128);
}
