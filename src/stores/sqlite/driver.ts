/**
 * SQLite itself: Node's own `node:sqlite` where it is good enough, else the package that has the same API.
 * Loaded by `require`, so that a bundle leaves both outside and a program that stores nothing loads neither.
 */
import { statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { StoreError } from '../error.ts';

export type Value = string | number | bigint | null | Uint8Array;
export type Row = Record<string, Value>;

export interface Statement {
  run(...values: readonly Value[]): { changes: number | bigint };
  get(...values: readonly Value[]): Row | undefined;
  all(...values: readonly Value[]): Row[];
  iterate(...values: readonly Value[]): IterableIterator<Row>;
  setReadBigInts(on: boolean): void;
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** What only the package has on every Node we run on. */
export interface GuardedDatabase extends Database {
  setAuthorizer(callback: ((action: number, first: string | null, second: string | null, schema: string | null, by: string | null) => number) | null): void;
  readonly limits: { length: number; sqlLength: number; attach: number; exprDepth: number; column: number };
}

interface Module<D extends Database> { DatabaseSync: new (file: string, options?: { readOnly?: boolean }) => D }

/** How long a write waits for a reader that is just opening. The event loop stands still meanwhile. */
export const busyMs = 2_000;

const load = createRequire(import.meta.url);

/** Opens a database file for the store. Throws StoreError. */
export function openDatabase(file: string, options: { readOnly?: boolean } = {}): Database {
  const { DatabaseSync } = sqlite();
  return guarded(file, () => new DatabaseSync(file, { readOnly: options.readOnly ?? false }));
}

/** Opens a database file read-only with an authorizer and limits, which `node:sqlite` of Node 22 does not have. */
export function openGuardedDatabase(file: string): GuardedDatabase {
  const { DatabaseSync } = loadPackage<GuardedDatabase>();
  return guarded(file, () => new DatabaseSync(file, { readOnly: true }));
}

let chosen: Module<Database> | undefined;

function sqlite(): Module<Database> {
  chosen ??= hasBuiltIn(process.versions.node) ? loadBuiltIn() : loadPackage<Database>();
  return chosen;
}

function loadPackage<D extends Database>(): Module<D> {
  try {
    return load('@photostructure/sqlite') as Module<D>;
  } catch (cause) {
    throw new StoreError('missing', `cannot load SQLite: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: 'Install Moat again (npm ci); it carries SQLite for x64 and arm64.' });
  }
}

/** Node 22.13 is the first whose node:sqlite works without a flag. */
export function hasBuiltIn(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}

function loadBuiltIn(): Module<Database> {
  // Node says on stderr that the module is experimental, at every start; that is no news for our users.
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return load('node:sqlite') as Module<Database>;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Runs `work` and turns what SQLite or the file system throws into a StoreError about `file`. */
export function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toStoreError(error, file);
  }
}

const statementsMost = 500;

/** Statements by their SQL: to prepare the same few anew costs more than to run them. */
export function statementsOf(db: Database): (sql: string) => Statement {
  const known = new Map<string, Statement>();
  return (sql) => {
    let found = known.get(sql);
    if (found === undefined) {
      if (known.size >= statementsMost) known.clear();
      known.set(sql, found = db.prepare(sql));
    }
    return found;
  };
}

/** Runs `work` in one transaction: all of it is durable when this returns, or none of it is kept and it throws. */
export function transaction<T>(db: Database, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    rollback(db);
    throw error;
  }
}

/**
 * The same without the wait for the disk: a crash of Moat keeps it, a power cut takes it unless a later transaction was synced. The log
 * is written in order, so what is lost is always the end of what was written, and whole transactions.
 */
export function unsyncedTransaction<T>(db: Database, work: () => T): T {
  db.exec('PRAGMA synchronous = NORMAL');
  try {
    return transaction(db, work);
  } finally {
    db.exec('PRAGMA synchronous = FULL');
  }
}

function rollback(db: Database): void {
  try {
    db.exec('ROLLBACK');
  } catch {
    return; // a full disk or a failed read has already rolled back by itself; what failed first is what counts
  }
}

const corruptHint = 'Stop Moat, move the database aside (moat.db is kept, renamed) and start again; Moat then begins a new one. `sqlite3 FILE .recover` may still save rows of the old one.';
const fullHint = 'Free space on this file system; Moat goes on by itself. Nothing it had accepted is lost.';

/** SQLite's fixed words for its result codes: the package gives no number when a read fails half-way. */
const codesByMessage: Readonly<Record<string, number>> = {
  'database is locked': 5, 'database table is locked': 6, 'attempt to write a readonly database': 8, 'disk I/O error': 10,
  'database disk image is malformed': 11, 'database or disk is full': 13, 'unable to open database file': 14, 'file is not a database': 26,
};

/** SQLite's (extended) result code; 1 when it only says that something is wrong, undefined when it is not SQLite's error. */
export function sqliteCode(error: unknown): number | undefined {
  const { errcode, code, message } = error as { errcode?: number; code?: string; message?: string };
  if (typeof errcode === 'number') return errcode;
  return code === 'ERR_SQLITE_ERROR' ? codesByMessage[message ?? ''] ?? 1 : undefined;
}

/** What SQLite or the file system threw, as a StoreError about `file`. */
export function toStoreError(error: unknown, file: string): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message } = error as { code?: string; message?: string };
  const errcode = sqliteCode(error);
  const options = { cause: error };
  const because = message ?? String(error);
  if (errcode !== undefined) {
    switch (errcode & 0xff) {
      case 13: return new StoreError('full', `no space left to write ${file}`, { ...options, hint: fullHint });
      case 11: case 26: return new StoreError('corrupt', `expected a Moat database, got damaged content in ${file}: ${because}`, { ...options, hint: corruptHint });
      case 19: case 20: return new StoreError('input', `a value does not fit its column in ${file}: ${because}`, options);
      case 5: case 6: return new StoreError('locked', `${file} stayed busy: ${because}`, options);
      case 3: case 8: case 23: return new StoreError('denied', `${file} cannot be written: ${because}`, options);
      case 10: case 14: {
        if (errcode === 8458) return new StoreError('corrupt', `the file system reports damaged content in ${file}`, { ...options, hint: corruptHint });
        if (noSpace(file)) return new StoreError('full', `no space left to write ${file}`, { ...options, hint: fullHint });
        return new StoreError('io', `cannot use ${file}: ${because} (SQLite ${errcode})`, { ...options, hint: 'Look for disk errors (dmesg), quotas, and the permissions of the directory.' });
      }
      default: return new StoreError('io', `cannot use ${file}: ${because} (SQLite ${errcode})`, options);
    }
  }
  switch (code) {
    case 'ENOSPC': case 'EDQUOT': return new StoreError('full', `no space left to write ${file}`, { ...options, hint: fullHint });
    case 'EACCES': case 'EPERM': case 'EROFS': return new StoreError('denied', `no permission for ${file}: ${because}`, { ...options, hint: 'Run as the user that Moat runs as, usually root.' });
    case 'ERR_INVALID_STATE': return new StoreError('closed', `${file} is closed: ${because}`, options);
    default: return new StoreError('io', `cannot use ${file}: ${because}`, options);
  }
}

/** A full disk shows not only as SQLITE_FULL: growing the shared memory file or an fsync may be what fails. */
function noSpace(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize < 64 * 1024;
  } catch {
    return false; // the directory itself is gone: not a question of space
  }
}
