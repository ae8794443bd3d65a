import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { withAccountLock } from '../../linux/account-lock.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { accountFiles, accountWorld, passwd, plantAccounts, scene, shadow } from '../../../test/scenes/lock-account.ts';
import { lacksSystemd, startSystemd } from '../../../test/systemd.ts';
import { lockAccount } from './action.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-account-')); folders.push(made); return made; };
afterAll(() => { for (const one of folders) rmSync(one, { recursive: true }); });

describe.skipIf(lacks({ root: true }))('lock-account', () => {
  describe('contract', () => actionContract(() => scene(join(folder(), 'root'))));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/lock-account.ts'), argument: join(folder(), 'root'), open: scene, cuts: 6 }));

  let root: string, response: Response;
  beforeEach(() => {
    const dir = folder();
    root = join(dir, 'root');
    plantAccounts(root);
    response = openResponse(join(dir, 'store'), () => [lockAccount(accountWorld(root))]);
  });
  afterEach(() => response.close());
  const lock = (user: string, more: { force?: boolean; asker?: number } = {}): Promise<Receipt> => response.runner.run({ action: 'lock-account', input: { user, ...more }, by: 'operator:test', why: '', via: 'test', ...(more.force && { force: true }) });
  const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
  const shadowOf = (user: string): string => accountFiles(root)[1]!.split('\n').find((line) => line.startsWith(`${user}:`)) ?? '';

  it.skipIf(lacks({ files: ['/usr/sbin/usermod', '/usr/sbin/chroot'] }))('writes what usermod writes', async () => {
    const theirs = join(folder(), 'root');
    plantAccounts(theirs);
    // With a prefix usermod edits that root's files, and takes only their locks.
    const said = spawnSync('usermod', ['--prefix', theirs, '-L', '-e', '1970-01-02', 'web'], { encoding: 'utf8' });
    expect(said.status, said.stderr).toBe(0);
    const { id } = await lock('web');
    expect(accountFiles(root)).toEqual(accountFiles(theirs));
    expect(shadowOf('web')).toBe('web:!$y$j9T$a$b:20001:0:99999:7::1:');
    await undo(id);
    expect(accountFiles(root)).toEqual([passwd, shadow]);
  });

  it('takes every kind of account: none in the shadow, no password, locked, expired, without an end of line', async () => {
    const cases: [string, string, string][] = [
      ['x', '', 'a:!::::::1:'], ['x', 'a::20000:0:99999:7:::\n', 'a:!:20000:0:99999:7::1:'], ['x', 'a:!:20000:0:99999:7:::', 'a:!:20000:0:99999:7::1:'],
      ['x', 'a:*:20000:0:99999:7:::\n', 'a:!*:20000:0:99999:7::1:'], ['x', 'a:$6$a$b:20000:0:99999:7::5:\n', 'a:!$6$a$b:20000:0:99999:7::5:'], ['x', 'a:$6$a$b', 'a:!$6$a$b::::::1:'],
      ['', '', 'a:!::::::1:'], ['$1$a$b', 'a:$6$other:20000::::::\n', 'a:!$1$a$b:20000:::::1:'],
    ];
    for (const [field, line, wanted] of cases) {
      const files = { passwd: `a:${field}:1005:1005::/home/a:/bin/sh\nroot:x:0:0::/root:/bin/sh\n`, shadow: `root:$6$a$b:1::::::\n${line}` };
      plantAccounts(root, files);
      const { id } = await lock('a');
      expect([shadowOf('a'), accountFiles(root)[0]]).toEqual([wanted, files.passwd.replace(`a:${field}:`, 'a:x:')]);
      await expect(lock('a')).rejects.toMatchObject({ code: 'not-there' });
      await undo(id);
      expect(accountFiles(root)).toEqual([files.passwd, files.shadow]);
    }
  });

  it('refuses root, the last administrator and whoever asks, unknown names and bad ones', async () => {
    await expect(lock('root')).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    plantAccounts(root, { shadow: shadow.replace('root:$6$salt$hash', 'root:*') });
    await expect(lock('ops')).rejects.toMatchObject({ code: 'refused', hint: '--force', message: expect.stringContaining('administrator') as string });
    const { id } = await lock('ops', { force: true });
    await undo(id);
    // An expired one is no way in.
    plantAccounts(root, { shadow: shadow.replace('root:$6$salt$hash:20000:0:99999:7:::', 'root:$6$salt$hash:20000:0:99999:7::1:') });
    await expect(lock('ops')).rejects.toMatchObject({ code: 'refused' });
    expect((await lock('web')).status).toBe('applied');
    await expect(lock('nobody')).rejects.toMatchObject({ code: 'not-there' });
    for (const user of ['', '-x', 'a:b', 'a\nb', 'a b', '../x', 'a'.repeat(300)]) await expect(lock(user)).rejects.toMatchObject({ code: 'bad-input' });
    // This test's process is root's own, logged on by nobody.
    const action = lockAccount({ ...accountWorld(root), procfs: { read: (name: string) => (name === '77/loginuid' ? '1001' : undefined), uids: () => ({ real: 0, effective: 0 }), stat: () => undefined } as never });
    await expect(action.plan({ user: 'web', asker: 77 }, { force: true, now: 0 })).rejects.toMatchObject({ code: 'refused', hint: undefined });
  });

  it('gives back only what was its own when others changed the account since', async () => {
    const { id } = await lock('web');
    const file = join(root, 'etc/shadow');
    writeFileSync(file, readFileSync(file, 'utf8').replace('!$y$j9T$a$b:20001', '$6$new$new:20005').replace('ops:', 'added:!:::::::\nops:'));
    expect((await response.runner.verify(id)).is).toBe('between');
    expect((await undo(id)).status).toBe('undone');
    expect([shadowOf('web'), shadowOf('added')]).toEqual(['web:$6$new$new:20005:0:99999:7::20999:', 'added:!:::::::']);
    expect(readdirSync(join(root, 'etc')).filter((name) => name.startsWith('.moat'))).toEqual([]);
  });

  it('touches nothing when the account was changed since it was looked at, or its files are links', async () => {
    const { action, plan } = await response.runner.plan('lock-account', { user: 'web' });
    const file = join(root, 'etc/shadow');
    writeFileSync(file, shadow.replace('$y$j9T$a$b', '$6$new$new'));
    await expect(action.apply(plan.state, { signal: AbortSignal.timeout(10_000), now: Date.now, save: () => Promise.resolve() })).rejects.toMatchObject({ code: 'changed' });
    expect(readFileSync(file, 'utf8')).toBe(shadow.replace('$y$j9T$a$b', '$6$new$new'));
    rmSync(file);
    writeFileSync(join(root, 'etc/elsewhere'), shadow);
    symlinkSync('elsewhere', file);
    await expect(lock('web')).rejects.toThrow();
    expect(readFileSync(join(root, 'etc/elsewhere'), 'utf8')).toBe(shadow);
  });

  it.skipIf(lacks({ files: ['/usr/bin/perl'] }))('waits for others who hold the lock, as lckpwdf holds it', async () => {
    // The same lock by another process: fcntl F_SETLK on /etc/.pwd.lock.
    const holder = spawn('perl', ['-e', 'use Fcntl; open(my $f, "+>", $ARGV[0]) or die; my $lock = pack("s s x4 q q l x4", F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $lock) or die; $| = 1; print "held\\n"; <STDIN>;', join(root, 'etc/.pwd.lock')], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    await expect(withAccountLock(root, () => Promise.resolve(1), { waitMs: 50 })).rejects.toMatchObject({ code: 'locked' });
    const locking = lock('web');
    const ended = once(holder, 'exit');
    holder.stdin.end('\n');
    await ended;
    expect((await locking).status).toBe('applied');
  });
});

describe.skipIf(lacksSystemd() || lacks({ files: ['/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/ssh-keygen'] }))('lock-account and a real sshd', () => {
  it('keeps out a key that let somebody in, with PAM and without, and lets it in again', async () => {
    const machine = await startSystemd({
      'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nops:x:1000:1000::/home/ops:/bin/sh\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n',
      'etc/shadow': 'root:$6$a$b:20000:0:99999:7:::\nops:$6$a$b:20000:0:99999:7:::\n', 'etc/group': 'root:x:0:\nops:x:1000:\n', 'etc/nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\n',
      'etc/pam.d/sshd': 'auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n',
    });
    try {
      const at = (path: string): string => join(machine.root, path);
      mkdirSync(at('run/sshd'), { mode: 0o755 });
      for (const [path, mode] of [['home', 0o755], ['home/ops', 0o755], ['home/ops/.ssh', 0o700]] as const) mkdirSync(at(path), { mode });
      const keys = folder();
      for (const file of [join(keys, 'id'), at('etc/hostkey')]) expect(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]).status).toBe(0);
      writeFileSync(at('home/ops/.ssh/authorized_keys'), readFileSync(join(keys, 'id.pub')), { mode: 0o600 });
      for (const path of ['home/ops', 'home/ops/.ssh', 'home/ops/.ssh/authorized_keys']) spawnSync('chown', ['1000:1000', at(path)]);
      const comesIn = async (pam: 'yes' | 'no'): Promise<boolean> => {
        const proxy = `nsenter -t ${machine.pid} -p -m -n -u -i -C -r -w /usr/sbin/sshd -i -f /dev/null -o HostKey=/etc/hostkey -o UsePAM=${pam} -o PidFile=none`;
        const child = spawn('ssh', ['-F', 'none', '-i', join(keys, 'id'), '-o', `ProxyCommand=${proxy}`, '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'IdentitiesOnly=yes', 'ops@192.0.2.1', 'echo in'], { stdio: ['ignore', 'pipe', 'pipe'] });
        let out = '';
        child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
        await once(child, 'close');
        return out === 'in\n';
      };
      const response = openResponse(join(folder(), 'store'), () => [lockAccount(accountWorld(machine.root))]);
      try {
        expect([await comesIn('yes'), await comesIn('no')]).toEqual([true, true]);
        const { id } = await response.runner.run({ action: 'lock-account', input: { user: 'ops' }, by: 'operator:test', why: '', via: 'test' });
        expect([await comesIn('yes'), await comesIn('no')]).toEqual([false, false]);
        await response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
        expect([await comesIn('yes'), await comesIn('no')]).toEqual([true, true]);
        // The password alone would not have kept the key out.
        writeFileSync(at('etc/shadow'), readFileSync(at('etc/shadow'), 'utf8').replace('ops:$6', 'ops:!$6'));
        expect(await comesIn('yes')).toBe(true);
      } finally { await response.close(); }
    } finally { await machine.close(); }
  });
});
