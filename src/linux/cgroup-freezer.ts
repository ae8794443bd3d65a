/** The freezer of control groups of version 2: halts all in a group at one stroke, new ones too, and none of them notices. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Procfs } from './procfs.ts';

/** A group for good: the folder of a unit that is started again has the same name and another inode. */
export interface FreezerGroup { path: string; inode: number }

const groupsMax = 1000;
const pidsMax = 20_000;

export class CgroupFreezer {
  private readonly procfs: Procfs;
  /** Undefined where version 2 is not mounted. */
  private readonly folder: string | undefined;

  constructor(procfs: Procfs) {
    this.procfs = procfs;
    this.folder = ['sys/fs/cgroup', 'sys/fs/cgroup/unified'].map((name) => join(procfs.root, name)).find((name) => existsSync(join(name, 'cgroup.controllers')));
  }

  /** The group of a process; undefined for the root group, which cannot be frozen, and where there is no version 2. */
  groupOf(pid: number): FreezerGroup | undefined {
    if (this.folder === undefined) return undefined;
    const path = /^0::(\/.+)$/m.exec(this.procfs.read(`${pid}/cgroup`, 8192) ?? '')?.[1];
    // `/../x` is a group outside the namespace that Moat runs in.
    if (path === undefined || path.split('/').includes('..')) return undefined;
    const inode = statSync(join(this.folder, path), { throwIfNoEntry: false })?.ino;
    return inode !== undefined && existsSync(join(this.folder, path, 'cgroup.freeze')) ? { path, inode } : undefined;
  }

  /** Pids in it and in the groups below; undefined when it is gone, too large, or cannot be told (threaded groups). */
  pids(group: FreezerGroup): Set<number> | undefined {
    if (this.folder === undefined || !this.isThere(group)) return undefined;
    const pids = new Set<number>();
    const waiting = [join(this.folder, group.path)];
    try {
      for (let looked = 0; waiting.length > 0; looked++) {
        const folder = waiting.pop()!;
        if (looked >= groupsMax || pids.size > pidsMax) return undefined;
        for (const line of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n')) if (line !== '') pids.add(Number(line));
        for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) waiting.push(join(folder, entry.name));
      }
    } catch { return undefined; /* it ended meanwhile, or is threaded: signals do */ }
    return pids;
  }

  /** It was told to freeze. */
  isAsked(group: FreezerGroup): boolean { return this.isThere(group) && this.text(group, 'cgroup.freeze').trim() === '1'; }

  /** All in it stands. */
  isFrozen(group: FreezerGroup): boolean { return this.isThere(group) && /^frozen 1$/m.test(this.text(group, 'cgroup.events')); }

  /** Does nothing to a group that is gone. Throws what the kernel says. */
  set(group: FreezerGroup, frozen: boolean): void {
    if (this.folder === undefined || !this.isThere(group)) return;
    try {
      writeFileSync(join(this.folder, group.path, 'cgroup.freeze'), frozen ? '1' : '0');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENODEV') throw error; // the group ended in this very moment
    }
  }

  /** This group or one above holds the process. */
  holds(group: FreezerGroup, pid: number): boolean {
    const own = this.groupOf(pid);
    return own !== undefined && (own.path === group.path || own.path.startsWith(`${group.path}/`));
  }

  private isThere({ path, inode }: FreezerGroup): boolean {
    return this.folder !== undefined && statSync(join(this.folder, path), { throwIfNoEntry: false })?.ino === inode;
  }

  private text({ path }: FreezerGroup, file: string): string {
    try {
      return readFileSync(join(this.folder ?? '', path, file), 'utf8');
    } catch { return ''; /* the group ended meanwhile */ }
  }
}
