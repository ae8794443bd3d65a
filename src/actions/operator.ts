/** Whose the process is that asks: the account it was logged on with, before sudo and su. */
import type { Procfs } from '../linux/procfs.ts';

const unset = 4_294_967_295;
const chainMax = 100;

/** User ids: the one the kernel noted at log-on (pam_loginuid), else those of the processes above it that are not root's, else root. */
export function operatorsOf(procfs: Procfs, pid: number): Set<number> {
  const noted = Number(procfs.read(`${pid}/loginuid`, 32)?.trim() || Number.NaN);
  const found = new Set<number>();
  if (Number.isInteger(noted) && noted !== unset) found.add(noted);
  for (let at = pid, i = 0; at > 1 && i < chainMax; i++) {
    const real = procfs.uids(at)?.real;
    if (real !== undefined && real !== 0) found.add(real);
    at = procfs.stat(at)?.parentPid ?? 0;
  }
  if (found.size === 0) found.add(0);
  return found;
}

/** The process of whoever asks, as input names it. */
export const askerOf = (value: unknown): { asker?: number } => (typeof value === 'number' && Number.isInteger(value) && value > 0 ? { asker: value } : {});
