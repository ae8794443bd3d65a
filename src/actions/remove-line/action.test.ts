import { appendFileSync, chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { canLock, everything, fileActions, fileWorld, removeLocked, tools } from '../../../test/scenes/files.ts';
import { scene } from '../../../test/scenes/remove-line.ts';
import type { LineWorld } from './action.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-line-')); folders.push(made); return made; };

afterAll(() => { for (const one of folders) removeLocked(one); });

describe.skipIf(lacks({ root: true, files: tools }) || !canLock(folder()))('remove-line', () => {
  describe('contract', () => actionContract(() => scene(folder())));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/remove-line.ts'), argument: folder(), open: scene, cuts: 6 }));
});

describe.skipIf(lacks({ root: true }))('remove-line', () => {
  let dir: string, root: string, world: LineWorld, response: Response;
  beforeEach(() => {
    dir = folder();
    root = join(dir, 'root');
    world = fileWorld(dir, { root, owner: (path) => Promise.resolve(path.endsWith('/shipped') ? { manager: 'dpkg', name: 'hello', version: '1', intact: true } : undefined) });
    response = openResponse(join(dir, 'store'), () => fileActions(world));
  });
  afterEach(() => response.close());
  const plant = (path: string, text: string, mode = 0o644): string => {
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
    chmodSync(at, mode);
    return at;
  };
  const run = (path: string, line: number, text: string, force = false): Promise<Receipt> => response.runner.run({ action: 'remove-line', input: { path, line, text }, by: 'operator:test', why: 'bad', via: 'test', force });
  const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
  const read = (path: string): string => readFileSync(path, 'latin1');

  it('takes any line out of any text and puts it back: first, last, only, without an end, empty, with CR, of bad bytes', async () => {
    const cases: [string, number, string, string][] = [
      ['a\nb\nc\n', 1, 'a', 'b\nc\n'], ['a\nb\nc\n', 3, 'c', 'a\nb\n'], ['a\nb', 2, 'b', 'a\n'], ['only\n', 1, 'only', ''], ['only', 1, 'only', ''],
      ['a\n\nb\n', 2, '', 'a\nb\n'], ['a\r\nb\r\n', 1, 'a\r', 'b\r\n'], ['a\nb\na\n', 3, 'a', 'a\nb\n'],
    ];
    for (const [before, line, text, after] of cases) {
      const path = plant('etc/x', before);
      const was = await everything(dirname(path));
      const { id } = await run(path, line, text);
      expect(read(path)).toBe(after);
      await undo(id);
      expect(await everything(dirname(path))).toEqual(was);
    }
    const path = plant('etc/x', '');
    writeFileSync(path, Buffer.from([0x61, 0x0a, 0xff, 0xfe, 0x0a, 0x62, 0x0a]));
    const { id } = await run(path, 2, '\udcff\udcfe');
    expect(readFileSync(path)).toEqual(Buffer.from('a\nb\n'));
    await undo(id);
    expect(readFileSync(path)).toEqual(Buffer.from([0x61, 0x0a, 0xff, 0xfe, 0x0a, 0x62, 0x0a]));
  });

  it('touches nothing when the line is not the one that was named', async () => {
    const path = plant('etc/x', 'a\nb\n');
    for (const [line, text] of [[2, 'a'], [3, 'a'], [9, 'a']] as const) await expect(run(path, line, text)).rejects.toMatchObject({ code: 'not-there' });
    for (const input of [{ path }, { path, line: 0, text: 'a' }, { path, line: 1.5, text: 'a' }, { path, line: 1, text: 'a\nb' }]) await expect(response.runner.run({ action: 'remove-line', input, by: 'x', why: '', via: 'test' })).rejects.toMatchObject({ code: 'bad-input' });
    expect([read(path), readdirSync(dirname(path))]).toEqual(['a\nb\n', ['x']]);
  });

  it('refuses links, what is no text, accounts, what a package ships, and what is too large', async () => {
    const path = plant('etc/x', 'a\n');
    symlinkSync('x', join(root, 'etc/link'));
    await expect(run(join(root, 'etc/link'), 1, 'a')).rejects.toMatchObject({ code: 'refused' });
    await expect(run(plant('etc/binary', 'a\n\0\n'), 1, 'a')).rejects.toMatchObject({ code: 'refused' });
    await expect(run(plant('etc/passwd', 'a\n'), 1, 'a', true)).rejects.toMatchObject({ code: 'refused' });
    await expect(run(plant('etc/shipped', 'a\n'), 1, 'a')).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    await expect(run(plant('etc/large', 'a\n'.repeat(3 << 20)), 1, 'a')).rejects.toMatchObject({ code: 'refused' });
    expect(read(path)).toBe('a\n');
  });

  describe('when others changed the file since', () => {
    const text = '# head\none\nbad\ntwo\n# tail\n';
    it('puts the line back between the lines it stood between', async () => {
      const path = plant('etc/x', text);
      const { id } = await run(path, 3, 'bad');
      writeFileSync(path, `new first\n${read(path)}new last\n`);
      expect((await response.runner.verify(id)).is).toBe('finished');
      expect((await undo(id)).status).toBe('undone');
      expect(read(path)).toBe('new first\n# head\none\nbad\ntwo\n# tail\nnew last\n');
    });

    it('refuses where its place cannot be told, and says how to get at the original', async () => {
      const path = plant('etc/x', text);
      const { id } = await run(path, 3, 'bad');
      writeFileSync(path, '# head\nother\ntwo\n');
      await expect(undo(id)).rejects.toMatchObject({ message: expect.stringContaining('where it belongs') as string });
      expect(read(path)).toBe('# head\nother\ntwo\n');
      writeFileSync(path, 'one\ntwo\nthree\none\ntwo\n');
      await expect(undo(id)).rejects.toMatchObject({ message: expect.stringContaining('where it belongs') as string });
    });

    it('leaves it when somebody has put it back already', async () => {
      const path = plant('etc/x', text);
      const { id } = await run(path, 3, 'bad');
      writeFileSync(path, `${text}more\n`);
      expect((await undo(id)).status).toBe('undone');
      expect(read(path)).toBe(`${text}more\n`);
    });

    it('does nothing when they did so before it began', async () => {
      const path = plant('etc/x', text);
      const { action, plan } = await response.runner.plan('remove-line', { path, line: 3, text: 'bad' });
      appendFileSync(path, 'more\n');
      await expect(action.apply(plan.state, { signal: AbortSignal.timeout(10_000), now: Date.now, save: () => Promise.resolve() })).rejects.toMatchObject({ code: 'changed' });
      expect([read(path), readdirSync(dirname(path))]).toEqual([`${text}more\n`, ['x']]);
    });
  });

  it('keeps rights and owner that somebody changed since, and shows no secret', async () => {
    const path = plant('etc/x', 'a\nexport DB_PASSWORD=invented-9x\nb\n', 0o644);
    const receipt = await run(path, 2, 'export DB_PASSWORD=invented-9x');
    expect(JSON.stringify(receipt.steps)).not.toContain('invented-9x');
    chmodSync(path, 0o600);
    chownSync(path, 4711, 4712);
    await undo(receipt.id);
    const { mode, uid, gid } = statSync(path);
    expect([read(path), mode & 0o7777, uid, gid]).toEqual(['a\nexport DB_PASSWORD=invented-9x\nb\n', 0o600, 4711, 4712]);
  });

  it('does not put a line back that others took out while it was at it', async () => {
    const path = plant('etc/x', 'one\nbad\ntwo\n');
    const { action, plan } = await response.runner.plan('remove-line', { path, line: 2, text: 'bad' });
    const saved: unknown[] = [];
    const context = { signal: AbortSignal.timeout(10_000), now: Date.now, save: (state: unknown) => { saved.push(state); if (saved.length === 1) writeFileSync(path, 'one\nnew\n'); return Promise.resolve(); } };
    await expect(action.apply(plan.state, context)).rejects.toMatchObject({ code: 'changed' });
    await action.undo(saved.at(-1), context);
    expect([read(path), readdirSync(dirname(path)), (await action.verify(saved.at(-1), context)).is]).toEqual(['one\nnew\n', ['x'], 'former']);
  });

  describe('sudoers', () => {
    it.skipIf(lacks({ files: ['/usr/sbin/visudo'] }))('is checked by visudo before it is put in its place', async () => {
      const good = plant('etc/sudoers.d/x', 'Defaults env_reset\nbackdoor ALL=(ALL) NOPASSWD: ALL\n', 0o440);
      const { id } = await run(good, 2, 'backdoor ALL=(ALL) NOPASSWD: ALL');
      expect(read(good)).toBe('Defaults env_reset\n');
      await undo(id);
      const bad = plant('etc/sudoers.d/y', 'deploy ALL=(ALL) \\\nNOPASSWD: ALL\n', 0o440);
      await expect(run(bad, 2, 'NOPASSWD: ALL')).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('visudo') as string });
      expect([read(bad), readdirSync(dirname(bad))]).toEqual(['deploy ALL=(ALL) \\\nNOPASSWD: ALL\n', ['x', 'y']]);
    });

    it('keeps the last line that lets administrators become root', async () => {
      const path = plant('etc/sudoers', 'Defaults env_reset\n%sudo ALL=(ALL:ALL) ALL\n', 0o440);
      await expect(run(path, 2, '%sudo ALL=(ALL:ALL) ALL')).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    });
  });

  describe('authorized_keys', () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInventedInventedInventedInventedInvente ops@example';
    const accounts = (rootHash: string): void => {
      plant('etc/passwd', 'root:x:0:0:root:/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/bash\nweb:x:1001:1001::/home/web:/bin/bash\n');
      plant('etc/shadow', `root:${rootHash}:20000:0:99999:7:::\nops:!:20000:0:99999:7:::\nweb:$6$a$b:20000:0:99999:7:::\n`);
      plant('etc/group', 'sudo:x:27:ops\nweb:x:1001:\n');
    };

    it('keeps the last way in for an administrator', async () => {
      accounts('*');
      const path = plant('home/ops/.ssh/authorized_keys', `# keys\n${key}\n`, 0o600);
      await expect(run(path, 2, key)).rejects.toMatchObject({ code: 'refused', hint: '--force' });
      expect((await run(path, 2, key, true)).status).toBe('applied');
    });

    it('lets a key go when another way in stays, or its owner is no administrator', async () => {
      accounts('$6$salt$hash');
      await run(plant('home/ops/.ssh/authorized_keys', `${key}\n`, 0o600), 1, key);
      accounts('*');
      plant('root/.ssh/authorized_keys', `${key}\n`, 0o600);
      await run(plant('home/ops/.ssh/authorized_keys', `${key}\n`, 0o600), 1, key);
      const two = plant('root/.ssh/authorized_keys', `${key}\n${key}2\n`, 0o600);
      await run(two, 2, `${key}2`);
      expect(read(two)).toBe(`${key}\n`);
    });
  });

  it('empties ld.so.preload rather than removing it', async () => {
    const path = plant('etc/ld.so.preload', '/usr/lib/libx.so\n');
    const { id } = await run(path, 1, '/usr/lib/libx.so');
    expect(read(path)).toBe('');
    await undo(id);
    expect(read(path)).toBe('/usr/lib/libx.so\n');
  });
});
