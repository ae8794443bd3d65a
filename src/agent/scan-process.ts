/** Starts a scan in a process of its own, and keeps what it told when it does not come to its end. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { totalmem } from 'node:os';
import { MoatError } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import type { Text } from '../core/text.ts';
import { besideArguments } from '../linux/beside.ts';
import { verdictOf, worstFirst, type Blind, type ReportHead, type ScanReport } from '../scan/report.ts';
import type { Progress } from '../scan/runner.ts';
import type { ChildRequest, ScanMessage } from './scan-child.ts';
import type { CheckEntry, ScanRequest } from './scan.ts';

export type ScanProcessErrorCode = 'no-program' | 'scan-failed';

export interface ScanProcessOptions {
  /** Aborted: the scan is stopped and what it found until then is the report. Its reason, when a MoatError, says why. */
  signal: AbortSignal;
  /** Step back behind other processes. */
  nice: boolean;
  /** Resident memory at which the scan is stopped. */
  maxMemoryMb: number;
  warn: (text: string) => void;
  onProgress?: (progress: Progress) => void;
}

/** A quarter of the machine, at least 256 and at most 1024 MiB. */
export const usualMemoryMb = (): number => Math.round(Math.min(1024, Math.max(256, totalmem() / 2 ** 22)));
export const leastMemoryMb = 128;

const memoryEveryMs = 200;
const killAfterMs = 3000;
const complaintMax = 4000;
/** What node itself needs beside the heap. */
const beside = 64;

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
  const stopped = await converse({ scan: request, nice: options.nice }, { ...options, onMemory: (mb) => { memoryMb = Math.max(memoryMb, Math.round(mb)); } }, (message) => {
    switch (message.kind) {
      case 'begin': ({ head } = message); break;
      case 'finding': findings.set(message.finding.id, message.finding); break;
      case 'blind': blind.push(message.blind); break;
      case 'progress': files = message.progress.files; options.onProgress?.(message.progress); break;
      case 'warn': options.warn(message.text); break;
      case 'end': end = message.report; break;
      case 'checks': case 'fault': break;
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
  await converse({ list: true }, { signal: new AbortController().signal, maxMemoryMb: usualMemoryMb() }, (message) => { if (message.kind === 'checks') found = message.checks; });
  if (!found) throw new MoatError<ScanProcessErrorCode>('scan-failed', 'expected the list of checks, got none');
  return found;
}

/** Resolves when the process has ended: with the reason when that was before its own end. */
function converse(request: ChildRequest, { signal, maxMemoryMb, onMemory }: Pick<ScanProcessOptions, 'signal' | 'maxMemoryMb'> & { onMemory?: (mb: number) => void }, take: (message: ScanMessage) => void): Promise<Text | undefined> {
  const words = besideArguments(import.meta.url, 'scan-child');
  if (!words) throw new MoatError<ScanProcessErrorCode>('no-program', 'expected the scan program beside Moat, got nothing', { hint: 'the installation is incomplete: build or install Moat again' });
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`--max-old-space-size=${Math.max(leastMemoryMb / 2, maxMemoryMb - beside)}`, ...words], { stdio: ['pipe', 'pipe', 'pipe'], env: environment() });
    let failure: Error | undefined;
    let stopped: Text | undefined;
    let complaint = '';
    const timers: NodeJS.Timeout[] = [];
    const memoryHit = (): Text => ({ zh: `内存用到了上限 ${maxMemoryMb} MiB（可用 --max-memory 调高）`, en: `it took all of the ${maxMemoryMb} MiB of memory it may (--max-memory allows more)` });
    timers.push(setInterval(() => {
      const own = residentMb(child.pid);
      onMemory?.(own + childrenOf(child.pid).reduce((sum, pid) => sum + residentMb(pid), 0));
      if (own <= maxMemoryMb) return;
      stopped ??= memoryHit();
      child.kill('SIGKILL');
    }, memoryEveryMs));
    const onAbort = (): void => {
      const { reason } = signal as { reason: unknown };
      stopped ??= reason instanceof MoatError ? { zh: reason.message, en: reason.message } : { zh: '被中断', en: 'it was interrupted' };
      child.kill('SIGTERM');
      timers.push(setTimeout(() => { child.kill('SIGKILL'); }, killAfterMs));
    };
    if (signal.aborted) onAbort(); else signal.addEventListener('abort', onAbort, { once: true });
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      try {
        const message = JSON.parse(line) as ScanMessage;
        if (message.kind === 'fault' && !signal.aborted) failure ??= new MoatError(message.code, message.message, message.hint === undefined ? {} : { hint: message.hint });
        else take(message);
      } catch (error) {
        // A line cut off by the end of the process. Anything else would be a fault of ours.
        complaint += `${(error as Error).message}: ${line.slice(0, 80)}\n`;
      }
    });
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => { if (complaint.length < complaintMax) complaint += text; });
    child.on('error', (error) => { failure ??= new MoatError<ScanProcessErrorCode>('scan-failed', `cannot start the process of the scan: ${error.message}`, { cause: error }); });
    child.on('close', (code, killed) => {
      for (const timer of timers) clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
      if (failure) { reject(failure); return; }
      if (code === 0) { resolve(undefined); return; }
      if (!stopped && /heap out of memory|Allocation failed/i.test(complaint)) stopped = memoryHit();
      if (!stopped && killed === 'SIGKILL') stopped = { zh: '扫描进程被系统杀掉（多半是内存不足）', en: 'the system killed it, most likely for want of memory' };
      resolve(stopped ?? { zh: `扫描进程意外结束（${killed ?? code}）：${complaint.slice(0, 500)}`, en: `it ended unexpectedly (${killed ?? code}): ${complaint.slice(0, 500)}` });
    });
    // It may be gone before it read everything; then 'close' says why. The pipe stays open: its end tells the child that we are gone.
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${JSON.stringify(request)}\n`);
  });
}

/** Those that its main thread started: YARA's engine, which has a limit of its own. */
function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch { return []; /* it is gone, or this kernel does not tell */ }
}

/** 0 when it is gone. */
function residentMb(pid: number | undefined): number {
  try {
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch { return 0; }
}

const passed = ['PATH', 'TZ', 'LANG', 'HOME', 'NODE_EXTRA_CA_CERTS'];
const environment = (): NodeJS.ProcessEnv => Object.fromEntries(passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
