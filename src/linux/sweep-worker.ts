/** The thread that asks the kernel about every process id and port; see sweep.ts. */
import { parentPort } from 'node:worker_threads';
import { openProbes } from './probes.ts';
import { stopSweeps, sweep, type IdSweep, type PortSweep, type SweepAnswer } from './sweep.ts';

const port = parentPort;
if (!port) throw new Error('expected to run as the thread that asks the kernel');
const probes = openProbes();
// What goes wrong here is told to whoever asks.
probes.catch(() => undefined);
const stop = new AbortController();
port.on('message', (question: IdSweep | PortSweep | typeof stopSweeps) => {
  if (question !== stopSweeps) { void answer(question); return; }
  stop.abort(new Error('stopped'));
  // Nothing is left that this thread would wait for.
  port.close();
});

async function answer(question: IdSweep | PortSweep): Promise<void> {
  let said: SweepAnswer;
  try { said = { swept: await sweep(await probes, question, stop.signal) }; } catch (error) { said = { error: (error as Error).message }; }
  port!.postMessage(said, []);
}
