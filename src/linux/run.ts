/** Runs one program of the machine and gives what it said. Never through a shell. */
import { spawn } from 'node:child_process';
import { MoatError } from '../core/error.ts';

export type RunErrorCode = 'no-program' | 'timed-out' | 'cut';

export interface RunResult { code: number; stdout: string; stderr: string }

export interface RunOptions { input?: string | undefined; timeoutMs?: number; signal?: AbortSignal | undefined; outputMax?: number; env?: Readonly<Record<string, string>>; /** Folder it begins in. */ cwd?: string; /** Runs as this account and no other group. */ as?: { uid: number; gid: number } }

/** `prefix` stands before every program: `ip netns exec NAME` lets a test work in a network namespace of its own. */
export type Run = (program: string, args: readonly string[], options?: RunOptions) => Promise<RunResult>;

const usualMs = 10_000;
const usualOutput = 16 << 20;
/** Where a program of the system lies; the PATH of whoever started Moat decides nothing. */
const path = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Rejects with MoatError 'no-program' when it is not installed, 'timed-out' when it took too long, 'cut' when it said too much. A bad exit code is a result. */
export function runner(prefix: readonly string[] = []): Run {
  return (program, args, { input, timeoutMs = usualMs, signal, outputMax = usualOutput, env = {}, cwd, as } = {}) => new Promise((resolve, reject) => {
    const [first = program, ...rest] = [...prefix, program, ...args];
    const child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: path, LC_ALL: 'C', ...env }, ...(signal && { signal }), ...(cwd !== undefined && { cwd }), ...(as && { uid: as.uid, gid: as.gid }) });
    const out: Buffer[] = [], err: Buffer[] = [];
    let size = 0;
    let fault: MoatError<RunErrorCode> | undefined;
    const stop = (error: MoatError<RunErrorCode>): void => { fault ??= error; child.kill('SIGKILL'); };
    const timer = setTimeout(() => stop(new MoatError<RunErrorCode>('timed-out', `expected ${program} to end within ${timeoutMs} ms, it did not`, { zh: `${program} 在 ${timeoutMs} 毫秒内没有结束` })), timeoutMs);
    const gather = (into: Buffer[]) => (chunk: Buffer): void => {
      size += chunk.length;
      if (size > outputMax) stop(new MoatError<RunErrorCode>('cut', `expected at most ${outputMax} bytes from ${program}, got more`, { zh: `${program} 输出超过 ${outputMax} 字节` }));
      else into.push(chunk);
    };
    child.stdout.on('data', gather(out));
    child.stderr.on('data', gather(err));
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(error.code === 'ENOENT' ? new MoatError<RunErrorCode>('no-program', `expected the program ${program}, it is not installed`, { zh: `没有安装 ${program}`, cause: error }) : error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (fault) reject(fault);
      else resolve({ code: code ?? -1, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') });
    });
    // A program that ends before it has read all: its exit code tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}
