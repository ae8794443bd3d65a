/** What `moat origin` and `moat ps` ask of the running agent. */
import type { OriginGraph } from '../engine/origin/graph.ts';
import { listProcesses, tellStory } from '../engine/origin/story.ts';
import type { Handlers } from './control.ts';

/** A pid, an absolute path, an address or a host name; for a path also the inode and device it has now, as it may have been written under another name. */
export interface OriginQuestion { what: string; inode?: number; device?: number }

const askedMax = 4096;

export function originControl(graph: OriginGraph): Handlers {
  return {
    /** Answers a Story, or null when nothing is known. */
    origin(argument) {
      const { what, inode, device } = (typeof argument === 'object' && argument !== null ? argument : {}) as Partial<Record<keyof OriginQuestion, unknown>>;
      if (typeof what !== 'string' || what === '' || what.length > askedMax) throw new Error(`expected a pid, a path, an address or a host name, got ${JSON.stringify(what)?.slice(0, 80) ?? 'nothing'}`);
      return tellStory(graph, what, typeof inode === 'number' && typeof device === 'number' ? { inode, device } : undefined) ?? null;
    },
    processes: (argument) => listProcesses(graph, argument === true),
  };
}
