import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/action.ts';
import { nextEntry, verifyAudit } from './audit.ts';

function chain(n: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let i = 0; i < n; i++) entries.push(nextEntry(entries.at(-1), { time: 1000 + i, by: 'operator:me', via: 'control', operation: 'block-address', target: `203.0.113.${i}`, why: 'guessing', result: 'applied' }));
  return entries;
}

describe('the audit log', () => {
  it('of any length is sound as it was written', () => {
    for (const n of [0, 1, 2, 50]) expect(verifyAudit(chain(n))).toMatchObject({ entries: n, faults: [] });
  });

  it('shows an edit of any field', () => {
    for (const field of ['by', 'via', 'operation', 'target', 'why', 'result', 'hash'] as const) {
      const entries = chain(5);
      entries[2] = { ...entries[2]!, [field]: `${entries[2]![field]}x` };
      expect(verifyAudit(entries).faults.map(({ what }) => what), field).toContain('edited');
    }
    const entries = chain(5);
    entries[2] = { ...entries[2]!, time: 1 };
    expect(verifyAudit(entries).faults).toEqual([{ seq: 3, what: 'edited' }]);
  });

  it('shows what moved from one field to the next', () => {
    const entries = chain(3);
    entries[1] = { ...entries[1]!, by: 'operator:mecontrol', via: '' };
    expect(verifyAudit(entries).faults).toEqual([{ seq: 2, what: 'edited' }]);
  });

  it('shows what was taken out of the middle, the beginning and another order', () => {
    const without = (i: number): AuditEntry[] => chain(5).toSpliced(i, 1);
    expect(verifyAudit(without(2)).faults).toEqual([{ seq: 4, what: 'missing' }]);
    expect(verifyAudit(without(0)).faults).toEqual([{ seq: 2, what: 'first' }]);
    const [a, b, c] = chain(3);
    expect(verifyAudit([a!, c!, b!]).faults.length).toBeGreaterThan(0);
    // Numbered anew, the hashes do not follow.
    expect(verifyAudit([a!, { ...c!, seq: 2 }]).faults).toEqual([{ seq: 2, what: 'edited' }]);
  });

  it('shows a cut end and a log written anew to whoever kept the last hash', () => {
    const entries = chain(5);
    const { head } = verifyAudit(entries);
    expect(verifyAudit(chain(5), head).faults).toEqual([]);
    expect(verifyAudit(entries.slice(0, 4)).faults).toEqual([]);
    expect(verifyAudit(entries.slice(0, 4), head).faults).toEqual([{ seq: 4, what: 'head' }]);
    expect(verifyAudit(chain(4).map((entry, i) => (i === 0 ? nextEntry(undefined, { ...entry, by: 'nobody' }) : entry)), head).faults.length).toBeGreaterThan(0);
    const more = [...entries, nextEntry(entries.at(-1), { ...entries[0]!, time: 9 })];
    expect(verifyAudit(more, head).faults).toEqual([]);
  });

  it('cuts texts that are too long, and stays sound', () => {
    const entry = nextEntry(undefined, { time: 1, by: 'b'.repeat(10_000), via: '', operation: 'x', target: 't'.repeat(100_000), why: '"],["', result: '\0' });
    expect(entry.target.length).toBe(4096);
    expect(verifyAudit([entry]).faults).toEqual([]);
  });
});
