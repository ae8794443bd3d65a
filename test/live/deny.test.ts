/** `moat deny` as an operator uses it: real programs under a real `moat up`, across a restart. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/agent/agent.ts';
import { askControl } from '../../src/agent/control.ts';
import type { DenyOutcome, DenyRow, DenyState } from '../../src/agent/deny.ts';
import { lacksKernel, startWatch, type Watch } from './kernel.ts';
import { moatBin, removeFolder } from './moat.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-deny-live-'));
const on = 'deny: { enabled: true }';

describe.skipIf(await lacksKernel())('moat deny', () => {
  let watch: Watch;
  const start = async (yaml: string, data?: string): Promise<void> => { watch = await startWatch({ behaviours: [], yaml, ...(data !== undefined && { folder: data }) }); };
  const moat = (...args: string[]): { status: number | null; out: string; err: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [moatBin, '--config', join(watch.folder, 'moat.yml'), '--data', join(watch.folder, 'data'), '--lang', 'en', ...args], { encoding: 'utf8' });
    return { status, out: stdout, err: stderr };
  };
  const rows = <T>(out: string): T[] => out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as T);
  const add = (...args: string[]): DenyOutcome[] => rows<DenyOutcome>(moat('deny', 'add', '--json', ...args).out);
  /** A program of its own: touch with other bytes at its end. */
  function program(name: string): string {
    const path = join(folder, name);
    copyFileSync('/usr/bin/touch', path);
    appendFileSync(path, name);
    chmodSync(path, 0o755);
    return path;
  }
  let mark = 0;
  function run(path: string): { killed: boolean; worked: boolean } {
    const file = join(folder, `mark-${mark++}`);
    const { signal } = spawnSync(path, [file]);
    return { killed: signal !== null, worked: existsSync(file) };
  }
  /** Whether it does its work; when not, it was killed before. */
  function runs(path: string): boolean {
    const { killed, worked } = run(path);
    expect(killed).toBe(!worked);
    return worked;
  }
  /** What is known by its content alone is first killed soon after it began, and may have worked until then. */
  const isKept = (path: string): boolean => { const { killed, worked } = run(path); return killed && !worked; };
  async function until(what: () => boolean | Promise<boolean>): Promise<void> {
    for (let i = 0; i < 400; i++, await sleep(50)) if (await what()) return;
    expect.fail('it did not come true in time');
  }
  const ask = async (op: string): Promise<unknown> => askControl(join(watch.folder, 'data'), op);

  beforeAll(async () => { await start(''); });
  afterAll(async () => {
    await watch?.stop();
    if (watch) removeFolder(watch.folder);
    rmSync(folder, { recursive: true, force: true });
  });

  it('is off at first, and says how it is turned on', async () => {
    const evil = program('evil');
    const refused = moat('deny', 'add', evil);
    expect(refused).toMatchObject({ status: 2, out: '' });
    expect(refused.err).toContain('denying is off');
    expect(refused.err).toContain(`deny: { enabled: true } into ${join(watch.folder, 'moat.yml')}`);
    expect(moat('deny').err).toContain('denying is off');
    expect(runs(evil)).toBe(true);
    writeFileSync(join(watch.folder, 'moat.yml'), `${readFileSync(join(watch.folder, 'moat.yml'), 'utf8')}${on}\n`);
    await until(async () => (await ask('status') as AgentStatus).parts['ebpf deny']?.detail?.en.includes('the self-test passed') === true);
  });

  it('keeps a program from running, by path and by content, and lets it run again', async () => {
    const evil = program('evil'), twin = program('twin'), fine = program('fine');
    symlinkSync(evil, join(folder, 'link'));
    expect(add('--why', 'a miner', join(folder, 'link'))).toEqual([{ what: evil, done: true }]);
    expect(runs(evil)).toBe(false);
    expect(runs(join(folder, 'link'))).toBe(false);
    expect(runs(fine)).toBe(true);
    const sha256 = createHash('sha256').update(readFileSync(twin)).digest('hex');
    expect(moat('deny', 'add', sha256)).toMatchObject({ status: 0, out: expect.stringContaining(`${sha256} may not run any more`) as string });
    // Its content is known once it ran: killed soon, and from then on before it begins.
    spawnSync(twin, [join(folder, 'first')]);
    await until(() => isKept(twin));
    const copy = join(folder, 'renamed');
    renameSync(twin, copy);
    expect(runs(copy)).toBe(false);
    expect(rows<DenyRow>(moat('deny', 'list', '--json').out)).toMatchObject([{ path: evil, why: 'a miner', from: 'command', active: true }, { sha256, from: 'command', active: true }]);
    expect(moat('deny').out).toContain(`⊘ ${evil}`);
    expect(moat('deny', 'remove', join(folder, 'link'), sha256)).toMatchObject({ status: 0 });
    expect(runs(evil)).toBe(true);
    expect(runs(copy)).toBe(true);
    expect(moat('deny', 'remove', evil)).toMatchObject({ status: 1, out: expect.stringContaining('is not on the list') as string });
  });

  it('is an action too: the kernel does as its receipt says, by the file and by a copy, until it is taken back', async () => {
    const evil = program('planned'), copy = join(folder, 'planned-copy');
    const [receipt] = rows<{ id: string; status: string; action: string }>(moat('deny-file', '--yes', '--json', '--why', 'a miner', evil).out);
    expect(receipt).toMatchObject({ action: 'deny-file', status: 'applied' });
    expect(runs(evil)).toBe(false);
    copyFileSync(evil, copy);
    chmodSync(copy, 0o755);
    spawnSync(copy, [join(folder, 'first-copy')]);
    await until(() => isKept(copy));
    expect(rows<DenyRow>(moat('deny', 'list', '--json').out)).toMatchObject([{ path: evil, active: true }, { sha256: createHash('sha256').update(readFileSync(evil)).digest('hex'), active: true }]);
    expect(moat('deny-file', '--yes', '--json', evil)).toMatchObject({ status: 1 });
    expect(rows<{ status: string }>(moat('undo', '--json', receipt!.id).out)).toMatchObject([{ status: 'undone' }]);
    expect([runs(evil), runs(copy), moat('deny', 'list', '--json').out]).toEqual([true, true, '']);
  });

  it('protects what the system needs, with the reason', () => {
    const { status, out } = moat('deny', 'add', '/bin/sh', '/usr/bin/env', folder, '/nowhere/at/all');
    expect([status, out.split('\n')]).toEqual([1, [
      '✕ /bin/sh: without it nobody can log on to this machine or look after it',
      '✕ /usr/bin/env: it belongs to the package coreutils and is as shipped (use force to deny it all the same)',
      `✕ ${folder}: no file lies there`, '✕ /nowhere/at/all: no file lies there', '',
    ]]);
    expect(add('--force', '/bin/sh', process.execPath).map(({ why }) => why)).toEqual(['without it nobody can log on to this machine or look after it', 'it is node, which runs Moat']);
    expect(moat('deny', '--json').out).toBe('');
    expect(spawnSync('/usr/bin/env', ['true']).status).toBe(0);
  });

  it('holds after a restart, and what the configuration lists is taken out there', async () => {
    const evil = program('lasting'), listedPath = program('listed');
    expect(add(evil)).toEqual([{ what: evil, done: true }]);
    await watch.stop('SIGKILL');
    expect(runs(evil)).toBe(true);
    await start(`deny: { enabled: true, paths: [${JSON.stringify(listedPath)}] }`, watch.folder);
    await until(async () => { const { rows: found } = await ask('deny-list') as DenyState; return found.length === 2 && found.every(({ active }) => active); });
    expect(runs(evil)).toBe(false);
    expect(runs(listedPath)).toBe(false);
    expect(moat('deny', 'remove', listedPath)).toMatchObject({ status: 1, out: expect.stringContaining('in the configuration') as string });
    expect(moat('deny', 'remove', evil)).toMatchObject({ status: 0 });
    expect(runs(evil)).toBe(true);
  });
});
