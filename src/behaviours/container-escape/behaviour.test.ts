import { describe, expect, it } from 'vitest';
import { Machine } from '../../../test/machine.ts';
import type { Event } from '../../core/gen/event.ts';
import type { ContainerInfo } from '../../core/lineage.ts';
import { unfilled } from '../testing.ts';
import { containerEscape } from './behaviour.ts';

const id = 'c0ffee0123456789c0ffee0123456789c0ffee0123456789c0ffee0123456789';
const containers = (image: string, name = 'app'): ContainerInfo[] => [{ id, image, name, runtime: 'docker' }];
/** A machine on which programs of the host were seen, so that its disk is known. */
function machine(image = 'registry.example/shop:1.4', name?: string): Machine {
  const m = new Machine(containerEscape, { containers: containers(image, name) });
  m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/ls', 'ls', { file_device: 2049 });
  return m;
}
const inside = (m: Machine, path = '/bin/bash', cmdline?: string): number => m.container(id, path, cmdline);
const write = (m: Machine, pid: number, file_path: string, more: Partial<Event> = {}): Event => m.tell('file_event', pid, { action: 'write', file_path, file_device: 45, ...more });
const mount = (m: Machine, pid: number, source: string, file_path: string, type: string, flags = ''): Event => m.tell('namespace', pid, { action: 'mount', file_path, extra: { source, type, flags } });
const start = (m: Machine, pid: number, path: string, cmdline: string, more: Partial<Event> = {}): number => m.spawn(pid, path, cmdline, more);

const escapes: [string, (m: Machine, pid: number) => void][] = [
  ['release_agent of a mounted control group', (m, pid) => { mount(m, pid, 'cgroup', '/tmp/cg', 'cgroup'); write(m, pid, '/tmp/cg/x/notify_on_release'); write(m, pid, '/tmp/cg/release_agent'); }],
  ['release_agent below /sys', (m, pid) => { write(m, pid, '/sys/fs/cgroup/rdma/release_agent'); }],
  ['control groups v1 mounted alone', (m, pid) => { mount(m, pid, 'none', '/mnt/cg', 'cgroup'); }],
  ['core_pattern', (m, pid) => { write(m, pid, '/proc/sys/kernel/core_pattern'); }],
  ['core_pattern through the host\'s proc', (m, pid) => { write(m, pid, '/host/proc/sys/kernel/core_pattern'); }],
  ['modprobe path', (m, pid) => { write(m, pid, '/proc/sys/kernel/modprobe'); }],
  ['another kernel setting', (m, pid) => { write(m, pid, '/proc/sys/kernel/randomize_va_space'); }],
  ['uevent_helper', (m, pid) => { write(m, pid, '/sys/kernel/uevent_helper'); }],
  ['binfmt_misc register', (m, pid) => { write(m, pid, '/proc/sys/fs/binfmt_misc/register'); }],
  ['binfmt_misc mounted', (m, pid) => { mount(m, pid, 'binfmt_misc', '/tmp/b', 'binfmt_misc'); }],
  ['sysrq', (m, pid) => { write(m, pid, '/proc/sysrq-trigger'); }],
  ['docker.sock by curl', (m, pid) => { start(m, pid, '/usr/bin/curl', 'curl -s --unix-socket /var/run/docker.sock http://d/containers/json'); }],
  ['docker.sock connected', (m, pid) => { m.tell('network_connection', pid, { action: 'connect', direction: 'outbound', protocol: 'unix', file_path: '/run/docker.sock' }); }],
  ['docker client put into the container', (m, pid) => { start(m, pid, '/tmp/docker', '/tmp/docker run -v /:/h --rm alpine chroot /h sh'); }],
  ['containerd.sock', (m, pid) => { start(m, pid, '/usr/local/bin/ctr', 'ctr -a /run/containerd/containerd.sock c ls'); }],
  ['crio.sock opened', (m, pid) => { m.tell('file_event', pid, { action: 'read', file_path: '/var/run/crio/crio.sock' }); }],
  ['Docker API over the network', (m, pid) => { m.tell('flow', pid, { direction: 'outbound', destination_ip: '172.17.0.1', destination_port: 2375, payload: 'POST /v1.41/containers/create HTTP/1.1\r\nHost: x\r\n' }); }],
  ['nsenter into process 1', (m, pid) => { start(m, pid, '/usr/bin/nsenter', 'nsenter -t 1 -m -u -n -i sh'); }],
  ['setns into the host\'s mounts', (m, pid) => { m.tell('namespace', pid, { action: 'setns', extra: { type: 'mnt' } }); }],
  ['setns by number, several at once', (m, pid) => { m.tell('namespace', pid, { action: 'setns', extra: { flags: '0x20020000' } }); }],
  ['the host\'s disk mounted', (m, pid) => { mount(m, pid, '/dev/vda1', '/mnt', 'ext4'); }],
  ['a logical volume mounted', (m, pid) => { mount(m, pid, '/dev/mapper/vg0-root', '/x', 'xfs'); }],
  ['/proc/1/root mounted', (m, pid) => { mount(m, pid, '/proc/1/root', '/mnt', '', 'bind'); }],
  ['the disk device written', (m, pid) => { write(m, pid, '/dev/sda1'); }],
  ['a disk device made', (m, pid) => { m.tell('file_event', pid, { action: 'create', file_path: '/dev/vda1' }); }],
  ['a kernel module', (m, pid) => { m.tell('module', pid, { action: 'module-load', file_path: '/tmp/m.ko' }); }],
  ['an eBPF program', (m, pid) => { m.tell('module', pid, { action: 'bpf-load', extra: { name: 'x', type: 'kprobe' } }); }],
  ['a host process traced', (m, pid) => { m.tell('process_access', pid, { action: 'ptrace', extra: { target_pid: '800', target_name: 'sshd' } }); }],
  ['a host process\'s memory written', (m, pid) => { m.tell('process_access', pid, { action: 'vm-write', extra: { target_pid: '800', target_name: 'sshd' } }); }],
  ['memory written through /proc', (m, pid) => { write(m, pid, '/proc/800/mem'); }],
  ['cron of the host through a hostPath', (m, pid) => { write(m, pid, '/host/etc/cron.d/sys'); }],
  ['SSH keys of the host through a hostPath', (m, pid) => { write(m, pid, '/mnt/root/.ssh/authorized_keys'); }],
  ['ld.so.preload of the host', (m, pid) => { write(m, pid, '/rootfs/etc/ld.so.preload'); }],
  ['a static pod', (m, pid) => { write(m, pid, '/host/etc/kubernetes/manifests/x.yaml'); }],
  ['cron on the host\'s own disk, reached by /proc/1/root', (m, pid) => { write(m, pid, '/etc/cron.d/x', { file_device: 2049 }); }],
  ['the runtime\'s program overwritten', (m, pid) => { write(m, pid, '/usr/bin/runc', { file_device: 2049 }); }],
  ['a folder leaked by the runtime', (m) => { m.container(id, '/bin/cat', 'cat ../../../etc/shadow', { process_cwd: '/proc/self/fd/8' }); }],
  ['the host\'s root as root folder', (m, pid) => { start(m, pid, '/usr/sbin/chroot', 'chroot /host /bin/bash'); }],
  ['a user namespace, then a mount', (m, pid) => { const sh = start(m, pid, '/tmp/x', '/tmp/x'); m.tell('namespace', sh, { action: 'unshare', extra: { flags: '0x10020000' } }); mount(m, sh, 'tmpfs', '/tmp/o', 'overlay'); }],
  ['masks of /proc taken off', (m, pid) => { m.tell('namespace', pid, { action: 'umount', file_path: '/proc/kcore' }); }],
  ['an escape tool', (m, pid) => { start(m, pid, '/tmp/cdk_linux_amd64', '/tmp/cdk_linux_amd64 auto-escape id'); }],
  ['password hashes of the host read', (m, pid) => { m.tell('file_event', pid, { action: 'read', file_path: '/host/etc/shadow' }); }],
  ['a release agent seen from its effect', (m) => { m.spawn(2, `/var/lib/docker/overlay2/${id}/diff/cmd`, '/var/lib/docker/overlay2/x/diff/cmd', { uid: 0 }); }],
  ['one that bears the name of a runtime', (m) => { m.spawn(2, `/var/lib/docker/overlay2/${id}/diff/runc`, 'runc', { uid: 0 }); }],
  ['a child outside the container\'s control group', (m, pid) => { start(m, pid, '/usr/bin/id', 'id', { cgroup: '/system.slice/x.service' }); }],
];

describe('ways out', () => {
  it('are thirty or more', () => { expect(escapes.length).toBeGreaterThanOrEqual(30); });

  it.each(escapes)('%s', (_name, act) => {
    const m = machine();
    act(m, inside(m));
    expect(['high', 'critical']).toContain(m.worst);
    expect(m.found.flatMap(unfilled)).toEqual([]);
    expect(new Set(m.found.map((d) => d.key)).size).toBe(1);
  });
});

const ordinary: [string, (m: Machine) => void, string?, string?][] = [
  ['the runtime sets a container up', (m) => {
    const runc = m.container(id, '/usr/sbin/runc', 'runc init');
    mount(m, runc, 'proc', '/proc', 'proc'); mount(m, runc, 'cgroup', '/sys/fs/cgroup/systemd', 'cgroup'); mount(m, runc, '/dev/vda1', '/etc/hosts', 'bind', 'bind');
    m.tell('namespace', runc, { action: 'setns', extra: { type: 'mnt' } }); m.tell('namespace', runc, { action: 'pivot-root', file_path: '/' }); m.tell('namespace', runc, { action: 'umount', file_path: '/proc/x' });
    m.tell('privilege', runc, { action: 'capset', extra: { from: '0', to: '3fffffffff' } }); write(m, runc, '/proc/sys/kernel/domainname');
    m.exec(runc, '/usr/sbin/nginx', 'nginx -g daemon off;');
  }],
  ['packages installed in a build', (m) => { const sh = inside(m); const apt = start(m, sh, '/usr/bin/apt-get', 'apt-get install -y cron'); const dpkg = start(m, apt, '/usr/bin/dpkg', 'dpkg --unpack x.deb'); write(m, dpkg, '/etc/cron.d/e2scrub_all'); write(m, dpkg, '/etc/cron.daily/apt'); }],
  ['an account made inside', (m) => { const u = start(m, inside(m), '/usr/sbin/useradd', 'useradd app'); write(m, u, '/etc/passwd'); write(m, u, '/etc/shadow'); }],
  ['its own keys and crontab', (m) => { const sh = inside(m); write(m, sh, '/root/.ssh/authorized_keys'); write(m, sh, '/var/spool/cron/crontabs/root'); }],
  ['keys of a git service on a volume', (m) => { write(m, inside(m, '/usr/local/bin/gitea', 'gitea web'), '/data/git/.ssh/authorized_keys', { file_device: 2049 }); }],
  ['nginx drops to its user', (m) => { m.tell('privilege', inside(m, '/usr/sbin/nginx', 'nginx'), { action: 'setuid', extra: { from: '0', to: '101' } }); }],
  ['kube-proxy writes network settings', (m) => { write(m, inside(m, '/usr/local/bin/kube-proxy'), '/proc/sys/net/netfilter/nf_conntrack_max'); }, 'registry.k8s.io/kube-proxy:v1.31.0', 'kube-proxy'],
  ['a network plug-in enters the networks of pods', (m) => { const p = inside(m, '/usr/bin/calico-node'); m.tell('namespace', p, { action: 'setns', extra: { type: 'net' } }); m.tell('module', p, { action: 'module-load', extra: { name: 'ip_set' } }); m.tell('module', p, { action: 'bpf-load', extra: { type: 'sched_cls' } }); }, 'calico/node:v3.28', 'calico-node'],
  ['an unknown network plug-in enters a network', (m) => { m.tell('namespace', inside(m, '/opt/cni/bin/bridge'), { action: 'setns', extra: { type: '1073741824' } }); }],
  ['node-exporter reads the host', (m) => { m.tell('file_event', inside(m, '/bin/node_exporter'), { action: 'read', file_path: '/host/proc/stat' }); }, 'prom/node-exporter:v1.8', 'node-exporter'],
  ['cadvisor asks the runtime', (m) => { m.tell('network_connection', inside(m, '/usr/bin/cadvisor'), { direction: 'outbound', protocol: 'unix', file_path: '/run/containerd/containerd.sock' }); }, 'gcr.io/cadvisor/cadvisor:v0.49', 'cadvisor'],
  ['portainer asks docker', (m) => { m.tell('network_connection', inside(m, '/portainer'), { direction: 'outbound', protocol: 'unix', file_path: '/var/run/docker.sock' }); }, 'portainer/portainer-ce:2.21'],
  ['a storage plug-in mounts a volume', (m) => { const p = inside(m, '/bin/csi-driver'); mount(m, p, '/dev/vdb', '/var/lib/kubelet/pods/x/mount', 'ext4'); start(m, p, '/usr/bin/nsenter', 'nsenter --mount=/proc/1/ns/mnt -- mount /dev/vdb /x'); }, 'registry.example/csi-disk:1', 'csi-node'],
  ['a log collector reads logs of the host', (m) => { m.tell('file_event', inside(m, '/usr/bin/fluent-bit'), { action: 'read', file_path: '/var/log/containers/x.log' }); }],
  ['a debugger traces its own child', (m) => { const sh = inside(m); const gdb = start(m, sh, '/usr/bin/gdb', 'gdb ./a.out'); const child = start(m, gdb, '/srv/app/a.out', './a.out'); m.tell('process_access', gdb, { action: 'ptrace', extra: { target_pid: String(child), target_name: 'a.out' } }); }],
  ['a browser makes its sandbox', (m) => { const c = inside(m, '/usr/lib/chromium/chromium', 'chromium --headless'); m.tell('namespace', c, { action: 'unshare', extra: { flags: 'user,pid,net' } }); mount(m, c, 'proc', '/proc', 'proc'); }],
  ['a tmpfs and an NFS share', (m) => { const sh = inside(m); mount(m, sh, 'tmpfs', '/cache', 'tmpfs'); mount(m, sh, '192.0.2.9:/export', '/data', 'nfs4'); }],
  ['shared memory of a database', (m) => { write(m, inside(m, '/bin/sh', 'sh -c init'), '/proc/sys/kernel/shmmax'); }],
  ['settings of virtual memory', (m) => { write(m, inside(m, '/bin/sysctl', 'sysctl -w vm.max_map_count=262144'), '/proc/sys/vm/max_map_count'); }],
  ['configuration written to a volume', (m) => { write(m, inside(m), '/mnt/data/config.json', { file_device: 2049 }); write(m, inside(m), '/host/data/report.csv', { file_device: 2049 }); }],
  ['a system image put together', (m) => { write(m, inside(m, '/usr/bin/debootstrap'), '/build/rootfs/etc/cron.d/x'); write(m, inside(m), '/workspace/chroot/root/.ssh/authorized_keys'); }],
  ['kaniko unpacks a layer', (m) => { write(m, inside(m, '/kaniko/executor'), '/kaniko/0/etc/cron.d/x'); }, 'gcr.io/kaniko-project/executor:v1'],
  ['systemd as first process', (m) => { const s = inside(m, '/lib/systemd/systemd', '/sbin/init'); mount(m, s, 'cgroup', '/sys/fs/cgroup/systemd', 'cgroup'); mount(m, s, 'tracefs', '/sys/kernel/tracing', 'tracefs'); m.tell('namespace', s, { action: 'umount', file_path: '/proc/sys/fs/binfmt_misc' }); }],
  ['sshd inside lets somebody in', (m) => { const s = inside(m, '/usr/sbin/sshd', '/usr/sbin/sshd -D'); m.tell('file_event', s, { action: 'read', file_path: '/etc/shadow' }); m.tell('privilege', s, { action: 'setuid', extra: { from: '0', to: '1000' } }); }],
  ['a package manager of a language', (m) => { const n = start(m, inside(m), '/usr/bin/npm', 'npm ci'); write(m, n, '/app/node_modules/x/index.js'); write(m, n, '/root/.npm/_cacache/y'); }],
  ['git fetches with its hooks', (m) => { write(m, start(m, inside(m), '/usr/bin/git', 'git clone https://git.example/x'), '/src/x/.git/hooks/pre-commit'); }],
  ['connections of an application', (m) => { m.tell('network_connection', inside(m, '/app/server'), { direction: 'outbound', destination_ip: '198.51.100.4', destination_port: 443 }); m.tell('flow', inside(m, '/app/server'), { direction: 'outbound', destination_ip: '198.51.100.4', destination_port: 80, payload: 'POST /v1/orders/create HTTP/1.1\r\n' }); }],
  ['docker used on the host itself', (m) => { start(m, m.login('root', '192.0.2.10'), '/usr/bin/docker', 'docker run -v /var/run/docker.sock:/var/run/docker.sock portainer/portainer-ce'); }],
  ['somebody looks into a container by docker exec', (m) => { inside(m); const runc = m.spawn(950, '/usr/sbin/runc', 'runc exec x'); const child = m.fork(runc, { container_id: id }); m.tell('namespace', child, { action: 'setns', extra: { type: 'mnt', host: 'false' } }); m.exec(child, '/bin/sh', 'sh', { container_id: id }); }],
  ['a service of the host with its own mounts', (m) => { const s = m.service('/usr/sbin/php-fpm8.2', 'php-fpm', { extra: { mnt_ns: '4026532200' } }); mount(m, s, 'tmpfs', '/tmp', 'tmpfs'); write(m, s, '/etc/cron.d/x', { file_device: 2049 }); }],
  ['a sandbox of the host', (m) => { const b = m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/bwrap', 'bwrap --unshare-all sh', { extra: { pid_ns: '4026532300', user_ns: '4026532301' } }); mount(m, b, 'proc', '/newroot/proc', 'proc'); m.tell('namespace', b, { action: 'pivot-root', file_path: '/newroot' }); }],
  ['the first process of a sandboxed service', (m) => { mount(m, 1, '/dev/vda1', '/run/systemd/unit-root', 'ext4', 'bind'); m.tell('namespace', 1, { action: 'unshare', extra: { type: 'mnt' } }); }],
];

describe('ordinary acts', () => {
  it('are thirty or more', () => { expect(ordinary.length).toBeGreaterThanOrEqual(30); });

  it.each(ordinary)('%s', (_name, act, image, name) => {
    const m = machine(image, name);
    act(m);
    expect(m.found.map((d) => [d.level, d.group?.['ways']])).toEqual([]);
  });
});

it('a builder that runs containers in itself is one low alert', () => {
  const m = machine('docker:27-dind', 'ci-docker');
  const sh = inside(m, '/bin/sh', 'sh -c build');
  for (let i = 0; i < 20; i++) {
    start(m, sh, '/usr/local/bin/docker', `docker build -t x:${i} .`);
    m.tell('network_connection', sh, { direction: 'outbound', protocol: 'unix', file_path: '/var/run/docker.sock' });
    mount(m, sh, '/dev/loop0', '/mnt', 'ext4');
  }
  expect(new Set(m.found.map((d) => `${d.key} ${d.level}`))).toEqual(new Set([`${id} low`]));
});

it('what a known container never does as its work is told all the same', () => {
  const m = machine('traefik:v3', 'traefik');
  write(m, inside(m), '/sys/fs/cgroup/rdma/release_agent');
  expect(m.levels).toEqual(['critical']);
});

it('a program of the container that calls itself a runtime is none', () => {
  const m = machine();
  mount(m, start(m, inside(m), '/tmp/runc', '/tmp/runc init'), '/dev/vda1', '/mnt', 'ext4');
  expect(m.levels).toEqual(['critical']);
});

it('one alert a container lists the ways, and a second way makes it critical', () => {
  const m = machine();
  const sh = inside(m);
  start(m, sh, '/usr/bin/curl', 'curl --unix-socket /var/run/docker.sock http://d/info');
  for (let i = 0; i < 50; i++) mount(m, sh, 'none', `/mnt/${i}`, 'cgroup');
  expect(m.found.map((d) => [d.key, d.level, d.group?.['ways']])).toEqual([[id, 'high', 'runtime-socket'], [id, 'critical', 'runtime-socket, mount-cgroup']]);
  expect(m.found[1]?.group).toMatchObject({ container: 'app', origin_en: 'the container app' });
});

it('works on the event alone when nothing is known of the process', () => {
  const m = machine();
  m.tell('file_event', undefined, { action: 'write', pid: 4711, file_path: '/proc/sys/kernel/core_pattern', container_id: id, process_path: '/bin/sh' });
  m.tell('namespace', undefined, { action: 'mount', pid: 4712, file_path: '/mnt', extra: { source: '/dev/vda1', type: 'ext4' }, cgroup: `/kubepods/besteffort/pod1/${id}` });
  expect(m.levels).toEqual(['critical', 'critical']);
  expect(m.found[0]?.key).toBe(id);
});

describe('the runtime\'s socket, used on the host', () => {
  const connect = (m: Machine, pid: number, more: Partial<Event> = {}): Event => m.tell('network_connection', pid, { action: 'connect', direction: 'outbound', protocol: 'unix', file_path: '/run/docker.sock', cgroup: '/user.slice', ...more });
  it.each<[string, string, (m: Machine) => void]>([
    ['critical', 'a tool below a web service', (m) => { connect(m, m.spawn(m.worker(), '/usr/bin/curl', 'curl --unix-socket /run/docker.sock http://d/info', { uid: 33 })); }],
    ['critical', 'a program in a temporary folder', (m) => { connect(m, m.spawn(m.login('root', '192.0.2.10'), '/tmp/.x', '/tmp/.x')); }],
    ['critical', 'one that calls itself docker', (m) => { connect(m, m.spawn(m.login('root', '192.0.2.10'), '/tmp/docker', '/tmp/docker ps')); }],
    ['critical', 'a script in a temporary folder', (m) => { connect(m, m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/python3', 'python3 /dev/shm/a.py'), { cgroup: undefined }); }],
    ['high', 'the same, refused', (m) => { connect(m, m.spawn(m.login('root', '192.0.2.10'), '/tmp/.x', '/tmp/.x'), { action: 'connect-attempt', outcome: 'failure' }); }],
    ['high', 'an install script of npm', (m) => { connect(m, m.spawn(m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/node', 'node /usr/bin/npm install x'), '/usr/bin/node', 'node install.js')); }],
  ])('%s: %s', (level, _name, act) => {
    const m = machine();
    act(m);
    expect(m.worst).toBe(level);
    expect(m.found.flatMap(unfilled)).toEqual([]);
    expect(m.found[0]?.group?.['socket']).toBe('/run/docker.sock');
  });

  it('is quiet for the runtime, its clients, services and people', () => {
    const m = machine();
    for (const [path, cmdline] of [['/usr/bin/docker', 'docker ps'], ['/usr/local/bin/lazydocker', 'lazydocker'], ['/usr/bin/curl', 'curl --unix-socket /run/docker.sock http://d/info'], ['/usr/bin/python3', 'python3 /srv/deploy.py']] as const) connect(m, m.spawn(m.login('root', '192.0.2.10'), path, cmdline));
    connect(m, m.spawn(m.worker(), '/www/server/panel/pyenv/bin/python3', '/www/server/panel/pyenv/bin/python3 /www/server/panel/BT-Panel'));
    for (const path of ['/usr/bin/dockerd', '/usr/bin/containerd', '/usr/bin/kubelet', '/usr/bin/telegraf', '/usr/local/bin/1panel']) connect(m, m.service(path));
    expect(m.found).toEqual([]);
  });
});
