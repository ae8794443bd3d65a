/** Log-ons as newer systems keep them: the databases of lastlog2 and wtmpdb, and sessions in the journal. */
import { sqliteRows, type SqliteValue } from '../linux/sqlite-file.ts';
import { eachJournal } from './journals.ts';
import { attemptLong } from './look.ts';
import type { ScanContext } from './port.ts';

const lastlog2 = '/var/lib/lastlog/lastlog2.db';
export const wtmpdb = '/var/lib/wtmpdb/wtmp.db';
const rowsMax = 500_000;
const sessionsMax = 20_000;
/** The message of logind for a session that begins. */
const newSession = '8d45620c1a4348dbb17410da57c60c66';

export interface LastLogon { user: string; /** Unix ms. */ time: number; terminal: string; host: string; service: string }
export interface LogonRow extends LastLogon { id: number; type: 'boot' | 'runlevel' | 'user' | 'other' }

const textOf = (value: SqliteValue): string => (typeof value === 'string' ? value : '');
const numberOf = (value: SqliteValue): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

/** Last log-ons, one a name; undefined when there is no such database or it cannot be read (told). */
export async function readLastlog2(context: ScanContext): Promise<LastLogon[] | undefined> {
  const rows = await attemptLong(context, lastlog2, () => sqliteRows(context.tree, lastlog2, 'Lastlog2', rowsMax, context.signal));
  return rows?.map(({ values: [user, time, terminal, host, service] }) => ({ user: textOf(user), time: numberOf(time) * 1000, terminal: textOf(terminal), host: textOf(host), service: textOf(service) }));
}

/** Log-ons and starts by their number; undefined when there is no such database or it cannot be read (told). */
export async function readWtmpdb(context: ScanContext): Promise<LogonRow[] | undefined> {
  const rows = await attemptLong(context, wtmpdb, () => sqliteRows(context.tree, wtmpdb, 'wtmp', rowsMax, context.signal));
  // The number is the key of the table, which SQLite keeps beside the columns. Times are in microseconds.
  return rows?.map(({ id, values: [, type, user, login, , terminal, host, service] }) => ({
    id, type: type === 1 ? 'boot' : type === 2 ? 'runlevel' : type === 3 ? 'user' : 'other', user: textOf(user), time: numberOf(login) / 1000, terminal: textOf(terminal), host: textOf(host), service: textOf(service),
  }));
}

/** When each account last began a session, by the journal, and how far back that goes (Unix ms); undefined without a journal. */
export function journalSessions(context: ScanContext): { last: Map<string, number>; since: number } | undefined {
  const last = new Map<string, number>();
  let since = Infinity;
  let n = 0;
  const wanted = new Set(['USER_ID', '_UID']);
  eachJournal(context, (journal) => {
    // Files of accounts hold what their own programs said.
    if (/\/user-\d+/.test(journal.path)) return true;
    if (journal.firstTime > 0) since = Math.min(since, journal.firstTime);
    for (const { value, entries } of journal.values('MESSAGE_ID')) {
      if (value !== newSession) continue;
      for (const one of entries()) {
        if (++n > sessionsMax) { context.count('sessions in the journal beyond the limit'); return false; }
        const found = journal.fields(one, wanted);
        // Anybody may write such a message; only root's is logind's.
        const user = found.get('_UID') === '0' ? found.get('USER_ID') : undefined;
        if (user !== undefined) last.set(user, Math.max(last.get(user) ?? 0, one.time));
      }
    }
    return true;
  });
  return Number.isFinite(since) ? { last, since } : undefined;
}
