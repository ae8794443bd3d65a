/**
 * Stories of incidents as `moat incident show` tells them: from the origin graph and what was kept of an earlier telling, with what logs
 * say, who addresses belong to, and the times in which nobody looked. Kept now and again, since the graph remembers a day.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { MoatError, saidBy } from '../core/error.ts';
import type { Seeds, Story, StoryNode } from '../core/incident.ts';
import type { Packages } from '../core/lineage.ts';
import { logonKinds, type Log, type Store } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import type { Health } from '../engine/health.ts';
import { tellStory } from '../engine/incident/story.ts';
import { cameFrom, type Past, withEchoes } from '../engine/incident/story-echoes.ts';
import { mergeStories } from '../engine/incident/story-merge.ts';
import { reachOf } from '../engine/incident/story-reach.ts';
import type { StoryWorld } from '../engine/incident/story-world.ts';
import type { OriginGraph } from '../engine/origin/graph.ts';
import { gapsBetween, type Watched, WatchRecord } from '../engine/watched.ts';
import { mountsOf } from '../linux/mounts.ts';
import { Procfs } from '../linux/procfs.ts';
import { withOwners } from './address-owner.ts';
import type { Config } from './config-schema.ts';
import type { Handlers } from './control.ts';
import type { Geo } from './geo.ts';
import { readPast } from './past.ts';
import { StoryBook } from './story-book.ts';
import { storyWorld } from './story-world.ts';

export interface StoriesOptions {
  store: Store;
  graph: OriginGraph;
  packages: Packages;
  config: () => Config;
  health: Health;
  log: Log;
  now: () => number;
  incident: (id: string) => { id: string; title: Text; seeds: Seeds } | undefined;
  /** Where the machine's own logs are; `/` in earnest. */
  root?: string;
}

/** What `incident-story` answers. */
export interface ToldStory { incident: string; told: number; story: Story }

const hour = 3_600_000;
/** Of logs before the first deed. */
const beforeMs = 24 * hour;
const afterMs = hour;
const beatMs = 10_000, saveEvery = 3, keepEvery = 6;
const keptAtOnce = 3, openMost = 200;
const eventsMax = 20_000;
const requestWindowMs = 10 * 60_000;
/** Of the history of log-ons and requests. */
const pastMs = 300;
const looksMost = 2000;
const setting = 'watched';

export class Stories {
  private readonly options: StoriesOptions;
  private readonly watch: WatchRecord;
  private readonly book: StoryBook;
  private geo: Pick<Geo, 'country'> = { country: () => undefined };
  private ticking: NodeJS.Timeout | undefined;
  private beats = 0;
  /** What a kept story was told from, by incident: `alerts last`. */
  private readonly kept = new Map<string, string>();
  private keeping: Promise<void> = Promise.resolve();

  constructor(options: StoriesOptions) {
    this.options = options;
    this.watch = new WatchRecord(options.store.ledger.setting(setting), options.now());
    this.book = new StoryBook(options.store.ledger);
  }

  /** A part of Moat changed its state. */
  state(part: string, state: 'live' | 'waiting' | 'blind'): void { this.watch.state(part, state, this.options.now()); }

  /** The sensors of this configuration. */
  sensors(enabled: ReadonlySet<string>): void { this.watch.begin(enabled, this.options.now()); }

  connect(geo: Pick<Geo, 'country'>): void { this.geo = geo; }

  start(): void {
    this.save();
    this.ticking = setInterval(() => this.beat(), beatMs);
  }

  /** What is open is kept: after a long stop the graph knows nothing of it. */
  async stop(): Promise<void> {
    clearInterval(this.ticking);
    this.watch.beat(this.options.health.report().counters, this.options.now());
    this.save();
    this.keepSoon();
    await this.keeping;
  }

  watched(): Watched { return this.watch.get(this.options.now()); }

  handlers(): Handlers {
    return { 'incident-story': (argument) => this.asked(argument) };
  }

  /** The graph of it, with what is kept from earlier and how it stands now. `asker`: process of the one who asks. */
  tell(incident: string, seeds: Seeds, asker: unknown): Story {
    const world = this.world(asker);
    const fresh = tellStory(seeds, world);
    const before = this.book.get(incident);
    return before === undefined ? fresh : refreshed(mergeStories(before.story, fresh), world);
  }

  /** All of it. */
  async whole(incident: string, seeds: Seeds, asker: unknown): Promise<Story> {
    const { config, log, now } = this.options;
    const story = this.tell(incident, seeds, asker);
    await turn();
    const heard = await this.heard(story);
    return withOwners({ ...heard, reached: reachOf(heard, mountsOf(new Procfs())) }, { geo: this.geo, table: config().geo.network, log: { debug: (text) => { log.debug(`${text} (${now()})`); } } });
  }

  private world(asker: unknown): StoryWorld {
    const { graph, packages, store, now } = this.options;
    return storyWorld({ graph, packages, events: store.events, now, asker: typeof asker === 'number' ? asker : undefined });
  }

  private async asked(argument: unknown): Promise<ToldStory> {
    const { id, asker } = (typeof argument === 'object' && argument !== null ? argument : {}) as { id?: unknown; asker?: unknown };
    const found = typeof id === 'string' && id.length <= 64 ? this.options.incident(id) : undefined;
    if (found === undefined) throw new MoatError('no-incident', 'expected the id of an incident', { zh: '没有这个事件', hint: 'moat incident list --all' });
    const story = await this.whole(found.id, found.seeds, asker);
    return { incident: found.id, told: this.options.now(), story };
  }

  /** Logs of the time, and the gaps in it. */
  private async heard(story: Story): Promise<Story> {
    const { now, root, store } = this.options;
    const begin = story.entry === undefined ? story.began : Math.min(story.began, story.entry.time);
    const from = begin - beforeMs, to = Math.min(now(), story.ended + afterMs);
    const watched = this.watched();
    const { past, gaps } = await pastOf(story, { store, watched, from, to, now, ...(root !== undefined && { root }) });
    const heard = withEchoes(story, past);
    // Of the day before only what leads up to it: nobody has to read of every restart.
    const since = Math.min(heard.began, heard.entry?.time ?? Infinity) - hour;
    return { ...heard, gaps: [...story.gaps, ...gapsBetween(watched, since, Math.max(to, heard.ended)), ...gaps].sort((a, b) => a.from - b.from) };
  }

  private beat(): void {
    this.beats++;
    this.watch.beat(this.options.health.report().counters, this.options.now());
    if (this.beats % saveEvery === 0) this.save();
    if (this.beats % keepEvery === 0) this.keepSoon();
  }

  private save(): void {
    const { store, log, now } = this.options;
    try {
      store.ledger.setSetting(setting, this.watch.text(now()));
    } catch (error) { log.debug(`when Moat watched is not saved: ${(error as Error).message}`); }
  }

  private keepSoon(): void {
    this.keeping = this.keeping.then(() => this.keep()).catch((error: unknown) => {
      this.options.health.count('incidents', 'stories not kept');
      this.options.log.debug(`a story is not kept: ${saidBy(error).en}`);
    });
  }

  /** Open ones that have grown, a few at a time. */
  private async keep(): Promise<void> {
    const { store, incident, now } = this.options;
    let n = 0;
    for (const { id, alert_count: alerts, last_time: last, finding_count: findings } of store.incidents.incidents({ kind: 'story', status: ['new', 'triaged', 'contained'], limit: openMost })) {
      const mark = `${alerts} ${findings} ${last}`;
      if (this.kept.get(id) === mark) continue;
      if (n++ >= keptAtOnce) return;
      const found = incident(id);
      if (found !== undefined) await this.book.save(id, this.tell(id, found.seeds, undefined), now());
      if (this.kept.size > 2 * openMost) this.kept.clear();
      this.kept.set(id, mark);
      await turn();
    }
  }
}

/** Files and lines of an earlier telling as they stand now. */
function refreshed(story: Story, world: StoryWorld): Story {
  let looks = 0;
  return { ...story, nodes: story.nodes.map((node): StoryNode => {
    const { kind, facts } = node;
    const path = facts['path'];
    if (facts['earlier'] !== true || (kind !== 'file' && kind !== 'persistence') || typeof path !== 'string' || facts['container'] !== undefined || looks++ >= looksMost) return node;
    const line = facts['line'];
    if (typeof line === 'number') return { ...node, lives: world.text(path)?.split('\n')[line - 1] === facts['text'] };
    const look = world.look(path);
    if (look === 'blind') { const { lives: _, ...rest } = node; return rest; }
    return { ...node, lives: look !== undefined };
  }) };
}

/** When Moat watched, as it was saved last: for whoever looks while it does not run. */
export function savedWatch(ledger: Pick<Store['ledger'], 'setting'>): Watched | undefined {
  const saved = ledger.setting(setting);
  return saved === undefined ? undefined : new WatchRecord(saved, Date.now()).get(Date.now());
}

export interface PastQuery { store: Pick<Store, 'events'>; watched: Watched | undefined; from: number; to: number; now: () => number; root?: string }

/** What the history tells of the time, and the machine's own logs of what the history does not reach. */
export async function pastOf(story: Story, { store, watched, from, to, now, root }: PastQuery): Promise<{ past: Past[]; gaps: Story['gaps'] }> {
  const past: Past[] = [];
  const gaps: Story['gaps'][number][] = [];
  const until = performance.now() + pastMs;
  let n = 0;
  // The latest hours first: when there is more than can be read, what is far back gives way.
  let end = to, isFull = false;
  while (end > from && !isFull) {
    const begin = Math.max(from, Math.min(end, story.began) - hour);
    for (const event of store.events.range(begin, end, logonKinds)) {
      past.push({ from: 'history', event });
      if (++n % 500 !== 0) continue;
      await turn();
      if (n >= eventsMax || performance.now() > until) { isFull = true; break; }
    }
    if (isFull || (performance.now() > until && begin > from)) {
      gaps.push({ kind: 'unread', from, to: isFull ? end : begin, what: { zh: '登录记录太多，更早的没有读完', en: 'there are more log-ons than could be read in the time: the earlier ones were not' } });
      break;
    }
    end = begin;
  }
  // Of requests the addresses say which: the latest before the first deed tell most.
  const addresses = new Set(cameFrom(story.nodes));
  const { entry } = story;
  if (entry?.kind === 'web' && addresses.size > 0) {
    const latest = Math.min(to, story.ended + requestWindowMs), begin = Math.max(from, story.began - 2 * hour);
    for (let at = latest; at > begin; at -= requestWindowMs) {
      for (const event of store.events.range(Math.max(begin, at - requestWindowMs), at, ['access', 'nginx', 'apache'])) if (event.source_ip !== undefined && addresses.has(event.source_ip)) past.push({ from: 'history', event });
      await turn();
      if (performance.now() > until) { gaps.push({ kind: 'unread', from: begin, to: at, what: { zh: '网站访问记录太多，更早的没有读', en: 'there are more web requests than could be read in the time; earlier ones were not' } }); break; }
    }
  }
  const watching = watched === undefined || watched.since > from || watched.spans.some(({ what, part, from: a, to: b = Infinity }) => (what === 'down' || part === 'journal' || part === 'logfile') && a < to && b > from);
  if (watching) {
    const own = await readPast({ from, to, now, ...(root !== undefined && { root }) });
    for (const one of own.past) past.push(one);
    gaps.push(...own.gaps);
  }
  return { past, gaps };
}
