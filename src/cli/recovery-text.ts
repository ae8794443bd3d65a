/** Recoveries for a terminal and as `--json` prints them. Paths and what programs said come from outside and are escaped. */
import type { IncidentRecord } from '../core/incident-store.ts';
import type { RecoveredStep, RecoveryPlan, RecoverySummary, ServiceCheck } from '../core/recovery.ts';
import type { Lang } from '../core/text.ts';
import { shareOf } from '../engine/incident/recovered.ts';
import type { Recovered } from '../agent/recovery.ts';
import { colour } from './colour.ts';
import { clock, safe } from './terminal.ts';

const notShown = 20, stepsShown = 40;
const iso = (ms: number): string => new Date(ms).toISOString();
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(bytes < 10 << 20 ? 1 : 0)} MiB`;

export const planJson = (plan: RecoveryPlan): object => ({ ...plan, made: iso(plan.made), began: iso(plan.began), ended: iso(plan.ended) });

export function planLines(plan: RecoveryPlan, states: readonly RecoveredStep[], lang: Lang): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const files = plan.steps.reduce((n, { paths }) => n + paths.length, 0), bytes = plan.steps.reduce((n, step) => n + step.bytes, 0);
  const out = [
    `${colour.bold(safe(plan.title[lang]))}  ${colour.dim(`${safe(plan.incident)}  ${t('恢复', 'recovery')} ${safe(plan.id)}  ${clock(plan.made)}`)}`,
    t(`要恢复 ${files} 个文件（备份 ${mib(bytes)}），取 ${clock(plan.began)} 之前的；${plan.healthy} 个完好，${plan.newer} 个更新且不覆盖`, `${files} files to restore (${mib(bytes)} of backups), as they were before ${clock(plan.began)}; ${plan.healthy} are whole, ${plan.newer} are newer and stay`),
  ];
  for (const step of plan.steps.slice(0, stepsShown)) {
    const state = states.find(({ id }) => id === step.id)?.state;
    out.push(`${step.id.padStart(4)}  ${safe(step.title[lang])}${step.unsure > 0 ? colour.dim(t(`  其中 ${step.unsure} 个只在确已损坏时恢复`, `  ${step.unsure} of them only when they prove to be broken`)) : ''}${state === 'done' ? `  ${colour.green(t('做过', 'done'))}` : ''}`);
  }
  if (plan.steps.length > stepsShown) out.push(`      … ${plan.steps.length - stepsShown} (--json)`);
  if (plan.not_restored_count > 0) out.push(colour.yellow(t(`不能恢复 ${plan.not_restored_count} 个：`, `${plan.not_restored_count} cannot be restored:`)));
  for (const { path, why, stands } of plan.not_restored.slice(0, notShown)) out.push(`  ${stands ? colour.red('✕') : '–'} ${safe(path)}: ${safe(why[lang])}`);
  if (plan.not_restored.length > notShown) out.push(`  … ${plan.not_restored.length - notShown} (--json)`);
  for (const text of plan.blind) out.push(`${colour.yellow('?')} ${t('看不到', 'could not look')}: ${safe(text[lang])}`);
  if (plan.left > 0) out.push(colour.yellow(t(`还有 ${plan.left} 个放不下：做完后用 --anew 再来一次`, `${plan.left} more found no room: do it once more with --anew afterwards`)));
  return out;
}

export function stepLine({ id, title, state, files, restored, newer, missing, error }: RecoveredStep, lang: Lang): string {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const mark = state === 'done' ? (missing.length > 0 ? colour.yellow('●') : colour.green('●')) : state === 'open' ? '○' : colour.red('✕');
  const said = state === 'done' ? t(`${restored} / ${files}${newer > 0 ? `，${newer} 个更新而完好` : ''}`, `${restored} of ${files}${newer > 0 ? `, ${newer} are newer and whole` : ''}`) : state === 'undone' ? t('已撤销', 'taken back') : error?.[lang] ?? t('没有做', 'not done');
  return `${mark} ${id.padStart(3)}  ${safe(title[lang])}  ${colour.dim(safe(said))}`;
}

export function serviceLine({ name, state, said }: ServiceCheck, lang: Lang): string {
  const mark = state === 'ok' ? colour.green('●') : state === 'bad' ? colour.red('✕') : colour.yellow('?');
  return `${mark} ${safe(name)}  ${colour.dim(safe(said[lang]))}`;
}

/** `restored 118 of 120, 98.3 %; …`. */
function tallyLine({ tally, services, findings, blind }: RecoverySummary, lang: Lang): string {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  return [
    t(`已恢复 ${tally.restored} / ${tally.items}，${shareOf(tally)}`, `restored ${tally.restored} of ${tally.items}, ${shareOf(tally)}`), ...(tally.newer > 0 ? [t(`${tally.newer} 个更新而完好，未覆盖`, `${tally.newer} newer and whole, left alone`)] : []),
    ...(services.bad.length > 0 ? [colour.red(t(`服务检查不通过：${services.bad.map(safe).join('、')}`, `services whose check fails: ${services.bad.map(safe).join(', ')}`))] : []),
    ...(services.unknown.length > 0 ? [colour.yellow(t(`没能检查：${services.unknown.map(safe).join('、')}`, `not looked at: ${services.unknown.map(safe).join(', ')}`))] : []),
    ...(findings > 0 ? [colour.red(t(`扫描仍发现 ${findings} 项`, `${findings} findings are still there`))] : []), ...(blind > 0 ? [colour.yellow(t(`${blind} 处看不到`, `${blind} could not be looked at`))] : []),
  ].join(t('；', '; '));
}

export function recoveredLines({ incident, summary, findings, blind, tasks, moved }: Recovered, lang: Lang): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const id = safe(incident.id);
  const out = [`${summary.verified ? colour.green('●') : colour.yellow('●')} ${tallyLine(summary, lang)}`, ...missingLines(summary, lang)];
  for (const { title, path } of findings.slice(0, notShown)) out.push(`${colour.red('✕')} ${t('扫描仍发现', 'still found')}: ${safe(title[lang])}${path === undefined ? '' : `  ${safe(path)}`}`);
  for (const { what, why } of blind.slice(0, notShown)) out.push(`${colour.yellow('?')} ${t('看不到', 'could not look')}: ${what === undefined ? '' : `${safe(what)}: `}${safe(why[lang])}`);
  const due = incident.tasks.filter(({ done }) => done === undefined);
  if (due.length > 0) {
    out.push(t(`只有人能做的（${due.length} 项${tasks > 0 ? `，新增 ${tasks}` : ''}）；做完签字：moat incident task ${id} --done N`, `What only a person can do (${due.length}${tasks > 0 ? `, ${tasks} of them new` : ''}); sign when it is done: moat incident task ${id} --done N`));
    for (const task of due.slice(0, notShown)) out.push(`  ○ ${task.id}  ${safe(task.title)}`);
  }
  if (moved) out.push(colour.green(t(`事件 ${id} 已恢复`, `incident ${id} is recovered`)));
  else if (incident.status !== 'recovered') out.push(colour.yellow(t(`事件 ${id} 还不算已恢复；确认可以如此：moat incident recover ${id} --verify --accept 原因`, `incident ${id} does not count as recovered yet; when it may stay so: moat incident recover ${id} --verify --accept REASON`)));
  return [...out, ...watchLines(incident, lang)];
}

function missingLines({ missing, tally }: RecoverySummary, lang: Lang): string[] {
  const shown = missing.slice(0, notShown).map(({ path, why }) => `  ${colour.red('✕')} ${safe(path)}: ${safe(why[lang])}`);
  return tally.missing > shown.length ? [...shown, `  … ${tally.missing - shown.length}`] : shown;
}

function watchLines({ watch }: Pick<IncidentRecord, 'watch'>, lang: Lang): string[] {
  if (watch === undefined) return [];
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const { until, things, back, ended } = watch;
  const came = back === 0 ? t('没有东西再出现', 'nothing came back') : colour.red(t(`${back} 样又出现`, `${back} came back`));
  return [ended !== undefined ? colour.dim(t(`重点观察已于 ${clock(ended)} 结束：${came}`, `heightened watch over since ${clock(ended)}: ${came}`)) : t(`重点观察 ${things} 样东西至 ${clock(until)}：${came}`, `heightened watch on ${things} things until ${clock(until)}: ${came}`)];
}

/** Of an incident's page; nothing where nothing was recovered. */
export function recoveryLines(record: IncidentRecord, lang: Lang): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const { recovery } = record;
  if (recovery === undefined) return watchLines(record, lang).map((line) => `  ${line}`);
  const { accepted, time } = recovery;
  return [
    `  ${clock(time)}  ${tallyLine(recovery, lang)}`, ...missingLines(recovery, lang),
    ...(accepted === undefined ? [] : [colour.dim(t(`  ${safe(accepted.by)} 于 ${clock(accepted.time)} 确认可以如此：${safe(accepted.why)}`, `  accepted as it is by ${safe(accepted.by)} at ${clock(accepted.time)}: ${safe(accepted.why)}`))]),
    ...watchLines(record, lang).map((line) => `  ${line}`),
  ];
}

/** Stable names, ISO times. */
export const recoveryJson = ({ recovery, watch }: IncidentRecord): object => ({
  recovery: recovery && { ...recovery, time: iso(recovery.time), share: recovery.tally.items === 0 ? 1 : recovery.tally.restored / recovery.tally.items, ...(recovery.accepted && { accepted: { ...recovery.accepted, time: iso(recovery.accepted.time) } }) },
  watch: watch && { ...watch, since: iso(watch.since), until: iso(watch.until), ...(watch.ended !== undefined && { ended: iso(watch.ended) }) },
});
