/** Whose program it is: what a package ships unmodified is trusted more than what somebody put there. */
import type { Event } from '../core/gen/event.ts';
import type { ProcessNode } from '../core/lineage.ts';
import type { BehaviourContext } from '../core/ports.ts';
import { isSuspiciousPath, programOf } from './process.ts';

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

/** What makes two processes the same program: the executable, for an interpreter with what it runs, each container by itself. */
export function programKey(event: Event): string {
  const program = programOf(event);
  const container = event.container_id === undefined ? '' : `${event.container_id.slice(0, 12)} `;
  return container + (isInterpreter(program) ? `${program} ${argumentsOf(event.process_cmdline).slice(0, 160)}` : program.slice(0, 512));
}

/** Without the program's own name, which is written in full or not as it was called. */
const argumentsOf = (cmdline: string | undefined): string => {
  const at = cmdline?.indexOf(' ') ?? -1;
  return at < 0 || cmdline === undefined ? '' : cmdline.slice(at + 1);
};

/** Identity of the tree a process belongs to, as text; undefined when nothing is known. */
export const treeKey = (node: ProcessNode | undefined): string | undefined => {
  if (node === undefined) return undefined;
  const { root } = node;
  return `${root.pid}:${root.started}`;
};

/** Process of an event with its container, for `provenanceOf`. */
export const programProvenance = (context: BehaviourContext, event: Event): Provenance => provenanceOf(context, event.process_path, event.container_id);
