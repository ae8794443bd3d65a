import { expect, it } from 'vitest';
import { scanRoot, shown } from '../../../test/throwaway-root.ts';
import { lacks } from '../../../test/need.ts';
import { setuid } from './check.ts';

it.skipIf(lacks({ root: true }))('finds set-uid programs that no package ships, in any folder', async () => {
  const report = await scanRoot([setuid], {
    '/usr/bin/passwd': { text: 'x', mode: 0o4755, package: 'passwd' },
    '/usr/local/bin/helper': { text: 'x', mode: 0o4755 },
    '/var/tmp/.s/bash': { text: 'x', mode: 0o4755 },
    '/opt/tool': { text: 'x', mode: 0o2755 },
  });
  expect(shown(report)).toEqual(['critical /var/tmp/.s/bash', 'high /usr/local/bin/helper', 'medium /opt/tool']);
});
