/**
 * Writes receipts, audit entries and blocks so that they are on disk before anything is done. Many at once share one transaction:
 * a sync to disk for each would cost seconds for a thousand bans.
 */
import type { AuditEntry, BlockEntry, Receipt, ResponseStore } from '../../core/action.ts';
import type { IncidentChange } from '../../core/incident-store.ts';
import type { PlaybookRun } from '../../core/playbook.ts';
import { type AuditInput, nextEntry } from './audit.ts';
import { viaNow } from './via.ts';

interface Change { receipts?: readonly Receipt[]; audit?: readonly AuditInput[]; blocks?: readonly BlockEntry[]; runs?: readonly PlaybookRun[] }
interface Waiting { change: Change; resolve: () => void; reject: (error: unknown) => void }

/** The way in is known now, and not when it is written. */
const withVia = (change: Change): Change => (change.audit ? { ...change, audit: change.audit.map((entry) => ({ ...entry, via: viaNow(entry.via) })) } : change);

export class Journal {
  private readonly store: ResponseStore;
  private last: AuditEntry | undefined;
  private waiting: Waiting[] = [];
  /** Told of what is on disk now: for whoever watches. Must not throw. */
  onSaved: ((saved: { receipts: readonly Receipt[]; blocks: readonly BlockEntry[]; runs: readonly PlaybookRun[]; incidents: IncidentChange | undefined }) => void) | undefined;

  constructor(store: ResponseStore) {
    this.store = store;
    this.last = store.lastAudit();
  }

  /** Resolves when it is on disk; rejects with StoreError when it could not be written, and nothing of it is. */
  write(asked: Change): Promise<void> {
    const change = withVia(asked);
    return new Promise((resolve, reject) => {
      this.waiting.push({ change, resolve, reject });
      if (this.waiting.length === 1) setImmediate(() => this.flush());
    });
  }

  /**
   * The same at once, with incidents in the same transaction: durable when it returns. Throws StoreError, and nothing of it is kept. Without
   * an audit entry nobody was told of it and nobody asked for it: such incidents follow from the stored alerts, and no flood of them waits for the disk.
   */
  now(change: Pick<Change, 'audit'> & { incidents: IncidentChange }): void {
    this.flush();
    this.save([{ change: withVia(change), resolve: () => undefined, reject: () => undefined }], change.incidents);
  }

  private flush(): void {
    const batch = this.waiting;
    this.waiting = [];
    if (batch.length === 0) return;
    try {
      this.save(batch);
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (batch.length === 1) { batch[0]?.reject(error); return; }
      // One that cannot be written must not take the others along.
      for (const one of batch) {
        try {
          this.save([one]);
          one.resolve();
        } catch (fault) { one.reject(fault); }
      }
    }
  }

  private save(batch: readonly Waiting[], incidents?: IncidentChange): void {
    let last = this.last;
    const audit = batch.flatMap(({ change }) => change.audit ?? []).map((input) => { last = nextEntry(last, input); return last; });
    const receipts = batch.flatMap(({ change }) => change.receipts ?? []), blocks = batch.flatMap(({ change }) => change.blocks ?? []), runs = batch.flatMap(({ change }) => change.runs ?? []);
    this.store.save({ receipts, blocks, runs, audit, ...(incidents && { incidents, unsynced: audit.length === 0 && receipts.length + blocks.length + runs.length === 0 }) });
    this.last = last;
    this.onSaved?.({ receipts, blocks, runs, incidents });
  }
}
