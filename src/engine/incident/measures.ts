/** MTTD, MTTC and MTTR of one incident: which moments they are taken from, and which are not known. */
import type { AuditEntry } from '../../core/action.ts';
import type { IncidentRecord } from '../../core/incident-store.ts';
import type { IncidentStatus } from '../../core/incident.ts';
import type { Measure, Measures, ReviewChange, StoryDigest } from '../../core/review.ts';
import type { Text } from '../../core/text.ts';
import { rank } from './forming.ts';

/** A change of status as the audit log tells it. */
export interface Turn { time: number; to: IncidentStatus; how: 'person' | 'returned' }

const statusEntry = /^(?:new|triaged|contained|eradicated|recovered|closed|false-alarm) → (new|triaged|contained|eradicated|recovered|closed|false-alarm)\b/;

/** Of audit entries about one incident, oldest first. */
export function turnsOf(entries: Iterable<Pick<AuditEntry, 'time' | 'operation' | 'result'>>): Turn[] {
  const turns: Turn[] = [];
  for (const { time, operation, result } of entries) {
    if (operation === 'incident-returned') { turns.push({ time, to: 'triaged', how: 'returned' }); continue; }
    const to = operation.startsWith('incident-') ? statusEntry.exec(result)?.[1] : undefined;
    if (to !== undefined) turns.push({ time, to: to as IncidentStatus, how: 'person' });
  }
  return turns;
}

export const reopenedIn = (turns: readonly Turn[]): number => turns.filter(({ to, how }, i) => how === 'returned' || (to === 'triaged' && i > 0 && rank(turns[i - 1]!.to) > rank('triaged'))).length;

/** The first act that is known: of the one who came in, never later than what came of it. */
function firstAct(story: Pick<StoryDigest, 'entry' | 'began' | 'nodes'> | undefined): number | undefined {
  if (story === undefined || story.nodes === 0) return undefined;
  const { entry } = story;
  // When a server or job itself began says nothing of the one who used it.
  const entered = entry === undefined || entry.kind === 'unknown' || ((entry.kind === 'web' || entry.kind === 'service' || entry.kind === 'container') && entry.request === undefined) ? undefined : entry.time;
  return entered === undefined ? story.began : Math.min(entered, story.began);
}

export function measuresOf(record: Pick<IncidentRecord, 'created' | 'status'>, story: StoryDigest | undefined, turns: readonly Turn[]): Measures {
  const { created, status } = record;
  if (status === 'false-alarm') {
    const why: Text = { zh: '误报，不计', en: 'a false alarm is not measured' };
    return { detect: { why }, contain: { why }, recover: { why } };
  }
  const began = firstAct(story);
  return {
    detect: began === undefined ? { to: created, why: { zh: '入侵开始的时刻未知', en: 'when the intruder began is not known' } } : began > created ? { from: began, to: created, why: { zh: '已知的第一个动作晚于发现，开始的时刻未知', en: 'the first known act is later than its detection: when it began is not known' } } : span(began, created),
    contain: reached(created, status, turns, 'contained', { zh: '尚未标为已遏制', en: 'it has not been marked contained' }),
    recover: reached(created, status, turns, 'recovered', { zh: '尚未标为已恢复或关闭', en: 'it has not been marked recovered or closed' }),
  };
}

/** After the last time that it was open again: what was thought to be over before was not. */
function reached(created: number, status: IncidentStatus, turns: readonly Turn[], floor: IncidentStatus, why: Text): Measure {
  if (rank(status) < rank(floor)) return { from: created, why };
  let at: number | undefined;
  for (const { time, to } of turns) {
    if (to === 'false-alarm' || rank(to) < rank(floor)) at = undefined;
    else at ??= time;
  }
  return at === undefined ? { from: created, why: { zh: '审计日志里没有那一刻', en: 'the audit log does not tell that moment' } } : span(created, at);
}

const span = (from: number, to: number): Measure => ({ from, to, ms: Math.max(0, to - from) });

export const changeOf = ({ time, by, operation, why, result }: AuditEntry): ReviewChange => ({ time, by, operation, why, result });
