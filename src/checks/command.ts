/** What a command that something starts by itself is worth: which programs it runs, whose they are, what they hold. */
import { atLeast, type Level } from '../core/level.ts';
import type { Evidence } from '../core/finding.ts';
import type { Text } from '../core/text.ts';
import type { Owner } from '../linux/provenance.ts';
import type { ScanContext } from './port.ts';
import { fact } from './finding.ts';
import { commandsOf, inlineCode, programsOf } from './shell-words.ts';

/** `level` undefined: nothing speaks against it. Reasons come worst first. */
export interface Judgement { level: Level | undefined; reasons: Reason[]; /** Programs with their place, for evidence. */ programs: Program[] }
export interface Reason { level: Level; text: Text; evidence: Evidence; /** ATT&CK techniques. */ attack: readonly string[]; /** Undefined for what comes out of a rule. */ sign?: Sign; /** The program it is said of. */ program?: string; /** The rule that says so. */ rule?: string }
/** What is said of a program: it lies where anybody writes, behind a hidden name, was changed, is nobody's, or anybody may rewrite it. */
export type Sign = 'open-place' | 'hidden' | 'changed' | 'unowned' | 'rewritable';
export interface Program { path: string; owner: Owner | undefined; there: boolean }

const scriptMax = 256 * 1024;
const depthMax = 3;
const searchPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const anyoneWrites = ['/tmp/', '/var/tmp/', '/dev/shm/', '/run/shm/', '/dev/mqueue/', '/run/lock/', '/var/lock/', '/run/user/', '/var/crash/'];
const builtins = new Set('. : [ alias bg bind break case cd command continue declare dirs disown echo enable eval exec exit export fc fg getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap true false type typeset ulimit umask unalias unset wait'.split(' '));

/** Judges a shell line. `user` is who runs it; root's programs must not be others' to change. */
export async function judgeCommand(line: string, context: ScanContext, depth = 0): Promise<Judgement> {
  const reasons: Reason[] = [...textReasons(line, context)];
  const programs: Program[] = [];
  for (const words of commandsOf(line)) {
    const inline = inlineCode(words);
    if (inline !== undefined && depth < depthMax) {
      const inner = await judgeCommand(inline, context, depth + 1);
      reasons.push(...inner.reasons);
      programs.push(...inner.programs);
    }
    for (const name of programsOf(words)) {
      const judged = await judgeProgram(name, context, depth);
      if (!judged) continue;
      programs.push(judged.program);
      reasons.push(...judged.reasons);
    }
  }
  return judgement(reasons, programs);
}

/** Judges a file that is run: by whose it is, where it lies, who may change it and, for a script nobody ships, what it holds. */
export async function judgeFile(path: string, context: ScanContext, depth = 0): Promise<Judgement> {
  const judged = await judgeProgram(path, context, depth);
  return judgement(judged?.reasons ?? [], judged ? [judged.program] : []);
}

function judgement(reasons: Reason[], programs: Program[]): Judgement {
  const seen = new Set<string>();
  const sorted = reasons.filter(({ text, evidence }) => !seen.has(`${text.en}\0${evidence.value}`) && seen.add(`${text.en}\0${evidence.value}`)).sort((a, b) => (atLeast(a.level, b.level) ? (atLeast(b.level, a.level) ? 0 : -1) : 1));
  return { level: sorted[0]?.level, reasons: sorted, programs };
}

/** What the words themselves say, by the same rules that watch live processes. */
function textReasons(line: string, context: ScanContext): Reason[] {
  return context.rules(line).map(({ id, level, title, attack }) => ({ rule: id, level, text: title, evidence: fact({ zh: '命令', en: 'command' }, line.trim()), attack }));
}

async function judgeProgram(name: string, context: ScanContext, depth: number): Promise<{ program: Program; reasons: Reason[] } | undefined> {
  if (name.includes('$') || name === '' || (!name.includes('/') && builtins.has(name))) return undefined;
  const path = placeOf(name, context);
  if (path === undefined) return undefined;
  const { tree, provenance } = context;
  const stat = tree.stat(path);
  const real = tree.real(path);
  const owner = await provenance.owner(path);
  const program: Program = { path, owner, there: real !== undefined };
  const reasons: Reason[] = [];
  const add = (sign: Sign, level: Level, text: Text, value: string, attack: readonly string[] = []): void => { reasons.push({ sign, program: path, level, text, evidence: fact({ zh: '程序', en: 'program' }, value), attack }); };
  if (anyoneWrites.some((folder) => path.startsWith(folder) || real?.startsWith(folder))) add('open-place', 'high', { zh: '运行的程序在任何人都能写的目录里', en: 'it runs a program in a folder that anybody may write to' }, path);
  else if (/\/\.[^/]+(?:\/|$)/.test(path) && !path.includes('/.local/') && !path.includes('/.config/')) add('hidden', 'medium', { zh: '运行的程序藏在隐藏目录里', en: 'it runs a program behind a hidden name' }, path, ['T1564.001']);
  if (real === undefined || stat === undefined) return { program, reasons };
  if (owner) {
    if (owner.state === 'modified' && !owner.config) add('changed', 'high', { zh: `软件包 ${owner.name} 的程序被改过`, en: `a program of the package ${owner.name} was changed` }, path, ['T1554']);
  } else if (provenance.known && /^(?:\/usr)?\/s?bin\//.test(real)) add('unowned', 'medium', { zh: '系统目录里不属于任何软件包的程序', en: 'a program in a system folder that no package owns' }, path, ['T1036.005']);
  const at = tree.stat(real);
  if (at?.kind === 'file' && (at.mode & 0o002) !== 0) add('rewritable', 'high', { zh: '任何人都能改写这个程序', en: 'anybody may rewrite the program' }, `${path} ${at.mode.toString(8)}`, ['T1574.010']);
  if (!owner || owner.state === 'modified') reasons.push(...await scriptReasons(real, context, depth));
  return { program, reasons };
}

async function scriptReasons(path: string, context: ScanContext, depth: number): Promise<Reason[]> {
  if (depth >= depthMax) return [];
  const head = context.tree.read(path, scriptMax);
  if (!head || head.bytes.subarray(0, 4096).includes(0)) return [];
  if (head.cut) context.count('scripts read only in part');
  const text = head.bytes.toString('utf8');
  const shell = /^#!.*\b(?:ba|da|z|k|a)?sh\b/.test(text) || !text.startsWith('#!');
  const reasons: Reason[] = [];
  for (const [i, line] of joined(text)) {
    const judged = shell ? await judgeCommand(line, context, depth + 1) : { reasons: textReasons(line, context) };
    for (const reason of judged.reasons) reasons.push({ ...reason, evidence: fact({ zh: `${path} 第 ${i} 行`, en: `${path} line ${i}` }, line.trim()) });
    if (reasons.length > 50) break;
  }
  return reasons;
}

const linesMax = 5000;

/** Lines with their numbers; one that ends in a backslash goes on. Empty ones and comments left out. */
function* joined(text: string): Iterable<[number, string]> {
  let carried = '';
  let from = 1;
  for (const [i, raw] of text.split('\n').slice(0, linesMax).entries()) {
    if (carried === '') from = i + 1;
    if (raw.endsWith('\\')) { carried += raw.slice(0, -1); continue; }
    const line = carried + raw;
    carried = '';
    if (line.trim() !== '' && !line.trimStart().startsWith('#')) yield [from, line];
  }
}

/** Where a program without a path lies; undefined when it is nowhere. */
function placeOf(name: string, { tree }: ScanContext): string | undefined {
  if (name.startsWith('/')) return name;
  if (name.includes('/')) return undefined;
  for (const folder of searchPath) if (tree.stat(`${folder}/${name}`)) return `${folder}/${name}`;
  return undefined;
}
