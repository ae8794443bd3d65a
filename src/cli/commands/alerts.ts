import { type Command, InvalidArgumentError } from 'commander';
import { levels, type Level } from '../../core/level.ts';
import { MoatError } from '../../core/error.ts';
import { askMoat, targetOf } from '../ask.ts';
import { looking } from '../looking.ts';
import { openSqliteStore } from '../../stores/sqlite/store.ts';
import { alertJson, alertLines } from '../alert-text.ts';
import { colour } from '../colour.ts';
import { duration } from '../duration.ts';
import { dataFolder } from '../globals.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { jsonLine, safe } from '../terminal.ts';

interface ListOptions { since: number; level?: Level; all?: boolean; ip?: string; rule?: string; limit: number; json?: boolean }

export function addAlerts({ program, lang, t }: Cli): void {
  const alerts = program.command('alerts').description(t('查看与关闭告警', 'look at and close alerts'));
  alerts.command('list', { isDefault: true })
    .description(t('列出告警，最新的在最后', 'list alerts, the newest last'))
    .option('--since <time>', t('多久以来（如 30m、24h、7d）', 'how far back (30m, 24h, 7d)'), duration, 7 * 86_400_000)
    .option('--level <level>', t('至少这一级', 'at least this level') + `: ${levels.join(', ')}`, level)
    .option('--ip <address>', t('来源地址', 'source address'))
    .option('--rule <name>', t('规则名', 'rule name'))
    .option('--all', t('含已关闭的', 'closed ones too'))
    .option('--limit <n>', t('最多多少条', 'at most so many'), (text) => Number(text), 200)
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action((options: ListOptions) => looking(program, async (look) => {
      const found = await look.alerts({
        sinceMs: Date.now() - options.since, limit: options.limit,
        ...(options.level && { level: options.level }), ...(options.ip && { sourceIp: options.ip }), ...(options.rule && { rule: options.rule }), ...(!options.all && { status: 'open' as const }),
      });
      const out = new Output();
      for (const alert of found.toSorted((a, b) => a.last_time - b.last_time || a.time - b.time || (a.id < b.id ? -1 : 1))) out.line(options.json ? jsonLine(alertJson(alert)) : alertLines(alert, lang).join('\n'));
      await out.end();
      if (found.length === 0 && !options.json) console.log(t('没有告警', 'no alerts'));
    }));
  alerts.command('show <id>')
    .description(t('一条告警的全部内容与证据', 'one alert with its evidence'))
    .action((id: string) => looking(program, async (look) => {
      const alert = await look.alert(id);
      if (!alert) throw new MoatError('no-alert', t(`没有编号为 ${id} 的告警`, `expected the id of an alert, got ${id}`), { hint: 'moat alerts --all' });
      console.log(alertLines(alert, lang).join('\n'));
      const { description, falsePositives, advice } = await look.words(alert);
      const told = (label: string, text: string): void => { console.log(`    ${colour.bold(label)} ${safe(text.replaceAll(/\s+/g, ' ').trim())}`); };
      if (description) told(t('含义', 'means'), description[lang]);
      if (falsePositives.length > 0) told(t('可能正常', 'may be harmless'), falsePositives.map((one) => one[lang]).join(t('；', '; ')));
      if (advice) told(t('怎么办', 'what to do'), advice[lang]);
      for (const item of alert.evidence) {
        console.log('');
        for (const [field, value] of Object.entries(item)) console.log(safe(`    ${field}: ${field === 'time' ? new Date(value).toISOString() : String(value)}`));
      }
    }));
  for (const [name, open] of [['close', false], ['reopen', true]] as const) {
    alerts.command(`${name} <id...>`)
      .description(open ? t('重新打开告警', 'open alerts again') : t('关闭告警（处理完毕）；同样的事再发生会另开一条', 'close alerts that are dealt with; the same thing happening again opens a new one'))
      .action(async (ids: string[]) => {
        for (const id of ids) {
          const done = await changeAlert(program, id, open);
          console.log(done ? t(`${id} 已${open ? '打开' : '关闭'}`, `${id} ${open ? 'open' : 'closed'}`) : t(`${id}：没有这条告警或状态未变`, `${id}: no such alert, or nothing to change`));
          if (!done) process.exitCode = 1;
        }
      });
  }
}

/** Through the agent when it runs, else in the store itself. */
async function changeAlert(program: Command, id: string, open: boolean): Promise<boolean> {
  try {
    return (await askMoat(program, open ? 'reopen' : 'close', id)) === true;
  } catch (error) {
    if (!(error instanceof MoatError) || error.code !== 'not-running' || await targetOf(program) !== undefined) throw error;
  }
  const store = openSqliteStore({ dir: dataFolder(program) });
  try { return store.ledger.close(id, open); } finally { store.close(); }
}

function level(text: string): Level {
  const found = levels.find((word) => word === text);
  if (!found) throw new InvalidArgumentError(`expected one of ${levels.join(', ')}`);
  return found;
}
