/** Notices: what a person is told through a channel, and the queue that holds it until the channel has taken it. */
import type { Alert } from './alert.ts';
import type { Level } from './level.ts';
import type { Lang, Text } from './text.ts';

/** One alert (or one question) in a notice, in one language. Every text may hold what an attacker wrote: a channel escapes it. */
export interface NoticeItem {
  level: Level;
  /** What happened, in one line. */
  title: string;
  host: string;
  /** When it began and when it was last seen, Unix ms. */
  time: number;
  last: number;
  /** How often. */
  count: number;
  /** The story: address, account, program, path, origin. */
  facts: readonly { label: string; value: string }[];
  means?: string;
  /** What to do about it. */
  advice?: string;
  /** Commands to run next: words that a shell takes as they stand. */
  next: readonly string[];
  /** The alert's id. */
  id: string;
}

export interface Notice {
  /** The same when it is sent again after a crash: a receiver can tell twins. */
  id: string;
  /** Unix ms. */
  time: number;
  lang: Lang;
  /** The worst in it. */
  level: Level;
  host: string;
  /** Worst first; at least one, unless `dropped` alone is told. */
  items: readonly NoticeItem[];
  /** Alerts that found no room in the queue since the last notice. */
  dropped: number;
  /** A word that the robot insists on. */
  keyword?: string;
  /** Time zone in which times are written (IANA name); the machine's own when left out. */
  zone?: string;
  /** The alerts whole, for channels that take attachments. */
  attachment?: { name: string; type: string; content: string };
}

/**
 * What became of a notice. `code` is the channel's own word. `about: 'channel'` (a wrong token): the notice stays and is tried
 * again; `'notice'` (malformed, too large): another try would end the same; `'unknown'`: tried some more times.
 */
export type Outcome =
  | { kind: 'sent' }
  | { kind: 'retry-after'; ms?: number; code: string; what: Text }
  | { kind: 'refused'; about: 'channel' | 'notice' | 'unknown'; code: string; what: Text };

/** What waits for a channel. One row for each subject that has not been put into a notice yet. */
export interface QueuedNotice { channel: string; subject: string; level: Level; time: number; /** The alert without its evidence. */ alert: Omit<Alert, 'evidence'> }
export interface NoticeRow extends QueuedNotice { seq: number }

/** How a channel stands; kept across restarts. Times are Unix ms. */
export interface ChannelState {
  sent: number;
  /** Notices that the channel refused for good. */
  refused: number;
  lastSent?: number;
  lastError?: { time: number; code: string; what: Text };
  /** Tries of the notice that is under way. */
  tries: number;
  /** The channel itself is at fault: a person has to do something. */
  isRefused?: boolean;
  /** Nothing is sent before. */
  notBefore: number;
  /** When the latest notices left (or began to leave), for the channel's limits. */
  window: readonly number[];
}

/** What one commit adds; of a channel whose queue is longer than `max` the mildest and oldest go, and are counted. */
export interface NoticeRows { rows: readonly QueuedNotice[]; max: number; /** Left out before they came here, by channel. */ dropped?: ReadonlyMap<string, number> }

export interface Waiting { level: Level; count: number; since: number }

/** The queue of notices on disk. */
export interface NoticeQueue {
  /** What waits, by level, without what is under way. */
  waiting(channel: string): Waiting[];
  /** Waiting rows of these levels, oldest first. */
  rows(channel: string, levels: readonly Level[]): NoticeRow[];
  /** The notice that is under way: begun, and not known to have arrived. */
  underWay(channel: string): { id: string; rows: NoticeRow[]; dropped: number } | undefined;
  /** Rows become the notice `id`, which takes the count of what was dropped with it. Stored with the state. */
  begin(channel: string, id: string, seqs: readonly number[], state: ChannelState): void;
  /** Its rows go, stored with the state: the notice arrived, or was given up and its rows count as dropped. */
  end(channel: string, state: ChannelState, arrived: boolean): void;
  state(channel: string): ChannelState | undefined;
  setState(channel: string, state: ChannelState): void;
  /** Dropped since the beginning, and of these the ones that no notice has told of yet. */
  dropped(channel: string): { all: number; untold: number };
  /** Drops what belongs to other channels; returns how many rows went. */
  keepOnly(channels: readonly string[]): number;
}

export type Answer = 'approve' | 'reject';

/** A question to a person: may this be done? `id` cannot be guessed. Times are Unix ms. */
export interface ActionRequest { id: string; created: number; expires: number; level: Level; what: Text; answer?: Answer; answered?: number; answeredBy?: string }

export type Decision = 'decided' | 'unknown' | 'expired' | 'answered' | 'used';

/** The questions that were put, and what was answered. */
export interface RequestBook {
  /** Throws StoreError 'input' for an id that is there, and when too many wait. */
  add(request: ActionRequest): void;
  get(id: string): ActionRequest | undefined;
  /** Not answered and not expired, oldest first. */
  open(now: number): ActionRequest[];
  /** Answers, once and for all, together with the use of the token (left out when a person answers without one). */
  decide(id: string, answer: Answer, by: string, now: number, token?: { id: string; expires: number }): Decision;
  /** Forgets tokens that have expired, and requests a month after. */
  prune(now: number): void;
}
