/**
 * The audit log: each entry's hash covers the entry and the hash before it, so that an edit, a cut or another order shows. Who can
 * write the database can write the whole chain anew; the hash of the last entry, kept elsewhere (a notice, paper), shows that too.
 */
import { createHash } from 'node:crypto';
import type { AuditEntry } from '../../core/action.ts';

/** Hash before the first entry. */
const chainStart = createHash('sha256').update('moat audit log, version 1').digest('hex');

export type AuditInput = Omit<AuditEntry, 'seq' | 'hash'>;

const bounds = { by: 200, via: 200, operation: 100, target: 4096, why: 1000, result: 1000 } as const;

/** The entry that follows `last`. Texts that are too long are cut. */
export function nextEntry(last: AuditEntry | undefined, input: AuditInput): AuditEntry {
  const cut = (field: keyof typeof bounds): string => input[field].slice(0, bounds[field]);
  const entry = { seq: (last?.seq ?? 0) + 1, time: input.time, by: cut('by'), via: cut('via'), operation: cut('operation'), target: cut('target'), why: cut('why'), result: cut('result') };
  return { ...entry, hash: hashOf(last?.hash ?? chainStart, entry) };
}

function hashOf(before: string, { seq, time, by, via, operation, target, why, result }: Omit<AuditEntry, 'hash'>): string {
  // A list in JSON has one form, and no field can pass for another.
  return createHash('sha256').update(before).update(JSON.stringify([seq, time, by, via, operation, target, why, result])).digest('hex');
}

export interface AuditFault { seq: number; what: 'edited' | 'missing' | 'first' | 'head' }

export interface AuditVerdict { entries: number; head: string; faults: AuditFault[] }

const faultsMax = 100;

/** Reads the whole chain. `head`: the last hash as it was kept elsewhere, which then must be in the chain. */
export function verifyAudit(entries: Iterable<AuditEntry>, head?: string): AuditVerdict {
  const faults: AuditFault[] = [];
  const fault = (one: AuditFault): void => { if (faults.length < faultsMax) faults.push(one); };
  let before = chainStart, expected = 1, count = 0, headSeen = head === undefined || head === chainStart;
  for (const entry of entries) {
    count++;
    if (entry.seq !== expected) fault({ seq: entry.seq, what: expected === 1 ? 'first' : 'missing' });
    else if (hashOf(before, entry) !== entry.hash) fault({ seq: entry.seq, what: 'edited' });
    // What follows is judged by itself: one edit is one fault.
    before = entry.hash;
    expected = entry.seq + 1;
    if (entry.hash === head) headSeen = true;
  }
  if (!headSeen) fault({ seq: expected - 1, what: 'head' });
  return { entries: count, head: before, faults };
}
