/** A program by its path: who put it there, whether it is as it was, who may change it, whether it lies where programs lie. */
import { isHidden } from '../core/hidden.ts';
import type { FindingKind } from '../core/finding.ts';
import type { Level } from '../core/level.ts';
import type { Text } from '../core/text.ts';
import { MoatError, reasonOf } from '../core/error.ts';
import { readAccounts } from '../linux/accounts.ts';
import { isElf } from '../linux/elf.ts';
import type { FileStat, Tree } from '../linux/tree.ts';
import type { Program, Sign } from './command.ts';
import { octal } from './finding.ts';
import { anyoneWrites, attempt } from './look.ts';
import type { ScanContext } from './port.ts';

/** Kind undefined: intrusion. */
export interface ProgramNote { sign: Sign; level: Level; kind?: FindingKind | undefined; text: Text; value: string; attack: readonly string[] }
export interface ProgramRead {
  program: Program;
  notes: readonly ProgramNote[];
  /** Where it really lies, when nobody ships it as it is and its text is worth reading. */
  script: string | undefined;
}

/** Where hidden names are no accident: homes of people hold many that tools made. */
const homes = /^\/(?:home\/[^/]+|root|Users\/[^/]+|srv\/[^/]+|var\/www)\//;

/** Folders of packages and daemons in which nobody keeps a compiled program of his own. */
const amongData = /^\/(?:usr\/(?:share|include)|usr\/lib\/(?:apt|dpkg|cron|sysctl\.d|modprobe\.d|tmpfiles\.d|locale|terminfo|mime|update-notifier|needrestart|networkd-dispatcher)|var\/(?:cache|backups|mail|spool|log|lib\/(?:dpkg|apt|misc|systemd|pam|dbus|ucf|python|logrotate))|lib\/modules|etc|boot)\//;

function isBinary(path: string, context: ScanContext): boolean {
  const head = attempt(context, path, () => context.tree.read(path, 4)?.bytes);
  return head !== undefined && isElf(head);
}

/** A program of no package behind a hidden name among those of the system: neither build tools nor package managers put one there. */
const secret = /^\/(?:usr\/(?:bin|sbin|lib|lib64|libexec|share|include)|bin|sbin|lib|lib64|boot|etc)\/(?:[^.][^/]*\/)*\.(?!venv\/|bin\/|build-id\/)[^/]|^\/usr\/local\/(?:s?bin|lib)\/\.[^/]+$/;

const kept = new WeakMap<Tree, Map<string, Promise<ProgramRead>>>();
const keptMax = 20_000;

/** Looked at once a path and account. `user` runs it: default root. */
export async function judgeProgram(path: string, context: ScanContext, user = 'root'): Promise<ProgramRead> {
  const known = kept.get(context.tree) ?? new Map<string, Promise<ProgramRead>>();
  kept.set(context.tree, known);
  const key = `${user}\0${path}`;
  const before = known.get(key);
  if (before) return before;
  if (known.size >= keptMax) known.clear();
  const reading = look(path, context, user);
  known.set(key, reading);
  return reading;
}

async function look(path: string, context: ScanContext, user: string): Promise<ProgramRead> {
  const { tree, provenance } = context;
  const notes: ProgramNote[] = [];
  const add = (sign: Sign, level: Level, text: Text, value: string, attack: readonly string[] = [], kind?: FindingKind): void => { notes.push({ sign, level, text, value, attack, kind }); };
  let real: string | undefined;
  let stat: FileStat | undefined;
  let owner: Program['owner'];
  try {
    real = tree.real(path);
    stat = real === undefined ? undefined : tree.stat(real);
    owner = stat === undefined || stat.kind === 'folder' ? undefined : await provenance.owner(path);
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    context.blind(path, reasonOf(error));
    return { program: { path, owner: undefined, there: false }, notes, script: undefined };
  }
  const program: Program = { path, owner, there: stat !== undefined };
  // Sourced folders and devices are no programs.
  if (stat !== undefined && stat.kind !== 'file') return { program, notes, script: undefined };
  const temporary = anyoneWrites.test(path) || (real !== undefined && anyoneWrites.test(real));
  if (temporary) add('open-place', 'high', { zh: '运行的程序在任何人都能写的目录里', en: 'it runs a program in a folder that anybody may write to' }, path, ['T1036.005']);
  else if (isHidden(path) || (real !== undefined && isHidden(real))) add('hidden', !owner && provenance.known && secret.test(real ?? path) ? 'high' : 'medium', { zh: '运行的程序藏在隐藏目录里', en: 'it runs a program behind a hidden name' }, path, ['T1564.001'], homes.test(real ?? path) ? 'notice' : undefined);
  if (real === undefined || stat === undefined) return { program, notes, script: undefined };
  if (owner) {
    if (owner.state === 'modified' && !owner.config) add('changed', 'high', { zh: `软件包 ${owner.name} 的程序被改过`, en: `a program of the package ${owner.name} was changed` }, path, ['T1554']);
  } else if (provenance.known && /^(?:\/usr)?\/s?bin\//.test(real)) add('unowned', 'low', { zh: '系统目录里不属于任何软件包的程序', en: 'a program in a system folder that no package owns' }, path, ['T1036.005'], 'notice');
  else if (provenance.known && amongData.test(real) && isBinary(real, context)) add('unowned', 'medium', { zh: '一个不属于任何软件包的程序，放在只该有数据的目录里', en: 'a program that no package owns, in a folder for data' }, path, ['T1036.005']);
  const trusted = tree.stat('/')?.uid ?? 0;
  if ((stat.mode & 0o002) !== 0) add('rewritable', 'high', { zh: '任何人都能改写这个程序', en: 'anybody may rewrite the program' }, `${path} ${octal(stat.mode)}`, ['T1574.010'], 'weakness');
  else if (user === 'root' && trusted === 0 && !temporary) {
    if (stat.uid !== 0) add('rewritable', 'medium', { zh: '以 root 运行，却属于普通账号：谁进了那个账号，谁就是 root', en: 'it runs as root and belongs to another account: who gets into that account is root' }, `${path} ${octal(stat.mode)} ${accountOf(tree, stat.uid)}`, ['T1574.010'], 'weakness');
    const open = openFolder(tree, real);
    if (open !== undefined) add('rewritable', 'high', { zh: '任何人都能换掉以 root 运行的程序', en: 'anybody may replace a program that runs as root' }, open, ['T1574.010'], 'weakness');
  }
  return { program, notes, script: !owner || owner.state === 'modified' ? real : undefined };
}

/** A folder on the way that anybody may rename things in. */
function openFolder(tree: Tree, path: string): string | undefined {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const folder = path.slice(0, at);
    const stat = tree.stat(folder);
    if (stat?.kind === 'folder' && (stat.mode & 0o002) !== 0 && (stat.mode & 0o1000) === 0) return `${folder} ${octal(stat.mode)}`;
  }
  return undefined;
}

function accountOf(tree: Tree, uid: number): string {
  return readAccounts(tree)?.find((account) => account.uid === uid)?.name ?? String(uid);
}
