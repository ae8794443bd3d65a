/** Programs that belong together, found link by link. Bounded: a group that is full takes no more, and says so. */
import type { Text } from '../../core/text.ts';
import { Load } from '../load.ts';
import { Lru } from '../lru.ts';
import type { Sign } from '../mining.ts';

/** How a part came to be started: by cron, by a unit, by another part, by a person or service. */
export type Start = 'cron' | 'unit' | 'part' | 'other';

export interface Part {
  path: string;
  since: number;
  /** What started it, as words: `cron`, the unit, the program. */
  by: string;
  starts: Set<Start>;
  /** Who started it, when that is no part itself: a cron entry, a unit, a process of a session. */
  launcher: Text | undefined;
  /** The remote address that its tree began with. */
  ip: string | undefined;
  group: Group;
  mining: Sign | undefined;
  /** The trusted name it poses as. */
  poses: string | undefined;
  isHidden: boolean;
  planted: string | undefined;
  /** Far end at a port that pools use. */
  port: string | undefined;
}

export interface Group {
  parts: Set<Part>;
  load: Load;
  /** Parts that the last alert named; 0 before the first. */
  told: number;
  toldAt: number;
  key: string;
  full: boolean;
}

const mostParts = 2000, mostInGroup = 64;

export class Clusters {
  readonly parts: Lru<Part>;
  private readonly count: (what: string) => void;

  constructor(count: (what: string) => void) {
    this.count = count;
    this.parts = new Lru<Part>(mostParts, (part) => {
      part.group.parts.delete(part);
      count('programs forgotten');
    });
  }

  part(path: string, time: number): Part {
    return this.parts.take(path, () => {
      const group: Group = { parts: new Set(), load: new Load(), told: 0, toldAt: 0, key: path, full: false };
      const part: Part = { path, since: time, by: '?', starts: new Set(), launcher: undefined, ip: undefined, group, mining: undefined, poses: undefined, isHidden: false, planted: undefined, port: undefined };
      group.parts.add(part);
      return part;
    });
  }

  /** Both belong together from now on. */
  link(a: Part, b: Part): void {
    if (a.group === b.group) return;
    // The group that people were told of keeps its name; else the larger one.
    const [into, from] = (b.group.told > 0) !== (a.group.told > 0) ? (b.group.told > 0 ? [b.group, a.group] : [a.group, b.group]) : a.group.parts.size >= b.group.parts.size ? [a.group, b.group] : [b.group, a.group];
    if (into.parts.size + from.parts.size > mostInGroup) {
      if (!into.full) this.count('groups that are full');
      into.full = true;
      return;
    }
    for (const part of from.parts) { part.group = into; into.parts.add(part); }
  }
}
