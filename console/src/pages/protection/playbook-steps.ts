/** The steps of a playbook in the order in which they come, with what each hangs on: pure, so that it is tested alone. */
import type { Playbook as Wire, PlaybookStep as Step } from '../../../../src/api/contract/response.ts';

/** `when`: the way on which it is come to; undefined for what always is. */
export interface ReadStep { id: string; depth: number; step: Step; when?: 'true' | 'false' | 'failure' | 'beside' | 'case'; of?: string }

/** Each step once: branches below what they hang on, what follows a failure below what failed. What only holds others together (start, end, other playbooks) is left out. */
export function readSteps({ workflow, workflow_start: first }: Pick<Wire, 'workflow' | 'workflow_start'>): ReadStep[] {
  const found: ReadStep[] = [];
  const seen = new Set<string>();
  const walk = (from: string | undefined, depth: number, way?: Pick<ReadStep, 'when' | 'of'>): void => {
    let how = way;
    for (let id = from; id !== undefined && !seen.has(id);) {
      const step = workflow[id] as Step | undefined;
      if (step === undefined) return;
      seen.add(id);
      const isTold = step.type === 'action' || step.type === 'if-condition' || step.type === 'while-condition' || step.type === 'switch-condition';
      if (isTold) {
        found.push({ id, depth, step, ...how });
        how = undefined;
      }
      const next = nextOf(step);
      switch (step.type) {
        case 'if-condition':
          walk(step.on_true, depth + 1, { when: 'true' });
          walk(step.on_false, depth + 1, { when: 'false' });
          break;
        case 'while-condition': walk(step.on_true, depth + 1, { when: 'true' }); break;
        case 'switch-condition': for (const [name, one] of Object.entries(step.cases)) walk(one, depth + 1, { when: 'case', of: name }); break;
        case 'parallel': for (const one of step.next_steps) walk(one, depth + 1, { when: 'beside' }); break;
        case 'playbook-action': walk(step.on_true, depth, how); break;
        // What both ways lead to comes after both.
        case 'action': if (step.on_failure !== undefined && step.on_failure !== next) walkOnly(step.on_failure, depth + 1, next); break;
        case 'start': case 'end': break;
      }
      id = next;
    }
  };
  /** What is done after a failure, as far as the other way is not come to. */
  const walkOnly = (from: string, depth: number, until: string | undefined): void => {
    const isKept = until === undefined || seen.has(until);
    if (!isKept) seen.add(until);
    walk(from, depth, { when: 'failure' });
    if (!isKept) seen.delete(until);
  };
  walk(first, 0);
  return found;
}

const nextOf = (step: Step): string | undefined => ('on_success' in step && step.on_success !== undefined ? step.on_success : 'on_completion' in step ? step.on_completion : undefined);

const known = /^__([a-z][a-z0-9_]*?)__:value != ""$/;
/** Names of what must be known, where the condition asks for no more; undefined for any other condition. */
export function wantsKnown(condition: string): string[] | undefined {
  const parts = condition.split(' and ').map((one) => known.exec(one.trim())?.[1]);
  return parts.every((one) => one !== undefined) ? parts : undefined;
}

const reference = /__([a-z][a-z0-9_]*?)__(?::value)?/g;
/** The text with what is filled in later said by `name`. */
export const withNames = (text: string, name: (variable: string) => string): string => text.replace(reference, (_, variable: string) => `‹${name(variable)}›`);
