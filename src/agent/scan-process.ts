/** Starts a scan in a process of its own, and keeps what it told when it does not come to its end. */
import { totalmem } from 'node:os';
import { MoatError } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import type { Text } from '../core/text.ts';
import { verdictOf, worstFirst, type Blind, type ReportHead, type ScanReport } from '../scan/report.ts';
import type { Progress } from '../scan/runner.ts';
import { abandonedChildren, converse, leastMemoryMb, type ConverseOptions } from './child.ts';
import type { ChildRequest, ScanMessage } from './scan-child.ts';
import type { CheckEntry, ScanRequest } from './scan.ts';
import { mountWaitedFor, stillMs, stillText } from './still.ts';

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
  /** Milliseconds without any progress after which what it waits for is given up; for tests. */
  stillAfterMs?: number;
  /** See converse; for tests. */
  within?: ConverseOptions['within'];
}

/** A quarter of the machine, at least 256 and at most 1024 MiB. */
export const usualMemoryMb = (): number => Math.round(Math.min(1024, Math.max(256, totalmem() / 2 ** 22)));
const moreMemory: Text = { zh: '（可用 --max-memory 调高）', en: ' (--max-memory allows more)' };

/** Mounts that are found not to answer, one after the other, before a scan gives up. */
const silentMax = 3;
/** Scans that wait for dead mounts and cannot be killed: each holds memory. */
const abandonedMax = 4;
/** Mounts that did not answer; what still waits for one would wait again. Forgotten when nothing of ours waits any more. */
const silentMounts = new Set<string>();

/**
 * Resolves with the report, which says so in `stopped` when the scan was cut short (by the signal, its memory, or a crash). What waits
 * for a mount that does not answer is given up, and the scan begun again without that mount, which is told as not looked at.
 * Rejects with MoatError for what was asked wrongly ('no-root', 'no-check') and when it could not even begin ('scan-failed').
 */
export async function scanInProcess(request: ScanRequest, options: ScanProcessOptions): Promise<ScanReport> {
  const waiting = abandonedChildren();
  if (waiting >= abandonedMax) throw new MoatError<ScanProcessErrorCode>('scan-failed', `expected mounts to answer, got none: ${waiting} scans still wait for some and cannot be ended`, { zh: `有 ${waiting} 次扫描还在等不应答的挂载，结束不了`, hint: { zh: `卸载不应答的挂载（umount -l）：${[...silentMounts].join('、')}`, en: `unmount what does not answer (umount -l): ${[...silentMounts].join(', ')}` } });
  if (waiting === 0) silentMounts.clear();
  for (let again = 0; ; again++) {
    const { report, silent } = await scanOnce({ ...request, mounts: { ...request.mounts, silent: [...silentMounts] } }, options);
    if (silent === undefined || silentMounts.has(silent) || again === silentMax || options.signal.aborted) return report;
    silentMounts.add(silent);
    options.warn({ zh: `挂载 ${silent} 不应答；不看它，重新扫描`, en: `the mount ${silent} does not answer: scanning again without it` });
  }
}

/** `silent`: a mount that was waited for until that was given up. */
async function scanOnce(request: ScanRequest, options: ScanProcessOptions): Promise<{ report: ScanReport; silent?: string | undefined }> {
  const findings = new Map<string, Finding>();
  const blind: Blind[] = [];
  let end: Omit<ScanReport, 'findings' | 'blind'> | undefined;
  let files = 0;
  let memoryMb = 0;
  let silent: string | undefined;
  const { root = '/' } = request;
  const { stillAfterMs = stillMs } = options;
  const onStill = (path: string | undefined, pid: number): Text => {
    const mount = mountWaitedFor(path, pid);
    if (mount && mount.at !== '/' && !root.startsWith(`${mount.at}/`) && root !== mount.at) silent = mount.at;
    return stillText(stillAfterMs, path, mount);
  };
  let head: ReportHead = { tree: { kind: root === '/' ? 'machine' : 'folder', name: root }, started: Date.now(), checks: [], known: 0 };
  const stopped = await converse<ChildRequest, ScanMessage>('scan-child', { scan: request, nice: options.nice }, { ...options, moreMemory, still: { afterMs: stillAfterMs, onStill }, onMemory: (mb) => { memoryMb = Math.max(memoryMb, Math.round(mb)); } }, (message) => {
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
  if (end) return { report: { ...end, findings: found, blind, memoryMb } };
  const why = stopped ?? { zh: '扫描进程没有给出结果', en: 'the process of the scan gave no result' };
  blind.push({ check: 'scan', why });
  return { silent, report: { ...head, ended: Date.now(), findings: found, blind, counts: {}, files, spent: {}, memoryMb, verdict: verdictOf(found, blind), stopped: why } };
}

/** Every check there is. In a process of its own, so that the agent need not hold them all. */
export async function askChecks(): Promise<CheckEntry[]> {
  let found: CheckEntry[] | undefined;
  await converse<ChildRequest, ScanMessage>('scan-child', { list: true }, { signal: new AbortController().signal, maxMemoryMb: usualMemoryMb(), moreMemory }, (message) => { if (message.kind === 'checks') found = message.checks; });
  if (!found) throw new MoatError<ScanProcessErrorCode>('scan-failed', 'expected the list of checks, got none', { zh: '没有拿到检查项的列表' });
  return found;
}
