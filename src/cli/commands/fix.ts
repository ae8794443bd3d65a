import type { Finding } from '../../core/finding.ts';
import { MoatError } from '../../core/error.ts';
import { mountChoiceOf } from '../../agent/scan-mounts.ts';
import { portsOf } from '../../agent/scan-ports.ts';
import { scanInProcess, usualMemoryMb } from '../../agent/scan-process.ts';
import { seenFindings } from '../../agent/seen-findings.ts';
import { commandLine } from '../../scan/shell.ts';
import type { Fixed } from '../../api/contract/response.ts';
import { remoteOf } from '../ask.ts';
import { colour } from '../colour.ts';
import { agreed } from '../confirm.ts';
import { eachIn } from '../each.ts';
import { configOf, dataFolder } from '../globals.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import type { Fetch } from '../remote/http.ts';
import { jsonLine, safe } from '../terminal.ts';
import { carryOut, doneLine, showPlan, type StepCommandOptions } from './steps.ts';

/** `moat fix`: what a finding calls for, done through actions that can be taken back. */
export function addFix(cli: Cli): void {
  const { program, lang, t } = cli;
  const each = eachIn(lang);
  program.command('fix <finding...>')
    .description(t('按扫描的发现处理：先显示、再执行，可用 moat undo 撤销；没有现成处置的，给出该敲的命令', 'put findings of a scan right: shown first, then done, taken back by moat undo; where no action does it, says what to type'))
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .option('--force', t('受保护的也处理（始终不动的除外）', 'also what is protected (never what is never touched)'))
    .option('--dry-run', t('只显示会做什么', 'only show what would be done'))
    .option('-y, --yes', t('不再询问', 'do not ask'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .addHelpText('after', t('\n编号见 moat scan --json 的 id。先再查一遍这一项：已经没有的不处理。\n退出码：0 全部处理，1 有没处理的，2 未运行', '\nIds are those of moat scan --json. The thing is looked at again first: what is gone is left.\nExit code: 0 all done, 1 something was not, 2 not running'))
    .action(async (ids: string[], options: StepCommandOptions) => {
      const out = new Output();
      const fetch = await remoteOf(program);
      if (fetch !== undefined) {
        for (const id of ids) await each(out, id, options.json, () => fixThere(out, id, options, fetch));
        await out.end();
        return;
      }
      const found = await lookAgain(ids);
      for (const id of ids) {
        await each(out, id, options.json, async () => {
          const finding = found.get(id);
          if (!finding) throw new MoatError('gone', t('再查时已经没有这一项', 'it is not there any more'), { hint: 'moat scan' });
          await fix(out, finding, options);
        });
      }
      await out.end();
    });

  async function fix(out: Output, { id, title, fix: way }: Finding, options: StepCommandOptions): Promise<void> {
    if (!options.json && !options.yes) console.error(colour.bold(safe(title[lang])));
    if (way?.actions && way.actions.length > 0) { await carryOut(cli, out, way.actions, { ...options, why: options.why ?? title[lang].slice(0, 500) }, id); return; }
    process.exitCode = 1;
    const text = way?.text[lang] ?? t('没有现成的处理办法，请人工判断', 'there is no ready way to put it right: a person must judge');
    if (options.json) { out.line(jsonLine({ id, done: false, text, commands: way?.commands ?? [] })); return; }
    out.line(`${colour.yellow('!')} ${safe(text)}`);
    for (const words of way?.commands ?? []) out.line(`    ${colour.cyan(safe(commandLine(words)))}`);
  }

  /** By what the last scan there found; its Moat refuses what is gone since. */
  async function fixThere(out: Output, id: string, options: StepCommandOptions, fetch: Fetch): Promise<void> {
    const ask = (plan: boolean): Promise<unknown> => fetch({ method: 'POST', path: `/findings/${encodeURIComponent(id)}/fix`, body: { plan, why: options.why ?? '', ...(options.force && { force: true }) } });
    if (options.dryRun || !options.yes) {
      const { plans } = (await ask(true)) as Extract<Fixed, { plan: true }>;
      for (const plan of plans) {
        if (options.json && options.dryRun) out.line(jsonLine(plan));
        else showPlan(cli, out, plan, options);
      }
      if (options.dryRun) return;
      if (!await agreed(t('照此执行？', 'Do this?'), t)) return;
    }
    const { receipts, stopped } = (await ask(false)) as Extract<Fixed, { receipts: unknown }>;
    for (const receipt of receipts) out.line(options.json ? jsonLine(receipt) : doneLine(cli, receipt));
    if (stopped === undefined) return;
    process.exitCode = 1;
    out.line(options.json ? jsonLine({ id, stopped }) : `${colour.red('✕')} ${safe(stopped[lang])}`);
  }

  /** The checks that found them once look again. */
  async function lookAgain(ids: readonly string[]): Promise<ReadonlyMap<string, Finding>> {
    const seen = seenFindings(dataFolder(program));
    const unknown = ids.filter((id) => seen[id] === undefined);
    if (unknown.length > 0) throw new MoatError('no-finding', t(`没有编号为 ${safe(unknown.join('、'))} 的发现`, `expected ids of findings, got ${safe(unknown.join(', '))}`), { hint: { zh: '先用 root 运行 moat scan --json，编号是其中的 id', en: 'run moat scan --json as root first: the id is in it' } });
    const only = [...new Set(ids.map((id) => seen[id]!.check))];
    const config = await configOf(program);
    const { findings } = await scanInProcess({ only, profile: 'full', data: dataFolder(program), ports: portsOf(config), mounts: mountChoiceOf(config.scan) }, { signal: new AbortController().signal, nice: false, maxMemoryMb: usualMemoryMb(), warn: (text) => { console.error(safe(text[lang])); } });
    return new Map(findings.map((one) => [one.id, one]));
  }
}
