import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { haltOf, membersOf, readProcess, readProcesses } from '../../linux/process-tree.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { canGroup, eventually, ownGroup, procfs, startTree, type Tree } from '../../../test/process-trees.ts';
import { endTree, processWorld, scene } from '../../../test/scenes/process-tree.ts';
import { type FreezeState, freezeTree } from './action.ts';

const varied = ['root', 'session', 'below', 'stopped', 'zombie', 'forker'] as const;
const looked = ['root', 'session', 'below', 'forker'] as const;

describe.skipIf(lacks({ files: ['/usr/bin/perl', '/usr/bin/setsid'] }))('freeze-tree', () => {
  let tree: Tree;
  beforeAll(async () => {
    tree = await startTree('varied', varied);
    await eventually(() => readProcess(procfs, tree.at('stopped'))?.state === 'T');
  });
  afterAll(() => tree.end());

  describe('contract', () => actionContract(() => scene(`freeze:${looked.map((name) => tree.at(name)).join(',')}`)));

  describe('kill -9', () => {
    // The tree is started before the suite's own preparations, so its pids are asked for when the test runs.
    crashContract({ module: join(import.meta.dirname, '../../../test/scenes/process-tree.ts'), get argument() { return `freeze:${looked.map((name) => tree.at(name)).join(',')}`; }, open: scene, cuts: 6 });
  });
});

describe.skipIf(lacks({ files: ['/usr/bin/perl', '/usr/bin/setsid'] }))('freezing', () => {
  let dir: string, response: Response, action: Awaited<ReturnType<typeof make>>;
  const make = async () => freezeTree(await processWorld());
  beforeAll(async () => {
    action = await make();
    dir = mkdtempSync(join(tmpdir(), 'moat-freeze-'));
    response = openResponse(dir, () => [action]);
  });
  afterAll(async () => {
    await response.close();
    rmSync(dir, { recursive: true });
  });
  const freeze = (input: object): Promise<Receipt> => response.runner.run({ action: 'freeze-tree', input, by: 'operator:test', why: '', via: 'test' });
  const thaw = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
  const identity = (pid: number) => ({ pid, ticks: procfs.stat(pid)?.startTicks ?? -1 });
  const context = { signal: AbortSignal.timeout(600_000), now: Date.now, save: () => Promise.resolve() };

  it('leaves stopped what was stopped before, passes over zombies, and tells what runs', async () => {
    const tree = await startTree('varied', varied);
    try {
      await eventually(() => readProcess(procfs, tree.at('stopped'))?.state === 'T' && procfs.stat(tree.at('zombie'))?.state === 'Z');
      const receipt = await freeze({ pid: tree.pid, origin: 'ssh from 192.0.2.7' });
      const { processes, ran, origin } = receipt.state as FreezeState;
      expect(processes.find(({ pid }) => pid === tree.at('stopped'))).toMatchObject({ stopped: true });
      expect(processes.map(({ pid }) => pid)).not.toContain(tree.at('zombie'));
      expect(ran[0]).toMatchObject({ pid: tree.pid, path: '/usr/bin/perl', command: expect.stringContaining('moat-tree-') as string });
      expect(origin).toBe('ssh from 192.0.2.7');
      await thaw(receipt.id);
      expect(haltOf(procfs, identity(tree.at('stopped')))).toBe('halted');
      expect(haltOf(procfs, identity(tree.at('session')))).toBe('running');
    } finally { tree.end(); }
  });

  it.skipIf(lacks({ files: ['/usr/bin/python3'] }))('halts every thread, and acts on the process when it is given a thread', async () => {
    const tree = await startTree('threads', ['threads']);
    try {
      const thread = procfs.threads(tree.pid)?.find((tid) => tid !== tree.pid);
      const receipt = await freeze({ pid: thread });
      expect(receipt.target).toBe(`pid ${tree.pid}`);
      const states = (procfs.threads(tree.pid) ?? []).map((tid) => /\) (\w)/.exec(readFileSync(`/proc/${tree.pid}/task/${tid}/stat`, 'utf8'))?.[1]);
      expect(states).toEqual(['T', 'T', 'T', 'T', 'T']);
      expect((await thaw(receipt.id)).status).toBe('undone');
    } finally { tree.end(); }
  });

  it('catches a tree that doubles while it is stopped', async () => {
    const tree = await startTree('bomb', ['root']);
    try {
      const receipt = await freeze({ pid: tree.pid });
      const members = () => membersOf(readProcesses(procfs), { known: [identity(tree.pid)], forked: undefined, groups: new Set() });
      const { length } = members();
      expect(members().every((one) => haltOf(procfs, one) === 'halted')).toBe(true);
      await wait(300);
      expect(members()).toHaveLength(length);
      expect((receipt.state as FreezeState).processes.length).toBeGreaterThanOrEqual(length);
      await thaw(receipt.id);
      expect(members().some((one) => haltOf(procfs, one) !== 'running')).toBe(false);
    } finally { await endTree(tree); }
  });

  it('catches one that runs ahead by forking and ending, whose parents are never there', async () => {
    const tree = await startTree('chain', ['chain', 'link']);
    try {
      const receipt = await freeze({ pid: tree.pid });
      await wait(100);
      const links = tree.told.length;
      await wait(400);
      expect(tree.told).toHaveLength(links);
      // The last that told its pid may have ended already: the one it forked stands before it could tell.
      const session = [...readProcesses(procfs).values()].filter((one) => one.session === tree.pid);
      expect(session.length).toBeGreaterThan(1);
      expect(session.filter((one) => haltOf(procfs, one) !== 'halted')).toEqual([]);
      await thaw(receipt.id);
      await eventually(() => tree.told.length > links || tree.told.length > 200);
    } finally { await endTree(tree); }
  });

  it('never hits another process of the same number', async () => {
    const tree = await startTree('plain', ['grandchild']);
    try {
      const { plan } = await response.runner.plan('freeze-tree', { pid: tree.pid });
      const state = plan.state as FreezeState;
      const other: FreezeState = { ...state, processes: state.processes.map((one) => ({ ...one, ticks: one.ticks - 1 })), cgroups: [] };
      await action.apply(other, context);
      expect(haltOf(procfs, identity(tree.pid))).toBe('running');
      expect(await action.verify(other, context)).toMatchObject({ is: 'former' });
      // Nor one of another boot.
      await action.apply({ ...state, boot: 'another', cgroups: [] }, context);
      expect(haltOf(procfs, identity(tree.pid))).toBe('running');
      // Nor goes it on: somebody else stopped this one.
      process.kill(tree.pid, 'SIGSTOP');
      await eventually(() => haltOf(procfs, identity(tree.pid)) === 'halted');
      await action.undo(other, context);
      expect(haltOf(procfs, identity(tree.pid))).toBe('halted');
      await expect(freeze({ pid: tree.pid, started: state.ran[0]!.started - 60_000 })).rejects.toMatchObject({ code: 'not-there' });
    } finally { tree.end(); }
  });

  it('takes members that end meanwhile as they come, and says when nothing is left', async () => {
    const tree = await startTree('plain', ['grandchild']);
    try {
      const { plan } = await response.runner.plan('freeze-tree', { pid: tree.pid });
      const state = plan.state as FreezeState;
      process.kill(tree.at('child'), 'SIGKILL');
      await action.apply(state, context);
      expect(await action.verify(state, context)).toMatchObject({ is: 'finished' });
      // Orphaned meanwhile, and still a member.
      expect(haltOf(procfs, identity(tree.at('grandchild')))).toBe('halted');
      for (const name of ['root', 'grandchild']) process.kill(tree.at(name), 'SIGKILL');
      await eventually(() => !readProcess(procfs, tree.pid) && !readProcess(procfs, tree.at('grandchild')));
      expect(await action.verify(state, context)).toMatchObject({ is: 'former' });
      await action.undo(state, context);
      await expect(freeze({ pid: tree.pid })).rejects.toMatchObject({ code: 'not-there' });
    } finally { tree.end(); }
  });

  it('says so when somebody lets a member go on, and when all is stopped already', async () => {
    const tree = await startTree('plain', ['grandchild']);
    try {
      const receipt = await freeze({ pid: tree.pid });
      process.kill(tree.at('child'), 'SIGCONT');
      expect(await response.runner.verify(receipt.id)).toMatchObject({ is: 'between', evidence: { en: expect.stringContaining(String(tree.at('child'))) as string } });
      process.kill(tree.at('child'), 'SIGSTOP');
      await eventually(() => haltOf(procfs, identity(tree.at('child'))) === 'halted');
      await expect(freeze({ pid: tree.pid })).rejects.toMatchObject({ code: 'not-there', message: expect.stringContaining('stopped already') as string });
      await thaw(receipt.id);
    } finally { tree.end(); }
  });

  it.skipIf(!canGroup())('uses the freezer for a control group that is the tree\'s own, and signals when others are in it', async () => {
    const group = ownGroup('freeze');
    const tree = await startTree('plain', ['grandchild'], { inside: group.folder });
    let other: Tree | undefined;
    const asked = (): string => readFileSync(join(group.folder, 'cgroup.freeze'), 'utf8').trim();
    try {
      const receipt = await freeze({ pid: tree.pid });
      expect(asked()).toBe('1');
      expect(readProcess(procfs, tree.pid)?.state).not.toBe('T');
      await thaw(receipt.id);
      expect(asked()).toBe('0');
      const below = await freeze({ pid: tree.at('child') });
      expect(asked()).toBe('0');
      expect(readProcess(procfs, tree.at('child'))?.state).toBe('T');
      await thaw(below.id);
      other = await startTree('plain', ['grandchild'], { inside: group.folder });
      const beside = await freeze({ pid: tree.pid });
      expect(asked()).toBe('0');
      expect(haltOf(procfs, identity(other.pid))).toBe('running');
      await thaw(beside.id);
    } finally {
      tree.end();
      other?.end();
      await eventually(() => readFileSync(join(group.folder, 'cgroup.procs'), 'utf8') === '');
      group.remove();
    }
  });
});
