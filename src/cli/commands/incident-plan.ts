import type { Command } from 'commander';
import type { ReceiptStatus, Risk } from '../../core/action.ts';
import { MoatError, saidBy } from '../../core/error.ts';
import type { CleanupPlan, PlannedStep } from '../../core/incident.ts';
import { askMoat } from '../ask.ts';
import type { CleanupVerdict, StepState } from '../../agent/cleanup.ts';
import { colour } from '../colour.ts';
import { confirm } from '../confirm.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { operator } from '../receipt-text.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

interface PlanOptions { json?: boolean }
interface ApplyOptions extends PlanOptions { only?: string[]; without?: string[]; yes?: boolean; why?: string }
/** `ended`: there was nothing left to end. */
type DoneStep = PlannedStep & { status: ReceiptStatus | 'ended' };

const evidenceShown = 3, aloneShown = 20;

/** The clean-up plan of an incident, an alert or a finding: made, done, looked after, taken back. */
export function addIncidentPlan(incident: Command, { program, lang, t }: Cli): void {
  const ask = (op: string, argument?: unknown): Promise<unknown> => askMoat(program, op, argument, { patient: true });
  const json = [t('输出 JSON（执行与撤销时每步一行）', 'print JSON (one line a step when something is done)')] as const;
  const which = t('事件、告警（可只写开头几位）或扫描发现的编号', 'an incident, an alert (its beginning is enough) or a finding, by id');
  const why = t('原因，记入审计', 'the reason, for the audit log');

  incident.command('plan <id>')
    .description(t('给出结束这次入侵的有序步骤，附依据与风险；什么也不做', 'the ordered steps that end the story, with evidence and risk; nothing is done'))
    .addHelpText('after', `\n<id>: ${which}`)
    .option('--json', ...json)
    .action(async (id: string, options: PlanOptions) => {
      const plan = (await ask('incident-plan', { id, asker: process.pid })) as CleanupPlan;
      if (options.json) { console.log(jsonLine(planJson(plan))); return; }
      await showPlan(plan);
    });

  incident.command('apply <id>')
    .description(t('执行最近给出的方案（没有则先生成）；不可撤销的步骤与账号逐一询问', 'do the plan that was made last, or make one; what cannot be taken back and accounts are asked about one by one'))
    .addHelpText('after', `\n<id>: ${which}`)
    .option('--only <steps>', t('只做这些步骤（如 1,3）', 'only these steps (1,3)'), list)
    .option('--without <steps>', t('不做这些步骤', 'without these steps'), list)
    .option('-y, --yes', t('不再询问', 'do not ask'))
    .option('--why <text>', why)
    .option('--json', ...json)
    .action(apply);

  incident.command('verify <id>')
    .description(t('再看一遍：每步是否仍有效，进程、文件、扫描发现是否还在', 'look again: whether each step holds, and processes, files and findings are gone'))
    .addHelpText('after', t(`\n<id>：${which}\n退出码：0 已清理干净，1 还有残留或看不到的`, `\n<id>: ${which}\nExit code: 0 clean, 1 something is left or could not be seen`))
    .option('--json', ...json)
    .action(async (id: string, options: PlanOptions) => {
      const verdict = (await ask('incident-verify', { id, asker: process.pid })) as CleanupVerdict;
      if (!verdict.clean) process.exitCode = 1;
      if (options.json) { console.log(jsonLine(verdict)); return; }
      await showVerdict(verdict);
    });

  incident.command('undo <id>')
    .description(t('按相反的顺序撤销做过的步骤，恢复原状', 'take back what was done, in reverse order, as it was before'))
    .addHelpText('after', `\n<id>: ${which}`)
    .option('--only <steps>', t('只撤销这些步骤（如 1,3）', 'only these steps (1,3)'), list)
    .option('--why <text>', why)
    .option('--json', ...json)
    .action(async (id: string, options: ApplyOptions) => {
      const kept = (await ask('incident-kept-plan', { id, done: true })) as CleanupPlan;
      const chosen = chosenOf(kept, options).filter(({ receipt }) => receipt !== undefined).toReversed();
      const out = new Output();
      for (const step of chosen) {
        if (!step.reversible) { told(out, step, options, { ok: undefined, text: t('无法撤销：已结束的进程不会回来', 'cannot be taken back: what was ended stays so') }); continue; }
        await one(out, step, options, async () => (await ask('incident-undo', { id: kept.id, step: step.id, by: operator(), why: options.why ?? '' })) as DoneStep, t('已撤销', 'taken back'));
      }
      await out.end();
      if (chosen.length === 0 && !options.json) console.log(t('没有可撤销的步骤', 'there is nothing to take back'));
    });

  async function apply(id: string, options: ApplyOptions): Promise<void> {
    const plan = await latest(id);
    const chosen = chosenOf(plan, options);
    const asking = options.yes ? [] : chosen.filter(({ approval, receipt }) => approval && receipt === undefined);
    if (asking.length > 0 && !process.stdin.isTTY) {
      const ids = asking.map((step) => step.id).join(',');
      throw new MoatError('not-confirmed', `steps ${ids} need a yes and there is no terminal to ask on; nothing was done`, { zh: `步骤 ${ids} 需要确认，而没有终端可以询问；什么也没做`, hint: { zh: `--yes，或 --without ${ids}`, en: `--yes, or --without ${ids}` } });
    }
    if (!options.json && !options.yes) await showPlan(plan);
    const out = new Output();
    for (const step of chosen) {
      if (asking.includes(step)) {
        await out.end();
        console.error(`${step.id}  ${safe(step.title[lang])}  ${riskWord(step.risk)}${step.reversible ? '' : t('，无法撤销', ', cannot be taken back')}`);
        if (!await confirm(t('做这一步？', 'Do this step?'), t)) { told(out, step, options, { ok: undefined, text: t('跳过', 'left out') }); continue; }
      }
      await one(out, step, options, async () => (await ask('incident-step', { id: plan.id, step: step.id, asker: process.pid, by: operator(), why: options.why ?? '' })) as DoneStep, t('完成', 'done'));
    }
    await out.end();
    if (options.json) return;
    if (chosen.length === 0) console.log(t('方案中没有要做的步骤', 'there is nothing to do in the plan'));
    else console.log(colour.dim(t(`核对：moat incident verify ${safe(id)}；撤销：moat incident undo ${safe(id)}`, `look again: moat incident verify ${safe(id)}; take back: moat incident undo ${safe(id)}`)));
  }

  async function latest(id: string): Promise<CleanupPlan> {
    try {
      return (await ask('incident-kept-plan', { id })) as CleanupPlan;
    } catch (error) {
      if ((error as MoatError).code === 'not-running') throw error;
      return (await ask('incident-plan', { id, asker: process.pid })) as CleanupPlan;
    }
  }

  /** One that fails does not keep the others from being done. */
  async function one(out: Output, step: PlannedStep, options: PlanOptions, work: () => Promise<DoneStep>, word: string): Promise<void> {
    try {
      const done = await work();
      told(out, done, options, { ok: true, text: done.status === 'ended' ? t('已自行或随前面的步骤结束', 'it has ended already, by itself or with a step before') : `${word}${done.verdict ? `: ${done.verdict.evidence[lang]}` : ''}` });
    } catch (error) {
      if ((error as MoatError).code === 'not-running') throw error;
      process.exitCode = 1;
      told(out, step, options, { ok: false, text: saidBy(error)[lang] });
    }
    await out.end();
  }

  function told(out: Output, step: PlannedStep | DoneStep, options: PlanOptions, { ok, text }: { ok: boolean | undefined; text: string }): void {
    if (options.json) { out.line(jsonLine({ ...step, done: ok ?? false, ...(ok === true ? {} : { said: text }) })); return; }
    const mark = ok === undefined ? colour.yellow('○') : ok ? colour.green('●') : colour.red('✕');
    out.line(`${mark} ${step.id.padStart(2)}  ${safe(step.title[lang])}  ${colour.dim(safe(text))}`);
  }

  function chosenOf({ steps }: CleanupPlan, { only, without }: ApplyOptions): PlannedStep[] {
    const unknown = [...only ?? [], ...without ?? []].filter((id) => steps.every((step) => step.id !== id));
    if (unknown.length > 0) throw new MoatError('bad-input', `expected steps from 1 to ${steps.length}, got ${unknown.map(safe).join(', ')}`, { zh: `方案有 1 到 ${steps.length} 步，没有 ${unknown.map(safe).join('、')}` });
    return steps.filter(({ id }) => (only === undefined || only.includes(id)) && without?.includes(id) !== true);
  }

  async function showPlan(plan: CleanupPlan): Promise<void> {
    const out = new Output();
    out.line(`${colour.bold(safe(plan.title[lang]))}  ${colour.dim(`${safe(plan.incident)}  ${t('方案', 'plan')} ${safe(plan.id)}  ${clock(plan.made)}`)}`);
    if (plan.entry) out.line(`${t('入口', 'way in')}  ${clock(plan.entry.time)}  ${safe(plan.entry.text[lang])}`);
    if (plan.steps.length === 0) out.line(t('没有要做的', 'there is nothing to do'));
    for (const step of plan.steps) {
      const marks = [riskWord(step.risk), step.reversible ? t('可撤销', 'can be taken back') : colour.red(t('无法撤销', 'cannot be taken back')), ...(step.approval ? [colour.yellow(t('需确认', 'asks first'))] : []), ...(step.receipt === undefined ? [] : [colour.green(t('做过', 'done'))])];
      out.line(`${step.id.padStart(3)}  ${safe(step.title[lang])}  ${marks.join(' · ')}`);
      for (const { what, value } of step.evidence.slice(0, evidenceShown)) out.line(`       ${colour.dim(`${safe(what[lang])}: ${safe(value)}`)}`);
      out.line(`       ${colour.dim(`$ ${step.command.map(quoted).join(' ')}`)}`);
    }
    if (plan.left > 0) out.line(colour.yellow(t(`还有 ${plan.left} 项放不下：做完后再生成一次方案`, `${plan.left} more found no room: make a further plan when this one is done`)));
    if (plan.left_alone.length > 0) out.line(t('不动的：', 'left alone:'));
    for (const { title, why: reason } of plan.left_alone.slice(0, aloneShown)) out.line(`  – ${safe(title[lang])}: ${safe(reason[lang])}`);
    if (plan.left_alone.length > aloneShown) out.line(`  … ${plan.left_alone.length - aloneShown} (--json)`);
    await out.end();
  }

  async function showVerdict(verdict: CleanupVerdict): Promise<void> {
    const out = new Output();
    for (const { id, title, state, ok, verdict: found } of verdict.steps) out.line(`${ok ? colour.green('●') : colour.red('✕')} ${id.padStart(2)}  ${safe(title[lang])}  ${stateWord(state)}${found ? colour.dim(`  ${safe(found.evidence[lang])}`) : ''}`);
    for (const { pid, label } of verdict.living) out.line(`${colour.red('✕')} ${t('仍在运行', 'still runs')}: ${pid}  ${safe(label)}`);
    for (const path of verdict.back) out.line(`${colour.red('✕')} ${t('又出现了', 'is back')}: ${safe(path)}`);
    for (const { title, path } of verdict.findings) out.line(`${colour.red('✕')} ${t('扫描仍发现', 'still found')}: ${safe(title[lang])}${path === undefined ? '' : `  ${safe(path)}`}`);
    for (const text of verdict.blind) out.line(`${colour.yellow('?')} ${t('看不到', 'could not look')}: ${safe(text[lang])}`);
    out.line(verdict.clean ? `${colour.green('●')} ${t('已清理干净', 'clean')}` : `${colour.red('●')} ${t('还没有清理干净', 'not clean yet')}`);
    await out.end();
  }

  function riskWord(risk: Risk): string {
    switch (risk) {
      case 'low': return t('低风险', 'low risk');
      case 'medium': return t('中风险', 'medium risk');
      case 'high': return t('高风险', 'high risk');
    }
  }

  function stateWord(state: StepState): string {
    switch (state) {
      case 'open': return t('没有做', 'not done');
      case 'applied': return t('已做', 'done');
      case 'failed': return t('未成功，已还原', 'failed, taken back');
      case 'undone': return t('已撤销', 'taken back');
      case 'stuck': return t('卡住，需人工查看', 'stuck: look at it');
      case 'superseded': return t('之后已结束', 'ended since');
    }
  }
}

function list(text: string): string[] { return text.split(',').map((one) => one.trim()).filter((one) => one !== ''); }

/** For a person to copy into a shell. */
function quoted(word: string): string { return /^[\w@%+=:,./-]+$/.test(word) ? safe(word) : `'${safe(word).replaceAll("'", "'\\''")}'`; }

function planJson(plan: CleanupPlan): object { return { ...plan, made: new Date(plan.made).toISOString(), ...(plan.entry && { entry: { ...plan.entry, time: new Date(plan.entry.time).toISOString() } }) }; }
