/** What a line of a log-on script does beside starting programs: names it shadows, variables it sets, commands that it leaves to run at each prompt. */
import type { Level } from '../../core/level.ts';
import type { FindingKind } from '../../core/finding.ts';
import type { Text } from '../../core/text.ts';
import { commandsOf, programsOf, baseName } from '../shell-words.ts';
import { anyoneWrites } from '../look.ts';

export interface Sign { kind: FindingKind; level: Level; text: Text; attack: readonly string[] }

/** Programs that are given passwords. */
const takesPassword = new Set(['sudo', 'su', 'ssh', 'scp', 'sftp', 'passwd', 'login', 'doas', 'gpg', 'mysql', 'psql', 'pkexec', 'ssh-add', 'chpasswd']);
/** Programs by which people look for intruders. */
const looks = new Set(['ls', 'ps', 'top', 'htop', 'pstree', 'netstat', 'ss', 'lsof', 'find', 'who', 'w', 'last', 'lastb', 'lsmod', 'crontab', 'cat', 'grep', 'kill', 'pgrep', 'pkill', 'df', 'du', 'stat', 'systemctl', 'journalctl', 'history', 'chattr', 'lsattr', 'which', 'iptables', 'docker']);
/** What people put in front of or in place of those. */
const harmless = new Set(['command', 'builtin', 'env', 'exec', 'kitten', 'kitty', 'autossh', 'mosh', 'sshpass', 'proxychains', 'proxychains4', 'doas', 'sudo', 'noglob', 'nocorrect', 'time', 'rlwrap', 'grc', 'return', 'local', 'shift', 'if', 'true', '[', 'test', 'printf', 'echo', 'export', 'unset', 'set', 'tput', 'eval']);
const filters = new Set(['grep', 'egrep', 'fgrep', 'sed', 'awk', 'gawk', 'mawk', 'perl']);
const sends = /\b(?:curl|wget|nc|ncat|netcat|socat|openssl)\b|\/dev\/(?:tcp|udp)\//;
/** Takes what is typed. */
const reads = /\bread\s+(?:-\w*\s+)*-?\w*s|\bread\b[^;|&]{0,40}\s-\w{0,4}s|\bstty\s+-echo\b|\bsystemd-ask-password\b|\bgetpass\b/;
const writes = />{1,2}\s*["']?[/~$]|\btee\b/;

const shellName = '[A-Za-z_][A-Za-z0-9_.-]{0,40}';
const aliasStart = new RegExp(`\\balias\\s+(?:-[gs]\\s+)?(${shellName})[= \\t]`, 'g');
const functionStart = new RegExp(`(?:^|[;{]\\s*)(?:function\\s+(${shellName})\\b|(${shellName})\\s*\\(\\s*\\))`);

const sign = (kind: FindingKind, level: Level, zh: string, en: string, ...attack: string[]): Sign => ({ kind, level, text: { zh, en }, attack });

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

export const isGuarded = (name: string): boolean => takesPassword.has(name) || looks.has(name);

/** What it says of an alias or function that it stands for a program of that name. */
export function shadowing(name: string, body: string): Sign | undefined {
  if (!isGuarded(name)) return undefined;
  // A starter such as strace counts beside what it starts.
  const programs = commandsOf(body).flatMap((words) => [...new Set([...words.slice(0, 1), ...programsOf(words)])]);
  const others = programs.filter((program) => baseName(program) !== name && !harmless.has(program));
  if (takesPassword.has(name)) {
    if (reads.test(body) && (writes.test(body) || sends.test(body))) return sign('intrusion', 'critical', `冒充 ${name}：读入密码并存下或发走`, `stands in for ${name}, reads the password and keeps or sends it`, 'T1056', 'T1546.004');
    if (sends.test(body) || (writes.test(body) && others.length > 0)) return sign('intrusion', 'high', `冒充 ${name}，把经手的内容写走或发走`, `stands in for ${name} and writes or sends what passes through it`, 'T1056', 'T1546.004');
    const odd = programs.find((program) => program.includes('/') && (anyoneWrites.test(program) || (/\/\.[^/]/.test(program) && baseName(program) === name)));
    if (odd !== undefined) return sign('intrusion', 'high', `${name} 被换成 ${odd}`, `${odd} stands in for ${name}`, 'T1546.004', 'T1574.007');
    if (programs.some((program) => /^(?:strace|ltrace|script|gdb)$/.test(baseName(program)))) return sign('intrusion', 'high', `${name} 的输入输出被录下来`, `what is typed into ${name} is recorded`, 'T1056', 'T1546.004');
    return undefined;
  }
  const itself = programs.some((program) => baseName(program) === name);
  const hides = itself && (programs.some((program) => filters.has(baseName(program)) && /\bgrep\b[^|;]{0,80}\s-\w{0,6}v|\bsed\b[^|;]{0,80}\/d\b|!~/.test(body)) || /\s(?:-I\s?|--ignore=|--hide=)/.test(body));
  if (hides) return sign('intrusion', 'medium', `${name} 的输出被滤掉一部分：有东西不想让人看见`, `part of what ${name} shows is filtered out: something shall not be seen`, 'T1564', 'T1546.004');
  const odd = programs.find((program) => anyoneWrites.test(program));
  return odd === undefined ? undefined : sign('intrusion', 'high', `${name} 被换成 ${odd}`, `${odd} stands in for ${name}`, 'T1546.004');
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
const codeFolders = new Set(['LD_LIBRARY_PATH', 'PYTHONPATH', 'PERL5LIB', 'NODE_PATH', 'RUBYLIB', 'GCONV_PATH']);

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
