/** Who may use the server: people with accounts, programs with tokens, and what each role may do. */

/** Told in this order where they are listed: the first may most. */
export const roles = ['owner', 'administrator', 'responder', 'analyst', 'auditor', 'reader'] as const;
export type Role = (typeof roles)[number];

/**
 * read      everything but the audit log and accounts
 * triage    close alerts; change incidents
 * hunt      SQL over what is stored and over the live state
 * act       plan, do and undo actions, run playbooks
 * approve   answer what waits for a person
 * audit     the audit log
 * accounts  accounts, their sessions and tokens, of all but owners
 * owners    accounts of owners
 * system    settings, sensors, reload
 */
export const permissions = ['read', 'triage', 'hunt', 'act', 'approve', 'audit', 'accounts', 'owners', 'system'] as const;
export type Permission = (typeof permissions)[number];

const granted: Readonly<Record<Role, readonly Permission[]>> = {
  owner: permissions,
  administrator: ['read', 'triage', 'hunt', 'act', 'approve', 'audit', 'accounts', 'system'],
  responder: ['read', 'triage', 'hunt', 'act', 'approve'],
  analyst: ['read', 'triage', 'hunt'],
  auditor: ['read', 'audit'],
  reader: ['read'],
};

export const permissionsOf = (role: Role): ReadonlySet<Permission> => new Set(granted[role]);
/** Whether this role may do all that the permissions say: nobody hands out more than they have. */
export const covers = (may: ReadonlySet<Permission>, role: Role): boolean => granted[role].every((permission) => may.has(permission));

/** Whether all hosts of `given` are among those of `held`, those it may only read too: nobody hands out hosts that they are not for. */
export const isScopeWithin = (given: Scope | undefined, held: Scope): boolean =>
  (given?.outside === undefined || held.outside === given.outside || (held.groups === undefined && held.environments === undefined))
  && (held.groups === undefined || given?.groups?.every((one) => held.groups!.includes(one)) === true) && (held.environments === undefined || given?.environments?.every((one) => held.environments!.includes(one)) === true);

/** Names stand in the audit log and in addresses: letters, digits and a few signs. */
export const accountName = /^[A-Za-z0-9\u4e00-\u9fff][A-Za-z0-9\u4e00-\u9fff._@-]{0,63}$/;

/** Times are Unix ms. */
export interface Account {
  id: string;
  /** Unique, whatever the case of its letters. */
  name: string;
  role: Role;
  created: number;
  /** May not log in, and its sessions and tokens are of no use. */
  disabled: boolean;
  /** argon2id in PHC form. */
  password: string;
  passwordChanged: number;
  /** Base32 secret; `step` is the latest time step that was used, so that no code is used twice. Unconfirmed ones ask for no code yet. */
  totp?: { secret: string; confirmed: boolean; step: number };
  /** SHA-256 (hex) of recovery codes that were not used. */
  recovery: readonly string[];
  lastLogIn?: { time: number; address: string };
  scope?: Scope;
  passkeys?: readonly Passkey[];
}

/** Known by the SHA-256 (hex) of its secret: who reads the database cannot use it. */
export interface Session { digest: string; account: string; created: number; seen: number; expires: number; address: string; agent: string; /** Sent back with every change. */ csrf: string }

export interface ApiToken {
  id: string;
  digest: string;
  account: string;
  name: string;
  /** At most what its account may do. */
  role: Role;
  created: number;
  expires: number;
  seen?: number;
  scope?: Scope;
}

/** SQL that somebody kept. */
export interface SavedQuery { id: string; account: string; name: string; sql: string; by: string; created: number; shared: boolean }

/**
 * More rights for a while. waiting: nobody has answered; granted: holds until `until`, and falls back by itself; ended: given back, or taken
 * away before. Times are Unix ms.
 */
export interface Elevation { id: string; account: string; name: string; role: Role; why: string; minutes: number; created: number; /** Of the question, then of the rights. */ until: number; state: 'waiting' | 'granted' | 'rejected' | 'ended'; answered?: { by: string; time: number } }

/** Which hosts an account or token is for; all where a list is left out. `outside`: what it may do on the others; nothing when left out. */
export interface Scope { groups?: readonly string[]; environments?: readonly ('dev' | 'test' | 'production')[]; outside?: 'read' }

/** A passkey: its public key, and how often it signed. */
export interface Passkey { id: string; name: string; key: string; counter: number; transports?: readonly string[]; created: number; used?: number; /** The device says that it may be copied to others of its owner. */ synced: boolean }

/** Durable when a call returns. Throws StoreError. */
export interface AccountStore {
  account(id: string): Account | undefined;
  byName(name: string): Account | undefined;
  accounts(): Account[];
  /** A new one, or one that is there. Throws StoreError 'input' when another has the name. */
  save(account: Account): void;
  /** With its sessions and tokens. */
  remove(id: string): boolean;

  session(digest: string): Session | undefined;
  sessions(account: string): Session[];
  saveSession(session: Session): void;
  /** When it was last used: nobody waits for the disk, and one that ended meanwhile stays ended. */
  sawSession(session: Session): void;
  /** Of one account; all but `except`. Returns how many. */
  endSessions(account: string, except?: string): number;
  endSession(digest: string): boolean;

  token(digest: string): ApiToken | undefined;
  tokens(account?: string): ApiToken[];
  saveToken(token: ApiToken): void;
  sawToken(token: ApiToken): void;
  endToken(id: string): boolean;

  queries(): SavedQuery[];
  saveQuery(query: SavedQuery): void;
  removeQuery(id: string): boolean;

  /** Of one account when it is named; the newest first. */
  elevations(account?: string): Elevation[];
  elevation(id: string): Elevation | undefined;
  saveElevation(elevation: Elevation): void;

  /** Drops sessions and tokens that have expired, and elevations a month after their end. */
  prune(now: number): void;
}
