import { expect, it } from 'vitest';
import { tellsOf } from '../../../test/plant-rows.ts';
import { readBinfmt, readRegistered } from './binfmt.ts';
import { kernelHelpers } from './check.ts';

tellsOf(kernelHelpers, {
  rows: {
    'a dump handler in a hidden folder': { files: { '/proc/sys/kernel/core_pattern': '|/usr/lib/.c/dump %p\n', '/usr/lib/.c/dump': { text: 'ELF', mode: 0o755 } }, finds: ['intrusion high /proc/sys/kernel/core_pattern'] },
    'another loader of modules': { files: { '/proc/sys/kernel/modprobe': '/usr/local/sbin/modprobe\n', '/usr/local/sbin/modprobe': { text: 'ELF', mode: 0o755 } }, finds: ['intrusion high /proc/sys/kernel/modprobe'] },
    'a device helper': { files: { '/sys/kernel/uevent_helper': '/tmp/u\n' }, finds: ['intrusion high /sys/kernel/uevent_helper'] },
    'hotplug': { files: { '/proc/sys/kernel/hotplug': '/dev/shm/h\n' }, finds: ['intrusion high /proc/sys/kernel/hotplug'] },
    'a dump handler that is set at boot': { files: { '/etc/sysctl.d/60-c.conf': 'kernel/core_pattern = |/tmp/c\n' }, finds: ['intrusion high /etc/sysctl.d/60-c.conf'] },
    'a program that takes over the executables of the machine': { files: { '/proc/sys/fs/binfmt_misc/elf': 'enabled\ninterpreter /opt/.e/e\nflags: OC\noffset 0\nmagic 7f454c460201\n', '/opt/.e/e': { text: 'ELF', mode: 0o755 } }, finds: ['intrusion critical /proc/sys/fs/binfmt_misc/elf'] },
    'one for scripts, set at boot': { files: { '/etc/binfmt.d/s.conf': ':s:M::#!::/opt/.e/s:\n', '/opt/.e/s': { text: 'ELF', mode: 0o755 } }, finds: ['intrusion high /etc/binfmt.d/s.conf'] },
    'a helper for keys': { files: { '/etc/request-key.d/x.conf': 'create user debug:* * /tmp/k %k\n' }, finds: ['intrusion high /etc/request-key.d/x.conf'] },
    'a way out of a container': { files: { '/sys/fs/cgroup/rdma/release_agent': '/cmd\n' }, finds: ['intrusion high /sys/fs/cgroup/rdma/release_agent'] },
  },
  ordinary: {
    '/proc/sys/kernel/core_pattern': '|/usr/lib/systemd/systemd-coredump %P %u\n', '/usr/lib/systemd/systemd-coredump': { text: 'ELF', mode: 0o755, package: 'systemd-coredump' },
    '/proc/sys/kernel/modprobe': '/sbin/modprobe\n', '/usr/sbin/modprobe': { text: 'ELF', mode: 0o755, package: 'kmod' },
    '/sys/kernel/uevent_helper': '\n', '/proc/sys/kernel/hotplug': '\n',
    '/etc/sysctl.conf': 'net.ipv4.ip_forward=1\nkernel.core_pattern=/var/crash/core.%e.%p\n',
    '/proc/sys/fs/binfmt_misc/qemu-aarch64': 'enabled\ninterpreter /usr/bin/qemu-aarch64\nflags: POCF\noffset 0\nmagic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n',
    '/proc/sys/fs/binfmt_misc/status': 'enabled\n',
    '/etc/request-key.conf': 'create dns_resolver * * /sbin/key.dns_resolver %k\n',
  },
  reads: '/etc/sysctl.d/60-c.conf',
});

it('reads registrations as they are announced and as the kernel shows them', () => {
  expect(readBinfmt(String.raw`:CLR:M::MZ\x90::/usr/bin/mono:C`)).toEqual({ name: 'CLR', interpreter: '/usr/bin/mono', magic: '4d5a90', mask: '', credentials: true });
  expect(readBinfmt(',jar,E,,jar,,/usr/bin/jexec,')).toMatchObject({ magic: '', interpreter: '/usr/bin/jexec', credentials: false });
  expect(readBinfmt('::::')).toBeUndefined();
  expect(readRegistered('x', 'disabled\ninterpreter /x\n')).toBeUndefined();
});
