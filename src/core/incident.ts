/** Incidents: alerts and findings of one story, how the story is told as a graph, and the plan that ends it. */
import type { Alert } from './alert.ts';
import type { PlanStep, Risk, Verdict } from './action.ts';
import type { Evidence, Finding } from './finding.ts';
import type { Level } from './level.ts';
import type { OriginKind } from './lineage.ts';
import type { Text } from './text.ts';

/** What a story is told from. */
export interface Seeds { alerts: readonly Alert[]; findings: readonly Finding[] }

/**
 * What somebody did, or was reached. Ids say what it is: `process:PID:STARTED`, `file:/path`, `persistence:/path`, `address:IP`, `name:HOST`,
 * `account:USER`, `unit:NAME`, `module:NAME`, `container:ID`, `package:FOLDER` (or `package:NAME`), `secret:/path`, `alert:ID`, `finding:ID`. One line of a file that starts
 * things again is `persistence:/path:LINE`.
 */
export type StoryNodeKind = 'process' | 'file' | 'persistence' | 'address' | 'name' | 'account' | 'unit' | 'module' | 'container' | 'package' | 'secret' | 'alert' | 'finding';

export interface StoryNode {
  id: string;
  kind: StoryNodeKind;
  /** As a person would name it, not escaped: a command line, a path, an address. */
  label: string;
  /** Unix ms. */
  first: number;
  last: number;
  /** Whether it is there now, as far as that was seen: a process runs, a file lies there. */
  lives?: boolean;
  /** What is known of it that decides the plan: pid, started, path, uid, user, package, inode, device, sha256, port … */
  facts: Readonly<Record<string, string | number | boolean>>;
  attack?: readonly string[];
  matrix?: readonly string[];
}

export type StoryDeed = 'started' | 'became' | 'wrote' | 'removed' | 'ran' | 'read' | 'spoke' | 'asked' | 'logged-on' | 'planted' | 'tells';

export interface StoryEdge { from: string; to: string; deed: StoryDeed; first: number; last: number; count: number }

/**
 * A time in which nobody looked, or a log that is missing; Unix ms.
 *   down       Moat did not run
 *   sensor     a sensor was off or blind, or a lesser one stood in for it
 *   lost       a sensor lost events
 *   log        a log is missing, was cut, or does not reach back so far
 *   forgotten  more happened than is remembered, or nobody saw how it began
 *   unread     there was more to read than the time allowed
 */
export type GapKind = 'down' | 'sensor' | 'lost' | 'log' | 'forgotten' | 'unread';
export interface StoryGap { kind: GapKind; from: number; to: number; what: Text }

/** Where something that logs tell was found: Moat's own history, or what the machine keeps itself. */
export type EchoSource = 'history' | 'journal' | 'wtmp' | 'btmp' | 'lastlog';

/** What logs tell of the time before and during a story; many of a kind are one. Not part of the graph. */
export interface StoryEcho {
  kind: 'log-on' | 'failed-log-on' | 'session' | 'privilege' | 'request';
  from: EchoSource;
  first: number;
  last: number;
  count: number;
  user?: string;
  address?: string;
  /** The command of a sudo, the request line: masked, not escaped. */
  what?: string;
  /** Answered to the requests. */
  bytes?: number;
}

/** How somebody came in: the earliest known. */
export interface StoryEntry { kind: OriginKind; time: number; node: string; address?: string; /** Two letters. */ country?: string; /** Who the address belongs to. */ network?: string; /** Told by a log alone, of the time in which it must have been. */ guessed?: EchoSource; attack?: readonly string[]; matrix?: readonly string[]; user?: string; service?: string; /** The package whose script was the door. */ package?: string; /** The request line when a web worker was the door. */ request?: string; text: Text }

/** How far a story reaches; lists are sorted and bounded. */
export interface StoryReach {
  /** Of the story itself, without what is only the way in; `living`: that still run. */
  processes: number;
  living: number;
  files: number;
  /** Mounted file systems that its files lie in; `bytes` of those files whose size is known. */
  volumes: readonly { at: string; device: string; type: string; files: number; bytes: number }[];
  /** What brings it back. */
  planted: readonly string[];
  secrets: readonly string[];
  accounts: readonly string[];
  containers: readonly string[];
  databases: readonly string[];
  /** Machines of the inner network that were spoken to, and addresses of the internet, with ports. */
  neighbours: readonly string[];
  outside: readonly string[];
}

export interface Story {
  entry: StoryEntry | undefined;
  nodes: readonly StoryNode[];
  edges: readonly StoryEdge[];
  gaps: readonly StoryGap[];
  /** What logs tell beside, oldest first, bounded. */
  echoes: readonly StoryEcho[];
  /** Undefined until it was looked how far it reaches. */
  reached?: StoryReach;
  began: number;
  ended: number;
  /** Nodes that were left out because the bound was reached. */
  left: number;
}

/** One step of a story as a person reads it: many deeds of one kind by one process are one step. */
export interface StoryStep {
  time: number;
  last: number;
  count: number;
  deed: StoryDeed | 'alert' | 'finding' | EchoKind;
  /** Who did it, and (the first few of) what it was done to: ids of nodes. */
  from?: string;
  to: readonly string[];
  text: Text;
  attack: readonly string[];
  matrix: readonly string[];
  /** Of a step that an alert or finding tells of. */
  level?: Level;
  /** Where it is known from, when that is not the origin graph. */
  source?: EchoSource;
}
type EchoKind = StoryEcho['kind'];

/**
 * new → triaged → contained → eradicated → recovered → closed; or false-alarm from any.
 */
export type IncidentStatus = 'new' | 'triaged' | 'contained' | 'eradicated' | 'recovered' | 'closed' | 'false-alarm';

/** 一级 core business hit, 二级 part of it, 三级 infection only. */
export type Grade = 1 | 2 | 3;

export interface Incident {
  id: string;
  /** Raised by each change; who changes it says which one they saw. */
  revision: number;
  host: string;
  title: Text;
  status: IncidentStatus;
  level: Level;
  grade: Grade;
  /** Each change of level or grade and why, oldest first, bounded. */
  graded: readonly { time: number; level: Level; grade: Grade; why: Text; /** A person; the engine otherwise. */ by?: string }[];
  /** Of its first and latest alert or finding, Unix ms. */
  time: number;
  last_time: number;
  /** Ids, bounded; `alert_count` and `finding_count` are whole. */
  alerts: readonly string[];
  findings: readonly string[];
  alert_count: number;
  finding_count: number;
  /** What ties it together: `process:…`, `session:…`, `file:…`, `address:…`, `account:…`; bounded. */
  keys: readonly string[];
  /** The one that it turned out to be part of. */
  merged_into?: string;
}

/** One action of the plan that ends a story. */
export interface PlannedStep {
  /** `1`, `2` …: order in which they are done, and the name by which one is left out. */
  id: string;
  action: string;
  /** As the action takes it. */
  input: Readonly<Record<string, string | number | boolean>>;
  /** As its receipt names it. */
  target: string;
  /** What a person would type to the same end. */
  command: readonly string[];
  title: Text;
  /** Why it is in the plan: the edges and facts of the story it rests on. */
  evidence: readonly Evidence[];
  risk: Risk;
  reversible: boolean;
  steps: readonly PlanStep[];
  /** Node of the story that it ends. */
  node: string;
  /** Done only with a person's yes to this very step. */
  approval: boolean;
  receipt?: string;
  verdict?: Verdict;
}

/** What the plan does not touch, and why: a package owns it unmodified, it is protected, no action exists for it. */
export interface LeftAlone { node: string; title: Text; why: Text }

/** `incident`: what it was asked for, an incident, an alert or a finding. `left`: steps beyond the bound; a further plan after this one has them. */
export interface CleanupPlan { id: string; incident: string; title: Text; made: number; entry?: StoryEntry; steps: readonly PlannedStep[]; left_alone: readonly LeftAlone[]; left: number }
