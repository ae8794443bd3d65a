import { describe, expect, it } from 'vitest';
import { placeBelow, placeById, placeOf, places } from './places.ts';

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

  it.each([
    ['/run/systemd/transient/run-u5.service', 'systemd'], ['/run/user/1000/systemd/transient/x.service', 'systemd'], ['/etc/systemd/system.conf.d/x.conf', 'systemd'], ['/etc/containers/systemd/x.container', 'systemd'],
    ['/boot/efi/EFI/debian/grub.cfg', 'boot'], ['/etc/kernel/postinst.d/x', 'boot'], ['/usr/share/initramfs-tools/hooks/x', 'boot'], ['/lib/modprobe.d/x.conf', 'modules'], ['/run/tmpfiles.d/x.conf', 'tmpfiles'],
    ['/home/a/.bash_aliases', 'profile'], ['/var/www/.bashrc', 'profile'], ['/var/lib/postgresql/.profile', 'profile'], ['/home/a/.config/fish/conf.d/x.fish', 'profile'], ['/data/git/.ssh/authorized_keys', 'ssh'],
    ['/lib/x86_64-linux-gnu/security/pam_x.so', 'pam'], ['/lib64/security/pam_x.so', 'pam'], ['/usr/lib/aarch64-linux-gnu/libnss_x.so.2', 'nss'], ['/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2', 'loader'], ['/usr/lib64/libc.so.6', 'loader'],
    ['/var/lib/dpkg/info/openssl.postinst', 'package-hook'], ['/usr/lib/python3.9/site-packages/dnf-plugins/x.py', 'package-hook'], ['/etc/gitconfig', 'git-hook'], ['/etc/sysctl.d/99-x.conf', 'sysctl'],
    ['/usr/lib/nginx/modules/x.so', 'server-module'], ['/etc/php/8.2/fpm/php.ini', 'server-module'], ['/usr/lib/x86_64-linux-gnu/mariadb19/plugin/x.so', 'database-plugin'], ['/etc/docker/daemon.json', 'container-engine'], ['/var/lib/cloud/instances/i-1/user-data.txt', 'cloud'],
  ])('%s is %s too', (path, id) => { expect(placeOf(path)).toBe(id); });

  it.each([
    '/srv/app/.git/config', '/var/www/html/.htaccess', '/var/lib/dpkg/info/openssl.list', '/usr/lib/x86_64-linux-gnu/libc.a', '/home/a/.config/fish/fish_variables', '/var/lib/cloud/instances/i-1/boot-finished', '/var/lib/postgresql/15/main/base/1', `/etc/cron.d/${'x'.repeat(5000)}`,
  ])('%s is written all day', (path) => { expect(placeOf(path)).toBeUndefined(); });
});

describe('the list', () => {
  it('names each place once, in both languages, with a technique', () => {
    expect(Object.keys(placeById).length).toBe(places.length);
    for (const { name, meaning, attack, paths } of places) {
      for (const text of [name, meaning]) expect(text.zh.length * text.en.length).toBeGreaterThan(0);
      expect(attack).toMatch(/^T1\d{3}(?:\.\d{3})?$/);
      expect(paths.filter((path) => !/^(?:\/|~\/|\*\*\/)[^*~].*[^ ]$/.test(path))).toEqual([]);
    }
    const all = places.flatMap(({ paths }) => paths);
    expect(all.filter((path, i) => all.indexOf(path) !== i)).toEqual([]);
  });

  /** A file that stands where the pattern says. */
  const example = (pattern: string): string => {
    const path = pattern.replace(/^~/, '/home/a').replace(/^\*\*/, '/srv/app').replaceAll('*', 'x1');
    return path.endsWith('/') ? `${path}x${path.includes('/modules/') ? '.ko' : ''}` : path;
  };

  it.each(places.flatMap(({ id, paths, everyday }) => paths.map((path) => [path, id, everyday] as const)))('%s is found as %s', (path, id, everyday) => {
    expect(placeOf(example(path))).toBe(everyday ? undefined : id);
  });
});

it('a place is found below a folder of the host that a container sees', () => {
  expect(placeBelow('/host/etc/cron.d/x')).toEqual({ id: 'cron', before: '/host' });
  expect(placeBelow('/mnt/disk/root/.ssh/authorized_keys')).toEqual({ id: 'ssh', before: '/mnt/disk' });
  expect(placeBelow('/newproc/proc/sys/kernel/core_pattern')).toEqual({ id: 'kernel-helper', before: '/newproc' });
  expect(placeBelow('/mnt/data/config.json')).toBeUndefined();
  expect(placeBelow('/host/srv/x/.git/hooks/pre-push')).toBeUndefined();
});
