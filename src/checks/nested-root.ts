/** Linux inside Linux: a chroot, a container's layers, an unpacked image. Its programs are owned by its own packages, of which the machine's know nothing. */
import { MoatError } from '../core/error.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { openPackages } from '../linux/packages/index.ts';
import { PackageProvenance } from '../linux/provenance.ts';
import type { Tree } from '../linux/tree.ts';

const databases = ['/var/lib/dpkg/status', '/lib/apk/db/installed', '/var/lib/rpm', '/usr/lib/sysimage/rpm'];
const keptMax = 20_000;
const rootsMax = 20;
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

/**
 * Whether packages of the Linux in that root ship a file there, as it is: anybody can put an empty database beside a program of his own. Reads
 * the databases of a few such roots; of more, and of those in an image, nothing is known and so nothing is shipped.
 */
export class NestedPackages {
  readonly #tree: Tree;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Promise<PackageProvenance | undefined>>();

  constructor(tree: Tree, signal: AbortSignal) { this.#tree = tree; this.#signal = signal; }

  async ships(root: string, path: string): Promise<boolean> {
    let opening = this.#known.get(root);
    if (!opening) {
      if (this.#known.size >= rootsMax) return false;
      this.#known.set(root, opening = this.#open(root));
    }
    try {
      return (await (await opening)?.owner(path.slice(root.length)))?.state === 'intact';
    } catch (error) {
      if (!(error instanceof MoatError)) throw error;
      return false; // the walk meets the file again and tells
    }
  }

  async #open(root: string): Promise<PackageProvenance | undefined> {
    try {
      const outside = this.#tree.outside(root);
      if (outside === undefined) return undefined;
      const inside = new DiskTree(outside, undefined);
      return new PackageProvenance(inside, await openPackages(inside, { signal: this.#signal }), this.#signal);
    } catch (error) {
      if (!(error instanceof MoatError)) throw error;
      return undefined; // a database that cannot be read vouches for nothing
    }
  }
}

/** May an account that is not root get to this file? Undefined folders count as open. */
export function isReachable(tree: Tree, path: string): boolean {
  for (let at = path.slice(0, path.lastIndexOf('/')); at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const stat = tree.stat(at);
    if (stat && (stat.mode & 0o001) === 0 && stat.uid === 0 && (stat.gid === 0 || (stat.mode & 0o010) === 0)) return false;
  }
  return true;
}
