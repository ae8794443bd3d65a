/** The store of one machine: event history and ledger in one SQLite file, `moat.db`. */
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Kind, unstoredKinds } from '../../core/gen/event.ts';
import type { Commit, Store } from '../../core/ports.ts';
import { StoreError } from '../error.ts';
import { openAccounts } from './accounts.ts';
import { busyMs, type Database, guarded, openDatabase, transaction } from './driver.ts';
import { openRing } from './events.ts';
import { openIncidents } from './incidents.ts';
import { openLedger } from './ledger.ts';
import { openLineage } from './lineage.ts';
import { lockDirectory } from './lock.ts';
import { openNotices } from './notices.ts';
import { openRequests } from './requests.ts';
import { openResponse } from './response.ts';
import { openScans } from './scans.ts';
import { checkVersion, migrate } from './schema.ts';

export interface SqliteOptions {
  /** Data directory; made when it is not there. */
  dir: string;
  /** Only look: takes no lock, works beside a running agent, and every write throws StoreError 'denied'. */
  readOnly?: boolean;
  /** Events older than this (by their own time) go. Default 30 days. */
  maxAgeMs?: number;
  /** Cap of the database file with its write-ahead log, at least 16 MiB. Default 1 GiB. */
  maxBytes?: number;
  /** How long closed alerts are kept. Default 180 days. */
  alertMs?: number;
  /** Default 20,000. */
  maxAlerts?: number;
  /** Kinds of event that are judged but not kept. Default: those the schema says. */
  unstored?: ReadonlySet<Kind>;
  now?: () => number;
  /** Counts what was cut, skipped, known already or dropped. */
  count?: (what: string, n?: number) => void;
}

export interface SqliteStore extends Store {
  /** Reads the whole file and returns what is wrong with it; empty when it is sound. Seconds on a large file. */
  check(): string[];
}

const day = 86_400_000;
export const databaseName = 'moat.db';

/** Opens, and makes or brings up to date, the database in a directory. Throws StoreError. */
export function openSqliteStore(options: SqliteOptions): SqliteStore {
  const dir = resolve(options.dir);
  const file = join(dir, databaseName);
  const now = options.now ?? Date.now;
  const readOnly = options.readOnly ?? false;
  const maxBytes = options.maxBytes ?? 2 ** 30;
  if (!(maxBytes >= 16 * 2 ** 20)) throw new StoreError('input', `expected a size cap of at least 16 MiB, got ${maxBytes} bytes`);

  const release = readOnly ? undefined : claim(dir, now());
  let db: Database | undefined;
  let isClosed = false;
  try {
    if (readOnly) mustExist(file);
    else if (!existsSync(file)) guarded(file, () => closeSync(openSync(file, 'a', 0o600)));
    db = openDatabase(file, { readOnly });
    const opened = db;
    guarded(file, () => readOnly ? openForReading(opened, file) : openForWriting(opened, file, dir));
    const count = options.count ?? (() => undefined);
    const ring = guarded(file, () => openRing(opened, { file, maxAgeMs: options.maxAgeMs ?? 30 * day, maxBytes, unstored: options.unstored ?? unstoredKinds, count }));
    const ledger = guarded(file, () => openLedger(opened, { file, now, alertMs: options.alertMs ?? 180 * day, maxAlerts: options.maxAlerts ?? 20_000, count }));

    const lineage = guarded(file, () => openLineage(opened, file, count));
    const notices = guarded(file, () => openNotices(opened, file));
    const requests = guarded(file, () => openRequests(opened, file));
    const accounts = guarded(file, () => openAccounts(opened, file));
    const incidents = guarded(file, () => openIncidents(opened, file));
    const scans = guarded(file, () => openScans(opened, file, now));
    const response = guarded(file, () => openResponse(opened, file, incidents, now));

    function commit({ events, alerts, positions, learned, lineage: rows, notices: told }: Commit): void {
      try {
        guarded(file, () => transaction(opened, () => {
          ring.insert(events);
          ledger.saveAlerts(alerts);
          ledger.savePositions(positions);
          if (learned) ledger.saveLearned(learned);
          if (rows) lineage.save(rows);
          if (told) notices.save(told);
        }));
      } catch (error) {
        ring.rolledBack();
        throw error;
      }
      // The batch is durable by now: trouble with the cap must not look as if it were not. The next commit
      // meets the same disk, and says so.
      attempt('trim-failed', () => {
        ring.trim();
        if (ring.isOver()) ledger.shed();
      });
    }

    return {
      ledger,
      notices,
      requests,
      accounts,
      scans,
      response,
      incidents,
      commit,
      lineage: () => lineage.all(),
      events: {
        append: (events) => commit({ events, alerts: [], positions: [] }),
        range: ring.range,
        extent: () => ring.extent(),
        prune(at) {
          ledger.prune(at);
          requests.prune(at);
          accounts.prune(at);
          response.prune(at);
          return ring.prune(at);
        },
      },

      check() {
        try {
          return opened.prepare('PRAGMA integrity_check(20)').all().map((row) => String(Object.values(row)[0])).filter((line) => line !== 'ok');
        } catch (error) {
          return [error instanceof Error ? error.message : String(error)];
        }
      },

      close() {
        if (isClosed) return;
        isClosed = true;
        // Leaves one file behind where it can. On a full disk the log stays, and the next open reads it.
        if (!readOnly) attempt('checkpoint-failed', ring.checkpoint);
        try {
          guarded(file, () => opened.close());
        } finally {
          release?.();
        }
      },
    };

    function attempt(failed: string, work: () => void): void {
      try {
        work();
      } catch {
        count(failed);
      }
    }
  } catch (error) {
    db?.close();
    release?.();
    throw error;
  }
}

/** Makes the directory ours alone and takes its lock. */
function claim(dir: string, now: number): () => void {
  guarded(dir, () => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const { mode, uid } = statSync(dir);
    if ((mode & 0o077) === 0) return;
    if (uid !== process.getuid?.()) throw new StoreError('denied', `expected a directory of our own, got one of user ${uid} that others can enter: ${dir}`, { hint: `chown it, or: chmod 700 ${dir}` });
    chmodSync(dir, 0o700);
  });
  return lockDirectory(dir, now);
}

function mustExist(file: string): void {
  const found = guarded(file, () => statSync(file, { throwIfNoEntry: false }));
  if (!found) throw new StoreError('missing', `no database at ${file}`, { hint: 'Start Moat once, or name the directory it stores in.' });
}

function openForWriting(db: Database, file: string, dir: string): void {
  chmodSync(file, 0o600);
  db.exec(`PRAGMA busy_timeout = ${busyMs}`);
  migrate(db, file);
  db.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8000; PRAGMA journal_size_limit = 4194304');
  syncDirectory(dir);
}

function openForReading(db: Database, file: string): void {
  db.exec(`PRAGMA busy_timeout = ${busyMs}; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8000`);
  checkVersion(db, file, true);
}

/** Makes new names in a directory survive a power cut. */
function syncDirectory(dir: string): void {
  const handle = openSync(dir, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * Moves a database that cannot be used out of the way, keeping it, so that the next open begins a new one.
 * Returns its new path. Throws StoreError: 'locked' while a Moat runs, 'missing' when there is none.
 */
export function setAsideDatabase(dataDir: string, now: number = Date.now()): string {
  const dir = resolve(dataDir);
  const file = join(dir, databaseName);
  mustExist(file);
  const release = lockDirectory(dir, now);
  try {
    return guarded(file, () => {
      const base = `${file}.aside-${new Date(now).toISOString().replaceAll(':', '')}`;
      let aside = base;
      for (let n = 1; existsSync(aside); n++) aside = `${base}-${n}`;
      // The log goes first: a new moat.db must never meet the log of the old one.
      for (const suffix of ['-wal', '-shm', '']) if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
      syncDirectory(dir);
      return aside;
    });
  } finally {
    release();
  }
}
