import { describe, expect, it } from 'vitest';
import { recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot } from '../../../test/throwaway-root.ts';
import { coveredPlace } from './check.ts';

/** Levels and titles of what is told of mounts, each `AT TYPE`. */
async function told(...mounts: string[]): Promise<string[]> {
  const root = makeRoot({ '/proc/self/mountinfo': mounts.map((line, i) => { const [at, type] = line.split(' '); return `${20 + i} 19 8:${i} / ${at} rw,relatime - ${type} source rw`; }).join('\n'), '/proc/filesystems': '\text4\n' });
  return (await scanRoot([coveredPlace], root, recorded(root))).findings.map(({ kind, level, title }) => `${kind} ${level} ${title.en}`);
}

describe('a mount over a place from which things run', () => {
  it.each([
    ['/etc/cron.d fuse.x', 'high', 'cron'], ['/etc/crontab fuse', 'high', 'cron'], ['/root/.ssh nfs4', 'high', 'SSH keys'], ['/etc/ssh/sshd_config fuse', 'high', 'SSH service'], ['/usr/lib/systemd cifs', 'high', 'systemd units'],
    ['/etc/crontab ext4', 'medium', 'cron'], ['/etc/systemd/system/x.service tmpfs', 'medium', 'systemd units'], ['/etc/systemd overlay', 'medium', 'systemd units'], ['/lib/systemd/system ext4', 'medium', 'systemd units'], ['/root/.bashrc ext4', 'medium', 'log-on scripts'], ['/etc/ld.so.preload ext4', 'medium', 'preloaded library'],
  ])('%s is told as %s', async (mount, level, place) => {
    expect(await told('/ ext4', mount)).toEqual([expect.stringMatching(new RegExp(`^intrusion ${level} ${mount.split(' ')[0]} is covered by a mount .*: ${place}`))]);
  });

  it('says nothing of what servers have', async () => {
    expect(await told(
      '/ ext4', '/proc proc', '/sys sysfs', '/proc/sys/fs/binfmt_misc binfmt_misc', '/dev devtmpfs', '/run tmpfs', '/run/user/1000 tmpfs', '/run/user/1000/gvfs fuse.gvfsd-fuse', '/boot ext4', '/boot/efi vfat', '/home nfs4', '/home/lin nfs4', '/root ext4', '/etc overlay', '/usr overlay', '/var/lib ext4', '/var/lib/docker xfs',
      '/var/lib/docker/overlay2/x/merged overlay', '/var/lib/kubelet/pods/x/volumes/kubernetes.io~secret/t tmpfs', '/var/lib/lxcfs fuse.lxcfs', '/snap/core/1 squashfs', '/etc/hosts ext4', '/etc/resolv.conf ext4', '/etc/hostname ext4', '/data nfs4', '/mnt/oss fuse.ossfs', '/usr/lib/modules/6.1 overlay', '/var/www/html nfs4', '/sys/kernel/debug debugfs',
    )).toEqual([]);
  });

  it('is found behind thousands of others', async () => {
    expect(await told('/ ext4', ...Array.from({ length: 6000 }, (_, i) => `/mnt/${i} tmpfs`), '/etc/cron.d fuse.x')).toEqual([expect.stringMatching(/^intrusion high \/etc\/cron\.d/)]);
  });

  it('could not look when there is no list of mounts', async () => {
    const root = makeRoot();
    expect((await scanRoot([coveredPlace], root, recorded(root))).blind).toMatchObject([{ check: 'covered-place' }]);
  });
});
