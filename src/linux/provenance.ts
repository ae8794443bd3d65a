/** Who put a file there, and whether it is still as it was shipped. */
import type { OwnedFile, PackageIndex, Verdict } from './packages/index.ts';
import type { Tree } from './tree.ts';

/**
 * A file's owner. `state` is told by digests (and, for rpm, permissions):
 *   intact     as shipped
 *   modified   it is not; `config` says that people may change it
 *   unchecked  the package has no digest of it
 *   missing    owned, but not there
 */
export type Owner = { manager: string; name: string; version: string; state: Verdict; config: boolean };

export interface Provenance {
  /** False where no package database could be read: then nobody's file says nothing. */
  readonly known: boolean;
  /** The owner of a path, its folders' and its own links followed; undefined when no package has it. Digests are taken once a file. Throws when it cannot be read. */
  owner(path: string): Promise<Owner | undefined>;
  /** The name of the package alone, without a look at the file: cheap. */
  packageOf(path: string): string | undefined;
}

const takenMax = 100_000;

export class PackageProvenance implements Provenance {
  readonly #tree: Tree;
  readonly #index: PackageIndex | undefined;
  readonly #taken = new Map<string, Promise<Verdict>>();
  readonly #signal: AbortSignal;

  constructor(tree: Tree, index: PackageIndex | undefined, signal: AbortSignal) { this.#tree = tree; this.#index = index; this.#signal = signal; }

  get known(): boolean { return this.#index !== undefined; }

  packageOf(path: string): string | undefined { return this.#file(path)?.package.name; }

  async owner(path: string): Promise<Owner | undefined> {
    const file = this.#file(path);
    return file && { manager: file.package.manager, name: file.package.name, version: file.package.version, state: await this.#state(file), config: file.config === true };
  }

  #file(path: string): OwnedFile | undefined { return this.#index?.owner(path) ?? this.#ownerOfTarget(path); }

  #ownerOfTarget(path: string): OwnedFile | undefined {
    const real = this.#tree.real(path);
    return real === undefined || real === path ? undefined : this.#index?.owner(real);
  }

  #state(file: OwnedFile): Promise<Verdict> {
    const known = this.#taken.get(file.path);
    if (known) return known;
    if (this.#taken.size >= takenMax) this.#taken.clear();
    const taken = this.#index!.verify(file.path, this.#signal).then((verdict) => verdict ?? 'unchecked');
    this.#taken.set(file.path, taken);
    return taken;
  }
}
