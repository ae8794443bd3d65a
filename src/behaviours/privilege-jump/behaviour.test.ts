import { describe, expect, it } from 'vitest';
import { Machine, debian, unindexed } from '../../../test/machine.ts';
import { unfilled } from '../testing.ts';
import { privilegeJump } from './behaviour.ts';

const id = 'c0ffee0123456789c0ffee0123456789c0ffee0123456789c0ffee0123456789';
const user = (m: Machine): number => m.login('ann', '192.0.2.10');
const web = (m: Machine): number => m.spawn(m.worker(), '/bin/sh', 'sh -c id', { uid: 33 });
/** sudo or su: setuid at exec, root by setuid(2), then the command. */
function elevate(m: Machine, from: number, path: string, cmdline: string): number {
  const pid = m.spawn(from, path, cmdline, { uid: 1000, extra: { euid: '0' } });
  m.tell('privilege', pid, { action: 'setuid', uid: 0, extra: { from: '1000/0', to: '0' } });
  const child = m.fork(pid, { uid: 0 });
  m.exec(child, '/bin/bash', 'bash', { uid: 0 });
  m.exec(pid, '/usr/bin/id', 'id', { uid: 0 });
  return child;
}

describe('told', () => {
  it.each<[string, string, (m: Machine) => void]>([
    ['critical', 'a setuid shell in /tmp', (m) => { m.spawn(user(m), '/tmp/.sh', '/tmp/.sh -p', { uid: 1000, extra: { euid: '0' } }); }],
    ['critical', 'a setuid file that no package owns', (m) => { m.spawn(user(m), '/usr/local/bin/rootme', 'rootme', { uid: 1000, extra: { euid: '0' } }); }],
    ['critical', 'an exploit that becomes root and starts a shell', (m) => { const x = m.spawn(user(m), '/home/ann/x', './x', { uid: 1000 }); m.spawn(x, '/bin/sh', 'sh', { uid: 0 }); }],
    ['critical', 'an exploit that becomes a shell itself', (m) => { const x = m.spawn(user(m), '/home/ann/x', './x', { uid: 1000 }); m.exec(x, '/bin/sh', 'sh', { uid: 0 }); }],
    ['critical', 'a web worker\'s child that is root all at once', (m) => { m.spawn(web(m), '/usr/bin/id', 'id', { uid: 0 }); }],
    ['high', 'a package\'s program that makes itself root by a planted capability', (m) => { const p = m.spawn(user(m), '/usr/bin/python3', 'python3 -c setuid', { uid: 1000 }); m.tell('privilege', p, { action: 'setuid', uid: 0, extra: { from: '1000', to: '0' } }); }],
    ['critical', 'one of nobody that does', (m) => { const p = m.spawn(user(m), '/home/ann/x', 'x', { uid: 1000 }); m.tell('privilege', p, { action: 'setuid', uid: 0, extra: { from: '1000', to: '0' } }); m.exec(p, '/bin/bash', 'bash', { uid: 0 }); }],
    ['high', 'mighty capabilities of a program of nobody', (m) => { const p = m.spawn(user(m), '/home/ann/x', 'x', { uid: 1000 }); m.tell('privilege', p, { action: 'capset', uid: 1000, extra: { from: '0', to: '1ffffffffff' } }); }],
    ['high', 'a user namespace and an overlay', (m) => { const p = m.spawn(user(m), '/home/ann/x', 'x', { uid: 1000 }); m.tell('namespace', p, { action: 'unshare', uid: 1000, extra: { flags: 'mnt,user' } }); m.tell('namespace', p, { action: 'mount', uid: 1000, file_path: '/tmp/m', extra: { type: 'overlay', source: 'overlay', flags: '' } }); }],
    ['medium', 'the same by the tools of packages', (m) => { const p = m.spawn(user(m), '/usr/bin/unshare', 'unshare -rm sh', { uid: 1000 }); m.tell('namespace', p, { action: 'unshare', uid: 1000, extra: { flags: 'user,mnt' } }); m.tell('namespace', m.spawn(p, '/usr/bin/mount', 'mount -t overlay', { uid: 1000 }), { action: 'mount', uid: 1000, file_path: '/tmp/m', extra: { type: 'overlay' } }); }],
    ['critical', 'a sudo put elsewhere', (m) => { m.spawn(user(m), '/home/ann/bin/sudo', 'sudo id', { uid: 1000, extra: { euid: '0' } }); }],
  ])('%s: %s', (level, _name, act) => {
    const m = new Machine(privilegeJump);
    act(m);
    expect(m.worst).toBe(level);
    expect(m.found.flatMap(unfilled)).toEqual([]);
    expect(new Set(m.found.map((d) => d.key)).size).toBe(1);
  });

  it('a jump after a user namespace says so and is critical', () => {
    const m = new Machine(privilegeJump);
    const p = m.spawn(user(m), '/usr/bin/python3', 'python3 x.py', { uid: 1000 });
    m.tell('namespace', p, { action: 'unshare', uid: 1000, extra: { flags: 'user,net' } });
    m.spawn(p, '/bin/bash', 'bash', { uid: 0 });
    expect(m.found[0]).toMatchObject({ level: 'critical', group: { was_uid: '1000', was_program: '/usr/bin/python3' } });
    expect(m.found[0]?.summary?.en).toContain('it had made a user namespace before');
  });

  it('a setuid program that is not as shipped', () => {
    const packages = debian();
    const m = new Machine(privilegeJump, { knowledge: { packages: { ready: true, owner: (path) => { const file = packages.owner(path); return file && { ...file, intact: path !== '/usr/bin/su' }; } } } });
    m.spawn(user(m), '/usr/bin/su', 'su', { uid: 1000, extra: { euid: '0' } });
    expect(m.levels).toEqual(['critical']);
  });
});

describe('quiet', () => {
  it.each<[string, (m: Machine) => void]>([
    ['sudo, su, pkexec and what they start', (m) => { const shell = elevate(m, user(m), '/usr/bin/sudo', 'sudo -i'); m.spawn(shell, '/usr/bin/apt-get', 'apt-get', { uid: 0 }); elevate(m, user(m), '/usr/bin/su', 'su -'); elevate(m, user(m), '/usr/bin/pkexec', 'pkexec id'); }],
    ['a user\'s own work', (m) => { const s = user(m); m.spawn(m.spawn(s, '/usr/bin/make', 'make', { uid: 1000 }), '/usr/bin/gcc', 'gcc', { uid: 1000 }); m.spawn(s, '/home/ann/a.out', './a.out', { uid: 1000 }); }],
    ['passwd and ping', (m) => { m.spawn(user(m), '/usr/bin/passwd', 'passwd', { uid: 1000, extra: { euid: '0' } }); m.spawn(user(m), '/usr/bin/ping', 'ping', { uid: 1000 }); }],
    ['daemons that go down and up again', (m) => { const d = m.service('/usr/sbin/smbd'); m.tell('privilege', d, { action: 'setuid', uid: 0, extra: { from: '0', to: '0/1000' } }); m.tell('privilege', d, { action: 'setuid', uid: 0, extra: { from: '0/1000', to: '0' } }); const c = m.fork(d); m.tell('privilege', c, { action: 'setuid', uid: 1000, extra: { from: '0', to: '1000' } }); m.tell('privilege', c, { action: 'setuid', uid: 0, extra: { from: '1000', to: '0' } }); }],
    ['cron and sshd', (m) => { m.cron('true'); m.login('root', '192.0.2.10'); }],
    ['a service that runs as somebody', (m) => { const s = m.service('/srv/app/run', 'run', { uid: 999 }); m.spawn(s, '/bin/sh', 'sh', { uid: 999 }); }],
    ['systemd starts root and users side by side', (m) => { m.service('/usr/bin/a', 'a', { uid: 1000 }); m.service('/usr/bin/b', 'b', { uid: 0 }); }],
    ['a browser\'s and rootless podman\'s namespaces', (m) => { for (const path of ['/usr/lib/chromium/chromium', '/usr/bin/podman', '/usr/bin/bwrap']) { const p = m.spawn(user(m), path, path, { uid: 1000 }); m.tell('namespace', p, { action: 'unshare', uid: 1000, extra: { flags: 'user,mnt' } }); m.tell('namespace', p, { action: 'mount', uid: 1000, file_path: '/x', extra: { type: 'overlay' } }); m.tell('privilege', p, { action: 'capset', uid: 1000, extra: { from: '0', to: '1ffffffffff' } }); } }],
    ['sudo inside a container', (m) => { const c = m.container(id, '/bin/bash', 'bash', { uid: 1000 }); elevate(m, c, '/usr/bin/sudo', 'sudo id'); }],
    ['an entry point that steps down by gosu', (m) => { const c = m.container(id, '/usr/local/bin/gosu', 'gosu redis redis-server'); m.tell('privilege', c, { action: 'setuid', uid: 999, extra: { from: '0', to: '999' } }); m.exec(c, '/usr/local/bin/redis-server', 'redis-server', { uid: 999 }); }],
    ['what the operator lists', (m) => { m.spawn(user(m), '/opt/panel/suid-helper', 'suid-helper', { uid: 1000, extra: { euid: '0' } }); }],
    ['a pid that comes back as root', (m) => { const p = m.spawn(user(m), '/home/ann/x', './x', { uid: 1000 }); m.tell('process_termination', p, { action: 'process-end' }); m.service('/usr/sbin/cron'); }],
  ])('%s', (_name, act) => {
    const m = new Machine(privilegeJump, { settings: { allowed: ['/opt/panel/suid-helper'] } });
    act(m);
    expect(m.found.map((d) => [d.level, d.group?.['program'], d.summary?.en])).toEqual([]);
  });
});

it('without packages a setuid program is known by its name', () => {
  const m = new Machine(privilegeJump, { packages: unindexed });
  elevate(m, user(m), '/usr/bin/sudo', 'sudo id');
  expect(m.found).toEqual([]);
  m.spawn(user(m), '/usr/bin/odd', 'odd', { uid: 1000, extra: { euid: '0' } });
  expect(m.levels).toEqual(['medium']);
});
