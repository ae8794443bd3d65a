/**
 * Many documents changed in a short time the way an encryptor does it. What is counted, each document once:
 *   renamed    given an ending that no honest program gives, the same again and again or always another
 *   replaced   a new file with such an ending, and the document deleted
 *   ciphered   rewritten as noise where it was text (`extra.entropy` of the sensor, bits a byte, which tells the write once
 *              more when it has looked into the file)
 *   rewritten  written in place; counts only across kinds of document that no one tool works on
 *   notes      the same note of extortion in folder after folder
 * and files laid out as bait, which nobody has a reason to touch: one is enough.
 *
 * Who is counted: the process, or, for the system's own tools, the script or program that calls them.
 */
import type { Event } from '../../core/gen/event.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import { own } from '../../core/own.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { Lru } from '../lru.ts';
import { isSuspiciousPath } from '../places.ts';
import { short } from '../process.ts';
import { baseName, isInterpreter } from '../program-kind.ts';
import { isTrusted, provenanceOf } from '../provenance.ts';
import { list, number } from '../settings.ts';
import { isBelow } from '../tree.ts';
import { documentOf, type Document, folderOf, foreignEnding, isOrdinary, noteName, twinOf } from './names.ts';

export const massChange: Behaviour = {
  id: 'mass-change',
  title: { zh: '批量加密或改写文件', en: 'Files changed in mass, as by encryption' },
  means: { zh: '一个程序在短时间内改写、改名大量文件，像勒索软件加密', en: 'One program rewrites or renames many files in short time, as ransomware does' },
  advice: { zh: '马上冻结它（moat freeze 进程号），再判断；确认是勒索就隔离主机，从备份恢复，不要付款。', en: 'Freeze it at once (moat freeze PID), judge afterwards; if it is ransomware, isolate the host and restore from a backup; do not pay.' },
  blind: {
    zh: '需要内核探针的文件事件；名称不变、只改写同一类文件的加密要靠抽样读取改写后的文件开头（内核传感器只抽样连续改写的文本与表格等有后缀的文件，每秒最多 20 个），本已压缩的文件（图片、压缩包、办公文档）这样加密看不出来，只加密文件中后部的也看不出来；每个文件间隔超过统计时长的慢速加密看不到；被挟持的系统程序（如 smbd）改写文件看不到；容器之外只看得到宿主机能看到的写入。',
    en: 'Needs the file events of the kernel sensor. Encryption that keeps the names and touches one kind of document shows only in samples of what was rewritten: the beginnings of up to 20 files a second that one program rewrites in a row. So it does not show in what was packed before (pictures, archives, office documents), nor where beginnings are left plain; nor is one seen that is slower than the window between files; nor one done by a hijacked program of the system, such as a file server.',
  },
  kinds: ['file_event'],
  settings: {
    files: { default: 10, min: 3, max: 19, text: { zh: '几个文件得到同一陌生后缀即报告', en: 'documents given the same strange ending before it is told' } },
    seconds: { default: 180, min: 10, max: 86_400, text: { zh: '统计时长（秒）：更早的改动不再计入', en: 'window in seconds; older changes do not count' } },
    entropy: { default: 7.2, min: 1, max: 8, text: { zh: '写入内容的熵不低于多少（比特/字节）视为密文', en: 'entropy of what is written, bits a byte, from which on it is taken for cipher' } },
    baits: { default: [], text: { zh: '诱饵文件或目录的完整路径：除备份与包管理器外，谁改动就立即报告', en: 'full paths of bait files or folders: whoever changes them, other than backups and the package manager, is told at once' } },
  },
  open,
};

type Way = 'renamed' | 'replaced' | 'ciphered' | 'rewritten';

/** `tool` is the system's tool that did it, empty for any other program. */
interface Change { time: number; path: string; way: Way; ending: string; class: string; tool: string }

/** The process, or the script that calls the system's tools. */
interface Actor {
  key: string;
  program: string;
  pid: number;
  changes: Change[];
  /** New files that look like ciphers of documents, by the document; documents deleted lately. Ending, or ''. */
  twins: Map<string, string>;
  gone: Map<string, string>;
  notes: Map<string, Set<string>>;
  first: Event | undefined;
  told: Level | undefined;
  toldFiles: number;
  toldAt: number;
}

const mostActors = 3000, mostChanges = 96, mostRemembered = 64, mostFolders = 16, stepsUp = 6;
/** What is no noise before it is encrypted: most other kinds are packed already. */
const isPlainText = (document: Document): boolean => document.class === 'text' || document.ending === 'sql';
const movers = new Set(['mv', 'rename', 'prename', 'file-rename', 'mmv', 'perl', 'bash', 'sh', 'dash', 'zsh', 'find', 'xargs', 'busybox']);
const removers = new Set(['rm', 'unlink', 'shred', 'srm', 'wipe']);
const ciphers = new Set(['gpg', 'gpg2', 'openssl', 'age', 'rage', 'ccrypt', 'zip', '7z', '7za', '7zr', 'rar', 'mcrypt', 'scrypt', 'aescrypt', 'cryptsetup']);
const backups = new Set(['rsync', 'tar', 'restic', 'borg', 'borgbackup', 'duplicity', 'rclone', 'rdiff-backup', 'bacula-fd', 'veeamagent', 'cp', 'dpkg', 'rpm', 'apt-get', 'apt', 'dnf', 'yum', 'unattended-upgrade', 'systemd-tmpfiles']);

function open(context: BehaviourContext): BehaviourRun {
  const least = number(context, 'files'), windowMs = number(context, 'seconds') * 1000, noise = number(context, 'entropy');
  const baits = list(context, 'baits').map((path) => path.replace(/\/+$/, '')).filter((path) => path.startsWith('/'));
  const actors = new Lru<Actor>(mostActors, () => { context.count('processes forgotten'); });

  const isTool = (path: string | undefined, container: string | undefined): boolean => isTrusted(provenanceOf(context, path, container)) && !isInterpreter(path);

  /** Up from the system's tools and from copies of itself to what drives them. Never out of its tree. */
  function driverOf(node: ProcessNode): ProcessNode {
    let at = node;
    for (let i = 0; i < stepsUp; i++) {
      const { parent } = at;
      if (parent === undefined || parent.root !== at.root || parent.path === undefined || parent.pid <= 1) break;
      const isCopy = parent.path === at.path && (parent.cmdline === at.cmdline || !isInterpreter(at.path));
      if (!isCopy && !isTool(at.path, at.container)) break;
      // A tool under a daemon is that daemon's work: not the daemon's all other children's.
      if (!isCopy && isTool(parent.path, parent.container) && !movers.has(baseName(parent.path))) break;
      at = parent;
    }
    return at;
  }

  function actorOf(event: Event): Actor {
    const node = context.lineage.of(event);
    const driver = node === undefined ? undefined : driverOf(node);
    const isChild = driver === undefined && isTool(event.process_path, event.container_id) && event.parent_pid !== undefined;
    const key = driver === undefined ? (isChild ? `parent ${event.parent_pid}` : `${event.pid ?? 0}:${event.process_started ?? 0}`) : `${driver.pid}:${driver.started}`;
    return actors.take(key, () => ({
      key: own(key), program: own(short(driver?.cmdline ?? event.process_cmdline ?? driver?.path ?? event.process_path ?? event.process_name ?? '?', 160)), pid: driver?.pid ?? (isChild ? event.parent_pid : event.pid) ?? 0,
      changes: [], twins: new Map(), gone: new Map(), notes: new Map(), first: undefined, told: undefined, toldFiles: 0, toldAt: Number.NEGATIVE_INFINITY,
    }));
  }

  function remember(map: Map<string, string>, path: string, ending: string): void {
    map.delete(path);
    map.set(own(path), own(ending));
    if (map.size > mostRemembered) map.delete(map.keys().next().value ?? '');
  }

  /** Answers who did it when that is news. */
  function add(event: Event, path: string, way: Way, ending: string, of: string): Actor | undefined {
    const actor = actorOf(event);
    // The name of a tool only counts where it is the system's.
    const tool = isTrusted(provenanceOf(context, event.process_path, event.container_id)) ? baseName(event.process_path ?? '') : '';
    // One document counts once, for the worst that was done to it.
    const at = actor.changes.findIndex((one) => one.path === path);
    if (at >= 0) {
      const before = actor.changes[at]!;
      actor.changes.splice(at, 1);
      if (way === 'rewritten') {
        // Latest last, so that the oldest are found at the head.
        actor.changes.push(before.way === 'rewritten' ? { ...before, time: event.time } : before);
        return undefined;
      }
    }
    actor.changes.push({ time: event.time, path: own(path), way, ending: own(ending), class: of, tool: own(tool) });
    if (actor.changes.length > mostChanges) actor.changes.shift();
    actor.first ??= event;
    return actor;
  }

  /** The name that the document had when it was first changed: write a.docx, then rename it, is one. */
  function onRename(event: Event, from: string, to: string): Actor | undefined {
    const document = documentOf(from);
    if (document === undefined) return undefined;
    const ending = foreignEnding(from, to);
    if (ending !== undefined) return add(event, from, 'renamed', ending, document.class);
    // A usual ending, but the document was rewritten just before by a program that nobody ships.
    const added = to.startsWith(from) ? to.slice(from.length) : '';
    if (added === '' || added.includes('/') || isTrusted(provenanceOf(context, event.process_path, event.container_id))) return undefined;
    const actor = actorOf(event);
    return actor.changes.some((one) => one.path === from && one.way === 'rewritten') ? add(event, from, 'renamed', added, document.class) : undefined;
  }

  function onWrite(event: Event, path: string): Actor | undefined {
    let actor: Actor | undefined;
    const note = event.action === 'create' ? noteName(path) : undefined;
    if (note !== undefined) {
      actor = actorOf(event);
      const folders = actor.notes.get(note) ?? new Set();
      if (folders.size < mostFolders) folders.add(own(folderOf(path)));
      if (actor.notes.size < 8) actor.notes.set(own(note), folders);
      actor.first ??= event;
    }
    const entropy = entropyOf(event);
    const document = documentOf(path);
    if (document !== undefined && event.action !== 'create') {
      // What the system's own tools rewrite is never told: they do it all day.
      const isNoise = entropy !== undefined && entropy >= noise && isPlainText(document);
      if (!isNoise && isTool(event.process_path, event.container_id)) return undefined;
      return add(event, path, isNoise ? 'ciphered' : 'rewritten', '', document.class);
    }
    const twin = document === undefined && event.action === 'create' ? twinOf(path) : undefined;
    if (twin === undefined) return actor;
    const of = documentOf(twin.original)?.class ?? '';
    if (isOrdinary(twin.ending)) return actor;
    actor = actorOf(event);
    if (actor.gone.has(twin.original)) return add(event, twin.original, 'replaced', twin.ending, of);
    remember(actor.twins, twin.original, twin.ending);
    return actor;
  }

  function onDelete(event: Event, path: string): Actor | undefined {
    const document = documentOf(path);
    if (document === undefined) return undefined;
    const actor = actorOf(event);
    const ending = actor.twins.get(path);
    if (ending === undefined) { remember(actor.gone, path, ''); return undefined; }
    actor.twins.delete(path);
    return add(event, path, 'replaced', ending, document.class);
  }

  function onBait(event: Event, bait: string): void {
    const { self } = context;
    const node = context.lineage.of(event);
    if (self !== undefined && isBelow(node, self.pid)) return;
    const tool = baseName(event.process_path ?? event.process_name ?? '?');
    if (backups.has(tool) && isTrusted(provenanceOf(context, event.process_path, event.container_id))) return;
    const actor = actorOf(event);
    context.emit({
      ruleId: 'behaviour.mass-change', title: { zh: '诱饵文件被改动', en: 'Bait file changed' }, level: 'critical',
      summary: { zh: '{actor}（PID {actor_pid}）改动了诱饵 {bait}：{deed} {file}。没有人需要动它，请立即查看该进程', en: '{actor} (pid {actor_pid}) changed the bait {bait}: {deed} {file}. Nobody has a reason to; look at this process at once' },
      attack: ['T1486'], matrix: ['加密勒索'], key: `bait ${actor.key}`, time: event.time, events: [event], count: 1,
      group: { actor: actor.program, actor_pid: String(actor.pid), bait, deed: event.action ?? '?', file: event.file_path ?? '?' },
    });
  }

  /** Where it stands, and how bad that is; undefined while it is too little. */
  function judge(actor: Actor, event: Event): void {
    const { time } = event;
    if (actor.changes.length < Math.min(6, least) && actor.notes.size === 0) return;
    while (actor.changes.length > 0 && time - actor.changes[0]!.time > windowMs) actor.changes.shift();
    const strong = actor.changes.filter(({ way }) => way !== 'rewritten');
    const rewritten = actor.changes.length - strong.length;
    const [ending, same] = mostCommon(strong.map((one) => one.ending).filter((one) => one !== ''));
    const ciphered = strong.filter(({ way }) => way === 'ciphered').length;
    const [note, folders] = [...actor.notes].map(([name, { size }]): [string, number] => [name, size]).toSorted((a, b) => b[1] - a[1])[0] ?? ['', 0];
    const kinds = new Set(actor.changes.map((one) => one.class)).size;
    const spread = new Set(actor.changes.map((one) => folderOf(one.path))).size;
    const wanted = folders > 0 ? Math.max(3, Math.floor(least / 2)) : least;
    const isMany = same >= wanted || strong.length >= Math.min(19, wanted + 4) || ciphered >= Math.min(6, wanted);
    const isMixed = rewritten + strong.length >= Math.min(19, least + 6) && kinds >= 3 && spread >= 2;
    if (!isMany && !isMixed && folders < 3) return;
    const level = isMany || folders >= 3 ? levelOf(actor, event, strong, { kinds, spread, folders }) : mixedLevel(actor, event);
    if (level === undefined) return;
    const files = actor.changes.length;
    const isWorse = actor.told === undefined || !atLeast(actor.told, level);
    if (!isWorse && (files < actor.toldFiles * 2 || time - actor.toldAt < 10_000) && time - actor.toldAt < 300_000) return;
    actor.told = level;
    actor.toldFiles = files;
    actor.toldAt = time;
    tell(actor, event, level, { ending, same, strong: strong.length, files, note, folders, spread });
  }

  function tell(actor: Actor, event: Event, level: Level, { ending, same, strong, files, note, folders, spread }: { ending: string; same: number; strong: number; files: number; note: string; folders: number; spread: number }): void {
    const said: Text[] = [];
    if (same > 1) said.push({ zh: '{same} 个得到后缀 {ending}', en: '{same} were given the ending {ending}' });
    else if (strong > 1) said.push({ zh: '{strong} 个被改成陌生名称或密文', en: '{strong} were renamed strangely or turned into noise' });
    if (folders > 0) said.push({ zh: '{folders} 个目录里放下了 {note}', en: '{note} was left in {folders} folders' });
    const example = actor.changes.at(-1)?.path ?? event.file_path ?? '?';
    context.emit({
      ruleId: 'behaviour.mass-change', title: massChange.title, level,
      summary: {
        zh: `{actor}（PID {actor_pid}）在 {took} 秒内改动了 {spread} 个目录下的 {files} 个文件${said.map((one) => `，${one.zh}`).join('')}；最近：{example}`,
        en: `{actor} (pid {actor_pid}) changed {files} files in {spread} folders within {took} s${said.map((one) => `; ${one.en}`).join('')}; latest: {example}`,
      },
      attack: ['T1486'], matrix: ['加密勒索'], key: actor.key, time: event.time, events: actor.first === undefined || actor.first === event ? [event] : [actor.first, event], count: Math.max(1, files),
      group: {
        actor: actor.program, actor_pid: String(actor.pid), files: String(files), spread: String(spread), took: String(Math.max(1, Math.round((event.time - (actor.changes[0]?.time ?? event.time)) / 1000))),
        same: String(same), strong: String(strong), ending, folders: String(folders), note, example,
      },
    });
    // The next story begins with what comes next.
    actor.first = undefined;
  }

  /** Who did it decides: the system's own tools in a person's hands are most often a person at work. */
  function levelOf(actor: Actor, event: Event, strong: readonly Change[], { kinds, spread, folders }: { kinds: number; spread: number; folders: number }): Level | undefined {
    if (folders > 0) return strong.length >= 3 ? 'critical' : 'high';
    const node = context.lineage.of(event);
    const kind = node?.origin.kind;
    const isPerson = kind === 'login' || kind === 'console';
    const trusted = strong.every(({ tool }) => movers.has(tool) || ciphers.has(tool) || removers.has(tool) || backups.has(tool));
    if (!trusted) return isTool(event.process_path, event.container_id) ? 'high' : 'critical';
    const onlyRenamed = strong.every(({ way, tool }) => way === 'renamed' && movers.has(tool)) && actor.changes.length === strong.length;
    if (onlyRenamed) return isPerson ? 'info' : 'high';
    // Somebody's own script that packs and deletes: one folder, one kind.
    return (kinds < 3 || spread < 3) && (isPerson || kind === 'cron' || kind === 'timer') ? 'medium' : 'critical';
  }

  function mixedLevel(actor: Actor, event: Event): Level | undefined {
    if (isTool(event.process_path, event.container_id)) return undefined;
    const node = context.lineage.of(event);
    const isOdd = isSuspiciousPath(event.process_path) || node?.origin.kind === 'web' || node?.writtenBy !== undefined || actor.notes.size > 0 || provenanceOf(context, event.process_path, event.container_id) === 'changed';
    return isOdd ? 'critical' : 'medium';
  }

  function observe(event: Event): void {
    const path = event.file_path;
    if (path === undefined) return;
    const { action, file_from: from } = event;
    const isChange = action === 'write' || action === 'create' || action === 'rename' || action === 'delete';
    if (!isChange) return;
    if (baits.length > 0) {
      const bait = baits.find((one) => isAt(path, one) || (from !== undefined && isAt(from, one)));
      if (bait !== undefined) onBait(event, bait);
    }
    let actor: Actor | undefined;
    switch (action) {
      case 'rename': actor = from === undefined ? undefined : onRename(event, from, path); break;
      case 'delete': actor = onDelete(event, path); break;
      default: actor = onWrite(event, path); break;
    }
    if (actor !== undefined) judge(actor, event);
  }

  return { observe, size: () => actors.size };
}

const isAt = (path: string, bait: string): boolean => path.startsWith(bait) && (path.length === bait.length || path.charCodeAt(bait.length) === 47);

function entropyOf(event: Event): number | undefined {
  const value = event.extra?.['entropy'];
  const bits = typeof value === 'string' ? Number(value) : value;
  return typeof bits === 'number' && bits >= 0 && bits <= 8 ? bits : undefined;
}

function mostCommon(texts: readonly string[]): [string, number] {
  const counts = new Map<string, number>();
  let best: [string, number] = ['', 0];
  for (const text of texts) {
    const n = (counts.get(text) ?? 0) + 1;
    counts.set(text, n);
    if (n > best[1]) best = [text, n];
  }
  return best;
}
