import { createHash } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Document, IndicatorList } from '../../api/contract/incidents.ts';
import { askMoat, remoteOf } from '../ask.ts';
import type { WholeIncident } from '../../agent/incidents.ts';
import { pdfOf } from '../../agent/pdf.ts';
import { checkReportPlace, writeReport } from '../../agent/report-file.ts';
import { openReview } from '../../agent/review.ts';
import type { AppliedResult } from '../../agent/reviews.ts';
import type { Improvement } from '../../core/incident-store.ts';
import type { Review } from '../../core/review.ts';
import type { Lang, Text } from '../../core/text.ts';
import type { Deed } from '../../engine/incident/lifecycle.ts';
import { htmlOf } from '../../report/html.ts';
import { incidentDoc } from '../../report/incident-doc.ts';
import { jsonOf } from '../../report/json.ts';
import { csvOf, listOf } from '../../report/lists.ts';
import { markdownOf } from '../../report/markdown.ts';
import { stixOf, type Tlp, tlps } from '../../report/stix.ts';
import { openSqliteStore, type SqliteStore } from '../../stores/sqlite/store.ts';
import { colour } from '../colour.ts';
import { confirm } from '../confirm.ts';
import { duration } from '../duration.ts';
import { configOf, dataFolder } from '../globals.ts';
import type { Cli } from '../program.ts';
import { looking } from '../looking.ts';
import { operator } from '../receipt-text.ts';
import type { Fetch } from '../remote/http.ts';
import { clock, jsonLine, safe } from '../terminal.ts';
import { version } from '../version.ts';

export const reportFormats = ['md', 'html', 'pdf', 'json'] as const;
export const exportFormats = ['stix', 'csv', 'list'] as const;
interface ReportOptions { format: (typeof reportFormats)[number]; out?: string; interruption?: number; leak?: number; lang?: Lang }
interface ExportOptions { format: (typeof exportFormats)[number]; out?: string; tlp: Tlp; for: number; lang?: Lang }

const day = 86_400_000;

/** Looking back: the report of an incident, its indicators, and what shall be better afterwards. */
export function addIncidentReport(group: Command, cli: Cli): void {
  const { program, t } = cli;
  const out = [t('写到文件（- 为标准输出）', 'write to a file (- is standard output)')] as const;
  const reading = async <T>(work: (store: SqliteStore) => T | Promise<T>): Promise<T> => {
    const store = openSqliteStore({ dir: dataFolder(program), readOnly: true });
    try {
      return await work(store);
    } finally { store.close(); }
  };
  const review = (id: string, told: { interruption?: number; leak?: number } = {}): Promise<Review> => reading(async (store) => openReview(id, {
    store, config: await configOf(program), dataFolder: dataFolder(program), version: version(), now: Date.now(), clock, told: { interruptionMs: told.interruption, leakGb: told.leak },
  }));

  group.command('report <id>')
    .description(t('事件报告：给管理者的概要、时间线、攻击路径、范围、措施、用时、根因、改进、法定报告表', 'the report: summary for a manager, timeline, path, scope, measures, times, causes, improvements, statutory form'))
    .addOption(new Option('--format <form>', t('格式', 'form')).choices(reportFormats).default('md'))
    .option('--out <file>', ...out)
    .option('--interruption <time>', t('业务实际中断了多久（如 3h），用于损失估算', 'how long business was interrupted (3h), for the estimate of cost'), duration)
    .option('--leak <gb>', t('实际泄露了多少 GB，用于损失估算', 'how many GB leaked, for the estimate of cost'), amount)
    .action(async (id: string, options: ReportOptions) => {
      const place = placeOf(options.out);
      if (options.format === 'pdf' && place === undefined && process.stdout.isTTY) throw new InvalidArgumentError(t('PDF 请用 --out 写到文件', 'write a PDF to a file: --out'));
      await put(place, await farReport(id, options, cli) ?? await rendered(await review(id, options), options.format, cli));
      if (place !== undefined) console.error(`${colour.green('●')} ${safe(t(`报告已写入 ${place}`, `the report is in ${place}`))}`);
    });

  group.command('export <id>')
    .description(t('导出指标：STIX 2.1、CSV 或纯列表', 'export indicators: STIX 2.1, CSV or a plain list'))
    .addOption(new Option('--format <form>', t('格式', 'form')).choices(exportFormats).makeOptionMandatory())
    .addOption(new Option('--tlp <mark>', t('STIX 的共享范围（TLP）', 'how far the STIX bundle may be shared (TLP)')).choices(tlps).default('amber'))
    .option('--for <time>', t('指标多久后失效（STIX 的 valid_until）', 'how long the indicators hold (valid_until of STIX)'), duration, 180 * day)
    .option('--out <file>', ...out)
    .action(async (id: string, options: ExportOptions) => {
      const place = placeOf(options.out);
      const fetch = await remoteOf(program);
      if (fetch !== undefined) {
        const { items, total, why } = await indicatorsThere(fetch, id);
        const { content } = await fetch({ method: 'GET', path: `/incidents/${encodeURIComponent(id)}/indicators`, query: { format: options.format === 'list' ? 'txt' : options.format, lang: options.lang ?? cli.lang, tlp: options.tlp, for_ms: options.for } }) as Document;
        await put(place, `${content.replace(/\n$/, '')}\n`);
        tellRest(items.length, total, why);
        return;
      }
      const data = await review(id);
      await put(place, exported(data, options, cli, (await configOf(program)).report.organisation));
      const { items, total } = data.story?.indicators ?? { items: [], total: 0 };
      tellRest(items.length, total, data.story_why);
    });
  function tellRest(shown: number, total: number, why: Text | undefined): void {
    if (why) console.error(`${colour.yellow('!')} ${safe(why[cli.lang])}`);
    if (total > shown) console.error(`${colour.yellow('!')} ${t(`另有 ${total - shown} 个指标超出上限，未导出`, `${total - shown} indicators more are beyond the bound and were not exported`)}`);
  }

  group.command('indicators <id>')
    .description(t('列出指标；--apply 放入封禁与情报列表', 'list the indicators; --apply puts them on the block and intelligence lists'))
    .option('--apply', t('封禁地址，并把地址、域名、哈希放入情报列表 incidents；存疑的不放', 'block the addresses, and put addresses, names and digests on the intelligence list “incidents”; doubtful ones are left out'))
    .option('--withdraw', t('从两处撤下', 'take them off both again'))
    .option('--for <time>', t('多久后失效', 'how long they stay'), duration, 30 * day)
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .option('-y, --yes', t('不再询问', 'do not ask'))
    .option('--json', t('输出 JSON', 'print JSON'))
    .action((id: string, options: IndicatorOptions, command: Command) => indicators(id, options, command, review, cli));

  addImprove(group, cli);
}

/** Written by the server that it is of; undefined for this machine. */
async function farReport(id: string, { format, lang: inLang, interruption, leak }: ReportOptions, { program, lang }: Cli): Promise<string | Buffer | undefined> {
  const fetch = await remoteOf(program);
  if (fetch === undefined) return undefined;
  const { content, encoding } = await fetch({ method: 'GET', path: `/incidents/${encodeURIComponent(id)}/report`, query: { format, lang: inLang ?? lang, interruption_ms: interruption, leak_gb: leak } }) as Document;
  return encoding === 'base64' ? Buffer.from(content, 'base64') : content;
}

const indicatorsThere = async (fetch: Fetch, id: string): Promise<IndicatorList> => (await fetch({ method: 'GET', path: `/incidents/${encodeURIComponent(id)}/indicators` })) as IndicatorList;

interface IndicatorOptions { apply?: boolean; withdraw?: boolean; for: number; why?: string; yes?: boolean; json?: boolean }

async function indicators(id: string, options: IndicatorOptions, command: Command, review: (id: string) => Promise<Review>, { program, lang, t }: Cli): Promise<void> {
  if (options.apply && options.withdraw) command.error(t('error: --apply 与 --withdraw 只能写一个', 'error: expected --apply or --withdraw, not both'), { exitCode: 2 });
  const fetch = await remoteOf(program);
  const known = async (): Promise<IndicatorList & { incident: string }> => {
    if (fetch !== undefined) return { incident: (await looking(program, (look) => look.incident(id))).id, ...await indicatorsThere(fetch, id) };
    const { id: whole, story, story_why: why } = await review(id);
    return { incident: whole, items: [...story?.indicators.items ?? []] as IndicatorList['items'], total: story?.indicators.total ?? 0, ...(why && { why }) };
  };
  if (!options.apply && !options.withdraw) {
    const { incident: whole, items, total, why } = await known();
    if (why) console.error(`${colour.yellow('!')} ${safe(why[lang])}`);
    for (const one of items) console.log(options.json ? jsonLine({ incident: whole, ...(jsonOf(one) as object) }) : `${one.kind.padEnd(8)} ${safe(one.value)}${one.path === undefined ? '' : colour.dim(`  ${safe(one.path)}`)}${one.doubt ? colour.yellow(`  ${safe(one.doubt[lang])}`) : ''}`);
    if (total === 0 && !options.json) console.log(t('没有指标', 'there are no indicators'));
    return;
  }
  if (options.apply && !options.yes) {
    const sure = (await known()).items.filter(({ doubt }) => doubt === undefined);
    for (const one of sure) console.error(`  ${one.kind.padEnd(8)} ${safe(one.value)}`);
    if (!(await confirm(t(`封禁其中的地址，并把这 ${sure.length} 个指标放入情报列表？`, `Block the addresses among them, and put these ${sure.length} indicators on the intelligence list?`), t))) { process.exitCode = 1; return; }
  }
  const done = (await askMoat(program, 'incident-indicators', { id, by: operator(), why: options.why ?? '', forMs: options.for, withdraw: options.withdraw === true }, { patient: true })) as AppliedResult;
  if (options.json) { console.log(jsonLine({ ...done, ...(done.until !== undefined && { until: new Date(done.until).toISOString() }) })); return; }
  if (options.withdraw) { console.log(`${colour.green('●')} ${t(`已撤下，${done.lifted} 个地址不再封禁`, `taken off; ${done.lifted} addresses are let through again`)}`); return; }
  console.log(`${colour.green('●')} ${t(`封禁 ${done.blocked} 个地址（另有 ${done.there} 个已封禁），情报列表 ${done.listed} 项，${clock(done.until!)} 到期`, `${done.blocked} addresses blocked (${done.there} were already), ${done.listed} entries on the intelligence list, until ${clock(done.until!)}`)}`);
  for (const { value, why } of done.refused) console.log(`${colour.yellow('!')} ${safe(t(`${value} 没有封禁：${why.zh}`, `${value} was not blocked: ${why.en}`))}`);
  if (done.doubtful > 0) console.log(colour.dim(t(`${done.doubtful} 个存疑的没有放入，见 moat incident indicators`, `${done.doubtful} doubtful ones were left out; moat incident indicators shows them`)));
  if (done.dropped > 0) console.log(colour.yellow(t(`列表已满，${done.dropped} 项较早到期的让出位置`, `the list is full: ${done.dropped} entries that end sooner made room`)));
}

function addImprove(group: Command, { program, t }: Cli): void {
  interface ImproveOptions { owner?: string; due?: number; note?: string; open?: boolean; why?: string; json?: boolean }
  const change = async (id: string, deed: Deed, { why, json }: ImproveOptions): Promise<void> => {
    const { improvements = [] } = (await askMoat(program, 'incident-change', { id, by: operator(), why: why ?? '', deed })) as WholeIncident;
    const touched = deed.op === 'improve-done' ? improvements.find((one) => one.id === deed.improvement) : improvements.at(-1);
    if (touched) show([touched], json);
  };
  const show = (all: readonly Improvement[], json: boolean | undefined): void => {
    for (const one of all) {
      const late = one.done === undefined && one.due !== undefined && one.due < Date.now();
      console.log(json ? jsonLine(jsonOf(one)) : `${one.done ? colour.green('✓') : late ? colour.red('!') : '○'} ${one.id}  ${safe(one.title)}${one.owner === undefined ? '' : `  ${safe(one.owner)}`}${one.due === undefined ? '' : `  ${late ? colour.red(t(`逾期 ${clock(one.due).slice(0, 10)}`, `overdue since ${clock(one.due).slice(0, 10)}`)) : t(`期限 ${clock(one.due).slice(0, 10)}`, `due ${clock(one.due).slice(0, 10)}`)}`}${one.done ? colour.dim(`  ${clock(one.done.time).slice(0, 10)} ${safe(one.done.by)}${one.done.note === undefined ? '' : `: ${safe(one.done.note)}`}`) : ''}`);
    }
  };
  group.command('improve <id> <what> [words...]')
    .description(t('改进项：add 内容、done 编号、open 编号、list', 'improvements: add TEXT, done N, open N, list'))
    .addHelpText('after', t('\n关闭之后仍可添加与勾掉；逾期的在 moat stats 里计数。', '\nAlso once the incident is closed; moat stats counts what is overdue.'))
    .option('--owner <name>', t('由谁负责', 'who does it'))
    .option('--due <day>', t('期限，如 2026-12-31', 'until when, such as 2026-12-31'), dayOf)
    .option('--note <text>', t('完成时的说明', 'what was done'))
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (id: string, what: string, words: string[], options: ImproveOptions, command: Command) => {
      const number = Number(words[0]);
      switch (what) {
        case 'add': await change(id, { op: 'improve', title: words.join(' '), to: options.owner, due: options.due }, options); return;
        case 'done': case 'open':
          if (!Number.isInteger(number)) command.error(t('error: 请写改进项的编号', 'error: expected the number of an improvement'), { exitCode: 2 });
          await change(id, { op: 'improve-done', improvement: number, open: what === 'open', note: options.note }, options);
          return;
        case 'list': {
          const all = (await looking(program, (look) => look.incident(id))).improvements ?? [];
          show(all, options.json);
          if (all.length === 0 && !options.json) console.log(t('没有改进项', 'there are no improvements'));
          return;
        }
        default: command.error(t(`error: 应为 add、done、open 或 list，现为 ${safe(what)}`, `error: expected add, done, open or list, got ${safe(what)}`), { exitCode: 2 });
      }
    });
}

async function rendered(review: Review, format: ReportOptions['format'], { lang }: Cli): Promise<string | Uint8Array> {
  if (format === 'json') return `${JSON.stringify(jsonOf(review), null, 2)}\n`;
  const doc = incidentDoc(review, { lang, clock, zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
  switch (format) {
    case 'md': return markdownOf(doc);
    case 'html': return htmlOf(doc);
    case 'pdf': return await pdfOf(htmlOf(doc), { lang });
  }
}

function exported(review: Review, { format, tlp, for: forMs }: ExportOptions, { lang, t }: Cli, organisation: string | undefined): string {
  const items = review.story?.indicators.items ?? [];
  switch (format) {
    case 'stix': return `${JSON.stringify(stixOf(review, { sha1: (bytes) => createHash('sha1').update(bytes).digest(), tlp, author: organisation ?? `Moat on ${review.host}`, until: review.made + forMs, lang }), null, 2)}\n`;
    case 'csv': return csvOf(items, lang);
    case 'list': return listOf(items, { title: t(`事件 ${review.id} 的指标`, `indicators of incident ${review.id}`), doubtful: (n) => t(`${n} 个存疑的未列出，见 CSV`, `${n} doubtful ones are left out; the CSV has them`) });
  }
}

/** Looked at before the work, so that a mistake shows at once. */
function placeOf(out: string | undefined): string | undefined {
  if (out === undefined || out === '-') return undefined;
  checkReportPlace(out);
  return out;
}

async function put(place: string | undefined, text: string | Uint8Array): Promise<void> {
  if (place !== undefined) { writeReport(place, text); return; }
  await new Promise<void>((resolve, reject) => {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'EPIPE') resolve(); else reject(error); });
    process.stdout.write(text, () => resolve());
  });
}

function amount(text: string): number {
  const n = Number(text);
  if (text.trim() === '' || !Number.isFinite(n) || n < 0) throw new InvalidArgumentError('expected a number of GB');
  return n;
}

/** The end of that day, here. */
function dayOf(text: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const at = match ? new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]), 23, 59, 59) : undefined;
  if (at === undefined || at.getMonth() !== Number(match?.[2]) - 1) throw new InvalidArgumentError('expected a day such as 2026-12-31');
  return at.getTime();
}
