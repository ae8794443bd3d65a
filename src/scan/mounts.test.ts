import { describe, expect, it } from 'vitest';
import { makeRoot } from '../../test/throwaway-root.ts';
import { closedText } from '../linux/file-systems.ts';
import { Procfs } from '../linux/procfs.ts';
import { mountsForWalk, type MountChoice, type WalkMounts } from './mounts.ts';

const fileSystems = 'nodev\tsysfs\nnodev\ttmpfs\nnodev\tbrandnewfs\n\text4\n\tfuseblk\n\tqnx6\n';

/** `AT TYPE [DEVICE [OPTIONS]]` a line, below a root on a disk. */
function decided(lines: readonly string[], { prefix = '', choice, inodes = {} }: { prefix?: string; choice?: MountChoice; inodes?: Readonly<Record<string, number>> } = {}): WalkMounts {
  const mounts = lines.map((line, i) => { const [at, type, device = 'none', options = 'rw'] = line.split(' '); return `${100 + i} ${parentOf(lines, i)} 0:${100 + i} / ${at} rw - ${type} ${device} ${options}`; });
  const root = makeRoot({ '/proc/self/mountinfo': ['20 1 8:1 / / rw - ext4 /dev/sda1 rw', ...mounts].join('\n'), '/proc/filesystems': fileSystems });
  return mountsForWalk(new Procfs(root), prefix, choice, (path) => inodes[path])!;
}

/** The id of the mount before this one that is deepest above it. */
function parentOf(lines: readonly string[], of: number): number {
  const at = lines[of]!.split(' ')[0]!;
  let best = -1;
  lines.forEach((line, i) => { const other = line.split(' ')[0]!; if (i < of && (at === other || at.startsWith(`${other}/`)) && (best < 0 || other.length >= lines[best]!.split(' ')[0]!.length)) best = i; });
  return best < 0 ? 20 : 100 + best;
}

const walkedInto = (line: string, more?: Parameters<typeof decided>[1]): 'walked' | 'passed over' | 'closed' => {
  const at = line.split(' ')[0]!;
  const { over, closed } = decided([line], more);
  return closed.has(at) ? 'closed' : over.has(at) ? 'passed over' : 'walked';
};

describe('who answers for a mount', () => {
  it.each([
    '/data ext4 /dev/vdb', '/snap/core/1 squashfs /dev/loop3', '/tmp tmpfs', '/var/lib/docker/containers/x/mounts/shm tmpfs shm', '/dev/hugepages hugetlbfs', '/etc/cron.d ext4 /dev/loop0', '/disk qnx6 /dev/sdc', '/etc ecryptfs /secret', '/usr overlay sysext lowerdir=/run/a:/usr',
  ])('%s: this machine does, and it is walked', (line) => { expect(walkedInto(line)).toBe('walked'); });

  it.each(['/proc proc', '/sys/fs/cgroup cgroup2', '/run/netns/blue nsfs', '/proc/sys/fs/binfmt_misc autofs', '/var/lib/nfs/rpc_pipefs rpc_pipefs'])('%s: the kernel does, and nothing is stored there', (line) => { expect(walkedInto(line)).toBe('passed over'); });

  it.each([
    '/data nfs4 nas:/', '/mnt/win cifs //pc/share', '/mnt/oss fuse.ossfs ossfs', '/etc/cron.d fuse x', '/disk fuseblk /dev/sdb1', '/run/user/1000/gvfs fuse.gvfsd-fuse', '/var/lib/lxcfs fuse.lxcfs', '/var/lib/containers/storage/overlay/x/merged fuse.fuse-overlayfs', '/mnt/c 9p C:', '/share virtiofs tag',
    '/net autofs /etc/auto.net', '/new brandnewfs', '/newer unheardof',
  ])('%s: somebody else does, or nobody knows, and it is not asked', (line) => { expect(walkedInto(line)).toBe('closed'); });

  it('says what is mounted, why it is not looked into and what to type', () => {
    const { closed } = decided(['/data nfs4 nas:/export', '/x fuse.moat-test what', '/a autofs map']);
    const { zh, en } = closedText(closed.get('/data')!);
    expect(en).toBe('what is mounted here (nfs4, nas:/export) is not looked into: it is answered from outside of this machine; when you know it, say so with --without-mount /data (for good: scan.without_mounts); to look into it as well, --into-mount /data (scan.into_mounts)');
    expect(zh).toMatch(/nfs4, nas:\/export.*本机以外.*--without-mount \/data.*--into-mount \/data/);
    expect(closedText(closed.get('/x')!, '/x/y').en).toMatch(/^it lies on the mount \/x \(fuse\.moat-test, what\).*a program answers/);
    expect(closedText(closed.get('/a')!).en).toContain('mounted when somebody looks');
  });
});

describe('an overlay', () => {
  const at = '/var/lib/docker/overlay2/x/merged';
  const line = (layers: string): string => `${at} overlay overlay rw,relatime,${layers},workdir=/var/lib/docker/overlay2/x/work`;
  const layers = 'lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B,upperdir=/var/lib/docker/overlay2/x/diff';
  const inodes = { [at]: 7, '/var/lib/docker/overlay2/x/diff': 7, '/var/lib/docker/overlay2/l/A': 5, '/var/lib/docker/overlay2/l/B': 6 };

  it('of a container is passed over where its layers are proven to be looked at', () => { expect(walkedInto(line(layers), { inodes })).toBe('passed over'); });
  it('is walked when its options name no layers, when it is another folder than they say, and when no container has it', () => {
    expect(walkedInto(`${at} overlay overlay`, { inodes })).toBe('walked');
    expect(walkedInto(line(layers), { inodes: { ...inodes, [at]: 8 } })).toBe('walked');
    expect(walkedInto(line(layers))).toBe('walked');
    expect(walkedInto(line(layers).replace(at, '/etc/cron.d'), { inodes: { ...inodes, '/etc/cron.d': 7 } })).toBe('walked');
  });
  it('is known by layers that are named from where docker stood', () => {
    expect(walkedInto(line('lowerdir=l/A:l/B,upperdir=x/diff'), { inodes })).toBe('passed over');
  });
  it('is not asked when one of its layers is not, and walked when one was left out', () => {
    const share = '/mnt/share fuse.sshfs far:/';
    expect([...decided([share, '/var/www/x overlay o lowerdir=/mnt/share/a:/var/b'], { inodes }).closed.keys()]).toEqual(['/mnt/share', '/var/www/x']);
    expect([...decided([share, line('lowerdir=/mnt/share,upperdir=/var/lib/docker/overlay2/x/diff')], { inodes, choice: { without: ['/mnt/share'] } }).over.keys()]).toEqual(['/mnt/share']);
  });
  it('over a folder that is a layer of it covers that, and is walked: nobody comes by beneath', () => {
    expect(walkedInto('/etc overlay o lowerdir=/etc,upperdir=/run/etc')).toBe('walked');
    expect(walkedInto(`${at} overlay o lowerdir=${at}`, { inodes: { [at]: 7 } })).toBe('walked');
    expect([...decided(['/etc fuse x', '/etc overlay o lowerdir=/etc']).closed.keys()]).toEqual(['/etc']);
  });
});

describe('what the operator says', () => {
  const lines = ['/data nfs4 nas:/', '/data/web nfs4 nas:/web', '/database nfs4 nas:/db', '/disk ext4 /dev/sdb'];
  const closed = (choice: MountChoice): string[] => [...decided(lines, { choice }).closed.values()].map(({ at, leftOut }) => `${at}${leftOut ? ' left out' : ''}`);
  it('holds for the path and below, the longest path decides', () => {
    expect(closed({})).toEqual(['/data', '/data/web', '/database']);
    expect(closed({ without: ['/data/'] })).toEqual(['/data left out', '/data/web left out', '/database']);
    expect(closed({ without: ['/data'], into: ['/data/web'] })).toEqual(['/data left out', '/database']);
    expect(closed({ into: ['/data'], without: ['/data/web', '/disk'] })).toEqual(['/data/web left out', '/database', '/disk left out']);
  });
  it('does not reach what the kernel makes up, and does not help what never answered', () => {
    expect(walkedInto('/proc proc', { choice: { into: ['/'] } })).toBe('passed over');
    const { closed: silent } = decided(lines, { choice: { into: ['/data'], silent: ['/data/web'] } });
    expect(closedText(silent.get('/data/web')!).en).toMatch(/never answered; unmount it.*umount -l \/data\/web/);
  });
});

it('a tree that was asked for is looked into whatever it lies on, what is mounted in it is judged', () => {
  const { closed, over } = decided(['/mnt/disk fuse.sshfs far:/', '/mnt/disk/share nfs nas:/', '/mnt/disk/proc proc', '/other nfs nas:/'], { prefix: '/mnt/disk', choice: { without: ['/none'] } });
  expect([...closed.keys()]).toEqual(['/share']);
  expect([...over.keys()]).toEqual(['/share', '/proc']);
});

it('names of mounts that are no UTF-8 are those of the tree', () => {
  const root = makeRoot({ '/proc/self/mountinfo': Buffer.from('20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 0:9 / /home/\xff\\040a rw - fuse x rw\n', 'latin1') });
  expect([...mountsForWalk(new Procfs(root), '')!.closed.keys()]).toEqual(['/home/\udcff a']);
});

it('a list of mounts that is too long is not read in part', () => {
  const root = makeRoot({ '/proc/self/mountinfo': 'x'.repeat(17 << 20) });
  expect(mountsForWalk(new Procfs(root), '')).toBeUndefined();
});
