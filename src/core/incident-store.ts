/** Incidents as they are kept: what a person and the engine change of them, and the repository they stand in. */
import type { Finding } from './finding.ts';
import type { Grade, Incident, IncidentStatus } from './incident.ts';
import type { Level } from './level.ts';
import type { RecoverySummary, WatchSummary } from './recovery.ts';
import type { Text } from './text.ts';

/**
 * story     what somebody did who got further than the door: an incident of its own
 * campaign  guessing and probing from outside that nobody got in by: one for each kind of service and host
 * cell      what one address tried; belongs to a campaign, and moves to the story of that address when it gets in. Never shown.
 */
export type IncidentKind = 'story' | 'campaign' | 'cell';

/** What level and grade are judged from. Each is a set or a maximum: the order in which alerts come changes nothing. Lists are bounded. */
export interface IncidentFacts {
  /** Holds what makes an incident; false while all of it is too mild, or no sign of an intrusion. */
  founds: boolean;
  /** The alert that names it: the worst, of equals the earliest. */
  headline?: { level: Level; time: number; id: string; title: Text };
  /** Worst of its alerts that are more than an attempt; undefined when there is none. */
  worst?: Level;
  /** Worst of its attempts. */
  tried?: Level;
  /** Tactics that were reached (not only tried), each with when first, Unix ms. */
  tactics: Readonly<Record<string, number>>;
  techniques: readonly string[];
  /** Rules whose alerts are high or critical. */
  grave: readonly string[];
  root: boolean;
  accounts: readonly string[];
  addresses: readonly string[];
  /** Identities of the process trees. */
  trees: readonly string[];
  /** Machines of the inner network that were reached for. */
  neighbours: readonly string[];
  /** Business services that were the door or were hit. */
  services: readonly string[];
}

/**
 * The statutory clock. It runs apart from the level: from when a 较大 (larger) event was first suspected until somebody says that it was
 * reported, or that it need not be. Unix ms.
 */
export interface StatutoryClock {
  started: number;
  due: number;
  why: Text;
  /** What was told of it: when it began, half of it gone, an hour before, due. */
  told: readonly ('began' | 'half' | 'soon' | 'over')[];
  stopped?: { time: number; by: string; how: 'reported' | 'not-reportable'; why: string };
}

/** A level or grade that a person set: it stands until a person takes it back, whatever is found later. `judged`: what the engine says meanwhile. */
export interface ByHand { time: number; by: string; why: string; level?: Level; grade?: Grade; judged?: { level: Level; grade: Grade } }

export interface IncidentNote { time: number; by: string; text: string }
/** `key`: of one that a recovery asks for, so that it asks once. `done`: signed by whom and when. */
export interface IncidentTask { id: number; title: string; created: number; by: string; assignee?: string; key?: string; done?: { time: number; by: string } }
/** What shall be better afterwards, by whom and until when (Unix ms). Kept with the incident, also once it is closed. */
export interface Improvement { id: number; title: string; owner?: string; due?: number; created: number; by: string; done?: { time: number; by: string; note?: string } }
/** Something elsewhere that belongs to it: a ticket, a page, another incident. */
export interface IncidentLink { target: string; title?: string; by: string; time: number }

/** What stays quiet because a person said so. All of `when` must be as it was (`*` at an end of a text stands for anything); `key` is the fold key, where the events have nothing that lasts. */
export interface MarkedException { rule: string; when: Readonly<Record<string, string | number>>; key?: string }
export interface FalseAlarm { time: number; by: string; why: string; until: number; exceptions: readonly MarkedException[]; /** Alerts that found no room in the list. */ left: number }

/** One row. `alerts`, `findings` and `keys` of `Incident` are looked up when somebody asks. */
export interface IncidentRecord extends Omit<Incident, 'alerts' | 'findings' | 'keys'> {
  kind: IncidentKind;
  /** Holds an alert that makes an incident; what does not is kept in case something joins it. */
  shown: boolean;
  /** Of a cell: the campaign or story it belongs to. (`merged_into` says it of the others.) */
  within?: string;
  /** What a campaign is about, `guessing ssh`. */
  about?: string;
  facts: IncidentFacts;
  /** When it was made and last written, Unix ms; `time` and `last_time` are of what happened. */
  created: number;
  changed: number;
  /** Since when it has this status. */
  since: number;
  assignee?: string;
  notes: readonly IncidentNote[];
  tasks: readonly IncidentTask[];
  tags: readonly string[];
  links: readonly IncidentLink[];
  /** None in records of before there were any. */
  improvements?: readonly Improvement[];
  clock?: StatutoryClock;
  by_hand?: ByHand;
  false_alarm?: FalseAlarm;
  /** The latest look at what was restored. */
  recovery?: RecoverySummary;
  watch?: WatchSummary;
}

/** An alert (or the finding that it tells of) is in exactly one incident. */
export interface IncidentMember { what: 'alert' | 'finding'; id: string; incident: string; /** Of the alert as it was when it was last looked at. */ time: number; last: number; count: number }

/** When something that ties (an address, a process tree …) was seen in an incident, Unix ms. Two of one key lie further apart than the key ties. */
export interface Strand { key: string; first: number; last: number; incident: string }

export interface IncidentFilter {
  status?: readonly IncidentStatus[];
  /** Default: those that are shown and not merged. */
  hidden?: boolean;
  kind?: IncidentKind;
  /** What belongs to this one or is merged into it, one step down. */
  within?: string;
  /** The clock runs. */
  clock?: boolean;
  /** Last changed before, Unix ms. */
  before?: number;
  /** Of these levels. */
  level?: readonly Level[];
  /** Those behind this one in the order in which pages are turned: the latest `last_time` first, of equals the greater id. */
  after?: { last: number; id: string };
  limit?: number;
}

/** All that is written together, or not at all. `expected` is the revision that the writer saw; 0 for a new one. */
export interface IncidentChange {
  incidents?: readonly { record: IncidentRecord; expected: number }[];
  members?: readonly IncidentMember[];
  /** By key, all strands that it has from now on. */
  strands?: ReadonlyMap<string, readonly Strand[]>;
  /** All open alerts of these are closed with them. */
  closeAlertsOf?: readonly string[];
  /** Findings as they were told, to be kept while an incident names them. */
  findings?: readonly Finding[];
}

/** Incidents and what they hold. Reads see all that was written; writing goes through `ResponseStore.save`, together with its audit entries. */
/** In the order in which alerts were last seen; one that grows moves to its end. `row` tells those of one moment apart. */
export interface AlertPlace { last: number; row: number }

export interface IncidentStore {
  incident(id: string): IncidentRecord | undefined;
  /** Ids that begin so, shown ones; at most `limit`. */
  idsLike(prefix: string, limit: number): string[];
  /** The latest `last_time` first. */
  incidents(filter: IncidentFilter): IncidentRecord[];
  /** Shown and not closed, by level. */
  openByLevel(): { level: Level; count: number }[];
  member(what: IncidentMember['what'], id: string): IncidentMember | undefined;
  /** Of it and all that is merged into it or belongs to it, oldest first. */
  members(incident: string, what: IncidentMember['what'], limit: number): IncidentMember[];
  strands(key: string): Strand[];
  /** Keys of it and all that belongs to it. */
  keysOf(incident: string, limit: number): string[];
  finding(id: string): Finding | undefined;
  /**
   * Open alerts not looked at yet as they now stand, that were last seen since; those seen longest ago first, at most `limit`. A bounded
   * number of rows is looked through a call: `next` is from where to go on, absent at the end.
   */
  unformed(sinceMs: number, after: AlertPlace | undefined, limit: number): { ids: string[]; next?: AlertPlace };
  /** Closed, and not changed since `before`; the longest ago first. */
  expired(before: number, limit: number): IncidentRecord[];
  /** Drops these, with all that belongs to them, and what was never shown and is idle; a bounded number a call. What is open and shown is never dropped. `idleMs`: how long what is not shown is kept. */
  prune(now: number, idleMs: number, ids?: readonly string[]): number;
}
