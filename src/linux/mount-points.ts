/** Where a file of another mount namespace lies in our own: told by the mounts of both. */
import { mountLines, type MountLine } from './mounts.ts';
import type { Procfs } from './procfs.ts';

export type MountPoint = Pick<MountLine, 'at' | 'number' | 'root'>;

/** Of a process, in the order in which they lie over one another; undefined when they cannot all be read. */
export function mountPoints(procfs: Procfs, pid: number | 'self'): MountPoint[] | undefined {
  return mountLines(procfs, pid)?.filter(({ root, at }) => root.startsWith('/') && at.startsWith('/'));
}

/** Undefined when we have it nowhere: its file system is not mounted here, or something lies over it. */
export function pathHere(path: string, theirs: readonly MountPoint[], ours: readonly MountPoint[]): string | undefined {
  const there = over(path, theirs);
  if (there === undefined) return undefined;
  const inside = join(there.root, path.slice(there.at === '/' ? 0 : there.at.length));
  for (const mount of ours.toReversed()) {
    if (mount.number !== there.number || !isBelow(inside, mount.root)) continue;
    const here = join(mount.at, inside.slice(mount.root === '/' ? 0 : mount.root.length));
    if (over(here, ours) === mount) return here;
  }
  return undefined;
}

/** The mount that a path is in: of the deepest the last. */
function over(path: string, mounts: readonly MountPoint[]): MountPoint | undefined {
  let best: MountPoint | undefined;
  for (const mount of mounts) if (isBelow(path, mount.at) && (best === undefined || mount.at.length >= best.at.length)) best = mount;
  return best;
}

const isBelow = (path: string, folder: string): boolean => folder === '/' || path === folder || path.startsWith(`${folder}/`);
const join = (folder: string, rest: string): string => `${folder === '/' ? '' : folder}${rest === '/' ? '' : rest}` || '/';
