/** What the last commit of a checkout says of its files. */
import { textOf, type Tree } from '../tree.ts';
import { GitError } from './error.ts';
import { GitObjects, treeEntries, type GitObject } from './objects.ts';

const linkMax = 4096;
const refsMax = 8 * 2 ** 20;
const partsMax = 100;
const refsDeep = 5;

export class GitCheckout {
  /** The folder that holds the checkout. */
  readonly root: string;
  /** Hexadecimal. */
  readonly commit: string;
  readonly #objects: GitObjects;
  readonly #top: string;
  /** Folders by their path below the root: a walk asks for many files of one. */
  readonly #trees = new Map<string, ReadonlyMap<string, { mode: string; id: string }> | undefined>();

  private constructor(root: string, commit: string, objects: GitObjects, top: string) { this.root = root; this.commit = commit; this.#objects = objects; this.#top = top; }

  /** The checkout in this very folder; undefined when there is none, or nothing was committed yet. Throws GitError, TreeError. */
  static open(tree: Tree, root: string): GitCheckout | undefined {
    const folder = gitFolder(tree, root);
    if (folder === undefined) return undefined;
    // A second working tree has its own HEAD and shares the rest.
    const common = commonFolder(tree, folder);
    const commit = resolved(tree, folder, common, 'HEAD', 0);
    if (commit === undefined) return undefined;
    const objects = new GitObjects(tree, `${common}/objects`);
    const { type, bytes } = objects.read(commit);
    const top = /^tree ([0-9a-f]+)\n/.exec(bytes.toString('latin1', 0, 80))?.[1];
    if (type !== 'commit' || top === undefined) throw new GitError('broken', `expected a commit with a tree, got something else in ${commit}`);
    return new GitCheckout(root, commit, objects, top);
  }

  /** A committed file by its whole path; undefined when it was not committed, or is a link or another repository. Throws GitError, TreeError. */
  committed(path: string): Buffer | undefined {
    if (!path.startsWith(this.root === '/' ? '/' : `${this.root}/`)) return undefined;
    const parts = path.slice(this.root === '/' ? 1 : this.root.length + 1).split('/');
    if (parts.length > partsMax) return undefined;
    const name = parts.pop()!;
    const entry = this.#folder(parts)?.get(name);
    if (!entry || !entry.mode.startsWith('100')) return undefined;
    return this.#object(entry.id, 'blob').bytes;
  }

  #folder(parts: readonly string[]): ReadonlyMap<string, { mode: string; id: string }> | undefined {
    const key = parts.join('/');
    if (this.#trees.has(key)) return this.#trees.get(key);
    const above = parts.length === 0 ? undefined : this.#folder(parts.slice(0, -1))?.get(parts.at(-1)!);
    const id = parts.length === 0 ? this.#top : above?.mode === '40000' ? above.id : undefined;
    const entries = id === undefined ? undefined : new Map([...treeEntries(this.#object(id, 'tree').bytes, id.length / 2)].map((entry) => [entry.name, entry]));
    if (this.#trees.size > 1000) this.#trees.clear();
    this.#trees.set(key, entries);
    return entries;
  }

  #object(id: string, type: GitObject['type']): GitObject {
    const found = this.#objects.read(id);
    if (found.type !== type) throw new GitError('broken', `expected a ${type}, got a ${found.type} in ${id}`);
    return found;
  }
}

/** `.git` itself, or what a file of that name points to. */
function gitFolder(tree: Tree, root: string): string | undefined {
  const at = `${root === '/' ? '' : root}/.git`;
  const real = tree.real(at);
  const kind = real === undefined ? undefined : tree.stat(real)?.kind;
  if (kind === 'folder') return real;
  if (kind !== 'file') return undefined;
  const to = /^gitdir: (.+?)\s*$/.exec(textOf(tree, real!, linkMax) ?? '')?.[1];
  if (to === undefined) throw new GitError('broken', `expected the place of a repository, got something else in ${at}`);
  const folder = tree.real(to.startsWith('/') ? to : `${root}/${to}`);
  if (folder === undefined) throw new GitError('missing', `expected a repository at ${to}, got nothing`);
  return folder;
}

function commonFolder(tree: Tree, folder: string): string {
  const to = textOf(tree, `${folder}/commondir`, linkMax)?.trim();
  if (to === undefined || to === '') return folder;
  const common = tree.real(to.startsWith('/') ? to : `${folder}/${to}`);
  if (common === undefined) throw new GitError('missing', `expected a repository at ${to}, got nothing`);
  return common;
}

/** The commit that a reference names; undefined for a branch without one. */
function resolved(tree: Tree, folder: string, common: string, ref: string, depth: number): string | undefined {
  if (depth > refsDeep) throw new GitError('broken', `expected a reference to a commit, got a round of them at ${ref}`);
  const text = (textOf(tree, `${folder}/${ref}`, linkMax) ?? (folder === common ? undefined : textOf(tree, `${common}/${ref}`, linkMax)))?.trim();
  if (text === undefined) return packedRef(tree, common, ref);
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) return text;
  const to = /^ref: (refs\/[^\s\0]+)$/.exec(text)?.[1];
  if (to === undefined || to.split('/').includes('..')) throw new GitError('broken', `expected a commit or another reference, got something else in ${ref}`);
  return resolved(tree, folder, common, to, depth + 1);
}

function packedRef(tree: Tree, common: string, ref: string): string | undefined {
  const text = textOf(tree, `${common}/packed-refs`, refsMax);
  if (text === undefined) {
    if (tree.stat(`${common}/reftable`) !== undefined) throw new GitError('broken', `expected references in files, got a reftable in ${common}`, { hint: 'git of the kind that keeps references in a table is not read' });
    return undefined;
  }
  for (const line of text.split('\n')) if (line.endsWith(` ${ref}`)) return line.slice(0, line.indexOf(' '));
  return undefined;
}
