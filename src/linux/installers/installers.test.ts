import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { makeRoot } from '../../../test/throwaway-root.ts';
import { treeDigests } from '../digests.ts';
import { DiskTree } from '../disk-tree.ts';
import { Installers } from './index.ts';

const b64 = (text: string): string => createHash('sha256').update(text).digest('base64url');
const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

function installers(planted: Parameters<typeof makeRoot>[0]): (path: string) => Promise<string | undefined> {
  const tree = new DiskTree(makeRoot(planted), undefined);
  const all = new Installers(tree, treeDigests(tree));
  return async (path) => { const owner = await all.owner(path); return owner && `${owner.manager} ${owner.name} ${owner.version} ${owner.state}`; };
}

it('knows what pip recorded, verified by digest, programs beside it too', async () => {
  const site = '/usr/local/lib/python3.11/dist-packages';
  const owner = installers({
    [`${site}/tool/__init__.py`]: 'good', [`${site}/tool/evil.py`]: 'changed', [`${site}/tool/stray.py`]: 'x', [`${site}/tool/a,b.py`]: 'comma', '/usr/local/bin/tool': 'script',
    [`${site}/tool-1.2.dist-info/RECORD`]: `tool/__init__.py,sha256=${b64('good')},4\ntool/evil.py,sha256=${b64('good')},4\n"tool/a,b.py",sha256=${b64('comma')},5\ntool/gone.py,sha256=${b64('x')},1\n../../../bin/tool,sha256=${b64('script')},6\ntool-1.2.dist-info/RECORD,,\n../../../../../../../../../etc/passwd,,\n`,
    [`${site}/old-0.9-py3.11.egg-info/installed-files.txt`]: '../old.py\n', [`${site}/old.py`]: 'x',
  });
  expect(await Promise.all(['tool/__init__.py', 'tool/evil.py', 'tool/stray.py', 'tool/a,b.py', 'tool/gone.py', 'old.py'].map((name) => owner(`${site}/${name}`)))).toEqual(['pip tool 1.2 intact', 'pip tool 1.2 modified', undefined, 'pip tool 1.2 intact', 'pip tool 1.2 missing', 'pip old 0.9 unchecked']);
  expect([await owner('/usr/local/bin/tool'), await owner('/usr/local/bin/other'), await owner('/etc/passwd')]).toEqual(['pip tool 1.2 intact', undefined, undefined]);
});

it('knows the nearest package of npm, which cannot be verified', async () => {
  const owner = installers({
    '/srv/app/node_modules/web/package.json': '{"name":"web","version":"4.1.0"}', '/srv/app/node_modules/web/node_modules/@scope/part/package.json': '{"name":"@scope/part","version":"2.0.0"}',
    '/srv/app/node_modules/broken/package.json': '{"name":', '/srv/app/node_modules/listed/package.json': '[1]',
  });
  expect(await Promise.all(['web/index.js', 'web/lib/deep/x.js', 'web/node_modules/@scope/part/index.js', 'broken/x.js', 'listed/x.js', '.bin', 'unknown/x.js'].map((name) => owner(`/srv/app/node_modules/${name}`)))).toEqual(['npm web 4.1.0 unchecked', 'npm web 4.1.0 unchecked', 'npm @scope/part 2.0.0 unchecked', undefined, undefined, undefined, undefined]);
});

it('knows gems by their specification, conda by its records, snaps and flatpaks by their place', async () => {
  const owner = installers({
    '/var/lib/gems/3.1.0/specifications/rack-3.0.1.gemspec': '', '/var/lib/gems/3.1.0/gems/rack-3.0.1/lib/rack.rb': 'x', '/var/lib/gems/3.1.0/gems/planted-1.0/x.rb': 'x',
    '/opt/conda/conda-meta/tool-1.0-0.json': JSON.stringify({ name: 'tool', version: '1.0', files: ['bin/tool', 'bin/prefixed', 'lib/plain'], paths_data: { paths: [{ _path: 'bin/tool', sha256: hex('good') }, { _path: 'bin/prefixed', sha256: hex('before'), prefix_placeholder: '/x', sha256_in_prefix: hex('after') }] } }),
    '/opt/conda/bin/tool': 'good', '/opt/conda/bin/prefixed': 'evil', '/opt/conda/lib/plain': 'x',
  });
  expect(await Promise.all([
    '/var/lib/gems/3.1.0/gems/rack-3.0.1/lib/rack.rb', '/var/lib/gems/3.1.0/gems/planted-1.0/x.rb', '/opt/conda/bin/tool', '/opt/conda/bin/prefixed', '/opt/conda/lib/plain', '/opt/conda/bin/other', '/snap/core22/1380/usr/bin/x', '/snap/bin/x',
    '/var/lib/flatpak/app/org.example.App/x86_64/stable/files/bin/x',
  ].map(owner))).toEqual(['gem rack 3.0.1 unchecked', undefined, 'conda tool 1.0 intact', 'conda tool 1.0 modified', 'conda tool 1.0 unchecked', undefined, 'snap core22 1380 unchecked', undefined, 'flatpak org.example.App stable unchecked']);
});
