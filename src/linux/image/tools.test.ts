/** Images made by the tools that people use, in every layout and packing that they write. */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { textOf } from '../tree.ts';
import { openImage } from './open.ts';

const { signal } = new AbortController();
const missing = lacks({ root: true, files: ['/usr/bin/skopeo', '/usr/bin/umoci', '/usr/sbin/setcap', '/usr/bin/zstd'] });

describe.skipIf(missing)('images of real tools', () => {
  let folder = '';
  const run = (program: string, ...words: string[]): void => { execFileSync(program, words, { cwd: folder, stdio: 'pipe', env: { ...process.env, TMPDIR: folder } }); };
  const copy = (to: string, ...options: string[]): void => run('skopeo', '--insecure-policy', 'copy', '-q', ...options, 'oci:layout:v2', to);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'moat-image-tools-'));
    run('umoci', 'init', '--layout', 'layout');
    run('umoci', 'new', '--image', 'layout:v1');
    run('umoci', 'unpack', '--image', 'layout:v1', 'first');
    const root = join(folder, 'first/rootfs');
    for (const path of ['usr/bin', 'etc/keep', 'opt/gone/deep']) mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, 'usr/bin/tool'), 'tool', { mode: 0o755 });
    execFileSync('/usr/sbin/setcap', ['cap_net_raw+ep', join(root, 'usr/bin/tool')]);
    linkSync(join(root, 'usr/bin/tool'), join(root, 'usr/bin/again'));
    symlinkSync('usr/bin', join(root, 'bin'));
    writeFileSync(join(root, `etc/${'长名字'.repeat(25)}`), 'long');
    writeFileSync(join(root, 'etc/secret'), 'gone later');
    writeFileSync(join(root, 'opt/gone/deep/x'), 'x');
    writeFileSync(join(root, 'holes'), '');
    truncateSync(join(root, 'holes'), 3 << 20);
    run('umoci', 'repack', '--image', 'layout:v1', 'first');
    run('umoci', 'unpack', '--image', 'layout:v1', 'second');
    const next = join(folder, 'second/rootfs');
    rmSync(join(next, 'etc/secret'));
    rmSync(join(next, 'opt/gone'), { recursive: true });
    writeFileSync(join(next, 'etc/added'), 'added');
    run('umoci', 'repack', '--image', 'layout:v2', 'second');
    run('umoci', 'config', '--image', 'layout:v2', '--config.user', 'web', '--config.entrypoint', '/bin/tool', '--config.env', 'A=1', '--config.exposedports', '80/tcp');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const layouts: readonly [string, () => string][] = [
    ['an OCI folder', () => 'layout'],
    ['docker save', () => { copy('docker-archive:docker.tar:shop/app:2'); return 'docker.tar'; }],
    ['an OCI archive', () => { copy('oci-archive:oci.tar:app'); return 'oci.tar'; }],
    ['layers packed with zstd', () => {
      // Only what is not packed yet is packed in another way.
      copy('docker-archive:plain.tar:shop/app:2');
      run('skopeo', '--insecure-policy', 'copy', '-q', '--dest-compress', '--dest-compress-format', 'zstd', 'docker-archive:plain.tar', 'oci:zstd:v2');
      return 'zstd';
    }],
    ['docker save packed as a whole with gzip', () => { copy('docker-archive:whole.tar:shop/app:2'); run('gzip', 'whole.tar'); return 'whole.tar.gz'; }],
    ['docker save packed as a whole with zstd', () => { copy('docker-archive:whole2.tar:shop/app:2'); run('zstd', '-q', '--ultra', '-22', 'whole2.tar'); return 'whole2.tar.zst'; }],
  ];
  it.each(layouts)('%s', async (_, make) => {
    let path: string;
    try { path = make(); } catch (error) { throw new Error(String((error as { stderr?: Buffer }).stderr), { cause: error }); }
    const image = await openImage(join(folder, path), { signal, name: path === 'layout' ? 'v2' : undefined });
    if (path === 'zstd') expect(readdirSync(join(folder, 'zstd/blobs/sha256')).some((name) => readFileSync(join(folder, 'zstd/blobs/sha256', name)).readUInt32LE(0) === 0xfd2f_b528)).toBe(true);
    const { tree, facts, faults } = image;
    try {
      expect(faults).toEqual([]);
      expect(tree.list('/')).toEqual(['bin', 'etc', 'holes', 'opt', 'usr']);
      expect(tree.list('/etc')).toEqual(['added', 'keep', '长名字'.repeat(25)]);
      expect(tree.list('/opt')).toEqual([]);
      expect(textOf(tree, '/bin/tool')).toBe('tool');
      expect(tree.stat('/usr/bin/tool')).toMatchObject({ mode: 0o755, links: 2, uid: 0 });
      expect(tree.attribute('/usr/bin/again', 'security.capability')).toHaveLength(20);
      expect(tree.stat('/holes')!.size).toBe(3 << 20);
      expect(facts.config).toMatchObject({ user: 'web', entrypoint: ['/bin/tool'], environment: ['A=1'], ports: ['80/tcp'] });
      expect(facts.layers.length).toBeGreaterThan(1);
    } finally { image.close(); }
  });

  it('what tar writes of a root, in each of its formats', async () => {
    for (const format of ['v7', 'ustar', 'gnu', 'oldgnu', 'posix']) {
      const sparse = format === 'v7' || format === 'ustar' ? [] : ['--sparse', '--hole-detection=raw', ...(format === 'posix' ? ['--xattrs', '--xattrs-include=*'] : [])];
      const files = ['etc', 'usr', 'bin', 'holes'];
      if (format === 'v7' || format === 'ustar') files.push('--exclude=etc/长*');
      run('tar', `--format=${format}`, ...sparse, '-C', 'first/rootfs', '-cf', `${format}.tar`, ...files.toReversed());
      const image = await openImage(join(folder, `${format}.tar`), { signal });
      const { tree, faults } = image;
      expect(faults, format).toEqual([]);
      expect(textOf(tree, '/bin/again'), format).toBe('tool');
      expect(tree.stat('/holes'), format).toMatchObject({ size: 3 << 20, allocated: sparse.length > 0 ? 0 : 3 << 20 });
      expect(tree.read('/holes')!.bytes.every((byte) => byte === 0)).toBe(true);
      if (format === 'posix') expect(tree.attribute('/bin/tool', 'security.capability')).toHaveLength(20);
      image.close();
    }
  });
});
