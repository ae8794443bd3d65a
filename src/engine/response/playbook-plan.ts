/** What a playbook would do now: every step with its plan, and what would wait for a person. Nothing is done. */
import type { ActionErrorCode, Risk } from '../../core/action.ts';
import type { MoatError } from '../../core/error.ts';
import type { Level } from '../../core/level.ts';
import type { Phase, Playbook, PlaybookCommand, Step, Value } from '../../core/playbook.ts';
import type { Text } from '../../core/text.ts';
import { holds, parseCondition } from './playbook-condition.ts';
import { filledInput, filledText } from './playbook.ts';
import { caseOf } from './playbook-step.ts';
import type { Planned, Runner } from './runner.ts';

/** `asks`: a person is asked before. `refused`: it would fail now, and why. */
export type PlannedCommand =
  | { type: 'moat-action'; action: string; title: Text; steps: readonly Text[]; risk: Risk; reversible: boolean; asks: boolean; forMs?: number | 'escalating' }
  | { type: 'moat-action'; action: string; refused: string; code: string }
  | { type: 'manual'; command: Text; level: Level; expiresMs: number }
  | { type: 'notify'; message: Text; level: Level };

/** One step. `depth`: how many branches it is in; `onFailure`: it is come to only when that step fails. */
export interface PlannedStep {
  step: string;
  depth: number;
  type: Step['type'];
  name?: Text;
  phase?: Phase;
  delayMs?: number;
  timeoutMs?: number;
  compensate?: boolean;
  onFailure?: string;
  /** The condition, and what it says now. */
  condition?: { text: string; holds: boolean | string };
  /** Rounds at most. */
  max?: number;
  commands: PlannedCommand[];
}

export interface PlanWorld { runner: Pick<Runner, 'plan'>; variables: Readonly<Record<string, Value>>; /** Whether it is done without asking. */ mayAct: (planned: Planned) => boolean }

/** Ways that conditions do not take now are left out; what follows a failure stands after what follows success, once. */
export async function planPlaybook(playbook: Playbook, world: PlanWorld): Promise<PlannedStep[]> {
  const planned: PlannedStep[] = [];
  const seen = new Set<string>();
  const later: { id: string; depth: number; onFailure: string }[] = [];

  async function walk(first: string, depth: number, onFailure?: string): Promise<void> {
    for (let id: string | undefined = first; id !== undefined && !seen.has(id);) {
      const step: Step | undefined = playbook.workflow[id];
      if (step === undefined) return;
      seen.add(id);
      const { name, phase, delay } = step;
      const line: PlannedStep = { step: id, depth, type: step.type, ...(name && { name }), ...(phase && { phase }), ...(delay > 0 && { delayMs: delay }), ...(onFailure !== undefined && { onFailure }), commands: [] };
      planned.push(line);
      const here = id;
      switch (step.type) {
        case 'end': return;
        case 'start': break;
        case 'action':
          if (step.timeout !== undefined) line.timeoutMs = step.timeout;
          if (step.compensate) line.compensate = true;
          for (const command of step.commands) line.commands.push(await planCommand(command, world));
          if (step.on_failure !== undefined) later.push({ id: step.on_failure, depth, onFailure: here });
          break;
        case 'if-condition': {
          const is = holds(parseCondition(step.condition), world.variables);
          line.condition = { text: step.condition, holds: is };
          const branch = is ? step.on_true : step.on_false;
          if (branch !== undefined) await walk(branch, depth + 1, onFailure);
          break;
        }
        case 'while-condition': {
          const is = holds(parseCondition(step.condition), world.variables);
          Object.assign(line, { condition: { text: step.condition, holds: is }, max: step.max });
          if (is) await walk(step.on_true, depth + 1, onFailure);
          break;
        }
        case 'switch-condition': {
          const branch = caseOf({ variables: { ...world.variables } }, step);
          line.condition = { text: step.switch, holds: branch ?? '' };
          if (branch !== undefined) await walk(branch, depth + 1, onFailure);
          break;
        }
        case 'parallel': for (const branch of step.next_steps) await walk(branch, depth + 1, onFailure); break;
        case 'playbook-action': if (step.on_true !== undefined) await walk(step.on_true, depth + 1, onFailure); break;
      }
      id = 'on_success' in step && step.on_success !== undefined ? step.on_success : step.on_completion;
    }
  }

  await walk(playbook.workflow_start, 0);
  for (let next = later.shift(); next !== undefined; next = later.shift()) await walk(next.id, next.depth, next.onFailure);
  return planned;
}

async function planCommand(command: PlaybookCommand, { runner, variables, mayAct }: PlanWorld): Promise<PlannedCommand> {
  const text = ({ zh, en }: Text): Text => ({ zh: filledText(zh, variables), en: filledText(en, variables) });
  switch (command.type) {
    case 'manual': return { type: 'manual', command: text(command.command), level: command.level, expiresMs: command.expires };
    case 'notify': return { type: 'notify', message: text(command.message), level: command.level };
    case 'moat-action':
      try {
        const found = await runner.plan(command.action, { ...filledInput(command.input, variables), why: '', by: 'dry-run' }, { force: command.force });
        const { title, steps, risk, reversible } = found.plan;
        return { type: 'moat-action', action: command.action, title, steps: steps.map((one) => one.text), risk, reversible, asks: command.ask === true || !mayAct(found), ...(command.for !== undefined && { forMs: command.for }) };
      } catch (error) { return { type: 'moat-action', action: command.action, refused: (error as Error).message, code: (error as MoatError<ActionErrorCode>).code ?? 'failed' }; }
  }
}
