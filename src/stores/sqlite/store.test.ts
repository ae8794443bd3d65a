import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { Event, eventFields } from '../../core/gen/event.ts';
import { sampleAlert, sampleEvent, type StoreBounds, storeContract, type StoreFixture } from '../contract.ts';
import { hasBuiltIn, openDatabase } from './driver.ts';
import { openSqliteStore, setAsideDatabase, type SqliteOptions, type SqliteStore } from './store.ts';

const day = 86_400_000;
const time = Date.UTC(2026, 1, 2);
const dirs: string[] = [];
const stores: SqliteStore[] = [];

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'moat-store-'));
  dirs.push(dir);
  return dir;
}

function open(options: SqliteOptions): SqliteStore {
  const store = openSqliteStore(options);
  stores.push(store);
  return store;
}

afterEach(() => {
  for (const store of stores.splice(0)) store.close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

const put = (store: SqliteStore, ...ids: string[]): void => store.commit({ events: ids.map((id) => sampleEvent(id, time)), alerts: [], positions: [] });
const ids = (store: SqliteStore): string[] => [...store.events.range(0, 1e15)].map((event) => event.id);
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

async function make(bounds: StoreBounds): Promise<StoreFixture> {
  const dir = mkdtempSync(join(tmpdir(), 'moat-store-'));
  const counts = new Map<string, number>();
  const count = (what: string, n = 1): void => { counts.set(what, (counts.get(what) ?? 0) + n); };
  let store = openSqliteStore({ dir, ...bounds, count });
  return {
    store,
    counts,
    async reopen() {
      store.close();
      store = openSqliteStore({ dir, ...bounds, count });
      return store;
    },
    async end() {
      store.close();
      rmSync(dir, { recursive: true });
    },
  };
}

storeContract('sqlite', make);

it('stores a field that no event before it had', () => {
  const store = open({ dir: newDir() });
  const early = new Event('1', time, 'syslog'), late = new Event('2', time + 1, 'syslog'), between = new Event('3', time + 2, 'syslog');
  early.message = 'plain';
  late.source_port = 4711;
  late.extra = { unit: 'x.service' };
  store.commit({ events: [early], alerts: [], positions: [] });
  store.commit({ events: [late, between], alerts: [], positions: [] });
  expect([...store.events.range(0, 1e15)]).toEqual([early, late, between]);
});

describe('data directory', () => {
  it('is made, and it and its files are ours alone', () => {
    const dir = join(newDir(), 'deep', 'er');
    const before = process.umask(0);
    try {
      put(open({ dir }), 'a');
    } finally {
      process.umask(before);
    }
    expect(mode(dir)).toBe('700');
    const files = readdirSync(dir);
    expect(files).toEqual(expect.arrayContaining(['moat.db', 'moat.db-wal', 'moat.db-shm', 'moat.lock', 'moat.pid']));
    for (const name of ['moat.db', 'moat.db-wal', 'moat.db-shm', 'moat.pid']) expect(mode(join(dir, name)), name).toBe('600');
  });

  it('that others could enter is closed to them', () => {
    const dir = newDir();
    chmodSync(dir, 0o777);
    open({ dir });
    expect(mode(dir)).toBe('700');
  });

  it('that is no directory gives an error', () => {
    const dir = join(newDir(), 'file');
    writeFileSync(dir, '');
    expect(() => open({ dir })).toThrow(expect.objectContaining({ name: 'StoreError', code: 'io' }));
    expect(() => open({ dir: newDir(), maxBytes: 1000 })).toThrow(expect.objectContaining({ code: 'input' }));
  });

  it('has one writer, whom the next is told of; readers are free', () => {
    const dir = newDir();
    const writer = open({ dir });
    put(writer, 'a');
    expect(() => open({ dir })).toThrow(expect.objectContaining({ code: 'locked', message: expect.stringContaining(`process ${process.pid} (since 20`) }));
    const reader = open({ dir, readOnly: true });
    put(writer, 'b');
    expect(ids(reader)).toEqual(['a', 'b']);
    writer.close();
    put(open({ dir }), 'c');
    expect(ids(reader)).toEqual(['a', 'b', 'c']);
  });

  it('is free again when the writer of another process was killed', async () => {
    const dir = newDir();
    // A writer as simple as can be: what counts is the lock that the kernel holds for it.
    const source = `
      import { DatabaseSync } from '@photostructure/sqlite'; import { writeFileSync } from 'node:fs';
      const lock = new DatabaseSync(${JSON.stringify(join(dir, 'moat.lock'))}); lock.exec('BEGIN IMMEDIATE');
      writeFileSync(${JSON.stringify(join(dir, 'moat.pid'))}, process.pid + ' 2026-01-01T00:00:00.000Z\\n');
      console.log('locked'); setInterval(() => lock.isOpen, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    expect(() => open({ dir })).toThrow(expect.objectContaining({ code: 'locked', message: expect.stringContaining(`process ${child.pid} (since 2026-01-01`) }));
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(existsSync(join(dir, 'moat.pid'))).toBe(true);
    put(open({ dir }), 'a');
    expect(readFileSync(join(dir, 'moat.pid'), 'utf8')).toContain(`${process.pid} `);
  });
});

describe('reading only', () => {
  it('changes nothing', () => {
    const dir = newDir();
    put(open({ dir }), 'a');
    const reader = open({ dir, readOnly: true });
    expect(() => put(reader, 'b')).toThrow(expect.objectContaining({ code: 'denied' }));
    expect(() => reader.ledger.setSetting('x', 'y')).toThrow(expect.objectContaining({ code: 'denied' }));
    expect(() => reader.ledger.close('x')).toThrow(expect.objectContaining({ code: 'denied' }));
    expect(() => reader.events.prune(time + 999 * day)).toThrow(expect.objectContaining({ code: 'denied' }));
    expect(ids(reader)).toEqual(['a']);
  });

  it('needs a database', () => {
    const dir = newDir();
    expect(() => open({ dir, readOnly: true })).toThrow(expect.objectContaining({ code: 'missing' }));
    expect(readdirSync(dir)).toEqual([]);
    expect(() => open({ dir: join(dir, 'nowhere'), readOnly: true })).toThrow(expect.objectContaining({ code: 'missing' }));
  });
});

describe('schema', () => {
  const edit = (dir: string, sql: string): void => {
    const db = openDatabase(join(dir, 'moat.db'));
    db.exec(sql);
    db.close();
  };

  it('takes up a field that is new in the event schema', () => {
    const dir = newDir();
    put(open({ dir }), 'before');
    stores.splice(0)[0]!.close();
    // As a version left it that did not know two of the fields, and knew one that has gone since.
    edit(dir, 'DROP VIEW events; ALTER TABLE event DROP COLUMN source_country; ALTER TABLE event DROP COLUMN value; ALTER TABLE event ADD COLUMN gone TEXT');
    expect([...open({ dir, readOnly: true }).events.range(0, 1e15)].map((event) => [event.id, event.source_country])).toEqual([['before', undefined]]);
    const store = open({ dir });
    const event = sampleEvent('after', time + 1);
    event.source_country = 'NL';
    event.value = 1.5;
    store.commit({ events: [event], alerts: [], positions: [] });
    expect([...store.events.range(0, 1e15)].map((found) => [found.id, found.source_country, found.value])).toEqual([['before', undefined, undefined], ['after', 'NL', 1.5]]);
    const db = openDatabase(join(dir, 'moat.db'), { readOnly: true });
    expect(Object.keys(db.prepare('SELECT * FROM events').get()!)).toEqual(['at', ...eventFields]);
    db.close();
  });

  it('of a newer version is refused and left alone', () => {
    const dir = newDir();
    put(open({ dir }), 'a');
    stores.splice(0)[0]!.close();
    const db = openDatabase(join(dir, 'moat.db'), { readOnly: true });
    const version = Number(db.prepare('PRAGMA user_version').get()!['user_version']);
    db.close();
    edit(dir, 'PRAGMA user_version = 99');
    for (const readOnly of [false, true]) {
      expect(() => open({ dir, readOnly })).toThrow(expect.objectContaining({ code: 'schema', message: expect.stringContaining('got 99'), hint: expect.stringContaining('newer Moat') }));
    }
    edit(dir, `PRAGMA user_version = ${version}`);
    expect(ids(open({ dir }))).toEqual(['a']);
  });

  it('of the first version is brought up to date with its alerts and events', () => {
    const dir = newDir();
    open({ dir }).commit({ events: [], alerts: [sampleAlert('A1')], positions: [] });
    stores.splice(0)[0]!.close();
    edit(dir, `DROP VIEW events; ALTER TABLE event DROP COLUMN context; DROP TABLE context; INSERT INTO event (id, time, kind, host, action, message) VALUES ('e1', ${time}, 'sshd', 'shop-1', 'login', 'm')`);
    edit(dir, 'DROP VIEW alerts; ALTER TABLE alert DROP COLUMN origin; ALTER TABLE alert DROP COLUMN origin_ip; DROP TABLE lineage; DROP TABLE notice; DROP TABLE notice_channel; DROP TABLE request; DROP TABLE used_token; DROP TABLE receipt; DROP TABLE audit; DROP TABLE block; DROP TABLE playbook_run; DROP TABLE incident; DROP TABLE incident_member; DROP TABLE incident_strand; DROP TABLE incident_finding; DROP TABLE account; DROP TABLE session; DROP TABLE api_token; DROP INDEX alert_time; DROP INDEX alert_page; DROP INDEX alert_of_rule; DROP INDEX alert_source; DROP INDEX alert_pid; DROP INDEX alert_path; DROP TABLE finding; DROP TABLE scan; DROP TABLE elevation; DROP TABLE saved_query; PRAGMA user_version = 1');
    expect(() => open({ dir, readOnly: true })).toThrow(expect.objectContaining({ code: 'schema' }));
    const store = open({ dir });
    store.commit({ events: [], alerts: [sampleAlert('A2', { origin: 'web server nginx → sh' })], positions: [], lineage: { put: new Map([['a', '1']]), drop: [], replace: false } });
    expect([store.ledger.alert('A1'), store.ledger.alert('A2')?.origin, [...store.lineage()]]).toEqual([sampleAlert('A1'), 'web server nginx → sh', [{ id: 'a', value: '1' }]]);
    put(store, 'e2');
    expect([...store.events.range(0, 1e15)].map(({ id, host, action, message }) => [id, host, action, message?.slice(0, 6)])).toEqual([['e1', 'shop-1', 'login', 'm'], ['e2', 'shop-1', 'login', 'Failed']]);
    const db = openDatabase(join(dir, 'moat.db'), { readOnly: true });
    expect(db.prepare('SELECT id, host FROM events ORDER BY id').all().map((row) => [row['id'], row['host']])).toEqual([['e1', 'shop-1'], ['e2', 'shop-1']]);
    db.close();
  });

  it('goes on with a file whose first start was cut off before it had its mark', () => {
    const dir = mkdtempSync(join(tmpdir(), 'moat-store-'));
    chmodSync(dir, 0o700);
    const half = openDatabase(join(dir, 'moat.db'), {});
    half.exec('PRAGMA auto_vacuum = INCREMENTAL');
    half.close();
    expect(statSync(join(dir, 'moat.db')).size).toBeGreaterThan(0);
    const store = open({ dir });
    expect(store.check()).toEqual([]);
    store.close();
    const db = openDatabase(join(dir, 'moat.db'), { readOnly: true });
    expect(Object.values(db.prepare('PRAGMA auto_vacuum').get()!)).toEqual([2]);
    db.close();
    rmSync(dir, { recursive: true });
  });

  it('of another program is refused', () => {
    const dir = newDir();
    edit(dir, 'CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)');
    expect(() => open({ dir })).toThrow(expect.objectContaining({ code: 'corrupt', message: expect.stringContaining('another SQLite file') }));
  });

  it('is made again when a first start died before it was complete', () => {
    const dir = newDir();
    writeFileSync(join(dir, 'moat.db'), '');
    put(open({ dir }), 'a');
    stores.splice(0)[0]!.close();
    const second = newDir();
    edit(second, 'PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = 1299145076');
    put(open({ dir: second }), 'b');
    expect(ids(stores[0]!)).toEqual(['b']);
  });
});

describe('damage', () => {
  it('is told with what to do, and the file is moved aside only when asked', () => {
    const dir = newDir();
    const file = join(dir, 'moat.db');
    writeFileSync(file, 'not a database at all '.repeat(1000));
    for (let n = 0; n < 2; n++) expect(() => open({ dir })).toThrow(expect.objectContaining({ code: 'corrupt', hint: expect.stringContaining('move the database aside') }));
    expect(readFileSync(file, 'utf8')).toContain('not a database');
    const aside = setAsideDatabase(dir, time);
    expect(aside).toBe(`${file}.aside-2026-02-02T000000.000Z`);
    expect(readFileSync(aside, 'utf8')).toContain('not a database');
    put(open({ dir }), 'new');
    expect(() => setAsideDatabase(dir)).toThrow(expect.objectContaining({ code: 'locked' }));
    stores.splice(0)[0]!.close();
    expect(setAsideDatabase(dir, time)).toBe(`${aside}-1`);
    expect(() => setAsideDatabase(dir)).toThrow(expect.objectContaining({ code: 'missing' }));
  });

  it('in the middle of the file shows in check() and in what reads it', () => {
    const dir = newDir();
    const file = join(dir, 'moat.db');
    const store = open({ dir });
    for (let n = 0; n < 20; n++) put(store, ...Array.from({ length: 200 }, (_, i) => `e${n}-${i}`));
    expect(store.check()).toEqual([]);
    stores.splice(0)[0]!.close();
    const bytes = readFileSync(file);
    bytes.fill(0xee, 100 * 4096, 200 * 4096);
    writeFileSync(file, bytes);
    const broken = open({ dir });
    expect(broken.check().length).toBeGreaterThan(0);
    expect(() => ids(broken)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });

  it('does not come from a copy made while it is written', () => {
    const dir = newDir();
    const store = open({ dir });
    put(store, 'a');
    const copy = newDir();
    for (const name of ['moat.db', 'moat.db-wal']) copyFileSync(join(dir, name), join(copy, name));
    expect(ids(open({ dir: copy }))).toEqual(['a']);
  });
});

describe('ring', () => {
  const cap = 16 * 2 ** 20;
  const size = (dir: string): number => ['moat.db', 'moat.db-wal'].reduce((sum, name) => sum + (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0), 0);

  it('holds its cap with the log, drops the oldest first, reuses pages, and gives space back', () => {
    const dir = newDir();
    const counts = new Map<string, number>();
    const store = open({ dir, maxBytes: cap, count: (what, n = 1) => counts.set(what, (counts.get(what) ?? 0) + n) });
    store.commit({ events: [], alerts: [sampleAlert('kept')], positions: [{ source: 's', value: '1' }] });
    const filler = 'y'.repeat(400);
    let n = 0;
    const sizes: number[] = [];
    for (let round = 0; round < 40; round++) {
      const events = Array.from({ length: 1_500 }, () => {
        const event = sampleEvent(`e${n}`, time + n++);
        event.message = filler;
        return event;
      });
      store.commit({ events, alerts: [], positions: [] });
      sizes.push(size(dir));
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(cap);
    const kept = ids(store);
    expect(kept.length).toBeGreaterThan(5_000);
    expect(kept.length).toBeLessThan(25_000);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => `e${n - kept.length + i}`));
    expect(counts.get('event-pruned-size')).toBe(n - kept.length);
    // In balance the file no longer grows: freed pages are used again.
    expect(Math.max(...sizes.slice(20))).toBeLessThanOrEqual(Math.max(...sizes.slice(0, 20)) + 2 ** 20);

    let gone = 0;
    for (let k = store.events.prune(time + n + 30 * day); k > 0; k = store.events.prune(time + n + 30 * day)) gone += k;
    expect(gone).toBe(kept.length);
    for (let k = 0; k < 5; k++) store.events.prune(time);
    expect(ids(store)).toEqual([]);
    expect(store.ledger.alert('kept')).toBeDefined();
    expect(store.check()).toEqual([]);
    stores.splice(0)[0]!.close();
    expect(size(dir)).toBeLessThan(cap / 2);
  });

  it('comes back under its cap after one commit that was larger than it', () => {
    const dir = newDir();
    const store = open({ dir, maxBytes: cap });
    const events = Array.from({ length: 3_000 }, (_, n) => {
      const event = sampleEvent(`big${n}`, time + n);
      event.message = event.process_cmdline = 'z'.repeat(10_000);
      return event;
    });
    store.commit({ events, alerts: [], positions: [] });
    for (let n = 0; n < 30; n++) store.events.prune(time);
    expect(size(dir)).toBeLessThanOrEqual(cap);
    expect(ids(store).at(-1)).toBe('big2999');
    expect(store.check()).toEqual([]);
  });

  it('makes room among the alerts when they alone fill it, closed ones first', () => {
    const dir = newDir();
    const store = open({ dir, maxBytes: cap });
    const evidence = [{ message: 'e'.repeat(4_000) }, { message: 'e'.repeat(4_000) }];
    for (let round = 0; round < 30; round++) {
      store.commit({ events: [], alerts: Array.from({ length: 100 }, (_, n) => sampleAlert(`A${round}-${n}`, { last_time: round * 100 + n, evidence, path: 'p'.repeat(4_000), status: round === 20 ? 'closed' : 'open' })), positions: [] });
    }
    for (let n = 0; n < 20; n++) store.events.prune(time);
    expect(size(dir)).toBeLessThanOrEqual(cap);
    expect(store.ledger.alert('A0-0')).toBeUndefined();
    expect(store.ledger.alert('A20-50')).toBeUndefined();
    expect(store.ledger.alert('A29-99')).toBeDefined();
  });

  it('is not held open by events that claim to be of the future', () => {
    const dir = newDir();
    const store = open({ dir, maxBytes: cap });
    const forged = Array.from({ length: 2_000 }, (_, n) => {
      const event = sampleEvent(`forged${n}`, time + 10_000 * day);
      event.message = 'f'.repeat(3_000);
      return event;
    });
    store.commit({ events: forged, alerts: [], positions: [] });
    let n = 0;
    for (let round = 0; round < 20; round++) {
      store.commit({ events: Array.from({ length: 1_000 }, () => {
        const event = sampleEvent(`real${n++}`, time + n);
        event.message = 'r'.repeat(1_000);
        return event;
      }), alerts: [], positions: [] });
    }
    const kept = ids(store);
    expect(kept.some((id) => id.startsWith('forged'))).toBe(false);
    expect(kept.at(-1)).toBe(`real${n - 1}`);
  });
});

describe('SQLite', () => {
  it('is built into Node from 22.13 on', () => {
    expect(['20.19.0', '22.12.9', '22.13.0', '23.0.0', '24.1.0'].map(hasBuiltIn)).toEqual([false, false, true, true, true]);
  });

  it('says nothing of its own on a terminal, whichever it is', async () => {
    const source = `
      import { openSqliteStore } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'store.ts')).href)};
      openSqliteStore({ dir: process.argv[1] }).close();`;
    const dir = join(newDir(), 'data');
    mkdirSync(dir);
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', tsx, '--input-type=module', '-e', source, dir], { env: {} });
    expect([stdout, stderr]).toEqual(['', '']);
    expect(existsSync(join(dir, 'moat.db'))).toBe(true);
  });
});
