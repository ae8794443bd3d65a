/** Variables in the environment of running processes that have the loader, a shell or an interpreter run something of their own. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { maskSecrets } from '../../core/secrets.ts';
import { judgeCommand, judgeFile, type Reason } from '../command.ts';
import { codeFolders, loadedBy, optionNames } from '../environment.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { inOpenFolder, isHiddenPath, isShipped, machineOf, processFacts, running, tellDenied, type Running } from '../processes.ts';
import { variables } from '../process-variables.ts';
import { baseName } from '../shell-words.ts';
import { tellCut, tellRest } from '../look.ts';

/** The kernel takes 6 MiB with the default size of stacks. */
const environMax = 8 << 20;
const valueMax = 16 * 1024;
const settingsMax = 50_000;

/** Loads libraries, names files that a shell runs, holds a command, or has an interpreter load a file. */
const libraries = new Set(['LD_PRELOAD', 'LD_AUDIT']);
const startFiles = new Set(['BASH_ENV', 'ENV', 'PYTHONSTARTUP']);
const commands = new Set(['PROMPT_COMMAND', 'GIT_SSH_COMMAND', 'GIT_EXTERNAL_DIFF', 'LESSOPEN', 'LESSCLOSE', 'PS0']);
const histories = new Set(['HISTFILE', 'HISTSIZE', 'HISTFILESIZE']);

interface Setting { name: string; value: string; of: Running[] }
interface Judged { kind: FindingKind; level: Level; title: Text; means: Text; path?: string; reasons?: readonly Reason[]; attack: string }

export const processEnvironment: PlaceCheck = {
  id: 'process-environment',
  title: { zh: '运行中进程的环境变量', en: 'environment of running processes' },
  blind: { zh: '进程启动后自己改过的变量看不到：内核保留的是启动时的样子', en: 'variables that a process changed after its start: the kernel keeps those of its start' },
  group: 'hiding',
  scope: 'machine',
  everyMinutes: 30,
  async *run(context) {
    const settings = gather(context);
    for (const setting of settings.values()) {
      for (const judged of await judge(setting, context)) yield told(setting, judged, context);
    }
    tellDenied(context);
  },
};

/** Each variable and value once, with the processes that have it. Those of containers are judged by their words only. */
function gather(context: ScanContext): Map<string, Setting> {
  const { procfs } = machineOf(context);
  const settings = new Map<string, Setting>();
  for (const one of running(context)) {
    if (one.stat.kernelThread) continue;
    const text = procfs.read(`${one.pid}/environ`, environMax);
    if (text === undefined) continue;
    if (text.length >= environMax) tellCut(context, `/proc/${one.pid}/environ`, environMax);
    for (const [name, value] of variables(text)) {
      if (!isWatched(name) || value === '') continue;
      const key = `${name}\0${value}\0${one.here}`;
      const known = settings.get(key);
      if (known) known.of.push(one);
      else if (settings.size < settingsMax) settings.set(key, { name, value: value.slice(0, valueMax), of: [one] });
      else tellRest(context, '/proc/*/environ', settingsMax);
    }
  }
  return settings;
}

const isWatched = (name: string): boolean => libraries.has(name) || codeFolders.has(name) || startFiles.has(name) || commands.has(name) || histories.has(name) || optionNames.has(name) || name.startsWith('BASH_FUNC_');

async function judge({ name, value, of }: Setting, context: ScanContext): Promise<Judged[]> {
  const first = of[0]!;
  if (libraries.has(name)) {
    const found: Judged[] = [];
    for (const path of new Set(value.split(/[\s:]+/).filter(Boolean))) { const one = await library(name, path, first, context); if (one) found.push(one); }
    return found;
  }
  if (codeFolders.has(name)) {
    return value.split(':').filter((folder) => folder !== '' && !first.exe?.startsWith(`${folder}/`) && (inOpenFolder(`${folder}/`) && !/^\/tmp\/(?:_MEI|\.mount_)/.test(folder))).slice(0, 3).map((folder) => openFolder(name, folder, of));
  }
  if (startFiles.has(name) || optionNames.has(name)) {
    const { files, folders } = startFiles.has(name) ? { files: [value], folders: [] } : loadedBy(name, value);
    const found = folders.filter((folder) => inOpenFolder(`${folder}/`)).slice(0, 3).map((folder) => openFolder(name, folder, of));
    for (const path of files.slice(0, 20)) {
      if (!path.startsWith('/') || !first.here) continue;
      const { level, reasons } = await judgeFile(path, context);
      if (level !== undefined) found.push(runs(name, of, level, reasons, path));
    }
    return found;
  }
  if (commands.has(name) || name.startsWith('BASH_FUNC_')) {
    const shadowed = /^BASH_FUNC_(sudo|su|ssh|scp|passwd|ls|ps|netstat|ss|top|find|kill|lsof|systemctl|crontab)(?:%%|\(\))$/.exec(name)?.[1];
    const { level, reasons } = await judgeCommand(name.startsWith('BASH_FUNC_') ? value.replace(/^\(\)\s*\{/, '') : value, context);
    if (shadowed !== undefined) return [{ ...runs(name, of, level ?? 'medium', reasons), title: { zh: `${who(of)} 的环境里有一个冒充命令 ${shadowed} 的函数`, en: `the environment of ${who(of)} holds a function in place of the command ${shadowed}` } }];
    return level === undefined ? [] : [runs(name, of, level, reasons)];
  }
  // A shell that keeps no history: some do it for secrets' sake, and nearly all intruders do.
  const off = name === 'HISTFILE' ? value === '/dev/null' : value === '0';
  if (!off || !of.some(({ stat }) => /^(?:ba|z|k|da)?sh$/.test(stat.name))) return [];
  return [{
    kind: 'intrusion', level: 'low', attack: 'T1070.003',
    title: { zh: `${who(of)} 不记历史命令（${name}=${value}）`, en: `${who(of)} keeps no history of commands (${name}=${value})` },
    means: { zh: '入侵者登录后常先关掉历史记录；也有人为了不把密码写进历史而这样做。', en: 'Intruders often switch the history off first; some people do so to keep passwords out of it.' },
  }];
}

const openFolder = (name: string, folder: string, of: readonly Running[]): Judged => ({
    kind: 'weakness', level: 'medium', attack: 'T1574.006', path: folder,
    title: { zh: `${who(of)} 从任何人都能写的目录 ${folder} 找库（${name}）`, en: `${who(of)} searches libraries in ${folder}, where anybody may write (${name})` },
    means: { zh: '谁能往这里放一个库，谁的代码就会在这个进程里运行。', en: 'Whoever puts a library there has code of his own run in the process.' },
  });

const who = (of: readonly Running[]): string => (of.length === 1 ? `${of[0]!.exe === undefined ? of[0]!.stat.name : baseName(of[0]!.exe)} (${of[0]!.pid})` : `${of[0]!.exe === undefined ? of[0]!.stat.name : baseName(of[0]!.exe)} (${of[0]!.pid} +${of.length - 1})`);

async function library(name: string, path: string, first: Running, context: ScanContext): Promise<Judged | undefined> {
  const open = inOpenFolder(path), hidden = isHiddenPath(path);
  const owner = first.here && path.startsWith('/') ? await context.provenance.owner(path) : undefined;
  if (isShipped(owner)) return undefined;
  // Without a folder the loader searches the usual ones; which file that is says /proc/PID/maps, in another check.
  if (!path.startsWith('/')) return name === 'LD_AUDIT' ? base('medium') : undefined;
  const there = first.here && context.tree.real(path) !== undefined;
  const level: Level = open || hidden || owner?.state === 'modified' ? 'high' : !first.here || !there ? 'low' : name === 'LD_AUDIT' ? 'high' : 'medium';
  return base(level);
  function base(worth: Level): Judged {
    return {
      kind: atLeast(worth, 'high') ? 'intrusion' : 'notice', level: worth, attack: 'T1574.006', path,
      title: { zh: `${first.exe ?? first.stat.name}（进程 ${first.pid}）启动时被装入了 ${path}（${name}）`, en: `${path} was loaded into ${first.exe ?? first.stat.name} (process ${first.pid}) at its start (${name})` },
      means: { zh: '这个变量让加载器先装入指定的库：用户态 rootkit 和偷密码的库就这样进到别的程序里。个别软件也用它换内存分配器。', en: 'The variable has the loader take this library first: rootkits in user space and password stealers get into programs this way. Some software uses it to change its memory allocator.' },
    };
  }
}

function runs(name: string, of: readonly Running[], level: Level, reasons: readonly Reason[], path?: string): Judged {
  return {
    kind: 'intrusion', level, reasons, attack: reasons[0]?.attack[0] ?? 'T1546.004', ...(path !== undefined && { path }),
    title: { zh: `${who(of)} 的环境变量 ${name} 会让它运行：${reasons[0]?.text.zh ?? '别的命令'}`, en: `${name} in the environment of ${who(of)}: ${reasons[0]?.text.en ?? 'it runs another command'}` },
    means: { zh: '这个变量让每个新开的 shell 或解释器先运行别人给的东西，是不改任何配置文件的驻留手法。', en: 'The variable has each new shell or interpreter run something first: a way to stay in without touching any configuration file.' },
  };
}

function told({ name, value, of }: Setting, { kind, level, title, means, path, reasons = [], attack }: Judged, context: ScanContext): Finding {
  return finding('process-environment', `${name}\0${value}\0${path ?? ''}`, {
    kind, level, title, means, pid: of[0]!.pid, ...(path !== undefined && { path }),
    evidence: [
      fact({ zh: '环境变量', en: 'variable' }, `${name}=${maskSecrets(value)}`),
      ...reasons.slice(0, 5).map(({ evidence }) => ({ ...evidence, value: maskSecrets(evidence.value) })),
      fact({ zh: '有它的进程', en: 'processes that have it' }, of.slice(0, 50).map(({ pid, stat }) => `${pid} ${stat.name}`).join(', ')),
      ...processFacts(of[0]!, context),
    ],
    refs: [`attack:${attack}`],
  });
}
