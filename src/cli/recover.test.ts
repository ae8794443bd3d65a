import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { allOf, fill, openScene, type RecoveryScene, saveLate, spoil } from '../../test/recovery-scene.ts';
import { backupOf } from '../../test/scenes/restore-set.ts';
import { serveControl } from '../agent/control.ts';

const bin = fileURLToPath(new URL('../../bin/moat', import.meta.url));

describe.skipIf(lacks({ root: true, files: ['/usr/bin/restic'] }))('moat incident recover', () => {
  let dir: string, data: string, scene: RecoveryScene, server: Server, id: string, broken: Record<string, string>;
  beforeAll(async () => {
    dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'moat-cli-recover-'));
    data = join(dir, 'srv/data');
    fill(data);
    const { settings, backup } = backupOf(join(dir, 'backup'), 'restic');
    backup(data);
    saveLate(data);
    await sleep(2200);
    const began = Date.now();
    spoil(data);
    broken = allOf(data);
    mkdirSync(join(dir, 'data'), { recursive: true });
    scene = openScene(dir, [settings], began);
    id = await scene.incident();
    const ops = ['recovery-plan', 'recovery-kept', 'recovery-step', 'recovery-check', 'recovery-services', 'recovery-finish', 'recovery-undo', 'incident-change'];
    server = await serveControl(join(dir, 'data'), Object.fromEntries(ops.map((op) => [op, (argument: unknown) => scene.ask(op, argument as object)])));
  });
  afterAll(async () => {
    server?.close();
    await scene?.close();
    rmSync(dir, { recursive: true });
  });

  async function moat(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    const child = spawn(process.execPath, [bin, '--data', join(dir, 'data'), ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LANG: 'C.UTF-8', LC_ALL: '', FORCE_COLOR: '' } });
    let out = '', err = '';
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    const [status] = await once(child, 'close') as [number];
    return { status, out, err };
  }

  it('shows first, asks, restores, says what is left, and takes it back', async () => {
    const dry = await moat('--lang', 'zh', 'incident', 'recover', id.slice(0, 6), '--dry-run');
    expect(dry.err).toBe('');
    expect(dry).toMatchObject({ status: 0, out: expect.stringContaining('要恢复 60 个文件') as string });
    expect(dry.out).toContain('never-saved.txt: 事件开始之前的备份里没有它');
    expect(await moat('incident', 'recover', id)).toMatchObject({ status: 2, err: expect.stringContaining('no terminal to ask on') as string });
    expect(allOf(data)).toEqual(broken);
    const done = await moat('incident', 'recover', id, '--yes', '--no-services');
    expect(done).toMatchObject({ status: 1, out: expect.stringContaining('restored 60 of 61, 98.3 %') as string });
    for (const word of ['never-saved.txt', 'change the password of deploy', 'does not count as recovered yet']) expect(done.out).toContain(word);
    const accepted = await moat('incident', 'recover', id, '--verify', '--accept', 'a draft', '--json');
    const lines = accepted.out.trim().split('\n').map((line) => JSON.parse(line) as { kind: string; name?: string; state?: string; incident?: unknown });
    // Services of this machine were looked at as well.
    expect(lines.filter(({ kind }) => kind === 'service').length).toBeGreaterThan(0);
    expect([accepted.status, lines.at(-1)]).toEqual([0, expect.objectContaining({ kind: 'recovered', moved: true, incident: expect.objectContaining({ status: 'recovered', recovery: expect.objectContaining({ share: 60 / 61 }) as unknown, watch: expect.objectContaining({ back: 0 }) as unknown }) as unknown })]);
    const page = (await moat('incident', 'show', id)).out;
    for (const word of ['Recovery', 'restored 60 of 61', 'accepted as it is', 'heightened watch on']) expect(page).toContain(word);
    expect((await moat('incident', 'recover', id, '--undo')).status).toBe(0);
    expect(allOf(data)).toEqual(broken);
  });
});
