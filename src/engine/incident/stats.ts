/** Figures over all incidents. Each is taken from the same moments as in the report of one incident. */
import type { AuditEntry } from '../../core/action.ts';
import type { IncidentRecord } from '../../core/incident-store.ts';
import { levels, type Level } from '../../core/level.ts';
import type { IncidentStats, Spans, StoryDigest } from '../../core/review.ts';
import { isOver } from './forming.ts';
import { measuresOf, turnsOf } from './measures.ts';

const frequentMost = 10;

export interface StatsInput {
  records: readonly IncidentRecord[];
  /** By incident, oldest first. */
  audit: ReadonlyMap<string, readonly Pick<AuditEntry, 'time' | 'operation' | 'result'>[]>;
  /** What was kept of its story. */
  story: (id: string) => StoryDigest | undefined;
  restored: (id: string) => { done: number; total: number } | undefined;
  since: number | undefined;
  now: number;
  /** `2026-11` of a moment, where people here are. */
  month: (ms: number) => string;
}

export function statsOf({ records: all, audit, story, restored, since, now, month }: StatsInput): IncidentStats {
  const records = since === undefined ? all : all.filter(({ created }) => created >= since);
  const detect: number[] = [], contain: number[] = [], recover: number[] = [];
  const months = new Map<string, number>(), entries = new Map<string, number>(), techniques = new Map<string, number>();
  const byLevel = Object.fromEntries(levels.map((level) => [level, 0])) as Record<Level, number>;
  const byGrade = { 1: 0, 2: 0, 3: 0 };
  const improvements = { open: 0, overdue: 0, done: 0 };
  const back = { done: 0, total: 0 };
  let over = 0, falseAlarms = 0, open = 0;
  for (const record of records) {
    if (isOver(record)) over++; else open++;
    const at = month(record.created);
    months.set(at, (months.get(at) ?? 0) + 1);
    for (const { due, done } of record.improvements ?? []) {
      if (done) improvements.done++;
      else { improvements.open++; if (due !== undefined && due < now) improvements.overdue++; }
    }
    byLevel[record.level]++;
    byGrade[record.grade]++;
    if (record.status === 'false-alarm') { falseAlarms++; continue; }
    const told = story(record.id);
    // Guessing that nobody got in by is neither contained nor recovered from.
    if (record.kind === 'story') {
      const measures = measuresOf(record, told, turnsOf(audit.get(record.id) ?? []));
      if (measures.detect.ms !== undefined) detect.push(measures.detect.ms);
      if (measures.contain.ms !== undefined) contain.push(measures.contain.ms);
      if (measures.recover.ms !== undefined) recover.push(measures.recover.ms);
      count(entries, told?.entry === undefined ? 'unknown' : told.entry.service === undefined || told.entry.kind === 'login' ? told.entry.kind : `${told.entry.kind} ${told.entry.service}`);
    }
    for (const technique of record.facts.techniques) count(techniques, technique);
    const one = restored(record.id);
    if (one) { back.done += one.done; back.total += one.total; }
  }
  return {
    since, now, incidents: records.length, open, by_level: byLevel, by_grade: byGrade, by_month: [...months].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, n]) => ({ month: name, count: n })),
    detect: spansOf(detect), contain: spansOf(contain), recover: spansOf(recover), false_alarms: falseAlarms, ...(over > 0 && { false_alarm_share: falseAlarms / over }),
    ...(back.total > 0 && { restored: { ...back, share: back.done / back.total } }), entries: frequent(entries), techniques: frequent(techniques), improvements,
  };
}

const count = (into: Map<string, number>, name: string): void => { into.set(name, (into.get(name) ?? 0) + 1); };
const frequent = (of: ReadonlyMap<string, number>): { name: string; count: number }[] => [...of].map(([name, n]) => ({ name, count: n })).sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)).slice(0, frequentMost);

/** The middle one (of an even number the mean of the two), and the smallest that nine of ten do not exceed. */
export function spansOf(values: readonly number[]): Spans {
  if (values.length === 0) return { count: 0 };
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return { count: sorted.length, median: sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2, p90: sorted[Math.ceil(sorted.length * 0.9) - 1]! };
}
