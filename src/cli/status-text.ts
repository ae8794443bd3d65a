import { colour } from './colour.ts';
import type { AgentStatus } from '../agent/agent.ts';
import type { IncidentsStatus } from '../agent/incidents.ts';
import type { ResponseStatus } from '../agent/response.ts';
import type { PartState } from '../engine/health.ts';
import type { Mode } from '../engine/response/linkage.ts';
import type { Lang, Text } from '../core/text.ts';
import { levels, levelTexts } from '../core/level.ts';
import type { BaselineStatus } from '../agent/baseline-status.ts';
import type { ScanStatus } from '../agent/scan-schedule.ts';
import { clock, levelWord, safe } from './terminal.ts';

const marks: Record<PartState, string> = { live: colour.green('●'), waiting: colour.yellow('○'), blind: colour.red('✕') };

export const modeTexts: Record<Mode, Text> = {
  observe: { zh: '观察模式：只报告，不改动', en: 'observe mode: it reports and changes nothing' },
  guard: { zh: '守护模式：自动做可撤销的低风险处置', en: 'guard mode: it does reversible low-risk actions by itself' },
  strict: { zh: '严格模式：还会自动隔离', en: 'strict mode: it isolates by itself too' },
};

/** What a person reads of `moat status`. */
export function statusLines(status: AgentStatus, lang: Lang): string[] {
  const t = (zh: string, en: string) => (lang === 'zh' ? zh : en);
  const out = [
    t(`Moat ${status.version} 自 ${clock(status.since)} 运行（进程 ${status.pid}，内存 ${Math.round(status.rss / 2 ** 20)} MiB，CPU ${status.cpuPercent.toFixed(1)}%）`, `Moat ${status.version}, running since ${clock(status.since)} (pid ${status.pid}, ${Math.round(status.rss / 2 ** 20)} MiB, CPU ${status.cpuPercent.toFixed(1)}%)`),
    t(`规则 ${status.rules} 条，行为 ${status.behaviours} 个；未关闭告警 ${status.openAlerts} 条`, `${status.rules} rules, ${status.behaviours} behaviours; ${status.openAlerts} open alerts`),
    incidentsLine(status.incidents, t, lang),
    responseLine(status.response, t, lang),
    ...standingLines(status.response, t, lang),
    '',
    t('在看：', 'Watching:'),
    ...Object.entries(status.parts).map(([part, { state, detail }]) => `  ${marks[state]} ${safe(part)}${detail ? `  ${colour.dim(safe(detail[lang]))}` : ''}`),
    '',
    t('事件：', 'Events:'),
    `  ${Object.entries(status.events).map(([kind, n]) => `${kind} ${n}`).join(' · ') || t('还没有', 'none yet')}`,
  ];
  if (status.scan) out.push('', ...scanLines(status.scan, t, lang));
  if (status.baseline) out.push('', ...baselineLines(status.baseline, t, lang));
  const counters = Object.entries(status.counters);
  if (counters.length > 0) out.push('', t('丢弃、跳过或异常（如实计数）：', 'Dropped, skipped or odd, as counted:'), ...counters.map(([what, n]) => `  ${safe(what)}  ${n}`));
  if (status.learning.length > 0) {
    out.push('', t('学习：', 'Learning:'), ...status.learning.map(({ id, since, samples, ready }) =>
      `  ${ready ? marks.live : marks.waiting} ${id}  ${colour.dim(t(`${samples} 个样本${since === undefined ? '' : `，自 ${clock(since)}`}${ready ? '' : '，尚不足以判断'}`, `${samples} samples${since === undefined ? '' : ` since ${clock(since)}`}${ready ? '' : ', not enough to judge yet'}`))}`));
  }
  return out;
}

function incidentsLine({ open, clocks, watches }: IncidentsStatus, t: (zh: string, en: string) => string, lang: Lang): string {
  const counted = levels.toReversed().filter((level) => open[level] > 0).map((level) => `${levelWord(level, lang)} ${open[level]}`).join(' · ');
  return [
    counted === '' ? t('没有未关闭的事件', 'no open incidents') : t(`未关闭事件：${counted}（moat incident）`, `open incidents: ${counted} (moat incident)`),
    ...clocks.slice(0, 3).map(({ id, due }) => colour.red(t(`${id} 法定报告时限 ${clock(due)}`, `${id}: statutory report due ${clock(due)}`))),
    ...watches.slice(0, 3).map(({ id, until, things, back }) => t(`${id} 重点观察 ${things} 样至 ${clock(until)}${back > 0 ? `，${back} 样又出现` : ''}`, `${id}: heightened watch on ${things} things until ${clock(until)}${back > 0 ? `, ${back} came back` : ''}`)),
  ].join(' · ');
}

function responseLine({ mode, pausedUntil, blocked, stuck }: ResponseStatus, t: (zh: string, en: string) => string, lang: Lang): string {
  return [
    modeTexts[mode][lang],
    ...(pausedUntil === undefined ? [] : [colour.yellow(t(`自动处置暂停至 ${clock(pausedUntil)}（moat resume 恢复）`, `paused until ${clock(pausedUntil)} (moat resume goes on)`))]),
    ...(blocked > 0 ? [t(`封禁 ${blocked} 个地址（moat blocklist）`, `${blocked} addresses blocked (moat blocklist)`)] : []),
    ...(stuck > 0 ? [colour.red(t(`${stuck} 项处置卡住，需人工查看（moat actions）`, `${stuck} actions are stuck: look at moat actions`))] : []),
  ].join(' · ');
}

/** What changes how the machine is reached, and what waits for a person. */
function standingLines({ isolation, running, runs }: ResponseStatus, t: (zh: string, en: string) => string, lang: Lang): string[] {
  const out: string[] = [];
  if (isolation !== undefined) {
    const { since, by, confirmBy, until } = isolation;
    const ends = confirmBy !== undefined ? t(`${clock(confirmBy)} 前无人确认则自动撤销（moat isolate --confirm）`, `taken back by itself at ${clock(confirmBy)} unless confirmed (moat isolate --confirm)`) : until !== undefined ? t(`至 ${clock(until)}`, `until ${clock(until)}`) : t('直到 moat release', 'until moat release');
    out.push(colour.red(t(`● 本机已隔离，自 ${clock(since)}（${safe(by)}），${ends}`, `● this machine is isolated since ${clock(since)} (${safe(by)}), ${ends}`)));
  }
  if (running > 0) out.push(t(`预案进行中 ${running} 个（moat playbook runs）：`, `${running} playbooks under way (moat playbook runs):`));
  for (const { id, name, target, since, waiting } of runs) out.push(`  ${waiting > 0 ? marks.waiting : marks.live} ${safe(name[lang])}  ${safe(target)}  ${colour.dim(`${clock(since)}  ${safe(id)}`)}${waiting > 0 ? `  ${colour.yellow(t(`${waiting} 步等待批准`, `${waiting} steps wait for approval`))}` : ''}`);
  return out;
}

/** What the scans by itself know. */
function scanLines({ running, last, next, known, signs, worst }: ScanStatus, t: (zh: string, en: string) => string, lang: Lang): string[] {
  const times = running ? t('正在查', 'scanning now') : [
    last === undefined ? t('还没查过', 'not yet') : t(`上次 ${clock(last)}`, `last ${clock(last)}`), ...(next === undefined ? [] : [t(`下次 ${clock(next)}`, `next ${clock(next)}`)]),
  ].join(' · ');
  const counted = levels.toReversed().filter((level) => known[level] > 0).map((level) => `${levelTexts[level][lang]} ${known[level]}`).join(' · ');
  return [
    `${t('定时检查：', 'Scans by itself: ')}${times}`,
    `  ${counted === '' ? t('没有发现', 'nothing found') : t(`已知发现：${counted}${signs > 0 ? `（其中入侵迹象 ${signs} 项）` : ''}；moat scan 查看全部`, `known findings: ${counted}${signs > 0 ? ` (${signs} of them signs of an intrusion)` : ''}; moat scan shows all`)}`,
    ...worst.map(({ level, title, path }) => `  ${levelWord(level, lang)} ${safe(title[lang])}${path !== undefined && !title[lang].includes(path) ? colour.dim(` ${safe(path)}`) : ''}`),
  ];
}

const liveWords: Record<NonNullable<BaselineStatus['live']>, { zh: string; en: string }> = {
  ebpf: { zh: '内核传感器', en: 'the kernel sensor' }, fanotify: { zh: 'fanotify', en: 'fanotify' }, folders: { zh: '监视目录（不知道是谁改的）', en: 'watched folders (who changed a file is not known)' },
};

/** The integrity baseline: when it was compared, what stands, who tells of changes. */
function baselineLines({ state, running, entries, last, next, known, signs, live, waiting, held }: BaselineStatus, t: (zh: string, en: string) => string, lang: Lang): string[] {
  const head = t('完整性基线：', 'Integrity baseline: ');
  if (state === 'none') return [`${head}${t('还没有；moat baseline create 做一份', 'none yet; moat baseline create makes one')}`];
  if (state === 'closed') return [`${head}${t('打不开，没有比对', 'it cannot be opened and is not compared')}`];
  const times = running ? t('正在比对', 'comparing now') : [
    last === undefined ? t('还没比对过', 'not compared yet') : t(`上次 ${clock(last)}`, `last ${clock(last)}`), ...(next === undefined ? [] : [t(`下次 ${clock(next)}`, `next ${clock(next)}`)]),
  ].join(' · ');
  const counted = levels.toReversed().filter((level) => known[level] > 0).map((level) => `${levelTexts[level][lang]} ${known[level]}`).join(' · ');
  const busy = [...(waiting > 0 ? [t(`${waiting} 个路径待查`, `${waiting} paths waiting`)] : []), ...(held > 0 ? [t(`${held} 个路径等软件包管理器结束`, `${held} paths until the package manager is done`)] : [])];
  return [
    `${head}${t(`${entries} 项`, `${entries} entries`)} · ${times}`,
    `  ${live ? t(`实时：${liveWords[live].zh}`, `live: ${liveWords[live].en}`) : t('没有实时监视', 'changes are not watched as they happen')}${busy.length > 0 ? ` · ${busy.join(' · ')}` : ''}`,
    `  ${counted === '' ? t('没有改动', 'no changes') : t(`未接受的改动：${counted}${signs > 0 ? `（其中入侵迹象 ${signs} 项）` : ''}；moat baseline diff 查看全部`, `changes that stand: ${counted}${signs > 0 ? ` (${signs} of them signs of an intrusion)` : ''}; moat baseline diff shows all`)}`,
  ];
}
