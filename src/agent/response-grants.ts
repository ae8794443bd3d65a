/** Temporary privileges by the control socket: granted, listed. Taken back like anything that was done: `undo`. */
import type { ActionErrorCode, Plan, Receipt, ResponseStore } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import { grantAction, type Grants, holderOf } from '../engine/response/grants.ts';
import type { Runner } from '../engine/response/runner.ts';
import type { Handlers } from './control.ts';

/** One line of `moat grants`. Times are Unix ms; `ended` with `note` when it is over: by whom, and why. */
export interface GrantRow { id: string; user: string; commands: string[]; since: number; until?: number; by: string; why: string; status: Receipt['status']; ended?: { time: number; by: string; note: string } }

export type GrantPlan = Pick<Plan, 'target' | 'title' | 'steps' | 'risk' | 'reversible'>;

const listMax = 1000;

export function grantHandlers({ runner, store, grants, now, asked }: { runner: Runner; store: ResponseStore; grants: Grants; now: () => number; asked: (argument: unknown) => { by: string; why: string } }): Handlers {
  return {
    /** With `plan` it is shown only. */
    'grant': async (argument): Promise<Receipt | GrantPlan> => {
      const { user, commands, for_ms: forMs, plan: only } = (typeof argument === 'object' && argument !== null ? argument : {}) as Record<string, unknown>;
      if (typeof forMs !== 'number' || !(forMs > 0)) throw new MoatError<ActionErrorCode>('bad-input', 'expected for how long: what is granted ends', { hint: '--for 2h' });
      const { by, why } = asked(argument);
      const until = now() + forMs;
      const input = { user, commands, until };
      if (only === true) {
        const { plan: { target, title, steps, risk, reversible } } = await runner.plan(grantAction, input);
        return { target, title, steps, risk, reversible };
      }
      return await runner.run({ action: grantAction, input, by, why, via: 'control', until });
    },
    /** With `all` also those that are over. */
    'grants': (argument): GrantRow[] => {
      const { all } = (typeof argument === 'object' && argument !== null ? argument : {}) as { all?: unknown };
      return (all === true ? store.receipts({ action: grantAction, limit: listMax }) : grants.standing()).map(rowOf);
    },
  };
}

function rowOf(receipt: Receipt): GrantRow {
  const { id, created, until, by, why, status, history, state } = receipt;
  const { commands } = (typeof state === 'object' && state !== null ? state : {}) as { commands?: unknown };
  const last = status === 'undone' ? history.at(-1) : undefined;
  return { id, user: holderOf(receipt) ?? '?', commands: Array.isArray(commands) ? commands.map(String) : [], since: created, ...(until !== undefined && { until }), by, why, status, ...(last && { ended: { time: last.time, by: last.by, note: last.note ?? '' } }) };
}
