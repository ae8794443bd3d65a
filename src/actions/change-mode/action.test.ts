import { chmodSync, chownSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Action, Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { scene } from '../../../test/scenes/change-mode.ts';
import { canLock, fileWorld, removeLocked, sh, tools } from '../../../test/scenes/files.ts';
import { changeMode } from './action.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-mode-')); folders.push(made); return made; };
afterAll(() => { for (const one of folders) removeLocked(one); });

describe.skipIf(lacks({ root: true, files: tools }) || !canLock(folder()))('change-mode', () => {
  describe('contract', () => actionContract(() => scene(folder())));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/change-mode.ts'), argument: folder(), open: scene, cuts: 6 }));
});

describe.skipIf(lacks({ root: true }))('change-mode', () => {
  let root: string, response: Response;
  beforeEach(() => {
    const dir = folder();
    root = join(dir, 'root');
    plant('etc/passwd', 'root:x:0:0::/root:/bin/sh\n');
    plant('etc/group', 'root:x:0:\nshadow:x:42:\n');
    response = openResponse(join(dir, 'store'), () => [changeMode(fileWorld(dir, { root }))] as Action[]);
  });
  afterEach(() => response.close());
  const plant = (path: string, text = 'x', mode = 0o644): string => {
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
    chmodSync(at, mode);
    return at;
  };
  const run = (path: string, more: object, force = false): Promise<Receipt> => response.runner.run({ action: 'change-mode', input: { path, ...more }, by: 'operator:test', why: '', via: 'test', force });
  const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
  const rights = (path: string): string => { const { mode, uid, gid } = statSync(path); return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`; };

  it('shuts shadow, a script of root and a folder, and opens them again', async () => {
    const shadow = plant('etc/shadow', 'x', 0o644), script = plant('usr/local/bin/job', 'x', 0o777), spool = join(root, 'srv/spool');
    mkdirSync(spool, { recursive: true });
    chmodSync(spool, 0o777);
    chownSync(script, 4711, 4711);
    // The group gets no more than it had: it could read before.
    const ids = [await run(shadow, { mode: '0640' }), await run(script, { mode: '0755', owner: 'root:root' }), await run(spool, { mode: '0755' })].map(({ id }) => id);
    expect([shadow, script, spool].map(rights)).toEqual(['640 0:0', '755 0:0', '755 0:0']);
    for (const id of ids) await undo(id);
    expect([shadow, script, spool].map(rights)).toEqual(['644 0:0', '777 4711:4711', '777 0:0']);
  });

  it('refuses to give rights away without a special word, and to break the machine with one', async () => {
    const file = plant('etc/x', 'x', 0o640);
    for (const more of [{ mode: '0644' }, { mode: '4640' }, { owner: 'root:shadow' }]) await expect(run(file, more)).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    expect((await run(file, { owner: 'root:shadow' }, true)).status).toBe('applied');
    expect(rights(file)).toBe('640 0:42');
    for (const one of ['tmp', 'usr/bin']) mkdirSync(join(root, one), { recursive: true });
    chmodSync(join(root, 'tmp'), 0o1777);
    for (const [path, mode] of [['tmp', '0755'], ['usr', '0700'], ['usr/bin', '0700'], ['etc', '0700'], ['etc/passwd', '0600']]) await expect(run(join(root, path!), { mode })).rejects.toMatchObject({ code: 'refused', hint: undefined });
    for (const path of ['/bin/sh', process.execPath, '/proc/self/status']) await expect(run(path, { mode: '0700' }, true)).rejects.toMatchObject({ code: 'refused' });
  });

  it('does not make root the owner of a set-uid program by itself', async () => {
    const file = plant('usr/local/bin/tool', 'x', 0o755);
    chownSync(file, 4711, 4711);
    chmodSync(file, 0o4755);
    await expect(run(file, { owner: 'root:root' })).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    expect(rights(file)).toBe('4755 4711:4711');
    expect((await run(file, { owner: 'root:root', mode: '0755' })).risk).toBe('low');
  });

  it.skipIf(lacks({ files: ['/usr/sbin/setcap'] }))('keeps capabilities whatever the numbers of the owners are', async () => {
    const file = plant('usr/local/bin/tool', 'x', 0o755);
    chownSync(file, 1, 0);
    sh('setcap', 'cap_net_raw=ep', file);
    const { id } = await run(file, { owner: '0:1' }, true);
    expect(sh('getcap', file)).toContain('cap_net_raw=ep');
    await undo(id);
    expect([sh('getcap', file).includes('cap_net_raw=ep'), rights(file)]).toEqual([true, '755 1:0']);
  });

  it('knows what all must read and write under any name', async () => {
    const second = join(root, 'srv/second');
    mkdirSync(dirname(second), { recursive: true });
    linkSync(join(root, 'etc/passwd'), second);
    await expect(run(second, { mode: '0600' }, true)).rejects.toMatchObject({ code: 'refused', hint: undefined });
  });

  it('leaves the key of the last administrator to be read by sshd', async () => {
    plant('etc/passwd', 'root:x:0:0::/root:/bin/sh\nops:x:1000:1000::/home/ops:/bin/sh\n');
    plant('etc/group', 'root:x:0:\nsudo:x:27:ops\n');
    const key = plant('home/ops/.ssh/authorized_keys', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInvented x\n', 0o600);
    chownSync(key, 1000, 1000);
    await expect(run(key, { owner: '0:0' })).rejects.toMatchObject({ code: 'refused', hint: '--force', message: expect.stringContaining('last administrator') as string });
    await expect(run(dirname(key), { mode: '0000' })).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    await run(key, { mode: '0400' });
  });

  it('refuses links, pipes, what is not there or is so already, and owners that are none', async () => {
    const file = plant('etc/x');
    symlinkSync('x', join(root, 'etc/link'));
    await expect(run(join(root, 'etc/link'), { mode: '0600' })).rejects.toMatchObject({ code: 'refused' });
    await expect(run(join(root, 'etc/none'), { mode: '0600' })).rejects.toMatchObject({ code: 'not-there' });
    await expect(run(file, { mode: '0644' })).rejects.toMatchObject({ code: 'not-there' });
    for (const more of [{}, { mode: 644 }, { mode: 'u-s' }, { mode: '99' }, { owner: 'nobody-here:root' }, { owner: 'root' }, { owner: '$(id):root' }]) await expect(run(file, more)).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('takes back also what a program replaced meanwhile, and leaves what others changed', async () => {
    const file = plant('etc/shadow', 'x', 0o644);
    const { id } = await run(file, { mode: '0600' });
    writeFileSync(`${file}+`, 'y', { mode: 0o600 });
    renameSync(`${file}+`, file);
    await undo(id);
    expect(rights(file)).toBe('644 0:0');
    const again = await run(file, { mode: '0600' });
    chmodSync(file, 0o400);
    await expect(undo(again.id)).rejects.toMatchObject({ message: expect.stringContaining('changed by others') as string });
    expect(rights(file)).toBe('400 0:0');
  });

  it('does nothing to another file that came under its name', async () => {
    const file = plant('etc/x');
    const { action, plan } = await response.runner.plan('change-mode', { path: file, mode: '0600' });
    writeFileSync(`${file}.new`, 'y');
    rmSync(file);
    renameSync(`${file}.new`, file);
    await expect(action.apply(plan.state, { signal: AbortSignal.timeout(10_000), now: Date.now, save: () => Promise.resolve() })).rejects.toMatchObject({ code: 'changed' });
    expect(rights(file)).toBe('644 0:0');
  });
});
