/** For tests: a folder with a log for each of them, and sensors on it that end with the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Batch } from '../../core/ports.ts';
import { Recorder } from './testing.ts';
import type { RecorderOptions } from './testing.ts';

export let dir = '';
export let log = '';
let running: Recorder[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'moat-logfile-'));
  log = join(dir, 'app.log');
  running = [];
});
afterEach(async () => {
  for (const r of running) await r.stop();
  rmSync(dir, { recursive: true, force: true });
});

export function start(from?: Pick<Recorder, 'positions'>, more: Partial<RecorderOptions> = {}, store?: (batch: Batch) => void): Recorder {
  const r = new Recorder({ globs: [join(dir, '*.log')], rescanMs: 200, rotatedWaitMs: 600, rotatedKeepMs: 600, flushMs: 50, ...more }, from?.positions, store);
  running.push(r);
  return r;
}
export const numbered = (from: number, to: number): string => Array.from({ length: to - from }, (_, i) => `line ${from + i} of this log\n`).join('');
export const expected = (from: number, to: number): string[] => numbered(from, to).trimEnd().split('\n');
