/** Who asks, as limits count it. */
import { canonicalIp } from '../../core/address.ts';
import { network6Of } from '../../core/networks.ts';

/** An IPv4 address; of IPv6 the /64, in which one subscriber may take a new address for each request. What is no address stays as it is. */
export function callerOf(address: string): string {
  const plain = canonicalIp(address) ?? address;
  return network6Of(plain, 64) ?? plain;
}
