/**
 * Changes in folders by inotify: where neither the kernel sensor nor fanotify tells of them. Who made them is not known, and what is
 * done by another name of a file (a hard link, a mount elsewhere) is not seen.
 */
import { watch, type FSWatcher } from 'node:fs';
import { bytesOf, nameOf } from '../linux/file-names.ts';
import { MoatError } from '../core/error.ts';
import { Slices } from '../linux/slices.ts';
import type { Tree } from '../linux/tree.ts';

export interface FolderWatchOptions {
  tree: Tree;
  folders: readonly string[];
  covers: (path: string) => boolean;
  changed: (path: string) => void;
  signal: AbortSignal;
  /** Folders watched at most. */
  most?: number;
}

/** A quarter of what a user may have by default on old kernels. */
const usualMost = 8192;

export class FolderWatch {
  readonly #options: FolderWatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  #closed = false;
  /** Folders that are not watched, for want of room or right. */
  left = 0;

  private constructor(options: FolderWatchOptions) { this.#options = options; }

  /** Watches the folders and all below them, the upper ones first. To be closed. */
  static async open(options: FolderWatchOptions): Promise<FolderWatch> {
    const watched = new FolderWatch(options);
    try {
      await watched.#addAll(options.folders);
    } catch (error) { watched.close(); throw error; }
    return watched;
  }

  get size(): number { return this.#watchers.size; }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  async #addAll(folders: readonly string[]): Promise<void> {
    const slices = new Slices(this.#options.signal);
    let level: readonly string[] = folders;
    while (level.length > 0) {
      const below: string[] = [];
      for (const folder of level) {
        if (slices.due()) await slices.rest();
        for (const inner of this.#add(folder)) below.push(inner);
      }
      level = below;
    }
  }

  /** Returns the folders in it. */
  #add(folder: string): string[] {
    const { tree, covers, most = usualMost } = this.#options;
    if (this.#closed || this.#watchers.has(folder) || !covers(folder)) return [];
    try {
      if (tree.stat(folder)?.kind !== 'folder') return [];
      const outside = tree.outside(folder);
      if (this.#watchers.size >= most || outside === undefined) this.left++;
      else this.#watch(folder, outside);
      return (tree.list(folder) ?? []).map((name) => `${folder === '/' ? '' : folder}/${name}`).filter((path) => tree.stat(path)?.kind === 'folder');
    } catch (error) {
      if (!(error instanceof MoatError)) throw error;
      this.left++;
      return [];
    }
  }

  #watch(folder: string, outside: string): void {
    try {
      const watcher = watch(bytesOf(outside), { persistent: false, encoding: 'buffer' }, (event, name) => {
        if (name === null) { this.#options.changed(folder); return; }
        const path = `${folder === '/' ? '' : folder}/${nameOf(name)}`;
        this.#options.changed(path);
        // A new folder, with what is in it already.
        if (event === 'rename') this.#addAll([path]).catch(() => { this.left++; });
      });
      watcher.on('error', () => { this.#watchers.delete(folder); watcher.close(); });
      this.#watchers.set(folder, watcher);
    } catch { this.left++; /* no room for one more, or it has just gone */ }
  }
}
