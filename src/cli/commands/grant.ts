import type { Receipt } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { askMoat } from '../ask.ts';
import type { GrantPlan, GrantRow } from '../../agent/response-grants.ts';
import { colour } from '../colour.ts';
import { confirm } from '../confirm.ts';
import { duration } from '../duration.ts';
import type { Cli } from '../program.ts';
import { operator, receiptJson } from '../receipt-text.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

/** Temporary privileges: `moat grant`, `moat grants`. */
export function addGrant({ program, lang, t }: Cli): void {
  const ask = (op: string, argument?: unknown): Promise<unknown> => askMoat(program, op, argument);
  const json = [t('每行一个 JSON 对象', 'one JSON object a line')] as const;

  program.command('grant <user>')
    .description(t('临时允许一个账号用 sudo；到期、或它引发高级别告警时自动收回', 'let an account use sudo for a while; taken back at the end, or at once when it causes an alert of level high'))
    .requiredOption('--for <time>', t('多久（如 2h，至多 7d）', 'for how long (2h; 7d at most)'), duration)
    .option('--command <path...>', t('只允许运行这些程序（完整路径）；不写则不限', 'only these programs, by full path; any when left out'))
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .option('--yes', t('不再询问', 'do not ask'))
    .option('--json', ...json)
    .action(async (user: string, options: { for: number; command?: string[]; why?: string; yes?: boolean; json?: boolean }) => {
      const request = { user, commands: options.command ?? [], for_ms: options.for, by: operator(), why: options.why ?? '' };
      if (!options.yes) {
        const { title, steps } = (await ask('grant', { ...request, plan: true })) as GrantPlan;
        console.error(colour.bold(safe(title[lang])));
        for (const { text } of steps) console.error(`  ${safe(text[lang])}`);
        if (!(await confirm(t('照此执行？', 'Do this?'), t))) {
          if (!process.stdin.isTTY) throw new MoatError('not-confirmed', t('没有终端可问', 'there is no terminal to ask on'), { hint: t('加 --yes', 'use --yes') });
          console.error(t('什么也没有做', 'nothing was done'));
          process.exitCode = 1;
          return;
        }
      }
      const receipt = (await ask('grant', request)) as Receipt;
      console.log(options.json ? jsonLine(receiptJson(receipt)) : `${colour.green('●')} ${safe(receipt.title[lang])}  ${colour.dim(`moat undo ${safe(receipt.id)}`)}`);
    });

  program.command('grants')
    .description(t('现有的临时授权：谁、到何时、谁给的、为何', 'temporary privileges that hold: whose, until when, by whom, why'))
    .option('--all', t('也列出已结束的，及为何结束', 'also those that are over, and why'))
    .option('--json', ...json)
    .action(async (options: { all?: boolean; json?: boolean }) => {
      const rows = (await ask('grants', { all: options.all === true })) as GrantRow[];
      for (const row of rows) console.log(options.json ? jsonLine(rowJson(row)) : line(row));
      if (rows.length === 0 && !options.json) console.log(t('没有临时授权', 'nothing is granted'));
    });

  function line({ id, user, commands, until, by, why, status, ended }: GrantRow): string {
    const what = commands.length === 0 ? t('任何命令', 'anything') : commands.join(', ');
    const state = ended !== undefined ? t(`${clock(ended.time)} 由 ${ended.by} 收回${ended.note === '' ? '' : `：${ended.note}`}`, `taken back ${clock(ended.time)} by ${ended.by}${ended.note === '' ? '' : `: ${ended.note}`}`) : status === 'applied' ? until === undefined ? '' : t(`至 ${clock(until)}`, `until ${clock(until)}`) : status;
    return `${status === 'applied' ? colour.green('●') : status === 'stuck' ? colour.red('✕') : colour.dim('○')} ${safe(user)}  sudo ${safe(what)}  ${safe(state)}  ${colour.dim(`${safe(by)}${why === '' ? '' : `: ${safe(why)}`}  ${status === 'undone' || status === 'failed' ? safe(id) : `moat undo ${safe(id)}`}`)}`;
  }
}

function rowJson({ since, until, ended, ...row }: GrantRow): object {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return { ...row, since: iso(since), ...(until !== undefined && { until: iso(until) }), ...(ended && { ended: { ...ended, time: iso(ended.time) } }) };
}
