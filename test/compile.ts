/** Small C programs for tests of live checks. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that goes when the test ends. */
export function temporary(prefix = 'moat-test-', parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, prefix));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Compiles `source` to `to`. */
export function compile(source: string, to: string, options: readonly string[] = []): string {
  const file = `${to}.c`;
  writeFileSync(file, source);
  execFileSync('gcc', ['-O0', '-o', to, file, ...options], { stdio: 'pipe' });
  return to;
}

/** Starts a program that says a line when it is ready; it ends with the test. */
export async function start(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<ChildProcess & { pid: number }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...(env && { env }) });
  onTestFinished(() => { child.kill('SIGKILL'); });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`expected ${command} to run, it ended with ${code}`)));
  });
  return child as ChildProcess & { pid: number };
}

/** Ends it and waits until it is gone. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => { child.once('exit', () => resolve()); child.kill('SIGKILL'); });
}
