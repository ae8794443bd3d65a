/** SQLite databases as SQLite itself writes them, for tests. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/stores/sqlite/driver.ts';

/** The bytes of a database with one table and these rows. */
export function makeDatabase(create: string, insert: string, rows: readonly (readonly (string | number)[])[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'moat-sqlite-'));
  try {
    const path = join(folder, 'x.db');
    const database = openDatabase(path);
    database.exec(create);
    database.exec('BEGIN');
    const statement = database.prepare(insert);
    for (const row of rows) statement.run(...row);
    database.exec('COMMIT');
    database.close();
    return readFileSync(path);
  } finally { rmSync(folder, { recursive: true }); }
}

export const wtmpdbOf = (rows: readonly { id: number; type: number; user: string; /** Unix seconds. */ at: number }[]): Buffer => makeDatabase('CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT NOT NULL, Login INTEGER, Logout INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT) STRICT', 'INSERT INTO wtmp VALUES (?,?,?,?,NULL,?,?,?)', rows.map(({ id, type, user, at }) => [id, type, user, at * 1e6, 'pts/0', '192.0.2.9', 'sshd']));

export const lastlog2Of = (rows: readonly { user: string; /** Unix seconds. */ at: number; tty: string; service: string }[]): Buffer => makeDatabase('CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT)', 'INSERT INTO Lastlog2 VALUES (?,?,?,?,?)', rows.map(({ user, at, tty, service }) => [user, at, tty, '192.0.2.9', service]));
