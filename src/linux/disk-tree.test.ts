import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, linkSync, mkdirSync, mkdtempSync, openSync, realpathSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DiskTree } from './disk-tree.ts';
import { bytesOf } from './file-names.ts';
import { contractFiles, modified, treeContract } from './tree.contract.ts';

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

treeContract('a mounted folder', () => ({ tree: new DiskTree(contractFolder((_, path) => path), undefined), at: (path) => path, inside: true }));
treeContract('the running machine', () => {
  const root = contractFolder((made, path) => made + path);
  return { tree: new DiskTree('/', undefined), at: (path) => (path === '/' ? root : root + path), inside: false };
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
