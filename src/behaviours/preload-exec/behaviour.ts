/**
 * Libraries that are forced into programs: LD_PRELOAD, LD_AUDIT and LD_LIBRARY_PATH at exec that lead to places
 * anyone may write or to files that no package owns, and /etc/ld.so.preload, which is loaded into everything.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { isBuildPlace, isSystemFile, oddPlace } from '../places.ts';
import { programOf, short } from '../process.ts';
import { fullPath } from '../program-kind.ts';
import { isTrusted, programProvenance, provenanceOf } from '../provenance.ts';
import { list } from '../settings.ts';
import { Told } from '../told.ts';
import { isExposed, isPersonal, labelOf, managerAbove, originGroup, treeKey } from '../tree.ts';

export const preloadExec: Behaviour = {
  id: 'preload-exec',
  title: { zh: '动态库劫持（LD_PRELOAD 等）', en: 'Library forced into a program' },
  means: { zh: '程序启动时被强行塞进一个动态库，后门借此藏身或偷口令', en: 'A library was forced into a program as it started; back doors hide so or steal passwords' },
  advice: { zh: '看是哪个库、谁设置的环境变量或 ld.so.preload；不是调试工具就隔离该库并重启受影响的程序。', en: 'Look which library and who set the variable or ld.so.preload; if it is no debugging tool, quarantine it and restart what it sat in.' },
  blind: {
    zh: '只在 exec 时看环境变量；没有内核传感器时看不到。改写程序自身的 RPATH、替换系统库、在 ld.so.conf 里加目录不在此列。',
    en: 'Looks at the environment at exec, which needs the kernel sensor. A changed RPATH, a replaced system library or a folder added to ld.so.conf is not its business.',
  },
  kinds: ['process_creation', 'file_event'],
  settings: {
    allow: { default: [], text: { zh: '允许预加载的库（路径前缀）', en: 'libraries (path prefixes) that may be preloaded' } },
  },
  open,
};

const variables = ['LD_AUDIT', 'LD_PRELOAD', 'LD_LIBRARY_PATH'] as const;
type Variable = (typeof variables)[number];
interface Forced { variable: Variable; path: string; level: Level; why: 'writable' | 'unowned' }
const maxEntries = 16;

function open(context: BehaviourContext): BehaviourRun {
  const allowed = list(context, 'allow').filter((prefix) => prefix !== '');
  const told = new Told(4000, () => { context.count('preloads told and forgotten'); });

  function started(event: Event): void {
    const { extra } = event;
    if (extra === undefined) return;
    for (const variable of variables) {
      const value = extra[variable];
      if (typeof value !== 'string' || value === '') continue;
      const node = context.lineage.of(event);
      for (const entry of value.slice(0, 4096).split(variable === 'LD_PRELOAD' ? /[: ]+/ : ':', maxEntries)) {
        const forced = entry === '' ? undefined : judge(variable, entry, event, node);
        if (forced) { tell(event, node, forced); return; }
      }
    }
  }

  function judge(variable: Variable, entry: string, event: Event, node: ProcessNode | undefined): Forced | undefined {
    // A bare name is looked up in the folders of the loader.
    if (!entry.includes('/') && variable !== 'LD_LIBRARY_PATH') return undefined;
    const path = fullPath(entry, event.process_cwd) ?? entry;
    if (allowed.some((prefix) => path.startsWith(prefix))) return undefined;
    const isFolder = variable === 'LD_LIBRARY_PATH';
    const odd = oddPlace(isFolder ? `${path}/x` : path);
    const isBuild = isBuildPlace(`${path}/`) || (node !== undefined && managerAbove(node) !== undefined);
    if (odd !== undefined) {
      if (isBuild && !isExposed(node?.origin)) return undefined;
      return { variable, path, level: isFolder ? ofFolder(event, node) : ofLibrary(node), why: 'writable' };
    }
    // Applications bring their own folders of libraries.
    if (isFolder || isBuild) return undefined;
    const provenance = provenanceOf(context, path, event.container_id ?? node?.container);
    if (provenance !== 'unowned' && provenance !== 'changed') return undefined;
    // In a system folder yet of no package: what a rootkit looks like, and what an administrator installs by hand.
    if (isSystemFile(path)) return { variable, path, level: isExposed(node?.origin) ? 'critical' : isPersonal(node?.origin) || path.startsWith('/opt/') || path.startsWith('/usr/local/') ? 'low' : 'medium', why: 'unowned' };
    const written = context.lineage.writer({ path });
    if (isExposed(node?.origin) || isExposed(written?.process.origin)) return { variable, path, level: 'critical', why: 'unowned' };
    return isPersonal(node?.origin) ? undefined : { variable, path, level: 'medium', why: 'unowned' };
  }

  const ofLibrary = (node: ProcessNode | undefined): Level => (isExposed(node?.origin) ? 'critical' : 'high');

  /** A folder of libraries only counts where the program is one that somebody would want to bend. */
  function ofFolder(event: Event, node: ProcessNode | undefined): Level {
    if (isExposed(node?.origin)) return 'high';
    return event.uid === 0 && isTrusted(programProvenance(context, event)) ? 'medium' : 'low';
  }

  function tell(event: Event, node: ProcessNode | undefined, forced: Forced): void {
    const key = `${forced.variable}:${forced.path}`.slice(0, 400);
    if (told.lately(key, event.time, 600_000, forced.level)) return;
    const writer = context.lineage.writer({ path: forced.path });
    const why = forced.why === 'writable' ? { zh: '该位置人人可写', en: 'in a place that all may write' } : { zh: '不属于任何软件包', en: 'of no package' };
    const by = writer === undefined ? { zh: '', en: '' } : { zh: '，由 {writer} 写入', en: ', written by {writer}' };
    context.emit({
      ruleId: 'behaviour.preload-exec', title: preloadExec.title, level: forced.level,
      summary: {
        zh: `{program}（PID {shown_pid}，来自{origin_zh}）启动时带 {variable}={library}：${why.zh}${by.zh}`,
        en: `{program} (pid {shown_pid}, begun by {origin_en}) started with {variable}={library}: ${why.en}${by.en}`,
      },
      attack: ['T1574.006'], matrix: ['植入后门'], key, time: event.time, events: [event], count: 1,
      group: { ...originGroup(node, event), program: short(programOf(event), 160), shown_pid: String(event.pid ?? '?'), variable: forced.variable, library: short(forced.path, 300), writer: writer ? labelOf(writer.process) : '?' },
    });
  }

  function wrote(event: Event): void {
    if (event.file_path !== '/etc/ld.so.preload' || event.action === 'delete' || event.action === 'read') return;
    const node = context.lineage.of(event);
    // The package manager itself, or a script of a package as shipped.
    if (node?.origin.kind === 'package' && isTrusted(programProvenance(context, event)) && managerIsSystem(node.origin.name)) return;
    const key = `preload-file:${treeKey(node) ?? programOf(event)}`.slice(0, 400);
    if (told.lately(key, event.time, 60_000)) return;
    context.emit({
      ruleId: 'behaviour.preload-exec', title: { zh: '全局预加载文件被写入', en: 'Global preload file written' }, level: 'critical',
      summary: { zh: '{program}（来自{origin_zh}）{action} /etc/ld.so.preload：此后每个程序都会载入其中的库', en: '{program} (begun by {origin_en}) did {action} on /etc/ld.so.preload: from now on every program loads what it names' },
      attack: ['T1574.006'], matrix: ['植入后门'], key, time: event.time, events: [event], count: 1,
      group: { ...originGroup(node, event), program: short(programOf(event), 160), action: event.action ?? 'write' },
    });
  }

  return {
    observe(event) {
      if (event.kind === 'file_event') wrote(event);
      else if (event.action !== 'process-seen') started(event);
    },
    size: () => told.size,
  };
}

const managerIsSystem = (name: string | undefined): boolean => name !== undefined && /^(?:dpkg|apt|apt-get|aptitude|unattended-upgrades?|rpm|yum|dnf|microdnf|zypper|apk|pacman)$/.test(name);
