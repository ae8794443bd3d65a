/** Who may use this Moat: accounts, their sessions and tokens, roles, more rights for a while. Never a password, a digest or a secret, but a token's own once. */
import * as z from 'zod';
import { permissions, roles } from '../../core/account.ts';
import { count, time } from './common.ts';

export const role = z.enum(roles);
export type Role = z.infer<typeof role>;
/** Hosts that it is for; all where it is left out. `outside`: on the others it may only read, or nothing when left out. */
export const scope = z.strictObject({ groups: z.array(z.string().min(1).max(64)).max(100).readonly().optional(), environments: z.array(z.enum(['dev', 'test', 'production'])).max(3).readonly().optional(), outside: z.literal('read').optional() });
export type Scope = z.infer<typeof scope>;

/** Whoever is logged on. */
export const me = z.strictObject({ name: z.string(), role, may: z.array(z.string()), csrf: z.string(), expires: time, totp: z.boolean(), recovery_left: z.number().int(), passkeys: z.number().int(), /** Rights for a while end then. */ elevated: time.optional(), /** The account is for other hosts than this one: it may do nothing here, or only read. */ elsewhere: z.boolean() });
export type Me = z.infer<typeof me>;
export const account = z.strictObject({ scope: scope.optional(), passkeys: z.number().int(), id: z.string(), name: z.string(), role, created: time, disabled: z.boolean(), totp: z.boolean(), password_changed: time, last_log_on: z.strictObject({ time, address: z.string() }).optional() });
export type Account = z.infer<typeof account>;
/** `id`: the beginning of its digest, of no use to log on. */
export const session = z.strictObject({ id: z.string(), current: z.boolean(), created: time, seen: time, expires: time, address: z.string(), agent: z.string() });
export type Session = z.infer<typeof session>;
export const sessionsEnded = z.strictObject({ ended: count });
export const roleEntry = z.strictObject({ role, may: z.array(z.enum(permissions)).readonly() });
export type RoleEntry = z.infer<typeof roleEntry>;
export const recoveryCodes = z.strictObject({ recovery: z.array(z.string()) });

export const apiToken = z.strictObject({ scope: scope.optional(), id: z.string(), name: z.string(), account: z.string(), role, created: time, expires: time, seen: time.optional() });
export type ApiToken = z.infer<typeof apiToken>;
/** The secret is told this once. */
export const tokenMade = z.strictObject({ secret: z.string(), token: apiToken });
export type TokenMade = z.infer<typeof tokenMade>;

export const elevation = z.strictObject({ id: z.string(), account: z.string(), name: z.string(), role, why: z.string(), minutes: z.number(), created: time, until: time, state: z.enum(['waiting', 'granted', 'rejected', 'ended', 'over']), answered: z.strictObject({ by: z.string(), time }).optional(), own: z.boolean() });
export type Elevation = z.infer<typeof elevation>;
