/** For the kill test: runs the sensor and appends each batch to a file in one write, until it is killed. */
import { appendFileSync } from 'node:fs';
import { Recorder } from './testing.ts';

const [store, glob] = process.argv.slice(2) as [string, string];
appendFileSync(store, '\n');
const recorder = new Recorder({ globs: [glob], rescanMs: 100, rotatedWaitMs: 600, rotatedKeepMs: 600, maxEvents: 20 }, Recorder.stored(store).positions, (batch) => {
  appendFileSync(store, `${JSON.stringify({ l: batch.events.map((e) => e.message), p: batch.positions.map((p) => [p.source, p.value]) })}\n`);
});
setInterval(() => { recorder.until(() => true).catch((e: unknown) => { console.error(e); process.exit(1); }); }, 100);
