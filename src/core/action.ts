/** What Moat does to a machine: words and the port. Every action is worked out, done, looked at and taken back by the same four steps. */
import type { IncidentChange } from './incident-store.ts';
import type { PlaybookRun, RunFilter } from './playbook.ts';
import type { Manifest } from './ports.ts';
import type { Text } from './text.ts';

/**
 * low     takes nothing away that works, and ends by itself or is taken back whole
 * medium  a service or an account may miss it until it is taken back
 * high    the machine may become unreachable, or what it ends cannot be brought back
 */
export type Risk = 'low' | 'medium' | 'high';

/** `command` is what a person would type as root to the same end. */
export interface PlanStep { text: Text; command?: readonly string[] }

/**
 * What an action would do, found out by looking only. `state` is JSON: what there was, and what there will be; with it alone the
 * action is done, finished after a crash, looked at and taken back.
 */
export interface Plan<S = unknown> {
  /** What it is done to: an address, a path, `pid 4711`. Two actions with one target never run at the same time. */
  target: string;
  title: Text;
  steps: readonly PlanStep[];
  risk: Risk;
  /** False when what it ends cannot be brought back (a killed process). */
  reversible: boolean;
  /** When it is taken back by itself unless a person confirms it, Unix ms. */
  until?: number;
  state: S;
}

/**
 * finished  as it shall be when the action is done
 * former    as it was before
 * between   neither: half done, or changed by somebody else since
 */
export interface Verdict { is: 'finished' | 'former' | 'between'; evidence: Text }

export interface ActionContext {
  signal: AbortSignal;
  now: () => number;
  /** Stores a state that has grown (more processes were found). Durable when it resolves: call it before the step it is about. */
  save: (state: unknown) => Promise<void>;
}

/** Set by a person who knows: what a package owns, or what looks busy, may be touched. What is never touched stays so. */
export interface PlanOptions { force: boolean; now: number }

/**
 * A reversible change. `apply` and `undo` may be called again at any point where they were cut off, also by another process after a
 * crash, and then reach the same end: each step looks first whether it is done. They never read what `plan` did not put into the state
 * to decide what there was before. Errors are thrown; the runner rolls back.
 */
export interface Action<P = unknown, S = unknown> extends Manifest {
  /** The mildest mode in which it may be done without a person: guard, strict, or by a person only. */
  automatic: 'guard' | 'strict' | 'never';
  /** What becomes of it when Moat was killed in the middle of `apply`. */
  halfDone: 'finish' | 'undo';
  /** Checks what was asked for. Throws MoatError 'bad-input'. */
  parse(input: unknown): P;
  /** The target that a plan would have, told without looking whether it can be done; left out where the same target may be another thing later (a number of a process that is gone). Throws as `plan` does. */
  target?(wanted: P): string;
  /** Looks, changes nothing. Throws MoatError 'refused' for what is protected and 'not-there' when there is nothing to act on. */
  plan(wanted: P, options: PlanOptions): Promise<Plan<S>>;
  apply(state: S, context: ActionContext): Promise<void>;
  verify(state: S, context: ActionContext): Promise<Verdict>;
  undo(state: S, context: ActionContext): Promise<void>;
  /** The state of one that a person has confirmed, and when it ends then; `apply` makes it so. Only of actions whose plan has an `until`. */
  confirmed?(state: S): { state: S; until: number | undefined };
}

export type ActionErrorCode = 'bad-input' | 'refused' | 'not-there' | 'failed' | 'changed' | 'unknown-action' | 'no-receipt' | 'not-reversible' | 'paused' | 'busy' | 'hung';

/**
 * applying  written before the first step, so that a crash is noticed
 * applied   done, and looked at
 * failed    it could not be done; what was done of it is taken back
 * undoing   written before the first step back
 * undone    as it was before
 * stuck     half done, and neither finishing nor going back works: a person must look
 */
export type ReceiptStatus = 'applying' | 'applied' | 'failed' | 'undoing' | 'undone' | 'stuck';

/** Who asked: `operator:root`, `rule:sshd_bruteforce`, `playbook:miner`, `clock` for what ends by itself, `start` after a crash. */
export interface Asked {
  by: string;
  why: string;
  /** The alert, finding or run of a playbook that it answers to. */
  from?: string;
  /** When it is taken back by itself, Unix ms. */
  until?: number;
}

export interface Receipt extends Asked {
  id: string;
  action: string;
  target: string;
  title: Text;
  status: ReceiptStatus;
  steps: readonly PlanStep[];
  risk: Risk;
  reversible: boolean;
  state: unknown;
  /** Unix ms. */
  created: number;
  changed: number;
  verdict?: Verdict;
  error?: string;
  /** Each change of status, oldest first. */
  history: readonly { time: number; status: ReceiptStatus; by: string; note?: string }[];
}

/** One entry of the audit log. `hash` covers all else and the hash before it. */
export interface AuditEntry {
  seq: number;
  time: number;
  by: string;
  /** Where the asking came from: control socket, API address, engine. */
  via: string;
  operation: string;
  target: string;
  why: string;
  result: string;
  hash: string;
}

/** What is blocked and what was: `active` false is kept for a while, so that who comes again is known. Times are Unix ms. */
export interface BlockEntry {
  /** Canonical, `203.0.113.9` or `203.0.113.0/24`. */
  network: string;
  since: number;
  /** Undefined for ever. */
  until?: number;
  why: string;
  by: string;
  /** The list it came with; undefined for one that stands by itself. */
  list?: string;
  active: boolean;
  /** How often it was blocked, this time included. */
  times: number;
}

export interface ReceiptFilter { status?: readonly ReceiptStatus[]; action?: string; target?: string; from?: string; limit?: number; /** Made before this one (by time, then id): the next page. */ before?: { created: number; id: string } }

/** All that is written together, or not at all. */
export interface ResponseChange { receipts?: readonly Receipt[]; audit?: readonly AuditEntry[]; blocks?: readonly BlockEntry[]; runs?: readonly PlaybookRun[]; incidents?: IncidentChange; /** A power cut may take it (a crash of Moat not): it is made anew from what was stored before. */ unsynced?: boolean }

/** `before`: entries with a lower number. Times are Unix ms. */
export interface AuditFilter { before?: number; by?: string; operation?: string; target?: string; via?: string; from?: number; to?: number; limit: number }

/** What was done and by whom, and what is blocked. Reads see all that was written. */
export interface ResponseStore {
  /** Durable when it returns (fsync), unless it is `unsynced`. Throws StoreError, 'stale' when an incident is not at the revision that was expected. */
  save(change: ResponseChange): void;
  receipt(id: string): Receipt | undefined;
  /** Newest first. */
  receipts(filter: ReceiptFilter): Receipt[];
  /** Applied ones whose time is over. */
  due(now: number): Receipt[];
  lastAudit(): AuditEntry | undefined;
  /** Oldest first, from this number on. */
  audit(fromSeq: number): Iterable<AuditEntry>;
  /** Newest first. */
  auditPage(filter: AuditFilter): AuditEntry[];
  block(network: string): BlockEntry | undefined;
  /** The active ones, in the order of their texts; those of one list when it is named, those behind a network when that is. */
  blocks(list?: string, after?: string): Iterable<BlockEntry>;
  /** The active ones behind this network, in the order of their text. */
  blockPage(after: string, limit: number): BlockEntry[];
  countBlocks(): number;
  playbookRun(id: string): PlaybookRun | undefined;
  /** Newest first. */
  playbookRuns(filter: RunFilter): PlaybookRun[];
  /** Drops what is long over; a bounded number a call. Audit entries are never dropped. */
  prune(now: number): void;
}
