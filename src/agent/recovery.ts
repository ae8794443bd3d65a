/** Recovery by the control socket: planned from the story, done step by step, looked after, taken back; what it came to is kept with the incident. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Receipt } from '../core/action.ts';
import { MoatError, saidBy } from '../core/error.ts';
import type { Seeds, Story } from '../core/incident.ts';
import type { IncidentRecord } from '../core/incident-store.ts';
import type { NotRestored, RecoveredStep, RecoveryPlan, RecoveryStep, RecoverySummary, RecoveryTally, ServiceCheck } from '../core/recovery.ts';
import type { Store } from '../core/ports.ts';
import type { RestoreSetState } from '../actions/restore-set/action.ts';
import { Vault } from '../actions/vault.ts';
import { BaselineLookup } from '../baseline/lookup.ts';
import { readKey } from '../baseline/key.ts';
import { tasksOf } from '../engine/incident/recovery.ts';
import { incidentOf, seedsOf } from '../engine/incident/seeds.ts';
import type { OriginGraph } from '../engine/origin/graph.ts';
import { bytesOf } from '../linux/file-names.ts';
import { parsePath } from '../linux/place.ts';
import type { ScanReport } from '../scan/report.ts';
import { backupsOf } from './backups.ts';
import { baselinePath, defaultKeyPath } from './baseline.ts';
import type { Config } from './config-schema.ts';
import type { Handlers } from './control.ts';
import type { Incidents, WholeIncident } from './incidents.ts';
import { type KeptRecovery, RecoveryBook, type RecoveryErrorCode } from './recovery-book.ts';
import { planRecovery } from './recovery-plan.ts';
import type { Response } from './response.ts';
import { ownerOf, type Settling } from './response-files.ts';
import { ServiceLooks } from './service-look.ts';

export interface RecoveryOptions {
  store: Store;
  response: Pick<Response, 'runner'>;
  incidents: Pick<Incidents, 'recovered'>;
  graph: OriginGraph;
  packages: Settling;
  config: () => Config;
  dataFolder: string;
  now: () => number;
  /** `asker`: the process of whoever asks is no part of it. */
  tell: (id: string, seeds: Seeds, asker: unknown) => Story;
  /** Runs these checks now. */
  scan: (checks: readonly string[]) => Promise<Pick<ScanReport, 'findings' | 'blind'>>;
  /** Asks services and databases how they are; these files may be databases. */
  services: (files: readonly string[], signal: AbortSignal) => Promise<ServiceCheck[]>;
}

/** What `recovery-services` tells; asked again until it is done. */
export type ServicesLooked = { done: false } | { done: true; services: ServiceCheck[] };

/** What a step came to, after a look at each of its files. */
export interface CheckedSet { id: string; restored: number; newer: number; missing: NotRestored[] }
/** What `recovery-finish` tells. */
export interface Recovered { incident: WholeIncident; summary: RecoverySummary; plan: string; findings: ScanReport['findings']; blind: ScanReport['blind']; tasks: number; /** It became `recovered` by this. */ moved: boolean }

const planMs = 100_000;
/** An answer comes in this time; whoever asks comes again. */
const servicesMs = 45_000;
const missingKept = 200;
const checkedMost = 1000, checkedMs = 15 * 60_000;
const whyMax = 1000;
const pieceBytes = 1 << 20;

export class Recovery {
  private readonly options: RecoveryOptions;
  private readonly book: RecoveryBook;
  private readonly checked = new Map<string, { checked: CheckedSet; at: number }>();

  private readonly looks: ServiceLooks;

  constructor(options: RecoveryOptions) {
    this.options = options;
    this.looks = new ServiceLooks(options.services);
    this.book = new RecoveryBook(options.dataFolder);
  }

  handlers(): Handlers {
    return {
      'recovery-plan': (argument) => this.plan(argument),
      /** `maybe`: null where there is none. */
      'recovery-kept': (argument) => {
        const maybe = this.find(argument);
        if (maybe === undefined && (objectOf(argument) as { maybe?: unknown }).maybe === true) return null;
        const { plan } = this.kept(argument);
        return { plan, steps: plan.steps.map((step) => this.stateOf(plan, step)) };
      },
      'recovery-step': (argument) => this.step(argument),
      'recovery-check': (argument) => this.check(argument),
      'recovery-services': (argument) => this.services(argument),
      'recovery-finish': (argument) => this.finish(argument),
      'recovery-undo': (argument) => this.undo(argument),
    };
  }

  private record(argument: unknown): IncidentRecord { return incidentOf(this.options.store.incidents, (objectOf(argument) as { id?: unknown }).id); }

  /** Made anew, and remembered. */
  private async plan(argument: unknown): Promise<RecoveryPlan> {
    const { store, response, graph, packages, config, dataFolder, now, tell } = this.options;
    const { asker, folders: asked } = objectOf(argument) as { asker?: unknown; folders?: unknown };
    const folders = Array.isArray(asked) ? asked.slice(0, 20).map((one) => parsePath(one)) : [];
    const record = this.record(argument);
    const seeds = seedsOf({ incidents: store.incidents, ledger: store.ledger }, record.id);
    await ownerOf(packages, '/bin/sh');
    const until = now() + planMs;
    const story = tell(record.id, seeds, asker);
    const { backups } = backupsOf(() => config().recovery, dataFolder);
    const vault = new Vault(dataFolder);
    const baseline = await this.baseline();
    try {
      const plan = await planRecovery(story, { id: `r${now().toString(36)}${randomBytes(3).toString('hex')}`, incident: record.id, title: record.title, folders }, {
        lineage: graph, owner: (path) => ownerOf(packages, path), plan: (action, input) => response.runner.plan(action, input), vault: () => vault.list(),
        repositories: config().recovery.repositories.flatMap(({ name }) => backups(name) ?? []), baseline: (path) => baseline?.at(path)?.sha256, now, until,
      });
      const checks = [...new Set([...seeds.findings.map(({ check }) => check), ...seeds.alerts.flatMap(({ rule_id: rule }) => (rule.startsWith('check.') ? [rule.slice(6)] : []))])];
      this.book.save({ plan, checks, findings: seeds.findings.map(({ id }) => id).slice(0, 500) });
      return plan;
    } finally { baseline?.close(); }
  }

  /** Does one step; what was done already is not done again. */
  private async step(argument: unknown): Promise<RecoveredStep> {
    const { plan } = this.kept(argument);
    const step = this.stepOf(plan, argument);
    const before = this.receiptOf(plan, step);
    this.checked.delete(fromOf(plan, step));
    if (before?.status === 'applied') return this.stateOf(plan, step);
    const { by, why } = asked(argument, `recovery of ${plan.incident}`);
    try {
      await this.options.response.runner.run({ action: step.action, input: { ...step.input, by, why }, by, why, from: fromOf(plan, step), via: 'control' });
      return this.stateOf(plan, step);
    } catch (error) {
      // Nothing left to do: it has become so since it was planned.
      if ((error as MoatError).code === 'not-there' && step.source !== 'backup') return { ...bare(step), state: 'done', restored: step.paths.length, newer: 0, missing: [] };
      return { ...this.stateOf(plan, step), state: 'failed', error: saidBy(error) };
    }
  }

  private async undo(argument: unknown): Promise<RecoveredStep> {
    const { plan } = this.kept(argument);
    const step = this.stepOf(plan, argument);
    const receipt = this.receiptOf(plan, step);
    this.checked.delete(fromOf(plan, step));
    if (receipt === undefined) throw badInput('expected a step that was done', '没有做过这一步');
    const { by, why } = asked(argument, `recovery of ${plan.incident} taken back`);
    await this.options.response.runner.undo(receipt.id, { by, why, via: 'control' });
    return this.stateOf(plan, step);
  }

  /** Reads each file of a step that was done, and compares its digest with what was put there. */
  private async check(argument: unknown): Promise<CheckedSet> {
    const { plan } = this.kept(argument);
    const step = this.stepOf(plan, argument);
    const checked = await this.look(plan, step);
    if (this.checked.size >= checkedMost) this.checked.clear();
    this.checked.set(fromOf(plan, step), { checked, at: this.options.now() });
    return checked;
  }

  /** A moment ago, by `recovery-check`: of a large recovery each step is a request of its own. */
  private looked(plan: RecoveryPlan, step: RecoveryStep): CheckedSet | undefined {
    const known = this.checked.get(fromOf(plan, step));
    return known !== undefined && Math.abs(this.options.now() - known.at) < checkedMs ? known.checked : undefined;
  }

  private async look(plan: RecoveryPlan, step: RecoveryStep): Promise<CheckedSet> {
    const receipt = this.receiptOf(plan, step);
    const { restored, newer, missing, state, error } = this.stateOf(plan, step);
    const out: CheckedSet = { id: step.id, restored: 0, newer, missing: [...missing] };
    if (receipt?.status !== 'applied') {
      // A package put it right before this recovery came to it.
      if (step.action === 'restore-file' && await this.isSo(step)) return { ...out, restored: step.paths.length, missing: [] };
      const why = error ?? (state === 'undone' ? { zh: '恢复后又被撤销', en: 'it was restored and taken back' } : state === 'stuck' ? { zh: '做到一半，需人工查看（moat actions）', en: 'half done: a person must look (moat actions)' } : { zh: '还没有恢复', en: 'not restored yet' });
      return { ...out, missing: step.paths.map((path) => ({ path, why, stands: true })) };
    }
    if (step.action === 'restore-file') {
      const { is, evidence } = await this.options.response.runner.verify(receipt.id);
      return is === 'finished' ? { ...out, restored } : { ...out, missing: step.paths.map((path) => ({ path, why: evidence, stands: true })) };
    }
    for (const one of (receipt.state as RestoreSetState).files) {
      if (one.is === 'same') out.restored++;
      if (one.is !== 'done') continue;
      const { path, after } = one.swap;
      if (after.kind === 'symlink' || await digestOf(path) === after.sha256) out.restored++;
      else out.missing.push({ path, why: { zh: '恢复之后又变了', en: 'it has changed since it was restored' }, stands: true });
    }
    return out;
  }

  private async isSo({ action, input }: RecoveryStep): Promise<boolean> {
    try {
      await this.options.response.runner.plan(action, input);
      return false;
    } catch (error) { return (error as MoatError).code === 'not-there'; }
  }

  /** `go: true` begins; without it, what was begun is waited for. */
  private async services(argument: unknown): Promise<ServicesLooked> {
    const { plan } = this.kept(argument);
    if ((objectOf(argument) as { go?: unknown }).go === true) this.looks.begin(plan.id, plan.steps.flatMap(({ paths }) => paths));
    else if (!this.looks.has(plan.id)) throw badInput('expected a look that was begun', '还没有开始检查');
    const services = await this.looks.wait(plan.id, servicesMs);
    return services === undefined ? { done: false } : { done: true, services };
  }

  /** Looks at everything once more, keeps with the incident what it came to, asks for what only a person can do, and moves it on when nothing stands in the way. */
  private async finish(argument: unknown): Promise<Recovered> {
    const kept = this.kept(argument);
    const { plan, checks } = kept;
    const { services: wanted, accept, asker } = objectOf(argument) as { services?: unknown; accept?: unknown; asker?: unknown };
    const services = wanted === false ? [] : this.looks.get(plan.id);
    if (services === undefined) throw badInput('expected services to be looked at first (recovery-services), or services: false', '应先检查服务（recovery-services），或写明 services: false');
    const { by, why } = asked(argument, 'recovery');
    const { store, incidents, scan, tell, now } = this.options;
    const sets: CheckedSet[] = [];
    for (const step of plan.steps) sets.push(this.looked(plan, step) ?? await this.look(plan, step));
    const report = checks.length > 0 ? await scan(checks) : { findings: [], blind: [] };
    const paths = new Set(plan.steps.flatMap((step) => step.paths));
    const findings = report.findings.filter(({ id, kind, path }) => kind === 'intrusion' && (kept.findings.includes(id) || (path !== undefined && paths.has(path))));
    const missing = [...plan.not_restored.filter(({ stands }) => stands), ...sets.flatMap((one) => one.missing)];
    const missingCount = plan.not_restored_count + sets.reduce((n, one) => n + one.missing.length, 0) + plan.left;
    const restored = sets.reduce((n, one) => n + one.restored, 0);
    const tally: RecoveryTally = { items: restored + missingCount, restored, missing: missingCount, healthy: plan.healthy, newer: plan.newer + sets.reduce((n, one) => n + one.newer, 0) };
    const blind = report.blind.length + plan.blind.length;
    const named = (state: string): string[] => services.flatMap((one) => (one.state === state ? [one.name] : [])).slice(0, 50);
    const [bad, unknown] = [named('bad'), named('unknown')];
    const verified = missingCount === 0 && bad.length === 0 && unknown.length === 0 && findings.length === 0 && blind === 0;
    const word = typeof accept === 'string' && accept.trim() !== '' ? { time: now(), by, why: accept.trim().slice(0, whyMax) } : undefined;
    const summary: RecoverySummary = {
      plan: plan.id, time: now(), tally, missing: missing.slice(0, missingKept), services: { ok: services.length - bad.length - unknown.length, bad, unknown }, findings: findings.length, blind, verified, ...(word && { accepted: word }),
    };
    const story = tell(plan.incident, seedsOf({ incidents: store.incidents, ledger: store.ledger }, plan.incident), asker);
    const { incident, moved, tasks } = incidents.recovered(plan.incident, summary, tasksOf(story), { by, why });
    return { incident, summary, plan: plan.id, findings, blind: report.blind, tasks, moved };
  }

  private async baseline(): Promise<BaselineLookup | undefined> {
    const { dataFolder, config } = this.options;
    try {
      return await BaselineLookup.open(baselinePath(dataFolder), readKey(config().baseline.key_file ?? defaultKeyPath(dataFolder)));
    } catch { return undefined; /* there is none, or it is not to be trusted: nothing is vouched for by it */ }
  }

  private kept(argument: unknown): KeptRecovery {
    const { id } = objectOf(argument) as { id?: unknown };
    const kept = this.find(argument);
    if (kept === undefined) throw new MoatError<RecoveryErrorCode>('no-plan', `no recovery was planned for ${String(id).slice(0, 100)}`, { zh: `还没有为 ${String(id).slice(0, 100)} 做过恢复方案`, hint: `moat incident recover ${String(id).slice(0, 100)}` });
    return kept;
  }

  /** By the plan's own id, or the latest of an incident: rather one of which something was done. */
  private find(argument: unknown): KeptRecovery | undefined {
    const { id } = objectOf(argument) as { id?: unknown };
    if (typeof id !== 'string') return undefined;
    const exact = this.book.get(id);
    if (exact) return exact;
    let latest: KeptRecovery | undefined;
    for (const kept of this.book.of(this.record(argument).id)) {
      if (kept.plan.steps.some((step) => this.receiptOf(kept.plan, step) !== undefined)) return kept;
      latest ??= kept;
    }
    return latest;
  }

  private stepOf(plan: RecoveryPlan, argument: unknown): RecoveryStep {
    const { step: id } = objectOf(argument) as { step?: unknown };
    const step = plan.steps.find((one) => one.id === id);
    if (step === undefined) throw badInput(`expected a step from 1 to ${plan.steps.length}`, `方案有 1 到 ${plan.steps.length} 步`);
    return step;
  }

  private receiptOf(plan: RecoveryPlan, step: RecoveryStep): Receipt | undefined { return this.options.store.response.receipts({ from: fromOf(plan, step), limit: 1 })[0]; }

  /** As the receipt says; nothing is looked at. */
  private stateOf(plan: RecoveryPlan, step: RecoveryStep): RecoveredStep {
    const receipt = this.receiptOf(plan, step);
    if (receipt === undefined) return { ...bare(step), state: 'open', restored: 0, newer: 0, missing: [] };
    const { id, status, risk, error } = receipt;
    const base = { ...bare(step), receipt: id, status, risk, ...(error !== undefined && { error: { zh: error, en: error } }) };
    switch (status) {
      case 'applied': {
        if (step.action === 'restore-file') return { ...base, state: 'done', restored: step.paths.length, newer: 0, missing: [] };
        const { files } = receipt.state as RestoreSetState;
        return {
          ...base, state: 'done', restored: files.filter(({ is }) => is === 'done' || is === 'same').length, newer: files.filter(({ is }) => is === 'newer').length,
          missing: files.flatMap((one) => (one.is === 'missing' ? [{ path: one.path, why: one.why, stands: true }] : [])),
        };
      }
      case 'undone': return { ...base, state: 'undone', restored: 0, newer: 0, missing: [] };
      case 'failed': return { ...base, state: 'failed', restored: 0, newer: 0, missing: [] };
      default: return { ...base, state: 'stuck', restored: 0, newer: 0, missing: [] };
    }
  }
}

const bare = ({ id, source, title, bytes, paths }: RecoveryStep): Pick<RecoveredStep, 'id' | 'source' | 'title' | 'bytes' | 'files'> => ({ id, source, title, bytes, files: paths.length });
const fromOf = ({ id }: RecoveryPlan, step: RecoveryStep): string => `${id}.${step.id}`;
const objectOf = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
const badInput = (en: string, zh: string): MoatError => new MoatError<RecoveryErrorCode>('bad-input', en, { zh });

function asked(argument: unknown, usual: string): { by: string; why: string } {
  const { by, why } = objectOf(argument) as { by?: unknown; why?: unknown };
  return { by: typeof by === 'string' ? by.slice(0, 200) : 'operator', why: typeof why === 'string' && why !== '' ? why.slice(0, whyMax) : usual };
}

/** In pieces, between which others have their turn; undefined when it cannot be read. */
export async function digestOf(path: string, most = Number.POSITIVE_INFINITY): Promise<string | undefined> {
  let fd: number;
  try {
    fd = openSync(bytesOf(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch { return undefined; /* gone, or another kind of thing: not what was put there */ }
  try {
    const hash = createHash('sha256');
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (let at = 0; at <= most;) {
      const n = readSync(fd, piece, 0, piece.length, at);
      if (n === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, n));
      at += n;
      await breathe();
    }
    return undefined;
  } catch { return undefined; /* a folder, or it cannot be read */ } finally { closeSync(fd); }
}

