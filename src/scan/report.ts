/** What a scan tells in the end. */
import type { Finding } from '../core/finding.ts';
import { atLeast, levels, type Level } from '../core/level.ts';
import type { Text } from '../core/text.ts';

/** `check` could look at nothing, or at `what` not. */
export interface Blind { check: string; what?: string; why: Text }

/**
 * clean        nothing speaks of an intrusion, and all could be looked at
 * suspicious   something does, or not all could be looked at
 * compromised  the signs are certain
 */
export type VerdictWord = 'clean' | 'suspicious' | 'compromised';

/** Id, group and title of a check that ran, and what it cannot see even when it works. */
export interface CheckWords { id: string; group: string; title: Text; blind: Text }

/** What is known of a report when the scan begins. */
export interface ReportHead {
  tree: { kind: 'machine' | 'folder' | 'image'; name: string };
  /** Unix ms. */
  started: number;
  checks: readonly CheckWords[];
  /** How many checks there are for such a tree: more than `checks` when only some were asked for. */
  known: number;
}

/** From Unix ms to before Unix ms: a copy, a restore or an upgrade. That something bears such a time says nothing of who came when. */
export interface BusySpan { from: number; to: number }

export interface ScanReport extends ReportHead {
  ended: number;
  /** Worst first. */
  findings: readonly Finding[];
  blind: readonly Blind[];
  /** What was cut, skipped or not understood. */
  counts: Readonly<Record<string, number>>;
  files: number;
  /** Milliseconds in each check; for those that share the walk only the files they wanted. */
  spent: Readonly<Record<string, number>>;
  /** The most memory that it and its children held at a time, MiB, where somebody watched. */
  memoryMb?: number;
  verdict: VerdictWord;
  /** It did not come to its end: what stands here is what was found until then. */
  stopped?: Text;
  /** Minutes in which much of the tree changed at once, in order; undefined when it was not walked through. */
  busy?: readonly BusySpan[];
  /** Findings left out because they are older than was asked for. */
  older?: { since: number; findings: number; signs: number };
}

export const isSign = ({ kind, level }: Finding): boolean => kind === 'intrusion' && atLeast(level, 'medium');

export function verdictOf(findings: readonly Finding[], blind: readonly Blind[]): VerdictWord {
  const signs = findings.filter(isSign);
  if (signs.some(({ level }) => atLeast(level, 'high'))) return 'compromised';
  return signs.length > 0 || blind.length > 0 ? 'suspicious' : 'clean';
}

/** 0 clean, 1 findings at or above `failOn`, 2 something could not be looked at. Findings count more. */
export function exitCodeOf({ findings, blind }: Pick<ScanReport, 'findings' | 'blind'>, failOn: Level): 0 | 1 | 2 {
  if (findings.some(({ level }) => atLeast(level, failOn))) return 1;
  return blind.length > 0 ? 2 : 0;
}

const kinds = ['intrusion', 'weakness', 'notice'] as const;
const text = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0);

/** Worst first, then by path; what is equal stays in the order in which its check told it. */
export const worstFirst = (a: Finding, b: Finding): number => levels.indexOf(b.level) - levels.indexOf(a.level) || (a.path ?? '').localeCompare(b.path ?? '');

/** Worst first; a total order, so that the same findings read the same however they came. */
export const byWeight = (a: Finding, b: Finding): number =>
  levels.indexOf(b.level) - levels.indexOf(a.level) || kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || text(a.path, b.path) || text(a.check, b.check) || text(a.id, b.id);

/** Only findings that came to be after `since` (Unix ms), and those of which nobody knows when. The verdict stays that of all. */
export function later(report: ScanReport, since: number): ScanReport {
  const findings = report.findings.filter(({ time }) => time === undefined || time > since);
  const left = report.findings.filter(({ time }) => time !== undefined && time <= since);
  return { ...report, findings, older: { since, findings: left.length, signs: left.filter(isSign).length } };
}
