/** What a scan tells in the end. */
import type { Finding } from '../core/finding.ts';
import { atLeast, type Level } from '../core/level.ts';
import type { Text } from '../core/text.ts';

/** `check` could look at nothing, or at `what` not. */
export interface Blind { check: string; what?: string; why: Text }

/**
 * clean        nothing speaks of an intrusion, and all could be looked at
 * suspicious   something does, or not all could be looked at
 * compromised  the signs are certain
 */
export type VerdictWord = 'clean' | 'suspicious' | 'compromised';

export interface ScanReport {
  tree: { kind: 'machine' | 'folder' | 'image'; name: string };
  /** Unix ms. */
  started: number;
  ended: number;
  checks: readonly string[];
  /** Worst first. */
  findings: readonly Finding[];
  blind: readonly Blind[];
  /** What was cut, skipped or not understood. */
  counts: Readonly<Record<string, number>>;
  files: number;
  verdict: VerdictWord;
}

export function verdictOf(findings: readonly Finding[], blind: readonly Blind[]): VerdictWord {
  const signs = findings.filter(({ kind }) => kind === 'intrusion');
  if (signs.some(({ level }) => atLeast(level, 'high'))) return 'compromised';
  return signs.some(({ level }) => atLeast(level, 'medium')) || blind.length > 0 ? 'suspicious' : 'clean';
}

/** 0 clean, 1 findings at or above `failOn`, 2 something could not be looked at. Findings count more. */
export function exitCodeOf({ findings, blind }: Pick<ScanReport, 'findings' | 'blind'>, failOn: Level): 0 | 1 | 2 {
  if (findings.some(({ level }) => atLeast(level, failOn))) return 1;
  return blind.length > 0 ? 2 : 0;
}
