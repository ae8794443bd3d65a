/**
 * Runs playbooks. What a run has come to is on disk after each step, with its audit entries; an action is found again by where it
 * came from (`run:RUN:STEP#VISIT.COMMAND`), so that after kill -9 the run goes on and does nothing twice. A run advances in rounds:
 * each of its strands does one command at the same time, then all that came of it is stored at once.
 */
import { randomBytes } from 'node:crypto';
import type { ActionErrorCode, Receipt, ResponseStore } from '../../core/action.ts';
import type { Alert } from '../../core/alert.ts';
import { MoatError } from '../../core/error.ts';
import type { Level } from '../../core/level.ts';
import type { Answer } from '../../core/notice.ts';
import type { Playbook, PlaybookCommand, PlaybookRun, RunEntry, RunStatus, Step, Thread, Value, Wait } from '../../core/playbook.ts';
import type { Log } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import type { AuditInput } from './audit.ts';
import type { Journal } from './journal.ts';
import { allows, banMs, type BanTimes, type Mode } from './linkage.ts';
import { filledInput, filledText, targetOf, variablesOfAlert } from './playbook.ts';
import { arrive, settle } from './playbook-step.ts';
import { takenBackByPerson } from './responder.ts';
import type { Planned, Runner, Wanted } from './runner.ts';
import { isOfMany } from './shared.ts';

/** The way to people. */
export interface People {
  /** Puts a question under this id, unless it was put already. */
  ask(id: string, what: Text, level: Level, expires: number): void;
  answer(id: string): { answer: Answer; by: string } | undefined;
  /** The question is void: nobody can approve it any more. */
  withdraw(id: string, by: string): void;
  tell(id: string, what: Text, level: Level): void;
}

export interface RunsOptions {
  runner: Pick<Runner, 'run' | 'plan' | 'undo' | 'join'>;
  store: Pick<ResponseStore, 'receipts' | 'block' | 'playbookRun' | 'playbookRuns'>;
  journal: Pick<Journal, 'write'>;
  people: People;
  alert: (id: string) => Alert | undefined;
  log: Log;
  now: () => number;
  count: (what: string, n?: number) => void;
  pausedUntil: () => number;
  /** The mode for what a rule began. */
  modeFor: (rule: string) => Mode;
  ban: () => BanTimes;
  /** Whether many people come from an address: nobody but a person cuts it off. */
  isShared?: ((address: string) => boolean) | undefined;
}

export type PlaybookErrorCode = 'bad-playbook' | 'no-playbook' | 'no-run' | 'no-alert' | 'busy' | 'no-question';

interface Active { run: PlaybookRun; pumping: Promise<void> | undefined }

/** What became of a command. */
type Outcome =
  | { kind: 'success'; what: RunEntry['what']; note: string; receipt?: string }
  | { kind: 'failure'; what: RunEntry['what']; note: string }
  | { kind: 'wait'; wait: Wait }
  /** A person let the command that is next be done. */
  | { kind: 'approved'; by: string };

const activeMax = 400;
/** Begun by rules, of one playbook: runs wait for people for days, and whoever attacks from many addresses must not take the place of all others. */
const ofRulesMax = 20;
const entriesMax = 2000;
const noteMax = 500;
const pauseLookMs = 30_000;
const settleAgainMs = 5000;

export class PlaybookRuns {
  private readonly options: RunsOptions;
  private readonly active = new Map<string, Active>();
  /** How a run stood when it was last stored: one that waits is not stored again at each look. */
  private readonly stored = new WeakMap<PlaybookRun, string>();
  private isClosed = false;

  constructor(options: RunsOptions) { this.options = options; }

  /** Goes on with what was cut off. After the runner has recovered. */
  start(): void {
    for (const run of this.options.store.playbookRuns({ status: ['running'], limit: activeMax })) this.wake(this.hold(run));
  }

  /** Begins a run. Rejects with MoatError 'busy' when too many are under way, or one is about the same target already. */
  async begin(playbook: Playbook, asked: { alert?: Alert | undefined; variables?: Readonly<Record<string, Value>>; by: string; why: string; via: string }): Promise<PlaybookRun> {
    const { now, journal } = this.options;
    const { alert, by, why, via } = asked;
    const target = alert === undefined ? 'none' : targetOf(playbook, alert);
    if (this.active.size >= activeMax) throw new MoatError<PlaybookErrorCode>('busy', `expected at most ${activeMax} runs at a time`);
    if (!by.startsWith('operator') && [...this.active.values()].filter(({ run }) => run.playbook === playbook.id && !isOperator(run)).length >= ofRulesMax) throw new MoatError<PlaybookErrorCode>('busy', `expected at most ${ofRulesMax} runs of ${playbook.id} that rules began`);
    const twin = [...this.active.values()].find(({ run }) => run.playbook === playbook.id && run.target === target);
    if (twin) throw new MoatError<PlaybookErrorCode>('busy', `expected no other run of ${playbook.id} about ${target}, got ${twin.run.id}`, { hint: `moat playbook runs ${twin.run.id}` });
    const time = now();
    const run: PlaybookRun = {
      id: `${time.toString(36)}${randomBytes(5).toString('hex')}`, playbook: playbook.id, definition: playbook, target, ...(alert && { alert: alert.id, rule: alert.rule_id }), by, why: why.slice(0, 1000), status: 'running', created: time, changed: time,
      variables: { ...playbook.playbook_variables, ...asked.variables, ...(alert && variablesOfAlert(alert)) }, threads: [], visits: 1, nextThread: 2, receipts: [], back: false, entries: [], dropped: 0,
    };
    run.threads.push({ id: 1, step: playbook.workflow_start, visit: 1, command: 0, began: time, frames: [] });
    this.note(run, { step: playbook.workflow_start, what: 'begun', note: why });
    const held = this.hold(run);
    try {
      await journal.write({ runs: [run], audit: [this.audit(run, via, 'begin', 'running')] });
    } catch (error) { this.active.delete(run.id); throw error; }
    this.options.count(`playbook ${playbook.id} begun`);
    this.wake(held);
    return run;
  }

  /** Looks at what waits. */
  tick(): void { for (const one of this.active.values()) this.wake(one); }

  /** Ends a run; what it did stays, or is taken back. Throws MoatError 'no-run'. */
  async stop(id: string, asked: { by: string; why: string; undo: boolean }): Promise<PlaybookRun> {
    const held = this.active.get(id);
    if (held === undefined) throw new MoatError<PlaybookErrorCode>('no-run', `expected the id of a run that is under way, got ${id.slice(0, 100)}`, { hint: 'moat playbook runs' });
    held.run.ending = { status: 'stopped', note: `${asked.by}${asked.why === '' ? '' : `: ${asked.why}`}`.slice(0, noteMax) };
    if (asked.undo) held.run.back = true;
    // What is under way may have looked before it was told to end.
    await held.pumping;
    this.wake(held);
    await held.pumping;
    return held.run;
  }

  /** The questions that a run waits with. */
  waiting(id: string): { step: string; request: string; what: Text; expires: number }[] {
    return (this.active.get(id)?.run.threads ?? []).flatMap(({ step, wait }) => (wait?.for === 'person' ? [{ step, request: wait.request, what: wait.what, expires: wait.expires }] : []));
  }

  isActive(playbook: string, target: string): boolean {
    return [...this.active.values()].some(({ run }) => run.playbook === playbook && run.target === target);
  }

  get size(): number { return this.active.size; }

  /** Waits for what is being done; what waits for a person or a time goes on after the next start. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.settled();
  }

  /** Until nothing goes on by itself. */
  async settled(): Promise<void> { await Promise.allSettled([...this.active.values()].flatMap(({ pumping }) => pumping ?? [])); }

  private hold(run: PlaybookRun): Active {
    const held: Active = { run, pumping: undefined };
    this.active.set(run.id, held);
    return held;
  }

  private wake(held: Active): void {
    if (held.pumping !== undefined || this.isClosed) return;
    held.pumping = this.pump(held.run).catch((error: unknown) => {
      // It could not be stored: nothing more is done until it can be.
      this.options.count('playbook not stored');
      this.options.log.warn(`playbook ${held.run.playbook}: ${(error as Error).message}`);
    }).finally(() => { held.pumping = undefined; });
  }

  private async pump(run: PlaybookRun): Promise<void> {
    const { now } = this.options;
    for (;;) {
      if (this.isClosed) return;
      if (run.back) { await this.takeBack(run); continue; }
      if (run.ending === undefined && now() >= run.created + run.definition.timeout) this.fail(run, 'the run has had its time');
      if (run.ending === undefined) {
        this.freshen(run);
        const fault = settle(run, now());
        if (fault !== undefined) this.fail(run, fault);
        else if (run.threads.length === 0) run.ending = { status: 'done', note: '' };
        if (run.back) continue;
      }
      if (run.ending !== undefined) { await this.end(run, run.ending); return; }
      const ready = run.threads.filter((thread) => this.canGo(run, thread));
      if (ready.length === 0) {
        if (this.stored.get(run) !== standOf(run)) await this.save(run);
        return;
      }
      // Where each stands is on disk before it does anything: a question is put under an id that is stored.
      await this.save(run);
      const outcomes = await Promise.all(ready.map((thread) => this.carryOut(run, thread)));
      ready.forEach((thread, at) => this.fold(run, thread, outcomes[at]!));
      await this.save(run);
    }
  }

  /** Of an alert that still grows, what conditions ask. */
  private freshen(run: PlaybookRun): void {
    const alert = run.alert === undefined ? undefined : this.options.alert(run.alert);
    if (alert === undefined) return;
    const { __count__, __level__, __alert_status__ } = variablesOfAlert(alert);
    Object.assign(run.variables, { __count__, __level__, __alert_status__ });
  }

  private canGo(run: PlaybookRun, { wait, step, began }: Thread): boolean {
    const now = this.options.now();
    if (wait === undefined) return true;
    switch (wait.for) {
      case 'branches': return false;
      case 'time': return wait.until <= now;
      case 'person': {
        if (wait.expires <= now) return true;
        if (this.options.people.answer(wait.request) !== undefined) return true;
        this.options.people.ask(wait.request, wait.what, wait.level, wait.expires);
        const one = run.definition.workflow[step];
        return one?.type === 'action' && one.timeout !== undefined && began + one.timeout <= now;
      }
    }
  }

  /** Changes nothing of the run. Rejects never. */
  private async carryOut(run: PlaybookRun, thread: Thread): Promise<Outcome> {
    const { people, now } = this.options;
    const step = actionStep(run, thread);
    const command = step.commands[thread.command]!;
    const { wait } = thread;
    if (wait?.for === 'person') {
      const given = people.answer(wait.request);
      if (given === undefined) return { kind: 'failure', what: 'expired', note: 'nobody answered in time' };
      if (given.answer === 'reject') return { kind: 'failure', what: 'rejected', note: given.by };
      return command.type === 'manual' ? { kind: 'success', what: 'approved', note: given.by } : { kind: 'approved', by: given.by };
    }
    if (step.timeout !== undefined && now() >= thread.began + step.timeout) return { kind: 'failure', what: 'failed', note: 'the step has had its time' };
    try {
      switch (command.type) {
        case 'moat-action': return await this.act(run, thread, command);
        case 'manual': return { kind: 'wait', wait: this.question({ zh: filledText(command.command.zh, run.variables), en: filledText(command.command.en, run.variables) }, command) };
        case 'notify': {
          const message = { zh: filledText(command.message.zh, run.variables), en: filledText(command.message.en, run.variables) };
          people.tell(origin(run, thread), message, command.level);
          return { kind: 'success', what: 'told', note: message.en };
        }
      }
    } catch (error) { return { kind: 'failure', what: 'failed', note: (error as Error).message }; }
  }

  private question(what: Text, { level, expires }: { level: Level; expires: number }): Wait {
    return { for: 'person', request: randomBytes(16).toString('hex'), expires: this.options.now() + expires, level, what };
  }

  private async act(run: PlaybookRun, thread: Thread, command: Extract<PlaybookCommand, { type: 'moat-action' }>): Promise<Outcome> {
    const { store, runner, now, pausedUntil } = this.options;
    const from = origin(run, thread);
    const [before] = store.receipts({ from, limit: 1 });
    if (before !== undefined && !(before.status === 'failed' && before.history.at(-1)?.by === 'start')) {
      switch (before.status) {
        case 'applied': case 'undone': return { kind: 'success', what: 'done', note: before.title.en, receipt: before.id };
        case 'failed': case 'stuck': return { kind: 'failure', what: 'failed', note: before.error ?? before.status };
        case 'applying': case 'undoing': return { kind: 'wait', wait: { for: 'time', until: now() + settleAgainMs } };
      }
    }
    const until = this.until(command, run.variables);
    const why = `${run.definition.name.en}: ${run.why}`;
    const by = thread.approved === undefined ? `playbook:${run.playbook}` : thread.approved;
    const input = { ...filledInput(command.input, run.variables), why, by, ...(until !== undefined && { until }) };
    const wanted: Wanted = { action: command.action, input, by, why, from, via: 'playbook', force: command.force, joins: command.for === 'escalating' ? 'standing' : 'as-long', ...(until !== undefined && { until }) };
    // The linkage table, or another playbook, may have done it: it is done once, and that receipt tells of both.
    const standing = await runner.join(wanted);
    if (standing !== undefined) return joined(standing);
    if (thread.approved === undefined) {
      const planned = await runner.plan(command.action, input, { force: command.force });
      if (command.ask || !this.mayAct(run, planned) || this.tookBack(run, planned) || this.cutsOffMany(run, input)) {
        const { title } = planned.plan;
        return { kind: 'wait', wait: this.question({ zh: `${run.definition.name.zh}：${title.zh}`, en: `${run.definition.name.en}: ${title.en}` }, { level: 'high', expires: command.expires }) };
      }
      if (!isOperator(run) && pausedUntil() > now()) return { kind: 'wait', wait: { for: 'time', until: Math.min(pausedUntil(), now() + pauseLookMs) } };
    }
    const receipt = await runner.run(wanted);
    return receipt.from === from ? { kind: 'success', what: 'done', note: receipt.title.en, receipt: receipt.id } : joined(receipt);
  }

  /** A person took the same back that was done for the same alert: whether it is to be done again is theirs to say. */
  private tookBack({ alert }: PlaybookRun, { action, plan: { target } }: Planned): boolean {
    return alert !== undefined && this.options.store.receipts({ action: action.id, target, limit: 20 }).some((one) => takenBackByPerson(one) && (one.from === alert || this.alertOf(one.from) === alert));
  }

  /** An address that many share may be blocked, but not by itself. */
  private cutsOffMany(run: PlaybookRun, { address }: Readonly<Record<string, Value>>): boolean {
    return !isOperator(run) && typeof address === 'string' && isOfMany(address, run.alert === undefined ? undefined : this.options.alert(run.alert), this.options.isShared);
  }

  private alertOf(from: string | undefined): string | undefined {
    const id = /^run:([0-9a-z]+):/.exec(from ?? '')?.[1];
    return id === undefined ? undefined : this.options.store.playbookRun(id)?.alert;
  }

  /** Whoever began the run by hand wanted what it does; what is never done by itself is asked for all the same. */
  private mayAct(run: PlaybookRun, { action: { automatic } }: Planned): boolean {
    return automatic !== 'never' && allows(isOperator(run) ? 'strict' : this.options.modeFor(run.rule ?? ''), automatic);
  }

  private until(command: Extract<PlaybookCommand, { type: 'moat-action' }>, variables: Readonly<Record<string, Value>>): number | undefined {
    if (command.for === undefined) return undefined;
    if (command.for !== 'escalating') return this.options.now() + command.for;
    const { address } = filledInput(command.input, variables);
    return this.options.now() + banMs(this.options.ban(), typeof address === 'string' ? this.options.store.block(address)?.times ?? 0 : 0);
  }

  private fold(run: PlaybookRun, thread: Thread, outcome: Outcome): void {
    const step = actionStep(run, thread);
    const { wait } = thread;
    delete thread.wait;
    switch (outcome.kind) {
      case 'wait':
        thread.wait = outcome.wait;
        if (outcome.wait.for === 'person') this.note(run, { step: thread.step, what: 'asked', note: outcome.wait.what.en });
        return;
      case 'approved':
        thread.approved = outcome.by;
        this.note(run, { step: thread.step, what: 'approved', note: outcome.by });
        return;
      case 'success': {
        const { what, note, receipt } = outcome;
        delete thread.approved;
        if (receipt !== undefined) run.receipts.push(receipt);
        this.note(run, { step: thread.step, what, note, ...(receipt !== undefined && { receipt }) });
        thread.command++;
        if (thread.command < step.commands.length) return;
        arrive(run, thread, step.on_success ?? step.on_completion!, this.options.now());
        return;
      }
      case 'failure': {
        delete thread.approved;
        this.note(run, { step: thread.step, what: outcome.what, note: outcome.note });
        // Nobody shall approve what is not done any more.
        if (wait?.for === 'person' && outcome.what === 'expired') this.options.people.withdraw(wait.request, 'playbook');
        if (step.compensate) run.back = true;
        const next = step.on_failure ?? step.on_completion;
        if (next === undefined) this.fail(run, `${thread.step}: ${outcome.note}`);
        else arrive(run, thread, next, this.options.now());
      }
    }
  }

  private fail(run: PlaybookRun, note: string): void {
    run.ending ??= { status: 'failed', note: note.slice(0, noteMax) };
    if (run.definition.compensate) run.back = true;
  }

  /** Newest first; what cannot be taken back is told, and the rest is taken back all the same. */
  private async takeBack(run: PlaybookRun): Promise<void> {
    await this.save(run);
    for (const id of run.receipts.toReversed()) {
      try {
        const { title } = await this.options.runner.undo(id, { by: `playbook:${run.playbook}`, via: 'playbook', why: run.ending?.note ?? 'a step failed' });
        this.note(run, { step: '', what: 'undone', note: title.en, receipt: id });
      } catch (error) {
        const { message } = error as MoatError<ActionErrorCode>;
        this.note(run, { step: '', what: 'not-undone', note: message, receipt: id });
        // It stands, and nothing takes it back by itself any more.
        const { definition: { name } } = run;
        this.options.people.tell(`run:${run.id}:not-undone:${id}`, { zh: `${name.zh}：没能撤销 ${id}，请人工处理（moat actions show ${id}）：${message}`, en: `${name.en}: ${id} could not be taken back, a person must look (moat actions show ${id}): ${message}` }, 'high');
      }
      run.receipts = run.receipts.filter((one) => one !== id);
      await this.save(run);
    }
    run.back = false;
    await this.save(run);
  }

  private async end(run: PlaybookRun, { status, note }: { status: RunStatus; note: string }): Promise<void> {
    for (const { wait } of run.threads) if (wait?.for === 'person') this.options.people.withdraw(wait.request, 'playbook');
    run.threads = [];
    run.status = status;
    this.note(run, { step: '', what: 'ended', note: note === '' ? status : note });
    await this.save(run, [this.audit(run, 'engine', 'end', note === '' ? status : `${status}: ${note}`)]);
    this.active.delete(run.id);
    this.options.count(`playbook ${run.playbook} ${status}`);
  }

  private async save(run: PlaybookRun, audit: readonly AuditInput[] = []): Promise<void> {
    run.changed = this.options.now();
    const stand = standOf(run);
    await this.options.journal.write({ runs: [run], audit });
    this.stored.set(run, stand);
  }

  private note(run: PlaybookRun, entry: Omit<RunEntry, 'time'>): void {
    run.entries.push({ time: this.options.now(), ...entry, note: entry.note.slice(0, noteMax) });
    if (run.entries.length <= entriesMax) return;
    run.entries.splice(1, 1);
    run.dropped++;
  }

  private audit(run: PlaybookRun, via: string, what: string, result: string): AuditInput {
    return { time: this.options.now(), by: run.by, via, operation: `${what} playbook ${run.playbook}`, target: run.target, why: run.why, result: `${result} ${run.id}` };
  }
}

/** It is another's: not taken back when this run is. */
const joined = (receipt: Receipt): Outcome => ({ kind: 'success', what: 'done', note: `${receipt.title.en}: it stands already, by ${receipt.by} (${receipt.id})` });

/** Changes with each step that a run makes. */
const standOf = ({ visits, threads, entries, dropped, back, ending }: PlaybookRun): string => `${visits} ${threads.length} ${entries.length + dropped} ${back} ${ending?.status}`;

const isOperator = ({ by }: PlaybookRun): boolean => by.startsWith('operator');

const origin = (run: PlaybookRun, thread: Thread): string => `run:${run.id}:${thread.step}#${thread.visit}.${thread.command}`;

function actionStep(run: PlaybookRun, thread: Thread): Extract<Step, { type: 'action' }> {
  const step = run.definition.workflow[thread.step];
  if (step?.type !== 'action') throw new Error(`expected ${thread.step} to be an action step`);
  return step;
}
