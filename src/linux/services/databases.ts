/** Whether databases are whole, as their own programs say. Looks only: nothing is repaired, no extension is installed. */
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { saidBy } from '../../core/error.ts';
import type { ServiceCheck } from '../../core/recovery.ts';
import type { Text } from '../../core/text.ts';
import { bytesOf } from '../file-names.ts';
import type { Run } from '../run.ts';

export interface MariadbAt { socket: string; user?: string; /** Read instead of the usual option files. */ defaults?: string }
export interface PostgresqlAt { /** Folder of the socket. */ socket: string; port: number; user?: string; as?: { uid: number; gid: number } }
export interface DatabaseOptions { run: Run; /** Where they are reached; found by what runs when undefined. */ mariadb?: readonly MariadbAt[]; postgresql?: readonly PostgresqlAt[]; /** Files that may be databases of SQLite. */ files?: readonly string[] }

const lookMs = 10 * 60_000;
const saidMax = 600;
const filesMax = 200;
const magic = 'SQLite format 3\0';
const mariadbProves: Text = { zh: '表的结构与索引一致；不证明其中的数据没有被人改过', en: 'tables and indexes fit together; not that nobody changed what stands in them' };
const postgresProves: Text = { zh: '表与索引的页面结构一致；不证明其中的数据没有被人改过', en: 'pages of tables and indexes fit together; not that nobody changed what stands in them' };
const sqliteProves: Text = { zh: '数据库文件的结构与约束一致；不证明其中的数据没有被人改过', en: 'the file and its constraints fit together; not that nobody changed what stands in it' };

/** One for each database that runs, and for each file. Never rejects; what could not be looked at is `unknown`. */
export async function checkDatabases(options: DatabaseOptions): Promise<ServiceCheck[]> {
  const found: ServiceCheck[] = [];
  const running = options.mariadb === undefined || options.postgresql === undefined ? processes() : [];
  for (const at of options.mariadb ?? mariadbsOf(running)) found.push(await mariadb(at, options.run));
  for (const at of options.postgresql ?? postgresqlsOf(running)) found.push(await postgresql(at, options.run));
  for (const path of (options.files ?? []).filter(isSqlite).slice(0, filesMax)) found.push(await sqlite(path, options.run));
  return found;
}

async function mariadb({ socket, user, defaults }: MariadbAt, run: Run): Promise<ServiceCheck> {
  const program = existsSync('/usr/bin/mariadb-check') ? 'mariadb-check' : 'mysqlcheck';
  const settings = defaults ?? (existsSync('/etc/mysql/debian.cnf') ? '/etc/mysql/debian.cnf' : undefined);
  const args = [...(settings === undefined ? [] : [`--defaults-file=${settings}`]), `--socket=${socket}`, ...(user === undefined ? [] : [`--user=${user}`]), '--all-databases', '--check'];
  const base = { id: `mariadb ${socket}`, name: `MariaDB/MySQL ${socket}`, command: [program, ...args], proves: mariadbProves };
  try {
    const { code, stdout, stderr } = await run(program, args, { timeoutMs: lookMs });
    const lines = stdout.split('\n').filter((line) => line.trim() !== '');
    // `db.table   OK`; what is worse has a line of its own below the name of the table.
    const good = lines.filter((line) => /\sOK$/.test(line)).length;
    const bad = lines.filter((line) => /^(?:error|warning|status)\s*:/i.test(line) && !/^(?:status\s*:\s*OK|note)/i.test(line) && !/doesn't support check|storage engine for the table/i.test(line));
    if (bad.some((line) => /^error/i.test(line)) || (bad.length > 0 && code !== 0)) return { ...base, state: 'bad', said: both(bad.slice(0, 5).join(' | ')) };
    if (code !== 0 || good === 0) return { ...base, state: 'unknown', said: both(stderr.trim() || `exit code ${code}`) };
    return { ...base, state: 'ok', said: { zh: `${good} 张表正常`, en: `${good} tables are whole` } };
  } catch (error) { return { ...base, state: 'unknown', said: saidBy(error) }; }
}

async function postgresql({ socket, port, user = 'postgres', as }: PostgresqlAt, run: Run): Promise<ServiceCheck> {
  const [program = 'pg_amcheck'] = listed('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a)).map((version) => `/usr/lib/postgresql/${version}/bin/pg_amcheck`).filter((path) => existsSync(path));
  const args = ['--host', socket, '--port', String(port), '--username', user, '--all', '--no-strict-names', '--heapallindexed'];
  const base = { id: `postgresql ${socket} ${port}`, name: `PostgreSQL ${socket}:${port}`, command: [program, ...args], proves: postgresProves };
  try {
    const { code, stdout, stderr } = await run(program, args, { timeoutMs: lookMs, ...(as && { as }), cwd: '/' });
    const said = `${stdout}\n${stderr}`.trim();
    // Without its extension a database is passed over.
    const passed = [...said.matchAll(/skipping database "([^"]{1,63})": amcheck is not installed/g)].map(([, name]) => name ?? '').filter((name) => name !== 'template1' && name !== 'postgres');
    if (code === 2) return { ...base, state: 'bad', said: both(said) };
    if (code !== 0) return { ...base, state: 'unknown', said: both(said || `exit code ${code}`) };
    if (passed.length > 0 || /no relations to check|nothing to do/i.test(said)) return { ...base, state: 'unknown', said: { zh: `这些数据库没有 amcheck 扩展，没有查：${passed.join('、') || '全部'}（CREATE EXTENSION amcheck）`, en: `without the extension amcheck, not looked at: ${passed.join(', ') || 'all'} (CREATE EXTENSION amcheck)` } };
    return { ...base, state: 'ok', said: { zh: '表与索引正常', en: 'tables and indexes are whole' } };
  } catch (error) { return { ...base, state: 'unknown', said: saidBy(error) }; }
}

/** By the program, which is given the path and no shell; opened for reading only. */
async function sqlite(path: string, run: Run): Promise<ServiceCheck> {
  const args = ['-readonly', '-batch', path, 'PRAGMA integrity_check(20)'];
  const base = { id: `sqlite ${path}`, name: `SQLite ${path}`, command: ['sqlite3', ...args], proves: sqliteProves };
  try {
    const { code, stdout, stderr } = await run('sqlite3', args, { timeoutMs: lookMs, outputMax: 1 << 20 });
    const said = stdout.trim();
    if (code === 0 && said === 'ok') return { ...base, state: 'ok', said: { zh: '正常', en: 'whole' } };
    if (code === 0 || /malformed|not a database|corrupt/i.test(stderr)) return { ...base, state: 'bad', said: both(said || stderr.trim()) };
    return { ...base, state: 'unknown', said: both(stderr.trim() || `exit code ${code}`) };
  } catch (error) { return { ...base, state: 'unknown', said: saidBy(error) }; }
}

const both = (text: string): Text => { const short = text.slice(-saidMax); return { zh: short, en: short }; };

function isSqlite(path: string): boolean {
  if (path.startsWith('-')) return false;
  let fd: number;
  try {
    fd = openSync(bytesOf(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch { return false; /* it is not there: the tally of files says so */ }
  try {
    const head = Buffer.alloc(magic.length);
    return readSync(fd, head, 0, head.length, 0) === head.length && head.toString('latin1') === magic;
  } catch { return false; /* no file that can be read */ } finally { closeSync(fd); }
}

interface Running { name: string; args: readonly string[] }

function processes(): Running[] {
  return listed('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      return name === 'mariadbd' || name === 'mysqld' || name === 'postgres' ? [{ name, args: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') }] : [];
    } catch { return []; /* it has ended */ }
  });
}

function mariadbsOf(running: readonly Running[]): MariadbAt[] {
  const sockets = new Set<string>();
  for (const { name, args } of running) if (name !== 'postgres') sockets.add(args.find((one) => one.startsWith('--socket='))?.slice('--socket='.length) ?? '/run/mysqld/mysqld.sock');
  return [...sockets].map((socket) => ({ socket }));
}

/** By the sockets that they made: `.s.PGSQL.5432`. */
function postgresqlsOf(running: readonly Running[]): PostgresqlAt[] {
  if (running.every(({ name }) => name !== 'postgres')) return [];
  const folder = '/var/run/postgresql';
  const found = listed(folder).flatMap((name) => {
    const port = /^\.s\.PGSQL\.(\d{1,5})$/.exec(name)?.[1];
    if (port === undefined) return [];
    const { uid, gid } = statSync(`${folder}/${name}`);
    return [{ socket: folder, port: Number(port), as: { uid, gid } }];
  });
  // It runs and cannot be reached: asked all the same, so that it is told.
  return found.length > 0 ? found : [{ socket: folder, port: 5432 }];
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch { return []; /* not installed */ }
}
