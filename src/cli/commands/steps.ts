import type { FixAction } from '../../core/finding.ts';
import type { Receipt } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { askMoat, pathThere } from '../ask.ts';
import type { ShownStep } from '../../agent/response-steps.ts';
import { colour } from '../colour.ts';
import { agreed } from '../confirm.ts';
import { duration } from '../duration.ts';
import { eachIn } from '../each.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { operator, receiptJson } from '../receipt-text.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

export interface StepCommandOptions { why?: string; force?: boolean; dryRun?: boolean; yes?: boolean; json?: boolean }

/** Actions one at a time, shown first and asked about: restore-file, set, change-mode, deny-file, cloud-step, confirm. */
export function addSteps(cli: Cli): void {
  const { program, lang, t } = cli;
  const each = eachIn(lang);
  const usual = (command: ReturnType<typeof program.command>, force: string): typeof command => command
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .option('--force', force)
    .option('--dry-run', t('只显示会做什么', 'only show what would be done'))
    .option('-y, --yes', t('不再询问', 'do not ask'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'));

  usual(program.command('restore-file <path...>')
    .description(t('把文件恢复成软件包出厂的样子（内容、权限、属主），现在的存入隔离区', 'put files back as their package shipped them (content, rights, owner); what is there now goes into quarantine'))
    .option('--from <id>', t('改用隔离区里的这一项', 'take this out of quarantine instead'), 'package'), t('设置文件也恢复；软件包数据库被改过时信任 apt', 'also settings; go by apt where the package database was changed'))
    .action(async (paths: string[], options: StepCommandOptions & { from: string }) => all(await Promise.all(paths.map(async (path) => ({ action: 'restore-file' as const, input: { path: await pathThere(program, path), from: options.from } }))), options));

  usual(program.command('set <kind> <key> <value>')
    .description(t('改一项设置：sshd、sysctl、nginx、redis、mysql 或 php；先核对，改后试连，不通或无人确认则自动撤销', 'change a setting of sshd, sysctl, nginx, redis, mysql or php: checked before, tried after, taken back by itself when that fails or nobody confirms'))
    .option('--match <text>', t('sshd：改 Match 之下的那一行', 'sshd: the line under this Match'))
    .option('--config <file>', t('另一个配置文件（php：要改的那个 php.ini 或进程池文件）', 'another configuration (php: the php.ini or the file of a pool that is meant)'))
    .option('--at <place>', t('nginx：改这一行（文件:行），或去掉这个 location', 'nginx: the line FILE:LINE, or the location to take out'))
    .option('--confirm-within <time>', t('可能把人挡在外面的，多久内须确认；0s 为无须确认', 'what could lock people out is to be confirmed within this time; 0s needs no confirmation'), duration, 300_000), t('最后一个管理员的登录途径、重启前撤不回的也改', 'also the last way in for an administrator, and what only a restart takes back'))
    .action(async (kind: string, key: string, value: string, options: StepCommandOptions & { match?: string; config?: string; at?: string; confirmWithin: number }) => all([{ action: 'change-setting', input: {
      kind, key, value, confirm_within: Math.ceil(options.confirmWithin / 1000), ...(options.match !== undefined && { match: options.match }), ...(options.at !== undefined && { at: options.at }), ...(options.config !== undefined && { config: await pathThere(program, options.config) }),
    } }], options));

  usual(program.command('change-mode <path> [mode]')
    .description(t('改文件或目录的权限与属主，可撤销', 'change mode and owner of a file or folder; can be taken back'))
    .option('--owner <user:group>', t('属主，如 root:shadow', 'the owner, such as root:shadow')), t('也放宽权限', 'also give rights away'))
    .action(async (path: string, mode: string | undefined, options: StepCommandOptions & { owner?: string }) => all([{ action: 'change-mode', input: { path: await pathThere(program, path), ...(mode !== undefined && { mode }), ...(options.owner !== undefined && { owner: options.owner }) } }], options));

  usual(program.command('deny-file <what...>')
    .description(t('禁止运行程序：按文件与内容（路径或 SHA-256），可撤销', 'keep programs from running by file and content (path or SHA-256); can be taken back')), t('软件包自带、未被改动的程序也禁止', 'also a program that a package ships, as it was shipped'))
    .action(async (what: string[], options: StepCommandOptions) => all(await Promise.all(what.map(async (one): Promise<FixAction> => ({ action: 'deny-file', input: /^[0-9a-f]{64}$/i.test(one) ? { sha256: one } : { path: await pathThere(program, one) } }))), options));

  usual(program.command('cloud-step <connector> <step> <resource> [parameters...]')
    .description(t('在云账号里做一步（参数写作 名=值）；需要连接器', 'take a step in a cloud account (parameters as NAME=VALUE); needs a connector')), t('受保护的也做', 'also what is protected'))
    .action((connector: string, step: string, resource: string, parameters: string[], options: StepCommandOptions) => {
      const pairs = parameters.map((one) => { const at = one.indexOf('='); if (at < 1) throw new MoatError('bad-input', t(`参数要写作 名=值：${safe(one)}`, `expected a parameter as NAME=VALUE, got ${safe(one)}`)); return [one.slice(0, at), one.slice(at + 1)] as const; });
      return all([{ action: 'cloud-step', input: { connector, step, resource, parameters: Object.fromEntries(pairs) as never } }], options);
    });

  program.command('confirm <id...>')
    .description(t('确认一项处置：不再自动撤销', 'confirm what was done: it is not taken back by itself any more'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (ids: string[], options: StepCommandOptions) => {
      const out = new Output();
      for (const id of ids) {
        await each(out, id, options.json, async () => {
          const receipt = (await askMoat(program, 'step-confirm', { id, by: operator() }, { patient: true })) as Receipt;
          out.line(options.json ? jsonLine(receiptJson(receipt)) : `${colour.green('●')} ${safe(receipt.title[lang])} ${t('已确认', 'is confirmed')}`);
        });
      }
      await out.end();
    });

  async function all(actions: readonly FixAction[], options: StepCommandOptions): Promise<void> {
    const out = new Output();
    for (const action of actions) await each(out, String(action.input['path'] ?? action.input['key'] ?? action.action), options.json, () => carryOut(cli, out, [action], options));
    await out.end();
  }
}

/** What would be done: the answer itself with --dry-run, else beside the question. */
export function showPlan({ lang, t }: Cli, out: Output, { title, risk, steps }: Pick<ShownStep, 'title' | 'risk' | 'steps'>, { dryRun }: StepCommandOptions): void {
  const lines = [`${colour.bold(safe(title[lang]))}  ${risk === 'high' ? colour.red(t('风险高', 'high risk')) : ''}`, ...steps.flatMap(({ text }) => text[lang].split('\n').map((line) => `  ${safe(line)}`))];
  for (const line of lines) if (dryRun) out.line(line); else console.error(line);
}

/** What was done, and what to type next: what nobody confirms in time is taken back by itself. */
export function doneLine({ lang, t }: Cli, { id, title, until }: Pick<Receipt, 'id' | 'title' | 'until'>): string {
  const next = until === undefined ? `moat undo ${id}` : t(`请在 ${clock(until)} 前确认：moat confirm ${id}；撤销：moat undo ${id}`, `confirm before ${clock(until)}: moat confirm ${id}; to take it back: moat undo ${id}`);
  return `${colour.green('●')} ${safe(title[lang])}  ${colour.dim(safe(next))}`;
}

/** Shows what several actions would do, asks once, does them one after the other. Rejects at the first that is refused or fails. */
export async function carryOut(cli: Cli, out: Output, actions: readonly FixAction[], options: StepCommandOptions, from?: string): Promise<void> {
  const { program, t } = cli;
  const request = ({ action, input }: FixAction): object => ({ action, input, by: operator(), why: options.why ?? '', ...(options.force && { force: true }), ...(from !== undefined && { from }) });
  const ask = (op: string, one: FixAction): Promise<unknown> => askMoat(program, op, request(one), { patient: true });
  if (options.dryRun || !options.yes) {
    for (const one of actions) {
      const plan = (await ask('step-plan', one)) as ShownStep;
      if (options.json && options.dryRun) { out.line(jsonLine({ action: one.action, ...plan, ...(plan.until !== undefined && { until: new Date(plan.until).toISOString() }) })); continue; }
      showPlan(cli, out, plan, options);
    }
    if (options.dryRun) return;
    if (!await agreed(t('照此执行？', 'Do this?'), t)) return;
  }
  for (const one of actions) {
    const receipt = (await ask('step-do', one)) as Receipt;
    out.line(options.json ? jsonLine(receiptJson(receipt)) : doneLine(cli, receipt));
  }
}
