/**
 * Runs one query of a person, in a process of its own: SQLite has no way here to stop a statement, so the
 * parent kills the process at the limit. An entry of the build beside the program itself.
 * Reads a QueryRequest as JSON on stdin; writes QueryReply objects on stdout, one JSON text a line.
 */
import { readFileSync, writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type StoreCode, StoreError } from '../error.ts';
import { type GuardedDatabase, openGuardedDatabase, sqliteCode, toStoreError, type Value } from './driver.ts';
import { checkVersion, viewTables, views } from './schema.ts';
import { blame, place } from './sql.ts';

export interface QueryRequest { file: string; sql: string; maxRows: number; timeoutMs: number; maxMemory: number; /** That may be read; all when undefined. */ views?: readonly string[] }

export type QueryReply =
  | { columns: string[] }
  | { row: (string | number | null)[] }
  | { end: 'all' | 'rows' }
  | { error: { code: StoreCode; message: string; hint?: string } };

/** SQLite's numbers for what a statement asks to do (sqlite3_set_authorizer). */
const action = { read: 20, select: 21, function: 31, recursive: 33 } as const;
const allow = 0;
const deny = 1;

/** What may be read: our views and the tables under them, and the two table functions that take JSON apart. */
const readable = new Set<string>([...Object.keys(views), ...viewTables, 'json_each', 'json_tree']);
/** Takes away the views that are not named, and the tables that only these stand on. */
function only(wanted: readonly string[]): void {
  const kept = new Set(wanted);
  const tables = new Set(wanted.flatMap((name) => [...(views[name] ?? '').matchAll(/ FROM (\w+)/g)].map(([, table]) => table)));
  for (const name of [...Object.keys(views), ...viewTables]) if (!kept.has(name) && !tables.has(name)) readable.delete(name);
}

/** Functions that reach beyond the statement. */
const forbiddenFunctions = new Set(['load_extension', 'fts3_tokenizer', 'sqlite_log', 'rtreecheck', 'readfile', 'writefile', 'edit']);

function main(): void {
  const request = JSON.parse(readFileSync(0, 'utf8')) as QueryRequest;
  watch(request);
  setPriority(10); // the agent goes first
  try {
    run(request);
  } catch (error) {
    const { code, message, hint } = complaintOf(error, request.file);
    say({ error: { code, message, hint } });
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

function run({ file, sql, maxRows, views: wanted }: QueryRequest): void {
  if (wanted) only(wanted);
  const db = openGuardedDatabase(file);
  checkVersion(db, file, true);
  // Sorting stays in memory, where it is watched: a temporary file could fill the disk.
  db.exec('PRAGMA busy_timeout = 2000; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY');
  Object.assign(db.limits, { length: 8 * 2 ** 20, sqlLength: 128 * 1024, attach: 0, exprDepth: 200, column: 500 });
  const hidden = new Set(db.prepare('SELECT lower(name) AS name FROM sqlite_schema').all().map((row) => String(row['name'])).filter((name) => !readable.has(name)));
  for (const name of ['sqlite_master', 'sqlite_schema', 'sqlite_temp_master', 'sqlite_temp_schema']) hidden.add(name);
  const refused = { why: undefined as string | undefined };
  guard(db, hidden, refused);

  const statement = prepare(db, sql, refused);
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

function guard(db: GuardedDatabase, hidden: ReadonlySet<string>, refused: { why: string | undefined }): void {
  db.setAuthorizer((code, first, second) => {
    const name = (first ?? '').toLowerCase();
    switch (code) {
      case action.select: case action.recursive: return allow;
      // Who asks (a view, a WITH of the same name) is not looked at: a query can choose that name freely.
      // Without a column it is "count(*)", which is also asked about the names a WITH defines.
      case action.read:
        if (readable.has(name) || (second === '' && !hidden.has(name))) return allow;
        refused.why ??= `reading ${first}`;
        return deny;
      case action.function:
        if (!forbiddenFunctions.has((second ?? '').toLowerCase())) return allow;
        refused.why ??= `the function ${second}`;
        return deny;
      default:
        refused.why ??= 'anything but reading';
        return deny;
    }
  });
}

interface ReadStatement { columns(): { name: string }[]; iterate(): IterableIterator<unknown>; setReadBigInts(on: boolean): void; setReturnArrays(on: boolean): void }

function prepare(db: GuardedDatabase, sql: string, refused: { why: string | undefined }): ReadStatement {
  try {
    return db.prepare(sql) as unknown as ReadStatement;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (refused.why !== undefined) throw new StoreError('refused', `a query may not do that: ${refused.why}`, { hint: tablesHint });
    const offset = blame(sql, message, (prefix) => complaint(db, prefix));
    throw new StoreError('query', offset === undefined ? message : `${message}, ${place(sql, offset)}`, { hint: hintFor(message, db) });
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

const tablesHint = `There are: ${Object.keys(views).join(', ')}.`;

function hintFor(message: string, db: GuardedDatabase): string | undefined {
  if (message.startsWith('no such table')) return tablesHint;
  if (!message.startsWith('no such column')) return undefined;
  return Object.keys(views).map((name) => {
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

main();
