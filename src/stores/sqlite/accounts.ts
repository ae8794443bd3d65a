/** Accounts, sessions and tokens of the server. */
import type { Account, AccountStore, ApiToken, Session } from '../../core/account.ts';
import { StoreError } from '../error.ts';
import { type Database, guarded, type Row, transaction } from './driver.ts';
import { fromJson } from './events.ts';

/** More people than a team has; what creates them by the thousand is a fault or an attack. */
const mostAccounts = 1000;
/** The oldest of one account give way to new ones. */
const mostSessions = 20;
const mostTokens = 50;
const lower = (name: string): string => name.normalize('NFKC').toLowerCase();

export function openAccounts(db: Database, file: string): AccountStore {
  const put = db.prepare('INSERT INTO account (id, name, value) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, value = excluded.value');
  const byId = db.prepare('SELECT value FROM account WHERE id = ?');
  const byName = db.prepare('SELECT value, id FROM account WHERE name = ?');
  const all = db.prepare('SELECT value FROM account ORDER BY name');
  const size = db.prepare('SELECT count(*) AS n FROM account');
  const drop = db.prepare('DELETE FROM account WHERE id = ?');
  const putSession = db.prepare('INSERT INTO session (digest, account, created, expires, value) VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET expires = excluded.expires, value = excluded.value');
  const session = db.prepare('SELECT value FROM session WHERE digest = ?');
  const sessions = db.prepare('SELECT value FROM session WHERE account = ? ORDER BY created DESC');
  const dropSession = db.prepare('DELETE FROM session WHERE digest = ?');
  const dropSessions = db.prepare('DELETE FROM session WHERE account = ? AND digest <> ?');
  const dropOldest = db.prepare('DELETE FROM session WHERE account = ? AND digest NOT IN (SELECT digest FROM session WHERE account = ? ORDER BY created DESC LIMIT ?)');
  const putToken = db.prepare('INSERT INTO api_token (id, digest, account, expires, value) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value');
  const token = db.prepare('SELECT value FROM api_token WHERE digest = ?');
  const tokens = db.prepare('SELECT value FROM api_token ORDER BY id');
  const dropToken = db.prepare('DELETE FROM api_token WHERE id = ?');
  const dropTokens = db.prepare('DELETE FROM api_token WHERE account = ?');
  const oldSessions = db.prepare('DELETE FROM session WHERE expires < ?');
  const oldTokens = db.prepare('DELETE FROM api_token WHERE expires < ?');

  const read = <T>(work: () => T): T => guarded(file, work);
  const value = (row: Row | undefined, what: string): unknown => (row === undefined ? undefined : fromJson(row['value']!, file, what));
  const values = (rows: Row[], what: string): unknown[] => rows.map((row) => value(row, what));
  const tokensOf = (account?: string): ApiToken[] => (values(tokens.all(), 'token') as ApiToken[]).filter((one) => account === undefined || one.account === account);

  return {
    account: (id) => read(() => value(byId.get(id), 'account') as Account | undefined),
    byName: (name) => read(() => value(byName.get(lower(name)), 'account') as Account | undefined),
    accounts: () => read(() => values(all.all(), 'account') as Account[]),
    save(account) {
      read(() => transaction(db, () => {
        const other = byName.get(lower(account.name));
        if (other !== undefined && other['id'] !== account.id) throw new StoreError('input', `expected a name that no account has, got ${account.name}`);
        if (byId.get(account.id) === undefined && Number(size.get()!['n']) >= mostAccounts) throw new StoreError('input', `expected at most ${mostAccounts} accounts, got more`);
        put.run(account.id, lower(account.name), JSON.stringify(account));
      }));
    },
    remove: (id) => read(() => transaction(db, () => {
      dropSessions.run(id, '');
      dropTokens.run(id);
      return Number(drop.run(id).changes) > 0;
    })),

    session: (digest) => read(() => value(session.get(digest), 'session') as Session | undefined),
    sessions: (account) => read(() => values(sessions.all(account), 'session') as Session[]),
    saveSession(one) {
      read(() => transaction(db, () => {
        putSession.run(one.digest, one.account, one.created, one.expires, JSON.stringify(one));
        dropOldest.run(one.account, one.account, mostSessions);
      }));
    },
    endSessions: (account, except = '') => read(() => Number(dropSessions.run(account, except).changes)),
    endSession: (digest) => read(() => Number(dropSession.run(digest).changes) > 0),

    token: (digest) => read(() => value(token.get(digest), 'token') as ApiToken | undefined),
    tokens: (account) => read(() => tokensOf(account)),
    saveToken(one) {
      read(() => transaction(db, () => {
        if (!tokensOf(one.account).some(({ id }) => id === one.id) && tokensOf(one.account).length >= mostTokens) throw new StoreError('input', `expected at most ${mostTokens} tokens of one account, got more`);
        putToken.run(one.id, one.digest, one.account, one.expires, JSON.stringify(one));
      }));
    },
    endToken: (id) => read(() => Number(dropToken.run(id).changes) > 0),

    prune(now) {
      read(() => transaction(db, () => {
        oldSessions.run(now);
        oldTokens.run(now);
      }));
    },
  };
}
