/** The journal: holes in the numbers of its entries, and what it has of the hours that another log lacks. */
import type { JournalEntry, JournalFile } from '../../linux/journal-file.ts';
import { eachJournal } from '../journals.ts';
import type { ScanContext } from '../port.ts';

const entriesMax = 1_000_000;
/** Fewer may be of a file of an account that journald cleared away. */
const missingMin = 20;

export interface JournalHole { path: string; before: JournalEntry; after: JournalEntry; /** Numbers that nobody has. */ missing: number }

/**
 * Entries of all files in the order of their numbers: where numbers are missing though the machine ran on for `msMin`, a file was
 * taken away or entries were. journald itself takes away the oldest alone.
 */
export function journalHoles(context: ScanContext, msMin: number): JournalHole[] {
  const sequences = new Map<string, { path: string; entry: JournalEntry }[]>();
  const sequenceOf = new Map<string, string>();
  let total = 0;
  const damaged = eachJournal(context, (journal) => {
    const all = sequences.get(journal.sequence) ?? [];
    sequences.set(journal.sequence, all);
    sequenceOf.set(journal.path, journal.sequence);
    if (total + journal.entryCount > entriesMax) { context.count('journal files not read for their number of entries'); return false; }
    for (const entry of journal.entries()) { all.push({ path: journal.path, entry }); total++; }
    return true;
  });
  // What is missing may stand in the part that cannot be read.
  const unsure = new Set([...damaged].map((path) => sequenceOf.get(path)));
  return [...sequences].filter(([sequence]) => !unsure.has(sequence)).flatMap(([, all]) => {
    all.sort((a, b) => a.entry.number - b.entry.number);
    return all.slice(1).flatMap(({ entry: after }, i) => {
      const { path, entry: before } = all[i]!;
      const missing = after.number - before.number - 1;
      return missing >= missingMin && after.boot === before.boot && after.sinceBoot - before.sinceBoot >= msMin ? [{ path, before, after, missing }] : [];
    });
  });
}

/** How many entries of one of these programs the journal has in a span of time (Unix ms), at most `max`, and the first of them. */
export function journalLines(context: ScanContext, from: number, to: number, programs: ReadonlySet<string>, max: number): { path: string; count: number; text: string } | undefined {
  let found: { path: string; count: number; text: string } | undefined;
  eachJournal(context, (journal) => {
    if (journal.firstTime > to || journal.lastTime < from) return true;
    for (const name of programs) for (const one of inSpan(journal, name, from, to)) {
      found ??= { path: journal.path, count: 0, text: shown(journal, one, name) };
      if (++found.count >= max) return false;
    }
    return true;
  });
  return found;
}

function* inSpan(journal: JournalFile, program: string, from: number, to: number): Iterable<JournalEntry> {
  for (const { value, entries } of journal.values('SYSLOG_IDENTIFIER')) {
    if (value !== program) continue;
    for (const one of entries()) {
      if (one.time > to) return;
      if (one.time >= from) yield one;
    }
  }
}

function shown(journal: JournalFile, one: JournalEntry, program: string): string {
  return `${new Date(one.time).toISOString()} ${program}: ${(journal.fields(one, new Set(['MESSAGE'])).get('MESSAGE') ?? '').slice(0, 200)}`;
}
