/** What the checks of places that start something have in common: read a file, judge its commands, tell what was found. */
import { MoatError } from '../core/error.ts';
import type { Finding, FixAction } from '../core/finding.ts';
import { atLeast } from '../core/level.ts';
import type { Text } from '../core/text.ts';
import { homesOf, readAccounts } from '../linux/accounts.ts';
import { filesIn, textMax, type FileStat } from '../linux/tree.ts';
import { isElf } from '../linux/elf.ts';
import { joinJudgements, judgeCommand, judged, judgeFile, judgeText, judgeWords, variableReasons, type How, type Judgement } from './command.ts';
import { fact, finding, lineFact, octal, putAway, withoutLine } from './finding.ts';
import { attempt, firstOf, tellCut } from './look.ts';
import type { Looking, ScanContext } from './port.ts';
import type { Words } from './shell-words.ts';

export { attempt };

/** A kind of place: how its findings speak. */
export interface Place {
  /** Folder of the check. */
  check: string;
  /** What stands there: 计划任务, cron job. */
  name: Text;
  means: Text;
  refs: readonly string[];
}

export interface HookFile { path: string; text: string; stat: FileStat }

/** A file's text, links followed; undefined when it is not there. One that cannot be read, or not to its end, is told as blind. */
export function readHook(context: Looking, path: string, max = textMax): HookFile | undefined {
  return attempt(context, path, () => {
    const read = context.tree.read(path, max);
    const real = read && context.tree.real(path);
    const stat = real === undefined ? undefined : context.tree.stat(real);
    if (!read || !stat) return undefined;
    if (read.cut) tellCut(context, path, max);
    return { path, text: read.bytes.toString('utf8'), stat };
  });
}

const filesMax = 20_000;

/** Files and links of a folder with their paths; none when there is no such folder. */
export function listHook(context: Looking, folder: string): string[] {
  const files = attempt(context, folder, () => filesIn(context.tree, folder)) ?? [];
  return [...firstOf(context, folder, files, filesMax)];
}

/** Folders of a folder. */
export function foldersOf(context: Looking, folder: string): string[] {
  const names = attempt(context, folder, () => context.tree.list(folder)) ?? [];
  return attempt(context, folder, () => firstOf(context, folder, names, filesMax).map((name) => `${folder}/${name}`).filter((path) => context.tree.stat(path)?.kind === 'folder')) ?? [];
}

/** Every home folder with who lives there. */
export function homes(context: Looking): { home: string; user: string }[] {
  const accounts = attempt(context, '/etc/passwd', () => readAccounts(context.tree)) ?? [];
  const known = homesOf(accounts).map(({ home, users }) => ({ home, user: users[0]! }));
  if (!known.some(({ home }) => home === '/root')) known.push({ home: '/root', user: 'root' });
  return known;
}

/** As a package ships it: nothing to judge. A file that cannot be read is none of those, and is told when it is read itself. */
export async function isShipped(context: ScanContext, path: string): Promise<boolean> {
  try {
    return (await context.provenance.owner(path))?.state === 'intact';
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    return false;
  }
}

/** Does any package own it, as it is or changed? */
export async function isOwned(context: ScanContext, path: string): Promise<boolean> {
  try {
    return (await context.provenance.owner(path)) !== undefined;
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    return false;
  }
}

/**
 * A file of settings that no package ships as it is, and what is to be said of who may write it. Undefined for one that is
 * shipped, is not there, or is closed to us (told).
 */
export async function readUnshipped(place: Place, context: ScanContext, path: string): Promise<(HookFile & { open: readonly Finding[] }) | undefined> {
  if (await isShipped(context, path)) return undefined;
  const file = readHook(context, path);
  const open = file && writableFinding(place, context, path, file.stat);
  return file && { ...file, open: open ? [open] : [] };
}

/** A command that a file names: a line for a shell, or words that are started as they are. */
export interface HookCommand { line: number; /** The line as it stands. */ text: string; command: string | Words; how?: How }

/** One finding for each command that something speaks against. */
export async function* commandFindings(place: Place, context: ScanContext, { path, stat }: Pick<HookFile, 'path' | 'stat'>, commands: Iterable<HookCommand>): AsyncIterable<Finding> {
  for (const { line, text, command, how } of commands) {
    const judgement = typeof command === 'string' ? await judgeCommand(command, context, how) : await judgeWords(command, context, how);
    const found = judgedFinding(place, { path, key: text.trim(), judged: judgement, evidence: [lineFact(path, line, text.trim())], time: stat.changed, user: how?.user, fix: { zh: `去掉 ${path} 第 ${line} 行`, en: `take out line ${line} of ${path}` }, actions: withoutLine(path, line, text) });
    if (found) yield found;
  }
}

/** A file of settings that no package ships as it is: who may write it, and the commands that `read` finds in it. */
export async function* configFindings(place: Place, context: ScanContext, path: string, read: (text: string) => Iterable<HookCommand>): AsyncIterable<Finding> {
  const file = await readUnshipped(place, context, path);
  if (!file) return;
  yield* file.open;
  yield* commandFindings(place, context, file, read(file.text));
}

interface Told {
  path: string;
  /** Which of the path's findings it is. */
  key: string;
  judged: Judgement;
  evidence: Finding['evidence'];
  time: number;
  user?: string | undefined;
  fix: Text;
  commands?: readonly (readonly string[])[];
  actions?: readonly FixAction[];
}

/** Undefined when nothing speaks against it. */
export function judgedFinding(place: Place, { path, key, judged: { level, kind, reasons }, evidence, time, user, fix, commands = [], actions }: Told): Finding | undefined {
  const [reason] = reasons;
  if (level === undefined || !reason) return undefined;
  return finding(place.check, `${path}\0${key}`, {
    kind, level, path, time, ...(user !== undefined && { user }),
    title: { zh: `${place.name.zh}：${reason.text.zh}`, en: `${place.name.en}: ${reason.text.en}` },
    evidence: [...evidence, ...reasons.map((one) => one.evidence)],
    means: place.means,
    fix: { text: fix, commands, ...(actions && { actions }) },
    refs: [...new Set([...place.refs, ...reasons.slice(0, 5).flatMap(({ attack }) => attack.map((id) => `attack:${id}`))])],
  });
}

/** Scripts that are run from a place: those that no package ships as they are. */
export async function* scriptFindings(place: Place, context: ScanContext, paths: Iterable<string>, how: How = { user: 'root' }): AsyncIterable<Finding> {
  const asHook: How = { ...how, hook: true };
  for (const path of paths) {
    if (await isShipped(context, path)) continue;
    const stat = attempt(context, path, () => statOf(context, path));
    if (!stat) continue;
    const open = writableFinding(place, context, path, stat);
    if (open) yield open;
    const found = judgedFinding(place, { path, key: 'script', judged: await judgeFile(path, context, asHook), evidence: [fact({ zh: '脚本', en: 'script' }, path)], time: stat.changed, user: how.user, fix: { zh: '先让它不能运行，再查它从何而来', en: 'take its right to run, then see where it came from' }, commands: [['chmod', 'a-x', path]], actions: putAway(path) });
    const grave = found?.kind === 'intrusion' && atLeast(found.level, 'high');
    if (!grave && await isStrayProgram(path, context)) yield binaryFinding(place, path, stat.changed);
    else if (found && !(open && found.kind === 'weakness')) yield found;
  }
}

/** A compiled program that lies among scripts itself, no link to where it belongs, and that no package ships. */
async function isStrayProgram(path: string, context: ScanContext): Promise<boolean> {
  if (!context.provenance.known || await isOwned(context, path)) return false;
  return attempt(context, path, () => { const head = context.tree.link(path) === undefined ? context.tree.read(path, 4)?.bytes : undefined; return head !== undefined && isElf(head); }) === true;
}

const binaryFinding = (place: Place, path: string, time: number): Finding => finding(place.check, `${path}\0binary`, {
  kind: 'intrusion', level: 'high', path, time, user: 'root',
  title: { zh: `${place.name.zh}：这里本该是脚本，却放着一个没有软件包提供的程序`, en: `${place.name.en}: a program that no package ships lies where scripts belong` },
  evidence: [fact({ zh: '程序', en: 'program' }, path)],
  means: place.means,
  fix: { text: { zh: '先让它不能运行，再查它从何而来', en: 'take its right to run, then see where it came from' }, commands: [['chmod', 'a-x', path]], actions: putAway(path) },
  refs: [...place.refs, 'attack:T1036.005'],
});

/** Settings that scripts or services source or take their variables from: `NAME=value COMMAND` runs the command. */
export async function* sourcedFindings(place: Place, context: ScanContext, path: string): AsyncIterable<Finding> {
  const file = await readUnshipped(place, context, path);
  if (!file) return;
  yield* file.open;
  const all = [await judgeText(file.text, context, { file: path })];
  for (const { line, text } of linesOf(file.text)) {
    const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_]\w{0,100})=(.*)$/.exec(text) ?? [];
    if (name === undefined) continue;
    const reasons = await variableReasons(name, value.trim().replace(/^(["'])(.*)\1$/, '$2'), context);
    if (reasons.length > 0) all.push(judged(reasons.map((one) => ({ ...one, evidence: lineFact(path, line, text.trim()) }))));
  }
  const found = judgedFinding(place, { path, key: 'sourced', judged: joinJudgements(all), evidence: [], time: file.stat.changed, fix: { zh: `检查 ${path}`, en: `look at ${path}` } });
  if (found) yield found;
}

function statOf({ tree }: ScanContext, path: string): FileStat | undefined {
  const real = tree.real(path);
  const stat = real === undefined ? undefined : tree.stat(real);
  return stat?.kind === 'file' ? stat : undefined;
}

/** A file that others than its owner may write, or whose owner is not root where it must be. Undefined when it is as it should be. */
export function writableFinding(place: Place, { tree }: ScanContext, path: string, stat: FileStat, user = 'root'): Finding | undefined {
  const all = (stat.mode & 0o002) !== 0;
  const group = (stat.mode & 0o020) !== 0 && stat.gid !== 0;
  // A tree that was unpacked by an ordinary account tells nothing of owners.
  const foreign = user === 'root' && stat.uid !== 0 && tree.stat('/')?.uid === 0;
  if (!all && !foreign && !(group && user === 'root')) return undefined;
  return finding(place.check, `${path}\0mode`, {
    kind: 'weakness', level: all ? 'high' : 'medium', path, time: stat.changed,
    title: { zh: `${path} 不只 root 能改`, en: `others than root may change ${path}` },
    evidence: [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)],
    means: { zh: '它以 root 的身份起作用：谁能改它，谁就是 root。', en: 'It takes effect as root: who may change it is root.' },
    fix: { text: { zh: '归还 root 并收回写权限', en: 'give it to root and take the right to write away' }, commands: [...(foreign ? [['chown', 'root:root', path]] : []), ['chmod', 'go-w', path]] },
    refs: [...place.refs, 'attack:T1222.002'],
  });
}

/** Lines with their numbers, those that end in a backslash joined; comments and empty ones left out. */
export function* linesOf(text: string, comment = /^\s*[#;]/): Iterable<{ line: number; text: string }> {
  let carried = '';
  let from = 1;
  for (const [i, raw] of text.split('\n').entries()) {
    if (carried === '') from = i + 1;
    if (carried !== '' && comment.test(raw)) continue;
    const plain = raw.replace(/\r$/, '');
    if (plain.endsWith('\\') && !comment.test(plain)) { carried += `${plain.slice(0, -1)} `; continue; }
    const whole = carried + plain;
    carried = '';
    if (whole.trim() !== '' && !comment.test(whole)) yield { line: from, text: whole };
  }
  if (carried.trim() !== '') yield { line: from, text: carried };
}

/** Names of accounts by their number; empty when they cannot be read, which is told. */
export const namesByUid = (context: ScanContext): ReadonlyMap<number, string> => new Map((attempt(context, '/etc/passwd', () => readAccounts(context.tree)) ?? []).map(({ uid, name }) => [uid, name]));
