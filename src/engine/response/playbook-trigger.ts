/** Begins playbooks by itself for the alerts that they answer, once for each alert and target, as far as the mode lets it. */
import type { ResponseStore } from '../../core/action.ts';
import type { Alert } from '../../core/alert.ts';
import type { MoatError } from '../../core/error.ts';
import type { Playbook } from '../../core/playbook.ts';
import type { Log } from '../../core/ports.ts';
import { allows, type Mode } from './linkage.ts';
import { targetOf, triggeredBy } from './playbook.ts';
import type { PlaybookErrorCode, PlaybookRuns } from './playbook-run.ts';

export interface TriggerOptions {
  runs: Pick<PlaybookRuns, 'begin' | 'isActive'>;
  store: Pick<ResponseStore, 'playbookRuns'>;
  log: Log;
  now: () => number;
  count: (what: string, n?: number) => void;
  pausedUntil: () => number;
  modeFor: (rule: string) => Mode;
}

/** An old log that is read for the first time tells of attacks that are over. */
const freshMs = 10 * 60_000;
/** The same target is not run through again sooner. */
const againMs = 60 * 60_000;
const rememberedMost = 20_000;

export class PlaybookTrigger {
  private readonly options: TriggerOptions;
  private playbooks: readonly Playbook[];
  /** Playbook with alert, and playbook with target → until when the store need not be asked, Unix ms; oldest first. */
  private readonly answered = new Map<string, number>();
  private readonly running = new Set<Promise<unknown>>();

  constructor(options: TriggerOptions, playbooks: readonly Playbook[]) {
    this.options = options;
    this.playbooks = playbooks;
  }

  configure(playbooks: readonly Playbook[]): void { this.playbooks = playbooks; }

  /** Alerts that are new or have grown, after they are stored. Returns at once. */
  onAlerts(alerts: Iterable<Alert>): void {
    const now = this.options.now();
    for (const alert of alerts) {
      if (alert.status === 'closed' || now - alert.last_time > freshMs) continue;
      const mode = this.options.modeFor(alert.rule_id);
      if (mode === 'observe') continue;
      for (const playbook of this.playbooks) {
        if (playbook.mode === 'manual' || !allows(mode, playbook.mode) || !triggeredBy(playbook, alert)) continue;
        if (this.options.pausedUntil() > now) { this.options.count('playbook not begun while paused'); continue; }
        this.consider(playbook, alert, now);
      }
    }
  }

  /** Waits for what was begun. */
  async settled(): Promise<void> { await Promise.allSettled(this.running); }

  private consider(playbook: Playbook, alert: Alert, now: number): void {
    const target = targetOf(playbook, alert);
    const byAlert = `${playbook.id} ${alert.id}`, byTarget = `${playbook.id} ${target}`;
    if ((this.answered.get(byAlert) ?? 0) > now || (this.answered.get(byTarget) ?? 0) > now) return;
    const { store, runs, count, log } = this.options;
    this.remember(byAlert, now + freshMs);
    if (runs.isActive(playbook.id, target) || store.playbookRuns({ playbook: playbook.id, alert: alert.id, limit: 1 }).length > 0) return;
    const [last] = store.playbookRuns({ playbook: playbook.id, target, limit: 1 });
    const rests = (last?.changed ?? 0) + againMs;
    this.remember(byTarget, rests > now ? rests : now + againMs);
    if (rests > now) return;
    const work = runs.begin(playbook, { alert, by: `rule:${alert.rule_id}`, why: alert.summary === '' ? alert.rule_name : alert.summary, via: 'engine' }).catch((error: unknown) => {
      this.answered.delete(byTarget);
      this.answered.delete(byAlert);
      const isBusy = (error as MoatError<PlaybookErrorCode>).code === 'busy';
      // Whoever attacks from ever more addresses would fill the log with it.
      if (isBusy) this.remember(byTarget, now + freshMs);
      count(`playbook ${playbook.id} not begun${isBusy ? ', too many under way' : ''}`);
      if (!isBusy) log.warn(`playbook ${playbook.id}: ${(error as Error).message}`);
    });
    this.running.add(work);
    void work.finally(() => this.running.delete(work));
  }

  private remember(key: string, until: number): void {
    this.answered.delete(key);
    this.answered.set(key, until);
    if (this.answered.size <= rememberedMost) return;
    for (const oldest of this.answered.keys()) { this.answered.delete(oldest); return; }
  }
}
