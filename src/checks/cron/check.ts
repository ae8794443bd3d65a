/** Everything that cron and anacron start: system tables, folders of scripts, the tables of users. */
import { filesIn, textOf } from '../../linux/tree.ts';
import { readAccounts } from '../../linux/accounts.ts';
import { judgeCommand, judgeFile, type Judgement } from '../command.ts';
import { fact, finding, lineFact, octal } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import type { Finding } from '../../core/finding.ts';

const systemTables = ['/etc/crontab', '/etc/anacrontab'];
const tableFolders = ['/etc/cron.d'];
const scriptFolders = ['/etc/cron.hourly', '/etc/cron.daily', '/etc/cron.weekly', '/etc/cron.monthly', '/etc/cron.yearly'];
const spools = ['/var/spool/cron/crontabs', '/var/spool/cron', '/var/spool/cron/tabs'];

export const cron: PlaceCheck = {
  id: 'cron',
  title: { zh: '计划任务', en: 'cron' },
  blind: { zh: '任务里用变量拼出来的程序路径看不出来', en: 'cannot tell programs whose path a job puts together from variables' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const { tree } = context;
    for (const path of [...systemTables, ...tableFolders.flatMap((folder) => filesIn(tree, folder))]) yield* table(path, context, true);
    for (const spool of spools) for (const path of filesIn(tree, spool)) yield* table(path, context, false);
    for (const folder of scriptFolders) for (const path of filesIn(tree, folder)) {
      if (!path.endsWith('/.placeholder')) yield* script(path, context);
    }
  },
};

export interface Job { line: number; text: string; user: string | undefined; command: string; when: string }

/** Jobs of a table. `named` tables have the account in front of the command. */
export function jobsOf(text: string, path: string, named: boolean): Job[] {
  const jobs: Job[] = [];
  const fields = path.endsWith('/anacrontab') ? /^\s*(\S+\s+\S+\s+\S+)\s+(.*)$/ : /^\s*(@\S+|(?:\S+\s+){4}\S+)\s+(.*)$/;
  for (const [i, line] of text.split('\n').entries()) {
    if (/^\s*(?:#|$)/.test(line) || /^\s*[A-Za-z_][A-Za-z0-9_]*\s*=/.test(line)) continue;
    const found = fields.exec(line);
    if (!found) continue;
    const rest = found[2]!;
    const user = named && !path.endsWith('/anacrontab') ? /^(\S+)\s+/.exec(rest) : undefined;
    // An unescaped % ends the command; what follows is its input.
    jobs.push({ line: i + 1, text: line, user: user?.[1], command: user ? rest.slice(user[0].length) : rest, when: found[1]! });
  }
  return jobs;
}

async function* table(path: string, context: ScanContext, named: boolean): AsyncIterable<Finding> {
  const { tree, provenance } = context;
  const text = textOf(tree, path);
  const stat = tree.stat(path);
  if (text === undefined || !stat) return;
  const owner = await provenance.owner(path);
  if (owner?.state === 'intact') return;
  const owned = named ? undefined : path.slice(path.lastIndexOf('/') + 1);
  if (owned !== undefined && readAccounts(tree)?.every(({ name }) => name !== owned)) context.count('cron tables of accounts that are not there');
  if (named && (stat.mode & 0o022) !== 0) yield writable(path, stat.mode, stat.changed);
  for (const job of jobsOf(text, path, named)) {
    const judged = await judgeCommand(job.command, context);
    if (judged.level === undefined) continue;
    yield found(path, `${path}\0${job.text}`, job.user ?? owned ?? 'root', judged, [lineFact(path, job.line, job.text.trim())], stat.changed, { zh: `去掉 ${path} 第 ${job.line} 行`, en: `take out line ${job.line} of ${path}` });
  }
}

async function* script(path: string, context: ScanContext): AsyncIterable<Finding> {
  const owner = await context.provenance.owner(path);
  if (owner && owner.state !== 'modified') return;
  const stat = context.tree.stat(path);
  const judged = await judgeFile(path, context);
  if (!stat || judged.level === undefined) return;
  yield found(path, path, 'root', judged, [fact({ zh: '脚本', en: 'script' }, path)], stat.changed, { zh: `隔离 ${path}`, en: `put ${path} away` });
}

function found(path: string, key: string, user: string, { level = 'medium', reasons }: Judgement, evidence: Finding['evidence'], time: number, fix: { zh: string; en: string }): Finding {
  const reason = reasons[0]!;
  return finding('cron', key, {
    kind: 'intrusion', level, path, user, time,
    title: { zh: `计划任务：${reason.text.zh}`, en: `cron job: ${reason.text.en}` },
    evidence: [...evidence, ...reasons.map((one) => one.evidence)],
    means: { zh: '计划任务会一次次把程序带回来：只杀进程不清任务，过一会儿又会出现。', en: 'A cron job brings its program back again and again: whoever only kills the process sees it return.' },
    fix: { text: fix, commands: [] },
    refs: ['attack:T1053.003', ...reason.attack.map((id) => `attack:${id}`)],
  });
}

const writable = (path: string, mode: number, time: number): Finding => finding('cron', `${path}\0mode`, {
  kind: 'weakness', level: 'high', path, time,
  title: { zh: `${path} 不只 root 能改`, en: `others than root may change ${path}` },
  evidence: [fact({ zh: '权限', en: 'mode' }, octal(mode))],
  fix: { text: { zh: '收回写权限', en: 'take the right to write away' }, commands: [['chmod', 'go-w', path]] },
  refs: ['attack:T1053.003', 'cis:5.1.2'],
});
