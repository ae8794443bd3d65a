/**
 * Signals to one very process and no other. A pid alone is not enough: the kernel hands it out again. So a process is held by a
 * descriptor (pidfd), then its start time is compared, then the signal goes through the descriptor: whoever has the pid by then is not hit.
 */
import { constants } from 'node:os';
import { MoatError } from '../core/error.ts';
import { errorName, loadKoffi, openLibrary, type NativeErrorCode } from './native.ts';
import type { Procfs } from './procfs.ts';

/** A process for good, within one boot. */
export interface ProcessIdentity { pid: number; /** Clock ticks after boot when it started. */ ticks: number }

export type TreeSignal = 'SIGSTOP' | 'SIGCONT' | 'SIGKILL';

export interface Signals {
  /**
   * held     through a pidfd: never another process
   * checked  the start time is looked at just before (kernels before 5.3, a sandbox that forbids pidfd_open, no koffi)
   */
  readonly way: 'held' | 'checked';
  /** False when that very process has ended. Throws MoatError 'native' when the kernel declines (EPERM). */
  send(process: ProcessIdentity, signal: TreeSignal): boolean;
}

/** The same on every architecture: numbers from 424 on are shared. */
const pidfdSendSignal = 424, pidfdOpen = 434;
const noSuchProcess = 3, badArgument = 22;

/** Where nothing holds a process: its start time is looked at just before. */
export function checkedSignals(procfs: Procfs): Signals {
  return {
    way: 'checked',
    send(process, signal) {
      if (!isSame(procfs, process)) return false;
      try {
        globalThis.process.kill(process.pid, signal);
        return true;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code === 'ESRCH') return false;
        throw new MoatError<NativeErrorCode>('native', `expected ${signal} to reach process ${process.pid}, got ${code ?? message}`, { cause: error });
      }
    },
  };
}

/** Never fails: without koffi the start time is checked just before. */
export async function openSignals(procfs: Procfs): Promise<Signals> {
  const checked = checkedSignals(procfs);
  let calls: Awaited<ReturnType<typeof pidfdCalls>>;
  try {
    calls = await pidfdCalls();
  } catch (error) {
    if (error instanceof MoatError) return checked;
    throw error;
  }
  const { open, send, close, errno, name } = calls;
  // Asked about this process itself: what does not work here does not work at all.
  const own = open(process.pid);
  if (own < 0) return checked;
  close(own);
  return {
    way: 'held',
    send(process, signal) {
      const fd = open(process.pid);
      if (fd < 0) {
        const code = errno();
        // EINVAL: the number is a thread's by now.
        if (code === noSuchProcess || code === badArgument) return false;
        return checked.send(process, signal);
      }
      try {
        if (!isSame(procfs, process)) return false;
        if (send(fd, constants.signals[signal]) >= 0) return true;
        const code = errno();
        if (code === noSuchProcess) return false;
        throw new MoatError<NativeErrorCode>('native', `expected ${signal} to reach process ${process.pid}, got ${name(code)}`);
      } finally { close(fd); }
    },
  };
}

const isSame = (procfs: Procfs, { pid, ticks }: ProcessIdentity): boolean => procfs.stat(pid)?.startTicks === ticks;

async function pidfdCalls(): Promise<{ open: (pid: number) => number; send: (fd: number, signal: number) => number; close: (fd: number) => void; errno: () => number; name: (code: number) => string }> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const syscall = lib.func('long syscall(long number, long a, long b, void *c, long d)');
  const close = lib.func('int close(int fd)');
  return {
    open: (pid) => Number(syscall(pidfdOpen, pid, 0, null, 0)),
    send: (fd, signal) => Number(syscall(pidfdSendSignal, fd, signal, null, 0)),
    close: (fd) => { close(fd); },
    errno: () => koffi.errno(),
    name: (code) => errorName(koffi, code),
  };
}
