/** In a checkout the console is built beside the running agent when its sources changed; an installed Moat has it built. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../core/ports.ts';
import { installRoot } from './paths.ts';

export const consoleFolder = (): string => join(installRoot(), 'console/dist');

/** Returns at once. What is built already is found fresh within a moment and left alone. */
export function buildConsole(log: Log): void {
  const root = installRoot();
  const builder = join(root, 'tools/build-console.mjs');
  if (!existsSync(builder) || !existsSync(join(root, 'console/src'))) return;
  const child = spawn(process.execPath, [builder], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  if (child.pid !== undefined) {
    try {
      setPriority(child.pid, constants.priority.PRIORITY_LOW);
    } catch {
      // It ended already, or nobody may: it is built at the ordinary priority then.
    }
  }
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => { said = (said + chunk).slice(-2000); });
  child.on('error', (error) => { log.warn(`console: ${error.message}`); });
  // One that somebody ended has nothing to say.
  child.on('close', (code, signal) => { if (code !== 0 && signal === null) log.warn(`console: cannot build it: ${said.trim()}`); });
}
