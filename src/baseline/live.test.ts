import { closeSync, mkdirSync, openSync, rmSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeRoot, type Planted } from '../../test/throwaway-root.ts';
import { treeDigests } from '../linux/digests.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { createBaseline, acceptChanges } from './baseline.ts';
import type { Entry } from './entry.ts';
import { FolderWatch } from './folder-watch.ts';
import { LiveBaseline } from './live.ts';
import { BaselineLookup } from './lookup.ts';
import { BaselineReader } from './store.ts';
import type { Looking } from './records.ts';

const key = Buffer.from('a key that nobody else has');
const { signal } = new AbortController();

async function stage(planted: Planted): Promise<{ root: string; at: (path: string) => string; store: string; looking: () => Looking; lookup: BaselineLookup; live: LiveBaseline<string>; found: Map<string, string>; lost: string[]; until: (condition: () => boolean) => Promise<void> }> {
  const root = makeRoot(planted);
  const store = join(makeRoot(), 'store/integrity.baseline');
  const looking = (): Looking => { const tree = new DiskTree(root, undefined); return { tree, digests: treeDigests(tree), index: undefined, signal, attributes: false, over: undefined, blind: (path, why) => { throw new Error(`${path}: ${why.en}`); }, count: () => undefined }; };
  await createBaseline(store, key, looking(), { folders: ['/etc', '/bin'], exclude: ['/etc/noise'], now: 1 });
  const lookup = await BaselineLookup.open(store, key);
  onTestFinished(() => lookup.close());
  const found = new Map<string, string>();
  const lost: string[] = [];
  const live = new LiveBaseline<string>({
    lookup, looking, found: (path, change, who) => { found.set(path, `${change?.action ?? 'same'} ${who ?? ''}`); }, lost: (path, why) => { lost.push(`${why} ${path}`); }, failed: (error) => { throw error; },
  });
  onTestFinished(() => live.end());
  return { root, store, looking, lookup, live, found, lost, at: (path) => join(root, path), until: async (condition) => {
    for (const end = Date.now() + 30_000; !condition(); await new Promise((resolve) => { setTimeout(resolve, 20); })) if (Date.now() > end) throw new Error(JSON.stringify([[...found], lost]));
  } };
}

it('finds single entries and what lies below a folder as the whole baseline has them', async () => {
  const long = 'x'.repeat(200);
  const names = Array.from({ length: 1500 }, (_, i) => `/etc/d${i % 7}/${long}${i}`);
  const { lookup, store } = await stage({ ...Object.fromEntries(names.map((name) => [name, name])), '/etc/d1.x': 'x', '/etc/quote"\\': 'x', '/etc/d1-': 'x' });
  const reader = new BaselineReader(store, key);
  onTestFinished(() => reader.close());
  const all: Entry[] = [...reader.entries()];
  expect([...new BaselineReader(store, key).blocks()].length).toBeGreaterThan(1);
  for (const entry of all.filter((_, i) => i % 40 === 0 || i < 20)) expect(lookup.at(entry.path)).toEqual(entry);
  for (const path of ['/etc/d1', '/etc/d6', '/etc/quote"\\', '/bin']) expect(lookup.below(path)).toEqual(all.filter((entry) => entry.path === path || entry.path.startsWith(`${path}/`)));
  expect([lookup.at('/etc/none'), lookup.below('/etc/none'), lookup.at('/'), lookup.at('/zzz')]).toEqual([undefined, [], undefined, undefined]);
  expect(['/etc', '/etc/x', '/etcx', '/usr/x', '/etc/noise', '/etc/noise/x', '/etc/noisex'].map((path) => lookup.covers(path))).toEqual([true, true, false, false, false, false, true]);
});

it('tells a change and passes over a touch, the same content, what is not looked at and what is put right', async () => {
  const { live, at, found, until } = await stage({ '/etc/a': 'a', '/etc/b': 'b', '/etc/c': 'c', '/etc/gone': 'x', '/etc/noise': 'x', '/etc/dir/inner': 'x' });
  writeFileSync(at('/etc/a'), 'changed');
  utimesSync(at('/etc/b'), 1, 1);
  writeFileSync(at('/etc/c'), 'c');
  rmSync(at('/etc/gone'));
  writeFileSync(at('/etc/noise'), 'changed');
  rmSync(at('/etc/dir'), { recursive: true });
  mkdirSync(at('/etc/new/deep'), { recursive: true });
  writeFileSync(at('/etc/new/deep/file'), 'x');
  for (const path of ['/etc/a', '/etc/a', '/etc/b', '/etc/c', '/etc/gone', '/etc/noise', '/opt/x', '/etc/dir', '/etc/new']) live.saw({ path, deep: true, who: 'me' });
  await until(() => found.has('/etc/new/deep/file'));
  expect(Object.fromEntries(found)).toEqual({ '/etc/a': 'changed me', '/etc/b': 'same me', '/etc/c': 'same me', '/etc/gone': 'removed me', '/etc/dir': 'same me', '/etc/dir/inner': 'removed me', '/etc/new': 'same me', '/etc/new/deep': 'same me', '/etc/new/deep/file': 'added me' });
  writeFileSync(at('/etc/a'), 'a');
  live.saw({ path: '/etc/a', deep: false, who: undefined });
  await until(() => found.get('/etc/a') === 'same ');
});

it('looks again at what is held open, until it is closed', async () => {
  const { live, at, found, until } = await stage({ '/etc/a': 'a' });
  const file = openSync(at('/etc/a'), 'r+');
  live.saw({ path: '/etc/a', deep: false, who: 'me', opener: process.pid });
  await until(() => found.get('/etc/a') === 'same me');
  await new Promise((resolve) => { setTimeout(resolve, 700); });
  writeSync(file, 'b');
  await until(() => found.get('/etc/a') === 'changed me');
  closeSync(file);
});

it('looks again at what may be held open behind thousands of others', async () => {
  const { live, at, found, until } = await stage({ '/etc/a': 'a' });
  const others = Array.from({ length: 2100 }, () => openSync('/dev/null', 'r'));
  onTestFinished(() => { for (const other of others) closeSync(other); });
  const file = openSync(at('/etc/a'), 'r+');
  live.saw({ path: '/etc/a', deep: false, who: 'me', opener: process.pid });
  await until(() => found.get('/etc/a') === 'same me');
  await new Promise((resolve) => { setTimeout(resolve, 700); });
  writeSync(file, 'b');
  await until(() => found.get('/etc/a') === 'changed me');
  closeSync(file);
});

it('hands over what is too much to be looked at one by one', async () => {
  const { live, at, lost, found, until } = await stage({ '/etc/a': 'a' });
  mkdirSync(at('/etc/many'));
  for (let i = 0; i < 2100; i++) writeFileSync(at(`/etc/many/${i}`), '');
  live.saw({ path: '/etc/many', deep: true, who: undefined });
  for (let i = 0; i < 5000; i++) live.saw({ path: `/etc/x${i}`, deep: false, who: undefined });
  expect(new Set(lost)).toEqual(new Set(['queue /etc']));
  await until(() => lost.includes('many /etc/many') && live.waiting === 0);
  expect(found.size).toBeGreaterThan(2000);
});

it('sees folders by inotify, new ones with what is in them, and says how many it could not watch', async () => {
  const { root, at, lookup, until } = await stage({ '/etc/a': 'a', '/etc/one/two/b': 'b' });
  const changed = new Set<string>();
  const tree = new DiskTree(root, undefined);
  const watch = await FolderWatch.open({ tree, folders: ['/etc', '/bin'], covers: (path) => lookup.covers(path), changed: (path) => { changed.add(path); }, signal });
  onTestFinished(() => watch.close());
  expect([watch.size, watch.left]).toEqual([3, 0]);
  writeFileSync(at('/etc/one/two/b'), 'c');
  mkdirSync(at('/etc/new'));
  await until(() => changed.has('/etc/one/two/b') && changed.has('/etc/new') && watch.size === 4);
  writeFileSync(at('/etc/new/c'), 'c');
  await until(() => changed.has('/etc/new/c'));
  const few = await FolderWatch.open({ tree, folders: ['/etc'], covers: () => true, changed: () => undefined, signal, most: 2 });
  onTestFinished(() => few.close());
  expect([few.size, few.left]).toEqual([2, 2]);
});

it('writers do not spoil each other: who comes second is told to come again', async () => {
  const { at, store, looking } = await stage({ '/etc/a': 'a', '/etc/b': 'b' });
  writeFileSync(at('/etc/a'), 'x');
  writeFileSync(at('/etc/b'), 'x');
  const slow = acceptChanges(store, key, looking(), ['/etc/a'], { now: 2, onProgress: () => { if (first) { first = false; other = acceptChanges(store, key, looking(), ['/etc/b'], { now: 3 }); } } });
  let first = true;
  let other: ReturnType<typeof acceptChanges> | undefined;
  const results = await Promise.allSettled([slow, slow.catch(() => undefined).then(() => other)]);
  expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'busy' });
  // Whatever the outcome, what lies there holds.
  expect((await BaselineLookup.open(store, key)).summary.entries).toBeGreaterThan(3);
  const same = (await BaselineLookup.open(store, key)).summary.seal;
  const nothing = await acceptChanges(store, key, looking(), 'packages', { now: 4 });
  expect(nothing.changes).toEqual([]);
  expect((await BaselineLookup.open(store, key)).summary.seal).toBe(same);
});
