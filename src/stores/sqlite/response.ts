/** Receipts of actions, the audit log, what is blocked, and runs of playbooks. */
import type { AuditEntry, BlockEntry, Receipt, ReceiptFilter, ResponseStore } from '../../core/action.ts';
import type { IncidentChange } from '../../core/incident-store.ts';
import type { PlaybookRun, RunFilter } from '../../core/playbook.ts';
import { StoreError } from '../error.ts';
import { type Database, guarded, type Row, statementsOf, transaction, unsyncedTransaction, type Value } from './driver.ts';

/** A receipt holds the former state of what it changed; contents of files stand elsewhere. */
const maxReceipt = 4 * 2 ** 20;
const maxRun = 4 * 2 ** 20;
const maxBlocks = 1_000_000;
const pageOfRows = 1000;
const defaultLimit = 200;
const chunk = 1000;
/** Receipts that are over. */
export const receiptDays = 400;
/** And blocks that ended. */
const receiptMs = receiptDays * 86_400_000, endedBlockMs = 90 * 86_400_000;

/** `incidents`: where changed incidents are written, in the transaction of their audit entries. */
export function openResponse(db: Database, file: string, incidents: { write(change: IncidentChange, now: number): void }, clock: () => number): ResponseStore {
  const read = <T>(work: () => T): T => guarded(file, work);
  const putReceipt = db.prepare('INSERT INTO receipt (id, action, target, origin, status, created, changed, until, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status, changed = excluded.changed, until = excluded.until, value = excluded.value');
  const putAudit = db.prepare('INSERT INTO audit (seq, time, "by", via, operation, target, why, result, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const putBlock = db.prepare('INSERT INTO block (network, since, until, why, "by", list, active, times) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (network) DO UPDATE SET since = excluded.since, until = excluded.until, why = excluded.why, "by" = excluded."by", list = excluded.list, active = excluded.active, times = excluded.times');
  const forgetBlock = db.prepare('DELETE FROM block WHERE network = ?');
  const dropListed = db.prepare('DELETE FROM block WHERE rowid IN (SELECT rowid FROM block WHERE times = 0 AND until < ? LIMIT ?)');
  const putRun = db.prepare('INSERT INTO playbook_run (id, playbook, target, alert, status, created, changed, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status, changed = excluded.changed, value = excluded.value');
  const runById = db.prepare('SELECT value FROM playbook_run WHERE id = ?');
  const dropRuns = db.prepare("DELETE FROM playbook_run WHERE rowid IN (SELECT rowid FROM playbook_run WHERE changed < ? AND status <> 'running' LIMIT ?)");
  const byId = db.prepare('SELECT value FROM receipt WHERE id = ?');
  const dueRows = db.prepare("SELECT value FROM receipt WHERE status = 'applied' AND until <= ? ORDER BY until LIMIT ?");
  const lastAudit = db.prepare('SELECT * FROM audit ORDER BY seq DESC LIMIT 1');
  const auditPage = db.prepare(`SELECT * FROM audit WHERE seq >= ? ORDER BY seq LIMIT ${pageOfRows}`);
  const oneBlock = db.prepare('SELECT * FROM block WHERE network = ?');
  const blockPage = db.prepare(`SELECT * FROM block WHERE network > ? AND active = 1 ORDER BY network LIMIT ${pageOfRows}`);
  const someBlocks = db.prepare('SELECT * FROM block WHERE network > ? AND active = 1 ORDER BY network LIMIT ?');
  const activeBlocks = db.prepare('SELECT count(*) AS n FROM block WHERE active = 1');
  const countBlocks = db.prepare('SELECT count(*) AS n FROM block');
  const dropReceipts = db.prepare("DELETE FROM receipt WHERE rowid IN (SELECT rowid FROM receipt WHERE changed < ? AND status IN ('failed', 'undone') LIMIT ?)");
  const dropBlocks = db.prepare('DELETE FROM block WHERE rowid IN (SELECT rowid FROM block WHERE active = 0 AND until < ? LIMIT ?)');

  const prepared = statementsOf(db);

  return {
    save({ receipts = [], audit = [], blocks = [], runs = [], incidents: changed, unsynced = false }) {
      guarded(file, () => (unsynced ? unsyncedTransaction : transaction)(db, () => {
        if (changed) incidents.write(changed, clock());
        for (const one of receipts) {
          const value = JSON.stringify(one);
          if (value.length > maxReceipt) throw new StoreError('input', `expected a receipt of at most ${maxReceipt} characters, got ${value.length} for ${one.action}`);
          putReceipt.run(one.id, one.action, one.target, one.from ?? null, one.status, one.created, one.changed, one.until ?? null, value);
        }
        for (const run of runs) {
          const value = JSON.stringify(run);
          if (value.length > maxRun) throw new StoreError('input', `expected a run of at most ${maxRun} characters, got ${value.length} for ${run.playbook}`);
          putRun.run(run.id, run.playbook, run.target, run.alert ?? null, run.status, run.created, run.changed, value);
        }
        for (const { seq, time, by, via, operation, target, why, result, hash } of audit) putAudit.run(seq, time, by, via, operation, target, why, result, hash);
        if (blocks.some(({ active }) => active) && Number(countBlocks.get()!['n']) + blocks.length > maxBlocks) throw new StoreError('input', `expected at most ${maxBlocks} blocked addresses and networks`);
        // Of what only stood on a list nothing needs to be known: lists that come and go must not fill the room for those who attack.
        for (const { network, since, until, why, by, list, active, times } of blocks) if (!active && times === 0) forgetBlock.run(network); else putBlock.run(network, since, until ?? null, why, by, list ?? null, active ? 1 : 0, times);
      }));
    },

    receipt: (id) => read(() => toReceipt(byId.get(id))),
    receipts(filter) {
      const { where, values } = conditions(filter);
      return read(() => prepared(`SELECT value FROM receipt ${where} ORDER BY ${filter.before ? 'created DESC, id DESC' : 'created DESC, rowid DESC'} LIMIT ?`).all(...values, filter.limit ?? defaultLimit).map((row) => toReceipt(row)!));
    },
    due: (now) => read(() => dueRows.all(now, chunk).map((row) => toReceipt(row)!)),
    lastAudit: () => read(() => toAudit(lastAudit.get())),
    *audit(fromSeq) {
      for (let next = fromSeq; ;) {
        const page = read(() => auditPage.all(next)).map((row) => toAudit(row)!);
        yield* page;
        if (page.length < pageOfRows) return;
        next = page.at(-1)!.seq + 1;
      }
    },
    auditPage({ before, by, operation, target, via, from, to, limit }) {
      const { where: equal, values } = where({ '"by"': by, operation, target, via }, undefined);
      const parts: string[] = equal === '' ? [] : [equal.slice('WHERE '.length)];
      for (const [text, value] of [['seq < ?', before], ['time >= ?', from], ['time < ?', to]] as const) if (value !== undefined) { parts.push(text); values.push(value); }
      return read(() => db.prepare(`SELECT * FROM audit ${parts.length > 0 ? `WHERE ${parts.join(' AND ')}` : ''} ORDER BY seq DESC LIMIT ?`).all(...values, limit).map((row) => toAudit(row)!));
    },
    blockPage: (after, limit) => read(() => someBlocks.all(after, limit).map((row) => toBlock(row)!)),
    block: (network) => read(() => toBlock(oneBlock.get(network))),
    *blocks(list, behind = '') {
      for (let after = behind; ;) {
        const page = read(() => blockPage.all(after)).map((row) => toBlock(row)!);
        for (const one of page) if (list === undefined || one.list === list) yield one;
        if (page.length < pageOfRows) return;
        after = page.at(-1)!.network;
      }
    },
    countBlocks: () => read(() => Number(activeBlocks.get()!['n'])),
    playbookRun: (id) => read(() => toRun(runById.get(id))),
    playbookRuns(filter) {
      const { where, values } = runConditions(filter);
      return read(() => prepared(`SELECT value FROM playbook_run ${where} ORDER BY ${filter.before ? 'created DESC, id DESC' : 'created DESC, rowid DESC'} LIMIT ?`).all(...values, filter.limit ?? defaultLimit).map((row) => toRun(row)!));
    },
    prune(now) {
      read(() => transaction(db, () => {
        dropRuns.run(now - receiptMs, chunk);
        dropReceipts.run(now - receiptMs, chunk);
        dropBlocks.run(now - endedBlockMs, chunk);
        dropListed.run(now, chunk);
      }));
    },
  };
}

const conditions = ({ action, target, from, status, before }: ReceiptFilter): { where: string; values: Value[] } => where({ action, target, origin: from }, status, before);
const runConditions = ({ playbook, target, alert, status, before }: RunFilter): { where: string; values: Value[] } => where({ playbook, target, alert }, status, before);

function where(equal: Readonly<Record<string, string | undefined>>, status: readonly string[] | undefined, before?: { created: number; id: string }): { where: string; values: Value[] } {
  const parts: string[] = [];
  const values: Value[] = [];
  for (const [column, value] of Object.entries(equal)) {
    if (value === undefined) continue;
    parts.push(`${column} = ?`);
    values.push(value);
  }
  if (status !== undefined) {
    parts.push(`status IN (${status.map(() => '?').join(', ')})`);
    values.push(...status);
  }
  if (before !== undefined) {
    parts.push('(created, id) < (?, ?)');
    values.push(before.created, before.id);
  }
  return { where: parts.length > 0 ? `WHERE ${parts.join(' AND ')}` : '', values };
}

const toRun = (row: Row | undefined): PlaybookRun | undefined => (row === undefined ? undefined : (JSON.parse(String(row['value'])) as PlaybookRun));
const toReceipt = (row: Row | undefined): Receipt | undefined => (row === undefined ? undefined : (JSON.parse(String(row['value'])) as Receipt));

function toAudit(row: Row | undefined): AuditEntry | undefined {
  if (row === undefined) return undefined;
  const text = (name: string): string => String(row[name]);
  return { seq: Number(row['seq']), time: Number(row['time']), by: text('by'), via: text('via'), operation: text('operation'), target: text('target'), why: text('why'), result: text('result'), hash: text('hash') };
}

function toBlock(row: Row | undefined): BlockEntry | undefined {
  if (row === undefined) return undefined;
  const { until, list } = row;
  return {
    network: String(row['network']), since: Number(row['since']), ...(until !== null && until !== undefined && { until: Number(until) }), why: String(row['why']), by: String(row['by']),
    ...(list !== null && list !== undefined && { list: String(list) }), active: row['active'] === 1, times: Number(row['times']),
  };
}
