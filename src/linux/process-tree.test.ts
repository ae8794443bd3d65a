import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { haltOf, membersOf, readProcess, type TreeProcess } from './process-tree.ts';
import { Procfs } from './procfs.ts';
import { checkedSignals, openSignals } from './signals.ts';

const procfs = new Procfs();

describe('members of a tree', () => {
  const one = (pid: number, parentPid: number, ticks: number, group = pid, session = group): TreeProcess => ({ pid, parentPid, ticks, group, session, tty: 0, state: 'S', threads: 1, kernelThread: false, name: 'x' });
  const pids = (processes: TreeProcess[], question: Partial<Parameters<typeof membersOf>[1]>): number[] => membersOf(new Map(processes.map((process) => [process.pid, process])), { known: [{ pid: 10, ticks: 100 }], forked: undefined, groups: new Set(), ...question }).map(({ pid }) => pid);

  it('come by descent, parents first, and by a session that a member leads', () => {
    expect(pids([one(1, 0, 0), one(12, 11, 120, 12, 12), one(11, 10, 110, 10, 10), one(10, 1, 100, 10, 10), one(13, 1, 130, 99, 12), one(14, 1, 130)], {})).toEqual([10, 11, 12, 13]);
  });

  it('are none when the number is another\'s', () => {
    expect(pids([one(10, 1, 101), one(11, 10, 110)], {})).toEqual([]);
  });

  it('count as forked meanwhile only as orphans, in a group of members, within those moments', () => {
    const processes = [one(10, 1, 100, 7, 7), one(20, 1, 200, 7, 7), one(21, 8, 200, 7, 7), one(8, 1, 50, 7, 7), one(22, 1, 199, 7, 7), one(23, 1, 300, 7, 7), one(24, 9, 201, 7, 7), one(9, 1, 5, 9, 9)];
    expect(pids(processes, { forked: { from: 200, to: 250 }, groups: new Set([7]) })).toEqual([10, 20, 24]);
    expect(pids(processes, { groups: new Set([7]) })).toEqual([10]);
  });

  it('of a session whose leader has ended count within those moments only', () => {
    const processes = [one(20, 1, 200, 15, 10), one(21, 1, 900, 15, 10)];
    expect(pids(processes, { forked: { from: 200, to: 250 } })).toEqual([20]);
  });

  it('are told in the face of loops', () => {
    expect(pids([one(10, 11, 100), one(11, 10, 100)], {})).toEqual([10, 11]);
  });
});

describe('a process whose first thread has ended', () => {
  it.skipIf(lacks({ files: ['/usr/bin/python3'] }) || spawnSync('python3', ['-c', 'import ctypes']).status !== 0)('lives, and is halted when its other threads are', async () => {
    const child = spawn('python3', ['-c', 'import threading,time,ctypes\nthreading.Thread(target=lambda: (print("up", flush=True), time.sleep(60))).start()\nctypes.CDLL(None).syscall(60, 0)'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      const pid = child.pid!;
      for (let i = 0; i < 1000 && procfs.stat(pid)?.state !== 'Z'; i++) await new Promise((resolve) => { setTimeout(resolve, 5); });
      const found = readProcess(procfs, pid);
      expect(found).toMatchObject({ state: 'Z', threads: 2 });
      expect(haltOf(procfs, found!)).toBe('running');
      const signals = await openSignals(procfs);
      expect(signals.send(found!, 'SIGSTOP')).toBe(true);
      for (let i = 0; i < 1000 && haltOf(procfs, found!) !== 'halted'; i++) await new Promise((resolve) => { setTimeout(resolve, 5); });
      expect(haltOf(procfs, found!)).toBe('halted');
    } finally { child.kill('SIGKILL'); }
  });
});

describe.each(['held', 'checked'] as const)('signals, %s', (way) => {
  it('reach that very process only', async () => {
    const signals = way === 'held' ? await openSignals(procfs) : checkedSignals(procfs);
    expect(signals.way).toBe(way);
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const { ticks } = readProcess(procfs, child.pid!)!;
    const gone = once(child, 'exit');
    expect(signals.send({ pid: child.pid!, ticks: ticks - 1 }, 'SIGKILL')).toBe(false);
    expect(readProcess(procfs, child.pid!)).toBeDefined();
    expect(signals.send({ pid: child.pid!, ticks }, 'SIGKILL')).toBe(true);
    expect((await gone)[1]).toBe('SIGKILL');
    expect(signals.send({ pid: child.pid!, ticks }, 'SIGKILL')).toBe(false);
  });
});
