/** Stories for reports by the control socket, kept while the origin graph remembers them; indicators put on the lists and taken off again. */
import * as z from 'zod';
import { MoatError } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import type { Seeds, Story } from '../core/incident.ts';
import { type Level, levels } from '../core/level.ts';
import type { Log, Store } from '../core/ports.ts';
import type { Indicator, StoryDigest } from '../core/review.ts';
import type { Text } from '../core/text.ts';
import { digestOf } from '../engine/incident/digest.ts';
import type { Journal } from '../engine/response/journal.ts';
import { type AppliedIndicator, saveApplied } from './applied-indicators.ts';
import type { ImportCounts } from './blocklists.ts';
import type { Handlers } from './control.ts';
import { keepDigest, keptDigest } from './review-book.ts';
import { ownerOf, type Settling } from './response-files.ts';

export interface ReviewsOptions {
  store: Store;
  /** As `moat incident show` tells it. `asker`: the process of whoever asks, which is no part of it. */
  story: (id: string, seeds: Seeds, asker: number | undefined) => Story;
  packages: Settling;
  journal: Pick<Journal, 'write'>;
  /** Blocks addresses under the name of a list. */
  blocklist: { import: (argument: unknown) => Promise<ImportCounts>; drop: (argument: unknown) => Promise<{ lifted: number }> };
  /** The intelligence lists are to be read again. */
  listsChanged: () => void;
  /** Of incidents, by the beginning of their id; undefined for an id that is none. */
  incident: (id: string) => { id: string; title: Text; seeds: Seeds } | undefined;
  dataFolder: string;
  log: Log;
  now: () => number;
}

/** `listed`: names and digests on the intelligence list, with the addresses that were not refused. */
export interface AppliedResult { incident: string; list: string; until?: number; blocked: number; there: number; listed: number; refused: { value: string; why: Text }[]; doubtful: number; lifted: number; /** Entries of other incidents that made room. */ dropped: number }

const tickMs = 10 * 60_000;
const receiptsMost = 1000;
/** So many in one request that each refusal comes with its reason. */
const part = 5;
const day = 86_400_000;
const request = z.strictObject({ id: z.string().min(1).max(64), by: z.string().min(1).max(200).default('operator'), why: z.string().max(1000).default(''), forMs: z.number().min(60_000).max(3650 * day).default(30 * day), withdraw: z.boolean().default(false) });

export class Reviews {
  private readonly options: ReviewsOptions;
  private ticking: NodeJS.Timeout | undefined;

  constructor(options: ReviewsOptions) { this.options = options; }

  start(): void { this.ticking = setInterval(() => this.tick(), tickMs); }
  stop(): void { clearInterval(this.ticking); }

  handlers(): Handlers {
    return { 'incident-digest': (argument) => this.digest(argument), 'incident-indicators': (argument) => this.apply(argument) };
  }

  /** After something was done to it: what is known now is known best. Soon, and not before whoever asked has their answer. */
  changed(id: string): void { setImmediate(() => { void this.keep(id); }); }

  /** The open incident that has more to tell than was kept; one at a time, so that events go first. */
  private tick(): void {
    const { store } = this.options;
    const open = store.incidents.incidents({ kind: 'story', status: ['new', 'triaged', 'contained', 'eradicated', 'recovered'], limit: 50 });
    const next = open.find(({ id, last_time: last }) => { const kept = keptDigest(store.ledger, id); return kept === undefined || kept.told < last; });
    if (next) void this.keep(next.id);
  }

  private async keep(id: string): Promise<void> {
    try {
      await this.tell(id, undefined);
    } catch (error) { this.options.log.warn(`report of incident ${id}: ${(error as Error).message}`); }
  }

  private digest(argument: unknown): Promise<StoryDigest> {
    const { id, asker } = (typeof argument === 'object' && argument !== null ? argument : {}) as { id?: unknown; asker?: unknown };
    return this.tell(typeof id === 'string' ? id : '', typeof asker === 'number' ? asker : undefined);
  }

  /** As it is told now, or as it was kept, when by now less of it is remembered. */
  private async tell(wanted: string, asker: number | undefined): Promise<StoryDigest> {
    const { store, packages, now } = this.options;
    const incident = wanted === '' ? undefined : this.options.incident(wanted);
    if (incident === undefined) throw new MoatError('no-incident', `expected the id of an incident, got ${wanted.slice(0, 64)}`, { zh: `没有编号为 ${wanted.slice(0, 64)} 的事件`, hint: 'moat incident list --all' });
    // Until the packages are known everything looks like nobody's.
    await ownerOf(packages, '/bin/sh');
    const { id, seeds } = incident;
    const story = this.options.story(id, seeds, asker);
    const fresh = digestOf(story, now(), { titles: titlesOf(seeds), digests: this.digests(seeds.findings) });
    const kept = keptDigest(store.ledger, id);
    if (kept !== undefined && kept.nodes > fresh.nodes) return kept;
    if (fresh.nodes > 0) keepDigest(store.ledger, id, fresh, fresh.told);
    return fresh;
  }

  /** SHA-256 by path, as quarantine and the checks took it. */
  private digests(findings: readonly Finding[]): Map<string, string> {
    const out = new Map<string, string>();
    for (const { path, evidence } of findings) {
      const digest = evidence.find(({ value }) => /^[0-9a-f]{64}$/i.test(value))?.value;
      if (path !== undefined && digest !== undefined) out.set(path, digest.toLowerCase());
    }
    for (const { state } of this.options.store.response.receipts({ action: 'quarantine-file', limit: receiptsMost })) {
      const { path, file } = (typeof state === 'object' && state !== null ? state : {}) as { path?: unknown; file?: { kind?: unknown; sha256?: unknown } };
      if (typeof path === 'string' && file?.kind === 'file' && typeof file.sha256 === 'string' && !out.has(path)) out.set(path, file.sha256);
    }
    return out;
  }

  private async apply(argument: unknown): Promise<AppliedResult> {
    const read = request.safeParse(argument);
    if (!read.success) throw new MoatError('bad-input', `expected which indicators to apply: ${read.error.issues[0]?.path.join('.') ?? ''} ${read.error.issues[0]?.message ?? ''}`);
    const { id: wanted, by, why: said, forMs, withdraw } = read.data;
    const { store, journal, blocklist, now, dataFolder } = this.options;
    const incident = this.options.incident(wanted);
    if (incident === undefined) throw new MoatError('no-incident', `expected the id of an incident, got ${wanted}`, { zh: `没有编号为 ${wanted} 的事件`, hint: 'moat incident list --all' });
    const { id } = incident;
    const list = `incident-${id}`;
    const why = said === '' ? `indicators of incident ${id}` : said;
    if (withdraw) {
      const { lifted } = await blocklist.drop({ list, by, why });
      saveApplied(store.ledger, dataFolder, id, [], now());
      this.options.listsChanged();
      await journal.write({ audit: [{ time: now(), by, via: 'control', operation: 'incident-indicators', target: id, why, result: `taken off the lists, ${lifted} addresses let through again` }] });
      return { incident: id, list, blocked: 0, there: 0, listed: 0, refused: [], doubtful: 0, lifted, dropped: 0 };
    }
    const { indicators } = await this.tell(id, undefined);
    const sure = indicators.items.filter(({ doubt }) => doubt === undefined);
    const until = now() + forMs;
    const { counts, refused } = await this.block(sure, { list, by, why, until });
    const applied: AppliedIndicator[] = sure.filter(({ value }) => !refused.some((one) => one.value === value)).map(({ kind, value }) => ({ incident: id, kind, value, until }));
    const dropped = saveApplied(store.ledger, dataFolder, id, applied, now());
    this.options.listsChanged();
    await journal.write({ audit: [{ time: now(), by, via: 'control', operation: 'incident-indicators', target: id, why, result: `${counts.added + counts.there} addresses blocked, ${applied.length} on the intelligence list, ${refused.length} refused, until ${new Date(until).toISOString()}` }] });
    return { incident: id, list, until, blocked: counts.added, there: counts.there, listed: applied.length, refused, doubtful: indicators.items.length - sure.length, lifted: 0, dropped };
  }

  private async block(sure: readonly Indicator[], { list, by, why, until }: { list: string; by: string; why: string; until: number }): Promise<{ counts: { added: number; there: number }; refused: { value: string; why: Text }[] }> {
    const addresses = sure.filter(({ kind }) => kind === 'address');
    const counts = { added: 0, there: 0 };
    const refused: { value: string; why: Text }[] = [];
    for (let at = 0; at < addresses.length; at += part) {
      const done = await this.options.blocklist.import({ list, by, why, entries: addresses.slice(at, at + part).map(({ value }) => ({ network: value, until, why })) });
      counts.added += done.added;
      counts.there += done.there;
      refused.push(...done.why.map(({ network, why: reason }) => ({ value: network, why: reason })));
    }
    return { counts, refused };
  }
}

function titlesOf({ alerts, findings }: Seeds): Map<string, { title: Text; level: Level }> {
  const known = new Set<string>(levels);
  return new Map([...alerts.map((one) => [`alert:${one.id}`, one] as const), ...findings.map((one) => [`finding:${one.id}`, one] as const)].filter(([, { level }]) => known.has(level)).map(([id, { title, level }]) => [id, { title, level }]));
}
