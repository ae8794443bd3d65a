/** Sessions of people and tokens of programs: made, found by their secret, ended. */
import { createHash, randomBytes } from 'node:crypto';
import { type Account, type AccountStore, type ApiToken, type Permission, permissionsOf, type Role, roles, type Scope, type Session } from '../../core/account.ts';
import type { Actor } from '../contract/route.ts';

/** A session ends after so long without use, and after so long in any case. */
const idleMs = 8 * 3_600_000;
const longestMs = 7 * 86_400_000;
/** What was seen is written no more often. */
const seenEveryMs = 60_000;
export const tokenPrefix = 'moat_';

/** Where this machine stands. */
export interface Place { group: string | undefined; environment: 'dev' | 'test' | 'production' }

/** An account that is for other hosts may do nothing here but look after itself, and read where its scope says so. */
const isWithin = (scope: Scope | undefined, { group, environment }: Place): boolean =>
  (scope?.groups === undefined || (group !== undefined && scope.groups.includes(group))) && (scope?.environments === undefined || scope.environments.includes(environment));

/** The role that an account has now: its own, or the one that somebody granted for a while. It falls back by itself when that time is over. */
function roleNow(accounts: Pick<AccountStore, 'elevations'>, account: Account, now: number): { role: Role; until?: number } {
  const granted = accounts.elevations(account.id).filter(({ state, until }) => state === 'granted' && until > now);
  const best = granted.toSorted((a, b) => roles.indexOf(a.role) - roles.indexOf(b.role))[0];
  return best !== undefined && roles.indexOf(best.role) < roles.indexOf(account.role) ? { role: best.role, until: best.until } : { role: account.role };
}

function mayOf(role: Role, scope: Scope | undefined, place: Place): ReadonlySet<Permission> {
  if (isWithin(scope, place)) return permissionsOf(role);
  return new Set(scope?.outside === 'read' ? [...permissionsOf(role)].filter((one) => one === 'read') : []);
}
const outsideOf = (place: Place, ...scopes: (Scope | undefined)[]): { outside?: Scope } => { const outside = scopes.find((scope) => !isWithin(scope, place)); return outside ? { outside } : {}; };

const scopesOf = (...scopes: (Scope | undefined)[]): Scope[] => scopes.filter((one) => one !== undefined);

const secretOf = (): string => randomBytes(32).toString('base64url');
const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export function beginSession(accounts: AccountStore, account: Account, from: { address: string; agent: string }, now: number): { secret: string; session: Session } {
  const secret = secretOf();
  const session: Session = { digest: digestOf(secret), account: account.id, created: now, seen: now, expires: now + idleMs, address: from.address, agent: from.agent.slice(0, 200), csrf: secretOf() };
  accounts.saveSession(session);
  return { secret, session };
}

/** `isUse`: somebody asked for something, and the session lives on; a stream that is merely open must not keep it. */
export function findSession(accounts: AccountStore, secret: string, now: number, isUse: boolean): { session: Session; account: Account } | undefined {
  const session = accounts.session(digestOf(secret));
  if (session === undefined || session.expires <= now) return undefined;
  const account = accounts.account(session.account);
  if (account === undefined || account.disabled) return undefined;
  if (!isUse || now - session.seen < seenEveryMs) return { session, account };
  const seen = { ...session, seen: now, expires: Math.min(now + idleMs, session.created + longestMs) };
  accounts.sawSession(seen);
  return { session: seen, account };
}

export function makeToken(accounts: AccountStore, account: Account, given: { name: string; role: Role; expires: number; scope?: Scope }, now: number): { secret: string; token: ApiToken } {
  const secret = tokenPrefix + secretOf();
  const token: ApiToken = { id: randomBytes(6).toString('hex'), digest: digestOf(secret), account: account.id, created: now, ...given };
  accounts.saveToken(token);
  return { secret, token };
}

/** A token may never do more than its account may now. */
export function findToken(accounts: AccountStore, secret: string, now: number, place: Place, isUse: boolean): Actor | undefined {
  const token = accounts.token(digestOf(secret));
  if (token === undefined || token.expires <= now) return undefined;
  const account = accounts.account(token.account);
  if (account === undefined || account.disabled) return undefined;
  if (isUse && now - (token.seen ?? 0) >= seenEveryMs) accounts.sawToken({ ...token, seen: now });
  // Rights for a while are a person's: its tokens do not have them.
  const own = mayOf(account.role, account.scope, place);
  const may = new Set([...mayOf(token.role, token.scope, place)].filter((permission) => own.has(permission)));
  return { account: account.id, name: account.name, role: token.role, may, grants: may, scopes: scopesOf(account.scope, token.scope), session: undefined, by: `token:${account.name}/${token.name}`, ...outsideOf(place, token.scope, account.scope) };
}

export function actorOf(accounts: AccountStore, account: Account, session: Session, now: number, place: Place): Actor {
  const { role, until } = roleNow(accounts, account, now);
  return { account: account.id, name: account.name, role, may: mayOf(role, account.scope, place), grants: mayOf(account.role, account.scope, place), scopes: scopesOf(account.scope), session: session.digest, by: `account:${account.name}`, ...(until !== undefined && { elevated: until }), ...outsideOf(place, account.scope) };
}
