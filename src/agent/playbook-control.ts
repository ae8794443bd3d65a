/** Playbooks under `moat up`: read, begun by alerts and by people, gone on with after a start; and what `moat playbook` asks. */
import type { Alert } from '../core/alert.ts';
import { MoatError } from '../core/error.ts';
import type { Answer, Decision } from '../core/notice.ts';
import type { Playbook, PlaybookRun, RunFilter, Value } from '../core/playbook.ts';
import type { Log, Store } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import type { Journal } from '../engine/response/journal.ts';
import { allows, type BanTimes, type Mode } from '../engine/response/linkage.ts';
import { variablesOfAlert } from '../engine/response/playbook.ts';
import { planPlaybook, type PlannedStep } from '../engine/response/playbook-plan.ts';
import { type People, type PlaybookErrorCode, PlaybookRuns } from '../engine/response/playbook-run.ts';
import { PlaybookTrigger } from '../engine/response/playbook-trigger.ts';
import type { Runner } from '../engine/response/runner.ts';
import type { Handlers } from './control.ts';
import type { Notices } from './notices.ts';

export interface PlaybooksOptions {
  runner: Runner;
  journal: Journal;
  store: Store;
  log: Log;
  now: () => number;
  count: (what: string, n?: number) => void;
  pausedUntil: () => number;
  modeFor: (rule: string) => Mode;
  ban: () => BanTimes;
  isShared?: ((address: string) => boolean) | undefined;
}

/** What `moat playbook list` shows of one. */
export type PlaybookHead = Omit<Playbook, 'workflow' | 'workflow_start' | 'playbook_variables'> & { steps: number };

/** A run, without the playbook it runs, and what it waits for a person with. */
export type RunView = Omit<PlaybookRun, 'definition'> & { name: Playbook['name']; waiting: ReturnType<PlaybookRuns['waiting']> };

export interface DryRun { playbook: PlaybookHead; mode: Mode; begins: boolean; steps: PlannedStep[] }

const listMax = 1000;
const defaultList = 50;

export class Playbooks {
  private readonly options: PlaybooksOptions;
  private readonly runs: PlaybookRuns;
  private readonly trigger: PlaybookTrigger;
  private all: ReadonlyMap<string, Playbook>;
  private notices: Pick<Notices, 'ask' | 'tell'> | undefined;

  constructor(options: PlaybooksOptions, all: ReadonlyMap<string, Playbook>) {
    this.options = options;
    this.all = all;
    const { runner, journal, store, log, now, count, pausedUntil, modeFor, ban, isShared } = options;
    const shared = { log, now, count, pausedUntil, modeFor };
    this.runs = new PlaybookRuns({ ...shared, runner, store: store.response, journal, ban, isShared, people: this.people(), alert: (id) => store.ledger.alert(id) });
    this.trigger = new PlaybookTrigger({ ...shared, runs: this.runs, store: store.response }, [...all.values()]);
  }

  /** The way to people; another after the configuration changed. */
  connect(notices: Pick<Notices, 'ask' | 'tell'>): void { this.notices = notices; }

  configure(all: ReadonlyMap<string, Playbook>): void {
    this.all = all;
    this.trigger.configure([...all.values()]);
  }

  /** After what was cut off is settled. */
  start(): void { this.runs.start(); }

  onAlerts(alerts: Iterable<Alert>): void { this.trigger.onAlerts(alerts); }

  /** Looks at what waits for a time or an answer. */
  tick(): void { this.runs.tick(); }

  get running(): number { return this.runs.size; }

  /** Of the newest so many that are under way. */
  underWay(most: number): { id: string; playbook: string; name: Text; target: string; since: number; waiting: number }[] {
    return this.options.store.response.playbookRuns({ status: ['running'], limit: most }).map(({ id, playbook, definition: { name }, target, created }) => ({ id, playbook, name, target, since: created, waiting: this.runs.waiting(id).length }));
  }

  async stop(): Promise<void> {
    await this.trigger.settled();
    await this.runs.close();
  }

  handlers(): Handlers {
    const { response } = this.options.store;
    return {
      'playbooks': () => [...this.all.values()].map(headOf),
      'playbook': (argument) => this.playbook(argument),
      'playbook-dry-run': (argument) => this.dryRun(argument as Asked),
      'playbook-run': (argument) => this.begin(argument as Asked),
      'playbook-runs': (argument) => {
        const { limit, run, ...filter } = (argument ?? {}) as { limit?: unknown; run?: unknown } & Pick<RunFilter, 'before' | 'status' | 'playbook'>;
        if (typeof run === 'string') return this.view(this.run(run));
        return response.playbookRuns({ ...filter, limit: typeof limit === 'number' && limit > 0 ? Math.min(listMax, limit) : defaultList }).map((one) => this.view(one));
      },
      'playbook-stop': async (argument) => {
        const { run, by, why, undo } = (argument ?? {}) as Asked;
        return this.view(await this.runs.stop(textOf(run), { by: byOf(by), why: textOf(why).slice(0, 1000), undo: undo === true }));
      },
      'playbook-answer': (argument) => this.answer(argument as Asked),
    };
  }

  private people(): People {
    const { store, now } = this.options;
    return {
      ask: (id, what, level, expires) => {
        if (store.requests.get(id) !== undefined) return;
        if (this.notices === undefined) store.requests.add({ id, created: now(), expires, level, what });
        else this.notices.ask(what, level, expires - now(), id);
      },
      answer: (id) => {
        const { answer, answeredBy } = store.requests.get(id) ?? {};
        return answer === undefined ? undefined : { answer, by: byOf(answeredBy) };
      },
      withdraw: (id, by) => { store.requests.decide(id, 'reject', by, now()); },
      tell: (id, what, level) => { this.notices?.tell(id, what, level); },
    };
  }

  private playbook(id: unknown): Playbook {
    const found = typeof id === 'string' ? this.all.get(id) : undefined;
    if (found === undefined) throw new MoatError<PlaybookErrorCode>('no-playbook', `expected one of ${[...this.all.keys()].join(', ')}, got ${JSON.stringify(id)?.slice(0, 100) ?? 'none'}`, { hint: 'moat playbook list' });
    return found;
  }

  private run(id: string): PlaybookRun {
    const found = this.options.store.response.playbookRun(id);
    if (found === undefined) throw new MoatError<PlaybookErrorCode>('no-run', `expected the id of a run, got ${id.slice(0, 100)}`, { hint: 'moat playbook runs' });
    return found;
  }

  private alert(id: unknown): Alert | undefined {
    if (id === undefined) return undefined;
    const found = typeof id === 'string' ? this.options.store.ledger.alert(id) : undefined;
    if (found === undefined) throw new MoatError<PlaybookErrorCode>('no-alert', `expected the id of an alert, got ${JSON.stringify(id)?.slice(0, 100) ?? 'none'}`, { hint: 'moat alerts' });
    return found;
  }

  private async dryRun(asked: Asked): Promise<DryRun> {
    const playbook = this.playbook(asked.id);
    const alert = this.alert(asked.alert);
    const mode = this.options.modeFor(alert?.rule_id ?? '');
    const variables = { ...playbook.playbook_variables, ...valuesOf(playbook, asked.set), ...(alert && variablesOfAlert(alert)) };
    const steps = await planPlaybook(playbook, { runner: this.options.runner, variables, mayAct: ({ action }) => action.automatic !== 'never' && allows(mode, action.automatic) });
    return { playbook: headOf(playbook), mode, begins: playbook.triggers !== undefined && playbook.mode !== 'manual' && mode !== 'observe' && allows(mode, playbook.mode), steps };
  }

  private async begin(asked: Asked): Promise<RunView> {
    const playbook = this.playbook(asked.id);
    const run = await this.runs.begin(playbook, { alert: this.alert(asked.alert), variables: valuesOf(playbook, asked.set), by: byOf(asked.by), why: textOf(asked.why), via: 'control' });
    await this.runs.settled();
    return this.view(this.run(run.id));
  }

  /** Answers what a run waits with; of several the one of a step. */
  private async answer({ run: id, step, answer, by }: Asked): Promise<RunView> {
    if (answer !== 'approve' && answer !== 'reject') throw new MoatError('bad-input', 'expected approve or reject');
    const run = this.run(textOf(id));
    const waiting = this.runs.waiting(run.id).filter((one) => step === undefined || one.step === step);
    const [question] = waiting;
    if (question === undefined) throw new MoatError<PlaybookErrorCode>('no-question', `expected a run that waits for an answer, ${run.id} does not`, { hint: `moat playbook runs ${run.id}` });
    if (waiting.length > 1) throw new MoatError<PlaybookErrorCode>('no-question', `expected the step that is answered, one of ${waiting.map((one) => one.step).join(', ')}`, { hint: `moat playbook ${answer satisfies Answer} ${run.id} --step STEP` });
    this.people().ask(question.request, question.what, 'high', question.expires);
    const decision: Decision = this.options.store.requests.decide(question.request, answer, byOf(by), this.options.now());
    if (decision !== 'decided') throw new MoatError<PlaybookErrorCode>('no-question', `expected a question that is open, it is ${decision}`);
    this.runs.tick();
    await this.runs.settled();
    return this.view(this.run(run.id));
  }

  private view({ definition, ...run }: PlaybookRun): RunView { return { ...run, name: definition.name, waiting: this.runs.waiting(run.id) }; }
}

interface Asked { id?: unknown; alert?: unknown; set?: unknown; run?: unknown; step?: unknown; answer?: unknown; by?: unknown; why?: unknown; undo?: unknown }

function headOf({ id, name, description, grade, mode, triggers, per, timeout, compensate, workflow }: Playbook): PlaybookHead {
  return { id, name, description, grade, mode, ...(triggers && { triggers }), per, timeout, compensate, steps: Object.keys(workflow).length };
}

/** Values given for the playbook's own variables, in the type that they have there. */
function valuesOf({ playbook_variables }: Playbook, set: unknown): Record<string, Value> {
  if (typeof set !== 'object' || set === null) return {};
  return Object.fromEntries(Object.entries(set).map(([key, given]) => {
    const name = key.startsWith('__') ? key : `__${key}__`;
    if (!Object.hasOwn(playbook_variables, name)) throw new MoatError('bad-input', `expected one of ${Object.keys(playbook_variables).join(', ') || 'no variables'}, got ${name.slice(0, 100)}`);
    const text = String(given).slice(0, 1000);
    switch (typeof playbook_variables[name]) {
      case 'number':
        if (!Number.isFinite(Number(text)) || text.trim() === '') throw new MoatError('bad-input', `expected a number for ${name}, got ${JSON.stringify(text.slice(0, 100))}`);
        return [name, Number(text)];
      case 'boolean':
        if (text !== 'true' && text !== 'false') throw new MoatError('bad-input', `expected true or false for ${name}, got ${JSON.stringify(text.slice(0, 100))}`);
        return [name, text === 'true'];
      default: return [name, text];
    }
  }));
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
/** Who asks through the control socket is a person. */
const byOf = (value: unknown): string => { const text = textOf(value).slice(0, 200); return /^(?:operator|account:|token:|link )/.test(text) ? text : `operator:${text === '' ? 'unknown' : text}`; };
