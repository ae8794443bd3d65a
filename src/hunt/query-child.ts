/**
 * Runs one query of a person, in a process of its own: SQLite has no way here to stop a statement, so the
 * parent kills the process at the limit. An entry of the build beside the program itself.
 * Reads a QueryRequest as JSON on stdin; writes QueryReply objects on stdout, one JSON text a line. Tables of the live state are filled
 * here as well, when the query reads them: what the agent alone knows is asked for by `ask`, and comes as QueryTold on stdin.
 */
import { writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { MoatError } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { type StoreCode, StoreError } from '../stores/error.ts';
import { type GuardedDatabase, openGuardedDatabase, sqliteCode, toStoreError, type Value } from '../stores/sqlite/driver.ts';
import { checkVersion, viewTables, views } from '../stores/sqlite/schema.ts';
import { liveTables } from './catalogue.ts';
import { fillTable, type Looked, lookHere, makeTable } from './live.ts';
import { lines } from './lines.ts';
import { blame, place, tokens } from './sql.ts';
import type { Known, Told } from './table.ts';

export interface QueryRequest { file: string; sql: string; maxRows: number; timeoutMs: number; maxMemory: number; /** Views and tables that may be read; all when undefined. */ views?: readonly string[] }

export type QueryReply =
  | { ask: Known }
  | { live: Looked[] }
  | { columns: string[] }
  | { row: (string | number | null)[] }
  | { end: 'all' | 'rows' }
  | { error: { code: StoreCode; message: string; text?: Text | undefined; hint?: string | Text | undefined } };

/** What the agent knows, in pieces, then its end. */
export type QueryTold = Told | { end: true } | { failed: { code: string; text: Text; hint?: string | Text | undefined } };

/** SQLite's numbers for what a statement asks to do (sqlite3_set_authorizer). */
const action = { read: 20, select: 21, function: 31, recursive: 33 } as const;
const allow = 0;
const deny = 1;

const everything = [...Object.keys(views), ...liveTables.map(({ name }) => name)];
/** What may be read: the views and live tables that are wanted, the tables under those views, and the two table functions that take JSON apart. */
function readableOf(wanted: readonly string[]): Set<string> {
  const under = new Set(wanted.flatMap((name) => [...(views[name] ?? '').matchAll(/ FROM (\w+)/g)].map(([, table]) => table)));
  return new Set([...wanted.filter((name) => everything.includes(name)), ...viewTables.filter((table) => under.has(table)), 'json_each', 'json_tree']);
}

/** Functions that reach beyond the statement. */
const forbiddenFunctions = new Set(['load_extension', 'fts3_tokenizer', 'sqlite_log', 'rtreecheck', 'readfile', 'writefile', 'edit']);

async function main(): Promise<void> {
  const told = lines(0);
  const request = JSON.parse(told.next().value ?? '') as QueryRequest;
  watch(request);
  setPriority(10); // the agent goes first
  try {
    await run(request, told);
  } catch (error) {
    const { code, message, text, hint, hintText } = complaintOf(error, request.file);
    say({ error: { code, message, text, hint: hintText ?? hint } });
  }
  // The watching thread would keep the process.
  process.exit(0);
}

/** SQLite's general error and the limits of one value mean that the SQL is at fault, not the file. */
function complaintOf(error: unknown, file: string): StoreError {
  const primary = (sqliteCode(error) ?? 0) & 0xff;
  return error instanceof Error && [1, 18, 25].includes(primary) ? new StoreError('query', error.message) : toStoreError(error, file);
}

/**
 * Ends this process when it lives past its time (its parent may have been killed and cannot do it) or takes
 * too much memory. A thread, because the main thread is inside SQLite; source text, because it needs no more.
 */
function watch({ timeoutMs, maxMemory }: QueryRequest): void {
  new Worker(`
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${timeoutMs + 1_000});
    setInterval(() => {
      if (process.memoryUsage.rss() < ${maxMemory}) return;
      require('node:fs').writeSync(2, 'memory');
      process.kill(process.pid, 'SIGKILL');
    }, 20);
  `, { eval: true }).unref();
}

async function run({ file, sql, maxRows, views: wanted = everything }: QueryRequest, told: Iterator<string>): Promise<void> {
  const readable = readableOf(wanted);
  const db = openGuardedDatabase(file);
  checkVersion(db, file, true);
  // Sorting stays in memory, where it is watched: a temporary file could fill the disk.
  db.exec('PRAGMA busy_timeout = 2000; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY');
  Object.assign(db.limits, { length: 8 * 2 ** 20, sqlLength: 128 * 1024, attach: 0, exprDepth: 200, column: 500 });
  const hidden = new Set(db.prepare('SELECT lower(name) AS name FROM sqlite_schema').all().map((row) => String(row['name'])).filter((name) => !readable.has(name)));
  for (const name of ['sqlite_master', 'sqlite_schema', 'sqlite_temp_master', 'sqlite_temp_schema']) hidden.add(name);
  // They lie beside the database, so its schema does not name them; how many there are of what one may not read is not told either.
  for (const { name } of liveTables) if (!readable.has(name)) hidden.add(name);
  for (const table of liveTables) makeTable(db, table);
  const asked: Asked = { readable, hidden, read: new Set(), refused: undefined };
  guard(db, asked);
  // SQLite itself says which tables it would read; only those are filled.
  prepare(db, sql, asked);
  db.setAuthorizer(null);
  const machine = lookHere(async (what) => askAgent(what, told));
  const looked: Looked[] = [];
  for (const table of liveTables) if (asked.read.has(table.name)) looked.push(await fillTable(db, table, machine));
  say({ live: looked });
  db.exec('PRAGMA query_only = ON');
  guard(db, asked);

  const statement = prepare(db, sql, asked);
  statement.setReadBigInts(true);
  const columns = statement.columns().map((column) => column.name);
  statement.setReturnArrays(true);
  say({ columns });
  let rows = 0;
  for (const row of statement.iterate() as Iterable<unknown> as Iterable<Value[]>) {
    if (rows++ === maxRows) return say({ end: 'rows' });
    say({ row: row.map(plain) });
  }
  say({ end: 'all' });
}

/** What the agent tells of it. Throws MoatError. */
function askAgent(what: Known, told: Iterator<string>): Told {
  say({ ask: what });
  const rows: unknown[] = [], notes: Text[] = [];
  for (;;) {
    const line = told.next();
    if (line.done === true) throw new MoatError('unavailable', 'expected an answer of the agent, got none', { zh: 'Moat 没有回答' });
    const one = JSON.parse(line.value) as QueryTold;
    if ('failed' in one) throw new MoatError(one.failed.code, one.failed.text.en, { text: one.failed.text, hint: one.failed.hint });
    if ('end' in one) return { rows, notes };
    for (const row of one.rows) rows.push(row);
    notes.push(...one.notes ?? []);
  }
}

/** `read`: what the statement reads, as SQLite says. `refused`: what it wanted and may not do. */
interface Asked { readable: ReadonlySet<string>; hidden: ReadonlySet<string>; read: Set<string>; refused: string | undefined }

function guard(db: GuardedDatabase, asked: Asked): void {
  const { readable, hidden } = asked;
  db.setAuthorizer((code, first, second) => {
    const name = (first ?? '').toLowerCase();
    switch (code) {
      case action.select: case action.recursive: return allow;
      // Who asks (a view, a WITH of the same name) is not looked at: a query can choose that name freely.
      // Without a column it is "count(*)", which is also asked about the names a WITH defines.
      case action.read:
        asked.read.add(name);
        if (readable.has(name) || (second === '' && !hidden.has(name))) return allow;
        asked.refused ??= `reading ${first}`;
        return deny;
      case action.function:
        if (!forbiddenFunctions.has((second ?? '').toLowerCase())) return allow;
        asked.refused ??= `the function ${second}`;
        return deny;
      default:
        asked.refused ??= 'anything but reading';
        return deny;
    }
  });
}

interface ReadStatement { columns(): { name: string }[]; iterate(): IterableIterator<unknown>; setReadBigInts(on: boolean): void; setReturnArrays(on: boolean): void }

function prepare(db: GuardedDatabase, sql: string, asked: Asked): ReadStatement {
  try {
    return db.prepare(sql) as unknown as ReadStatement;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (asked.refused !== undefined) throw new StoreError('refused', `a query may not do that: ${asked.refused}`, { hint: tablesHint(asked) });
    const offset = blame(sql, message, (prefix) => complaint(db, prefix));
    throw new StoreError('query', offset === undefined ? message : `${message}, ${place(sql, offset)}`, { hint: hintFor(message, sql, db, asked) });
  }
}

function complaint(db: GuardedDatabase, sql: string): string | undefined {
  try {
    db.prepare(sql);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const tablesHint = ({ readable }: Asked): string => `There are: ${everything.filter((name) => readable.has(name)).join(', ')}.`;

/** What there is instead: all tables, or the columns of those that the query names. */
function hintFor(message: string, sql: string, db: GuardedDatabase, asked: Asked): string | undefined {
  if (message.startsWith('no such table')) return tablesHint(asked);
  if (!message.startsWith('no such column')) return undefined;
  const words = new Set(tokens(sql).map(({ text }) => text.toLowerCase()));
  const named = everything.filter((name) => asked.readable.has(name) && words.has(name));
  if (named.length === 0) return tablesHint(asked);
  return named.map((name) => {
    const statement = db.prepare(`SELECT * FROM ${name}`) as unknown as ReadStatement;
    return `${name}: ${statement.columns().map((column) => column.name).join(', ')}`;
  }).join('\n');
}

/** What JSON can carry: large integers and bytes become text. */
function plain(value: Value): string | number | null {
  if (typeof value === 'bigint') return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}

function say(reply: QueryReply): void {
  const bytes = Buffer.from(`${JSON.stringify(reply)}\n`);
  for (let at = 0; at < bytes.length;) at += writeSome(bytes, at);
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Waits when the pipe is full, so that nothing piles up here. process.stdout would queue it, and lose it on exit. */
function writeSome(bytes: Buffer, at: number): number {
  try {
    return writeSync(1, bytes, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    Atomics.wait(pause, 0, 0, 1);
    return 0;
  }
}

await main();
