/** What it says of an alias, a function or a script that it stands for a program which people trust: it takes passwords, or hides part of what the true one shows. */
import type { Level } from '../core/level.ts';
import type { FindingKind } from '../core/finding.ts';
import type { Text } from '../core/text.ts';
import { commandsOf, programsOf, baseName } from './shell-words.ts';
import { anyoneWrites } from './look.ts';

export interface Sign { kind: FindingKind; level: Level; text: Text; attack: readonly string[] }

/** Programs that are given passwords. */
const takesPassword = new Set(['sudo', 'su', 'ssh', 'scp', 'sftp', 'passwd', 'login', 'doas', 'gpg', 'mysql', 'psql', 'pkexec', 'ssh-add', 'chpasswd']);
/** Programs by which people look for intruders. */
const looks = new Set(['ls', 'ps', 'top', 'htop', 'pstree', 'netstat', 'ss', 'lsof', 'find', 'who', 'w', 'last', 'lastb', 'lsmod', 'crontab', 'cat', 'grep', 'kill', 'pgrep', 'pkill', 'df', 'du', 'stat', 'systemctl', 'journalctl', 'history', 'chattr', 'lsattr', 'which', 'iptables', 'docker']);
/** What people put in front of or in place of those. */
const harmless = new Set(['command', 'builtin', 'env', 'exec', 'kitten', 'kitty', 'autossh', 'mosh', 'sshpass', 'proxychains', 'proxychains4', 'doas', 'sudo', 'noglob', 'nocorrect', 'time', 'rlwrap', 'grc', 'return', 'local', 'shift', 'if', 'true', '[', 'test', 'printf', 'echo', 'export', 'unset', 'set', 'tput', 'eval']);
const filters = new Set(['grep', 'egrep', 'fgrep', 'sed', 'awk', 'gawk', 'mawk', 'perl']);
export const sends = /\b(?:curl|wget|nc|ncat|netcat|socat|openssl)\b|\/dev\/(?:tcp|udp)\//;
/** Takes what is typed. */
const reads = /\bread\s+(?:-\w*\s+)*-?\w*s|\bread\b[^;|&]{0,40}\s-\w{0,4}s|\bstty\s+-echo\b|\bsystemd-ask-password\b|\bgetpass\b/;
const writes = />{1,2}\s*["']?[/~$]|\btee\b/;

export const sign = (kind: FindingKind, level: Level, zh: string, en: string, ...attack: string[]): Sign => ({ kind, level, text: { zh, en }, attack });

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
