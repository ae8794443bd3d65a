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
 * `account:USER`, `unit:NAME`, `module:NAME`, `container:ID`, `secret:/path`, `alert:ID`, `finding:ID`. One line of a file that starts
 * things again is `persistence:/path:LINE`.
 */
export type StoryNodeKind = 'process' | 'file' | 'persistence' | 'address' | 'name' | 'account' | 'unit' | 'module' | 'container' | 'secret' | 'alert' | 'finding';

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

/** A time in which nobody looked, or a log that is missing. */
export interface StoryGap { from: number; to: number; what: Text }

/** How somebody came in: the earliest known. */
export interface StoryEntry { kind: OriginKind; time: number; node: string; address?: string; user?: string; service?: string; /** The request line when a web worker was the door. */ request?: string; text: Text }

export interface Story {
  entry: StoryEntry | undefined;
  nodes: readonly StoryNode[];
  edges: readonly StoryEdge[];
  gaps: readonly StoryGap[];
  began: number;
  ended: number;
  /** Nodes that were left out because the bound was reached. */
  left: number;
}

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
