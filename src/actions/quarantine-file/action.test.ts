import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActionContext, PlanOptions, Receipt } from '../../core/action.ts';
import { bytesOf, nameOf } from '../../linux/file-names.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { canLock, everything, fileActions, fileWorld, removeLocked, sh, tools } from '../../../test/scenes/files.ts';
import { scene } from '../../../test/scenes/quarantine-file.ts';
import type { LineWorld } from '../remove-line/action.ts';
import { quarantineFile, type QuarantineState } from './action.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-quarantine-')); folders.push(made); return made; };

afterAll(() => { for (const one of folders) removeLocked(one); });

const lacking = lacks({ root: true, files: tools });

describe.skipIf(lacking || !canLock(folder()))('quarantine-file', () => {
  describe('contract', () => actionContract(() => scene(folder())));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/quarantine-file.ts'), argument: folder(), open: scene, cuts: 6 }));
});

describe.skipIf(lacks({ root: true }))('quarantine-file', () => {
  let dir: string, here: string, world: LineWorld, response: Response;
  beforeEach(() => {
    dir = folder();
    here = join(dir, 'here');
    mkdirSync(here);
    world = fileWorld(dir, { owner: (path) => Promise.resolve(path.endsWith('/shipped') ? { manager: 'dpkg', name: 'hello', version: '1', intact: true } : path.endsWith('/trojaned') ? { manager: 'dpkg', name: 'hello', version: '1', intact: false } : path.endsWith('/unsure') ? 'unknown' : undefined) });
    response = openResponse(join(dir, 'store'), () => fileActions(world));
  });
  afterEach(() => response.close());
  const run = (path: string, force = false): Promise<Receipt> => response.runner.run({ action: 'quarantine-file', input: { path }, by: 'operator:test', why: 'bad', via: 'test', force });
  const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
  const write = (name: string, text = 'evil'): string => { const path = join(here, name); writeFileSync(path, text); return path; };

  it('keeps the content inert in a folder of root’s alone, and gives it out whole', async () => {
    const path = write('evil.sh', '#!/bin/sh\necho EVIL-MARK\n');
    await run(path);
    expect(existsSync(path)).toBe(false);
    expect(lstatSync(world.vault.folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(world.vault.folder)) {
      const file = join(world.vault.folder, name);
      expect(lstatSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file).includes('EVIL-MARK')).toBe(false);
    }
    const [row] = world.vault.list();
    expect(row).toMatchObject({ item: { path, why: '', action: 'quarantine-file', file: { kind: 'file', size: 25 } } });
    const pieces: Buffer[] = [];
    for await (const piece of world.vault.read((row as { item: { id: string } }).item.id)) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe('#!/bin/sh\necho EVIL-MARK\n');
  });

  it('takes a link and leaves what it leads to', async () => {
    const target = write('target'), link = join(here, 'link');
    symlinkSync('target', link);
    const { id } = await run(link);
    expect([existsSync(link), readFileSync(target, 'utf8')]).toEqual([false, 'evil']);
    await undo(id);
    expect(readlinkSync(link)).toBe('target');
  });

  it('takes a link that leads to an essential program, but not the program', async () => {
    const link = join(here, 'sh');
    symlinkSync('/bin/sh', link);
    await run(link);
    expect([existsSync(link), existsSync('/bin/sh')]).toEqual([false, true]);
  });

  it('names of any bytes', async () => {
    for (const bytes of [Buffer.from('two\nlines'), Buffer.from([0x61, 0xff, 0xfe]), Buffer.from('--help'), Buffer.from('名 字')]) {
      const path = `${here}/${nameOf(bytes)}`;
      writeFileSync(bytesOf(path), 'evil');
      const { id, target } = await run(path);
      expect([target, readdirSync(here)]).toEqual([path, []]);
      await undo(id);
      expect(readdirSync(here, { encoding: 'buffer' })).toEqual([bytes]);
      rmSync(bytesOf(path));
    }
  });

  it('refuses folders, pipes, devices, sockets and what is not there, each with its reason', async () => {
    sh('mkfifo', join(here, 'pipe'));
    sh('mknod', join(here, 'device'), 'c', '1', '3');
    mkdirSync(join(here, 'folder'));
    for (const [name, what] of [['pipe', 'a named pipe'], ['device', 'a device node'], ['folder', 'a folder']]) await expect(run(join(here, name!))).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining(what!) as string });
    await expect(run(join(here, 'none'))).rejects.toMatchObject({ code: 'not-there' });
    await expect(run(join(here, 'nowhere/none'))).rejects.toMatchObject({ code: 'not-there' });
    for (const path of ['relative', '/', '/tmp/', '/tmp/..', '/a\0b', 7]) await expect(run(path as string)).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('refuses what is too large without reading it', async () => {
    const path = write('sparse');
    truncateSync(path, 10 * 2 ** 30);
    await expect(run(path)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('10737418240') as string });
    expect(existsSync(path)).toBe(true);
  });

  it('protects packages from haste, and the machine and Moat from everybody', async () => {
    await expect(run(write('shipped'))).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    await expect(run(write('unsure'))).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    expect((await run(join(here, 'shipped'), true)).status).toBe('applied');
    expect((await run(write('trojaned'))).risk).toBe('medium');
    const never = ['/etc/passwd', '/etc/sudoers', '/bin/sh', '/bin', '/proc/self/status', process.execPath, join(dir, 'data/quarantine/key')];
    // Planned only: nothing of this machine is put at risk by a test.
    for (const path of never.filter((one) => existsSync(one))) await expect(response.runner.plan('quarantine-file', { path }, { force: true }), path).rejects.toMatchObject({ code: 'refused', hint: undefined });
  });

  it('never takes what every program has mapped and a package ships', async () => {
    const libc = readFileSync('/proc/self/maps', 'utf8').match(/\/\S*\/libc[.-]\S*$/m)![0];
    world = fileWorld(dir, { owner: () => Promise.resolve({ manager: 'dpkg', name: 'libc6', version: '1', intact: true }) });
    await expect(quarantineFile(world).plan({ path: libc, why: '', by: '' }, { force: true, now: 0 })).rejects.toMatchObject({ code: 'refused', hint: undefined });
  });

  it('tells other hard links and processes that run it', async () => {
    const program = join(here, 'sleeper');
    writeFileSync(program, readFileSync('/bin/sleep'));
    chmodSync(program, 0o755);
    linkSync(program, join(here, 'other'));
    const child = spawn(program, ['60']);
    await new Promise((resolve) => { child.once('spawn', resolve); });
    try {
      const { plan } = await response.runner.plan('quarantine-file', { path: program });
      const told = plan.steps.map(({ text }) => text.en).join('\n');
      expect(told).toContain('1 other names');
      expect(told).toContain(`process ${child.pid}`);
    } finally { child.kill('SIGKILL'); }
  });

  it.skipIf(lacks({ files: ['/usr/bin/unshare', '/usr/bin/setpriv'] }))('begins nothing that it could not take back: without rights, or where all is read-only', () => {
    const path = write('evil');
    const plan = (...before: string[]): string => execFileSync(before[0] ?? process.execPath, [...before.slice(1), ...before.length > 0 ? [process.execPath] : [], '--import', 'tsx', join(import.meta.dirname, '../../../test/scenes/plan-quarantine.ts'), dir, path], { encoding: 'utf8' });
    expect(plan()).toContain('planned: ');
    expect(plan('setpriv', '--bounding-set', '-chown', '--')).toMatch(/^refused: .*capabilities/);
    expect(plan('unshare', '--mount', '--propagation', 'private', 'sh', '-c', 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"', here)).toMatch(/^refused: .*read-only/);
  });

  it('overwrites nothing when it puts back', async () => {
    const path = write('evil');
    const { id } = await run(path);
    writeFileSync(path, 'somebody else’s');
    expect((await response.runner.verify(id)).is).toBe('between');
    await expect(undo(id)).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('another file') as string });
    expect([readFileSync(path, 'utf8'), readdirSync(here)]).toEqual(['somebody else’s', ['evil']]);
    rmSync(path);
    // Out of the way, it can be put back after all.
    expect((await undo(id)).status).toBe('undone');
    expect(readFileSync(path, 'utf8')).toBe('evil');
  });

  it('is not put back from a vault that was tampered with', async () => {
    const path = write('evil', 'x'.repeat(10_000));
    const { id, state } = await run(path);
    const stored = join(world.vault.folder, `${(state as QuarantineState).vault}.bin`);
    const bytes = readFileSync(stored);
    bytes[500]! ^= 1;
    writeFileSync(stored, bytes);
    await expect(undo(id)).rejects.toMatchObject({ message: expect.stringContaining('was changed') as string });
    expect(readdirSync(here)).toEqual([]);
  });

  describe('changed between plan and deed', () => {
    const options: PlanOptions = { force: false, now: Date.now() };
    const context = (saved: QuarantineState[]): ActionContext => ({ signal: AbortSignal.timeout(10_000), now: Date.now, save: (state) => { saved.push(state as QuarantineState); return Promise.resolve(); } });
    const planned = async (path: string): Promise<QuarantineState> => (await quarantineFile(world).plan({ path, why: '', by: '' }, options)).state;

    const races: [string, (path: string) => void][] = [
      ['written to', (path) => writeFileSync(path, 'good')],
      ['written to, its size and time as before', (path) => { sh('touch', '-r', path, `${path}-time`); writeFileSync(path, 'Evil'); sh('touch', '-r', `${path}-time`, path); }],
      ['another file', (path) => { unlinkSync(path); writeFileSync(`${path}2`, ''); writeFileSync(path, 'evil'); }],
      ['a link in its place', (path) => { unlinkSync(path); symlinkSync('/etc/hostname', path); }],
      ['a pipe in its place', (path) => { unlinkSync(path); sh('mkfifo', path); }],
      ['its folder exchanged for a link', () => { renameSync(here, `${here}-moved`); mkdirSync(join(dir, 'precious')); writeFileSync(join(dir, 'precious/evil'), 'evil'); symlinkSync('precious', here); }],
      ['its folder exchanged for another', () => { renameSync(here, `${here}-moved`); mkdirSync(here); writeFileSync(join(here, 'evil'), 'evil'); }],
    ];
    for (const [name, race] of races) {
      it(name, async () => {
        const path = write('evil');
        const state = await planned(path);
        race(path);
        const before = sh('find', dir, '-not', '-path', `${dir}/data*`, '-not', '-path', `${dir}/store*`, '-ls').replaceAll(/\n.*\bstore\b.*/g, '');
        const saved: QuarantineState[] = [];
        const action = quarantineFile(world);
        await expect(action.apply(state, context(saved))).rejects.toMatchObject({ code: 'changed' });
        const last = saved.at(-1) ?? state;
        await action.undo(last, context(saved));
        expect((await action.verify(last, context(saved))).is).toBe('former');
        expect(sh('find', dir, '-not', '-path', `${dir}/data*`, '-not', '-path', `${dir}/store*`, '-ls').replaceAll(/\n.*\bstore\b.*/g, '')).toBe(before);
      });
    }

    it('one that comes after it was stored stays as well', async () => {
      const path = write('evil');
      const state = await planned(path);
      const saved: QuarantineState[] = [];
      const swap = { ...context(saved), save: (next: unknown) => { saved.push(next as QuarantineState); if (saved.length === 1) { unlinkSync(path); writeFileSync(path, 'good'); } return Promise.resolve(); } };
      const action = quarantineFile(world);
      await expect(action.apply(state, swap)).rejects.toMatchObject({ code: 'changed' });
      await action.undo(saved.at(-1)!, swap);
      expect([readFileSync(path, 'utf8'), (await action.verify(saved.at(-1)!, swap)).is]).toEqual(['good', 'former']);
    });
  });

  it('a folder’s default ACL does not stick to what is put back', async () => {
    if (lacks({ files: ['/usr/bin/setfacl'] })) return;
    const path = write('plain');
    const before = await everything(here);
    const { id } = await run(path);
    sh('setfacl', '-d', '-m', 'u:4713:rwx', here);
    await undo(id);
    expect(await everything(here)).toEqual(before);
  });
});
