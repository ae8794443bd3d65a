import { execFileSync, spawn } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { realPlace } from '../linux/place.ts';
import { FileProtection } from './file-protection.ts';

let folder: string, root: string;
const plant = (path: string, text = 'x\n'): string => { const at = join(root, path); mkdirSync(dirname(at), { recursive: true }); writeFileSync(at, text); return at; };
const open = (own: readonly string[] = []): FileProtection => new FileProtection({ root, own, owner: () => Promise.resolve(undefined) });
const may = (path: string, { force = false, edit = false } = {}, own: readonly string[] = []): Promise<void> => open(own).mayChange(path, { force, edit });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moat-protected-'));
  root = join(folder, 'root');
  plant('etc/passwd', 'root:x:0:0::/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/bash\n');
  plant('etc/shadow', 'root:*:20000::::::\nops:!:20000::::::\n');
  plant('etc/group', 'sudo:x:27:ops\n');
});
afterEach(() => { rmSync(folder, { recursive: true }); });

describe('files that no action takes away', () => {
  it('Moat’s own, also where its folder is reached by a link', async () => {
    mkdirSync(join(folder, 'disk/moat'), { recursive: true });
    symlinkSync(join(folder, 'disk/moat'), join(folder, 'moat'));
    const file = join(folder, 'disk/moat/moat.db');
    writeFileSync(file, '');
    await expect(may(file, { force: true }, [join(folder, 'moat')])).rejects.toMatchObject({ code: 'refused', hint: undefined });
    writeFileSync(join(folder, 'disk/other'), '');
    await may(join(folder, 'disk/other'), {}, [join(folder, 'moat')]);
  });

  it.skipIf(lacks({ root: true, files: ['/usr/bin/unshare', '/usr/bin/mount'] }))('what the machine needs, through a mount that shows its folder elsewhere', async () => {
    const program = join(folder, 'look.mjs');
    // Mounted in a mount namespace of this process's own.
    writeFileSync(program, `
      import { FileProtection } from ${JSON.stringify(join(import.meta.dirname, 'file-protection.ts'))};
      const own = new FileProtection({ root: ${JSON.stringify(root)}, own: [], owner: async () => undefined });
      for (const path of ['elsewhere/passwd', 'jail/self/status']) console.log(await own.mayChange(${JSON.stringify(`${folder}/`)} + path, { force: true, edit: false }).then(() => 'may', (error) => error.code));
    `);
    for (const one of ['elsewhere', 'jail']) mkdirSync(join(folder, one));
    const said = execFileSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'mount --bind "$0/root/etc" "$0/elsewhere" && mount -t proc proc "$0/jail" && exec "$1" --import "$3" "$2"', folder, process.execPath, program, import.meta.resolve('tsx')]).toString();
    expect(said).toBe('refused\nrefused\n');
  });

  it('the last key of an administrator, and the rule that makes one', async () => {
    const key = plant('root/.ssh/authorized_keys', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInvented x\n');
    await expect(may(key)).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    await may(key, { force: true });
    plant('home/ops/.ssh/authorized_keys', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInvented y\n');
    await may(key);
    plant('etc/group', 'users:x:100:ops\n');
    plant('etc/sudoers', '@includedir /etc/sudoers.d\n');
    const rule = plant('etc/sudoers.d/ops', 'ops ALL=(ALL) ALL\n');
    rmSync(key);
    await expect(may(rule)).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    await expect(may(plant('etc/ssh/ssh_host_ed25519_key'))).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    for (const path of ['etc/pam.d/common-account', 'etc/resolv.conf']) await expect(may(plant(path), { force: true })).rejects.toMatchObject({ code: 'refused', hint: undefined });
  });

  it('a second name of what is needed goes: the file stays', async () => {
    const second = join(root, 'tmp/x');
    mkdirSync(dirname(second));
    linkSync(join(root, 'etc/passwd'), second);
    await may(second);
  });
});

describe.skipIf(lacks({ root: true, files: ['/usr/bin/unshare', '/usr/sbin/pivot_root', '/usr/bin/mount'] }))('a path into the root of a container', () => {
  it('is not taken for this machine’s file of the same name', async () => {
    mkdirSync(join(root, 'old'));
    // The folder as a root of its own, as a container has it; the shell is there already and needs nothing of it.
    const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'mount --bind "$0" "$0" && cd "$0" && pivot_root . old && echo ready && read x', root], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await new Promise((resolve) => { child.stdout.once('data', resolve); });
      const inside = `/proc/${child.pid}/root/etc/passwd`;
      expect(readFileSync(inside, 'utf8')).toContain('ops:x:1000');
      expect(() => realPlace(inside)).toThrow('another root');
    } finally { child.stdin.end(); }
    expect(realPlace('/proc/self/root/etc/passwd')).toBe('/etc/passwd');
    expect(existsSync('/etc/passwd')).toBe(true);
  });
});
