/** How a run moves through the steps that do nothing themselves: conditions, loops, branches, ends. Pure. */
import type { PlaybookRun, Step, Thread } from '../../core/playbook.ts';
import { holds, parseCondition } from './playbook-condition.ts';
import { filled } from './playbook.ts';

/** Steps of one run, each passage counted. */
const visitsMax = 10_000;

/** Puts a strand before a step. */
export function arrive(run: PlaybookRun, thread: Thread, to: string, now: number): void {
  const delay = run.definition.workflow[to]?.delay ?? 0;
  thread.step = to;
  thread.visit = ++run.visits;
  thread.command = 0;
  thread.began = now + delay;
  delete thread.approved;
  delete thread.wait;
  if (delay > 0) thread.wait = { for: 'time', until: now + delay };
}

/** Until every strand waits, stands before a command, or has ended. Returns what is wrong when it cannot go on. */
export function settle(run: PlaybookRun, now: number): string | undefined {
  for (;;) {
    const thread = run.threads.find((one) => (one.wait === undefined || (one.wait.for === 'time' && one.wait.until <= now)) && run.definition.workflow[one.step]?.type !== 'action');
    if (thread === undefined) return undefined;
    if (run.visits >= visitsMax) return `the run has passed through ${visitsMax} steps`;
    const fault = pass(run, thread, now);
    if (fault !== undefined) return fault;
  }
}

function pass(run: PlaybookRun, thread: Thread, now: number): string | undefined {
  const step = run.definition.workflow[thread.step];
  const into = (branch: string | undefined, onward: string): void => {
    if (branch !== undefined) thread.frames.push({ step: thread.step, rounds: 0 });
    arrive(run, thread, branch ?? onward, now);
  };
  switch (step?.type) {
    case undefined: return `expected a step ${thread.step}`;
    case 'start': arrive(run, thread, step.on_completion, now); return undefined;
    case 'end': end(run, thread, now); return undefined;
    case 'if-condition': into(isTrue(run, step.condition) ? step.on_true : step.on_false, step.on_completion); return undefined;
    case 'while-condition': into(isTrue(run, step.condition) ? step.on_true : undefined, step.on_completion); return undefined;
    case 'playbook-action': into(step.on_true, step.on_completion); return undefined;
    case 'switch-condition': into(caseOf(run, step), step.on_completion); return undefined;
    case 'parallel':
      thread.wait = { for: 'branches' };
      for (const first of step.next_steps) {
        const branch: Thread = { id: run.nextThread++, parent: thread.id, step: first, visit: 0, command: 0, began: now, frames: [] };
        arrive(run, branch, first, now);
        run.threads.push(branch);
      }
      return undefined;
    case 'action': return undefined;
  }
}

/** A branch is through: its step goes on, a while looks again, a parallel waits for the others. */
function end(run: PlaybookRun, thread: Thread, now: number): void {
  const frame = thread.frames.at(-1);
  const outer = frame === undefined ? undefined : run.definition.workflow[frame.step];
  if (frame !== undefined && outer !== undefined) {
    if (outer.type === 'while-condition') {
      frame.rounds++;
      if (frame.rounds < outer.max && isTrue(run, outer.condition)) { arrive(run, thread, outer.on_true, now); return; }
    }
    thread.frames.pop();
    if ('on_completion' in outer && outer.on_completion !== undefined) arrive(run, thread, outer.on_completion, now);
    return;
  }
  run.threads = run.threads.filter((one) => one !== thread);
  const parent = run.threads.find(({ id }) => id === thread.parent);
  if (parent === undefined || run.threads.some((one) => one.parent === parent.id)) return;
  const step = run.definition.workflow[parent.step];
  if (step?.type === 'parallel') arrive(run, parent, step.on_completion, now);
}

const isTrue = (run: PlaybookRun, condition: string): boolean => holds(parseCondition(condition), run.variables);

export function caseOf({ variables }: Pick<PlaybookRun, 'variables'>, step: Extract<Step, { type: 'switch-condition' }>): string | undefined {
  const value = String(filled(step.switch, variables));
  if (Object.hasOwn(step.cases, value)) return step.cases[value];
  return Object.hasOwn(step.cases, 'default') ? step.cases['default'] : undefined;
}
