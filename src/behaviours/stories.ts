/** One alert a story: what one tree, container or program does piece by piece, told when something is new in it. */
import { atLeast, type Level } from '../core/level.ts';
import { own } from '../core/own.ts';
import { Lru } from './lru.ts';

export interface Story {
  /** The worst so far. */
  level: Level;
  /** What was seen, in the order it came first; no more than `thingsMax`. */
  readonly things: string[];
  /** Different things beyond those, as far as they can be told apart. */
  more: number;
  begun: number;
  /** When it was told last, Unix ms. */
  told: number;
  /** Seen since it was told last. */
  pending: number;
}

const thingsMax = 24;
const thingLength = 160;
/** A story in which nothing is new is told again after so long, so that its alert shows that it goes on, ms. */
const againMs = 60_000;

export class Stories {
  private readonly stories: Lru<Story>;
  private readonly forgetMs: number;

  /** A story in which nothing happened for `forgetMs` begins anew. */
  constructor(max: number, forgetMs: number, evicted: () => void) {
    this.stories = new Lru<Story>(max, evicted);
    this.forgetMs = forgetMs;
  }

  get size(): number { return this.stories.size; }

  get(key: string): Story | undefined { return this.stories.get(key); }

  /** Takes one deed in. Gives the story and how many deeds are to be told now; undefined when there is nothing new to tell. */
  add(key: string, level: Level, thing: string, time: number): { story: Story; count: number } | undefined {
    let story = this.stories.get(key);
    if (story === undefined || time - story.told > this.forgetMs) {
      story = { level, things: [], more: 0, begun: time, told: Number.NEGATIVE_INFINITY, pending: 0 };
      this.stories.set(key, story);
    }
    story.pending++;
    let isNew = false;
    const known = story.things.includes(thing.slice(0, thingLength));
    if (!known && story.things.length < thingsMax) {
      story.things.push(own(thing.slice(0, thingLength)));
      isNew = true;
    } else if (!known) story.more++;
    if (!atLeast(story.level, level)) { story.level = level; isNew = true; }
    if (!isNew && Math.abs(time - story.told) < againMs) return undefined;
    story.told = time;
    const count = story.pending;
    story.pending = 0;
    return { story, count };
  }
}

/** The things of a story as one line, the first `max` of them. */
export function listed(story: Story, max = 6): string {
  const rest = story.things.length - max + story.more;
  return story.things.slice(0, max).join(', ') + (rest > 0 ? ` … (+${rest})` : '');
}

const order = ['info', 'low', 'medium', 'high', 'critical'] as const;

/** One step worse. */
export const raised = (level: Level): Level => order[Math.min(order.indexOf(level) + 1, order.length - 1)] ?? level;
/** One step milder. */
export const lowered = (level: Level): Level => order[Math.max(order.indexOf(level) - 1, 0)] ?? level;
