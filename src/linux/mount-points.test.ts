import { describe, expect, it } from 'vitest';
import { type MountPoint, mountPoints, pathHere } from './mount-points.ts';
import { Procfs } from './procfs.ts';

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

  it('of this very process is itself', () => {
    const own = mountPoints(new Procfs(), 'self')!;
    expect(pathHere('/etc/passwd', own, own)).toBe('/etc/passwd');
    expect(mountPoints(new Procfs(), 2 ** 22 + 1)).toBeUndefined();
  });
});
