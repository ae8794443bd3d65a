// Loaded into Moat by `node --import` (see start.ts and server.ts): how long its main thread was at one thing, in processor time, so that
// what else the machine does counts for nothing, and by the clock, where it may have waited for the disk. `?out=FILE` is written again
// every half second; `&least=MS`: only stretches of so much processor time.
import { openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const everyMs = 1;

if (isMainThread) {
  const asked = new URL(import.meta.url).searchParams;
  const out = asked.get('out');
  const leastMs = Number(asked.get('least') ?? 2);
  // Of the main thread alone: nanoseconds on a processor, then those spent waiting for one.
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`);
  const bytes = Buffer.alloc(64);
  const cpuMs = () => Number(bytes.latin1Slice(0, readSync(file, bytes, 0, 64, 0)).split(' ')[0]) / 1e6;
  /** When each began, what it took of the processor, and of the clock. */
  const stretches = [];
  /** Moments and what was used until then. */
  const used = [];
  let last = cpuMs();
  let began = Date.now();
  setInterval(() => {
    const now = cpuMs();
    if (now - last > leastMs) stretches.push([began, now - last, Date.now() - began]);
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
