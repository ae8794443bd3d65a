/** Control groups by the kernel's number for them, which is the inode of their folder in the unified hierarchy. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { containerOf, type Procfs } from './procfs.ts';

export interface Cgroup { path: string; container: string | undefined }

const keptMost = 8192;
const walkMost = 20_000;
const walkAgainMs = 5000;
/** When it was in vain: the group has ended too, and the next one will have as well. */
const vainAgainMs = 60_000;

export class Cgroups {
  readonly #procfs: Procfs;
  readonly #folder: string | undefined;
  readonly #known = new Map<number, Cgroup>();
  #walkDue = 0;
  /** False where control groups of version 1 alone are used: the number then says nothing. */
  readonly unified: boolean;

  constructor(procfs: Procfs) {
    this.#procfs = procfs;
    this.#folder = ['sys/fs/cgroup', 'sys/fs/cgroup/unified'].map((name) => join(procfs.root, name)).find((name) => existsSync(join(name, 'cgroup.procs')));
    this.unified = existsSync(join(procfs.root, 'sys/fs/cgroup/cgroup.controllers'));
  }

  /** Group of a process; `pid` is asked when the number is new. Undefined when neither tells. */
  of(id: number, pid: number): Cgroup | undefined {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const text = this.#procfs.read(`${pid}/cgroup`, 8192);
    if (text !== undefined) {
      const cgroup = parseCgroup(text);
      if (cgroup !== undefined && this.#isIt(cgroup.path, id)) return this.#keep(id, cgroup);
      // Version 1: every process has the same number, so nothing is kept.
      if (!this.unified) return cgroup;
    }
    return this.unified ? this.#search(id) : undefined;
  }

  #isIt(path: string, id: number): boolean {
    if (!this.unified || this.#folder === undefined) return false;
    return statSync(join(this.#folder, path), { throwIfNoEntry: false })?.ino === id;
  }

  #keep(id: number, cgroup: Cgroup): Cgroup {
    if (this.#known.size >= keptMost) for (const oldest of this.#known.keys()) { this.#known.delete(oldest); break; }
    this.#known.set(id, cgroup);
    return cgroup;
  }

  /** The process is gone already: looks through the folders, now and then. */
  #search(id: number): Cgroup | undefined {
    const now = performance.now();
    if (this.#folder === undefined || now < this.#walkDue) return undefined;
    this.#walkDue = now + vainAgainMs;
    const waiting = ['/'];
    for (let looked = 0; waiting.length > 0 && looked < walkMost; looked++) {
      const path = waiting.pop() ?? '/';
      const full = join(this.#folder, path);
      const ino = statSync(full, { throwIfNoEntry: false })?.ino;
      if (ino === undefined) continue;
      if (ino === id) {
        this.#walkDue = now + walkAgainMs;
        return this.#keep(id, { path, container: containerOf(path) });
      }
      try {
        for (const entry of readdirSync(full, { withFileTypes: true })) if (entry.isDirectory()) waiting.push(join(path, entry.name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // the group ended while we looked
      }
    }
    return undefined;
  }
}

/** The path of /proc/[pid]/cgroup that says most: the unified one, or the longest of version 1. */
function parseCgroup(text: string): Cgroup | undefined {
  let best: string | undefined;
  for (const line of text.split('\n')) {
    const path = line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1);
    if (line !== '' && (best === undefined || path.length > best.length)) best = path;
  }
  return best === undefined ? undefined : { path: best, container: containerOf(text) };
}
