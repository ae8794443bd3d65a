/** Halts a process and all that came of it, where it stands: nothing runs, nothing is lost, and it goes on when it is let go. */
import type { Action, ActionErrorCode } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { halt, type HaltState, planHalt, type ProcessWorld, release, standing } from '../process-freeze.ts';
import { findTree, parseTree, type Ran, ranOf, type TreeInput, treeSteps } from '../process-plan.ts';

export interface FreezeState extends HaltState { ran: readonly Ran[]; origin?: string }

export function freezeTree(world: ProcessWorld): Action<TreeInput, FreezeState> {
  return {
    id: 'freeze-tree',
    title: { zh: '冻结进程树', en: 'Freeze a process tree' },
    blind: {
      zh: '早已脱离父进程并另起会话的守护进程，以及每一代都另起会话又立即结束父进程的程序，不在树中（除非由来源图给出，或独占一个 cgroup）；别的 root 进程、调试器或终端可以让被冻结的进程继续；自身占有整个 cgroup v2 组的树由内核冻结，其余靠信号。',
      en: 'daemons that left their parent and session before, and what does so anew in each generation, are not in the tree unless the origin graph names them or a control group is all theirs; another root process, a debugger or a terminal can make it go on; a tree that has a cgroup v2 group to itself is frozen by the kernel, any other by signals.',
    },
    automatic: 'guard',
    halfDone: 'finish',
    parse: parseTree,
    target: (wanted) => `pid ${findTree(world, wanted).root.pid}`,

    async plan(wanted, { force }) {
      const { root, all, members } = findTree(world, wanted);
      world.processes.mayTouch(all, members, force, wanted.asker);
      const state = planHalt(world, all, members);
      if (state.processes.every(({ stopped }) => stopped)) {
        throw new MoatError<ActionErrorCode>('not-there', `process ${root.pid} is stopped already, with all that came of it`, { text: { zh: `进程 ${root.pid} 及其全部后代早已停住`, en: `process ${root.pid} is stopped already, with all that came of it` } });
      }
      const ran = ranOf(world.procfs, members);
      const { length } = members;
      return {
        target: `pid ${root.pid}`,
        title: { zh: `冻结进程 ${root.pid}（${root.name}）${length > 1 ? `及其后代，共 ${length} 个` : ''}`, en: `Freeze process ${root.pid} (${root.name})${length > 1 ? ` and what came of it, ${length} in all` : ''}` },
        steps: treeSteps(members, ran, 'SIGSTOP'),
        risk: 'medium', reversible: true, state: { ...state, ran, ...(wanted.origin !== undefined && { origin: wanted.origin }) },
      };
    },

    async apply(state, context) { await halt(world, state, context); },

    verify(state) {
      const { halted, running, grown } = standing(world, state);
      if (halted.length === 0 && running.length === 0) return Promise.resolve({ is: 'former', evidence: { zh: '树中的进程都已结束', en: 'every process of the tree has ended' } });
      if (halted.length === 0) return Promise.resolve({ is: 'former', evidence: { zh: `${running.length} 个进程照常运行`, en: `${running.length} processes run as they did` } });
      if (running.length === 0 && grown.length === 0) return Promise.resolve({ is: 'finished', evidence: { zh: `${halted.length} 个进程停住`, en: `${halted.length} processes stand still` } });
      const pids = [...running, ...grown].slice(0, 20).map(({ pid }) => pid).join(', ');
      return Promise.resolve({ is: 'between', evidence: { zh: `${halted.length} 个停住，仍在运行的有 ${pids}`, en: `${halted.length} stand still, still running: ${pids}` } });
    },

    undo: (state) => release(world, state),
  };
}
