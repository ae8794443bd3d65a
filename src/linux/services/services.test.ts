import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { type Run, runner } from '../run.ts';
import { checkConfigurations } from './configuration.ts';
import { checkDatabases } from './databases.ts';
import { runLayered } from './layered.ts';

const run = runner();
let dir: string;
beforeAll(() => { dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'moat-services-')); chmodSync(dir, 0o755); });
afterAll(() => rmSync(dir, { recursive: true }));

const ended: ChildProcess[] = [];
afterAll(async () => {
  for (const child of ended) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  }
});
const until = async (is: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 600; i++) { if (await is()) return; await sleep(50); }
  throw new Error('expected it to be ready');
};
const idsOf = (user: string): { uid: number; gid: number } => ({ uid: Number(execFileSync('id', ['-u', user], { encoding: 'utf8' })), gid: Number(execFileSync('id', ['-g', user], { encoding: 'utf8' })) });

describe.skipIf(lacks({ root: true, files: ['/usr/bin/unshare'] }))('a program over layers', () => {
  it('sees the machine and writes nothing to it', async () => {
    const proof = `/etc/moat-proof-${process.pid}`;
    const before = readFileSync('/etc/passwd');
    const { code, stdout } = await runLayered('/bin/sh', ['-c', 'echo x > "$1" && echo y >> /etc/passwd && cat "$1" && wc -l < /etc/passwd', 'sh', proof], { run, scratch: dir });
    expect([code, stdout.split('\n')[0], Number(stdout.split('\n')[1])]).toEqual([0, 'x', before.toString().split('\n').length]);
    expect([existsSync(proof), readFileSync('/etc/passwd').equals(before), readdirSync(dir).filter((name) => name.startsWith('layers'))]).toEqual([false, true, []]);
  });

  it('is unknown and not clean where no namespace can be made', async () => {
    const none = runner(['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin']);
    const found = await checkConfigurations({ run: none, scratch: dir, only: ['sshd', 'nginx'] });
    expect(found.length).toBeGreaterThan(0);
    expect(found.map(({ state }) => state).filter((state) => state !== 'unknown')).toEqual([]);
  });

  it.skipIf(lacks({ files: ['/usr/sbin/nginx', '/usr/sbin/sshd', '/usr/sbin/php-fpm8.2', '/usr/sbin/mariadbd'] }))('says of each service whether its own check passes', async () => {
    const states = async (over: readonly string[]): Promise<Record<string, string>> => {
      // A faulty file is laid over the real one within the layers, right before the check is run there.
      const within: Run = (program, args, options) => {
        const at = args.indexOf('--') + 1;
        return run(program, [...args.slice(0, at), '/bin/sh', '-c', 'while [ "$1" != -- ]; do cp "$1" "$2"; shift 2; done; shift; exec "$@"', 'sh', ...over, '--', ...args.slice(at)], options);
      };
      const found = await checkConfigurations({ run: within, scratch: dir, only: ['nginx', 'sshd', 'php-fpm8.2', 'mariadb'] });
      return Object.fromEntries(found.map(({ id, state }) => [id, state]));
    };
    expect(await states([])).toEqual({ 'sshd': 'ok', 'nginx': 'ok', 'php-fpm8.2': 'ok', 'mariadb': 'ok' });
    writeFileSync(join(dir, 'nginx.conf'), 'events {}\nhttp { server { listen nonsense:; } }\n');
    writeFileSync(join(dir, 'sshd_config'), 'Port 22\nPermitRotLogin yes\n');
    writeFileSync(join(dir, 'my.cnf'), '[mysqld]\nno_such_setting=1\n');
    const bad = await states([join(dir, 'nginx.conf'), '/etc/nginx/nginx.conf', join(dir, 'sshd_config'), '/etc/ssh/sshd_config', join(dir, 'my.cnf'), '/etc/mysql/my.cnf']);
    expect(bad).toEqual({ 'sshd': 'bad', 'nginx': 'bad', 'php-fpm8.2': 'ok', 'mariadb': 'bad' });
    expect(readFileSync('/etc/ssh/sshd_config', 'utf8')).not.toContain('PermitRotLogin');
  });
});

describe.skipIf(lacks({ root: true, files: ['/usr/bin/sqlite3'] }))('databases of SQLite', () => {
  it('are whole, broken, or could not be looked at', async () => {
    const whole = join(dir, 'whole.db'), broken = join(dir, 'broken.db');
    for (const path of [whole, broken]) execFileSync('sqlite3', [path, 'CREATE TABLE t (a TEXT); CREATE INDEX i ON t (a); WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000) INSERT INTO t SELECT hex(randomblob(50)) FROM n;']);
    const fd = openSync(broken, 'r+');
    writeSync(fd, Buffer.alloc(4096, 0xa5), 0, 4096, statSync(broken).size - 3 * 4096);
    closeSync(fd);
    writeFileSync(join(dir, 'none.txt'), 'no database');
    const found = await checkDatabases({ run, mariadb: [], postgresql: [], files: [whole, broken, join(dir, 'none.txt'), join(dir, 'gone')] });
    expect(found.map(({ name, state }) => [name.slice(name.lastIndexOf('/') + 1), state])).toEqual([['whole.db', 'ok'], ['broken.db', 'bad']]);
    const missing = await checkDatabases({ run: runner(['/nonexistent']), mariadb: [], postgresql: [], files: [whole] });
    expect(missing.map(({ state }) => state)).toEqual(['unknown']);
  });
});

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/mariadbd', '/usr/bin/mariadb-check', '/usr/bin/mariadb-install-db'] }))('MariaDB', () => {
  it('on a socket of its own is whole, is told when a table is broken, and unknown when it does not answer', async () => {
    const data = join(dir, 'mariadb'), socket = join(dir, 'mariadb.sock'), none = join(dir, 'none.cnf');
    mkdirSync(data);
    writeFileSync(none, '[client]\nuser=root\n');
    execFileSync('mariadb-install-db', ['--no-defaults', '--user=root', `--datadir=${data}`, '--skip-test-db', '--auth-root-authentication-method=normal'], { stdio: 'ignore' });
    const daemon = spawn('mariadbd', ['--no-defaults', '--user=root', `--datadir=${data}`, `--socket=${socket}`, '--skip-networking', `--pid-file=${join(dir, 'mariadb.pid')}`, '--innodb-buffer-pool-size=8M'], { stdio: 'ignore' });
    ended.push(daemon);
    const sql = (text: string): string => execFileSync('mariadb', ['--no-defaults', `--socket=${socket}`, '-u', 'root', '-e', text], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    await until(() => { try { sql('SELECT 1'); return true; } catch { return false; } });
    sql('CREATE DATABASE shop; CREATE TABLE shop.orders (a INT PRIMARY KEY, b TEXT) ENGINE=MyISAM; INSERT INTO shop.orders SELECT seq, REPEAT("x", 200) FROM mysql.help_topic JOIN (SELECT 1 seq) s LIMIT 1; FLUSH TABLES');
    const look = async (): Promise<string> => { const [one] = await checkDatabases({ run, mariadb: [{ socket, user: 'root', defaults: none }], postgresql: [] }); return `${one!.state} ${one!.said.en}`; };
    expect(await look()).toMatch(/^ok \d+ tables/);
    sql('FLUSH TABLES');
    writeFileSync(join(data, 'shop/orders.MYD'), 'gone bad');
    expect(await look()).toMatch(/^bad /);
    const exit = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    await exit;
    expect(await look()).toMatch(/^unknown /);
  });
});

const pg = '/usr/lib/postgresql/15/bin';
describe.skipIf(lacks({ root: true, files: [`${pg}/initdb`, `${pg}/pg_amcheck`] }))('PostgreSQL', () => {
  it('on a socket of its own is unknown without its extension, whole with it, and told when a page is broken', async () => {
    const as = idsOf('postgres');
    const data = join(dir, 'postgresql'), socket = join(dir, 'pg');
    for (const folder of [data, socket]) { mkdirSync(folder, { mode: 0o700 }); chownSync(folder, as.uid, as.gid); }
    execFileSync(`${pg}/initdb`, ['-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync'], { ...as, cwd: '/', stdio: 'ignore' });
    const daemon = spawn(`${pg}/postgres`, ['-D', data, '-k', socket, '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'shared_buffers=4MB'], { ...as, cwd: '/', stdio: 'ignore' });
    ended.push(daemon);
    const sql = (text: string, database = 'postgres'): string => execFileSync('psql', ['-h', socket, '-U', 'postgres', '-d', database, '-At', '-c', text], { encoding: 'utf8', cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] });
    await until(() => { try { sql('SELECT 1'); return true; } catch { return false; } });
    sql('CREATE DATABASE shop');
    sql('CREATE TABLE orders AS SELECT g AS a, repeat(\'x\', 100) AS b FROM generate_series(1, 2000) g', 'shop');
    const look = async (): Promise<string> => { const [one] = await checkDatabases({ run, mariadb: [], postgresql: [{ socket, port: 5432, as }] }); return `${one!.state} ${one!.said.en}`; };
    expect(await look()).toMatch(/^unknown /);
    for (const database of ['shop', 'postgres', 'template1']) sql('CREATE EXTENSION amcheck', database);
    expect(await look()).toMatch(/^ok /);
    const file = join(data, sql('SELECT pg_relation_filepath(\'orders\')', 'shop').trim());
    sql('CHECKPOINT');
    const exit = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    await exit;
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(2000, 0xa5), 0, 2000, 8192 + 4000);
    closeSync(fd);
    expect(await look()).toMatch(/^unknown /);
    const again = spawn(`${pg}/postgres`, ['-D', data, '-k', socket, '-c', 'listen_addresses=', '-c', 'fsync=off'], { ...as, cwd: '/', stdio: 'ignore' });
    ended.push(again);
    await until(() => { try { sql('SELECT 1'); return true; } catch { return false; } });
    expect(await look()).toMatch(/^bad /);
  });
});
