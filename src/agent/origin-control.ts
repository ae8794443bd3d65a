/** What `moat origin` and `moat ps` ask of the running agent. */
import { statSync } from 'node:fs';
import type { OriginGraph } from '../engine/origin/graph.ts';
import { listProcesses, tellStory } from '../engine/origin/story.ts';
import type { Handlers } from './control.ts';

const askedMax = 4096;

export function originControl(graph: OriginGraph): Handlers {
  return {
    /** A pid, an absolute path, an address or a host name; answers a Story, or null when nothing is known. */
    origin(what) {
      if (typeof what !== 'string' || what === '' || what.length > askedMax) throw new Error(`expected a pid, a path, an address or a host name, got ${JSON.stringify(what)?.slice(0, 80) ?? 'nothing'}`);
      return tellStory(graph, what, fileNow(what)) ?? null;
    },
    processes: (argument) => listProcesses(graph, argument === true),
  };
}

/** The file that has this name now: it may have been written under another one. */
function fileNow(what: string): { inode: number; device: number } | undefined {
  if (!what.startsWith('/')) return undefined;
  try {
    const stat = statSync(what, { throwIfNoEntry: false });
    return stat?.isFile() ? { inode: stat.ino, device: stat.dev } : undefined;
  } catch {
    return undefined; // a loop of links, or a folder not ours to enter: the name alone is looked for
  }
}
