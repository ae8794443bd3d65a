/** Clean-up plans by the control socket: made from a story, done step by step, looked after, taken back. */
import { randomBytes } from 'node:crypto';
import type { ActionErrorCode, Receipt, Verdict } from '../core/action.ts';
import { MoatError, saidBy } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import type { CleanupPlan, PlannedStep, Seeds, Story } from '../core/incident.ts';
import type { Log, Store } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import { makePlan } from '../engine/incident/plan.ts';
import { tellStory } from '../engine/incident/story.ts';
import type { StoryWorld } from '../engine/incident/story-world.ts';
import type { OriginGraph } from '../engine/origin/graph.ts';
import { bootTime } from '../linux/proc-host.ts';
import { readProcess } from '../linux/process-tree.ts';
import { Procfs, ticksPerSecond } from '../linux/procfs.ts';
import type { ScanReport } from '../scan/report.ts';
import { CleanupBook, type KeptPlan } from './cleanup-book.ts';
import { type FoundSeeds, seedsOf } from './cleanup-seeds.ts';
import type { Config } from './config-schema.ts';
import type { Handlers } from './control.ts';
import type { Response } from './response.ts';
import { ownerOf, type Settling } from './response-files.ts';
import { mountChoiceOf } from './scan-mounts.ts';
import { portsOf } from './scan-ports.ts';
import { scanInProcess } from './scan-process.ts';
import { storyWorld } from './story-world.ts';

export interface CleanupOptions {
  store: Store;
  response: Pick<Response, 'runner' | 'actions'>;
  graph: OriginGraph;
  packages: Settling;
  config: () => Config;
  dataFolder: string;
  log: Log;
  now: () => number;
  /** Of incidents, by the beginning of their id; undefined for an id that is none. */
  incident?: (id: string) => { id: string; title: Text; seeds: Seeds } | undefined;
  /** Of an incident: with what was known of it earlier. */
  story?: (id: string, seeds: Seeds, asker: unknown) => Story;
}

/** `superseded`: what was to be frozen, killed or ended is over since. */
export type StepState = 'open' | 'applied' | 'failed' | 'undone' | 'stuck' | 'superseded';
export interface CheckedStep { id: string; title: Text; state: StepState; verdict?: Verdict; ok: boolean }
/** What looking again told. `clean` only when every step is done and holds, nothing lives, nothing is found again and nothing was hidden from view. */
export interface CleanupVerdict { plan: string; clean: boolean; steps: CheckedStep[]; living: { pid: number; label: string }[]; back: string[]; findings: Finding[]; checks: readonly string[]; blind: Text[] }

/** Shorter than whoever asks waits. */
const planMs = 45_000, findMs = 45_000, scanMs = 90_000;
const processesMax = 500, findingsMax = 500, livingShown = 50, whyMax = 1000;
const incidentId = /^[0-9a-f]{1,64}$/;
const tickMs = 1000 / ticksPerSecond;

export class Cleanup {
  private readonly options: CleanupOptions;
  private readonly book: CleanupBook;
  private readonly procfs = new Procfs();

  constructor(options: CleanupOptions) {
    this.options = options;
    this.book = new CleanupBook(options.store.ledger, options.store.response);
  }

  handlers(): Handlers {
    return {
      'incident-plan': (argument) => this.plan(argument),
      /** `maybe`: null where there is none. */
      'incident-kept-plan': (argument) => {
        const { done, maybe } = objectOf(argument) as { done?: unknown; maybe?: unknown };
        return (maybe === true ? this.find(idOf(argument), done === true) ?? null : this.kept(idOf(argument), done === true))?.plan ?? null;
      },
      'incident-step': (argument) => this.step(argument),
      'incident-verify': (argument) => this.verify(argument),
      'incident-undo': (argument) => this.undo(argument),
    };
  }

  /** Made anew, and remembered. */
  private async plan(argument: unknown): Promise<CleanupPlan> {
    const { now, response, packages } = this.options;
    const found = await this.seeds(idOf(argument));
    // Until the packages are known everything looks like nobody's.
    await ownerOf(packages, '/bin/sh');
    const until = now() + planMs;
    const { asker } = objectOf(argument) as { asker?: unknown };
    const story = this.tell(found.id, found.seeds, asker);
    const plan = await makePlan(story, { id: `p${now().toString(36)}${randomBytes(3).toString('hex')}`, incident: found.id, title: found.title }, {
      actions: new Set(response.actions.keys()), now, until, plan: (action, input) => response.runner.plan(action, withAsker(input, asker)),
    });
    const processes = story.nodes.flatMap(({ kind, label, lives, facts }) => (kind === 'process' && lives === true && facts['chain'] !== true && facts['weak'] !== true ? [{ pid: Number(facts['pid']), started: Number(facts['started']), label: label.slice(0, 300) }] : [])).slice(0, processesMax);
    this.book.save({ plan, checks: found.checks, findings: found.seeds.findings.map(({ id }) => id).slice(0, findingsMax), processes });
    return plan;
  }

  /** Does one step; what was done already is not done again. */
  private async step(argument: unknown): Promise<PlannedStep & { status: Receipt['status'] | 'ended' }> {
    const { step: id, asker, force } = objectOf(argument) as { step?: unknown; asker?: unknown; force?: unknown };
    const { plan } = this.kept(idOf(argument));
    const step = plan.steps.find((one) => one.id === id);
    if (step === undefined) throw new MoatError('bad-input', `expected a step of the plan, 1 to ${plan.steps.length}, got ${JSON.stringify(id)?.slice(0, 50) ?? 'none'}`, { zh: `方案没有这一步：${JSON.stringify(id)?.slice(0, 50) ?? ''}` });
    const before = this.receiptOf(step);
    if (before?.status === 'applied') return { ...step, status: 'applied' };
    const { by, why } = asked(argument, plan);
    let receipt: Receipt;
    try {
      receipt = await this.options.response.runner.run({ action: step.action, input: { ...withAsker(step.input, asker), by, why }, by, why, from: plan.id, via: 'control', force: force === true });
    } catch (error) {
      // An earlier step (its unit was stopped) ended the process, or it did so by itself.
      if ((error as MoatError<ActionErrorCode>).code === 'not-there' && (await this.hasEnded(step))) return { ...step, status: 'ended' };
      throw error;
    }
    return { ...step, receipt: receipt.id, ...(receipt.verdict && { verdict: receipt.verdict }), status: receipt.status };
  }

  private async undo(argument: unknown): Promise<PlannedStep & { status: Receipt['status'] }> {
    const { step: id } = objectOf(argument) as { step?: unknown };
    const { plan } = this.kept(idOf(argument), true);
    const step = plan.steps.find((one) => one.id === id);
    const receipt = step && this.receiptOf(step);
    if (step === undefined || receipt === undefined) throw new MoatError('bad-input', `expected a step of the plan that was done, got ${JSON.stringify(id)?.slice(0, 50) ?? 'none'}`, { zh: '方案中没有做过这一步' });
    const { by, why } = asked(argument, plan);
    const undone = await this.options.response.runner.undo(receipt.id, { by, why, via: 'control' });
    return { ...step, ...(undone.verdict && { verdict: undone.verdict }), status: undone.status };
  }

  /** Looks again: at what was done, at the story as it stands now, and by the checks that found it. */
  private async verify(argument: unknown): Promise<CleanupVerdict> {
    const kept = this.kept(idOf(argument), true);
    const { plan, checks } = kept;
    const steps: CheckedStep[] = [];
    for (const step of plan.steps) steps.push(await this.checkStep(step, plan));
    const blind: Text[] = [];
    let findings: Finding[] = [];
    let living = kept.processes.filter((one) => this.lives(one)).map(({ pid, label }) => ({ pid, label }));
    const { asker } = objectOf(argument) as { asker?: unknown };
    const world = this.world(asker);
    const back = [...new Set(plan.steps.flatMap((step) => (step.action === 'quarantine-file' && this.receiptOf(step)?.status === 'applied' && world.look(step.target) !== undefined ? [step.target] : [])))];
    try {
      const { seeds } = await seedsOf(plan.incident, { ledger: this.options.store.ledger, ...(this.options.incident && { incident: this.options.incident }), scan: () => Promise.resolve(notLooked) }).catch(withoutFinding);
      const story = this.tell(plan.incident, seeds, asker);
      for (const { kind, lives, facts, label } of story.nodes) {
        if (kind !== 'process' || lives !== true || facts['chain'] === true || facts['weak'] === true) continue;
        const process = { pid: Number(facts['pid']), started: Number(facts['started']) };
        if (this.lives(process) && !living.some(({ pid }) => pid === process.pid)) living.push({ pid: process.pid, label });
      }
    } catch (error) { blind.push(saidBy(error)); }
    if (checks.length > 0) {
      const report = await this.scan(checks);
      for (const { what, why } of report.blind) blind.push(what === undefined ? why : { zh: `${what}：${why.zh}`, en: `${what}: ${why.en}` });
      const paths = new Set(plan.steps.flatMap(({ input }) => (typeof input['path'] === 'string' ? [input['path']] : [])));
      findings = report.findings.filter(({ id, kind, path }) => kind === 'intrusion' && (kept.findings.includes(id) || (path !== undefined && paths.has(path))));
    }
    living = living.slice(0, livingShown);
    return { plan: plan.id, clean: steps.every(({ ok }) => ok) && living.length === 0 && back.length === 0 && findings.length === 0 && blind.length === 0, steps, living, back, findings, checks, blind };
  }

  private async checkStep(step: PlannedStep, plan: CleanupPlan): Promise<CheckedStep> {
    const { id, title } = step;
    const receipt = this.receiptOf(step);
    if (receipt === undefined) return (await this.hasEnded(step)) ? { id, title, state: 'superseded', ok: true } : { id, title, state: 'open', ok: false };
    if (receipt.status !== 'applied') return { id, title, state: receipt.status === 'undone' || receipt.status === 'failed' ? receipt.status : 'stuck', ok: false, ...(receipt.verdict && { verdict: receipt.verdict }) };
    try {
      const verdict = await this.options.response.runner.verify(receipt.id);
      if (verdict.is === 'finished') return { id, title, state: 'applied', verdict, ok: true };
      const isEnded = step.action === 'freeze-tree' && plan.steps.some((other) => other.action === 'kill-tree' && other.node === step.node && this.receiptOf(other)?.status === 'applied');
      const isOver = (isEnded && verdict.is === 'former') || (await this.hasEnded(step));
      return { id, title, state: isOver ? 'superseded' : 'applied', verdict, ok: isOver };
    } catch (error) { return { id, title, state: 'applied', verdict: { is: 'between', evidence: saidBy(error) }, ok: false }; }
  }

  private tell(id: string, seeds: Seeds, asker: unknown): Story { return this.options.story?.(id, seeds, asker) ?? tellStory(seeds, this.world(asker)); }

  private world(asker: unknown): StoryWorld {
    const { graph, packages, store, now } = this.options;
    return storyWorld({ graph, packages, events: store.events, now, asker: typeof asker === 'number' ? asker : undefined });
  }

  private async seeds(id: string): Promise<FoundSeeds> {
    const { store: { ledger }, incident } = this.options;
    return await seedsOf(id, { ledger, ...(incident && { incident }), scan: (checks) => this.scan(checks, findMs) });
  }

  /** Runs these checks now. */
  async scan(only: readonly string[], ms = scanMs): Promise<ScanReport> {
    const config = this.options.config();
    return await scanInProcess({ root: config.scan.root, only, data: this.options.dataFolder, ports: portsOf(config), mounts: mountChoiceOf(config.scan) }, { signal: AbortSignal.timeout(ms), nice: false, maxMemoryMb: config.scan.max_memory_mb, warn: (text) => this.options.log.debug(`scan: ${text.en}`) });
  }

  private kept(name: string, done = false): KeptPlan {
    const kept = this.find(name, done);
    if (kept === undefined) throw new MoatError('no-plan', `no plan was made for ${name.slice(0, 100)}`, { zh: `还没有为 ${name.slice(0, 100)} 生成过方案`, hint: `moat incident plan ${name.slice(0, 100)}` });
    return kept;
  }

  private find(name: string, done: boolean): KeptPlan | undefined {
    return (done ? this.book.done(name) : undefined) ?? this.byIncident(name, done) ?? this.book.get(name) ?? this.byAlert(name, done);
  }

  private byIncident(name: string, done: boolean): KeptPlan | undefined {
    const { incident } = this.options;
    const id = incident?.(name)?.id;
    // What was merged into it since may have been planned for, and partly done, under its old id.
    return id === undefined ? undefined : this.book.of((one) => one === id || (incidentId.test(one) && incident?.(one)?.id === id), done);
  }

  /** The beginning of an alert's id. */
  private byAlert(name: string, done: boolean): KeptPlan | undefined {
    const some = name.length < 4 ? [] : this.options.store.ledger.alerts({ limit: 20_000 }).filter(({ id }) => id.startsWith(name));
    return some.length === 1 ? (done ? this.book.done(some[0]!.id) : undefined) ?? this.book.get(some[0]!.id) : undefined;
  }

  private receiptOf(step: PlannedStep): Receipt | undefined { return step.receipt === undefined ? undefined : this.options.store.response.receipt(step.receipt); }

  /** Of a step that ends processes: whether there is nothing of them any more. */
  private async hasEnded({ action, input }: PlannedStep): Promise<boolean> {
    const { pid, started } = input;
    switch (action) {
      case 'kill-tree': case 'freeze-tree': return typeof pid === 'number' && typeof started === 'number' && !this.lives({ pid, started });
      // The last process of a session may have been killed as one of the story.
      case 'end-sessions': return await this.options.response.runner.plan(action, input).then(() => false, (error: unknown) => (error as MoatError<ActionErrorCode>).code === 'not-there');
      default: return false;
    }
  }

  private lives({ pid, started }: { pid: number; started: number }): boolean {
    const now = readProcess(this.procfs, pid);
    return now !== undefined && Math.abs(bootTime(this.procfs) + Math.round(now.ticks * tickMs) - started) <= tickMs;
  }
}

const notLooked = { findings: [], blind: [] };
/** A finding that is gone leaves nothing to tell from, which is what is hoped for. */
function withoutFinding(error: unknown): { seeds: Seeds } {
  if ((error as MoatError).code === 'no-incident') return { seeds: { alerts: [], findings: [] } };
  throw error;
}

const objectOf = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
/** What the asker types in is not taken from under them. */
const withAsker = (input: unknown, asker: unknown): object => ({ ...objectOf(input), ...(typeof asker === 'number' && { asker }) });

function idOf(argument: unknown): string {
  const { id } = objectOf(argument) as { id?: unknown };
  if (typeof id !== 'string' || id === '') throw new MoatError('bad-input', 'expected the id of an incident, an alert or a finding', { zh: '请写事件、告警或扫描发现的编号' });
  return id;
}

function asked(argument: unknown, plan: CleanupPlan): { by: string; why: string } {
  const { by, why } = objectOf(argument) as { by?: unknown; why?: unknown };
  return { by: typeof by === 'string' ? by.slice(0, 200) : 'operator', why: typeof why === 'string' && why !== '' ? why.slice(0, whyMax) : `clean-up of ${plan.incident}` };
}
