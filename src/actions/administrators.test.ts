import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasAdministrator, locksOut } from './administrators.ts';

let root: string;
const plant = (path: string, text: string): void => { mkdirSync(dirname(join(root, path)), { recursive: true }); writeFileSync(join(root, path), text); };
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInventedInvented ops@example\n';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'moat-administrators-'));
  plant('etc/passwd', 'root:x:0:0::/root:/bin/bash\ndeploy:x:1000:1000::/home/deploy:/bin/bash\nweb:x:1001:1001::/srv/web:/bin/bash\n');
  plant('etc/shadow', 'root:*:20000::::::\ndeploy:$6$a$b:20000::::::\nweb:$6$a$c:20000::::::\n');
  plant('etc/group', 'ops:x:500:deploy\nweb:x:1001:\n');
});
afterEach(() => { rmSync(root, { recursive: true }); });

describe('who can look after a machine', () => {
  it('is also whom sudoers names: by user, number, group, alias, in any file it includes', () => {
    expect(hasAdministrator(root, {})).toBe(false);
    for (const rule of ['deploy ALL=(ALL) NOPASSWD: ALL', 'deploy ALL=(ALL:ALL) ALL', '%ops ALL = (root) NOPASSWD:SETENV: ALL', '#1000 ALL=ALL', '%#500 ALL=(ALL) ALL', 'User_Alias OPS = deploy, other\nOPS ALL=(ALL) ALL', 'deploy,other ALL=(ALL) \\\n  ALL', 'deploy ALL=(ALL) /bin/ls, ALL # all of it']) {
      plant('etc/sudoers', '#includedir /etc/sudoers.d\n');
      plant('etc/sudoers.d/more', `Defaults env_reset\n${rule}\n`);
      expect(hasAdministrator(root, {}), rule).toBe(true);
      expect(locksOut(root, { without: 'deploy' }), rule).toBe(true);
      expect(locksOut(root, { path: '/etc/sudoers.d/more' }), rule).toBe(true);
      expect(locksOut(root, { without: 'web' }), rule).toBe(false);
    }
  });

  it('is nobody who may run some commands only, or as somebody else', () => {
    for (const rule of ['deploy ALL=(ALL) /usr/bin/systemctl restart nginx', 'deploy ALL=(www-data) ALL', '# deploy ALL=(ALL) ALL', 'Defaults:deploy !authenticate', 'Cmnd_Alias DEPLOY = ALL']) {
      plant('etc/sudoers', `${rule}\n`);
      expect(hasAdministrator(root, {}), rule).toBe(false);
    }
    plant('etc/sudoers', '@includedir /etc/sudoers.d\n');
    plant('etc/sudoers.d/not.read', 'deploy ALL=(ALL) ALL\n');
    expect(hasAdministrator(root, {})).toBe(false);
  });

  it('is whom doas lets do anything', () => {
    for (const rule of ['permit deploy', 'permit nopass keepenv :ops', 'permit persist deploy as root', 'permit setenv { A B=c } deploy']) {
      plant('etc/doas.conf', `# x\n${rule}\n`);
      expect(hasAdministrator(root, {}), rule).toBe(true);
    }
    for (const rule of ['permit deploy cmd reboot', 'permit deploy as www-data', 'deny deploy']) {
      plant('etc/doas.conf', `${rule}\n`);
      expect(hasAdministrator(root, {}), rule).toBe(false);
    }
  });

  it('is root by key alone, wherever sshd looks for keys', () => {
    plant('root/.ssh/authorized_keys', key);
    expect(locksOut(root, { path: '/root/.ssh/authorized_keys' })).toBe(true);
    expect(locksOut(root, { path: '/root/.ssh', rootReads: true })).toBe(false);
    rmSync(join(root, 'root/.ssh'), { recursive: true });
    plant('etc/ssh/sshd_config', 'AuthorizedKeysFile /etc/ssh/keys/%u .ssh/authorized_keys\n');
    plant('etc/ssh/keys/root', key);
    expect(locksOut(root, { path: '/etc/ssh/keys/root' })).toBe(true);
    // A second way in.
    plant('root/.ssh/authorized_keys', key);
    expect(locksOut(root, { path: '/etc/ssh/keys/root' })).toBe(false);
  });

  it('counts a key by the real place of its file', () => {
    mkdirSync(join(root, 'data/root/.ssh'), { recursive: true });
    writeFileSync(join(root, 'data/root/.ssh/authorized_keys'), key);
    symlinkSync('data/root', join(root, 'root'));
    expect(locksOut(root, { path: '/data/root/.ssh/authorized_keys' })).toBe(true);
  });
});
