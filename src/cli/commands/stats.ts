import Table from 'cli-table3';
import type { Command } from 'commander';
import { levelTexts, levels } from '../../core/level.ts';
import type { IncidentStats, Spans } from '../../core/review.ts';
import { span } from '../../core/review-words.ts';
import { openStats } from '../../agent/review.ts';
import { jsonOf } from '../../report/json.ts';
import { openSqliteStore } from '../../stores/sqlite/store.ts';
import { remoteOf } from '../ask.ts';
import { colour } from '../colour.ts';
import { duration } from '../duration.ts';
import { dataFolder } from '../globals.ts';
import type { Cli } from '../program.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

/** Figures over all incidents. */
export function addStats(cli: Cli): void {
  const { program, t } = cli;
  program.command('stats')
    .description(t('全部事件的统计：数量、响应用时（MTTD、MTTC、MTTR）、误报率、入口与手法、改进', 'figures over all incidents: numbers, times (MTTD, MTTC, MTTR), false alarms, ways in and techniques, improvements'))
    .option('--since <time>', t('只算最近多久（如 30d）', 'only the last (30d)'), duration)
    .option('--json', t('输出 JSON', 'print JSON'))
    .action(async (options: { since?: number; json?: boolean }) => {
      const now = Date.now();
      const since = options.since === undefined ? undefined : now - options.since;
      const stats = await statsOf(program, now, since);
      console.log(options.json ? jsonLine(jsonOf(stats)) : statsLines(stats, cli).join('\n'));
    });
}

async function statsOf(program: Command, now: number, since: number | undefined): Promise<IncidentStats> {
  const fetch = await remoteOf(program);
  if (fetch !== undefined) return await fetch({ method: 'GET', path: '/stats', query: { since } }) as IncidentStats;
  const store = openSqliteStore({ dir: dataFolder(program), readOnly: true });
  try {
    return openStats({ store, dataFolder: dataFolder(program), now, since });
  } finally { store.close(); }
}

function statsLines(stats: IncidentStats, { lang, t }: Cli): string[] {
  const share = (part: number): string => `${(part * 100).toFixed(1)} %`;
  const none = t('未知', 'not known');
  const spans = ({ count, median, p90 }: Spans): string[] => [count === 0 ? none : span(median!)[lang], count === 0 ? none : span(p90!)[lang], String(count)];
  const table = (head: string[], rows: string[][]): string => {
    const one = new Table({ head, style: { head: [], border: [] } });
    one.push(...rows);
    return one.toString();
  };
  const entryNames: Record<string, string> = { login: t('远程登录', 'log-on'), web: t('网站', 'web server'), service: t('服务', 'service'), container: t('容器', 'container'), package: t('软件包', 'package'), cloud: t('云平台', 'cloud'), console: t('本机终端', 'console'), cron: t('计划任务', 'cron'), timer: t('定时单元', 'timer'), kernel: t('内核', 'kernel'), unknown: t('不明', 'not known') };
  const entry = (name: string): string => { const [kind = '', ...rest] = name.split(' '); return `${entryNames[kind] ?? kind}${rest.length > 0 ? ` ${rest.join(' ')}` : ''}`; };
  const { improvements, restored } = stats;
  return [
    colour.bold(stats.since === undefined ? t(`事件共 ${stats.incidents} 个，未关闭 ${stats.open} 个`, `${stats.incidents} incidents, ${stats.open} open`) : t(`${clock(stats.since)} 以来共 ${stats.incidents} 个事件，未关闭 ${stats.open} 个`, `${stats.incidents} incidents since ${clock(stats.since)}, ${stats.open} open`)),
    table([t('级别', 'level'), ...levels.toReversed().map((level) => levelTexts[level][lang])], [[t('数量', 'number'), ...levels.toReversed().map((level) => String(stats.by_level[level]))]]),
    table([t('等级', 'grade'), t('一级', '1'), t('二级', '2'), t('三级', '3')], [[t('数量', 'number'), String(stats.by_grade[1]), String(stats.by_grade[2]), String(stats.by_grade[3])]]),
    ...(stats.by_month.length === 0 ? [] : [table([t('月份', 'month'), t('数量', 'number')], stats.by_month.map(({ month, count }) => [month, String(count)]))]),
    table([t('用时', 'time'), t('中位数', 'median'), t('九成不超过（p90）', 'nine of ten within (p90)'), t('事件数', 'incidents')], [[t('发现（MTTD）', 'detect (MTTD)'), ...spans(stats.detect)], [t('遏制（MTTC）', 'contain (MTTC)'), ...spans(stats.contain)], [t('恢复（MTTR）', 'recover (MTTR)'), ...spans(stats.recover)]]),
    `${t('误报', 'false alarms')}: ${stats.false_alarms}${stats.false_alarm_share === undefined ? '' : t(`，占已结束的 ${share(stats.false_alarm_share)}`, `, ${share(stats.false_alarm_share)} of those that are over`)}`,
    `${t('已恢复', 'restored')}: ${restored === undefined ? none : `${restored.done}/${restored.total}, ${share(restored.share)}`}`,
    `${t('改进', 'improvements')}: ${t(`进行中 ${improvements.open}，其中逾期 ${improvements.overdue}，已完成 ${improvements.done}`, `${improvements.open} open, ${improvements.overdue} of them overdue, ${improvements.done} done`)}`,
    ...(stats.entries.length === 0 ? [] : [table([t('最常见的入口', 'most frequent ways in'), t('数量', 'number')], stats.entries.map(({ name, count }) => [safe(entry(name)), String(count)]))]),
    ...(stats.techniques.length === 0 ? [] : [table([t('最常见的手法', 'most frequent techniques'), t('数量', 'number')], stats.techniques.map(({ name, count }) => [safe(name), String(count)]))]),
  ];
}
