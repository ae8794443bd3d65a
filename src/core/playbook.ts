/** Playbooks: a subset of CACAO 2.0 with Moat's head, and how a run of one stands. */
import type { Level } from './level.ts';
import type { Text } from './text.ts';

export type Value = string | number | boolean;

/** 断链, 隔离, 处置, 溯源. */
export const phases = ['cut', 'isolate', 'handle', 'trace'] as const;
export type Phase = (typeof phases)[number];

/**
 * moat-action  an action of the runner; `input` may name variables as `__name__:value`. Asks a person first where the mode does not let it be done by itself.
 * manual       waits for a person, who approves or rejects it before `expires` (ms)
 * notify       tells people
 */
export type PlaybookCommand =
  | { type: 'moat-action'; action: string; input: Readonly<Record<string, Value>>; /** Ms, or longer each time; for good when undefined. */ for?: number | 'escalating' | undefined; force: boolean; /** A person is asked in any mode. */ ask?: boolean | undefined; expires: number }
  | { type: 'manual'; command: Text; level: Level; expires: number }
  | { type: 'notify'; message: Text; level: Level };

interface Named { name?: Text | undefined; phase?: Phase | undefined; /** Waits so long before it, ms. */ delay: number }

/**
 * Branches of if, while, switch, parallel and playbook-action run until an `end`, then their step goes on with `on_completion`.
 * Of an action, `on_completion` is taken however it ends; a failure that has neither it nor `on_failure` ends the run.
 */
export type Step = Named & (
  | { type: 'start'; on_completion: string }
  | { type: 'end' }
  | { type: 'action'; commands: readonly PlaybookCommand[]; /** Ms for all its commands. */ timeout?: number | undefined; /** When it fails, what the run did is taken back. */ compensate: boolean; on_completion?: string | undefined; on_success?: string | undefined; on_failure?: string | undefined }
  | { type: 'if-condition'; condition: string; on_true: string; on_false?: string | undefined; on_completion: string }
  | { type: 'while-condition'; condition: string; on_true: string; /** Rounds at most. */ max: number; on_completion: string }
  | { type: 'switch-condition'; switch: string; cases: Readonly<Record<string, string>>; on_completion: string }
  | { type: 'parallel'; next_steps: readonly string[]; on_completion: string }
  | { type: 'playbook-action'; playbook_id: string; /** First step of the other playbook, once it is put in. */ on_true?: string | undefined; on_completion: string });

/** Fields of an alert that tell one target from another. */
export type PlaybookTarget = 'source_ip' | 'origin_ip' | 'user' | 'pid' | 'path' | 'host' | 'alert';

export interface Playbook {
  id: string;
  name: Text;
  description: Text;
  /** 一级: core business is hit; 二级: part of it; 三级: infection only. */
  grade: 1 | 2 | 3;
  /** The mildest mode in which it begins by itself. */
  mode: 'guard' | 'strict' | 'manual';
  triggers?: { attack?: readonly string[] | undefined; tactics?: readonly string[] | undefined; rules?: readonly string[] | undefined; level: Level } | undefined;
  /** One run at a time for each of these. */
  per: PlaybookTarget;
  /** The whole run, ms. */
  timeout: number;
  /** When the run fails, what it did is taken back. */
  compensate: boolean;
  playbook_variables: Readonly<Record<string, Value>>;
  workflow_start: string;
  workflow: Readonly<Record<string, Step>>;
}

export type RunStatus = 'running' | 'done' | 'failed' | 'stopped';

/** Why a thread does not go on. */
export type Wait =
  | { for: 'person'; request: string; expires: number; level: Level; what: Text }
  | { for: 'time'; until: number }
  | { for: 'branches' };

/** One strand of a run. `visit` tells one passage through a step from the next. */
export interface Thread {
  id: number;
  parent?: number;
  step: string;
  visit: number;
  /** Index of the command that is next. */
  command: number;
  /** When it came to the step, Unix ms. */
  began: number;
  /** Steps whose branch it is in, outermost first; `rounds` of a while. */
  frames: { step: string; rounds: number }[];
  wait?: Wait;
  /** Who approved the command that is next. */
  approved?: string;
}

/** One line of a run's story. */
export interface RunEntry { time: number; step: string; what: 'begun' | 'done' | 'failed' | 'asked' | 'approved' | 'rejected' | 'expired' | 'told' | 'undone' | 'not-undone' | 'ended'; note: string; receipt?: string }

/** All that is needed to go on after a crash. Times are Unix ms. */
export interface PlaybookRun {
  id: string;
  playbook: string;
  /** As it stood when the run began: a changed file changes no run that is under way. */
  definition: Playbook;
  /** What it is about; one run at a time for each. */
  target: string;
  alert?: string;
  rule?: string;
  by: string;
  why: string;
  status: RunStatus;
  created: number;
  changed: number;
  variables: Record<string, Value>;
  threads: Thread[];
  visits: number;
  nextThread: number;
  /** Receipts of what it did, oldest first; none once taken back. */
  receipts: string[];
  /** What it did is to be taken back before anything else. */
  back: boolean;
  /** It ends so, when what must be taken back is. */
  ending?: { status: RunStatus; note: string };
  entries: RunEntry[];
  /** Entries that found no room. */
  dropped: number;
}

export interface RunFilter { playbook?: string; target?: string; alert?: string; status?: readonly RunStatus[]; limit?: number; before?: { created: number; id: string } }
