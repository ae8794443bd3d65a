/** What earlier scheduled scans found: tells the new from the known, forgets what is gone, survives a restart. */
import { createHash } from 'node:crypto';
import type { Finding } from '../core/finding.ts';
import { atLeast, levels, type Level } from '../core/level.ts';
import type { Text } from '../core/text.ts';
import type { ScanReport } from '../scan/report.ts';

export interface KnownFinding {
  check: string;
  level: Level;
  /** Unix ms of the scan that found it first. */
  since: number;
  sign: boolean;
  /** Of a process: what it is called by but its number. */
  like?: string;
  /** Only of the worse ones: people are shown these. */
  title?: Text;
  path?: string;
}

export interface KnownState {
  version: 1;
  findings: Record<string, KnownFinding>;
  /** When a check was last tried, and when it last looked without failing as a whole; Unix ms. */
  tried: Record<string, number>;
  looked: Record<string, number>;
  /** How often a finding that is gone now was there: when it returns it is a new alert. Oldest first. */
  gone: Record<string, number>;
}

/** `again`: how often it was there and went before. */
export interface NewFinding { finding: Finding; again: number }

const knownMax = 20_000;
const goneMax = 5000;
const titleMax = 300;
/** Tell that a scan did not see everything that bears on every check. */
const bearsOnAll = new Set(['scan', 'packages', 'walk']);

export const nothingKnown = (): KnownState => ({ version: 1, findings: {}, tried: {}, looked: {}, gone: {} });

/** What was saved; nothing known for text of another version or a faulty one. */
export function readKnown(text: string | undefined): KnownState | undefined {
  if (text === undefined || text === '') return nothingKnown();
  try {
    const state = JSON.parse(text) as Partial<KnownState> | null;
    if (state?.version !== 1) return undefined;
    return { ...nothingKnown(), ...state };
  } catch { return undefined; }
}

/** What a finding of a process has in common with that of the same program started again; undefined for what is no process, or one whose program is not known: each of these is another. */
function likeness({ check, kind, path, pid, title }: Finding): string | undefined {
  if (typeof pid !== 'number') return undefined;
  const words = title.en.replaceAll(new RegExp(String.raw`\b${pid}\b`, 'g'), '');
  if (path === undefined && !/(?:^|\s)\/\S/.test(words)) return undefined;
  return createHash('sha256').update(JSON.stringify([check, kind, path ?? '', words])).digest('base64url').slice(0, 16);
}

/**
 * Compares a report with what is known. `tried` are the checks that were to run. The first look of a check makes its
 * baseline: only certain signs of an intrusion are new then. Afterwards everything is but notices. Worst first.
 */
export function compare(state: KnownState, report: ScanReport, tried: readonly string[], now: number): { state: KnownState; fresh: NewFinding[]; notKept: number } {
  const next: KnownState = { version: 1, findings: { ...state.findings }, tried: { ...state.tried }, looked: { ...state.looked }, gone: { ...state.gone } };
  const fresh: NewFinding[] = [];
  const seen = new Set<string>();
  const alike = new Map(Object.values(state.findings).flatMap((one) => (one.like === undefined ? [] : [[one.like, one] as const])).sort(([, a], [, b]) => levels.indexOf(a.level) - levels.indexOf(b.level)));
  let notKept = 0;
  let kept = Object.keys(next.findings).length;
  for (const finding of report.findings) {
    const { id, check, level, kind } = finding;
    seen.add(id);
    const known = state.findings[id];
    const baseline = state.looked[check] === undefined;
    const certain = kind === 'intrusion' && atLeast(level, 'high');
    const like = likeness(finding);
    // The same program, started again since: its number is another, what is wrong is not new.
    const before = known ?? (like === undefined ? undefined : alike.get(like));
    const worse = before !== undefined && levels.indexOf(level) > levels.indexOf(before.level);
    if (before ? worse : baseline ? certain : kind !== 'notice') fresh.push({ finding, again: state.gone[id] ?? 0 });
    if (!known && kept >= knownMax) { notKept++; continue; }
    if (!known) kept++;
    next.findings[id] = {
      check, level, since: before?.since ?? now, sign: kind === 'intrusion' && atLeast(level, 'medium'), ...(like !== undefined && { like }),
      ...((atLeast(level, 'high') || certain) && { title: { zh: finding.title.zh.slice(0, titleMax), en: finding.title.en.slice(0, titleMax) }, ...(finding.path !== undefined && { path: finding.path.slice(0, titleMax) }) }),
    };
  }
  for (const id of tried) next.tried[id] = now;
  const partly = new Set(report.blind.map(({ check }) => check));
  const failed = new Set(report.blind.filter(({ what }) => what === undefined).map(({ check }) => check));
  const whole = report.stopped === undefined && report.counts['findings beyond the limit'] === undefined && report.counts['places that could not be looked at, beyond those listed'] === undefined && ![...bearsOnAll].some((part) => partly.has(part));
  const sawAll = new Set(report.checks.map(({ id }) => id).filter((id) => whole && !partly.has(id)));
  if (report.stopped === undefined) for (const { id } of report.checks) if (!failed.has(id)) next.looked[id] = now;
  // What was mounted over a finding covers it and does not mend it.
  const covered = report.blind.flatMap(({ check, what }) => (check === 'mounts' && what !== undefined ? [what] : []));
  const isCovered = (path: string | undefined): boolean => path !== undefined && covered.some((at) => path === at || path.startsWith(`${at}/`));
  for (const [id, { check, path }] of Object.entries(next.findings)) {
    if (seen.has(id) || !sawAll.has(check) || isCovered(path)) continue;
    delete next.findings[id];
    const times = (next.gone[id] ?? 0) + 1;
    delete next.gone[id];
    next.gone[id] = times;
  }
  const tooMany = Object.keys(next.gone).length - goneMax;
  if (tooMany > 0) for (const id of Object.keys(next.gone).slice(0, tooMany)) delete next.gone[id];
  return { state: next, fresh, notKept };
}
