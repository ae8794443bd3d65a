/** Accounts, sessions and tokens of the server. */
import type { Account, AccountStore, ApiToken, Elevation, SavedQuery, Session } from '../../core/account.ts';
import { StoreError } from '../error.ts';
import { type Database, guarded, type Row, transaction, unsyncedTransaction } from './driver.ts';
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
  const seenSession = db.prepare('UPDATE session SET expires = ?, value = ? WHERE digest = ?');
  const session = db.prepare('SELECT value FROM session WHERE digest = ?');
  const sessions = db.prepare('SELECT value FROM session WHERE account = ? ORDER BY created DESC');
  const dropSession = db.prepare('DELETE FROM session WHERE digest = ?');
  const dropSessions = db.prepare('DELETE FROM session WHERE account = ? AND digest <> ?');
  const dropOldest = db.prepare('DELETE FROM session WHERE account = ? AND digest NOT IN (SELECT digest FROM session WHERE account = ? ORDER BY created DESC LIMIT ?)');
  const putToken = db.prepare('INSERT INTO api_token (id, digest, account, expires, value) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value');
  const seenToken = db.prepare('UPDATE api_token SET value = ? WHERE id = ?');
  const token = db.prepare('SELECT value FROM api_token WHERE digest = ?');
  const tokens = db.prepare('SELECT value FROM api_token ORDER BY id');
  const dropToken = db.prepare('DELETE FROM api_token WHERE id = ?');
  const dropTokens = db.prepare('DELETE FROM api_token WHERE account = ?');
  const oldSessions = db.prepare('DELETE FROM session WHERE expires < ?');
  const oldTokens = db.prepare('DELETE FROM api_token WHERE expires < ?');

  const elevation = db.prepare('SELECT value FROM elevation WHERE id = ?');
  const elevations = db.prepare('SELECT value FROM elevation ORDER BY created DESC LIMIT 1000');
  const elevationsOf = db.prepare('SELECT value FROM elevation WHERE account = ? ORDER BY created DESC LIMIT 100');
  const putElevation = db.prepare('INSERT INTO elevation (id, account, until, created, value) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET until = excluded.until, value = excluded.value');
  const oldElevations = db.prepare('DELETE FROM elevation WHERE until < ?');
  const dropElevations = db.prepare('DELETE FROM elevation WHERE account = ?');
  const queries = db.prepare('SELECT value FROM saved_query ORDER BY id');
  const putQuery = db.prepare('INSERT OR REPLACE INTO saved_query (id, account, value) VALUES (?, ?, ?)');
  const dropQuery = db.prepare('DELETE FROM saved_query WHERE id = ?');
  const dropQueries = db.prepare('DELETE FROM saved_query WHERE account = ?');

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
      dropElevations.run(id);
      dropQueries.run(id);
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
    sawSession: (one) => { read(() => unsyncedTransaction(db, () => seenSession.run(one.expires, JSON.stringify(one), one.digest))); },
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
    sawToken: (one) => { read(() => unsyncedTransaction(db, () => seenToken.run(JSON.stringify(one), one.id))); },
    endToken: (id) => read(() => Number(dropToken.run(id).changes) > 0),

    queries: () => read(() => values(queries.all(), 'saved query') as SavedQuery[]),
    saveQuery(query) { read(() => { putQuery.run(query.id, query.account, JSON.stringify(query)); }); },
    removeQuery: (id) => read(() => Number(dropQuery.run(id).changes) > 0),

    elevations: (account) => read(() => values(account === undefined ? elevations.all() : elevationsOf.all(account), 'elevation') as Elevation[]),
    elevation: (id) => read(() => value(elevation.get(id), 'elevation') as Elevation | undefined),
    saveElevation(one) { read(() => { putElevation.run(one.id, one.account, one.until, one.created, JSON.stringify(one)); }); },

    prune(now) {
      read(() => transaction(db, () => {
        oldSessions.run(now);
        oldTokens.run(now);
        oldElevations.run(now - 30 * 86_400_000);
      }));
    },
  };
}
