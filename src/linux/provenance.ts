/** Who put a file there, and whether it is still as it was shipped. */
import { treeDigests, type Digests } from './digests.ts';
import { Installers, type InstallerName } from './installers/index.ts';
import type { OwnedFile, PackageIndex, Verdict } from './packages/index.ts';
import type { Tree } from './tree.ts';

/**
 * A file's owner. `state` is told by digests (and, for rpm and apk, permissions):
 *   intact     as shipped
 *   modified   it is not; `config` says that people may change it
 *   unchecked  the package has no digest of it, or it could not be read
 *   missing    owned, but not there
 */
export interface Owner { manager: 'dpkg' | 'rpm' | 'apk' | InstallerName; name: string; version: string; state: Verdict; config: boolean }

export interface Provenance {
  /** False where no package database could be read: then nobody's file says nothing. */
  readonly known: boolean;
  /** The packages of the system; undefined where none could be read. */
  readonly index: PackageIndex | undefined;
  /** Takes digests of files of the tree. */
  readonly digests: Digests;
  /** The package of the system (dpkg, rpm, apk) that owns a path, its folders' and its own links followed; undefined when none has it. Digests are taken once a file. */
  owner(path: string): Promise<Owner | undefined>;
  /**
   * What other installers (pip, npm, gem, conda, snap, flatpak) say of a path. A weaker word than `owner`: their records lie beside
   * the files, and whoever can write there can write a record too. Undefined when none has it.
   */
  installer(path: string): Promise<Owner | undefined>;
  /** The name of the package alone, without a look at the file: cheap. */
  packageOf(path: string): string | undefined;
}

const takenMax = 100_000;

export class PackageProvenance implements Provenance {
  readonly index: PackageIndex | undefined;
  readonly digests: Digests;
  readonly #tree: Tree;
  readonly #taken = new Map<string, Promise<Verdict>>();
  readonly #installers: Installers;

  /** With a signal alone digests are taken in this thread. */
  constructor(tree: Tree, index: PackageIndex | undefined, digests: Digests | AbortSignal) {
    this.#tree = tree;
    this.index = index;
    this.digests = digests instanceof AbortSignal ? treeDigests(tree, digests) : digests;
    this.#installers = new Installers(tree, this.digests);
  }

  get known(): boolean { return this.index !== undefined; }

  packageOf(path: string): string | undefined { return this.#file(path)?.package.name; }

  async owner(path: string): Promise<Owner | undefined> {
    const file = this.#file(path);
    return file && { manager: file.package.manager, name: file.package.name, version: file.package.version, state: await this.#state(file), config: file.config === true };
  }

  installer(path: string): Promise<Owner | undefined> { return this.#installers.owner(path); }

  #file(path: string): OwnedFile | undefined { return this.index?.owner(path) ?? this.#ownerOfTarget(path); }

  #ownerOfTarget(path: string): OwnedFile | undefined {
    const real = this.#tree.real(path);
    return real === undefined || real === path ? undefined : this.index?.owner(real);
  }

  #state(file: OwnedFile): Promise<Verdict> {
    const known = this.#taken.get(file.path);
    if (known) return known;
    if (this.#taken.size >= takenMax) this.#taken.clear();
    const taken = this.#verify(file);
    this.#taken.set(file.path, taken);
    return taken;
  }

  /** dpkg keeps no digest of a link: it is what it leads to, as long as a package ships that. */
  async #verify(file: OwnedFile): Promise<Verdict> {
    const verdict = await this.index!.verify(file.path, this.digests) ?? 'unchecked';
    if (verdict !== 'unchecked') return verdict;
    const target = this.#ownerOfTarget(file.path);
    return target && target.path !== file.path ? this.#state(target) : verdict;
  }
}
