/** The origin graph as the pipeline uses it: enriching, saved now and again, and telling an alert's story. */
import type { Event } from '../../core/gen/event.ts';
import type { LineageRows } from '../../core/ports.ts';
import type { Lang } from '../../core/text.ts';
import { OriginGraph, type OriginGraphOptions } from './graph.ts';
import { Rows } from './rows.ts';
import { storyLine } from './text.ts';

export interface OriginsOptions extends OriginGraphOptions {
  lang: Lang;
  now: () => number;
  /** What an earlier run kept. */
  saved?: Iterable<{ id: string; value: string }>;
}

export class Origins {
  readonly graph: OriginGraph;
  private readonly rows: Rows;
  private readonly options: OriginsOptions;
  /** Up to when the rows that were read back tell; undefined when they are of another boot or there are none. */
  private readonly savedAt: number | undefined;
  private isLive = false;

  constructor(options: OriginsOptions) {
    this.options = options;
    this.graph = new OriginGraph(options);
    this.rows = new Rows(this.graph, options.now(), options.count);
    this.savedAt = options.saved && this.rows.restore(options.saved);
  }

  /** A live event, before detection. */
  observe(event: Event): void {
    this.isLive = true;
    this.graph.observe(event);
  }

  /** A stored event at the start: log-ons of the last day, and what happened after the graph was last saved. */
  warm(event: Event): void {
    // After the configuration is read again the graph is as it was.
    if (this.isLive) return;
    switch (event.kind) {
      case 'sshd': case 'auth': case 'cron': this.graph.observe(event); break;
      default: if (this.savedAt !== undefined && event.time > this.savedAt) this.graph.observe(event);
    }
  }

  tick(now: number): void { this.graph.tick(now); }

  /** What the next commit should carry of the graph. */
  due(now: number, all: boolean): LineageRows | undefined { return this.rows.due(now, all); }

  /** The commit that carried it failed. */
  lost(): void { this.rows.lost(); }

  /** One line for the alert that this event raised; undefined when nothing is known of its process. */
  story(event: Event): string | undefined {
    const node = this.graph.of(event);
    return node && storyLine(node, this.options.lang, this.options.now());
  }
}
