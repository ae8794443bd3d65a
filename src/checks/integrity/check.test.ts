/** The check needs the running machine: its tree is a folder here that says it is one. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeRoot, type Planted } from '../../../test/throwaway-root.ts';
import { createBaseline } from '../../baseline/baseline.ts';
import { makeKey } from '../../baseline/key.ts';
import { treeDigests } from '../../linux/digests.ts';
import { DiskTree } from '../../linux/disk-tree.ts';
import { openFileAttributes } from '../../linux/file-attributes.ts';
import { openPackages } from '../../linux/packages/index.ts';
import { PackageProvenance } from '../../linux/provenance.ts';
import type { ScanReport } from '../../scan/report.ts';
import { scan } from '../../scan/runner.ts';
import { integrity } from './check.ts';

const elf = Buffer.from('\x7fELF a program', 'latin1');
const { signal } = new AbortController();

async function stage(planted: Planted): Promise<{ at: (path: string) => string; store: string; key: string; create: () => Promise<void>; look: () => Promise<ScanReport> }> {
  const root = makeRoot(planted);
  const data = makeRoot();
  const [store, key] = [join(data, 'baseline'), join(data, 'key')];
  const made = makeKey(key);
  const tree = async (): Promise<DiskTree> => new DiskTree(root, await openFileAttributes());
  return {
    store, key, at: (path) => join(root, path),
    create: async () => {
      const one = await tree();
      await createBaseline(store, made, { tree: one, digests: treeDigests(one), index: await openPackages(one), signal, attributes: true, over: undefined, blind: () => undefined, count: () => undefined }, { folders: ['/etc', '/usr'], exclude: [], now: 1 });
    },
    look: async () => {
      const one = await tree();
      return scan([integrity], { signal, tree: one, rules: () => [], signatures: () => '', ports: [], now: Date.now, machine: undefined, baseline: { store, key }, provenance: new PackageProvenance(one, await openPackages(one), treeDigests(one)) });
    },
  };
}
const told = (report: ScanReport): string[] => report.findings.map(({ kind, level, path }) => `${kind} ${level} ${path ?? ''}`);

it('says how to make a baseline, is silent when nothing changed, and tells what did', async () => {
  const { at, create, look } = await stage({
    '/usr/sbin/sshd': { text: elf, mode: 0o755 }, '/usr/bin/frob': { text: elf, mode: 0o755 }, '/usr/local/bin/own': { text: elf, mode: 0o755 }, '/etc/ssh/sshd_config': 'a', '/etc/frob.conf': 'a', '/etc/ld.so.cache': 'a', '/usr/bin/kept': { text: elf, mode: 0o755 },
  });
  expect(told(await look())).toEqual(['notice info ']);
  await create();
  expect(told(await look())).toEqual([]);
  for (const path of ['usr/sbin/sshd', 'usr/bin/frob', 'usr/local/bin/own']) writeFileSync(at(path), Buffer.concat([elf, elf]));
  for (const path of ['etc/ssh/sshd_config', 'etc/frob.conf', 'etc/ld.so.cache']) writeFileSync(at(path), 'b');
  writeFileSync(at('usr/bin/new'), elf, { mode: 0o755 });
  chmodSync(at('usr/bin/kept'), 0o4755);
  for (let i = 0; i < 20; i++) writeFileSync(at(`etc/n${i}`), 'x');
  expect(told(await look())).toEqual([
    'intrusion critical /usr/sbin/sshd', 'intrusion high /usr/bin/frob', 'intrusion high /usr/bin/kept', 'notice medium /etc/ssh/sshd_config', 'notice medium /usr/bin/new', 'notice low /etc', 'notice low /usr/local/bin/own',
  ]);
});

it('tells that the baseline itself was changed, and is blind without the right key', async () => {
  const { store, key, create, look } = await stage({ '/etc/a': 'x' });
  await create();
  writeFileSync(store, 'nothing of the kind');
  expect(told(await look())).toEqual([`intrusion high ${store}`]);
  await create();
  rmSync(key);
  makeKey(key);
  const report = await look();
  expect([told(report), report.blind.map(({ what }) => what)]).toEqual([[], [store]]);
});
