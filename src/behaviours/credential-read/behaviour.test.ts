import { describe, expect, it } from 'vitest';
import { Machine, debian, unindexed } from '../../../test/machine.ts';
import type { Event } from '../../core/gen/event.ts';
import { unfilled } from '../testing.ts';
import { credentialRead } from './behaviour.ts';
import { secretOf } from './secrets.ts';

const id = 'c0ffee0123456789c0ffee0123456789c0ffee0123456789c0ffee0123456789';
const read = (m: Machine, pid: number, file_path: string): Event => m.tell('file_event', pid, { action: 'read', file_path });

describe('what is a secret', () => {
  it.each([
    ['/etc/shadow', 'shadow'], ['/root/.ssh/id_ed25519', 'ssh-key'], ['/home/a/.ssh/deploy.pem', 'ssh-key'], ['/etc/ssh/ssh_host_rsa_key', 'host-key'], ['/root/.aliyun/config.json', 'cloud'], ['/root/.tccli/default.credential', 'cloud'],
    ['/home/a/.kube/config', 'cloud'], ['/root/.my.cnf', 'database'], ['/home/a/.git-credentials', 'token'], ['/home/a/.mozilla/firefox/x.default/logins.json', 'browser'], ['/proc/800/environ', 'memory'], ['/proc/800/task/801/mem', 'memory'], ['/proc/kcore', 'memory'],
  ])('%s: %s', (path, kind) => { expect(secretOf(path, 7)).toBe(kind); });
  it.each(['/etc/passwd', '/root/.ssh/known_hosts', '/root/.ssh/id_rsa.pub', '/etc/ssh/ssh_host_rsa_key.pub', '/proc/7/environ', '/proc/self/environ', '/proc/800/stat', '/srv/app/logins.json', '/root/.ssh/', ''])('%s: none', (path) => { expect(secretOf(path, 7)).toBeUndefined(); });
});

describe('who reads decides', () => {
  it.each<[string, string, (m: Machine) => void]>([
    ['critical', 'a web worker\'s child', (m) => read(m, m.spawn(m.spawn(m.worker(), '/bin/sh', 'sh -c'), '/usr/bin/cat', 'cat', { uid: 33 }), '/home/a/.ssh/id_rsa')],
    ['critical', 'the worker itself, by a file inclusion', (m) => read(m, m.worker(), '/root/.ssh/id_rsa')],
    ['critical', 'a program in a temporary folder', (m) => read(m, m.spawn(m.login('root'), '/dev/shm/.k'), '/etc/shadow')],
    ['high', 'an unowned program of a service', (m) => read(m, m.service('/opt/x/agent'), '/etc/shadow')],
    ['high', 'a database told to load a file', (m) => read(m, m.service('/usr/sbin/mysqld'), '/root/.ssh/id_rsa')],
    ['high', 'an install script of npm', (m) => read(m, m.spawn(m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/node', 'node /usr/bin/npm install x'), '/bin/sh', 'sh -c node steal.js'), '/root/.aws/credentials')],
    ['medium', 'an unowned tool in a session', (m) => read(m, m.spawn(m.login('root'), '/usr/local/bin/tool'), '/etc/shadow')],
    ['low', 'an administrator with less', (m) => read(m, m.spawn(m.login('root'), '/usr/bin/less', 'less /etc/shadow'), '/etc/shadow')],
    ['medium', 'an odd program of a container', (m) => read(m, m.spawn(m.container(id), '/app/x'), '/etc/shadow')],
    ['critical', 'a web worker\'s child that goes through environments', (m) => read(m, m.spawn(m.worker(), '/usr/bin/cat', 'cat /proc/800/environ', { uid: 33 }), '/proc/800/environ')],
    ['medium', 'an unowned service that reads environments', (m) => read(m, m.service('/opt/x/agent'), '/proc/800/environ')],
    ['high', 'an unowned program that reads the kernel\'s memory', (m) => read(m, m.service('/opt/x/agent'), '/proc/kcore')],
    ['high', 'a sudo that is not the package\'s', (m) => read(m, m.service('/opt/evil'), '/home/a/.ssh/id_rsa')],
  ])('%s: %s', (level, _name, act) => {
    const m = new Machine(credentialRead);
    act(m);
    expect(m.worst).toBe(level);
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });
});

describe('quiet', () => {
  it.each<[string, (m: Machine) => void]>([
    ['sshd, sudo, cron, passwd and unix_chkpwd', (m) => { m.login('root', '192.0.2.10'); read(m, 800, '/etc/shadow'); read(m, m.spawn(m.login('root'), '/usr/bin/sudo', 'sudo id'), '/etc/shadow'); read(m, m.service('/usr/sbin/cron'), '/etc/shadow'); read(m, m.spawn(m.login('root'), '/usr/bin/passwd'), '/etc/shadow'); read(m, m.service('/usr/sbin/unix_chkpwd'), '/etc/shadow'); }],
    ['ssh and git with a key', (m) => { read(m, m.spawn(m.login('root'), '/usr/bin/ssh', 'ssh host'), '/root/.ssh/id_rsa'); read(m, m.spawn(m.spawn(m.login('root'), '/usr/bin/git', 'git pull'), '/usr/bin/ssh', 'ssh git@x'), '/root/.ssh/id_ed25519'); }],
    ['the tools of clouds', (m) => { read(m, m.spawn(m.login('root'), '/usr/bin/aws', '/usr/bin/python3 /usr/bin/aws s3 ls'), '/root/.aws/credentials'); read(m, m.spawn(m.cron('x'), '/usr/bin/kubectl', 'kubectl get pods'), '/root/.kube/config'); read(m, m.spawn(m.login('root'), '/usr/bin/docker', 'docker pull x'), '/root/.docker/config.json'); }],
    ['backups', (m) => { for (const path of ['/etc/shadow', '/root/.ssh/id_rsa', '/root/.my.cnf']) { read(m, m.spawn(m.cron('backup'), '/usr/bin/tar', 'tar cz /'), path); read(m, m.service('/usr/bin/restic'), path); } }],
    ['the daily copy of the accounts', (m) => { read(m, m.spawn(m.spawn(m.cron('run-parts'), '/bin/sh', '/bin/sh /etc/cron.daily/passwd'), '/usr/bin/cp', 'cp -p /etc/shadow shadow.bak'), '/etc/shadow'); }],
    ['database clients and their checks', (m) => { read(m, m.service('/usr/bin/mysqladmin'), '/etc/mysql/debian.cnf'); read(m, m.spawn(m.login('root'), '/usr/bin/psql'), '/root/.pgpass'); read(m, m.spawn(m.cron('dump'), '/usr/bin/mysqldump'), '/root/.my.cnf'); }],
    ['a site with its own settings', (m) => { read(m, m.worker(), '/var/www/.my.cnf'); }],
    ['ps and monitoring', (m) => { read(m, m.spawn(m.login('root'), '/usr/bin/ps', 'ps eww'), '/proc/800/environ'); read(m, m.service('/usr/sbin/zabbix_agentd'), '/proc/800/environ'); }],
    ['a debugger from source and a supervisor, with what they started', (m) => { for (const [path, file] of [['/home/a/go/bin/dlv', 'mem'], ['/opt/x/supervisor', 'environ']] as const) { const own = m.service(path); const child = m.spawn(own, '/srv/a.out'); read(m, own, `/proc/${child}/${file}`); } }],
    ['packages and configuration management', (m) => { read(m, m.spawn(m.spawn(m.login('root'), '/usr/bin/dpkg', 'dpkg --configure -a'), '/bin/sh', 'sh /var/lib/dpkg/info/x.postinst'), '/etc/shadow'); read(m, m.spawn(m.spawn(m.login('root'), '/usr/bin/python3', '/usr/bin/python3 /usr/bin/ansible-playbook'), '/usr/bin/python3', '/usr/bin/python3 -'), '/root/.ssh/id_rsa'); }],
    ['npm with its token', (m) => { read(m, m.spawn(m.login('root'), '/usr/bin/node', 'node /usr/bin/npm ci'), '/root/.npmrc'); }],
    ['passwd inside a container', (m) => { read(m, m.spawn(m.container(id), '/usr/bin/passwd'), '/etc/shadow'); }],
    ['a debugger and its child', (m) => { const gdb = m.spawn(m.login('root'), '/usr/bin/gdb'); const child = m.spawn(gdb, '/srv/a.out'); m.tell('process_access', gdb, { action: 'vm-read', extra: { target_pid: String(child), target_name: 'a.out' } }); }],
    ['programs that the operator lists', (m) => { read(m, m.service('/opt/agent/run'), '/etc/shadow'); read(m, m.service('/usr/bin/python3', '/usr/bin/python3 /srv/sync.py'), '/root/.aws/credentials'); }],
  ])('%s', (_name, act) => {
    const m = new Machine(credentialRead, { settings: { readers: ['/opt/agent/run', '/srv/sync.py'] } });
    act(m);
    expect(m.found.map((d) => [d.level, d.group?.['program'], d.group?.['things']])).toEqual([]);
  });
});

it('a harvest of several kinds is one alert, a step worse, with the files', () => {
  const m = new Machine(credentialRead);
  const sh = m.spawn(m.login('root'), '/bin/bash', 'bash grab.sh');
  for (const path of ['/etc/shadow', '/root/.ssh/id_rsa', '/root/.aliyun/config.json', '/root/.kube/config']) read(m, m.spawn(sh, '/usr/bin/cat', `cat ${path}`), path);
  expect([m.worst, new Set(m.found.map((d) => d.key)).size]).toEqual(['medium', 1]);
  expect(m.found.at(-1)?.group?.['things']).toBe('/etc/shadow, /root/.ssh/id_rsa, /root/.aliyun/config.json, /root/.kube/config');
  expect(m.found.at(-1)?.attack).toEqual(['T1003.008', 'T1552.004', 'T1552.001']);
});

it('memory of another process read by an unowned program', () => {
  const m = new Machine(credentialRead);
  m.login('root');
  m.tell('process_access', m.service('/opt/x/dump'), { action: 'vm-read', extra: { target_pid: '800', target_name: 'sshd' } });
  expect(m.levels).toEqual(['high']);
});

it('a changed file of a package is trusted no more than one of nobody', () => {
  const packages = debian();
  const m = new Machine(credentialRead, { knowledge: { packages: { ready: true, owner: (path) => { const file = packages.owner(path); return file && (path === '/usr/bin/cat' ? { ...file, intact: false } : file); } } } });
  read(m, m.service('/usr/bin/cat'), '/etc/shadow');
  expect(m.levels).toEqual(['high']);
});

it('without packages and lineage unusual readers are still told', () => {
  const m = new Machine(credentialRead, { packages: unindexed });
  m.tell('file_event', undefined, { action: 'read', file_path: '/etc/shadow', process_path: '/usr/bin/xxd' });
  m.tell('file_event', undefined, { action: 'read', file_path: '/etc/shadow', process_path: '/usr/bin/su' });
  expect(m.levels).toEqual(['medium']);
});
