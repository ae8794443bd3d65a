import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { accountFiles } from './check.ts';

it.skipIf(lacks({ root: true }))('finds account files that others may change or read', async () => {
  const root = makeRoot({ '/etc/shadow': { text: '', mode: 0o640 }, '/etc/passwd-': '', '/etc/gshadow': { text: '', mode: 0o640 } });
  expect(shown(await scanRoot([accountFiles], root))).toEqual([]);
  chmodSync(join(root, 'etc/shadow'), 0o644);
  chmodSync(join(root, 'etc/passwd'), 0o666);
  chownSync(join(root, 'etc/group'), 1000, 0);
  chmodSync(join(root, 'etc/gshadow'), 0o660);
  chownSync(join(root, 'etc/gshadow'), 0, 42);
  expect(shown(await scanRoot([accountFiles], root))).toEqual(['critical /etc/group', 'critical /etc/passwd', 'high /etc/gshadow', 'high /etc/shadow']);
});

it.skipIf(lacks({ root: true }))('tells a link', async () => {
  expect(shown(await scanRoot([accountFiles], { '/etc/shadow': '->/opt/x/shadow', '/opt/x/shadow': { text: '', mode: 0o600 } }))).toEqual(['medium /etc/shadow']);
});
