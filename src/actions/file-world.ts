/** What the actions on files share: the vault, the protection, and the folder that a file was in when it was planned. */
import type { FileChanges } from '../linux/file-change.ts';
import type { FolderIdentity, Place } from '../linux/place.ts';
import type { FileProtection } from './file-protection.ts';
import { changedMeanwhile } from './file-state.ts';
import type { Vault } from './vault.ts';

export interface FileWorld {
  vault: Vault;
  fileProtection: FileProtection;
  /** Opened at the first use. Throws MoatError 'no-koffi'. */
  fileChanges: () => Promise<FileChanges>;
}

export function folderOf(place: Place, changes: FileChanges): FolderIdentity & { flags?: number } {
  const flags = changes.flags(place.folder);
  return { ...place.identity(), ...(flags !== undefined && { flags }) };
}

/** Throws MoatError 'changed' for another folder under the same path: what was looked at lies elsewhere. */
export function sameFolder(place: Place, { folder, path }: { folder: FolderIdentity; path: string }): void {
  if (place.identity().inode !== folder.inode) throw changedMeanwhile(path);
}
