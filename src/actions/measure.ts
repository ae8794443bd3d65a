/** The three steps that all actions share whose whole effect is one measure in the firewall. */
import type { Action, ActionErrorCode, Receipt } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import type { Firewall } from '../linux/firewall/firewall.ts';
import type { Measure } from '../linux/firewall/measures.ts';

export interface MeasureWorld {
  /** Ready to be used; made at the first use. Throws MoatError 'no-firewall'. */
  firewall: () => Promise<Firewall>;
  /** Looks only. Throws MoatError 'no-firewall' where there is none for it, or it is off. */
  mustHaveFirewall: (wanted: 'blocks' | 'measures') => void;
  /** What was done to this target by this action and holds. */
  standing: (action: string, target: string) => Receipt | undefined;
}

export interface MeasureState { id: string; measure: Measure; until?: number | undefined }

/** Throws MoatError 'no-firewall' when it could neither be done nor taken back, 'refused' when there is one for this target already: what was before it could not be told apart from it. */
export function mayBegin(world: MeasureWorld, action: string, target: string, hint?: string): void {
  world.mustHaveFirewall('measures');
  const before = world.standing(action, target);
  if (before === undefined) return;
  const why: Text = { zh: `${target} 已有同类处置（${before.id}），先撤销它`, en: `${target}: the like of it stands already (${before.id}); take it back first` };
  throw new MoatError<ActionErrorCode>('refused', why.en, { text: why, hint: hint ?? `moat undo ${before.id}` });
}

export function verifyMeasure({ firewall }: MeasureWorld): Action<never, MeasureState>['verify'] {
  return async ({ id, measure }) => {
    switch (await (await firewall()).check(id, measure)) {
      case 'whole': return { is: 'finished', evidence: { zh: `防火墙规则 ${id} 在位且完整`, en: `the rules ${id} stand in the firewall, whole` } };
      case 'none': return { is: 'former', evidence: { zh: `防火墙中没有生效的规则 ${id}`, en: `no rules ${id} hold in the firewall` } };
      case 'changed': return { is: 'between', evidence: { zh: `防火墙规则 ${id} 与当初写入的不同`, en: `the rules ${id} in the firewall are not as they were written` } };
    }
  };
}

export function measureSteps(world: MeasureWorld): Pick<Action<never, MeasureState>, 'apply' | 'verify' | 'undo'> {
  return {
    async apply({ id, measure, until }) { await (await world.firewall()).put(id, measure, until); },
    verify: verifyMeasure(world),
    async undo({ id }) { await (await world.firewall()).take(id); },
  };
}
