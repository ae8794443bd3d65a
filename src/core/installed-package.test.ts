import { expect, it } from 'vitest';
import { installedPackage } from './installed-package.ts';

const of = (cwd: string | undefined, cmdline?: string) => installedPackage({ cwd, cmdline });

it('is told by the folder that a script runs in', () => {
  expect(of('/srv/shop/node_modules/left')).toEqual({ name: 'left', folder: '/srv/shop/node_modules/left' });
  expect(of('/srv/shop/node_modules/@pad/left/lib')).toEqual({ name: '@pad/left', folder: '/srv/shop/node_modules/@pad/left' });
  expect(of('/a/node_modules/one/node_modules/two/x')).toEqual({ name: 'two', folder: '/a/node_modules/one/node_modules/two' });
});

it('is named by a command line, which shows no folder of its own', () => {
  expect(of('/srv/shop', 'node /srv/shop/node_modules/left/setup.js')).toEqual({ name: 'left' });
  expect(of('/tmp/pip-install-a1b2/thing_0123456789abcdef0123456789abcdef')).toEqual({ name: 'thing' });
  expect(of('/', '/bin/sh /var/lib/dpkg/info/nginx-common.postinst configure')).toEqual({ name: 'nginx-common' });
});

it('is none where nothing shows it', () => {
  for (const [cwd, cmdline] of [[undefined, undefined], ['/srv', 'node x.js'], ['/srv/node_modules/.bin', undefined], ['/srv/node_modules/', undefined], ['/srv/node_modules/.left-a1b2c3', undefined]] as const) expect(of(cwd, cmdline)).toBeUndefined();
});
