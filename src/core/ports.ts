import type { AccountStore } from './account.ts';
import type { ResponseStore } from './action.ts';
import type { Alert, Detection } from './alert.ts';
import type { Event, Kind } from './gen/event.ts';
import type { IncidentStore } from './incident-store.ts';
import type { Intelligence, Lineage, Packages } from './lineage.ts';
import type { NoticeQueue, NoticeRows, RequestBook } from './notice.ts';
import type { ScanStore } from './scan-store.ts';
import type { Text } from './text.ts';

/** What a plug-in needs to work: checked by `moat doctor`, which prints `fix` when it is missing. */
export interface Need { what: Text; fix: Text; met(): Promise<boolean> }

export interface Manifest {
  /** Same as its folder. */
  id: string;
  title: Text;
  /** What it cannot see even when it works. */
  blind: Text;
  needs?: readonly Need[];
}

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
}

/** Where a source was read to. `value` is the sensor's own JSON text. */
export interface Position { source: string; value: string }

/** Events in the order they were read, and the positions that hold once these events are stored. */
export interface Batch { events: Event[]; positions: Position[] }

export interface SensorContext {
  signal: AbortSignal;
  log: Log;
  host: string;
  now(): number;
  /** What was saved for this sensor's sources before; survives restarts. */
  position(source: string): string | undefined;
  /** Tell what is live and what is not; shown by `moat status` and `moat doctor`. Replaces the last word on `part`. */
  health(part: string, state: 'live' | 'waiting' | 'blind', detail?: Text): void;
  /** Count something dropped, skipped or broken; shown, never silent. */
  count(what: string, n?: number): void;
  /** How long judging this sensor's last batch held the thread that all share, ms: one that reads what waits for it reads less at once then. */
  judgedMs?(): number;
}

/** An endless source of events. Throws when it cannot go on; the engine restarts it with back-off. */
export interface Sensor extends Manifest {
  open(context: SensorContext): AsyncIterable<Batch>;
}

export interface BehaviourContext {
  emit(detection: Detection): void;
  /** Count something dropped, evicted or refused (a saved state that cannot be read); shown, never silent. */
  count(what: string, n?: number): void;
  /** Settings of this behaviour from the configuration, already checked. */
  settings: Readonly<Record<string, number | string | boolean | string[]>>;
  /** What `save` returned in an earlier run. */
  state: string | undefined;
  /** Where processes come from and what they did. */
  lineage: Lineage;
  /** Which package owns a file. */
  packages: Packages;
  /** Lists of known hostile addresses, names, files and wallets. */
  intelligence: Intelligence;
  /** Undefined where Moat does not run: on replay. */
  self?: Self;
}

/** What Moat itself is on this machine: its process, and the files and folders that are its own (program, configuration, data, unit). */
export interface Self { pid: number; paths: readonly string[] }

/** What the engine knows of the world beside the event itself. */
export type Knowledge = Pick<BehaviourContext, 'lineage' | 'packages' | 'intelligence' | 'self'>;

/** A stateful detector over the event stream that Sigma cannot say. Its memory is bounded. */
export interface Behaviour extends Manifest {
  /** What it tells of, for somebody who has never met it. */
  means: Text;
  /** What to do when it fires. */
  advice: Text;
  /** Kinds of event it wants; others are not handed to it. */
  kinds: readonly Kind[];
  /** Rules and behaviours (by rule id) that say nothing beyond it of one and the same event: their detection is left out when this one told of it at their level or a worse one. */
  contains?: readonly string[];
  /** Default settings with their meaning; the configuration file documents and checks them. */
  settings: Readonly<Record<string, Setting>>;
  open(context: BehaviourContext): BehaviourRun;
}

export interface Setting { default: number | string | boolean | string[]; text: Text; min?: number; max?: number }

export interface BehaviourRun {
  observe(event: Event): void;
  /** Called about once a second with the current Unix ms (event time on replay), for what is judged by absence. */
  tick?(now: number): void;
  /** Learned state as JSON text, to be kept across restarts. */
  save?(): string | undefined;
  /** Entities now in memory, for `moat status`. */
  size?(): number;
  /** How far a learned behaviour has come; undefined for one that needs no learning. Shown by `moat status`. */
  learning?(): Learning;
}

/** `since` is when learning began (Unix ms, undefined before the first sample); it stays silent until `ready`. */
export interface Learning { since: number | undefined; samples: number; ready: boolean }

/** What tells who came in, and who took more rights. */
export const logonKinds = ['sshd', 'auth', 'sudo'] as const satisfies readonly Kind[];

/** Append-only history of events. `append` is idempotent by event id. */
export interface EventLog {
  append(events: readonly Event[]): void;
  /** Oldest first; only of these kinds when they are given. Log-ons (`logonKinds`) are found without looking at the others. */
  range(fromMs: number, toMs: number, kinds?: readonly Kind[]): Iterable<Event>;
  /** About how many there are, and when the oldest of them was; looked up without counting. */
  extent(): { events: number; from?: number };
  /** Drops the oldest until age and size caps hold; returns how many events went. */
  prune(now: number): number;
}

export interface AlertFilter { sinceMs?: number; level?: Alert['level']; status?: Alert['status']; rule?: string; sourceIp?: string; limit?: number; /** Those that began before this one, the latest beginning first: the order in which pages are turned, which new alerts do not change. */ before?: { time: number; id: string }; /** Began before, Unix ms. */ untilMs?: number; host?: string; pid?: number; path?: string }

/** A page of alerts whose text holds a word: at most so many are looked through, and `next` says where to go on. */
export interface AlertSearch { alerts: Alert[]; next?: { time: number; id: string } }
export interface AlertBucket { time: number; level: Alert['level']; count: number }
export interface AlertSource { address: string; alerts: number; last: number; country?: string }

/** Mutable state. Every write of `commit` is in one transaction with the events it belongs to. */
export interface Ledger {
  position(source: string): string | undefined;
  alerts(filter: AlertFilter): Alert[];
  /** Those that hold `text` in what people read of them, whatever the case; the latest beginning first. `looked`: so many are looked through at most. */
  search(filter: AlertFilter & { before: { time: number; id: string } }, text: string, looked: number): AlertSearch;
  /** Alerts that nobody closed yet. */
  openCount(): number;
  /** How many began in each span of `bucketMs`, by level. */
  buckets(fromMs: number, toMs: number, bucketMs: number): AlertBucket[];
  /** The addresses that most alerts of this time name. */
  sources(fromMs: number, toMs: number, limit: number): AlertSource[];
  /** How many there are. */
  countAlerts(): number;
  /** How often each rule was raised since then. */
  ruleCounts(sinceMs: number): { rule: string; alerts: number; last: number }[];
  /** Which techniques of ATT&CK the alerts of this rule named since then, by the list that each alert has. */
  attacksOf(rule: string, sinceMs: number): { attack: string[]; alerts: number; last: number }[];
  alert(id: string): Alert | undefined;
  /** The newest alert of this rule and key, for folding. */
  latest(ruleId: string, key: string): Alert | undefined;
  close(alertId: string, open?: boolean): boolean;
  learned(id: string): string | undefined;
  setting(name: string): string | undefined;
  setSetting(name: string, value: string): void;
}

/** Changed rows of the origin graph by name, and the names of those to drop; `replace` drops all others first. */
export interface LineageRows { put: ReadonlyMap<string, string>; drop: readonly string[]; replace: boolean }

/** All that one batch changes; stored together or not at all. */
export interface Commit { events: readonly Event[]; alerts: readonly Alert[]; positions: readonly Position[]; learned?: ReadonlyMap<string, string>; lineage?: LineageRows; notices?: NoticeRows }

export interface Store {
  events: EventLog;
  ledger: Ledger;
  notices: NoticeQueue;
  requests: RequestBook;
  response: ResponseStore;
  incidents: IncidentStore;
  accounts: AccountStore;
  scans: ScanStore;
  /** What was kept of the origin graph. */
  lineage(): Iterable<{ id: string; value: string }>;
  /** Durable when it returns (fsync). Throws StoreError 'full' when the disk is full; nothing of the batch is then kept. */
  commit(commit: Commit): void;
  close(): void;
}
