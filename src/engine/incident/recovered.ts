/** What a recovery leaves with its incident: the tally, what only a person can do, and how far the incident has come. */
import type { IncidentRecord, IncidentTask } from '../../core/incident-store.ts';
import type { RecoverySummary } from '../../core/recovery.ts';
import type { Text } from '../../core/text.ts';
import { isOver, rank } from './forming.ts';
import type { PersonTask } from './recovery.ts';

const tasksMost = 200;

/** Nothing stands in the way, or somebody said that it may stay so. */
export const isSettled = ({ verified, accepted }: Pick<RecoverySummary, 'verified' | 'accepted'>): boolean => verified || accepted !== undefined;

/** The record after it, with its revision raised; tasks that were asked for before are not asked for again. `tasks`: how many are new. */
export function withRecovery(record: IncidentRecord, summary: RecoverySummary, tasks: readonly PersonTask[], { by, now }: { by: string; now: number }): { record: IncidentRecord; tasks: number; moved: boolean; result: string } {
  const known = new Set(record.tasks.map(({ key }) => key));
  let id = Math.max(0, ...record.tasks.map((task) => task.id));
  const asked = tasks.filter(({ key }) => !known.has(key)).slice(0, Math.max(0, tasksMost - record.tasks.length)).map(({ key, title }): IncidentTask => ({ id: ++id, key, title: both(title), created: now, by }));
  const moved = isSettled(summary) && !isOver(record) && rank(record.status) < rank('recovered');
  const { tally: { restored, items } } = summary;
  return {
    record: { ...record, tasks: [...record.tasks, ...asked], recovery: summary, ...(moved && { status: 'recovered', since: now }), revision: record.revision + 1, changed: now }, tasks: asked.length, moved,
    result: `restored ${restored} of ${items}, ${shareOf(summary.tally)}${summary.verified ? ', verified' : summary.accepted ? ', accepted as it is' : ''}${moved ? `; ${record.status} → recovered` : ''}`,
  };
}

/** `98 %`: rounded down, so that 100 % is all of it. */
export const shareOf = ({ restored, items }: RecoverySummary['tally']): string => `${items === 0 ? 100 : Math.floor((restored * 1000) / items) / 10} %`;

/** What is kept is read by people of either language. */
export const both = ({ zh, en }: Text): string => (zh === en ? en : `${zh} · ${en}`).slice(0, 500);
