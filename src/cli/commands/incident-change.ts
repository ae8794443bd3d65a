import { type Command, InvalidArgumentError } from 'commander';
import { askMoat } from '../ask.ts';
import type { WholeIncident } from '../../agent/incidents.ts';
import type { Grade } from '../../core/incident.ts';
import { type Level, levels } from '../../core/level.ts';
import type { Deed } from '../../engine/incident/lifecycle.ts';
import { colour } from '../colour.ts';
import { duration } from '../duration.ts';
import { eachIn } from '../each.ts';
import { incidentJson, incidentLines } from '../incident-text.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { operator } from '../receipt-text.ts';
import { jsonLine } from '../terminal.ts';

interface Common { why?: string; revision?: number; json?: boolean }

/** The life of an incident in the hands of people: every change goes through the running agent and into the audit log. */
export function addIncidentChanges(group: Command, { program, lang, t }: Cli): void {
  const each = eachIn(lang);
  const common = (command: Command): Command => command
    .option('--why <text>', t('原因，记入审计', 'the reason, for the audit log'))
    .option('--revision <n>', t('你看到的是第几版；之后有人改过则不做改动', 'the revision you saw: nothing is done when it was changed since'), whole)
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'));
  const show = (out: Output, incident: WholeIncident, isJson: boolean | undefined): void => out.line(isJson ? jsonLine(incidentJson(incident)) : incidentLines(incident, lang, Date.now()).join('\n'));
  const change = async (ids: readonly string[], deed: Deed, { why, revision, json }: Common): Promise<void> => {
    const out = new Output();
    for (const id of ids) {
      await each(out, id, json, async () => {
        show(out, (await askMoat(program, 'incident-change', { id, by: operator(), why: why ?? '', ...(revision !== undefined && { revision }), deed })) as WholeIncident, json);
      });
    }
    await out.end();
  };

  const steps = [
    ['triage', 'triaged', t('已研判：看过，属实', 'looked at, and it is real')],
    ['contain', 'contained', t('已遏制：不再扩散', 'it spreads no further')],
    ['eradicate', 'eradicated', t('已清除：留下的都清理了', 'all that was left behind is gone')],
    ['recovered', 'recovered', t('已恢复：业务照常（由人确认；恢复文件用 recover）', 'business is as before, as a person says (recover restores files)')],
    ['close', 'closed', t('关闭：处理完毕，其告警一并关闭', 'it is over; its alerts are closed with it')],
  ] as const;
  for (const [name, to, text] of steps) {
    common(group.command(`${name} <id...>`).description(text)).action((ids: string[], options: Common) => change(ids, { op: 'status', to }, options));
  }
  common(group.command('reopen <id...>').description(t('重新打开；误报的例外随之失效', 'open again; the exceptions of a false alarm end with it'))).action((ids: string[], options: Common) => change(ids, { op: 'reopen' }, options));
  common(group.command('false-alarm <id...>').description(t('误报：同样的事在期限内不再告警，到期后照旧', 'a false alarm: the same raises no alert until its time is over')))
    .option('--for <time>', t('安静多久（如 30d）；不写则按配置', 'how long it stays quiet (30d); as configured when left out'), duration)
    .action((ids: string[], options: Common & { for?: number }) => change(ids, { op: 'false-alarm', forMs: options.for ?? 0 }, options));
  common(group.command('assign <id> [name]').description(t('指定负责人；不写名字则取消', 'who looks after it; nobody when no name is given'))).action((id: string, name: string | undefined, options: Common) => change([id], { op: 'assign', to: name }, options));
  common(group.command('note <id> <text...>').description(t('记一笔', 'add a note'))).action((id: string, text: string[], options: Common) => change([id], { op: 'note', text: text.join(' ') }, options));
  common(group.command('task <id> [title...]').description(t('添加任务，或勾掉、重开一项', 'add a task, or tick one off')))
    .option('--to <name>', t('交给谁', 'who does it')).option('--done <n>', t('第几项已完成', 'the one that is done'), whole).option('--open <n>', t('第几项重新打开', 'the one that is open again'), whole)
    .action((id: string, title: string[], options: Common & { to?: string; done?: number; open?: number }) => {
      const ticked = options.done ?? options.open;
      return change([id], ticked === undefined ? { op: 'task', title: title.join(' '), to: options.to } : { op: 'task-done', task: ticked, open: options.done === undefined }, options);
    });
  common(group.command('tag <id> <tag>').description(t('加标签', 'add a tag'))).option('--remove', t('去掉它', 'take it off'))
    .action((id: string, tag: string, options: Common & { remove?: boolean }) => change([id], { op: options.remove ? 'untag' : 'tag', tag }, options));
  common(group.command('link <id> <target> [title...]').description(t('关联工单、网页或另一事件', 'link a ticket, a page or another incident'))).option('--remove', t('去掉它', 'take it off'))
    .action((id: string, target: string, title: string[], options: Common & { remove?: boolean }) => change([id], { op: options.remove ? 'unlink' : 'link', target, title: title.length > 0 ? title.join(' ') : undefined }, options));
  common(group.command('grade <id>').description(t('人工定级：须写原因；之后的证据不会悄悄改掉它', 'set level or grade by hand, with a reason; later evidence does not silently change it')))
    .option('--level <level>', levels.join(', '), level).option('--grade <n>', t('1 核心业务，2 部分业务，3 仅感染', '1 core business, 2 part of it, 3 infection only'), gradeNumber)
    .option('--by-evidence', t('撤销人工定级，恢复按证据定级', 'no longer by hand: as the evidence says'))
    .action((id: string, options: Common & { level?: Level; grade?: Grade; byEvidence?: boolean }, command: Command) => {
      if ((options.level === undefined && options.grade === undefined) !== (options.byEvidence === true)) command.error(t('error: 请写 --level、--grade，或 --by-evidence', 'error: expected --level, --grade, or --by-evidence'), { exitCode: 2 });
      return change([id], { op: 'grade', level: options.level, grade: options.grade }, options);
    });
  common(group.command('clock <id>').description(t('法定报告：已报告，或查明无需报告', 'the statutory report: it was made, or need not be')))
    .option('--reported', t('已向网信部门报告', 'it was made')).option('--not-reportable', t('无需报告，须写明原因', 'it need not be, and why'))
    .action((id: string, options: Common & { reported?: boolean; notReportable?: boolean }, command: Command) => {
      if (options.reported === options.notReportable) command.error(t('error: 请写 --reported 或 --not-reportable 之一', 'error: expected --reported or --not-reportable'), { exitCode: 2 });
      return change([id], { op: 'clock', how: options.reported ? 'reported' : 'not-reportable' }, options);
    });
  common(group.command('merge <id> <other>').description(t('两个事件其实是一个：合并，较早的编号留下', 'two that are one: the older id stays')))
    .action(async (id: string, other: string, { why, revision, json }: Common) => {
      const merged = (await askMoat(program, 'incident-merge', { id, other, by: operator(), why: why ?? '', ...(revision !== undefined && { revision }) })) as WholeIncident;
      if (json) { console.log(jsonLine(incidentJson(merged))); return; }
      console.log([`${colour.green('●')} ${t('已合并', 'merged')}`, ...incidentLines(merged, lang, Date.now())].join('\n'));
    });
}

function level(text: string): Level {
  const found = levels.find((one) => one === text);
  if (!found) throw new InvalidArgumentError(`expected one of ${levels.join(', ')}`);
  return found;
}

function gradeNumber(text: string): Grade {
  if (text !== '1' && text !== '2' && text !== '3') throw new InvalidArgumentError('expected 1, 2 or 3');
  return Number(text) as Grade;
}

function whole(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 0) throw new InvalidArgumentError('expected a whole number');
  return n;
}
