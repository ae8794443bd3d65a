/** Programs of Moat's own that work in a process of their own (scan-child, baseline-child): started, listened to, ended at their memory. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { MoatError, saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { besideArguments } from '../linux/beside.ts';
import { waitsFor, workOf, type Work } from '../linux/standstill.ts';
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
  /** It is ended when it neither computed nor read nor said anything for so long: then it waits for what does not answer. */
  still?: { afterMs: number; /** Told before it is ended, with the file that it waits for where the system says so; gives what is said of it. */ onStill: (path: string | undefined, pid: number) => Text };
}

export const leastMemoryMb = 128;

const incomplete: Text = { zh: '安装不完整：重新构建或安装 Moat', en: 'the installation is incomplete: build or install Moat again' };
const memoryEveryMs = 200;
const killAfterMs = 3000;
/** A process that waits for a dead mount cannot be killed; nobody waits for it any longer. */
export const giveUpMs = 3000;
const stillEveryMs = 1000;
/** What rest alone costs: timers, the garbage collector, threads that wake one another by eight bytes. */
const restTicks = 5, restBytes = 4096;
const complaintMax = 4000;
/** What node itself needs beside the heap. */
const beside = 64;

const isFault = (message: { kind: string }): message is Fault => message.kind === 'fault';

/** Resolves when the process has ended: with the reason when that was before its own end. Rejects with the MoatError that it ended with ('fault'), and when it could not be started. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type of what the other side of the pipe reads
export function converse<Request, Message extends { kind: string }>(program: string, request: Request, { signal, maxMemoryMb, moreMemory, onMemory, descriptors = [], onStart, within = [], still }: ConverseOptions, take: (message: Exclude<Message, Fault>) => void): Promise<Text | undefined> {
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
      kill();
    }, memoryEveryMs));
    let said = 0;
    if (still) timers.push(watchStill(() => child.pid, still.afterMs, () => said, (path) => { stopped ??= still.onStill(path, child.pid!); kill(); return true; }));
    let killed = false;
    const kill = (): void => {
      if (killed) return;
      killed = true;
      child.kill('SIGKILL');
      timers.push(setTimeout(giveUp, giveUpMs));
    };
    const giveUp = (): void => {
      settle();
      abandoned.add(child);
      child.on('exit', () => { abandoned.delete(child); });
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
      child.unref();
      if (failure) reject(failure); else resolve(stopped);
    };
    const settle = (): void => {
      for (const timer of timers) clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      const { reason } = signal as { reason: unknown };
      stopped ??= reason instanceof MoatError ? saidBy(reason) : { zh: '被中断', en: 'it was interrupted' };
      child.kill('SIGTERM');
      timers.push(setTimeout(kill, killAfterMs));
    };
    if (signal.aborted) onAbort(); else signal.addEventListener('abort', onAbort, { once: true });
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      said++;
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
    child.on('close', (code, endedBy) => {
      settle();
      if (failure) { reject(failure); return; }
      if (code === 0) { resolve(undefined); return; }
      if (!stopped && /heap out of memory|Allocation failed/i.test(complaint)) stopped = memoryHit();
      if (!stopped && endedBy === 'SIGKILL') stopped = { zh: '进程被系统杀掉（多半是内存不足）', en: 'the system killed it, most likely for want of memory' };
      resolve(stopped ?? { zh: `进程意外结束（${endedBy ?? code}）：${complaint.slice(0, 500)}`, en: `it ended unexpectedly (${endedBy ?? code}): ${complaint.slice(0, 500)}` });
    });
    // It may be gone before it read everything; then 'close' says why. The pipe stays open: its end tells the child that we are gone.
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${JSON.stringify(request)}\n`);
    onStart?.((message) => { child.stdin.write(`${JSON.stringify(message)}\n`); });
  });
}

/** Those that could not be killed, and still wait for what does not answer. */
const abandoned = new Set<ChildProcessWithoutNullStreams>();
export const abandonedChildren = (): number => abandoned.size;

/** Looks are counted, not the clock: what was stopped together with us, or slept, did not stand still. `onStill` gives false for what may go on. */
export function watchStill(pidOf: () => number | undefined, afterMs: number, said: () => number, onStill: (path: string | undefined) => boolean): NodeJS.Timeout {
  let looks = 0;
  let since: { work: Work; said: number } | undefined;
  const timer = setInterval(() => {
    const pid = pidOf();
    const pids = pid === undefined ? [] : [pid, ...childrenOf(pid)];
    const work = workOf(pids);
    const moved = !work || !since || said() !== since.said || Math.abs(work.bytes - since.work.bytes) > restBytes || Math.abs(work.ticks - since.work.ticks) > restTicks;
    if (moved) { since = work && { work, said: said() }; looks = 0; return; }
    if (++looks * stillEveryMs < afterMs) return;
    looks = 0;
    if (onStill(waitsFor(pids))) clearInterval(timer);
  }, stillEveryMs);
  return timer;
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
