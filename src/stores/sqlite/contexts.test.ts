import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Event, eventFields, fieldTypes, type Kind } from '../../core/gen/event.ts';
import { contextFields } from './contexts.ts';
import { openDatabase } from './driver.ts';
import { openSqliteStore, type SqliteStore } from './store.ts';

const folders: string[] = [];
const stores: SqliteStore[] = [];
afterEach(() => {
  for (const store of stores.splice(0)) store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const newDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'moat-contexts-'));
  folders.push(dir);
  return dir;
};
const open = (dir: string, maxBytes = 2 ** 30): SqliteStore => {
  const store = openSqliteStore({ dir, maxBytes });
  stores.push(store);
  return store;
};
const reopen = (dir: string): SqliteStore => {
  stores.pop()!.close();
  return open(dir);
};
const add = (store: SqliteStore, ...events: Event[]): void => store.commit({ events, alerts: [], positions: [] });
const all = (store: SqliteStore): Event[] => [...store.events.range(0, 1e15)];

/** Of one process. */
function processEvent(id: string, kind: Kind, time: number, change: Partial<Event> = {}): Event {
  const event = new Event(id, time, kind);
  return Object.assign(event, {
    host: 'shop-1', category: 'process', action: 'process-start', outcome: 'success', source: 'ebpf', user: 'www-data', uid: 33, pid: 812, parent_pid: 700,
    process_name: 'sh', process_path: '/bin/dash', process_cmdline: 'sh -c ls', process_cwd: '/srv', parent_path: '/usr/sbin/nginx', parent_cmdline: 'nginx: worker process', cgroup: '/system.slice/nginx.service', ...change,
  });
}

function rows(dir: string, sql: string): unknown[][] {
  const db = openDatabase(join(dir, 'moat.db'), { readOnly: true });
  try { return db.prepare(sql).all().map((row) => Object.values(row)); } finally { db.close(); }
}
const contexts = (dir: string): number => Number(rows(dir, 'SELECT count(*) FROM context')[0]![0]);

/** An event of this kind for each text field, which alone is another one's, or missing. */
function neighbours(kind: Kind): Event[] {
  const texts = eventFields.filter((field) => fieldTypes[field] === 'string' && !['id', 'kind'].includes(field));
  return texts.flatMap((field) => [`other ${field}`, undefined, 'x'].map((value, n) => processEvent(`${kind}:${field}:${n}`, kind, 1000, { [field]: value })));
}

describe('what events have in common', () => {
  it('stands once, and every event comes back as it was, from the store and to a query', () => {
    const dir = newDir();
    const store = open(dir);
    const events = (['network_connection', 'process_creation', 'network_connection', 'sshd'] as const).flatMap((kind, n) => neighbours(kind).map((event) => Object.assign(event, { id: `${n}:${event.id}` })));
    add(store, ...events);
    expect(all(store)).toEqual(events);
    expect(all(reopen(dir))).toEqual(events);
    expect(contexts(dir)).toBeLessThan(events.length / 2);
    const found = rows(dir, `SELECT id, ${contextFields.map((field) => `"${field}"`).join(', ')} FROM events ORDER BY time, id`);
    const given = [...events].sort((a, b) => (a.id < b.id ? -1 : 1)).map((event) => [event.id, ...contextFields.map((field) => event[field] ?? null)]);
    expect(found).toEqual(given);
  });

  it('of a thousand connections of one process is one row', () => {
    const dir = newDir();
    const store = open(dir);
    const events = Array.from({ length: 1000 }, (_, n) => processEvent(`c${n}`, 'network_connection', n, { destination_port: n, pid: n }));
    for (let at = 0; at < 1000; at += 100) add(store, ...events.slice(at, at + 100));
    expect(contexts(dir)).toBe(1);
    expect(all(store)).toEqual(events);
  });

  it('gives a new process the command line of nobody else', () => {
    const dir = newDir();
    const store = open(dir);
    const parent = { parent_cmdline: 'make', process_cmdline: 'make' };
    add(store, processEvent('a', 'network_connection', 1, parent), processEvent('b', 'process_creation', 2, { ...parent, process_cmdline: undefined }), processEvent('c', 'process_creation', 3, { ...parent, process_cmdline: 'cc -c x.c' }));
    expect(all(store).map((event) => event.process_cmdline)).toEqual(['make', undefined, 'cc -c x.c']);
    expect(rows(dir, 'SELECT process_cmdline FROM events ORDER BY time')).toEqual([['make'], [null], ['cc -c x.c']]);
  });

  it('is written again when the commit that wrote it failed', () => {
    const dir = newDir();
    const store = open(dir);
    const event = processEvent('a', 'network_connection', 1);
    expect(() => store.commit({ events: [event], alerts: [], positions: [{ source: '', value: 'a source without a name' }] })).toThrow(expect.objectContaining({ code: 'input' }));
    expect([contexts(dir), all(store)]).toEqual([0, []]);
    add(store, event);
    expect(all(store)).toEqual([event]);
  });

  it('is bounded like the events: what no event names any more goes, what one names stays', () => {
    const dir = newDir();
    const max = 16 * 2 ** 20;
    let store = open(dir, max);
    const padding = 'a long command line that nobody else has, '.repeat(20);
    const make = (n: number): Event => processEvent(`e${String(n).padStart(6, '0')}`, 'network_connection', n, { process_cmdline: `${n - n % 3} ${padding}`, message: n % 2 === 0 ? padding : undefined });
    const total = 40_000;
    for (let at = 0; at < total; at += 2000) {
      add(store, ...Array.from({ length: 2000 }, (_, n) => make(at + n)));
      if (at === total / 2) { stores.pop()!.close(); store = open(dir, max); }
    }
    const left = all(store);
    expect(left.length).toBeLessThan(total / 2);
    expect(left).toEqual(Array.from({ length: left.length }, (_, n) => make(total - left.length + n)));
    // A third of the events have one, and those of a reach before the first may still be there.
    expect(contexts(dir)).toBeLessThan((left.length + 4_000 + 2_000) / 3);
    store.events.prune(1e13);
    for (let n = 0; n < 20; n++) store.events.prune(1e13);
    expect([all(store), contexts(dir)]).toEqual([[], 0]);
    add(store, make(1));
    expect(all(store)).toEqual([make(1)]);
  });
});
