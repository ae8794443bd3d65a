/** Starts a scan in a process of its own, and keeps what it told when it does not come to its end. */
import { totalmem } from 'node:os';
import { MoatError } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import type { Text } from '../core/text.ts';
import { verdictOf, worstFirst, type Blind, type ReportHead, type ScanReport } from '../scan/report.ts';
import type { Progress } from '../scan/runner.ts';
import { converse, leastMemoryMb } from './child.ts';
import type { ChildRequest, ScanMessage } from './scan-child.ts';
import type { CheckEntry, ScanRequest } from './scan.ts';

export { leastMemoryMb };
export type ScanProcessErrorCode = 'scan-failed';

export interface ScanProcessOptions {
  /** Aborted: the scan is stopped and what it found until then is the report. Its reason, when a MoatError, says why. */
  signal: AbortSignal;
  /** Step back behind other processes. */
  nice: boolean;
  /** Resident memory at which the scan is stopped. */
  maxMemoryMb: number;
  warn: (text: Text) => void;
  onProgress?: (progress: Progress) => void;
}

/** A quarter of the machine, at least 256 and at most 1024 MiB. */
export const usualMemoryMb = (): number => Math.round(Math.min(1024, Math.max(256, totalmem() / 2 ** 22)));
const moreMemory: Text = { zh: '（可用 --max-memory 调高）', en: ' (--max-memory allows more)' };

/**
 * Resolves with the report, which says so in `stopped` when the scan was cut short (by the signal, its memory, or a crash).
 * Rejects with MoatError for what was asked wrongly ('no-root', 'no-check') and when it could not even begin.
 */
export async function scanInProcess(request: ScanRequest, options: ScanProcessOptions): Promise<ScanReport> {
  const findings = new Map<string, Finding>();
  const blind: Blind[] = [];
  let end: Omit<ScanReport, 'findings' | 'blind'> | undefined;
  let files = 0;
  let memoryMb = 0;
  const { root = '/' } = request;
  let head: ReportHead = { tree: { kind: root === '/' ? 'machine' : 'folder', name: root }, started: Date.now(), checks: [], known: 0 };
  const stopped = await converse<ChildRequest, ScanMessage>('scan-child', { scan: request, nice: options.nice }, { ...options, moreMemory, onMemory: (mb) => { memoryMb = Math.max(memoryMb, Math.round(mb)); } }, (message) => {
    switch (message.kind) {
      case 'begin': ({ head } = message); break;
      case 'finding': findings.set(message.finding.id, message.finding); break;
      case 'blind': blind.push(message.blind); break;
      case 'progress': files = message.progress.files; options.onProgress?.(message.progress); break;
      case 'warn': options.warn(message.text); break;
      case 'end': end = message.report; break;
      case 'checks': break;
    }
  });
  const found = [...findings.values()].sort(worstFirst);
  if (end) return { ...end, findings: found, blind, memoryMb };
  const why = stopped ?? { zh: '扫描进程没有给出结果', en: 'the process of the scan gave no result' };
  blind.push({ check: 'scan', why });
  return { ...head, ended: Date.now(), findings: found, blind, counts: {}, files, spent: {}, memoryMb, verdict: verdictOf(found, blind), stopped: why };
}

/** Every check there is. In a process of its own, so that the agent need not hold them all. */
export async function askChecks(): Promise<CheckEntry[]> {
  let found: CheckEntry[] | undefined;
  await converse<ChildRequest, ScanMessage>('scan-child', { list: true }, { signal: new AbortController().signal, maxMemoryMb: usualMemoryMb(), moreMemory }, (message) => { if (message.kind === 'checks') found = message.checks; });
  if (!found) throw new MoatError<ScanProcessErrorCode>('scan-failed', 'expected the list of checks, got none', { zh: '没有拿到检查项的列表' });
  return found;
}
