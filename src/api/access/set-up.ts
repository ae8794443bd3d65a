/** The one-time link by which the first owner is made: nothing works before, and no password is there by default. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AccountStore } from '../../core/account.ts';

const lifeMs = 3_600_000;
const digest = (secret: string): Buffer => createHash('sha256').update(secret).digest();

export class SetUp {
  private readonly accounts: AccountStore;
  private readonly now: () => number;
  private current: { digest: Buffer; until: number } | undefined;

  constructor(accounts: AccountStore, now: () => number) {
    this.accounts = accounts;
    this.now = now;
  }

  get isNeeded(): boolean { return !this.accounts.accounts().some(({ role, disabled }) => role === 'owner' && !disabled); }

  /** A new secret, good for an hour and once; the one before is void. Undefined when there is an owner. */
  begin(): string | undefined {
    if (!this.isNeeded) return undefined;
    const secret = randomBytes(24).toString('base64url');
    this.current = { digest: digest(secret), until: this.now() + lifeMs };
    return secret;
  }

  isRight(secret: string): boolean {
    return this.current !== undefined && this.now() < this.current.until && this.isNeeded && timingSafeEqual(digest(secret), this.current.digest);
  }

  end(): void { this.current = undefined; }
}
