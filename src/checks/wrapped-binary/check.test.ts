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

  it('is silent for copies somebody kept, diversions and scripts of packages', async () => {
    expect(shown(await scanRoot([wrappedBinary], {
      '/usr/bin/vi': { text: elf, mode, package: 'vim' }, '/usr/bin/vi.orig': { text: elf, mode }, '/usr/bin/ldd': { text: '#!/bin/bash\ntrue\n', mode, package: 'libc-bin' }, '/usr/bin/lone.real': { text: elf, mode },
      '/usr/bin/pip': { text: '#!/usr/bin/python3\n', mode }, '/usr/bin/run.distrib': { text: elf, mode, package: 'run' }, '/usr/bin/run': { text: '#!/bin/sh\ntrue\n', mode, package: 'wrapper' },
    }))).toEqual([]);
  });
});
