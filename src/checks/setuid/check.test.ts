import { createHash } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { compile, temporary } from '../../../test/compile.ts';
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

it.skipIf(lacks({ root: true }))('tells the sandbox of a browser from a shell under its name', async () => {
  expect(shown(await scanRoot([setuid], { '/srv/a/chrome_sandbox': { text: Buffer.from('\x7fELF SBX_CHROME_API_RQ SBX_HELPER_PID', 'latin1'), mode: 0o4755 }, '/srv/b/chrome-sandbox': { text: 'bash', mode: 0o4755 } }))).toEqual(['high /srv/b/chrome-sandbox', 'medium /srv/a/chrome_sandbox']);
});

it.skipIf(lacks({ root: true, files: ['/usr/bin/gcc'] }))('finds set-uid programs that search libraries where others may write, shipped or not', async () => {
  const folder = temporary();
  const rpath = (name: string, at: string): Buffer => readFileSync(compile('int main(void){return 0;}', join(folder, name), [`-Wl,-rpath,${at}`]));
  const report = await scanRoot([setuid], {
    '/usr/bin/good': { text: rpath('good', '/usr/lib/app'), mode: 0o4755, package: 'a' }, '/usr/lib/app/x.so': 'x',
    '/usr/bin/open': { text: rpath('open', '/tmp/lib'), mode: 0o4755, package: 'a' }, '/usr/bin/relative': { text: rpath('relative', 'lib'), mode: 0o4755, package: 'a' },
  });
  expect(shown(report)).toEqual(['high /usr/bin/open', 'high /usr/bin/relative']);
});

it.skipIf(lacks({ root: true }))('tells once of another Linux inside, and of a shell in it as of any', async () => {
  const report = await scanRoot([setuid], {
    ...jail('/srv/jail', { sudo: '/usr/bin/sudo', passwd: '/usr/bin/su', dash: '/usr/bin/dash' }),
    '/srv/jail/usr/bin/sudo': { text: 'x', mode: 0o4755 }, '/srv/jail/usr/bin/su': { text: 'x', mode: 0o4755 }, '/srv/jail/usr/bin/dash': { text: 'x', mode: 0o4755 },
  });
  expect(shown(report)).toEqual(['critical /srv/jail/usr/bin/dash', 'medium /srv/jail']);
  expect(report.findings[1]!.kind).toBe('weakness');
});

it.skipIf(lacks({ root: true }))('takes a program for that of another Linux only where its packages ship it as it is, or root alone gets there', async () => {
  const root = makeRoot({
    // Nothing but the name of a database.
    '/opt/x/var/lib/dpkg/status': '', '/opt/x/su': { text: 'x', mode: 0o4755 },
    ...jail('/srv/jail', { sudo: '/usr/bin/sudo', passwd: '/usr/bin/su' }),
    '/srv/jail/usr/bin/sudo': { text: 'x', mode: 0o4755 }, '/srv/jail/usr/bin/su': { text: 'changed', mode: 0o4755 }, '/srv/jail/usr/bin/more': { text: 'x', mode: 0o4755 },
    '/root/far/var/lib/dpkg/status': '', '/root/far/su': { text: 'x', mode: 0o4755 },
  });
  chmodSync(join(root, 'root/far'), 0o700);
  const report = await scanRoot([setuid], root);
  expect(shown(report)).toEqual(['high /opt/x/su', 'high /srv/jail/usr/bin/more', 'high /srv/jail/usr/bin/su', 'medium /srv/jail', 'info /root/far']);
});

/** Another Debian with packages of one file each, whose content is `x`. */
function jail(at: string, packages: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.entries(packages);
  return {
    [`${at}/var/lib/dpkg/status`]: names.map(([name]) => `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n`).join('\n'),
    ...Object.fromEntries(names.flatMap(([name, file]) => [[`${at}/var/lib/dpkg/info/${name}.list`, `/.\n${file}\n`], [`${at}/var/lib/dpkg/info/${name}.md5sums`, `${createHash('md5').update('x').digest('hex')}  ${file.slice(1)}\n`]])),
  };
}
