/** Where a file of another mount namespace lies in our own: told by the mounts of both. */
import type { Procfs } from './procfs.ts';

/** `device`: `MAJOR:MINOR` of the file system; `root`: the folder of it that is mounted `at`. */
export interface MountPoint { at: string; device: string; root: string }

const bytesMax = 4 << 20;
const mountsMax = 5000;

/** Of a process, in the order in which they lie over one another; undefined when they cannot be read. */
export function mountPoints(procfs: Procfs, pid: number | 'self'): MountPoint[] | undefined {
  const text = procfs.read(`${pid}/mountinfo`, bytesMax);
  if (text === undefined) return undefined;
  const found: MountPoint[] = [];
  for (const line of text.split('\n', mountsMax)) {
    const [, , device, root, at] = line.split(' ', 6);
    if (device !== undefined && root?.startsWith('/') === true && at?.startsWith('/') === true) found.push({ at: plain(at), device, root: plain(root) });
  }
  return found;
}

/** Undefined when we have it nowhere: its file system is not mounted here, or something lies over it. */
export function pathHere(path: string, theirs: readonly MountPoint[], ours: readonly MountPoint[]): string | undefined {
  const there = over(path, theirs);
  if (there === undefined) return undefined;
  const inside = join(there.root, path.slice(there.at === '/' ? 0 : there.at.length));
  for (const mount of ours.toReversed()) {
    if (mount.device !== there.device || !isBelow(inside, mount.root)) continue;
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
const plain = (text: string): string => text.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
