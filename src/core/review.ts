/** What is told of an incident when one looks back: the words of its report, its indicators and the figures over all incidents. All lists are bounded; `…_left` says how many found no room. */
import type { FindingKind } from './finding.ts';
import type { Grade, IncidentStatus, StoryDeed, StoryEntry, StoryGap, StoryNodeKind } from './incident.ts';
import type { FalseAlarm, IncidentLink, IncidentNote, IncidentTask, Improvement, StatutoryClock } from './incident-store.ts';
import type { Level } from './level.ts';
import type { ReceiptStatus } from './action.ts';
import type { Text } from './text.ts';

/** Something bounded: the first of all `total`. */
export interface Some<T> { items: readonly T[]; total: number }

/** One row of what happened. `labels`: what it was done to, the first few of `count`. */
export interface Happening {
  time: number;
  last: number;
  what: StoryDeed | 'alert' | 'finding' | 'entry';
  /** Who did it; of an alert its level. */
  who?: string;
  /** Processes of one program that did it, where they had to be told as one. */
  actors?: number;
  level?: Level;
  /** Title of an alert or finding, or the entry in words. */
  text?: Text;
  kind?: StoryNodeKind;
  labels: readonly string[];
  count: number;
  attack: readonly string[];
}

/** One box on the way from entry to effect: a process, or `count` alike. `depth` as drawn; `skipped`: processes between it and the one above it that are not drawn. */
export interface PathStep {
  label: string;
  count: number;
  depth: number;
  skipped: number;
  first: number;
  /** An alert tells of it. */
  alarmed: boolean;
  /** What others work through (sshd, a web server): the way in. */
  carrier: boolean;
  attack: readonly string[];
  effects: Some<PathEffect>;
}
export interface PathEffect { deed: StoryDeed; kind: StoryNodeKind; label: string; count: number }

/** What a report keeps of a story, so that it can be told when the origin graph has long forgotten it. */
export interface StoryDigest {
  /** When it was told, Unix ms. */
  told: number;
  entry: StoryEntry | undefined;
  /** First and last moment that is known. */
  began: number;
  ended: number;
  nodes: number;
  edges: number;
  /** Nodes beyond the bound of the story itself. */
  left: number;
  gaps: Some<StoryGap>;
  path: Some<PathStep>;
  happened: Some<Happening>;
  scope: Readonly<Record<ScopeKind, Some<ScopeItem>>>;
  indicators: Some<Indicator>;
}

/** `neighbour`: an address of the inner network that was spoken to. */
export type ScopeKind = 'account' | 'process' | 'file' | 'persistence' | 'unit' | 'module' | 'container' | 'package' | 'secret' | 'address' | 'name' | 'neighbour';
export interface ScopeItem { label: string; first: number; last: number; lives?: boolean; /** It was made, changed or read by the story. */ note?: 'made' | 'changed' | 'read' | 'removed' | 'came' | 'called' }

/** `came`: somebody came from there; `called`: the story's processes spoke to it, asked for it or fetched from it; `dropped`: the story's processes wrote or ran it. */
export interface Indicator {
  kind: 'address' | 'domain' | 'sha256';
  value: string;
  role: 'came' | 'called' | 'dropped';
  first: number;
  last: number;
  /** Of a file. */
  path?: string;
  attack: readonly string[];
  /** Others use it too, or its tie to the story is weak: not to be blocked without a look. */
  doubt?: Text;
}

/** A span between two moments. A moment that is not known leaves `ms` out, and `why` says which. */
export interface Measure { from?: number; to?: number; ms?: number; why?: Text }
/**
 * detect   from the first known act of the intruder (entry, else the first step of the story) to when Moat made the incident
 * contain  from then to when it was last marked contained, or further
 * recover  from then to when it was last marked recovered, or closed
 */
export interface Measures { detect: Measure; contain: Measure; recover: Measure }

export type Bone = 'people' | 'process' | 'technology' | 'configuration' | 'supplier' | 'monitoring';
export const bones: readonly Bone[] = ['people', 'process', 'technology', 'configuration', 'supplier', 'monitoring'];
/** `cites`: the alert, finding, gap, entry or audit entry it is known from. `likely`: nobody has looked whether it is so. */
export interface Cause { bone: Bone; text: Text; cites: readonly { what: 'alert' | 'finding' | 'gap' | 'entry' | 'audit' | 'record'; id: string }[]; likely: boolean }

/** `certain`: seen; else it could be reached and nobody saw what became of it. */
export interface DataAtRisk { what: Text; items: Some<string>; certain: boolean }

/** Of an action or what a person did. */
export interface ReviewAction { time: number; changed: number; title: Text; action: string; target: string; by: string; why: string; status: ReceiptStatus; receipt: string; reversible: boolean; verdict?: Text }
export interface ReviewChange { time: number; by: string; operation: string; why: string; result: string }

/** An archive of evidence as its keeper tells of it. */
export interface EvidenceArchive { name: string; made: number; by: string; bytes?: number; items?: number; sha256?: string; held?: boolean; hand_overs?: number }

/** Whoever keeps archives of evidence, or counts what was restored, tells of them by this. */
export interface ReviewSources { evidence(incident: string): readonly EvidenceArchive[]; restored(incident: string): { done: number; total: number } | undefined }

export interface Prices { currency: string; interruption_hour?: number | undefined; leak_gb?: number | undefined }
/** `assumption`: what each line rests on. `amount` is left out when the quantity is not known. */
export interface CostLine { what: Text; quantity?: number; unit: Text; price: number; amount?: number; assumption: Text }
export interface Cost { currency: string; lines: readonly CostLine[]; total?: number }

/** One field of the report to the authority. `value` undefined: for a person to fill in; `guess`: to be looked at by one. */
export interface FormField { name: Text; value?: Text; guess?: boolean; hint?: Text }
export interface StatutoryForm { due?: number; stopped?: StatutoryClock['stopped']; why?: Text; summary_due?: number; fields: readonly FormField[] }

/** What only people know of this place, from the configuration. */
export interface ReviewPlace { organisation?: string | undefined; system?: string | undefined; place?: string | undefined; contact?: string | undefined; prices?: Prices | undefined }

export interface ReviewAlert { id: string; time: number; last_time: number; level: Level; title: Text; summary: string; rule: string; count: number; attack: readonly string[] }
export interface ReviewFinding { id: string; check: string; kind: FindingKind; level: Level; title: Text; path?: string; time?: number; fix?: Text }

/** All that a report of one incident tells. Times are Unix ms. */
export interface Review {
  id: string;
  revision: number;
  made: number;
  version: string;
  host: string;
  title: Text;
  kind: 'story' | 'campaign';
  status: IncidentStatus;
  level: Level;
  grade: Grade;
  graded: readonly { time: number; level: Level; grade: Grade; why: Text }[];
  time: number;
  last_time: number;
  created: number;
  assignee?: string;
  tags: readonly string[];
  links: readonly IncidentLink[];
  notes: readonly IncidentNote[];
  tasks: readonly IncidentTask[];
  false_alarm?: FalseAlarm;
  /** How often it was opened again. */
  reopened: number;
  /** For a manager: plain words, in paragraphs. */
  summary: readonly Text[];
  measures: Measures;
  /** Undefined when nobody could tell it; `story_why` says why, or how old it is. */
  story?: StoryDigest;
  story_why?: Text;
  reached: { tactics: readonly { name: Text; time: number }[]; techniques: readonly string[]; root: boolean; services: readonly string[] };
  alerts: Some<ReviewAlert>;
  findings: Some<ReviewFinding>;
  actions: Some<ReviewAction>;
  changes: Some<ReviewChange>;
  evidence: readonly EvidenceArchive[];
  restored?: { done: number; total: number };
  data: readonly DataAtRisk[];
  causes: readonly Cause[];
  improvements: readonly Improvement[];
  form: StatutoryForm;
  cost?: Cost;
}

/** Median and the span that nine of ten stay within, ms; undefined without any. `count`: of how many. */
export interface Spans { count: number; median?: number; p90?: number }

/** Figures over all incidents. */
export interface IncidentStats {
  since: number | undefined;
  now: number;
  incidents: number;
  open: number;
  by_level: Readonly<Record<Level, number>>;
  by_grade: Readonly<Record<'1' | '2' | '3', number>>;
  /** `2026-11`, in local time; oldest first. */
  by_month: readonly { month: string; count: number }[];
  detect: Spans;
  contain: Spans;
  recover: Spans;
  false_alarms: number;
  /** Of those that are over; undefined when none is. */
  false_alarm_share?: number;
  restored?: { done: number; total: number; share: number };
  entries: readonly { name: string; count: number }[];
  techniques: readonly { name: string; count: number }[];
  improvements: { open: number; overdue: number; done: number };
}
