import Table from 'cli-table3';
import { querySqlite } from '../../stores/sqlite/query.ts';
import type { HuntResult } from '../../api/contract/rules.ts';
import { remoteOf } from '../ask.ts';
import { dataFolder } from '../globals.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { jsonLine, safe } from '../terminal.ts';

export function addQuery({ program, t }: Cli): void {
  program.command('query <sql>')
    .description(t('用 SQL 查事件与告警（只读，限时）', 'SQL over events and alerts (read-only, time-limited)'))
    .option('--max-rows <n>', t('最多多少行', 'at most so many rows'), (text) => Number(text), 1000)
    .option('--timeout <seconds>', t('限时（秒）', 'time limit, seconds'), (text) => Number(text), 10)
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .addHelpText('after', `\n${t('表', 'Tables')}: events, alerts, positions, settings\n${t('例', 'Examples')}:\n  moat query "SELECT source_ip, count(*) AS n FROM events WHERE action='login' AND outcome='failure' GROUP BY 1 ORDER BY n DESC LIMIT 10"\n  moat query "SELECT at, user, process_cmdline FROM events WHERE service='sudo' ORDER BY time DESC LIMIT 20"`)
    .action(async (sql: string, options: { maxRows: number; timeout: number; json?: boolean }) => {
      const fetch = await remoteOf(program);
      const { columns, rows, cut } = fetch === undefined ? await querySqlite(dataFolder(program), sql, { maxRows: options.maxRows, timeoutMs: options.timeout * 1000 })
        : await fetch({ method: 'POST', path: '/hunt', body: { sql, rows: options.maxRows, seconds: options.timeout } }) as HuntResult;
      const out = new Output();
      if (options.json) {
        for (const row of rows) out.line(jsonLine(Object.fromEntries(columns.map((name, i) => [name, row[i]]))));
      } else {
        const table = new Table({ head: columns.map(safe), style: { head: [], border: [] } });
        for (const row of rows) table.push(row.map((cell) => (cell === null ? '' : safe(String(cell)).slice(0, 200))));
        out.line(table.toString());
      }
      await out.end();
      if (cut) console.error(cut === 'rows' ? t(`只显示前 ${options.maxRows} 行；加 --max-rows 或 LIMIT`, `only the first ${options.maxRows} rows; see --max-rows, or use LIMIT`) : t('结果过大，已截断', 'the result was cut for its size'));
    });
}
