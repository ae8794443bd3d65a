import { describe, expect, it } from 'vitest';
import { disguiseOf } from './disguise.ts';

describe('disguise', () => {
  it.each([
    ['kernel', '/usr/local/games/k', 'k', '[kworker/1:2]', false],
    ['kernel', '/usr/bin/bash', 'bash', '[kthreadd]', true],
    ['kernel', '/var/lib/x', 'kworker/0:3', '/var/lib/x', false],
    ['kernel', '/tmp/kworkerds', 'kworkerds', '/tmp/kworkerds', false],
    ['service', '/tmp/sshd', 'sshd', '/tmp/sshd', false],
    ['service', '/root/.cfg/nginx', 'nginx', 'nginx', false],
    ['service', '/opt/log/rsyslogd', 'rsyslogd', '/opt/log/rsyslogd -n', false],
    ['service', '/usr/local/bin/rsyslogd ', 'rsyslogd ', '/usr/local/bin/rsyslogd ', false],
    ['title', '/opt/a/b', 'b', '/usr/sbin/rsyslogd -n', false],
    ['alike', '/usr/sbin/rsyslogd2', 'rsyslogd2', '/usr/sbin/rsyslogd2', false],
    ['alike', '/opt/x/systemd-jounald', 'systemd-jounald', '/opt/x/systemd-jounald', false],
    ['alike', '/opt/x/rsylsogd', 'rsylsogd', 'rsylsogd', false],
  ] as const)('%s: %s as %s', (as, path, name, cmdline, owned) => { expect(disguiseOf(path, name, cmdline, owned)?.as).toBe(as); });

  it.each([
    [undefined, 'kworker/0:1', undefined, false],
    ['/usr/sbin/rsyslogd', 'rsyslogd', '/usr/sbin/rsyslogd -n', true],
    ['/usr/local/sbin/sshd', 'sshd', 'sshd: root [priv]', false],
    ['/www/server/nginx/sbin/nginx', 'nginx', 'nginx: worker process', false],
    ['/www/server/php/74/sbin/php-fpm', 'php-fpm', 'php-fpm: pool www', false],
    ['/opt/php/sbin/php-fpm74', 'php-fpm74', 'php-fpm: pool www', false],
    ['/usr/bin/[', '[', '[ -f /x ]', true],
    ['/bin/busybox', 'syslogd', 'syslogd -n', false],
    ['/usr/bin/python3.11', 'fail2ban-server', '/usr/bin/python3 /usr/bin/fail2ban-server', true],
    ['/opt/app/worker', 'worker', './worker --queue mail', false],
    ['/opt/faster', 'faster', 'faster', false],
    ['/opt/kibana/bin/kibana', 'kibana', 'kibana', false],
  ] as const)('none: %s', (path, name, cmdline, owned) => { expect(disguiseOf(path, name, cmdline, owned)).toBeUndefined(); });
});
