/** Miners: their settings, programs and scripts, what they prepare on the machine, and those that run now. */
import type { Evidence, Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { Text } from '../../core/text.ts';
import type { FileStat } from '../../linux/tree.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { attempt, linesIn, readBeginning } from '../look.ts';
import type { ScanContext, Visitor, WalkCheck } from '../port.ts';
import { baseName } from '../shell-words.ts';
import { isMinerName, isThreadName, programSigns, textSigns } from './signs.ts';

const textMax = 256 * 1024;
/** How many are opened in one scan. */
const textsMax = 200_000;
/** Settings under a name that says nothing. */
const settingsMax = 16 * 1024;
const programsMax = 20_000;

/** stray: among the files of packages, and looked into only when it is none of theirs. */
type Wish = 'program' | 'text' | 'setting' | 'stray';

export const minerFiles: WalkCheck = {
  id: 'miner-files',
  title: { zh: '挖矿程序', en: 'miners' },
  blind: { zh: '加壳的程序看不到里面的字；软件包目录里的程序只按名字看', en: 'cannot see into packed programs; in folders of packages only names are looked at' },
  group: 'malware',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk(context): Visitor {
    let texts = 0;
    let programs = 0;
    return {
      wants: ({ path, stat }) => stat.kind === 'file' && wishOf(path, stat) !== undefined,
      async *look({ path, stat }) {
        const wish = wishOf(path, stat);
        if (wish === 'stray' && context.provenance.packageOf(path) !== undefined) return;
        switch (wish) {
          case 'setting': yield* setting(path, stat, context); return;
          case 'program':
            if (programs++ >= programsMax) { if (programs === programsMax + 1) tellMany(context, path, programsMax); return; }
            yield* program(path, stat, context);
            return;
          case 'stray': case 'text':
            if (texts++ >= textsMax) { if (texts === textsMax + 1) tellMany(context, path, textsMax); return; }
            yield* text(path, stat, context);
            return;
          case undefined: return;
        }
      },
      async *end() { if (context.machine) yield* running(context); },
    };
  },
};

const tellMany = (context: ScanContext, path: string, max: number): void => { context.blind(path, { zh: `这样的文件超过 ${max} 个，从这个起没打开看`, en: `there are more than ${max} such files; this one and those after it were not opened` }); };

/** Packages and their kin live there; a digest of each would take minutes, and another check does it. */
const packagePlaces = /^\/(?:usr\/(?:s?bin|lib(?:32|64|exec|x32)?|share|include|src)|s?bin|lib(?:64)?|snap|proc|sys)\//;

function wishOf(path: string, stat: FileStat): Wish | undefined {
  if (stat.size === 0) return undefined;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (/^\/etc\/(?:sysctl\.conf|modules|sysctl\.d\/[^/]+|modules-load\.d\/[^/]+)$/.test(path)) return 'setting';
  const runs = (stat.mode & 0o111) !== 0;
  const named = isMinerName(name) || isThreadName(name);
  if (packagePlaces.test(path)) return named && runs ? 'program' : /\.json$/i.test(name) && stat.size > 60 && stat.size < settingsMax && !/^\/(?:proc|sys|snap)\/|\/(?:node_modules|site-packages|dist-packages)\//.test(path) ? 'stray' : undefined;
  if (named && stat.size > textMax) return 'program';
  if (runs && stat.size > 100 * 1024 && stat.size < 200 << 20 && !path.includes('/node_modules/')) return 'program';
  if (stat.size > textMax || path.includes('/node_modules/')) return undefined;
  if (/\.(?:dat|cfg|cnf|config|settings|db)$/i.test(name) || (name.startsWith('.') && !name.slice(1).includes('.'))) return stat.size > 60 && stat.size < settingsMax ? 'text' : undefined;
  if (/\.json$/i.test(name)) return stat.size > 60 && !/^(?:package|package-lock|tsconfig|composer|manifest|\.?eslintrc)\.json$/i.test(name) ? 'text' : undefined;
  return runs || /\.(?:sh|service|cron|conf|bat)$/i.test(name) || named || /^\/(?:tmp|var\/tmp|dev\/shm)\//.test(path) ? 'text' : undefined;
}

async function* program(path: string, stat: FileStat, context: ScanContext): AsyncIterable<Finding> {
  const name = baseName(path);
  const signs = attempt(context, path, () => programSigns(context.tree, path));
  if (signs === undefined) return;
  const named = isMinerName(name);
  const thread = isThreadName(name);
  if (signs.words.length < 3 && !named && !thread) return;
  const owner = await context.provenance.owner(path);
  // Distributions ship miners too: whoever installed one knows.
  if (owner && owner.state !== 'modified') return;
  const words = signs.words.map((word) => fact({ zh: '其中的字', en: 'words in it' }, word));
  if (signs.words.length >= 3) yield about(path, 'program', 'intrusion', 'high', { zh: `挖矿程序 ${path}`, en: `a program that mines: ${path}` }, words, stat.changed);
  else if (thread && context.provenance.known) yield about(path, 'thread', 'intrusion', 'high', { zh: `名字装成内核线程的程序 ${path}`, en: `a program named like a thread of the kernel: ${path}` }, words, stat.changed, 'T1036.004');
  else if (named) yield about(path, 'named', 'intrusion', 'medium', { zh: `名字像挖矿程序：${path}`, en: `a program with the name of a miner: ${path}` }, words, stat.changed);
}

/** Source of compiled languages, rules and documents: nothing runs them as they are. */
const quotesOthers = /\.(?:[cm]?tsx?|go|rs|c|cc|cpp|h|hpp|java|kt|swift|ya?ml|toml|yara?|rules|md|rst|adoc|ipynb|patch|diff)$/i;

async function* text(path: string, stat: FileStat, context: ScanContext): AsyncIterable<Finding> {
  // One that has grown since it was wished for is judged by its beginning.
  const content = readBeginning(context, path, textMax);
  if (content === undefined || content.slice(0, 4096).includes('\0')) {
    // Small programs are no text.
    if (content !== undefined && (isMinerName(baseName(path)) || isThreadName(baseName(path)))) yield* program(path, stat, context);
    return;
  }
  const signs = textSigns(content, path);
  if (!signs) return;
  const owner = await context.provenance.owner(path);
  if (owner && owner.state !== 'modified') return;
  const evidence = signs.lines.map(({ line, text: shown }) => lineFact(path, line, maskSecrets(shown)));
  if ((stat.mode & 0o111) === 0 && quotesOthers.test(path)) {
    yield about(path, 'text', 'notice', 'low', { zh: `引用了挖矿程序命令或配置的源码、规则或文档：${path}`, en: `source, rules or a document that quote a miner: ${path}` }, evidence, stat.changed);
    return;
  }
  yield about(path, 'text', 'intrusion', signs.sure ? 'high' : 'medium', signs.settings ? { zh: `挖矿程序的配置 ${path}`, en: `settings of a miner: ${path}` } : { zh: `下载或守护挖矿程序的脚本 ${path}`, en: `a script that brings or guards a miner: ${path}` }, evidence, stat.changed);
}

/** What miners set up for speed. Databases take huge pages too: worth knowing, no more. */
async function* setting(path: string, stat: FileStat, context: ScanContext): AsyncIterable<Finding> {
  if ((await context.provenance.owner(path))?.state === 'intact') return;
  for (const { number, text: line } of linesIn(context, path, { max: textMax })) {
    const pages = /^\s*vm\.nr_hugepages\s*=\s*([1-9]\d{0,8})/.exec(line);
    if (pages) yield about(path, 'hugepages', 'notice', 'low', { zh: `${path} 设了大页内存：数据库会用，挖矿程序也会`, en: `${path} sets huge pages aside: databases use them, and so do miners` }, [lineFact(path, number, line)], stat.changed);
    else if (/\/modules/.test(path) && /^\s*msr\s*$/.test(line)) yield about(path, 'msr', 'notice', 'low', { zh: `${path} 开机加载 msr 模块：挖矿程序用它调 CPU`, en: `${path} loads the module msr at boot: miners tune the CPU by it` }, [lineFact(path, number, line)], stat.changed);
  }
}

/** Processes by their names, command lines and what the rules say of those. */
function* running({ machine, ...context }: ScanContext): Iterable<Finding> {
  const { procfs } = machine!;
  for (const pid of procfs.pids()) {
    const stat = procfs.stat(pid);
    if (!stat || stat.kernelThread) continue;
    const line = procfs.cmdline(pid) ?? '';
    const exe = procfs.exe(pid);
    const name = baseName((exe ?? stat.name).replace(/ \(deleted\)$/, ''));
    const mines = /stratum\+(?:tcp|ssl|tls)[^\s:]{0,8}:\/\/|--donate-level[= ]\d|(?:^|\s)(?:-a|--algo)[= ]?(?:rx\/|cn\/|randomx|ethash|kawpow)/i.test(line);
    const rule = mines || line === '' ? undefined : context.rules(line.slice(0, 8192)).find(({ attack }) => attack.some((id) => /^t?1496/i.test(id)));
    if (!mines && !rule && !isMinerName(name)) continue;
    yield {
      ...about(exe?.replace(/ \(deleted\)$/, '') ?? `/proc/${pid}`, `process\0${pid}\0${stat.startTicks}`, 'intrusion', mines ? 'critical' : rule ? rule.level : 'high', rule ? { zh: `正在运行 ${name}：${rule.title.zh}`, en: `running now: ${name}: ${rule.title.en}` } : { zh: `正在挖矿的进程 ${name}`, en: `a process that mines: ${name}` }, [fact({ zh: '命令行', en: 'command line' }, maskSecrets(line)), ...(exe === undefined ? [] : [fact({ zh: '程序', en: 'program' }, exe)])], undefined),
      pid, fix: { text: { zh: '先找出是谁启动它的（计划任务、systemd、守护脚本），一起清掉再结束它', en: 'find what started it (cron, systemd, a guard), clear that away, then end it' }, commands: [['kill', '-STOP', String(pid)]] },
    };
  }
}

function about(path: string, key: string, kind: FindingKind, level: Level, title: Text, evidence: readonly Evidence[], time: number | undefined, attack = 'T1496'): Finding {
  return finding('miner-files', `${path}\0${key}`, {
    kind, level, path, title, evidence, time,
    ...(kind === 'intrusion' && { means: { zh: '有人借这台机器的算力赚钱。挖矿程序常有守护：只删它一个，几分钟后又会回来。', en: 'Somebody earns by this machine. Miners have guards: delete only one part and it is back in minutes.' } }),
    fix: { text: kind === 'intrusion' ? { zh: `隔离 ${path}，并看同一时间还有什么被放进来`, en: `put ${path} away and see what else came at that time` } : { zh: '不是数据库等要用，就去掉', en: 'take it out unless a database needs it' }, commands: [] },
    refs: [`attack:${attack}`, 'dengbao:8.1.4.5'],
  });
}
