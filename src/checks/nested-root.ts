/** Linux inside Linux: a chroot, a container's layers, an unpacked image. Its programs are owned by its own packages, of which the machine's know nothing. */
import type { Tree } from '../linux/tree.ts';

const databases = ['/var/lib/dpkg/status', '/lib/apk/db/installed', '/var/lib/rpm', '/usr/lib/sysimage/rpm'];
const keptMax = 20_000;
const kept = new WeakMap<Tree, Map<string, string | undefined>>();

/** The folder that is the root of another Linux and holds this path; undefined for what is the machine's own. */
export function nestedRoot(tree: Tree, path: string): string | undefined {
  const known = kept.get(tree) ?? new Map<string, string | undefined>();
  kept.set(tree, known);
  return above(tree, path.slice(0, Math.max(0, path.lastIndexOf('/'))), known);
}

function above(tree: Tree, folder: string, known: Map<string, string | undefined>): string | undefined {
  const waiting: string[] = [];
  let found: string | undefined;
  for (let at = folder; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    if (known.has(at)) { found = known.get(at); break; }
    waiting.push(at);
    if (databases.some((database) => tree.stat(at + database) !== undefined)) { found = at; break; }
  }
  if (known.size > keptMax) known.clear();
  for (const at of waiting) known.set(at, found);
  return found;
}

/** May an account that is not root get to this file? Undefined folders count as open. */
export function isReachable(tree: Tree, path: string): boolean {
  for (let at = path.slice(0, path.lastIndexOf('/')); at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const stat = tree.stat(at);
    if (stat && (stat.mode & 0o001) === 0 && stat.uid === 0 && (stat.gid === 0 || (stat.mode & 0o010) === 0)) return false;
  }
  return true;
}
