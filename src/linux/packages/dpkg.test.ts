/** Against the dpkg of this machine, and against small databases made here. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createHash } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { MoatError } from '../../core/error.ts';
import { DiskTree } from '../disk-tree.ts';
import { openPackages, type PackageIndex } from './index.ts';
import { openOwners } from './owners.ts';

const roots: string[] = [];
afterAll(() => { for (const root of roots) rmSync(root, { recursive: true, force: true }); });

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** A tree with these files; a value that begins with `->` is a link. */
function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'moat-dpkg-'));
  roots.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (text.startsWith('->')) symlinkSync(text.slice(2), join(root, path));
    else writeFileSync(join(root, path), text);
  }
  return root;
}

const paragraph = (name: string, more = ''): string => `Package: ${name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0-${name.length}\n${more}\n`;

describe.skipIf(lacks({ files: ['/usr/bin/dpkg', '/var/lib/dpkg/status'] }))('the dpkg of this machine', () => {
  let index: PackageIndex;
  const open = async (): Promise<PackageIndex> => (index ??= await openPackages('/'));

  it('knows the same packages and versions', async () => {
    const told = execFileSync('dpkg-query', ['-W', '-f', '${Package} ${Version} ${Architecture} ${db:Status-Status}\n'], { encoding: 'utf8', maxBuffer: 1 << 26 })
      .split('\n').filter((line) => line !== '' && !line.endsWith('not-installed')).map((line) => line.replace(/ \S+$/, '')).sort();
    expect((await open()).packages.map((p) => `${p.name} ${p.version} ${p.arch}`).sort()).toEqual(told);
  });

  it('tells the owner that dpkg -S tells', async () => {
    await open();
    const all = [...index.files()];
    const sample = all.filter((_, i) => i % Math.ceil(all.length / 300) === 0);
    const names = execFileSync('dpkg-query', ['-L', 'coreutils', 'libc6', 'dash', 'dpkg', 'util-linux'], { encoding: 'utf8', maxBuffer: 1 << 26 }).split('\n').filter((line) => line.startsWith('/') && line.includes('bin/'));
    expect(names.length).toBeGreaterThan(50);
    // dpkg knows a path only as its package wrote it: ask both ways round.
    const asked = [...sample.flatMap(({ path }) => [path, path.replace(/^\/usr\/(bin|sbin|lib|lib64)\//, '/$1/')]), ...names];
    const owners = new Map<string, Set<string>>();
    for (const line of spawnSync('dpkg-query', ['-S', ...asked], { encoding: 'utf8', maxBuffer: 1 << 26 }).stdout.split('\n')) {
      const found = /^(.+): (\/.*)$/.exec(line);
      if (found?.[1] === undefined || found[2] === undefined || found[1].startsWith('diversion by ')) continue;
      owners.set(found[2], new Set(found[1].split(', ').map((name) => name.replace(/:.*/, ''))));
    }
    expect(owners.size).toBeGreaterThan(300);
    const wrong = [...owners].filter(([path, names]) => { const owner = index.owner(path); return owner !== undefined && !names.has(owner.package.name); });
    // Folders have no owner here; all else that dpkg knows must be known.
    const unknown = [...owners.keys()].filter((path) => index.owner(path) === undefined && spawnSync('test', ['-d', path]).status !== 0);
    expect({ wrong, unknown }).toEqual({ wrong: [], unknown: [] });
  });

  it('follows merged folders both ways', async () => {
    await open();
    for (const path of ['/bin/ls', '/usr/bin/ls']) expect(index.owner(path)?.package.name).toBe('coreutils');
    for (const path of ['/usr/bin/env', '/bin/env']) expect(index.owner(path)?.package.name).toBe('coreutils');
    for (const path of ['', '/', 'ls', '/usr/bin/', '/usr/share/doc', '/nowhere/at/all', '/usr/bin/../bin/ls']) expect(index.owner(path)).toBeUndefined();
  });

  it('judges files as dpkg --verify does', async () => {
    await open();
    const names = ['coreutils', 'dash', 'adduser', 'login', 'passwd'];
    const changed = new Set(spawnSync('dpkg', ['--verify', ...names], { encoding: 'utf8' }).stdout.split('\n').flatMap((line) => /\s(\/.*)$/.exec(line)?.[1] ?? []));
    const told: string[] = [];
    let intact = 0;
    for (const file of index.files()) {
      if (!names.includes(file.package.name)) continue;
      const verdict = await index.verify(file.path);
      if (verdict === 'intact') intact++;
      if (verdict === 'modified' || (verdict === 'missing' && file.digest)) told.push(file.path);
    }
    expect(intact).toBeGreaterThan(100);
    expect(told.filter((path) => !changed.has(path) && !changed.has(path.replace(/^\/usr/, '')))).toEqual([]);
  });
});

describe('a database made here', () => {
  const dpkg = 'var/lib/dpkg';

  it('tells intact, modified, missing and unchecked apart', async () => {
    const root = tree({
      [`${dpkg}/status`]: paragraph('tool', `Conffiles:\n /etc/tool.conf ${md5('shipped')}\n`),
      [`${dpkg}/info/tool.list`]: '/.\n/usr\n/usr/bin\n/usr/bin/tool\n/usr/bin/evil\n/usr/bin/gone\n/usr/bin/link\n/etc\n/etc/tool.conf\n/usr/bin/fifo\n',
      [`${dpkg}/info/tool.md5sums`]: `${md5('good')}  usr/bin/tool\n${md5('good')}  usr/bin/evil\n${md5('good')}  usr/bin/gone\n${md5('good')}  usr/bin/fifo\n`,
      'usr/bin/tool': 'good', 'usr/bin/evil': 'bad!', 'usr/bin/link': '->tool', 'etc/tool.conf': 'changed', 'usr/bin/fifo': '->/etc/passwd',
    });
    const index = await openPackages(root);
    const verdict = (path: string): Promise<unknown> => index.verify(path);
    expect(await Promise.all(['/usr/bin/tool', '/usr/bin/evil', '/usr/bin/gone', '/usr/bin/link', '/etc/tool.conf', '/usr/bin/fifo', '/usr/bin/other'].map(verdict)))
      .toEqual(['intact', 'modified', 'missing', 'unchecked', 'modified', 'modified', undefined]);
    expect(index.owner('/etc/tool.conf')).toMatchObject({ config: true, package: { manager: 'dpkg', name: 'tool', version: '1.0-4' } });
  });

  it('believes no list that claims a file of somebody else', async () => {
    const listed = '/.\n/usr\n/usr/bin\n/usr/bin/tool\n/usr/bin/link\n/usr/bin/planted\n/usr/bin/bad digest\n/opt/empty\n';
    const root = tree({
      [`${dpkg}/status`]: paragraph('tool') + paragraph('conf', `Conffiles:\n /etc/c.conf ${md5('c')}\n`) + paragraph('bare'),
      [`${dpkg}/info/tool.list`]: listed,
      [`${dpkg}/info/tool.md5sums`]: `${md5('good')}  usr/bin/tool\n${'z'.repeat(32)}  usr/bin/bad digest\n`,
      [`${dpkg}/info/conf.list`]: '/.\n/etc/c.conf\n/usr/bin/other\n/usr/bin/moved\n',
      [`${dpkg}/info/conf.md5sums`]: `${md5('good')}  usr/bin/unlisted\n`,
      [`${dpkg}/info/bare.list`]: '/.\n/usr/bin/bare\n',
      [`${dpkg}/diversions`]: '/usr/bin/moved\n/usr/bin/moved.real\n:\n',
      'usr/bin/tool': 'good', 'usr/bin/link': '->tool', 'usr/bin/planted': 'evil', 'usr/bin/bad digest': 'evil', 'etc/c.conf': 'c', 'usr/bin/other': 'evil', 'usr/bin/moved.real': 'evil', 'usr/bin/bare': 'x', 'opt/empty/.keep': '',
    });
    const index = await openPackages(root);
    const verdicts = await Promise.all(['/usr/bin/tool', '/usr/bin/link', '/opt/empty', '/etc/c.conf', '/usr/bin/bare', '/usr/bin/planted', '/usr/bin/bad digest', '/usr/bin/other', '/usr/bin/moved.real'].map((path) => index.verify(path)));
    expect(verdicts).toEqual(['intact', 'unchecked', 'unchecked', 'intact', 'unchecked', 'modified', 'modified', 'modified', 'modified']);
  });

  it('puts a diverted file where it lies', async () => {
    const root = tree({
      [`${dpkg}/status`]: `${paragraph('first')}\n${paragraph('second')}`,
      [`${dpkg}/info/first.list`]: '/usr/bin/run\n/usr/bin/all\n', [`${dpkg}/info/second.list`]: '/usr/bin/run\n',
      [`${dpkg}/info/first.md5sums`]: `${md5('one')}  usr/bin/run\n`, [`${dpkg}/info/second.md5sums`]: `${md5('two')}  usr/bin/run\n`,
      [`${dpkg}/diversions`]: '/usr/bin/run\n/usr/bin/run.first\nsecond\n/usr/bin/all\n/usr/bin/all.kept\n:\n',
      'usr/bin/run': 'two', 'usr/bin/run.first': 'one',
    });
    const index = await openPackages(root);
    expect(['/usr/bin/run', '/usr/bin/run.first', '/usr/bin/all', '/usr/bin/all.kept'].map((path) => index.owner(path)?.package.name)).toEqual(['second', 'first', undefined, 'first']);
    expect([await index.verify('/usr/bin/run'), await index.verify('/usr/bin/run.first')]).toEqual(['intact', 'intact']);
  });

  it('follows links inside the tree and never out of it', async () => {
    const outside = tree({ 'ls': 'host' });
    const root = tree({
      [`${dpkg}/status`]: paragraph('tool'), [`${dpkg}/info/tool.list`]: '/bin/ls\n/opt/tool/run\n/usr/share/loop/x\n/away/ls\n',
      [`${dpkg}/info/tool.md5sums`]: `${md5('good')}  bin/ls\n${md5('good')}  opt/tool/run\n${md5('host')}  away/ls\n`,
      'usr/bin/ls': 'good', 'bin': '->usr/bin', 'srv/tool/run': 'good', 'opt/tool': '->/srv/tool', 'usr/share/loop': '->loop', 'away': `->${outside}`,
    });
    const index = await openPackages(root);
    expect(['/bin/ls', '/usr/bin/ls', '/opt/tool/run', '/srv/tool/run'].map((path) => index.owner(path)?.path)).toEqual(['/usr/bin/ls', '/usr/bin/ls', '/srv/tool/run', '/srv/tool/run']);
    expect([await index.verify('/srv/tool/run'), await index.verify('/away/ls'), await index.verify('/usr/share/loop/x')]).toEqual(['intact', 'missing', 'missing']);
  });

  it('is not led out by more links than it follows', async () => {
    const outside = tree({ 'secret': 'host' });
    const chain = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`l${i}`, i === 59 ? `->${outside}` : `->/l${i + 1}`]));
    const root = tree({ [`${dpkg}/status`]: paragraph('tool'), [`${dpkg}/info/tool.list`]: '/l0/secret\n/l19/secret\n/l59/secret\n', [`${dpkg}/info/tool.md5sums`]: `${md5('host')}  l0/secret\n${md5('host')}  l19/secret\n`, ...chain });
    const index = await openPackages(root);
    expect(await Promise.all(['/l0/secret', '/l19/secret', '/l59/secret'].map((path) => index.verify(path)))).toEqual(['missing', 'missing', 'missing']);
  });

  it('reads the database of a distroless image', async () => {
    const root = tree({ [`${dpkg}/status.d/base`]: 'Package: base\nVersion: 12\nArchitecture: amd64\n', [`${dpkg}/status.d/base.md5sums`]: `${md5('id')}  etc/os-release\n`, 'etc/os-release': 'id' });
    const index = await openPackages(root);
    expect([index.owner('/etc/os-release')?.package.version, await index.verify('/etc/os-release')]).toEqual(['12', 'intact']);
  });

  it('counts what is broken or hostile and keeps the rest', async () => {
    const root = tree({
      [`${dpkg}/status`]: `\n\n\0garbage\nPackage: ../../etc\nStatus: install ok installed\n\n${paragraph('tool')}\n${paragraph('empty')}\n${paragraph('linked')}\nVersion: 3\n`,
      [`${dpkg}/info/tool.list`]: `relative/path\n/a/../b\n/usr//bin/x\n/${'x'.repeat(300)}\n/${'deep/'.repeat(1000)}x\n/usr/bin/tool\n`,
      [`${dpkg}/info/tool.md5sums`]: `short\n${'z'.repeat(32)}  usr/bin/tool\n`,
      [`${dpkg}/info/linked.list`]: '->/etc/passwd',
      'usr/bin/tool': 'x',
    });
    const index = await openPackages(root);
    expect(index.owner('/usr/bin/tool')?.package.name).toBe('tool');
    // What stands in the place of its digest agrees with nothing.
    expect(await index.verify('/usr/bin/tool')).toBe('modified');
    expect([...index.counts]).toEqual([
      ['dpkg: packages whose name is none', 1], ['paths that are none', 5], ['digests that are none', 1], ['dpkg: packages without a list of files', 1], ['dpkg: lists of files that cannot be read', 1],
    ]);
    expect(index.faults[0]?.en).toContain('linked');
    expect(index.faults[0]?.zh).toContain('linked');
  });

  it('says that there is no database', async () => {
    await expect(openPackages(tree({ 'etc/hostname': 'x' }))).rejects.toMatchObject({ code: 'no-database' });
  });

  it('can be given up', async () => {
    const root = tree({ [`${dpkg}/status`]: Array.from({ length: 20_000 }, (_, i) => paragraph(`p${i}`)).join('\n'), [`${dpkg}/info/format`]: '1' });
    const abort = new AbortController();
    const opening = openPackages(root, { signal: abort.signal });
    abort.abort(new Error('given up'));
    await expect(opening).rejects.toThrow('given up');
  });
});

it('a folder that may not be looked into leaves the rest readable', async () => {
  const root = tree({ 'var/lib/dpkg/status': paragraph('tool'), 'var/lib/dpkg/info/tool.list': '/.\n/etc\n/etc/closed\n/etc/closed/inner\n/etc/closed/inner/x.conf\n/usr/bin/tool\n', 'usr/bin/tool': 'x' });
  class Closed extends DiskTree {
    override stat(path: string): ReturnType<DiskTree['stat']> { if (path.startsWith('/etc/closed/')) throw new MoatError('denied', `no permission to look at ${path}`); return super.stat(path); }
  }
  const index = await openPackages(new Closed(root, undefined));
  expect(['/usr/bin/tool', '/etc/closed/inner/x.conf'].map((path) => index.owner(path)?.package.name)).toEqual(['tool', 'tool']);
});

it('reads names beyond ASCII beside others', async () => {
  const index = await openPackages(tree({ 'var/lib/dpkg/status': paragraph('tool'), 'var/lib/dpkg/info/tool.list': '/.\n/usr\n/usr/share\n/usr/share/ü\n/usr/share/ü/名\n/usr/share/a\n' }));
  expect(['/usr/share/ü/名', '/usr/share/a'].map((path) => index.owner(path)?.package.name)).toEqual(['tool', 'tool']);
});

describe('owners alone', () => {
  const dpkg = 'var/lib/dpkg';
  async function ownersIn(files: Record<string, string>, within: readonly string[], paths: readonly string[]): Promise<(string | undefined)[]> {
    const owners = await openOwners(new DiskTree(tree(files), undefined), within);
    return paths.map((path) => owners.owner(path)?.package.name);
  }

  it.skipIf(lacks({ files: ['/var/lib/dpkg/status'] }))('are those of the index, for folders of this machine', async () => {
    const disk = new DiskTree('/', undefined);
    const folders = ['/etc', '/usr/bin', '/usr/sbin', '/usr/lib/systemd', '/usr/share/doc', '/bin', '/lib/systemd'].filter((folder) => disk.list(folder) !== undefined);
    const [owners, index] = [await openOwners(disk, folders), await openPackages(disk)];
    let owned = 0;
    const unlike: string[] = [];
    const below = (folder: string): void => {
      for (const name of disk.list(folder) ?? []) {
        const path = `${folder}/${name}`;
        if (disk.stat(path)?.kind === 'folder') { below(path); continue; }
        const [one, other] = [owners.owner(path)?.package, index.owner(path)?.package];
        if (other) owned++;
        if (one?.name !== other?.name || one?.version !== other?.version) unlike.push(path);
      }
    };
    for (const folder of folders) below(folder);
    expect(unlike).toEqual([]);
    expect(owned).toBeGreaterThan(1000);
  });

  it('finds a file behind links of folders, at the top, deeper and over several', async () => {
    const root = {
      [`${dpkg}/status`]: paragraph('tool'), [`${dpkg}/info/tool.list`]: '/.\n/bin\n/bin/ls\n/opt\n/opt/tool\n/opt/tool/run\n/usr/share/loop/x\n/usr/deep\n/usr/deep/one\n/usr/deep/one/two\n',
      'usr/bin/ls': 'x', 'bin': '->usr/bin', 'srv/tool/run': 'x', 'opt/tool': '->/srv/tool', 'usr/share/loop': '->loop', 'usr/deep': '->/srv/deep', 'srv/deep': '->/usr/there', 'usr/there/one/two': 'x',
    };
    const paths = ['/usr/bin/ls', '/srv/tool/run', '/usr/there/one/two', '/usr/there/one/three', '/usr/bin', '/opt/tool'];
    expect(await ownersIn(root, ['/usr', '/srv', '/opt'], paths)).toEqual(['tool', 'tool', 'tool', undefined, undefined, undefined]);
    // Asked for by a way that leads over a link, or as a single file.
    expect(await ownersIn(root, ['/bin/ls', '/opt/tool/run'], ['/bin/ls', '/opt/tool/run'])).toEqual(['tool', 'tool']);
  });

  it('knows diverted files, names that are no text, and the first of several packages', async () => {
    const root = {
      [`${dpkg}/status`]: `${paragraph('first')}\n${paragraph('second')}`,
      [`${dpkg}/info/first.list`]: '/usr/bin/run\n/usr/bin/all\n/usr/bin/both\n/usr/share/ü/名\n', [`${dpkg}/info/second.list`]: '/usr/bin/run\n/usr/bin/both\n',
      [`${dpkg}/diversions`]: '/usr/bin/run\n/usr/bin/run.first\nsecond\n/usr/bin/all\n/usr/bin/all.kept\n:\n',
    };
    expect(await ownersIn(root, ['/usr'], ['/usr/bin/run', '/usr/bin/run.first', '/usr/bin/all', '/usr/bin/all.kept', '/usr/bin/both', '/usr/share/ü/名'])).toEqual(['second', 'first', undefined, 'first', 'first', 'first']);
  });

  it('keeps the rest of a list that is broken or hostile', async () => {
    const root = {
      [`${dpkg}/status`]: `\0garbage\n\n${paragraph('tool')}\n${paragraph('linked')}`,
      [`${dpkg}/info/tool.list`]: `relative/path\n\n/a/../b\n/usr//bin/x\n/${'x'.repeat(300)}\n/${'deep/'.repeat(1000)}x\n__proto__\n/usr/bin/tool`, [`${dpkg}/info/linked.list`]: '->/etc/passwd',
    };
    expect(await ownersIn(root, ['/'], ['/usr/bin/tool', '/usr/bin/x', '/b', '/toString'])).toEqual(['tool', undefined, undefined, undefined]);
  });

  it('asks the index where there are other databases than the lists of dpkg', async () => {
    const md5 = 'd'.repeat(32);
    expect(await ownersIn({ [`${dpkg}/status.d/base`]: 'Package: base\nVersion: 12\nArchitecture: amd64\n', [`${dpkg}/status.d/base.md5sums`]: `${md5}  etc/os-release\n`, 'etc/os-release': 'x' }, ['/etc'], ['/etc/os-release'])).toEqual(['base']);
    await expect(openOwners(new DiskTree(tree({ 'etc/hostname': 'x' }), undefined), ['/etc'])).rejects.toMatchObject({ code: 'no-database' });
  });
});
