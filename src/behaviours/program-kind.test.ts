import { expect, it } from 'vitest';
import { deedFile, isInterpreter } from './program-kind.ts';

it.each([
  ['/usr/bin/python3.11', 'python3 -u /opt/a/job.py --once', '/opt/a/job.py'],
  ['/bin/bash', 'bash /tmp/i.sh', '/tmp/i.sh'],
  ['/bin/sh', 'sh -c /tmp/i.sh', '/bin/sh'],
  ['/usr/bin/node', 'node --require /opt/trace.js /srv/app/main.js', '/srv/app/main.js'],
  ['/usr/bin/perl', 'perl -e print', '/usr/bin/perl'],
  ['/usr/bin/python3', 'python3 job.py', '/usr/bin/python3'],
  ['/usr/bin/python3', 'python3 /usr/local/bin/gunicorn app:app', '/usr/local/bin/gunicorn'],
  ['/usr/bin/dpkg', 'dpkg -i /tmp/x.deb', '/usr/bin/dpkg'],
  ['/lib64/ld-linux-x86-64.so.2', 'ld-linux-x86-64.so.2 /tmp/x', '/tmp/x'],
  ['/usr/bin/curl', 'curl -o /tmp/x', '/usr/bin/curl'],
  ['/usr/bin/curl', undefined, '/usr/bin/curl'],
])('%s as %s does what %s says', (program, cmdline, file) => { expect(deedFile(program, cmdline)).toBe(file); });

it('what runs a file that it is given is an interpreter', () => {
  const all = ['/bin/sh', '/usr/bin/python3.11', '/usr/bin/busybox', '/usr/bin/java', '/usr/bin/mawk', '/usr/bin/php-cgi8.2', '/lib64/ld-linux-x86-64.so.2', '/usr/bin/perl5.36.0'];
  expect(all.filter((path) => !isInterpreter(path))).toEqual([]);
  expect(['/usr/sbin/nginx', '/usr/sbin/php-fpm8.2', '/usr/bin/curl', '/opt/pythonic', '', undefined].filter(isInterpreter)).toEqual([]);
});
