/** Repositories as git itself writes them, and some as nobody should. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { DiskTree } from '../disk-tree.ts';
import { GitCheckout } from './checkout.ts';
import { GitObjects } from './objects.ts';

const env = { PATH: process.env['PATH'], HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org' };

function folder(): string {
  const root = mkdtempSync(join(tmpdir(), 'moat-git-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** Number of the last commit. */
const last = 3;

/** A repository below a folder that stands for /, with a few versions of each file. */
function repository(root: string, ...options: string[]): { git: (...words: string[]) => string; at: string } {
  const at = join(root, 'site');
  mkdirSync(join(at, 'sub/deep'), { recursive: true });
  const git = (...words: string[]): string => execFileSync('git', ['-C', at, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  git('init', '-q', '-b', 'main', ...options);
  for (let version = 0; version <= last; version++) {
    for (const name of ['index.php', 'sub/deep/other.php']) writeFileSync(join(at, name), contentOf(name, version));
    writeFileSync(join(at, `sub/${version}`), 'x');
    git('add', '.');
    git('commit', '-qm', `v${version}`);
  }
  return { git, at };
}

/** Long, and little of it changes: git makes deltas of it. */
const contentOf = (name: string, version: number): string => Array.from({ length: 400 }, (_, line) => `${name} line ${line}: ${createHash('md5').update(`${line}`).digest('hex')}${line % 97 === version ? ` version ${version}` : ''}\n`).join('');
const open = (root: string): GitCheckout => GitCheckout.open(new DiskTree(root, undefined), '/site')!;
const text = (root: string, path: string): string | undefined => open(root).committed(path)?.toString();

function expectWhole(root: string): void {
  expect(text(root, '/site/index.php')).toBe(contentOf('index.php', last));
  expect(text(root, '/site/sub/deep/other.php')).toBe(contentOf('sub/deep/other.php', last));
  for (const path of ['/site/none', '/site/sub', '/site/index.php/x', '/elsewhere', '/site']) expect(text(root, path)).toBeUndefined();
}

describe.skipIf(lacks({ files: ['/usr/bin/git'] }))('what git committed', () => {
  it('is read from loose objects, and the working files do not count', () => {
    const root = folder();
    const { at, git } = repository(root);
    writeFileSync(join(at, 'index.php'), 'changed');
    git('add', '.');
    expectWhole(root);
    expect(open(root).commit).toBe(git('rev-parse', 'HEAD').trim());
  });

  it('is read from packs with deltas of both kinds, packed references and a commit without a branch', () => {
    for (const offsets of ['true', 'false']) {
      const root = folder();
      const { at, git } = repository(root);
      git('-c', `repack.useDeltaBaseOffset=${offsets}`, 'repack', '-adfq', '--depth=50', '--window=50');
      git('pack-refs', '--all');
      git('prune-packed');
      expect(readdirSync(join(at, '.git/objects')).filter((name) => name.length === 2)).toEqual([]);
      expect(Number(/chain length = 1: (\d+)/.exec(git('verify-pack', '-v', join(at, '.git/objects/pack', readdirSync(join(at, '.git/objects/pack')).find((name) => name.endsWith('.idx'))!)))?.[1])).toBeGreaterThan(0);
      expectWhole(root);
      git('checkout', '-q', '--detach', 'HEAD~1');
      expect(text(root, '/site/index.php')).toBe(contentOf('index.php', last - 1));
    }
  });

  it('is read from a second working tree, a borrowed object store and SHA-256', () => {
    let root = folder();
    let { git } = repository(root);
    git('worktree', 'add', '-q', '../second', 'HEAD~2');
    // The place stands in the file as git saw it.
    writeFileSync(join(root, 'second/.git'), readFileSync(join(root, 'second/.git'), 'utf8').replace(root, ''));
    expect(GitCheckout.open(new DiskTree(root, undefined), '/second')!.committed('/second/index.php')?.toString()).toBe(contentOf('index.php', last - 2));
    root = folder();
    ({ git } = repository(root));
    git('clone', '-q', '--shared', '.', join(root, 'lender'));
    const alternates = join(root, 'lender/.git/objects/info/alternates');
    writeFileSync(alternates, readFileSync(alternates, 'utf8').replace(root, ''));
    expect(GitCheckout.open(new DiskTree(root, undefined), '/lender')!.committed('/lender/index.php')?.toString()).toBe(contentOf('index.php', last));
    root = folder();
    ({ git } = repository(root, '--object-format=sha256'));
    expectWhole(root);
    git('gc', '-q');
    expectWhole(root);
  });

  it('is nothing where nothing was committed, and git is never run', () => {
    const root = folder();
    const at = join(root, 'site');
    mkdirSync(at);
    const tree = new DiskTree(root, undefined);
    expect(GitCheckout.open(tree, '/site')).toBeUndefined();
    execFileSync('git', ['-C', at, 'init', '-q'], { env });
    expect(GitCheckout.open(tree, '/site')).toBeUndefined();
    const { git } = repository(root);
    const trap = join(root, 'trap');
    writeFileSync(join(root, 'run'), `#!/bin/sh\ntouch ${trap}\n`);
    chmodSync(join(root, 'run'), 0o755);
    for (const key of ['core.fsmonitor', 'core.pager', 'core.sshCommand', 'filter.x.smudge']) git('config', key, join(root, 'run'));
    expectWhole(root);
    expect(existsSync(trap)).toBe(false);
  });

  it('is refused where it does not hold: other content, cut packs, bombs, rounds of references', () => {
    const root = folder();
    const { at, git } = repository(root);
    const commit = git('rev-parse', 'HEAD').trim();
    const loose = (id: string): string => join(at, '.git/objects', id.slice(0, 2), id.slice(2));
    const blob = git('rev-parse', 'HEAD:index.php').trim();
    const forge = (id: string, bytes: Buffer): void => { chmodSync(loose(id), 0o644); writeFileSync(loose(id), bytes); };
    forge(blob, deflateSync(Buffer.from('blob 5\0other')));
    expect(() => text(root, '/site/index.php')).toThrow(expect.objectContaining({ code: 'broken' }));
    forge(blob, deflateSync(Buffer.concat([Buffer.from(`blob ${64 * 2 ** 20}\0`), Buffer.alloc(64 * 2 ** 20)])));
    expect(() => text(root, '/site/index.php')).toThrow(expect.objectContaining({ code: 'broken' }));
    rmSync(loose(blob));
    expect(() => text(root, '/site/index.php')).toThrow(expect.objectContaining({ code: 'missing' }));
    for (const head of ['ref: refs/heads/../../../etc/passwd', 'ref: HEAD', 'nonsense']) {
      writeFileSync(join(at, '.git/HEAD'), `${head}\n`);
      expect(() => open(root)).toThrow(expect.objectContaining({ code: 'broken' }));
    }
    writeFileSync(join(at, '.git/HEAD'), `${commit}\n`);
    const second = folder();
    const other = repository(second);
    other.git('repack', '-adfq');
    other.git('prune-packed');
    const pack = join(other.at, '.git/objects/pack', readdirSync(join(other.at, '.git/objects/pack')).find((name) => name.endsWith('.pack'))!);
    chmodSync(pack, 0o644);
    const good = readFileSync(pack);
    for (let i = 0; i < 60; i++) {
      const bytes = Buffer.from(good);
      bytes[Math.floor((i / 60) * bytes.length)]! ^= 0xff;
      writeFileSync(pack, bytes);
      const [now] = [attempt(() => text(second, '/site/index.php'))];
      // Either it was not needed, or it is refused: never other content.
      expect([contentOf('index.php', last), 'broken', 'missing', 'too-large']).toContain(now);
    }
    truncateSync(pack, 100);
    expect(attempt(() => text(second, '/site/index.php'))).toBe('broken');
    expect(() => new GitObjects(new DiskTree(root, undefined), '/site/.git/objects').read('../../../etc/passwd')).toThrow(expect.objectContaining({ code: 'broken' }));
    expect(() => new GitObjects(new DiskTree(root, undefined), '/site/.git/objects').read(randomBytes(20).toString('hex'))).toThrow(expect.objectContaining({ code: 'missing' }));
  });
});

/** What it gives, or the code of what it throws. */
function attempt(work: () => string | undefined): string | undefined {
  try { return work(); } catch (error) { return (error as { code: string }).code; }
}
