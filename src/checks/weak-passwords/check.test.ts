import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { basePasswd, scanRoot } from '../../../test/throwaway-root.ts';
import { weakPasswordsWithin } from './check.ts';
import { commonest, ofName } from './words.ts';

const hash = (kind: string, word: string): string => execFileSync('openssl', ['passwd', kind, '-salt', 'abcdefgh', word], { encoding: 'utf8' }).trim();
/** What a machine under load needs by the clock is no matter here. */
const weakPasswords = weakPasswordsWithin({ cpuMs: 300_000, ms: 600_000 });
const told = async (shadow: string, check = weakPasswords) => scanRoot([check], { '/etc/passwd': `${basePasswd}wu:x:1001:1001::/home/wu:/bin/bash\n`, '/etc/shadow': { text: shadow, mode: 0o600 } });

describe.skipIf(lacks({ files: ['/usr/bin/openssl', '/usr/bin/perl'] }))('weak-passwords', () => {
  it('finds the commonest and those made of the name, in every kind of hash, and names no password', async () => {
    const yescrypt = execFileSync('perl', ['-e', 'print crypt("123456", q($y$j9T$abcdefghijklmnop))'], { encoding: 'utf8' });
    expect(yescrypt).toMatch(/^\$y\$/);
    const report = await told(`root:${hash('-6', 'P@ssw0rd')}:19000:0:99999:7:::\nlin:${hash('-1', 'lin@123')}:19000:0:99999:7:::\nwu:${hash('-5', 'kY7-none-of-these')}:19000:0:99999:7:::\nwww-data:${hash('-6', 'toor')}:19000::::::\nodd:${yescrypt}:1::::::\n`);
    expect(report.findings.map(({ level, user, title }) => `${level} ${user}: ${title.en}`).sort()).toEqual([
      'critical root: the password of root is one of the 100 commonest', 'high lin: the password of lin is made of its name', 'medium odd: the password of odd is one of the 100 commonest', 'medium www-data: the password of www-data is one of the 100 commonest',
    ]);
    for (const word of ['P@ssw0rd', 'lin@123', 'toor', hash('-6', 'P@ssw0rd')]) expect(JSON.stringify(report)).not.toContain(word);
  });

  it('finds them however the entry is dressed: old kinds, kinds of other systems, /etc/passwd itself, and what is set behind', async () => {
    const made = (setting: string, word = '123456'): string => execFileSync('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', word, setting], { encoding: 'utf8' });
    const kinds = [['des', made('xy')], ['aged', `${made('xz')},z/..`], ['bsdi', made('_J9..abcd')], ['nt', made('$3$')], ['sha1', made('$sha1$1000$abcdefgh$')], ['gost', made('$gy$j9T$abcdefghijklmnop')], ['sunmd5', made('$md5,rounds=500$abcdefgh$')]].filter(([, one]) => one !== '' && !one!.startsWith('*'));
    expect(kinds.map(([name]) => name)).toEqual(expect.arrayContaining(['des', 'aged', 'gost']));
    const report = await told(`  blank:${made('$6$abcdefgh$')}:1::::::\n${kinds.map(([name, one]) => `${name}:${one}:1::::::\n`).join('')}`);
    expect(report.findings.map(({ user }) => String(user)).sort()).toEqual(['blank', ...kinds.map(([name]) => name!)].sort());
    const inPasswd = await scanRoot([weakPasswords], { '/etc/passwd': `root:${made('xy')}:0:0::/root:/bin/bash\nroot:x:0:0::/root:/usr/sbin/nologin\n` });
    expect(inPasswd.findings.map(({ level, path }) => `${level} ${path}`)).toEqual(['critical /etc/passwd']);
  });

  it('says of a kind that this libcrypt does not have that it was not tried', async () => {
    const report = await told('lin:$sm3$abcdefgh$Ik7JcNfzhJzbLHmTDXGC1XD1NKDbCzLO5iBjjuNDUZ4:1::::::\n');
    expect([report.findings, report.counts['passwords not tried: hash of an unknown kind or too costly']]).toEqual([[], 1]);
  });

  it('tries as many as it has processor time for, and counts the others', async () => {
    const shadow = `root:${hash('-6', 'P@ssw0rd')}:19000:0:99999:7:::\nlin:${hash('-6', '123456')}:19000:0:99999:7:::\n`;
    const words = (name: string): number => 1 + new Set([...ofName(name), ...commonest]).size;
    const none = await told(shadow, weakPasswordsWithin({ cpuMs: 0, ms: 600_000 }));
    expect([none.findings, none.counts, none.blind]).toEqual([[], { 'weak passwords not tried for want of time': words('root') + words('lin') }, []]);
    const all = await told(shadow);
    expect([all.findings.length, all.counts]).toEqual([2, {}]);
  });

  it('says when the process had to be ended', async () => {
    const report = await told(`root:${hash('-6', 'P@ssw0rd')}:19000:0:99999:7:::\n`, weakPasswordsWithin({ cpuMs: 300_000, ms: 0 }));
    expect(report.blind.map(({ what }) => what)).toEqual(['/etc/shadow']);
  });

  it('leaves locked accounts alone and passes over hashes that would take for ever', async () => {
    const report = await told('root:*:1::::::\nlin:!$6$a$b:1::::::\nwu:$6$rounds=999999999$abcdefgh$x:1::::::\nww:$y$jZT$abcdefgh$x:1::::::\nx:$2y$31$abcdefghijklmnopqrstuu:1::::::\n');
    expect([report.findings, report.counts['passwords not tried: hash of an unknown kind or too costly'], report.blind]).toEqual([[], 3, []]);
  });
});
