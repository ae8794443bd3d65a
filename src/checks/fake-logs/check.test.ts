import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { fakeLogs } from './check.ts';

const elf = Buffer.from('\x7fELF\x02\x01\x01 rest', 'latin1');

it('finds programs under names of logs', async () => {
  const root = makeRoot({
    '/var/log/nginx/access.log.exe': Buffer.from('MZ\x90'), '/var/log/kern.log': elf, '/srv/a/debug.log.1': elf, '/var/log/.x.so': elf, '/opt/run.log': { text: '#!/bin/sh\nx\n', mode: 0o755 }, '/opt/kept.log': '#!/bin/sh\nx\n', '/opt/a.log.sh': { text: 'x\n', mode: 0o755 },
  });
  expect(shown(await scanRoot([fakeLogs], root))).toEqual(['high /srv/a/debug.log.1', 'high /var/log/.x.so', 'high /var/log/kern.log', 'high /var/log/nginx/access.log.exe', 'medium /opt/a.log.sh', 'medium /opt/run.log', 'low /opt/kept.log']);
  for (const path of ['srv/a/debug.log.1', 'var/log/.x.so', 'var/log/kern.log', 'var/log/nginx/access.log.exe', 'opt/a.log.sh', 'opt/run.log', 'opt/kept.log']) rmSync(join(root, path));
  expect(shown(await scanRoot([fakeLogs], root))).toEqual([]);
});

it('is silent for logs and for what packages ship', async () => {
  expect(shown(await scanRoot([fakeLogs], { '/var/log/syslog': 'a\n', '/var/log/app.log': 'started\n', '/var/log/empty.log': '', '/home/lin/config.log': 'This file\n', '/usr/share/x/test.log': { text: elf, package: 'x' }, '/opt/log.sh': '#!/bin/sh\n' }))).toEqual([]);
});

it('finds programs under names of pictures and documents, and no documents that a share made executable', async () => {
  expect(shown(await scanRoot([fakeLogs], { '/var/www/html/logo.png': { text: elf, mode: 0o755 }, '/srv/a.pdf': { text: elf, mode: 0o755 }, '/srv/b.png': { text: '\x89PNG', mode: 0o777 }, '/srv/c.txt': { text: '#!/bin/sh\n', mode: 0o755 }, '/srv/fuzz/d.jpg': elf }))).toEqual(['high /srv/a.pdf', 'high /var/www/html/logo.png']);
});
