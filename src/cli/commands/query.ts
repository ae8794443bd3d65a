import Table from 'cli-table3';
import { askControl } from '../../agent/control.ts';
import type { HuntResult, HuntSchema } from '../../api/contract/rules.ts';
import type { Text } from '../../core/text.ts';
import { MoatError } from '../../core/error.ts';
import { liveTables } from '../../hunt/catalogue.ts';
import { querySqlite } from '../../hunt/query.ts';
import { storedTables } from '../../hunt/stored.ts';
import type { Told } from '../../hunt/table.ts';
import { cell as csvCell } from '../../report/lists.ts';
import { remoteOf } from '../ask.ts';
import { colour } from '../colour.ts';
import { dataFolder } from '../globals.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

interface Options { maxRows: number; timeout: number; json?: boolean; csv?: boolean; tables?: string | true }
interface Shown { name: string; title: Text; live: boolean; blind?: Text | undefined; columns: readonly { name: string; type: string; text: Text }[] }
type Cell = string | number | null;

const cellMost = 200;

export function addQuery(cli: Cli): void {
  const { program, lang, t } = cli;
  program.command('query [sql]').alias('hunt')
    .description(t('猎捕：用 SQL 查历史与此刻的状态（只读，限时）；有哪些表：--tables', 'hunt: SQL over what was seen and over the machine as it is now (read-only, time-limited); what there is: --tables'))
    .option('--tables [name]', t('列出能查的表；给出表名则列出它的列', 'list the tables there are; with a name, the columns of that one'))
    .option('--max-rows <n>', t('最多多少行', 'at most so many rows'), (text) => Number(text), 1000)
    .option('--timeout <seconds>', t('限时（秒）', 'time limit, seconds'), (text) => Number(text), 10)
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .option('--csv', t('输出 CSV', 'print CSV'))
    .addHelpText('after', `\n${t('例', 'Examples')}:\n  moat query "SELECT source_ip, count(*) AS n FROM events WHERE action='login' AND outcome='failure' GROUP BY 1 ORDER BY n DESC LIMIT 10"\n  moat query "SELECT at, user, process_cmdline FROM events WHERE service='sudo' ORDER BY time DESC LIMIT 20"\n  moat hunt "SELECT pid, user, cmdline, origin_ip FROM processes WHERE origin='login'"\n  moat hunt "SELECT l.port, l.name, p.package FROM listeners AS l LEFT JOIN processes AS p ON p.pid=l.pid"\n  moat hunt --tables processes`)
    .action(async (sql: string | undefined, options: Options) => {
      if (options.tables !== undefined) { await showTables(cli, options); return; }
      if (sql === undefined) throw new MoatError('bad-input', 'expected a question in SQL', { zh: '缺少 SQL', hint: { zh: '有哪些表：moat query --tables', en: 'what there is: moat query --tables' } });
      const fetch = await remoteOf(program);
      const folder = dataFolder(program);
      const { columns, rows, cut, live } = fetch === undefined ? await querySqlite(folder, sql, { maxRows: options.maxRows, timeoutMs: options.timeout * 1000, async *agent(what) { yield await askControl(folder, 'hunt-known', what, { patient: true }) as Told; } })
        : await fetch({ method: 'POST', path: '/hunt', body: { sql, rows: options.maxRows, seconds: options.timeout } }) as HuntResult;
      const out = new Output();
      if (options.json) for (const row of rows) out.line(jsonLine(Object.fromEntries(columns.map((name, i) => [name, row[i]]))));
      else if (options.csv) for (const row of [columns, ...rows]) out.line(csvLine(row));
      else {
        const table = new Table({ head: columns.map(safe), style: { head: [], border: [] } });
        for (const row of rows) table.push(row.map((cell) => (cell === null ? '' : safe(String(cell)).slice(0, cellMost))));
        out.line(table.toString());
      }
      await out.end();
      for (const { table, at, notes } of live) {
        if (options.json !== true && options.csv !== true) console.error(colour.dim(t(`${table}：${clock(at)} 的样子`, `${table}: as of ${clock(at)}`)));
        for (const note of notes) console.error(colour.yellow(`${table}: ${safe(note[lang])}`));
      }
      if (cut) console.error(cut === 'rows' ? t(`只显示前 ${options.maxRows} 行；加 --max-rows 或 LIMIT`, `only the first ${options.maxRows} rows; see --max-rows, or use LIMIT`) : t('结果过大，已截断', 'the result was cut for its size'));
    });
}

const csvLine = (row: readonly Cell[]): string => row.map((one) => (one === null ? '' : typeof one === 'number' ? String(one) : csvCell(one))).join(',');

async function showTables({ program, lang, t }: Cli, { tables: wanted, json }: Options): Promise<void> {
  const fetch = await remoteOf(program);
  const all: readonly Shown[] = fetch === undefined
    ? [...liveTables.map(({ columns, ...rest }) => ({ ...rest, live: true, columns: Object.entries(columns).map(([name, column]) => ({ name, ...column })) })), ...storedTables.map((one) => ({ ...one, live: false }))]
    : (await fetch({ method: 'GET', path: '/hunt/schema' }) as HuntSchema).views;
  const found = wanted === true ? all : all.filter(({ name }) => name === wanted);
  if (found.length === 0) throw new MoatError('bad-input', `there is no table ${safe(String(wanted))}`, { zh: `没有表 ${safe(String(wanted))}`, hint: 'moat query --tables' });
  const out = new Output();
  for (const { name, title, live, blind, columns } of found) {
    if (json) { out.line(jsonLine({ name, live, title, ...(blind && { blind }), columns })); continue; }
    out.line(`${name.padEnd(18)}${live ? colour.green(t('实时', 'live  ')) : colour.dim(t('历史', 'stored'))}  ${safe(title[lang])}`);
    if (wanted === true) continue;
    if (blind) out.line(colour.dim(`  ${t('不包含：', 'not in it: ')}${safe(blind[lang])}`));
    for (const column of columns) out.line(`  ${column.name.padEnd(22)}${column.type.padEnd(8)}${safe(column.text[lang])}`);
  }
  await out.end();
  if (wanted === true && !json) console.error(colour.dim(t(`列与含义：moat query --tables 表名${fetch === undefined ? '；只在本机：positions、settings、audit_log' : ''}`, `columns and what they mean: moat query --tables NAME${fetch === undefined ? '; on the machine alone: positions, settings, audit_log' : ''}`)));
}
