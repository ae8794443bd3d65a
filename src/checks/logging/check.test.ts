import { chmodSync, mkdirSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { logging } from './check.ts';

const debian = 'auth,authpriv.*\t\t\t/var/log/auth.log\n*.*;auth,authpriv.none\t\t-/var/log/syslog\ncron.*\t/var/log/cron.log\n*.emerg :omusrmsg:*\n';

describe('logging', () => {
  it('finds daemons that are told to keep nothing', async () => {
    expect(shown(await scanRoot([logging], { '/etc/systemd/journald.conf': '[Journal]\nStorage=none\n' }))).toEqual(['high /etc/systemd/journald.conf']);
    expect(shown(await scanRoot([logging], { '/etc/systemd/journald.conf': '[Journal]\n#Storage=none\nStorage=none\n', '/etc/systemd/journald.conf.d/a.conf': '[Journal]\nStorage=persistent\n' }))).toEqual([]);
    expect(shown(await scanRoot([logging], { '/etc/rsyslog.conf': `*.* ~\n${debian}` }))).toEqual(['high /etc/rsyslog.conf']);
    expect(shown(await scanRoot([logging], { '/etc/rsyslog.d/0.conf': 'auth,authpriv.* /dev/null\n', '/etc/rsyslog.d/1.conf': ':msg, contains, "Accepted" stop\n', '/etc/rsyslog.d/2.conf': ':msg, contains, "systemd-timesyncd" stop\n' }))).toEqual(['high /etc/rsyslog.d/0.conf', 'medium /etc/rsyslog.d/1.conf']);
    expect(shown(await scanRoot([logging], { '/etc/audit/rules.d/a.rules': '-D\n-e 0\n', '/etc/systemd/system/rsyslog.service': '->/dev/null' }))).toEqual(['medium /etc/audit/rules.d/a.rules', 'medium /etc/systemd/system/rsyslog.service']);
    expect(shown(await scanRoot([logging], { '/etc/audit/rules.d/b.rules': '-a never,task\n', '/etc/audit/rules.d/c.rules': '-a never,exit -F path=/var/spool/x\n' }))).toEqual(['medium /etc/audit/rules.d/b.rules']);
    expect(shown(await scanRoot([logging], { '/etc/rsyslog.conf': debian, '/etc/audit/rules.d/a.rules': '-D\n-e 2\n', '/etc/systemd/journald.conf': '[Journal]\nSystemMaxUse=500M\n' }))).toEqual([]);
  });

  it('finds logs that lead nowhere, are open to all, or are gone', async () => {
    const root = makeRoot({ '/var/log/auth.log': '->/dev/null', '/var/log/syslog': { text: 'a\n', mode: 0o666 }, '/var/log/wtmp.1': 'x', '/var/log/secure-20250101.gz': 'x' });
    expect(shown(await scanRoot([logging], root))).toEqual(['high /var/log/auth.log', 'medium /var/log/secure', 'medium /var/log/syslog', 'medium /var/log/wtmp']);
    chmodSync(join(root, 'var/log'), 0o777);
    expect(shown(await scanRoot([logging], root))).toContain('high /var/log');
  });

  it('tells logs emptied in place from rotated ones and from a tidy image', async () => {
    const hour = 3_600_000;
    const later = Date.now() + 5 * hour;
    const planted = (more = {}) => {
      const root = makeRoot({ '/etc/ssh/ssh_host_rsa_key': { text: 'k', mode: 0o600, modified: Date.now() - 100 * hour }, '/var/log/auth.log': '', ...more });
      truncateSync(join(root, 'var/log/auth.log'), 0);
      utimesSync(join(root, 'var/log/auth.log'), later / 1000, later / 1000);
      return root;
    };
    expect(shown(await scanRoot([logging], planted()))).toEqual(['medium /var/log/auth.log']);
    expect(shown(await scanRoot([logging], planted({ '/var/log/auth.log.1': { text: 'a', modified: later } })))).toEqual([]);
    expect(shown(await scanRoot([logging], planted({ '/etc/ssh/ssh_host_rsa_key': { text: 'k', mode: 0o600, modified: later } })))).toEqual([]);
    const fresh = makeRoot({ '/etc/ssh/ssh_host_rsa_key': { text: 'k', mode: 0o600, modified: 0 }, '/var/log/auth.log': '' });
    mkdirSync(join(fresh, 'var/log/audit'), { recursive: true });
    expect(shown(await scanRoot([logging], fresh))).toEqual([]);
  });

  it('tells them on a copy of a disk too, by what logrotate noted', async () => {
    const hour = 3_600_000;
    const began = Date.UTC(2026, 9, 1);
    // A copy that keeps times: the files are born with it.
    const planted = (path: string, emptied: number, turned?: string, more = {}) => scanRoot([logging], {
      '/etc/ssh/ssh_host_rsa_key': { text: 'k', mode: 0o600, modified: began }, [path]: { text: '', modified: began + emptied * hour },
      ...(turned !== undefined && { '/var/lib/logrotate/status': `logrotate state -- version 2\n"${path}" ${turned}\n` }), ...more,
    });
    const auth = '/var/log/auth.log';
    expect(shown(await planted(auth, 100, '2026-10-4-0:0:0'))).toEqual([`medium ${auth}`]);
    expect(shown(await planted('/var/log/btmp', 100, '2026-10-4-0:0:0'))).toEqual(['low /var/log/btmp']);
    expect(shown(await planted('/var/log/lastlog', 100))).toEqual(['medium /var/log/lastlog']);
    expect(shown(await planted('/var/log/lastlog', -1000))).toEqual([]); // since the installation
    expect(shown(await planted('/var/log/lastlog', (Date.now() - began) / hour))).toEqual([]); // made anew at a start, as where /var/log is in memory
    expect(shown(await planted(auth, 100, '2026-10-5-4:0:0'))).toEqual([]); // turned then
    expect(shown(await planted(auth, 100))).toEqual([]);
    expect(shown(await planted(auth, 100, '2026-10-5-12:0:0', { '/etc/localtime': '->/usr/share/zoneinfo/Asia/Shanghai' }))).toEqual([]);
    expect(shown(await planted(auth, 100, '2026-10-5-0:0:0" \0"x" 9999-99-99'))).toEqual([]);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([logging], makeRoot({ '/etc/rsyslog.conf': debian }), '/etc/rsyslog.conf');
    expect(report.blind.map(({ what }) => what)).toEqual(['/etc/rsyslog.conf']);
  });
});
