/** Programs that run without a file, from a file that is gone, from places where none belongs, or under the name of a kernel thread. */
import type { Evidence, Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import type { Owner } from '../../linux/provenance.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { inOpenFolder, isHiddenPath, isShipped, machineOf, ownerOf, processFacts, running, runningOne, startedAt, tellDenied, type Running } from '../processes.ts';

export const processProgram: PlaceCheck = {
  id: 'process-program',
  title: { zh: '可疑的运行中程序（无文件、已删除、冒充内核线程）', en: 'running programs without a file, from odd places or in disguise' },
  blind: { zh: '容器里的程序只看是否无文件、已删除和冒充，不核对软件包', en: 'of programs in containers only missing files and disguises are told, not their packages' },
  group: 'hiding',
  scope: 'machine',
  everyMinutes: 15,
  async *run(context) {
    const stale = new Map<string, { owner: Owner; of: Running[] }>();
    /** Programs of memory: one finding for all processes of each. */
    const unfiled = new Map<string, Running[]>();
    for (const one of running(context)) {
      if (one.memfd && !isRuntimeCopy(one, context)) unfiled.set(one.exe!, [...unfiled.get(one.exe!) ?? [], one]);
      else yield* look(one, stale, context);
    }
    for (const of of unfiled.values()) yield inMemory(of, context);
    for (const [path, { owner, of }] of stale) yield outdated(path, owner, of);
    tellDenied(context);
  },
};

async function* look(one: Running, stale: Map<string, { owner: Owner; of: Running[] }>, context: ScanContext): AsyncIterable<Finding> {
  const disguised = await disguise(one, context);
  if (disguised) yield disguised;
  if (one.exe === undefined) return;
  const tell = (kind: FindingKind, level: Level, title: Text, means: Text, attack: string): Finding => told(one, context, { kind, level, title, means, attack, evidence: [] });
  if (one.memfd) return;
  const open = inOpenFolder(one.exe), behind = isHiddenPath(one.exe);
  if (one.deleted) {
    const container = !one.here;
    const owner = one.here ? await context.provenance.owner(one.exe) : undefined;
    if (owner && owner.state !== 'missing') {
      const known = stale.get(one.exe) ?? { owner, of: [] };
      known.of.push(one);
      stale.set(one.exe, known);
      return;
    }
    const replaced = !container && context.tree.stat(one.exe) !== undefined;
    const [kind, level]: [FindingKind, Level] = open || behind ? ['intrusion', 'high'] : replaced || container || ordinaryHome.test(one.exe) || !context.provenance.known ? ['notice', 'low'] : ['intrusion', 'medium'];
    yield tell(kind, level, { zh: `${one.exe}（进程 ${one.pid}）在运行，而它的文件已被删除`, en: `${one.exe} (process ${one.pid}) runs while its file was deleted` },
      replaced
        ? { zh: '同一位置已有新文件，多半是升级后还没重启这个服务。', en: 'Another file has taken its place: most likely it was upgraded and the service was not restarted.' }
        : { zh: '恶意程序常在启动后删掉自己，让人找不到样本。内容仍可从 /proc/进程号/exe 取回。', en: 'Malware often deletes itself once it runs, so that no sample is found. Its content can still be had from /proc/PID/exe.' }, 'T1070.004');
    return;
  }
  if ((open || behind) && one.here && !isShipped(await ownerOf(one, context))) {
    const shared = /^\/(?:dev|run\/shm)\//.test(one.exe);
    yield tell('intrusion', shared || (open && behind) ? 'high' : open ? 'medium' : 'low',
      open ? { zh: `${one.exe}（进程 ${one.pid}）从任何人都能写的目录里运行`, en: `${one.exe} (process ${one.pid}) runs from a folder that anybody may write to` } : { zh: `${one.exe}（进程 ${one.pid}）从隐藏目录里运行`, en: `${one.exe} (process ${one.pid}) runs from behind a hidden name` },
      { zh: '被利用的服务往往只能写这些目录，投放的程序也就从这里运行。', en: 'A service that was broken into can often write to these folders only, so what it drops runs from there.' }, open ? 'T1059' : 'T1564.001');
  }
}

const ordinaryHome = /^\/(?:opt|srv|home|var\/www|usr\/local|usr|var\/lib|data|app|apps|www|snap|root)\//;
const isRuntimeCopy = (one: Running, context: ScanContext): boolean => {
  if (!/^\/memfd:(?:runc_cloned:\/proc\/self\/exe|crun_cloned:.*|lxc-.*|libcrun.*|conmon.*|runc)$/.test(one.exe ?? '')) return false;
  context.count('copies of container runtimes in memory, passed over');
  return true;
};

interface Told { kind: FindingKind; level: Level; title: Text; means: Text; attack: string; evidence: readonly Evidence[] }

function told(one: Running, context: ScanContext, { kind, level, title, means, attack, evidence }: Told): Finding {
  const { procfs } = machineOf(context);
  const time = startedAt(procfs, one.stat);
  const uid = procfs.uids(one.pid)?.effective;
  return finding('process-program', `${one.pid}\0${one.stat.startTicks}\0${attack}`, {
    kind, level, title, means, pid: one.pid,
    ...(one.exe !== undefined && !one.memfd && { path: one.exe }),
    ...(uid !== undefined && { user: String(uid) }),
    evidence: [...processFacts(one, context), ...evidence],
    fix: kind === 'notice'
      ? { text: { zh: '重启这个服务', en: 'restart the service' }, commands: [] }
      : { text: { zh: '先留下样本，冻结进程，再查父进程和它从哪里来', en: 'keep a copy, freeze the process, then see its parent and where it came from' }, commands: [['cp', `/proc/${one.pid}/exe`, `/root/evidence-${one.pid}`], ['kill', '-STOP', String(one.pid)]] },
    refs: [`attack:${attack}`],
    ...(time !== undefined && { time }),
  });
}

const inMemory = (of: readonly Running[], context: ScanContext): Finding => told(of[0]!, context, {
  kind: 'intrusion', level: 'critical', attack: 'T1620',
  title: { zh: `${of[0]!.stat.name}（${of.length} 个进程，如 ${of[0]!.pid}）运行的程序只在内存里，从来不是文件`, en: `${of[0]!.stat.name} (${of.length === 1 ? `process ${of[0]!.pid}` : `${of.length} processes, ${of[0]!.pid} for one`}) runs a program that is in memory only and never was a file` },
  means: { zh: '用 memfd 从内存直接运行程序，是为了不在磁盘上留下样本。正常软件几乎不这样做。', en: 'Running from a memfd leaves nothing on the disk to be found. Ordinary software hardly ever does so.' },
  evidence: of.length === 1 ? [] : [fact({ zh: '全部进程', en: 'all processes' }, of.slice(0, 100).map(({ pid }) => pid).join(' '))],
});

const outdated = (path: string, owner: Owner, of: readonly Running[]): Finding => finding('process-program', `stale\0${path}`, {
  kind: 'notice', level: owner.state === 'modified' ? 'medium' : 'low', path, pid: of[0]!.pid,
  title: { zh: `软件包 ${owner.name} 升级后，${of.length} 个进程仍在运行旧的 ${path}：请重启它`, en: `${owner.name} was upgraded and ${of.length === 1 ? 'a process still runs' : `${of.length} processes still run`} the old ${path}: restart it` },
  evidence: [fact({ zh: '进程', en: 'processes' }, of.slice(0, 50).map(({ pid }) => pid).join(' ')), fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version} (${owner.state})`)],
  means: { zh: '补丁装上了，但旧程序还在内存里，漏洞也就还在。', en: 'The patch is installed, yet the old program is still in memory, and so is the flaw.' },
  fix: { text: { zh: '重启相应服务', en: 'restart the service' }, commands: [] },
  refs: [],
});

/** Names that only threads of the kernel have. */
const threadNames = /^(?:kworker[/:]|kthreadd?$|ksoftirqd\/|migration\/|rcu_|rcuo|rcub\/|rcuc\/|kswapd\d|khugepaged|kcompactd|kdevtmpfs$|kintegrityd|kblockd|watchdogd?(?:\/|$)|jbd2\/|ext4-rsv|xfs-|xfsaild|scsi_eh|scsi_tmf|kauditd|oom_reaper|writeback$|crypto$|bioset$|netns$|mm_percpu|cpuhp\/|idle_inject\/|irq\/|kpsmoused|ksmd$|kthrotld|ata_sff|devfreq|edac-poller|nfsiod|kdmflush|md\d+_raid|zswap|ecryptfs|card\d-crtc|pool_workqueue|psimon|hwrng)/;

/** A user's process that calls itself like a thread of the kernel, or shows no command line so that `ps` puts its name in brackets. */
async function disguise(one: Running, context: ScanContext): Promise<Finding | undefined> {
  const { procfs } = machineOf(context);
  if (one.stat.kernelThread || one.stat.state === 'Z' || one.stat.state === 'X') return undefined;
  const argument = procfs.cmdline(one.pid)?.trim();
  if (argument === undefined) return undefined;
  const bracketed = /^\[([^\]]{1,64})\]/.exec(argument)?.[1];
  const name = bracketed ?? argument.split(' ', 1)[0]!;
  const posing = threadNames.test(name) || (threadNames.test(one.stat.name) && one.exe !== undefined);
  if (!posing && bracketed === undefined && argument !== '') return undefined;
  const owner = await ownerOf(one, context);
  if (!posing && (isShipped(owner) || !context.provenance.known)) return undefined;
  // Between fork and exec, and at its end, a process has no command line either: look again.
  const again = runningOne(one.pid, context);
  if (again?.stat.startTicks !== one.stat.startTicks || again.stat.state === 'Z' || procfs.cmdline(one.pid)?.trim() !== argument || one.exe === undefined) return undefined;
  const empty = argument === '';
  if (!posing && bracketed !== undefined && !/^\[[^\]]*\]$/.test(argument)) return undefined;
  if (empty && !posing && !one.here) return undefined;
  return told(one, context, {
    kind: 'intrusion', level: posing ? (isShipped(owner) && !bracketed ? 'medium' : 'critical') : 'medium', attack: 'T1036.004',
    title: posing
      ? { zh: `${one.exe}（进程 ${one.pid}）冒充内核线程 ${bracketed ?? one.stat.name}`, en: `${one.exe} (process ${one.pid}) poses as the kernel thread ${bracketed ?? one.stat.name}` }
      : { zh: `${one.exe}（进程 ${one.pid}）抹掉或改写了命令行，看上去像内核线程`, en: `${one.exe} (process ${one.pid}) has wiped or rewritten its command line and looks like a kernel thread` },
    means: { zh: '真正的内核线程没有可执行文件，父进程是 2 号。冒用它们的名字，是为了让管理员在 ps 和 top 里一眼略过。', en: 'Threads of the kernel have no executable, and process 2 is their parent. Who borrows their names wants to be passed over in ps and top.' },
    evidence: [fact({ zh: '显示的名字', en: 'shown as' }, bracketed === undefined ? `[${one.stat.name}]` : `[${bracketed}]`)],
  });
}
