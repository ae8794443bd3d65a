/** Scans and what they found, as they are kept: for lists, the score over time, and fixes. */
import type { Finding } from './finding.ts';
import type { Level } from './level.ts';
import type { Text } from './text.ts';

/** One look at this machine. Times are Unix ms. */
export interface ScanRun {
  id: string;
  started: number;
  ended: number;
  /** Who asked for it; `schedule` for one by itself. */
  by: string;
  checks: readonly string[];
  files: number;
  verdict: 'clean' | 'suspicious' | 'compromised';
  /** Of this look alone. */
  findings: Readonly<Record<Level, number>>;
  blind: readonly { check: string; what?: string; why: Text }[];
  /** Blind spots beyond those that are listed. */
  blind_left: number;
  stopped?: Text;
  /** Of all that stands after it, 0 to 100. */
  score: number;
}

/** `gone`: a look that could see it found it no more. */
export interface KeptFinding { finding: Finding; first: number; last: number; gone?: number }

export interface FindingFilter { check?: string; kind?: Finding['kind']; level?: readonly Level[]; path?: string; gone?: boolean; after?: { level: Level; last: number; id: string }; limit: number }

export interface ScanStore {
  /** All in one transaction: what was found, what is there no more, and the run. */
  save(run: ScanRun, found: readonly Finding[], gone: readonly string[]): void;
  scan(id: string): ScanRun | undefined;
  /** Newest first. */
  scans(filter: { before?: number; limit: number }): ScanRun[];
  finding(id: string): KeptFinding | undefined;
  /** The worst first; of one level the latest seen. */
  findings(filter: FindingFilter): KeptFinding[];
  /** What stands, by check, kind and level. */
  standing(): { check: string; kind: Finding['kind']; level: Level; count: number }[];
}
