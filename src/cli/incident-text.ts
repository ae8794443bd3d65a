/** Incidents for a terminal and as `--json` prints them. All words in them come from outside and are escaped. */
import type { Alert } from '../core/alert.ts';
import type { IncidentRecord, StatutoryClock } from '../core/incident-store.ts';
import type { Grade, IncidentStatus } from '../core/incident.ts';
import { levelTexts } from '../core/level.ts';
import type { Lang } from '../core/text.ts';
import type { WholeIncident } from '../agent/incidents.ts';
import { colour } from './colour.ts';
import { recoveryJson, recoveryLines } from './recovery-text.ts';
import { clock, levelWord, safe } from './terminal.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

/** Stable names, ISO times. */
export function incidentJson(record: IncidentRecord | WholeIncident): Record<string, unknown> {
  const { id, revision, kind, host, title, status, level, grade, graded, time, last_time, alert_count, finding_count, merged_into, about, facts, created, changed, since, assignee, notes, tasks, tags, links, clock: statutory, by_hand: hand, false_alarm: alarm } = record;
  const { techniques, tactics, root, accounts, addresses, neighbours, services } = facts;
  return {
    id, revision, kind, host, title, status, level, grade, time: iso(time), last_time: iso(last_time), since: iso(since), created: iso(created), changed: iso(changed), alert_count, finding_count,
    ...('alerts' in record && { alerts: record.alerts, findings: record.findings, keys: record.keys }), merged_into, about,
    reached: { tactics: Object.fromEntries(Object.entries(tactics).map(([tactic, at]) => [tactic, iso(at)])), techniques, root, accounts, addresses, neighbours, services },
    graded: graded.map((one) => ({ ...one, time: iso(one.time) })), assignee, tags, links: links.map((one) => ({ ...one, time: iso(one.time) })), notes: notes.map((one) => ({ ...one, time: iso(one.time) })),
    tasks: tasks.map(({ created: at, done, ...task }) => ({ ...task, created: iso(at), ...(done && { done: { ...done, time: iso(done.time) } }) })),
    clock: statutory && { started: iso(statutory.started), due: iso(statutory.due), why: statutory.why, ...(statutory.stopped && { stopped: { ...statutory.stopped, time: iso(statutory.stopped.time) } }) },
    by_hand: hand && { ...hand, time: iso(hand.time) },
    ...recoveryJson(record),
    false_alarm: alarm && { ...alarm, time: iso(alarm.time), until: iso(alarm.until) },
  };
}

const statusTexts: Record<IncidentStatus, [zh: string, en: string]> = {
  new: ['新建', 'new'], triaged: ['已研判', 'triaged'], contained: ['已遏制', 'contained'], eradicated: ['已清除', 'eradicated'], recovered: ['已恢复', 'recovered'], closed: ['已关闭', 'closed'], 'false-alarm': ['误报', 'false alarm'],
};

function statusWord(status: IncidentStatus, lang: Lang): string {
  const word = statusTexts[status][lang === 'zh' ? 0 : 1];
  switch (status) {
    case 'new': return colour.red(word);
    case 'triaged': return colour.yellow(word);
    case 'closed': case 'false-alarm': return colour.dim(word);
    default: return colour.green(word);
  }
}

function gradeWord(grade: Grade, lang: Lang): string {
  const word = lang === 'zh' ? `${'一二三'[grade - 1] ?? ''}级` : `grade ${grade}`;
  return grade === 1 ? colour.red(word) : grade === 2 ? colour.yellow(word) : word;
}

/** Whether it runs, and how long yet. */
function clockWord({ due, stopped, why }: StatutoryClock, lang: Lang, now: number): string {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  if (stopped) return colour.dim(stopped.how === 'reported' ? t(`法定报告：${clock(stopped.time)} 已由 ${safe(stopped.by)} 报告`, `statutory report: made by ${safe(stopped.by)} at ${clock(stopped.time)}`) : t(`法定报告：无需（${safe(stopped.by)}：${safe(stopped.why)}）`, `statutory report: not needed (${safe(stopped.by)}: ${safe(stopped.why)})`));
  const minutes = Math.round(Math.abs(due - now) / 60_000);
  const span = t(minutes >= 60 ? `${Math.floor(minutes / 60)} 小时 ${minutes % 60} 分` : `${minutes} 分`, minutes >= 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes} min`);
  const head = now >= due ? t(`法定报告已逾期 ${span}`, `statutory report overdue by ${span}`) : t(`法定报告时限 ${clock(due)}，还有 ${span}`, `statutory report due ${clock(due)}, ${span} left`);
  return `${now >= due ? colour.bgRed(colour.white(` ${head} `)) : colour.red(head)} ${t(`疑似较大事件：${why.zh}`, `a larger event (较大) is suspected: ${why.en}`)}`;
}

/** One line, and one for a clock that runs. */
export function incidentLines(record: IncidentRecord, lang: Lang, now: number): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const words = [
    t(`${record.alert_count} 条告警`, record.alert_count === 1 ? '1 alert' : `${record.alert_count} alerts`), ...(record.finding_count > 0 ? [t(`${record.finding_count} 项发现`, `${record.finding_count} findings`)] : []),
    ...(record.assignee === undefined ? [] : [t(`负责人 ${record.assignee}`, `for ${record.assignee}`)]), ...record.tags.map((tag) => `#${tag}`),
  ];
  const span = record.last_time - record.time > 60_000 ? ` – ${clock(record.last_time)}` : '';
  return [
    `${colour.bold(record.id)}  ${levelWord(record.level, lang)}  ${gradeWord(record.grade, lang)}  ${statusWord(record.status, lang)}  ${safe(record.title[lang])}`,
    `    ${colour.dim(`${clock(record.time)}${span}  ${words.map(safe).join(' · ')}`)}`,
    ...(record.clock && !record.clock.stopped ? [`    ${clockWord(record.clock, lang, now)}`] : []),
  ];
}

const alertsShown = 100;

/** Why it is as bad as it is, what is due, what was marked. */
export function incidentHead(incident: WholeIncident, lang: Lang, now: number): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const out = incidentLines(incident, lang, now);
  const { clock: statutory, false_alarm: alarm, by_hand: hand } = incident;
  out.push(`    ${colour.dim(t(`第 ${incident.revision} 版，主机 ${safe(incident.host)}`, `revision ${incident.revision}, host ${safe(incident.host)}`))}`);
  if (statutory?.stopped) out.push(`    ${clockWord(statutory, lang, now)}`);
  if (alarm) out.push(`    ${t(`误报，安静至 ${clock(alarm.until)}：${safe(alarm.why)}（${safe(alarm.by)}，${alarm.exceptions.length} 条例外${alarm.left > 0 ? `，另有 ${alarm.left} 条未收入` : ''}）`, `a false alarm, quiet until ${clock(alarm.until)}: ${safe(alarm.why)} (${safe(alarm.by)}, ${alarm.exceptions.length} exceptions${alarm.left > 0 ? `, ${alarm.left} more found no room` : ''})`)}`);
  if (hand) out.push(`    ${t(`人工定级（${safe(hand.by)}，${clock(hand.time)}）：${safe(hand.why)}`, `level set by hand (${safe(hand.by)}, ${clock(hand.time)}): ${safe(hand.why)}`)}${hand.judged && (hand.judged.level !== incident.level || hand.judged.grade !== incident.grade) ? colour.yellow(t(`；按证据为 ${levelTexts[hand.judged.level].zh}、${gradeWord(hand.judged.grade, lang)}`, `; the evidence says ${levelTexts[hand.judged.level].en}, ${gradeWord(hand.judged.grade, lang)}`)) : ''}`);
  out.push('', colour.bold(t('定级', 'Level and why')));
  for (const { time, level, grade, why, by } of incident.graded) out.push(`  ${clock(time)}  ${levelWord(level, lang)}  ${gradeWord(grade, lang)}  ${safe(why[lang])}${by === undefined ? '' : colour.dim(`  ${safe(by)}`)}`);
  return out;
}

/** Each alert in order; the middle of many is left out unless all are wanted. */
export function alertLines(alerts: readonly Alert[], left: number, lang: Lang, full: boolean): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const out: string[] = ['', colour.bold(t('告警（按时间）', 'Alerts, in order'))];
  const fold = !full && alerts.length > alertsShown;
  const shown = fold ? [...alerts.slice(0, alertsShown / 2), ...alerts.slice(-alertsShown / 2)] : alerts;
  for (const [i, alert] of shown.entries()) {
    if (fold && i === alertsShown / 2) out.push(colour.dim(t(`  …… 中间 ${alerts.length - alertsShown} 条略`, `  … ${alerts.length - alertsShown} more between`)));
    out.push(`  ${clock(alert.time)}  ${levelWord(alert.level, lang)}  ${safe(alert.title[lang])}${alert.count > 1 ? ` ×${alert.count}` : ''}  ${colour.dim(safe(`${alert.attack.join(' ')} [${alert.id}]`))}`);
    out.push(`      ${safe(alert.summary)}`);
    if (alert.origin !== undefined) out.push(colour.dim(`      ${t('来由', 'origin')} ${safe(alert.origin)}`));
  }
  if (left > 0) out.push(colour.dim(t(`  另有 ${left} 条未列出`, `  ${left} more are not listed`)));
  return out;
}

/** What is to be done, and what people wrote. */
export function incidentTail(incident: WholeIncident, lang: Lang): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const out: string[] = [];
  const head = (zh: string, en: string): void => { out.push('', colour.bold(t(zh, en))); };
  const recovered = recoveryLines(incident, lang);
  if (recovered.length > 0) { head('恢复', 'Recovery'); out.push(...recovered); }
  if (incident.tasks.length > 0) {
    head('任务', 'Tasks');
    for (const task of incident.tasks) out.push(`  ${task.done ? colour.green('✓') : '○'} ${task.id}  ${safe(task.title)}${task.assignee === undefined ? '' : colour.dim(`  ${safe(task.assignee)}`)}${task.done ? colour.dim(`  ${clock(task.done.time)} ${safe(task.done.by)}`) : ''}`);
  }
  if (incident.notes.length > 0) {
    head('记录', 'Notes');
    for (const note of incident.notes) out.push(`  ${clock(note.time)}  ${safe(note.by)}: ${note.text.split('\n').map(safe).join('\n      ')}`);
  }
  if (incident.links.length > 0) {
    head('关联', 'Links');
    for (const link of incident.links) out.push(`  ${safe(link.target)}${link.title === undefined ? '' : `  ${safe(link.title)}`}`);
  }
  if (!['closed', 'false-alarm'].includes(incident.status)) {
    head('接下来', 'Next');
    out.push(`  ${t('清理方案', 'the clean-up plan')}: ${colour.cyan(`moat incident plan ${incident.id}`)}`, `  ${t('误报则', 'a false alarm')}: ${colour.cyan(`moat incident false-alarm ${incident.id} --why …`)}`);
  }
  return out;
}
