import { describe, expect, it } from 'vitest';
import { type MountPoint, mountPoints, pathHere } from './mount-points.ts';
import { readMounts } from './mounts.ts';
import { diskMounts } from './proc-host.ts';
import { Procfs } from './procfs.ts';
import { makeRoot } from '../../test/throwaway-root.ts';

const mount = (at: string, number: string, root = '/'): MountPoint => ({ at, number, root });
const ours = [mount('/', '8:1'), mount('/proc', '0:5'), mount('/data', '8:2'), mount('/var/lib/docker/overlay2/a/merged', '0:40'), mount('/mnt', '8:3')];
const theirs = [mount('/', '0:40'), mount('/proc', '0:60'), mount('/host', '8:1'), mount('/host/data', '8:2'), mount('/etc/hosts', '8:1', '/var/lib/docker/containers/a/hosts'), mount('/cache', '8:2', '/shop/cache'), mount('/lost', '9:9')];

describe('a path of a container on the host', () => {
  it('is what the mounts of both say', () => {
    expect(pathHere('/host/etc/cron.d/x', theirs, ours)).toBe('/etc/cron.d/x');
    expect(pathHere('/host', theirs, ours)).toBe('/');
    expect(pathHere('/host/data/x', theirs, ours)).toBe('/data/x');
    expect(pathHere('/cache/x', theirs, ours)).toBe('/data/shop/cache/x');
    expect(pathHere('/etc/hosts', theirs, ours)).toBe('/var/lib/docker/containers/a/hosts');
    expect(pathHere('/tmp/x', theirs, ours)).toBe('/var/lib/docker/overlay2/a/merged/tmp/x');
    expect(pathHere('/hostile', theirs, ours)).toBe('/var/lib/docker/overlay2/a/merged/hostile');
  });

  it('is none where the host does not have it, or has something else over it', () => {
    expect(pathHere('/lost/x', theirs, ours)).toBeUndefined();
    expect(pathHere('/proc/1/status', theirs, ours)).toBeUndefined();
    expect(pathHere('/host/mnt/x', theirs, ours)).toBeUndefined();
    expect(pathHere('/x', [], ours)).toBeUndefined();
  });

  it('is looked for among all mounts, and in no list that is cut', () => {
    const line = (i: number, at: string): string => `${20 + i} 19 8:${i} / ${at} rw - ext4 /dev/x rw`;
    const root = makeRoot({ '/proc/self/mountinfo': [...Array.from({ length: 6000 }, (_, i) => line(i, `/mnt/${i}`)), line(6000, '/etc/cron.d')].join('\n'), '/proc/7/mountinfo': `${line(1, `/${'x'.repeat(4000)}`)}\n`.repeat(4300) });
    const procfs = new Procfs(root);
    expect([mountPoints(procfs, 'self')!.at(-1), readMounts(procfs)!.at(-1), diskMounts(procfs).at(-1)]).toMatchObject([{ at: '/etc/cron.d' }, { at: '/etc/cron.d', type: 'ext4' }, { path: '/etc/cron.d' }]);
    expect([mountPoints(procfs, 7), readMounts(procfs, 7)]).toEqual([undefined, undefined]);
  });

  it('of this very process is itself', () => {
    const own = mountPoints(new Procfs(), 'self')!;
    expect(pathHere('/etc/passwd', own, own)).toBe('/etc/passwd');
    expect(mountPoints(new Procfs(), 2 ** 22 + 1)).toBeUndefined();
  });
});
