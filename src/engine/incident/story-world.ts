/** What a story is told from beside its seeds: the origin graph, and short looks at files and stored requests. */
import type { Event } from '../../core/gen/event.ts';
import type { Lineage, PackageFile, ProcessNode } from '../../core/lineage.ts';

/** What lies at a path now. `born` and `changed` are Unix ms; `born` is 0 where the file system does not keep it. */
export interface FileLook { kind: 'file' | 'folder' | 'symlink' | 'other'; inode: number; device: number; size: number; uid: number; born: number; changed: number }

export interface StoryWorld {
  lineage: Lineage;
  /** What Moat runs in and what the one who asks works in: never part of a story. */
  apart: ReadonlySet<ProcessNode>;
  /** Every process that is remembered, living and ended. */
  processes(): Iterable<ProcessNode>;
  /** Cheap: what the index knows now. */
  owner(path: string): PackageFile | undefined;
  /** Undefined when nothing is there; 'blind' when that cannot be told. Links are not followed. */
  look: (path: string) => FileLook | 'blind' | undefined;
  /** The text of a small file; undefined when it is not there, no text, or too large. */
  text(path: string): string | undefined;
  /** All files and links in a folder and those below it, without the packages that lie in it; undefined when there are more than `most`, or the folder cannot be read. No link is followed. */
  files(folder: string, most: number): readonly string[] | undefined;
  /** Where a path of a process in a container lies on the machine; undefined when the machine does not have it, or nothing of the container lives to tell. */
  onHost(node: ProcessNode, path: string): string | undefined;
  /** Files in which the jobs of an account may stand, those of the system among them. */
  cronTables(user: string | undefined): readonly string[];
  /** Lines of access logs that were stored in this time, oldest first. Bounded by whoever answers. */
  requests(fromMs: number, toMs: number): Iterable<Event>;
  /** When Moat began to watch, Unix ms; undefined when that is not known. */
  since: number | undefined;
  now: number;
}
