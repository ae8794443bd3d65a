/** Whether a package manager is at work. */
import { readFileSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { databaseLocks } from './index.ts';

/** Does a package manager hold its lock now? */
export function isLocked(root: string): boolean {
  const inodes = databaseLocks.flatMap((place) => statOrNothing(join(root, place))?.ino ?? []);
  if (inodes.length === 0) return false;
  let locks: string;
  try { locks = readFileSync('/proc/locks', 'latin1'); } catch { return false; /* no procfs: nothing tells of locks */ }
  return inodes.some((inode) => locks.includes(`:${inode} `));
}

/** Links followed. */
export function statOrNothing(path: string): Stats | undefined {
  try { return statSync(path, { throwIfNoEntry: false }); } catch { return undefined; /* as good as not there */ }
}
