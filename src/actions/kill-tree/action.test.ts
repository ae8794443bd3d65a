import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { haltOf, readProcess, readProcesses } from '../../linux/process-tree.ts';
import { crashBundle, cutOff, cutsOf, cutsTime, moments, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { canGroup, eventually, ownGroup, procfs, startTree } from '../../../test/process-trees.ts';
import { processWorld, scene } from '../../../test/scenes/process-tree.ts';
import { killTree, type KillState } from './action.ts';

const module = join(import.meta.dirname, '../../../test/scenes/process-tree.ts');

describe.skipIf(lacks({ files: ['/usr/bin/perl', '/usr/bin/setsid'] }))('kill-tree', () => {
  let dir: string, response: Response, action: ReturnType<typeof killTree>;
  const run = { said: { code: 1, stdout: '', stderr: '' } };
  beforeAll(async () => {
    action = killTree({ ...await processWorld(), run: () => Promise.resolve(run.said) });
    dir = mkdtempSync(join(tmpdir(), 'moat-kill-'));
    response = openResponse(dir, () => [action]);
  });
  afterAll(async () => {
    await response.close();
    rmSync(dir, { recursive: true });
  });
  const kill = (input: object): Promise<Receipt> => response.runner.run({ action: 'kill-tree', input, by: 'operator:test', why: '', via: 'test' });
  const identity = (pid: number) => ({ pid, ticks: procfs.stat(pid)?.startTicks ?? -1 });
  const lives = (pid: number): boolean => readProcess(procfs, pid) !== undefined;

  it('only looks when it plans; ends every member, the stopped one and the one that forks too; cannot be taken back', async () => {
    const names = ['root', 'session', 'below', 'stopped', 'forker'];
    const tree = await startTree('varied', [...names, 'zombie']);
    const other = await startTree('plain', ['grandchild']);
    try {
      const { plan } = await response.runner.plan('kill-tree', { pid: tree.pid });
      expect(plan).toMatchObject({ target: `pid ${tree.pid}`, risk: 'high', reversible: false });
      expect(JSON.parse(JSON.stringify(plan.state))).toEqual(plan.state);
      expect(plan.steps.map(({ text }) => text.en).filter((text) => text.startsWith(`    ${tree.at('below')}  `))).toHaveLength(1);
      expect(haltOf(procfs, identity(tree.pid))).toBe('running');
      const receipt = await kill({ pid: tree.pid });
      expect(receipt).toMatchObject({ status: 'applied', verdict: { is: 'finished' } });
      expect(names.filter((name) => lives(tree.at(name)))).toEqual([]);
      expect(lives(other.pid)).toBe(true);
      expect((receipt.state as KillState).ran).toContainEqual(expect.objectContaining({ pid: tree.at('session'), path: '/usr/bin/perl' }));
      await expect(response.runner.undo(receipt.id, { by: 'x', via: 'test', why: '' })).rejects.toMatchObject({ code: 'not-reversible' });
      await expect(kill({ pid: tree.pid })).rejects.toMatchObject({ code: 'not-there' });
      for (const input of [undefined, null, 7, 'x', {}, [], { pid: 'x' }, { pid: -1 }, { pid: 1.5 }, { pid: 5, started: 'x' }, { pid: 5, also: 7 }, { pid: 5, also: [{}] }]) await expect(kill(input as object)).rejects.toMatchObject({ code: 'bad-input' });
    } finally { tree.end(); other.end(); }
  });

  it.each(['bomb', 'chain'] as const)('ends one that multiplies: %s', async (script) => {
    const tree = await startTree(script, [script === 'bomb' ? 'root' : 'link']);
    try {
      const session = tree.pid;
      await kill({ pid: tree.pid });
      expect([...readProcesses(procfs).values()].filter((one) => one.session === session)).toEqual([]);
    } finally { tree.end(); }
  });

  it('masks passwords in what ran', async () => {
    const child = spawn('sh', ['-c', 'sleep 60; : --password=hunter22']);
    try {
      await once(child, 'spawn');
      await eventually(() => procfs.cmdline(child.pid!)?.includes('hunter22') ?? false);
      const { plan } = await response.runner.plan('kill-tree', { pid: child.pid });
      expect(JSON.stringify(plan)).toContain('--password=***');
      expect(JSON.stringify(plan)).not.toContain('hunter22');
      await kill({ pid: child.pid });
      await eventually(() => child.signalCode === 'SIGKILL');
    } finally { child.kill('SIGKILL'); }
  });

  it('ends those that the origin graph names too', async () => {
    const tree = await startTree('plain', ['grandchild']), daemon = await startTree('plain', ['grandchild']);
    try {
      const receipt = await kill({ pid: tree.pid, also: [{ pid: daemon.at('child') }, { pid: daemon.pid, started: 1 }] });
      expect(lives(daemon.at('child'))).toBe(false);
      expect(lives(daemon.at('grandchild'))).toBe(false);
      // Of that number, but started at another time.
      expect(lives(daemon.pid)).toBe(true);
      expect(receipt.title.en).toContain('5 in all');
    } finally { tree.end(); daemon.end(); }
  });

  it('never hits another process of the same number, nor one of another boot', async () => {
    const tree = await startTree('plain', ['grandchild']);
    try {
      const { plan } = await response.runner.plan('kill-tree', { pid: tree.pid });
      const state = plan.state as KillState;
      const context = { signal: AbortSignal.timeout(60_000), now: Date.now, save: () => Promise.resolve() };
      const other: KillState = { ...state, processes: state.processes.map((one) => ({ ...one, ticks: one.ticks - 1 })), cgroups: [] };
      await action.apply(other, context);
      await action.apply({ ...state, boot: 'another' }, context);
      expect(haltOf(procfs, identity(tree.pid))).toBe('running');
      expect(await action.verify(state, context)).toMatchObject({ is: 'former' });
      expect(await action.verify(other, context)).toMatchObject({ is: 'finished' });
    } finally { tree.end(); }
  });

  it.skipIf(!canGroup())('says what would start it again, and leaves its control group as it was', async () => {
    const group = ownGroup('kill.service');
    const tree = await startTree('plain', ['grandchild'], { inside: group.folder });
    try {
      const unit = `moat-test-${process.pid}-kill.service`;
      for (const [restart, warns] of [['always', true], ['on-failure', true], ['no', false], ['on-success', false]] as const) {
        run.said = { code: 0, stdout: `Restart=${restart}\nMainPID=${tree.pid}\n`, stderr: '' };
        const { plan } = await response.runner.plan('kill-tree', { pid: tree.pid });
        expect(plan.steps.some(({ command }) => command?.join(' ') === `systemctl stop ${unit}`)).toBe(warns);
      }
      await kill({ pid: tree.pid });
      expect(lives(tree.at('grandchild'))).toBe(false);
      expect(readFileSync(join(group.folder, 'cgroup.freeze'), 'utf8').trim()).toBe('0');
    } finally {
      run.said = { code: 1, stdout: '', stderr: '' };
      tree.end();
      await eventually(() => readFileSync(join(group.folder, 'cgroup.procs'), 'utf8') === '');
      group.remove();
    }
  });

  describe('kill -9', () => {
    const bundle = crashBundle(module);
    const cuts = cutsOf(8);
    it(`killed at any of ${cuts} moments, the tree runs as it did or has ended`, { timeout: cutsTime(cuts) }, async () => {
      const seen = new Set<string>();
      let duration = 40;
      const next = moments();
      for (let cut = 0; cut < cuts; cut++) {
        const names = ['root', 'session', 'below', 'forker'];
        const tree = await startTree('varied', [...names, 'stopped', 'zombie']);
        const store = mkdtempSync(join(tmpdir(), 'moat-crash-'));
        try {
          const argument = `kill:${names.map((name) => tree.at(name)).join(',')}`;
          const world = await scene(argument);
          const before = await world.look();
          const took = await cutOff(bundle, store, argument, 'run', next() * duration * 1.1);
          if (took !== undefined) duration = (duration * 3 + took) / 4;
          const after = openResponse(store, (parts) => world.actions(parts));
          try {
            for (const { status, error } of await after.runner.recover()) expect(status, error).toBe('applied');
            const [newest] = after.store.response.receipts({ limit: 1 });
            if (newest?.status === 'applied') world.done(before, await world.look());
            else expect(await world.look()).toEqual(before);
            seen.add(newest?.status ?? 'nothing');
          } finally { await after.close(); }
        } finally {
          tree.end();
          rmSync(store, { recursive: true, force: true });
        }
      }
      expect(seen).toContain('applied');
    });
  });
});
