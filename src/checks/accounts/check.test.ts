import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lastlog2Of, wtmpdbOf } from '../../../test/database-maker.ts';
import { journalWriter, makeJournal } from '../../../test/journal-maker.ts';
import { lacks } from '../../../test/need.ts';
import { basePasswd, makeRoot, scanRoot, scanWithout } from '../../../test/throwaway-root.ts';
import { accounts } from './check.ts';

const told = async (passwd: string, more = {}) => (await scanRoot([accounts], { '/etc/passwd': basePasswd + passwd, ...more })).findings.map(({ kind, level, user, title }) => `${kind} ${level} ${user ?? title.en}`);
const locked = 'root:*:19000:0:99999:7:::\nlin:!:19000:0:99999:7:::\n';
/** A record of wtmp on x86. */
const record = (type: number, user: string, seconds: number, line = 'pts/0'): Buffer => {
  const bytes = Buffer.alloc(384);
  bytes.writeInt16LE(type, 0); bytes.write(line, 8); bytes.write(user, 44); bytes.writeInt32LE(seconds, 340);
  return bytes;
};

describe('accounts', () => {
  it('says in which file a password stands, or stands not', async () => {
    const path = async (passwd: string, shadow: string): Promise<unknown[]> => (await scanRoot([accounts], { '/etc/passwd': basePasswd + passwd, '/etc/shadow': locked + shadow })).findings.map((found) => [found.path, found.evidence.at(-1)!.value]);
    expect(await path('wang:x:1001:1001::/home/wang:/bin/bash\n', 'wang::19000:0:90:7:::\n')).toEqual([['/etc/shadow', '/etc/shadow:3']]);
    expect(await path('', 'www-data:$6$a$b:19000:0:90:7:::\n')).toEqual([['/etc/shadow', '/etc/shadow:3']]);
    expect(await path('wang::1001:1001::/home/wang:/bin/bash\n', '')).toEqual([['/etc/passwd', 'wang::1001:1001::/home/wang:/bin/bash']]);
  });

  it('finds second roots, empty passwords and daemons that may log on', async () => {
    expect(await told('')).toEqual([]);
    expect(await told('sys0:x:0:0::/:/bin/sh\n')).toEqual(['intrusion critical sys0']);
    expect(await told('wang::1001:1001::/home/wang:/bin/bash\n')).toEqual(['weakness high wang']);
    expect(await told('wang:x:1001:1001::/home/wang:/bin/bash\n', { '/etc/shadow': `${locked}wang::19000:0:90:7:::\n` })).toEqual(['weakness high wang']);
    expect(await told('wang:$1$a$b:1001:1001::/home/wang:/bin/bash\n')).toEqual(['weakness high wang']);
    expect(await told('', { '/etc/shadow': `${locked}www-data:$6$a$b:19000:0:90:7:::\n` })).toEqual(['weakness medium www-data']);
    const shell = { '/etc/passwd': basePasswd.replace('/var/www:/usr/sbin/nologin', '/var/www:/bin/bash') };
    expect(await told('', shell)).toEqual(['weakness medium www-data']);
    expect(await told('', { ...shell, '/etc/shadow': `${locked}www-data:$6$a$b:19000:0:90:7:::\n` })).toEqual(['intrusion high www-data']);
    expect(await told('', { ...shell, '/etc/passwd-': basePasswd })).toEqual(['weakness medium www-data', 'intrusion medium www-data']);
    expect(await told('postgres:x:105:105::/var/lib/postgresql:/bin/bash\n')).toEqual([]);
    expect(await told('lin2:x:0:0::/:/bin/sh\n', { '/etc/passwd-': `${basePasswd}lin2:x:1002:1002::/:/bin/sh\n` })).toEqual(['intrusion critical lin2', 'intrusion high lin2']);
  });

  it('reads numbers as the C library does', async () => {
    for (const zero of ['+0', ' 0', '-0', '0000000000000']) expect(await told(`sysd:x:${zero}:0::/:/bin/bash\n`), zero).toEqual(['intrusion critical sysd']);
    expect(await told('far:x:4294967296:1::/:/bin/bash\n')).toEqual(['weakness medium line 5 of /etc/passwd is no account']);
  });

  it('finds shells that look like others', async () => {
    expect(await told('a:x:1001:1001::/home/a:/usr/sbin/nologin \n')).toEqual(['intrusion high a']);
    expect(await told('a:x:1001:1001::/home/a:/usr/sbin/nologinx\n')).toEqual(['intrusion high a']);
    expect(await told('a:x:1001:1001::/home/a:/tmp/.sh\n')).toEqual(['intrusion high a']);
    expect(await told('a:x:1001:1001::/home/a:/bin/bаsh\n')).toEqual(['intrusion high a']); // a Cyrillic letter
    expect(await told('', { '/usr/sbin/nologin': '->/usr/bin/bash' })).toEqual(['intrusion critical daemon', 'intrusion critical www-data']);
  });

  it('finds twins, odd names and malformed lines', async () => {
    expect(await told('wu:x:1000:1000::/home/wu:/bin/bash\n')).toEqual(['weakness medium wu']);
    expect(await told('lin:x:1007:1007::/home/l:/bin/bash\n')).toEqual(['weakness high lin']);
    expect(await told('roоt:x:1009:1009::/home/x:/bin/bash\n')).toEqual(['intrusion high roоt']); // a Cyrillic letter
    expect(await told('not an account\n')).toEqual(['weakness medium line 5 of /etc/passwd is no account']);
    expect(await told(`a:x:1001:1001::/home/a:/bin/bash${' '.repeat(200)}x\n`)).toHaveLength(2);
  });

  it('finds members of groups that are as good as root', async () => {
    const group = 'root:x:0:\nwww-data:x:33:\nlin:x:1000:\n';
    expect(await told('', { '/etc/group': `${group}sudo:x:27:lin\ndocker:x:998:lin\ndisk:x:6:lin\nadm:x:4:lin\n` })).toEqual(['weakness medium lin', 'weakness low lin', 'notice info lin']);
    expect(await told('', { '/etc/group': `${group}sudo:x:27:www-data\n` })).toEqual(['weakness high www-data']);
    expect(await told('', { '/etc/group': `${group}docker:x:998:www-data\n` })).toEqual(['weakness medium www-data']);
    expect(await told('', { '/etc/group': `${group}help:x:0:lin\n` })).toEqual(['intrusion high the group help has GID 0: it is root\'s']);
  });

  it('finds passwords, members and managers in gshadow', async () => {
    const group = 'root:x:0:\nwww-data:x:33:\nlin:x:1000:\ndocker:x:998:\nteam:x:1500:wu\n';
    const scanned = (gshadow: string) => scanRoot([accounts], { '/etc/group': group, '/etc/gshadow': gshadow });
    const shown = async (gshadow: string) => (await scanned(gshadow)).findings.map(({ level, path, title }) => `${level} ${path}: ${title.en}`);
    expect(await shown('root:*::\nlin:!::\ndocker:!::\nteam:!:wu:wu\nempty:::\n')).toEqual([]);
    expect(await shown('docker:$6$a$b::\nteam:$6$a$b::wu\n')).toEqual(['high /etc/gshadow: the group docker has a password: whoever knows it may enter', 'medium /etc/gshadow: the group team has a password: whoever knows it may enter']);
    expect(await shown('docker:!:lin:lin\nteam:!::wu,lin\nlin:!::lin\n')).toEqual(['medium /etc/gshadow: lin is a member of the group docker in gshadow alone', 'medium /etc/gshadow: lin may put people into the group docker', 'low /etc/gshadow: lin is a member of the group team in gshadow alone']);
    expect(await shown('what is this\n')).toEqual(['low /etc/gshadow: line 1 of /etc/gshadow is malformed']);
    expect(JSON.stringify(await scanned('docker:$6$salt$hash::\n'))).not.toContain('salt');
  });

  it('knows of log-ons from lastlog2, wtmpdb and the journal', async () => {
    const now = Math.floor(Date.now() / 1000);
    const ago = (days: number): number => now - days * 86_400;
    const more = { '/etc/shadow': `root:*:${Math.floor(ago(900) / 86_400)}:0:99999:7:::\nlin:$6$a$b:${Math.floor(ago(300) / 86_400)}:0:90:7:::\n` };
    expect(await told('', more)).toEqual([]);
    expect(await told('', { ...more, '/var/lib/lastlog/lastlog2.db': lastlog2Of([{ user: 'lin', at: ago(200), tty: 'ssh', service: 'sshd' }]) })).toEqual(['weakness low lin']);
    const kept = (user: string, days: number) => ({ '/var/lib/wtmpdb/wtmp.db': wtmpdbOf([{ id: 1, type: 1, user: 'reboot', at: ago(250) }, { id: 2, type: 3, user, at: ago(days) }]) });
    expect(await told('', { ...more, ...kept('wu', 2) })).toEqual(['weakness low lin']); // never
    expect(await told('', { ...more, ...kept('lin', 2) })).toEqual([]);
    expect(await told('', { ...more, ...kept('lin', 200) })).toEqual(['weakness low lin']);
    if (lacks({ files: [journalWriter] })) return;
    const session = (user: string, days: number, uid = '0') => ({ ...more, [`/var/log/journal/${'c'.repeat(32)}/system.journal`]: makeJournal([{ time: ago(250) * 1000, fields: { MESSAGE: 'first' } }, { time: ago(days) * 1000, fields: { MESSAGE_ID: '8d45620c1a4348dbb17410da57c60c66', USER_ID: user, _UID: uid } }, { time: ago(1) * 1000, fields: { MESSAGE: 'last' } }]) });
    expect(await told('', session('lin', 2))).toEqual([]);
    expect(await told('', session('lin', 200))).toEqual(['weakness low lin']);
    expect(await told('', session('wu', 2))).toEqual(['weakness low lin']);
    expect(await told('', session('lin', 2, '1000'))).toEqual(['weakness low lin']); // anybody may write that
  });

  it('finds accounts that nobody uses and passwords that never end', async () => {
    const now = Math.floor(Date.now() / 1000);
    const days = (n: number): number => Math.floor(now / 86_400) - n;
    const shadow = `root:*:${days(900)}:0:99999:7:::\nlin:$6$a$b:${days(300)}:0:90:7:::\nwu:$6$a$b:${days(300)}:0:99999:7:::\n`;
    const passwd = 'wu:x:1001:1001::/home/wu:/bin/bash\n';
    const wtmp = Buffer.concat([record(2, 'reboot', now - 400 * 86_400), record(7, 'lin', now - 200 * 86_400)]);
    expect(await told(passwd, { '/etc/shadow': shadow, '/var/log/wtmp': { text: wtmp } })).toEqual(['weakness low lin', 'weakness low wu', 'weakness low wu']); // stale; never ends, never used
    const lastlog = Buffer.alloc(292 * 1002);
    for (const uid of [1000, 1001]) { lastlog.writeInt32LE(now - 86_400, 292 * uid); lastlog.write('pts/1', 292 * uid + 4); }
    expect(await told(passwd, { '/etc/shadow': shadow.replace('99999:7:::\n', '90:7:::\n').replace('wu:$6$a$b:' + days(300) + ':0:99999', 'wu:$6$a$b:' + days(300) + ':0:90'), '/var/log/wtmp': { text: wtmp }, '/var/log/lastlog': { text: lastlog } })).toEqual([]);
  });

  it('goes when the account goes, and bears hostile files', async () => {
    const root = makeRoot({ '/etc/passwd': `${basePasswd}sys0:x:0:0::/:/bin/sh\n` });
    expect((await scanRoot([accounts], root)).findings).toHaveLength(1);
    writeFileSync(join(root, 'etc/passwd'), basePasswd);
    expect((await scanRoot([accounts], root)).findings).toEqual([]);
    writeFileSync(join(root, 'etc/shadow'), ':'.repeat(500_000));
    writeFileSync(join(root, 'etc/group'), `${':'.repeat(100_000)}\n${'a'.repeat(100_000)}`);
    chmodSync(join(root, 'etc/group'), 0o644);
    expect((await scanRoot([accounts], root)).verdict).toBe('clean');
  });

  it.skipIf(lacks({ root: true }))('says when it could not read gshadow', async () => {
    expect((await scanWithout([accounts], makeRoot({ '/etc/gshadow': 'root:*::\n' }), '/etc/gshadow')).blind.map(({ what }) => what)).toEqual(['/etc/gshadow']);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([accounts], makeRoot({ '/etc/shadow': locked }), '/etc/shadow');
    expect(report.blind.map(({ what }) => what)).toContain('/etc/shadow');
  });
});
