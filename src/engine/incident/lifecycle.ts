/** What a person changes of an incident: each change is checked against where it stands, and becomes one entry of the audit log. */
import type { Alert } from '../../core/alert.ts';
import { MoatError } from '../../core/error.ts';
import type { Improvement, IncidentRecord, IncidentTask, MarkedException } from '../../core/incident-store.ts';
import type { Grade, IncidentStatus } from '../../core/incident.ts';
import type { Level } from '../../core/level.ts';
import type { RecoverySummary } from '../../core/recovery.ts';
import { isOver, rank } from './forming.ts';
import { boundedGrades, gradeText } from './grade.ts';
import { exceptionOf } from './quiet.ts';
import { isSettled } from './recovered.ts';
import type { IncidentErrorCode } from './seeds.ts';

export type Deed =
  | { op: 'status'; to: Exclude<IncidentStatus, 'new' | 'false-alarm'> }
  | { op: 'reopen' }
  | { op: 'false-alarm'; forMs: number }
  | { op: 'assign'; to: string | undefined }
  | { op: 'note'; text: string }
  | { op: 'task'; title: string; to: string | undefined }
  | { op: 'task-done'; task: number; open: boolean }
  | { op: 'improve'; title: string; to: string | undefined; due: number | undefined }
  | { op: 'improve-done'; improvement: number; open: boolean; note: string | undefined }
  | { op: 'tag' | 'untag'; tag: string }
  | { op: 'link' | 'unlink'; target: string; title: string | undefined }
  | { op: 'clock'; how: 'reported' | 'not-reportable' }
  /** Neither level nor grade: what a person set is taken back. */
  | { op: 'grade'; level: Level | undefined; grade: Grade | undefined };

/** `reportMs`: how long a statutory report may take. */
export interface Asking { by: string; why: string; now: number; reportMs?: number }

const notesMost = 200, tasksMost = 200, improvementsMost = 200, tagsMost = 50, linksMost = 100, exceptionsMost = 200;
const textMost = 4000, titleMost = 500, wordMost = 100;

const refused = (en: string, zh: string): MoatError => new MoatError<IncidentErrorCode>('refused', en, { zh });
const statusNames: Record<IncidentStatus, string> = { new: '新建', triaged: '已研判', contained: '已遏制', eradicated: '已清除', recovered: '已恢复', closed: '已关闭', 'false-alarm': '误报' };

/** The record after it, with its revision raised, and what happened in a few words. `alerts`: of a false alarm. Throws MoatError 'refused' and 'bad-input'. */
export function changed(record: IncidentRecord, deed: Deed, { by, why, now, reportMs }: Asking, alerts: readonly Alert[] = []): { record: IncidentRecord; result: string } {
  const next = (change: Partial<IncidentRecord>, result: string): { record: IncidentRecord; result: string } => ({ record: { ...record, ...change, revision: record.revision + 1, changed: now }, result });
  switch (deed.op) {
    case 'status': {
      const { to } = deed;
      if (isOver(record)) throw refused(`expected an open incident, ${record.id} is ${record.status}: reopen it first`, `${record.id} ${statusNames[record.status]}，先重新打开：moat incident reopen ${record.id}`);
      if (record.status === to) throw refused(`${record.id} is ${to} already`, `${record.id} 已经是「${statusNames[to]}」`);
      if (rank(to) < rank(record.status)) throw refused(`expected a step forward from ${record.status}, got ${to}`, `${record.id} 已是「${statusNames[record.status]}」，不能退回「${statusNames[to]}」；要重来请 reopen`);
      const due = record.tasks.filter(({ done }) => done === undefined).length;
      if (to === 'closed' && due > 0) throw refused(`expected all tasks done, ${due} of ${record.id} are not`, `${record.id} 还有 ${due} 项任务未完成`);
      if (to === 'closed' && record.clock !== undefined && record.clock.stopped === undefined) throw refused(`expected a word on the statutory report of ${record.id} before it is closed: --reported or --not-reportable`, `${record.id} 的法定报告尚未交代，先写明：moat incident clock ${record.id} --reported 或 --not-reportable --why …`);
      const { recovery } = record;
      if (rank(to) < rank('recovered') || recovery === undefined || isSettled(recovery)) return next({ status: to, since: now }, `${record.status} → ${to}`);
      if (why.trim() === '') throw refused(`expected all restored before ${record.id} is ${to}: ${openOf(recovery)}; a word says that it may stay so: --why`, `${record.id} 还不能算「${statusNames[to]}」：${openOf(recovery)}；确认可以如此请写明 --why`);
      return next({ status: to, since: now, recovery: { ...recovery, accepted: { time: now, by, why } } }, `${record.status} → ${to}, accepted as it is: ${openOf(recovery)}`);
    }
    case 'reopen': {
      if (record.status === 'new' || record.status === 'triaged') throw refused(`${record.id} is open: ${record.status}`, `${record.id} 本来就没有关闭（${statusNames[record.status]}）`);
      const { false_alarm: _, ...open } = record;
      return { record: { ...open, status: 'triaged', since: now, revision: record.revision + 1, changed: now }, result: `${record.status} → triaged${record.false_alarm === undefined ? '' : ', its exceptions no longer hold'}` };
    }
    case 'false-alarm': {
      if (why.trim() === '') throw new MoatError<IncidentErrorCode>('bad-input', 'expected why it is a false alarm: --why', { zh: '请写明为什么是误报：--why' });
      if (record.status === 'false-alarm') throw refused(`${record.id} is marked already`, `${record.id} 已标为误报`);
      const all = new Map<string, MarkedException>(alerts.map((alert) => { const one = exceptionOf(alert); return [JSON.stringify(one), one]; }));
      const exceptions = [...all.values()].slice(0, exceptionsMost);
      return next({ status: 'false-alarm', since: now, false_alarm: { time: now, by, why, until: now + deed.forMs, exceptions, left: all.size - exceptions.length } }, `${record.status} → false-alarm, ${exceptions.length} exceptions until ${new Date(now + deed.forMs).toISOString()}`);
    }
    case 'assign': {
      const { assignee: _, ...open } = record;
      return deed.to === undefined
        ? { record: { ...open, revision: record.revision + 1, changed: now }, result: 'assigned to nobody' }
        : next({ assignee: word(deed.to, 'a name', wordMost) }, `assigned to ${deed.to}`);
    }
    case 'note': return next({ notes: room(record.notes, notesMost, 'notes', { time: now, by, text: word(deed.text, 'a note', textMost) }) }, `note: ${deed.text.slice(0, 200)}`);
    case 'task': {
      const task: IncidentTask = { id: Math.max(0, ...record.tasks.map(({ id }) => id)) + 1, title: word(deed.title, 'a task', titleMost), created: now, by, ...(deed.to !== undefined && { assignee: word(deed.to, 'a name', wordMost) }) };
      return next({ tasks: room(record.tasks, tasksMost, 'tasks', task) }, `task ${task.id}: ${task.title}`);
    }
    case 'task-done': {
      const task = record.tasks.find(({ id }) => id === deed.task);
      if (task === undefined) throw new MoatError<IncidentErrorCode>('bad-input', `expected one of tasks ${record.tasks.map(({ id }) => id).join(', ') || '(none)'}, got ${deed.task}`, { zh: `没有编号为 ${deed.task} 的任务` });
      const { done: _, ...open } = task;
      return next({ tasks: record.tasks.map((one) => (one.id !== task.id ? one : deed.open ? open : { ...open, done: { time: now, by } })) }, `task ${task.id} ${deed.open ? 'open again' : 'done'}`);
    }
    // Also of one that is over: that is when people learn from it.
    case 'improve': {
      const list = record.improvements ?? [];
      if (deed.due !== undefined && !(deed.due > 0 && deed.due < 8.64e15)) throw new MoatError<IncidentErrorCode>('bad-input', `expected a day, got ${deed.due}`, { zh: `日期不对：${deed.due}` });
      const one: Improvement = { id: Math.max(0, ...list.map(({ id }) => id)) + 1, title: word(deed.title, 'an improvement', titleMost), created: now, by, ...(deed.to !== undefined && { owner: word(deed.to, 'a name', wordMost) }), ...(deed.due !== undefined && { due: deed.due }) };
      return next({ improvements: room(list, improvementsMost, 'improvements', one) }, `improvement ${one.id}: ${one.title}${one.owner === undefined ? '' : `, by ${one.owner}`}${one.due === undefined ? '' : `, until ${new Date(one.due).toISOString().slice(0, 10)}`}`);
    }
    case 'improve-done': {
      const list = record.improvements ?? [];
      const one = list.find(({ id }) => id === deed.improvement);
      if (one === undefined) throw new MoatError<IncidentErrorCode>('bad-input', `expected one of improvements ${list.map(({ id }) => id).join(', ') || '(none)'}, got ${deed.improvement}`, { zh: `没有编号为 ${deed.improvement} 的改进项` });
      const { done: _, ...undone } = one;
      return next({ improvements: list.map((each) => (each.id !== one.id ? each : deed.open ? undone : { ...undone, done: { time: now, by, ...(deed.note !== undefined && { note: word(deed.note, 'a note', textMost) }) } })) }, `improvement ${one.id} ${deed.open ? 'open again' : 'done'}`);
    }
    case 'tag': return next({ tags: [...new Set(room(record.tags.filter((one) => one !== deed.tag), tagsMost, 'tags', word(deed.tag, 'a tag', wordMost)))] }, `tag ${deed.tag}`);
    case 'untag': {
      if (!record.tags.includes(deed.tag)) throw refused(`${record.id} has no tag ${deed.tag}`, `${record.id} 没有标签 ${deed.tag}`);
      return next({ tags: record.tags.filter((one) => one !== deed.tag) }, `tag ${deed.tag} removed`);
    }
    case 'link': return next({ links: room(record.links.filter(({ target }) => target !== deed.target), linksMost, 'links', { target: word(deed.target, 'a link', titleMost), by, time: now, ...(deed.title !== undefined && { title: word(deed.title, 'a title', titleMost) }) }) }, `link ${deed.target}`);
    case 'unlink': {
      if (record.links.every(({ target }) => target !== deed.target)) throw refused(`${record.id} has no link ${deed.target}`, `${record.id} 没有链接 ${deed.target}`);
      return next({ links: record.links.filter(({ target }) => target !== deed.target) }, `link ${deed.target} removed`);
    }
    case 'grade': {
      if (why.trim() === '') throw new MoatError<IncidentErrorCode>('bad-input', 'expected why it is graded so: --why', { zh: '请写明为什么这样定级：--why' });
      const { level, grade } = deed;
      const { by_hand: before, ...rest } = record;
      const judged = before?.judged ?? { level: record.level, grade: record.grade };
      if (level === undefined && grade === undefined) {
        if (before === undefined) throw refused(`nobody has graded ${record.id} by hand`, `${record.id} 没有人工定级`);
        const text = { zh: `撤销人工定级，按证据定级：${why}`, en: `no longer set by hand, as the evidence says: ${why}` };
        return { record: { ...rest, ...judged, graded: boundedGrades([...record.graded, { time: now, ...judged, why: text, by }]), revision: record.revision + 1, changed: now }, result: `level ${judged.level}, grade ${judged.grade}, as the evidence says` };
      }
      const hand = { time: now, by, why, ...(before?.level !== undefined && { level: before.level }), ...(before?.grade !== undefined && { grade: before.grade }), ...(level !== undefined && { level }), ...(grade !== undefined && { grade }), judged };
      const set = { level: hand.level ?? judged.level, grade: hand.grade ?? judged.grade };
      const text = { zh: `人工定级：${why}`, en: `set by hand: ${why}` };
      // Whoever says that core business is hit suspects a larger event.
      const clock = record.clock ?? (grade === 1 && reportMs !== undefined ? { started: now, due: now + reportMs, why: { zh: `人工定为${gradeText(1).zh}`, en: `set by hand to ${gradeText(1).en}` }, told: [] } : undefined);
      return next({ ...set, by_hand: hand, graded: boundedGrades([...record.graded, { time: now, ...set, why: text, by }]), ...(clock && { clock }) }, `set by hand: level ${record.level} → ${set.level}, grade ${record.grade} → ${set.grade}`);
    }
    case 'clock': {
      const { clock } = record;
      if (clock === undefined) throw refused(`no statutory clock runs for ${record.id}`, `${record.id} 没有法定报告时限`);
      if (clock.stopped !== undefined) throw refused(`the statutory clock of ${record.id} was stopped by ${clock.stopped.by} (${clock.stopped.how})`, `${record.id} 的法定报告时限已由 ${clock.stopped.by} 停止（${clock.stopped.how === 'reported' ? '已报告' : '无需报告'}）`);
      if (deed.how === 'not-reportable' && why.trim() === '') throw new MoatError<IncidentErrorCode>('bad-input', 'expected why it need not be reported: --why', { zh: '请写明为什么无需报告：--why' });
      return next({ clock: { ...clock, stopped: { time: now, by, how: deed.how, why } } }, `statutory report: ${deed.how}${now > clock.due ? ', late' : ''}`);
    }
  }
}

/** What stands in the way. */
function openOf({ tally, services, findings, blind }: RecoverySummary): string {
  return [
    ...(tally.missing > 0 ? [`${tally.missing} of ${tally.items} not restored`] : []), ...(services.bad.length > 0 ? [`bad: ${services.bad.join(', ')}`] : []), ...(services.unknown.length > 0 ? [`not looked at: ${services.unknown.join(', ')}`] : []),
    ...(findings > 0 ? [`${findings} findings`] : []), ...(blind > 0 ? [`${blind} blind`] : []),
  ].join('; ') || 'not verified';
}

function word(text: string, what: string, most: number): string {
  const plain = text.trim();
  if (plain === '' || plain.length > most) throw new MoatError<IncidentErrorCode>('bad-input', `expected ${what} of 1 to ${most} characters, got ${plain.length}`, { zh: `应为 1 到 ${most} 个字符，现为 ${plain.length}` });
  return plain;
}

function room<T>(list: readonly T[], most: number, what: string, one: T): T[] {
  if (list.length >= most) throw refused(`expected at most ${most} ${what}`, `最多 ${most} 项`);
  return [...list, one];
}

/** What a person changed who had not seen the latest. */
export function mustBeAt(record: IncidentRecord, seen: number | undefined): void {
  if (seen === undefined || seen === record.revision) return;
  throw new MoatError<IncidentErrorCode>('stale', `${record.id} was changed since you looked at it: you saw revision ${seen}, it is at ${record.revision}; nothing was done`, {
    zh: `${record.id} 在你查看之后有了变化：你看到的是第 ${seen} 版，现在是第 ${record.revision} 版；没有做任何改动`, hint: { zh: `先再看一遍：moat incident show ${record.id}`, en: `look at it again: moat incident show ${record.id}` },
  });
}
