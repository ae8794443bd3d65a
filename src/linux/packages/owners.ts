/**
 * Whose files below some folders they are and nothing more, for who goes through them once. An index is columns of bytes filled by
 * loops over bytes, which pays when it is kept, handed on and asked for digests; here lists are cut by what the engine has built in,
 * which needs no time to become fast, and what lies elsewhere is passed over: a third of the work.
 */
import { MoatError } from '../../core/error.ts';
import { nameOfLatin1 } from '../file-names.ts';
import { Slices } from '../slices.ts';
import type { Tree } from '../tree.ts';
import { hasApk } from './apk.ts';
import { Collector, type Package } from './collect.ts';
import { hasDpkgLists, readDpkgLists, type DpkgList } from './dpkg.ts';
import { openPackages, type Reading } from './index.ts';
import { Folders } from './read.ts';
import { hasRpm } from './rpm.ts';
import { byteText } from './slots.ts';

export interface PackageOwners {
  /** Of a path as a walk finds it, its folder no link; undefined when no package has it, and for a folder that holds something. */
  owner(path: string): { package: Package } | undefined;
}

/** Beyond this the index keeps them in a tenth of the memory. */
const pathsMax = 500_000;

/** `within`: the folders and files that will be asked for. Throws as `openPackages`. */
export async function openOwners(tree: Tree, within: readonly string[], { signal }: Reading = {}): Promise<PackageOwners> {
  if (!hasDpkgLists(tree) || hasRpm(tree) || hasApk(tree)) return openPackages(tree, { signal });
  const into = new Collector();
  const owners = new Owners(tree, within, into.packages);
  await readDpkgLists(tree, into, new Slices(signal), (list) => { if (owners.size <= pathsMax) owners.add(list); });
  return owners.size > pathsMax ? openPackages(tree, { signal }) : owners;
}

/** In the place of a package: something stands in it. Folders stand in a list like files, and an empty one passes for a file. */
const folderMark = -1;
const slashCode = 47;

/** Where a folder really is, by the texts of the lists; undefined for one in which nothing will be asked for. */
type Place = { real: string } | undefined;

/** Texts have one character a byte. */
class Owners implements PackageOwners {
  readonly #packages: readonly Package[];
  readonly #folders: Folders;
  readonly #within: readonly string[];
  readonly #places = new Map<string, Place>();
  /** Number of the package by the path as it really is. */
  readonly #paths = new Map<string, number>();

  constructor(tree: Tree, within: readonly string[], packages: readonly Package[]) {
    this.#packages = packages;
    this.#folders = new Folders(tree);
    this.#within = within.map((path) => this.#pathOf(byteText(path === '/' ? '' : path)));
  }

  /** What is kept. */
  get size(): number { return this.#paths.size + this.#places.size; }

  /** Of packages that list the same the first is its owner. */
  add({ bytes, number, diverted, moved }: DpkgList): void {
    const lines = bytes.toString('latin1').split('\n');
    let folder = '';
    let place = this.#place(folder);
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      if (diverted.has(line)) { this.#own(this.#pathOf(moved(line)), number); continue; }
      const slash = line.lastIndexOf('/');
      if (slash !== folder.length || !line.startsWith(folder)) {
        folder = line.slice(0, Math.max(0, slash));
        place = this.#place(folder);
        if (place && folder !== lines[i - 1]) this.#paths.set(place.real, folderMark);
      }
      // A folder, to tell by what stands behind it, need not be looked up.
      if (!place || (lines[i + 1]?.startsWith(line) && lines[i + 1]!.charCodeAt(line.length) === slashCode)) continue;
      this.#own(place.real === folder ? line : place.real + line.slice(slash), number);
    }
  }

  owner(path: string): { package: Package } | undefined {
    const key = byteText(path);
    const number = this.#paths.get(key) ?? this.#paths.get(this.#pathOf(key));
    const found = number === undefined || number === folderMark ? undefined : this.#packages[number];
    return found && { package: found };
  }

  #own(path: string, number: number): void { if (!this.#paths.has(path)) this.#paths.set(path, number); }

  /** With its folder as it really is: a package may list /bin/sh where /bin is a link to /usr/bin. */
  #pathOf(path: string): string {
    const slash = path.lastIndexOf('/');
    const folder = path.slice(0, Math.max(0, slash));
    return `${this.#realOf(folder)}${path.slice(folder.length)}`;
  }

  #place(folder: string): Place {
    if (this.#places.has(folder)) return this.#places.get(folder);
    const real = this.#realOf(folder);
    const place = this.#within.some((path) => real === path || path === '' || real.startsWith(`${path}/`) || path.lastIndexOf('/') === real.length && path.startsWith(real)) ? { real } : undefined;
    this.#places.set(folder, place);
    return place;
  }

  /** Itself where links lead nowhere or cannot be looked at. */
  #realOf(folder: string): string {
    try {
      return byteText(this.#folders.real(nameOfLatin1(folder)) ?? nameOfLatin1(folder));
    } catch (error) {
      if (!(error instanceof MoatError)) throw error;
      return folder;
    }
  }
}
