import { askMoat, pathThere, targetOf } from '../ask.ts';
import type { DenyOutcome, DenyState } from '../../agent/deny.ts';
import { MoatError } from '../../core/error.ts';
import { colour } from '../colour.ts';
import { configPath } from '../globals.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

const digest = /^[0-9a-f]{64}$/i;

export function addDeny({ program, lang, t }: Cli): void {
  const deny = program.command('deny').description(t('禁止某些程序运行（默认关闭，配置 deny.enabled 启用）', 'keep programs from running (off unless deny.enabled is set)'));
  const turnOn = async (): Promise<string> => {
    const file = await targetOf(program) === undefined ? configPath(program) : t('那台机器的配置', 'the configuration of that machine');
    return t(`在 ${file} 中写 deny: { enabled: true }，保存后立即生效`, `write deny: { enabled: true } into ${file}; it takes effect at once`);
  };
  const ask = async (): Promise<DenyState> => (await askMoat(program, 'deny-list')) as DenyState;

  deny.command('list', { isDefault: true })
    .description(t('禁止运行的程序', 'the programs that may not run'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (options: { json?: boolean }) => {
      const { enabled, live, rows } = await ask();
      const out = new Output();
      for (const { path, sha256, why, from, added, active } of rows) {
        if (options.json) { out.line(jsonLine({ ...(path !== undefined && { path }), ...(sha256 !== undefined && { sha256 }), why, from, ...(added !== undefined && { added: new Date(added).toISOString() }), active })); continue; }
        const since = added === undefined ? t('配置', 'configuration') : clock(added);
        out.line(`${active ? colour.red('⊘') : colour.yellow('○')} ${safe(path ?? sha256 ?? '')}  ${colour.dim(`${since}  ${safe(why)}`)}`);
      }
      await out.end();
      if (!options.json && rows.length === 0) console.log(t('名单为空', 'nothing is on the list'));
      if (!enabled) console.error(`${colour.yellow('!')} ${t('禁止运行已关闭，名单不起作用。启用：', 'denying is off: all of these may run. To turn it on: ')}${safe(await turnOn())}`);
      else if (!live) console.error(`${colour.yellow('!')} ${t('内核传感器没有在工作，名单不起作用；见 moat status', 'the kernel sensor is not live, so all of these may run; see moat status')}`);
      else if (!options.json && rows.some(({ active }) => !active)) console.log(colour.dim(t('○ 那里现在没有这个文件，或它受保护；文件出现并运行时会被结束', '○ there is no such file now, or it is protected; should it come, its first run is killed')));
    });

  const change = async (op: 'deny-add' | 'deny-remove', what: string[], options: { json?: boolean; why?: string; force?: boolean }, done: (what: string) => string): Promise<void> => {
    // What is on the list may be taken off it at any time.
    if (op === 'deny-add' && !(await ask()).enabled) throw new MoatError('off', t('禁止运行已关闭', 'denying is off'), { hint: await turnOn() });
    const asked = await Promise.all(what.map(async (one) => (digest.test(one) ? one : await pathThere(program, one))));
    const outcomes = (await askMoat(program, op, { what: asked, ...(options.why !== undefined && { why: options.why }), ...(options.force && { force: true }) }, { patient: true })) as DenyOutcome[];
    const out = new Output();
    for (const outcome of outcomes) {
      if (!outcome.done) process.exitCode = 1;
      const why = outcome.why?.[lang];
      if (options.json) out.line(jsonLine({ what: outcome.what, done: outcome.done, ...(why !== undefined && { why }) }));
      else out.line(outcome.done ? `${colour.green('●')} ${safe(done(outcome.what))}` : `${colour.red('✕')} ${safe(`${outcome.what}: ${why ?? ''}`)}`);
    }
    await out.end();
  };

  deny.command('add <what...>')
    .description(t('禁止运行某个文件（路径）或某种内容（SHA-256）；重启后仍有效', 'keep a file (its path) or content (its SHA-256) from running, also after a restart'))
    .option('--why <text>', t('原因，列出时显示', 'the reason, shown in the list'))
    .option('--force', t('软件包自带、未被改动的程序也禁止', 'also a program that a package ships, as it was shipped'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .addHelpText('after', t('\n系统离不开的程序（1 号进程、sh、sshd、sudo 等）、node 与 Moat 自身始终不能禁止。\n退出码：0 全部完成，1 有被拒绝的，2 未运行或已关闭', '\nWhat the system cannot do without (the first process, sh, sshd, sudo …), node and Moat can never be denied.\nExit code: 0 all done, 1 something was refused, 2 not running or off'))
    .action((what: string[], options: { json?: boolean; why?: string; force?: boolean }) => change('deny-add', what, options, (one) => t(`${one} 不再能运行`, `${one} may not run any more`)));

  deny.command('remove <what...>')
    .description(t('重新允许运行', 'let it run again'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action((what: string[], options: { json?: boolean }) => change('deny-remove', what, options, (one) => t(`${one} 可以运行了`, `${one} may run again`)));
}
