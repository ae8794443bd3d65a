import { describe, expect, it } from 'vitest';
import { began, Machine, unindexed } from '../../../test/machine.ts';
import type { Event } from '../../core/gen/event.ts';
import { unfilled } from '../testing.ts';
import { persistenceWrite } from './behaviour.ts';

const id = 'c0ffee0123456789c0ffee0123456789c0ffee0123456789c0ffee0123456789';
const write = (m: Machine, pid: number, file_path: string, action = 'write'): Event => m.tell('file_event', pid, { action, file_path });

describe('told', () => {
  it.each<[string, string, (m: Machine) => void]>([
    ['critical', 'a web worker\'s shell and cron', (m) => write(m, m.spawn(m.worker(), '/bin/sh', 'sh -c', { uid: 33 }), '/var/spool/cron/crontabs/www-data')],
    ['critical', 'redis and the keys of root', (m) => write(m, m.service('/usr/bin/redis-server'), '/root/.ssh/authorized_keys')],
    ['critical', 'redis as Debian has it and a cron table', (m) => write(m, m.service('/usr/bin/redis-check-rdb', '/usr/bin/redis-server 0.0.0.0:6379'), '/etc/cron.d/x')],
    ['critical', 'a shell below a database', (m) => write(m, m.spawn(m.service('/usr/sbin/mysqld'), '/bin/sh', 'sh -c'), '/etc/cron.d/x')],
    ['critical', 'a program in /tmp and its unit', (m) => write(m, m.spawn(m.login('root'), '/tmp/.i/inst'), '/etc/systemd/system/log-rotate.service')],
    ['critical', 'a script in /tmp', (m) => write(m, m.spawn(m.login('root'), '/bin/bash', 'bash /tmp/i.sh'), '/etc/rc.local')],
    ['high', 'an unowned service and sudo', (m) => write(m, m.service('/opt/a/x'), '/etc/sudoers.d/a')],
    ['critical', 'an unowned program and the preloaded library', (m) => write(m, m.service('/usr/local/bin/x'), '/etc/ld.so.preload')],
    ['high', 'npm\'s install script', (m) => write(m, m.spawn(m.spawn(m.login('root'), '/usr/bin/node', 'node /usr/bin/npm install x'), '/bin/sh', 'sh -c node p.js'), '/root/.bashrc')],
    ['medium', 'a job that writes jobs', (m) => write(m, m.spawn(m.cron('x'), '/usr/bin/crontab', 'crontab -'), '/var/spool/cron/crontabs/root', 'rename')],
    ['medium', 'a shell of unknown origin', (m) => { m.seen('/bin/bash', 'bash', { pid: 6000, parent: 6001 }); write(m, 6000, '/etc/profile.d/x.sh'); }],
    ['high', 'a container and its preloaded library', (m) => write(m, m.container(id), '/etc/ld.so.preload')],
    ['critical', 'PAM under a web service', (m) => write(m, m.spawn(m.worker(), '/usr/bin/cp', 'cp'), '/usr/lib/x86_64-linux-gnu/security/pam_unix.so')],
    ['high', 'a user.ini written by a site', (m) => write(m, m.worker(), '/var/www/html/.user.ini')],
    ['high', 'sshd replaced by a tool of nobody', (m) => write(m, m.service('/opt/x/y'), '/usr/sbin/sshd', 'rename')],
    ['medium', 'a program of a package overwritten in a session', (m) => write(m, m.spawn(m.login('root'), '/usr/bin/cp', 'cp /tmp/ls /usr/bin/ls'), '/usr/bin/ls')],
    ['high', 'shadow by an unowned tool of a service', (m) => write(m, m.service('/opt/panel/bin'), '/etc/shadow')],
  ])('%s: %s', (level, _name, act) => {
    const m = new Machine(persistenceWrite);
    act(m);
    expect(m.worst).toBe(level);
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });
});

describe('quiet', () => {
  it.each<[string, (m: Machine) => void]>([
    ['dpkg and its scripts', (m) => { const dpkg = m.spawn(m.spawn(m.login('root'), '/usr/bin/apt-get', 'apt-get install nginx'), '/usr/bin/dpkg', 'dpkg --unpack'); write(m, dpkg, '/usr/lib/systemd/system/nginx.service', 'rename'); const script = m.spawn(dpkg, '/bin/sh', 'sh /var/lib/dpkg/info/nginx.postinst configure'); write(m, m.spawn(script, '/usr/sbin/update-rc.d'), '/etc/rc2.d/S01nginx', 'create'); write(m, m.spawn(script, '/usr/sbin/useradd'), '/etc/passwd', 'rename'); write(m, m.spawn(script, '/bin/cp', 'cp'), '/etc/cron.d/x'); }],
    ['rpm\'s scripts', (m) => { const rpm = m.spawn(m.login('root'), '/usr/bin/rpm', 'rpm -i x.rpm'); write(m, m.spawn(rpm, '/bin/sh', '/bin/sh /var/tmp/rpm-tmp.Ab12Cd 1'), '/etc/init.d/x'); }],
    ['unattended upgrades by a timer', (m) => { const u = m.service('/usr/bin/unattended-upgrade'); write(m, m.spawn(m.spawn(u, '/usr/bin/dpkg', 'dpkg -i'), '/bin/sh', 'sh /var/lib/dpkg/info/x.postinst'), '/etc/logrotate.d/x'); }],
    ['an administrator\'s editor, crontab, visudo, systemctl', (m) => { const s = m.login('root', '192.0.2.10'); write(m, m.spawn(s, '/usr/bin/vim', 'vim /etc/crontab'), '/etc/crontab'); write(m, m.spawn(s, '/usr/bin/crontab', 'crontab -e'), '/var/spool/cron/crontabs/root', 'rename'); write(m, m.spawn(s, '/usr/sbin/visudo'), '/etc/sudoers', 'rename'); write(m, m.spawn(s, '/usr/bin/systemctl', 'systemctl enable x'), '/etc/systemd/system/multi-user.target.wants/x.service', 'create'); write(m, s, '/root/.bashrc'); write(m, m.spawn(s, '/usr/bin/passwd'), '/etc/shadow', 'rename'); }],
    ['ansible over ssh', (m) => { write(m, m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/python3', '/usr/bin/python3 /root/.ansible/tmp/ansible-tmp-1/AnsiballZ_copy.py'), '/etc/systemd/system/app.service', 'rename'); }],
    ['salt and puppet', (m) => { write(m, m.service('/usr/bin/salt-minion'), '/etc/cron.d/x'); write(m, m.spawn(m.service('/usr/bin/puppet'), '/bin/sh', 'sh -c x'), '/root/.ssh/authorized_keys'); }],
    ['cloud-init', (m) => { const c = m.service('/usr/bin/cloud-init', '/usr/bin/python3 /usr/bin/cloud-init init', { cgroup: '/system.slice/cloud-init.service' }); write(m, c, '/root/.ssh/authorized_keys'); write(m, c, '/etc/sudoers.d/90-cloud-init-users'); }],
    ['systemd and sysctl at boot', (m) => { write(m, 1, '/run/systemd/system/x.service'); write(m, m.service('/usr/lib/systemd/systemd-sysctl'), '/proc/sys/kernel/core_pattern'); }],
    ['docker unpacks an image', (m) => { write(m, m.service('/usr/bin/dockerd'), '/var/lib/docker/overlay2/x/diff/etc/cron.d/apt'); write(m, m.service('/usr/bin/dockerd'), '/etc/systemd/system/x.service'); }],
    ['packages inside a container', (m) => { write(m, m.spawn(m.spawn(m.container(id), '/usr/bin/apt-get', 'apt-get install cron'), '/usr/bin/dpkg', 'dpkg'), '/etc/cron.d/x'); write(m, m.container(id), '/etc/passwd'); write(m, m.container(id), '/root/.profile'); }],
    ['git clones and its hooks', (m) => { write(m, m.spawn(m.login('root'), '/usr/bin/git', 'git clone'), '/root/x/.git/hooks/pre-commit'); }],
    ['other files of /etc', (m) => { write(m, m.worker(), '/etc/hosts'); write(m, m.service('/opt/x'), '/etc/nginx/conf.d/x.conf'); m.tell('file_event', m.worker(), { action: 'read', file_path: '/etc/crontab' }); }],
    ['a listed program', (m) => { write(m, m.service('/opt/panel/panel'), '/etc/cron.d/panel'); }],
    ['a backup put back', (m) => { write(m, m.spawn(m.login('root'), '/usr/bin/tar', 'tar xf'), '/root/.profile'); write(m, m.spawn(m.login('root'), '/usr/bin/rsync', 'rsync'), '/etc/cron.d/x', 'rename'); }],
  ])('%s', (_name, act) => {
    const m = new Machine(persistenceWrite, { settings: { known: ['/opt/panel/panel'] } });
    act(m);
    expect(m.found.map((d) => [d.level, d.group?.['program'], d.group?.['things']])).toEqual([]);
  });

  it('is listed at info when it is wanted', () => {
    const m = new Machine(persistenceWrite, { settings: { tellKnown: true } });
    write(m, m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/vim', 'vim /etc/crontab'), '/etc/crontab');
    expect(m.levels).toEqual(['info']);
  });
});

it('what one tree writes is one alert with its places, a step worse from three on', () => {
  const m = new Machine(persistenceWrite);
  const evil = m.service('/opt/a/x');
  const first = ['/etc/cron.d/a', '/root/.ssh/authorized_keys', '/etc/systemd/system/a.service'];
  for (const path of first) for (let i = 0; i < 5; i++) write(m, m.spawn(evil, '/opt/a/x', 'x'), path);
  expect(m.levels).toEqual(['high', 'high', 'critical']);
  expect(new Set(m.found.map((d) => d.key)).size).toBe(1);
  expect(m.found.at(-1)?.group?.['things']).toBe(first.join(', '));
});

it('a session from a network first seen today is high once log-ons were learned, also over a restart', () => {
  const first = new Machine(persistenceWrite);
  write(first, first.login('root', '203.0.113.5'), '/root/.bashrc');
  const m = new Machine(persistenceWrite, { state: first.trial.run.save?.() ?? '' });
  m.clock = began + 4 * 86_400_000;
  write(m, m.spawn(m.login('root', '203.0.113.77'), '/usr/bin/vim', 'vim'), '/etc/crontab');
  expect(m.found).toEqual([]);
  write(m, m.spawn(m.login('root', '198.51.100.9'), '/usr/bin/vim', 'vim'), '/etc/crontab');
  expect([m.worst, m.found[0]?.group?.['origin_en']]).toEqual(['high', 'the log-on session of root from 198.51.100.9']);
  m.clock += 2 * 86_400_000;
  write(m, m.spawn(m.login('root', '198.51.100.9'), '/usr/bin/vim', 'vim'), '/etc/crontab');
  expect(m.found).toHaveLength(1);
});

it('hooks of git where they are wanted', () => {
  const m = new Machine(persistenceWrite, { settings: { gitHooks: true } });
  write(m, m.worker(), '/srv/x/.git/hooks/post-merge');
  expect(m.levels).toEqual(['high']);
});

it('without packages a name still tells', () => {
  const m = new Machine(persistenceWrite, { packages: unindexed });
  write(m, m.spawn(m.cron('x'), '/usr/bin/logrotate'), '/etc/logrotate.d/x');
  expect(m.found).toEqual([]);
  write(m, m.spawn(m.cron('x'), '/bin/bash', 'bash'), '/etc/ld.so.preload');
  expect(m.levels).toEqual(['high']);
});
