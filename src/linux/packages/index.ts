/**
 * Which package put a file there, and whether the file is still as it was shipped. Works on the running
 * machine and on any tree that holds a database of dpkg, rpm or apk (a mounted disk, an image).
 */
import { createHash } from 'node:crypto';
import { saidBy } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import { treeDigests, type Digests } from '../digests.ts';
import { DiskTree } from '../disk-tree.ts';
import { bytesOf } from '../file-names.ts';
import { Slices } from '../slices.ts';
import type { FileKind, FileStat, Tree } from '../tree.ts';
import { apkLocks, apkPlaces, hasApk, readApk } from './apk.ts';
import { Collector, type Package } from './collect.ts';
import { dpkgLocks, dpkgPlaces, hasDpkg, readDpkg } from './dpkg.ts';
import { notRead, PackagesError } from './error.ts';
import { Folders, placeIn } from './read.ts';
import { hasRpm, readRpm, rpmLocks, rpmPlaces } from './rpm.ts';
import type { FileRow, PathTable } from './table.ts';

/** Files and folders whose change says that a database changed. */
export const databasePlaces: readonly string[] = [...dpkgPlaces, ...rpmPlaces, ...apkPlaces];
/** Files that a package manager holds locked while it works. */
export const databaseLocks: readonly string[] = [...dpkgLocks, ...rpmLocks, ...apkLocks];

export type { Package } from './collect.ts';

/** A file as its package ships it. `path` is where it really lies, seen from inside the root. */
export interface OwnedFile extends FileRow { path: string; package: Package; /** Its number in the index. */ row: number }

/**
 * intact     content (and, for rpm and apk, permissions) as shipped
 * modified   it is not; a changed configuration file is told by `config` of its row
 * missing    not there, or no longer a file
 * unchecked  the package has no digest of it: links, files made by scripts, all of a package without digests
 */
export type Verdict = 'intact' | 'modified' | 'missing' | 'unchecked';

/** A verdict, and what differs: the content, the permissions, what kind of thing it is, or that the package lists it and has digests of its other files alone. */
export interface Comparison { verdict: Verdict; differs?: 'content' | 'mode' | 'kind' | 'digest'; /** Digest that was taken. */ hex?: string; /** Why the content could not be compared though its digest is known. */ unread?: Text }

export interface PackageIndex {
  readonly tree: Tree;
  /** Of the databases before they were read: another `databaseStamp` says that they changed since. */
  readonly stamp: string;
  readonly packages: readonly Package[];
  /** Packages whose record has digests of files that are not theirs, which no package manager writes. */
  readonly strangers: ReadonlySet<Package>;
  /** Paths in the index. */
  readonly size: number;
  /** What was left out, by reason; empty when all was understood. */
  readonly counts: ReadonlyMap<string, number>;
  readonly faults: readonly Text[];
  /** The owner of a path; links of folders (/bin → /usr/bin) are followed. Folders that hold something have no owner here. */
  owner(path: string): OwnedFile | undefined;
  /** Row of the owner of a path as `owner` finds it, -1 for none. */
  find(path: string): number;
  file(row: number): OwnedFile;
  /** Does a package have a file in this very folder? */
  hasFolder(folder: string): boolean;
  /** Every file of every package; a file of several packages comes once for each. */
  files(): Iterable<OwnedFile>;
  /** Compares the file with what was shipped. Undefined when no package has this path. Throws PackagesError 'broken' or TreeError when it cannot be read. */
  verify(path: string, digests?: Digests): Promise<Verdict | undefined>;
}

/** Names a state of the databases. Throws TreeError. */
export const databaseStamp = (tree: Tree): string => databasePlaces.map((place) => { const found = tree.stat(place); return found ? `${found.inode}:${found.size}:${found.modified}` : ''; }).join(' ');

/** What the databases say, ready to be asked; all of it can be handed to another process. */
export interface SealedPackages {
  stamp: string;
  packages: readonly Package[];
  strangers: ReadonlySet<Package>;
  counts: ReadonlyMap<string, number>;
  faults: readonly Text[];
  /** Folders of the root that are links, and where they lead. */
  links: ReadonlyMap<string, string>;
  table: PathTable;
}

export interface Reading { signal?: AbortSignal | undefined }

/** Reads the databases of a tree, or of the folder named. Throws PackagesError 'no-database' when there is none, 'broken' or 'too-large' for one that cannot be read. */
export async function openPackages(root: Tree | string = '/', reading: Reading = {}): Promise<PackageIndex> {
  const tree = packagesTree(root);
  return new Index(tree, await readPackages(tree, reading));
}

export const packagesTree = (root: Tree | string): Tree => (typeof root === 'string' ? new DiskTree(root, undefined) : root);

export const indexOf = (tree: Tree, sealed: SealedPackages): PackageIndex => new Index(tree, sealed);

/** Throws as `openPackages`. */
export async function readPackages(tree: Tree, { signal }: Reading = {}): Promise<SealedPackages> {
  const stamp = databaseStamp(tree);
  const slices = new Slices(signal);
  const into = new Collector();
  const readers = [...(hasDpkg(tree) ? [readDpkg] : []), ...(hasRpm(tree) ? [readRpm] : []), ...(hasApk(tree) ? [readApk] : [])];
  if (readers.length === 0) throw new PackagesError('no-database', `expected a database of dpkg, rpm or apk, got none in ${placeIn(tree, '/')}`, { zh: `${placeIn(tree, '/')} 里没有 dpkg、rpm 或 apk 的数据库` });
  for (const read of readers) {
    try {
      await read(tree, into, slices);
    } catch (error) {
      // Beside a database that can be read a broken one is a fault; alone there is nothing to tell.
      if (slices.aborted || readers.length === 1) throw error;
      into.count('databases that cannot be read');
      into.fault(saidBy(error));
    }
  }
  const table = await into.table.seal(new Folders(tree), slices);
  const { packages, strangers, counts, faults } = into;
  return { stamp, packages, strangers, counts, faults, links: topLinks(tree), table };
}

/** Folders of the root that are links (/bin → /usr/bin): a package may list either, a caller may ask for either. */
function topLinks(tree: Tree): ReadonlyMap<string, string> {
  const links = (tree.list('/') ?? []).map((name) => `/${name}`).filter((path) => tree.stat(path)?.kind === 'link').map((from) => [from, tree.real(from)] as const);
  return new Map(links.flatMap(([from, to]) => (to === undefined || to === from ? [] : [[from, to]])));
}

const kinds: Readonly<Record<number, FileKind>> = { 0o100000: 'file', 0o040000: 'folder', 0o120000: 'link', 0o010000: 'pipe', 0o140000: 'socket', 0o060000: 'block-device', 0o020000: 'character-device' };

/** Compares a file with what its package ships; `found` is what lies there now. */
export async function compareFile(file: OwnedFile, found: FileStat | undefined, tree: Tree, digests: Digests): Promise<Comparison> {
  if (found === undefined) return { verdict: file.ghost ? 'unchecked' : 'missing' };
  if (file.digest !== undefined && file.package.manager === 'apk' && found.kind === 'link') {
    const hex = createHash(file.digest.algorithm).update(bytesOf(tree.link(file.path) ?? '')).digest('hex');
    return hex === file.digest.hex ? { verdict: 'intact' } : { verdict: 'modified', differs: 'content', hex };
  }
  if (file.mode !== undefined && kinds[file.mode & 0o170000] !== found.kind) return { verdict: 'modified', differs: 'kind' };
  // Permissions beyond the shipped ones, such as set-uid, make another file of it; those of a link say nothing.
  const otherMode = file.mode !== undefined && found.kind !== 'link' && (file.mode & 0o7777) !== found.mode;
  // dpkg writes a digest of each file that it unpacks: a path that somebody added to a list has none.
  if (file.undigested && found.kind === 'file' && !file.ghost) return { verdict: 'modified', differs: 'digest' };
  if (file.digest === undefined) return otherMode && !file.ghost && file.package.manager === 'rpm' ? { verdict: 'modified', differs: 'mode' } : { verdict: 'unchecked' };
  if (found.kind !== 'file') return { verdict: 'modified', differs: 'kind' };
  const taken = await digests.take(file.path, file.digest.algorithm, found.size);
  switch (taken.state) {
    case 'taken':
      if (taken.hex !== file.digest.hex) return { verdict: 'modified', differs: 'content', hex: taken.hex };
      return otherMode ? { verdict: 'modified', differs: 'mode' } : { verdict: 'intact' };
    case 'gone': return tree.stat(file.path) === undefined ? { verdict: 'missing' } : { verdict: 'modified', differs: 'kind' };
    case 'changed': return { verdict: 'unchecked', unread: { zh: '读的时候它正在被写', en: 'it was written to while it was read' } };
    case 'too-large': return { verdict: 'unchecked', unread: { zh: `太大（${taken.size} 字节）`, en: `it has ${taken.size} bytes` } };
    case 'denied': case 'broken': return { verdict: 'unchecked', unread: taken.why };
  }
}

class Index implements PackageIndex {
  readonly tree: Tree;
  readonly stamp: string;
  readonly packages: readonly Package[];
  readonly strangers: ReadonlySet<Package>;
  readonly counts: ReadonlyMap<string, number>;
  readonly faults: readonly Text[];
  readonly #table: PathTable;
  readonly #links: ReadonlyMap<string, string>;

  constructor(tree: Tree, { stamp, packages, strangers, counts, faults, table, links }: SealedPackages) {
    this.tree = tree;
    this.stamp = stamp;
    this.packages = packages;
    this.strangers = strangers;
    this.counts = counts;
    this.faults = faults;
    this.#table = table;
    this.#links = links;
  }

  get size(): number { return this.#table.size; }

  owner(path: string): OwnedFile | undefined {
    const row = this.find(path);
    return row < 0 ? undefined : this.file(row);
  }

  *files(): Iterable<OwnedFile> {
    for (let row = 0; row < this.#table.size; row++) yield this.file(row);
  }

  async verify(path: string, digests = treeDigests(this.tree)): Promise<Verdict | undefined> {
    const row = this.find(path);
    if (row < 0) return undefined;
    const file = this.file(row);
    const { verdict, unread } = await compareFile(file, this.tree.stat(file.path), this.tree, digests);
    if (unread !== undefined) throw notRead(placeIn(this.tree, file.path), unread);
    return verdict;
  }

  find(path: string): number {
    const row = this.#table.find(path);
    if (row >= 0 || this.#links.size === 0) return row;
    const second = path.indexOf('/', 1);
    const link = second < 0 ? undefined : this.#links.get(path.slice(0, second));
    return link === undefined ? -1 : this.#table.find(link + path.slice(second));
  }

  hasFolder(folder: string): boolean { return this.#table.hasFolder(folder); }

  file(row: number): OwnedFile {
    return { row, path: this.#table.path(row), package: this.packages[this.#table.owner(row)]!, ...this.#table.row(row) };
  }
}
