/** Single actions by the control socket: shown, done, confirmed. What `moat fix` and the commands on files and settings ask. */
import type { ActionErrorCode, Plan, Receipt } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import type { Runner } from '../engine/response/runner.ts';
import type { Handlers } from './control.ts';

export interface StepOptions { runner: Runner; asked: (argument: unknown) => { by: string; why: string; force: boolean } }

/** What would be done. */
export type ShownStep = Pick<Plan, 'target' | 'title' | 'steps' | 'risk' | 'reversible' | 'until'>;

/** Those that have no operation of their own, and those that a finding may call for. */
const stepActions = ['change-mode', 'change-setting', 'cloud-step', 'deny-file', 'quarantine-file', 'remove-line', 'restore-file'] as const;
const fromMax = 200;

export function stepHandlers({ runner, asked }: StepOptions): Handlers {
  const read = (argument: unknown): { action: string; input: object; by: string; why: string; force: boolean; from?: string } => {
    const { action, input, from } = (typeof argument === 'object' && argument !== null ? argument : {}) as Readonly<Record<string, unknown>>;
    if (!stepActions.some((one) => one === action) || typeof input !== 'object' || input === null) throw new MoatError<ActionErrorCode>('bad-input', `expected one of ${stepActions.join(', ')} and its input`);
    const { by, why, force } = asked(argument);
    return { action: action as string, input: { ...input, by, why }, by, why, force, ...(typeof from === 'string' && { from: from.slice(0, fromMax) }) };
  };
  return {
    'step-plan': async (argument): Promise<ShownStep> => {
      const { action, input, force } = read(argument);
      const { target, title, steps, risk, reversible, until } = (await runner.plan(action, input, { force })).plan;
      return { target, title, steps, risk, reversible, ...(until !== undefined && { until }) };
    },
    'step-do': async (argument): Promise<Receipt> => await runner.run({ ...read(argument), via: 'control' }),
    'step-confirm': async (argument): Promise<Receipt> => {
      const { id } = (typeof argument === 'object' && argument !== null ? argument : {}) as { id?: unknown };
      if (typeof id !== 'string') throw new MoatError<ActionErrorCode>('bad-input', 'expected the id of something that waits to be confirmed');
      const { by, why } = asked(argument);
      return await runner.confirm(id, { by, why, via: 'control' });
    },
  };
}
