import type { Receipt } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { askMoat } from '../ask.ts';
import type { ShownPlan } from '../../agent/response.ts';
import { colour } from '../colour.ts';
import { agreed } from '../confirm.ts';
import { duration } from '../duration.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { operator, receiptJson } from '../receipt-text.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

interface TreeOptions { for?: number; why?: string; force?: boolean; yes?: boolean; plan?: boolean; json?: boolean }

/** What is done to processes: kill, freeze, thaw. */
export function addProcesses({ program, lang, t }: Cli): void {
  const ask = (op: string, argument?: unknown): Promise<unknown> => askMoat(program, op, argument);
  const force = t('受保护的也处置：登录会话、SSH 服务、系统服务、云厂商代理（系统的第一个进程、内核线程、Moat 自身与您所在的会话始终不动）', 'also what is protected: log-on sessions, the SSH server, services of the system, cloud agents (never the first process, the kernel, Moat itself and the session you type in)');
  const why = t('原因，记入审计', 'the reason, for the audit log');

  program.command('kill <pid>')
    .description(t('结束一个进程及其全部后代：先全部冻结，再结束，无法逃逸', 'end a process and all that came of it: all is frozen first, so that nothing gets away'))
    .option('--why <text>', why)
    .option('--force', force)
    .option('-y, --yes', t('不再询问', 'do not ask'))
    .option('--plan', t('只显示会做什么', 'only show what would be done'))
    .option('--json', t('输出 JSON', 'print JSON'))
    .action((pid: string, options: TreeOptions) => onTree('kill', pid, options));

  program.command('freeze <pid>')
    .description(t('冻结一个进程及其全部后代：停住但不丢失，可解冻', 'freeze a process and all that came of it: it stands still, nothing is lost, and it can be thawed'))
    .option('--for <time>', t('冻结多久后自动解冻（如 10m、1h）', 'thawed by itself after so long (10m, 1h)'), duration)
    .option('--why <text>', why)
    .option('--force', force)
    .option('--plan', t('只显示会做什么', 'only show what would be done'))
    .option('--json', t('输出 JSON', 'print JSON'))
    .action((pid: string, options: TreeOptions) => onTree('freeze', pid, options));

  program.command('thaw <pid|receipt...>')
    .description(t('解冻：冻结前就停住的进程仍停住', 'let frozen processes go on; what was stopped before stays so'))
    .option('--why <text>', why)
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (what: string[], options: TreeOptions) => {
      const out = new Output();
      for (const one of what) {
        const undone = (await ask('thaw', { what: one, by: operator(), why: options.why ?? '' })) as Receipt[];
        if (undone.length === 0) throw new MoatError('not-frozen', t(`${safe(one)} 没有被冻结`, `${safe(one)} is not frozen`), { hint: 'moat actions' });
        for (const receipt of undone) out.line(options.json ? jsonLine(receiptJson(receipt)) : `${colour.green('●')} ${safe(receipt.target)} ${t('已解冻', 'goes on')}  ${colour.dim(`${t('冻结于', 'it was frozen')} ${clock(receipt.created)} ${safe(receipt.by)}${receipt.why === '' ? '' : `: ${safe(receipt.why)}`}`)}`);
      }
      await out.end();
    });

  async function onTree(op: 'kill' | 'freeze', text: string, options: TreeOptions): Promise<void> {
    if (!/^[1-9]\d{0,6}$/.test(text)) throw new MoatError('bad-input', t(`应为进程编号，得到 ${safe(text)}`, `expected the number of a process, got ${safe(text)}`));
    const asked = { pid: Number(text), asker: process.pid, by: operator(), why: options.why ?? '', ...(options.force && { force: true }), ...(options.for !== undefined && { for_ms: options.for }) };
    const mustAsk = op === 'kill' && !options.yes;
    let started: number | undefined;
    if (mustAsk || options.plan) {
      const plan = (await ask(op, { ...asked, plan: true })) as ShownPlan;
      ({ started } = plan);
      if (options.plan && options.json) { console.log(jsonLine({ ...plan, started: new Date(plan.started).toISOString() })); return; }
      // The question goes where its answer comes from; standard output is for the result.
      const write = options.plan ? console.log : console.error;
      write(safe(plan.title[lang]));
      for (const step of plan.steps) write(`  ${safe(step.text[lang])}`);
      if (options.plan) return;
      if (!await agreed(t('结束它们？无法撤销。', 'End them? This cannot be taken back.'), t)) return;
    }
    const receipt = (await ask(op, { ...asked, ...(started !== undefined && { started }) })) as Receipt;
    if (options.json) { console.log(jsonLine(receiptJson(receipt))); return; }
    const evidence = receipt.verdict ? safe(receipt.verdict.evidence[lang]) : '';
    if (op === 'kill') console.log(`${colour.green('●')} ${safe(receipt.title[lang])}: ${evidence}  ${colour.dim(`moat actions show ${safe(receipt.id)}`)}`);
    else console.log(`${colour.green('●')} ${safe(receipt.title[lang])}: ${evidence}${receipt.until === undefined ? '' : t(`，至 ${clock(receipt.until)}`, `, until ${clock(receipt.until)}`)}  ${colour.dim(`moat thaw ${safe(receipt.id)}`)}`);
    for (const step of receipt.steps) if (step.command?.[0] === 'systemctl') console.error(`${colour.yellow('!')} ${safe(step.text[lang])}: ${safe(step.command.join(' '))}`);
  }
}
