/** One-time codes (TOTP, RFC 6238) and recovery codes. */
import { createHash, randomBytes } from 'node:crypto';
import { generateSecret, generateURI, verifySync } from 'otplib';
import type { Account } from '../../core/account.ts';

const stepSeconds = 30;
const recoveryCodes = 10;
const digest = (code: string): string => createHash('sha256').update(code.replace(/[\s-]/g, '').toLowerCase()).digest('hex');

export const newTotp = (name: string, host: string): { secret: string; uri: string } => {
  const secret = generateSecret();
  return { secret, uri: generateURI({ issuer: `Moat ${host}`, label: name, secret }) };
};

/** The time step of a right code, one step early or late with it; undefined for a wrong one, and for one not later than `after`. */
export function totpStep(secret: string, code: string, now: number, after: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const current = Math.floor(now / 1000 / stepSeconds);
  for (const step of [current - 1, current, current + 1]) {
    if (step > after && verifySync({ secret, token: code, epoch: step * stepSeconds, epochTolerance: 0 }).valid) return step;
  }
  return undefined;
}

/** To be shown once, and what is kept of them. */
export function newRecovery(): { codes: string[]; digests: string[] } {
  const codes = Array.from({ length: recoveryCodes }, () => randomBytes(8).toString('hex').replace(/(.{4})(?=.)/g, '$1-'));
  return { codes, digests: codes.map(digest) };
}

/** The account with the second factor used up; undefined when the code is none. */
export function useCode(account: Account, code: string, now: number): Account | undefined {
  // One that is not confirmed yet is none.
  const totp = account.totp?.confirmed ? account.totp : undefined;
  const step = totp && totpStep(totp.secret, code.replace(/\s/g, ''), now, totp.step);
  if (totp && step !== undefined) return { ...account, totp: { ...totp, step } };
  const used = digest(code);
  return account.recovery.includes(used) ? { ...account, recovery: account.recovery.filter((one) => one !== used) } : undefined;
}
