import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { makeRoot, type Planted } from '../../../test/throwaway-root.ts';
import { openPackages } from './index.ts';

const q1 = (text: string): string => `Q1${createHash('sha1').update(text).digest('base64')}`;
const q2 = (text: string): string => `Q2${createHash('sha256').update(text).digest('base64')}`;

/** Roots of tests have a dpkg database: none here. */
const alpine = (installed: string, files: Planted = {}): string => makeRoot({ ...Object.fromEntries(['bash', 'dash', 'sh', 'curl', 'wget', 'python3', 'perl', 'test', 'find', 'chmod', 'base64', 'cat', 'echo', 'true', 'rm', 'cp', 'tar', 'logger'].map((name) => [`/usr/bin/${name}`, name])), '/usr/sbin/run-parts': 'x', '/lib/apk/db/installed': installed, ...files });

const database = [
  `C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nZ:${q1('loader')}\nR:libc.musl-x86_64.so.1\na:0:0:777\nZ:${q1('/lib/ld-musl-x86_64.so.1')}`,
  `P:tool\nV:3.1-r2\nA:x86_64\nF:usr\nF:usr/bin\nR:tool\na:0:0:755\nZ:${q1('good')}\nR:bad\na:0:0:755\nZ:${q1('good')}\nR:gone\nZ:${q1('x')}\nR:new\na:0:0:4755\nZ:${q2('newer')}\nF:etc\nM:0:0:755\nR:tool.conf\nZ:${q1('shipped')}`,
  'P:virtual\nV:0\nA:noarch',
].join('\n\n');

it('reads packages, modes and digests, of links too', async () => {
  const root = alpine(`${database}\n\n`, {
    '/lib/ld-musl-x86_64.so.1': { text: 'loader', mode: 0o755 }, '/lib/libc.musl-x86_64.so.1': '->/lib/ld-musl-x86_64.so.1',
    '/usr/bin/tool': { text: 'good', mode: 0o755 }, '/usr/bin/bad': { text: 'evil', mode: 0o755 }, '/usr/bin/new': { text: 'newer', mode: 0o755 }, '/etc/tool.conf': 'changed',
  });
  const index = await openPackages(root);
  expect(index.packages.map(({ manager, name, version, arch }) => `${manager} ${name} ${version} ${arch}`)).toEqual(['apk musl 1.2.5-r0 x86_64', 'apk tool 3.1-r2 x86_64', 'apk virtual 0 noarch']);
  const verdicts = await Promise.all(['/lib/ld-musl-x86_64.so.1', '/usr/lib/libc.musl-x86_64.so.1', '/usr/bin/tool', '/usr/bin/bad', '/usr/bin/gone', '/usr/bin/new', '/etc/tool.conf', '/usr/bin/other'].map((path) => index.verify(path)));
  // The set-uid bit that was shipped is not there.
  expect(verdicts).toEqual(['intact', 'intact', 'intact', 'modified', 'missing', 'modified', 'modified', undefined]);
  expect([index.owner('/etc/tool.conf')?.config, index.owner('/usr/bin/tool')?.config]).toEqual([true, false]);
});

it('sees a link that was led elsewhere', async () => {
  const root = alpine(database, { '/lib/libc.musl-x86_64.so.1': '->/lib/evil.so' });
  expect(await (await openPackages(root)).verify('/lib/libc.musl-x86_64.so.1')).toBe('modified');
});

it('counts what is broken and keeps the rest', async () => {
  const root = alpine(`R:lost\nZ:${q1('x')}\n\nP:tool\nV:1\nA:x\nF:usr/bin\nR:../../etc/passwd\nR:tool\na:x\nZ:Q9zzz\n\n${'\n'.repeat(50)}Z:\nF\n`, { '/usr/bin/tool': 'good' });
  const index = await openPackages(root);
  expect(await index.verify('/usr/bin/tool')).toBe('unchecked');
  expect([...index.counts]).toEqual([['apk: files of no package', 1], ['paths that are none', 1], ['digests that are none', 1]]);
});

it('does not take an unreadable database for none', async () => {
  const root = alpine('', { '/lib/apk/db/x': '' });
  expect((await openPackages(root)).packages).toEqual([]);
});
