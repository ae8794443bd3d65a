import { writeFileSync } from 'node:fs';
import { Option } from 'commander';
import type { AuditEntry, Receipt, ReceiptStatus } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { type BlocklistFormat, blocklistFormats, blocklistText, readBlocklist, writeBlocklist } from '../../agent/blocklist-file.ts';
import { type ImportCounts, importPart } from '../../agent/blocklists.ts';
import { askMoat } from '../ask.ts';
import { blocklistPage, type BlockRow, type Unblocked } from '../../agent/response.ts';
import type { AuditFault, AuditVerdict } from '../../engine/response/audit.ts';
import { colour } from '../colour.ts';
import { duration } from '../duration.ts';
import { eachIn } from '../each.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { operator, receiptJson } from '../receipt-text.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

/** What was done, and how to take it back: block, unblock, blocklist, actions, undo, audit. */
export function addResponse({ program, lang, t }: Cli): void {
  const each = eachIn(lang);
  const ask = (op: string, argument?: unknown): Promise<unknown> => askMoat(program, op, argument);
  const json = [t('每行一个 JSON 对象', 'one JSON object a line')] as const;

  program.command('block <address...>')
    .description(t('封禁地址或网段：进出本机与容器的流量都丢弃', 'cut addresses or networks off: to this machine, from it and to its containers'))
    .option('--for <time>', t('封禁多久（如 1h、7d）；不写则一直封禁', 'for how long (1h, 7d); for good when left out'), duration)
    .option('--why <text>', t('原因，列出与解封时显示', 'the reason, shown in lists and when it is lifted'))
    .option('--force', t('正从那里登录、网关、DNS 也封禁（允许名单与本机地址始终不封）', 'also where somebody is logged on from, gateways and DNS servers (never what is on the allow list or this machine)'))
    .option('--json', ...json)
    .action(async (addresses: string[], options: { for?: number; why?: string; force?: boolean; json?: boolean }) => {
      const out = new Output();
      for (const address of addresses) {
        await each(out, address, options.json, async () => {
          const receipt = (await ask('block', { address, by: operator(), why: options.why ?? '', ...(options.for !== undefined && { for_ms: options.for }), ...(options.force && { force: true }) })) as Receipt;
          if (options.json) out.line(jsonLine(receiptJson(receipt)));
          else out.line(`${colour.green('●')} ${safe(receipt.target)} ${t('已封禁', 'is blocked')}${receipt.until === undefined ? '' : t(`，至 ${clock(receipt.until)}`, ` until ${clock(receipt.until)}`)}  ${colour.dim(`moat unblock ${safe(receipt.target)}`)}`);
        });
      }
      await out.end();
    });

  program.command('unblock <address...>')
    .description(t('解除封禁，并说明当初为何封禁', 'let addresses or networks through again, and say why they were blocked'))
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .option('--json', ...json)
    .action(async (addresses: string[], options: { why?: string; json?: boolean }) => {
      const out = new Output();
      for (const address of addresses) {
        await each(out, address, options.json, async () => {
          const { network, undone, lifted, within } = (await ask('unblock', { address, by: operator(), why: options.why ?? '' })) as Unblocked;
          const around = within.map((entry) => safe(entry.network)).join(', ');
          if (lifted !== undefined) {
            if (options.json) out.line(jsonLine({ ...lifted, since: new Date(lifted.since).toISOString(), ...(lifted.until !== undefined && { until: new Date(lifted.until).toISOString() }) }));
            else out.line(`${colour.green('●')} ${safe(network)} ${t('已解封', 'is let through again')}  ${colour.dim(`${t('当初', 'it was blocked')} ${clock(lifted.since)} ${safe(lifted.by)}${lifted.list === undefined ? '' : t(`，列表 ${safe(lifted.list)}（再导入该列表会再次封禁；长期放行请写入 response.allow）`, `, list ${safe(lifted.list)} (imported again it is blocked again: response.allow keeps it open)`)}${lifted.why === '' ? '' : `: ${safe(lifted.why)}`}`)}`);
          } else if (undone.length === 0 && around !== '') throw new MoatError('not-blocked', t(`${network} 没有单独被封禁，但所在网段 ${around} 被封禁`, `${network} is not blocked by itself, but its network ${around} is`), { hint: `moat unblock ${around}` });
          else if (undone.length === 0) throw new MoatError('not-blocked', t(`${network} 没有被封禁`, `${network} is not blocked`), { hint: 'moat blocklist' });
          for (const receipt of undone) {
            if (options.json) out.line(jsonLine(receiptJson(receipt)));
            else out.line(`${colour.green('●')} ${safe(network)} ${t('已解封', 'is let through again')}  ${colour.dim(`${t('当初', 'it was blocked')} ${clock(receipt.created)} ${safe(receipt.by)}${receipt.why === '' ? '' : `: ${safe(receipt.why)}`}`)}`);
          }
          if (around !== '' && (undone.length > 0 || lifted !== undefined)) console.error(colour.yellow(t(`注意：所在网段 ${around} 仍被封禁（moat unblock ${around}）`, `mind: its network ${around} is still blocked (moat unblock ${around})`)));
        });
      }
      await out.end();
    });

  async function allBlocked(): Promise<BlockRow[]> {
    const rows: BlockRow[] = [];
    for (;;) {
      const page = (await askMoat(program, 'blocklist', { after: rows.at(-1)?.network }, { patient: true })) as BlockRow[];
      for (const row of page) rows.push(row);
      if (page.length < blocklistPage) return rows;
    }
  }

  const blocklist = program.command('blocklist').description(t('被封禁的地址与网段；与他人共享的列表', 'what is blocked, and lists that are shared'));
  blocklist.command('list', { isDefault: true })
    .description(t('被封禁的地址与网段：原因、还剩多久、丢弃了多少', 'what is blocked: why, for how long yet, how much was dropped'))
    .option('--json', ...json)
    .action(async (options: { json?: boolean }) => {
      const rows = await allBlocked();
      const out = new Output();
      for (const row of rows) {
        if (options.json) { out.line(jsonLine({ ...row, since: new Date(row.since).toISOString(), ...(row.until !== undefined && { until: new Date(row.until).toISOString() }) })); continue; }
        const dropped = row.packets === undefined ? '' : t(`丢弃 ${row.packets} 包`, `${row.packets} packets dropped`);
        const ends = row.until === undefined ? t('一直', 'for good') : t(`至 ${clock(row.until)}`, `until ${clock(row.until)}`);
        out.line(`${colour.red('⊘')} ${safe(row.network)}  ${ends}  ${dropped}  ${colour.dim(`${safe(row.by)}${row.why === '' ? '' : `: ${safe(row.why)}`}${row.times > 1 ? t(` （第 ${row.times} 次）`, ` (the ${row.times}th time)`) : ''}`)}`);
      }
      await out.end();
      if (rows.length === 0 && !options.json) console.log(t('没有封禁任何地址', 'nothing is blocked'));
    });

  blocklist.command('export [file]')
    .description(t('导出现有封禁；不写文件则输出到屏幕', 'write what is blocked to a file, or to the screen'))
    .addOption(new Option('--format <format>', t('格式', 'form')).choices(blocklistFormats).default('plain'))
    .option('--list <name>', t('只导出这个列表', 'only this list'))
    .action(async (file: string | undefined, options: { format: BlocklistFormat; list?: string }) => {
      const rows = (await allBlocked()).filter(({ list }) => options.list === undefined || list === options.list);
      const text = writeBlocklist(rows, options.format);
      if (file === undefined) { process.stdout.write(text); return; }
      writeFileSync(file, text, { mode: 0o600 });
      console.error(t(`已导出 ${rows.length} 项到 ${safe(file)}`, `${rows.length} entries are in ${safe(file)}`));
    });
  blocklist.command('import <file>')
    .description(t('导入列表并封禁（普通文本、CSV、每行一个 JSON）；重复导入不会变化；- 为标准输入', 'block all of a list (plain, CSV, JSON lines); the same once more changes nothing; - is the standard input'))
    .option('--name <name>', t('列表名称（字母、数字、_、-）', 'name of the list: letters, digits, _ and -'), 'shared')
    .addOption(new Option('--format <format>', t('格式；不写则由内容判断', 'form; told by the content when left out')).choices(blocklistFormats))
    .option('--for <time>', t('封禁多久；文件中写明的更早结束者以文件为准', 'for how long; an earlier end in the file holds'), duration)
    .option('--why <text>', t('原因（文件中没有写时用）', 'the reason where the file gives none'))
    .option('--json', t('输出 JSON', 'print JSON'))
    .action(async (file: string, options: { name: string; format?: BlocklistFormat; for?: number; why?: string; json?: boolean }) => {
      const { format, entries, bad, first, twins } = readBlocklist(blocklistText(file), options.format);
      const total: ImportCounts = { added: 0, there: 0, over: 0, bad: 0, refused: 0, why: [] };
      const end = options.for === undefined ? undefined : Date.now() + options.for;
      for (let at = 0; at < entries.length; at += importPart) {
        const part = entries.slice(at, at + importPart).map(({ network, until, why }) => { const ends = Math.min(until ?? Number.POSITIVE_INFINITY, end ?? Number.POSITIVE_INFINITY); return { network, why: why.slice(0, 100), ...(Number.isFinite(ends) && { until: ends }) }; });
        const counts = (await askMoat(program, 'blocklist-import', { list: options.name, entries: part, by: operator(), why: options.why ?? '' }, { patient: true })) as ImportCounts;
        for (const key of ['added', 'there', 'over', 'bad', 'refused'] as const) total[key] += counts[key];
        total.why = [...total.why, ...counts.why].slice(0, 5);
      }
      if (options.json) { console.log(jsonLine({ list: options.name, format, ...total, bad: total.bad + bad, ...(first !== undefined && { first_bad_line: first }), twins })); return; }
      console.log(t(`列表 ${options.name}：新封禁 ${total.added}，已在封禁中 ${total.there}，已过期 ${total.over}，不予封禁 ${total.refused}，重复 ${twins}，看不懂的行 ${bad + total.bad}${first === undefined ? '' : `（首个在第 ${first} 行）`}`, `list ${options.name}: ${total.added} blocked, ${total.there} were already, ${total.over} are over, ${total.refused} refused, ${twins} twice, ${bad + total.bad} bad lines${first === undefined ? '' : ` (the first is line ${first})`}`));
      for (const { why } of total.why) console.log(colour.dim(`  ${safe(why[lang])}`));
      if (entries.length === 0 && bad > 0) process.exitCode = 1;
    });
  blocklist.command('drop <name>')
    .description(t('撤下整个列表，其中的地址恢复通行', 'take a list away: what it blocked is let through again'))
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .option('--json', ...json)
    .action(async (name: string, options: { why?: string; json?: boolean }) => {
      const { lifted } = (await askMoat(program, 'blocklist-drop', { list: name, by: operator(), why: options.why ?? '' }, { patient: true })) as { lifted: number };
      console.log(options.json ? jsonLine({ list: name, lifted }) : t(`列表 ${safe(name)}：${lifted} 项恢复通行`, `list ${safe(name)}: ${lifted} let through again`));
    });

  const actions = program.command('actions').description(t('做过的处置：谁、为何、结果，能否撤销', 'what was done: by whom, why, with what result, and how to take it back'));
  actions.command('list', { isDefault: true })
    .description(t('列出处置，最新的在最后', 'list what was done, the newest last'))
    .option('--limit <n>', t('最多多少条', 'at most so many'), Number, 50)
    .option('--json', ...json)
    .action(async (options: { limit: number; json?: boolean }) => {
      const receipts = (await ask('actions', { limit: options.limit })) as Receipt[];
      const out = new Output();
      for (const receipt of receipts.toReversed()) out.line(options.json ? jsonLine(receiptJson(receipt)) : receiptLine(receipt));
      await out.end();
      if (receipts.length === 0 && !options.json) console.log(t('还没有做过处置', 'nothing was done yet'));
    });
  actions.command('show <id>')
    .description(t('一次处置的全部内容', 'one of them in full'))
    .option('--json', ...json)
    .action(async (id: string, options: { json?: boolean }) => {
      const receipt = (await ask('action', id)) as Receipt | null;
      if (receipt === null) throw new MoatError('no-receipt', t(`没有编号为 ${id} 的处置`, `expected the id of something that was done, got ${id}`), { hint: 'moat actions' });
      if (options.json) { console.log(jsonLine(receiptJson(receipt))); return; }
      console.log(receiptLine(receipt));
      for (const step of receipt.steps) console.log(`    ${safe(step.text[lang])}`);
      for (const { time, status, by, note } of receipt.history) console.log(`    ${clock(time)}  ${statusWord(status)}  ${safe(by)}${note === undefined ? '' : `: ${safe(note)}`}`);
      if (receipt.verdict) console.log(`    ${safe(receipt.verdict.evidence[lang])}`);
    });

  program.command('undo <id...>')
    .description(t('撤销处置，恢复原状', 'take back what was done: as it was before'))
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .option('--json', ...json)
    .action(async (ids: string[], options: { why?: string; json?: boolean }) => {
      const out = new Output();
      for (const id of ids) {
        await each(out, id, options.json, async () => {
          const receipt = (await ask('undo', { id, by: operator(), why: options.why ?? '' })) as Receipt;
          out.line(options.json ? jsonLine(receiptJson(receipt)) : receiptLine(receipt));
        });
      }
      await out.end();
    });

  program.command('pause')
    .description(t('暂停一切自动处置（已做的不变）', 'do nothing by itself for a while; what was done stays'))
    .option('--for <time>', t('暂停多久（如 30m、4h）', 'for how long (30m, 4h)'), duration, 3_600_000)
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .action(async (options: { for: number; why?: string }) => {
      await ask('pause', { by: operator(), why: options.why ?? '', for_ms: options.for });
      console.log(t(`自动处置暂停至 ${clock(Date.now() + options.for)}；提前恢复：moat resume`, `nothing is done by itself until ${clock(Date.now() + options.for)}; to go on before: moat resume`));
    });
  program.command('resume')
    .description(t('恢复自动处置', 'go on with automatic response'))
    .action(async () => {
      await ask('pause', { by: operator() });
      console.log(t('自动处置已恢复', 'automatic response goes on'));
    });

  const audit = program.command('audit').description(t('审计记录：每一步操作，哈希相连', 'the audit log: every operation, chained by hashes'));
  audit.command('list', { isDefault: true })
    .description(t('列出审计记录，最新的在最后', 'list entries, the newest last'))
    .option('--limit <n>', t('最多多少条', 'at most so many'), Number, 50)
    .option('--json', ...json)
    .action(async (options: { limit: number; json?: boolean }) => {
      const out = new Output();
      for (const entry of (await ask('audit', { limit: options.limit })) as AuditEntry[]) {
        out.line(options.json ? jsonLine({ ...entry, time: new Date(entry.time).toISOString() }) : `${colour.dim(String(entry.seq))} ${clock(entry.time)}  ${safe(entry.operation)}  ${safe(entry.target)}  ${safe(entry.by)}${entry.why === '' ? '' : `: ${safe(entry.why)}`}  ${colour.dim(safe(entry.result))}`);
      }
      await out.end();
    });
  audit.command('verify')
    .description(t('核对审计记录是否被改动、删减或调换', 'check that no entry was edited, cut or moved'))
    .option('--head <hash>', t('另处保存的最后一条哈希：核对记录没有被整体重写', 'the last hash as it was kept elsewhere: shows that the log was not written anew'))
    .option('--json', ...json)
    .addHelpText('after', t('\n退出码：0 完好，1 有问题', '\nExit code: 0 sound, 1 something is wrong'))
    .action(async (options: { head?: string; json?: boolean }) => {
      const verdict = (await ask('audit-verify', options.head)) as AuditVerdict;
      if (verdict.faults.length > 0) process.exitCode = 1;
      if (options.json) { console.log(jsonLine(verdict)); return; }
      for (const fault of verdict.faults) console.log(`${colour.red('✕')} ${faultText(fault)}`);
      console.log(verdict.faults.length > 0 ? t('审计记录不可信', 'the audit log cannot be trusted') : `${colour.green('●')} ${t(`${verdict.entries} 条，完好。把最后的哈希记在别处：${verdict.head}`, `${verdict.entries} entries, sound. Keep the last hash elsewhere: ${verdict.head}`)}`);
    });

  function statusWord(status: ReceiptStatus): string {
    switch (status) {
      case 'applying': return colour.yellow(t('进行中', 'under way'));
      case 'applied': return colour.green(t('已完成', 'done'));
      case 'failed': return colour.red(t('未成功，已还原', 'failed, taken back'));
      case 'undoing': return colour.yellow(t('撤销中', 'being taken back'));
      case 'undone': return colour.dim(t('已撤销', 'taken back'));
      case 'stuck': return colour.red(t('卡住，需人工查看', 'stuck: look at it'));
    }
  }

  function receiptLine(receipt: Receipt): string {
    return `${colour.dim(receipt.id)}  ${clock(receipt.created)}  ${statusWord(receipt.status)}  ${safe(receipt.title[lang])}  ${colour.dim(`${safe(receipt.by)}${receipt.why === '' ? '' : `: ${safe(receipt.why)}`}`)}`;
  }

  function faultText({ seq, what }: AuditFault): string {
    switch (what) {
      case 'edited': return t(`第 ${seq} 条被改动`, `entry ${seq} was edited`);
      case 'missing': return t(`第 ${seq} 条之前缺少记录`, `entries before ${seq} are missing`);
      case 'first': return t(`开头的记录缺失，现存第一条是 ${seq}`, `the beginning is missing; the first that is left is ${seq}`);
      case 'head': return t('记录中没有你保存的那条哈希：结尾被删减或整体重写', 'the hash you kept is not in the log: its end was cut, or it was written anew');
    }
  }
}
