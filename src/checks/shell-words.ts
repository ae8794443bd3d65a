/** Which programs a simple command starts, and what code it hands to an interpreter. */
import { parseShell } from './shell-parse.ts';

/** One simple command: its words, quotes taken off. */
export type Words = string[];

/** Languages whose code is judged; `other` for interpreters that are only known by name. */
export type Language = 'shell' | 'python' | 'perl' | 'php' | 'ruby' | 'node' | 'awk' | 'lua' | 'other';
/** Text that an interpreter is given to run. */
export interface Code { language: Language; text: string }

export interface Starts {
  /** Programs, scripts and libraries of code that are run, as they are named: no path is looked for. */
  programs: string[];
  code: Code[];
  /** The interpreter that takes its program from standard input. */
  fromInput: Language | undefined;
  /** A folder whose programs are all run (run-parts). */
  folder: string | undefined;
  /** The name that the program is given instead of its own (`exec -a`). */
  title: string | undefined;
}

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Simple commands of a line in order, those in `$( )`, backticks, `( )` and `{ }` too. */
export function commandsOf(line: string): Words[] {
  return parseShell(line).pipelines.flatMap((pipeline) => pipeline.map(({ words }) => words)).filter((words) => words.length > 0);
}

/** What one simple command starts: the program itself and, for an interpreter, the script it is given. */
export const programsOf = (words: Words): string[] => startsOf(words).programs;

/** What an interpreter is given to run on the command line itself: `sh -c '…'`, `python -c '…'`. */
export const inlineCode = (words: Words): string | undefined => startsOf(words).code[0]?.text;

export const interpreters = /^(?:sh|bash|rbash|dash|ash|zsh|ksh|ksh93|mksh|fish|csh|tcsh|python[0-9.]*|pypy[0-9.]*|perl[0-9.]*|ruby[0-9.]*|php[0-9.]*|node|nodejs|bun|deno|lua[0-9.]*|luajit|tclsh[0-9.]*|expect|awk|gawk|mawk|nawk)$/;

export function languageOf(program: string): Language | undefined {
  const name = baseName(program);
  if (!interpreters.test(name)) return undefined;
  if (/^(?:python|pypy)/.test(name)) return 'python';
  if (name.startsWith('perl')) return 'perl';
  if (name.startsWith('php')) return 'php';
  if (name.startsWith('ruby')) return 'ruby';
  if (/^(?:node|nodejs|bun|deno)$/.test(name)) return 'node';
  if (name.endsWith('awk')) return 'awk';
  if (name.startsWith('lua')) return 'lua';
  return /sh[0-9]*$/.test(name) && !name.startsWith('tcl') ? 'shell' : 'other';
}

/**
 * Programs that start the program named behind their options: which short options take the next word, which long ones do, how
 * many plain words come first.
 */
interface Starter { short?: string; long?: readonly string[]; plain?: number }
const starters: Readonly<Record<string, Starter>> = {
  nohup: {}, exec: { short: 'a' }, command: {}, builtin: {}, setsid: {}, time: { short: 'fo' }, busybox: {}, toybox: {}, unbuffer: {}, eatmydata: {}, chronic: {}, 'run-one': {}, 'run-this-one': {}, torsocks: {}, proxychains: { short: 'f' }, proxychains4: { short: 'f' }, linux64: {}, linux32: {}, fakeroot: {}, 'dbus-run-session': {},
  sudo: { short: 'ugpChrtTUCD', long: ['user', 'group', 'prompt', 'chdir', 'host', 'role', 'type'] }, doas: { short: 'uC' }, env: { short: 'uC', long: ['unset', 'chdir'] }, nice: { short: 'n', long: ['adjustment'] }, ionice: { short: 'cnp', long: ['class', 'classdata'] }, chrt: { short: 'TPD', plain: 1 },
  timeout: { short: 'sk', long: ['signal', 'kill-after'], plain: 1 }, stdbuf: { short: 'ioe' }, flock: { short: 'wE', long: ['timeout', 'wait', 'conflict-exit-code'], plain: 1 }, xargs: { short: 'IiLlnPsEead', long: ['max-args', 'max-procs', 'replace', 'arg-file', 'delimiter'] }, taskset: { plain: 1 },
  runuser: { short: 'ugGs', long: ['user', 'group', 'shell'] }, gosu: { plain: 1 }, 'su-exec': { plain: 1 }, setpriv: {}, 'aa-exec': { short: 'pni' }, capsh: {}, chroot: { plain: 1 }, unshare: { short: 'SGRw' }, nsenter: { short: 'tSGN', long: ['target'] }, 'systemd-run': { short: 'pEtuGHM', long: ['property', 'setenv', 'unit', 'description', 'slice', 'uid', 'gid', 'on-active', 'on-boot', 'on-calendar', 'on-unit-active', 'working-directory'] }, 'systemd-cat': { short: 'tp', long: ['identifier', 'priority'] }, 'systemd-inhibit': {},
  watch: { short: 'nd', long: ['interval'] }, daemonize: { short: 'aceopulE' }, screen: { short: 'SchtTeps' }, chpst: { short: 'uUbemdofpnl/' }, strace: { short: 'eopsuEaIbPSX' }, cgexec: { short: 'g' }, numactl: { short: 'iNmpC' }, prlimit: {}, cpulimit: { short: 'lpe' }, faketime: { plain: 1 }, 'ssh-agent': { short: 'atP' }, firejail: {}, setarch: {}, catchsegv: {},
};
/** Keywords that stand in front of a command when a line was cut out of a script. */
const keywords = new Set(['if', 'then', 'else', 'elif', 'while', 'until', 'do', '{', '}', '!', '[[', ']]', 'fi', 'done', 'esac', 'case', 'for', 'in', 'function', 'select', 'coproc']);
const assignment = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;
const loader = /^ld(?:-linux[\w-]*|-musl-\w+|64|-[0-9.]+)?\.so(?:\.[0-9]+)?$/;
const wordsMax = 4000;
const depthMax = 6;

/** What a simple command starts. */
export function startsOf(words: Words, depth = 0): Starts {
  const starts: Starts = { programs: [], code: [], fromInput: undefined, folder: undefined, title: undefined };
  let at = 0;
  for (let rounds = 0; at < words.length && rounds < 20; rounds++) {
    const word = words[at]!;
    if (keywords.has(word) || assignment.test(word)) { at++; continue; }
    const name = baseName(word);
    const starter = Object.hasOwn(starters, name) ? starters[name] : undefined;
    if (!starter) break;
    // The starter itself is told when it does not come from the system's search path.
    if (word.includes('/')) starts.programs.push(word);
    if (name === 'exec') { const a = words.indexOf('-a', at); if (a > 0 && a < at + 4) starts.title = words[a + 1]; }
    const inline = inlineOf(name, words, at + 1);
    if (inline !== undefined) { starts.code.push({ language: 'shell', text: inline }); return starts; }
    const next = skipOptions(words, at + 1, starter);
    if (next >= words.length) { if (!word.includes('/')) starts.programs.push(word); return starts; }
    at = next;
  }
  const program = words[at];
  if (program === undefined || words.length > wordsMax) return starts;
  const rest = words.slice(at + 1);
  special(baseName(program), program, rest, starts, depth);
  return starts;
}

/** `su -c`, `flock -c`, `env -S`: a line for a shell. */
function inlineOf(name: string, words: Words, from: number): string | undefined {
  switch (name) {
    case 'flock': case 'runuser': { const c = words.findIndex((word, i) => i >= from && (word === '-c' || word === '--command')); return c < 0 ? undefined : words[c + 1]; }
    case 'env': { const s = words.findIndex((word, i) => i >= from && i < from + 6 && (word === '-S' || word === '--split-string' || word === '-vS')); return s < 0 ? undefined : words.slice(s + 1).join(' '); }
    case 'watch': { const at = skipOptions(words, from, starters['watch']!); return at < words.length ? words.slice(at).join(' ') : undefined; }
    default: return undefined;
  }
}

function special(name: string, program: string, rest: Words, starts: Starts, depth: number): void {
  const nested = (inner: Words): void => {
    if (depth >= depthMax || inner.length === 0) return;
    const more = startsOf(inner, depth + 1);
    starts.programs.push(...more.programs);
    starts.code.push(...more.code);
    starts.folder ??= more.folder;
    starts.title ??= more.title;
    starts.fromInput ??= more.fromInput;
  };
  const add = (language: Language, text: string | undefined): void => { if (text !== undefined) starts.code.push({ language, text }); };
  if (loader.test(name)) {
    starts.programs.push(program);
    const at = skipOptions(rest, 0, { long: ['library-path', 'preload', 'audit', 'argv0', 'inhibit-rpath'] });
    nested(rest.slice(at));
    return;
  }
  switch (name) {
    case '.': case 'source': if (rest[0] !== undefined) starts.programs.push(rest[0]); if (rest[0] === '/dev/fd/63' || rest[0] === '/dev/stdin') starts.fromInput = 'shell'; return;
    case 'eval': add('shell', rest.join(' ')); return;
    case 'trap': add('shell', rest[0]); return;
    case 'su': case 'script': case 'pkexec': case 'scriptreplay': {
      starts.programs.push(program);
      const c = rest.findIndex((word) => word === '-c' || word === '--command' || /^-\w*c$/.test(word));
      if (name === 'pkexec') nested(rest.slice(skipOptions(rest, 0, { long: ['user'] })));
      else if (c >= 0) add('shell', rest[c + 1]);
      return;
    }
    case 'tmux': { starts.programs.push(program); const last = rest.at(-1); if (/^new|^respawn|^split|^run/.test(rest.find((word) => !word.startsWith('-')) ?? '') && last?.includes(' ')) add('shell', last); return; }
    case 'start-stop-daemon': {
      starts.programs.push(program);
      for (const option of ['--exec', '-x', '--startas', '-a']) { const at = rest.findIndex((word) => word === option || /^-\w+$/.test(word) && option.length === 2 && word.endsWith(option[1]!)); if (at >= 0 && rest[at + 1] !== undefined) { const dashes = rest.indexOf('--'); nested([rest[at + 1]!, ...(dashes < 0 ? [] : rest.slice(dashes + 1))]); } }
      for (const word of rest) { const found = /^--(?:exec|startas)=(.+)$/.exec(word); if (found) starts.programs.push(found[1]!); }
      return;
    }
    case 'daemon': { starts.programs.push(program); const at = rest.findIndex((word) => !word.startsWith('-')); if (at >= 0) { if (rest[at]!.includes(' ')) add('shell', rest.slice(at).join(' ')); else nested(rest.slice(at)); } return; }
    case 'run-parts': { starts.programs.push(program); starts.folder = rest.find((word) => word.startsWith('/')); return; }
    case 'find': {
      starts.programs.push(program);
      for (let at = 0, found = 0; at < rest.length && found < 10; at++) {
        if (!/^-(?:exec|ok)(?:dir)?$/.test(rest[at]!)) continue;
        const end = rest.findIndex((word, i) => i > at && (word === ';' || word === '+'));
        nested(rest.slice(at + 1, end < 0 ? undefined : end));
        found++;
      }
      return;
    }
    case 'dotnet': case 'java': case 'mono': {
      starts.programs.push(program);
      const jar = rest.findIndex((word) => word === '-jar');
      const file = jar >= 0 ? rest[jar + 1] : name === 'java' ? undefined : rest.find((word) => !word.startsWith('-') && /\.(?:dll|exe)$/.test(word));
      if (file !== undefined) starts.programs.push(file);
      for (const word of rest) { const agent = /^-(?:javaagent|agentpath):([^=]+)/.exec(word); if (agent) starts.programs.push(agent[1]!); }
      return;
    }
    case 'at': case 'batch': {
      starts.programs.push(program);
      const f = rest.findIndex((word) => word === '-f' || /^-\w*f$/.test(word));
      if (f >= 0) { if (rest[f + 1] !== undefined) starts.programs.push(rest[f + 1]!); } else starts.fromInput = 'shell';
      return;
    }
    // A program for the kernel, out of a file.
    case 'bpftool': { starts.programs.push(program); if (rest[0]?.startsWith('prog') && rest[1]?.startsWith('load') && rest[2]?.includes('/')) starts.programs.push(rest[2]); return; }
    case 'insmod': { starts.programs.push(program); const module = rest.find((word) => !word.startsWith('-')); if (module?.includes('/')) starts.programs.push(module); return; }
    default:
  }
  starts.programs.push(program);
  const language = languageOf(program);
  if (language !== undefined) interpreted(language, rest, starts);
}

/** Options of interpreters: those with code, those that take the next word, those that name a file to be run first. */
const options: Readonly<Record<Language, { code: RegExp; next: RegExp; file?: RegExp; module?: RegExp }>> = {
  shell: { code: /^[-+][a-zA-Z]*c[a-zA-Z]*$/, next: /^[-+][a-zA-Z]*[oO]$/, file: /^--(?:rcfile|init-file)$/ },
  python: { code: /^-[a-zA-Z]*c$/, next: /^-[WXQ]$/, module: /^-[a-zA-Z]*m$/ },
  perl: { code: /^-[a-zA-Z0-9]*[eE]$/, next: /^-I$/ },
  ruby: { code: /^-[a-zA-Z]*e$/, next: /^-[ICEF]$/, file: /^-r$/ },
  php: { code: /^(?:-[rBRE]|--run)$/, next: /^-[dczStT]$/, file: /^(?:-f|-F|--file)$/ },
  node: { code: /^(?:-e|-p|-pe|--eval|--print)$/, next: /^(?:-C|--conditions)$/, file: /^(?:-r|--require|--import|--loader|--experimental-loader)$/ },
  lua: { code: /^-e$/, next: /^-l$/ },
  awk: { code: /^(?:-e|--source)$/, next: /^-[vF]$/, file: /^(?:-f|--file|-E|--exec)$/ },
  other: { code: /^-c$/, next: /^-$/, file: /^-f$/ },
};

function interpreted(language: Language, rest: Words, starts: Starts): void {
  const { code, next, file, module } = options[language];
  let files = 0;
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]!;
    if (word === '--') { if (rest[at + 1] !== undefined) starts.programs.push(rest[at + 1]!); else starts.fromInput = language; return; }
    if (module?.test(word)) return;
    if (code.test(word)) {
      const text = language === 'shell' ? rest.slice(at + 1).find((one) => !/^[-+][a-zA-Z]*$/.test(one)) : rest[at + 1];
      if (text !== undefined) starts.code.push({ language, text });
      return;
    }
    const attached = /^(?:--(?:eval|print|require|import|loader|rcfile|init-file|file)=|-(?=[er]['"A-Za-z(]{8}))(.+)$/s.exec(word);
    if (attached && word.startsWith('--')) { if (/^--(?:eval|print)/.test(word)) { starts.code.push({ language, text: attached[1]! }); return; } starts.programs.push(attached[1]!); files++; continue; }
    if (file?.test(word)) { const named = rest[++at]; if (named !== undefined) { starts.programs.push(named); files++; } if (language === 'awk' || language === 'php') return; continue; }
    if (next.test(word)) { at++; continue; }
    if (word === '-' || word === '/dev/stdin' || word === '/proc/self/fd/0' || word === '/dev/fd/63' || word === '/dev/fd/0') { starts.fromInput = language; return; }
    if (language === 'shell' && /^-[a-zA-Z]*s[a-zA-Z]*$/.test(word)) { starts.fromInput = language; return; }
    if (/^[-+]./.test(word)) { if (/^--?(?:version|help|v|V|h|i)$/.test(word) && language !== 'shell') return; continue; }
    if (language === 'awk') { starts.code.push({ language, text: word }); return; }
    if (language === 'node' && /^(?:run|install|exec|start|test|x)$/.test(word)) return;
    starts.programs.push(word);
    return;
  }
  if (files === 0) starts.fromInput = language;
}

function skipOptions(words: Words, from: number, { short = '', long = [], plain = 0 }: Starter): number {
  let at = from;
  for (let left = plain; at < words.length; at++) {
    const word = words[at]!;
    if (word === '--') { at++; while (left-- > 0) at++; break; }
    if (word.startsWith('--')) { if (long.includes(word.slice(2))) at++; continue; }
    if (word.startsWith('-') && word !== '-') { if (short.includes(word.at(-1)!) && (word.length === 2 || /^-[a-zA-Z]+$/.test(word))) at++; continue; }
    if (assignment.test(word)) continue;
    if (left-- > 0) continue;
    break;
  }
  return at;
}
