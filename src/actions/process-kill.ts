/** Ends all that was halted: what killing a tree and ending sessions have in common. */
import { setTimeout as wait } from 'node:timers/promises';
import type { ActionContext, ActionErrorCode, Verdict } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import { livesStill } from '../linux/process-tree.ts';
import { halt, type HaltState, isThisBoot, membersNow, type ProcessWorld, release, standing } from './process-freeze.ts';

const passesMax = 20;
const endMs = 5000;
const lookMs = 2;

/** First all is halted, so that nothing forks away or notices the others end. Throws MoatError 'failed' when the kernel holds one. */
export async function killAll(world: ProcessWorld, state: HaltState, context: ActionContext): Promise<void> {
  const { procfs } = world;
  if (!isThisBoot(procfs, state)) return;
  let current = state;
  // What ends may wake what it leaves behind (the kernel tells orphaned jobs to go on): looked at until nothing is left.
  for (let pass = 0; pass < passesMax; pass++) {
    current = await halt(world, current, context);
    const living = current.processes.filter((process) => livesStill(procfs, process));
    if (living.length === 0 && membersNow(world, current).length === 0) break;
    const signals = await world.signals();
    // Children first: who loses its parent is not told so before it ends itself.
    for (const process of living.toReversed()) signals.send(process, 'SIGKILL');
    const until = performance.now() + endMs;
    while (living.some((process) => livesStill(procfs, process))) {
      if (performance.now() > until) {
        const left = living.filter((process) => livesStill(procfs, process)).slice(0, 20).map(({ pid }) => pid).join(', ');
        throw new MoatError<ActionErrorCode>('failed', `expected ${left} to end within ${endMs} ms; the kernel holds them`, { hint: 'they end when the disk or network they wait for answers, or at a restart of the machine' });
      }
      await wait(lookMs, undefined, { signal: context.signal });
    }
  }
  // A frozen group that systemd uses again must not freeze what it starts there.
  await release(world, current);
}

export function verifyKilled(world: ProcessWorld, state: HaltState): Verdict {
  const alive = membersNow(world, state);
  if (alive.length === 0) return { is: 'finished', evidence: { zh: `${state.processes.length} 个进程都已结束`, en: `all ${state.processes.length} processes have ended` } };
  const { halted } = standing(world, state);
  const whole = halted.length === 0 && state.processes.every((process) => livesStill(world.procfs, process));
  const pids = alive.slice(0, 20).map(({ pid }) => pid).join(', ');
  return { is: whole ? 'former' : 'between', evidence: { zh: `仍在的有 ${pids}`, en: `still there: ${pids}` } };
}
