import { describe, expect, it } from 'vitest';
import { placeBelow, placeNames, placeOf } from './persistence.ts';

describe('placeOf', () => {
  it.each([
    ['/etc/crontab', 'cron'], ['/etc/cron.d/update', 'cron'], ['/etc/cron.hourly/x', 'cron'], ['/var/spool/cron/crontabs/root', 'cron'], ['/var/spool/cron/root', 'cron'], ['/var/spool/cron/atjobs/a00001', 'at'],
    ['/etc/systemd/system/x.service', 'systemd'], ['/usr/lib/systemd/system-generators/g', 'systemd'], ['/root/.config/systemd/user/x.timer', 'systemd'], ['/run/systemd/system/x.service', 'systemd'],
    ['/etc/rc.local', 'init'], ['/etc/init.d/x', 'init'], ['/etc/grub.d/40_custom', 'boot'], ['/etc/modules-load.d/x.conf', 'modules'], ['/lib/modules/6.1.0/extra/x.ko', 'modules'],
    ['/etc/profile.d/x.sh', 'profile'], ['/root/.bashrc', 'profile'], ['/home/web/.bash_logout', 'profile'], ['/etc/update-motd.d/99-x', 'motd'], ['/home/a/.config/autostart/x.desktop', 'autostart'],
    ['/root/.ssh/authorized_keys', 'ssh'], ['/var/lib/postgresql/.ssh/authorized_keys', 'ssh'], ['/home/a/.ssh/rc', 'ssh'], ['/etc/ssh/sshd_config.d/x.conf', 'sshd'],
    ['/etc/pam.d/sshd', 'pam'], ['/usr/lib/x86_64-linux-gnu/security/pam_x.so', 'pam'], ['/etc/sudoers.d/x', 'sudo'], ['/etc/passwd', 'accounts'], ['/etc/shadow', 'accounts'], ['/etc/ld.so.preload', 'preload'],
    ['/etc/udev/rules.d/1.rules', 'udev'], ['/etc/NetworkManager/dispatcher.d/1', 'network-hook'], ['/etc/apt/apt.conf.d/99x', 'package-hook'], ['/srv/app/.git/hooks/post-merge', 'git-hook'], ['/etc/logrotate.d/x', 'logrotate'],
    ['/proc/sys/kernel/core_pattern', 'kernel-helper'], ['/etc/xinetd.d/x', 'inetd'], ['/var/www/html/.user.ini', 'php'], ['/var/lib/cloud/scripts/per-boot/x', 'cloud'], ['/etc/kubernetes/manifests/x.yaml', 'pods'],
  ])('%s is %s', (path, id) => { expect(placeOf(path)).toBe(id); });

  it.each([
    '/etc/hosts', '/etc/passwd-', '/etc/cron.deny', '/var/log/syslog', '/root/notes.txt', '/root/.bash_history', '/home/a/.cache/x', '/home/a', '/srv/app/.git/hooks/post-merge.sample', '/var/spool/cron/crontabs/tmp.a1B2c3',
    '/etc/cron.d/.x.swp', '/etc/ssh/ssh_host_rsa_key', '/root/.ssh/known_hosts', '/lib/modules/6.1.0/modules.dep', '/backup/2026/11/host/root/.ssh/authorized_keys', '', '/', 'etc/crontab', '/usr/lib/systemd/catalog/systemd.catalog', '/tmp/etc/crontab',
  ])('%s is none', (path) => { expect(placeOf(path)).toBeUndefined(); });

  it('has a name for each', () => { for (const text of Object.values(placeNames)) expect(text.zh.length * text.en.length).toBeGreaterThan(0); });
});

it('a place is found below a folder of the host that a container sees', () => {
  expect(placeBelow('/host/etc/cron.d/x')).toEqual({ id: 'cron', before: '/host' });
  expect(placeBelow('/mnt/disk/root/.ssh/authorized_keys')).toEqual({ id: 'ssh', before: '/mnt/disk' });
  expect(placeBelow('/newproc/proc/sys/kernel/core_pattern')).toEqual({ id: 'kernel-helper', before: '/newproc' });
  expect(placeBelow('/mnt/data/config.json')).toBeUndefined();
  expect(placeBelow('/host/srv/x/.git/hooks/pre-push')).toBeUndefined();
});
