/** Programs of Moat's own that work in a process of their own (scan-child, baseline-child): started, listened to, ended at their memory. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { MoatError, saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { besideArguments } from '../linux/beside.ts';
import type { Fault } from './child-side.ts';

export type ChildErrorCode = 'no-program' | 'not-started';

export interface ConverseOptions {
  /** Aborted: it is told to stop, and killed when it does not. */
  signal: AbortSignal;
  /** Resident memory at which it is killed. */
  maxMemoryMb: number;
  /** How to give it more, added to what is said when it is. */
  moreMemory: Text;
  /** Told now and then how much it and what it started hold, MiB; pages that they share count twice. */
  onMemory?: (mb: number) => void;
  /** Of files that it shall have, from descriptor 3 on. */
  descriptors?: readonly number[];
  /** Once it runs: how to say more to it than the request. */
  onStart?: (say: (message: unknown) => void) => void;
  /** Runs node by this program; for tests: in a namespace of their own. */
  within?: readonly string[];
}

export const leastMemoryMb = 128;

const incomplete: Text = { zh: '安装不完整：重新构建或安装 Moat', en: 'the installation is incomplete: build or install Moat again' };
const memoryEveryMs = 200;
const killAfterMs = 3000;
const complaintMax = 4000;
/** What node itself needs beside the heap. */
const beside = 64;

const isFault = (message: { kind: string }): message is Fault => message.kind === 'fault';

/** Resolves when the process has ended: with the reason when that was before its own end. Rejects with the MoatError that it ended with ('fault'), and when it could not be started. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type of what the other side of the pipe reads
export function converse<Request, Message extends { kind: string }>(program: string, request: Request, { signal, maxMemoryMb, moreMemory, onMemory, descriptors = [], onStart, within = [] }: ConverseOptions, take: (message: Exclude<Message, Fault>) => void): Promise<Text | undefined> {
  const words = besideArguments(import.meta.url, program);
  if (!words) throw new MoatError<ChildErrorCode>('no-program', `expected the program ${program} beside Moat, got nothing`, { zh: `找不到 Moat 自己的程序 ${program}`, hint: incomplete });
  return new Promise((resolve, reject) => {
    const [first = process.execPath, ...rest] = [...within, process.execPath, `--max-old-space-size=${Math.max(leastMemoryMb / 2, maxMemoryMb - beside)}`, ...words];
    // More descriptors than the three pipes, so that the types no longer tell them apart.
    const child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'pipe', ...descriptors], env: environment() }) as ChildProcessWithoutNullStreams;
    let failure: Error | undefined;
    let stopped: Text | undefined;
    let complaint = '';
    const timers: NodeJS.Timeout[] = [];
    const memoryHit = (): Text => ({ zh: `内存用到了上限 ${maxMemoryMb} MiB${moreMemory.zh}`, en: `it took all of the ${maxMemoryMb} MiB of memory it may${moreMemory.en}` });
    timers.push(setInterval(() => {
      const own = residentMb(child.pid);
      onMemory?.(own + childrenOf(child.pid).reduce((sum, pid) => sum + residentMb(pid), 0));
      if (own <= maxMemoryMb) return;
      stopped ??= memoryHit();
      child.kill('SIGKILL');
    }, memoryEveryMs));
    const onAbort = (): void => {
      const { reason } = signal as { reason: unknown };
      stopped ??= reason instanceof MoatError ? saidBy(reason) : { zh: '被中断', en: 'it was interrupted' };
      child.kill('SIGTERM');
      timers.push(setTimeout(() => { child.kill('SIGKILL'); }, killAfterMs));
    };
    if (signal.aborted) onAbort(); else signal.addEventListener('abort', onAbort, { once: true });
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      try {
        const message = JSON.parse(line) as Exclude<Message, Fault> | Fault;
        if (!isFault(message)) take(message);
        else if (!signal.aborted) failure ??= new MoatError(message.code, message.message, message);
      } catch (error) {
        // A line cut off by the end of the process. Anything else would be a fault of ours.
        complaint += `${(error as Error).message}: ${line.slice(0, 80)}\n`;
      }
    });
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => { if (complaint.length < complaintMax) complaint += text; });
    child.on('error', (error) => { failure ??= new MoatError<ChildErrorCode>('not-started', `cannot start ${program}: ${error.message}`, { zh: `启动不了 ${program}：${saidBy(error).zh}`, cause: error }); });
    child.on('close', (code, killed) => {
      for (const timer of timers) clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
      if (failure) { reject(failure); return; }
      if (code === 0) { resolve(undefined); return; }
      if (!stopped && /heap out of memory|Allocation failed/i.test(complaint)) stopped = memoryHit();
      if (!stopped && killed === 'SIGKILL') stopped = { zh: '进程被系统杀掉（多半是内存不足）', en: 'the system killed it, most likely for want of memory' };
      resolve(stopped ?? { zh: `进程意外结束（${killed ?? code}）：${complaint.slice(0, 500)}`, en: `it ended unexpectedly (${killed ?? code}): ${complaint.slice(0, 500)}` });
    });
    // It may be gone before it read everything; then 'close' says why. The pipe stays open: its end tells the child that we are gone.
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${JSON.stringify(request)}\n`);
    onStart?.((message) => { child.stdin.write(`${JSON.stringify(message)}\n`); });
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
