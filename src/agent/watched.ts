/**
 * A command that looks at files as a process of its own, watched by the one that was typed: what waits for a mount that does not answer
 * can neither say so nor be ended, and whoever waits for it would wait for ever.
 */
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import type { Text } from '../core/text.ts';
import { giveUpMs, watchStill } from './child.ts';
import { mountWaitedFor, stillMs, stillText } from './still.ts';

/** Somebody watches this process: it is the one that does the work. */
export const isWatched = (): boolean => process.connected;

export interface WatchedOptions {
  /** Told when it is given up. */
  onStill: (why: Text) => void;
  /** What node runs; default this very command. */
  words?: readonly string[];
  afterMs?: number;
  /** Runs node by this program; for tests: in a namespace of their own. */
  within?: readonly string[];
}

/** Resolves with its exit code, 2 when it was given up. It has our terminal and pipes; signals are handed on. */
export async function runWatched({ onStill, words = process.argv.slice(1), afterMs = stillMs, within = [] }: WatchedOptions): Promise<number> {
  const [first = process.execPath, ...rest] = [...within, process.execPath, ...process.execArgv, ...words];
  const child = spawn(first, rest, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  const handOn = (signal: NodeJS.Signals): void => { child.kill(signal); };
  process.on('SIGINT', handOn).on('SIGTERM', handOn);
  const ours = new Set([0, 1, 2].map(targetOf));
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      timer = watchStill(() => child.pid, afterMs, () => 0, (path) => {
        // Whoever reads what it prints, or types what it asks for, may take long.
        if (path === undefined || ours.has(path)) return false;
        onStill(stillText(afterMs, path, mountWaitedFor(path, child.pid!)));
        child.kill('SIGKILL');
        setTimeout(() => { resolve(2); }, giveUpMs);
        return true;
      });
      child.on('error', reject).on('exit', (code, signal) => { resolve(code ?? (signal === null || signal === 'SIGKILL' ? 2 : 128 + constants.signals[signal])); });
    });
  } finally {
    clearInterval(timer);
    process.off('SIGINT', handOn).off('SIGTERM', handOn);
    if (child.connected) child.disconnect();
    child.unref();
  }
}

function targetOf(descriptor: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch { return undefined; /* it has none */ }
}
