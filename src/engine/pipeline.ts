/**
 * normalised batch → enrich → detect → fold → store → show.
 *
 * Events, alerts and positions of a batch are committed together, so a crash at any point either keeps a
 * batch whole or reads it again. What detection holds in memory is rebuilt at start from the history.
 */
import type { Detection } from '../core/alert.ts';
import { Event, unstoredKinds } from '../core/gen/event.ts';
import type { NoticeRows } from '../core/notice.ts';
import type { Batch, Commit, Log, Store } from '../core/ports.ts';
import { shownEvent } from '../core/secrets.ts';
import { excused, type Exception } from './exceptions.ts';
import { AlertFolder, type Folded, type FoldOptions } from './fold.ts';
import type { Health } from './health.ts';
import type { Origins } from './origin/origins.ts';

export interface Detect {
  observe(event: Event, emit: (detection: Detection) => void): void;
  /** History at a start: rebuilds what is not kept on disk. Raises nothing, and learns nothing that was learned before. */
  warm(event: Event): void;
  /** About once a second: what is judged by absence, and state that has had its time. */
  advance(now: number, emit: (detection: Detection) => void): void;
  /** Learned state to keep, by behaviour id. */
  saved(): ReadonlyMap<string, string>;
}

export interface PipelineOptions {
  store: Store;
  detect: Detect;
  fold: Omit<FoldOptions, 'latest'>;
  exceptions: () => readonly Exception[];
  /** Told of what an exception kept quiet. */
  excused?: (exception: Exception, detection: Detection) => void;
  /** Why this is no alert, where a person marked it a false alarm. */
  quiet?: (detection: Detection) => string | undefined;
  /** Country of an address, two letters; undefined when there is no table. */
  country: (address: string) => string | undefined;
  /** Tells of each event where its process came from. */
  origins?: Origins;
  health: Health;
  log: Log;
  /** Alerts that are new or changed, after they are stored. */
  show: (folded: readonly Folded[]) => void;
  /** What people are to be told: stored with the alerts, so that no crash comes between. `stored` hears of it afterwards; `kept` is false when the disk is full. */
  notices?: { route(folded: readonly Folded[]): NoticeRows | undefined; stored(notices: NoticeRows, kept: boolean): void };
  now: () => number;
}

/** Batches that arrive while the disk syncs share the next commit; more events than this do not wait together. */
const groupMax = 20_000;
const commitDelayMs = 5;
/** What nobody waits for (no positions, no alert) is stored this much later: a storm of programs then costs a few commits a second, not hundreds. */
const idleDelayMs = 250;
/** The first alert after so long without a commit is stored and shown at once; in a flood they share commits. */
const quietMs = 25;
const learnedEveryMs = 60_000;

interface Pending { events: Event[]; positions: Map<string, string>; waiting: (() => void)[] }

export class Pipeline {
  private readonly options: PipelineOptions;
  private readonly folder: AlertFolder;
  private pending: Pending = { events: [], positions: new Map(), waiting: [] };
  private timer: NodeJS.Timeout | undefined;
  /** When the timer fires, on the clock of `performance.now()`. */
  private timerAt = 0;
  private hasAlerts = false;
  private committedAt = Number.NEGATIVE_INFINITY;
  private learnedAt = 0;
  /** While the disk is full: detection goes on, and what was read since is read again from the saved positions later. */
  private full = false;
  private readonly emit: (detection: Detection) => void;
  /** How long judging the last batch took, ms; what storing it took is not in it. */
  judgedMs = 0;

  constructor(options: PipelineOptions) {
    this.options = options;
    const { origins } = options;
    this.folder = new AlertFolder({ ...options.fold, ...(origins && { story: (event) => origins.story(event) }), latest: (rule, key) => options.store.ledger.latest(rule, key) });
    this.emit = (detection) => this.take(detection);
  }

  /** Feeds history through detection so that windows that were open when the process ended are open again. Raises nothing. */
  warmUp(fromMs: number, toMs: number): number {
    let count = 0;
    for (const event of this.options.store.events.range(fromMs, toMs)) {
      this.options.origins?.warm(event);
      this.options.detect.warm(event);
      count++;
    }
    return count;
  }

  /**
   * Resolves when the batch is durable. One without positions is read from something that keeps nothing (the kernel): nobody gains by
   * waiting, so it resolves when it has been judged, and is stored within a quarter of a second.
   */
  push(batch: Batch): Promise<void> {
    const began = performance.now();
    for (const event of batch.events) {
      if (event.source_ip !== undefined && event.source_country === undefined) event.source_country = this.options.country(event.source_ip);
      // Only for what this machine began: the destination of a log line is mostly this machine.
      if (event.direction === 'outbound' && event.destination_ip !== undefined && event.destination_country === undefined) event.destination_country = this.options.country(event.destination_ip);
      this.options.origins?.observe(event);
      this.options.detect.observe(event, this.emit);
      this.options.health.seen(event);
      if (!unstoredKinds.has(event.kind)) this.pending.events.push(shownEvent(event));
    }
    for (const { source, value } of batch.positions) this.pending.positions.set(source, value);
    this.judgedMs = performance.now() - began;
    const isAwaited = batch.positions.length > 0;
    const durable = isAwaited ? new Promise<void>((resolve) => { this.pending.waiting.push(resolve); }) : Promise.resolve();
    if (this.pending.events.length >= groupMax) this.commit();
    else if (this.hasAlerts && performance.now() - this.committedAt > quietMs) this.commit();
    else this.schedule(isAwaited || this.hasAlerts ? commitDelayMs : idleDelayMs);
    return durable;
  }

  /** Something judged elsewhere than by the events that pass here: a finding of a scan. */
  raise(detection: Detection): void {
    this.take(detection);
    this.schedule(commitDelayMs);
  }

  private schedule(ms: number): void {
    const at = performance.now() + ms;
    if (this.timer !== undefined && this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => this.commit(), ms);
  }

  /** Time passes: correlations close, silences are noticed. */
  tick(now: number): void {
    this.options.origins?.tick(now);
    this.options.detect.advance(now, this.emit);
    this.schedule(this.hasAlerts ? commitDelayMs : idleDelayMs);
  }

  /** The last commit before the process ends: learned state goes with it. */
  finish(): void {
    this.learnedAt = 0;
    this.commit(true);
  }

  closed(alertIds: ReadonlySet<string>): void { this.folder.forget(alertIds); }

  /** Commits what is pending; `last`: with all that is otherwise saved now and again. */
  commit(last = false): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.hasAlerts = false;
    const { events, positions, waiting } = this.pending;
    this.pending = { events: [], positions: new Map(), waiting: [] };
    const folded = this.folder.drain();
    if (this.folder.dropped > 0) { this.options.health.count('alerts', 'left out, too many at once', this.folder.dropped); this.folder.dropped = 0; }
    const learned = this.learned();
    const lineage = this.full ? undefined : this.options.origins?.due(this.options.now(), last);
    if (events.length > 0 || positions.size > 0 || folded.length > 0 || learned || lineage) {
      const commit: Commit = { events, alerts: folded.map((f) => f.alert), positions: [...positions].map(([source, value]) => ({ source, value })) };
      if (learned) commit.learned = learned;
      if (lineage) commit.lineage = lineage;
      const notices = folded.length > 0 ? this.options.notices?.route(folded) : undefined;
      if (notices) commit.notices = notices;
      const kept = this.store(commit);
      if (notices) this.options.notices?.stored(notices, kept);
    }
    if (folded.length > 0) this.options.show(folded);
    for (const resolve of waiting) resolve();
    this.committedAt = performance.now();
  }

  /** True after the disk was full: the caller restarts from the saved positions once `store.commit` works again. */
  get lostGround(): boolean { return this.full; }

  /** False when nothing of it was kept. */
  private store(commit: Commit): boolean {
    // Positions must not pass the gap that a failed commit left.
    if (this.full) { this.options.health.count('pipeline', 'not stored while the disk was full', commit.events.length); return false; }
    try {
      this.options.store.commit(commit);
      return true;
    } catch (error) {
      this.full = true;
      this.options.origins?.lost();
      this.options.health.count('pipeline', 'not stored while the disk was full', commit.events.length);
      this.options.health.state('store', 'blind', { zh: `无法写入：${(error as Error).message}；检测继续，腾出空间后会从断点补读`, en: `cannot write: ${(error as Error).message}; detection goes on, and what was missed is read again once there is room` });
      this.options.log.warn(`store: ${(error as Error).message}`);
      return false;
    }
  }

  private learned(): ReadonlyMap<string, string> | undefined {
    const now = this.options.now();
    if (now - this.learnedAt < learnedEveryMs) return undefined;
    this.learnedAt = now;
    const saved = this.options.detect.saved();
    return saved.size > 0 ? saved : undefined;
  }

  private take(detection: Detection): void {
    const exception = excused(detection, this.options.exceptions());
    if (exception) {
      this.options.health.count('exceptions', exception.why, detection.count);
      this.options.excused?.(exception, detection);
      return;
    }
    const marked = this.options.quiet?.(detection);
    if (marked !== undefined) { this.options.health.count('exceptions', marked, detection.count); return; }
    this.hasAlerts = true;
    this.folder.add(detection);
  }
}
