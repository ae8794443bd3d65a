/**
 * inotify on folders. One watch a folder tells of every file in it, so thousands of files need few watches.
 * It only makes reading prompt: whatever it misses (overflow, network file systems, no watches left) the
 * rescan finds.
 */
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileKey } from '../../linux/file-identity.ts';

export interface FolderWatch {
  /** Watches exactly these folders from now on. Returns how many watches are new: their folders may have changed since they were listed. */
  set(folders: ReadonlySet<string>): Promise<number>;
  /** Folders that could not be watched, with the system's reason (ENOSPC: no inotify watches left). */
  readonly failed: ReadonlyMap<string, string>;
  readonly size: number;
  close(): void;
}

/** `changed` gets the folder as given and the name in it; `renamed` says that the name came, went or was replaced. */
export function watchFolders(limit: number, changed: (folder: string, name: string, renamed: boolean) => void): FolderWatch {
  const watchers = new Map<string, { watcher: FSWatcher; key: string }>();
  const failed = new Map<string, string>();
  const drop = (folder: string): void => {
    watchers.get(folder)?.watcher.close();
    watchers.delete(folder);
  };
  return {
    failed,
    get size() { return watchers.size; },
    close() { for (const folder of watchers.keys()) drop(folder); },
    async set(folders) {
      failed.clear();
      let added = 0;
      for (const folder of watchers.keys()) if (!folders.has(folder)) drop(folder);
      for (const folder of folders) {
        const s = await stat(folder, { bigint: true }).catch(() => undefined);
        const old = watchers.get(folder);
        // A watch holds on to the inode: after removal and re-creation it would be deaf.
        if (old && (!s || fileKey(s) !== old.key)) drop(folder);
        if (!s?.isDirectory() || watchers.has(folder)) continue;
        if (watchers.size >= limit) { failed.set(folder, 'limit'); continue; }
        try {
          const watcher = watch(folder, { persistent: false }, (event, name) => { if (name !== null) changed(folder, name, event === 'rename'); });
          watcher.on('error', () => drop(folder));
          watchers.set(folder, { watcher, key: fileKey(s) });
          added++;
        } catch (e) {
          failed.set(folder, (e as NodeJS.ErrnoException).code ?? String(e));
        }
      }
      return added;
    },
  };
}
