/**
 * Whose file it is and nothing more, for who goes through files once. An index is columns of bytes filled by loops over bytes, which
 * pays when it is kept, handed on and asked for digests; here the lists are cut by what the engine has built in, which needs no time
 * to become fast: a third of the work.
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
/** Files of one name in different folders that are gone through to find one behind a link. */
const sameNameMax = 20_000;

/** Throws as `openPackages`. */
export async function openOwners(tree: Tree, { signal }: Reading = {}): Promise<PackageOwners> {
  if (!hasDpkgLists(tree) || hasRpm(tree) || hasApk(tree)) return openPackages(tree, { signal });
  const into = new Collector();
  const paths: Paths = new Map();
  await readDpkgLists(tree, into, new Slices(signal), (list) => { if (paths.size <= pathsMax) addList(list, paths); });
  return paths.size > pathsMax ? openPackages(tree, { signal }) : new Owners(tree, into.packages, paths);
}

/** Number of the package by path, one character a byte. */
type Paths = Map<string, number>;
/** In the place of a package: something stands in it. Folders stand in a list like files, and an empty one passes for a file. */
const folderMark = -1;

/** Of packages that list the same the first is its owner. Look-ups are what this costs: a folder is known by the line behind it, mostly. */
function addList({ bytes, number, diverted, moved }: DpkgList, paths: Paths): void {
  const lines = bytes.toString('latin1').split('\n');
  let folder = '';
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (lines[i + 1]?.startsWith(line) && lines[i + 1]!.charCodeAt(line.length) === slashCode) { folder = line; continue; }
    const path = diverted.has(line) ? moved(line) : line;
    if (!paths.has(path)) paths.set(path, number);
    const slash = line.lastIndexOf('/');
    if (slash === folder.length && line.startsWith(folder)) continue;
    folder = line.slice(0, slash);
    paths.set(folder, folderMark);
  }
}
const slashCode = 47;

class Owners implements PackageOwners {
  readonly #packages: readonly Package[];
  readonly #paths: Paths;
  readonly #folders: Folders;
  /** Paths by the name alone. Made when the first file is asked for that is not listed where it lies. */
  #names: Map<string, string[]> | undefined;
  readonly #real = new Map<string, string | undefined>();

  constructor(tree: Tree, packages: readonly Package[], paths: Paths) {
    this.#packages = packages;
    this.#paths = paths;
    this.#folders = new Folders(tree);
  }

  owner(path: string): { package: Package } | undefined {
    const key = byteText(path);
    const number = this.#paths.get(key) ?? this.#behindLink(key);
    const found = number === undefined || number === folderMark ? undefined : this.#packages[number];
    return found && { package: found };
  }

  /** A package may list /bin/sh where /bin is a link to /usr/bin: of what has this name, whose folder is really this one. */
  #behindLink(key: string): number | undefined {
    this.#names ??= byName(this.#paths);
    const slash = key.lastIndexOf('/');
    const named = this.#names.get(key.slice(slash + 1));
    if (!named) return undefined;
    const at = this.#realOf(key.slice(0, slash));
    const found = at === undefined ? undefined : named.find((path) => this.#realOf(path.slice(0, path.lastIndexOf('/'))) === at);
    return found === undefined ? undefined : this.#paths.get(found);
  }

  /** A folder that cannot be looked at leads nowhere: no walk comes by what lies in it. */
  #realOf(folder: string): string | undefined {
    if (this.#real.has(folder)) return this.#real.get(folder);
    let real: string | undefined;
    try {
      real = this.#folders.real(nameOfLatin1(folder));
    } catch (error) { if (!(error instanceof MoatError)) throw error; }
    this.#real.set(folder, real);
    return real;
  }
}

function byName(paths: Paths): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const [path, number] of paths) {
    if (number === folderMark) continue;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const named = names.get(name);
    if (!named) names.set(name, [path]);
    else if (named.length < sameNameMax) named.push(path);
  }
  return names;
}
