/**
 * Which package put a file there, and whether the file is still as it was shipped. Works on the running
 * machine and on any tree that holds a dpkg or rpm database (a mounted disk, an unpacked image).
 */
import { readdirSync } from 'node:fs';
import { Root } from '../root.ts';
import { Slices } from '../slices.ts';
import { Collector, type Package } from './collect.ts';
import { dpkgLocks, dpkgPlaces, hasDpkg, readDpkg } from './dpkg.ts';
import { PackagesError } from './error.ts';
import { hashFile } from './digest.ts';
import { hasRpm, readRpm, rpmLocks, rpmPlaces } from './rpm.ts';
import type { FileRow, PathTable } from './table.ts';

/** Files and folders whose change says that a database changed. */
export const databasePlaces: readonly string[] = [...dpkgPlaces, ...rpmPlaces];
/** Files that a package manager holds locked while it works. */
export const databaseLocks: readonly string[] = [...dpkgLocks, ...rpmLocks];

export type { Package } from './collect.ts';

/** A file as its package ships it. `path` is where it really lies, seen from inside the root. */
export interface OwnedFile extends FileRow { path: string; package: Package }

/**
 * intact     content (and, for rpm, permissions) as shipped
 * modified   it is not; a changed configuration file is told by `config` of its row
 * missing    not there, or no longer a file
 * unchecked  the package has no digest of it: links, files made by scripts
 */
export type Verdict = 'intact' | 'modified' | 'missing' | 'unchecked';

export interface PackageIndex {
  readonly root: string;
  readonly packages: readonly Package[];
  /** Paths in the index. */
  readonly size: number;
  /** What was left out, by reason; empty when all was understood. */
  readonly counts: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
  /** The owner of a path; links of folders (/bin → /usr/bin) are followed. Folders that hold something have no owner here. */
  owner(path: string): OwnedFile | undefined;
  /** Every file of every package; a file of several packages comes once for each. */
  files(): Iterable<OwnedFile>;
  /** Compares the file with what was shipped. Undefined when no package has this path. Throws when it cannot be read. */
  verify(path: string, signal?: AbortSignal): Promise<Verdict | undefined>;
}

/** Reads the databases below `root`. Throws PackagesError 'no-database' when there is none, 'broken' or 'too-large' for one that cannot be read. */
export async function openPackages(root = '/', { signal }: { signal?: AbortSignal } = {}): Promise<PackageIndex> {
  const tree = new Root(root);
  const slices = new Slices(signal);
  const into = new Collector();
  const readers = [...(hasDpkg(tree) ? [readDpkg] : []), ...(hasRpm(tree) ? [readRpm] : [])];
  if (readers.length === 0) throw new PackagesError('no-database', `expected a dpkg or rpm database below ${root}, got none`);
  for (const read of readers) {
    try {
      await read(tree, into, slices);
    } catch (error) {
      // Beside a database that can be read a broken one is a fault; alone there is nothing to tell.
      if (slices.aborted || readers.length === 1) throw error;
      into.count('databases that cannot be read');
      into.fault((error as Error).message);
    }
  }
  const table = await into.table.seal(tree, slices);
  return new Index(tree, root, into, table, topLinks(tree));
}

/** Folders of the root that are links (/bin → /usr/bin): a package may list either, a caller may ask for either. */
function topLinks(root: Root): ReadonlyMap<string, string> {
  const links = readdirSync(root.prefix || '/', { withFileTypes: true }).filter((entry) => entry.isSymbolicLink()).map(({ name }) => [`/${name}`, root.tryFolder(`/${name}`)] as const);
  return new Map(links.flatMap(([from, to]) => (to === undefined || to === from ? [] : [[from, to]])));
}

class Index implements PackageIndex {
  readonly root: string;
  readonly packages: readonly Package[];
  readonly counts: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
  readonly #tree: Root;
  readonly #table: PathTable;
  readonly #links: ReadonlyMap<string, string>;

  constructor(tree: Root, root: string, { packages, counts, faults }: Collector, table: PathTable, links: ReadonlyMap<string, string>) {
    this.#tree = new Root(root);
    this.root = tree.prefix || '/';
    this.packages = packages;
    this.counts = counts;
    this.faults = faults;
    this.#table = table;
    this.#links = links;
  }

  get size(): number { return this.#table.size; }

  owner(path: string): OwnedFile | undefined {
    const row = this.#find(path);
    return row < 0 ? undefined : this.#file(row);
  }

  *files(): Iterable<OwnedFile> {
    for (let row = 0; row < this.#table.size; row++) yield this.#file(row);
  }

  async verify(path: string, signal?: AbortSignal): Promise<Verdict | undefined> {
    const row = this.#find(path);
    if (row < 0) return undefined;
    const file = this.#file(row);
    const found = this.#tree.stat(file.path);
    if (found === undefined) return file.ghost ? 'unchecked' : 'missing';
    if (file.mode !== undefined && (file.mode & 0o170000) !== (found.mode & 0o170000)) return 'modified';
    if (file.digest === undefined) return 'unchecked';
    if (!found.isFile()) return 'modified';
    // Permissions beyond the shipped ones, such as set-uid, make another file of it.
    if (file.mode !== undefined && (file.mode & 0o7777) !== (found.mode & 0o7777)) return 'modified';
    const { hex } = await hashFile(this.#tree.outside(file.path), file.digest.algorithm, signal);
    return hex === file.digest.hex ? 'intact' : 'modified';
  }

  #find(path: string): number {
    const slash = path.lastIndexOf('/');
    if (slash < 0) return -1;
    const folder = path.slice(0, slash);
    const name = path.slice(slash + 1);
    const row = this.#table.find(folder, name);
    if (row >= 0) return row;
    const second = folder.indexOf('/', 1);
    const link = this.#links.get(second < 0 ? folder : folder.slice(0, second));
    return link === undefined ? -1 : this.#table.find(second < 0 ? link : link + folder.slice(second), name);
  }

  #file(row: number): OwnedFile {
    return { path: this.#table.path(row), package: this.packages[this.#table.owner(row)]!, ...this.#table.row(row) };
  }
}
