import { createHash } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, copyFileSync, existsSync, linkSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { Event } from '../../core/gen/event.ts';
import type { Trial } from '../trial.ts';
import { DenyList, protectedReason, type KernelFile } from './deny.ts';
import { lacksEbpf, openStage, type Stage } from './testing.ts';

describe('what may not be denied', () => {
  it('protects the system, the first process, node and Moat', async () => {
    const list = new DenyList();
    expect(protectedReason(process.execPath, true)?.en).toContain('node');
    expect(protectedReason('/usr/bin/env', false)?.en).toContain('system');
    expect(protectedReason('/bin/sh', true)?.en).toContain('log on');
    expect(protectedReason('/usr/bin/env', true)).toBeUndefined();
    await expect(list.add('/bin/sh', 'test')).rejects.toMatchObject({ code: 'protected' });
    await expect(list.add('/nowhere/at/all', 'test')).rejects.toMatchObject({ code: 'not-a-file' });
    await expect(list.add('/tmp', 'test')).rejects.toMatchObject({ code: 'not-a-file' });
    expect(() => { list.addHash('abc', 'test'); }).toThrow(/64 hexadecimal/);
    await expect(list.selfTest()).rejects.toMatchObject({ code: 'not-live' });
    expect(list.size).toBe(0);
  });
});

describe.skipIf(lacks({ root: true }))('what ran', () => {
  it('is denied also when its process has ended and its file has moved while that was decided', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'moat-denied-'));
    onTestFinished(() => { rmSync(folder, { recursive: true }); });
    const path = join(folder, 'program'), moved = join(folder, 'moved');
    const put = (): void => { copyFileSync('/bin/sleep', path); };
    let child: ChildProcess | undefined;
    const list = new DenyList({ folder, ownerOf: async () => {
      if (child?.exitCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
        renameSync(path, moved);
      }
      return '';
    } });
    onTestFinished(() => { list.close(); });
    const denied: KernelFile[] = [];
    // A list that is kept and does nothing: its self-test says so.
    await expect(list.connect({ set: (file, on) => { if (on) denied.push(file); return Promise.resolve(true); }, count: () => undefined, warn: () => undefined })).rejects.toMatchObject({ code: 'self-test' });
    put();
    await list.add(path, 'a test');
    rmSync(path);
    put();
    const { ino, dev } = statSync(path);
    child = spawn(path, ['300'], { stdio: 'ignore' });
    await once(child, 'spawn');
    list.seen(Object.assign(new Event('e', Date.now(), 'process_creation'), { action: 'process-start', outcome: 'success', pid: child.pid, process_path: path, process_started: 1, file_inode: ino, file_device: dev }));
    await vi.waitFor(() => { expect(denied.at(-1)?.inode).toBe(ino); }, 60_000);
    expect(statSync(moved).ino).toBe(ino);
  });
});

describe.skipIf(await lacksEbpf(lacks))('denied programs', () => {
  let stage: Stage, trial: Trial;
  const list = new DenyList({ paths: ['/bin/sh', '/nowhere'] });
  let marker: string;
  beforeAll(async () => {
    stage = await openStage();
    trial = await stage.live({ files: false, calls: false, deny: list });
    await trial.when(() => trial.health.has('deny'));
    marker = join(stage.folder, 'it ran');
    // What may not be denied, or is not there, is said and counted.
    expect(trial.counts.get('files that could not be denied')).toBe(2);
  });
  afterAll(async () => {
    await stage.clear();
    list.close();
    stage.remove();
  });

  /** A program of its own that leaves a mark when it runs: a copy of touch with other bytes at its end. */
  function program(name: string): string {
    const path = join(stage.folder, name);
    copyFileSync('/usr/bin/touch', path);
    appendFileSync(path, name);
    chmodSync(path, 0o755);
    return path;
  }

  const started = (pid: number | undefined): Promise<Event> => trial.until((e) => e.action === 'process-start' && e.pid === pid);
  const ended = (pid: number | undefined): Promise<Event> => trial.until((e) => e.action === 'process-end' && e.pid === pid);

  it('kills a denied file before its first instruction, by whatever name, until it is allowed again', async () => {
    const path = program('evil'), other = join(stage.folder, 'other name');
    linkSync(path, other);
    const entry = await list.add(path, 'a test');
    expect(list.list().files).toEqual([entry]);
    for (const name of [path, other]) {
      const child = stage.run(name, [marker]);
      expect(await started(child.pid)).toMatchObject({ outcome: 'failure', process_path: name, extra: { denied: 'killed' } });
      expect((await ended(child.pid)).exit_code).toBe(137);
    }
    expect(existsSync(marker)).toBe(false);
    expect(await list.remove(path)).toBe(true);
    expect(await list.remove(path)).toBe(false);
    const child = stage.run(path, [marker]);
    expect((await ended(child.pid)).exit_code).toBe(0);
    expect(existsSync(marker)).toBe(true);
  });

  it('another file put where a denied one lay is killed soon, and the number of one that is gone is not held against others', async () => {
    const path = program('again');
    await list.add(path, 'a test');
    rmSync(path);
    program('again');
    const first = stage.run(path, [marker]);
    await ended(first.pid);
    await trial.when(() => list.list().files.some((one) => one.path === path && statSync(path).ino === one.file.inode));
    const second = stage.run(path, [marker]);
    expect((await ended(second.pid)).exit_code).toBe(137);
    expect(await list.remove(path)).toBe(true);
    expect(list.size).toBe(0);
  });

  it('misses no other file put where a denied one lay, however soon its first run is over', async () => {
    const programs = Array.from({ length: 15 }, (_, i) => {
      const path = join(stage.folder, `short ${i}`);
      const put = (): void => { copyFileSync('/bin/true', path); };
      put();
      return { path, put };
    });
    for (const { path } of programs) await list.add(path, 'a test');
    for (const { path, put } of programs) {
      rmSync(path);
      put();
      stage.run(path);
    }
    const isDenied = (path: string): boolean => list.list().files.some((one) => one.path === path && statSync(path).ino === one.file.inode);
    await trial.when(() => programs.every(({ path }) => isDenied(path))).catch(() => undefined);
    expect(programs.filter(({ path }) => !isDenied(path)), JSON.stringify([...trial.counts])).toEqual([]);
    for (const { path } of programs) await list.remove(path);
    expect(list.size).toBe(0);
  });

  it('spares what a package ships, and what is the same file by another name', async () => {
    const ours = new DenyList({ ownerOf: (path) => Promise.resolve(path === '/opt/tool' ? 'some-package' : '') });
    expect((await ours.protects('/opt/tool'))?.en).toContain('some-package');
    expect(await ours.protects('/opt/tool', true)).toBeUndefined();
    // Owned by nobody: an intruder may put a file into a folder of the system.
    expect(await ours.protects('/usr/bin/env')).toBeUndefined();
    expect((await ours.protects('/bin/sh', true))?.en).toContain('log on');
    const link = join(stage.folder, 'a link');
    try {
      linkSync('/usr/bin/env', link);
    } catch { return; /* another file system: there are no links to it */ }
    const shipped = new DenyList({ ownerOf: (path) => Promise.resolve(path.startsWith('/usr/') ? 'coreutils' : '') });
    expect((await shipped.protects(link))?.en).toContain('another name of /usr/bin/env');
    rmSync(link);
  });

  it('proves that it works', async () => {
    expect(['killed', 'refused']).toContain(await list.selfTest());
    expect(list.size).toBe(0);
  });

  it('knows a program by its digest: the first run is killed soon, those after it before they begin', async () => {
    const path = join(stage.folder, 'sleeper');
    copyFileSync('/bin/sleep', path);
    appendFileSync(path, 'another digest');
    chmodSync(path, 0o755);
    list.addHash(createHash('sha256').update(readFileSync(path)).digest('hex'), 'a test');
    const first = stage.run(path, ['300']);
    expect((await ended(first.pid)).exit_code).toBe(137);
    expect((await started(first.pid)).outcome).toBe('success');
    const second = stage.run(path, ['300']);
    expect(await started(second.pid)).toMatchObject({ outcome: 'failure', extra: { denied: 'killed' } });
    const harmless = stage.run('/bin/sleep', ['0']);
    expect((await ended(harmless.pid)).exit_code).toBe(0);
    expect(trial.counts.get('programs killed for their digest')).toBe(1);
  });
});
