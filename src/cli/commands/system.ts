import type { Receipt } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { askMoat } from '../ask.ts';
import type { SystemPlan, systemActions } from '../../agent/response-system.ts';
import { colour } from '../colour.ts';
import { confirm } from '../confirm.ts';
import { duration } from '../duration.ts';
import type { Cli } from '../program.ts';
import { operator, receiptJson } from '../receipt-text.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

interface Options { for?: number; why?: string; force?: boolean; yes?: boolean; plan?: boolean; json?: boolean }

/** What the system runs and lets in: stop-unit, lock, end-sessions, unload, stop-container. */
export function addSystem({ program, lang, t }: Cli): void {
  const ask = (op: string, argument?: unknown): Promise<unknown> => askMoat(program, op, argument, { patient: true });
  const why = ['--why <text>', t('原因，记入审计', 'the reason, for the audit log')] as const;
  const plan = ['--plan', t('只显示会做什么', 'only show what would be done')] as const;
  const json = ['--json', t('输出 JSON', 'print JSON')] as const;
  const yes = ['-y, --yes', t('不再询问', 'do not ask')] as const;
  const until = t('多久后自动撤销（如 30m、1d）；不写则直到 moat undo', 'taken back by itself after so long (30m, 1d); until moat undo when left out');

  program.command('stop-unit <unit>')
    .description(t('停止、禁用并屏蔽 systemd 单元，连同触发它的定时器与套接字', 'stop, disable and mask a unit of systemd, with the timers and sockets that trigger it'))
    .option('--for <time>', until, duration).option(...why)
    .option('--force', t('软件包自带的、SSH、网络、控制台、云代理也停（系统基础部分与 Moat 始终不停）', 'also what a package ships, SSH, networking, the console and cloud agents (never basic parts of the system, nor Moat)'))
    .option(...plan).option(...yes).option(...json)
    .action((unit: string, options: Options) => carryOut('stop-unit', { unit }, options));

  program.command('lock <user>')
    .description(t('锁定账户：密码失效且账户过期，SSH 密钥也进不来', 'lock an account: its password no longer fits and it has expired, so that no key gets in either'))
    .option('--for <time>', until, duration).option(...why)
    .option('--force', t('root 与最后一个管理员也锁（您自己的账户始终不锁）', 'also root and the last administrator (never your own account)'))
    .option(...plan).option(...yes).option(...json)
    .action((user: string, options: Options) => carryOut('lock-account', { user }, options));

  program.command('end-sessions <user>')
    .description(t('结束一个账户的全部登录会话；您自己的会话保留', 'end all log-on sessions of an account; your own stays'))
    .option('--all', t('连同该账户在会话之外的全部进程', 'and all else that runs under it'))
    .option(...why)
    .option('--force', t('系统账户的进程也结束（配合 --all）', 'also processes of an account of the system (with --all)'))
    .option(...plan).option(...yes).option(...json)
    .action((user: string, options: Options & { all?: boolean }) => carryOut('end-sessions', { user, everything: options.all === true }, options));

  program.command('unload <module>')
    .description(t('卸载内核模块', 'take a module out of the kernel'))
    .option(...why)
    .option('--force', t('软件包自带的、包过滤所需的也卸', 'also what a package ships, and what the packet filter needs'))
    .option(...plan).option(...yes).option(...json)
    .action((module: string, options: Options) => carryOut('unload-module', { module }, options));

  program.command('stop-container <container>')
    .description(t('停止容器（Docker、Podman、nerdctl），并不让引擎再启动它', 'stop a container (Docker, Podman, nerdctl) and keep its engine from starting it again'))
    .option('--pause', t('只暂停：内存与文件原样保留，供取证', 'only pause it: memory and files stay as they are, for evidence'))
    .option('--for <time>', until, duration).option(...why)
    .option('--force', t('停止即被删除的、Kubernetes 的也停', 'also what is removed when it stops, and what Kubernetes looks after'))
    .option(...plan).option(...yes).option(...json)
    .action((container: string, options: Options & { pause?: boolean }) => carryOut('stop-container', { container, pause: options.pause === true }, options));

  async function carryOut(action: typeof systemActions[number], input: object, options: Options): Promise<void> {
    const asked = { action, input: { ...input, asker: process.pid }, by: operator(), why: options.why ?? '', ...(options.force && { force: true }), ...(options.for !== undefined && { for_ms: options.for }) };
    if (options.plan || !options.yes) {
      const shown = (await ask('system-plan', asked)) as SystemPlan;
      if (options.plan && options.json) { console.log(jsonLine(shown)); return; }
      // The question goes where its answer comes from; standard output is for the result.
      const write = options.plan ? console.log : console.error;
      write(safe(shown.title[lang]));
      for (const step of shown.steps) write(`  ${safe(step.text[lang])}`);
      if (options.plan) return;
      // What is taken back whole needs no question where nobody can be asked.
      if (!process.stdin.isTTY && !shown.reversible) throw new MoatError('not-confirmed', t('没有终端可以询问，什么也没做', 'there is no terminal to ask on; nothing was done'), { hint: '--yes' });
      if (process.stdin.isTTY && !await confirm(shown.reversible ? t('照此执行？可用 moat undo 撤销。', 'Do it? moat undo takes it back.') : t('照此执行？无法撤销。', 'Do it? This cannot be taken back.'), t)) { console.error(t('什么也没做', 'nothing was done')); process.exitCode = 1; return; }
    }
    const receipt = (await ask('system-do', asked)) as Receipt;
    if (options.json) { console.log(jsonLine(receiptJson(receipt))); return; }
    const evidence = receipt.verdict ? safe(receipt.verdict.evidence[lang]) : '';
    const back = receipt.reversible ? `moat undo ${safe(receipt.id)}` : `moat actions show ${safe(receipt.id)}`;
    console.log(`${colour.green('●')} ${safe(receipt.title[lang])}: ${evidence}${receipt.until === undefined ? '' : t(`，至 ${clock(receipt.until)}`, `, until ${clock(receipt.until)}`)}  ${colour.dim(back)}`);
  }
}
