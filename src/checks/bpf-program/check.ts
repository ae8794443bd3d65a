/** eBPF programs that run in the kernel: who holds them, what they can do, and what is pinned. */
import { openBpfObjects, programType, type BpfLink, type BpfObjects, type BpfProgram } from '../../linux/bpf-objects.ts';
import { descriptors, type Descriptors } from '../../linux/descriptors.ts';
import { readSymbols } from '../../linux/kernel-memory.ts';
import { bootTime } from '../../linux/proc-host.ts';
import type { Tree } from '../../linux/tree.ts';
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { inOpenFolder, isShipped, machineOf, ownerOf, processFacts, runningOne, tellDenied } from '../processes.ts';
import { tellRest } from '../look.ts';

const pinsMax = 5000;
const pinDepth = 8;

/** Helpers by which a program changes what others see or do. */
const strongHelpers = ['bpf_probe_write_user', 'bpf_override_return'] as const;
/** Attached to something of the network or of a control group; they stay when their loader is gone, as is usual. */
const lasting = /^(?:cgroup_|sched_|xdp$|socket_filter$|sock_ops$|sk_|lwt_|flow_dissector$|struct_ops$|netfilter$|ext$)/;
/** Places where systemd, container networks and observability keep their pins. */
const ordinaryPins = /^\/sys\/fs\/bpf\/(?:systemd|cilium|tc\/globals|tetragon|calico|netd_shared|bpfman|antrea|kmesh|snap|xdp|inspektor-gadget|moat|falco)(?:\/|$)/;

/** What is asked, for a check of recorded objects in tests too. */
export interface Held { programs: readonly BpfProgram[]; links: readonly BpfLink[]; descriptors: Pick<Descriptors, 'bpf' | 'denied'>; pins: readonly Pin[]; /** Programs that perf events of processes run. */ perf: ReadonlyMap<number, number>; /** Number of a strong helper → its name. */ helpers: ReadonlyMap<number, string> }
export interface Pin { path: string; kind: 'program' | 'map' | 'link'; id: number; program: number | undefined }

export const bpfProgram: PlaceCheck = {
  id: 'bpf-program',
  title: { zh: 'eBPF 程序', en: 'eBPF programs' },
  blind: { zh: '改写了 bpf() 系统调用的 rootkit 可以把自己的程序藏起来', en: 'a rootkit that diverts the system call bpf() can leave its own programs out' },
  group: 'kernel',
  scope: 'machine',
  everyMinutes: 60,
  async *run(context) {
    const { procfs } = machineOf(context);
    if (procfs.root !== '/') return;
    const objects = await openBpfObjects();
    yield* judgeAll(await gather(objects, context), context);
    tellDenied(context);
  },
};

async function gather(objects: BpfObjects, context: ScanContext): Promise<Held> {
  const { procfs } = machineOf(context);
  const programs = objects.programs();
  const open = descriptors(procfs);
  const perf = new Map<number, number>();
  for (const { pid, fd } of open.perfEvents) { const id = objects.ofPerfEvent(pid, fd); if (id !== undefined) perf.set(id, pid); }
  const pins: Pin[] = [];
  for (const path of pinPaths(context.tree)) {
    const found = objects.pinned(path);
    if (found) pins.push({ path, ...found });
    if (pins.length >= pinsMax) { tellRest(context, '/sys/fs/bpf', pinsMax); break; }
  }
  const symbols = programs.length === 0 ? undefined : await readSymbols(procfs, new Set(['__bpf_call_base', ...strongHelpers]));
  const base = symbols?.wanted.get('__bpf_call_base');
  const helpers = new Map<number, string>();
  for (const name of strongHelpers) { const at = symbols?.wanted.get(name); if (at !== undefined && base !== undefined && base !== 0n) helpers.set(Number(BigInt.asIntN(32, at - base)), name); }
  if (programs.length > 0 && helpers.size === 0) context.count('what eBPF programs call: the kernel does not tell its addresses');
  return { programs, links: objects.links(), descriptors: open, pins, perf, helpers };
}

function* pinPaths(tree: Tree, folder = '/sys/fs/bpf', depth = 0): Iterable<string> {
  for (const name of depth > pinDepth ? [] : tree.list(folder) ?? []) {
    const path = `${folder}/${name}`;
    const kind = tree.stat(path)?.kind;
    if (kind === 'folder') yield* pinPaths(tree, path, depth + 1);
    else if (kind === 'file') yield path;
  }
}

/** One finding for each process that holds programs, one for each that nobody holds, one for each odd pin. */
export async function* judgeAll(held: Held, context: ScanContext): AsyncIterable<Finding> {
  const { programs, links, pins, perf, helpers } = held;
  const holders = new Map<number, Set<number>>();
  const hold = (program: number | undefined, pid: number): void => { if (program !== undefined) holders.set(program, (holders.get(program) ?? new Set()).add(pid)); };
  for (const one of held.descriptors.bpf) hold(one.kind === 'program' ? one.id : one.program, one.pid);
  for (const [program, pid] of perf) hold(program, pid);
  const pinned = new Map<number, string>();
  for (const { path, kind, id, program } of pins) if (kind === 'program') pinned.set(id, path); else if (program !== undefined) pinned.set(program, path);
  const linked = new Set(links.map(({ program }) => program));
  const strongOf = (program: BpfProgram): string[] => program.calls.flatMap((call) => helpers.get(call) ?? []);
  const boot = bootTime(machineOf(context).procfs);

  const byProcess = new Map<number, BpfProgram[]>();
  for (const program of programs) {
    const pids = holders.get(program.id);
    if (pids) { for (const pid of pids) byProcess.set(pid, [...byProcess.get(pid) ?? [], program]); continue; }
    const type = programType(program.type);
    const strong = strongOf(program);
    const path = pinned.get(program.id);
    if (strong.length === 0 && (lasting.test(type) || (path !== undefined && ordinaryPins.test(path)))) continue;
    // A process that may not be looked into may be its holder.
    const [kind, level]: [FindingKind, Level] = strong.length > 0 ? ['intrusion', 'high'] : held.descriptors.denied > 0 ? ['notice', 'low'] : path === undefined && linked.has(program.id) ? ['intrusion', 'medium'] : ['notice', path === undefined ? 'low' : 'medium'];
    yield finding('bpf-program', `program\0${program.tag}\0${program.name}\0${path ?? ''}`, {
      kind, level, ...(path !== undefined && { path }),
      title: path === undefined
        ? { zh: `eBPF 程序 ${program.name || program.tag}（${type}）在内核里运行，没有进程持有它`, en: `the eBPF program ${program.name || program.tag} (${type}) runs in the kernel and no process holds it` }
        : { zh: `eBPF 程序 ${program.name || program.tag}（${type}）被固定在 ${path}，没有进程持有它`, en: `the eBPF program ${program.name || program.tag} (${type}) is pinned at ${path} and no process holds it` },
      evidence: [programFact(program), ...strong.map((name) => fact({ zh: '它会调用', en: 'it calls' }, name))],
      means: { zh: '加载它的程序已经退出，它还在。rootkit 用这种办法在内核里留下来改写别人看到的结果；网络和监控软件也会这样固定程序。', en: 'Whoever loaded it has ended, and it stays. Rootkits stay in the kernel this way and rewrite what others see; software for networks and observability pins programs too.' },
      fix: path === undefined ? { text: { zh: '看它挂在哪里', en: 'see where it is attached' }, commands: [['bpftool', 'prog', 'show', 'id', String(program.id)], ['bpftool', 'link', 'list']] } : { text: { zh: '确认无人使用后解除固定', en: 'take the pin away when nobody needs it' }, commands: [['rm', path]] },
      refs: ['attack:T1014', 'attack:T1205.002', 'matrix:eBPF'],
      time: boot + Math.round(program.loadedNs / 1e6),
    });
  }
  for (const [pid, own] of byProcess) {
    const found = await ofProcess(pid, own, strongOf, boot, context);
    if (found) yield found;
  }
  const odd = pins.filter(({ path }) => !ordinaryPins.test(path));
  const mapsOnly = odd.filter(({ kind }) => kind === 'map');
  if (mapsOnly.length > 0) {
    yield finding('bpf-program', 'pinned maps', {
      kind: 'notice', level: 'low', path: mapsOnly[0]!.path,
      title: { zh: `${mapsOnly.length} 个 eBPF 映射被固定在文件系统里，不知是谁的`, en: `${mapsOnly.length} eBPF maps are pinned by nobody known` },
      evidence: mapsOnly.map(({ path, id }) => fact({ zh: '固定点', en: 'pin' }, `${path} (map ${id})`)),
      refs: ['attack:T1014'],
    });
  }
}

async function ofProcess(pid: number, own: readonly BpfProgram[], strongOf: (program: BpfProgram) => string[], boot: number, context: ScanContext): Promise<Finding | undefined> {
  const one = runningOne(pid, context);
  if (!one || pid === process.pid) return undefined;
  const strong = [...new Set(own.flatMap(strongOf))];
  const odd = one.memfd || (one.exe !== undefined && inOpenFolder(one.exe));
  const shipped = isShipped(await ownerOf(one, context));
  if (strong.length === 0 && !odd && (shipped || isMoat(pid, context))) return undefined;
  const [kind, level]: [FindingKind, Level] = odd ? ['intrusion', strong.length > 0 ? 'critical' : 'high'] : strong.length > 0 && !shipped ? ['intrusion', 'high'] : ['notice', strong.length > 0 ? 'medium' : 'low'];
  const name = one.exe ?? one.stat.name;
  return finding('bpf-program', `process\0${pid}\0${one.stat.startTicks}`, {
    kind, level, pid, ...(one.exe !== undefined && !one.memfd && { path: one.exe }),
    title: strong.length > 0
      ? { zh: `${name}（进程 ${pid}）的 eBPF 程序能改写别的进程看到的数据（${strong.join('、')}）`, en: `eBPF programs of ${name} (process ${pid}) can rewrite what other processes see (${strong.join(', ')})` }
      : { zh: `${name}（进程 ${pid}）在内核里运行 ${own.length} 个 eBPF 程序，而它不属于任何软件包`, en: `${name} (process ${pid}) runs ${own.length} eBPF programs in the kernel, and no package owns it` },
    evidence: [...processFacts(one, context), ...own.slice(0, 12).map(programFact)],
    means: { zh: '监控和安全软件用 eBPF 看系统在做什么；rootkit 也用它藏进程、偷密码、收暗号。认得这个程序就没有问题。', en: 'Software for observability and security watches the system by eBPF; rootkits hide processes, steal passwords and wait for magic packets by it. When you know the program all is well.' },
    refs: ['attack:T1014', 'matrix:eBPF'],
    time: boot + Math.round(Math.min(...own.map(({ loadedNs }) => loadedNs)) / 1e6),
  });
}

/** Moat's own daemon runs the same program file as this scan. */
function isMoat(pid: number, context: ScanContext): boolean {
  const script = process.argv[1];
  const words = (machineOf(context).procfs.cmdline(pid) ?? '').split(' ');
  return script !== undefined && /\bmoat\b/.test(script) && words.some((word) => word === script || /\/(?:bin\/moat|dist\/moat\.js|src\/main\/moat\.ts)$/.test(word) || word === 'moat');
}

const programFact = ({ id, type, name, uid, tag, loadedNs }: BpfProgram): Finding['evidence'][number] => fact({ zh: 'eBPF 程序', en: 'eBPF program' }, `${id} ${programType(type)} ${name} tag ${tag} uid ${uid}, loaded ${Math.round(loadedNs / 1e9)} s after boot`);
