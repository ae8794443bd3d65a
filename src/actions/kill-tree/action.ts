/** Ends a process and all that came of it. First all is halted, so that nothing forks away or notices the others end. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Action, ActionErrorCode } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { livesStill } from '../../linux/process-tree.ts';
import { halt, type HaltState, isThisBoot, membersNow, planHalt, type ProcessWorld, release, standing } from '../process-freeze.ts';
import { findTree, parseTree, type Ran, ranOf, restartStep, type TreeInput, treeSteps } from '../process-plan.ts';

/** `ran` is kept in the receipt: what it was can be told after it is gone. */
export interface KillState extends HaltState { ran: readonly Ran[]; origin?: string }

const passesMax = 20;
const endMs = 5000;
const lookMs = 2;

export function killTree(world: ProcessWorld): Action<TreeInput, KillState> {
  const { procfs } = world;
  return {
    id: 'kill-tree',
    title: { zh: '结束进程树', en: 'Kill a process tree' },
    blind: {
      zh: '早已脱离父进程并另起会话的守护进程不在树中（除非由来源图给出）；由 systemd、cron 或其他看护程序再次启动的进程须先停掉看护者；卡在内核里的进程要等内核放手才会消失。',
      en: 'daemons that left their parent and session before are not in the tree unless the origin graph names them; what systemd, cron or another keeper starts again comes back until the keeper is stopped; a process stuck in the kernel goes when the kernel lets it.',
    },
    automatic: 'never',
    halfDone: 'finish',
    parse: parseTree,

    async plan(wanted, { force }) {
      const { root, all, members } = findTree(world, wanted);
      world.processes.mayTouch(all, members, force, wanted.asker);
      const ran = ranOf(procfs, members);
      const restart = await restartStep(world, members);
      const { length } = members;
      return {
        target: `pid ${root.pid}`,
        title: { zh: `结束进程 ${root.pid}（${root.name}）${length > 1 ? `及其后代，共 ${length} 个` : ''}`, en: `Kill process ${root.pid} (${root.name})${length > 1 ? ` and what came of it, ${length} in all` : ''}` },
        steps: [...treeSteps(members, ran, 'SIGKILL'), ...(restart ? [restart] : [])],
        risk: 'high', reversible: false, state: { ...planHalt(world, all, members), ran, ...(wanted.origin !== undefined && { origin: wanted.origin }) },
      };
    },

    async apply(state, context) {
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
    },

    verify(state) {
      const alive = membersNow(world, state);
      if (alive.length === 0) return Promise.resolve({ is: 'finished', evidence: { zh: `${state.processes.length} 个进程都已结束`, en: `all ${state.processes.length} processes have ended` } });
      const { halted } = standing(world, state);
      const whole = halted.length === 0 && state.processes.every((process) => livesStill(procfs, process));
      const pids = alive.slice(0, 20).map(({ pid }) => pid).join(', ');
      return Promise.resolve({ is: whole ? 'former' : 'between', evidence: { zh: `仍在的有 ${pids}`, en: `still there: ${pids}` } });
    },

    /** The dead stay dead; what lives yet is let go. */
    undo: (state) => release(world, state),
  };
}
