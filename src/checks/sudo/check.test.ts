import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { sudo } from './check.ts';

const base = 'Defaults env_reset\nDefaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n';
const told = async (text: string, more = {}) => (await scanRoot([sudo], { '/etc/sudoers': { text: base, mode: 0o440 }, '/etc/sudoers.d/x': { text, mode: 0o440 }, ...more })).findings.map(({ kind, level }) => `${kind} ${level}`);

describe('sudo', () => {
  it('finds who becomes root too easily', async () => {
    expect(await told('')).toEqual([]);
    expect(await told('ALL ALL=(ALL) NOPASSWD: ALL\n')).toEqual(['intrusion critical']);
    expect(await told('www-data ALL=(ALL) NOPASSWD: ALL\n')).toEqual(['weakness high']);
    expect(await told('#33 ALL = ALL\n')).toEqual(['weakness high']); // a number, not a comment
    expect(await told('lin ALL=(root) NOPASSWD: ALL\n')).toEqual(['weakness low']);
    expect(await told('User_Alias WEB = www-data, daemon\nCmnd_Alias ANY = ALL\nWEB ALL = NOPASSWD: ANY\n')).toEqual(['weakness high', 'weakness high']);
    expect(await told('lin ALL = NOPASSWD: /usr/bin/less /var/log/*\n')).toEqual(['weakness low']);
    expect(await told('lin ALL = /tmp/run.sh\n')).toEqual(['intrusion high']);
    expect(await told('lin ALL = /opt/run.sh\n', { '/opt/run.sh': { text: '', mode: 0o777 } })).toEqual(['weakness high']);
    expect(await told('www-data ALL = NOPASSWD: /usr/bin/vim, /usr/bin/find *\n')).toEqual(['weakness medium', 'weakness medium']);
    expect(await told(`lin ALL = /usr/bin/id${' '.repeat(160)}, NOPASSWD: ALL\n`)).toEqual(['intrusion high', 'weakness low']);
  });

  it('finds what stands behind another part, an option, a pattern', async () => {
    expect(await told('ALL ALL = /usr/bin/id : ALL = (ALL) NOPASSWD: ALL\n')).toEqual(['intrusion critical']);
    expect(await told('ALL ALL=(root:root) /usr/bin/id:web1, web2=NOPASSWD:ALL\n')).toEqual(['intrusion critical']);
    expect(await told('ALL ALL=(ALL) CWD=/ TIMEOUT=9d NOPASSWD: ALL\n')).toEqual(['intrusion critical']);
    expect(await told('www-data ALL = NOPASSWD: /usr/bin/, /bin/*sh, ^/usr/.*$\n')).toEqual(['weakness high', 'weakness high', 'weakness high']);
    expect(await told('Cmnd_Alias A=/usr/bin/id:B=ALL\nALL ALL=NOPASSWD:B\n')).toEqual(['intrusion critical']);
    expect(await told('Defaults env_keep += "LD_*"\nDefaults env_keep = *\nDefaults setenv\nDefaults exempt_group=www-data\n')).toEqual(['weakness high', 'weakness high', 'weakness medium', 'weakness medium']);
    expect(await told('lin ALL = sha256:0123456789abcdef /usr/bin/id, (app:app) NOEXEC: LOG_INPUT: /usr/bin/tool host\\:80 a\\=b : web1 = /usr/bin/id\nDefaults env_keep += "LANG LC_* XDG_SESSION_ID"\n')).toEqual([]);
  });

  it('finds settings that open it', async () => {
    expect(await told('Defaults !authenticate\nDefaults:lin env_keep += "LD_PRELOAD EDITOR"\nDefaults timestamp_timeout=-1, !syslog\nDefaults secure_path="/tmp/bin:/usr/bin"\nDefaults !tty_tickets\n')).toEqual(['weakness high', 'weakness high', 'weakness medium', 'weakness medium', 'weakness medium', 'weakness low']);
    expect(shown(await scanRoot([sudo], { '/etc/sudo.conf': 'Plugin sudoers_policy sudoers.so\nPlugin keep /usr/lib/.k/keep.so\n', '/usr/lib/.k/keep.so': 'ELF' }))).toEqual(['high /etc/sudo.conf']);
    expect(shown(await scanRoot([sudo], { '/etc/doas.conf': { text: 'permit nopass www-data\npermit nopass keepenv lin as root cmd reboot\npermit persist :wheel\n', mode: 0o400 } }))).toEqual(['high /etc/doas.conf', 'low /etc/doas.conf']);
  });

  it('is silent for limited rules and follows includes', async () => {
    expect(await told('deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart app, /usr/bin/systemctl reload nginx\nzabbix ALL=(root) NOPASSWD: /usr/bin/fail2ban-client status\n%ops ALL=(ALL) ALL\nDefaults use_pty, logfile="/var/log/sudo.log"\n')).toEqual([]);
    expect(await told('', { '/etc/sudoers.d/off.bak': { text: 'ALL ALL=NOPASSWD: ALL\n', mode: 0o440 } })).toEqual([]);
    expect(await told('@include /opt/rules\n', { '/opt/rules': { text: 'ALL ALL=NOPASSWD: ALL\n', mode: 0o440 } })).toEqual(['intrusion critical']);
    expect(await told('#include x\n')).toEqual([]);
    expect(await told('', { '/etc/sudoers.d/x': { text: 'ALL ALL=NOPASSWD: ALL\n', package: 'odd', config: true } })).toEqual([]);
  });

  it('finds files that others may change, and those that went are gone', async () => {
    const root = makeRoot({ '/etc/sudoers': { text: base, mode: 0o666 } });
    expect(shown(await scanRoot([sudo], root))).toEqual(['critical /etc/sudoers']);
    rmSync(join(root, 'etc/sudoers'));
    expect(shown(await scanRoot([sudo], root))).toEqual([]);
  });

  it('bears hostile text', async () => {
    expect(await told(`${'a,'.repeat(50_000)}\n${'"'.repeat(50_000)}\n${'a '.repeat(50_000)}\n${'a , '.repeat(2000)}x\nA = ${'('.repeat(50_000)}\n`)).toEqual([]);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([sudo], makeRoot({ '/etc/sudoers': base }), '/etc/sudoers');
    expect(report.blind.map(({ what }) => what)).toEqual(['/etc/sudoers']);
  });
});
