/** All that a report of an incident tells, put together from what is stored. Pure: the same input gives the same report. */
import type { Alert } from '../../core/alert.ts';
import type { AuditEntry, Receipt } from '../../core/action.ts';
import type { Finding } from '../../core/finding.ts';
import type { IncidentRecord } from '../../core/incident-store.ts';
import { atLeast, levelTexts } from '../../core/level.ts';
import type { DataAtRisk, EvidenceArchive, Measures, Review, ReviewAction, ReviewPlace, Some, StoryDigest } from '../../core/review.ts';
import { span, statusTexts } from '../../core/review-words.ts';
import type { Text } from '../../core/text.ts';
import { meaningOf } from '../notices/meaning.ts';
import { causesOf } from './causes.ts';
import { costOf, type Told } from './cost.ts';
import { gradeText, tacticTexts, sends, takes, destroys } from './grade.ts';
import { changeOf, measuresOf, reopenedIn, turnsOf } from './measures.ts';
import { formOf } from './statutory.ts';

export interface ReviewInput {
  record: IncidentRecord;
  /** Oldest first, bounded; the record has the whole count. */
  alerts: readonly Alert[];
  findings: readonly Finding[];
  /** Of actions that answered to it, in any order. */
  receipts: readonly Receipt[];
  /** Of this incident, oldest first. */
  audit: readonly AuditEntry[];
  story?: StoryDigest | undefined;
  storyWhy?: Text | undefined;
  evidence: readonly EvidenceArchive[];
  restored?: { done: number; total: number } | undefined;
  place: ReviewPlace;
  told?: Told;
  now: number;
  version: string;
  /** Writes a time as people here read it. */
  clock: (ms: number) => string;
}

const alertsMost = 100, findingsMost = 100, actionsMost = 200, changesMost = 200, itemsMost = 20, summaryMost = 300;

export function reviewOf(input: ReviewInput): Review {
  const { record, story, now, version, evidence, restored, place, clock } = input;
  const turns = turnsOf(input.audit);
  const measures = measuresOf(record, story, turns);
  const actions = actionsOf(input.receipts);
  const data = dataOf(record, story, input.alerts);
  const causes = causesOf({ record, alerts: input.alerts, findings: input.findings, story, measures, turns });
  const cost = costOf(place.prices, record, measures, input.told ?? {});
  const { id, revision, host, title, status, level, grade, graded, time, last_time, created, assignee, tags, links, notes, tasks, facts, false_alarm } = record;
  return {
    id, revision, made: now, version, host, title, kind: record.kind === 'campaign' ? 'campaign' : 'story', status, level, grade, graded, time, last_time, created, tags, links, notes, tasks,
    ...(assignee !== undefined && { assignee }), ...(false_alarm && { false_alarm }), reopened: reopenedIn(turns),
    summary: summaryOf(input, measures, actions, data), measures, ...(story && { story }), ...(input.storyWhy && { story_why: input.storyWhy }),
    reached: { tactics: Object.entries(facts.tactics).flatMap(([one, at]) => (tacticTexts[one] ? [{ name: tacticTexts[one], time: at }] : [])).sort((a, b) => a.time - b.time || (a.name.en < b.name.en ? -1 : 1)), techniques: facts.techniques, root: facts.root, services: facts.services },
    alerts: { items: worstAlerts(input.alerts).map((one) => ({ id: one.id, time: one.time, last_time: one.last_time, level: one.level, title: one.title, summary: one.summary.slice(0, 500), rule: one.rule_id, count: one.count, attack: one.attack.slice(0, 5) })), total: record.alert_count },
    findings: { items: input.findings.slice(0, findingsMost).map((one) => ({ id: one.id, check: one.check, kind: one.kind, level: one.level, title: one.title, ...(one.path !== undefined && { path: one.path }), ...(one.time !== undefined && { time: one.time }), ...(one.fix && { fix: one.fix.text }) })), total: Math.max(record.finding_count, input.findings.length) },
    actions, changes: { items: input.audit.slice(-changesMost).map(changeOf), total: input.audit.length },
    evidence, ...(restored && { restored }), data, causes, improvements: record.improvements ?? [],
    form: formOf({ record, story, causes, data, actions, place, cost, clock, evidence: evidence.length }), ...(cost && { cost }),
  };
}

/** The graver ones stay where there are too many; told in the order in which they happened. */
function worstAlerts(alerts: readonly Alert[]): readonly Alert[] {
  if (alerts.length <= alertsMost) return alerts;
  const grave = alerts.filter(({ level }) => atLeast(level, 'high')).slice(0, alertsMost);
  const others = alerts.filter(({ level }) => !atLeast(level, 'high')).slice(0, alertsMost - grave.length);
  return [...grave, ...others].sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
}

function actionsOf(receipts: readonly Receipt[]): Some<ReviewAction> {
  const all = [...receipts].sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
  return {
    items: all.slice(0, actionsMost).map(({ created, changed, title, action, target, by, why, status, id, reversible, verdict }) => ({ time: created, changed, title, action, target: target.slice(0, 500), by, why: why.slice(0, 500), status, receipt: id, reversible, ...(verdict && { verdict: verdict.evidence }) })),
    total: all.length,
  };
}

/** What was seen to be read, taken, destroyed; then what could be reached. */
function dataOf({ facts, status }: IncidentRecord, story: StoryDigest | undefined, alerts: readonly Alert[]): DataAtRisk[] {
  if (status === 'false-alarm') return [];
  const out: DataAtRisk[] = [];
  const labels = (some: Some<{ label: string }>): Some<string> => ({ items: some.items.slice(0, itemsMost).map(({ label }) => label), total: some.total });
  if (story && story.scope.secret.total > 0) out.push({ what: { zh: '被读取的凭据', en: 'credentials that were read' }, items: labels(story.scope.secret), certain: true });
  const taken = facts.techniques.filter((one) => takes.test(one)), gone = facts.techniques.filter((one) => destroys.test(one));
  if (taken.length > 0) {
    const told = alerts.filter(({ attack }) => attack.some((one) => takes.test(one))).map(({ summary }) => summary.slice(0, summaryMost));
    const left = taken.some((one) => sends.test(one));
    out.push({
      what: left ? { zh: '有数据已被传走的迹象（传走的无法收回）', en: 'signs that data was sent away (what left cannot be brought back)' } : { zh: '有数据被取走的迹象', en: 'signs that data was taken' },
      items: told.length > 0 ? { items: [...new Set(told)].slice(0, itemsMost), total: new Set(told).size } : { items: taken, total: taken.length }, certain: true,
    });
  }
  if (gone.length > 0) out.push({ what: { zh: '有数据被毁或加密的迹象（技术编号）', en: 'signs that data was destroyed or encrypted (techniques)' }, items: { items: gone, total: gone.length }, certain: true });
  const databases = facts.services.filter((one) => one.startsWith('database '));
  if (databases.length > 0) out.push({ what: { zh: '经由的数据库', en: 'databases that were the door' }, items: { items: databases.map((one) => one.slice(9)), total: databases.length }, certain: false });
  if (facts.accounts.length > 0 && facts.worst !== undefined) out.push({ what: { zh: '账号可触及的数据', en: 'what these accounts can reach' }, items: { items: facts.accounts.slice(0, itemsMost), total: facts.accounts.length }, certain: false });
  if (facts.root) out.push({ what: { zh: '有 root 权限：本机上的全部数据', en: 'with root rights: all data of this machine' }, items: { items: [], total: 0 }, certain: false });
  if (story && story.scope.neighbour.total > 0) out.push({ what: { zh: '向内网这些地址建立过连接', en: 'addresses of the inner network that were spoken to' }, items: labels(story.scope.neighbour), certain: false });
  return out;
}

/** Plain words for somebody who decides and is no expert: what happened, what it means, what was done, what is left to do. */
function summaryOf({ record, story, clock, restored }: ReviewInput, measures: Measures, actions: Some<ReviewAction>, data: readonly DataAtRisk[]): Text[] {
  const { host, title, grade, level, created, facts, status, clock: statutory, tasks } = record;
  const out: Text[] = [];
  if (record.false_alarm) {
    return [{ zh: `${clock(created)}，主机 ${host} 上出现告警“${title.zh}”。经 ${record.false_alarm.by} 核实为误报：${record.false_alarm.why}。没有入侵，无需处置。`, en: `At ${clock(created)} an alarm was raised on ${host}: “${title.en}”. ${record.false_alarm.by} looked into it and found a false alarm: ${record.false_alarm.why}. Nobody broke in; nothing needs to be done.` }];
  }
  if (facts.worst === undefined) out.push({ zh: `${clock(created)} 起，有人从外部试图进入主机 ${host}（${title.zh}）。没有人进来。`, en: `From ${clock(created)} on somebody tried to get into ${host} from outside (${title.en}). Nobody got in.` });
  else {
    const entry = story?.entry;
    const way: Text = entry === undefined || entry.kind === 'unknown' ? { zh: '最初怎么进来的还不清楚。', en: 'How they first came in is not known yet.' } : { zh: `进来的途径：${entry.text.zh}。`, en: `The way in: ${entry.text.en}.` };
    out.push({ zh: `${clock(created)}，发现主机 ${host} 被入侵：${title.zh}。${way.zh}`, en: `At ${clock(created)} an intrusion into ${host} was found: ${title.en}. ${way.en}` });
  }
  const meaning = meaningOf(facts.techniques);
  out.push({
    zh: `严重程度：${levelTexts[level].zh}，${gradeText(grade).zh}。${meaning === undefined ? '' : `${meaning.zh}。`}`,
    en: `How bad it is: ${levelTexts[level].en}, ${gradeText(grade).en}. ${meaning === undefined ? '' : `${sentence(meaning.en)}.`}`.trim(),
  });
  const reached = Object.keys(facts.tactics).filter((one) => tacticTexts[one] !== undefined).sort((a, b) => (facts.tactics[a] ?? 0) - (facts.tactics[b] ?? 0) || (a < b ? -1 : 1));
  if (reached.length > 0) out.push({ zh: `对方做到了：${reached.map((one) => tacticTexts[one]!.zh).join('、')}${facts.root ? '；并取得了最高权限' : ''}。`, en: `They got as far as: ${reached.map((one) => tacticTexts[one]!.en).join(', ')}${facts.root ? '; and they had full rights on the machine' : ''}.` });
  const sure = data.filter(({ certain }) => certain);
  if (facts.worst !== undefined) out.push(sure.length === 0 ? { zh: '没有看到数据被读取、取走或破坏；这不等于没有发生。', en: 'No data was seen to be read, taken or destroyed; that does not prove that none was.' } : { zh: `数据：${sure.map(({ what, items }) => `${what.zh} ${items.total} 项`).join('，')}。`, en: `Data: ${sure.map(({ what, items }) => `${what.en}: ${items.total}`).join('; ')}.` });
  const done = actions.items.filter(({ status: state }) => state === 'applied').length;
  const spans: [string, string][] = [];
  if (measures.detect.ms !== undefined) spans.push([`从开始到发现 ${span(measures.detect.ms).zh}`, `found ${span(measures.detect.ms).en} after it began`]);
  if (measures.contain.ms !== undefined) spans.push([`发现后 ${span(measures.contain.ms).zh} 控制住`, `under control ${span(measures.contain.ms).en} after it was found`]);
  if (measures.recover.ms !== undefined) spans.push([`发现后 ${span(measures.recover.ms).zh} 恢复`, `recovered ${span(measures.recover.ms).en} after it was found`]);
  out.push({ zh: `已执行 ${done} 项处置${restored ? `，恢复 ${restored.done}/${restored.total}` : ''}${spans.length > 0 ? `；${spans.map(([zh]) => zh).join('，')}` : ''}。现状：${statusTexts[status].zh}。`, en: `${done === 1 ? '1 measure was' : `${done} measures were`} taken${restored ? `, ${restored.done} of ${restored.total} restored` : ''}${spans.length > 0 ? `; ${spans.map(([, en]) => en).join(', ')}` : ''}. It is now: ${statusTexts[status].en}.` });
  const open = tasks.filter(({ done: ticked }) => ticked === undefined).length;
  const due = statutory !== undefined && statutory.stopped === undefined;
  if (open > 0 || due) out.push({ zh: `还要做：${[open > 0 ? `${open} 项任务` : '', due ? `${clock(statutory.due)} 前判定是否须向网信部门报告` : ''].filter(Boolean).join('；')}。`, en: `Still to do: ${[open > 0 ? (open === 1 ? '1 task' : `${open} tasks`) : '', due ? `decide before ${clock(statutory.due)} whether it has to be reported to the authority` : ''].filter(Boolean).join('; ')}.` });
  return out;
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
