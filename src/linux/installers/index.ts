/**
 * Whose a file is that no package of the system owns, by the records of other installers. A path tells which of them could have
 * put it there; their records are read when the first such path comes by.
 */
import { Lru } from './lru.ts';
import type { Digests } from '../digests.ts';
import type { Owner } from '../provenance.ts';
import type { Tree } from '../tree.ts';
import { condaFiles } from './conda.ts';
import { gemOf } from './gem.ts';
import { npmOf } from './npm.ts';
import { pipFiles } from './pip.ts';
import { recordsMax, type RecordedFile, type Records } from './records.ts';

export type InstallerName = 'pip' | 'npm' | 'gem' | 'conda' | 'snap' | 'flatpak';

const placesMax = 2000;
const pythonFolders = /^(.*\/(?:site|dist)-packages)\//;
const scriptFolders = /^(.*)\/(?:bin|sbin)\/[^/]+$/;
const versionedPython = /^python\d+(?:\.\d+)?$/;

export class Installers {
  readonly #tree: Tree;
  readonly #digests: Digests;
  /** Records by the folder they are for, and what one path asks again. */
  readonly #records = new Lru<Records>(placesMax);
  readonly #places = new Lru<string[]>(placesMax);
  readonly #named = new Lru<{ name: string; version: string } | undefined>(placesMax);
  /** Entries of all records held. */
  #held = 0;

  constructor(tree: Tree, digests: Digests) { this.#tree = tree; this.#digests = digests; }

  /** Throws TreeError when a record cannot be read. */
  async owner(path: string): Promise<Owner | undefined> {
    const mounted = mountedOf(path);
    if (mounted) return { ...mounted, state: 'unchecked', config: false };
    const npm = path.includes('/node_modules/') ? npmOf(this.#tree, path, this.#named) : undefined;
    if (npm) return { manager: 'npm', ...npm, state: 'unchecked', config: false };
    const gem = path.includes('/gems/') ? gemOf(this.#tree, path) : undefined;
    if (gem) return { manager: 'gem', ...gem, state: 'unchecked', config: false };
    for (const site of this.#sitesOf(path)) {
      const found = this.#of(`pip ${site}`, () => pipFiles(this.#tree, site)).get(path);
      if (found) return { manager: 'pip', ...await this.#judged(path, found) };
    }
    const prefix = this.#condaPrefix(path);
    const found = prefix === undefined ? undefined : this.#of(`conda ${prefix}`, () => condaFiles(this.#tree, prefix)).get(path);
    return found && { manager: 'conda', ...await this.#judged(path, found) };
  }

  async #judged(path: string, { name, version, sha256 }: RecordedFile): Promise<Omit<Owner, 'manager'>> {
    const found = this.#tree.stat(path);
    if (found === undefined) return { name, version, state: 'missing', config: false };
    if (sha256 === undefined || found.kind !== 'file') return { name, version, state: 'unchecked', config: false };
    const taken = await this.#digests.take(path, 'sha256', found.size);
    return { name, version, state: taken.state !== 'taken' ? 'unchecked' : taken.hex === sha256 ? 'intact' : 'modified', config: false };
  }

  #of(key: string, read: () => Records): Records {
    const known = this.#records.get(key);
    if (known) return known;
    const records = read();
    this.#held += records.size;
    // Virtual environments by the hundred: begin anew rather than keep them all.
    if (this.#held > recordsMax) { this.#records.clear(); this.#held = records.size; }
    this.#records.set(key, records);
    return records;
  }

  /** Folders of Python packages whose records may name this path: the one it lies in, or those beside its `bin`. */
  #sitesOf(path: string): string[] {
    const site = pythonFolders.exec(path)?.[1];
    if (site !== undefined) return [site];
    const prefix = scriptFolders.exec(path)?.[1];
    if (prefix === undefined) return [];
    const known = this.#places.get(prefix);
    if (known) return known;
    const lib = `${prefix}/lib`;
    const sites = (this.#tree.list(lib) ?? []).filter((name) => versionedPython.test(name)).flatMap((name) => ['site-packages', 'dist-packages'].map((folder) => `${lib}/${name}/${folder}`)).filter((folder) => this.#tree.stat(folder)?.kind === 'folder');
    this.#places.set(prefix, sites);
    return sites;
  }

  /** The nearest folder above that keeps conda's records. */
  #condaPrefix(path: string): string | undefined {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      let known = this.#places.get(`conda ${folder}`);
      if (!known) this.#places.set(`conda ${folder}`, known = this.#tree.stat(`${folder}/conda-meta`)?.kind === 'folder' ? [folder] : []);
      if (known.length > 0) return folder;
    }
    return undefined;
  }
}

/** Snap and flatpak mount or lay out each program in a place of its own. */
function mountedOf(path: string): { manager: 'snap' | 'flatpak'; name: string; version: string } | undefined {
  const snap = /^(?:\/snap|\/var\/lib\/snapd\/snap)\/([a-z0-9-]{1,64})\/(x?\d{1,9})\//.exec(path);
  if (snap) return { manager: 'snap', name: snap[1]!, version: snap[2]! };
  const flatpak = /^\/var\/lib\/flatpak\/(?:app|runtime)\/([\w.-]{1,128})\/[\w-]{1,32}\/([^/]{1,64})\//.exec(path);
  return flatpak ? { manager: 'flatpak', name: flatpak[1]!, version: flatpak[2]! } : undefined;
}
