import type { Command } from 'commander';
import { MoatError } from '../../core/error.ts';
import type { RecoveredStep, RecoveryPlan, ServiceCheck } from '../../core/recovery.ts';
import { askMoat, pathThere } from '../ask.ts';
import type { Recovered, ServicesLooked } from '../../agent/recovery.ts';
import { agreed } from '../confirm.ts';
import { incidentJson } from '../incident-text.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { progressLine } from '../progress.ts';
import { operator } from '../receipt-text.ts';
import { planJson, planLines, recoveredLines, serviceLine, stepLine } from '../recovery-text.ts';
import { jsonLine } from '../terminal.ts';

interface RecoverOptions { json?: boolean; dryRun?: boolean; yes?: boolean; only?: string[]; without?: string[]; folder: string[]; accept?: string; why?: string; verify?: boolean; undo?: boolean; anew?: boolean; services: boolean }

interface Kept { plan: RecoveryPlan; steps: RecoveredStep[] }

/** `moat incident recover`: what was lost put back, looked after, and kept with the incident; each step can be taken back. */
export function addIncidentRecover(group: Command, { program, lang, t }: Cli): void {
  const ask = (op: string, argument: object): Promise<unknown> => askMoat(program, op, { ...argument, asker: process.pid, by: operator() }, { patient: true });
  const list = (text: string): string[] => text.split(',').map((one) => one.trim()).filter((one) => one !== '');

  group.command('recover <id>')
    .description(t('恢复被改、被删、被加密的文件：先显示方案，再从软件包、隔离区或备份恢复，核对，检查服务', 'restore what was changed, removed or encrypted: the plan first, then from packages, quarantine or backups; verified, services looked at'))
    .addHelpText('after', t(
      '\n中断后再运行一次即从断处继续。备份仓库（restic、borg）在配置的 recovery.repositories 中写明。\n退出码：0 全部恢复并核对，或已确认可以如此；1 还有没恢复或没能检查的；2 未运行',
      '\nCut off, it goes on where it was when it is run again. Backup repositories (restic, borg) stand in recovery.repositories of the configuration.\nExit code: 0 all restored and verified, or accepted as it is; 1 something is not restored or could not be looked at; 2 not running',
    ))
    .option('--dry-run', t('只显示方案', 'only show the plan'))
    .option('-y, --yes', t('不再询问', 'do not ask'))
    .option('--only <steps>', t('只做这些步骤（如 1,3）', 'only these steps (1,3)'), list)
    .option('--without <steps>', t('不做这些步骤', 'without these steps'), list)
    .option('--folder <path>', t('把整个目录与备份比对（可多次）', 'compare this whole folder with the backup (may be repeated)'), (path: string, all: string[]) => [...all, path], [])
    .option('--anew', t('不接着上次的，重新做方案', 'plan anew instead of going on'))
    .option('--verify', t('不再恢复，只再核对一遍', 'restore nothing, look at everything once more'))
    .option('--accept <why>', t('没恢复的可以如此，写明原因', 'what is not restored may stay so, and why'))
    .option('--undo', t('按相反的顺序撤销恢复，每个字节还原', 'take the recovery back in reverse order, to the byte'))
    .option('--no-services', t('不检查服务与数据库', 'without looking at services and databases'))
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(recover);

  async function recover(id: string, options: RecoverOptions): Promise<void> {
    const { json, why = '' } = options;
    const out = new Output();
    if (options.undo) { await undo(id, out, options); return; }
    const { plan, steps } = options.verify ? await kept(id) : await begun(id, options);
    const unknown = [...options.only ?? [], ...options.without ?? []].filter((one) => plan.steps.every((step) => step.id !== one));
    if (unknown.length > 0) throw new MoatError('bad-input', `expected steps from 1 to ${plan.steps.length}, got ${unknown.join(', ')}`, { zh: `方案有 1 到 ${plan.steps.length} 步，没有 ${unknown.join('、')}` });
    if (!options.verify) {
      if (json) out.line(jsonLine({ kind: 'plan', ...planJson(plan) })); else for (const line of planLines(plan, steps, lang)) out.line(line);
      await out.end();
      if (options.dryRun) return;
      const open = plan.steps.filter((step) => (options.only === undefined || options.only.includes(step.id)) && options.without?.includes(step.id) !== true && steps.find((one) => one.id === step.id)?.state !== 'done');
      if (open.length > 0 && !options.yes && !await agreed(t('照此恢复？', 'Restore them?'), t)) return;
      const progress = progressLine(t('恢复', 'restoring'), process.stderr.isTTY && !json);
      let files = 0;
      const all = open.reduce((n, { paths }) => n + paths.length, 0);
      for (const step of open) {
        progress.show(`${files} / ${all}`);
        const done = (await ask('recovery-step', { id: plan.id, step: step.id, why })) as RecoveredStep;
        files += step.paths.length;
        progress.clear();
        out.line(json ? jsonLine({ kind: 'step', ...done }) : stepLine(done, lang));
        await out.end();
      }
      progress.clear();
    }
    const checking = progressLine(t('核对', 'looking again'), process.stderr.isTTY && !json);
    for (const [i, step] of plan.steps.entries()) {
      checking.show(`${i + 1} / ${plan.steps.length}`);
      await ask('recovery-check', { id: plan.id, step: step.id });
    }
    checking.clear();
    const asking = progressLine(t('检查服务与数据库', 'looking at services and databases'), process.stderr.isTTY && !json);
    if (options.services) asking.show('');
    const services = options.services ? await looked(plan).finally(() => asking.clear()) : [];
    for (const one of services) out.line(json ? jsonLine({ kind: 'service', ...one }) : serviceLine(one, lang));
    await out.end();
    const end = (await ask('recovery-finish', { id: plan.id, services: options.services, why, ...(options.accept !== undefined && { accept: options.accept }) })) as Recovered;
    if (!end.summary.verified && end.summary.accepted === undefined) process.exitCode = 1;
    if (json) out.line(jsonLine({ kind: 'recovered', plan: end.plan, moved: end.moved, findings: end.findings, blind: end.blind, incident: incidentJson(end.incident) }));
    else for (const line of recoveredLines(end, lang)) out.line(line);
    if (!json && plan.steps.length > 0) out.line(t(`撤销：moat incident recover ${plan.incident} --undo`, `take back: moat incident recover ${plan.incident} --undo`));
    await out.end();
  }

  async function kept(id: string): Promise<Kept> { return (await ask('recovery-kept', { id })) as Kept; }

  /** Goes on with the one that was begun; one that was taken back, or never begun, is planned anew. */
  async function begun(id: string, { anew, folder }: RecoverOptions): Promise<Kept> {
    if (!anew && folder.length === 0) {
      const before = (await ask('recovery-kept', { id, maybe: true })) as Kept | null;
      if (before !== null && before.steps.some(({ receipt }) => receipt !== undefined) && before.steps.every(({ state }) => state !== 'undone')) return before;
    }
    return { plan: (await ask('recovery-plan', { id, folders: await Promise.all(folder.map((path) => pathThere(program, path))) })) as RecoveryPlan, steps: [] };
  }

  async function undo(id: string, out: Output, { json, why = '', only, without }: RecoverOptions): Promise<void> {
    const { plan, steps } = await kept(id);
    const done = steps.filter(({ id: step, receipt, state }) => receipt !== undefined && state !== 'undone' && state !== 'failed' && (only === undefined || only.includes(step)) && without?.includes(step) !== true).toReversed();
    for (const step of done) {
      try {
        const back = (await ask('recovery-undo', { id: plan.id, step: step.id, why })) as RecoveredStep;
        out.line(json ? jsonLine({ kind: 'step', ...back }) : stepLine(back, lang));
      } catch (error) {
        if (!(error instanceof MoatError) || error.code === 'not-running') throw error;
        process.exitCode = 1;
        const said = { ...step, state: 'stuck' as const, error: error.text ?? { zh: error.message, en: error.message } };
        out.line(json ? jsonLine({ kind: 'step', ...said }) : stepLine(said, lang));
      }
      await out.end();
    }
    if (done.length === 0 && !json) console.log(t('没有可撤销的恢复', 'there is nothing to take back'));
  }

  /** By the agent or its hands, which takes a while: asked again until it is done. */
  async function looked(plan: RecoveryPlan): Promise<ServiceCheck[]> {
    for (let go = true;; go = false) {
      const looked = (await ask('recovery-services', { id: plan.id, go })) as ServicesLooked;
      if (looked.done) return looked.services;
    }
  }
}
