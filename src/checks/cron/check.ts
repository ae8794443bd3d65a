/** Everything that cron and anacron start: system tables, folders of scripts, the tables of users. */
import { readAccounts } from '../../linux/accounts.ts';
import { judgeCommand, judged, variableReasons, type How } from '../command.ts';
import { fact, finding, lessRights, lineFact, octal, withoutLine } from '../finding.ts';
import { isShipped, judgedFinding, listHook, attempt, readHook, scriptFindings, writableFinding, type HookFile, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { concealment } from '../look.ts';
import type { Finding } from '../../core/finding.ts';
import { baseName } from '../shell-words.ts';
import { isRunName, readTable, scriptFolders, spools, systemTables, tableFolder } from './tables.ts';

const place: Place = {
  check: 'cron', name: { zh: '计划任务', en: 'cron job' },
  means: { zh: '计划任务会一次次把程序带回来：只杀进程不清任务，过一会儿又会出现。', en: 'A cron job brings its program back again and again: whoever only kills the process sees it return.' },
  refs: ['attack:T1053.003'],
};

export const cron: PlaceCheck = {
  id: 'cron',
  title: { zh: '计划任务', en: 'cron' },
  blind: { zh: '任务运行时才拼出来的程序路径看不出来', en: 'cannot tell programs whose path a job puts together only when it runs' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    for (const path of systemTables) yield* table(path, context, true, true);
    for (const path of listHook(context, tableFolder)) if (!path.endsWith('/.placeholder')) yield* table(path, context, true, isRunName(context, baseName(path)));
    for (const spool of spools) for (const path of listHook(context, spool)) yield* table(path, context, false, !baseName(path).startsWith('tmp.'));
    for (const folder of scriptFolders) {
      const paths = listHook(context, folder).filter((path) => !path.endsWith('/.placeholder'));
      for await (const one of scriptFindings(place, context, paths)) yield isRunName(context, baseName(one.path!)) && isExecutable(context, one.path!) ? one : asleep(one);
    }
  },
};

function isExecutable(context: ScanContext, path: string): boolean {
  const real = attempt(context, path, () => context.tree.real(path));
  return real === undefined || ((context.tree.stat(real)?.mode ?? 0) & 0o111) !== 0;
}

/** Lies there and is not run as it is. */
const asleep = (one: Finding): Finding => ({ ...one, level: one.level === 'critical' ? 'high' : one.level === 'high' ? 'medium' : 'low', evidence: [...one.evidence, fact({ zh: '现在不会运行', en: 'not run now' }, 'name or mode')] });

async function* table(path: string, context: ScanContext, named: boolean, runs: boolean): AsyncIterable<Finding> {
  const file = readHook(context, path);
  if (!file || (named && await isShipped(context, path))) return;
  const owned = named ? undefined : baseName(path);
  if (owned === undefined) { const open = writableFinding(place, context, path, file.stat); if (open) yield open; } else yield* owners(file, owned, context);
  const { entries, odd } = readTable(file.text, path, named);
  if (odd > 0) context.count('lines of cron tables that are no job', odd);
  const variables = new Map<string, string>();
  const homes = homesByName(context);
  const hidden: { text: { zh: string; en: string }; line: ReturnType<typeof lineFact>; number: number }[] = [];
  for (const entry of entries) {
    if (!('command' in entry)) {
      variables.set(entry.name, entry.value);
      const found = judgedFinding(place, { path, key: entry.text.trim(), judged: judged(await variableReasons(entry.name, entry.value, context)), evidence: [lineFact(path, entry.line, entry.text.trim())], time: file.stat.changed, user: owned, fix: takeOut(path, entry.line), actions: withoutLine(path, entry.line, entry.text) });
      if (found) yield found;
      continue;
    }
    const concealed = concealment(entry.text);
    if (concealed) hidden.push({ text: concealed, line: lineFact(path, entry.line, entry.text.trim()), number: entry.line });
    const user = entry.user ?? owned ?? 'root';
    const how: How = { user, variables, ...(entry.input !== undefined && { input: entry.input }), ...homeOf(homes.get(user)) };
    const paths = variables.get('PATH')?.split(':').filter((folder) => folder.startsWith('/'));
    const found = judgedFinding(place, { path, key: entry.text, judged: await judgeCommand(entry.command, context, { ...how, ...(paths && paths.length > 0 && { path: paths }) }), evidence: [lineFact(path, entry.line, entry.text.trim())], time: file.stat.changed, user, fix: takeOut(path, entry.line), actions: withoutLine(path, entry.line, entry.text) });
    if (found) yield runs ? found : asleep(found);
  }
  // One for the file: a program that lies among the tables is full of such lines.
  const [first] = hidden;
  if (first) yield finding('cron', `${path}\0hidden`, { kind: 'intrusion', level: runs ? 'high' : 'medium', path, time: file.stat.changed, title: { zh: `${path}：${first.text.zh}`, en: `${path}: ${first.text.en}` }, evidence: hidden.slice(0, 5).map(({ line }) => line), means: place.means, fix: { text: takeOut(path, first.number), commands: [] }, refs: [...place.refs, 'attack:T1564'] });
}

const takeOut = (path: string, line: number): { zh: string; en: string } => ({ zh: `去掉 ${path} 第 ${line} 行`, en: `take out line ${line} of ${path}` });

/** Of two entries of one name the first counts, as it does for the system. */
const homesByName = (context: ScanContext): ReadonlyMap<string, string> => new Map((attempt(context, '/etc/passwd', () => readAccounts(context.tree)) ?? []).toReversed().map(({ name, home }) => [name, home]));

const homeOf = (home: string | undefined): { cwd?: string; home?: string } => (home?.startsWith('/') && home !== '/' ? { cwd: home, home } : {});

/** A user's table must be the user's own, and nobody else's to write. */
function* owners({ path, stat }: HookFile, user: string, context: ScanContext): Iterable<Finding> {
  const accounts = attempt(context, '/etc/passwd', () => readAccounts(context.tree));
  if (!accounts || user.startsWith('tmp.')) return;
  const account = accounts.find(({ name }) => name === user);
  const evidence = [fact({ zh: '属主与权限', en: 'owner and mode' }, `${stat.uid}:${stat.gid} ${octal(stat.mode)}`)];
  if (!account) {
    yield finding('cron', `${path}\0nobody`, { kind: 'notice', level: 'low', path, user, time: stat.changed, title: { zh: `计划任务表属于不存在的账号 ${user}`, en: `a cron table of the account ${user}, which is not there` }, evidence, fix: { text: { zh: '确认后删除', en: 'delete it when nobody needs it' }, commands: [] }, refs: place.refs });
    return;
  }
  const foreign = stat.uid !== account.uid && stat.uid !== 0 && context.tree.stat('/')?.uid === 0;
  const open = (stat.mode & 0o022) !== 0;
  if (!foreign && !open) return;
  yield finding('cron', `${path}\0owner`, {
    kind: 'weakness', level: 'high', path, user, time: stat.changed,
    title: foreign ? { zh: `${user} 的计划任务表属于另一个账号`, en: `the cron table of ${user} belongs to another account` } : { zh: `${user} 的计划任务表别人也能改`, en: `others may change the cron table of ${user}` },
    evidence,
    means: { zh: '谁能写这张表，谁就能以该账号的身份运行命令。', en: 'Who may write this table runs commands as that account.' },
    fix: { text: { zh: '改回属主和权限', en: 'give it back to its account' }, commands: [['chown', `${user}:crontab`, path], ['chmod', '600', path]], ...(!foreign && { actions: lessRights(path, stat.mode, 0o022) }) },
    refs: place.refs,
  });
}
