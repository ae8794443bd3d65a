/** Kernel modules that are loaded at boot, and commands that modprobe runs in place of loading one. */
import type { Finding } from '../../core/finding.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { configFindings, foldersOf, isOwned, linesOf, listHook, readHook, readUnshipped, type HookCommand, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { isHidden } from '../../core/hidden.ts';
import { firstOf } from '../look.ts';

const loadFiles = ['/etc/modules'];
const loadFolders = ['/etc/modules-load.d', '/run/modules-load.d', '/usr/local/lib/modules-load.d', '/usr/lib/modules-load.d', '/lib/modules-load.d'];
const modprobeFolders = ['/etc/modprobe.d', '/run/modprobe.d', '/usr/local/lib/modprobe.d', '/usr/lib/modprobe.d', '/lib/modprobe.d'];
const indexMax = 8 << 20;

const place: Place = {
  check: 'modules-load', name: { zh: '内核模块配置', en: 'settings of kernel modules' },
  means: { zh: '内核模块权力比 root 还大，能把自己和别的程序藏起来。', en: 'A kernel module may do more than root, and hide itself and others.' },
  refs: ['attack:T1547.006'],
};

export const modulesLoad: PlaceCheck = {
  id: 'modules-load',
  title: { zh: '开机加载的内核模块', en: 'kernel modules loaded at boot' },
  blind: { zh: '模块文件的内容不在这里看', en: 'does not look into the modules themselves' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const modules = moduleIndex(context);
    for (const path of [...loadFiles, ...unique(context, loadFolders)]) yield* loaded(path, context, modules);
    for (const path of ['/etc/modprobe.conf', ...unique(context, modprobeFolders)]) yield* configFindings(place, context, path, installCommands);
  },
};

/** Files of the folders, those behind a second name of the same folder left out. */
function unique(context: ScanContext, folders: readonly string[]): string[] {
  const real = new Map(folders.flatMap((folder) => { const at = context.tree.real(folder); return at === undefined ? [] : [[at, folder] as const]; }).reverse());
  return [...real.values()].flatMap((folder) => listHook(context, folder)).filter((path) => path.endsWith('.conf'));
}

/** Name of a module → files, by modules.dep of every kernel. */
function moduleIndex(context: ScanContext): Map<string, string[]> {
  const index = new Map<string, string[]>();
  for (const folder of firstOf(context, '/lib/modules', foldersOf(context, '/lib/modules'), 200)) {
    for (const line of readHook(context, `${folder}/modules.dep`, indexMax)?.text.split('\n') ?? []) {
      const file = line.slice(0, Math.max(0, line.indexOf(':')));
      if (file === '') continue;
      const name = nameOf(file);
      const files = index.get(name);
      const path = file.startsWith('/') ? file : `${folder}/${file}`;
      if (files) files.push(path);
      else index.set(name, [path]);
    }
  }
  return index;
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1).replace(/\.ko(?:\.\w+)?$/, '').replaceAll('-', '_');
/** Where drivers lie that the machine itself built. */
const built = /\/(?:updates|extra|weak-updates|dkms|misc|kernel\/drivers\/(?:video|net|scsi)\/nvidia)\//;

async function* loaded(path: string, context: ScanContext, modules: ReadonlyMap<string, string[]>): AsyncIterable<Finding> {
  const file = await readUnshipped(place, context, path);
  if (!file) return;
  yield* file.open;
  for (const { line, text } of linesOf(file.text)) {
    const word = text.trim().split(/\s+/)[0]!;
    const files = word.includes('/') ? [word] : modules.get(word.replaceAll('-', '_')) ?? [];
    for (const module of files) {
      if (!context.provenance.known || await isOwned(context, module)) continue;
      const odd = /^\/(?:tmp|var\/tmp|dev\/shm|home|root)\//.test(module) || isHidden(module);
      const own = built.test(module) && !odd;
      yield finding('modules-load', `${path}\0${module}`, {
        kind: own ? 'notice' : 'intrusion', level: own ? 'low' : odd ? 'high' : 'medium', path, time: file.stat.changed,
        title: { zh: `开机加载一个不属于任何软件包的内核模块 ${word}`, en: `the kernel module ${word}, which no package ships, is loaded at boot` },
        evidence: [lineFact(path, line, text.trim()), fact({ zh: '模块文件', en: 'module' }, module)], means: place.means,
        fix: { text: { zh: '确认来历；不认识就去掉这一行再重启', en: 'see where it came from; take the line out and restart if nobody knows it' }, commands: [['modinfo', module]] }, refs: place.refs,
      });
    }
  }
}

/** `install MODULE COMMAND…` and `remove MODULE COMMAND…`: the rest of the line is for a shell. */
function* installCommands(text: string): Iterable<HookCommand> {
  for (const { line, text: entry } of linesOf(text, /^\s*#/)) {
    const found = /^\s*(?:install|remove)\s+\S+\s+(.*)$/.exec(entry);
    if (found && !/^\/(?:usr\/)?bin\/(?:true|false)\s*$/.test(found[1]!)) yield { line, text: entry, command: found[1]! };
  }
}
