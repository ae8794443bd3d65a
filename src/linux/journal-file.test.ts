import { describe, expect, it } from 'vitest';
import { journalOf, journalWriter, makeJournal, type Line } from '../../test/journal-maker.ts';
import { lacks } from '../../test/need.ts';
import { JournalError } from './journal-file.ts';

const start = Date.UTC(2026, 9, 1);
const lines = (n: number): Line[] => Array.from({ length: n }, (_, i) => ({ time: start + i * 60_000, fields: { MESSAGE: `line ${i}`, SYSLOG_IDENTIFIER: i % 10 === 0 ? 'CRON' : 'app', LONG: 'x'.repeat(i === 3 ? 5000 : 1) } }));

describe.skipIf(lacks({ files: [journalWriter] }))('journal file', () => {
  it.each([true, false])('reads what systemd writes (compact %s)', (compact) => {
    const journal = journalOf(makeJournal(lines(3000), { compact }));
    const all = [...journal.entries()];
    expect(all).toHaveLength(3000);
    expect(journal.entryCount).toBe(3000);
    expect([all[0]!.number, all[2999]!.number, all[2999]!.time, all[7]!.sinceBoot, all[0]!.boot]).toEqual([1, 3000, start + 2999 * 60_000, 421_000, 'a'.repeat(32)]);
    expect([journal.firstTime, journal.lastTime]).toEqual([start, start + 2999 * 60_000]);
    expect(Object.fromEntries(journal.fields(all[20]!, new Set(['MESSAGE', 'SYSLOG_IDENTIFIER', 'NONE'])))).toEqual({ MESSAGE: 'line 20', SYSLOG_IDENTIFIER: 'CRON' });
    expect(journal.fields(all[3]!, new Set(['LONG'])).get('LONG')).toBe('x'.repeat(5000)); // packed
    expect(journal.left).toBe(0);
    const values = [...journal.values('SYSLOG_IDENTIFIER')].map(({ value, entries }) => [value, [...entries()].length]);
    expect(Object.fromEntries(values)).toEqual({ CRON: 300, app: 2700 });
    expect([...journal.values('NONE')]).toEqual([]);
  });

  it('meets damage and hostile files with clear errors, and comes to an end', () => {
    expect(() => journalOf(Buffer.alloc(1000))).toThrow('expected a journal');
    const whole = makeJournal(lines(200));
    let broken = 0;
    // Eight bytes here and there overwritten: circles, places beyond the end, sizes of nothing.
    for (let at = 16; at < 4096; at += at < 272 ? 8 : 152) for (const value of [0n, 0xffff_ffff_ffff_ffffn, BigInt(at), 16n]) {
      const bytes = Buffer.from(whole);
      bytes.writeBigUInt64LE(value, at);
      try {
        const journal = journalOf(bytes);
        for (const one of journal.entries()) journal.fields(one, new Set(['MESSAGE']));
        for (const { entries } of journal.values('SYSLOG_IDENTIFIER')) expect([...entries()].length).toBeLessThanOrEqual(1_000_000);
      } catch (error) {
        expect(error).toBeInstanceOf(JournalError);
        broken++;
      }
    }
    // The head of the file tells every time; which chains are hit behind it depends on numbers that systemd drew.
    expect(broken).toBeGreaterThan(10);
    const cut = journalOf(whole.subarray(0, 6000));
    expect(() => [...cut.entries()]).toThrow(JournalError);
  });
});
