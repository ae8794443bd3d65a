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

it('says that it did not see the end of a file that was filled up, and tells no more than a few of a flood', async () => {
  const filled = await scanRoot([preload], { '/etc/ld.so.preload': `${'\n'.repeat(1 << 20)}/usr/local/lib/libkeep.so\n`, '/usr/local/lib/libkeep.so': 'ELF' });
  expect(shown(filled)).toEqual([]);
  expect(filled.blind.map(({ what }) => what)).toEqual(['/etc/ld.so.preload']);
  const flood = await scanRoot([preload], { '/etc/ld.so.preload': Array.from({ length: 5000 }, (_, i) => `/tmp/${i}.so\n`).join('') });
  expect(flood.findings).toHaveLength(200);
  expect(flood.counts['findings beyond the limit']).toBe(4800);
});
