/** What a playbook says, checked: its graph, its variables, what it can be filled with. Pure; see playbook-run.ts for the run. */
import type { Alert } from '../../core/alert.ts';
import { atLeast } from '../../core/level.ts';
import type { Playbook, Step, Value } from '../../core/playbook.ts';
import { safe } from '../../core/safe.ts';
import { factsOf } from './facts.ts';
import { matches } from './linkage.ts';
import { parseCondition, variablesOf } from './playbook-condition.ts';
import { tacticsOf } from './tactics.ts';

/** Variables that the alert fills; empty when it does not have the field. */
const alertVariables = ['__alert_id__', '__alert_status__', '__rule__', '__title__', '__summary__', '__level__', '__count__', '__host__', '__source_ip__', '__source_country__', '__origin_ip__', '__user__', '__service__', '__pid__', '__path__', '__started__', '__program__', '__file__', '__peer_ip__', '__port__'] as const;

const valueMax = 1000;

export function variablesOfAlert(alert: Alert): Record<string, Value> {
  const { id, status, rule_id, rule_name, summary, level, count, host, source_ip, source_country, origin_ip, user, service, pid, path } = alert;
  const { started, program, file, peer_ip, port } = factsOf(alert);
  const values: Record<(typeof alertVariables)[number], Value> = {
    __alert_id__: id, __alert_status__: status, __rule__: rule_id, __title__: rule_name, __summary__: summary, __level__: level, __count__: count, __host__: host,
    __source_ip__: source_ip ?? '', __source_country__: source_country ?? '', __origin_ip__: origin_ip ?? '', __user__: user ?? '', __service__: service ?? '', __pid__: pid ?? '', __path__: path ?? '',
    __started__: started ?? '', __program__: program ?? '', __file__: file ?? '', __peer_ip__: peer_ip ?? '', __port__: port ?? '',
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value.slice(0, valueMax) : value]));
}

/** Where something is wrong: keys from the top of the playbook. */
export interface PlaybookFault { path: readonly string[]; message: string }

const stepsMax = 500;
const reference = /__[a-z][a-z0-9_]{0,61}?__(?::value)?/g;
const wholeReference = /^(__[a-z][a-z0-9_]{0,61}?__)(?::value)?$/;

/** Ids of the steps that may follow a step, with the key that names each. */
function followers(step: Step): { key: string; id: string; isBranch: boolean }[] {
  const found: { key: string; id: string; isBranch: boolean }[] = [];
  const add = (key: string, id: string | undefined, isBranch = false): void => { if (id !== undefined) found.push({ key, id, isBranch }); };
  switch (step.type) {
    case 'end': break;
    case 'start': add('on_completion', step.on_completion); break;
    case 'action': add('on_completion', step.on_completion); add('on_success', step.on_success); add('on_failure', step.on_failure); break;
    case 'if-condition': add('on_true', step.on_true, true); add('on_false', step.on_false, true); add('on_completion', step.on_completion); break;
    case 'while-condition': case 'playbook-action': add('on_true', step.on_true, true); add('on_completion', step.on_completion); break;
    case 'switch-condition': for (const [name, id] of Object.entries(step.cases)) add(`cases.${name}`, id, true); add('on_completion', step.on_completion); break;
    case 'parallel': step.next_steps.forEach((id, at) => add(`next_steps.${at}`, id, true)); add('on_completion', step.on_completion); break;
  }
  return found;
}

/** How each action reads its input: throws for what it does not take. */
export type Parsers = ReadonlyMap<string, (input: unknown) => unknown>;

/** Only to see whether an action takes such a value: nothing is done with them. */
const alertSamples: Partial<Record<(typeof alertVariables)[number], Value>> = {
  __source_ip__: '203.0.113.9', __origin_ip__: '203.0.113.9', __peer_ip__: '203.0.113.9', __pid__: 4711, __started__: 1_800_000_000_000, __path__: '/tmp/x', __program__: '/tmp/x', __file__: '/tmp/x', __port__: '443/tcp', __count__: 100, __level__: 'high', __user__: 'deploy',
};
/** What an own variable without a value may come to be. */
const laterSamples: readonly Value[] = ['/tmp/x', '203.0.113.9', '443/tcp', '10/s', 'deploy', 1];

/** Why an action takes none of the values that an input may have; undefined when it takes one. `samples`: those that a written value stands for. */
export function inputRefusal(parse: ((input: unknown) => unknown) | undefined, { input, for: span }: { input: Readonly<Record<string, Value>>; for?: number | 'escalating' | undefined }, samples: (value: Value) => readonly Value[]): string | undefined {
  if (parse === undefined) return undefined;
  let refusal: string | undefined;
  const choices = Object.entries(input).map(([name, value]) => [name, samples(value)] as const);
  for (let at = 0; at < Math.max(1, ...choices.map(([, some]) => some.length)); at++) {
    try {
      parse({ ...Object.fromEntries(choices.map(([name, some]) => [name, some[Math.min(at, some.length - 1)]])), why: '', by: '', ...(span !== undefined && { until: 4_000_000_000_000 }) });
      return undefined;
    } catch (error) { refusal ??= (error as Error).message; }
  }
  return refusal;
}

function samplesOf(value: Value, own: Playbook['playbook_variables']): readonly Value[] {
  const [, name] = typeof value === 'string' ? (wholeReference.exec(value) ?? []) : [];
  if (name === undefined) return [value];
  const set = Object.hasOwn(own, name) ? own[name] : undefined;
  if (set !== undefined) return set === '' ? laterSamples : [set];
  return [alertSamples[name as (typeof alertVariables)[number]] ?? 'x'];
}

/** Everything that would keep the runner from running it. Each step is looked at once. */
export function faultsOf(playbook: Playbook, actions: Parsers): PlaybookFault[] {
  const { workflow, workflow_start } = playbook;
  const faults: PlaybookFault[] = [];
  const fault = (path: readonly string[], message: string): void => { faults.push({ path, message }); };
  const names = Object.keys(workflow);
  if (names.length > stepsMax) fault(['workflow'], `expected at most ${stepsMax} steps, got ${names.length}`);
  if (at(workflow, workflow_start)?.type !== 'start') fault(['workflow_start'], `expected the id of a start step, got ${JSON.stringify(workflow_start)}`);
  const known = new Set<string>([...alertVariables, ...Object.keys(playbook.playbook_variables)]);
  for (const name of Object.keys(playbook.playbook_variables)) {
    if ((alertVariables as readonly string[]).includes(name)) fault(['playbook_variables', name], 'expected another name: the alert fills this one');
  }
  for (const [id, step] of Object.entries(workflow)) {
    const here = (...more: string[]): string[] => ['workflow', id, ...more];
    for (const { key, id: to } of followers(step)) {
      const target = at(workflow, to);
      if (target === undefined) fault(here(...key.split('.')), `expected the id of a step, got ${JSON.stringify(to)}`);
      else if (target.type === 'start') fault(here(...key.split('.')), `expected a step other than the start, got ${JSON.stringify(to)}`);
    }
    if (step.type === 'start' && id !== workflow_start) fault(here('type'), 'expected one start step, the one of workflow_start');
    const used = (name: string, ...where: string[]): void => { if (!known.has(name)) fault(here(...where), `expected a variable of the playbook or the alert, got ${name}`); };
    switch (step.type) {
      case 'if-condition': case 'while-condition':
        try {
          for (const name of variablesOf(parseCondition(step.condition))) used(name, 'condition');
        } catch (error) { fault(here('condition'), (error as Error).message); }
        break;
      case 'switch-condition': {
        const [, name] = wholeReference.exec(step.switch) ?? [];
        if (name === undefined) fault(here('switch'), `expected one variable such as __level__:value, got ${JSON.stringify(step.switch)}`);
        else used(name, 'switch');
        break;
      }
      case 'action': actionFaults(step, actions, playbook.playbook_variables, used, (path, message) => fault(here(...path), message)); break;
      case 'start': case 'end': case 'parallel': case 'playbook-action': break;
    }
  }
  if (faults.length === 0) faults.push(...graphFaults(playbook));
  return faults;
}

function actionFaults(step: Extract<Step, { type: 'action' }>, actions: Parsers, own: Playbook['playbook_variables'], used: (name: string, ...where: string[]) => void, fault: (path: string[], message: string) => void): void {
  if (step.on_completion !== undefined && (step.on_success !== undefined || step.on_failure !== undefined)) fault(['on_completion'], 'expected on_completion alone, or on_success with on_failure, got both');
  else if (step.on_completion === undefined && step.on_success === undefined) fault([], 'expected on_completion or on_success: every way must come to an end step');
  step.commands.forEach((command, index) => {
    const where = (...keys: string[]): string[] => ['commands', String(index), ...keys];
    switch (command.type) {
      case 'moat-action':
        if (!actions.has(command.action)) fault(where('action'), `expected one of ${[...actions.keys()].join(', ')}, got ${JSON.stringify(command.action)}`);
        for (const [name, value] of Object.entries(command.input)) {
          if (typeof value !== 'string' || !value.includes('__')) continue;
          const [, variable] = wholeReference.exec(value) ?? [];
          if (variable !== undefined) used(variable, ...where('input', name));
          else if (value.match(reference) !== null) fault(where('input', name), 'expected one variable alone, or none');
        }
        {
          const refusal = inputRefusal(actions.get(command.action), command, (value) => samplesOf(value, own));
          if (refusal !== undefined) fault(where('input'), `${command.action} does not take it: ${refusal}`);
        }
        break;
      case 'manual':
        if (step.on_completion !== undefined) fault(['on_completion'], 'expected on_success (approved) and on_failure (rejected or expired) for a step that waits for a person');
        for (const name of mentioned(command.command.zh, command.command.en)) used(name, ...where('command'));
        break;
      case 'notify': for (const name of mentioned(command.message.zh, command.message.en)) used(name, ...where('message')); break;
    }
  });
}

const mentioned = (...texts: string[]): string[] => texts.flatMap((text) => text.match(reference) ?? []).map((name) => name.replace(':value', ''));

/** Steps that nothing comes to, and ways that come back to where they were. A while goes round by itself, bounded. */
function graphFaults({ workflow, workflow_start }: Playbook): PlaybookFault[] {
  const faults: PlaybookFault[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (id: string): void => {
    state.set(id, 'open');
    for (const { key, id: to } of followers(workflow[id]!)) {
      if (state.get(to) === 'open') faults.push({ path: ['workflow', id, ...key.split('.')], message: `expected no way back to ${JSON.stringify(to)}: a loop needs a while-condition with max` });
      else if (!state.has(to)) visit(to);
    }
    state.set(id, 'done');
  };
  visit(workflow_start);
  for (const id of Object.keys(workflow)) if (!state.has(id)) faults.push({ path: ['workflow', id], message: `expected a way from the start to ${JSON.stringify(id)}, there is none` });
  return faults;
}

const at = (workflow: Playbook['workflow'], id: string): Step | undefined => (Object.hasOwn(workflow, id) ? workflow[id] : undefined);

/**
 * Puts the playbooks that it names into it: their steps get `step/` before their id, their variables hold where it has none of that name.
 * Throws with the path of the step that names one which is not there, or itself.
 */
export function expand(playbook: Playbook, others: ReadonlyMap<string, Playbook>, above: readonly string[] = []): Playbook | PlaybookFault {
  const workflow: Record<string, Step> = {};
  let variables = playbook.playbook_variables;
  for (const [id, step] of Object.entries(playbook.workflow)) {
    if (step.type !== 'playbook-action') { workflow[id] = step; continue; }
    const path = ['workflow', id, 'playbook_id'];
    const other = others.get(step.playbook_id);
    if (other === undefined) return { path, message: `expected the id of a playbook, got ${JSON.stringify(step.playbook_id)}` };
    if (other.id === playbook.id || above.includes(other.id)) return { path, message: `expected another playbook, got ${other.id}, which leads back here` };
    const inner = expand(other, others, [...above, playbook.id]);
    if (!('id' in inner)) return { path, message: `${other.id}: ${inner.message}` };
    variables = { ...inner.playbook_variables, ...variables };
    const prefix = (to: string): string => `${id}/${to}`;
    for (const [name, one] of Object.entries(inner.workflow)) workflow[prefix(name)] = renamed(one, prefix);
    workflow[id] = { ...step, on_true: prefix(inner.workflow_start) };
    if (Object.keys(workflow).length > stepsMax) return { path, message: `expected at most ${stepsMax} steps with those of other playbooks, got more` };
  }
  return { ...playbook, playbook_variables: variables, workflow };
}

function renamed(step: Step, to: (id: string) => string): Step {
  const maybe = (id: string | undefined): string | undefined => (id === undefined ? undefined : to(id));
  switch (step.type) {
    case 'end': return step;
    case 'start': return { ...step, on_completion: to(step.on_completion) };
    case 'action': return { ...step, on_completion: maybe(step.on_completion), on_success: maybe(step.on_success), on_failure: maybe(step.on_failure) };
    case 'if-condition': return { ...step, on_true: to(step.on_true), on_false: maybe(step.on_false), on_completion: to(step.on_completion) };
    case 'while-condition': return { ...step, on_true: to(step.on_true), on_completion: to(step.on_completion) };
    case 'playbook-action': return { ...step, on_true: maybe(step.on_true), on_completion: to(step.on_completion) };
    case 'switch-condition': return { ...step, cases: Object.fromEntries(Object.entries(step.cases).map(([name, id]) => [name, to(id)])), on_completion: to(step.on_completion) };
    case 'parallel': return { ...step, next_steps: step.next_steps.map(to), on_completion: to(step.on_completion) };
  }
}

/** Whether an alert is one that it answers. */
export function triggeredBy({ triggers }: Playbook, alert: Alert): boolean {
  if (triggers === undefined || !atLeast(alert.level, triggers.level)) return false;
  const { attack, tactics, rules } = triggers;
  if (attack === undefined && tactics === undefined && rules === undefined) return true;
  return attack?.some((technique) => alert.attack.some((one) => one === technique || one.startsWith(`${technique}.`))) === true
    || tactics?.some((tactic) => alert.attack.some((one) => tacticsOf(one).includes(tactic))) === true
    || rules?.some((pattern) => matches(pattern, alert.rule_id)) === true;
}

/** What the run is about. */
export function targetOf({ per }: Playbook, alert: Alert): string {
  const value = per === 'alert' ? undefined : alert[per];
  return value === undefined || value === '' ? `alert ${alert.id}` : `${per} ${String(value).slice(0, 300)}`;
}

/** The value of a variable that stands alone, else the text itself. */
export function filled(value: Value, variables: Readonly<Record<string, Value>>): Value {
  const [, name] = typeof value === 'string' ? (wholeReference.exec(value) ?? []) : [];
  return name === undefined ? value : worth(name, variables);
}

export function filledInput(input: Readonly<Record<string, Value>>, variables: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, filled(value, variables)]));
}

const plain = /^[A-Za-z0-9][A-Za-z0-9._:@/+-]*$|^\/[A-Za-z0-9._:@/+-]*$/;

/** Text for a person, who may copy a command out of it: what an attacker may have named is quoted for a shell. */
export function filledText(text: string, variables: Readonly<Record<string, Value>>): string {
  return text.replaceAll(reference, (whole) => {
    const value = safe(String(worth(whole.replace(':value', ''), variables))).slice(0, 300);
    return plain.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
  });
}

const worth = (name: string, variables: Readonly<Record<string, Value>>): Value => (Object.hasOwn(variables, name) ? variables[name]! : '');
