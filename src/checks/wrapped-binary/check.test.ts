import { describe, expect, it } from 'vitest';
import { scanRoot, shown } from '../../../test/throwaway-root.ts';
import { wrappedBinary } from './check.ts';

const mode = 0o755;
const elf = Buffer.from('\x7fELF and more');

describe('wrapped-binary', () => {
  it('finds doubles beside the true program, and scripts in place of programs', async () => {
    const report = await scanRoot([wrappedBinary], {
      '/usr/bin/ps': { text: '#!/bin/sh\n/usr/bin/ps.original "$@" | grep -v kdev\n', shipped: 'the program ps', mode, package: 'procps' }, '/usr/bin/ps.original': { text: elf, mode },
      '/usr/sbin/login': { text: elf, mode }, '/usr/sbin/login.real': { text: elf, mode },
      '/usr/bin/netstat': { text: '#!/bin/bash\ntrue\n', shipped: 'the program netstat', mode, package: 'net-tools' },
      '/usr/local/bin/tool': { text: '#!/bin/sh\nexec tool.real\n', mode }, '/usr/local/bin/tool.real': { text: elf, mode },
    });
    expect(shown(report)).toEqual(['critical /usr/bin/ps', 'high /usr/bin/netstat', 'high /usr/bin/ps', 'medium /usr/sbin/login', 'low /usr/local/bin/tool']);
  });

  it('finds scripts in front of programs that hide what these show or keep passwords', async () => {
    const report = await scanRoot([wrappedBinary], {
      '/usr/local/bin/netstat': { text: '#!/bin/sh\n/bin/netstat "$@" | grep -v 4444\n', mode }, '/usr/local/sbin/su': { text: '#!/bin/sh\nread -s p\necho "$p" >> /var/lib/misc/k\nexec /bin/su "$@"\n', mode },
      '/usr/local/bin/ls': { text: '#!/bin/sh\nexec /bin/ls --color=auto "$@"\n', mode }, '/usr/local/bin/ssh': { text: '#!/bin/sh\nexec /usr/bin/ssh -o ServerAliveInterval=30 "$@"\n', mode },
    });
    expect(shown(report)).toEqual(['critical /usr/local/sbin/su', 'medium /usr/local/bin/netstat']);
  });

  it('takes a diverted program that is called with one more option for what it is', async () => {
    const diverted = (body: string) => scanRoot([wrappedBinary], { '/var/lib/dpkg/diversions': '/usr/bin/web\n/usr/bin/web.distrib\n:\n', '/usr/bin/web.distrib': { text: elf, mode }, '/usr/bin/web': { text: `#!/bin/sh\n${body}\n`, mode } });
    expect(shown(await diverted('exec /usr/bin/web.distrib --no-gpu "$@"'))).toEqual(['low /usr/bin/web']);
    expect(shown(await diverted('exec /usr/bin/web.distrib "$@" | grep -v x'))).toEqual(['high /usr/bin/web']);
    expect(shown(await diverted('/tmp/a & exec /usr/bin/web.distrib "$@"'))).toEqual(['high /usr/bin/web']);
  });

  it('is silent for copies somebody kept, diversions and scripts of packages', async () => {
    expect(shown(await scanRoot([wrappedBinary], {
      '/usr/bin/vi': { text: elf, mode, package: 'vim' }, '/usr/bin/vi.orig': { text: elf, mode }, '/usr/bin/ldd': { text: '#!/bin/bash\ntrue\n', mode, package: 'libc-bin' }, '/usr/bin/lone.real': { text: elf, mode },
      '/usr/bin/pip': { text: '#!/usr/bin/python3\n', mode }, '/usr/bin/run.distrib': { text: elf, mode, package: 'run' }, '/usr/bin/run': { text: '#!/bin/sh\ntrue\n', mode, package: 'wrapper' },
    }))).toEqual([]);
  });
});
