/** Temporary privileges fall back when their holder acts oddly: an alert of level high or above ends them at once, in every mode. */
import type { Receipt, ResponseStore } from '../../core/action.ts';
import type { Alert, AlertEvidence } from '../../core/alert.ts';
import { atLeast } from '../../core/level.ts';
import type { Log } from '../../core/ports.ts';
import type { Runner } from './runner.ts';

export interface GrantsOptions {
  runner: Pick<Runner, 'undo'>;
  store: Pick<ResponseStore, 'receipts'>;
  log: Log;
  now: () => number;
  count: (what: string, n?: number) => void;
  pausedUntil: () => number;
}

export const grantAction = 'grant-privilege';
const grantsMost = 1000;
/** An old log that is read for the first time tells of what is over. */
const freshMs = 10 * 60_000;

/** Whoever granted it agreed to this, so that no mode is asked; paused is paused. */
export class Grants {
  private readonly options: GrantsOptions;
  private readonly running = new Map<string, Promise<unknown>>();

  constructor(options: GrantsOptions) { this.options = options; }

  /** Alerts that are new or have grown, after they are stored. Returns at once. */
  onAlerts(alerts: Iterable<Alert>): void {
    const { now, pausedUntil, count } = this.options;
    const bad = [...alerts].filter((alert) => alert.status === 'open' && atLeast(alert.level, 'high') && now() - alert.last_time <= freshMs);
    if (bad.length === 0) return;
    for (const grant of this.standing()) {
      const holder = holderOf(grant);
      // What was granted after the deed is not about it.
      const alert = bad.find((one) => one.last_time >= grant.created && holder !== undefined && actsIn(one, holder));
      if (alert === undefined || this.running.has(grant.id)) continue;
      if (pausedUntil() > now()) { count('grant not ended while paused'); continue; }
      this.begin(grant, alert);
    }
  }

  /** Those that hold now, newest first. */
  standing(): Receipt[] { return this.options.store.receipts({ action: grantAction, status: ['applied', 'stuck'], limit: grantsMost }); }

  /** Waits for what was begun. */
  async settled(): Promise<void> { await Promise.allSettled(this.running.values()); }

  private begin(grant: Receipt, alert: Alert): void {
    const why = `its holder acts oddly: ${alert.summary === '' ? alert.rule_name : alert.summary} (${alert.id})`;
    const work = this.end(grant, alert, why).finally(() => this.running.delete(grant.id));
    this.running.set(grant.id, work);
  }

  private async end({ id, target }: Receipt, { rule_id: rule }: Alert, why: string): Promise<void> {
    const { runner, log, count } = this.options;
    try {
      await runner.undo(id, { by: `rule:${rule}`, via: 'engine', why });
      count('grant ended by an alert');
      log.warn(`${target}: ${why}`);
    } catch (error) {
      count('grant not ended');
      log.warn(`${target}: ${(error as Error).message}`);
    }
  }
}

export function holderOf({ state }: Pick<Receipt, 'state'>): string | undefined {
  const { user } = (typeof state === 'object' && state !== null ? state : {}) as { user?: unknown };
  return typeof user === 'string' ? user : undefined;
}

/** A name in a web server's log or in a refused log-on is whatever somebody outside typed. */
const isDeed = ({ category, outcome }: AlertEvidence): boolean => {
  switch (category) {
    case 'process': case 'file': case 'privilege': case 'session': case 'account': case 'audit': return true;
    case 'authentication': return outcome === 'success';
    default: return false;
  }
};

/** Whether the account did some of it itself: its session, or what came of it under whatever name. That somebody tries its password from outside is not its deed. */
export function actsIn({ evidence }: Pick<Alert, 'evidence'>, user: string): boolean {
  return evidence.some((event) => event.origin_user === user || (event.user === user && isDeed(event)));
}
