import { createHash } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { makeRoot, plant, type Planted } from '../../test/throwaway-root.ts';
import { treeDigests } from '../linux/digests.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { openFileAttributes } from '../linux/file-attributes.ts';
import { openPackages } from '../linux/packages/index.ts';
import { acceptChanges, createBaseline, diffBaseline, verifyBaseline, type JudgedChange } from './baseline.ts';
import { comparePaths, entryOf, lineOf } from './entry.ts';
import { makeKey, readKey } from './key.ts';
import type { Looking } from './records.ts';

const key = Buffer.from('a key that nobody else has');
/** Few files fill several blocks. */
const long = 'x'.repeat(230);
const attributes = await openFileAttributes();

/** A system in a folder, its baseline beside it. */
class Stage {
  readonly root: string;
  readonly store: string;
  readonly blind: string[] = [];
  readonly counts = new Map<string, number>();

  constructor(planted: Planted = {}) {
    this.root = makeRoot(planted);
    this.store = join(makeRoot(), 'store/integrity.baseline');
  }

  at(path: string): string { return join(this.root, path); }

  async looking(signal = new AbortController().signal): Promise<Looking> {
    const tree = new DiskTree(this.root, attributes);
    return { tree, digests: treeDigests(tree, signal), index: await openPackages(tree), signal, attributes: true, over: undefined, blind: (path, why) => this.blind.push(`${path}: ${why.en}`), count: (what, n = 1) => this.counts.set(what, (this.counts.get(what) ?? 0) + n) };
  }

  async create(folders = ['/etc', '/usr', '/bin', '/nowhere']): Promise<ReturnType<typeof createBaseline>> { return createBaseline(this.store, key, await this.looking(), { folders, exclude: ['/etc/noise'], now: 1 }); }

  async diff(): Promise<JudgedChange[]> {
    const all: JudgedChange[] = [];
    for await (const change of diffBaseline(this.store, key, await this.looking())) all.push(change);
    return all;
  }

  /** `action path field…`, times left out. */
  async told(): Promise<string[]> {
    return (await this.diff()).filter(({ action }) => action !== 'touched').map(({ action, path, fields, upgrade, shipped }) => [action, path, ...fields.map(({ field }) => field).filter((field) => !['modified', 'changed', 'inode', 'links', 'size'].includes(field)), ...(upgrade ? [`${upgrade.name} ${upgrade.from}→${upgrade.to}`] : []), ...(shipped ? ['shipped'] : [])].join(' '));
  }
}

describe('a baseline', () => {
  it('holds for what did not change, and tells what did with old and new', async () => {
    const stage = new Stage({ '/etc/hosts': 'one', '/etc/gone': 'x', '/etc/noise': 'x', '/etc/mode': 'x', '/etc/link': '->/etc/hosts', '/etc/kept': 'same' });
    const made = await stage.create();
    expect(made).toMatchObject({ resumed: false, unread: 0, folders: ['/bin', '/etc', '/nowhere', '/usr'] });
    expect(await stage.diff()).toEqual([]);
    const was = statSync(stage.at('etc/kept'));
    writeFileSync(stage.at('etc/hosts'), 'two');
    rmSync(stage.at('etc/gone'));
    writeFileSync(stage.at('etc/noise'), 'y');
    chmodSync(stage.at('etc/mode'), 0o666);
    rmSync(stage.at('etc/link'));
    symlinkSync('/etc/shadow', stage.at('etc/link'));
    mkdirSync(stage.at('etc/new'));
    writeFileSync(stage.at('etc/new/line\nbreak'), 'x');
    writeFileSync(Buffer.concat([Buffer.from(stage.at('etc/bad')), Buffer.from([0xff])]), 'x');
    writeFileSync(stage.at('etc/kept'), 'SAME');
    utimesSync(stage.at('etc/kept'), was.atime, was.mtime);
    expect(await stage.told()).toEqual(['added /etc/bad\udcff', 'removed /etc/gone', 'changed /etc/hosts content', 'changed /etc/kept content', 'changed /etc/link target', 'changed /etc/mode mode', 'added /etc/new/line\nbreak']);
    const changes = await stage.diff();
    expect(changes.find(({ path }) => path === '/etc/hosts')?.fields[0]).toEqual({ field: 'content', before: createHash('sha256').update('one').digest('hex'), after: createHash('sha256').update('two').digest('hex') });
    expect(changes.filter(({ timeKept }) => timeKept).map(({ path }) => path)).toEqual(['/etc/kept']);
    expect(stage.blind).toEqual([]);
  });

  it('tells attributes and flags where the disk keeps them', async () => {
    const stage = new Stage({ '/etc/a': 'x' });
    await stage.create();
    const python = (code: string): boolean => { try { execFileSync('python3', ['-c', code, stage.at('etc/a')], { stdio: 'ignore' }); return true; } catch { return false; } };
    const kept = python('import os,sys; os.setxattr(sys.argv[1], "user.moat", b"value")');
    expect(await stage.told()).toEqual(kept ? ['changed /etc/a attributes'] : []);
  });

  it('opens no pipe, and keeps what it cannot read apart', async () => {
    const stage = new Stage({ '/etc/sparse': '' });
    execFileSync('mkfifo', [stage.at('etc/fifo')]);
    truncateSync(stage.at('etc/sparse'), 3 * 2 ** 30);
    expect(await stage.create()).toMatchObject({ unread: 1 });
    expect(await stage.diff()).toEqual([]);
    truncateSync(stage.at('etc/sparse'), 3 * 2 ** 30 + 1);
    expect(await stage.told()).toEqual(['changed /etc/sparse content']);
  });

  it('recognises an upgrade by the package database, and nothing else by it', async () => {
    const tool = (text: string): Planted => ({ '/usr/bin/tool': { text, package: 'tool' }, '/etc/tool.conf': { text, package: 'tool', config: true }, '/usr/bin/stays': { text: 'same', package: 'other' }, '/usr/bin/put-right': { text: 'good', package: 'other' } });
    const stage = new Stage(tool('one'));
    writeFileSync(stage.at('usr/bin/put-right'), 'evil');
    await stage.create();
    plant(stage.root, tool('two'));
    const status = stage.at('var/lib/dpkg/status');
    writeFileSync(status, readFileSync(status, 'utf8').replace(/(Package: tool\n(?:.*\n)*?)Version: 1.0/, '$1Version: 2.0'));
    writeFileSync(stage.at('usr/bin/stays'), 'evil');
    expect(await stage.told()).toEqual(['changed /etc/tool.conf content tool 1.0→2.0', 'changed /usr/bin/put-right content shipped', 'changed /usr/bin/stays content', 'changed /usr/bin/tool content tool 1.0→2.0']);
    const accepted = await acceptChanges(stage.store, key, await stage.looking(), 'packages', { now: 5 });
    expect(accepted.summary.accepted).toEqual([{ time: 5, what: 'tool 1.0 → 2.0', files: 2 }]);
    expect(await stage.told()).toEqual(['changed /usr/bin/put-right content shipped', 'changed /usr/bin/stays content']);
  });

  it('takes over what is named, and only that', async () => {
    const stage = new Stage({ '/etc/a': '1', '/etc/b': '1', '/etc/d/x': '1', '/etc/dd': '1' });
    await stage.create();
    for (const name of ['a', 'b', 'd/x', 'd/new', 'dd']) writeFileSync(stage.at(`etc/${name}`), '2');
    rmSync(stage.at('etc/d/x'));
    const { changes } = await acceptChanges(stage.store, key, await stage.looking(), ['/etc/a', '/etc/d/'], { now: 7 });
    expect(changes.filter(({ action }) => action !== 'touched').map(({ action, path }) => `${action} ${path}`)).toEqual(['changed /etc/a', 'added /etc/d/new', 'removed /etc/d/x']);
    expect(await stage.told()).toEqual(['changed /etc/b content', 'changed /etc/dd content']);
    await acceptChanges(stage.store, key, await stage.looking(), 'all', { now: 8 });
    expect(await stage.diff()).toEqual([]);
    expect(verifyBaseline(stage.store, key).accepted.map(({ what, files }) => `${what} ${files}`)).toEqual(['/etc/a 1', '/etc/d 2', 'all 2']);
    await expect(acceptChanges(stage.store, key, await stage.looking(), ['/var/x'], { now: 9 })).rejects.toMatchObject({ code: 'bad-path' });
    await expect(acceptChanges(stage.store, key, await stage.looking(), ['etc/a'], { now: 9 })).rejects.toMatchObject({ code: 'bad-path' });
  });

  it('reads a file of several names once, and tells each name', async () => {
    const stage = new Stage({ '/usr/bin/one': 'same' });
    linkSync(stage.at('/usr/bin/one'), stage.at('/usr/bin/two'));
    const looking = await stage.looking();
    const taken: string[] = [];
    const counted = { ...looking, digests: { beside: false, take: (path: string, ...more: ['sha256', number?]) => { taken.push(path); return looking.digests.take(path, ...more); }, close: () => looking.digests.close() } };
    await createBaseline(stage.store, key, counted, { folders: ['/usr'], exclude: [], now: 1 });
    expect(taken.filter((path) => /\/(?:one|two)$/.test(path))).toEqual(['/usr/bin/one']);
    writeFileSync(stage.at('/usr/bin/one'), 'other');
    expect((await stage.diff()).filter(({ action }) => action === 'changed').map(({ path }) => path)).toEqual(['/usr/bin/one', '/usr/bin/two']);
  });

  it('goes on where it was broken off', async () => {
    const stage = new Stage(Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`/etc/many/f${i}${long}`, `${i}`])));
    const stop = new AbortController();
    const looking = await stage.looking(stop.signal);
    await expect(createBaseline(stage.store, key, looking, { folders: ['/etc', '/usr'], exclude: ['/etc/noise'], now: 1, onProgress: (files) => { if (files === 2000) stop.abort(new Error('power cut')); } })).rejects.toThrow('power cut');
    expect(existsSync(stage.store)).toBe(false);
    let again = 0;
    const made = await createBaseline(stage.store, key, await stage.looking(), { folders: ['/etc', '/usr'], exclude: ['/etc/noise'], now: 1, onProgress: (files) => { again = files; } });
    expect(made.resumed).toBe(true);
    expect(again).toBeLessThan(made.entries);
    expect(await stage.diff()).toEqual([]);
    const whole = await (async () => { rmSync(stage.store); return stage.create(['/etc', '/usr']); })();
    expect(whole.entries).toBe(made.entries);
  });
});

describe('who edits the store', () => {
  const files = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`/etc/many/${i}${long}`, `${i}`]));
  const made = async (planted: Record<string, string> = files): Promise<Stage> => {
    const one = new Stage(planted);
    await one.create();
    return one;
  };
  /** Where each part begins. */
  const parts = (bytes: Buffer): [from: number, to: number][] => {
    const all: [number, number][] = [];
    for (let at = 16; at < bytes.length;) { const to = at + 37 + bytes.readUInt32LE(at); all.push([at, to]); at = to; }
    return all;
  };

  it('is noticed for any byte, for parts moved, left out, cut off or added', async () => {
    const { store } = await made();
    const good = readFileSync(store);
    const all = parts(good);
    expect(all.length).toBeGreaterThan(4);
    const cut = (...ranges: ([number, number] | undefined)[]): Buffer => Buffer.concat([good.subarray(0, 16), ...ranges.flatMap((range) => (range ? [good.subarray(...range)] : []))]);
    const verdict = (bytes: Buffer): string => {
      writeFileSync(store, bytes);
      try { verifyBaseline(store, key); return 'holds'; } catch (error) { return (error as { code?: string }).code ?? String(error); }
    };
    expect(verdict(good)).toBe('holds');
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(good);
      const at = Math.floor((good.length - 1) * i / 199);
      bytes[at]! ^= 1 << (i % 8);
      expect(['tampered', 'wrong-key', 'unfinished'], `byte ${at}`).toContain(verdict(bytes));
    }
    expect(verdict(cut(...all.slice(0, 2), all[3], all[2], ...all.slice(4)))).toBe('tampered');
    expect(verdict(cut(...all.slice(0, 2), ...all.slice(3)))).toBe('tampered');
    expect(verdict(cut(...all.slice(0, -1)))).toBe('unfinished');
    expect(verdict(Buffer.concat([good, Buffer.from('x')]))).toBe('tampered');
    expect(verdict(good.subarray(0, good.length - 10))).toBe('tampered');
    expect(verdict(Buffer.from('not a baseline'))).toBe('tampered');
    rmSync(store);
    expect(() => verifyBaseline(store, key)).toThrow(expect.objectContaining({ code: 'no-baseline' }) as Error);
  });

  it('is noticed when it was made anew with another key, or an older one was put back', async () => {
    // Two seals are compared: one file does.
    const one = await made({ '/etc/one': '1' });
    const { seal } = verifyBaseline(one.store, key);
    const older = readFileSync(one.store);
    await acceptChanges(one.store, key, await one.looking(), 'all', { now: 3 });
    expect(verifyBaseline(one.store, key).seal).not.toBe(seal);
    renameSync(one.store, `${one.store}.x`);
    writeFileSync(one.store, older);
    expect(verifyBaseline(one.store, key).seal).toBe(seal);
    expect(() => verifyBaseline(one.store, Buffer.from('the key of somebody else'))).toThrow(expect.objectContaining({ code: 'wrong-key' }) as Error);
  });
});

it('keeps its key from others and refuses one that is none', () => {
  const file = join(makeRoot({ '/short': 'abc' }), 'k/key');
  const made = makeKey(file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readKey(file)).toEqual(made);
  expect(() => makeKey(file)).toThrow();
  expect(() => readKey('/nowhere')).toThrow(expect.objectContaining({ code: 'no-key' }) as Error);
});

it('writes and reads entries of any name, and orders paths as the walk does', () => {
  for (const path of ['/a', '/a\nb', '/bad\udcff', '/"quoted"\\', '/护城河']) {
    const entry = { path, kind: 'link' as const, mode: 0o777, uid: 1, gid: 2, size: 3, modified: 1.5, changed: 1795318095308.496, inode: 4, links: 1, target: 'x\ny', attributes: { a: 'b' }, flags: 'ia', package: 'p 1' };
    expect(entryOf(lineOf(entry))).toEqual(entry);
  }
  expect(['/a.b', '/a/x', '/a', '/ab', '/a/x/y', '/a/x.y', '/'].sort(comparePaths)).toEqual(['/', '/a', '/a/x', '/a/x/y', '/a/x.y', '/a.b', '/ab']);
});

it.skipIf(lacks({ root: true }))('tells which folders it may not look into', async () => {
  const stage = new Stage({ '/etc/open/a': 'x', '/etc/shut/b': 'x', '/etc/secret': 'x' });
  await stage.create();
  chmodSync(stage.root, 0o755);
  chmodSync(stage.at('etc/shut'), 0o700);
  chmodSync(stage.at('etc/secret'), 0o600);
  const program = join(stage.root, 'look.mjs');
  await build({
    stdin: { resolveDir: import.meta.dirname, loader: 'ts', contents: `import { records } from './records.ts'; import { DiskTree } from '../linux/disk-tree.ts'; import { treeDigests } from '../linux/digests.ts';
      const tree = new DiskTree(process.argv[2], undefined); const blind = [];
      for await (const entry of records(['/etc'], [], { tree, digests: treeDigests(tree), index: undefined, signal: new AbortController().signal, attributes: false, over: undefined, count() {}, blind: (path) => blind.push(path) })) console.log(entry.path, entry.unread ?? '');
      console.log('blind', blind.join(' '));` },
    outfile: program, bundle: true, platform: 'node', format: 'esm', external: ['koffi'], logLevel: 'error',
  });
  const { stdout } = spawnSync(process.execPath, [program, stage.root], { uid: 65_534, gid: 65_534, encoding: 'utf8' });
  expect(stdout).toContain('/etc/secret denied\n');
  expect(stdout.trim().split('\n').at(-1)).toBe('blind /etc/shut /etc/secret');
});
