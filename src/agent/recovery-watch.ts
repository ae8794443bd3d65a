/** The heightened watch under `moat up`: begun when an incident is recovered, kept over restarts, fed with every event, ended by itself. */
import { lstatSync } from 'node:fs';
import type { Event } from '../core/gen/event.ts';
import type { Story } from '../core/incident.ts';
import type { IncidentRecord } from '../core/incident-store.ts';
import type { Log, Store } from '../core/ports.ts';
import type { WatchSummary } from '../core/recovery.ts';
import type { Health } from '../engine/health.ts';
import { lossesOf } from '../engine/incident/recovery.ts';
import { type Return, thingsOf, type Watch, Watches } from '../engine/incident/watch.ts';
import { bytesOf } from '../linux/file-names.ts';
import { digestOf } from './recovery.ts';

export interface RecoveryWatchOptions {
  store: Store;
  health: Health;
  log: Log;
  now: () => number;
  hours: () => number;
  /** The story of an incident as it is known now. */
  tell: (incident: string) => Story;
  /** From where this machine is looked after, and what many share. */
  isShared: (address: string) => boolean;
  /** Whether a package put this file there and it is as the package has it: who planted a copy of a system program did not bring that program back. */
  isShipped: (path: string) => Promise<boolean>;
  returned: (incident: string, what: Return['text'], back: number) => boolean;
  over: (incident: string, back: number) => void;
}

const part = 'recovery watch';
const indexName = 'recovery.watches';
const nameOf = (incident: string): string => `recovery.watch.${incident}`;
const tickMs = 1000;
const hashedMax = 64 << 20;
const filesPerTick = 50;
const receiptsMax = 2000;
const eventsMax = 50_000;

export class RecoveryWatch {
  private readonly options: RecoveryWatchOptions;
  private readonly watches: Watches;
  private ticking: NodeJS.Timeout | undefined;
  private hashing = false;

  constructor(options: RecoveryWatchOptions) {
    this.options = options;
    this.watches = new Watches((what, n) => options.health.count(part, what, n));
    const { ledger } = options.store;
    const index: unknown = parsed(ledger.setting(indexName));
    for (const id of Array.isArray(index) ? index : []) {
      const watch = parsed(ledger.setting(nameOf(String(id)))) as Watch | undefined;
      if (watch?.incident === id) this.watches.add(watch!);
    }
  }

  start(): void { this.ticking = setInterval(() => { this.tick(); }, tickMs); }
  stop(): void { clearInterval(this.ticking); }
  all(): readonly Watch[] { return this.watches.all(); }

  /** Undefined when there is nothing to watch for. */
  begin({ id }: IncidentRecord): WatchSummary | undefined {
    const { now, hours, tell, isShared, health } = this.options;
    const story = tell(id);
    const { things, left } = thingsOf(story, { digests: this.digests(story), ports: this.ports(story), restored: this.restored(), isShared });
    if (left > 0) health.count(part, 'things not watched, too many', left);
    if (things.length === 0) return undefined;
    const watch: Watch = { incident: id, since: now(), until: now() + hours() * 3_600_000, things, back: [] };
    const gone = this.watches.add(watch);
    if (gone) this.end(gone);
    this.save(watch);
    return { since: watch.since, until: watch.until, things: things.length, back: 0 };
  }

  /** Every event, after it was handed on. */
  observe(events: readonly Event[]): void {
    if (this.watches.size === 0) return;
    this.take(this.watches.observe(events));
  }

  tick(): void {
    for (const watch of this.watches.over(this.options.now())) this.end(watch);
    if (!this.hashing) void this.lookInto();
  }

  /** Files that were written or run and have the size of one that was taken away. */
  async lookInto(): Promise<void> {
    this.hashing = true;
    try {
      let n = 0;
      for (const path of this.watches.takePaths()) {
        const size = sizeOf(path);
        if (size === undefined || !this.watches.maybe(size)) continue;
        if (n++ >= filesPerTick || size > hashedMax) { this.options.health.count(part, 'files not looked into, too many or too large'); continue; }
        const sha256 = await digestOf(path, hashedMax);
        if (sha256 === undefined || !this.watches.hasDigest(sha256) || await this.options.isShipped(path)) continue;
        this.take(this.watches.digest(sha256, path, this.options.now()));
      }
    } finally { this.hashing = false; }
  }

  private take(returns: readonly Return[]): void {
    for (const { incident, thing, text, address } of returns) {
      const watch = this.all().find((one) => one.incident === incident);
      if (watch === undefined) continue;
      // The account is its owner's again once they signed for it; and whoever looks after the machine logs on to do so.
      if (thing.kind === 'account' && (this.isSigned(incident, thing.task) || (address !== undefined && this.options.isShared(address)))) { this.watches.forget(incident, thing); continue; }
      try {
        this.options.returned(incident, text, watch.back.length);
        this.save(watch);
      } catch (error) {
        // Not stored (a full disk): the next sight of it tells.
        this.watches.forget(incident, thing);
        this.options.health.count(part, 'returns that could not be stored');
        this.options.log.warn(`incident ${incident}: ${(error as Error).message}`);
      }
    }
  }

  private isSigned(incident: string, task: string | undefined): boolean {
    return task !== undefined && this.options.store.incidents.incident(incident)?.tasks.some(({ key, done }) => key === task && done !== undefined) === true;
  }

  private end(watch: Watch): void {
    try {
      this.options.over(watch.incident, watch.back.length);
    } catch (error) { this.options.log.warn(`incident ${watch.incident}: ${(error as Error).message}`); }
    this.options.store.ledger.setSetting(nameOf(watch.incident), '');
    this.saveIndex();
  }

  private save(watch: Watch): void {
    // The index last: what was cut off in the middle is not found.
    this.options.store.ledger.setSetting(nameOf(watch.incident), JSON.stringify(watch));
    this.saveIndex();
  }

  private saveIndex(): void { this.options.store.ledger.setSetting(indexName, JSON.stringify(this.all().map(({ incident }) => incident))); }

  /** Of what was put into quarantine and lay where the story says. */
  private digests(story: Story): { sha256: string; size: number }[] {
    const paths = new Set(story.nodes.flatMap(({ facts }) => (typeof facts['path'] === 'string' ? [facts['path']] : [])));
    return this.options.store.response.receipts({ action: 'quarantine-file', status: ['applied'], limit: receiptsMax }).flatMap(({ target, state }) => {
      const { file } = (typeof state === 'object' && state !== null ? state : {}) as { file?: { kind?: unknown; sha256?: unknown; size?: unknown } };
      return paths.has(target) && file?.kind === 'file' && typeof file.sha256 === 'string' && typeof file.size === 'number' && file.size > 0 ? [{ sha256: file.sha256, size: file.size }] : [];
    });
  }

  /** What was put back by a recovery or by hand. */
  private restored(): Set<string> {
    const { response } = this.options.store;
    const found = new Set(response.receipts({ action: 'restore-file', status: ['applied'], limit: receiptsMax }).map(({ target }) => target));
    for (const { state } of response.receipts({ action: 'restore-set', status: ['applied'], limit: receiptsMax })) {
      const { files } = (typeof state === 'object' && state !== null ? state : {}) as { files?: unknown };
      for (const one of Array.isArray(files) ? (files as { path?: unknown }[]) : []) if (typeof one.path === 'string') found.add(one.path);
    }
    return found;
  }

  /** On which members of the story listened. */
  private ports(story: Story): string[] {
    const { writers } = lossesOf(story);
    const ports = new Set<string>();
    let n = 0;
    for (const { kind, pid, process_started: started, destination_port: port, protocol } of this.options.store.events.range(story.began, this.options.now())) {
      if (n++ >= eventsMax) { this.options.health.count(part, 'events not looked through for ports, too many'); break; }
      if (kind === 'listener' && port !== undefined && writers.has(`${String(pid)}:${String(started)}`)) ports.add(`${port}/${protocol ?? 'tcp'}`);
    }
    return [...ports];
  }
}

function sizeOf(path: string): number | undefined {
  try {
    const found = lstatSync(bytesOf(path), { throwIfNoEntry: false });
    return found?.isFile() === true ? found.size : undefined;
  } catch { return undefined; /* a file in the way: nothing of that name */ }
}

function parsed(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch { return undefined; /* never written by us */ }
}
