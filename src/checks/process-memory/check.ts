/** Code in running programs that is none of theirs: libraries from odd places, and memory that is written and executed at once. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { executableMappings, type Mapping } from '../../linux/maps.ts';
import type { Owner } from '../../linux/provenance.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { inOpenFolder, isHiddenPath, isShipped, machineOf, ownerOf, processFacts, running, startedAt, tellDenied, type Running } from '../processes.ts';
import { baseName } from '../shell-words.ts';
import { tellCut, upTo } from '../look.ts';

/** More than the kernel lets a process have, unless vm.max_map_count was raised far. */
const mapsMax = 64 << 20;
const findingsMax = 300;

export const processMemory: PlaceCheck = {
  id: 'process-memory',
  title: { zh: '注入的库与可写可执行内存', en: 'injected libraries and memory that is writable and executable' },
  blind: { zh: '写完代码后收回写权限的注入，以及写进脚本语言自己内存里的代码看不出来', en: 'code whose memory was made read-only afterwards, and code inside the memory of script languages' },
  group: 'hiding',
  scope: 'machine',
  everyMinutes: 60,
  async *run(context) {
    const { procfs } = machineOf(context);
    /** By library and reason: one finding for all processes that have it. */
    const libraries = new Map<string, { odd: Exclude<OddLibrary, 'outdated'>; path: string; of: Running[]; owner: Owner | undefined }>();
    const outdated = new Map<string, Set<number>>();
    const judged = new Map<string, Promise<{ odd: OddLibrary | undefined; owner: Owner | undefined }>>();
    let told = 0;
    for (const one of running(context)) {
      if (one.stat.kernelThread || one.exe === undefined) continue;
      const text = procfs.read(`${one.pid}/maps`, mapsMax);
      if (text === undefined || text === '') continue;
      if (text.length >= mapsMax) tellCut(context, `/proc/${one.pid}/maps`, mapsMax);
      const all = [...executableMappings(text)];
      const program = await ownerOf(one, context);
      const writable = all.find((mapping) => isRawWritable(mapping));
      if (writable && told >= findingsMax) context.count('findings beyond the limit');
      else if (writable) {
        const found = writableFinding(one, writable, all, text, program, context);
        if (found) { told++; yield found; }
      }
      if (!one.here) continue; // a container's libraries are not files of this tree
      for (const path of new Set(all.flatMap((mapping) => (isLibrary(mapping, one) ? [`${mapping.deleted ? 'd' : ' '}${mapping.path!}`] : [])))) {
        const deleted = path.startsWith('d');
        const file = path.slice(1);
        const key = `${path}\0${isShipped(program)}\0${runtimes.test(baseName(one.exe))}`;
        let verdict = judged.get(key);
        if (!verdict) { verdict = judge(file, deleted, one, program, context); judged.set(key, verdict); }
        const { odd, owner } = await verdict;
        if (odd === 'outdated') { const pids = outdated.get(owner?.name ?? file) ?? new Set(); outdated.set(owner?.name ?? file, pids.add(one.pid)); continue; }
        if (odd === undefined) continue;
        const known = libraries.get(`${file}\0${odd}`) ?? { odd, path: file, of: [], owner };
        known.of.push(one);
        libraries.set(`${file}\0${odd}`, known);
      }
    }
    for (const { odd, path, of, owner } of upTo(context, [...libraries.values()], findingsMax)) yield libraryFinding(odd, path, of, owner, context);
    if (outdated.size > 0) yield outdatedFinding(outdated);
    tellDenied(context);
  },
};

/** Memory of no file, or of a file that only memory holds, that may be written and executed at once. */
const isRawWritable = ({ permissions, path }: Mapping): boolean => permissions[1] === 'w' && permissions[2] === 'x' && (path === undefined || path === '[heap]' || path === '[stack]' || path.startsWith('[anon:') || path.startsWith('/memfd:'));

/** Programs that compile while they run. */
const runtimes = /^(?:node|nodejs|java|php.*|dotnet|mono.*|python[\d.]*|ruby[\d.]*|beam\.smp|lua.*|qemu.*|chrome|chromium.*|firefox.*|electron|deno|bun|postgres|R|julia|wine.*|gjs.*|openresty|nginx|valgrind.*|box64|rosetta|qjs|js\d*|julia|sbcl|pypy.*|clickhouse.*|mysqld|mariadbd|gdb|perf|bpftrace)$/;
/** Libraries that make code: whoever maps one may have such memory. */
const compilers = /\/lib(?:pcre2?(?:-8|-16|-32|posix)?|LLVM[^/]*|ffi|jvm|luajit[^/]*|mono[^/]*|node|v8[^/]*|ruby[^/]*|javascriptcoregtk[^/]*|mozjs[^/]*|gccjit|tcc|gjs|orc[^/]*|coreclr|clrjit|nvidia[^/]*|cuda[^/]*|python3[^/]*|perl|php[^/]*|lightning|sljit|volk|erts[^/]*|hs[^/]*|z3|wasmtime|wasmer)[.-][^/]*$|\/opcache\.so$/;

function writableFinding(one: Running, mapping: Mapping, all: readonly Mapping[], text: string, program: Owner | undefined, context: ScanContext): Finding | undefined {
  const name = baseName(one.exe!);
  if (!one.here || runtimes.test(name)) { if (!runtimes.test(name)) context.count('programs of containers with writable and executable memory, not judged'); return undefined; }
  // Where a compiler is mapped read-only data shows it too, so the whole table is asked.
  if (all.some(({ path }) => path !== undefined && compilers.test(path)) || compilersIn(text)) return undefined;
  const shipped = isShipped(program);
  const [kind, level]: [FindingKind, Level] = shipped ? ['intrusion', 'medium'] : inOpenFolder(one.exe!) ? ['intrusion', 'medium'] : ['notice', 'low'];
  const time = startedAt(machineOf(context).procfs, one.stat);
  return finding('process-memory', `rwx\0${one.pid}\0${one.stat.startTicks}`, {
    kind, level, pid: one.pid, path: one.exe!,
    title: shipped
      ? { zh: `${one.exe}（进程 ${one.pid}）里有可写又可执行的内存，而这个程序自己不产生代码`, en: `${one.exe} (process ${one.pid}) has memory that is writable and executable, and the program makes no code of its own` }
      : { zh: `${one.exe}（进程 ${one.pid}）有可写又可执行的内存`, en: `${one.exe} (process ${one.pid}) has memory that is writable and executable` },
    evidence: [fact({ zh: '内存', en: 'memory' }, `${mapping.from} ${mapping.permissions} ${mapping.length} bytes ${mapping.path ?? ''}`.trim()), ...processFacts(one, context)],
    means: { zh: '注入到别的进程里的代码、解压后运行的加壳程序都要这样的内存。会即时编译的语言（Java、Node、PHP 等）也有，已按程序排除。', en: 'Code that was injected into a process needs such memory, and so do packed programs. Languages that compile as they run (Java, Node, PHP and others) have it too and were left out.' },
    fix: { text: { zh: '留下内存转储再分析', en: 'keep a dump of its memory and have it looked at' }, commands: [['gcore', '-o', `/root/evidence-${one.pid}`, String(one.pid)]] },
    refs: ['attack:T1055', 'attack:T1027.002'],
    ...(time !== undefined && { time }),
  });
}

const compilersIn = (text: string): boolean => text.split('\n').some((line) => { const slash = line.indexOf('/'); return slash > 0 && compilers.test(line.slice(slash)); });

type OddLibrary = 'open' | 'hidden' | 'memory' | 'deleted' | 'modified' | 'unowned' | 'outdated';

function isLibrary({ path, inode }: Mapping, one: Running): boolean {
  if (path === undefined || path === one.exe || path.startsWith('[') || inode === 0) return false;
  return !/^(?:\/memfd:(?!.*\.so)|\/dev\/zero|\/SYSV|\/\[aio\]|\/anon_hugepage|anon_inode:|\/dev\/nvidia|\/dev\/dri|\/i915|\/drm|socket:)/.test(path);
}

async function judge(path: string, deleted: boolean, one: Running, program: Owner | undefined, context: ScanContext): Promise<{ odd: OddLibrary | undefined; owner: Owner | undefined }> {
  if (path.startsWith('/memfd:')) return { odd: isShipped(program) && runtimes.test(baseName(one.exe!)) ? undefined : 'memory', owner: undefined };
  // A runtime unpacks its own libraries into a temporary folder and may take the file away at once.
  const unpacks = /^(?:java|node|nodejs|bun|python[\d.]*|dotnet)$/.test(baseName(one.exe!)) && !isHiddenPath(path) && !path.startsWith('/dev/');
  const ownFolder = one.exe !== undefined && path.startsWith(one.exe.slice(0, one.exe.lastIndexOf('/') + 1)) && !isShipped(program);
  if (inOpenFolder(path)) return { odd: unpacks || ownFolder || /\/_MEI\w{4,}\/|\/ffi\w{6}$|^\/tmp\/\.mount_|^\/tmp\/#\d+$/.test(path) ? undefined : 'open', owner: undefined };
  const owner = await context.provenance.owner(path);
  if (deleted) return { odd: owner && owner.state !== 'missing' ? 'outdated' : context.tree.stat(path) || !/^\/(?:usr\/)?lib/.test(path) ? undefined : 'deleted', owner };
  if (owner?.state === 'modified' && !owner.config) return { odd: 'modified', owner };
  if (isHiddenPath(path) && !owner && isShipped(program)) return { odd: 'hidden', owner };
  if (!owner && context.provenance.known && loaderFolder.test(path) && /\.so(?:\.|$)/.test(path)) return { odd: 'unowned', owner };
  return { odd: undefined, owner };
}

/** Where the loader looks by itself. */
const loaderFolder = /^(?:\/usr)?\/lib(?:32|64|x32)?\/(?:(?:x86_64|aarch64|i386|arm|riscv64|powerpc64le|s390x)[\w-]*\/)?[^/]+$/;

const oddWords: Record<Exclude<OddLibrary, 'outdated'>, { kind: FindingKind; level: Level; zh: string; en: string }> = {
  open: { kind: 'intrusion', level: 'high', zh: '来自任何人都能写的目录', en: 'comes from a folder that anybody may write to' },
  hidden: { kind: 'intrusion', level: 'medium', zh: '来自隐藏目录', en: 'comes from behind a hidden name' },
  memory: { kind: 'intrusion', level: 'high', zh: '只在内存里，从来不是文件', en: 'is in memory only and never was a file' },
  deleted: { kind: 'intrusion', level: 'high', zh: '的文件已从系统库目录里删除，也不属于软件包', en: 'was deleted from a system folder and belongs to no package' },
  modified: { kind: 'intrusion', level: 'critical', zh: '属于软件包，但内容被改过', en: 'belongs to a package and was changed' },
  unowned: { kind: 'intrusion', level: 'medium', zh: '在系统库目录里，却不属于任何软件包', en: 'lies in a system folder for libraries and no package owns it' },
};

function libraryFinding(odd: Exclude<OddLibrary, 'outdated'>, path: string, of: readonly Running[], owner: Owner | undefined, context: ScanContext): Finding {
  const { kind, level, zh, en } = oddWords[odd];
  const title: Text = { zh: `${of.length} 个进程装入的库 ${path} ${zh}`, en: `${path}, a library in ${of.length === 1 ? 'a running process' : `${of.length} running processes`}, ${en}` };
  const changed = context.tree.stat(path)?.changed;
  return finding('process-memory', `${odd}\0${path}`, {
    kind, level, title, path, pid: of[0]!.pid,
    evidence: [
      fact({ zh: '进程', en: 'processes' }, of.slice(0, 50).map(({ pid, stat }) => `${pid} ${stat.name}`).join(', ')),
      ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version} (${owner.state})`)] : []),
      ...processFacts(of[0]!, context),
    ],
    means: { zh: '注入的库在别人的进程里运行：偷密码、留后门、替自己遮掩。', en: 'An injected library runs inside programs of others: it steals passwords, keeps a door open and covers its own tracks.' },
    fix: { text: { zh: '留下样本，查是谁装入的（LD_PRELOAD、ld.so.preload、ptrace），再重启这些进程', en: 'keep a copy, see what loads it (LD_PRELOAD, ld.so.preload, ptrace), then restart these processes' }, commands: [] },
    refs: ['attack:T1574.006', 'attack:T1055.001'],
    ...(changed !== undefined && { time: changed }),
  });
}

const outdatedFinding = (outdated: ReadonlyMap<string, ReadonlySet<number>>): Finding => finding('process-memory', 'outdated', {
  kind: 'notice', level: 'low',
  title: { zh: `${new Set([...outdated.values()].flatMap((pids) => [...pids])).size} 个进程仍在使用升级前的库：请重启它们`, en: `${new Set([...outdated.values()].flatMap((pids) => [...pids])).size} processes still use libraries from before an upgrade: restart them` },
  evidence: [...outdated].slice(0, 20).map(([name, pids]) => fact({ zh: name, en: name }, [...pids].slice(0, 50).join(' '))),
  means: { zh: '补丁装上了，但旧的库还在内存里，漏洞也就还在。', en: 'The patch is installed, yet the old library is still in memory, and so is the flaw.' },
  fix: { text: { zh: '重启这些服务，或整机重启', en: 'restart the services, or the machine' }, commands: [] },
  refs: [],
});
