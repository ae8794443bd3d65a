/** Who did it: the process of an event, the tree it belongs to, and how far its program is to be trusted. */
import type { Event } from '../core/gen/event.ts';
import type { Origin, ProcessNode } from '../core/lineage.ts';
import type { BehaviourContext } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import { oddPlace } from './places.ts';
import { processKey, short } from './process.ts';

/**
 *   owned    a package put it there and it is as the package has it, as far as that was looked at
 *   changed  a package's file, but not as the package shipped it
 *   unowned  no package knows it
 *   unknown  nothing can be told: no index of packages, a container's own file, no path
 */
export type Provenance = 'owned' | 'changed' | 'unowned' | 'unknown';

export interface Actor {
  node: ProcessNode | undefined;
  /** One text for all processes of the tree: what they do together is one story. */
  readonly tree: string;
  /** Executable, else the name. */
  program: string;
  /** The executable's plain name. */
  name: string;
  container: string | undefined;
}

/** How many parents are looked at; deeper trees are told by their nearest ones. */
const ancestorsMax = 16;

/** The last part of a path, without what the kernel adds for a removed file. */
export function baseName(path: string): string {
  const end = path.endsWith(' (deleted)') ? path.length - 10 : path.length;
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

export function actorOf(event: Event, context: BehaviourContext): Actor {
  const node = context.lineage.of(event);
  const program = event.process_path ?? node?.path ?? event.process_name ?? node?.name ?? '?';
  return {
    node, program, name: baseName(program),
    // Worked out only when something is told: finding the root walks up the tree.
    get tree() { return node === undefined ? processKey(event) : treeOf(node); },
    container: event.container_id ?? node?.container,
  };
}

/** Names the tree. What nothing tells the origin of is a tree of its own for each process below the first. */
const treeOf = (node: ProcessNode): string => `${node.root.pid}:${node.root.started}`;

/** The process's parents, nearest first. */
export function* ancestors(node: ProcessNode | undefined): Iterable<ProcessNode> {
  let at = node?.parent;
  for (let i = 0; i < ancestorsMax && at !== undefined; i++, at = at.parent) yield at;
}

/** How far this file is to be trusted. The host's packages say nothing of what lies in a container. */
export function provenanceOf(path: string | undefined, container: string | undefined, context: BehaviourContext): Provenance {
  if (path?.startsWith('/') !== true || container !== undefined) return 'unknown';
  if (path.startsWith('/memfd:')) return 'unowned';
  // The manager's own copies of what packages run while they are installed; only root writes there.
  if (path.startsWith('/var/lib/dpkg/info/') || path.startsWith('/var/lib/dpkg/tmp.ci/')) return context.packages.ready ? 'owned' : 'unknown';
  // An update replaced the file of a running program: its package still is what it came from.
  const removed = path.endsWith(' (deleted)');
  const file = context.packages.owner(removed ? path.slice(0, -10) : path);
  if (file === undefined) return context.packages.ready ? 'unowned' : 'unknown';
  return file.intact === false && !removed ? 'changed' : 'owned';
}

const interpreter = /^(?:python|perl|ruby|php|node|nodejs|bash|sh|dash|ash|zsh|ksh|lua|tclsh)[\d.-]*$/;

/**
 * The file that decides what a process does: the script of an interpreter where its command line names one by its
 * full path, else the executable. A path with spaces is cut at the first one and then belongs to nobody.
 */
export function deedFile(program: string, cmdline: string | undefined): string {
  if (cmdline === undefined || !interpreter.test(baseName(program))) return program;
  const words = cmdline.slice(0, 1024).split(' ', 8);
  for (const word of words.slice(1)) {
    if (word.startsWith('/')) return word;
    // "-c …", "-e …": the text itself is the script.
    if (!word.startsWith('-') || word === '-c' || word === '-e' || word === '-r') return program;
  }
  return program;
}

/** Whether a program lies where honest ones do not and no package put it there. */
export const isOdd = (program: string, provenance: Provenance): boolean => provenance !== 'owned' && oddPlace(program) !== undefined;

/** Where a tree began, for a summary: "从 203.0.113.9 以 root 登录的会话". */
function originText(origin: Origin | undefined): Text {
  const name = short(origin?.name ?? '', 60), user = short(origin?.user ?? '', 40);
  const from = origin?.source_ip;
  switch (origin?.kind) {
    case 'login': return {
      zh: `${from === undefined ? '' : `从 ${from} `}${user === '' ? '' : `以 ${user} `}登录的会话`,
      en: `a log-on session${user === '' ? '' : ` of ${user}`}${from === undefined ? '' : ` from ${from}`}`,
    };
    case 'web': return { zh: `网站服务${wrap(name)}`, en: `web service${gap(name)}` };
    case 'service': return { zh: `服务${wrap(name)}`, en: `service${gap(name)}` };
    case 'cron': return { zh: `计划任务${wrap(name)}`, en: `cron job${gap(name)}` };
    case 'timer': return { zh: `定时器${wrap(name)}`, en: `timer${gap(name)}` };
    case 'container': {
      const container = origin.container;
      const called = container?.name ?? container?.image ?? container?.id.slice(0, 12) ?? name;
      return { zh: `容器${wrap(called)}`, en: `container${gap(called)}` };
    }
    case 'package': return { zh: `软件包管理器${wrap(name)}的脚本`, en: `a script of the package manager${gap(name)}` };
    case 'cloud': return { zh: `云助手${wrap(name)}`, en: `the cloud's assistant${gap(name)}` };
    case 'console': return { zh: `本机终端${wrap(user)}`, en: `the machine's own terminal${gap(user)}` };
    case 'kernel': return { zh: '内核启动的程序', en: 'a program that the kernel started' };
    default: return { zh: '来由不明', en: 'an unknown origin' };
  }
}

const wrap = (name: string): string => (name === '' ? '' : `（${name}）`);
const gap = (name: string): string => (name === '' ? '' : ` ${name}`);

/** Placeholders that every summary may use: {program}, {pid_text}, {origin_zh}, {origin_en}. */
export function who(actor: Actor, event: Event): Record<string, string> {
  const origin = originText(actor.node?.origin);
  const pid = event.pid === undefined ? '' : ` (pid ${event.pid})`;
  return { program: short(actor.program, 120) + pid, origin_zh: origin.zh, origin_en: origin.en };
}

/** A field of `extra` as text; empty when the event has none. */
export function extraOf(event: Event, name: string): string {
  const value: unknown = event.extra?.[name];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** What the tree began with; the event says it where no graph is at hand. */
export const originKind = (actor: Actor, event: Event): string => actor.node?.origin.kind ?? event.origin ?? 'unknown';
