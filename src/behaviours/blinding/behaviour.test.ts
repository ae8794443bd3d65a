import { describe, expect, it } from 'vitest';
import { Machine } from '../../../test/machine.ts';
import { unfilled } from '../testing.ts';
import { blinding } from './behaviour.ts';

const paths = ['/opt/moat', '/etc/moat/moat.yml', '/var/lib/moat', '/etc/systemd/system/moat.service'];
function machine(): Machine {
  const m = new Machine(blinding, { knowledge: { self: { pid: 700, paths } } });
  m.seen('/usr/bin/node', 'node /opt/moat/dist/moat.js up', { pid: 700, cgroup: '/system.slice/moat.service' });
  return m;
}
const touch = (m: Machine, pid: number, action: string, signal?: string): void => { m.tell('process_access', pid, { action, extra: { target_pid: '700', target_name: 'node', ...(signal !== undefined && { signal }) } }); };
const said = (m: Machine): string[] => m.found.map(({ level, key }) => `${level} ${key.split(' ').slice(0, -1).join(' ')}`);

describe('Moat itself', () => {
  it.each<[string, string, (m: Machine) => void]>([
    ['SIGKILL of a program in /tmp', 'critical signal 9', (m) => { touch(m, m.spawn(m.login('root'), '/tmp/k', './k'), 'signal', '9'); }],
    ['SIGSTOP by the web server\'s child', 'critical signal 19', (m) => { touch(m, m.spawn(m.worker(), '/usr/bin/kill', 'kill -STOP 700'), 'signal', '19'); }],
    ['SIGTERM by cron', 'critical signal 15', (m) => { touch(m, m.cron('kill 700'), 'signal', '15'); }],
    ['an administrator\'s kill -9', 'high signal 9', (m) => { touch(m, m.login('root'), 'signal', '9'); }],
    ['an administrator\'s kill', 'medium signal 15', (m) => { touch(m, m.login('root'), 'signal', '15'); }],
    ['systemd', 'low signal 15', (m) => { touch(m, 1, 'signal', '15'); }],
    ['gdb of an administrator', 'high access ptrace', (m) => { touch(m, m.spawn(m.login('root'), '/usr/bin/gdb', 'gdb -p 700'), 'ptrace'); }],
    ['memory written', 'critical access vm-write', (m) => { touch(m, m.spawn(m.login('root'), '/root/inject', './inject'), 'vm-write'); }],
    ['its program replaced', 'critical files', (m) => { m.file(m.spawn(m.login('root'), '/tmp/x', './x'), 'write', '/opt/moat/dist/moat.js'); }],
    ['its rules removed by a person', 'high files', (m) => { m.file(m.spawn(m.login('root'), '/usr/bin/rm', 'rm'), 'delete', '/opt/moat/rules/a.yml'); }],
    ['its history moved away by cron', 'critical files', (m) => { m.file(m.spawn(m.cron('mv'), '/usr/bin/mv', 'mv'), 'rename', '/tmp/x', { file_from: '/var/lib/moat/moat.db' }); }],
    ['its configuration edited by hand', 'low settings', (m) => { m.file(m.spawn(m.login('root'), '/usr/bin/vim', 'vim'), 'write', '/etc/moat/moat.yml'); }],
    ['its configuration edited by a web shell', 'critical settings', (m) => { m.file(m.worker(), 'write', '/etc/moat/moat.yml'); }],
    ['its unit masked', 'high files', (m) => { m.file(1, 'link', '/etc/systemd/system/moat.service', { extra: { target: '/dev/null' } }); }],
    ['its unit disabled', 'high files', (m) => { m.file(1, 'delete', '/etc/systemd/system/multi-user.target.wants/moat.service'); }],
    ['a mount over its data', 'critical mount', (m) => { m.tell('namespace', m.login('root'), { action: 'mount', file_path: '/var/lib/moat' }); }],
    ['a mount over its process', 'critical mount', (m) => { m.tell('namespace', m.login('root'), { action: 'mount', file_path: '/proc/700' }); }],
  ])('%s', (_name, expected, play) => {
    const m = machine();
    play(m);
    expect(said(m)).toEqual([expected]);
    expect(m.found.flatMap(unfilled)).toEqual([]);
    expect(m.found[0]?.matrix).toEqual(['关闭安全监控服务']);
  });

  it.each<[string, (m: Machine) => void]>([
    ['its own work', (m) => { m.file(700, 'write', '/var/lib/moat/moat.db'); m.file(m.spawn(700, '/usr/bin/sh', 'sh'), 'delete', '/var/lib/moat/x'); touch(m, 700, 'signal', '9'); }],
    ['its own command', (m) => { m.file(m.spawn(m.login('root'), '/usr/bin/node', 'node --max-old-space-size=64 /opt/moat/dist/moat.js rules test'), 'write', '/var/lib/moat/x'); }],
    ['the package manager', (m) => { const apt = m.spawn(m.login('root'), '/usr/bin/apt-get', 'apt-get install moat'); m.file(m.spawn(apt, '/usr/bin/dpkg', 'dpkg --unpack'), 'rename', '/opt/moat/dist/moat.js', { file_from: '/opt/moat/dist/moat.js.dpkg-new' }); }],
    ['asking whether it lives', (m) => { for (const signal of ['0', '17', '18', '28', '1']) touch(m, m.login(), 'signal', signal); }],
    ['others that are traced and killed', (m) => { m.tell('process_access', m.login(), { action: 'ptrace', extra: { target_pid: '701' } }); m.tell('process_access', m.login(), { action: 'signal', extra: { target_pid: '7000', signal: '9' } }); }],
    ['files beside its own', (m) => { m.file(m.login(), 'write', '/opt/moat-notes/x'); m.file(m.login(), 'read', '/opt/moat/rules/a.yml'); }],
  ])('is not bothered by %s', (_name, play) => {
    const m = machine();
    play(m);
    expect(said(m)).toEqual([]);
  });

  it('the same deed of one process is told once a minute', () => {
    const m = machine();
    const pid = m.spawn(m.login('root'), '/tmp/k', './k');
    for (let i = 0; i < 100; i++) touch(m, pid, 'signal', '9');
    expect(m.found).toHaveLength(1);
    m.clock += 61_000;
    touch(m, pid, 'signal', '9');
    expect(m.found).toHaveLength(2);
  });
});

describe('other guards', () => {
  it('agents of a cloud that end and stay away, or lose their files', () => {
    const m = machine();
    const dun = m.seen('/usr/local/aegis/aegis_client/aegis_12/AliYunDun', 'AliYunDun');
    const yd = m.seen('/usr/local/qcloud/YunJing/YDEyes/YDService', 'YDService');
    m.end(dun, 137);
    m.end(yd);
    m.seen('/usr/local/qcloud/YunJing/YDEyes/YDService', 'YDService');
    m.wait(300_000);
    expect(m.found).toMatchObject([{ level: 'high', key: 'stopped AliYunDun', group: { name: 'AliYunDun' } }]);
    expect(m.found[0]?.summary?.zh).toContain('被强制结束');
    m.file(m.spawn(m.worker(), '/usr/bin/rm', 'rm -rf'), 'delete', '/usr/local/aegis/aegis_client/aegis_12/AliYunDun');
    m.file(m.spawn(m.login('root'), '/usr/bin/chmod', 'chmod 0'), 'chmod', '/usr/local/qcloud/YunJing/YDEyes/YDService');
    expect(m.found.slice(1).map(({ level }) => level)).toEqual(['critical', 'high']);
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });

  it('their own updates, logs and the cloud\'s assistant are no loss', () => {
    const m = machine();
    const update = m.spawn(m.seen('/usr/local/aegis/aegis_update/AliYunDunUpdate'), '/usr/bin/rm', 'rm');
    m.file(update, 'delete', '/usr/local/aegis/aegis_client/aegis_11/AliYunDun');
    m.file(m.cron('find'), 'delete', '/usr/local/cloudmonitor/logs/argus.log');
    m.file(m.spawn(m.seen('/usr/local/share/aliyun-assist/2/aliyun-service'), '/usr/bin/rm', 'rm'), 'delete', '/usr/local/aegis/x');
    expect(m.found).toEqual([]);
  });

  it.each<[string, string[], (m: Machine) => void]>([
    ['ftrace switched off', ['critical switch ftrace'], (m) => { m.file(m.spawn(m.worker(), '/usr/bin/dash', 'sh -c echo 0'), 'write', '/proc/sys/kernel/ftrace_enabled'); }],
    ['ftrace switched off by a person', ['medium switch ftrace'], (m) => { m.file(m.spawn(m.login('root'), '/usr/sbin/sysctl', 'sysctl'), 'write', '/proc/sys/kernel/ftrace_enabled'); }],
    ['limits of a service', [], (m) => { m.file(m.service('/usr/lib/systemd/systemd-sysctl', '/usr/lib/systemd/systemd-sysctl', { unit: 'systemd-sysctl' }), 'write', '/proc/sys/fs/inotify/max_user_watches'); m.file(m.spawn(m.login('root'), '/usr/sbin/sysctl', 'sysctl'), 'write', '/proc/sys/fs/inotify/max_user_watches'); }],
    ['a process hidden by a mount', ['critical hide'], (m) => { m.tell('namespace', m.spawn(m.login('root'), '/usr/bin/mount', 'mount --bind /tmp /proc/812'), { action: 'mount', file_path: '/proc/812' }); }],
    ['a container runtime', [], (m) => { m.tell('namespace', m.service('/usr/bin/runc', '/usr/bin/runc', { unit: 'docker' }), { action: 'mount', file_path: '/proc/self/fd/7' }); m.tell('namespace', m.service('/usr/bin/runc', '/usr/bin/runc', { unit: 'docker' }), { action: 'mount', file_path: '/proc/12/fd/7' }); }],
    ['logs covered', ['critical cover'], (m) => { m.tell('namespace', m.spawn(m.cron('x'), '/usr/bin/mount', 'mount -t tmpfs'), { action: 'mount', file_path: '/var/log' }); }],
    ['eBPF of a program nobody ships', ['critical bpf', 'medium bpf'], (m) => { m.tell('module', m.spawn(m.login('root'), '/tmp/.b', './.b'), { action: 'bpf-load', extra: { type: 'tracing' } }); m.tell('module', m.service('/opt/cilium/agent', '/opt/cilium/agent', { unit: 'cilium' }), { action: 'bpf-load', extra: { type: 'xdp' } }); }],
    ['eBPF of systemd and of Moat', [], (m) => { m.tell('module', 1, { action: 'bpf-load', extra: { type: 'cgroup_device' } }); m.tell('module', 700, { action: 'bpf-load', extra: { type: 'tracing' } }); }],
  ])('%s', (_name, expected, play) => {
    const m = machine();
    play(m);
    expect(said(m)).toEqual(expected);
  });
});
