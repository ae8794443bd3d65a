/** Who wrote which file last, by path and by device and inode. Bounded: what was written longest ago is forgotten first. */
import type { Writer } from '../../core/lineage.ts';
import type { Node } from './node.ts';

const writersMax = 8192;
/** A file that is written all the time is not moved to the end each time. */
const refreshMs = 60_000;

interface Entry extends Writer { process: Node; inode: number | undefined; device: number | undefined }

export class Writers {
  private readonly byPath = new Map<string, Entry>();
  private readonly byInode = new Map<number, Map<number, Entry>>();
  private readonly count: (what: string, n?: number) => void;

  constructor(count: (what: string, n?: number) => void) { this.count = count; }

  get size(): number { return this.byPath.size; }

  wrote(node: Node, path: string, inode: number | undefined, device: number | undefined, time: number): void {
    const known = this.byPath.get(path);
    if (known && known.process === node && time - known.time < refreshMs && (inode === undefined || known.inode === inode)) { known.time = Math.max(known.time, time); return; }
    this.put(path, { path, time, process: node, inode: inode ?? known?.inode, device: device ?? known?.device });
  }

  /** The file is the same under its new name: who wrote it stays. */
  renamed(node: Node, from: string | undefined, to: string, inode: number | undefined, device: number | undefined, time: number): void {
    const before = from === undefined ? undefined : this.byPath.get(from);
    if (before === undefined || from === undefined) { this.wrote(node, to, inode, device, time); return; }
    this.byPath.delete(from);
    this.put(to, { path: to, time: before.time, process: before.process, inode: inode ?? before.inode, device: device ?? before.device });
  }

  /** The name is gone; who runs the file by its inode may still be asked for. */
  removed(path: string): void {
    const entry = this.byPath.get(path);
    if (entry) this.drop(entry);
  }

  of(path: string | undefined, inode: number | undefined, device: number | undefined): Writer | undefined {
    const entry = (inode === undefined || device === undefined ? undefined : this.byInode.get(device)?.get(inode)) ?? (path === undefined ? undefined : this.byPath.get(path));
    return entry && { path: entry.path, time: entry.time, process: entry.process };
  }

  private put(path: string, entry: Entry): void {
    const old = this.byPath.get(path);
    if (old) this.drop(old);
    if (this.byPath.size >= writersMax) this.shrink();
    this.byPath.set(path, entry);
    if (entry.inode === undefined || entry.device === undefined) return;
    let files = this.byInode.get(entry.device);
    if (!files) this.byInode.set(entry.device, files = new Map<number, Entry>());
    files.set(entry.inode, entry);
  }

  private drop(entry: Entry): void {
    this.byPath.delete(entry.path);
    if (entry.inode === undefined || entry.device === undefined) return;
    const files = this.byInode.get(entry.device);
    if (files?.get(entry.inode) !== entry) return;
    files.delete(entry.inode);
    if (files.size === 0) this.byInode.delete(entry.device);
  }

  private shrink(): void {
    let left = writersMax / 8;
    for (const entry of this.byPath.values()) {
      if (left-- <= 0) break;
      this.drop(entry);
    }
    this.count('writers of files forgotten for room', writersMax / 8);
  }
}
