import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { dockerArchive, header, ociArchive, tarOf, withChecksum, type Member } from '../../../test/image-maker.ts';
import { lacks } from '../../../test/need.ts';
import { bytesOf } from '../file-names.ts';
import { textOf } from '../tree.ts';
import { contractFiles, modified, treeContract } from '../tree.contract.ts';
import { imagePath, openImage, type ImageOptions, type OpenImage } from './open.ts';

const { signal } = new AbortController();

function written(bytes: Buffer, name = 'image.tar'): string {
  const folder = mkdtempSync(join(tmpdir(), 'moat-image-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

async function opened(bytes: Buffer, options: Partial<ImageOptions> = {}): Promise<OpenImage> {
  const image = await openImage(written(bytes), { signal, ...options });
  onTestFinished(() => image.close());
  return image;
}

const layered = (...layers: (readonly Member[])[]): Promise<OpenImage> => opened(dockerArchive(layers.map(tarOf)));
const everything = ({ tree }: OpenImage, at = ''): string[] => (tree.list(at || '/') ?? []).flatMap((name) => [`${at}/${name}`, ...(tree.stat(`${at}/${name}`)?.kind === 'folder' ? everything({ tree } as OpenImage, `${at}/${name}`) : [])]);
const reasons = ({ faults }: OpenImage): string => faults.map(({ error }) => error.message).join('\n');

const contractImage = tarOf(contractFiles((path) => path).map(({ path, kind, text, target, mode }): Member => ({
  name: Buffer.from(bytesOf(path.slice(1)) as Buffer), type: { file: '0', folder: '5', link: '2', pipe: '6', 'hard-link': '1' }[kind],
  ...(text !== undefined && { body: text }), ...(target !== undefined && { link: kind === 'hard-link' ? target.slice(1) : target }), ...(mode !== undefined && { mode }), modified: modified / 1000,
})));
for (const [name, archive] of [['a docker image', dockerArchive([contractImage])], ['an OCI image', ociArchive([contractImage])], ['an exported root', contractImage]] as const) {
  const image = await openImage(written2(archive), { signal });
  treeContract(name, () => ({ tree: image.tree, at: (path) => path, inside: true }));
}

/** For images that live as long as the file of tests. */
function written2(bytes: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'moat-image-test-'));
  const path = join(folder, 'image.tar');
  writeFileSync(path, bytes);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return path;
}

it('lower layers show through unless a whiteout hides them', async () => {
  const image = await layered(
    [{ name: 'etc/', type: '5' }, { name: 'etc/a', body: 'a1' }, { name: 'etc/b', body: 'b1' }, { name: 'opt/app/x', body: 'x' }, { name: 'opt/app/deep/y', body: 'y' }, { name: 'srv/s', body: 's' }, { name: 'was', body: 'file' }],
    [{ name: 'etc/a', body: 'a2' }, { name: 'etc/.wh.b' }, { name: 'opt/.wh.app' }, { name: 'was/', type: '5' }, { name: 'was/now', body: 'folder' }],
    [{ name: 'srv/new', body: 'n' }, { name: 'srv/.wh..wh..opq' }, { name: 'opt/app/z', body: 'z' }],
  );
  expect(everything(image)).toEqual(['/etc', '/etc/a', '/opt', '/opt/app', '/opt/app/z', '/srv', '/srv/new', '/was', '/was/now']);
  expect(textOf(image.tree, '/etc/a')).toBe('a2');
  expect(image.faults).toEqual([]);
});

it('whiteouts hide only what lies below, wherever they stand in their layer', async () => {
  const lower: Member[] = [{ name: 'd/sub/old', body: 'o' }, { name: 'd/file', body: 'f' }, { name: 'e/old', body: 'o' }];
  const own: Member[] = [{ name: 'd/sub/new', body: 'n' }, { name: 'e/new', body: 'n' }];
  const hide: Member[] = [{ name: 'd/.wh..wh..opq' }, { name: '.wh.e' }];
  const expected = ['/d', '/d/sub', '/d/sub/new', '/e', '/e/new'];
  expect(everything(await layered(lower, [...own, ...hide]))).toEqual(expected);
  expect(everything(await layered(lower, [...hide, ...own]))).toEqual(expected);
});

it('in an exported root a name that looks like a whiteout is a name', async () => {
  expect(everything(await opened(tarOf([{ name: 'etc/hosts', body: 'h' }, { name: 'etc/.wh.hosts', body: 'x' }])))).toEqual(['/etc', '/etc/.wh.hosts', '/etc/hosts']);
});

it('links of folders are gone through, hard links reach into lower layers', async () => {
  const image = await layered(
    [{ name: 'usr/lib/', type: '5' }, { name: 'lib', link: 'usr/lib' }, { name: 'usr/lib/one.so', body: 'one', mode: 0o755 }],
    [{ name: 'lib/two.so', body: 'two' }, { name: 'copy', type: '1', link: '/lib/one.so' }],
  );
  expect(everything(image)).toEqual(['/copy', '/lib', '/usr', '/usr/lib', '/usr/lib/one.so', '/usr/lib/two.so']);
  expect(image.tree.stat('/copy')).toMatchObject({ links: 2, mode: 0o755 });
  expect(textOf(image.tree, '/copy')).toBe('one');
});

it('a file stays under the other name when its first is hidden in the same layer', async () => {
  const image = await layered([{ name: 'usr/bin/tool', body: 'tool' }], [{ name: 'new', type: '1', link: 'usr/bin/tool' }, { name: 'usr/bin/.wh.tool' }]);
  expect(everything(image)).toEqual(['/new', '/usr', '/usr/bin']);
  expect(textOf(image.tree, '/new')).toBe('tool');
});

it('PAX and GNU: long names, attributes that are bytes, owners, times, sparse files', async () => {
  const long = `${'d'.repeat(200)}/${'f'.repeat(200)}`;
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  const gnuSparse = header({ name: 'old-sparse', type: 'S', body: 'tail' });
  gnuSparse.write('ustar  \0', 257, 'latin1');
  gnuSparse.fill(0, 345, 512);
  gnuSparse.write('00000010000\u000000000000004\0', 386);
  gnuSparse.write('00000010004\0', 483);
  const bytes = Buffer.concat([
    tarOf([
      { name: 'short', pax: { path: long, mtime: '1700000000.5', uid: '3000000000', 'SCHILY.xattr.security.capability': capability }, body: 'long' },
      { name: 'GNUSparseFile.0/s', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'new-sparse', 'GNU.sparse.realsize': '1000000' }, body: Buffer.concat([Buffer.from('1\n999996\n4\n'), Buffer.alloc(501), Buffer.from('tail')]) },
      { name: 'map', pax: { 'GNU.sparse.map': '2,1,5,1', 'GNU.sparse.size': '8' }, body: 'xy' },
      { name: '././@LongLink', type: 'L', body: `gnu/${'n'.repeat(150)}\0` }, { name: 'cut', body: 'gnu' },
    ]).subarray(0, -1024),
    withChecksum(gnuSparse), Buffer.concat([Buffer.from('tail'), Buffer.alloc(508)]), Buffer.alloc(1024),
  ]);
  const { tree, faults } = await opened(dockerArchive([bytes]));
  expect(faults).toEqual([]);
  expect(tree.stat(`/${long}`)).toMatchObject({ uid: 3_000_000_000, modified: 1_700_000_000_500 });
  expect(tree.attribute(`/${long}`, 'security.capability')).toEqual(capability);
  expect(tree.attributeNames(`/${long}`)).toEqual(['security.capability']);
  expect(textOf(tree, `/gnu/${'n'.repeat(150)}`)).toBe('gnu');
  expect(tree.stat('/new-sparse')).toMatchObject({ size: 1_000_000, allocated: 4 });
  const file = tree.open('/new-sparse')!;
  const end = Buffer.alloc(8, 1);
  expect([file.read(end, 999_992), end.toString('latin1')]).toEqual([8, '\0\0\0\0tail']);
  expect(tree.read('/map')!.bytes.toString('latin1')).toBe('\0\0x\0\0y\0\0');
  expect(tree.stat('/old-sparse')).toMatchObject({ size: 4100, allocated: 4 });
  expect(tree.read('/old-sparse')!.bytes.subarray(4090).toString('latin1')).toBe('\0\0\0\0\0\0tail');
});

it('names and links never lead out, and are told', async () => {
  const image = await layered([
    { name: '../../../etc/cron.d/evil', body: 'x' }, { name: '/absolute', body: 'x' }, { name: 'out', link: '../../../../../../etc' }, { name: 'out/passwd', body: 'inside' },
    { name: 'round', link: 'round' }, { name: 'round/x', body: 'x' }, { name: 'h', type: '1', link: '../../../../etc/shadow' }, { name: 'self', type: '1', link: 'self' },
    { name: 'file', body: 'f' }, { name: 'file/below', body: 'x' }, { name: 'n'.repeat(90), pax: { path: 'n'.repeat(300) }, body: 'x' }, { name: 'deep', pax: { path: 'd/'.repeat(3000) }, type: '5' },
  ]);
  expect(everything(image)).toEqual(['/absolute', '/etc', '/etc/cron.d', '/etc/cron.d/evil', '/etc/passwd', '/file', '/out', '/round']);
  expect(textOf(image.tree, '/out/passwd')).toBe('inside');
  expect(image.facts.odd.map(({ what }) => what)).toEqual(['leads upwards', 'through a file', 'leads upwards', 'hard link to nothing', 'hard link to nothing', 'through a file', 'too long', 'too deep']);
});

it('an archive that ends early or is damaged is told with the place, and its beginning is looked at', async () => {
  const whole = tarOf([{ name: 'etc/first', body: 'first' }, { name: 'etc/second', body: 'x'.repeat(5000) }, { name: 'etc/third', body: 'third' }]);
  const cut = await opened(whole.subarray(0, 3000));
  expect(everything(cut)).toEqual(['/etc', '/etc/first', '/etc/second']);
  expect(reasons(cut)).toMatch(/5000 bytes of a file, got the end after 1464 at byte 1536/);
  const damaged = Buffer.from(whole);
  damaged[1030] = 0xff;
  expect(reasons(await opened(damaged))).toMatch(/checksum.*byte 1024/);
  const huge = await opened(tarOf([{ name: 'etc/x', body: 'x' }, { name: 'etc/huge', size: 2 ** 50 }]));
  expect(reasons(huge)).toMatch(/1125899906842624 bytes/);
  expect(huge.tree.stat('/etc/huge')!.size).toBe(1024);
  const lone = await opened(Buffer.concat([tarOf([{ name: 'etc/x' }]).subarray(0, 1024), tarOf([{ name: 'etc/hidden' }])]));
  expect(reasons(lone)).toMatch(/two empty blocks at the end, got one, and more behind it at byte 512/);
  expect(everything(lone)).toEqual(['/etc', '/etc/x']);
});

it('layers whose digest is another are told and looked at all the same', async () => {
  const layer = tarOf([{ name: 'bin/x', body: 'x' }]);
  const archive = ociArchive([layer], { rootfs: { diff_ids: [`sha256:${'0'.repeat(64)}`] } });
  const image = await opened(archive);
  expect(reasons(image)).toMatch(/not the one that the configuration names/);
  expect(everything(image)).toEqual(['/bin', '/bin/x']);
});

it('bombs stop at their limit; what came before is there', async () => {
  const bomb = gzipSync(Buffer.concat([tarOf([{ name: 'etc/x', body: 'x' }]).subarray(0, 1024), header({ name: 'zero', size: 2 ** 30 }), Buffer.alloc(64 << 20)]));
  const image = await opened(ociArchive([tarOf([])], { rootfs: { diff_ids: [] } }, () => bomb), { limits: { ratio: 100, ratioFrom: 1 << 20 } });
  expect(reasons(image)).toMatch(/archive bomb/);
  expect(everything(image)).toContain('/etc/x');
  expect(image.temporary).toBeLessThan(8 << 20);
  expect(reasons(await opened(ociArchive([tarOf([])], { rootfs: { diff_ids: [] } }, () => bomb), { limits: { bytes: 4 << 20 } }))).toMatch(/at most 4194304 bytes laid open/);
  const many = await opened(tarOf(Array.from({ length: 500 }, (_, i) => ({ name: `etc/${i}` }))), { limits: { names: 100 } });
  expect(reasons(many)).toMatch(/at most 100 names/);
});

it('zstd: bombs, frames that want all memory, blocks that are made to be slow, data that ends early', async () => {
  const frame = (window: number, block: number, blocks: number): Buffer => {
    const one = Buffer.alloc(4);
    one.writeUIntLE((block << 3) | 2, 0, 3);
    return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, window]), ...Array.from({ length: blocks }, () => one)]);
  };
  const of = async (layer: Buffer): Promise<string> => reasons(await opened(ociArchive([tarOf([])], { rootfs: { diff_ids: [] } }, () => layer), { limits: { ratioFrom: 1 << 20 } }));
  expect(await of(frame(0x58, 128 * 1024, 3000))).toMatch(/archive bomb/);
  expect(await of(frame(0xf8, 1, 10))).toMatch(/window of at most|requires too much memory/i);
  expect(await of(frame(0x58, 1, 10))).toMatch(/expected 3 bytes of zstd data|expected zstd data to its end|unexpected|end of/i);
  expect(await of(Buffer.from('28b52ffd', 'hex'))).not.toBe('');
});

it('layers packed in ways that are not read are told', async () => {
  expect(reasons(await opened(ociArchive([tarOf([])], {}, () => Buffer.from('425a683931415926', 'hex'))))).toMatch(/gzip, zstd or xz, got bzip2/);
  expect(reasons(await opened(ociArchive([tarOf([])], {}, () => Buffer.from('fd377a585a000000', 'hex'))))).toMatch(/expected xz data to its end/);
  expect(reasons(await opened(ociArchive([tarOf([])], {}, () => Buffer.from('1f8b0800deadbeef', 'hex'))))).toMatch(/expected gzip data to its end/);
});

it.skipIf(lacks({ files: ['/usr/bin/xz'] }))('xz: layers are read; bombs, dictionaries that want all memory and data that ends early are told', async () => {
  const packed = (bytes: Buffer, ...more: string[]): Buffer => execFileSync('xz', ['--compress', '--stdout', ...more], { input: bytes, maxBuffer: 1 << 28 });
  const layer = tarOf([{ name: 'etc/x', body: 'x'.repeat(300_000) }]);
  for (const bytes of [packed(layer), packed(layer, '-9', '--check=crc32'), Buffer.concat([packed(layer.subarray(0, 5000)), packed(layer.subarray(5000))])]) {
    const image = await opened(ociArchive([layer], {}, () => bytes));
    expect(reasons(image)).toBe('');
    expect(image.tree.read('/etc/x')?.bytes.length).toBe(300_000);
  }
  const of = async (bytes: Buffer): Promise<string> => reasons(await opened(ociArchive([tarOf([])], { rootfs: { diff_ids: [] } }, () => bytes), { limits: { ratioFrom: 1 << 20 } }));
  expect(await of(packed(Buffer.alloc(64 << 20)))).toMatch(/archive bomb/);
  expect(await of(packed(Buffer.alloc(1 << 20), '--lzma2=dict=512MiB'))).toMatch(/expected xz data to its end/);
  const noise = packed(Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255)));
  for (const cut of [6, 20, 100, noise.length - 10]) expect(await of(noise.subarray(0, cut))).toMatch(/expected xz data to its end/);
});

it('of several images one is named', async () => {
  const layer = tarOf([{ name: 'bin/x', body: 'x' }]);
  const archive = tarOf([{ name: 'l.tar', body: layer }, { name: 'c.json', body: '{}' }, { name: 'manifest.json', body: JSON.stringify(['web:1', 'db:2'].map((name) => ({ Config: 'c.json', RepoTags: [name], Layers: ['l.tar'] }))) }]);
  await expect(opened(archive)).rejects.toThrow(/got 2: web:1, db:2/);
  await expect(opened(archive, { name: 'mail' })).rejects.toThrow(/got mail; it holds: web:1, db:2/);
  expect((await opened(archive, { name: 'db:2' })).facts.name).toBe('db:2');
  const path = written(archive, 'a:b.tar');
  expect([imagePath(path), imagePath(`${path}:db:2`), imagePath('/not/there:x')]).toEqual([{ path, name: undefined }, { path, name: 'db:2' }, { path: '/not/there:x', name: undefined }]);
});

it('manifests of any shape are refused with a reason', async () => {
  const etc: Member = { name: 'etc/x', body: 'x' };
  const manifest = (body: string | Buffer): Promise<OpenImage> => opened(tarOf([{ name: 'manifest.json', body }]));
  await expect(manifest('{')).rejects.toThrow(/expected JSON/);
  await expect(manifest('[1, null, {}]')).rejects.toThrow(/Config and Layers/);
  await expect(manifest('['.repeat(200_000))).rejects.toThrow(/expected JSON/);
  await expect(manifest(Buffer.alloc(9 << 20, 0x20))).rejects.toThrow(/at most 8388608 bytes/);
  await expect(opened(Buffer.from('no archive'))).rejects.toThrow(/expected a tar archive/);
  await expect(opened(tarOf([{ name: 'src/main.c' }]))).rejects.toThrow(/docker save/);
  await expect(opened(tarOf([etc, { name: 'c.json', body: '{}' }, { name: 'manifest.json', body: '[{"Config":"c.json","Layers":[]}]' }]))).rejects.toThrow(/files of both/);
  // A file of that name in a root is just a file.
  expect(everything(await opened(tarOf([etc, { name: 'manifest.json', body: '{"name":"app"}' }])))).toEqual(['/etc', '/etc/x', '/manifest.json']);
});
