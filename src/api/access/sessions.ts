/** Sessions of people and tokens of programs: made, found by their secret, ended. */
import { createHash, randomBytes } from 'node:crypto';
import { type Account, type AccountStore, type ApiToken, permissionsOf, type Role, type Session } from '../../core/account.ts';
import type { Actor } from '../contract/route.ts';

/** A session ends after so long without use, and after so long in any case. */
const idleMs = 8 * 3_600_000;
const longestMs = 7 * 86_400_000;
/** What was seen is written no more often. */
const seenEveryMs = 60_000;
export const tokenPrefix = 'moat_';

const secretOf = (): string => randomBytes(32).toString('base64url');
const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export function beginSession(accounts: AccountStore, account: Account, from: { address: string; agent: string }, now: number): { secret: string; session: Session } {
  const secret = secretOf();
  const session: Session = { digest: digestOf(secret), account: account.id, created: now, seen: now, expires: now + idleMs, address: from.address, agent: from.agent.slice(0, 200), csrf: secretOf() };
  accounts.saveSession(session);
  return { secret, session };
}

export function findSession(accounts: AccountStore, secret: string, now: number): { session: Session; account: Account } | undefined {
  const session = accounts.session(digestOf(secret));
  if (session === undefined || session.expires <= now) return undefined;
  const account = accounts.account(session.account);
  if (account === undefined || account.disabled) return undefined;
  if (now - session.seen < seenEveryMs) return { session, account };
  const seen = { ...session, seen: now, expires: Math.min(now + idleMs, session.created + longestMs) };
  accounts.saveSession(seen);
  return { session: seen, account };
}

export function makeToken(accounts: AccountStore, account: Account, given: { name: string; role: Role; expires: number }, now: number): { secret: string; token: ApiToken } {
  const secret = tokenPrefix + secretOf();
  const token: ApiToken = { id: randomBytes(6).toString('hex'), digest: digestOf(secret), account: account.id, created: now, ...given };
  accounts.saveToken(token);
  return { secret, token };
}

/** A token may never do more than its account may now. */
export function findToken(accounts: AccountStore, secret: string, now: number): Actor | undefined {
  const token = accounts.token(digestOf(secret));
  if (token === undefined || token.expires <= now) return undefined;
  const account = accounts.account(token.account);
  if (account === undefined || account.disabled) return undefined;
  if (now - (token.seen ?? 0) >= seenEveryMs) accounts.saveToken({ ...token, seen: now });
  const own = permissionsOf(account.role);
  const may = new Set([...permissionsOf(token.role)].filter((permission) => own.has(permission)));
  return { account: account.id, name: account.name, role: token.role, may, session: undefined, by: `token:${account.name}/${token.name}` };
}

export const actorOf = (account: Account, session: Session): Actor => ({ account: account.id, name: account.name, role: account.role, may: permissionsOf(account.role), session: session.digest, by: `account:${account.name}` });
