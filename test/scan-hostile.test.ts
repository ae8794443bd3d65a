/** Trees and images that are made to hang, fill or mislead a scan: every check looks at them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { checks } from '../src/checks/catalogue.ts';
import type { WalkCheck } from '../src/checks/port.ts';
import { DiskTree } from '../src/linux/disk-tree.ts';
import type { FileStat, Tree } from '../src/linux/tree.ts';
import { walk } from '../src/scan/walk.ts';
import { dockerArchive, tarOf, type Member } from './image-maker.ts';
import { lacks } from './need.ts';
import { makeRoot, scanImage, scanRoot } from './throwaway-root.ts';

const ofTrees = checks.filter(({ scope }) => scope === 'tree');
const options = { signal: new AbortController().signal, machine: undefined, count: () => undefined, onFault: () => undefined };
const bytesRead = (): number => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'latin1'))![1]);
const none = (id: string, walkOf: WalkCheck['walk']): WalkCheck => ({ id, title: { zh: id, en: id }, blind: { zh: '', en: '' }, group: 'files', scope: 'tree', everyMinutes: 0, walk: walkOf });

function holes(path: string, size: number, beginning = ''): void {
  const file = openSync(path, 'w');
  if (beginning) writeSync(file, beginning);
  ftruncateSync(file, size);
  closeSync(file);
}

it.skipIf(lacks({ root: true, files: ['/usr/bin/python3'] }))('pipes, devices, sockets, loops, huge files and names of all bytes where settings are expected', { timeout: 120_000 }, async () => {
  const root = makeRoot();
  for (const folder of ['etc/cron.d', 'etc/systemd/system', 'etc/ssh', 'etc/profile.d', 'root/.ssh', 'home/lin/.ssh', 'var/log', 'var/spool/cron/crontabs', 'usr/local/bin', 'etc/pam.d', 'etc/udev/rules.d', 'odd']) mkdirSync(join(root, folder), { recursive: true });
  for (const pipe of ['etc/crontab', 'etc/cron.d/pipe', 'etc/ld.so.preload', 'etc/ssh/sshd_config', 'root/.ssh/authorized_keys', 'root/.bash_history', 'var/log/wtmp', 'etc/sudoers', 'etc/pam.d/sshd', 'etc/rc.local']) execFileSync('mkfifo', [join(root, pipe)]);
  execFileSync('mknod', [join(root, 'etc/systemd/system/zero.service'), 'c', '1', '5']);
  execFileSync('mknod', [join(root, 'etc/profile.d/watch.sh'), 'c', '10', '130']);
  execFileSync('python3', ['-c', 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])', join(root, 'etc/udev/rules.d/99.rules')]);
  symlinkSync('loop', join(root, 'loop'));
  symlinkSync('..', join(root, 'odd/up'));
  symlinkSync('/proc/self/fd/0', join(root, 'home/lin/.bashrc'));
  symlinkSync('../../../../../../../../etc/shadow', join(root, 'etc/shadow'));
  holes(join(root, 'etc/cron.d/huge'), 10 * 2 ** 30);
  holes(join(root, 'usr/local/bin/huge'), 10 * 2 ** 30, '#!/bin/sh\n');
  chmodSync(join(root, 'usr/local/bin/huge'), 0o4755);
  holes(join(root, 'home/lin/.bash_history'), 4 * 2 ** 30, 'x'.repeat(100_000));
  holes(join(root, 'home/lin/.ssh/authorized_keys'), 4 * 2 ** 30, 'ssh-ed25519 AAAA');
  for (const name of ['\n', '\u001b[2J', ' ', '-rf', '$(id)', '`id`', 'x'.repeat(255), '\u202egnp.sh']) writeFileSync(join(root, 'odd', name), '#!/bin/sh\nid\n', { mode: 0o755 });
  writeFileSync(Buffer.concat([Buffer.from(`${root}/etc/cron.d/`), Buffer.from([0xff, 0xfe])]), '* * * * * root id\n');
  const before = bytesRead();
  const report = await scanRoot(ofTrees, root);
  expect(report.files).toBeGreaterThan(50);
  expect(report.blind.filter(({ why }) => why.en.startsWith('unexpected'))).toEqual([]);
  // Some gigabytes of nothing are not read: at most what a check takes of one file, a few times.
  expect(bytesRead() - before).toBeLessThan(600 * 2 ** 20);
});

it.skipIf(lacks({ root: true, files: ['/usr/bin/python3'] }))('folders deeper than a path may be long are told, not passed over in silence', async () => {
  const root = makeRoot();
  execFileSync('python3', ['-c', 'import os,sys\nos.chdir(sys.argv[1])\nfor i in range(30):\n os.mkdir("d"*200); os.chdir("d"*200)\nopen("hidden","w").close()', root]);
  const report = await scanRoot([none('all', () => ({ wants: () => false, async *look() { yield* []; } }))], root);
  expect(report.blind.map(({ check, why }) => `${check}: ${why.en}`)).toEqual([expect.stringMatching(/^walk: the path is longer than the 4095 bytes/)]);
  expect(report.verdict).toBe('suspicious');
  execFileSync('rm', ['-rf', root]);
});

it('files that change, vanish or become links to outside while they are looked at', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'moat-outside-'));
  onTestFinished(() => rmSync(outside, { recursive: true }));
  writeFileSync(join(outside, 'canary'), 'canary');
  const root = makeRoot();
  // More than are listed ahead of the looks.
  const many = 2500;
  mkdirSync(join(root, 'srv/a'), { recursive: true });
  for (let i = 0; i < many; i++) writeFileSync(join(root, `srv/a/${i}`), 'text');
  mkdirSync(join(root, 'srv/b'));
  writeFileSync(join(root, 'srv/b/canary'), 'own');
  const read: string[] = [];
  let turned = false;
  const report = await scanRoot([none('all', ({ tree }) => ({
    wants: ({ path, stat }) => path.startsWith('/srv/') && stat.kind === 'file',
    // eslint-disable-next-line require-yield -- it only looks
    async *look({ path }) {
      if (!turned && path.startsWith('/srv/a/')) {
        turned = true;
        tree.read('/srv/b/canary');
        for (let i = 0; i < many; i += 2) unlinkSync(join(root, `srv/a/${i}`));
        for (let i = 1; i < many; i += 2) writeFileSync(join(root, `srv/a/${i}`), 'x'.repeat(i < 20 ? 100_000 : 100));
        renameSync(join(root, 'srv/b'), join(root, 'srv/c'));
        symlinkSync(outside, join(root, 'srv/b'));
        read.push(tree.read('/srv/c/canary')!.bytes.toString());
        read.push(tree.read('/srv/b/canary')?.bytes.toString() ?? 'none');
      }
      read.push(tree.read(path, 10)?.bytes.toString() ?? 'none');
    },
  }))], root);
  expect(read.join(' ')).not.toContain('canary');
  expect(read).toContain('xxxxxxxxxx');
  expect(report.counts['files that vanished while looked at'] ?? 0).toBeGreaterThan(0);
  expect(report.blind.map(({ why }) => why.en).join()).toMatch(/replaced by a link/);
});

it.skipIf(lacks({ root: true }))('folders that nobody may read are told', () => {
  const root = makeRoot({ '/srv/closed/x': 'x', '/srv/open/y': 'y' });
  chmodSync(root, 0o755);
  chmodSync(join(root, 'srv/closed'), 0o700);
  const script = `import { DiskTree } from ${JSON.stringify(join(import.meta.dirname, '../src/linux/disk-tree.ts'))};
    import { walk } from ${JSON.stringify(join(import.meta.dirname, '../src/scan/walk.ts'))};
    const faults = []; const files = [];
    for (const { path } of walk(new DiskTree(process.argv[1], undefined), { signal: new AbortController().signal, machine: undefined, count() {}, onFault: (path, why) => faults.push(path + ' ' + why.en) })) files.push(path);
    console.log(JSON.stringify({ faults, files }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, root], { cwd: join(import.meta.dirname, '..'), uid: 65_534, gid: 65_534, encoding: 'utf8', env: { ...process.env, HOME: '/nonexistent', TMPDIR: tmpdir() } });
  const { faults, files } = JSON.parse(stdout || JSON.stringify({ faults: [stderr] })) as { faults: string[]; files: string[] };
  expect(faults).toEqual(['/srv/closed no permission to look at /srv/closed (run the scan as root)']);
  expect(files).toContain('/srv/open/y');
});

it('folders of millions are gone through a portion at a time', () => {
  let ahead = 0;
  let most = 0;
  const stat = (kind: FileStat['kind']): FileStat => ({ kind, mode: 0o644, uid: 0, gid: 0, size: 1, allocated: 1, links: 1, inode: 1, device: 1, modified: 0, changed: 0, born: undefined });
  const names = function* (of: string): Iterable<string> {
    if (of === '/') yield* ['files', 'folders'];
    else if (of === '/files') for (let i = 0; i < 1_000_000; i++) { most = Math.max(most, ++ahead); yield `f${i}`; }
    else if (of === '/folders') for (let i = 0; i < 250_000; i++) yield `d${i}`;
  };
  const tree: Tree = {
    kind: 'image', name: 'millions', names, list: (folder) => [...names(folder)], stat: (path) => { if (path.startsWith('/files/')) ahead--; return stat(path.includes('/f') && !path.startsWith('/folders') && path !== '/files' ? 'file' : 'folder'); },
    real: (path) => path, link: () => undefined, read: () => undefined, open: () => undefined, attribute: () => undefined, flags: () => undefined, outside: () => undefined,
  };
  let files = 0;
  for (const _ of walk(tree, options)) files++;
  expect(files).toBe(1_250_002);
  expect(most).toBeLessThanOrEqual(50_000);
});

it('mounts of the kernel below a mounted disk are passed over', async () => {
  const { mountsForWalk } = await import('../src/scan/mounts.ts');
  const { Procfs } = await import('../src/linux/procfs.ts');
  const host = makeRoot({ '/proc/self/mountinfo': [
    '20 1 8:1 / / rw - ext4 /dev/sda1 rw', '21 20 0:5 / /proc rw - proc proc rw', '30 20 8:17 / /mnt/my\\040disk ro - ext4 /dev/sdb1 ro', '31 30 0:6 / /mnt/my\\040disk/proc rw - proc proc rw',
    '32 30 0:7 / /mnt/my\\040disk/data rw - nfs4 nas:/ rw', '33 30 8:18 / /mnt/my\\040disk/boot rw - ext4 /dev/sdb2 rw', '34 20 0:44 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A,upperdir=/var/lib/docker/overlay2/x/diff', '35 20 0:45 / /usr rw - overlay sysext ro',
  ].join('\n') });
  expect([...mountsForWalk(new Procfs(host), '/mnt/my disk')!.over]).toEqual([['/proc', 'proc'], ['/data', 'nfs4']]);
  expect([...mountsForWalk(new Procfs(host), '', {}, (path) => (path.includes('/x/') ? 7 : 5))!.over.keys()]).toEqual(['/proc', '/mnt/my disk/proc', '/mnt/my disk/data', '/var/lib/docker/overlay2/x/merged']);
});

it.skipIf(lacks({ root: true, files: ['/usr/bin/unshare'] }))('what is mounted where nobody goes by, or over what is passed over, is looked at', () => {
  const root = makeRoot();
  for (const name of ['over', 'cover', 'proc', 'sys']) mkdirSync(join(root, name));
  // A mount of the kernel in a folder, and over that folder another that has one of the same name with something in it; memory below /sys.
  const script = `set -e
mkdir "$1/over/in" "$1/cover/in"; echo evil > "$1/cover/in/planted"
mount -t proc proc "$1/over/in"; mount --bind "$1/cover" "$1/over"
mount -t sysfs sysfs "$1/sys"; mount -t tmpfs tmpfs "$1/sys/fs"; echo evil > "$1/sys/fs/planted"; mount -t proc proc "$1/proc"
exec "$0" --import tsx test/walk-names.ts "$1"`;
  const { stdout, stderr } = spawnSync('/usr/bin/unshare', ['--mount', '--propagation', 'private', '/bin/sh', '-c', script, process.execPath, root], { encoding: 'utf8', timeout: 100_000 });
  const paths = stdout.trim().split('\n');
  expect(paths.filter((path) => path.endsWith('/planted')).sort(), stderr).toEqual(['/cover/in/planted', '/over/in/planted', '/sys/fs/planted']);
  // Neither what the kernel makes up.
  expect(paths.filter((path) => /^\/(?:proc|sys\/kernel)\//.test(path))).toEqual([]);
}, 120_000);

it('a hostile image is looked at by every check, nothing of it reaches the disk', async () => {
  const canary = mkdtempSync(join(tmpdir(), 'moat-canary-'));
  onTestFinished(() => rmSync(canary, { recursive: true }));
  const path = join(canary, 'app.tar');
  const upwards = '../'.repeat(20);
  const members: Member[] = [
    { name: `${upwards}${canary}/written`, body: 'x' }, { name: 'out', link: canary }, { name: 'out/through', body: 'x' }, { name: 'etc/crontab', type: '6' }, { name: 'etc/passwd', link: '/etc/passwd' },
    { name: 'etc/cron.d/x', type: '3' }, { name: 'root/.bashrc', link: '/root/.bashrc' }, { name: 'bin', link: `${upwards}usr/bin` }, { name: 'var/tmp/.s', body: 'x', mode: 0o4755 },
    ...Array.from({ length: 300 }, (_, i): Member => ({ name: `dup/${i % 3}`, body: String(i) })), ...Array.from({ length: 60 }, (_, i): Member => ({ name: `chain${i}`, link: `chain${i + 1}` })),
    { name: 'etc/cron.d/\u001b[2J\n', body: '* * * * * root id\n' }, { name: Buffer.from([0x65, 0x74, 0x63, 0x2f, 0xff]), body: 'x' }, { name: 'etc/huge', size: 2 ** 40 },
  ];
  writeFileSync(path, dockerArchive([tarOf(members)]));
  const report = await scanImage(ofTrees, path);
  expect(execFileSync('ls', ['-A', canary], { encoding: 'utf8' })).toBe('app.tar\n');
  expect(report.blind.filter(({ why }) => why.en.startsWith('unexpected'))).toEqual([]);
  expect(report.blind.map(({ check, why }) => `${check} ${why.en}`)).toContainEqual(expect.stringMatching(/^image expected 1099511627776 bytes of a file/));
  expect(report.findings.map(({ level, path: at }) => `${level} ${at ?? ''}`)).toEqual(expect.arrayContaining([`high ${canary}/written`, 'critical /var/tmp/.s']));
  expect(report.counts['files that a layer holds twice: the last counts']).toBe(297);
  expect(report.verdict).toBe('compromised');
});

it('a tree that is looked at through a root that is a link ends where it does', () => {
  const root = makeRoot({ '/etc/x': 'x' });
  expect([...walk(new DiskTree(root, undefined), options)].map(({ path }) => path)).toContain('/etc/x');
});
