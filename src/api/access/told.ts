/** Accounts and tokens that tell the live stream when they change, whoever changes them: what others look at is old then. */
import type { AccountStore } from '../../core/account.ts';
import type { Feed } from '../feed.ts';

/** What was seen of a session or token once more (its last use) is no change. */
export function toldAccounts(accounts: AccountStore, feed: Pick<Feed, 'tell'>): AccountStore {
  const account = (id: string): void => feed.tell('account', id);
  return {
    ...accounts,
    save(one) { accounts.save(one); account(one.id); },
    remove(id) {
      const tokens = accounts.tokens(id);
      const gone = accounts.remove(id);
      if (gone) { account(id); for (const token of tokens) feed.tell('token', token.id); }
      return gone;
    },
    saveSession(session) {
      const isNew = accounts.session(session.digest) === undefined;
      accounts.saveSession(session);
      if (isNew) account(session.account);
    },
    endSessions(id, except) {
      const ended = accounts.endSessions(id, except);
      if (ended > 0) account(id);
      return ended;
    },
    endSession(digest) {
      const id = accounts.session(digest)?.account;
      const ended = accounts.endSession(digest);
      if (ended && id !== undefined) account(id);
      return ended;
    },
    saveToken(token) {
      const isNew = accounts.token(token.digest) === undefined;
      accounts.saveToken(token);
      if (isNew) feed.tell('token', token.id);
    },
    endToken(id) {
      const ended = accounts.endToken(id);
      if (ended) feed.tell('token', id);
      return ended;
    },
    saveElevation(one) {
      accounts.saveElevation(one);
      // What an account may do has changed.
      account(one.account);
    },
  };
}
