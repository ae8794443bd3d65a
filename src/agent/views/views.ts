/** What the API asks beside what the command line asks: put together here, answered as the socket answers. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MoatError, saidBy } from '../../core/error.ts';
import type { FixAction } from '../../core/finding.ts';
import { levels, type Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { runner as programs } from '../../linux/run.ts';
import { stepsOf } from '../../engine/incident/story-steps.ts';
import type { Handlers } from '../control.ts';
import { Jobs } from '../jobs.ts';
import { installRoot } from '../paths.ts';
import type { CheckEntry } from '../scan.ts';
import type { ScanSchedule } from '../scan-schedule.ts';
import { askChecks } from '../scan-process.ts';
import type { ToldStory } from '../stories.ts';
import { AlertView, type AlertViewOptions } from './alert.ts';
import { HostView, type HostViewOptions } from './host.ts';
import { HuntView } from './hunt.ts';
import { KnownHere, type KnownOptions } from './known.ts';
import { Overview, type OverviewOptions } from './overview.ts';
import { patchesOf } from './patches.ts';
import { flat, postureOf } from './posture.ts';
import { RuleTrials } from './rule-trials.ts';
import { RulesView, type RulesViewOptions } from './rules.ts';
import { SettingsView, type SettingsViewOptions } from './settings.ts';
import { SystemView, type SystemViewOptions } from './system.ts';

export interface ViewsOptions extends KnownOptions, Omit<AlertViewOptions, 'checks'>, HostViewOptions, OverviewOptions, Omit<RulesViewOptions, 'checks' | 'folder'>, Omit<SystemViewOptions, 'checks'>, Omit<SettingsViewOptions, 'journal'> {
  journal: SettingsViewOptions['journal'];
  scans: () => ScanSchedule;
  /** The other operations, for what is told with them. */
  operations: Handlers;
  jobChanged: (id: string) => void;
}

/** `stopped`: why it went no further; what was done before stands. */
type FixAnswer = { plan: true; plans: unknown[] } | { receipts: unknown[]; stopped?: Text };

/** What `moat incident evidence` is asked for; without an incident the machine as it is. */
interface Collect { incident?: string; why: string; by: string; commands: boolean; memory?: string; memory_max_mb?: number; since_ms?: number; only?: string[] }

const titleMost = 500;
const run = promisify(execFile);
const day = 86_400_000;
const evidenceMs = 3 * 3_600_000;
const outputMax = 8 << 20;

export class Views {
  private readonly options: ViewsOptions;
  readonly jobs: Jobs;
  private known: Promise<readonly CheckEntry[]> | undefined;
  private asked: Promise<object> | undefined;

  constructor(options: ViewsOptions) {
    this.options = options;
    this.jobs = new Jobs(options.now, options.jobChanged);
  }

  handlers(): Handlers {
    const { store, now, here, operations } = this.options;
    const checks = (): Promise<readonly CheckEntry[]> => this.checks();
    const overview = new Overview(this.options);
    const alert = new AlertView({ ...this.options, checks });
    const host = new HostView(this.options);
    const rules = new RulesView({ ...this.options, checks, folder: here.rulesFolder });
    const trials = new RuleTrials({ store, now, jobs: this.jobs, read: (text) => rules.read(text) });
    const system = new SystemView({ ...this.options, checks });
    const known = new KnownHere(this.options);
    const hunt = new HuntView(this.options.dataFolder, known);
    const settings = new SettingsView(this.options);
    return {
      ...settings.handlers(),
      'overview': (argument) => overview.get(argument ?? {}),
      'alert-whole': (argument) => alert.whole(argument),
      'exception-preview': (argument) => alert.preview(argument as Parameters<AlertView['preview']>[0]),
      'host': () => host.get(), 'host-listeners': () => host.listeners(), 'host-users': () => host.users(), 'host-containers': () => host.containers(), 'host-sensors': () => host.sensors(),
      'host-packages': (argument) => host.packages(argument ?? {}), 'host-integrity': (argument) => host.integrity(argument ?? {}),
      'rules': () => rules.list(), 'rule': (argument) => rules.get(argument), 'rule-check': (argument) => rules.check(argument), 'rule-test': (argument) => trials.begin(argument), 'rule-test-result': (argument) => trials.get(argument), 'rule-test-stop': (argument) => trials.stop(argument), 'rule-save': (argument) => rules.save(argument), 'rule-remove': (argument) => rules.remove(argument),
      'matrix': (argument) => rules.matrix(typeof argument === 'number' ? argument : now() - 30 * day),
      'system': () => system.system(), 'notices': () => system.notices(), 'notice-test': (argument) => system.testNotice(argument), 'evidence-list': (argument) => system.evidence(argument), 'evidence-verify': (argument) => system.verifyEvidence(argument),
      'incident-report': (argument) => system.report(argument), 'incident-indicator-list': (argument) => system.indicators(argument), 'stats': (argument) => system.stats(argument),
      'hunt': (argument) => hunt.run(argument), 'hunt-schema': () => hunt.schema(), 'hunt-known': (argument) => known.whole(argument),
      'patches': () => this.patches(),
      'checks': () => this.checks(),
      'posture': () => {
        const { score, ...rest } = postureOf(store);
        const { running, last, next } = this.options.scans().status();
        const looked = store.scans.scans({ limit: 1 }).length > 0;
        return { ...(looked ? { score } : { why: { zh: '还没有检查过本机', en: 'this machine was not looked at yet' } }), ...rest, status: { running, ...(last !== undefined && { last }), ...(next !== undefined && Number.isFinite(next) && { next }), enabled: this.options.config().scan.enabled } };
      },
      'finding': (argument) => { const found = typeof argument === 'string' ? store.scans.finding(argument) : undefined; return found && flat(found); },
      'findings': (argument) => {
        const { level, ...filter } = argument as { level?: Level } & Omit<Parameters<typeof store.scans.findings>[0], 'level'>;
        return store.scans.findings({ ...filter, ...(level !== undefined && { level: levels.slice(levels.indexOf(level)) }) }).map(flat);
      },
      'finding-fix': (argument) => this.fix(argument as Parameters<Views['fix']>[0]),
      'scan-start': async (argument) => {
        const { only, by } = argument as { only?: string[]; by: string };
        const all = await this.checks();
        const names = new Set(all.flatMap(({ id, group }) => [id, group]));
        const wrong = (only ?? []).filter((one) => !names.has(one));
        if (wrong.length > 0) throw new MoatError('bad-input', `expected checks or groups of checks, got ${wrong.join(', ').slice(0, 200)}`, { zh: `没有这些检查：${wrong.join('、').slice(0, 200)}` });
        return { job: this.jobs.begin('scan', by, async ({ signal, progress }) => {
          const { id, report: { verdict, findings, blind, stopped }, raised } = await this.options.scans().asked(only, by, signal, ({ check, nth, of }) => progress({ ...(of > 0 && { part: Math.min(1, nth / of) }), ...(check && { what: check }) }));
          return { scan: id, verdict, findings: findings.length, raised, blind: blind.length, ...(stopped && { stopped }) };
        }, { alone: true }) };
      },
      'evidence-collect': (argument) => {
        const wanted = argument as Collect;
        return { job: this.jobs.begin('evidence', wanted.by, ({ signal }) => this.collect(wanted, signal), { alone: true }) };
      },
      'job': (argument) => this.jobs.get(argument), 'jobs': () => this.jobs.list(), 'job-stop': (argument) => this.jobs.stop(argument),
      'incident-told': async (argument) => {
        const told = await operations['incident-story']!(argument) as ToldStory;
        return { ...told, steps: stepsOf(told.story) };
      },
    };
  }

  end(): void { this.jobs.end(); }

  /** apt works on it for seconds: whoever asks meanwhile gets the same answer. */
  private patches(): Promise<object> {
    this.asked ??= patchesOf(programs()).finally(() => { this.asked = undefined; });
    return this.asked;
  }

  /** What a finding calls for, through actions: each shown, or done one after the other until one is refused or fails. Only of what stands, and of this machine. */
  private async fix({ id, by, why, force, plan }: { id: string; by: string; why: string; force: boolean; plan: boolean }): Promise<FixAnswer> {
    const { store, config, operations } = this.options;
    const found = store.scans.finding(id);
    if (found === undefined) throw new MoatError('no-item', 'there is no such finding', { zh: '没有这项发现' });
    const { finding: { fix, title }, gone } = found;
    if (gone !== undefined) throw new MoatError('changed', 'it is not there any more: nothing is to be done', { zh: '它已经不在了：无需处理' });
    const actions = fix?.actions ?? [];
    if (actions.length === 0) throw new MoatError('refused', 'no action puts this right: a person must do it', { zh: '没有动作能改好它：需要人来做' });
    if (config().scan.root !== '/') throw new MoatError('refused', 'it was found in another folder, not on this machine', { zh: '它是在另一个目录里发现的，不在本机上' });
    const step = (operation: 'step-plan' | 'step-do', { action, input }: FixAction): Promise<unknown> => Promise.resolve(operations[operation]!({ action, input, by, why: why === '' ? title.en.slice(0, titleMost) : why, force, from: id }));
    if (plan) {
      const plans: unknown[] = [];
      for (const one of actions) plans.push({ plan: true, ...(await step('step-plan', one) as object) });
      return { plan: true, plans };
    }
    const receipts: unknown[] = [];
    for (const one of actions) {
      try {
        receipts.push(await step('step-do', one));
      } catch (error) {
        // What was done stands, and has its receipts: they must be told.
        if (receipts.length === 0) throw error;
        return { receipts, stopped: saidBy(error) };
      }
    }
    return { receipts };
  }

  /** In a process of its own, the one that lists them; asked once. */
  private checks(): Promise<readonly CheckEntry[]> {
    this.known ??= askChecks().catch((error: unknown) => { this.known = undefined; throw error; });
    return this.known;
  }

  /** By the command itself, in a process of its own: it reads for minutes, and events go first. */
  private async collect({ incident, why, by, commands, memory, memory_max_mb: memoryMost, since_ms: sinceMs, only }: Collect, signal: AbortSignal): Promise<unknown> {
    const { configPath, dataFolder } = this.options;
    const words = [join(installRoot(), 'bin/moat'), '--remote', 'local', '--data', dataFolder, ...(this.options.configNamed ? ['--config', configPath] : []), '--lang', 'en', 'incident', 'evidence', '--json', '--why', why, ...(commands ? [] : ['--no-commands']),
      ...(memory === undefined ? [] : ['--memory', memory]), ...(memoryMost === undefined ? [] : ['--memory-max', String(memoryMost)]), ...(sinceMs === undefined ? [] : ['--since', `${Math.ceil(sinceMs / 3_600_000)}h`]), ...(only === undefined ? [] : ['--only', only.join(',')]),
      ...(incident === undefined ? [] : ['--', incident])];
    const { stdout } = await run(process.execPath, words, { signal, timeout: evidenceMs, killSignal: 'SIGTERM', maxBuffer: outputMax, env: { ...process.env, MOAT_OPERATOR: by } }).catch((error: Error & { stderr?: string }) => {
      const said = error.stderr?.slice(-1000) ?? error.message;
      throw new MoatError('failed', `evidence could not be collected: ${said}`, { zh: `没能采集证据：${said}`, cause: error });
    });
    try {
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    } catch (cause) { throw new MoatError('failed', `the collector gave no answer: ${stdout.slice(0, 300)}`, { zh: '采集程序没有给出结果', cause }); }
  }
}
