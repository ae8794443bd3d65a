import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { openPackages } from './index.ts';
import { watchPackages, type LivePackages } from './live.ts';

const root = mkdtempSync(join(tmpdir(), 'moat-packages-'));
const info = join(root, 'var/lib/dpkg/info');
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const open: LivePackages[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((packages) => packages.close()));
  rmSync(root, { recursive: true, force: true });
});

function ship(version: string, text: string, installed = text): void {
  mkdirSync(info, { recursive: true });
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  writeFileSync(join(root, 'usr/bin/tool.new'), installed);
  renameSync(join(root, 'usr/bin/tool.new'), join(root, 'usr/bin/tool'));
  writeFileSync(join(info, 'tool.list'), '/usr/bin/tool\n/usr/bin/link\n');
  writeFileSync(join(info, 'tool.md5sums'), `${md5(text)}  usr/bin/tool\n`);
  writeFileSync(join(root, 'var/lib/dpkg/status.new'), `Package: tool\nStatus: install ok installed\nArchitecture: all\nVersion: ${version}\n`);
  renameSync(join(root, 'var/lib/dpkg/status.new'), join(root, 'var/lib/dpkg/status'));
}

function watch(): { packages: LivePackages; said: string[]; counts: Map<string, number> } {
  const said: string[] = [];
  const counts = new Map<string, number>();
  const packages = watchPackages({ root, open: openPackages, everyMs: 20, health: (state, detail) => said.push(`${state} ${detail?.en ?? ''}`), count: (what, n = 1) => counts.set(what, (counts.get(what) ?? 0) + n) });
  open.push(packages);
  return { packages, said, counts };
}

async function until(met: () => boolean): Promise<void> { while (!met()) await sleep(5); }

it('does not keep to what was unknown once it is known', async () => {
  ship('1', 'good');
  const { packages } = watch();
  await until(() => packages.ready);
  expect(packages.owner('/usr/bin/tool')?.intact).toBeUndefined();
  await packages.settle('/usr/bin/tool');
  expect(packages.owner('/usr/bin/tool')?.intact).toBe(true);
});

it('tells the owner at once and the state of the file when it was looked at', async () => {
  ship('1', 'good');
  const { packages, said } = watch();
  expect(packages.ready).toBe(false);
  expect(packages.owner('/usr/bin/tool')).toBeUndefined();
  await until(() => packages.ready);
  expect(packages.owner('/usr/bin/tool')).toEqual({ manager: 'dpkg', name: 'tool', version: '1', intact: undefined });
  await until(() => packages.owner('/usr/bin/tool')?.intact === true);
  expect(packages.owner('/usr/bin/link')?.intact).toBeUndefined();
  expect(packages.owner('/usr/bin/other')).toBeUndefined();
  expect(said).toEqual(['waiting reading the package databases', 'live 1 packages, 2 files']);
});

it('sees a file that was changed after it was found intact', async () => {
  ship('1', 'good');
  const { packages } = watch();
  await until(() => packages.owner('/usr/bin/tool')?.intact === true);
  writeFileSync(join(root, 'usr/bin/tool'), 'evil');
  // Whoever saw the write says so; without a word it is noticed a moment later.
  packages.changed?.('/usr/bin/tool');
  expect(packages.owner('/usr/bin/tool')?.intact).toBeUndefined();
  expect(await packages.settle('/usr/bin/tool')).toMatchObject({ intact: false });
  expect(packages.owner('/usr/bin/tool')?.intact).toBe(false);
});

it('sees by itself, a moment later, a file that nobody saw being changed', async () => {
  ship('1', 'good');
  const { packages } = watch();
  await until(() => packages.owner('/usr/bin/tool')?.intact === true);
  writeFileSync(join(root, 'usr/bin/tool'), 'evil');
  await until(() => packages.owner('/usr/bin/tool')?.intact === false);
});

it('reads again after an upgrade and says nothing wrong in between', async () => {
  ship('1', 'one');
  const { packages } = watch();
  await until(() => packages.owner('/usr/bin/tool')?.intact === true);
  ship('2', 'two');
  const seen = new Set<boolean | undefined>();
  await until(() => {
    const owner = packages.owner('/usr/bin/tool');
    seen.add(owner?.intact);
    return owner?.version === '2' && owner.intact === true;
  });
  expect(seen.has(false)).toBe(false);
});

it('says why it is blind, and keeps what it had when the database breaks', async () => {
  mkdirSync(root, { recursive: true });
  const { packages, said } = watch();
  await until(() => said.length > 1);
  expect(said[1]).toBe('blind no dpkg, rpm or apk database: which package a file belongs to cannot be told');
  ship('1', 'good');
  await until(() => packages.ready);
  rmSync(join(root, 'var/lib/dpkg/status'));
  mkdirSync(join(root, 'var/lib/dpkg/status'));
  await until(() => said.length > 3);
  expect(said[3]).toContain('blind');
  expect(packages.owner('/usr/bin/tool')?.name).toBe('tool');
});
