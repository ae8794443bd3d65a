/** The logs that are followed, and what is to be done with them: what finding, rotation and reading share. */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isRotatedName } from '../../linux/file-identity.ts';
import type { LogFile } from './file.ts';
import type { DoneFile } from './position.ts';

export const compressed = /\.(gz|bz2|xz|zst|zip|Z)$/;
/** File times are some ms coarse, more where the machine is a virtual one that is held up. */
export const timeSlackMs = 1000;

/** A path and the files (inodes) behind it, oldest first: the last one is what the path names now, those before it were rotated away. */
export interface Log {
  path: string;
  /** Never changed in place: it is replaced, so that a loop over it stays whole. */
  files: readonly LogFile[];
  /** It is a copy, in the making or made, of this log: what it says has been read there. */
  copyOf: string | undefined;
  /** Where a symbolic link leads: inotify speaks of that name. */
  real: string;
  mtimeNs: bigint;
  /** The last time, Unix ms, at which the path surely named the current file, unchanged; files rotated away later may be unknown. */
  since: number;
  /** Files that were read to their end and let go, newest last. */
  done: readonly DoneFile[];
  /** The last look; it becomes `since` when reading confirms it. */
  lookedAt: number;
}

export class Followed {
  readonly logs = new Map<string, Log>();
  /** Which log an inode belongs to. */
  readonly keys = new Map<string, Log>();
  /** Real names of logs that are symbolic links. */
  readonly aliases = new Map<string, Log>();
  /** Open files, the one that was quiet longest first. */
  readonly open = new Set<LogFile>();
  /** Logs to read now; looked at first when `lookFirst` says so. */
  readonly dirty = new Set<Log>();
  readonly lookFirst = new Set<Log>();
  /** Logs whose position has changed since the last batch. */
  readonly touched = new Set<Log>();
  /** When to look at everything again, on the monotonic clock. */
  nextRescan = 0;
  readonly #now: () => number;

  constructor(now: () => number) { this.#now = now; }

  /** Logs that a change of this name may be about: a rotated file that is still written to. */
  *touchedByRotation(folder: string, name: string): Iterable<Log> {
    for (const f of this.open) {
      if (f.rotatedAt === undefined) continue;
      const log = this.keys.get(f.key);
      if (log && dirname(log.path) === folder && isRotatedName(basename(log.path), name)) yield log;
    }
  }

  async add(path: string, files: LogFile[], since: number, copyOf?: string): Promise<Log> {
    const log: Log = { path, files, copyOf, real: path, mtimeNs: -1n, since, lookedAt: 0, done: [] };
    this.logs.set(path, log);
    await this.resolve(log);
    for (const f of files) this.keys.set(f.key, log);
    this.touched.add(log);
    return log;
  }

  /** Follows a symbolic link, so that inotify's word on its target is understood. */
  async resolve(log: Log): Promise<void> {
    const linked = await lstat(log.path).then((s) => s.isSymbolicLink(), () => false);
    const real = linked ? await realpath(log.path).catch(() => log.path) : log.path;
    if (real === log.real) return;
    if (this.aliases.get(log.real) === log) this.aliases.delete(log.real);
    log.real = real;
    if (real === log.path) return;
    this.aliases.set(real, log);
    // Its folder is to be watched.
    this.nextRescan = Math.min(this.nextRescan, performance.now() + 50);
  }

  /** The file is now found elsewhere: rotated away, perhaps as a copy under another inode. */
  moved(log: Log, f: LogFile, to: { path: string; key: string }): void {
    const { key } = f;
    f.path = to.path;
    f.key = to.key;
    f.headChecked = false;
    f.rotatedAt ??= this.#now();
    this.disown(log, key);
    this.keys.set(f.key, log);
    this.touched.add(log);
  }

  /** The inode is free for others unless another file of the log has it. */
  disown(log: Log, key: string): void {
    if (this.keys.get(key) === log && !log.files.some((other) => other.key === key)) this.keys.delete(key);
  }

  /** It is followed no more. */
  drop(log: Log): void {
    this.logs.delete(log.path);
    this.aliases.delete(log.real);
    this.dirty.delete(log);
    this.lookFirst.delete(log);
    this.touched.delete(log);
  }
}
