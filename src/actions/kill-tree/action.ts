/** Ends a process and all that came of it. First all is halted, so that nothing forks away or notices the others end. */
import type { Action } from '../../core/action.ts';
import { type HaltState, planHalt, type ProcessWorld, release } from '../process-freeze.ts';
import { killAll, verifyKilled } from '../process-kill.ts';
import { findTree, parseTree, type Ran, ranOf, restartStep, type TreeInput, treeSteps } from '../process-plan.ts';

/** `ran` is kept in the receipt: what it was can be told after it is gone. */
export interface KillState extends HaltState { ran: readonly Ran[]; origin?: string }

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

    apply: (state, context) => killAll(world, state, context),

    verify: (state) => Promise.resolve(verifyKilled(world, state)),

    /** The dead stay dead; what lives yet is let go. */
    undo: (state) => release(world, state),
  };
}
