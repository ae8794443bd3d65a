/** Lets go of what has lain in quarantine for its time. Each is told in the audit log before it is gone; a bounded number each hour. */
import { saidBy } from '../core/error.ts';
import type { Log } from '../core/ports.ts';
import type { Vault } from '../actions/vault.ts';
import type { Health } from '../engine/health.ts';
import type { Journal } from '../engine/response/journal.ts';
import type { Config } from './config-schema.ts';

export interface QuarantineKeepOptions { vault: Vault; journal: Pick<Journal, 'write'>; health: Pick<Health, 'state' | 'count'>; log: Log; config: () => Config; now: () => number }

const part = 'quarantine';
const everyMs = 3_600_000;
const day = 86_400_000;
/** A look: descriptions that are read, and files that go. */
const lookedMost = 2000, goneMost = 100;

export class QuarantineKeep {
  private readonly options: QuarantineKeepOptions;
  private timer: NodeJS.Timeout | undefined;
  /** Where the next look goes on; from the oldest again at the end. */
  private after = '';

  constructor(options: QuarantineKeepOptions) { this.options = options; }

  start(): void {
    this.timer = setInterval(() => { void this.expire(); }, everyMs);
    void this.expire();
  }

  stop(): void { clearInterval(this.timer); }

  /** Only files that were taken away as a whole: what lines and settings were before they were changed is needed to take that back. */
  async expire(): Promise<void> {
    const { vault, journal, health, log, config, now } = this.options;
    const days = config().response.quarantine_days;
    if (days === 0) return;
    try {
      const { items, next } = vault.older(now() - days * day, this.after, lookedMost);
      const due = items.filter(({ action }) => action === 'quarantine-file');
      for (const { id, path, by, added, file } of due.slice(0, goneMost)) {
        await journal.write({ audit: [{ time: now(), by: 'engine', via: 'engine', operation: 'quarantine-expire', target: path, why: `response.quarantine_days: ${days}`, result: `${id}, sha256 ${file.sha256}, ${file.size} bytes, put there by ${by} ${new Date(added).toISOString()}` }] });
        vault.remove(id);
        health.count(part, 'let go by policy');
      }
      // What was too much for one look is met again.
      this.after = due.length > goneMost ? this.after : next;
      health.state(part, 'live');
    } catch (error) {
      health.state(part, 'blind', { zh: `无法按保留期清理隔离区：${saidBy(error).zh}`, en: `what lies in quarantine cannot be let go by policy: ${saidBy(error).en}` });
      log.warn(`quarantine: ${(error as Error).message}`);
    }
  }
}
