/** Addresses behind which many people are: to cut one off cuts off all of them. */
import { isPublic } from '../../core/address.ts';
import type { Alert } from '../../core/alert.ts';

/**
 * Named in the configuration, or one's own proxy or load balancer: where a web server's log names a private address, the site is mostly
 * behind one whose log does not say for whom it asks. Who attacks from inside by other ways (SSH) is not meant.
 */
export function isOfMany(address: string, alert: Pick<Alert, 'evidence'> | undefined, isNamed: ((address: string) => boolean) | undefined): boolean {
  return isNamed?.(address) === true || (!isPublic(address) && alert?.evidence.some(({ category }) => category === 'web') === true);
}
