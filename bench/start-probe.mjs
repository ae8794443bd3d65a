// Loaded into Moat by `node --import` (see start.ts): how long its main thread was at one thing, in processor time, so that what else
// the machine does counts for nothing. `?out=FILE` is written again every half second.
import { openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const everyMs = 1;
const leastMs = 2;

if (isMainThread) {
  const out = new URL(import.meta.url).searchParams.get('out');
  // Of the main thread alone: nanoseconds on a processor, then those spent waiting for one.
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`);
  const bytes = Buffer.alloc(64);
  const cpuMs = () => Number(bytes.latin1Slice(0, readSync(file, bytes, 0, 64, 0)).split(' ')[0]) / 1e6;
  /** When each began, and what it took. */
  const stretches = [];
  /** Moments and what was used until then. */
  const used = [];
  let last = cpuMs();
  let began = Date.now();
  setInterval(() => {
    const now = cpuMs();
    if (now - last > leastMs) stretches.push([began, now - last]);
    last = now;
    began = Date.now();
  }, everyMs).unref();
  setInterval(() => {
    const peakKb = Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    used.push([Date.now(), cpuMs()]);
    writeFileSync(`${out}.new`, JSON.stringify({ stretches, used, peakKb }));
    renameSync(`${out}.new`, out);
  }, 500).unref();
}
