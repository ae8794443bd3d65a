import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, linkSync, mkdirSync, mkdtempSync, openSync, realpathSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DiskTree } from './disk-tree.ts';
import { bytesOf } from './file-names.ts';
import type { ClosedMount } from './file-systems.ts';
import { contractFiles, modified, treeContract } from './tree.contract.ts';
import { withoutClosed } from './tree.ts';

function folder(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'moat-tree-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

function contractFolder(at: (root: string, path: string) => string): string {
  const root = folder();
  for (const { path, kind, text = '', target = '', mode } of contractFiles((inside) => at(root, inside))) {
    const to = bytesOf(root + path);
    switch (kind) {
      case 'folder': mkdirSync(to); break;
      case 'link': symlinkSync(target, to); break;
      case 'hard-link': linkSync(root + target, to); break;
      case 'pipe': execFileSync('mkfifo', [root + path]); break;
      case 'file': writeFileSync(to, text); utimesSync(to, modified / 1000, modified / 1000); break;
    }
    if (mode !== undefined) chmodSync(to, mode);
  }
  return root;
}

const closedAt = (...paths: string[]): ReadonlyMap<string, ClosedMount> => new Map(paths.map((at) => [at, { at, type: 'nfs4', device: 'nas:/', leftOut: false, silent: false }]));

treeContract('a mounted folder', () => ({ tree: new DiskTree(contractFolder((_, path) => path), undefined), at: (path) => path, inside: true }));
treeContract('the running machine', () => {
  const root = contractFolder((made, path) => made + path);
  return { tree: new DiskTree('/', undefined), at: (path) => (path === '/' ? root : root + path), inside: false };
});
treeContract('the running machine, where some mount is closed', () => {
  const root = contractFolder((made, path) => made + path);
  return { tree: new DiskTree('/', undefined, closedAt('/nowhere/at/all')), at: (path) => (path === '/' ? root : root + path), inside: false };
});

it('nothing on a closed mount is asked for, whatever leads there', () => {
  const root = folder();
  for (const name of ['etc', 'data', 'data/web', 'srv']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'data/web/x'), 'x');
  writeFileSync(join(root, 'etc/crontab'), 'x');
  symlinkSync('/data/web', join(root, 'srv/www'));
  symlinkSync('../srv/www/x', join(root, 'etc/passwd'));
  const told: string[] = [];
  const inner = new DiskTree(root, undefined, closedAt('/data', '/etc/crontab'));
  const tree = withoutClosed(inner, (path, mount) => { told.push(`${path} ${mount.at}`); });
  expect([tree.stat('/data'), tree.list('/data'), tree.names('/srv/www'), tree.read('/etc/passwd'), tree.real('/srv/www/x'), tree.open('/etc/crontab'), tree.outside('/data/web/x'), tree.stat('/srv/www/x'), tree.stat('/srv/www/../web')]).toEqual(Array.from({ length: 9 }, () => undefined));
  expect(told).toEqual(expect.arrayContaining(['/data /data', '/etc/passwd /data', '/etc/crontab /etc/crontab']));
  expect(told).toHaveLength(9);
  expect([tree.isClosed!('/srv/www/x'), tree.isClosed!('/srv/gone')]).toEqual([true, false]);
  // The link itself lies elsewhere, and so does its neighbour of the same beginning.
  expect(tree.link('/srv/www')).toBe('/data/web');
  writeFileSync(join(root, 'data2'), 'x');
  expect(tree.stat('/data2')?.kind).toBe('file');
  expect(() => inner.stat('/data/web/x')).toThrow(expect.objectContaining({ code: 'closed' }));
  expect(() => new DiskTree(root, undefined, new Map([['/data', { at: '/data', type: 'nfs', device: 'nas:/', leftOut: true, silent: false }]])).list('/srv/www')).toThrow(expect.objectContaining({ code: 'left-out' }));
});

it('a folder that became a link while it was looked at leads nowhere', () => {
  const root = folder();
  const outside = folder();
  writeFileSync(join(outside, 'secret'), 'canary');
  mkdirSync(join(root, 'www'));
  writeFileSync(join(root, 'www/secret'), 'own');
  const tree = new DiskTree(root, undefined);
  expect(tree.read('/www/secret')!.bytes.toString()).toBe('own');
  renameSync(join(root, 'www'), join(root, 'old'));
  symlinkSync(outside, join(root, 'www'));
  // It remembers /www as a folder of its own: what it opens now is not there.
  expect(() => tree.open('/www/secret')).toThrow(/replaced by a link/);
  expect(tree.names('/www')).toBeUndefined();
});

it('a link as the root is the folder it leads to', () => {
  const root = folder();
  const link = `${root}-link`;
  symlinkSync(root, link);
  onTestFinished(() => rmSync(link));
  writeFileSync(join(root, 'x'), 'x');
  expect(new DiskTree(link, undefined).read('/x')!.bytes.toString()).toBe('x');
});

it('reads the head of a file of ten gigabytes that holds nothing', () => {
  const root = folder();
  const file = openSync(join(root, 'large'), 'w');
  ftruncateSync(file, 10 * 2 ** 30);
  closeSync(file);
  const tree = new DiskTree(root, undefined);
  expect(tree.stat('/large')).toMatchObject({ size: 10 * 2 ** 30, allocated: 0 });
  expect(tree.read('/large', 100)).toEqual({ bytes: Buffer.alloc(100), cut: true });
});
