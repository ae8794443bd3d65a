import { setTimeout as wait } from 'node:timers/promises';
import type { Action } from '../../src/core/action.ts';
import { freezeTree } from '../../src/actions/freeze-tree/action.ts';
import { killTree } from '../../src/actions/kill-tree/action.ts';
import type { ProcessWorld } from '../../src/actions/process-freeze.ts';
import { ProcessProtection } from '../../src/actions/process-protection.ts';
import { haltOf, livesStill, readProcess } from '../../src/linux/process-tree.ts';
import { Procfs } from '../../src/linux/procfs.ts';
import { runner } from '../../src/linux/run.ts';
import { openSignals } from '../../src/linux/signals.ts';
import type { Scene } from '../actions.ts';
import type { Tree } from '../process-trees.ts';

const procfs = new Procfs();

/** `self` stands for Moat: a test is no parent of what it protects, unless it says so. */
export async function processWorld(self = 1): Promise<ProcessWorld> {
  const signals = await openSignals(procfs);
  return { procfs, signals: () => Promise.resolve(signals), processes: new ProcessProtection({ procfs, self, now: Date.now }), run: runner() };
}

/** `freeze|kill PID[,PID…]`: the first is acted on, all are looked at. */
export async function scene(argument: string): Promise<Scene> {
  const [what, list = ''] = argument.split(':');
  const pids = list.split(',').map(Number);
  const known = pids.map((pid) => ({ pid, ticks: readProcess(procfs, pid)?.ticks ?? -1 }));
  const world = await processWorld();
  const actions = [freezeTree(world), killTree(world)] as unknown as Action[];
  return {
    actions: () => actions,
    action: what === 'kill' ? 'kill-tree' : 'freeze-tree', input: { pid: pids[0] },
    async look() {
      await wait(0);
      return known.map((one) => (livesStill(procfs, one) === undefined ? 'ended' : haltOf(procfs, one)));
    },
    done(_before, after) {
      const wanted = what === 'kill' ? 'ended' : 'halted';
      if ((after as string[]).some((one) => one !== wanted)) throw new Error(`expected all to be ${wanted}, got ${JSON.stringify(after)}`);
    },
  };
}

/** Ends also what never told its pid. */
export async function endTree(tree: Tree): Promise<void> {
  const end = killTree(await processWorld());
  const { state } = await end.plan({ pid: tree.pid, also: [] }, { force: false, now: Date.now() });
  await end.apply(state, { signal: AbortSignal.timeout(60_000), now: Date.now, save: () => Promise.resolve() });
  tree.end();
}
