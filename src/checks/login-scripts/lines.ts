/** What a line of a log-on script does beside starting programs: names it shadows, variables it sets, commands that it leaves to run at each prompt. */
import { codeFolders } from '../environment.ts';
import { anyoneWrites } from '../look.ts';
import { sends, sign, type Sign } from '../shadowing.ts';

const shellName = '[A-Za-z_][A-Za-z0-9_.-]{0,40}';
const aliasStart = new RegExp(`\\balias\\s+(?:-[gs]\\s+)?(${shellName})[= \\t]`, 'g');
const functionStart = new RegExp(`(?:^|[;{]\\s*)(?:function\\s+(${shellName})\\b|(${shellName})\\s*\\(\\s*\\))`);

const aliasesMax = 500;

/** Aliases of a line: its name and what stands for it, with quotes off. csh writes a blank for the sign of equality. */
export function aliasesOf(line: string, cut: () => void = () => undefined): { name: string; value: string }[] {
  const starts = [...line.matchAll(aliasStart)];
  if (starts.length > aliasesMax) cut();
  return starts.slice(0, aliasesMax).map((found) => {
    const rest = line.slice(found.index + found[0].length).trimStart();
    const quote = rest[0] === '"' || rest[0] === "'" ? rest[0] : undefined;
    const end = quote ? rest.indexOf(quote, 1) : rest.search(/[\s;]/);
    return { name: found[1]!, value: quote ? rest.slice(1, end < 0 ? undefined : end) : rest.slice(0, end < 0 ? undefined : end) };
  });
}

/** The name that a function definition begins on this line. */
export function functionName(line: string): string | undefined {
  const found = functionStart.exec(line);
  return found?.[1] ?? found?.[2];
}

const assignmentsMax = 1000;

export interface Assignment { name: string; value: string }

const assignmentStart = /(?:^|[\s;&|({])(?:export\s+|setenv\s+|set\s+-gx?\s+|typeset\s+-x\s+|declare\s+-x\s+)?([A-Za-z_][A-Za-z0-9_]{0,60})(?:\s+DEFAULT)?(?:\+?=)/g;
const setLike = /(?:^|[;&]\s*)(?:setenv|set\s+-[a-zA-Z]*g[a-zA-Z]*)\s+([A-Za-z_][A-Za-z0-9_]{0,60})\s+/g;

/** Variables that a line sets, quotes off: those of sh, csh (setenv), fish (set -gx) and pam_env (DEFAULT=). */
export function assignmentsOf(line: string, cut: () => void = () => undefined): Assignment[] {
  const out: Assignment[] = [];
  for (const pattern of [assignmentStart, setLike]) for (const found of line.matchAll(pattern)) {
    if (out.length >= assignmentsMax) { cut(); return out; }
    out.push({ name: found[1]!, value: valueAt(line, found.index + found[0].length) });
  }
  return out;
}

function valueAt(line: string, at: number): string {
  const quote = line[at];
  if (quote === '"' || quote === "'") {
    let end = at + 1;
    while (end < line.length && line[end] !== quote) end += line[end] === '\\' && quote === '"' ? 2 : 1;
    return line.slice(at + 1, end);
  }
  const end = line.slice(at).search(/[\s;&|)]/);
  return end < 0 ? line.slice(at) : line.slice(at, at + end);
}

/** Variables whose value a shell or program runs. */
export const runsValue = new Set(['PROMPT_COMMAND', 'BASH_ENV', 'ENV', 'GIT_SSH_COMMAND', 'GIT_SSH', 'GIT_PAGER', 'PAGER', 'MANPAGER', 'LESSOPEN', 'EDITOR', 'VISUAL', 'SUDO_ASKPASS', 'SSH_ASKPASS', 'PS1', 'PS4', 'PYTHONSTARTUP', 'BROWSER']);
/** Variables that put code into programs that are started later; the value names libraries or folders. */
export const loadsValue = new Set(['LD_PRELOAD', 'LD_AUDIT']);

/** What a variable says by itself. `writable` tells whether others than its owner may write to a folder. */
export function variableSign({ name, value }: Assignment, everybody: boolean, writable: (folder: string) => boolean): Sign | undefined {
  if (name === 'PATH' || codeFolders.has(name)) {
    const parts = value.split(/[:\s]/);
    const before = parts.slice(0, Math.max(0, parts.findIndex((part) => /\$\{?(?:PATH|path)/.test(part) || part === '/usr/bin' || part === '/bin')));
    const relative = name === 'PATH' ? before.find((part) => part === '.' || part === '..' || (part !== '' && !/^[/~$"'@%{]/.test(part))) : undefined;
    const open = before.find((part) => part.startsWith('/') && (anyoneWrites.test(`${part}/`) || writable(part)));
    if (open !== undefined) return sign('weakness', everybody ? 'high' : 'medium', `${name} 里排在前面的 ${open} 别人也能写`, `${open}, in front in ${name}, is for others to write to`, 'T1574.007');
    if (relative !== undefined) return sign('weakness', 'medium', `${name} 里排在前面的是相对目录“${relative}”：进哪个目录就运行哪里的程序`, `a relative folder, ${relative}, stands in front in ${name}: what lies in the current folder is run`, 'T1574.007');
    return undefined;
  }
  if ((name === 'HISTFILE' && value === '/dev/null') || (/^HIST(?:FILE)?SIZE$|^SAVEHIST$/.test(name) && value === '0')) return sign('weakness', 'medium', '关掉了命令历史', 'shell history is switched off', 'T1070.003');
  return undefined;
}

/** `trap '…' DEBUG`: what runs before each command. */
export function debugTrap(line: string): string | undefined {
  return /\btrap\s+(?:--\s+)?(?:'([^']{1,65536})'|"([^"]{1,65536})"|(\S+))\s+[A-Z ]*\b(?:DEBUG|EXIT|ERR|RETURN)\b/.exec(line)?.slice(1).find((part) => part !== undefined);
}

/** What runs at each prompt or command and keeps or sends what people type. */
export const recordsTyping = (command: string): boolean => sends.test(command) && /\bhistory\b|BASH_COMMAND|\bfc\b/.test(command);
