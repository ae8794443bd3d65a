import { describe, expect, it } from 'vitest';
import { Machine, type MachineOptions } from '../../../test/machine.ts';
import { unfilled } from '../testing.ts';
import { logTampering } from './behaviour.ts';
import { logOf } from './logs.ts';

const machine = (settings: MachineOptions['settings'] = {}): Machine => new Machine(logTampering, { settings });
const empty = { extra: { empty: 'true' } };

describe('logs', () => {
  it.each([['/var/log/wtmp', 'accounts', false], ['/var/log/wtmp.1', 'accounts', true], ['/run/utmp', 'accounts', false], ['/var/log/auth.log', 'security', false], ['/var/log/auth.log.2.gz', 'security', true], ['/var/log/secure-20261122', 'security', true], ['/var/log/audit/audit.log', 'security', false], ['/var/log/journal/ab/system.journal', 'journal', false], ['/root/.bash_history', 'history', false], ['/var/log/nginx/access.log', 'service', false], ['/www/wwwlogs/a.log', 'service', false]] as const)('%s is of %s', (path, kind, rotated) => { expect(logOf(path)).toEqual({ kind, rotated }); });
  it.each(['/var/log/myapp.log', '/srv/history.txt', '/var/log/cron.log.txt', '/var/lib/x', '/home/a/history', '/etc/passwd'])('%s is none', (path) => { expect(logOf(path)).toBeUndefined(); });
});

describe('tracks covered', () => {
  it('a tool of the intruder that edits the records of log-ons', () => {
    const m = machine();
    m.file(m.spawn(m.login('root', '203.0.113.9'), '/tmp/clean', './clean root'), 'write', '/var/log/wtmp');
    expect(m.found).toMatchObject([{ level: 'critical', attack: ['T1070.002'], matrix: ['日志清理'], group: { program: '/tmp/clean', file: '/var/log/wtmp' } }]);
    expect(m.found[0]?.events[0]).toMatchObject({ origin: 'login', origin_ip: '203.0.113.9' });
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });

  it('one log after another makes it worse, in one story', () => {
    const m = machine();
    const bash = m.login('root');
    m.file(bash, 'write', '/var/log/kern.log', empty);
    for (const path of ['/var/log/auth.log', '/var/log/wtmp', '/var/log/btmp', '/root/.bash_history']) m.file(m.spawn(bash, '/usr/bin/rm', `rm ${path}`), 'delete', path);
    expect(m.found.map(({ level }) => level)).toEqual(['medium', 'high', 'critical']);
    expect(new Set(m.found.map(({ key }) => key)).size).toBe(1);
    expect(m.found.at(-1)?.group?.['names']).toContain('/var/log/auth.log');
  });

  it.each<[string, string, (m: Machine) => void]>([
    ['web server\'s child deletes the access log', 'high', (m) => { m.file(m.spawn(m.worker(), '/usr/bin/rm', 'rm'), 'delete', '/var/log/nginx/access.log'); }],
    ['web server\'s child empties auth.log', 'critical', (m) => { m.file(m.spawn(m.worker(), '/usr/bin/dash', 'sh -c >'), 'write', '/var/log/auth.log', empty); }],
    ['history turned into /dev/null', 'medium', (m) => { m.file(m.spawn(m.login(), '/usr/bin/ln', 'ln -sf /dev/null'), 'link', '/root/.bash_history', { extra: { target: '/dev/null' } }); }],
    ['history deleted', 'medium', (m) => { m.file(m.spawn(m.login(), '/usr/bin/rm', 'rm'), 'delete', '/home/wang/.bash_history'); }],
    ['history edited by sed', 'medium', (m) => { m.file(m.spawn(m.login(), '/usr/bin/sed', 'sed -i'), 'rename', '/root/.bash_history', { file_from: '/root/sedAb1' }); }],
    ['auth.log edited by sed', 'medium', (m) => { m.file(m.spawn(m.cron('x'), '/usr/bin/sed', 'sed -i'), 'rename', '/var/log/auth.log', { file_from: '/var/log/sedAb1' }); }],
    ['wtmp written by a shell', 'high', (m) => { m.file(m.login('root'), 'write', '/var/log/wtmp', empty); }],
    ['python edits lastlog', 'high', (m) => { m.file(m.spawn(m.login('root'), '/usr/bin/python3.11', 'python3 zap.py'), 'write', '/var/log/lastlog'); }],
    ['log moved away', 'high', (m) => { m.file(m.spawn(m.login('root'), '/usr/bin/mv', 'mv'), 'rename', '/tmp/x', { file_from: '/var/log/secure' }); }],
    ['impostor named logrotate', 'critical', (m) => { m.file(m.spawn(m.login('root'), '/tmp/logrotate', 'logrotate'), 'delete', '/var/log/auth.log'); }],
    ['impostor named rsyslogd, in /opt', 'high', (m) => { m.file(m.spawn(m.login('root'), '/opt/x/rsyslogd', 'rsyslogd'), 'write', '/var/log/syslog', empty); }],
  ])('%s: %s', (_name, level, play) => {
    const m = machine();
    play(m);
    expect(m.found.map((one) => one.level)).toEqual([level]);
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });
});

describe('by right', () => {
  it.each<[string, (m: Machine) => void]>([
    ['logrotate and its script', (m) => { const rotate = m.spawn(m.cron('logrotate'), '/usr/sbin/logrotate', 'logrotate /etc/logrotate.conf'); m.file(rotate, 'rename', '/var/log/auth.log.1', { file_from: '/var/log/auth.log' }); m.file(rotate, 'delete', '/var/log/auth.log.4.gz'); m.file(m.spawn(m.spawn(rotate, '/usr/bin/dash', 'sh -c postrotate'), '/usr/bin/rm', 'rm'), 'delete', '/var/log/syslog.7.gz'); }],
    ['rsyslogd, journald, auditd', (m) => { for (const [path, log] of [['/usr/sbin/rsyslogd', '/var/log/syslog'], ['/usr/lib/systemd/systemd-journald', '/var/log/journal/a/system.journal'], ['/usr/sbin/auditd', '/var/log/audit/audit.log']]) { const pid = m.service(path!, path, { unit: 'x' }); m.file(pid, 'write', log!); m.file(pid, 'delete', `${log}.1`); } }],
    ['a log-on', (m) => { const sshd = m.seen('/usr/sbin/sshd', 'sshd: wang'); for (const log of ['/var/log/wtmp', '/run/utmp', '/var/log/lastlog', '/var/log/btmp']) m.file(sshd, 'write', log); }],
    ['bash writes its history', (m) => { const bash = m.login(); m.file(bash, 'write', '/home/wang/.bash_history'); m.file(bash, 'write', '/home/wang/.bash_history', empty); m.file(m.spawn(bash, '/usr/bin/mysql', 'mysql'), 'write', '/home/wang/.mysql_history'); }],
    ['nginx from source reopens its log', (m) => { const pid = m.service('/www/server/nginx/sbin/nginx', '/www/server/nginx/sbin/nginx', { unit: 'nginx' }); m.file(pid, 'write', '/www/wwwlogs/a.log'); m.file(pid, 'rename', '/www/wwwlogs/a.log.1', { file_from: '/www/wwwlogs/a.log' }); }],
    ['a script adds its lines', (m) => { const bash = m.cron('/root/b.sh'); m.file(bash, 'write', '/var/log/cron.log'); m.file(bash, 'write', '/var/log/backup.log', empty); m.file(bash, 'write', '/var/log/messages'); }],
    ['old copies of a server are cleared by cron', (m) => { const find = m.spawn(m.cron('find'), '/usr/bin/find', 'find /var/log/nginx -delete'); for (let i = 0; i < 9; i++) m.file(find, 'delete', `/var/log/nginx/access.log.${i}.gz`); }],
    ['apt and an account that is removed', (m) => { const dpkg = m.spawn(m.login('root'), '/usr/bin/dpkg', 'dpkg'); m.file(m.spawn(dpkg, '/usr/bin/dash', 'postinst'), 'write', '/var/log/auth.log', empty); m.file(m.spawn(m.login('root'), '/usr/sbin/userdel', 'userdel -r x'), 'delete', '/home/x/.bash_history'); m.file(m.spawn(m.spawn(m.login('root'), '/usr/sbin/userdel', 'userdel'), '/usr/bin/rm', 'rm -r'), 'delete', '/home/x/.bash_history'); }],
    ['inside a container', (m) => { m.file(m.spawn(1, '/bin/rm', 'rm', { container_id: 'c'.repeat(64) }), 'delete', '/var/log/auth.log', { container_id: 'c'.repeat(64) }); }],
    ['allowed', (m) => { m.file(m.spawn(m.login(), '/opt/tidy', 'tidy'), 'delete', '/var/log/auth.log'); }],
  ])('%s', (_name, play) => {
    const m = machine({ allow: ['/opt/tidy'] });
    play(m);
    expect(m.found.map(({ level, group }) => ({ level, ...group }))).toEqual([]);
  });

  it('an administrator who empties an access log is told mildly', () => {
    const m = machine();
    m.file(m.login('root'), 'write', '/var/log/nginx/access.log', empty);
    expect(m.found.map(({ level }) => level)).toEqual(['low']);
  });
});

describe('log services', () => {
  it('one that ends and stays away is told once; one that is killed says so', () => {
    const m = machine();
    const pid = m.seen('/usr/sbin/rsyslogd', 'rsyslogd -n');
    m.end(pid, 137);
    m.wait(60_000);
    expect(m.found).toEqual([]);
    m.wait(300_000);
    expect(m.found).toMatchObject([{ level: 'high', attack: ['T1562.001'], key: 'stopped rsyslogd', group: { name: 'rsyslogd', pid_: String(pid) } }]);
    expect(m.found[0]?.summary?.en).toContain('was killed');
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });

  it('a restart, a daemon that forks away from its parent, and a child that ends are no stop', () => {
    const m = machine();
    const old = m.seen('/usr/sbin/rsyslogd', 'rsyslogd -n');
    m.end(old);
    const parent = m.service('/usr/sbin/rsyslogd', '/usr/sbin/rsyslogd', { unit: 'rsyslog' });
    m.fork(parent);
    m.end(parent);
    const auditd = m.seen('/usr/sbin/auditd');
    m.end(m.fork(auditd));
    m.wait(300_000);
    expect(m.found).toEqual([]);
  });
});
