import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openPackagesInProcess } from './in-process.ts';
import { indexOf, openPackages, packagesTree, readPackages, type PackageIndex } from './index.ts';
import { watchPackages } from './live.ts';
import { packedPackages, receivePackages } from './wire.ts';

let root = '';
const info = (): string => join(root, 'var/lib/dpkg/info');
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const never = (): AbortSignal => new AbortController().signal;
beforeEach(() => { root = mkdtempSync(join(tmpdir(), 'moat-reader-')); });
afterEach(() => { rmSync(root, { recursive: true, force: true }); });

/** Two packages: one with a name that is no UTF-8, a folder behind a link, a changed setting and a digest of nothing of its own. */
function ship(version = '1'): void {
  mkdirSync(info(), { recursive: true });
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  symlinkSync('usr/bin', join(root, 'bin'));
  writeFileSync(join(info(), 'tool.list'), Buffer.concat([Buffer.from('/.\n/bin\n/bin/tool\n/usr/share/工具/说明\n/usr/share/caf'), Buffer.from([0xe9]), Buffer.from('\n/etc/tool.conf\n')]));
  writeFileSync(join(info(), 'tool.md5sums'), `${md5('tool')}  bin/tool\n${md5('x')}  usr/bin/other\n`);
  writeFileSync(join(info(), 'none.list'), '/.\n/usr\n/usr/bin\n/usr/bin/none\n');
  writeFileSync(join(root, 'var/lib/dpkg/status'), [
    `Package: tool\nStatus: install ok installed\nArchitecture: all\nVersion: ${version}\nConffiles:\n /etc/tool.conf ${md5('conf')}\n`,
    'Package: none\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n',
    'Package: gone\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n',
  ].join('\n'));
}

const told = (index: PackageIndex): unknown => ({ packages: index.packages, strangers: [...index.strangers], counts: [...index.counts], faults: index.faults, stamp: index.stamp, files: [...index.files()] });

it('hands over what the reader in this process finds', async () => {
  ship();
  const here = await openPackages(root);
  const there = await openPackagesInProcess(root, { signal: never() });
  expect(told(there)).toEqual(told(here));
  expect([...there.files()].map(({ path }) => path)).toEqual(['/usr/bin/tool', '/usr/share/工具/说明', '/usr/share/caf\udce9', '/etc/tool.conf', '/usr/bin/none']);
  for (const path of ['/bin/tool', '/usr/bin/tool', '/usr/share/工具/说明', '/usr/share/caf\udce9']) expect(there.owner(path)?.package.name).toBe('tool');
  expect(there.owner('/usr/bin/other')).toBeUndefined();
  expect(there.hasFolder('/usr/share/工具')).toBe(true);
  expect(there.hasFolder('/usr/share/工')).toBe(false);
  expect([...there.strangers].map(({ name }) => name)).toEqual(['tool']);
});

it('puts an index together from pieces of any size, and takes no part for the whole', async () => {
  ship();
  const sealed = await readPackages(packagesTree(root));
  const bytes = Buffer.concat([...packedPackages(sealed)]);
  const inPieces = async function* (size: number, end = bytes.length): AsyncGenerator<Buffer> {
    for (let at = 0; at < end; at += size) yield await Promise.resolve(bytes.subarray(at, Math.min(end, at + size)));
  };
  const whole = told(indexOf(packagesTree(root), sealed));
  for (const size of [1, 7, 64, bytes.length]) expect(told(indexOf(packagesTree(root), await receivePackages(inPieces(size))))).toEqual(whole);
  for (const end of [0, 10, bytes.indexOf(10) + 1, bytes.length - 1]) await expect(receivePackages(inPieces(1000, end))).rejects.toMatchObject({ code: 'not-built' });
  await expect(receivePackages((async function* () { yield* inPieces(1000); yield Buffer.from('x'); })())).rejects.toMatchObject({ code: 'not-built' });
});

it('tells what the reader found wrong with the databases', async () => {
  await expect(openPackagesInProcess(root, { signal: never() })).rejects.toMatchObject({ code: 'no-database' });
  mkdirSync(join(root, 'usr/lib/sysimage/rpm'), { recursive: true });
  writeFileSync(join(root, 'usr/lib/sysimage/rpm/rpmdb.sqlite'), 'no database at all'.repeat(50));
  await expect(openPackagesInProcess(root, { signal: never() })).rejects.toMatchObject({ code: 'broken' });
});

const program = (code: string): readonly string[] => ['--input-type=module', '-e', code];

it('says that there is no index when the reader does not come to its end', async () => {
  const failing = (code: string, timeoutMs?: number): Promise<PackageIndex> => openPackagesInProcess(root, { signal: never(), program: program(code), ...(timeoutMs !== undefined && { timeoutMs }) });
  await expect(failing('console.error("out of luck"); process.exit(3)')).rejects.toMatchObject({ code: 'not-built', message: expect.stringMatching(/ended with 3.*out of luck/) as string });
  await expect(failing('process.kill(process.pid, "SIGKILL")')).rejects.toMatchObject({ code: 'not-built', message: expect.stringContaining('SIGKILL') as string });
  await expect(failing('process.stdout.write("{}")')).rejects.toMatchObject({ code: 'not-built' });
  await expect(failing('process.stdout.write("hello\\n"); setInterval(() => {}, 1000)')).rejects.toMatchObject({ code: 'not-built' });
  await expect(failing('setInterval(() => {}, 1000)', 300)).rejects.toMatchObject({ code: 'not-built', message: expect.stringContaining('too long') as string });
  await expect(openPackagesInProcess(root, { signal: never(), program: [join(root, 'nothing.js')] })).rejects.toMatchObject({ code: 'not-built' });
});

it('ends the reader when nobody wants the index any more', async () => {
  const stop = new AbortController();
  const opened = openPackagesInProcess(root, { signal: stop.signal, program: program(`(await import('node:fs')).writeFileSync(process.argv.at(-1) + '/pid', String(process.pid)); setInterval(() => {}, 1000)`) });
  const outcome = expect(opened).rejects.toThrow('enough');
  setTimeout(() => { stop.abort(new Error('enough')); }, 200);
  await outcome;
});

it('is blind and tries again when the reader fails, and sees an upgrade later', async () => {
  ship();
  const said: string[] = [];
  let attempts = 0;
  const packages = watchPackages({
    root, everyMs: 20, retryMs: 30, health: (state, detail) => said.push(`${state} ${detail?.en ?? ''}`), count: () => undefined,
    open: (at, { signal }) => openPackagesInProcess(at, { signal, ...(attempts++ < 2 && { program: program('process.exit(9)') }) }),
  });
  try {
    while (said.length < 3) { expect(packages.ready).toBe(false); await sleep(5); }
    expect(said.slice(1)).toEqual(Array.from({ length: 2 }, () => 'blind the package index could not be built, it is tried again later: expected an index from the reader of packages: it ended with 9'));
    expect(packages.owner('/usr/bin/tool')).toBeUndefined();
    while (!packages.ready) await sleep(5);
    expect(said[3]).toBe('live 3 packages, 5 files');
    expect(packages.owner('/usr/bin/tool')).toMatchObject({ name: 'tool', version: '1' });
    rmSync(join(root, 'bin'));
    ship('3');
    while (packages.owner('/usr/bin/tool')?.version !== '3') await sleep(5);
  } finally { await packages.close(); }
});
