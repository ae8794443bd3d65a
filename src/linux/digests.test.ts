/** Both ways of taking digests, over the same files; the threads run the worker as it is bundled. */
import { spawnSync, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { openDigests, treeDigests, type Digests } from './digests.ts';
import { DiskTree } from './disk-tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-digests-'));
const worker = join(folder, 'hash-worker.mjs');
const at = (name: string): string => join(folder, name);
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const open: Digests[] = [];

beforeAll(async () => {
  await build({ entryPoints: [join(import.meta.dirname, 'hash-worker.ts')], outfile: worker, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  writeFileSync(at('small'), 'small');
  writeFileSync(at('empty'), '');
  writeFileSync(at('large'), Buffer.alloc(5_000_001, 'moat'));
  writeFileSync(at('line\nbreak'), 'odd');
  writeFileSync(Buffer.concat([Buffer.from(at('bad')), Buffer.from([0xff, 0xfe])]), 'bytes');
  symlinkSync(at('small'), at('link'));
  mkdirSync(at('folder'));
  execFileSync('mkfifo', [at('fifo')]);
  writeFileSync(at('sparse'), '');
  truncateSync(at('sparse'), 3 * 2 ** 30);
});
afterEach(async () => { await Promise.all(open.splice(0).map((digests) => digests.close())); });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tree = new DiskTree('/', undefined);
describe.each([['threads', () => openDigests(tree, undefined, worker)], ['this thread', () => treeDigests(tree)]] as const)('in %s', (_, make) => {
  const digests = (): Digests => { const one = make(); open.push(one); return one; };

  it('digests files of every size and name', async () => {
    const taken = digests();
    const hex = async (name: string): Promise<unknown> => { const one = await taken.take(at(name), 'sha256'); return one.state === 'taken' ? one.hex : one.state; };
    expect(await Promise.all(['small', 'empty', 'large', 'line\nbreak', 'bad\udcff\udcfe'].map(hex))).toEqual([sha256('small'), sha256(''), sha256(Buffer.alloc(5_000_001, 'moat')), sha256('odd'), sha256('bytes')]);
    expect(await taken.take(at('small'), 'md5')).toMatchObject({ state: 'taken', hex: createHash('md5').update('small').digest('hex'), size: 5 });
  });

  it('opens nothing but files, and reads no holes for ever', async () => {
    const taken = digests();
    const state = async (path: string): Promise<string> => (await taken.take(path, 'sha256')).state;
    expect(await Promise.all(['link', 'folder', 'fifo', 'nothing', 'small/below'].map((name) => state(at(name))))).toEqual(['gone', 'gone', 'gone', 'gone', 'gone']);
    expect(await state('/dev/zero')).toBe('gone');
    expect(await taken.take(at('sparse'), 'sha256')).toEqual({ state: 'too-large', size: 3 * 2 ** 30 });
  });

  it('takes far more at once than it holds in its queue', async () => {
    const taken = digests();
    const all = await Promise.all(Array.from({ length: 9000 }, () => taken.take(at('small'), 'sha256')));
    expect(new Set(all.map((one) => (one.state === 'taken' ? one.hex : one.state)))).toEqual(new Set([sha256('small')]));
  });
});

describe('a folder that becomes a link while files are read', () => {
  const secret = 'what lies outside';
  /** A tree with `www/index.php`, and a folder outside of it with a file of the same name. */
  const made = (): { root: string; outside: string; digests: Digests } => {
    const root = mkdtempSync(join(folder, 'root-')), outside = mkdtempSync(join(folder, 'outside-'));
    mkdirSync(join(root, 'www'));
    for (const place of [join(root, 'www'), outside]) for (const name of ['index.php', 'other.php']) writeFileSync(join(place, name), place === outside ? secret : 'inside');
    const digests = openDigests(new DiskTree(root, undefined), undefined, worker);
    open.push(digests);
    return { root, outside, digests };
  };

  it('is told, and nothing outside of the tree is read, by whichever folder was read before', async () => {
    const { root, outside, digests } = made();
    expect(await digests.take('/www/index.php', 'sha256')).toMatchObject({ state: 'taken', hex: sha256('inside') });
    renameSync(join(root, 'www'), join(root, 'old'));
    symlinkSync(outside, join(root, 'www'));
    for (const name of ['index.php', 'other.php']) expect(await digests.take(`/www/${name}`, 'sha256')).toMatchObject({ state: 'broken', why: { zh: expect.any(String) as string } });
    rmSync(join(root, 'www'));
    expect((await digests.take('/www/index.php', 'sha256')).state).toBe('gone');
    renameSync(join(root, 'old'), join(root, 'www'));
    expect(await digests.take('/www/other.php', 'sha256')).toMatchObject({ state: 'taken', hex: sha256('inside') });
  });

  it('never leads out of it, however fast it is swapped', async () => {
    const { root, outside, digests } = made();
    const www = join(root, 'www'), old = join(root, 'old');
    const taking: Promise<unknown>[] = [];
    const seen = new Map<string, number>();
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 100; i++) taking.push(digests.take(i % 2 === 0 ? '/www/index.php' : '/www/other.php', 'sha256').then((one) => { const what = one.state === 'taken' ? one.hex : one.state; seen.set(what, (seen.get(what) ?? 0) + 1); return one; }));
      renameSync(www, old);
      symlinkSync(outside, www);
      await new Promise((resolve) => { setImmediate(resolve); });
      rmSync(www);
      renameSync(old, www);
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    await Promise.all(taking);
    expect(seen.get(sha256(secret))).toBeUndefined();
    expect(seen.get(sha256('inside'))).toBeGreaterThan(0);
  });
});

it('says that a file was written to while it was read', async () => {
  const path = at('busy');
  writeFileSync(path, Buffer.alloc(120_000_000));
  const digests = openDigests(tree, undefined, worker);
  open.push(digests);
  const reading = { on: true };
  const taking = digests.take(path, 'sha512').finally(() => { reading.on = false; });
  while (reading.on) { appendFileSync(path, 'x'); utimesSync(path, 1, Date.now()); await new Promise((resolve) => { setImmediate(resolve); }); }
  expect(await taking).toEqual({ state: 'changed' });
  rmSync(path);
});

it('ends with its signal, and when it is closed', async () => {
  const stop = new AbortController();
  const aborted = openDigests(tree, stop.signal, worker);
  open.push(aborted);
  const waiting = Array.from({ length: 5000 }, () => aborted.take(at('large'), 'sha512'));
  stop.abort(new Error('given up'));
  const results = await Promise.allSettled(waiting);
  expect(results.every((one) => one.status === 'rejected' && (one.reason as Error).message === 'given up')).toBe(true);
  const closed = openDigests(tree, undefined, worker);
  await closed.close();
  await expect(closed.take(at('small'), 'md5')).rejects.toMatchObject({ code: 'closed' });
});

it('dies aloud when its thread does', async () => {
  const broken = at('broken.mjs');
  writeFileSync(broken, 'throw new Error("cannot start");');
  const digests = openDigests(tree, undefined, broken);
  open.push(digests);
  await expect(digests.take(at('small'), 'md5')).rejects.toThrow('cannot start');
});

it.skipIf(lacks({ root: true }))('says that it may not read', async () => {
  const program = at('denied.mjs');
  await build({ stdin: { contents: `import { openDigests } from './digests.ts'; import { DiskTree } from './disk-tree.ts'; const d = openDigests(new DiskTree('/', undefined), undefined, process.argv[2]); console.log((await d.take(process.argv[3], 'md5')).state, (await d.take(process.argv[4], 'md5')).state); await d.close();`, resolveDir: import.meta.dirname, loader: 'ts' }, outfile: program, bundle: true, platform: 'node', format: 'esm', external: ['koffi'], logLevel: 'error' });
  writeFileSync(at('secret'), 'x');
  chmodSync(at('secret'), 0o600);
  mkdirSync(at('shut'));
  writeFileSync(at('shut/x'), 'x');
  chmodSync(at('shut'), 0o700);
  chmodSync(folder, 0o755);
  expect(spawnSync(process.execPath, [program, worker, at('secret'), at('shut/x')], { uid: 65_534, gid: 65_534, encoding: 'utf8' }).stdout.trim()).toBe('denied denied');
});
