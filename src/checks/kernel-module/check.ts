/** Kernel modules: hidden ones by comparing three lists, and those that nobody vouches for. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { readSymbols } from '../../linux/kernel-memory.ts';
import { type Module, parseModules } from '../../linux/modules.ts';
import { textOf, type Tree } from '../../linux/tree.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { machineOf } from '../processes.ts';

const depMax = 16 << 20;
const tableMax = 4 << 20;

/** Bits of /proc/sys/kernel/tainted that speak of modules (Documentation/admin-guide/tainted-kernels). */
const taintBits: readonly [bit: number, letter: string, text: Text][] = [
  [0, 'P', { zh: '装过专有模块', en: 'a proprietary module was loaded' }],
  [1, 'F', { zh: '强行装过模块', en: 'a module was forced in' }],
  [3, 'R', { zh: '强行卸过模块', en: 'a module was forced out' }],
  [12, 'O', { zh: '装过内核源码树之外的模块', en: 'a module from outside the kernel tree was loaded' }],
  [13, 'E', { zh: '装过没有签名的模块', en: 'an unsigned module was loaded' }],
];

/** Modules that security agents of the large clouds and others bring along and load from their own folders. */
const agents = /^(?:AliSec\w+|AliSecGuard|aegis\w*|YDLive\w*|tsec_\w+|hids_driver|falcon_lsm\w*|sentinel\w*|ds_agent\w*|tmhook|bmhook|dsa_filter\w*|nvidia\w*|vbox\w+|vmw_\w+|vmmon|vmnet|zfs|spl|wl|falco|scap|sysdig_probe)$/;

export const kernelModule: PlaceCheck = {
  id: 'kernel-module',
  title: { zh: '内核模块', en: 'kernel modules' },
  blind: { zh: '把自己从三份名单里都摘掉的模块只留下污点标志，标志在重启前不会消失', en: 'a module that took itself out of all three lists leaves only the taint flag, which stays until the next start' },
  group: 'kernel',
  scope: 'machine',
  everyMinutes: 60,
  async *run(context) {
    const { procfs } = machineOf(context);
    const text = procfs.read('modules', tableMax);
    const inSysfs = modulesOfSysfs(context.tree);
    const symbols = await readSymbols(procfs, new Set());
    // A kernel built without modules has no list of them; nothing can be hidden then.
    if (text === undefined && inSysfs.size === 0) {
      if (procfs.read('sys/kernel/modules_disabled', 16) !== undefined) context.blind('/proc/modules', { zh: '读不了，而内核支持模块', en: 'cannot be read, though the kernel takes modules' });
      return;
    }
    const modules = parseModules(text ?? '');
    yield* hidden(modules, inSysfs, symbols?.modules, context);
    yield* unvouched(modules, context);
    yield* taints(modules, context);
  },
};

/** Loaded ones have a state; what is built into the kernel has a folder without. */
function modulesOfSysfs(tree: Tree): Set<string> {
  return new Set((tree.list('/sys/module') ?? []).filter((name) => tree.stat(`/sys/module/${name}/initstate`) !== undefined));
}

async function* hidden(modules: ReadonlyMap<string, Module>, inSysfs: ReadonlySet<string>, inSymbols: ReadonlySet<string> | undefined, context: ScanContext): AsyncIterable<Finding> {
  const { procfs } = machineOf(context);
  const lists: [string, ReadonlySet<string>][] = [['/proc/modules', new Set(modules.keys())], ['/sys/module', inSysfs]];
  if (inSymbols && inSymbols.size > 0) lists.push(['/proc/kallsyms', inSymbols]);
  for (const name of new Set(lists.flatMap(([, names]) => [...names]))) {
    const missing = lists.filter(([where, names]) => !names.has(name) && where !== '/proc/kallsyms').map(([where]) => where);
    if (missing.length === 0) continue;
    // Loaded or unloaded between the looks: ask once more.
    const again = { '/proc/modules': parseModules(procfs.read('modules', tableMax) ?? '').has(name), '/sys/module': context.tree.stat(`/sys/module/${name}/initstate`) !== undefined };
    const state = modules.get(name)?.state;
    if (again['/proc/modules'] === again['/sys/module'] && (again['/proc/modules'] || !inSymbols?.has(name))) continue;
    if (state === 'loading' || state === 'unloading') continue;
    yield finding('kernel-module', `hidden\0${name}`, {
      kind: 'intrusion', level: 'critical',
      title: { zh: `内核模块 ${name} 被藏起来了：${missing.join('、')} 里没有它`, en: `the kernel module ${name} is hidden: ${missing.join(' and ')} ${missing.length === 1 ? 'does' : 'do'} not list it` },
      evidence: [
        fact({ zh: '看得到它的地方', en: 'seen in' }, lists.filter(([, names]) => names.has(name)).map(([where]) => where).join(', ')),
        fact({ zh: '看不到它的地方', en: 'not seen in' }, missing.join(', ')),
      ],
      means: { zh: '只有 rootkit 会把自己从模块名单里摘掉。内核已不可信：它能藏住任何进程、文件和端口。', en: 'Only a rootkit takes itself out of the list of modules. The kernel can no longer be trusted: it may hide any process, file or port.' },
      fix: { text: { zh: '断网、留证，从可信介质启动检查，重装这台机器', en: 'cut the network, keep evidence, look at the disk from trusted media and install the machine anew' }, commands: [] },
      refs: ['attack:T1014', 'attack:T1547.006', 'matrix:内核模块', 'dengbao:8.1.4.4'],
    });
  }
}

/** Where the running kernel finds its modules: name → path. Undefined when that folder has no index. */
function moduleFiles(context: ScanContext): Map<string, string> | undefined {
  const release = machineOf(context).procfs.read('sys/kernel/osrelease', 256)?.trim();
  if (!release || release.includes('/')) return undefined;
  const folder = `/lib/modules/${release}`;
  const files = new Map<string, string>();
  const text = textOf(context.tree, `${folder}/modules.dep`, depMax);
  if (text === undefined) return undefined;
  for (const line of text.split('\n')) {
    const path = line.slice(0, line.indexOf(':'));
    const name = /([^/]+)\.ko(?:\.(?:xz|gz|zst))?$/.exec(path)?.[1];
    if (name !== undefined) files.set(name.replaceAll('-', '_'), path.startsWith('/') ? path : `${folder}/${path}`);
  }
  return files;
}

async function* unvouched(modules: ReadonlyMap<string, Module>, context: ScanContext): AsyncIterable<Finding> {
  if (modules.size === 0) return;
  const files = moduleFiles(context);
  if (!files) {
    context.blind('/lib/modules', { zh: '没有正在运行的内核的模块目录，无法核对模块从哪来', en: 'no folder of modules for the running kernel: where its modules come from cannot be told' });
    return;
  }
  for (const { name, line, taints } of modules.values()) {
    const path = files.get(name.replaceAll('-', '_'));
    const stat = path === undefined ? undefined : context.tree.stat(path);
    const owner = path === undefined ? undefined : await context.provenance.owner(path);
    if (owner && owner.state !== 'modified') continue;
    const built = path !== undefined && /\/(?:updates|extra|weak-updates|kernel\/drivers\/misc)\//.test(path);
    const agent = agents.test(name);
    const [kind, level]: [FindingKind, Level] = owner ? ['intrusion', 'critical'] : agent || (built && stat) ? ['notice', 'low'] : path === undefined || !stat ? ['intrusion', /[OE]/.test(taints) ? 'high' : 'medium'] : !context.provenance.known ? ['notice', 'low'] : ['intrusion', 'medium'];
    const title: Text = owner
      ? { zh: `内核模块 ${name} 属于软件包 ${owner.name}，但文件被改过`, en: `the kernel module ${name} belongs to ${owner.name} and its file was changed` }
      : path === undefined || !stat
        ? { zh: `内核模块 ${name} 已加载，但内核的模块目录里没有它的文件`, en: `the kernel module ${name} is loaded, and the folder of modules has no file for it` }
        : { zh: `内核模块 ${name} 不属于任何软件包`, en: `no package owns the kernel module ${name}` };
    yield finding('kernel-module', `module\0${name}`, {
      kind, level, title, ...(path !== undefined && { path }),
      evidence: [fact({ zh: '/proc/modules 的一行', en: 'line of /proc/modules' }, line), ...(taints === '' ? [] : [fact({ zh: '标志（O 树外，E 无签名，P 专有）', en: 'flags (O out of tree, E unsigned, P proprietary)' }, taints)])],
      means: { zh: '内核模块拥有最高权限。发行版的模块都有软件包和签名；显卡、虚拟化驱动和云厂商的安全组件常在本机编译，属于例外。', en: 'A module has all rights there are. Those of the distribution come in packages and are signed; drivers built on the machine (graphics, virtualisation) and agents of clouds are the exception.' },
      fix: { text: { zh: '确认是谁装的；不认识就查 modinfo，再卸载', en: 'find out who installed it; when nobody knows it, look at modinfo and unload it' }, commands: [['modinfo', path ?? name], ['modprobe', '-r', name]] },
      refs: ['attack:T1547.006', 'matrix:内核模块'],
      ...(stat && { time: stat.changed }),
    });
  }
}

/** A flag that no module in sight explains: a module was there, and is unloaded or hidden. */
async function* taints(modules: ReadonlyMap<string, Module>, context: ScanContext): AsyncIterable<Finding> {
  const value = Number(machineOf(context).procfs.read('sys/kernel/tainted', 64));
  if (!Number.isInteger(value) || value === 0) return;
  const letters = new Set([...modules.values()].flatMap(({ taints: own }) => own.split('')));
  for (const [bit, letter, text] of taintBits) {
    if (Math.floor(value / 2 ** bit) % 2 === 0 || letters.has(letter)) continue;
    const level: Level = letter === 'P' ? 'info' : letter === 'R' ? 'low' : 'medium';
    yield finding('kernel-module', `taint\0${letter}`, {
      kind: 'notice', level,
      title: { zh: `内核记得${text.zh}，而现在的名单里没有这样的模块`, en: `the kernel remembers that ${text.en}, and no module of today's list is such` },
      evidence: [fact({ zh: '/proc/sys/kernel/tainted', en: '/proc/sys/kernel/tainted' }, `${value} (${letter})`)],
      means: { zh: '可能是装过又卸掉的驱动，也可能是藏起来的 rootkit：标志要到重启才会清掉。内核日志里有当时的模块名。', en: 'It may be a driver that was unloaded again, or a rootkit that hides: the flag stays until the next start. The log of the kernel has the name.' },
      fix: { text: { zh: '在内核日志里找出这个模块的名字', en: 'find the name of the module in the log of the kernel' }, commands: [['journalctl', '-k', '-b', '--grep', 'taint|module verification']] },
      refs: ['attack:T1547.006'],
    });
  }
}
