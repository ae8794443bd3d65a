/** Whose program it is: what a package ships unmodified is trusted more than what somebody put there. */
import type { Event } from '../core/gen/event.ts';
import type { BehaviourContext } from '../core/ports.ts';
import { isSystemPlace, oddPlace } from './places.ts';

/**
 *   owned    a package put it there and it is as the package has it, as far as that was looked at
 *   changed  a package's file, but not as the package shipped it
 *   unowned  no package knows it, or it lies where none puts anything
 *   system   nothing tells its package (no index, or a container's own file), but only packages write to its folder
 *   unknown  nothing tells its package, and it lies elsewhere; no path
 */
export type Provenance = 'owned' | 'changed' | 'unowned' | 'system' | 'unknown';

const deleted = ' (deleted)';

/**
 * How far the file at `path` is to be trusted: an executable, a script, a library. `container` is that of the process
 * it was seen with: the host's packages say nothing of what lies in a container.
 */
export function provenanceOf({ packages }: Pick<BehaviourContext, 'packages'>, path: string | undefined, container: string | undefined): Provenance {
  if (path?.startsWith('/') !== true) return 'unknown';
  if (path.startsWith('/memfd:')) return 'unowned';
  const isRemoved = path.endsWith(deleted);
  const file = isRemoved ? path.slice(0, -deleted.length) : path;
  if (container === undefined) {
    const owner = packages.owner(file);
    // An update replaced the file of a running program: its package still is what it came from.
    if (owner !== undefined) return owner.intact === false && !isRemoved ? 'changed' : 'owned';
    // The manager's own copies of what packages run while they are installed; only root writes there.
    if (packages.ready) return file.startsWith('/var/lib/dpkg/info/') || file.startsWith('/var/lib/dpkg/tmp.ci/') ? 'owned' : 'unowned';
  }
  if (oddPlace(path) !== undefined) return 'unowned';
  return isSystemPlace(file) ? 'system' : 'unknown';
}

/** Of the program of an event. */
export const programProvenance = (context: Pick<BehaviourContext, 'packages'>, event: Event): Provenance => provenanceOf(context, event.process_path, event.container_id);

/** Whether it is a program of the distribution, as far as can be told. */
export const isTrusted = (provenance: Provenance): boolean => provenance === 'owned' || provenance === 'system';

/** Whether a file lies where honest programs do not and no package put it there. */
export const isOdd = (path: string, provenance: Provenance): boolean => provenance !== 'owned' && oddPlace(path) !== undefined;
