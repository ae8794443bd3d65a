import { userInfo } from 'node:os';
import type { Playbook, RunEntry, RunStatus } from '../../core/playbook.ts';
import { askMoat } from '../ask.ts';
import type { LinkageView } from '../../agent/response.ts';
import type { DryRun, PlaybookHead, RunView } from '../../agent/playbook-control.ts';
import type { PlannedCommand, PlannedStep } from '../../engine/response/playbook-plan.ts';
import { colour } from '../colour.ts';
import { spell } from '../duration.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

const operator = (): string => `operator:${process.env['SUDO_USER'] ?? userInfo().username}`;

/** `moat playbook`: what there is, what it would do, runs of it, and answers to what they ask. */
export function addPlaybook({ program, lang, t }: Cli): void {
  const ask = (op: string, argument?: unknown): Promise<unknown> => askMoat(program, op, argument);
  const json = [t('输出 JSON，每行一个对象', 'print JSON, one object a line')] as const;
  const why = ['--why <text>', t('原因，记入审计', 'the reason, for the audit log')] as const;
  const set = ['--set <name=value...>', t('给预案变量赋值', 'values for variables of the playbook')] as const;
  const group = program.command('playbook').description(t('预案：断链、隔离、处置、溯源，逐步执行，可先预演', 'playbooks: cut, isolate, handle, trace, step by step; a dry run shows all before'));

  group.command('list', { isDefault: true }).description(t('列出预案', 'list playbooks')).option('--json', ...json)
    .action(async (options: { json?: boolean }) => {
      const out = new Output();
      for (const one of (await ask('playbooks')) as PlaybookHead[]) out.line(options.json ? jsonLine(one) : `${colour.bold(safe(one.id))}  ${gradeWord(one.grade)}  ${safe(one.name[lang])}  ${colour.dim(safe(one.description[lang]))}`);
      await out.end();
    });

  group.command('show <id>').description(t('一个预案的全部步骤', 'all steps of one')).option('--json', ...json)
    .action(async (id: string, options: { json?: boolean }) => {
      const one = (await ask('playbook', id)) as Playbook;
      if (options.json) { console.log(jsonLine(one)); return; }
      console.log(`${colour.bold(safe(one.id))}  ${gradeWord(one.grade)}  ${safe(one.name[lang])}\n${safe(one.description[lang])}`);
      for (const [step, { name, phase, type, ...rest }] of Object.entries(one.workflow)) {
        const next = Object.entries(rest).filter(([key, value]) => key.startsWith('on_') && typeof value === 'string').map(([key, value]) => `${key.slice(3)} → ${safe(String(value))}`).join(', ');
        console.log(`  ${phaseWord(phase)} ${safe(step)}  ${colour.dim(type)}  ${name === undefined ? '' : safe(name[lang])}  ${colour.dim(next)}`);
      }
    });

  group.command('plan <id>').alias('dry-run').description(t('预演：逐步列出会做什么、哪里要等人批准；什么也不做', 'the exact plan: every step, and what would wait for a person; nothing is done'))
    .option('--alert <id>', t('针对哪条告警', 'the alert it answers')).option(...set).option('--json', ...json)
    .action(async (id: string, options: { alert?: string; set?: string[]; json?: boolean }) => {
      const plan = (await ask('playbook-dry-run', { id, alert: options.alert, set: pairs(options.set) })) as DryRun;
      const out = new Output();
      if (options.json) for (const step of plan.steps) out.line(jsonLine(step));
      else {
        out.line(`${colour.bold(safe(plan.playbook.name[lang]))}  ${gradeWord(plan.playbook.grade)}  ${colour.dim(plan.begins ? t(`模式 ${plan.mode}：符合的告警会自动启动它`, `mode ${plan.mode}: an alert that fits begins it`) : t(`模式 ${plan.mode}：只由人启动`, `mode ${plan.mode}: begun by a person only`))}`);
        for (const step of plan.steps) for (const line of stepLines(step)) out.line(line);
      }
      await out.end();
    });

  group.command('linkage').description(t('联动表：什么告警立刻触发什么处置，哪些行还在等另一半', 'the linkage table: which alert calls for which action at once, and which rows wait for their other half')).option('--json', ...json)
    .action(async (options: { json?: boolean }) => {
      const { links, waiting, always, mode } = (await ask('linkage')) as LinkageView;
      const out = new Output();
      for (const link of links) {
        if (options.json) { out.line(jsonLine(link)); continue; }
        const { id, title, when, action, input, fires } = link;
        const on = [...when.attack ?? [], ...when.rules ?? []].join(', ');
        out.line(`${fires ? colour.green('●') : colour.dim('○')} ${colour.bold(safe(id))}  ${safe(title[lang])}  ${safe(action)}  ${colour.dim(`${safe(on)} ≥ ${when.level}; ${Object.entries(input).map(([name, from]) => `${safe(name)} ${safe(typeof from === 'object' ? String(from.value) : `← ${from}`)}`).join(', ')}${fires ? '' : t(`；${link.mode} 模式才触发（现为 ${mode}）`, `; fires in mode ${link.mode} (it is ${mode})`)}`)}`);
      }
      for (const row of always) out.line(options.json ? jsonLine(row) : `${colour.green('●')} ${colour.bold(safe(row.id))}  ${safe(row.title[lang])}  ${colour.dim(safe(row.always[lang]))}`);
      for (const row of waiting) out.line(options.json ? jsonLine(row) : `${colour.yellow('…')} ${colour.bold(safe(row.id))}  ${safe(row.title[lang])}  ${colour.yellow(t('不触发', 'never fires'))}  ${colour.dim(t(`等待：${safe(row.waits.zh)}`, `waits for ${safe(row.waits.en)}`))}`);
      await out.end();
    });

  group.command('run <id>').description(t('启动一个预案', 'begin one'))
    .option('--alert <id>', t('针对哪条告警', 'the alert it answers')).option(...set).option(...why).option('--json', ...json)
    .action(async (id: string, options: { alert?: string; set?: string[]; why?: string; json?: boolean }) => {
      show((await ask('playbook-run', { id, alert: options.alert, set: pairs(options.set), why: options.why ?? '', by: operator() })) as RunView, options.json);
    });

  group.command('runs [run]').description(t('列出执行过的预案，或一次执行的经过', 'list runs, or the story of one')).option('--limit <n>', t('最多多少条', 'at most so many'), Number, 50).option('--json', ...json)
    .action(async (run: string | undefined, options: { limit: number; json?: boolean }) => {
      if (run !== undefined) { show((await ask('playbook-runs', { run })) as RunView, options.json); return; }
      const runs = (await ask('playbook-runs', { limit: options.limit })) as RunView[];
      const out = new Output();
      for (const one of runs.toReversed()) out.line(options.json ? jsonLine(runJson(one)) : runLine(one));
      await out.end();
      if (runs.length === 0 && !options.json) console.log(t('还没有执行过预案', 'no playbook was run yet'));
    });

  group.command('stop <run>').description(t('停止一次执行', 'end a run')).option('--undo', t('并撤销它做过的事', 'and take back what it did')).option(...why).option('--json', ...json)
    .action(async (run: string, options: { undo?: boolean; why?: string; json?: boolean }) => {
      show((await ask('playbook-stop', { run, undo: options.undo === true, why: options.why ?? '', by: operator() })) as RunView, options.json);
    });

  for (const answer of ['approve', 'reject'] as const) {
    group.command(`${answer} <run>`).description(answer === 'approve' ? t('批准一次执行正在等待的步骤', 'approve what a run waits with') : t('拒绝一次执行正在等待的步骤', 'reject what a run waits with'))
      .option('--step <id>', t('有多步在等待时指明是哪步', 'which step, when several wait')).option('--json', ...json)
      .action(async (run: string, options: { step?: string; json?: boolean }) => {
        show((await ask('playbook-answer', { run, answer, step: options.step, by: operator() })) as RunView, options.json);
      });
  }

  function show(run: RunView, isJson: boolean | undefined): void {
    if (isJson) { console.log(jsonLine(runJson(run))); return; }
    console.log(runLine(run));
    for (const entry of run.entries) console.log(`    ${clock(entry.time)}  ${entryWord(entry.what)}  ${safe(entry.step)}  ${colour.dim(safe(entry.note))}${entry.receipt === undefined ? '' : colour.dim(`  ${safe(entry.receipt)}`)}`);
    if (run.dropped > 0) console.log(colour.dim(t(`    （另有 ${run.dropped} 条未保留）`, `    (${run.dropped} more were not kept)`)));
    for (const { step, what, expires } of run.waiting) {
      console.log(`  ${colour.yellow(t('等待批准', 'waits for you'))}  ${safe(step)}  ${safe(what[lang])}`);
      console.log(colour.dim(`    ${t(`截止 ${clock(expires)}`, `until ${clock(expires)}`)}  moat playbook approve ${safe(run.id)} --step ${safe(step)}`));
    }
  }

  function runLine(run: RunView): string {
    return `${colour.dim(safe(run.id))}  ${clock(run.created)}  ${statusWord(run.status, run.waiting.length > 0)}  ${safe(run.name[lang])}  ${safe(run.target)}  ${colour.dim(`${safe(run.by)}${run.why === '' ? '' : `: ${safe(run.why)}`}`)}`;
  }

  function stepLines(step: PlannedStep): string[] {
    const indent = '  '.repeat(step.depth + 1);
    const facts = [
      step.onFailure === undefined ? '' : t(`仅当 ${step.onFailure} 失败`, `only if ${step.onFailure} fails`), step.delayMs === undefined ? '' : t(`先等 ${spell(step.delayMs)}`, `after ${spell(step.delayMs)}`),
      step.timeoutMs === undefined ? '' : t(`限时 ${spell(step.timeoutMs)}`, `within ${spell(step.timeoutMs)}`), step.compensate ? t('失败则撤销已做的', 'failing takes back what was done') : '', step.max === undefined ? '' : t(`最多 ${step.max} 轮`, `${step.max} rounds at most`),
      step.condition === undefined ? '' : `${step.condition.text} → ${String(step.condition.holds)}`,
    ].filter((one) => one !== '').map(safe);
    return [`${indent}${phaseWord(step.phase)} ${safe(step.step)}  ${step.name === undefined ? colour.dim(step.type) : safe(step.name[lang])}${facts.length === 0 ? '' : colour.dim(`  (${facts.join('; ')})`)}`, ...step.commands.flatMap((one) => commandLines(one).map((line) => `${indent}    ${line}`))];
  }

  function commandLines(command: PlannedCommand): string[] {
    switch (command.type) {
      case 'manual': return [`${colour.yellow(t('等人批准', 'waits for a person'))} ${colour.dim(`(${spell(command.expiresMs)})`)} ${safe(command.command[lang])}`];
      case 'notify': return [`${t('通知', 'tells')} ${safe(command.message[lang])}`];
      case 'moat-action':
        if ('refused' in command) return [`${colour.red('✕')} ${safe(command.action)}: ${safe(command.refused)}`];
        return [`${command.asks ? colour.yellow(t('先请批准', 'asks first')) : colour.green(t('自动', 'by itself'))} ${safe(command.title[lang])}${command.reversible ? '' : colour.red(t(' 不可撤销', ' cannot be taken back'))}`, ...command.steps.map((one) => colour.dim(`  ${safe(one[lang])}`))];
    }
  }

  function gradeWord(grade: 1 | 2 | 3): string {
    return { 1: colour.red(t('一级', 'grade 1')), 2: colour.yellow(t('二级', 'grade 2')), 3: t('三级', 'grade 3') }[grade];
  }

  function phaseWord(phase: PlannedStep['phase']): string {
    if (phase === undefined) return colour.dim('·');
    return `[${{ cut: t('断链', 'cut'), isolate: t('隔离', 'isolate'), handle: t('处置', 'handle'), trace: t('溯源', 'trace') }[phase]}]`;
  }

  function statusWord(status: RunStatus, waits: boolean): string {
    switch (status) {
      case 'running': return colour.yellow(waits ? t('等待批准', 'waits for approval') : t('进行中', 'under way'));
      case 'done': return colour.green(t('已完成', 'done'));
      case 'failed': return colour.red(t('失败', 'failed'));
      case 'stopped': return colour.dim(t('已停止', 'stopped'));
    }
  }

  function entryWord(what: RunEntry['what']): string {
    switch (what) {
      case 'begun': return t('开始', 'begun');
      case 'done': return colour.green(t('完成', 'done'));
      case 'failed': return colour.red(t('失败', 'failed'));
      case 'asked': return colour.yellow(t('请示', 'asked'));
      case 'approved': return colour.green(t('批准', 'approved'));
      case 'rejected': return colour.red(t('拒绝', 'rejected'));
      case 'expired': return colour.red(t('过期', 'expired'));
      case 'told': return t('通知', 'told');
      case 'undone': return t('撤销', 'taken back');
      case 'not-undone': return colour.red(t('未能撤销', 'not taken back'));
      case 'ended': return t('结束', 'ended');
    }
  }
}

/** `name=value` of the command line. */
function pairs(set: readonly string[] | undefined): Record<string, string> | undefined {
  return set === undefined ? undefined : Object.fromEntries(set.map((one) => { const at = one.indexOf('='); return at < 0 ? [one, ''] : [one.slice(0, at), one.slice(at + 1)]; }));
}


/** Without its strands, which are the runner's own. */
function runJson({ created, changed, entries, waiting, ...run }: RunView): object {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return { ...run, threads: undefined, created: iso(created), changed: iso(changed), entries: entries.map((one) => ({ ...one, time: iso(one.time) })), waiting: waiting.map((one) => ({ ...one, expires: iso(one.expires) })) };
}
