import { expect, it } from 'vitest';
import { scanRoot, shown } from '../../../test/throwaway-root.ts';
import { preload } from './check.ts';

it('finds a library that nobody ships and stays mild for one that a package does', async () => {
  const report = await scanRoot([preload], {
    '/etc/ld.so.preload': '/usr/local/lib/libkeep.so /usr/lib/libjemalloc.so # note\n',
    '/usr/local/lib/libkeep.so': 'ELF', '/usr/lib/libjemalloc.so': { text: 'ELF', package: 'libjemalloc2' },
  });
  expect(shown(report)).toEqual(['critical /etc/ld.so.preload', 'low /etc/ld.so.preload']);
});

it('is silent without the file', async () => {
  expect(shown(await scanRoot([preload]))).toEqual([]);
});
