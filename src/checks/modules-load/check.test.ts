import { tellsOf } from '../../../test/plant-rows.ts';
import { modulesLoad } from './check.ts';

const kernel = '/usr/lib/modules/6.1.0-1-amd64';
tellsOf(modulesLoad, {
  rows: {
    'a module that no package ships': { files: { '/etc/modules-load.d/hid.conf': 'hid_helper\n', [`${kernel}/modules.dep`]: { text: 'kernel/fs/ext4.ko:\nkernel/drivers/hid/hid-helper.ko:\n', package: 'linux-image' }, [`${kernel}/kernel/drivers/hid/hid-helper.ko`]: 'ELF' }, finds: ['intrusion medium /etc/modules-load.d/hid.conf'] },
    'one behind a hidden name': { files: { '/etc/modules': '/usr/lib/.k/rk.ko\n' }, finds: ['intrusion high /etc/modules'] },
    'a command in place of a module': { files: { '/etc/modprobe.d/net.conf': 'install ext4 /tmp/m; /sbin/modprobe --ignore-install ext4\n' }, finds: ['intrusion high /etc/modprobe.d/net.conf'] },
  },
  ordinary: {
    [`${kernel}/modules.dep`]: { text: 'kernel/net/tcp_bbr.ko:\nupdates/dkms/nvidia.ko:\n', package: 'linux-image' }, [`${kernel}/kernel/net/tcp_bbr.ko`]: { text: 'ELF', package: 'linux-image' }, [`${kernel}/updates/dkms/nvidia.ko`]: 'ELF',
    '/etc/modules-load.d/bbr.conf': 'tcp_bbr\n', '/etc/modules-load.d/gpu.conf': '# driver\nnvidia\n',
    '/etc/modprobe.d/blacklist.conf': 'blacklist pcspkr\ninstall usb-storage /bin/true\ninstall dccp /bin/false\noptions kvm nested=1\n',
  },
  mild: ['notice low /etc/modules-load.d/gpu.conf'],
  reads: '/etc/modprobe.d/net.conf',
});
