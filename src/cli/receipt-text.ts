/** Receipts as commands tell them. */
import { userInfo } from 'node:os';
import type { Receipt } from '../core/action.ts';

/** For whom the server runs a command, else whoever types: the account before sudo, where there was one. */
export const operator = (): string => process.env['MOAT_OPERATOR'] ?? `operator:${process.env['SUDO_USER'] ?? userInfo().username}`;

/** Without the former state, which is Moat's own. */
export function receiptJson({ history, created, changed, until, ...receipt }: Receipt): object {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return { ...receipt, state: undefined, created: iso(created), changed: iso(changed), ...(until !== undefined && { until: iso(until) }), history: history.map((one) => ({ ...one, time: iso(one.time) })) };
}
