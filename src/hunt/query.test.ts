import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Playbook } from '../core/playbook.ts';
import { sampleAlert, sampleEvent } from '../stores/contract.ts';
import { querySqlite } from './query.ts';
import { openSqliteStore, type SqliteStore } from '../stores/sqlite/store.ts';

const time = Date.UTC(2026, 4, 6, 7, 8, 9, 123);
let dir: string;
let child: string;
let store: SqliteStore;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'moat-query-'));
  // As it runs when installed: a bundle with the SQLite package left outside, which must find it from here.
  child = join(import.meta.dirname, `../../.cache/query-child-${process.pid}.mjs`);
  await build({ entryPoints: [join(import.meta.dirname, 'query-child.ts')], outfile: child, bundle: true, banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" }, platform: 'node', format: 'esm', target: 'node20', external: ['@photostructure/sqlite', 'koffi', 'recheck', '@virustotal/yara-x', '@node-rs/argon2', 'node:sqlite'] });
  store = openSqliteStore({ dir });
  const events = Array.from({ length: 50 }, (_, n) => sampleEvent(`e${n}`, time + n));
  events[7]!.extra = { unit: 'ssh.service' };
  store.commit({ events, alerts: [sampleAlert('A1', { source_ip: '203.0.113.9' })], positions: [{ source: '/var/log/auth.log', value: '{"at":7}' }], learned: new Map([['hours', '{}']]) });
  store.ledger.setSetting('lang', 'zh');
  store.ledger.setSetting('secret.token', 'very-secret-9f2');
});
afterAll(() => {
  store.close();
  rmSync(dir, { recursive: true });
  rmSync(child);
});


const ask = (sql: string, options: Parameters<typeof querySqlite>[2] = {}): ReturnType<typeof querySqlite> => querySqlite(dir, sql, { child, ...options });

describe('query', () => {
  it('reads what the running store has written', async () => {
    expect(await ask("SELECT at, id, source_ip, extra ->> 'unit' AS unit FROM events WHERE id IN ('e7', 'e8') ORDER BY time;")).toEqual({
      columns: ['at', 'id', 'source_ip', 'unit'],
      rows: [['2026-05-06T07:08:09.130Z', 'e7', '203.0.113.9', 'ssh.service'], ['2026-05-06T07:08:09.131Z', 'e8', '203.0.113.9', null]],
      live: [],
    });
    expect((await ask('SELECT rule_id, count, status, last_at FROM alerts')).rows).toEqual([['ssh_brute_force', 12, 'open', '2026-03-01T08:00:00.000Z']]);
    expect((await ask('SELECT source, value FROM positions')).rows).toEqual([['/var/log/auth.log', '{"at":7}']]);
    store.commit({ events: [sampleEvent('fresh', time - 1)], alerts: [], positions: [] });
    expect((await ask("SELECT id FROM events WHERE id = 'fresh'")).rows).toEqual([['fresh']]);
  });

  it('runs from the sources too', async () => {
    expect((await querySqlite(dir, 'SELECT count(*) FROM alerts')).rows).toEqual([[1]]);
  });

  it('has what people use in SQL: WITH, windows, JSON, EXPLAIN, VALUES', async () => {
    expect((await ask('WITH t AS (SELECT user, count(*) AS n FROM events GROUP BY user) SELECT user, n >= 50, sum(n) OVER () >= 50 FROM t')).rows).toEqual([['wang', 1, 1]]);
    expect((await ask('WITH t AS (SELECT 1) SELECT count(*) FROM t')).rows).toEqual([[1]]);
    expect((await ask("SELECT t.value FROM alerts, json_each(alerts.attack) AS t")).rows).toEqual([['T1110.001']]);
    expect((await ask('EXPLAIN QUERY PLAN SELECT * FROM events WHERE time > 5')).rows.join()).toContain('event_time');
    expect((await ask("-- a comment; with a semicolon\nSELECT ';' AS text /* ; */ ; ; -- end")).rows).toEqual([[';']]);
    expect((await ask("VALUES (9007199254740993, x'00ff', 1e999, NULL, 2.5, 7)")).rows).toEqual([['9007199254740993', "x'00ff'", 'Infinity', null, 2.5, 7]]);
  });

  it('keeps secrets and its inner tables to itself, under whatever name they are asked for', async () => {
    expect((await ask('SELECT name, value FROM settings')).rows).toEqual([['lang', 'zh']]);
    for (const sql of [
      'SELECT * FROM secret', 'SELECT value FROM main.secret', 'SELECT count(*) FROM secret', 'SELECT 1 FROM secret LIMIT 1', 'SELECT * FROM learned',
      'WITH settings AS (SELECT * FROM secret) SELECT * FROM settings', 'SELECT name FROM settings UNION ALL SELECT value FROM secret',
      'SELECT (SELECT value FROM secret LIMIT 1)', "SELECT * FROM events WHERE id = (SELECT value FROM [secret])", 'EXPLAIN SELECT * FROM "secret"',
      'SELECT * FROM sqlite_master', 'SELECT sql FROM sqlite_schema', 'SELECT * FROM sqlite_temp_master', "SELECT * FROM pragma_table_info('secret')", 'SELECT * FROM dbstat', 'SELECT data FROM sqlite_dbpage',
    ]) {
      await expect(ask(sql), sql).rejects.toMatchObject({ code: expect.stringMatching(/refused|query/) });
      await expect(ask(sql), sql).rejects.not.toMatchObject({ message: expect.stringContaining('very-secret') });
    }
  });

  it('writes nothing and reaches no other file', async () => {
    const before = statSync(join(dir, 'moat.db')).mtimeMs;
    const other = join(dir, 'other.db');
    for (const sql of [
      'DELETE FROM events', 'INSERT INTO event (id) VALUES (1)', 'UPDATE alert SET level = 1', 'DROP TABLE event', `ATTACH '${other}' AS o`, 'PRAGMA query_only = 0', 'PRAGMA writable_schema = 1',
      'VACUUM', `VACUUM INTO '${other}'`, 'CREATE TABLE x (y)', 'BEGIN', 'REINDEX', 'ANALYZE', 'SAVEPOINT s', 'CREATE TEMP TABLE t (x)',
      'WITH t AS (SELECT 1) DELETE FROM event', 'WITH t AS (SELECT 1) INSERT INTO setting SELECT 1, 2', 'EXPLAIN DELETE FROM event', `EXPLAIN ATTACH '${other}' AS o`, 'EXPLAIN PRAGMA journal_mode = DELETE',
      "SELECT load_extension('/tmp/evil.so')", "SELECT fts3_tokenizer('simple')", "SELECT * FROM pragma_journal_mode('delete')", "SELECT * FROM pragma_wal_checkpoint",
      'SELECT 1; DELETE FROM event', 'SELECT 1; ; SELECT 2', "SELECT 1\0; DELETE FROM event", '/* SELECT */ DELETE FROM event', 'ATTACH', '', '  -- nothing', ';',
    ]) {
      await expect(ask(sql), sql).rejects.toMatchObject({ name: 'StoreError', code: expect.stringMatching(/refused|query/) });
    }
    // Functions of the sqlite3 shell are not there at all.
    await expect(ask("SELECT readfile('/etc/passwd')")).rejects.toMatchObject({ code: expect.stringMatching(/refused|query/) });
    expect(existsSync(other)).toBe(false);
    expect(statSync(join(dir, 'moat.db')).mtimeMs).toBe(before);
    expect((await ask('SELECT count(*) >= 50 FROM events')).rows).toEqual([[1]]);
  });

  it('stops what does not end, and the process with it', async () => {
    await expect(ask('WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n', { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('1 s') });
    await expect(ask('SELECT count(*) FROM events a, events b, events c, events d, events e, events f', { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'timeout' });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 300);
    await expect(ask('WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n', { signal: abort.signal })).rejects.toThrow('abort');
    expect(readdirSync('/proc').filter((pid) => isQueryOf(pid))).toEqual([]);
    store.commit({ events: [sampleEvent('after', time - 2)], alerts: [], positions: [] });
  });

  it('stops what eats memory', async () => {
    await expect(ask('WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT * FROM n ORDER BY x DESC', { timeoutMs: 60_000, maxMemory: 300 * 2 ** 20 })).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('300 MiB') });
    await expect(ask('SELECT length(zeroblob(100000000))')).rejects.toMatchObject({ code: 'query', message: expect.stringContaining('too big') });
  });

  it('cuts large results and says so', async () => {
    const endless = 'WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n';
    const capped = await ask(endless);
    expect([capped.rows.length, capped.cut, capped.rows.at(-1)]).toEqual([10_000, 'rows', [10_000]]);
    const exact = await ask('SELECT id FROM events LIMIT 5', { maxRows: 5 });
    expect([exact.rows.length, exact.cut]).toEqual([5, undefined]);
    const wide = await ask("WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT printf('%.*c', 100000, 'x') FROM n", { maxBytes: 1_000_000 });
    expect(wide.cut).toBe('bytes');
    expect(wide.rows.length).toBeGreaterThan(5);
    expect(wide.rows.length).toBeLessThan(30);
  });

  it('shows the runs of playbooks', async () => {
    const definition = { id: 'miner', name: { zh: '挖矿', en: 'Miner' }, workflow: {} } as unknown as Playbook;
    store.response.save({ runs: [{ id: 'r1', playbook: 'miner', definition, target: 'pid 4711', alert: 'A1', by: 'rule:x', why: 'it mines', status: 'running', created: time, changed: time + 5, variables: {}, threads: [], visits: 1, nextThread: 2, receipts: ['c1'], back: false, entries: [{ time, step: 'start', what: 'begun', note: '' }], dropped: 0 }] });
    const { rows } = await ask('SELECT at, id, playbook, target, alert, status, "by", why, receipts, json_array_length(entries) FROM playbook_runs');
    expect(rows).toEqual([['2026-05-06T07:08:09.123Z', 'r1', 'miner', 'pid 4711', 'A1', 'running', 'rule:x', 'it mines', '["c1"]', 1]]);
  });

  it('says where the SQL is wrong and what there is', async () => {
    await expect(ask("SELECT 'where', id\n FROM events whre where where time > 1")).rejects.toMatchObject({ code: 'query', message: expect.stringContaining('at line 2, column 25') });
    await expect(ask('SELECT at, sorce_ip FROM events')).rejects.toMatchObject({ code: 'query', message: 'no such column: sorce_ip, at line 1, column 12', hint: expect.stringContaining('source_ip') });
    await expect(ask('SELECT * FROM evnts')).rejects.toMatchObject({ code: 'query', message: expect.stringContaining('line 1, column 15'), hint: 'There are: events, alerts, positions, settings, receipts, audit_log, blocks, playbook_runs, incidents, findings, incident_members, processes, listeners, connections, users, logons, keys, packages, containers, units, timers, cron, modules, mounts, files_changed, sensors.' });
    await expect(ask('DELETE FROM events')).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('got DELETE at line 1, column 1') });
    await expect(ask('SELECT (')).rejects.toMatchObject({ code: 'query', message: 'incomplete input' });
    await expect(ask('SELECT ' + '('.repeat(50_000))).rejects.toMatchObject({ code: 'query' });
    await expect(ask('SELECT ' + 'x'.repeat(100_000))).rejects.toMatchObject({ code: 'refused' });
  });

  it('works when no store is open, and says what is missing when there is none', async () => {
    const own = mkdtempSync(join(tmpdir(), 'moat-query-'));
    await expect(querySqlite(own, 'SELECT 1')).rejects.toMatchObject({ code: 'missing' });
    writeFileSync(join(own, 'moat.db'), '');
    await expect(querySqlite(own, 'SELECT 1')).rejects.toMatchObject({ code: 'missing' });
    writeFileSync(join(own, 'moat.db'), 'no database, but long enough to be taken for one '.repeat(200));
    await expect(querySqlite(own, 'SELECT 1')).rejects.toMatchObject({ code: 'corrupt' });
    rmSync(join(own, 'moat.db'));
    const other = openSqliteStore({ dir: own });
    other.commit({ events: [sampleEvent('only')], alerts: [], positions: [] });
    other.close();
    chmodSync(join(own, 'moat.db'), 0o600);
    expect((await querySqlite(own, 'SELECT id FROM events', { child })).rows).toEqual([['only']]);
    rmSync(own, { recursive: true });
  });
});

/** Whether a process still runs a query for this test process. */
function isQueryOf(pid: string): boolean {
  if (!/^\d+$/.test(pid)) return false;
  try {
    const [, ppid] = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return Number(ppid) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('query-child');
  } catch {
    return false; // it ended while we looked
  }
}
