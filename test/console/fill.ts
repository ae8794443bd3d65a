/** What stands in a data folder before Moat begins: findings of a scan, some with actions that put them right, on files of the test's own. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finding } from '../../src/core/finding.ts';
import { openSqliteStore } from '../../src/stores/sqlite/store.ts';

/** As a host may send it: markup, signs that turn text around or hide in it, escapes of a terminal. */
export const hostile = '<img src=x onerror=window.pwned=1>\u202egpj.exe\u200b\u001b[31mred\u001b[0m';

/** Beside the data folder. */
export const ownFile = (folder: string): string => join(folder, 'site/settings.php');

export function fill(data: string): void {
  const folder = dirname(data);
  const open = ownFile(folder);
  mkdirSync(dirname(open), { recursive: true });
  writeFileSync(open, '<?php $password = "sample";\n');
  chmodSync(open, 0o666);
  const now = Date.now();
  const shell = join(folder, 'site/upload.php');
  const found: Finding[] = [
    {
      id: 'c0ffee0000000001', check: 'setuid', kind: 'weakness', level: 'high', title: { zh: `谁都能改 ${open}`, en: `anybody may change ${open}` }, path: open, refs: ['cis:6.1.10'],
      evidence: [{ what: { zh: '权限', en: 'mode' }, value: '0666', path: open }], means: { zh: '任何账号都能改网站的设置，例如换掉数据库口令。', en: 'Any account may change the settings of the web site, and with them the password of its database.' },
      fix: { text: { zh: '收回其他人的写权限', en: 'Take the right to write away from others' }, commands: [['chmod', 'go-w', open]], actions: [{ action: 'change-mode', input: { path: open, mode: '0644' } }] },
    },
    {
      id: 'c0ffee0000000002', check: 'webshell', kind: 'intrusion', level: 'high', title: { zh: `网站木马 ${hostile}`, en: `a web shell ${hostile}` }, path: shell, refs: ['attack:T1505.003'], time: now - 7_200_000,
      evidence: [{ what: { zh: '第 3 行', en: 'line 3' }, value: `eval($_POST['x']); // ${hostile}`, path: shell, line: 3 }], means: { zh: '访问它的人可以在这台机器上执行任意命令。', en: 'Whoever opens it runs any command on this machine.' },
      fix: { text: { zh: '移入隔离区', en: 'Put it into quarantine' }, commands: [['moat', 'quarantine', shell]], actions: [{ action: 'quarantine-file', input: { path: shell } }] },
    },
    {
      id: 'c0ffee0000000003', check: 'kernel-settings', kind: 'weakness', level: 'medium', title: { zh: '内核地址对普通账号可见', en: 'addresses of the kernel are shown to anybody' }, refs: ['cis:1.5.3'], evidence: [{ what: { zh: '设置', en: 'setting' }, value: 'kernel.kptr_restrict = 0' }],
      fix: { text: { zh: '在引导参数里关闭后重启', en: 'Turn it off in the boot parameters and start anew' }, commands: [['update-grub'], ['systemctl', 'reboot']] },
    },
  ];
  const store = openSqliteStore({ dir: data });
  try {
    for (const [id, hoursAgo, score] of [['5ca0000000000001', 49, 58], ['5ca0000000000002', 25, 64]] as const) store.scans.save({ id, started: now - hoursAgo * 3_600_000, ended: now - hoursAgo * 3_600_000 + 41_000, by: 'schedule', checks: found.map(({ check }) => check), files: 183_201, verdict: 'compromised', findings: { critical: 0, high: 2, medium: 1, low: 0, info: 0 }, blind: [], blind_left: 0, score }, found, []);
  } finally { store.close(); }
}
