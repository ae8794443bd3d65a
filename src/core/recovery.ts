/** Recovery after an incident: what was lost and where it comes from, what became of it, and the watch that follows. */
import type { PlanStep, ReceiptStatus, Risk } from './action.ts';
import type { Text } from './text.ts';

/**
 * package  as the package shipped it
 * vault    out of the quarantine, where it lies as it was before the story
 * backup   out of a snapshot from before the story
 */
export type RecoverySource = 'package' | 'vault' | 'backup';

/** One action of a recovery: a file, or a set of files of one snapshot. Ids are `1`, `2` …; the order is that in which they are done. */
export interface RecoveryStep {
  id: string;
  source: RecoverySource;
  action: 'restore-file' | 'restore-set';
  input: Readonly<Record<string, unknown>>;
  title: Text;
  /** What is restored by it; for a set the whole list. */
  paths: readonly string[];
  bytes: number;
  /** Of a set: those that are restored only when what is there now proves to be broken. */
  unsure: number;
}

/** What a recovery does not restore, and why: nothing has it, it is newer and whole, a person must. `stands`: it counts as not restored. */
export interface NotRestored { path: string; why: Text; stands: boolean }

/** The tally of a recovery. `items` = `restored` + `missing`; `healthy` were looked at and are as they should be, `newer` were changed by others and are left as they are. */
export interface RecoveryTally { items: number; restored: number; missing: number; healthy: number; newer: number }

export interface RecoveryPlan {
  id: string;
  incident: string;
  title: Text;
  /** Unix ms. */
  made: number;
  /** First and last moment of the story, Unix ms. Snapshots from before the first are used. */
  began: number;
  ended: number;
  steps: readonly RecoveryStep[];
  /** Bounded; `not_restored_count` is whole. */
  not_restored: readonly NotRestored[];
  not_restored_count: number;
  healthy: number;
  newer: number;
  /** What could not be looked at: a repository that does not answer. */
  blind: readonly Text[];
  /** Files beyond the bound: a further recovery has them. */
  left: number;
}

/** A step with what became of it. */
export interface RecoveredStep extends Pick<RecoveryStep, 'id' | 'source' | 'title' | 'bytes'> {
  files: number;
  state: 'open' | 'done' | 'failed' | 'undone' | 'stuck';
  receipt?: string;
  status?: ReceiptStatus;
  risk?: Risk;
  steps?: readonly PlanStep[];
  /** Files of it that are as they were before the story, that were left because they are newer and whole, and that could not be restored. */
  restored: number;
  newer: number;
  missing: readonly NotRestored[];
  error?: Text;
}

/** One look at a service: its own check of its configuration, or of a database. `unknown` is never clean. */
export interface ServiceCheck {
  id: string;
  name: string;
  state: 'ok' | 'bad' | 'unknown';
  said: Text;
  /** What was run, for a person to run again. */
  command?: readonly string[];
  /** What a good answer does not prove. */
  proves: Text;
}

/** As it is kept with the incident. */
export interface RecoverySummary {
  plan: string;
  /** Of the latest look, Unix ms. */
  time: number;
  tally: RecoveryTally;
  /** Bounded; those that stand in the way. */
  missing: readonly NotRestored[];
  services: { ok: number; bad: readonly string[]; unknown: readonly string[] };
  /** Signs that the checks of the story still find, and what they could not look at. */
  findings: number;
  blind: number;
  /** Whether nothing stands in the way. */
  verified: boolean;
  /** A person's word that what is missing may stay so. */
  accepted?: { time: number; by: string; why: string };
}

/** Heightened watch after a recovery, Unix ms. `things`: how many are watched; `back`: how many of them came back; `ended`: when it was over and told. */
export interface WatchSummary { since: number; until: number; things: number; back: number; ended?: number }
