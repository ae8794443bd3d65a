/** Units, accounts, modules and containers, as asked by control requests. */
import type { ActionErrorCode, PlanStep, Receipt, Risk } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import type { Runner } from '../engine/response/runner.ts';
import type { Handlers } from './control.ts';

export interface SystemOptions { runner: Runner; now: () => number }

export const systemActions = ['end-sessions', 'lock-account', 'stop-container', 'stop-unit', 'unload-module'] as const;

/** What is shown before it is done. */
export interface SystemPlan { target: string; title: Text; steps: readonly PlanStep[]; risk: Risk; reversible: boolean }

const whyMax = 1000, byMax = 200;

export function systemHandlers({ runner, now }: SystemOptions): Handlers {
  const read = (argument: unknown): { action: string; input: object; by: string; why: string; force: boolean; until: number | undefined } => {
    const { action, input, by, why, force, for_ms: forMs } = (typeof argument === 'object' && argument !== null ? argument : {}) as Readonly<Record<string, unknown>>;
    if (typeof action !== 'string' || !systemActions.some((one) => one === action)) throw new MoatError<ActionErrorCode>('bad-input', `expected one of ${systemActions.join(', ')}`);
    return {
      action, input: typeof input === 'object' && input !== null ? input : {}, by: typeof by === 'string' ? by.slice(0, byMax) : 'operator', why: typeof why === 'string' ? why.slice(0, whyMax) : '',
      force: force === true, until: typeof forMs === 'number' && forMs > 0 ? now() + forMs : undefined,
    };
  };
  return {
    'system-plan': async (argument): Promise<SystemPlan> => {
      const { action, input, force } = read(argument);
      const { plan: { target, title, steps, risk, reversible } } = await runner.plan(action, input, { force });
      return { target, title, steps, risk, reversible };
    },
    'system-do': async (argument): Promise<Receipt> => {
      const { action, input, by, why, force, until } = read(argument);
      return await runner.run({ action, input, by, why, force, via: 'control', ...(until !== undefined && { until }) });
    },
  };
}
