import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { nss } from './check.ts';

const lib = '/usr/lib/x86_64-linux-gnu';

it('finds libraries that were replaced or planted, and those that nobody names', async () => {
  const root = makeRoot({
    '/etc/nsswitch.conf': 'passwd: files cache2 [NOTFOUND=return] systemd\ngroup: files\n', [`${lib}/libnss_files.so.2`]: { text: 'other', shipped: 'files', package: 'libc6' }, [`${lib}/libnss_systemd.so.2`]: { text: 'systemd', package: 'libnss-systemd' },
    [`${lib}/libnss_cache2.so.2`]: 'ELF', [`${lib}/libnss_idle.so.2`]: 'ELF', [`${lib}/libnss_oslogin.so.2`]: 'ELF',
  });
  expect(shown(await scanRoot([nss], root))).toEqual([`critical ${lib}/libnss_files.so.2`, `high ${lib}/libnss_cache2.so.2`, `medium ${lib}/libnss_idle.so.2`, `low ${lib}/libnss_oslogin.so.2`]);
  for (const name of ['files', 'cache2', 'idle', 'oslogin']) rmSync(join(root, `${lib}/libnss_${name}.so.2`));
  expect(shown(await scanRoot([nss], root))).toEqual([]);
});

it('finds a switch that others may write', async () => {
  expect(shown(await scanRoot([nss], { '/etc/nsswitch.conf': { text: 'passwd: files\n', mode: 0o666 } }))).toEqual(['high /etc/nsswitch.conf']);
});
