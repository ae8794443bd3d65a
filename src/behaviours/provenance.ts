/** Whose program it is: what a package ships unmodified is trusted more than what somebody put there. */
import type { Event } from '../core/gen/event.ts';
import type { Origin, ProcessNode } from '../core/lineage.ts';
import type { BehaviourContext } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import { isSuspiciousPath } from './process.ts';

/**
 *   package  a package ships it, unmodified as far as is known
 *   changed  a package ships it, but the file is another now
 *   system   in a folder of the system, and nothing tells whether a package owns it
 *   unowned  no package owns it
 *   unknown  it cannot be told: no index, or the file is a container's
 */
export type Provenance = 'package' | 'changed' | 'system' | 'unowned' | 'unknown';

const systemPlaces = ['/usr/bin/', '/usr/sbin/', '/usr/lib/', '/usr/lib64/', '/usr/libexec/', '/bin/', '/sbin/', '/lib/', '/lib64/', '/snap/'];

/** In a folder that only packages write to. */
export const isSystemPlace = (path: string): boolean => systemPlaces.some((folder) => path.startsWith(folder)) && !isSuspiciousPath(path);

export function provenanceOf(context: BehaviourContext, path: string | undefined, container?: string): Provenance {
  if (path === undefined || path === '') return 'unknown';
  if (path.startsWith('/memfd:')) return 'unowned';
  // An update replaced it: the running copy was the package's.
  const plain = path.endsWith(' (deleted)') ? path.slice(0, -10) : path;
  if (container === undefined) {
    const owner = context.packages.owner(plain);
    if (owner !== undefined) return owner.intact === false ? 'changed' : 'package';
    if (context.packages.ready) return 'unowned';
  }
  if (isSuspiciousPath(path)) return 'unowned';
  return isSystemPlace(plain) ? 'system' : 'unknown';
}

/** Whether it is a program of the distribution, as far as can be told. */
export const isTrusted = (provenance: Provenance): boolean => provenance === 'package' || provenance === 'system';

const interpreters = /^(?:ba|da|z|k|mk|a|c|tc|fi)?sh$|^busybox$|^python[\d.]*$|^pypy3?$|^perl[\d.]*$|^ruby[\d.]*$|^php[\d.]*(?:-cgi|-cli)?$|^node(?:js)?$|^deno$|^bun$|^lua(?:jit)?[\d.]*$|^java$|^tclsh[\d.]*$|^expect$|^awk$|^[gmn]awk$|^osascript$|^pwsh$|^guile$|^Rscript$|^ld-linux\S*$/;

/** Does what the file it is given says: its own package tells nothing of that. */
export const isInterpreter = (path: string | undefined): boolean => path !== undefined && interpreters.test(path.slice(path.lastIndexOf('/') + 1));

/** Whether a program of this name, shipped by a package, stands among the ancestors (or is the process itself). */
export function hasAncestor(node: ProcessNode | undefined, names: ReadonlySet<string>): boolean {
  let at = node;
  for (let i = 0; i < 24 && at !== undefined; i++, at = at.parent) {
    const path = at.path;
    const name = path === undefined ? at.name : path.slice(path.lastIndexOf('/') + 1);
    if (name !== undefined && names.has(name) && (path === undefined || isSystemPlace(path))) return true;
  }
  return false;
}

/** Whether one stands above the other, or they are the same. */
export function isBelow(node: ProcessNode | undefined, pid: number): boolean {
  let at = node;
  for (let i = 0; i < 64 && at !== undefined; i++, at = at.parent) if (at.pid === pid) return true;
  return false;
}

export interface Story { text: Text; group: Record<string, string> }

/** Where a process came from, as words for a summary; the placeholders are in `group`. */
export function originWords(origin: Origin | undefined): Story {
  const group: Record<string, string> = {};
  const name = origin?.name ?? '';
  if (origin === undefined) return { text: { zh: '来源未知', en: 'origin unknown' }, group };
  group['from_name'] = name || '?';
  group['from_user'] = origin.user ?? '?';
  group['from_ip'] = origin.source_ip ?? '?';
  const ip = origin.source_ip === undefined ? { zh: '', en: '' } : { zh: '，自 {from_ip}', en: ' from {from_ip}' };
  const say = (zh: string, en: string): Story => ({ text: { zh: zh + ip.zh, en: en + ip.en }, group });
  switch (origin.kind) {
    case 'login': return say('{from_user} 的登录会话', 'log-on session of {from_user}');
    case 'web': return say('Web 服务 {from_name} 的进程', 'worker of the web service {from_name}');
    case 'service': return say('服务 {from_name}', 'service {from_name}');
    case 'cron': return say('{from_user} 的计划任务（{from_name}）', 'cron entry of {from_user} ({from_name})');
    case 'timer': return say('定时器 {from_name}', 'timer {from_name}');
    case 'container': return say('容器 {from_name}', 'container {from_name}');
    case 'package': return say('{from_name} 的安装脚本', 'install script of {from_name}');
    case 'cloud': return say('云助手 {from_name}', 'cloud assistant {from_name}');
    case 'console': return say('本机终端', 'terminal of the machine');
    case 'kernel': return say('内核', 'the kernel');
    case 'unknown': return say('来源未知', 'origin unknown');
  }
}

/** Identity of the tree a process belongs to, as text; undefined when nothing is known. */
export const treeKey = (node: ProcessNode | undefined): string | undefined => {
  if (node === undefined) return undefined;
  const { root } = node;
  return `${root.pid}:${root.started}`;
};

/** Process of an event with its container, for `provenanceOf`. */
export const programProvenance = (context: BehaviourContext, event: Event): Provenance => provenanceOf(context, event.process_path, event.container_id);
