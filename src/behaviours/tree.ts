/** What the origin graph says of a process, in the words that judging and telling need. */
import type { Event } from '../core/gen/event.ts';
import type { Origin, PeerTouch, ProcessNode } from '../core/lineage.ts';
import type { Text } from '../core/text.ts';
import { isSystemPlace } from './places.ts';
import { short } from './process.ts';
import { kindOf, plainName, programName, shellUse } from './program-kind.ts';

/** Programs that begin something for somebody else: what stands above them is not part of the story. */
const gates = new Set('systemd init sshd sshd-session sshd-auth dropbear login agetty getty cron crond atd anacron containerd-shim containerd-shim-runc-v2 conmon runc crun supervisord runsv s6-supervise dumb-init tini docker-init tmux screen su sudo runuser doas pkexec dockerd containerd'.split(' '));
export const isGate = (node: ProcessNode): boolean => node.pid <= 2 || (node.path !== undefined ? gates.has(programName(node.path)) : node.name !== undefined && gates.has(node.name));

export const keyOfNode = (node: ProcessNode): string => `${node.pid}:${node.started}`;

/** One text for all processes of a tree; undefined when nothing is known. What nothing tells the origin of is a tree of its own for each process below the first. */
export const treeKey = (node: ProcessNode | undefined): string | undefined => (node === undefined ? undefined : keyOfNode(node.root));

/** How many parents are looked at; deeper trees are told by their nearest ones. */
const ancestorsMax = 16;

/** The process's parents, nearest first. */
export function* ancestors(node: ProcessNode | undefined): Iterable<ProcessNode> {
  let at = node?.parent;
  for (let i = 0; i < ancestorsMax && at !== undefined; i++, at = at.parent) yield at;
}

/** Whether a program of this name, in a folder that only packages write to, stands among the ancestors (or is the process itself). */
export function hasAncestor(node: ProcessNode | undefined, names: ReadonlySet<string>): boolean {
  let at = node;
  for (let i = 0; i < 24 && at !== undefined; i++, at = at.parent) {
    const { path } = at;
    const name = path === undefined ? at.name : programName(path);
    if (name !== undefined && names.has(name) && (path === undefined || isSystemPlace(path))) return true;
  }
  return false;
}

/** Whether the process of this pid stands above this one, or is it. */
export function isBelow(node: ProcessNode | undefined, pid: number): boolean {
  let at = node;
  for (let i = 0; i < 64 && at !== undefined; i++, at = at.parent) if (at.pid === pid) return true;
  return false;
}

/** Itself and its ancestors, at most `max`. */
export function chainOf(node: ProcessNode | undefined, max: number): ProcessNode[] {
  const out: ProcessNode[] = [];
  for (let at = node; at !== undefined && out.length < max; at = at.parent) out.push(at);
  return out;
}

export const isLoopback = (ip: string): boolean => ip.startsWith('127.') || ip === '::1' || ip === '0.0.0.0' || ip === '::';

/** Looking up names, accounts and the time, and writing logs: what any program may do before it begins. */
const errands = new Set([0, 53, 88, 123, 323, 389, 464, 514, 636, 853, 3268, 5353, 5355, 6514]);

/** The latest connection out to anything but a service of names, accounts, time or logs. */
export function outbound(node: ProcessNode, since: number, local: boolean): PeerTouch | undefined {
  for (let i = node.spoke.length - 1; i >= 0; i--) {
    const touch = node.spoke[i];
    if (touch === undefined || touch.direction !== 'outbound' || touch.last < since || errands.has(touch.port)) continue;
    if (local || !isLoopback(touch.ip)) return touch;
  }
  return undefined;
}

export const isErrand = (port: number | undefined): boolean => port === undefined || errands.has(port);

export const peerText = (touch: { ip: string; port: number; host?: string } | undefined): string => {
  if (touch === undefined) return '?';
  const address = touch.ip.includes(':') ? `[${touch.ip}]:${touch.port}` : `${touch.ip}:${touch.port}`;
  return touch.host === undefined ? address : `${short(touch.host, 80)} (${address})`;
};

/** Which program a process was at a time: it may have become another since. */
export function programAt(node: ProcessNode, time: number): { path: string | undefined; cmdline: string | undefined } {
  let found: { path: string | undefined; cmdline: string | undefined } = node;
  for (let i = node.was.length - 1; i >= 0; i--) {
    const was = node.was[i];
    if (was === undefined) break;
    // The exec that ended this program came with the time of the next one.
    const until = node.was[i + 1]?.time;
    if (was.time <= time && (until === undefined || until > time)) return was;
    found = was.time > time ? was : found;
  }
  return found;
}

/** A person's own session: what is done there is usually meant. */
export const isPersonal = (origin: Origin | undefined): boolean => origin !== undefined && (origin.kind === 'login' || origin.kind === 'console');

/** Databases by the name that their tree carries. */
export const isDatabase = (origin: Origin | undefined): boolean => origin?.kind === 'service' && origin.name !== undefined && kindOf(`/${origin.name}`, undefined) === 'database';

/** Trees that take orders from the network: whoever breaks in comes through these. */
export const isExposed = (origin: Origin | undefined): boolean => origin?.kind === 'web' || isDatabase(origin);

const longBefore = 600_000;

/**
 * The topmost process of one piece of work: below a session's shell, a server's worker, a job's run, a gate.
 * Everything that a dropper does stands below one; two commands of a person are two.
 */
export function jobOf(node: ProcessNode): ProcessNode {
  let at = node;
  for (let i = 0; i < 24; i++) {
    const { parent } = at;
    if (parent === undefined || isGate(parent) || parent.origin !== at.origin) return at;
    const kind = kindOf(parent.path, parent.cmdline);
    if (kind === 'web' || kind === 'database') return at;
    // A server, or any daemon, that was there before: each thing it starts is a piece of work of its own.
    if (at.origin.kind !== 'cron' && at.origin.kind !== 'timer' && at.origin.kind !== 'package' && parent === at.root && at.started - parent.started > longBefore) return at;
    if (kind === 'shell' && isPersonal(at.origin) && shellUse(parent.cmdline).use === 'interactive') return at;
    at = parent;
  }
  return at;
}

/** Whether a package manager stands in the chain, and which. */
export function managerAbove(node: ProcessNode, max = 16): string | undefined {
  for (const at of chainOf(node, max)) {
    // What a worker, a job or a log-on does is its own, whoever once started the daemon.
    if (at.origin !== node.origin) break;
    if (kindOf(at.path, at.cmdline) === 'manager') return plainName(at.path) === 'node' || plainName(at.path) === 'python' ? at.name ?? plainName(at.path) : plainName(at.path);
  }
  return node.origin.kind === 'package' ? node.origin.name ?? 'package' : undefined;
}

/** The remote address and account go into the alert's own fields by these names. */
export function originGroup(node: ProcessNode | undefined, event: Event): Record<string, string> {
  const text = originText(node?.origin, event);
  const group: Record<string, string> = { origin_zh: text.zh, origin_en: text.en };
  const ip = node?.origin.source_ip ?? event.origin_ip;
  if (ip !== undefined) group['source_ip'] = ip;
  return group;
}

/** Who or what began the tree, as part of a sentence: “the log-on session of root from 203.0.113.9”. */
export function originText(origin: Origin | undefined, event?: Event): Text {
  const kind = origin?.kind ?? event?.origin ?? 'unknown';
  const name = gap(short(origin?.name ?? '', 100));
  const account = short(origin?.user ?? event?.origin_user ?? event?.user ?? '', 60);
  const user: Text = { zh: account || '某账号', en: account || 'a user' };
  const ip = origin?.source_ip ?? event?.origin_ip;
  const from: Text = ip === undefined ? { zh: '', en: '' } : { zh: `（自 ${ip}）`, en: ` from ${ip}` };
  switch (kind) {
    case 'login': return { zh: `${user.zh} 的登录会话${from.zh}`, en: `the log-on session of ${user.en}${from.en}` };
    case 'console': return { zh: `${user.zh} 的本机终端`, en: `the console of ${user.en}` };
    case 'web': return { zh: `网站服务${name}${from.zh}`, en: `the web service${name}${from.en}` };
    case 'service': return { zh: `服务${name}${from.zh}`, en: `the service${name}${from.en}` };
    case 'cron': return { zh: `${user.zh} 的定时任务${name}`, en: `the cron job${name} of ${user.en}` };
    case 'timer': return { zh: `定时器${name}`, en: `the timer${name}` };
    case 'container': {
      const container = origin?.container;
      const called = gap(short(container?.name ?? container?.image ?? origin?.name ?? container?.id.slice(0, 12) ?? event?.container_id?.slice(0, 12) ?? '', 100));
      return { zh: `容器${called}`, en: `the container${called}` };
    }
    case 'package': {
      const by: Text = account === '' ? { zh: '', en: '' } : { zh: `（${account}${ip === undefined ? '' : `，自 ${ip}`}）`, en: ` run by ${account}${from.en}` };
      return { zh: `软件包管理器${name}${by.zh}`, en: `the package manager${name}${by.en}` };
    }
    case 'cloud': return { zh: `云助手${name}`, en: `the cloud assistant${name}` };
    case 'kernel': return { zh: '内核', en: 'the kernel' };
    default: return { zh: '来由不明的进程', en: 'a process of unknown origin' };
  }
}

const gap = (name: string): string => (name === '' ? '' : ` ${name}`);

/** Program and pid for one line. */
export const labelOf = (node: ProcessNode): string => `${short(node.path ?? node.name ?? '?', 120)}[${node.pid}]`;
