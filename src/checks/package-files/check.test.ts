import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { DiskTree } from '../../linux/disk-tree.ts';
import { openPackages } from '../../linux/packages/index.ts';
import { PackageProvenance } from '../../linux/provenance.ts';
import { makeRoot, scanRoot, shown, type Planted } from '../../../test/throwaway-root.ts';
import type { WalkCheck } from '../port.ts';
import { packageFiles } from './check.ts';

const elf = Buffer.from('\x7fELF rest of a program', 'latin1');
const evil = Buffer.from('\x7fELF rest of a prograN', 'latin1');
const scanned = async (planted: Planted | string) => scanRoot([packageFiles], planted);
const ship = (text: string | Buffer, more: object = {}) => ({ text, mode: 0o755, package: 'tools', ...more });
const changed = { shipped: elf.toString('latin1') };

it('says nothing of a system that is as it was shipped', async () => {
  const report = await scanned({
    '/usr/sbin/sshd': ship(elf), '/usr/lib/x86_64-linux-gnu/libc.so.6': ship(elf), '/etc/tool.conf': { text: 'x', package: 'tools', config: true },
    '/usr/local/bin/mine': { text: elf, mode: 0o755 }, '/opt/app/run': { text: elf, mode: 0o755 }, '/usr/bin/notes.txt': 'no program', '/usr/lib/tool/cache.bin': { text: 'data', mode: 0o755 },
  });
  expect({ shown: shown(report), blind: report.blind, verdict: report.verdict }).toEqual({ shown: [], blind: [], verdict: 'clean' });
});

it('finds what was changed, by what it is', async () => {
  const report = await scanned({
    '/usr/sbin/sshd': ship(evil, changed), '/usr/bin/frob': ship(evil, changed), '/usr/lib/x86_64-linux-gnu/libkeyutils.so.1.9': ship(evil, changed), '/usr/lib/x86_64-linux-gnu/libfrob.so.2': ship(evil, changed),
    '/usr/lib/x86_64-linux-gnu/security/pam_unix.so': ship(evil, changed), '/usr/lib/modules/6.1/kernel/fs/ext4/ext4.ko': ship(evil, changed), '/usr/lib/systemd/system/ssh.service': ship('ExecStart=/x', { mode: 0o644, shipped: 'y' }),
    '/usr/share/frob/page.html': ship('mine', { mode: 0o644, shipped: 'theirs' }), '/usr/share/doc/frob/README': ship('a', { mode: 0o644, shipped: 'b' }),
  });
  expect(shown(report)).toEqual([
    'critical /usr/lib/modules/6.1/kernel/fs/ext4/ext4.ko', 'critical /usr/lib/x86_64-linux-gnu/libkeyutils.so.1.9', 'critical /usr/lib/x86_64-linux-gnu/security/pam_unix.so', 'critical /usr/sbin/sshd',
    'high /usr/bin/frob', 'high /usr/lib/x86_64-linux-gnu/libfrob.so.2', 'medium /usr/lib/systemd/system/ssh.service', 'low /usr/share/doc/frob/README', 'low /usr/share/frob/page.html',
  ]);
  const [sshd] = report.findings.filter(({ path }) => path === '/usr/sbin/sshd');
  expect(sshd?.fix?.commands).toContainEqual(['apt-get', 'install', '--reinstall', 'tools']);
  expect(sshd?.evidence.map(({ value }) => value)).toContain(createHash('md5').update(evil).digest('hex'));
});

it('believes no list that claims a planted file, and misses digests that were taken away', async () => {
  const root = makeRoot({ '/usr/bin/frob': ship(elf), '/usr/bin/planted': { text: elf, mode: 0o755 } });
  const info = join(root, 'var/lib/dpkg/info');
  appendFileSync(join(info, 'base-tools.list'), '/usr/bin/planted\n');
  const claimed = await scanned(root);
  expect(shown(claimed)).toContain('high /usr/bin/planted');
  expect(claimed.findings.find(({ path }) => path === '/usr/bin/planted')?.title.en).toContain('is only listed');
  // The planted one is a program that nobody ships, for all checks that ask who does.
  expect((await new PackageProvenance(new DiskTree(root, undefined), await openPackages(root), new AbortController().signal).owner('/usr/bin/planted'))?.state).toBe('modified');
  rmSync(join(info, 'base-tools.md5sums'));
  expect(shown(await scanned(root))).toContain('medium /var/lib/dpkg/info/base-tools.md5sums');
  for (const name of readdirSync(info)) if (name.endsWith('.md5sums')) rmSync(join(info, name));
  const none = await scanned(root);
  expect(none.findings.filter(({ path }) => path?.endsWith('.md5sums'))).toEqual([]);
  expect(none.blind.map(({ what }) => what)).toContain('/var/lib/dpkg/info');
  expect(none.verdict).not.toBe('clean');
});

it('finds a program that was replaced by a link, and forgets it once it is put right', async () => {
  const root = makeRoot({ '/usr/bin/frob': ship(elf), '/usr/bin/other': ship(elf) });
  rmSync(join(root, 'usr/bin/frob'));
  symlinkSync('/tmp/x', join(root, 'usr/bin/frob'));
  const report = await scanned(root);
  expect(shown(report)).toEqual(['high /usr/bin/frob']);
  expect(report.findings[0]?.evidence.map(({ value }) => value)).toContain('link → /tmp/x');
  rmSync(join(root, 'usr/bin/frob'));
  writeFileSync(join(root, 'usr/bin/frob'), elf);
  expect(shown(await scanned(root))).toEqual([]);
});

it('shows what was changed in settings when the original is there', async () => {
  const report = await scanned({
    '/etc/ssh/sshd_config': { text: 'Port 22\nPermitRootLogin yes\n', package: 'openssh-server', config: true, shipped: 'Port 22\nPermitRootLogin no\n' },
    '/usr/share/openssh-server/sshd_config': 'Port 22\nPermitRootLogin no\n', '/etc/frob.conf': { text: 'a', package: 'frob', config: true, shipped: 'b' }, '/usr/share/frob/frob.conf': 'of another version',
  });
  expect(shown(report)).toEqual(['low /etc/ssh/sshd_config', 'info /etc/frob.conf']);
  expect(report.findings.map(({ kind, evidence }) => [kind, evidence[1]?.value])).toEqual([['notice', ' Port 22\n-PermitRootLogin no\n+PermitRootLogin yes'], ['notice', expect.stringMatching(/^2\d{3}-/)]]);
  expect(report.findings[1]?.means?.en).toContain('No copy of the original was found on this system');
  expect(report.findings[1]?.means?.zh).toContain('本机没有原件可比');
});

it.skipIf(lacks({ files: ['/usr/bin/dpkg-deb', '/usr/bin/xz'] }))('takes the original out of a package that apt kept', async () => {
  const deb = (packing: string, text: string): Buffer => {
    const build = makeRoot({ '/DEBIAN/control': 'Package: frob\nVersion: 1:1.0\nArchitecture: all\nMaintainer: Lin <lin@example.org>\nDescription: x\n', '/etc/frob/frob.conf': text, '/usr/share/frob/large': 'x'.repeat(2 << 20) });
    for (const other of ['bin', 'sbin', 'lib', 'var']) rmSync(join(build, other), { recursive: true, force: true });
    chmodSync(build, 0o755);
    execFileSync('dpkg-deb', [`-Z${packing}`, '--root-owner-group', '--build', build, `${build}.deb`], { stdio: 'ignore' });
    try { return readFileSync(`${build}.deb`); } finally { rmSync(`${build}.deb`); }
  };
  const conf = { '/etc/frob/frob.conf': { text: 'port 1\nshell yes\n', package: 'frob', config: true, shipped: 'port 1\nshell no\n' } };
  const diffOf = async (planted: Planted) => { const report = await scanned({ ...conf, ...planted }); const [one] = report.findings; return [one?.means?.en ?? one?.evidence[1]?.value, one?.evidence[1]?.what.en, report.counts]; };
  for (const packing of ['xz', 'zstd', 'gzip', 'none']) {
    const [diff, from] = await diffOf({ '/var/cache/apt/archives/frob_1%3a1.0_all.deb': deb(packing, 'port 1\nshell no\n'), '/var/cache/apt/archives/frobnicate_1.0_all.deb': 'no package' });
    expect([packing, diff, from]).toEqual([packing, ' port 1\n-shell no\n+shell yes', 'what changed (original: /var/cache/apt/archives/frob_1%3a1.0_all.deb)']);
  }
  const none = 'No copy of the original was found on this system, or it is no text: what changed cannot be shown.';
  // Of another version, none at all, damaged, and one that goes round.
  const whole = deb('xz', 'port 1\nshell no\n');
  expect((await diffOf({ '/var/cache/apt/archives/frob_2.0_all.deb': deb('xz', 'port 2\n') }))[0]).toBe(none);
  for (const bytes of [Buffer.from('x'), whole.subarray(0, whole.length - 400), Buffer.concat([Buffer.from('!<arch>\n'), Buffer.alloc(6000, ' ')])]) {
    const [diff, , counts] = await diffOf({ '/var/cache/apt/archives/frob_1.0_all.deb': bytes });
    expect([diff, counts]).toEqual([none, { 'package archives that cannot be read': 1 }]);
  }
});

it('tells missing files by package, not those that dpkg was told to leave out', async () => {
  const root = makeRoot({ '/usr/bin/frob': ship(elf), '/usr/bin/gone': ship(elf), '/usr/lib/frob/gone.so': ship(elf), '/usr/share/doc/tools/copyright': ship('x'), '/usr/share/locale/de/x.mo': ship('x'), '/usr/share/left/out': ship('x'), '/etc/dpkg/dpkg.cfg.d/slim': 'path-exclude=/usr/share/left/*\npath-exclude=/usr/share/doc/*\n' });
  for (const path of ['usr/bin/gone', 'usr/lib/frob/gone.so', 'usr/share/doc/tools/copyright', 'usr/share/locale/de/x.mo', 'usr/share/left/out']) rmSync(join(root, path));
  const report = await scanned(root);
  expect(report.findings.map(({ level, title, evidence }) => [level, title.en, evidence.map(({ value }) => value)])).toEqual([['low', '2 files of the package tools are missing', ['/usr/bin/gone', '/usr/lib/frob/gone.so']]]);
});

it('finds programs that no package owns where packages put theirs', async () => {
  const report = await scanned({
    '/usr/bin/.hidden': { text: elf, mode: 0o755 }, '/usr/lib/x86_64-linux-gnu/libx.so': elf, '/usr/lib/x86_64-linux-gnu/security/pam_evil.so': elf, '/usr/sbin/helper': { text: '#!/bin/sh\n', mode: 0o755 },
    '/usr/lib/modules/6.1/updates/dkms/wg.ko': elf, '/usr/lib/modules/6.1/misc/rootkit.ko': elf, '/usr/lib/x86_64-linux-gnu/libc.so.6': ship(elf), '/usr/lib/x86_64-linux-gnu/security/pam_unix.so': ship(elf),
    ...Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`/usr/lib/jvm/jdk/bin/tool${i}`, { text: elf, mode: 0o755 }])),
  });
  expect(shown(report)).toEqual([
    'high /usr/lib/x86_64-linux-gnu/security/pam_evil.so', 'medium /usr/bin/.hidden', 'medium /usr/lib/modules/6.1/misc/rootkit.ko', 'medium /usr/lib/x86_64-linux-gnu/libx.so', 'low /usr/lib/jvm', 'low /usr/sbin/helper', 'info /usr/lib/modules/6.1/updates/dkms/wg.ko',
  ]);
  expect(report.findings.filter(({ kind }) => kind === 'intrusion').map(({ path }) => path)).toEqual(['/usr/lib/x86_64-linux-gnu/security/pam_evil.so']);
});

it('takes a renewal by npm for one thing, a few changed files for what they are', async () => {
  const npm = (n: number): Planted => ({
    '/usr/lib/node_modules/npm/package.json': { text: '{"name":"npm","version":"11.0.0"}', package: 'nodejs', shipped: '{"name":"npm","version":"9.2.0"}' },
    ...Object.fromEntries(Array.from({ length: n }, (_, i) => [`/usr/lib/node_modules/npm/lib/f${i}.js`, { text: 'new', package: 'nodejs', shipped: 'old' }])),
  });
  const many = await scanned(npm(40));
  expect(many.findings.map(({ level, kind, title }) => [level, kind, title.en])).toEqual([['low', 'notice', '41 files of the package nodejs were replaced by npm with its own npm']]);
  expect(shown(await scanned(npm(2)))).toEqual(['medium /usr/lib/node_modules/npm/lib/f0.js', 'medium /usr/lib/node_modules/npm/lib/f1.js', 'medium /usr/lib/node_modules/npm/package.json']);
});

it('says so when packages were installed while it looked', async () => {
  const root = makeRoot({ '/usr/bin/frob': ship(elf) });
  const installer: WalkCheck = {
    ...packageFiles, id: 'installer',
    walk: () => ({ wants: ({ path }) => path === '/usr/bin/frob', async *look() { appendFileSync(join(root, 'var/lib/dpkg/status'), '\nPackage: new\n'); yield* []; } }),
  };
  const report = await scanRoot([installer, packageFiles], root);
  expect(report.blind.map(({ check, what, why }) => `${check} ${what} ${why.en}`)).toEqual(['package-files / the package database changed while the scan ran (an installation or upgrade?): scan again when it is done']);
});

describe.skipIf(lacks({ root: true }))('set-uid', () => {
  it('on what becomes a root shell is critical, the usual ones and overrides are not told', async () => {
    const report = await scanned({
      '/usr/bin/bash': ship(elf, { mode: 0o4755 }), '/usr/bin/vim.basic': ship(elf, { mode: 0o4755 }), '/usr/bin/sudo': ship(elf, { mode: 0o4755 }), '/usr/bin/odd': ship(elf, { mode: 0o4755 }), '/usr/bin/wall': ship(elf, { mode: 0o2755 }), '/usr/bin/crontab': ship(elf, { mode: 0o4755 }), '/usr/bin/allowed': ship(elf, { mode: 0o4755 }),
      '/var/lib/dpkg/statoverride': 'root root 4755 /bin/allowed\n',
    });
    expect(shown(report)).toEqual(['critical /usr/bin/bash', 'critical /usr/bin/vim.basic', 'low /usr/bin/crontab', 'low /usr/bin/odd']);
  });
});

describe('the database itself', () => {
  const touched = async (change: (sums: string, list: string) => void): Promise<string[]> => {
    const root = makeRoot({ '/usr/bin/frob': ship(evil, changed) });
    const [sums, list] = [join(root, 'var/lib/dpkg/info/tools.md5sums'), join(root, 'var/lib/dpkg/info/tools.list')];
    change(sums, list);
    return shown(await scanned(root));
  };

  it('is told when digests were written after the package was installed', async () => {
    expect(await touched((sums, list) => {
      writeFileSync(sums, `${createHash('md5').update(evil).digest('hex')}  usr/bin/frob\n`);
      utimesSync(list, 1_700_000_000, 1_700_000_000);
    })).toEqual(['high /var/lib/dpkg/info/tools.md5sums']);
  });

  it('is told when it has digests of files that are not listed', async () => {
    expect(await touched((sums) => { const was = readFileSync(sums, 'utf8'); appendFileSync(sums, `${'a'.repeat(32)}  usr/bin/planted\n`); utimesSync(sums, 1, 1); expect(was).not.toContain('planted'); })).toEqual(['high /usr/bin/frob', 'high /var/lib/dpkg/info/tools.md5sums']);
  });
});

it('throws where there is no database, and tells what it could not read', async () => {
  const root = makeRoot({ '/usr/bin/frob': ship(elf), '/usr/bin/\udcff': 'x' });
  writeFileSync(join(root, 'var/lib/dpkg/info/tools.list'), '/usr/bin/frob\n/usr/bin/fifo\n/usr/bin/folder\n');
  writeFileSync(join(root, 'var/lib/dpkg/info/tools.md5sums'), `${createHash('md5').update(elf).digest('hex')}  usr/bin/frob\n${'0'.repeat(32)}  usr/bin/folder\n`);
  mkdirSync(join(root, 'usr/bin/folder/x'), { recursive: true });
  chmodSync(dirname(join(root, 'usr/bin/folder/x')), 0o700);
  expect(shown(await scanned(root))).toEqual(['high /usr/bin/folder', 'low /usr/bin/fifo']);
});
