/**
 * Programs run from where honest ones do not lie: memory, temporary and hidden folders, or a file that is already
 * gone. Where it came from decides how bad that is: builds, installers and package scripts do it all day.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { isBuildPlace, isHidden, isSystemFile, oddPlace, type OddPlace } from '../places.ts';
import { programOf, short } from '../process.ts';
import { baseName, kindOf, scriptOf } from '../program-kind.ts';
import { isTrusted, provenanceOf } from '../provenance.ts';
import { list } from '../settings.ts';
import { Told } from '../told.ts';
import { isExposed, isGate, isPersonal, labelOf, managerAbove, originGroup } from '../tree.ts';

export const oddExecPlace: Behaviour = {
  id: 'odd-exec-place',
  title: { zh: '从异常位置运行程序', en: 'Program run from an odd place' },
  means: { zh: '程序从 /tmp、/dev/shm 等临时或可写位置运行，正规软件很少放在那里', en: 'A program runs from a temporary or writable place such as /tmp or /dev/shm, where proper software seldom lies' },
  advice: { zh: '看是谁放的、从哪里来（moat origin 路径）；不是您的就冻结并隔离该文件。', en: 'Look at who put it there and where it came from (moat origin PATH); if it is not yours, freeze it and quarantine the file.' },
  blind: {
    zh: '其他人人可写的目录（不在常见临时目录之列）认不出；用 mmap 或 ptrace 在已有进程内装入代码不经过 exec，看不到。',
    en: 'Folders that all may write beside the usual temporary ones are not known. Code that is mapped into a running process without an exec is not seen.',
  },
  kinds: ['process_creation'],
  contains: ['run_from_hidden_place', 'run_from_memory_file', 'run_from_temporary_folder'],
  settings: {
    allow: { default: [], text: { zh: '允许运行程序的目录（前缀），如 /var/tmp/build/', en: 'folders (prefixes) that programs may run from, such as /var/tmp/build/' } },
    memory: {
      default: ['runc_cloned:/proc/self/exe', 'runc_cloned', 'crun', 'youki', 'runc', 'snap-confine', 'bwrap', 'sd-executor', 'systemd-executor', 'dotnet', 'doublemapper'],
      text: { zh: '容器运行时等放在内存里的程序名', en: 'names of programs that container runtimes and the like keep in memory' },
    },
  },
  open,
};

interface Verdict { level: Level; what: Text }

const what: Readonly<Record<OddPlace, Text>> = {
  memory: { zh: '内存（无文件）', en: 'memory, with no file' },
  shared: { zh: '内存文件系统', en: 'a file system in memory' },
  temporary: { zh: '临时目录', en: 'a temporary folder' },
  hidden: { zh: '隐藏目录', en: 'a hidden place' },
  deleted: { zh: '已删除的文件', en: 'a file that is already deleted' },
};
const repeatMs = 600_000;

function open(context: BehaviourContext): BehaviourRun {
  const allowed = list(context, 'allow');
  const memory = new Set(list(context, 'memory'));
  const told = new Told(8000, () => { context.count('programs told and forgotten'); });

  /** The odd file that is run: the executable, or the script that an interpreter was given. */
  function subject(event: Event): { path: string; place: OddPlace } | undefined {
    const path = event.process_path;
    if (path === undefined) return undefined;
    const { extra } = event;
    if (extra?.['memfd'] !== undefined) return { path, place: 'memory' };
    const place = oddPlace(path);
    if (place !== undefined) return { path, place: place === 'temporary' && path.endsWith(' (deleted)') ? 'deleted' : place };
    if (extra?.['deleted'] !== undefined && !isSystemFile(path)) return { path, place: 'deleted' };
    const script = scriptOf(path, event.process_cmdline, event.process_cwd);
    if (script === undefined) return undefined;
    const at = oddPlace(script);
    // A script in /tmp alone is what installers and configuration management leave there.
    return at === 'shared' || (at === 'temporary' && isHidden(script)) ? { path: script, place: at } : undefined;
  }

  function judge(path: string, place: OddPlace, node: ProcessNode | undefined): Level | undefined {
    const origin = node?.origin;
    const isStrange = origin === undefined || origin.kind === 'unknown' || origin.kind === 'cron' || origin.kind === 'timer' || origin.kind === 'kernel';
    switch (place) {
      case 'memory': return inMemory(path, node);
      case 'deleted': return isExposed(origin) || isStrange ? 'critical' : 'high';
      case 'shared': {
        if (isBuild(path, node)) return undefined;
        return isExposed(origin) ? 'critical' : 'high';
      }
      case 'temporary': {
        const hidden = isHidden(path);
        if (!hidden && isBuild(path, node)) return undefined;
        if (isExposed(origin)) return 'critical';
        if (hidden) return 'high';
        if (isPersonal(origin) || origin?.kind === 'cloud' || origin?.kind === 'package') return 'low';
        return isStrange ? 'high' : 'medium';
      }
      case 'hidden': {
        if (isExposed(origin)) return isBuild(path, node) ? 'medium' : 'critical';
        if (isBuild(path, node)) return undefined;
        // Tools that live in a home under a dot keep their programs in a folder of that name.
        const ofTool = /^\/(?:root|home\/[^/]+)\/\.[\w+-]+\/(?:[^/]+\/)*s?bin\/[^/.][^/]*$/.test(path);
        if (ofTool) return undefined;
        const inHome = /^\/(?:root|home)\//.test(path);
        if (isPersonal(origin)) return inHome ? 'low' : 'medium';
        return inHome && !baseName(path).startsWith('.') && !isStrange ? 'medium' : 'high';
      }
    }
  }

  const isBuild = (path: string, node: ProcessNode | undefined): boolean => isBuildPlace(path) && !isExposed(node?.origin) || (node !== undefined && managerAbove(node) !== undefined);

  /** Who loaded it: what the process was before, else its parent. */
  function inMemory(path: string, node: ProcessNode | undefined): Level | undefined {
    const name = path.replace(/^\/?memfd:/, '').replace(/ \(deleted\)$/, '');
    const loader = node?.was.at(-1)?.path ?? node?.parent?.path;
    const isRuntime = memory.has(name) || memory.has(baseName(name));
    const byGate = node?.parent !== undefined && (isGate(node.parent) || (loader !== undefined && memory.has(baseName(loader))));
    const isShipped = isTrusted(provenanceOf(context, loader, node?.container));
    if ((isRuntime || byGate) && (loader === undefined || isShipped || isRuntime && byGate)) return undefined;
    if (kindOf(loader, undefined) === undefined && isShipped && !isExposed(node?.origin)) return 'medium';
    return 'critical';
  }

  function tell(event: Event, node: ProcessNode | undefined, path: string, place: OddPlace, verdict: Verdict): void {
    const writer = node?.writtenBy ?? (path === event.process_path ? undefined : context.lineage.writer({ path }));
    const by: Text = writer === undefined ? { zh: '', en: '' } : { zh: '，文件由 {writer} 写入', en: ', the file was written by {writer}' };
    context.emit({
      ruleId: 'behaviour.odd-exec-place', title: oddExecPlace.title, level: verdict.level,
      summary: {
        zh: `从${verdict.what.zh}运行 {file}（PID {shown_pid}，来自{origin_zh}）${by.zh}：{command}`,
        en: `{file} (pid {shown_pid}, begun by {origin_en}) runs from ${verdict.what.en}${by.en}: {command}`,
      },
      attack: place === 'memory' ? ['T1620'] : place === 'hidden' ? ['T1564.001', 'T1204.002'] : ['T1204.002', 'T1036.005'], matrix: ['利用后门文件执行'],
      key: short(path, 400), time: event.time, events: [event], count: 1,
      group: { ...originGroup(node, event), file: short(path, 300), shown_pid: String(event.pid ?? '?'), command: short(event.process_cmdline ?? programOf(event)), writer: writer ? labelOf(writer.process) : '?' },
    });
  }

  return {
    observe(event) {
      if (event.action === 'process-seen') return;
      const found = subject(event);
      if (found === undefined) return;
      const { path, place } = found;
      if (allowed.some((folder) => folder !== '' && path.startsWith(folder)) ) return;
      const node = context.lineage.of(event);
      if (provenanceOf(context, path, event.container_id ?? node?.container) === 'owned') return;
      const level = judge(path, place, node);
      if (level === undefined) return;
      const key = `${level}:${path}`.slice(0, 400);
      if (told.lately(key, event.time, repeatMs)) return;
      tell(event, node, path, place, { level, what: what[place] });
    },
    size: () => told.size,
  };
}
