import type { Level } from '../core/level.ts';

/** Shown by `moat status`. */
export interface BaselineStatus {
  /** `none`: there is none; `closed`: it cannot be read (the parts say why). */
  state: 'none' | 'open' | 'closed';
  running: boolean;
  entries: number;
  /** Unix ms. */
  last: number | undefined;
  next: number | undefined;
  /** Changes that were told and stand, by level. */
  known: Record<Level, number>;
  signs: number;
  /** Who tells of changes as they happen. */
  live: 'ebpf' | 'fanotify' | 'folders' | undefined;
  /** Paths waiting to be looked at, and those that a package manager wrote and that are judged when it is done. */
  waiting: number;
  held: number;
}
