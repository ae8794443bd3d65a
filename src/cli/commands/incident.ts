import type { Command } from 'commander';
import { type Level, levels } from '../../core/level.ts';
import { incidentJson, incidentLines } from '../incident-text.ts';
import { looking } from '../looking.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { jsonLine } from '../terminal.ts';
import { addIncidentEvidence } from './evidence-collect.ts';
import { addIncidentChanges } from './incident-change.ts';
import { addIncidentPlan } from './incident-plan.ts';
import { addIncidentRecover } from './incident-recover.ts';
import { addIncidentReport } from './incident-report.ts';
import { addIncidentShow } from './incident-show.ts';

/** Adds sub-commands to `moat incident`. */
export type IncidentPart = (group: Command, cli: Cli) => void;

/** What `moat incident` can do, by file. */
const parts: readonly IncidentPart[] = [addLooking, addIncidentShow, addIncidentChanges, addIncidentPlan, addIncidentEvidence, addIncidentRecover, addIncidentReport];

export function addIncident(cli: Cli): void {
  const group = cli.program.command('incident').description(cli.t('事件：告警归并成的经过、定级、时限与处理进度', 'incidents: what alerts add up to, how bad it is, what is due and how far one has come'));
  for (const part of parts) part(group, cli);
}

interface ListOptions { all?: boolean; level?: Level; limit: number; json?: boolean }

function addLooking(group: Command, { program, lang, t }: Cli): void {
  const json = [t('每行一个 JSON 对象', 'one JSON object a line')] as const;

  group.command('list', { isDefault: true })
    .description(t('列出事件，最近有动静的在最后', 'list incidents, the latest last'))
    .option('--all', t('含已关闭的与误报', 'closed ones and false alarms too'))
    .option('--level <level>', `${t('至少这一级', 'at least this level')}: ${levels.join(', ')}`)
    .option('--limit <n>', t('最多多少个', 'at most so many'), Number, 200)
    .option('--json', ...json)
    .action((options: ListOptions) => looking(program, async (look) => {
      const found = await look.incidents({ open: options.all !== true, level: options.level, limit: options.limit });
      const out = new Output();
      for (const record of found.toReversed()) out.line(options.json ? jsonLine(incidentJson(record)) : incidentLines(record, lang, Date.now()).join('\n'));
      await out.end();
      if (found.length === 0 && !options.json) console.log(t('没有未关闭的事件', 'no open incidents'));
    }));
}
