/** How the readers of databases look at a tree. */
import { MoatError } from '../../core/error.ts';
import type { Slices } from '../slices.ts';
import type { OpenFile, Tree } from '../tree.ts';
import { PackagesError } from './error.ts';

const pieceBytes = 256 * 1024;
const depthMax = 128;

/** Memory for reading many files one after the other: what is freed in pieces does not come back to the system. */
export class Scratch {
  #bytes = Buffer.alloc(0);

  take(size: number): Buffer {
    if (size > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(Math.max(1 << 16, Math.ceil(size * 1.25)));
    return this.#bytes.subarray(0, size);
  }
}

/** Where things of a tree stand in words for people. */
export const placeIn = (tree: Tree, path: string): string => (tree.kind === 'machine' ? path : `${tree.name} ${path}`);

export const isFile = (tree: Tree, path: string): boolean => tree.stat(path)?.kind === 'file';
export const isFolder = (tree: Tree, path: string): boolean => tree.stat(path)?.kind === 'folder';

/** A regular file, its own name not followed. Throws PackagesError 'broken' when there is none, TreeError when it cannot be read. */
export function openIn(tree: Tree, path: string): OpenFile {
  const file = tree.open(path);
  if (!file) throw new PackagesError('broken', `expected a regular file, got something else or nothing in ${placeIn(tree, path)}`, { zh: `${placeIn(tree, path)} 不是普通文件，或不存在` });
  return file;
}

/** The whole of a file of at most `max` bytes; in the scratch memory, when one is given, until that is used again. Throws as `openIn`, and PackagesError 'too-large'. */
export async function readWhole(tree: Tree, path: string, max: number, slices: Slices, scratch?: Scratch): Promise<Buffer> {
  const file = openIn(tree, path);
  try {
    const { size } = file;
    if (size > max) throw new PackagesError('too-large', `expected at most ${max} bytes, got ${size} in ${placeIn(tree, path)}`, { zh: `${placeIn(tree, path)} 有 ${size} 字节，超过上限 ${max}` });
    const bytes = scratch ? scratch.take(size) : Buffer.allocUnsafeSlow(size);
    let have = 0;
    while (have < size) {
      if (have > 0 && slices.due()) await slices.rest();
      const got = file.read(bytes.subarray(have, Math.min(size, have + pieceBytes)), have);
      if (got === 0) break;
      have += got;
    }
    return bytes.subarray(0, have);
  } finally { file.close(); }
}

/** Where folders really are: asks the tree once for each. */
export class Folders {
  readonly #tree: Tree;
  readonly #known = new Map<string, string | undefined>([['', '']]);

  constructor(tree: Tree) { this.#tree = tree; }

  /** Seen from inside; what is not there stays as it is written. Undefined behind a link that leads nowhere, or round. */
  real(folder: string, depth = 0): string | undefined {
    if (this.#known.has(folder)) return this.#known.get(folder);
    if (depth > depthMax) return undefined;
    const slash = folder.lastIndexOf('/');
    const parent = this.real(folder.slice(0, Math.max(0, slash)), depth + 1);
    const at = parent === undefined ? undefined : this.#step(`${parent}/${folder.slice(slash + 1)}`);
    this.#known.set(folder, at);
    return at;
  }

  /** A folder that somebody may not look into is where it is written: what lies there cannot be asked for either. */
  #step(path: string): string | undefined {
    try {
      return this.#follow(path);
    } catch (error) {
      if (error instanceof MoatError && error.code === 'denied') return path;
      throw error;
    }
  }

  #follow(path: string): string | undefined {
    return this.#tree.stat(path)?.kind === 'link' ? this.#tree.real(path)?.replace(/\/$/, '') : path;
  }
}
